/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * sched(7), autogroup: where it is on, threads of the root cgroup are weighed by their nice only
 * against others of their session, and sessions against each other all alike.
 */
#include <stdio.h>
#include <string.h>

#include "pvs.h"

static bool read_line(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "re");
	bool ok;

	if (!file)
		return false;
	ok = fgets(line, (int)size, file) != NULL;
	fclose(file);
	if (ok)
		line[strcspn(line, " \n")] = '\0';
	return ok;
}

void pvs_autogroup_note(pid_t pid, struct pvs_log *log)
{
	char path[64], line[64];

	if (!read_line("/proc/sys/kernel/sched_autogroup_enabled", line, sizeof(line)) ||
	    strcmp(line, "1") != 0)
		return;
	snprintf(path, sizeof(path), "/proc/%d/autogroup", (int)pid);
	if (!read_line(path, line, sizeof(line)))
		return;
	pvs_log(log,
		"autogroup is on: nice and slice of process %d count against threads of %s, its "
		"session, only; start what competes in the same session, or write 0 to "
		"/proc/sys/kernel/sched_autogroup_enabled\n",
		(int)pid, line);
}
