/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * A thread's run and wait time from /proc: needs no privilege for threads of our own user. The
 * kernel brings the figures up to date at switches and ticks, so they lag by up to a tick of its.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "pvs.h"

int pvs_schedstat_open(pid_t tid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	return errno == ENOENT ? -ESRCH : -errno;
}

int pvs_schedstat_read(int fd, uint64_t *run_ns, uint64_t *wait_ns)
{
	char text[96];
	const ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n < 0)
		return errno == ESRCH ? -ESRCH : -EIO;
	text[n] = '\0';
	return sscanf(text, "%" SCNu64 " %" SCNu64, run_ns, wait_ns) == 2 ? 0 : -EIO;
}
