// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * The verifier's claims against what happens: random programs run instruction by instruction over
 * random frames, and before each instruction every register must hold what some state of the
 * verifier's claimed of it there: a number within its bounds and bits, a pointer within its
 * offsets, as many bytes of the frame behind it as were proven.
 *
 * So must what the compiler is told: a conditional jump goes a way that was followed, a call is
 * given the one map it is said to be given, a pointer is moved no further than its limit, and no
 * run is longer than the longest.
 *
 * Twice: as programs are verified, where a claim holds for what liveness says may matter; and with
 * every path followed until a state covers it in everything, where all claims hold.
 *
 * SLUICE_TEST_SEED chooses the first program, SLUICE_TEST_PROGRAMS how many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "claims.h"
#include "verifier/verifier.h"
#include "generate.h"
#include "random_program.h"

#define PROGRAMS      300u
#define LONG_PROGRAMS 20000u
#define RUNS          6u
#define FRAME_BYTES   700u
#define MAP_KEYS      10u /* keys that generated programs use */
#define NO_JUMP       UINT32_MAX

struct subject {
	uint64_t seed;
	struct bpf_insn insns[GENERATED_MAX];
	uint32_t n_insns;
	struct bpfe_map_binding bindings[GENERATED_MAPS];
	struct bpfe_map *maps[GENERATED_MAPS]; /* by index of the image */
	struct bpfe_claims claims;
	struct bpfe_watch watch;
	uint64_t compared;
	struct bpfe_insn_aux aux[GENERATED_MAX]; /* as the verifier left it */
	uint64_t longest_run, steps;
	uint32_t jump; /* slot of the conditional jump just executed, or NO_JUMP */
	uint64_t edges, moves, calls, bounded; /* facts that were held against runs */
	char wrong[512];                       /* the first claim that did not hold */
};

/* ---- Does a register hold what is claimed? ----------------------------------------------------
 */

static bool offset_within(const struct bpfe_claim *claim, uint64_t pointer, uint64_t start)
{
	int64_t offset = (int64_t)(pointer - start);

	return offset >= claim->lo && offset <= claim->hi;
}

/* Deleted elements are not found any more, though pointers to them stay good; they pass. */
static bool in_map_value(const struct subject *s, const struct bpfe_claim *claim, uint64_t pointer)
{
	struct bpfe_map *map = s->maps[claim->map];
	bool known = false;

	for (uint32_t key = 0; key < MAP_KEYS; key++) {
		uint64_t value = (uintptr_t)bpfe_map_lookup(map, &key);

		if (!value)
			continue;
		if (offset_within(claim, pointer, value))
			return true;
		known |= pointer >= value && pointer <= value + 16;
	}
	return !known;
}

static bool pointer_holds(const struct subject *s, const struct bpfe_claim *claim,
			  const struct bpfe_watch_point *point, uint64_t pointer)
{
	const struct bpfe_xdp_buff *xdp = point->xdp;

	switch (claim->pointer) {
	case BPFE_REG_CTX:
		return offset_within(claim, pointer, (uintptr_t)xdp);
	case BPFE_REG_PACKET:
		return offset_within(claim, pointer, (uintptr_t)xdp->data) &&
		       (claim->proven == INT64_MIN ||
			(int64_t)((uintptr_t)xdp->data_end - pointer) >= claim->proven);
	case BPFE_REG_PACKET_META:
		return offset_within(claim, pointer, (uintptr_t)xdp->data_meta);
	case BPFE_REG_PACKET_END:
		return offset_within(claim, pointer, (uintptr_t)xdp->data_end);
	case BPFE_REG_STACK:
		return offset_within(claim, pointer, point->tops[claim->frame]);
	case BPFE_REG_MAP_VALUE:
		return in_map_value(s, claim, pointer);
	case BPFE_REG_MAP:
		return pointer == (uintptr_t)s->maps[claim->map];
	default:
		return true;
	}
}

static bool claim_holds(const struct subject *s, const struct bpfe_claim *claim, bool precise,
			const struct bpfe_watch_point *point, uint64_t held)
{
	if (claim->nothing || claim->mixed)
		return true;
	if (claim->number && (!precise || bpfe_scalar_contains(&claim->value, held)))
		return true;
	if (!claim->pointer)
		return !claim->number; /* no state is known to get here: seen says so */
	return (claim->nullable && !held) || pointer_holds(s, claim, point, held);
}

static void describe(struct subject *s, uint32_t slot, unsigned r, uint64_t held)
{
	const struct bpfe_claim *claim = &s->claims.regs[slot][r];

	snprintf(s->wrong, sizeof(s->wrong),
		 "before %u r%u is 0x%llx; claimed: %s%s, numbers 0x%llx..0x%llx signed %lld..%lld "
		 "bits 0x%llx/0x%llx, pointers of type %u at %lld..%lld, %lld bytes proven",
		 slot, r, (unsigned long long)held, claim->number ? "number " : "",
		 claim->pointer ? "pointer" : "", (unsigned long long)claim->value.x.umin,
		 (unsigned long long)claim->value.x.umax, (long long)claim->value.x.smin,
		 (long long)claim->value.x.smax, (unsigned long long)claim->value.x.bits.value,
		 (unsigned long long)claim->value.x.bits.mask, claim->pointer, (long long)claim->lo,
		 (long long)claim->hi, (long long)claim->proven);
}

/* ---- Are the facts right? -------------------------------------------------------------------- */

static void check_edge(struct subject *s, uint32_t slot)
{
	const struct bpf_insn *insn = &s->insns[s->jump];
	uint8_t way = slot == s->jump + 1 ? BPFE_EDGE_FALL : BPFE_EDGE_JUMP;

	/* A jump to the next instruction says nothing. */
	if (!insn->off)
		return;
	s->edges++;
	if (!(s->aux[s->jump].edges & way))
		snprintf(s->wrong, sizeof(s->wrong), "the jump at %u goes to %u, edges are %u",
			 s->jump, slot, s->aux[s->jump].edges);
}

static void check_move(struct subject *s, const struct bpfe_watch_point *point)
{
	const struct bpfe_insn_aux *aux = &s->aux[point->slot];
	const struct bpf_insn *insn = &s->insns[point->slot];
	bool in_dst = (aux->sanitize & ~BPFE_SANITIZE_NEGATIVE) == BPFE_SANITIZE_DST;
	unsigned scalar = in_dst ? insn->dst_reg : insn->src_reg;
	uint64_t by = point->r[scalar];

	if (!(s->claims.precise[point->slot] >> scalar & 1))
		return;
	s->moves++;
	by = BPF_OP(insn->code) == BPF_SUB ? -by : by;
	by = aux->sanitize & BPFE_SANITIZE_NEGATIVE ? -by : by;
	if (by > aux->limit)
		snprintf(s->wrong, sizeof(s->wrong),
			 "%u moves a pointer by r%u, 0x%llx, its limit is %u (sanitize 0x%x)",
			 point->slot, scalar, (unsigned long long)point->r[scalar], aux->limit,
			 aux->sanitize);
}

static void check_map(struct subject *s, const struct bpfe_watch_point *point)
{
	uint32_t map = s->aux[point->slot].const_map - 1;

	s->calls++;
	if (point->r[BPF_REG_1] != (uintptr_t)s->maps[map])
		snprintf(s->wrong, sizeof(s->wrong), "%u is not called for map %u", point->slot,
			 map);
}

static void check_facts(struct subject *s, const struct bpfe_watch_point *point)
{
	const struct bpfe_insn_aux *aux = &s->aux[point->slot];

	if (s->jump != NO_JUMP)
		check_edge(s, point->slot);
	s->jump = NO_JUMP;
	if (aux->form == BPFE_FORM_JUMP_K || aux->form == BPFE_FORM_JUMP_X)
		s->jump = point->slot;
	if (aux->sanitize)
		check_move(s, point);
	/* The maps that generated programs have are r1's. */
	if (aux->const_map)
		check_map(s, point);
}

/* What helpers charge does not count, so it is not the run's result that is looked at. */
static void check_length(struct subject *s)
{
	if (s->longest_run == UINT64_MAX)
		return;
	s->bounded++;
	if (!s->wrong[0] && s->steps > s->longest_run)
		snprintf(s->wrong, sizeof(s->wrong), "%llu instructions, the longest run has %llu",
			 (unsigned long long)s->steps, (unsigned long long)s->longest_run);
}

static void watch(void *opaque, const struct bpfe_watch_point *point)
{
	struct subject *s = opaque;
	uint32_t slot = point->slot;

	s->steps++;
	if (s->wrong[0])
		return;
	if (!s->claims.seen[slot]) {
		snprintf(s->wrong, sizeof(s->wrong), "%u is reached, and no state was there", slot);
		return;
	}
	for (unsigned r = BPF_REG_0; r < BPF_REG_10; r++) {
		bool precise = s->claims.precise[slot] >> r & 1;

		if (!(s->claims.live[slot] >> r & 1))
			continue;
		s->compared++;
		if (!claim_holds(s, &s->claims.regs[slot][r], precise, point, point->r[r])) {
			describe(s, slot, r, point->r[r]);
			return;
		}
	}
	check_facts(s, point);
}

/* ---- One program ------------------------------------------------------------------------------
 */

static void make_maps(struct subject *s)
{
	static const uint32_t types[GENERATED_MAPS] = {BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_ARRAY};

	for (uint32_t m = 0; m < GENERATED_MAPS; m++) {
		struct bpfe_map_attr attr = {
			.type = types[m], .key_size = 4, .value_size = 16, .max_entries = 8};

		s->bindings[m].id = m;
		assert_int_equal(bpfe_map_create(&attr, NULL, &s->bindings[m].map, NULL), 0);
		for (uint32_t key = 0; key < 5; key++) {
			uint8_t value[16];

			for (unsigned b = 0; b < sizeof(value); b++)
				value[b] = (uint8_t)(s->seed >> (b % 8)) ^ (uint8_t)(key * b);
			bpfe_map_update(s->bindings[m].map, &key, value, BPF_ANY);
		}
	}
}

static void make_claims(struct bpfe_claims *claims, uint32_t n)
{
	claims->regs = calloc(n, sizeof(*claims->regs));
	claims->live = calloc(n, sizeof(*claims->live));
	claims->precise = calloc(n, sizeof(*claims->precise));
	claims->seen = calloc(n, sizeof(*claims->seen));
	assert_true(claims->regs && claims->live && claims->precise && claims->seen);
}

static void free_claims(struct bpfe_claims *claims)
{
	free(claims->regs);
	free(claims->live);
	free(claims->precise);
	free(claims->seen);
}

/* Verify with claims; false if refused. The image's maps are noted. */
static bool claim(struct subject *s, const struct bpfe_load_attr *attr)
{
	struct bpfe_image image;
	bool accepted;

	assert_int_equal(bpfe_image_open(&image, attr, NULL), 0);
	image.claims = &s->claims;
	accepted =
		!bpfe_decode(&image, attr->maps, attr->n_maps, NULL) && !bpfe_verify(&image, NULL);
	memcpy(s->aux, image.aux, image.n_insns * sizeof(*image.aux));
	s->longest_run = image.longest_run;
	for (uint32_t m = 0; m < image.n_maps; m++)
		s->maps[m] = image.maps[m]; /* the bindings keep them */
	bpfe_image_close(&image);
	return accepted;
}

static void run(struct subject *s, const struct bpfe_program *prog, uint64_t *random)
{
	static const uint32_t lengths[] = {60, 40, 41, 300, 14, 256};
	uint8_t memory[FRAME_BYTES] = {0};

	for (uint32_t i = 0; i < RUNS; i++) {
		struct bpfe_xdp_buff xdp = {.hard_start = memory,
					    .data_meta = memory + BPFE_HEADROOM,
					    .data = memory + BPFE_HEADROOM,
					    .data_end = memory + BPFE_HEADROOM + lengths[i],
					    .hard_end = memory + sizeof(memory),
					    .ingress_ifindex = (uint32_t)next_random(random),
					    .rx_queue_index = (uint32_t)next_random(random) % 8};

		for (uint32_t b = 0; b < lengths[i]; b++) {
			uint64_t word = next_random(random);

			/* Mostly small: those get past comparisons. */
			xdp.data[b] = word & 0x300 ? (uint8_t)(word & 0x0f) : (uint8_t)word;
		}
		bpfe_rcu_read_lock();
		s->jump = NO_JUMP;
		s->steps = 0;
		bpfe_run(prog, &xdp);
		bpfe_rcu_read_unlock();
		check_length(s);
	}
}

/* Verify, run, compare. False: refused. */
static bool check_program(struct subject *s, bool all)
{
	struct bpfe_load_attr attr = {.insns = s->insns,
				      .n_insns = s->n_insns,
				      .maps = s->bindings,
				      .n_maps = GENERATED_MAPS,
				      .budget = 20000,
				      .flags = BPFE_LOAD_CHECKED};
	struct bpfe_program *prog = NULL;
	uint64_t random = s->seed;
	bool accepted;

	make_maps(s);
	s->claims.all = all;
	make_claims(&s->claims, s->n_insns);
	accepted = claim(s, &attr) && !bpfe_program_load(&attr, &prog, NULL);
	if (accepted) {
		s->watch = (struct bpfe_watch){watch, s};
		bpfe_program_watch(prog, &s->watch);
		run(s, prog, &random);
		bpfe_program_put(prog);
	}
	free_claims(&s->claims);
	for (uint32_t m = 0; m < GENERATED_MAPS; m++)
		bpfe_map_put(s->bindings[m].map);
	return accepted;
}

/* ---- Many -------------------------------------------------------------------------------------
 */

static uint64_t first_seed;
static uint32_t n_programs;

static void check_many(bool all)
{
	static struct subject subject; /* a failing check jumps out of here */
	struct subject *s = &subject;
	uint32_t accepted = 0;
	uint64_t compared = 0, edges = 0, moves = 0, calls = 0, bounded = 0;

	for (uint32_t i = 0; i < n_programs; i++) {
		memset(s, 0, sizeof(*s));
		s->seed = first_seed + i;
		s->n_insns = random_program(s->seed, s->insns);
		accepted += check_program(s, all);
		compared += s->compared;
		edges += s->edges;
		moves += s->moves;
		calls += s->calls;
		bounded += s->bounded;
		if (s->wrong[0]) {
			show_program(s->insns, s->n_insns);
			fail_msg("SLUICE_TEST_SEED=0x%llx: %s", (unsigned long long)s->seed,
				 s->wrong);
		}
		if (i % 256 == 255)
			bpfe_rcu_barrier();
	}
	print_message("# %u of %u programs accepted, %llu registers compared\n", accepted,
		      n_programs, (unsigned long long)compared);
	/* A generator or verifier that lets nothing through tests nothing. */
	print_message(
		"# %llu jumps, %llu moved pointers, %llu calls, %llu runs held against facts\n",
		(unsigned long long)edges, (unsigned long long)moves, (unsigned long long)calls,
		(unsigned long long)bounded);
	assert_true(accepted >= n_programs / 8 && compared > 1000ull * accepted);
	assert_true(edges > accepted && moves && calls > accepted / 8 && bounded > accepted);
}

static void test_live_claims(void **state)
{
	check_many(false);
}

static void test_all_claims(void **state)
{
	check_many(true);
}

static int setup(void **state)
{
	random_programs_from_environment(PROGRAMS, LONG_PROGRAMS, &first_seed, &n_programs);
	bpfe_thread_register();
	return 0;
}

static int teardown(void **state)
{
	bpfe_thread_unregister();
	bpfe_rcu_barrier();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_live_claims),
					   cmocka_unit_test(test_all_claims)};

	return cmocka_run_group_tests(tests, setup, teardown);
}
