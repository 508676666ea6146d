/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * pvs-wake: a messenger wakes workers, each does some work and reports back, the last to do so
 * wakes the messenger: how long a woken worker waits for a CPU, and how many such rounds there are.
 * The pattern of schbench. Nobody sleeps for a time, so a round's cost is all that counts.
 */
#include <argp.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "histogram.h"
#include "options.h"
#include "random.h"
#include "report.h"
#include "work.h"

#define WORKERS_MAX 256

struct options {
	uint32_t workers;
	uint64_t duration_ns, work_ns, seed, rate;
	unsigned spread;
	bool json;
};

struct worker {
	pthread_t id;
	const struct options *options;
	struct team *team;
	uint32_t round; /* futex: what it was woken for last */
	uint64_t sent;  /* when that was, ns */
	uint64_t random;
	struct histogram wakeup;
} __attribute__((aligned(64)));

struct team {
	uint32_t busy; /* futex: workers that have not reported back */
	bool stop;
	uint64_t rounds, elapsed_ns;
	struct histogram wakeup;
	struct worker *workers;
};

static void futex_wait(uint32_t *word, uint32_t value)
{
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* ---- A worker ------------------------------------------------------------------------------- */

static uint32_t await_round(struct worker *worker, uint32_t last)
{
	uint32_t round;

	while ((round = __atomic_load_n(&worker->round, __ATOMIC_ACQUIRE)) == last)
		futex_wait(&worker->round, last);
	return round;
}

static void *run_worker(void *opaque)
{
	struct worker *worker = opaque;
	const struct options *options = worker->options;
	struct team *team = worker->team;
	uint64_t amount = options->work_ns * options->rate / 1000;
	uint32_t round = 0;

	for (;;) {
		round = await_round(worker, round);
		if (team->stop)
			return NULL;
		histogram_add(&worker->wakeup, clock_ns() - worker->sent);
		work(random_around(&worker->random, amount, options->spread));
		if (!__atomic_sub_fetch(&team->busy, 1, __ATOMIC_ACQ_REL))
			futex_wake(&team->busy);
	}
}

/* ---- The messenger -------------------------------------------------------------------------- */

static void send_round(struct team *team, uint32_t workers)
{
	for (uint32_t i = 0; i < workers; i++) {
		struct worker *worker = &team->workers[i];

		worker->sent = clock_ns();
		/* What it is about before it. */
		__atomic_store_n(&worker->round, worker->round + 1, __ATOMIC_RELEASE);
		futex_wake(&worker->round);
	}
}

static void await_reports(struct team *team)
{
	uint32_t busy;

	while ((busy = __atomic_load_n(&team->busy, __ATOMIC_ACQUIRE)))
		futex_wait(&team->busy, busy);
}

static void start(const struct options *options, struct team *team)
{
	const size_t size = options->workers * sizeof(*team->workers);
	int err;

	team->workers = aligned_alloc(_Alignof(struct worker), size);
	if (!team->workers) {
		fputs("pvs-wake: out of memory\n", stderr);
		exit(1);
	}
	memset(team->workers, 0, size);
	for (uint32_t i = 0; i < options->workers; i++) {
		struct worker *worker = &team->workers[i];

		worker->options = options;
		worker->team = team;
		worker->random = options->seed * 0x10001 + i;
		err = pthread_create(&worker->id, NULL, run_worker, worker);
		if (err) {
			fprintf(stderr, "pvs-wake: cannot start worker %u: %s\n", i, strerror(err));
			exit(1);
		}
	}
}

static void run(const struct options *options, struct team *team)
{
	uint64_t begin;

	start(options, team);
	begin = clock_ns();
	do {
		__atomic_store_n(&team->busy, options->workers, __ATOMIC_RELAXED);
		send_round(team, options->workers);
		await_reports(team);
		team->rounds++;
		team->elapsed_ns = clock_ns() - begin;
	} while (team->elapsed_ns < options->duration_ns);
	team->stop = true;
	send_round(team, options->workers);
	for (uint32_t i = 0; i < options->workers; i++) {
		pthread_join(team->workers[i].id, NULL);
		histogram_merge(&team->wakeup, &team->workers[i].wakeup);
	}
	free(team->workers);
}

/* ---- Report --------------------------------------------------------------------------------- */

static double rounds_per_s(const struct team *team)
{
	return (double)team->rounds * 1e9 / (double)team->elapsed_ns;
}

static void print_json(const struct options *options, const struct team *team)
{
	struct json_object *root = json_object_new_object();

	json_object_object_add(root, "workload", json_object_new_string("pvs-wake"));
	report_add(root, "workers", options->workers);
	report_add(root, "seed", options->seed);
	report_add(root, "work_ns", options->work_ns);
	report_add(root, "rounds_per_us", options->rate);
	report_add(root, "elapsed_ns", team->elapsed_ns);
	report_add(root, "rounds", team->rounds);
	json_object_object_add(root, "rounds_per_s", json_object_new_double(rounds_per_s(team)));
	report_histogram(root, "wakeup", &team->wakeup);
	report_print(root);
}

static void print_text(const struct options *options, const struct team *team)
{
	printf("%u workers, work %.3f ms, seed %llu\n", options->workers,
	       (double)options->work_ns / 1e6, (unsigned long long)options->seed);
	printf("%.0f rounds a second\n", rounds_per_s(team));
	report_line("wake-up", &team->wakeup);
}

/* ---- Command line --------------------------------------------------------------------------- */

enum {
	OPT_RATE = 1000,
	OPT_SPREAD
};

static const struct argp_option argp_options[] = {
	{"threads", 'n', "N", 0, "workers (default: one for each CPU)", 0},
	{"seconds", 'd', "SECONDS", 0, "how long to run (default 5)", 0},
	{"duration", 0, NULL, OPTION_ALIAS, NULL, 0},
	{"work-us", 'w', "US", 0, "a worker's work in a round (default 50)", 0},
	{"spread", OPT_SPREAD, "PERCENT", 0, "by how much work varies, evenly (default 50)", 0},
	{"seed", 's', "N", 0, "for the amounts of work (default 1)", 0},
	{"rate", OPT_RATE, "N", 0,
	 "rounds of work in a microsecond (default: measured at the start); give it so that runs "
	 "do the same work",
	 0},
	{"json", 'j', NULL, 0, "print JSON", 0},
	{0}};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'n':
		options->workers = (uint32_t)option_number("threads", arg, 1, WORKERS_MAX);
		break;
	case 'd':
		options->duration_ns = option_seconds("seconds", arg);
		break;
	case 'w':
		options->work_ns = option_number("work-us", arg, 0, 1000000) * 1000;
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
	case OPT_RATE:
		options->rate = option_number("rate", arg, 1, 1000000);
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
	const struct argp argp = {.options = argp_options,
				  .parser = parse,
				  .doc = "A messenger that wakes workers: rounds a second, and how "
					 "long who is woken waits for a CPU."};
	struct options options = {.workers = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN),
				  .duration_ns = 5000000000ull,
				  .work_ns = 50000,
				  .spread = 50,
				  .seed = 1};
	static struct team team;

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	if (!options.rate)
		options.rate = work_rate();
	run(&options, &team);
	(options.json ? print_json : print_text)(&options, &team);
	return 0;
}
