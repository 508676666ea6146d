/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Threads whose scheduling may be changed: their baseline, and what they ran. */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "vm.h"

/* The CPU-time clock of a thread of this process, as clock_gettime(2) numbers them: unlike
 * schedstat it is right to the ns while the thread runs. */
static clockid_t thread_clock(pid_t tid)
{
	return (clockid_t)(~(unsigned)tid << 3 | 6u);
}

static uint64_t timespec_ns(const struct timespec *ts)
{
	return (uint64_t)ts->tv_sec * 1000000000u + (uint64_t)ts->tv_nsec;
}

int pvs_thread_open(struct pvs_vm *vm, pid_t tid, struct pvs_thread *thread, struct pvs_log *log)
{
	struct timespec ts;
	int err;

	*thread = (struct pvs_thread){.tid = tid, .stat_fd = -1};
	if (vm->actuator.ops) {
		err = vm->actuator.ops->capture(vm->actuator.opaque, tid, &thread->handle);
		if (err == -EBUSY)
			return pvs_refuse(log, err,
					  "thread %d: it is somebody's already; a thread is one "
					  "vCPU's or serves one VM",
					  (int)tid);
		if (err)
			return pvs_refuse(log, err,
					  "thread %d: its scheduling cannot be read (%s); a thread "
					  "of this machine that exists is needed",
					  (int)tid, strerrorname_np(-err));
	}
	errno = 0;
	thread->base_nice = getpriority(PRIO_PROCESS, (id_t)tid);
	if (errno)
		thread->base_nice = 0;
	thread->stat_fd = pvs_schedstat_open(tid);
	thread->clock = thread_clock(tid);
	thread->has_clock = !clock_gettime(thread->clock, &ts);
	return 0;
}

void pvs_thread_close(struct pvs_vm *vm, struct pvs_thread *thread)
{
	if (thread->handle)
		vm->actuator.ops->release(vm->actuator.opaque, thread->handle);
	if (thread->stat_fd >= 0)
		close(thread->stat_fd);
	*thread = (struct pvs_thread){.stat_fd = -1};
}

bool pvs_thread_run_ns(const struct pvs_thread *thread, uint64_t *run_ns)
{
	struct timespec ts;
	uint64_t wait_ns;

	if (thread->has_clock && !clock_gettime(thread->clock, &ts)) {
		*run_ns = timespec_ns(&ts);
		return true;
	}
	return thread->stat_fd >= 0 && !pvs_schedstat_read(thread->stat_fd, run_ns, &wait_ns);
}
