/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What the host's side costs with a policy loaded: an event's way through the VM, a tick, the time
 * from a guest's kick to the call of the actuator in the loop's thread, and that thread's share of
 * a CPU while nothing happens. Actuators only note that they were called.
 */
#include <argp.h>
#include <bpf_engine.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <pvs.h>

#define FEATURES                                                                                \
	(PVS_F_INTENT | PVS_F_CS | PVS_F_DEADLINE | PVS_F_LOCK | PVS_F_STATE | PVS_F_CAPACITY | \
	 PVS_F_RING | PVS_F_TICKET)
#define VCPUS  4u
#define ROUNDS 201u
#define ROUND  1000u
#define KICKS  2001u
/* The VM's clock before the loop drives it: ticks are measured faster than time passes, so the host
 * has to be up for longer than they are worth, some 200 s. */
#define PAST 1000000000u

static const struct argp_option options[] = {
	{"policy", 'p', "NAME", 0, "policy to load (boost)", 0},
	{"seconds", 's', "N", 0, "how long the idle loop is watched (2)", 0},
	{"json", 'j', NULL, 0, "print JSON", 0},
	{0},
};

struct arguments {
	const char *policy;
	unsigned seconds;
	bool json;
};

static struct {
	struct pvs_guest_page *guest;
	struct pvs_host_page *host;
	struct pvs_policy *policy;
	struct pvs_mailbox *mailbox;
	struct pvs_vm *vm;
} b;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void die(const char *what, int err, const char *text)
{
	fprintf(stderr, "pvs_loop_bench: %s: %s\n%s", what, strerror(-err), text);
	exit(1);
}

/* ---- An actuator that does nothing -------------------------------------------------------- */

static uint32_t probe(void *opaque, uint32_t wanted, struct pvs_log *log)
{
	return wanted;
}

static int capture(void *opaque, pid_t tid, void **thread)
{
	*thread = &b;
	return 0;
}

static int apply(void *opaque, void *thread, const struct pvs_sched *sched)
{
	return 0;
}

static void restore(void *opaque, void *thread)
{
	apply(opaque, thread, NULL);
}

static const struct pvs_actuator_ops ops = {
	.probe = probe,
	.capture = capture,
	.apply = apply,
	.restore = restore,
	.release = restore,
};

static void *pages(size_t size)
{
	void *p = aligned_alloc(PVS_PAGE_STRIDE, size);

	if (!p)
		die("pages", -ENOMEM, "");
	return memset(p, 0, size);
}

/* Threads whose ids no thread has: their run time is not looked up. */
static void set_up(const char *policy)
{
	char text[4096] = "";
	struct pvs_log log = {.buf = text, .size = sizeof(text)};
	struct pvs_vm_config config = {
		.name = "bench",
		.n_vcpus = VCPUS,
		.limits = {.cs_refill_ppm = 1000000,
			   .boost_refill_ppm = 1000000,
			   .max_boosted = VCPUS,
			   .kicks_per_s = 1000000000},
		.actuator = {.ops = &ops},
	};
	int err;

	config.guest = b.guest = pages(VCPUS * sizeof(*b.guest));
	config.host = b.host = pages(VCPUS * sizeof(*b.host));
	err = pvs_policy_open(policy, &(struct pvs_policy_options){0}, &b.policy, &log);
	if (err)
		die(policy, err, text);
	err = pvs_vm_create(&config, &b.vm, &log);
	for (uint32_t v = 0; v < VCPUS && !err; v++)
		err = pvs_vm_vcpu_add(b.vm, v, 0x8000000 + (int)v, &log);
	if (!err)
		err = pvs_mailbox_create(VCPUS, &b.mailbox);
	if (err)
		die("set-up", err, text);
	pvs_vm_set_policy(b.vm, b.policy, false, PAST);
	pvs_vm_negotiated(b.vm, FEATURES, PAST);
}

/* ---- Measurements --------------------------------------------------------------------------- */

static int compare(const void *x, const void *y)
{
	const double p = *(const double *)x, q = *(const double *)y;

	return p < q ? -1 : p > q;
}

static void hint(uint32_t vcpu, bool urgent)
{
	pvs_guest_set_intent(&b.guest[vcpu], urgent ? PVS_CLASS_RT : PVS_CLASS_NORMAL, 0,
			     urgent ? 50 : 0, 0);
}

/* Median ns of a kick whose hints are the same as before. */
static double kick_ns(void)
{
	static double rounds[ROUNDS];
	uint64_t now = PAST;

	for (unsigned i = 0; i < ROUNDS; i++) {
		const uint64_t begin = now_ns();

		for (unsigned j = 0; j < ROUND; j++)
			pvs_vm_event(b.vm, 0, PVS_EVENT_KICK, now += 10);
		rounds[i] = (double)(now_ns() - begin) / ROUND;
	}
	qsort(rounds, ROUNDS, sizeof(rounds[0]), compare);
	return rounds[ROUNDS / 2];
}

static double tick_ns(void)
{
	static double rounds[ROUNDS];
	uint64_t now = PAST + 1000000000;

	for (unsigned i = 0; i < ROUNDS; i++) {
		const uint64_t begin = now_ns();

		for (unsigned j = 0; j < ROUND; j++)
			pvs_vm_tick(b.vm, now += 1000000);
		rounds[i] = (double)(now_ns() - begin) / ROUND;
	}
	qsort(rounds, ROUNDS, sizeof(rounds[0]), compare);
	return rounds[ROUNDS / 2];
}

/* From the post to the answer in the host's page, when what the policy decided is in effect; each
 * time with another hint. */
static void reaction_ns(double *median, double *p99)
{
	static double took[KICKS];
	const struct timespec pause = {.tv_nsec = 200000};

	for (unsigned i = 0; i < KICKS; i++) {
		uint64_t begin;

		nanosleep(&pause, NULL); /* the loop sleeps again */
		hint(0, !(i & 1));
		__atomic_store_n(&b.guest[0].ticket, i + 1, __ATOMIC_RELEASE);
		begin = now_ns();
		pvs_mailbox_post(b.mailbox, 0, 1u << PVS_EVENT_KICK);
		while (__atomic_load_n(&b.host[0].ticket, __ATOMIC_ACQUIRE) != i + 1)
			if (now_ns() - begin > 10000000000)
				die("a kick is not answered", -ETIMEDOUT, "");
		took[i] = (double)(now_ns() - begin);
	}
	qsort(took, KICKS, sizeof(took[0]), compare);
	*median = took[KICKS / 2];
	*p99 = took[KICKS * 99 / 100];
}

static void read_cpu_time(void *opaque)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	*(uint64_t *)opaque = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* The loop's share of a CPU, percent, while no vCPU says anything. */
static double idle_percent(struct pvs_loop *loop, unsigned seconds)
{
	uint64_t before, after, begin;

	pvs_loop_call(loop, read_cpu_time, &before);
	begin = now_ns();
	sleep(seconds);
	pvs_loop_call(loop, read_cpu_time, &after);
	return 100.0 * (double)(after - before) / (double)(now_ns() - begin);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;

	switch (key) {
	case 'p':
		a->policy = arg;
		return 0;
	case 's':
		a->seconds = (unsigned)atoi(arg);
		if (!a->seconds)
			argp_error(state, "'%s': a number of seconds is expected", arg);
		return 0;
	case 'j':
		a->json = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = "What the host's side of paravirtual scheduling costs.",
	};
	struct arguments a = {.policy = "boost", .seconds = 2};
	double kick, tick, median, p99, idle;
	struct pvs_loop *loop;
	int err;

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &a);
	bpfe_thread_register();
	set_up(a.policy);
	kick = kick_ns();
	tick = tick_ns();
	hint(0, false);
	err = pvs_loop_create("pvs-bench", &loop, NULL);
	if (!err)
		err = pvs_loop_add(loop, b.vm, b.mailbox, NULL);
	if (err)
		die("loop", err, "");
	reaction_ns(&median, &p99);
	hint(0, false);
	pvs_mailbox_post(b.mailbox, 0, 1u << PVS_EVENT_KICK);
	idle = idle_percent(loop, a.seconds);
	pvs_loop_remove(loop, b.vm);
	pvs_loop_destroy(loop);
	pvs_vm_destroy(b.vm);
	pvs_policy_put(b.policy);
	pvs_mailbox_destroy(b.mailbox);
	free(b.guest);
	free(b.host);
	bpfe_thread_unregister();
	printf(a.json ? "{\"bench\": \"pvs_loop_bench\", \"policy\": \"%s\", \"vcpus\": %u, "
			"\"kick_ns\": %.0f, \"tick_ns\": %.0f, \"reaction_median_ns\": %.0f, "
			"\"reaction_p99_ns\": %.0f, \"idle_percent\": %.3f}\n"
		      : "policy %s, %u vCPUs: kick %.0f ns, tick %.0f ns, kick to answer %.0f "
			"ns (p99 %.0f), idle loop %.2f %% of a CPU\n",
	       a.policy, VCPUS, kick, tick, median, p99, idle);
	return 0;
}
