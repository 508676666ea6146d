/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* program_load.c: what happens while loads are under way, with the worker held up. */
#include "fw_guest.h"

#include "fw_internal.h"

/* A job that runs until it is cancelled or released. */
struct blocker {
	struct fw_job job;
	atomic_bool running, release, ended, freed;
};

static void blocker_run(struct fw_job *job)
{
	struct blocker *b = (struct blocker *)job;

	atomic_store(&b->running, true);
	while (!atomic_load(&b->release) && !atomic_load(&job->cancel))
		;
	atomic_store(&b->ended, true);
}

static void blocker_free(struct fw_job *job)
{
	atomic_store(&((struct blocker *)job)->freed, true);
}

static void block_worker(struct fw_guest *f, struct blocker *b)
{
	memset(b, 0, sizeof(*b));
	b->job.run = blocker_run;
	b->job.free = blocker_free;
	fw_worker_submit(f->fw->worker, &b->job);
	while (!atomic_load(&b->running))
		;
}

/* Let it end and take it away before the firmware finds a job that is none of its own. */
static void unblock_worker(struct fw_guest *f, struct blocker *b)
{
	struct fw_job *job;

	atomic_store(&b->release, true);
	do {
		job = fw_worker_take(f->fw->worker);
	} while (!job);
	assert_ptr_equal(job, &b->job);
}

static void put_load(struct fw_guest *f, uint32_t map)
{
	const struct bpf_insn insns[] = {LD_MAP_FD(1, map), MOV_K(0, XDP_PASS), EXIT()};

	fwg_begin_load(f, insns, FWG_N(insns));
	fwg_put(f);
	fwg_ring(f);
}

static void test_load_holds_maps(void **state)
{
	struct fw_guest *f = *state;
	uint32_t map = fwg_map(f, BPF_MAP_TYPE_ARRAY, 4, 8, 1);
	struct sluice_cmd_cpl cpl;
	struct blocker b;
	uint16_t tag;

	block_worker(f, &b);
	put_load(f, map);
	tag = f->cmd.tag;
	assert_false(fwg_poll(f, &cpl));

	/* Other commands overtake it; its map stays. */
	fwg_begin_map(f, SLUICE_OP_MAP_FREE, map);
	fwg_put(f);
	fwg_ring(f);
	assert_true(fwg_poll(f, &cpl));
	assert_int_equal(cpl.tag, f->cmd.tag);
	assert_int_equal(cpl.status, SLUICE_ST_BUSY);
	assert_string_equal(f->g->log, "MAP_FREE tag 2: in use: map 1 is used by 0 programs and 1 "
				       "loads under way");
	fw_process(f->fw);
	assert_false(fwg_poll(f, &cpl));

	unblock_worker(f, &b);
	fw_drain(f->fw);
	assert_true(fwg_poll(f, &cpl));
	assert_int_equal(cpl.tag, tag);
	assert_int_equal(cpl.status, SLUICE_ST_OK);
	fwg_begin_map(f, SLUICE_OP_MAP_FREE, map);
	fwg_expect(f, SLUICE_ST_BUSY, 0);
}

static void test_too_many_loads(void **state)
{
	const struct fw_limits limits = {.load_queue = 2};
	struct fw_guest *f = fwg_new(&limits);
	struct sluice_cmd_cpl cpl;
	struct blocker b;
	uint32_t map;

	fwg_boot(f);
	map = fwg_map(f, BPF_MAP_TYPE_ARRAY, 4, 8, 1);
	block_worker(f, &b);
	put_load(f, map);
	put_load(f, map);
	assert_false(fwg_poll(f, &cpl));
	put_load(f, map);
	assert_true(fwg_poll(f, &cpl));
	assert_int_equal(cpl.status, SLUICE_ST_BUSY);
	unblock_worker(f, &b);
	fw_drain(f->fw);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(fwg_poll(f, &cpl));
		assert_int_equal(cpl.status, SLUICE_ST_OK);
	}
	put_load(f, map);
	fw_drain(f->fw);
	assert_true(fwg_poll(f, &cpl));
	assert_int_equal(cpl.status, SLUICE_ST_OK);
	fwg_free(f);
}

/* A reset returns while the worker is still busy; nothing of before is ever completed. */
static void test_reset_cancels(void **state)
{
	struct fw_guest *f = *state;
	uint32_t map = fwg_map(f, BPF_MAP_TYPE_ARRAY, 4, 8, 1);
	struct sluice_cmd_cpl cpl;
	struct blocker b;

	block_worker(f, &b);
	put_load(f, map);
	fwg_write(f, SLUICE_REG_RESET, SLUICE_RESET_KEY);
	assert_false(f->objects);
	assert_true(atomic_load(&b.job.cancel));
	while (!atomic_load(&b.freed))
		;
	assert_true(atomic_load(&b.ended));

	fwg_boot(f);
	fw_drain(f->fw);
	fw_process(f->fw);
	assert_false(fwg_poll(f, &cpl));
	assert_int_equal(fwg_load_verdict(f, XDP_PASS), 1);
	/* Ids go on over a reset. */
	assert_int_equal(fwg_map(f, BPF_MAP_TYPE_ARRAY, 4, 8, 1), map + 1);
}

/* Paths that double with each step: verification takes until it is cancelled or finds too much. */
static void put_long_load(struct fw_guest *f)
{
	enum {
		STEPS = 3000
	};
	struct bpf_insn *insns = calloc(STEPS * 2 + 4, sizeof(*insns));
	unsigned n = 0;

	assert_non_null(insns);
	insns[n++] = LDX(BPF_W, 6, 1, offsetof(struct xdp_md, rx_queue_index));
	insns[n++] = MOV_K(7, 0);
	for (unsigned i = 0; i < STEPS; i++) {
		insns[n++] = JMP_K(BPF_JSET, 6, 1 << (i % 31), 1);
		insns[n++] = ALU64_K(BPF_ADD, 7, i);
	}
	insns[n++] = MOV_X(0, 7);
	insns[n++] = EXIT();
	fwg_begin_load(f, insns, n);
	fwg_put(f);
	fwg_ring(f);
	free(insns);
}

/* The same with the real verifier at work, whenever the reset happens to find it. */
static void test_reset_while_verifying(void **state)
{
	struct fw_guest *f = *state;
	struct sluice_cmd_cpl cpl;

	for (unsigned i = 0; i < 20; i++) {
		put_long_load(f);
		put_long_load(f);
		fwg_write(f, SLUICE_REG_RESET, SLUICE_RESET_KEY);
		fwg_boot(f);
	}
	fw_drain(f->fw);
	fw_process(f->fw);
	assert_false(fwg_poll(f, &cpl));
	assert_false(f->objects);
	fwg_load_verdict(f, XDP_PASS);
}

static void test_stop_cancels(void **state)
{
	struct fw_guest *f = *state;
	uint32_t map = fwg_map(f, BPF_MAP_TYPE_ARRAY, 4, 8, 1);
	struct sluice_cmd_cpl cpl;
	struct blocker b;

	block_worker(f, &b);
	put_load(f, map);
	fwg_write(f, SLUICE_REG_CONTROL, SLUICE_CONTROL_FEATURES_OK);
	assert_int_equal(fwg_read(f, SLUICE_REG_STATUS) & SLUICE_STATUS_ADMIN_ON, 0);
	while (!atomic_load(&b.freed))
		;
	/* Objects outlive the rings. */
	fwg_boot(f);
	fw_drain(f->fw);
	assert_false(fwg_poll(f, &cpl));
	fwg_begin_map(f, SLUICE_OP_MAP_FREE, map);
	fwg_expect(f, SLUICE_ST_OK, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FWG_TEST(test_load_holds_maps), cmocka_unit_test(test_too_many_loads),
		FWG_TEST(test_reset_cancels),   FWG_TEST(test_reset_while_verifying),
		FWG_TEST(test_stop_cancels),
	};

	return cmocka_run_group_tests_name("firmware load", tests, NULL, NULL);
}
