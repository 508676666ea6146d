/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * /tmp/perf-PID.map: a line "START SIZE NAME" for each program, numbers in hexadecimal. perf reads
 * it when it reports, so lines stay when programs go. /tmp is everyone's: what somebody else put
 * there under the name is not written to.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bpf_engine.h"
#include "jit/perf_map.h"

static atomic_bool perf_map_on;

void bpfe_perf_map(bool on)
{
	atomic_store(&perf_map_on, on);
}

bool jit_perf_map_wanted(void)
{
	const char *value;

	if (atomic_load(&perf_map_on))
		return true;
	value = getenv("SLUICE_PERF_MAP");
	return value && value[0] == '1' && !value[1];
}

/* A regular file of ours, or -1. */
static int perf_map_open(void)
{
	char path[64];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "/tmp/perf-%ld.map", (long)getpid());
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0644);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid())
		return fd;
	close(fd);
	return -1;
}

void jit_perf_map_add(const char *name, const void *code, size_t size)
{
	ssize_t written;
	char line[160];
	int n, fd;

	if (!jit_perf_map_wanted())
		return;
	fd = perf_map_open();
	if (fd < 0)
		return;
	n = snprintf(line, sizeof(line), "%lx %zx %.100s\n", (unsigned long)(uintptr_t)code, size,
		     name);
	/* One write, so that threads do not mix lines. A full disk costs the name and no more. */
	written = write(fd, line, (size_t)n);
	(void)written;
	close(fd);
}
