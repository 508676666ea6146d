/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* event.c */
#include "fw_guest.h"

#include "frames.h"

static void flip_link(struct fw_guest *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		nic_set_link(f->g->nic, 0, i & 1, 1000 + i);
}

static void test_link(void **state)
{
	struct fw_guest *f = *state;
	struct sluice_event event;

	f->g->now_ns = 0x123456789a;
	nic_set_link(f->g->nic, 0, false, 2500);
	assert_true(fwg_poll_event(f, &event));
	assert_int_equal(event.type, SLUICE_EVENT_LINK);
	assert_int_equal(event.port, 0);
	assert_int_equal(event.arg, 2500 << 1);
	assert_true(event.timestamp == 0x123456789a);
	assert_int_equal(event.lost, 0);
	assert_int_equal(event.phase, SLUICE_PHASE);
	assert_false(fwg_poll_event(f, &event));
}

static void test_queue_error(void **state)
{
	struct fw_guest *f = *state;
	struct sluice_event event;
	struct model_queue q;

	model_queue_layout(&q, f->g, SLUICE_QUEUE_TX, 1, 16);
	assert_int_equal(model_queue_open(&q), 0);
	fw_doorbell_write(f->fw, SLUICE_DOORBELL_PAGE + SLUICE_DB_TX_SUB, 17, 8);
	assert_true(fwg_poll_event(f, &event));
	assert_int_equal(event.type, SLUICE_EVENT_QUEUE_ERROR);
	assert_int_equal(event.arg, SLUICE_QUEUE_TX << 16 | 1);
	assert_int_equal(event.arg64, SLUICE_QERR_BAD_INDEX);
}

static void test_program_abort(void **state)
{
	struct fw_guest *f = *state;
	uint32_t prog = fwg_load_verdict(f, XDP_ABORTED);
	struct sluice_event event;
	uint8_t buf[FRAME_MAX];
	size_t len = frame_udp(buf, 100, 1);

	fwg_begin_prog(f, SLUICE_OP_PROG_ATTACH, prog, 0, 0);
	fwg_expect(f, SLUICE_ST_OK, 0);
	assert_int_equal(nic_receive(f->g->nic, 0, buf, len), NIC_RX_ABORTED);
	assert_true(fwg_poll_event(f, &event));
	assert_int_equal(event.type, SLUICE_EVENT_PROG_ABORT);
	assert_int_equal(event.arg, prog);
	assert_int_equal(event.arg64, 0);
}

static void test_laps(void **state)
{
	struct fw_guest *f = *state;
	struct sluice_event event;

	for (unsigned lap = 0; lap < 5; lap++) {
		flip_link(f, FWG_RING);
		for (unsigned i = 0; i < FWG_RING; i++) {
			assert_true(fwg_poll_event(f, &event));
			assert_int_equal(event.arg, (1000 + i) << 1 | (i & 1));
			assert_int_equal(event.lost, 0);
		}
		assert_false(fwg_poll_event(f, &event));
	}
}

static void test_lost(void **state)
{
	struct fw_guest *f = *state;
	struct sluice_event event;

	flip_link(f, FWG_RING + 5);
	for (unsigned i = 0; i < FWG_RING; i++) {
		assert_true(fwg_poll_event(f, &event));
		assert_int_equal(event.lost, 0);
	}
	assert_false(fwg_poll_event(f, &event));
	/* The next one tells, once. */
	flip_link(f, 2);
	assert_true(fwg_poll_event(f, &event));
	assert_int_equal(event.lost, 5);
	assert_true(fwg_poll_event(f, &event));
	assert_int_equal(event.lost, 0);
}

static void test_interrupt(void **state)
{
	struct fw_guest *f = *state;
	const unsigned *n = &f->g->interrupts[FWG_VECTOR];

	flip_link(f, 1);
	assert_int_equal(*n, 0);
	/* Arming over an event that waits. */
	fwg_write(f, SLUICE_REG_EVQ_DOORBELL, SLUICE_DB32_ARM);
	assert_int_equal(*n, 1);
	assert_int_equal(fwg_read(f, SLUICE_REG_INTR_CAUSE), SLUICE_INTR_EVENT);
	fwg_write(f, SLUICE_REG_EVQ_DOORBELL, 1 | SLUICE_DB32_ARM);
	assert_int_equal(*n, 1);
	flip_link(f, 4);
	assert_int_equal(*n, 2);
}

static void test_bad_doorbell(void **state)
{
	struct fw_guest *f = *state;
	struct sluice_event event;

	flip_link(f, 1);
	fwg_write(f, SLUICE_REG_EVQ_DOORBELL, 2);
	assert_int_equal(fwg_read(f, SLUICE_REG_BAD_ACCESS), 1);
	assert_string_equal(f->g->log, "event doorbell: index 2 is not between 0 and 1");
	fwg_write(f, SLUICE_REG_EVQ_DOORBELL, 0xffff);
	assert_int_equal(fwg_read(f, SLUICE_REG_BAD_ACCESS), 2);
	assert_int_equal(fwg_read(f, SLUICE_REG_FATAL_CODE), 0);
	assert_true(fwg_poll_event(f, &event));
}

static void test_dma(void **state)
{
	for (unsigned store = 1; store <= 2; store++) {
		struct fw_guest *f = fwg_new(NULL);
		struct sluice_resp_port port;

		fwg_boot(f);
		f->g->dma_fail_at = store;
		flip_link(f, 1);
		assert_int_equal(fwg_read(f, SLUICE_REG_FATAL_CODE), SLUICE_FATAL_EVQ_DMA);
		assert_true(fwg_read64(f, SLUICE_REG_FATAL_INFO) == f->evq);
		assert_int_equal(f->g->interrupts[FWG_VECTOR], 1);
		/* The port goes down once no call of the NIC is under way. */
		assert_int_equal(f->g->schedules, 1);
		nic_port_query(f->g->nic, 0, &port);
		assert_int_equal(port.enabled, 1);
		fw_process(f->fw);
		nic_port_query(f->g->nic, 0, &port);
		assert_int_equal(port.enabled, 0);
		fwg_free(f);
	}
}

static void test_before_start(void **state)
{
	struct fw_guest *f = fwg_new(NULL);

	flip_link(f, 3);
	assert_int_equal(f->g->dma_writes, 0);
	fwg_boot(f);
	assert_false(fwg_poll_event(f, &(struct sluice_event){0}));
	fwg_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FWG_TEST(test_link),
		FWG_TEST(test_queue_error),
		FWG_TEST(test_program_abort),
		FWG_TEST(test_laps),
		FWG_TEST(test_lost),
		FWG_TEST(test_interrupt),
		FWG_TEST(test_bad_doorbell),
		cmocka_unit_test(test_dma),
		cmocka_unit_test(test_before_start),
	};

	return cmocka_run_group_tests_name("firmware event", tests, NULL, NULL);
}
