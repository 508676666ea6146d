/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * A cgroup per thread under a parent that the administrator named: cpu.weight of a threaded cgroup
 * (v2), or cpu.shares (v1).
 */
#ifndef PVS_CGROUP_H
#define PVS_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pvs.h"

struct pvs_cgroup {
	bool v2;
	char parent[160]; /* under which cgroups are made */
	char root[160];   /* of the hierarchy: the highest directory that is a cgroup */
};

/* -ENOENT: @parent is no cgroup with a cpu controller; -EACCES; -ENAMETOOLONG. Explained. */
int pvs_cgroup_open(struct pvs_cgroup *cgroup, const char *parent, struct pvs_log *log);

/* The file that takes @tid to put it back where it is now, into @home of @size. -ESRCH, -ENOENT. */
int pvs_cgroup_home(const struct pvs_cgroup *cgroup, pid_t tid, char *home, size_t size);
/* Make a cgroup for @tid, its path into @own of @size, with weight 100. -errno of mkdir(2),
 * write(2).
 */
int pvs_cgroup_make(const struct pvs_cgroup *cgroup, pid_t tid, char *own, size_t size);
/* @weight: 1..10000. */
int pvs_cgroup_weight(const struct pvs_cgroup *cgroup, const char *own, uint32_t weight);
int pvs_cgroup_enter(const struct pvs_cgroup *cgroup, const char *own, pid_t tid);
/* Write @tid to @file: cgroup.threads or tasks of a cgroup. -ESRCH, -EACCES, -EOPNOTSUPP. */
int pvs_cgroup_put(const char *file, pid_t tid);
/*
 * rmdir(2). -EBUSY also while a thread in it exits: that one can no longer be put elsewhere, and
 * leaves when it is through (kernel/exit.c: cgroup_exit() comes after exit_files(), by which others
 * learn of the end).
 */
int pvs_cgroup_remove(const char *own);

#endif
