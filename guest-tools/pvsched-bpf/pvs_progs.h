/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The guest's BPF programs of paravirtual scheduling, and how they are brought in and taken out.
 *
 * libpvs_progs.a holds the programs' objects; `make -C guest-tools/pvsched-bpf BTF=VMLINUX OUT=DIR`
 * builds it for one kernel: sched_ext schedulers are there only if that kernel has sched_ext. Link
 * with -lbpf -lelf -lz.
 *
 * A loaded program belongs to nobody: its links are pinned under PVS_PROGS_DIR/NAME and it works
 * until it is unloaded, whoever loaded it. Its kfuncs are of sluice_pvsched.ko, which cannot be
 * removed while a program is loaded.
 *
 * Functions return 0 or a negative errno; @log (may be NULL) then says what was refused, why, and
 * what would be accepted, in lines without a newline at the end. They block for the verifier; one
 * thread at a time, several processes are kept apart by a lock on PVS_PROGS_DIR.
 */
#ifndef PVS_PROGS_H
#define PVS_PROGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PVS_PROGS_DIR "/sys/fs/bpf/sluice-pvsched"

struct pvs_progs_log {
	char text[8192]; /* NUL-terminated, cut at its size */
	size_t len;
};

enum pvs_prog_option_type {
	PVS_OPTION_BOOL, /* on, off */
	PVS_OPTION_NUMBER,
	PVS_OPTION_LIST, /* words of `values`, separated by commas; "none" */
	PVS_OPTION_WORD, /* one of `values` */
};

struct pvs_prog_option {
	const char *name, *help;
	const char *preset; /* as text */
	enum pvs_prog_option_type type;
	const char *const *values; /* NULL-terminated, for LIST and WORD */
	uint64_t min, max;         /* for NUMBER */
};

/* What can be loaded. */
struct pvs_prog {
	const char *name, *summary;
	const struct pvs_prog_option *options; /* the last one has no name */
};

/* All programs of this build, the last one without a name. Never freed. */
const struct pvs_prog *pvs_progs_table(void);

/*
 * Load, attach and pin the program called @name. @settings: "OPTION=VALUE" strings, the last one
 * NULL; NULL: all presets. -ENOENT: no such program in this build. -EINVAL: an unknown option or a
 * value out of its range. -EEXIST: it is loaded. -ENODEV: the module is not loaded, or has no
 * device. -EPERM: needs root (CAP_BPF, CAP_PERFMON). -EACCES: refused by the verifier. -EBUSY:
 * another sched_ext scheduler runs. Nothing is left behind after an error.
 */
int pvs_prog_load(const char *name, const char *const *settings, struct pvs_progs_log *log);

/*
 * Take it out. When this returns no program of it runs any more, and the pages say nothing that
 * only it would have taken back. -ENOENT: not loaded.
 */
int pvs_prog_unload(const char *name, struct pvs_progs_log *log);

#define PVS_PROG_COUNTERS 16

struct pvs_prog_counter {
	const char *name;
	uint64_t value; /* summed over CPUs, since it was loaded */
};

struct pvs_prog_state {
	const struct pvs_prog *prog;
	bool alive; /* false: pinned, but ended by the kernel (sched_ext ejected it): unload it */
	uint32_t hooks;        /* programs attached */
	uint64_t runs, run_ns; /* of all hooks; 0 unless kernel.bpf_stats_enabled */
	struct pvs_prog_counter
		counters[PVS_PROG_COUNTERS]; /* the last one has no name, if fewer */
};

/* Call @fn for each loaded program; it returns 0 to go on. Returns what @fn returned. */
int pvs_prog_list(int (*fn)(void *opaque, const struct pvs_prog_state *state), void *opaque,
		  struct pvs_progs_log *log);

#endif
