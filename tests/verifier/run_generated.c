// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bpf_engine.h"
#include "generate.h"
#include "run_generated.h"

#define FRAME_BYTES 700u
#define LENGTHS     3u
#define ROUNDS      2u

/* One of the two places a program runs in: its maps, its frame, where the stack is. */
struct place {
	struct bpfe_map *maps[GENERATED_MAPS];
	struct bpfe_program *prog;
	uint8_t *memory; /* of which the frame is FRAME_BYTES from offset */
	uint32_t offset;
	struct bpfe_result results[LENGTHS * ROUNDS];
	uint8_t frames[LENGTHS * ROUNDS][FRAME_BYTES];
	uint32_t lengths[LENGTHS * ROUNDS]; /* of the frame after the run */
};

/* Allocations of the second place lie at changing distances from where the heap puts them. */
static void *displaced_alloc(void *opaque, size_t size, size_t align)
{
	uint32_t *displacement = opaque;
	uint8_t *ptr;

	*displacement = (*displacement + 64) % 4096;
	if (posix_memalign((void **)&ptr, 4096, size + 4096 + 64))
		return NULL;
	memset(ptr, 0, size + 4096 + 64);
	ptr += 64 + *displacement;
	((uint32_t *)ptr)[-1] = 64 + *displacement;
	return ptr;
}

static void displaced_free(void *opaque, void *ptr, size_t size)
{
	free((uint8_t *)ptr - ((uint32_t *)ptr)[-1]);
}

static int make_maps(struct place *p, const struct bpfe_allocator *alloc)
{
	static const uint32_t types[GENERATED_MAPS] = {BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_ARRAY};

	for (uint32_t m = 0; m < GENERATED_MAPS; m++) {
		struct bpfe_map_attr attr = {
			.type = types[m], .key_size = 4, .value_size = 16, .max_entries = 8};

		if (bpfe_map_create(&attr, alloc, &p->maps[m], NULL))
			return -1;
		for (uint32_t key = 0; key < 5; key++) {
			uint8_t value[16];

			for (unsigned i = 0; i < sizeof(value); i++)
				value[i] = (uint8_t)(17 * key + 31 * i);
			if (bpfe_map_update(p->maps[m], &key, value, BPF_ANY))
				return -1;
		}
	}
	return 0;
}

static int load(struct place *p, const struct bpf_insn *insns, uint32_t n,
		const struct bpfe_allocator *alloc, char *what, uint32_t what_size)
{
	struct bpfe_map_binding bindings[GENERATED_MAPS];
	struct bpfe_log log = {.buf = what, .size = what_size};
	struct bpfe_load_attr attr = {.insns = insns,
				      .n_insns = n,
				      .maps = bindings,
				      .n_maps = GENERATED_MAPS,
				      .flags = BPFE_LOAD_CHECKED,
				      .alloc = alloc};

	for (uint32_t m = 0; m < GENERATED_MAPS; m++)
		bindings[m] = (struct bpfe_map_binding){m, p->maps[m]};
	return bpfe_program_load(&attr, &p->prog, &log);
}

static struct bpfe_result run_once(struct place *p, uint32_t i)
{
	static const uint32_t lengths[LENGTHS] = {60, 131, 39};
	uint8_t *frame = p->memory + p->offset;
	struct bpfe_xdp_buff xdp = {
		.hard_start = frame,
		.data_meta = frame + 256,
		.data = frame + 256,
		.data_end = frame + 256 + lengths[i % LENGTHS],
		.hard_end = frame + FRAME_BYTES,
		.ingress_ifindex = 3,
		.rx_queue_index = 1,
		.egress_ifindex = 2,
		.now_ns = 1000000 * i,
	};
	struct bpfe_result r;

	memset(frame, 0, FRAME_BYTES);
	for (uint32_t b = 0; b < lengths[i % LENGTHS]; b++)
		frame[256 + b] = (uint8_t)(b * 37 + i * 101 + (b % 5 == 0 ? 0 : b >> 2));
	bpfe_rcu_read_lock();
	r = bpfe_run(p->prog, &xdp);
	bpfe_rcu_read_unlock();
	p->lengths[i] = (uint32_t)(xdp.data_end - xdp.data);
	memcpy(p->frames[i], frame, FRAME_BYTES);
	return r;
}

/* Move the C stack, and with it the program's. */
static void run_all(struct place *p, uint32_t deeper) __attribute__((noinline));

static void run_all(struct place *p, uint32_t deeper)
{
	volatile uint8_t room[1040];

	room[deeper % sizeof(room)] = 1;
	if (deeper && room[deeper % sizeof(room)]) {
		run_all(p, deeper - 1);
		return;
	}
	for (uint32_t i = 0; i < LENGTHS * ROUNDS; i++)
		p->results[i] = run_once(p, i);
}

static enum generated_outcome check_results(const struct place *a, const struct place *b,
					    char *what, uint32_t what_size)
{
	for (uint32_t i = 0; i < LENGTHS * ROUNDS; i++) {
		const struct bpfe_result *r = &a->results[i], *s = &b->results[i];

		if (r->abort == BPFE_ABORT_MEMORY || r->abort == BPFE_ABORT_TRAP) {
			snprintf(what, what_size, "run %u aborted (%d) at slot %u", i, r->abort,
				 r->abort_insn);
			return GENERATED_UNSAFE;
		}
		if (r->retval != s->retval || r->abort != s->abort || r->insns != s->insns ||
		    a->lengths[i] != b->lengths[i] ||
		    memcmp(a->frames[i], b->frames[i], FRAME_BYTES)) {
			snprintf(what, what_size,
				 "run %u: 0x%x after %llu instructions here, 0x%x after %llu there",
				 i, r->retval, (unsigned long long)r->insns, s->retval,
				 (unsigned long long)s->insns);
			return GENERATED_TELLS;
		}
	}
	return GENERATED_RAN;
}

static enum generated_outcome check_maps(const struct place *a, const struct place *b, char *what,
					 uint32_t what_size)
{
	for (uint32_t m = 0; m < GENERATED_MAPS; m++) {
		uint32_t key, *previous = NULL;

		if (bpfe_map_count(a->maps[m]) != bpfe_map_count(b->maps[m]))
			goto differ;
		while (!bpfe_map_get_next_key(a->maps[m], previous, &key)) {
			uint8_t x[16], y[16];

			if (bpfe_map_lookup_copy(a->maps[m], &key, x) ||
			    bpfe_map_lookup_copy(b->maps[m], &key, y) || memcmp(x, y, sizeof(x)))
				goto differ;
			previous = &key;
		}
		continue;
differ:
		snprintf(what, what_size, "map %u holds something else there", m);
		return GENERATED_TELLS;
	}
	return GENERATED_RAN;
}

static void put_place(struct place *p)
{
	bpfe_program_put(p->prog);
	for (uint32_t m = 0; m < GENERATED_MAPS; m++) {
		if (p->maps[m])
			bpfe_map_put(p->maps[m]);
	}
	free(p->memory);
	free(p);
}

static enum generated_outcome run_both(struct place *a, struct place *b, char *what,
				       uint32_t what_size)
{
	enum generated_outcome outcome;

	run_all(a, 0);
	run_all(b, 1 + b->offset % 5);
	outcome = check_results(a, b, what, what_size);
	return outcome == GENERATED_RAN ? check_maps(a, b, what, what_size) : outcome;
}

enum generated_outcome run_generated(const struct bpf_insn *insns, uint32_t n_insns, char *what,
				     uint32_t what_size)
{
	static uint32_t displacement;
	/* It must last until the deferred frees are done. */
	static const struct bpfe_allocator displaced = {displaced_alloc, displaced_free,
							&displacement};
	struct place *a = calloc(1, sizeof(*a)), *b = calloc(1, sizeof(*b));
	enum generated_outcome outcome = GENERATED_BROKEN;

	a->memory = calloc(1, FRAME_BYTES);
	b->offset = 8 + displacement % 1000;
	b->memory = calloc(1, FRAME_BYTES + b->offset);
	if (!make_maps(a, NULL) && !make_maps(b, &displaced)) {
		if (load(a, insns, n_insns, NULL, what, what_size))
			outcome = GENERATED_REFUSED;
		else if (!load(b, insns, n_insns, &displaced, what, what_size))
			outcome = run_both(a, b, what, what_size);
	}
	put_place(a);
	put_place(b);
	return outcome;
}
