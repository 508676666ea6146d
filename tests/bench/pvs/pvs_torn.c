/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Updates from racing writers, and how many snapshots of them are torn: none is to be. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "torn.h"

enum {
	KEY_UPDATES = 256,
	KEY_WRITERS,
	KEY_NAIVE
};

static const struct argp_option options[] = {
	{"updates", KEY_UPDATES, "N", 0, "updates of all writers together (100000000)", 0},
	{"writers", KEY_WRITERS, "N", 0, "vCPUs that write, each its page (1 less than CPUs)", 0},
	{"naive", KEY_NAIVE, NULL, 0, "read without the seqlock, to see the check find it", 0},
	{"json", 'j', NULL, 0, "print JSON", 0},
	{0},
};

struct arguments {
	struct torn_options torn;
	bool json;
};

static uint64_t number(struct argp_state *state, const char *arg, uint64_t max)
{
	char *end;
	uint64_t n;

	errno = 0;
	n = strtoull(arg, &end, 0);
	if (errno || *end || !n || n > max)
		argp_error(state, "'%s': a number from 1 to %" PRIu64 " is expected", arg, max);
	return n;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;

	switch (key) {
	case KEY_UPDATES:
		a->torn.updates = number(state, arg, UINT64_MAX / 8);
		return 0;
	case KEY_WRITERS:
		a->torn.writers = (uint32_t)number(state, arg, TORN_MAX_WRITERS);
		return 0;
	case KEY_NAIVE:
		a->torn.naive = true;
		return 0;
	case 'j':
		a->json = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void print_json(const struct arguments *a, const struct torn_result *r)
{
	printf("{\"bench\": \"pvs_torn\", \"cpus\": %ld, \"writers\": %u, \"naive\": %s, "
	       "\"updates\": %" PRIu64 ", \"snapshots\": %" PRIu64 ", \"good\": %" PRIu64
	       ", \"changed\": %" PRIu64 ", \"gave_up\": %" PRIu64 ", \"malformed\": %" PRIu64
	       ", \"torn\": %" PRIu64 ", \"seconds\": %.3f}\n",
	       sysconf(_SC_NPROCESSORS_ONLN), a->torn.writers, a->torn.naive ? "true" : "false",
	       r->updates, r->snapshots, r->good, r->changed, r->gave_up, r->malformed, r->torn,
	       r->seconds);
}

static void print_text(const struct arguments *a, const struct torn_result *r)
{
	printf("%" PRIu64 " updates by %u writers in %.1f s; %" PRIu64 " snapshots: %" PRIu64
	       " good (%" PRIu64 " with something new), %" PRIu64 " given up, %" PRIu64
	       " malformed, %" PRIu64 " torn\n",
	       r->updates, a->torn.writers, r->seconds, r->snapshots, r->good, r->changed,
	       r->gave_up, r->malformed, r->torn);
}

int main(int argc, char **argv)
{
	const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = "Racing writers update hints while they are read; counts torn snapshots.",
	};
	const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct arguments a = {
		.torn = {.updates = 100000000, .writers = cpus > 1 ? (uint32_t)cpus - 1 : 1}};
	struct torn_result r;
	int err;

	if (a.torn.writers > TORN_MAX_WRITERS)
		a.torn.writers = TORN_MAX_WRITERS;
	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &a);
	err = torn_run(&a.torn, &r);
	if (err) {
		fprintf(stderr, "pvs_torn: %s\n", strerror(-err));
		return 1;
	}
	if (a.json)
		print_json(&a, &r);
	else
		print_text(&a, &r);
	return r.torn || r.malformed;
}
