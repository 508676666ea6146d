/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Cores from sysfs. A CPU's list of its core's CPUs is in ascending order, so two share a core if
 * their lists begin alike; those that do are linked in a circle.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "cores.h"

/* A CPU's number + 1 is 16 bits of a host page (struct pvs_host_page.capacity). */
#define MAX_CPUS UINT16_MAX

struct core_cpu {
	uint16_t next;
	uint16_t vcpu; /* + 1 */
};

struct pvs_cores {
	uint32_t n;
	struct core_cpu cpus[];
};

/* "cpu17", but not "cpufreq". */
static bool cpu_number(const char *name, uint32_t *cpu)
{
	char rest;

	return sscanf(name, "cpu%u%c", cpu, &rest) == 1 && isdigit((unsigned char)name[3]) &&
	       *cpu < MAX_CPUS;
}

/* First CPU of the core that @cpu belongs to; itself if that is not told, as of one offline. */
static uint32_t first_of_core(const char *folder, uint32_t cpu)
{
	/* The same under its name since Linux 5.3 and under the older one. */
	static const char *const lists[] = {"core_cpus_list", "thread_siblings_list"};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		char path[512];
		uint32_t first;
		FILE *list;
		int n;

		snprintf(path, sizeof(path), "%s/cpu%u/topology/%s", folder, cpu, lists[i]);
		list = fopen(path, "re");
		if (!list)
			continue;
		n = fscanf(list, "%u", &first);
		fclose(list);
		if (n == 1)
			return first;
	}
	return cpu;
}

static uint32_t count_cpus(DIR *dir)
{
	const struct dirent *entry;
	uint32_t cpu, n = 0;

	while ((entry = readdir(dir)))
		if (cpu_number(entry->d_name, &cpu) && cpu >= n)
			n = cpu + 1;
	return n;
}

/* Put @cpu into the circle of those whose lists begin with @first. */
static void join(struct pvs_cores *cores, uint32_t cpu, uint32_t first, uint16_t *member)
{
	struct core_cpu *other;

	if (first >= cores->n)
		return;
	if (member[first]) {
		other = &cores->cpus[member[first] - 1];
		cores->cpus[cpu].next = other->next;
		other->next = (uint16_t)cpu;
	}
	member[first] = (uint16_t)(cpu + 1);
}

static int read_all(DIR *dir, const char *folder, struct pvs_cores **out)
{
	const uint32_t n = count_cpus(dir);
	struct pvs_cores *cores = calloc(1, sizeof(*cores) + n * sizeof(cores->cpus[0]));
	uint16_t *member = calloc(n + 1, sizeof(*member));

	if (!cores || !member) {
		free(cores);
		free(member);
		return -ENOMEM;
	}
	cores->n = n;
	for (uint32_t cpu = 0; cpu < n; cpu++)
		cores->cpus[cpu].next = (uint16_t)cpu;
	for (uint32_t cpu = 0; cpu < n; cpu++)
		join(cores, cpu, first_of_core(folder, cpu), member);
	free(member);
	*out = cores;
	return 0;
}

int pvs_cores_read(const char *folder, struct pvs_cores **cores)
{
	DIR *dir;
	int err;

	if (!folder)
		folder = PVS_HOST_CPUS;
	dir = opendir(folder);
	if (!dir)
		return -errno;
	err = read_all(dir, folder, cores);
	closedir(dir);
	return err;
}

void pvs_cores_free(struct pvs_cores *cores)
{
	free(cores);
}

uint32_t pvs_cores_next(const struct pvs_cores *cores, uint32_t cpu)
{
	return cores && cpu < cores->n ? cores->cpus[cpu].next : cpu;
}

void pvs_cores_got(struct pvs_cores *cores, uint32_t cpu, uint32_t vcpu)
{
	if (cores && cpu < cores->n)
		cores->cpus[cpu].vcpu = (uint16_t)(vcpu + 1);
}

uint32_t pvs_cores_vcpu(const struct pvs_cores *cores, uint32_t cpu)
{
	return cores && cpu < cores->n ? cores->cpus[cpu].vcpu : 0;
}
