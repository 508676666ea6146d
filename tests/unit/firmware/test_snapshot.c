/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* snapshot.c */
#include "fw_guest.h"

struct blob {
	uint8_t bytes[512];
	size_t size;
};

static void save(struct fw_guest *f, struct blob *b)
{
	b->size = fw_save_size(f->fw);
	assert_true(b->size <= sizeof(b->bytes));
	assert_int_equal(fw_save(f->fw, b->bytes, sizeof(b->bytes)), b->size);
}

/* The device in the middle of things: half a register, armed, completions and commands waiting. */
static void busy(struct fw_guest *f)
{
	for (unsigned i = 0; i < 5; i++) {
		fwg_begin(f, SLUICE_OP_NOP);
		fwg_expect(f, SLUICE_ST_OK, 0);
	}
	fwg_write(f, SLUICE_REG_EVQ_DOORBELL, SLUICE_DB32_ARM);
	fwg_begin(f, SLUICE_OP_NOP);
	fwg_put(f);
	fwg_ring(f);
	fwg_write(f, SLUICE_REG_INTR_MASK, 1);
	fwg_write(f, SLUICE_REG_FEATURE_PAGE, 2);
	fwg_write(f, SLUICE_REG_BOOT_STATE, 0);
	fwg_write(f, SLUICE_REG_ASQ_BASE, 0x12345678);
}

/* What was saved comes back in another device, which goes on where the first one stood. */
static void test_round_trip(void **state)
{
	struct fw_guest *f = *state;
	struct sluice_cmd_cpl cpl;
	struct blob before, after;

	fwg_map(f, BPF_MAP_TYPE_ARRAY, 4, 4, 1);
	fwg_begin_map(f, SLUICE_OP_MAP_FREE, 1);
	fwg_expect(f, SLUICE_ST_OK, 0);
	busy(f);
	save(f, &before);

	fw_destroy(f->fw);
	assert_int_equal(fw_create(f->g->nic, NULL, &model_host_ops, f->g, NULL, &f->fw), 0);
	assert_int_equal(fw_load(f->fw, before.bytes, before.size), 0);
	assert_int_equal(f->g->schedules, 1); /* commands may wait */
	save(f, &after);
	assert_memory_equal(before.bytes, after.bytes, before.size);
	assert_int_equal(fwg_read(f, SLUICE_REG_BAD_ACCESS), 1);

	/* The completion that was waiting, then more of them, and an event with its interrupt. */
	assert_true(fwg_poll(f, &cpl));
	for (unsigned i = 0; i < 2 * FWG_RING; i++) {
		fwg_begin(f, SLUICE_OP_NOP);
		fwg_expect(f, SLUICE_ST_OK, 0);
	}
	nic_set_link(f->g->nic, 0, false, 100);
	assert_int_equal(f->g->interrupts[FWG_VECTOR], 1);
}

static void test_ids_go_on(void **state)
{
	struct fw_guest *f = *state;
	struct blob b;
	uint32_t map = fwg_map(f, BPF_MAP_TYPE_ARRAY, 4, 4, 1);
	uint32_t prog = fwg_load_verdict(f, XDP_PASS);

	fwg_begin_map(f, SLUICE_OP_MAP_FREE, map);
	fwg_expect(f, SLUICE_ST_OK, 0);
	fwg_begin_prog(f, SLUICE_OP_PROG_FREE, prog, 0, 0);
	fwg_expect(f, SLUICE_ST_OK, 0);
	save(f, &b);
	fwg_write(f, SLUICE_REG_RESET, SLUICE_RESET_KEY);
	assert_int_equal(fw_load(f->fw, b.bytes, b.size), 0);
	assert_int_equal(fwg_map(f, BPF_MAP_TYPE_ARRAY, 4, 4, 1), map + 1);
	assert_int_equal(fwg_load_verdict(f, XDP_PASS), prog + 1);
}

/* Commands that the guest submitted and the device had not read are carried out after loading. */
static void test_commands_wait(void **state)
{
	struct fw_guest *f = fwg_new(NULL);
	struct sluice_cmd_cpl cpl;
	struct blob b;
	unsigned n = 0;

	f->asq_size = f->acq_size = 64;
	fwg_boot(f);
	for (unsigned i = 0; i < 40; i++) {
		fwg_begin(f, SLUICE_OP_NOP);
		fwg_put(f);
	}
	fwg_ring(f);
	save(f, &b);
	fw_reset(f->fw);
	assert_int_equal(fw_load(f->fw, b.bytes, b.size), 0);
	fw_process(f->fw);
	fw_process(f->fw);
	while (fwg_poll(f, &cpl))
		assert_int_equal(cpl.tag, n++);
	assert_int_equal(n, 40);
	fwg_free(f);
}

static void test_fatal_travels(void **state)
{
	struct fw_guest *f = *state;
	struct sluice_resp_port port;
	struct blob b;

	fwg_write(f, SLUICE_REG_ASQ_DOORBELL, 999);
	save(f, &b);
	fw_reset(f->fw);
	nic_port_enable(f->g->nic, 0, true);
	assert_int_equal(fw_load(f->fw, b.bytes, b.size), 0);
	assert_int_equal(fwg_read(f, SLUICE_REG_FATAL_CODE), SLUICE_FATAL_ASQ_OVERRUN);
	assert_true(fwg_read64(f, SLUICE_REG_FATAL_INFO) == 999);
	fw_process(f->fw);
	nic_port_query(f->g->nic, 0, &port);
	assert_int_equal(port.enabled, 0);
}

static void test_not_with_objects(void **state)
{
	struct fw_guest *f = *state;
	uint8_t buf[512];

	fwg_map(f, BPF_MAP_TYPE_ARRAY, 4, 4, 1);
	assert_int_equal(fw_save(f->fw, buf, sizeof(buf)), -EBUSY);
	fwg_begin_map(f, SLUICE_OP_MAP_FREE, 1);
	fwg_expect(f, SLUICE_ST_OK, 0);
	assert_int_equal(fw_save(f->fw, buf, fw_save_size(f->fw) - 1), -ENOSPC);
}

static void load_refused(struct fw_guest *f, const struct blob *b, size_t size)
{
	assert_int_equal(fw_load(f->fw, b->bytes, size), -EINVAL);
	assert_int_equal(fwg_read(f, SLUICE_REG_STATUS), SLUICE_STATUS_READY);
	assert_true(fwg_read64(f, SLUICE_REG_ASQ_BASE) == 0);
}

static void test_wrong_sizes(void **state)
{
	struct fw_guest *f = *state;
	struct blob b;

	save(f, &b);
	for (size_t size = 0; size <= sizeof(b.bytes); size++) {
		if (size != b.size)
			load_refused(f, &b, size);
	}
}

/*
 * Each bit of a good blob turned over: refused, or a device that can be used: whatever it does, it
 * does within its rings, and a reset brings it back.
 */
static void test_every_bit(void **state)
{
	struct fw_guest *f = *state;
	unsigned accepted = 0, refused = 0;
	struct blob good, bad;

	busy(f);
	save(f, &good);
	for (size_t bit = 0; bit < good.size * 8; bit++) {
		bad = good;
		bad.bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		f->g->now_ns += 1000000000;
		if (fw_load(f->fw, bad.bytes, bad.size)) {
			refused++;
			assert_int_equal(fwg_read(f, SLUICE_REG_STATUS), SLUICE_STATUS_READY);
			continue;
		}
		accepted++;
		fwg_write(f, SLUICE_REG_ASQ_DOORBELL, f->asq_tail + 1u);
		nic_set_link(f->g->nic, 0, bit & 1, (uint32_t)bit);
		fw_process(f->fw);
		fwg_write(f, SLUICE_REG_ACQ_DOORBELL, SLUICE_DB32_ARM);
		fwg_write(f, SLUICE_REG_RESET, SLUICE_RESET_KEY);
		assert_int_equal(fwg_read(f, SLUICE_REG_STATUS), SLUICE_STATUS_READY);
	}
	/* Magic, version, size, ring sizes and much else cannot be turned. */
	assert_true(refused > 32 * 8);
	assert_true(accepted > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FWG_TEST(test_round_trip),
		FWG_TEST(test_ids_go_on),
		cmocka_unit_test(test_commands_wait),
		FWG_TEST(test_fatal_travels),
		FWG_TEST(test_not_with_objects),
		FWG_TEST(test_wrong_sizes),
		FWG_TEST(test_every_bit),
	};

	return cmocka_run_group_tests_name("firmware snapshot", tests, NULL, NULL);
}
