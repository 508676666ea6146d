// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * bench: what a hint costs in the guest, through kfuncs and through the mapped page.
 *
 * A batch of calls is timed many times; the loop alone is timed the same way and taken off, and the
 * median given: an interrupt, or the host taking the CPU away, spoils a batch and not the figure.
 */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"
#include "bench.skel.h"
#include "ctl.h"

#define BENCH_MAX_ROUNDS 10001

struct bench_options {
	bool json;
	uint64_t rounds, cpu;
	bool has_cpu;
	const char *only; /* NULL: all */
};

static error_t bench_parse(int key, char *arg, struct argp_state *state)
{
	struct bench_options *options = state->input;

	switch (key) {
	case 'j':
		options->json = true;
		return 0;
	case 'c':
		if (!ctl_number(arg, CPU_SETSIZE - 1, &options->cpu))
			argp_error(state, "--cpu %s: a number below %d is wanted", arg,
				   CPU_SETSIZE);
		options->has_cpu = true;
		return 0;
	case 'n':
		if (!ctl_number(arg, BENCH_MAX_ROUNDS, &options->rounds) || !options->rounds)
			argp_error(state, "--rounds %s: 1 to %d are wanted", arg, BENCH_MAX_ROUNDS);
		return 0;
	case 'o':
		options->only = arg;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s': no arguments are taken", arg);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* ---- Measuring --------------------------------------------------------------------------------
 */

struct bench {
	struct ctl_chan chan;
	struct bench_bpf *skel;
	const struct bench_options *options;
	uint32_t cpu;
	double *samples; /* rounds of them */
	double empty;    /* ns of a turn of the BPF loop */
};

struct figure {
	const char *name, *what;
	double median, p10, p90; /* ns of one hint */
	int err;
};

static int compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void bench_order(struct bench *bench, struct figure *figure)
{
	uint64_t n = bench->options->rounds;

	qsort(bench->samples, n, sizeof(*bench->samples), compare_double);
	figure->median = bench->samples[n / 2];
	figure->p10 = bench->samples[n / 10];
	figure->p90 = bench->samples[n * 9 / 10];
}

/* @per: hints in a batch; @loop: ns of the loop itself for each. */
static void bench_kfunc(struct bench *bench, enum bench_op op, double per, double loop,
			struct figure *figure)
{
	struct bench_run run;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &run, .ctx_size_in = sizeof(run));

	for (uint64_t i = 0; i < bench->options->rounds; i++) {
		run = (struct bench_run){.op = op};
		figure->err =
			bpf_prog_test_run_opts(bpf_program__fd(bench->skel->progs.bench), &opts);
		if (!figure->err)
			figure->err = run.err;
		if (figure->err)
			return;
		bench->samples[i] = (double)run.ns / per - loop;
	}
	bench_order(bench, figure);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Release stores of an intent to the mapped page. */
static uint64_t bench_stores(__u64 *intent)
{
	uint64_t word = (uint64_t)PVS_CLASS_NORMAL | 20ull << PVS_INTENT_NICE_SHIFT;
	uint64_t start = now_ns();

	for (uint64_t i = 0; i < BENCH_LOOPS; i++)
		__atomic_store_n(intent, word + (i << PVS_INTENT_GEN_SHIFT), __ATOMIC_RELEASE);
	return now_ns() - start;
}

static void bench_mmap_rounds(void *opaque)
{
	struct bench *bench = opaque;
	struct pvs_guest_page *page = &bench->chan.guest[bench->chan.vcpus[bench->cpu]];

	for (uint64_t i = 0; i < bench->options->rounds; i++)
		bench->samples[i] = (double)bench_stores(&page->intent) / BENCH_LOOPS;
}

static void bench_mmap(struct bench *bench, struct figure *figure)
{
	figure->err = chan_guarded(bench_mmap_rounds, bench) ? -ENODEV : 0;
	if (!figure->err)
		bench_order(bench, figure);
}

/* ---- Setting up -------------------------------------------------------------------------------
 */

/* Stay on one CPU: its page has one writer, and a migration is not what is measured. */
static bool bench_pin(struct bench *bench)
{
	int cpu = bench->options->has_cpu ? (int)bench->options->cpu : sched_getcpu();
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0) {
		ctl_fail(0, "cannot run on CPU %d: %s", cpu, strerror(errno));
		return false;
	}
	if ((uint32_t)cpu >= bench->chan.info.n_cpus || bench->chan.vcpus[cpu] < 0) {
		ctl_fail(0, "CPU %d has no page; see pvschedctl show", cpu);
		return false;
	}
	bench->cpu = (uint32_t)cpu;
	return true;
}

static bool bench_load(struct bench *bench)
{
	libbpf_set_print(NULL);
	bench->skel = bench_bpf__open_and_load();
	if (bench->skel)
		return true;
	ctl_fail(
		0,
		"the kernel refuses the bench's program: %s; it needs CAP_BPF and the module's BTF "
		"in /sys/kernel/btf/" PVS_DEV_NAME,
		strerror(errno));
	return false;
}

static bool bench_open(struct bench *bench)
{
	bench->samples = calloc(bench->options->rounds, sizeof(*bench->samples));
	if (!bench->samples) {
		ctl_fail(0, "out of memory");
		return false;
	}
	return chan_map(&bench->chan, true) && bench_pin(bench) && bench_load(bench);
}

/* ---- Report -----------------------------------------------------------------------------------
 */

static void bench_json(const struct bench *bench, const struct figure *figures, size_t n)
{
	struct json_object *o = json_object_new_object(), *all = json_object_new_object();

	json_object_object_add(o, "cpu", json_object_new_int64(bench->cpu));
	json_object_object_add(o, "rounds", json_object_new_int64((int64_t)bench->options->rounds));
	json_object_object_add(o, "loops", json_object_new_int64(BENCH_LOOPS));
	json_object_object_add(
		o, "memory",
		json_object_new_string(name_of(ctl_memtypes, bench->chan.info.guest_type)));
	json_object_object_add(o, "loop-ns", json_object_new_double(bench->empty));
	for (size_t i = 0; i < n; i++) {
		struct json_object *f = json_object_new_object();

		if (figures[i].err) {
			json_object_object_add(f, "error",
					       json_object_new_string(strerror(-figures[i].err)));
		} else {
			json_object_object_add(f, "median-ns",
					       json_object_new_double(figures[i].median));
			json_object_object_add(f, "p10-ns", json_object_new_double(figures[i].p10));
			json_object_object_add(f, "p90-ns", json_object_new_double(figures[i].p90));
		}
		json_object_object_add(all, figures[i].name, f);
	}
	json_object_object_add(o, "hints", all);
	ctl_print_json(o);
}

static void bench_text(const struct bench *bench, const struct figure *figures, size_t n)
{
	printf("CPU %u, pages %s, %llu rounds of %d; the loop's %.1f ns are taken off\n",
	       bench->cpu, name_of(ctl_memtypes, bench->chan.info.guest_type),
	       (unsigned long long)bench->options->rounds, BENCH_LOOPS, bench->empty);
	printf("%-12s %9s %9s %9s  %s\n", "HINT", "MEDIAN", "P10", "P90", "ns each");
	for (size_t i = 0; i < n; i++) {
		if (figures[i].err)
			printf("%-12s %29s  %s\n", figures[i].name, strerror(-figures[i].err),
			       figures[i].what);
		else
			printf("%-12s %9.1f %9.1f %9.1f  %s\n", figures[i].name, figures[i].median,
			       figures[i].p10, figures[i].p90, figures[i].what);
	}
}

/* @calls: in a batch of the BPF program, 0: a process's; @loop: turns of its loop for each. */
static const struct {
	const char *name, *what;
	enum bench_op op;
	double calls, loop;
} bench_hints[] = {
	{"intent", "kfunc, the whole intent", BENCH_INTENT, BENCH_LOOPS, 1},
	{"pending", "kfunc, flags of the intent", BENCH_PENDING, BENCH_LOOPS, 0.5},
	{"enter-exit", "two kfuncs, a critical section", BENCH_ENTER_EXIT, BENCH_LOOPS, 1},
	{"page", "a BPF program's store to the page", BENCH_PAGE, BENCH_LOOPS, 1},
	{"mmap", "a process's store to the page", BENCH_EMPTY, 0, 0},
	{"emit", "kfunc, an event or its refusal by a full ring", BENCH_EMIT, BENCH_LOOPS, 1},
	{"kick", "kfunc, an exit: to compare with", BENCH_KICK, BENCH_KICKS, 1},
};

#define BENCH_HINTS (sizeof(bench_hints) / sizeof(bench_hints[0]))

/* All of them, or the one that is wanted. Returns how many. */
static size_t bench_measure(struct bench *bench, struct figure *figures)
{
	const char *only = bench->options->only;
	size_t n = 0;

	for (size_t i = 0; i < BENCH_HINTS; i++) {
		struct figure *figure = &figures[n];

		if (only && strcmp(only, bench_hints[i].name) != 0)
			continue;
		figure->name = bench_hints[i].name;
		figure->what = bench_hints[i].what;
		if (bench_hints[i].calls > 0)
			bench_kfunc(bench, bench_hints[i].op, bench_hints[i].calls,
				    bench->empty * bench_hints[i].loop, figure);
		else
			bench_mmap(bench, figure);
		n++;
	}
	return n;
}

static int bench_run(struct bench *bench)
{
	struct figure figures[BENCH_HINTS] = {0}, empty = {.name = "loop"};
	struct pvs_hint_cmd reset = {.op = PVS_HINT_RESET, .cpu = bench->cpu};
	size_t n;

	bench_kfunc(bench, BENCH_EMPTY, BENCH_LOOPS, 0, &empty);
	if (empty.err)
		return ctl_fail(CTL_FAILED, "the bench's program does not run: %s",
				strerror(-empty.err));
	bench->empty = empty.median;
	n = bench_measure(bench, figures);
	chan_hint(&bench->chan, &reset);
	if (!n && strcmp(bench->options->only, empty.name) != 0)
		return ctl_fail(CTL_FAILED,
				"--only %s: no such hint; a run without --only names them",
				bench->options->only);
	if (bench->options->json)
		bench_json(bench, figures, n);
	else
		bench_text(bench, figures, n);
	return CTL_OK;
}

int cmd_bench(int argc, char **argv)
{
	static const struct argp_option argp_options[] = {
		{"json", 'j', NULL, 0, "JSON", 0},
		{"cpu", 'c', "N", 0, "run there (where it happens to be)", 0},
		{"rounds", 'n', "N", 0, "batches to take the median of (201)", 0},
		{"only", 'o', "HINT", 0, "this one alone; loop: none but the loop itself", 0},
		{0}};
	static const struct argp argp = {
		argp_options,
		bench_parse,
		NULL,
		"What a hint costs in the guest.\v"
		"Figures under emulation (TCG) are the emulator's, not a CPU's. The page says "
		"class normal meanwhile; a publisher that is loaded writes between.",
		0,
		0,
		0};
	struct bench_options options = {.rounds = 201};
	struct bench bench = {.options = &options};
	int code;

	if (!ctl_parse(&argp, argc, argv, &options, &code))
		return code;
	if (!chan_open(&bench.chan))
		return CTL_FAILED;
	code = bench_open(&bench) ? bench_run(&bench) : CTL_FAILED;
	bench_bpf__destroy(bench.skel);
	free(bench.samples);
	chan_close(&bench.chan);
	return code;
}
