/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The system calls that read and change a thread's scheduling. */
#include "sched_sys.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PIDFD_OF_THREAD 0x80u /* PIDFD_THREAD of Linux 6.9 */

_Static_assert(sizeof(struct pvs_sched_attr) == 48, "sched_attr, first version");

static int result(long ret)
{
	return ret < 0 ? -errno : (int)ret;
}

int pvs_sys_getattr(pid_t tid, struct pvs_sched_attr *attr)
{
	int saved = errno, ret;

	memset(attr, 0, sizeof(*attr));
	ret = result(syscall(SYS_sched_getattr, tid, attr, sizeof(*attr), 0));
	errno = saved;
	return ret;
}

int pvs_sys_setattr(pid_t tid, struct pvs_sched_attr *attr)
{
	int saved = errno, ret;

	attr->size = sizeof(*attr);
	ret = result(syscall(SYS_sched_setattr, tid, attr, 0));
	errno = saved;
	return ret;
}

void pvs_sys_give_bandwidth_back(pid_t tid)
{
	/* The least runtime that is taken in nearly the longest period: rounds to no bandwidth. */
	struct pvs_sched_attr least = {
		.policy = PVS_SCHED_DEADLINE,
		.runtime = 1024,
		.deadline = 4000000000,
		.period = 4000000000,
	};

	pvs_sys_setattr(tid, &least);
}

int pvs_sys_getaffinity(pid_t tid, uint64_t *mask)
{
	int saved = errno, ret;

	memset(mask, 0, PVS_CPU_WORDS * sizeof(*mask));
	ret = result(syscall(SYS_sched_getaffinity, tid, PVS_CPU_WORDS * sizeof(*mask), mask));
	errno = saved;
	return ret < 0 ? ret : 0;
}

int pvs_sys_setaffinity(pid_t tid, const uint64_t *mask)
{
	int saved = errno, ret;

	ret = result(syscall(SYS_sched_setaffinity, tid, PVS_CPU_WORDS * sizeof(*mask), mask));
	errno = saved;
	return ret;
}

int pvs_sys_pidfd(pid_t tid)
{
	int saved = errno, ret;

	ret = result(syscall(SYS_pidfd_open, tid, PIDFD_OF_THREAD));
	if (ret == -EINVAL)
		ret = result(syscall(SYS_pidfd_open, tid, 0));
	errno = saved;
	return ret;
}

bool pvs_sys_pidfd_alive(int fd)
{
	int saved = errno, ret;

	/* -EPERM: somebody is there whom we may not signal. */
	ret = result(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
	errno = saved;
	return ret != -ESRCH;
}
