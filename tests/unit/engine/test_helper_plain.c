/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Helpers whose row says plain: compiled code does not look at the run after them, so they must
 * leave alone what it would look at.
 */
#include <linux/bpf.h>
#include "helper_call.h"
#include "helpers/dynptr.h"
#include "helpers/kfuncs.h"
#include "interp/interp.h"

/* What the helpers are called on. */
struct stage {
	struct frame f;
	struct bpfe_map *devmap, *ringbuf;
	struct bpfe_dynptr local, other;
	uint64_t iter;
	uint8_t bytes[64];
	struct bpf_fib_lookup fib;
	uint32_t mtu;
};

static struct stage stage;

#define CTX P(&stage.f.xdp)

enum argument {
	ZERO,
	ONE,
	MUCH, /* more than there is of anything */
	FRAME,
	DEVMAP,
	RINGBUF,
	LOCAL,
	OTHER,
	ITER,
	BYTES,
	FIB,
	FIB_SIZE,
	MTU,
};

static uint64_t value_of(enum argument argument)
{
	switch (argument) {
	case ZERO:
		return 0;
	case ONE:
		return 1;
	case MUCH:
		return 1u << 30;
	case FRAME:
		return CTX;
	case DEVMAP:
		return P(stage.devmap);
	case RINGBUF:
		return P(stage.ringbuf);
	case LOCAL:
		return P(&stage.local);
	case OTHER:
		return P(&stage.other);
	case ITER:
		return P(&stage.iter);
	case BYTES:
		return P(stage.bytes);
	case FIB:
		return P(&stage.fib);
	case FIB_SIZE:
		return sizeof(stage.fib);
	default:
		return P(&stage.mtu);
	}
}

static const struct row {
	uint32_t id;
	uint8_t args[5];  /* succeeds */
	uint8_t fails[5]; /* the same, with what it refuses */
} rows[] = {
	{BPF_FUNC_get_numa_node_id, {0}, {0}},
	{BPF_FUNC_get_prandom_u32, {0}, {0}},
	{BPF_FUNC_get_smp_processor_id, {0}, {0}},
	{BPF_FUNC_ktime_get_ns, {0}, {0}},
	{BPF_FUNC_ktime_get_boot_ns, {0}, {0}},
	{BPF_FUNC_ktime_get_coarse_ns, {0}, {0}},
	{BPF_FUNC_ktime_get_tai_ns, {0}, {0}},
	{BPF_FUNC_jiffies64, {0}, {0}},
	{BPF_FUNC_xdp_get_buff_len, {FRAME}, {FRAME}},
	{BPF_FUNC_xdp_adjust_head, {FRAME, ONE}, {FRAME, MUCH}},
	{BPF_FUNC_xdp_adjust_meta, {FRAME, ZERO}, {FRAME, MUCH}},
	{BPF_FUNC_xdp_adjust_tail, {FRAME, ONE}, {FRAME, MUCH}},
	{BPF_FUNC_redirect, {ONE, ZERO}, {ONE, ONE}},
	{BPF_FUNC_redirect_map, {DEVMAP, ONE, ZERO}, {DEVMAP, MUCH, MUCH}},
	{BPF_FUNC_fib_lookup, {FRAME, FIB, FIB_SIZE, ZERO}, {FRAME, FIB, ONE, ZERO}},
	{BPF_FUNC_check_mtu, {FRAME, ONE, MTU, ZERO, ZERO}, {FRAME, ONE, MTU, ZERO, ONE}},
	{BPF_FUNC_ringbuf_query, {RINGBUF, ONE}, {RINGBUF, MUCH}},
	{BPF_FUNC_dynptr_from_mem, {BYTES, ONE, ZERO, OTHER}, {BYTES, MUCH, ZERO, OTHER}},
	{BPF_FUNC_dynptr_data, {LOCAL, ZERO, ONE}, {LOCAL, MUCH, ONE}},
	{BPFE_KFUNC_DYNPTR_FROM_XDP, {FRAME, ZERO, OTHER}, {FRAME, ONE, OTHER}},
	{BPFE_KFUNC_DYNPTR_SLICE, {LOCAL, ZERO, ZERO, ONE}, {LOCAL, MUCH, ZERO, ONE}},
	{BPFE_KFUNC_DYNPTR_SLICE_RDWR, {LOCAL, ZERO, ZERO, ONE}, {LOCAL, MUCH, ZERO, ONE}},
	{BPFE_KFUNC_DYNPTR_ADJUST, {LOCAL, ZERO, ONE}, {LOCAL, ONE, ZERO}},
	{BPFE_KFUNC_DYNPTR_IS_NULL, {LOCAL}, {OTHER}},
	{BPFE_KFUNC_DYNPTR_IS_RDONLY, {LOCAL}, {OTHER}},
	{BPFE_KFUNC_DYNPTR_SIZE, {LOCAL}, {OTHER}},
	{BPFE_KFUNC_DYNPTR_CLONE, {LOCAL, OTHER}, {OTHER, LOCAL}},
	{BPFE_KFUNC_ITER_NUM_NEW, {ITER, ZERO, ONE}, {ITER, ONE, ZERO}},
	{BPFE_KFUNC_ITER_NUM_NEXT, {ITER}, {ITER}},
	{BPFE_KFUNC_ITER_NUM_DESTROY, {ITER}, {ITER}},
	{BPFE_KFUNC_XDP_METADATA_RX_TIMESTAMP, {FRAME, BYTES}, {FRAME, BYTES}},
	{BPFE_KFUNC_XDP_METADATA_RX_HASH, {FRAME, BYTES, MTU}, {FRAME, BYTES, MTU}},
	{BPFE_KFUNC_XDP_METADATA_RX_VLAN_TAG, {FRAME, BYTES, MTU}, {FRAME, BYTES, MTU}},
};

static uint64_t poison_invoke(struct bpfe_run_env *env, uint64_t fn, uint64_t r1, uint64_t r2,
			      uint64_t r3, uint64_t r4, uint64_t r5)
{
	fail_msg("a plain helper calls back");
	return 0;
}

static void set_stage(void)
{
	frame_init(&stage.f);
	memset(stage.bytes, 0, sizeof(stage.bytes));
	stage.local = bpfe_dynptr_make(BPFE_DYNPTR_LOCAL, stage.bytes, sizeof(stage.bytes));
	stage.other = (struct bpfe_dynptr){0};
	stage.iter = 0;
	stage.mtu = 0;
	memset(&stage.fib, 0, sizeof(stage.fib));
}

static void check_call(const struct row *row, const uint8_t args[5])
{
	static const struct bpfe_program prog = {.type = BPF_PROG_TYPE_XDP};
	static const struct bpfe_visited_key visited;
	static uint32_t lock = 1;
	struct bpfe_run_env env, before;

	memset(&env, 0, sizeof(env));
	env.xdp = &stage.f.xdp;
	env.prog = &prog;
	env.cpu = 3;
	env.invoke = poison_invoke;
	env.abort = BPFE_ABORT_MEMORY;
	env.cost = 0x1234567;
	env.lock = &lock;
	env.visited = &visited;
	env.n_held = BPFE_MAX_HELD / 2;
	memset(env.held, 0xa5, sizeof(env.held));
	before = env;
	call(&env, row->id, value_of(args[0]), value_of(args[1]), value_of(args[2]),
	     value_of(args[3]), value_of(args[4]));
	/* Where a frame goes is all that a plain helper may note. */
	before.redirect = env.redirect;
	if (memcmp(&env, &before, sizeof(env)))
		fail_msg("%s is not plain", bpfe_helper_by_id(row->id)->name);
	assert_int_equal(lock, 1);
}

static void test_calls(void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		set_stage();
		check_call(&rows[i], rows[i].args);
		set_stage();
		check_call(&rows[i], rows[i].fails);
	}
}

static void check_known(uint32_t id)
{
	const struct bpfe_helper *helper = bpfe_helper_by_id(id);
	bool tested = false;

	if (!helper)
		return;
	for (size_t i = 0; i < COUNT(rows); i++)
		tested |= rows[i].id == id;
	if (helper->plain != tested)
		fail_msg("%s is %s, and %s", helper->name, helper->plain ? "plain" : "not plain",
			 tested ? "tested" : "not tested");
}

/* Every plain helper is in the table above. */
static void test_all_are_tested(void **state)
{
	for (uint32_t id = 0; id < 256; id++)
		check_known(id);
	for (uint32_t id = BPFE_KFUNC_BASE; id < BPFE_KFUNC_END; id++)
		check_known(id);
}

static int setup(void **state)
{
	group_setup(state);
	stage.devmap = map_new(BPF_MAP_TYPE_DEVMAP, 4, 4, 4, NULL);
	stage.ringbuf = map_new(BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, NULL);
	return 0;
}

static int teardown(void **state)
{
	bpfe_map_put(stage.devmap);
	bpfe_map_put(stage.ringbuf);
	bpfe_rcu_barrier();
	return group_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_all_are_tested),
	};

	return cmocka_run_group_tests_name("plain helpers", tests, setup, teardown);
}
