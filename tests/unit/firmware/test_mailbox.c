/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* mailbox.c, admin_rings.c, health.c */
#include "fw_guest.h"

#include "fw_internal.h"

static void put_nops(struct fw_guest *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		fwg_begin(f, SLUICE_OP_NOP);
		fwg_put(f);
	}
}

static void assert_fatal(struct fw_guest *f, uint32_t code, uint64_t info)
{
	unsigned reads = f->g->dma_reads, writes = f->g->dma_writes;
	struct sluice_resp_port port;

	assert_int_equal(fwg_read(f, SLUICE_REG_FATAL_CODE), code);
	assert_int_equal(fwg_read(f, SLUICE_REG_FATAL_QUEUE), 0);
	assert_true(fwg_read64(f, SLUICE_REG_FATAL_INFO) == info);
	assert_int_equal(fwg_read(f, SLUICE_REG_STATUS),
			 SLUICE_STATUS_READY | SLUICE_STATUS_FEATURES_OK | SLUICE_STATUS_FATAL);
	assert_int_equal(f->g->interrupts[FWG_VECTOR], 1);
	assert_int_equal(fwg_read(f, SLUICE_REG_INTR_CAUSE) & SLUICE_INTR_FATAL, SLUICE_INTR_FATAL);

	/* It does nothing any more: commands, events, frames, doorbells, registers. */
	fw_process(f->fw);
	nic_port_query(f->g->nic, 0, &port);
	assert_int_equal(port.enabled, 0);
	fwg_write(f, SLUICE_REG_ASQ_DOORBELL, f->asq_tail + 1u);
	fwg_write(f, SLUICE_REG_CONTROL, 0);
	fwg_write(f, SLUICE_REG_CONTROL, SLUICE_CONTROL_FEATURES_OK | SLUICE_CONTROL_ADMIN_ENABLE);
	fw_doorbell_write(f->fw, SLUICE_DB_RX_FREE, 1, 8);
	nic_set_link(f->g->nic, 0, false, 0);
	fw_drain(f->fw);
	assert_int_equal(f->g->dma_reads, reads);
	assert_int_equal(f->g->dma_writes, writes);
	assert_int_equal(fwg_read(f, SLUICE_REG_FATAL_CODE), code);
	/* The driver can take the interrupt back. */
	fwg_write(f, SLUICE_REG_INTR_CAUSE, SLUICE_INTR_FATAL);
	assert_int_equal(fwg_read(f, SLUICE_REG_INTR_CAUSE) & SLUICE_INTR_FATAL, 0);

	/* A reset helps. */
	fwg_write(f, SLUICE_REG_RESET, SLUICE_RESET_KEY);
	assert_int_equal(fwg_read(f, SLUICE_REG_STATUS), SLUICE_STATUS_READY);
	assert_int_equal(fwg_read(f, SLUICE_REG_FATAL_CODE), 0);
	fwg_boot(f);
	fwg_begin(f, SLUICE_OP_NOP);
	fwg_expect(f, SLUICE_ST_OK, 0);
}

static void test_completion(void **state)
{
	struct fw_guest *f = *state;
	struct sluice_cmd_cpl cpl;

	f->next_tag = 0xbeef;
	fwg_begin(f, SLUICE_OP_NOP);
	cpl = fwg_run(f);
	assert_int_equal(cpl.tag, 0xbeef);
	assert_int_equal(cpl.status, SLUICE_ST_OK);
	assert_int_equal(cpl.detail, 0);
	assert_int_equal(cpl.resp_len, 0);
	assert_int_equal(cpl.resp_full, 0);
	assert_int_equal(cpl.result, 0);
	assert_int_equal(cpl.sub_index, 1);
	assert_int_equal(cpl.reserved0, 0);
	assert_int_equal(cpl.phase, SLUICE_PHASE);
	/* One read of the command, and two stores of the completion: the phase's comes last. */
	assert_int_equal(f->g->dma_reads, 1);
	assert_int_equal(f->g->dma_writes, 2);
}

/* Over the end of the 16-bit indices, in full rings, the phase right in every lap. */
static void test_laps(void **state)
{
	struct fw_guest *f = *state;
	struct sluice_cmd_cpl cpl;

	for (unsigned lap = 0; lap < 65536 / FWG_RING + 3; lap++) {
		put_nops(f, FWG_RING);
		fwg_ring(f);
		for (unsigned i = 0; i < FWG_RING; i++) {
			assert_true(fwg_poll(f, &cpl));
			assert_int_equal(cpl.tag, (uint16_t)(lap * FWG_RING + i));
		}
		assert_false(fwg_poll(f, &cpl));
	}
}

/* A call handles a bounded number of commands and asks to be called again. */
static void test_bounded(void **state)
{
	struct fw_guest *f = fwg_new(NULL);
	struct sluice_cmd_cpl cpl;
	unsigned n = 0;

	f->asq_size = f->acq_size = 64;
	fwg_boot(f);
	put_nops(f, 40);
	fwg_ring(f);
	assert_int_equal(f->g->schedules, 1);
	for (; fwg_poll(f, &cpl); n++)
		assert_int_equal(cpl.tag, n);
	assert_int_equal(n, FW_COMMAND_BATCH);
	fw_process(f->fw);
	assert_int_equal(f->g->schedules, 2);
	fw_process(f->fw);
	assert_int_equal(f->g->schedules, 2);
	for (; fwg_poll(f, &cpl); n++)
		assert_int_equal(cpl.tag, n);
	assert_int_equal(n, 40);
	fwg_free(f);
}

static void header_refused(struct fw_guest *f, uint16_t status)
{
	const char *log = f->g->log;
	unsigned lines = f->g->n_log;
	struct sluice_cmd_cpl cpl;

	f->g->now_ns += 1000000000;
	cpl = fwg_run(f);
	assert_int_equal(cpl.status, status);
	assert_int_equal(cpl.detail, 0);
	assert_int_equal(cpl.resp_len, 0);
	assert_int_equal(f->g->n_log, lines + 1);
	assert_non_null(strstr(log, fw_status_text(status)));
}

static void test_headers(void **state)
{
	struct fw_guest *f = *state;
	const uint16_t unknown[] = {0, 3, 0x57, 0x100, 0x8001, 0xffff};

	for (unsigned i = 0; i < FWG_N(unknown); i++) {
		fwg_begin(f, unknown[i]);
		header_refused(f, SLUICE_ST_INVALID_OPCODE);
		assert_null(fw_opcode_name(unknown[i]));
	}
	for (unsigned bit = 0; bit < 16; bit++) {
		fwg_begin(f, SLUICE_OP_NOP)->flags = (uint16_t)(1u << bit);
		header_refused(f, SLUICE_ST_INVALID_FIELD);
	}
	fwg_begin(f, SLUICE_OP_NOP)->reserved = 0x80;
	header_refused(f, SLUICE_ST_INVALID_FIELD);
	fwg_begin(f, SLUICE_OP_NOP)->port = 1;
	header_refused(f, SLUICE_ST_INVALID_FIELD);
	assert_string_equal(f->g->log,
			    "NOP tag 23: reserved field not zero or command header invalid: port "
			    "1: the device has 1");
	fwg_begin(f, SLUICE_OP_NOP)->data_len = FW_MAX_DATA + 1;
	header_refused(f, SLUICE_ST_TOO_BIG);
	fwg_begin(f, SLUICE_OP_NOP)->data_len = 0xffffffff;
	header_refused(f, SLUICE_ST_TOO_BIG);
}

static void test_bad_addresses(void **state)
{
	struct fw_guest *f = *state;
	const uint64_t bad[] = {0, 0x1000, MODEL_MEMORY_BASE - 1,
				MODEL_MEMORY_BASE + MODEL_MEMORY_SIZE - 8, UINT64_MAX - 7};
	uint32_t map = fwg_map(f, BPF_MAP_TYPE_ARRAY, 4, 8, 1);
	struct sluice_cmd_cpl cpl;
	uint32_t key = 0;

	for (unsigned i = 0; i < FWG_N(bad); i++) {
		fwg_begin_map(f, SLUICE_OP_MAP_LOOKUP, map);
		fwg_attr(f, SLUICE_ATTR_KEY, &key, 4);
		f->cmd.data_addr = bad[i];
		fwg_expect(f, SLUICE_ST_DMA_ERROR, 0);

		fwg_begin(f, SLUICE_OP_QUERY_CAPS)->resp_addr = bad[i];
		cpl = fwg_run(f);
		assert_int_equal(cpl.status, SLUICE_ST_DMA_ERROR);
		assert_int_equal(cpl.resp_len, 0);
	}
	/* Addresses of what is not there do not matter. */
	fwg_begin(f, SLUICE_OP_NOP);
	f->cmd.data_addr = f->cmd.resp_addr = UINT64_MAX;
	fwg_expect(f, SLUICE_ST_OK, 0);
	fwg_begin(f, SLUICE_OP_QUERY_CAPS);
	f->cmd.resp_addr = UINT64_MAX;
	f->cmd.resp_len = 0;
	cpl = fwg_run(f);
	assert_int_equal(cpl.status, SLUICE_ST_OK);
	assert_true(cpl.resp_full > 0);
}

static void test_asq_overrun(void **state)
{
	struct fw_guest *f = *state;

	fwg_write(f, SLUICE_REG_ASQ_DOORBELL, FWG_RING + 1);
	assert_fatal(f, SLUICE_FATAL_ASQ_OVERRUN, FWG_RING + 1);
}

static void test_asq_retreat(void **state)
{
	struct fw_guest *f = *state;

	put_nops(f, 2);
	fwg_ring(f);
	fwg_write(f, SLUICE_REG_ASQ_DOORBELL, 1);
	assert_fatal(f, SLUICE_FATAL_ASQ_OVERRUN, 1);
}

static void test_asq_dma(void **state)
{
	struct fw_guest *f = *state;

	put_nops(f, 3);
	f->g->dma_fail_at = 4; /* the second command: after a read and two stores of the first */
	fwg_ring(f);
	assert_fatal(f, SLUICE_FATAL_ASQ_DMA, f->asq + sizeof(struct sluice_cmd));
}

static void test_acq_dma(void **state)
{
	for (unsigned store = 2; store <= 3; store++) {
		struct fw_guest *f = fwg_new(NULL);
		struct sluice_cmd_cpl cpl;

		fwg_boot(f);
		put_nops(f, 1);
		f->g->dma_fail_at = store;
		fwg_ring(f);
		assert_false(fwg_poll(f, &cpl));
		assert_fatal(f, SLUICE_FATAL_ACQ_DMA, f->acq);
		fwg_free(f);
	}
}

/* The guest submits without ever taking completions. */
static void test_acq_full(void **state)
{
	struct fw_guest *f = *state;

	put_nops(f, FWG_RING);
	fwg_ring(f);
	assert_int_equal(fwg_read(f, SLUICE_REG_FATAL_CODE), 0);
	put_nops(f, 1);
	fwg_ring(f);
	assert_fatal(f, SLUICE_FATAL_ACQ_OVERRUN, FWG_RING);
}

static void test_acq_doorbell(void **state)
{
	struct fw_guest *f = *state;

	put_nops(f, 2);
	fwg_ring(f);
	fwg_write(f, SLUICE_REG_ACQ_DOORBELL, 3);
	assert_fatal(f, SLUICE_FATAL_ACQ_OVERRUN, 3);
}

static void test_acq_doorbell_retreats(void **state)
{
	struct fw_guest *f = *state;

	put_nops(f, 2);
	fwg_ring(f);
	fwg_write(f, SLUICE_REG_ACQ_DOORBELL, 2);
	fwg_write(f, SLUICE_REG_ACQ_DOORBELL, 1);
	assert_fatal(f, SLUICE_FATAL_ACQ_OVERRUN, 1);
}

/* A fatal error cancels loads as a reset does. */
static void test_fatal_cancels(void **state)
{
	struct fw_guest *f = *state;
	const struct bpf_insn insns[] = {MOV_K(0, 0), EXIT()};

	fwg_begin_load(f, insns, 2);
	fwg_put(f);
	fwg_ring(f);
	fwg_write(f, SLUICE_REG_ASQ_DOORBELL, 0x8000);
	fw_drain(f->fw);
	assert_fatal(f, SLUICE_FATAL_ASQ_OVERRUN, 0x8000);
	assert_int_equal(f->objects_calls, 0);
}

/* Fatal errors in the middle of a batch end it. */
static void test_stop_in_batch(void **state)
{
	struct fw_guest *f = *state;
	struct sluice_cmd_cpl cpl;

	put_nops(f, 2);
	fwg_write(f, SLUICE_REG_ASQ_DOORBELL, 1);
	fwg_write(f, SLUICE_REG_CONTROL, SLUICE_CONTROL_FEATURES_OK);
	assert_true(fwg_poll(f, &cpl));
	fw_process(f->fw);
	fwg_boot(f);
	assert_int_equal(f->g->dma_reads, 1);
	fwg_begin(f, SLUICE_OP_NOP);
	fwg_expect(f, SLUICE_ST_OK, 0);
}

/* What a guest can make the device log is limited; what was not logged is counted. */
static void test_log_limit(void **state)
{
	struct fw_guest *f = *state;

	for (unsigned i = 0; i < 100; i++) {
		fwg_begin(f, 0xffff);
		fwg_run(f);
	}
	assert_int_equal(f->g->n_log, 32);
	f->g->now_ns += 1000000000;
	fwg_begin(f, 0xffff);
	fwg_run(f);
	assert_int_equal(f->g->n_log, 34);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FWG_TEST(test_completion),      FWG_TEST(test_laps),
		cmocka_unit_test(test_bounded), FWG_TEST(test_headers),
		FWG_TEST(test_bad_addresses),   FWG_TEST(test_asq_overrun),
		FWG_TEST(test_asq_retreat),     FWG_TEST(test_asq_dma),
		cmocka_unit_test(test_acq_dma), FWG_TEST(test_acq_full),
		FWG_TEST(test_acq_doorbell),    FWG_TEST(test_acq_doorbell_retreats),
		FWG_TEST(test_fatal_cancels),   FWG_TEST(test_stop_in_batch),
		FWG_TEST(test_log_limit),
	};

	return cmocka_run_group_tests_name("firmware mailbox", tests, NULL, NULL);
}
