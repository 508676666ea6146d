/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* How a thread was scheduled before anybody changed it, and back to that. */
#include "baseline.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"

#define STAT_START_FIELD 22   /* proc(5): starttime */
#define KNOWN_FLAGS      0x7u /* RESET_ON_FORK, RECLAIM, DL_OVERRUN: those that can be set again */

uint64_t pvs_thread_start(pid_t tid)
{
	char path[64], text[1024], *at;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	/* The name is the second field and may hold anything, parentheses too. */
	at = strrchr(text, ')');
	for (int field = 2; at && field < STAT_START_FIELD; field++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at + 1, NULL, 10) : 0;
}

int pvs_baseline_capture(struct pvs_baseline *base, pid_t tid, uint64_t default_slice)
{
	int ret;

	base->dirty = 0;
	base->home[0] = base->own[0] = '\0';
	base->start = pvs_thread_start(tid);
	if (!base->start)
		return -ESRCH;
	ret = pvs_sys_getattr(tid, &base->attr);
	if (ret < 0)
		return ret;
	ret = pvs_sys_getaffinity(tid, base->affinity);
	if (ret < 0)
		return ret;
	base->attr.flags &= KNOWN_FLAGS;
	if (base->attr.policy != PVS_SCHED_DEADLINE && base->attr.runtime == default_slice)
		base->attr.runtime = 0;
	__atomic_store_n(&base->tid, tid, __ATOMIC_RELEASE);
	return 0;
}

static void restore_attr(struct pvs_baseline *base, uint32_t dirty)
{
	struct pvs_sched_attr now;

	if ((dirty & PVS_DIRTY_DEADLINE) && base->attr.policy != PVS_SCHED_DEADLINE &&
	    pvs_sys_getattr(base->tid, &now) == 0 && now.policy == PVS_SCHED_DEADLINE)
		pvs_sys_give_bandwidth_back(base->tid);
	pvs_sys_setattr(base->tid, &base->attr);
}

/* DEADLINE needs the whole affinity, and a narrow one needs not to be DEADLINE. */
static void restore_sched(struct pvs_baseline *base, uint32_t dirty)
{
	bool narrow_last = base->attr.policy != PVS_SCHED_DEADLINE;

	if ((dirty & PVS_DIRTY_AFFINITY) && !narrow_last)
		pvs_sys_setaffinity(base->tid, base->affinity);
	if (dirty & PVS_DIRTY_ATTR)
		restore_attr(base, dirty);
	if ((dirty & PVS_DIRTY_AFFINITY) && narrow_last)
		pvs_sys_setaffinity(base->tid, base->affinity);
}

static void restore_thread(struct pvs_baseline *base, uint32_t dirty)
{
	if (dirty & PVS_DIRTY_CGROUP)
		pvs_cgroup_put(base->home, base->tid);
	restore_sched(base, dirty);
}

static void restore(struct pvs_baseline *base, uint32_t dirty, bool alive)
{
	if (alive)
		restore_thread(base, dirty);
	pvs_baseline_tidy(base);
}

bool pvs_baseline_tidy(struct pvs_baseline *base)
{
	if (base->own[0] && pvs_cgroup_remove(base->own) == -EBUSY)
		return false;
	base->own[0] = '\0';
	return true;
}

/* The mark goes last: if we end before, there is still the guard. */
void pvs_baseline_restore(struct pvs_baseline *base)
{
	restore(base, __atomic_load_n(&base->dirty, __ATOMIC_ACQUIRE), true);
	__atomic_store_n(&base->dirty, 0, __ATOMIC_RELEASE);
}

/* The mark goes first, as below. Which cgroup was made for it may just be being written. */
void pvs_baseline_rescue(struct pvs_baseline *base)
{
	restore_thread(base, __atomic_exchange_n(&base->dirty, 0, __ATOMIC_ACQ_REL));
}

/* The mark goes first: a process that the guard took for stuck may mark it anew meanwhile. */
void pvs_baseline_restore_checked(struct pvs_baseline *base)
{
	uint32_t dirty = __atomic_exchange_n(&base->dirty, 0, __ATOMIC_ACQ_REL);

	restore(base, dirty, pvs_thread_start(base->tid) == base->start);
}
