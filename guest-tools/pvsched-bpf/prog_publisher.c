/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The publisher's options, and which of its programs they need. */
#include <errno.h>
#include <stdlib.h>

#include "progs.h"
#include "pvs_user.h"
#include "sluice/pvsched.h"

#include "publisher.h"
#include "publisher.skel.h"

enum {
	OPT_HINTS,
	OPT_RING,
	OPT_KICK,
	OPT_STAMPS,
	OPT_HORIZON
};

/* In the order of PUB_*, PUB_RING_*, PUB_KICK_*. */
static const char *const hint_words[] = {"class",   "rt",   "deadline", "irq",
					 "softirq", "lock", "user",     NULL};
static const char *const ring_words[] = {"switch", "wakeup", "irq", "lock", NULL};
static const char *const kick_words[] = {"wakeup", "lock", "deboost", NULL};

static const struct pvs_prog_option options[] = {
	{.name = "hints",
	 .help = "what is published: class, nice and priority of what runs; sleeping RT tasks with "
		 "their timers; deadlines; interrupts; waiting for kernel locks; locks and "
		 "deadlines that user space tells",
	 .preset = "class,rt,deadline,irq,softirq,user",
	 .type = PVS_OPTION_LIST,
	 .values = hint_words},
	{.name = "ring",
	 .help = "events put into the ring, for traces",
	 .preset = "none",
	 .type = PVS_OPTION_LIST,
	 .values = ring_words},
	{.name = "kick",
	 .help = "when to leave the guest so that the host looks at once: an RT task wakes on a "
		 "vCPU that the host does not run, an owner of a lock is on such a one, what a "
		 "vCPU was boosted for is over",
	 .preset = "wakeup,deboost",
	 .type = PVS_OPTION_LIST,
	 .values = kick_words},
	{.name = "stamps",
	 .help = "write the time of each store beside it, for traces",
	 .preset = "off",
	 .type = PVS_OPTION_BOOL},
	{.name = "horizon-ms",
	 .help = "an RT task whose timer expires within this time makes its vCPU one that an RT "
		 "task is bound to wake on",
	 .preset = "100",
	 .type = PVS_OPTION_NUMBER,
	 .min = 1,
	 .max = 60000},
	{0},
};

/* A program nobody needs is not even loaded. */
static void choose(struct publisher *skel, uint32_t hints, uint32_t ring)
{
	const uint32_t rt = hints & (PUB_RT | PUB_DEADLINE);

	bpf_program__set_autoload(skel->progs.on_enqueue_rt, hints & PUB_RT);
	bpf_program__set_autoload(skel->progs.on_enqueue_dl, hints & PUB_RT);
	bpf_program__set_autoload(skel->progs.on_wakeup, ring & PUB_RING_WAKEUP);
	bpf_program__set_autoload(skel->progs.on_timer, hints & PUB_RT);
	bpf_program__set_autoload(skel->progs.on_exit, rt || hints & PUB_USER);
	bpf_program__set_autoload(skel->progs.on_irq_entry, hints & PUB_IRQ || ring & PUB_RING_IRQ);
	bpf_program__set_autoload(skel->progs.on_irq_exit, hints & PUB_IRQ || ring & PUB_RING_IRQ);
	bpf_program__set_autoload(skel->progs.on_softirq_entry, hints & PUB_SOFTIRQ);
	bpf_program__set_autoload(skel->progs.on_softirq_exit, hints & PUB_SOFTIRQ);
	bpf_program__set_autoload(skel->progs.on_contention_begin,
				  hints & PUB_LOCK || ring & PUB_RING_LOCK);
	bpf_program__set_autoload(skel->progs.on_contention_end,
				  hints & PUB_LOCK || ring & PUB_RING_LOCK);
}

static int prepare(struct publisher *skel, const char *dir, struct pvs_progs_log *log)
{
	int err = progs_channel_check(log);

	if (!err)
		err = progs_pin_map(skel->maps.data_cpus, dir, "cpus", log);
	if (!err)
		err = progs_pin_map(skel->maps.data_user, dir, "user", log);
	return err;
}

static int attach(struct publisher *skel, const char *dir, struct pvs_progs_log *log)
{
	struct bpf_program *prog;
	int err = 0;

	bpf_object__for_each_program(prog, skel->obj)
	{
		if (bpf_program__type(prog) == BPF_PROG_TYPE_SYSCALL ||
		    !bpf_program__autoload(prog))
			continue;
		err = progs_attach(prog, dir, log);
		if (err)
			break;
	}
	return err;
}

static int load(const char *dir, const struct prog_settings *settings, struct pvs_progs_log *log)
{
	struct publisher *skel = publisher__open();
	uint32_t hints = settings->value[OPT_HINTS], ring = settings->value[OPT_RING];
	int err;

	if (!skel)
		return progs_refuse(log, -ENOMEM, "the publisher's object cannot be opened");
	skel->rodata->hints = hints;
	skel->rodata->ring = ring;
	skel->rodata->kick = settings->value[OPT_KICK];
	skel->rodata->stamps = settings->value[OPT_STAMPS];
	skel->rodata->horizon_ns = settings->value[OPT_HORIZON] * 1000000;
	choose(skel, hints, ring);
	err = progs_load_object(skel->obj, log);
	if (!err)
		err = prepare(skel, dir, log);
	if (!err)
		err = attach(skel, dir, log);
	publisher__destroy(skel);
	return err;
}

static void state(const char *dir, struct pvs_prog_state *state)
{
	static const char *const names[PUB_N_MAX] = {
		[PUB_N_INTENT] = "intent stores",
		[PUB_N_CS] = "critical section stores",
		[PUB_N_DEADLINE] = "deadline stores",
		[PUB_N_SLEEP] = "RT sleeps",
		[PUB_N_SLEEP_LOST] = "RT sleeps not followed",
		[PUB_N_WAIT] = "spins",
		[PUB_N_WAIT_OWNED] = "spins with a known owner",
		[PUB_N_KICK_WAKEUP] = "kicks for wake-ups",
		[PUB_N_KICK_LOCK] = "kicks for locks",
		[PUB_N_KICK_DEBOOST] = "kicks for deboosts",
		[PUB_N_RING_LOST] = "ring events lost",
	};
	struct pub_cpu *cpus = progs_read_map(dir, "cpus", sizeof(*cpus) * PUB_CPUS);

	for (int i = 0; i < PUB_N_MAX; i++) {
		state->counters[i].name = names[i];
		for (int cpu = 0; cpus && cpu < PUB_CPUS; cpu++)
			state->counters[i].value += cpus[cpu].count[i];
	}
	free(cpus);
}

const struct prog prog_publisher = {
	.about = {.name = "publisher",
		  .summary = "publishes what each vCPU runs, waits for and will run",
		  .options = options},
	.load = load,
	.after = progs_channel_reset,
	.state = state,
};
