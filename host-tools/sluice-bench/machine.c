// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What figures depend on. */
#include "report.h"

#include <bpf/libbpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

static void add(struct json_object *machine, const char *key, const char *text)
{
	json_object_object_add(machine, key, json_object_new_string(text));
}

/* The first line of a file, or @otherwise. */
static char *first_line(const char *path, const char *otherwise)
{
	g_autofree char *text = NULL;
	char *end;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return g_strdup(otherwise);
	end = strchr(text, '\n');
	if (end)
		*end = '\0';
	return g_steal_pointer(&text);
}

/* Of one, five and fifteen minutes, without the numbers of processes behind them. */
static char *load_average(void)
{
	double load[3];

	if (getloadavg(load, 3) != 3)
		return g_strdup("unknown");
	return g_strdup_printf("%.2f %.2f %.2f", load[0], load[1], load[2]);
}

static char *processor_model(void)
{
	g_autofree char *text = NULL;
	char *model, *end;

	if (!g_file_get_contents("/proc/cpuinfo", &text, NULL, NULL))
		return g_strdup("unknown");
	model = strstr(text, "model name");
	model = model ? strchr(model, ':') : NULL;
	if (!model)
		return g_strdup("unknown");
	model += 2;
	end = strchr(model, '\n');
	return g_strndup(model, end ? (gsize)(end - model) : strlen(model));
}

struct json_object *machine_describe(int cpu)
{
	struct json_object *machine = json_object_new_object();
	g_autofree char *model = processor_model();
	g_autofree char *processors =
		g_strdup_printf("%s, %u of them, pinned to %d", model, g_get_num_processors(), cpu);
	g_autofree char *harden = first_line("/proc/sys/net/core/bpf_jit_harden", "unknown");
	g_autofree char *huge =
		first_line("/sys/kernel/mm/transparent_hugepage/enabled", "unknown");
	g_autofree char *load = load_average();
	g_autofree char *priority = g_strdup_printf("nice %d", getpriority(PRIO_PROCESS, 0));
	struct utsname uts;

	uname(&uts);
	add(machine, "processor", processors);
	add(machine, "kernel", uts.release);
	add(machine, "bpf_jit_harden", harden);
	add(machine, "huge pages", huge);
	add(machine, "load average", load);
	add(machine, "priority", priority);
	add(machine, "sluice built by", "gcc " __VERSION__);
	add(machine, "programs built by", BENCH_CLANG_VERSION);
	add(machine, "libbpf", libbpf_version_string());
	return machine;
}
