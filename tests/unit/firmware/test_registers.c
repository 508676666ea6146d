/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* registers.c, interrupt.c */
#include "fw_guest.h"

#include "registers.h"

/* Is [offset, offset + size) a register, or a half of one, of the device or of port 0? */
static const struct fw_register *register_of(uint64_t offset, unsigned size)
{
	bool port = offset >= SLUICE_REG_PORT_BASE &&
		    offset < SLUICE_REG_PORT_BASE + SLUICE_REG_PORT_STRIDE;
	uint64_t at = port ? offset - SLUICE_REG_PORT_BASE : offset;
	const struct fw_register *reg;

	for (unsigned i = 0; (reg = fw_register_at(port, i)) != NULL; i++) {
		if (reg->offset == at && (size == 4 || size == reg->width))
			return size == 4 || size == 8 ? reg : NULL;
		if (reg->width == 8 && reg->offset + 4u == at && size == 4)
			return reg;
	}
	return NULL;
}

/* Every offset and width of the BAR, reading: a value where there is a register, else counted. */
static void test_every_read(void **state)
{
	struct fw_guest *f = *state;
	unsigned good = 0;

	for (uint64_t offset = 0; offset <= SLUICE_REGS_SIZE; offset++) {
		for (unsigned size = 1; size <= 8; size++) {
			const struct fw_register *reg = register_of(offset, size);
			uint64_t before = fw_bad_accesses(f->fw);
			uint64_t value = fw_reg_read(f->fw, offset, size);
			bool readable = reg && reg->get;

			assert_int_equal(fw_bad_accesses(f->fw) - before, readable ? 0 : 1);
			if (!readable)
				assert_int_equal(value, 0);
			good += readable;
		}
	}
	/* 18 of 32 bits, 7 of 64 that are read in three ways, and 4 of the port. */
	assert_int_equal(good, 18 + 7 * 3 + 4);
}

/* Writing: those that are wrong in offset, width or direction change nothing and are counted. */
static void test_every_bad_write(void **state)
{
	struct fw_guest *f = *state;
	size_t size_of_state = fw_save_size(f->fw);
	uint8_t before[512], after[512];
	uint64_t bad = 0;

	assert_true(size_of_state <= sizeof(before));
	assert_int_equal(fw_save(f->fw, before, sizeof(before)), size_of_state);
	for (uint64_t offset = 0; offset <= SLUICE_REGS_SIZE; offset++) {
		for (unsigned size = 1; size <= 8; size++) {
			const struct fw_register *reg = register_of(offset, size);

			if (reg && reg->set)
				continue;
			fw_reg_write(f->fw, offset, UINT64_MAX, size);
			bad++;
		}
	}
	assert_int_equal(fw_bad_accesses(f->fw), bad);
	assert_int_equal(fwg_read(f, SLUICE_REG_BAD_ACCESS), bad);
	/* A reset starts the register again; the host goes on counting. */
	fwg_write(f, SLUICE_REG_RESET, SLUICE_RESET_KEY);
	assert_int_equal(fwg_read(f, SLUICE_REG_BAD_ACCESS), 0);
	assert_int_equal(fw_bad_accesses(f->fw), bad);
	fwg_boot(f);
	assert_int_equal(fw_save(f->fw, after, sizeof(after)), size_of_state);
	assert_memory_equal(before, after, size_of_state);
}

static void test_far_offsets(void **state)
{
	struct fw_guest *f = *state;

	assert_int_equal(fw_reg_read(f->fw, UINT64_MAX - 3, 4), 0);
	assert_int_equal(fw_reg_read(f->fw, 1ull << 32, 4), 0);
	fw_reg_write(f->fw, UINT64_MAX - 7, 1, 8);
	/* The port block after the last port. */
	assert_int_equal(fwg_read(f, SLUICE_REG_PORT_BASE + SLUICE_REG_PORT_STRIDE), 0);
	assert_int_equal(fw_bad_accesses(f->fw), 4);
}

static void test_identity(void **state)
{
	struct fw_guest *f = *state;
	uint32_t magic = fwg_read(f, SLUICE_REG_MAGIC);

	assert_memory_equal(&magic, "SLIC", 4);
	assert_int_equal(fwg_read(f, SLUICE_REG_ABI_VERSION), 0x00010000);
	assert_int_equal(fwg_read(f, SLUICE_REG_N_PORTS), 1);
	assert_int_equal(fwg_read(f, SLUICE_REG_N_QUEUE_PAIRS), 2);
	assert_int_equal(fwg_read(f, SLUICE_REG_N_VECTORS), 4);
	assert_int_equal(fwg_read(f, SLUICE_REG_BOOT_STATE), SLUICE_BOOT_RUNNING);
	assert_int_equal(fwg_read(f, SLUICE_REG_FATAL_CODE), SLUICE_FATAL_NONE);
	assert_true(fwg_read64(f, SLUICE_REG_FW_VERSION) ==
		    ((uint64_t)FW_VERSION_MAJOR << 32 | FW_VERSION_MINOR << 16 | FW_VERSION_PATCH));
	assert_int_equal(fwg_read(f, SLUICE_REG_FW_VERSION + 4), FW_VERSION_MAJOR);
}

static void test_port_block(void **state)
{
	struct fw_guest *f = *state;
	const uint64_t port = SLUICE_REG_PORT_BASE;

	assert_int_equal(fwg_read(f, port + SLUICE_PORT_MAC_LO), 0x00c05102);
	assert_int_equal(fwg_read(f, port + SLUICE_PORT_MAC_HI), 0x00000100);
	assert_int_equal(fwg_read(f, port + SLUICE_PORT_LINK), 10000 << 1 | 1);
	assert_int_equal(fwg_read(f, port + SLUICE_PORT_MTU_LIMITS), 9194 << 16 | 68);
	nic_set_link(f->g->nic, 0, false, 2500);
	assert_int_equal(fwg_read(f, port + SLUICE_PORT_LINK), 2500 << 1);
}

static void test_halves(void **state)
{
	struct fw_guest *f = fwg_new(NULL);

	fwg_write(f, SLUICE_REG_ASQ_BASE, 0x11111140);
	assert_true(fwg_read64(f, SLUICE_REG_ASQ_BASE) == 0);
	/* Another register between the halves does not matter. */
	fwg_write(f, SLUICE_REG_ACQ_BASE, 0x33333340);
	fwg_write(f, SLUICE_REG_ASQ_BASE + 4, 0x22222222);
	assert_true(fwg_read64(f, SLUICE_REG_ASQ_BASE) == 0x2222222211111140);
	assert_int_equal(fwg_read(f, SLUICE_REG_ASQ_BASE), 0x11111140);
	assert_int_equal(fwg_read(f, SLUICE_REG_ASQ_BASE + 4), 0x22222222);
	assert_true(fwg_read64(f, SLUICE_REG_ACQ_BASE) == 0);
	/* The high half alone keeps the low one. */
	fwg_write(f, SLUICE_REG_ASQ_BASE + 4, 0x44444444);
	assert_true(fwg_read64(f, SLUICE_REG_ASQ_BASE) == 0x4444444411111140);
	fw_reg_write(f->fw, SLUICE_REG_EVQ_BASE, 0x5555555566666640, 8);
	assert_true(fwg_read64(f, SLUICE_REG_EVQ_BASE) == 0x5555555566666640);
	fwg_write(f, SLUICE_REG_EVQ_BASE + 4, 1);
	assert_true(fwg_read64(f, SLUICE_REG_EVQ_BASE) == 0x0000000166666640);
	assert_int_equal(fw_bad_accesses(f->fw), 0);
	fwg_free(f);
}

static void test_features(void **state)
{
	struct fw_guest *f = fwg_new(NULL);
	uint64_t offered = fwg_read64(f, SLUICE_REG_DEV_FEATURES);

	assert_true(offered ==
		    (SLUICE_FEATURE_XDP_OFFLOAD | SLUICE_FEATURE_RSS | SLUICE_FEATURE_RX_CSUM |
		     SLUICE_FEATURE_TX_CSUM | SLUICE_FEATURE_EVENTS));
	/* More than was offered. */
	fwg_write64(f, SLUICE_REG_DRV_FEATURES, offered | 1ull << 63);
	fwg_write(f, SLUICE_REG_CONTROL, SLUICE_CONTROL_FEATURES_OK);
	assert_int_equal(fwg_read(f, SLUICE_REG_STATUS), SLUICE_STATUS_READY);
	assert_int_equal(fwg_read(f, SLUICE_REG_CONTROL), 0);
	assert_string_equal(f->g->log,
			    "features 0x8000000000000000 of page 0 were accepted but not offered");
	/* A subset. */
	fwg_write64(f, SLUICE_REG_DRV_FEATURES, SLUICE_FEATURE_RSS);
	fwg_write(f, SLUICE_REG_CONTROL, SLUICE_CONTROL_FEATURES_OK);
	assert_int_equal(fwg_read(f, SLUICE_REG_STATUS),
			 SLUICE_STATUS_READY | SLUICE_STATUS_FEATURES_OK);
	assert_int_equal(fwg_read(f, SLUICE_REG_CONTROL), SLUICE_CONTROL_FEATURES_OK);
	/* Other pages offer nothing, and count too. */
	fwg_write(f, SLUICE_REG_FEATURE_PAGE, 0xfffffff1);
	assert_int_equal(fwg_read(f, SLUICE_REG_FEATURE_PAGE), 1);
	assert_true(fwg_read64(f, SLUICE_REG_DEV_FEATURES) == 0);
	assert_true(fwg_read64(f, SLUICE_REG_DRV_FEATURES) == 0);
	fwg_write(f, SLUICE_REG_DRV_FEATURES + 4, 1);
	assert_true(fwg_read64(f, SLUICE_REG_DRV_FEATURES) == 1ull << 32);
	assert_int_equal(fwg_read(f, SLUICE_REG_STATUS), SLUICE_STATUS_READY);
	fwg_write(f, SLUICE_REG_CONTROL, SLUICE_CONTROL_FEATURES_OK);
	assert_int_equal(fwg_read(f, SLUICE_REG_STATUS), SLUICE_STATUS_READY);
	fwg_write(f, SLUICE_REG_FEATURE_PAGE, 0);
	assert_true(fwg_read64(f, SLUICE_REG_DRV_FEATURES) == SLUICE_FEATURE_RSS);
	fwg_free(f);
}

static void test_features_frozen(void **state)
{
	struct fw_guest *f = *state;
	uint64_t accepted = fwg_read64(f, SLUICE_REG_DRV_FEATURES);

	fwg_write64(f, SLUICE_REG_DRV_FEATURES, 0);
	assert_true(fwg_read64(f, SLUICE_REG_DRV_FEATURES) == accepted);
	fwg_write(f, SLUICE_REG_ASQ_SIZE, 8);
	assert_int_equal(fwg_read(f, SLUICE_REG_ASQ_SIZE), FWG_RING);
	fwg_write64(f, SLUICE_REG_ACQ_BASE, 0);
	assert_true(fwg_read64(f, SLUICE_REG_ACQ_BASE) == f->acq);
	fwg_write(f, SLUICE_REG_ADMIN_VECTOR, 0);
	assert_int_equal(fwg_read(f, SLUICE_REG_ADMIN_VECTOR), FWG_VECTOR);
	assert_int_equal(fwg_read(f, SLUICE_REG_BAD_ACCESS), 4);
}

static void enable_refused(uint64_t reg, unsigned width, uint64_t value, const char *why)
{
	struct fw_guest *f = fwg_new(NULL);

	fwg_configure(f);
	fw_reg_write(f->fw, reg, value, width);
	fwg_write(f, SLUICE_REG_CONTROL, SLUICE_CONTROL_FEATURES_OK | SLUICE_CONTROL_ADMIN_ENABLE);
	assert_int_equal(fwg_read(f, SLUICE_REG_STATUS) & SLUICE_STATUS_ADMIN_ON, 0);
	assert_string_equal(f->g->log, why);
	/* Doorbells of rings that do not run are refused. */
	fwg_write(f, SLUICE_REG_ASQ_DOORBELL, 1);
	fwg_write(f, SLUICE_REG_ACQ_DOORBELL, 0);
	fwg_write(f, SLUICE_REG_EVQ_DOORBELL, 0);
	assert_int_equal(fwg_read(f, SLUICE_REG_BAD_ACCESS), 3);
	assert_int_equal(f->g->dma_reads + f->g->dma_writes, 0);
	fwg_free(f);
}

static void test_bad_rings(void **state)
{
	enable_refused(
		SLUICE_REG_ASQ_SIZE, 4, 0,
		"admin submission ring of 0 entries: a power of two from 8 to 1024 is needed");
	enable_refused(
		SLUICE_REG_ASQ_SIZE, 4, 24,
		"admin submission ring of 24 entries: a power of two from 8 to 1024 is needed");
	enable_refused(SLUICE_REG_ASQ_SIZE, 4, 0x80000000,
		       "admin submission ring of 2147483648 entries: a power of two from 8 to 1024 "
		       "is needed");
	enable_refused(
		SLUICE_REG_ACQ_SIZE, 4, 8,
		"admin completion ring of 8 entries: a power of two from 16 to 1024 is needed");
	enable_refused(SLUICE_REG_EVQ_SIZE, 4, 4,
		       "event ring of 4 entries: a power of two from 8 to 1024 is needed");
	enable_refused(
		SLUICE_REG_ASQ_BASE, 8, 0x1020,
		"admin submission ring at 0x1020: not aligned to 64 bytes, or beyond memory");
	enable_refused(SLUICE_REG_ACQ_BASE, 8, 0xffffffffffffffc0,
		       "admin completion ring at 0xffffffffffffffc0: not aligned to 64 bytes, or "
		       "beyond memory");
	enable_refused(SLUICE_REG_EVQ_BASE, 8, 0x1001,
		       "event ring at 0x1001: not aligned to 64 bytes, or beyond memory");
	enable_refused(SLUICE_REG_ADMIN_VECTOR, 4, 4, "admin vector 4: the device has 4");
	enable_refused(SLUICE_REG_DRV_FEATURES, 8, SLUICE_FEATURE_RSS,
		       "an event ring is given but feature EVENTS was not accepted");
	enable_refused(SLUICE_REG_DRV_FEATURES, 8, 1ull << 40,
		       "the admin rings cannot start before FEATURES_OK");
}

static void test_no_event_ring(void **state)
{
	struct fw_guest *f = fwg_new(NULL);

	f->evq_size = 0;
	fwg_boot(f);
	assert_true(fwg_read(f, SLUICE_REG_STATUS) & SLUICE_STATUS_ADMIN_ON);
	nic_set_link(f->g->nic, 0, false, 0);
	fwg_write(f, SLUICE_REG_EVQ_DOORBELL, 0);
	assert_int_equal(fwg_read(f, SLUICE_REG_BAD_ACCESS), 1);
	fwg_free(f);
}

static void test_reset_key(void **state)
{
	struct fw_guest *f = *state;

	fwg_write(f, SLUICE_REG_RESET, SLUICE_RESET_KEY + 1);
	assert_true(fwg_read(f, SLUICE_REG_STATUS) & SLUICE_STATUS_ADMIN_ON);
	assert_int_equal(fwg_read(f, SLUICE_REG_BAD_ACCESS), 1);
	fwg_write(f, SLUICE_REG_RESET, SLUICE_RESET_KEY);
	assert_int_equal(fwg_read(f, SLUICE_REG_STATUS), SLUICE_STATUS_READY);
	assert_true(fwg_read64(f, SLUICE_REG_ASQ_BASE) == 0);
	assert_int_equal(fwg_read(f, SLUICE_REG_ASQ_SIZE), 0);
	assert_true(fwg_read64(f, SLUICE_REG_DRV_FEATURES) == 0);
	fwg_boot(f);
	fwg_begin(f, SLUICE_OP_NOP);
	fwg_expect(f, SLUICE_ST_OK, 0);
}

/* Arm, mask, cause. */
static void test_interrupts(void **state)
{
	struct fw_guest *f = *state;
	const unsigned *n = &f->g->interrupts[FWG_VECTOR];

	fwg_begin(f, SLUICE_OP_NOP);
	fwg_expect(f, SLUICE_ST_OK, 0);
	assert_int_equal(*n, 0); /* not armed */
	assert_int_equal(fwg_read(f, SLUICE_REG_INTR_CAUSE), 0);

	fwg_write(f, SLUICE_REG_ACQ_DOORBELL, f->acq_head | SLUICE_DB32_ARM);
	fwg_begin(f, SLUICE_OP_NOP);
	fwg_put(f);
	fwg_begin(f, SLUICE_OP_NOP);
	fwg_put(f);
	fwg_ring(f);
	assert_int_equal(*n, 1); /* once per arming */
	assert_int_equal(fwg_read(f, SLUICE_REG_INTR_CAUSE), SLUICE_INTR_ADMIN);

	/* Arming over completions not consumed fires at once, whatever the cause says. */
	fwg_write(f, SLUICE_REG_ACQ_DOORBELL, f->acq_head | SLUICE_DB32_ARM);
	assert_int_equal(*n, 2);
	fwg_write(f, SLUICE_REG_INTR_CAUSE, SLUICE_INTR_EVENT);
	assert_int_equal(fwg_read(f, SLUICE_REG_INTR_CAUSE), SLUICE_INTR_ADMIN);
	fwg_write(f, SLUICE_REG_INTR_CAUSE, SLUICE_INTR_ADMIN);
	assert_int_equal(fwg_read(f, SLUICE_REG_INTR_CAUSE), 0);

	/* A masked cause waits for the mask to open. */
	fwg_write(f, SLUICE_REG_INTR_MASK, 0xffffffff);
	assert_int_equal(fwg_read(f, SLUICE_REG_INTR_MASK), FW_INTR_ALL);
	fwg_write(f, SLUICE_REG_ACQ_DOORBELL, f->acq_head | SLUICE_DB32_ARM);
	assert_int_equal(*n, 2);
	assert_int_equal(fwg_read(f, SLUICE_REG_INTR_CAUSE), SLUICE_INTR_ADMIN);
	fwg_write(f, SLUICE_REG_INTR_MASK, SLUICE_INTR_ADMIN);
	assert_int_equal(*n, 2);
	fwg_write(f, SLUICE_REG_INTR_MASK, 0);
	assert_int_equal(*n, 3);
	fwg_write(f, SLUICE_REG_INTR_MASK, 0);
	assert_int_equal(*n, 3);
}

/* A vector beyond the device's, written after the rings stopped, reaches nobody. */
static void test_vector_after_stop(void **state)
{
	struct fw_guest *f = *state;

	fwg_write(f, SLUICE_REG_INTR_MASK, SLUICE_INTR_ADMIN);
	fwg_write(f, SLUICE_REG_ACQ_DOORBELL, SLUICE_DB32_ARM);
	fwg_begin(f, SLUICE_OP_NOP);
	fwg_put(f);
	fwg_ring(f);
	fwg_write(f, SLUICE_REG_CONTROL, 0);
	fwg_write(f, SLUICE_REG_ADMIN_VECTOR, 63);
	fwg_write(f, SLUICE_REG_INTR_MASK, 0);
	for (unsigned v = 0; v < SLUICE_MAX_VECTORS; v++)
		assert_int_equal(f->g->interrupts[v], 0);
}

static void test_doorbell_bar(void **state)
{
	struct fw_guest *f = *state;

	assert_int_equal(fw_doorbell_read(f->fw, SLUICE_DB_RX_CPL, 8), 0);
	assert_int_equal(fw_bad_accesses(f->fw), 0);
	assert_int_equal(fw_doorbell_read(f->fw, SLUICE_DB_RX_CPL, 4), 0);
	assert_int_equal(fw_doorbell_read(f->fw, 3, 8), 0);
	fw_doorbell_write(f->fw, SLUICE_DB_RX_CPL, 0, 4);
	fw_doorbell_write(f->fw, 0x20, 0, 8);
	fw_doorbell_write(f->fw, UINT64_MAX, 0, 8);
	assert_int_equal(fw_bad_accesses(f->fw), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FWG_TEST(test_every_read),        FWG_TEST(test_every_bad_write),
		FWG_TEST(test_far_offsets),       FWG_TEST(test_identity),
		FWG_TEST(test_port_block),        cmocka_unit_test(test_halves),
		cmocka_unit_test(test_features),  FWG_TEST(test_features_frozen),
		cmocka_unit_test(test_bad_rings), cmocka_unit_test(test_no_event_ring),
		FWG_TEST(test_reset_key),         FWG_TEST(test_interrupts),
		FWG_TEST(test_vector_after_stop), FWG_TEST(test_doorbell_bar),
	};

	return cmocka_run_group_tests_name("firmware registers", tests, NULL, NULL);
}
