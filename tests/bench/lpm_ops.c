/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What an LPM trie's operations cost, ours and the host kernel's, with 10^5 IPv4 prefixes of
 * lengths as in a routing table. Look-ups and updates of the kernel's run in a loop inside a
 * program (BPF_PROG_TEST_RUN), from which the same loop without the call is taken off; ours are
 * called as a helper calls them. Rounds of both alternate; printed are medians, ns each. Not a
 * test.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "internal.h"
#include "../unit/engine/insn.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PREFIXES     100000u
#define KEYS         16384u /* looked up in a round; what the kernel's verifier follows */
#define ROUNDS       101u

struct key {
	uint32_t prefixlen;
	uint8_t data[4];
};

static struct key prefixes[PREFIXES];
static struct key keys[KEYS];
static uint64_t random_state = 20240301;

static uint32_t draw(void)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(random_state >> 32);
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

static double median(double *values)
{
	qsort(values, ROUNDS, sizeof(values[0]), compare);
	return values[ROUNDS / 2];
}

static void die(const char *what, int err)
{
	fprintf(stderr, "lpm_ops: %s: %s\n", what, strerror(err < 0 ? -err : err));
	exit(1);
}

/* Six of ten prefixes are /24, most others /16 to /23. */
static uint32_t draw_length(void)
{
	uint32_t r = draw() % 100;

	if (r < 60)
		return 24;
	if (r < 90)
		return 18 + draw() % 6;
	return r < 97 ? 16 + draw() % 2 : 8 + draw() % 8;
}

static void draw_key(struct key *k, uint32_t bits)
{
	uint32_t address = draw();

	k->prefixlen = bits;
	memcpy(k->data, &address, sizeof(address));
}

static void make_prefixes(void)
{
	for (uint32_t i = 0; i < PREFIXES; i++)
		draw_key(&prefixes[i], draw_length());
}

/* Destinations anywhere, or in prefixes of the map. */
static void make_keys(bool inside)
{
	for (uint32_t i = 0; i < KEYS; i++) {
		uint32_t host = draw(), mask;

		draw_key(&keys[i], 32);
		if (!inside)
			continue;
		keys[i] = prefixes[draw() % PREFIXES];
		mask = __builtin_bswap32(~0u << (32 - keys[i].prefixlen));
		for (unsigned b = 0; b < 4; b++)
			keys[i].data[b] = (uint8_t)((keys[i].data[b] & mask >> 8 * b) |
						    (host >> 8 * b & ~mask >> 8 * b));
		keys[i].prefixlen = 32;
	}
}

/* ---- The kernel's --------------------------------------------------------------------------- */

static int kernel_map(uint32_t type, uint32_t key, uint32_t value, uint32_t n, uint32_t flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);
	int fd = bpf_map_create(type, "lpm_ops", key, value, n, &opts);

	if (fd < 0)
		die("bpf() makes no map", fd);
	return fd;
}

/* For each key of array map @list: @call, which has the key in r2 and its map in r1. */
static int kernel_loop(int list, const struct bpf_insn *call, size_t n_call)
{
	struct bpf_insn insns[64];
	LIBBPF_OPTS(bpf_prog_load_opts, opts);
	size_t n = 0, loop;
	int fd;

	/* r6: the keys, r7: how many are done */
	insns[n++] = (struct bpf_insn){.code = BPF_LD | BPF_IMM | BPF_DW,
				       .dst_reg = 6,
				       .src_reg = BPF_PSEUDO_MAP_VALUE,
				       .imm = list};
	insns[n++] = (struct bpf_insn){0};
	insns[n++] = MOV_K(7, 0);
	loop = n;
	insns[n++] = MOV_X(9, 7);
	insns[n++] = ALU64_K(BPF_LSH, 9, 3);
	insns[n++] = MOV_X(2, 6);
	insns[n++] = ALU64_X(BPF_ADD, 2, 9);
	memcpy(&insns[n], call, n_call * sizeof(*call));
	n += n_call;
	insns[n++] = ALU64_K(BPF_ADD, 7, 1);
	insns[n] = JMP_K(BPF_JLT, 7, KEYS, (int16_t)(loop - n - 1));
	n++;
	insns[n++] = MOV_K(0, 2);
	insns[n++] = EXIT();
	fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "lpm_ops", "GPL", insns, n, &opts);
	if (fd < 0)
		die("bpf() refuses the loop", fd);
	return fd;
}

static double kernel_run(int prog)
{
	uint8_t frame[64] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = 1);
	int err = bpf_prog_test_run_opts(prog, &opts);

	if (err)
		die("BPF_PROG_TEST_RUN", err);
	return (double)opts.duration / KEYS;
}

struct kernel {
	int trie, list;
	int lookup, update, empty;
};

static void kernel_open(struct kernel *k)
{
	const uint64_t value = 1;

	k->trie = kernel_map(BPF_MAP_TYPE_LPM_TRIE, sizeof(struct key), 8, PREFIXES,
			     BPF_F_NO_PREALLOC);
	k->list = kernel_map(BPF_MAP_TYPE_ARRAY, 4, sizeof(keys), 1, 0);
	for (uint32_t i = 0; i < PREFIXES; i++) {
		int err = bpf_map_update_elem(k->trie, &prefixes[i], &value, BPF_ANY);

		if (err)
			die("the kernel's update", err);
	}
	{
		const struct bpf_insn map[] = {
			{.code = BPF_LD | BPF_IMM | BPF_DW,
			 .dst_reg = 1,
			 .src_reg = BPF_PSEUDO_MAP_FD,
			 .imm = k->trie},
			{0},
		};
		const struct bpf_insn lookup[] = {map[0], map[1], CALL(BPF_FUNC_map_lookup_elem)};
		const struct bpf_insn update[] = {map[0],
						  map[1],
						  ST(BPF_DW, 10, -8, 7),
						  MOV_X(3, 10),
						  ALU64_K(BPF_ADD, 3, -8),
						  MOV_K(4, 0),
						  CALL(BPF_FUNC_map_update_elem)};
		const struct bpf_insn empty[] = {map[0], map[1], MOV_K(0, 0)};

		k->lookup = kernel_loop(k->list, lookup, COUNT(lookup));
		k->update = kernel_loop(k->list, update, COUNT(update));
		k->empty = kernel_loop(k->list, empty, COUNT(empty));
	}
}

static void kernel_keys(const struct kernel *k)
{
	const uint32_t zero = 0;
	int err = bpf_map_update_elem(k->list, &zero, keys, BPF_ANY);

	if (err)
		die("the kernel's list of keys", err);
}

/* ---- Ours ----------------------------------------------------------------------------------- */

static struct bpfe_map *our_open(void)
{
	const struct bpfe_map_attr attr = {.type = BPF_MAP_TYPE_LPM_TRIE,
					   .key_size = sizeof(struct key),
					   .value_size = 8,
					   .max_entries = PREFIXES,
					   .flags = BPF_F_NO_PREALLOC};
	const uint64_t value = 1;
	struct bpfe_map *map;
	int err = bpfe_map_create(&attr, NULL, &map, NULL);

	for (uint32_t i = 0; !err && i < PREFIXES; i++)
		err = bpfe_map_update(map, &prefixes[i], &value, BPF_ANY);
	if (err)
		die("our map", err);
	return map;
}

static uint32_t found;

static double our_lookups(struct bpfe_map *map)
{
	void *(*lookup)(struct bpfe_map *, const void *, uint32_t) =
		bpfe_map_ops(BPF_MAP_TYPE_LPM_TRIE)->lookup;
	double start;

	bpfe_rcu_read_lock();
	found = 0;
	start = now_ns();
	for (uint32_t i = 0; i < KEYS; i++)
		found += lookup(map, &keys[i], 0) != NULL;
	start = (now_ns() - start) / KEYS;
	bpfe_rcu_read_unlock();
	return start;
}

static double our_updates(struct bpfe_map *map)
{
	const struct bpfe_map_ops *ops = bpfe_map_ops(BPF_MAP_TYPE_LPM_TRIE);
	const uint64_t value = 7;
	double start;

	bpfe_rcu_read_lock();
	start = now_ns();
	for (uint32_t i = 0; i < KEYS; i++)
		ops->update(map, &keys[i], &value, BPF_ANY, 0);
	start = (now_ns() - start) / KEYS;
	bpfe_rcu_read_unlock();
	return start;
}

/* ---- Side by side --------------------------------------------------------------------------- */

static void show(const char *what, double *kernel, double *ours)
{
	double k = median(kernel), o = median(ours);

	printf("%-28s kernel %6.1f ns, ours %6.1f ns: %.2f\n", what, k, o, o / k);
}

static void lookups(const struct kernel *k, struct bpfe_map *map, bool inside)
{
	double kernel[ROUNDS], ours[ROUNDS];

	make_keys(inside);
	kernel_keys(k);
	for (unsigned i = 0; i < ROUNDS; i++) {
		kernel[i] = kernel_run(k->lookup) - kernel_run(k->empty);
		ours[i] = our_lookups(map);
	}
	show(inside ? "look-up inside prefixes" : "look-up anywhere", kernel, ours);
	printf("%28s %u of %u found\n", "", found, KEYS);
}

/* Prefixes that are there get a new value. */
static void updates(const struct kernel *k, struct bpfe_map *map)
{
	double kernel[ROUNDS], ours[ROUNDS];

	for (uint32_t i = 0; i < KEYS; i++)
		keys[i] = prefixes[draw() % PREFIXES];
	kernel_keys(k);
	for (unsigned i = 0; i < ROUNDS; i++) {
		kernel[i] = kernel_run(k->update) - kernel_run(k->empty);
		ours[i] = our_updates(map);
		bpfe_rcu_barrier();
	}
	show("update of what is there", kernel, ours);
}

int main(void)
{
	struct bpfe_map *map;
	struct kernel k;

	bpfe_thread_register();
	make_prefixes();
	kernel_open(&k);
	map = our_open();
	printf("%u prefixes\n", bpfe_map_count(map));
	lookups(&k, map, true);
	lookups(&k, map, false);
	updates(&k, map);
	bpfe_map_put(map);
	bpfe_rcu_barrier();
	bpfe_thread_unregister();
	return 0;
}
