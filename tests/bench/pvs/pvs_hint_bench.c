/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What reading a vCPU's hints costs the host: ns per read, the median of many rounds, of all hints
 * and of the intent word alone. With --reads it does exactly that many and prints nothing, for a
 * profiler that counts instructions: what a read takes is the difference of two runs.
 */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <pvs.h>

#define ALL_HINTS \
	(PVS_F_INTENT | PVS_F_CS | PVS_F_DEADLINE | PVS_F_LOCK | PVS_F_TICKET | PVS_F_CAPACITY)
#define ROUNDS    501u
#define ROUND     2000u /* reads in a round */
#define MAX_PAGES 4096u

enum {
	KEY_READS = 256,
	KEY_INTENT,
	KEY_PAGES
};

static const struct argp_option options[] = {
	{"reads", KEY_READS, "N", 0, "do N reads and print nothing", 0},
	{"intent", KEY_INTENT, NULL, 0, "with --reads: of the intent word alone", 0},
	{"pages", KEY_PAGES, "N", 0, "take turns with so many pages (1)", 0},
	{"json", 'j', NULL, 0, "print JSON", 0},
	{0},
};

struct arguments {
	uint64_t reads, pages;
	bool count, intent, json;
};

static uint64_t number(struct argp_state *state, const char *arg, uint64_t min, uint64_t max)
{
	char *end;
	uint64_t n;

	errno = 0;
	n = strtoull(arg, &end, 0);
	if (errno || *end || end == arg || n < min || n > max)
		argp_error(state, "'%s': a number from %" PRIu64 " to %" PRIu64 " is expected", arg,
			   min, max);
	return n;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;

	switch (key) {
	case KEY_READS:
		a->count = true;
		a->reads = number(state, arg, 0, UINT64_MAX);
		return 0;
	case KEY_INTENT:
		a->intent = true;
		return 0;
	case KEY_PAGES:
		a->pages = number(state, arg, 1, MAX_PAGES);
		return 0;
	case 'j':
		a->json = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static struct pvs_guest_page *make_pages(uint64_t n)
{
	struct pvs_guest_page *pages = aligned_alloc(PVS_PAGE_STRIDE, n * sizeof(*pages));

	if (!pages)
		exit(1);
	memset(pages, 0, n * sizeof(*pages));
	for (uint64_t i = 0; i < n; i++) {
		pvs_guest_set_intent(&pages[i], PVS_CLASS_RT, 0, 80, PVS_PENDING_SOFTIRQ);
		pvs_guest_set_cs(&pages[i], PVS_CS_LOCK, 1);
		pvs_guest_set_deadline(&pages[i], 1000, 2000, 3000, 4000);
		pvs_guest_set_wait(&pages[i], 0, PVS_WAIT_MUTEX);
		pages[i].ticket = 1;
	}
	return pages;
}

/* Returns something made of what was read, so that it is read. */
static uint64_t read_hints(const struct pvs_guest_page *pages, uint64_t n_pages, uint64_t features,
			   uint64_t reads)
{
	struct pvs_hint hint;
	uint64_t sum = 0, at = 0;

	for (uint64_t i = 0; i < reads; i++) {
		pvs_hint_read(&pages[at], features, 4, &hint);
		sum += hint.rt_prio + hint.dl_runtime;
		at = at + 1 < n_pages ? at + 1 : 0;
	}
	return sum;
}

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median_ns(const struct pvs_guest_page *pages, uint64_t n_pages, uint64_t features)
{
	static double rounds[ROUNDS];
	volatile uint64_t sink;

	for (unsigned i = 0; i < ROUNDS; i++) {
		const double begin = now_ns();

		sink = read_hints(pages, n_pages, features, ROUND);
		rounds[i] = (now_ns() - begin) / ROUND;
	}
	(void)sink;
	qsort(rounds, ROUNDS, sizeof(rounds[0]), compare);
	return rounds[ROUNDS / 2];
}

int main(int argc, char **argv)
{
	const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = "What reading a vCPU's hints costs the host.",
	};
	struct arguments a = {.pages = 1};
	struct pvs_guest_page *pages;
	double all, intent;

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &a);
	pages = make_pages(a.pages);
	if (a.count) {
		volatile uint64_t sink =
			read_hints(pages, a.pages, a.intent ? PVS_F_INTENT : ALL_HINTS, a.reads);

		(void)sink;
		free(pages);
		return 0;
	}
	all = median_ns(pages, a.pages, ALL_HINTS);
	intent = median_ns(pages, a.pages, PVS_F_INTENT);
	if (a.json)
		printf("{\"bench\": \"pvs_hint_bench\", \"pages\": %" PRIu64
		       ", \"rounds\": %u, \"reads_per_round\": %u, \"read_ns\": %.2f, "
		       "\"read_intent_ns\": %.2f}\n",
		       a.pages, ROUNDS, ROUND, all, intent);
	else
		printf("read of all hints %.1f ns, of the intent word %.1f ns (medians of %u "
		       "rounds)\n",
		       all, intent, ROUNDS);
	free(pages);
	return 0;
}
