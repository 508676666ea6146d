/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * pvs-lock: threads that contend for a lock. Each holds it for some work, then works without it.
 * Work is an amount, drawn with the seed, not a time: a holder that the host stops holds the lock
 * for longer, and all others wait.
 */
#include <argp.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "histogram.h"
#include "lock.h"
#include "options.h"
#include "pvs_self.h"
#include "random.h"
#include "report.h"
#include "work.h"

#define THREADS_MAX 256
#define CHUNKS      8 /* a critical section's work comes in so many parts, timed each */

static const char *const kinds[] = {"spin", "ticket", "mutex", NULL};
static const char *const hints[] = {"auto", "on", "off", NULL};
enum {
	HINTS_AUTO,
	HINTS_ON,
	HINTS_OFF
};

struct options {
	uint32_t threads;
	int kind, hints;
	uint64_t duration_ns, hold_ns, think_ns, gap_ns, seed, rate;
	unsigned spread;
	bool pin, json;
};

struct thread {
	pthread_t id;
	const struct options *options;
	struct shared *shared;
	uint32_t index;
	uint64_t random, ops;
	struct histogram wait; /* in ticks until the end, then ns */
	/* Times a holder was stopped for longer than the limit, and for how long together;
	 * by_guest: of them, how often the guest's own scheduler took the CPU in between. */
	uint64_t gaps, gap_ticks, gap_max, by_guest;
	long switches;
	int hint_error; /* of pvs_self_add */
};

struct shared {
	struct lock lock;
	pthread_barrier_t begin;
	bool stop;
	uint64_t gap_limit; /* ticks */
	struct pvs_self *self;
};

/* ---- A thread ------------------------------------------------------------------------------- */

static long guest_switches(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nivcsw;
}

/* A part of the work took too long: who stopped it? */
static void note_gap(struct thread *thread, uint64_t taken)
{
	long switches = guest_switches();

	thread->gaps++;
	thread->gap_ticks += taken;
	if (taken > thread->gap_max)
		thread->gap_max = taken;
	if (switches != thread->switches)
		thread->by_guest++;
	thread->switches = switches;
}

/* Work while holding the lock. The limit is above what a part takes by itself, so that what exceeds
 * it was not spent working. */
static void hold(struct thread *thread, uint64_t rounds)
{
	uint64_t last = ticks(), now;

	for (int i = 0; i < CHUNKS; i++) {
		work(rounds / CHUNKS);
		now = ticks();
		if (now - last > thread->shared->gap_limit)
			note_gap(thread, now - last);
		last = now;
	}
}

static void pin_to(uint32_t index)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(index % (uint32_t)sysconf(_SC_NPROCESSORS_ONLN), &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

static void *run(void *opaque)
{
	struct thread *thread = opaque;
	const struct options *options = thread->options;
	struct shared *shared = thread->shared;
	uint64_t hold_rounds = options->hold_ns * options->rate / 1000;
	uint64_t think_rounds = options->think_ns * options->rate / 1000;
	struct pvs_self_thread self = {0};

	if (options->pin)
		pin_to(thread->index);
	if (shared->self)
		thread->hint_error = pvs_self_add(shared->self, &self);
	pthread_barrier_wait(&shared->begin);
	thread->switches = guest_switches();
	while (!__atomic_load_n(&shared->stop, __ATOMIC_RELAXED)) {
		uint64_t holding = random_around(&thread->random, hold_rounds, options->spread);
		uint64_t thinking = random_around(&thread->random, think_rounds, options->spread);
		uint64_t begin = ticks();

		lock_take(&shared->lock, &self);
		histogram_add(&thread->wait, ticks() - begin);
		hold(thread, holding);
		lock_release(&shared->lock, &self);
		thread->ops++;
		work(thinking);
	}
	pvs_self_remove(&self);
	return NULL;
}

/* ---- All of them ---------------------------------------------------------------------------- */

struct result {
	struct thread sum;
	uint64_t elapsed_ns;
	uint64_t ops_min, ops_max; /* of a thread */
	uint32_t hinted;           /* threads that told the host */
};

static struct thread *start(const struct options *options, struct shared *shared)
{
	struct thread *threads = calloc(options->threads, sizeof(*threads));
	int err;

	if (!threads) {
		fputs("pvs-lock: out of memory\n", stderr);
		exit(1);
	}
	for (uint32_t i = 0; i < options->threads; i++) {
		threads[i].options = options;
		threads[i].shared = shared;
		threads[i].index = i;
		threads[i].random = options->seed * 0x10001 + i;
		err = pthread_create(&threads[i].id, NULL, run, &threads[i]);
		if (err) {
			fprintf(stderr, "pvs-lock: cannot start thread %u: %s\n", i, strerror(err));
			exit(1);
		}
	}
	return threads;
}

static void sum_up(struct thread *threads, const struct options *options, bool hinted,
		   struct result *result)
{
	struct thread *sum = &result->sum;

	result->ops_min = ~0ull;
	for (uint32_t i = 0; i < options->threads; i++) {
		struct thread *thread = &threads[i];

		histogram_merge(&sum->wait, &thread->wait);
		sum->ops += thread->ops;
		sum->gaps += thread->gaps;
		sum->gap_ticks += thread->gap_ticks;
		sum->by_guest += thread->by_guest;
		if (thread->gap_max > sum->gap_max)
			sum->gap_max = thread->gap_max;
		if (thread->ops < result->ops_min)
			result->ops_min = thread->ops;
		if (thread->ops > result->ops_max)
			result->ops_max = thread->ops;
		if (hinted && !thread->hint_error)
			result->hinted++;
	}
}

static void run_all(const struct options *options, struct pvs_self *self, struct result *result,
		    uint64_t *rate)
{
	static struct shared shared;
	struct timespec time = {.tv_sec = (time_t)(options->duration_ns / 1000000000),
				.tv_nsec = (long)(options->duration_ns % 1000000000)};
	struct tick_scale before = tick_mark(), begin, end;
	struct thread *threads;

	shared.self = self;
	lock_init(&shared.lock, options->kind);
	pthread_barrier_init(&shared.begin, NULL, options->threads + 1);
	/* A tick's length, well enough for the limit. */
	work(options->rate * 20000);
	shared.gap_limit = ((__uint128_t)options->gap_ns * tick_rate(before, tick_mark())) >> 20;
	threads = start(options, &shared);
	begin = tick_mark();
	pthread_barrier_wait(&shared.begin);
	while (nanosleep(&time, &time) && errno == EINTR)
		;
	__atomic_store_n(&shared.stop, true, __ATOMIC_RELAXED);
	end = tick_mark();
	for (uint32_t i = 0; i < options->threads; i++)
		pthread_join(threads[i].id, NULL);
	result->elapsed_ns = end.ns - begin.ns;
	*rate = tick_rate(begin, end);
	sum_up(threads, options, self != NULL, result);
	free(threads);
}

/* The same histogram of another unit; its buckets are as fine, so little is lost. */
static void to_ns(const struct histogram *in, uint64_t rate, struct histogram *out)
{
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		uint64_t value = ticks_to_ns(histogram_upper(i), rate), n = in->bucket[i];

		if (!n)
			continue;
		if (value > ticks_to_ns(in->max, rate))
			value = ticks_to_ns(in->max, rate);
		histogram_repeat(out, value, n);
	}
}

/* ---- Report --------------------------------------------------------------------------------- */

static void print_json(const struct options *options, const struct result *result,
		       const struct histogram *wait, uint64_t rate)
{
	struct json_object *root = json_object_new_object();
	double seconds = (double)result->elapsed_ns / 1e9;
	const struct thread *sum = &result->sum;

	json_object_object_add(root, "workload", json_object_new_string("pvs-lock"));
	json_object_object_add(root, "lock", json_object_new_string(kinds[options->kind]));
	report_add(root, "threads", options->threads);
	report_add(root, "seed", options->seed);
	report_add(root, "hold_ns", options->hold_ns);
	report_add(root, "gap_ns", options->gap_ns);
	report_add(root, "think_ns", options->think_ns);
	report_add(root, "rounds_per_us", options->rate);
	report_add(root, "hinted_threads", result->hinted);
	report_add(root, "elapsed_ns", result->elapsed_ns);
	report_add(root, "ops", sum->ops);
	json_object_object_add(root, "ops_per_s",
			       json_object_new_double((double)sum->ops / seconds));
	report_add(root, "ops_min_thread", result->ops_min);
	report_add(root, "ops_max_thread", result->ops_max);
	report_histogram(root, "wait", wait);
	report_add(root, "holder_stops", sum->gaps);
	report_add(root, "holder_stops_by_guest", sum->by_guest);
	report_add(root, "holder_stops_by_host", sum->gaps - sum->by_guest);
	report_add(root, "holder_stopped_ns", ticks_to_ns(sum->gap_ticks, rate));
	report_add(root, "holder_stopped_max_ns", ticks_to_ns(sum->gap_max, rate));
	report_print(root);
}

static void print_text(const struct options *options, const struct result *result,
		       const struct histogram *wait, uint64_t rate)
{
	const struct thread *sum = &result->sum;

	printf("%s, %u threads, %u of them with hints, seed %llu\n", kinds[options->kind],
	       options->threads, result->hinted, (unsigned long long)options->seed);
	printf("%.0f operations a second (threads: %llu to %llu operations)\n",
	       (double)sum->ops * 1e9 / (double)result->elapsed_ns,
	       (unsigned long long)result->ops_min, (unsigned long long)result->ops_max);
	report_line("wait", wait);
	printf("holder stopped %llu times (%llu by the guest), %.1f ms in all, at most %.1f us\n",
	       (unsigned long long)sum->gaps, (unsigned long long)sum->by_guest,
	       (double)ticks_to_ns(sum->gap_ticks, rate) / 1e6,
	       (double)ticks_to_ns(sum->gap_max, rate) / 1e3);
}

/* ---- Command line --------------------------------------------------------------------------- */

enum {
	OPT_RATE = 1000,
	OPT_HINTS,
	OPT_PIN,
	OPT_GAP,
	OPT_SPREAD
};

static const struct argp_option argp_options[] = {
	{"threads", 'n', "N", 0, "threads (default: one for each CPU)", 0},
	{"lock", 'l', "KIND", 0, "spin (default), ticket or mutex", 0},
	{"seconds", 'd', "SECONDS", 0, "how long to run (default 5)", 0},
	{"duration", 0, NULL, OPTION_ALIAS, NULL, 0},
	{"hold-us", 'c', "US", 0, "work while holding the lock (default 20)", 0},
	{"think-us", 't', "US", 0, "work in between (default 60)", 0},
	{"spread", OPT_SPREAD, "PERCENT", 0, "by how much work varies, evenly (default 50)", 0},
	{"gap-us", OPT_GAP, "US", 0,
	 "a holder that makes no progress for so long was stopped (default 500)", 0},
	{"seed", 's', "N", 0, "for the amounts of work (default 1)", 0},
	{"rate", OPT_RATE, "N", 0,
	 "rounds of work in a microsecond (default: measured at the start); give it so that runs "
	 "do the same work",
	 0},
	{"pin", OPT_PIN, NULL, 0, "each thread on a CPU of its own", 0},
	{"hints", OPT_HINTS, "WHEN", 0,
	 "tell the host who holds the lock: auto (default: if the publisher is loaded), on (else "
	 "fail), off",
	 0},
	{"json", 'j', NULL, 0, "print JSON", 0},
	{0}};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'n':
		options->threads = (uint32_t)option_number("threads", arg, 1, THREADS_MAX);
		break;
	case 'l':
		options->kind = option_word("lock", arg, kinds);
		break;
	case 'd':
		options->duration_ns = option_seconds("seconds", arg);
		break;
	case 'c':
		options->hold_ns = option_number("hold-us", arg, 0, 1000000) * 1000;
		break;
	case 't':
		options->think_ns = option_number("think-us", arg, 0, 1000000) * 1000;
		break;
	case 's':
		options->seed = option_number("seed", arg, 0, UINT64_MAX);
		break;
	case 'j':
		options->json = true;
		break;
	case OPT_SPREAD:
		options->spread = (unsigned)option_number("spread", arg, 0, 100);
		break;
	case OPT_GAP:
		options->gap_ns = option_number("gap-us", arg, 1, 1000000) * 1000;
		break;
	case OPT_RATE:
		options->rate = option_number("rate", arg, 1, 1000000);
		break;
	case OPT_PIN:
		options->pin = true;
		break;
	case OPT_HINTS:
		options->hints = option_word("hints", arg, hints);
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "there is nothing to do with '%s'", arg);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

int main(int argc, char **argv)
{
	const struct argp argp = {
		.options = argp_options,
		.parser = parse,
		.doc = "Threads that contend for a lock: throughput, how long they wait, and how "
		       "often a holder was stopped while it held it."};
	struct options options = {.threads = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN),
				  .duration_ns = 5000000000ull,
				  .hold_ns = 20000,
				  .think_ns = 60000,
				  .gap_ns = 500000,
				  .spread = 50,
				  .seed = 1};
	static struct result result;
	static struct histogram wait;
	struct pvs_self *self = NULL;
	uint64_t rate;
	int err = 0;

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	if (!options.rate)
		options.rate = work_rate();
	if (options.hints != HINTS_OFF)
		err = pvs_self_open(&self);
	if (err && options.hints == HINTS_ON) {
		fprintf(stderr, "pvs-lock: no hints: %s; load the publisher first\n",
			strerror(-err));
		return 1;
	}
	run_all(&options, self, &result, &rate);
	to_ns(&result.sum.wait, rate, &wait);
	(options.json ? print_json : print_text)(&options, &result, &wait, rate);
	if (self)
		pvs_self_close(self);
	return 0;
}
