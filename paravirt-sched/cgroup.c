/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A cgroup per thread: cpu.weight (v2) or cpu.shares (v1). */
#include "cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH 512

/* cpu.shares that are cpu.weight's default of 100. */
#define SHARES_PER_100 1024u

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

static int write_below(const char *directory, const char *file, const char *text)
{
	char path[PATH];

	if (snprintf(path, sizeof(path), "%s/%s", directory, file) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	return write_text(path, text);
}

static bool has(const char *directory, const char *file)
{
	char path[PATH];

	return snprintf(path, sizeof(path), "%s/%s", directory, file) < (int)sizeof(path) &&
	       access(path, F_OK) == 0;
}

static void find_root(struct pvs_cgroup *cgroup)
{
	char above[sizeof(cgroup->root)], *slash;

	strcpy(above, cgroup->parent);
	strcpy(cgroup->root, cgroup->parent);
	while ((slash = strrchr(above, '/')) && slash != above) {
		*slash = '\0';
		if (!has(above, "cgroup.procs"))
			break;
		strcpy(cgroup->root, above);
	}
}

static int no_cpu(const struct pvs_cgroup *cgroup, struct pvs_log *log)
{
	return pvs_refuse(
		log, -ENOENT,
		"cgroup %s: neither cpu.shares (v1) nor cgroup.threads (v2) is there; name "
		"a directory of a cgroup hierarchy that has the cpu controller",
		cgroup->parent);
}

int pvs_cgroup_open(struct pvs_cgroup *cgroup, const char *parent, struct pvs_log *log)
{
	size_t len = strlen(parent);
	int ret;

	while (len > 1 && parent[len - 1] == '/')
		len--;
	if (len >= sizeof(cgroup->parent))
		return pvs_refuse(log, -ENAMETOOLONG,
				  "cgroup %s: the path has %zu bytes, at most %zu are taken",
				  parent, len, sizeof(cgroup->parent) - 1);
	memcpy(cgroup->parent, parent, len);
	cgroup->parent[len] = '\0';
	cgroup->v2 = has(cgroup->parent, "cgroup.threads");
	if (!cgroup->v2 && !has(cgroup->parent, "cpu.shares"))
		return no_cpu(cgroup, log);
	if (cgroup->v2) {
		ret = write_below(cgroup->parent, "cgroup.subtree_control", "+cpu");
		if (ret < 0)
			return pvs_refuse(log, ret,
					  "cgroup %s: cannot enable the cpu controller for its "
					  "children: %s; the cgroup must be delegated to this user "
					  "and its own cgroup.controllers must list cpu",
					  cgroup->parent, strerror(-ret));
	}
	find_root(cgroup);
	return 0;
}

/* Is "cpu" one of the names between commas at @list, which ends at a colon? */
static bool lists_cpu(const char *list)
{
	while (*list != ':' && *list) {
		size_t n = strcspn(list, ",:");

		if (n == 3 && strncmp(list, "cpu", 3) == 0)
			return true;
		list += n + (list[n] == ',');
	}
	return false;
}

/* A line of /proc/TID/cgroup: "id:controllers:path". NULL: of another hierarchy. */
static const char *line_path(const struct pvs_cgroup *cgroup, char *line)
{
	char *controllers = strchr(line, ':'), *path;

	path = controllers ? strchr(controllers + 1, ':') : NULL;
	if (!path || (cgroup->v2 ? controllers[1] != ':' : !lists_cpu(controllers + 1)))
		return NULL;
	path[strcspn(path, "\n")] = '\0';
	return path + 1;
}

int pvs_cgroup_home(const struct pvs_cgroup *cgroup, pid_t tid, char *home, size_t size)
{
	char name[64], line[PATH];
	const char *path = NULL;
	FILE *file;

	snprintf(name, sizeof(name), "/proc/%d/cgroup", (int)tid);
	file = fopen(name, "re");
	if (!file)
		return -ESRCH;
	while (!path && fgets(line, sizeof(line), file))
		path = line_path(cgroup, line);
	fclose(file);
	if (!path)
		return -ENOENT;
	if (strcmp(path, "/") == 0)
		path = "";
	if (snprintf(home, size, "%s%s/%s", cgroup->root, path,
		     cgroup->v2 ? "cgroup.threads" : "tasks") >= (int)size)
		return -ENAMETOOLONG;
	return 0;
}

int pvs_cgroup_make(const struct pvs_cgroup *cgroup, pid_t tid, char *own, size_t size)
{
	int ret = 0;

	if (snprintf(own, size, "%s/sluice-%d", cgroup->parent, (int)tid) >= (int)size)
		return -ENAMETOOLONG;
	/* One left behind by somebody who had no guard serves as well. */
	if (mkdir(own, 0755) < 0 && errno != EEXIST)
		ret = -errno;
	if (ret == 0 && cgroup->v2)
		ret = write_below(own, "cgroup.type", "threaded");
	if (ret < 0)
		own[0] = '\0';
	return ret;
}

int pvs_cgroup_weight(const struct pvs_cgroup *cgroup, const char *own, uint32_t weight)
{
	uint64_t shares = (uint64_t)weight * SHARES_PER_100 / 100;
	char text[32];

	if (cgroup->v2)
		snprintf(text, sizeof(text), "%u", weight);
	else
		snprintf(text, sizeof(text), "%llu", (unsigned long long)(shares < 2 ? 2 : shares));
	return write_below(own, cgroup->v2 ? "cpu.weight" : "cpu.shares", text);
}

int pvs_cgroup_enter(const struct pvs_cgroup *cgroup, const char *own, pid_t tid)
{
	char path[PATH];

	if (snprintf(path, sizeof(path), "%s/%s", own, cgroup->v2 ? "cgroup.threads" : "tasks") >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	return pvs_cgroup_put(path, tid);
}

int pvs_cgroup_put(const char *file, pid_t tid)
{
	char text[32];

	snprintf(text, sizeof(text), "%d", (int)tid);
	return write_text(file, text);
}

int pvs_cgroup_remove(const char *own)
{
	return rmdir(own) < 0 ? -errno : 0;
}
