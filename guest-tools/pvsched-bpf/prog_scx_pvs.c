/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The sched_ext scheduler's options. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "progs.h"
#include "scx_pvs.h"
#include "scx_pvs.skel.h"

enum {
	OPT_HOST,
	OPT_SLICE,
	OPT_HOST_TURN
};

/* In the order of enum scx_pvs_knowledge. */
static const char *const knowledge[] = {"full", "steal", "none", NULL};

static const struct pvs_prog_option options[] = {
	{.name = "host",
	 .help = "what it knows of the host: full, its page; steal, only the time it stole; none",
	 .preset = "full",
	 .type = PVS_OPTION_WORD,
	 .values = knowledge},
	{.name = "slice-us",
	 .help = "how long a task runs before another gets its turn",
	 .preset = "3000",
	 .type = PVS_OPTION_NUMBER,
	 .min = 100,
	 .max = 100000},
	{.name = "host-turn-us",
	 .help = "how long the host is expected to let others run before a vCPU has its turn",
	 .preset = "4000",
	 .type = PVS_OPTION_NUMBER,
	 .min = 0,
	 .max = 100000},
	{0},
};

static int load(const char *dir, const struct prog_settings *settings, struct pvs_progs_log *log)
{
	struct scx_pvs *skel = scx_pvs__open();
	char path[256];
	struct bpf_link *link;
	int err;

	if (!skel)
		return progs_refuse(log, -ENOMEM, "the scheduler's object cannot be opened");
	skel->rodata->knowledge = settings->value[OPT_HOST];
	skel->rodata->slice_ns = settings->value[OPT_SLICE] * 1000;
	skel->rodata->host_turn_us = settings->value[OPT_HOST_TURN];
	err = settings->value[OPT_HOST] == SCX_PVS_NONE ? 0 : progs_channel_check(log);
	if (!err)
		err = progs_load_object(skel->obj, log);
	if (!err)
		err = progs_pin_map(skel->maps.data_cpus, dir, "cpus", log);
	if (!err)
		err = progs_pin_map(skel->maps.data_end, dir, "end", log);
	if (err)
		goto out;
	link = bpf_map__attach_struct_ops(skel->maps.pvs);
	if (!link) {
		err = -errno;
		progs_log(log, "the kernel does not take the scheduler: %s%s", strerror(-err),
			  err == -EBUSY ? "; another one runs, /sys/kernel/sched_ext/root/ops "
					  "names it"
					: "");
		goto out;
	}
	snprintf(path, sizeof(path), "%s/link_pvs", dir);
	err = bpf_link__pin(link, path);
	if (err)
		progs_log(log, "cannot pin %s: %s", path, strerror(-err));
	bpf_link__destroy(link);
out:
	scx_pvs__destroy(skel);
	return err;
}

static void state(const char *dir, struct pvs_prog_state *state)
{
	static const char *const names[SCX_PVS_N_MAX] = {
		[SCX_PVS_N_IDLE] = "placed on an idle CPU",
		[SCX_PVS_N_BUSY] = "placed on a busy CPU",
		[SCX_PVS_N_MOVED] = "moved",
		[SCX_PVS_N_AVOIDED] = "moved for the host",
		[SCX_PVS_N_PULLED] = "pulled",
		[SCX_PVS_N_PULLED_STOPPED] = "pulled from a stopped vCPU",
		[SCX_PVS_N_RESCUED] = "moved from a stopped vCPU",
	};
	struct scx_pvs_cpu *cpus = progs_read_map(dir, "cpus", sizeof(*cpus) * SCX_PVS_CPUS);
	struct scx_pvs_end *end = progs_read_map(dir, "end", sizeof(*end));

	state->alive = end && !end->kind;
	for (int i = 0; i < SCX_PVS_N_MAX; i++) {
		state->counters[i].name = names[i];
		for (int cpu = 0; cpus && cpu < SCX_PVS_CPUS; cpu++)
			state->counters[i].value += cpus[cpu].count[i];
	}
	free(end);
	free(cpus);
}

const struct prog prog_scx_pvs = {
	.about = {.name = "scx_pvs",
		  .summary = "sched_ext scheduler that keeps tasks off vCPUs the host does not run",
		  .options = options},
	.load = load,
	.state = state,
};
