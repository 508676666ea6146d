/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What the parts of the Linux actuator share. */
#ifndef PVS_ACTUATOR_LINUX_H
#define PVS_ACTUATOR_LINUX_H

#include "baseline.h"
#include "cgroup.h"
#include "guard.h"
#include "pvs.h"

#define PVS_SLICE_MIN 100000ull /* ns: what the kernel clamps to */
#define PVS_SLICE_MAX 100000000ull

/* What trying it out on a thread of our own told. */
struct pvs_probe {
	uint32_t actuators; /* PVS_ACT_* */
	int nice_min;       /* lowest nice that may be given */
	unsigned prio_max;  /* greatest FIFO priority, 0: none */
	uint64_t
		default_slice; /* ns, of a thread that asked for none; 0: not shown (before 6.12) */
	bool reset_on_fork;    /* can be set and cleared again */
};

struct pvs_thread;

struct pvs_linux {
	struct pvs_probe probe; /* all actuators, whatever was wanted */
	struct pvs_guard *guard;
	bool has_cgroup;
	struct pvs_cgroup cgroup;
	struct pvs_thread *threads; /* those that are captured */
};

/*
 * Try each of @wanted (PVS_ACT_*) on a thread that is made for it and ends. What does not work is
 * explained in @log with what would permit it. -errno: no thread.
 */
int pvs_probe_run(const struct pvs_cgroup *cgroup, uint32_t wanted, struct pvs_probe *probe,
		  struct pvs_log *log);

#endif
