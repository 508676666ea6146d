/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include <stdlib.h>
#include "harness.h"

static void *counting_alloc(void *opaque, size_t size, size_t align)
{
	struct counting *c = opaque;
	void *ptr;

	if (atomic_fetch_add(&c->calls, 1) == c->fail_at)
		return NULL;
	if (posix_memalign(&ptr, align < sizeof(void *) ? sizeof(void *) : align, size))
		return NULL;
	atomic_fetch_add(&c->blocks, 1);
	atomic_fetch_add(&c->bytes, (long)size);
	return memset(ptr, 0, size);
}

static void counting_free(void *opaque, void *ptr, size_t size)
{
	struct counting *c = opaque;

	atomic_fetch_sub(&c->blocks, 1);
	atomic_fetch_sub(&c->bytes, (long)size);
	free(ptr);
}

void counting_init(struct counting *c)
{
	memset(c, 0, sizeof(*c));
	c->fail_at = -1;
	c->alloc = (struct bpfe_allocator){counting_alloc, counting_free, c};
}

void counting_check(struct counting *c)
{
	bpfe_rcu_barrier();
	assert_int_equal(c->blocks, 0);
	assert_int_equal(c->bytes, 0);
}

enum bpfe_engine test_engine(void)
{
	const char *name = getenv("SLUICE_TEST_ENGINE");

	if (!name)
		return BPFE_ENGINE_INTERP;
	for (enum bpfe_engine e = BPFE_ENGINE_INTERP; e <= BPFE_ENGINE_JIT; e++) {
		if (strcmp(bpfe_engine_name(e), name) == 0)
			return e;
	}
	fail_msg("SLUICE_TEST_ENGINE=%s is no engine", name);
	return BPFE_ENGINE_DEFAULT;
}

void assert_abort_at(const struct bpfe_result *result, uint32_t slot)
{
	assert_int_not_equal(result->abort, BPFE_ABORT_NONE);
	if (test_engine() == BPFE_ENGINE_INTERP)
		assert_int_equal(result->abort_insn, slot);
}

void load_init(struct load *l, const struct bpf_insn *insns, size_t n)
{
	memset(l, 0, sizeof(*l));
	l->attr.insns = insns;
	l->attr.n_insns = (uint32_t)n;
	l->log.buf = l->text;
	l->log.size = sizeof(l->text);
	l->attr.engine = (uint8_t)test_engine();
	l->attr.flags = BPFE_LOAD_COUNTED;
}

struct bpfe_program *load_ok(struct load *l)
{
	struct bpfe_program *prog = NULL;
	int err = bpfe_program_load(&l->attr, &prog, &l->log);

	if (err)
		fail_msg("load failed with %d: %s", err, l->text);
	return prog;
}

struct bpfe_program *load_program(const struct bpf_insn *insns, size_t n, struct bpfe_map *map,
				  uint32_t flags)
{
	struct bpfe_map_binding binding = {.id = 7, .map = map};
	struct load l;

	load_init(&l, insns, n);
	l.attr.flags |= flags;
	l.attr.maps = &binding;
	l.attr.n_maps = map != NULL;
	return load_ok(&l);
}

void load_refused(struct load *l, int err, enum bpfe_reason reason, uint32_t insn, const char *text)
{
	struct bpfe_program *prog = NULL;

	assert_int_equal(bpfe_program_load(&l->attr, &prog, &l->log), err);
	assert_null(prog);
	assert_string_equal(l->text, text);
	assert_string_equal(bpfe_reason_name(l->log.reason), bpfe_reason_name(reason));
	assert_int_equal(l->log.insn, insn);
}

void frame_init(struct frame *f)
{
	memset(f->memory, 0xee, sizeof(f->memory));
	memset(f->memory + 256, 0, 256);
	f->xdp = (struct bpfe_xdp_buff){
		.hard_start = f->memory,
		.data_meta = f->memory + 256,
		.data = f->memory + 256,
		.data_end = f->memory + 512,
		.hard_end = f->memory + 768,
		.ingress_ifindex = 0x80000011,
		.rx_queue_index = 0x80000022,
		.egress_ifindex = 0x80000033,
		.now_ns = 0x123456789abcdef0,
	};
}

struct bpfe_result run(const struct bpfe_program *prog, struct frame *f)
{
	struct bpfe_result result;

	bpfe_rcu_read_lock();
	result = bpfe_run(prog, &f->xdp);
	bpfe_rcu_read_unlock();
	return result;
}

uint32_t run_value(const struct bpfe_program *prog)
{
	struct bpfe_result result;
	struct frame f;

	frame_init(&f);
	result = run(prog, &f);
	assert_int_equal(result.abort, BPFE_ABORT_NONE);
	return result.retval;
}

struct bpfe_map *map_new(uint32_t type, uint32_t key, uint32_t value, uint32_t entries,
			 const struct bpfe_allocator *alloc)
{
	struct bpfe_map_attr attr = {
		.type = type, .key_size = key, .value_size = value, .max_entries = entries};
	struct bpfe_map *map = NULL;

	assert_int_equal(bpfe_map_create(&attr, alloc, &map, NULL), 0);
	return map;
}

int group_setup(void **state)
{
	bpfe_thread_register();
	return 0;
}

int group_teardown(void **state)
{
	bpfe_thread_unregister();
	return 0;
}
