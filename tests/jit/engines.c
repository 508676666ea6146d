// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "engines.h"
#include "generate.h"
#include "random_program.h"

#define FRAME_BYTES 700u
#define MEM_BYTES   4096u
#define LENGTHS     3u
#define RUNS        6u
#define MAP_KEYS    8u

struct place {
	struct bpfe_map *maps[GENERATED_MAPS];
	struct bpfe_program *prog;
	struct bpfe_result results[RUNS];
	uint8_t memory[RUNS][MEM_BYTES];
	int32_t start[RUNS], end[RUNS]; /* of the frame after the run */
};

static struct place places[ENGINES];

static const struct {
	const char *name;
	enum bpfe_engine engine;
	uint32_t relax;
} engines[ENGINES] = {
	[ENGINES_INTERP] = {"the interpreter", BPFE_ENGINE_INTERP, 0},
	[ENGINES_HARDENED] = {"hardened code", BPFE_ENGINE_JIT, 0},
	[ENGINES_RELAXED] = {"relaxed code", BPFE_ENGINE_JIT, BPFE_RELAX_ALL},
};

const char *engines_name(unsigned e)
{
	return engines[e].name;
}

void engines_choose(struct bpfe_load_attr *attr, unsigned e)
{
	attr->engine = (uint8_t)engines[e].engine;
	attr->relax = engines[e].relax;
}

const char *engines_compare(const struct bpfe_result *a, const struct bpfe_result *b)
{
	if (a->abort != b->abort)
		return "one is cut short, or for another reason";
	if (a->abort != BPFE_ABORT_NONE)
		return NULL;
	if (a->r0 != b->r0 || a->retval != b->retval)
		return "r0 differs";
	if (a->insns != b->insns)
		return "the counts of instructions differ";
	if (a->redirect.kind != b->redirect.kind || a->redirect.index != b->redirect.index ||
	    a->redirect.flags != b->redirect.flags)
		return "the redirects differ";
	return NULL;
}

/* ---- Maps -------------------------------------------------------------------------------------
 */

bool engines_setup(void)
{
	static const uint32_t types[GENERATED_MAPS] = {BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_ARRAY};

	for (unsigned e = 0; e < ENGINES; e++) {
		for (uint32_t m = 0; m < GENERATED_MAPS; m++) {
			struct bpfe_map_attr attr = {.type = types[m],
						     .key_size = 4,
						     .value_size = 16,
						     .max_entries = MAP_KEYS};

			if (bpfe_map_create(&attr, NULL, &places[e].maps[m], NULL))
				return false;
		}
	}
	return true;
}

void engines_teardown(void)
{
	for (unsigned e = 0; e < ENGINES; e++) {
		for (uint32_t m = 0; m < GENERATED_MAPS; m++)
			bpfe_map_put(places[e].maps[m]);
	}
	bpfe_rcu_barrier();
}

/* Five keys in each map. */
static void fill_maps(struct place *p)
{
	for (uint32_t m = 0; m < GENERATED_MAPS; m++) {
		uint8_t value[16] = {0};

		for (uint32_t key = 5; key < MAP_KEYS; key++) {
			if (m == GENERATED_ARRAY)
				bpfe_map_update(p->maps[m], &key, value, BPF_ANY);
		}
		for (uint32_t key;
		     m == GENERATED_HASH && !bpfe_map_get_next_key(p->maps[m], NULL, &key);)
			bpfe_map_delete(p->maps[m], &key);
		for (uint32_t key = 0; key < 5; key++) {
			for (unsigned i = 0; i < sizeof(value); i++)
				value[i] = (uint8_t)(17 * key + 31 * i);
			bpfe_map_update(p->maps[m], &key, value, BPF_ANY);
		}
	}
}

static bool same_maps(const struct place *a, const struct place *b)
{
	for (uint32_t m = 0; m < GENERATED_MAPS; m++) {
		uint32_t key, *previous = NULL;

		if (bpfe_map_count(a->maps[m]) != bpfe_map_count(b->maps[m]))
			return false;
		for (; !bpfe_map_get_next_key(a->maps[m], previous, &key); previous = &key) {
			uint8_t x[16], y[16];

			if (bpfe_map_lookup_copy(a->maps[m], &key, x) ||
			    bpfe_map_lookup_copy(b->maps[m], &key, y) || memcmp(x, y, sizeof(x)))
				return false;
		}
	}
	return true;
}

/* ---- Runs -------------------------------------------------------------------------------------
 */

/* Bytes of the frame of run @i: what programs ask for, and with every other seed any. */
static uint32_t frame_length(unsigned i, uint64_t seed)
{
	static const uint32_t lengths[LENGTHS] = {60, 131, 39};
	uint64_t state = seed + i;

	return seed & 1 ? (uint32_t)(next_random(&state) >> 20) % 400 : lengths[i % LENGTHS];
}

static void run_frame(struct place *p, unsigned i, uint64_t seed)
{
	const uint32_t length = frame_length(i, seed);
	static uint8_t memory[FRAME_BYTES]; /* at one place, as the host's addresses do not count */
	uint8_t *const start = memory + 256 + seed % 5 * (seed & 1);
	struct bpfe_xdp_buff xdp = {
		.hard_start = memory,
		.data_meta = start,
		.data = start,
		.data_end = start + length,
		.hard_end = memory + FRAME_BYTES,
		.ingress_ifindex = 3,
		.rx_queue_index = 1,
		.egress_ifindex = 2,
		.now_ns = 1000000 * i,
	};

	memset(memory, 0, sizeof(memory));
	for (uint32_t b = 0; b < length; b++)
		start[b] = (uint8_t)(b * 37 + i * 101 + (b % 5 == 0 ? 0 : b >> 2));
	bpfe_rcu_read_lock();
	p->results[i] = bpfe_run(p->prog, &xdp);
	bpfe_rcu_read_unlock();
	p->start[i] = (int32_t)(xdp.data - memory);
	p->end[i] = (int32_t)(xdp.data_end - memory);
	memcpy(p->memory[i], memory, sizeof(memory));
}

static void run_memory(struct place *p, unsigned i, uint32_t size, uint64_t seed)
{
	_Alignas(8) static uint8_t memory[MEM_BYTES];
	uint64_t state = seed + i;

	for (uint32_t b = 0; b < size; b++) {
		uint64_t random = next_random(&state);

		memory[b] = (uint8_t)(random & 0x300 ? random : (random & 0x400) != 0 ? 0xff : 0);
	}
	bpfe_rcu_read_lock();
	p->results[i] = bpfe_run_mem(p->prog, memory, size);
	bpfe_rcu_read_unlock();
	p->start[i] = p->end[i] =
		0; /* there is no frame, but may have been in the program before */
	memcpy(p->memory[i], memory, size);
}

static bool any_aborted(const struct place *p)
{
	bool aborted = false;

	for (unsigned i = 0; i < RUNS; i++)
		aborted |= p->results[i].abort != BPFE_ABORT_NONE;
	return aborted;
}

static enum engines_outcome compare(unsigned e, char what[256])
{
	const struct place *a = &places[ENGINES_INTERP], *b = &places[e];

	for (unsigned i = 0; i < RUNS; i++) {
		const char *wrong = engines_compare(&a->results[i], &b->results[i]);

		if (!wrong && a->results[i].abort == BPFE_ABORT_NONE) {
			if (a->start[i] != b->start[i] || a->end[i] != b->end[i])
				wrong = "the frames' bounds differ";
			else if (memcmp(a->memory[i], b->memory[i], MEM_BYTES))
				wrong = "memory differs";
		}
		if (!wrong)
			continue;
		snprintf(what, 256,
			 "run %u: %s: 0x%llx after %llu instructions (abort %d) in the "
			 "interpreter, 0x%llx "
			 "after %llu (%d) in %s",
			 i, wrong, (unsigned long long)a->results[i].r0,
			 (unsigned long long)a->results[i].insns, a->results[i].abort,
			 (unsigned long long)b->results[i].r0,
			 (unsigned long long)b->results[i].insns, b->results[i].abort,
			 engines[e].name);
		return ENGINES_DIFFER;
	}
	/* What a run did before it was cut short stays done, and compiled code goes on to the next
	 * place where it looks at the budget. */
	if (!any_aborted(a) && !same_maps(a, b)) {
		snprintf(what, 256, "the maps differ after %s", engines[e].name);
		return ENGINES_DIFFER;
	}
	return ENGINES_SAME;
}

static int load(struct place *p, unsigned e, struct bpfe_load_attr *attr, char what[256])
{
	struct bpfe_map_binding bindings[GENERATED_MAPS];
	struct bpfe_log log = {.buf = what, .size = 256};

	for (uint32_t m = 0; m < GENERATED_MAPS; m++)
		bindings[m] = (struct bpfe_map_binding){m, p->maps[m]};
	attr->maps = bindings;
	attr->n_maps = GENERATED_MAPS;
	attr->flags = BPFE_LOAD_COUNTED;
	engines_choose(attr, e);
	return bpfe_program_load(attr, &p->prog, &log);
}

/* With a budget of about half of what the longest run took, those that take more are cut short
 * everywhere. */
static uint32_t scant_budget(void)
{
	uint64_t most = 0;

	for (unsigned i = 0; i < RUNS; i++) {
		if (places[ENGINES_INTERP].results[i].insns > most)
			most = places[ENGINES_INTERP].results[i].insns;
	}
	return (uint32_t)(most / 2 + 1);
}

static enum engines_outcome run_engine(unsigned e, struct bpfe_load_attr *attr, uint64_t seed,
				       char what[256])
{
	struct place *p = &places[e];

	p->prog = NULL;
	if (load(p, e, attr, what))
		return e == ENGINES_INTERP ? ENGINES_REFUSED : ENGINES_DIFFER;
	memset(p->memory, 0, sizeof(p->memory));
	for (unsigned i = 0; i < RUNS; i++) {
		/* What a run did to them before it was cut short is not the same everywhere. */
		if (i == 0 || attr->budget)
			fill_maps(p);
		if (attr->type == BPFE_PROG_MEM)
			run_memory(p, i, attr->mem_size, seed);
		else
			run_frame(p, i, seed);
	}
	bpfe_program_put(p->prog);
	return e == ENGINES_INTERP ? ENGINES_SAME : compare(e, what);
}

static enum engines_outcome run_engines(struct bpfe_load_attr *attr, uint64_t seed, char what[256])
{
	enum engines_outcome outcome = ENGINES_SAME;

	for (unsigned e = 0; e < ENGINES && outcome == ENGINES_SAME; e++)
		outcome = run_engine(e, attr, seed, what);
	if (outcome != ENGINES_SAME || seed % 8)
		return outcome;
	attr->budget = scant_budget();
	for (unsigned e = 0; e < ENGINES && outcome == ENGINES_SAME; e++)
		outcome = run_engine(e, attr, seed, what);
	return outcome;
}

enum engines_outcome engines_run_xdp(const struct bpf_insn *insns, uint32_t n, uint64_t seed,
				     char what[256])
{
	struct bpfe_load_attr attr = {.insns = insns, .n_insns = n};

	return run_engines(&attr, seed, what);
}

enum engines_outcome engines_run_mem(const struct bpf_insn *insns, uint32_t n, uint32_t size,
				     uint64_t seed, char what[256])
{
	struct bpfe_load_attr attr = {
		.insns = insns, .n_insns = n, .type = BPFE_PROG_MEM, .mem_size = size};

	return run_engines(&attr, seed, what);
}
