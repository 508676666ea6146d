/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* When a program that was detached has ended. */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "progs.h"

#define TRIES 10000 /* of 1 ms */

static void note_link(const char *path, struct progs_ends *ends)
{
	struct bpf_link_info info = {0};
	__u32 size = sizeof(info);
	int fd = bpf_obj_get(path);

	if (fd < 0)
		return;
	if (!bpf_link_get_info_by_fd(fd, &info, &size)) {
		ends->link[ends->n] = info.id;
		ends->prog[ends->n] = info.prog_id;
		if (info.type == BPF_LINK_TYPE_STRUCT_OPS)
			ends->map[ends->n] = info.struct_ops.map_id;
		ends->n++;
	}
	close(fd);
}

void progs_ends_note(const char *dir, struct progs_ends *ends)
{
	struct dirent *entry;
	DIR *stream = opendir(dir);
	char path[PATH_MAX];

	memset(ends, 0, sizeof(*ends));
	while (stream && (entry = readdir(stream)) && ends->n < PROGS_LINKS_MAX) {
		if (strncmp(entry->d_name, "link_", 5))
			continue;
		snprintf(path, sizeof(path), "%.3800s/%.255s", dir, entry->d_name);
		note_link(path, ends);
	}
	if (stream)
		closedir(stream);
}

/* Is there one of this number? @get opens it. */
static bool exists(int (*get)(__u32 id), __u32 id)
{
	int fd = id ? get(id) : -1;

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int progs_ends_wait(const struct progs_ends *ends, struct pvs_progs_log *log)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	int tries = 0;

	for (uint32_t i = 0; i < ends->n; i++) {
		while (exists(bpf_link_get_fd_by_id, ends->link[i]) ||
		       exists(bpf_prog_get_fd_by_id, ends->prog[i]) ||
		       exists(bpf_map_get_fd_by_id, ends->map[i])) {
			if (tries++ == TRIES)
				return progs_refuse(log, -ETIMEDOUT,
						    "the kernel still has link %u: another process "
						    "holds it; bpftool link show names it",
						    ends->link[i]);
			nanosleep(&pause, NULL);
		}
	}
	/* A CPU may still be in one: this waits until each was outside. */
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	return 0;
}
