/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What an operation on a map costs, ours and the host kernel's: ns an operation by type, key size
 * and number of entries, the loop taken off; the medians of interleaved rounds over the same keys
 * in the same random order. Look-ups of ours are those that compiled code calls. Not a test:
 * compare what was printed in one run, by its ratios.
 */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/bpf.h>
#include "bpf_engine.h"
#include "map_ops.h"

enum {
	MAX_ROUNDS = 101,
	MAX_TABLE = 1 << 20,
	MIN_OPS = 1 << 16
};

static const struct {
	const char *name;
	uint32_t type;
} types[] = {
	{"hash", BPF_MAP_TYPE_HASH},
	{"lru", BPF_MAP_TYPE_LRU_HASH},
	{"percpu", BPF_MAP_TYPE_PERCPU_HASH},
	{"array", BPF_MAP_TYPE_ARRAY},
};

static struct {
	const char *type;
	const char *what;
	uint32_t key_size;
	uint32_t entries;
	uint32_t rounds;
	bool no_linux, scaling;
} options = {.rounds = 9};

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

/* Key @number: the number itself, as an address and a port might be, then anything. */
static void make_key(uint8_t *key, uint32_t size, uint32_t number)
{
	uint64_t rest = mix(number);

	for (uint32_t i = 0; i < size; i++)
		key[i] = i < 4 ? (uint8_t)(number >> 8 * i) : (uint8_t)(rest >> 8 * (i % 8));
}

static uint8_t *make_present(const struct work *work)
{
	uint8_t *keys = malloc((size_t)work->entries * work->key_size);

	for (uint32_t i = 0; i < work->entries; i++)
		make_key(keys + (size_t)i * work->key_size, work->key_size, i);
	return keys;
}

/* The table: @from and the @distinct - 1 keys after it in random order, some of them twice. */
static void make_table(struct work *work, uint32_t from, uint32_t distinct)
{
	uint32_t *order = malloc(distinct * sizeof(*order));
	uint64_t random = 1;

	for (uint32_t i = 0; i < distinct; i++) {
		uint32_t j = (uint32_t)(mix(random++) % (i + 1));

		order[i] = order[j];
		order[j] = i;
	}
	for (uint32_t i = 0; i < work->n_keys; i++)
		make_key(work->keys + (size_t)i * work->key_size, work->key_size,
			 from + order[i % distinct]);
	free(order);
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* @values are in order after it. */
static double median(double *values)
{
	qsort(values, options.rounds, sizeof(values[0]), compare);
	return values[options.rounds / 2];
}

/* What rounds took, and of them the loop alone. */
struct times {
	double op[MAX_ROUNDS], empty[MAX_ROUNDS];
	double typical, best;
};

static void sum_up(struct times *t)
{
	t->typical = median(t->op) - median(t->empty);
	t->best = t->op[0] - t->empty[0];
}

static void measure(const char *type, const char *what, const struct work *work,
		    struct linux_side *kernel, struct our_side *ours)
{
	static struct times theirs, our;
	uint64_t nothing, found_kernel = 0, found_ours = 0;

	if (options.what && strcmp(options.what, what))
		return;
	for (uint32_t r = 0; r < options.rounds; r++) {
		if (kernel) {
			theirs.empty[r] = linux_run(kernel, work, OP_EMPTY, &nothing);
			theirs.op[r] = linux_run(kernel, work, work->op, &found_kernel);
		}
		our.empty[r] = our_run(ours, work, OP_EMPTY, &nothing);
		our.op[r] = our_run(ours, work, work->op, &found_ours);
	}
	sum_up(&our);
	printf("%-7s %3u B %8u %-8s %7.1f ns (best %.1f)", type, work->key_size, work->entries,
	       what, our.typical, our.best);
	if (kernel) {
		sum_up(&theirs);
		printf("  Linux %7.1f ns (best %.1f)  ratio %.2f (best %.2f)", theirs.typical,
		       theirs.best, our.typical / theirs.typical, our.best / theirs.best);
	}
	printf("\n");
	fflush(stdout);
	if (kernel && work->op == OP_LOOK_UP && !found_ours != !found_kernel) {
		fprintf(stderr, "%s: one found keys and the other none\n", what);
		exit(1);
	}
}

static void measure_map(const char *type, struct work *work)
{
	const bool is_array = work->type == BPF_MAP_TYPE_ARRAY;
	uint8_t *present = make_present(work);
	struct linux_side *kernel = options.no_linux ? NULL : linux_open(work, present);
	struct our_side *ours = our_open(work, present);

	make_table(work, 0, work->entries);
	work->op = OP_LOOK_UP;
	measure(type, "hit", work, kernel, ours);
	if (options.scaling) {
		double one, two;

		our_scaling(ours, work, &one, &two);
		printf("%-7s %3u B %8u readers  one %.1f M/s, two %.1f M/s: x %.2f\n", type,
		       work->key_size, work->entries, one, two, two / one);
	}
	work->op = OP_UPDATE;
	measure(type, "update", work, kernel, ours);
	work->op = OP_REPLACE;
	if (!is_array)
		measure(type, "replace", work, kernel, ours);
	make_table(work, work->entries, work->entries);
	work->op = OP_LOOK_UP;
	measure(type, "miss", work, kernel, ours);
	work->op = OP_UPDATE;
	if (work->type == BPF_MAP_TYPE_LRU_HASH) {
		make_table(work, 0, 2 * work->entries);
		measure(type, "evict", work, kernel, ours);
	}
	linux_close(kernel);
	our_close(ours);
	free(present);
}

static uint32_t power_of_two(uint32_t at_least)
{
	uint32_t n = 1;

	while (n < at_least)
		n *= 2;
	return n;
}

static void measure_shape(const char *name, uint32_t type, uint32_t key_size, uint32_t entries)
{
	struct work work = {.type = type, .key_size = key_size, .entries = entries};

	if (options.key_size && options.key_size != key_size)
		return;
	if (options.entries && options.entries != entries)
		return;
	if (type == BPF_MAP_TYPE_ARRAY && key_size != 4)
		return;
	work.n_keys = power_of_two(2 * entries);
	work.n_keys = work.n_keys > MAX_TABLE ? MAX_TABLE : work.n_keys;
	work.n_ops = work.n_keys > MIN_OPS ? work.n_keys : MIN_OPS;
	work.keys = malloc((size_t)work.n_keys * key_size);
	measure_map(name, &work);
	free(work.keys);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 't':
		options.type = arg;
		return 0;
	case 'w':
		options.what = arg;
		return 0;
	case 'k':
		options.key_size = (uint32_t)strtoul(arg, NULL, 0);
		return 0;
	case 'n':
		options.entries = (uint32_t)strtoul(arg, NULL, 0);
		return 0;
	case 'r':
		options.rounds = (uint32_t)strtoul(arg, NULL, 0);
		if (options.rounds < 1 || options.rounds > MAX_ROUNDS)
			argp_error(state, "%u rounds are out of range, 1 to %u", options.rounds,
				   MAX_ROUNDS);
		return 0;
	case 'o':
		options.no_linux = true;
		return 0;
	case 's':
		options.scaling = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const uint32_t key_sizes[] = {4, 8, 16, 32, 64};
	static const uint32_t entries[] = {100, 1000, 10000, 100000, 1000000};
	static const struct argp_option argp_options[] = {
		{"type", 't', "TYPE", 0, "hash, lru, percpu or array only", 0},
		{"what", 'w', "OPERATION", 0, "hit, miss, update, replace or evict only", 0},
		{"key", 'k', "BYTES", 0, "keys of 4, 8, 16, 32 or 64 bytes only", 0},
		{"entries", 'n', "N", 0, "100, 1000... 1000000 entries only", 0},
		{"rounds", 'r', "N", 0, "median of so many (9)", 0},
		{"ours", 'o', NULL, 0, "without the kernel's maps", 0},
		{"scaling", 's', NULL, 0, "two processors reading as well", 0},
		{0},
	};
	const struct argp argp = {
		argp_options, parse,
		NULL,         "What operations on maps cost, ours and the host kernel's.",
		NULL,         NULL,
		NULL};

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	our_prepare();
	for (size_t t = 0; t < COUNT(types); t++) {
		if (options.type && strcmp(options.type, types[t].name))
			continue;
		for (size_t k = 0; k < COUNT(key_sizes); k++) {
			for (size_t n = 0; n < COUNT(entries); n++)
				measure_shape(types[t].name, types[t].type, key_sizes[k],
					      entries[n]);
		}
	}
	bpfe_thread_unregister();
	return 0;
}
