/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Registers: what each access does, each transition of STATUS and each refusal, saved states. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pvs_regs.h"

#define OFFERED (PVS_F_INTENT | PVS_F_CS | PVS_F_STATE | PVS_F_TICKET | PVS_F_GUEST_RAM)
#define N_VCPUS 3
#define UP \
	(PVS_STATUS_ACKNOWLEDGE | PVS_STATUS_DRIVER | PVS_STATUS_FEATURES_OK | PVS_STATUS_DRIVER_OK)

/* What the front end was asked. */
struct front {
	struct pvs_regs *regs;
	uint64_t clock, features, guest_pages, host_pages;
	int64_t offset;
	unsigned starts, stops, clears, configs, offsets;
	int start_error;
};

static uint64_t front_clock(void *opaque)
{
	return ((struct front *)opaque)->clock;
}

static uint32_t front_vcpu_id(void *opaque, uint32_t vcpu)
{
	return 10 + 2 * vcpu;
}

static int front_start(void *opaque, uint64_t features, uint64_t guest_pages, uint64_t host_pages)
{
	struct front *front = opaque;

	front->starts++;
	front->features = features;
	front->guest_pages = guest_pages;
	front->host_pages = host_pages;
	return front->start_error;
}

static void front_stop(void *opaque)
{
	((struct front *)opaque)->stops++;
}

static void front_clear(void *opaque)
{
	((struct front *)opaque)->clears++;
}

static void front_clock_offset(void *opaque, int64_t offset)
{
	struct front *front = opaque;

	front->offsets++;
	front->offset = offset;
}

static void front_config(void *opaque)
{
	((struct front *)opaque)->configs++;
}

static const struct pvs_regs_ops front_ops = {
	.clock_ns = front_clock,
	.vcpu_id = front_vcpu_id,
	.start = front_start,
	.stop = front_stop,
	.clear = front_clear,
	.clock_offset = front_clock_offset,
	.config = front_config,
};

static int setup(void **state)
{
	static struct front front;
	struct pvs_regs_config config = {
		.features = OFFERED,
		.n_vcpus = N_VCPUS,
		.n_vectors = 4,
		.ops = &front_ops,
		.opaque = &front,
	};

	memset(&front, 0, sizeof(front));
	*state = &front;
	return pvs_regs_create(&config, &front.regs);
}

static int teardown(void **state)
{
	struct front *front = *state;

	pvs_regs_destroy(front->regs);
	return 0;
}

static uint32_t rd(struct front *front, uint64_t offset)
{
	return (uint32_t)pvs_regs_read(front->regs, offset, 4);
}

static uint64_t rd64(struct front *front, uint64_t offset)
{
	return pvs_regs_read(front->regs, offset, 8);
}

static void wr(struct front *front, uint64_t offset, uint32_t value)
{
	pvs_regs_write(front->regs, offset, value, 4);
}

static void wr64(struct front *front, uint64_t offset, uint64_t value)
{
	pvs_regs_write(front->regs, offset, value, 8);
}

static void bring_up(struct front *front, uint64_t features)
{
	wr64(front, PVS_REG_DRV_FEATURES, features);
	wr(front, PVS_REG_STATUS, UP);
}

static void assert_status(struct front *front, uint32_t status, enum pvs_result result)
{
	assert_int_equal(rd(front, PVS_REG_STATUS), status);
	assert_int_equal(rd(front, PVS_REG_RESULT), result);
}

/* ---- Creation and constants ----------------------------------------------------------------- */

static void test_create_refused(void **state)
{
	struct pvs_regs_config config = {.n_vcpus = 0, .n_vectors = 1, .ops = &front_ops};
	struct pvs_regs *regs = NULL;

	assert_int_equal(pvs_regs_create(&config, &regs), -EINVAL);
	config.n_vcpus = PVS_MAX_VCPUS + 1;
	assert_int_equal(pvs_regs_create(&config, &regs), -EINVAL);
	config.n_vcpus = 1;
	config.n_vectors = PVS_MAX_VECTORS + 1;
	assert_int_equal(pvs_regs_create(&config, &regs), -EINVAL);
	assert_null(regs);
}

static void test_constants(void **state)
{
	struct front *front = *state;

	assert_int_equal(rd(front, PVS_REG_MAGIC), PVS_MAGIC);
	assert_int_equal(rd(front, PVS_REG_VERSION), 0x10000);
	assert_int_equal(rd64(front, PVS_REG_DEV_FEATURES), OFFERED);
	assert_int_equal(rd(front, PVS_REG_N_VCPUS), N_VCPUS);
	assert_int_equal(rd(front, PVS_REG_PAGE_STRIDE), 4096);
	assert_int_equal(rd(front, PVS_REG_N_VECTORS), 4);
	assert_int_equal(rd(front, PVS_REG_VCPU_ID + 8), 14);
	assert_int_equal(rd(front, PVS_REG_BAD_ACCESS), 0);
}

static void test_policy_and_means(void **state)
{
	struct front *front = *state;
	char name[16];
	uint64_t half;

	pvs_regs_set_policy(front->regs, "a-name-of-more-than-16");
	pvs_regs_set_means(front->regs, PVS_SRC_TICK, PVS_ACT_SLICE);
	half = rd64(front, PVS_REG_POLICY_NAME);
	memcpy(name, &half, 8);
	half = rd64(front, PVS_REG_POLICY_NAME + 8);
	memcpy(name + 8, &half, 8);
	assert_memory_equal(name, "a-name-of-more-t", 16);
	assert_int_equal(rd(front, PVS_REG_POLICY_SERIAL), 1);
	assert_int_equal(rd(front, PVS_REG_SOURCES), PVS_SRC_TICK);
	assert_int_equal(rd(front, PVS_REG_ACTUATORS), PVS_ACT_SLICE);
	assert_int_equal(front->configs, 0);

	bring_up(front, PVS_F_INTENT);
	pvs_regs_set_policy(front->regs, "b");
	assert_int_equal(rd64(front, PVS_REG_POLICY_NAME), 'b');
	assert_int_equal(rd64(front, PVS_REG_POLICY_NAME + 8), 0);
	assert_int_equal(rd(front, PVS_REG_POLICY_SERIAL), 2);
	assert_int_equal(front->configs, 1);
}

/* ---- Accesses ------------------------------------------------------------------------------- */

static void test_bad_reads(void **state)
{
	static const struct {
		uint64_t offset;
		unsigned size;
	} bad[] = {
		{PVS_REG_MAGIC, 1},
		{PVS_REG_MAGIC, 2},
		{PVS_REG_MAGIC + 1, 4},
		{PVS_REG_MAGIC, 8},
		{PVS_REG_DEV_FEATURES + 4, 8},
		{PVS_REG_ACTUATORS + 4, 4},
		{PVS_REG_DOORBELL, 4},
		{PVS_REG_KICK, 4},
		{0x1000, 4},
		{PVS_REG_VCPU_ID + 4 * N_VCPUS, 4},
		{PVS_REG_VCPU_ID, 8},
		{PVS_REG_VCPU_ID + 2, 4},
		{PVS_REGS_SIZE, 4},
		{UINT64_MAX - 3, 4},
	};
	struct front *front = *state;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(pvs_regs_read(front->regs, bad[i].offset, bad[i].size), 0);
		assert_int_equal(rd(front, PVS_REG_BAD_ACCESS), i + 1);
	}
}

static void test_bad_writes(void **state)
{
	struct front *front = *state;

	wr(front, PVS_REG_MAGIC, 1);
	wr(front, PVS_REG_GENERATION, 9);
	wr(front, 0x1000, 1);
	pvs_regs_write(front->regs, PVS_REG_STATUS, 1, 8);
	pvs_regs_write(front->regs, PVS_REG_STATUS, 1, 1);
	wr(front, PVS_REG_KICK, 1);
	wr(front, PVS_REG_VCPU_ID, 1);
	assert_int_equal(rd(front, PVS_REG_BAD_ACCESS), 7);
	assert_int_equal(rd(front, PVS_REG_STATUS), 0);
	assert_int_equal(rd(front, PVS_REG_GENERATION), 1);
}

static void test_halves(void **state)
{
	struct front *front = *state;

	wr(front, PVS_REG_GUEST_PAGES, 0x1000);
	assert_int_equal(rd64(front, PVS_REG_GUEST_PAGES), 0);
	wr(front, PVS_REG_GUEST_PAGES + 4, 0x2);
	assert_int_equal(rd64(front, PVS_REG_GUEST_PAGES), 0x200001000);
	assert_int_equal(rd(front, PVS_REG_GUEST_PAGES), 0x1000);
	assert_int_equal(rd(front, PVS_REG_GUEST_PAGES + 4), 2);
	/* The low half of one register is not another's. */
	wr(front, PVS_REG_GUEST_PAGES, 0x5000);
	wr(front, PVS_REG_HOST_PAGES + 4, 0x3);
	assert_int_equal(rd64(front, PVS_REG_HOST_PAGES), 0x300000000);
	assert_int_equal(rd64(front, PVS_REG_GUEST_PAGES), 0x200001000);
	assert_int_equal(rd(front, PVS_REG_BAD_ACCESS), 0);
}

static void test_clock(void **state)
{
	struct front *front = *state;

	front->clock = 0x1ffffffff;
	assert_int_equal(rd64(front, PVS_REG_CLOCK), 0x1ffffffff);
	assert_int_equal(rd(front, PVS_REG_CLOCK), 0xffffffff);
	front->clock = 0x200000000;
	assert_int_equal(rd(front, PVS_REG_CLOCK + 4), 1);
	wr64(front, PVS_REG_CLOCK_OFFSET, (uint64_t)-5);
	wr(front, PVS_REG_CLOCK_ERROR, 77);
	assert_int_equal(front->offset, -5);
	assert_int_equal(front->offsets, 1);
	assert_int_equal(rd(front, PVS_REG_CLOCK_ERROR), 77);
}

static void test_kick(void **state)
{
	struct front *front = *state;

	assert_int_equal(pvs_regs_kick(front->regs, PVS_REG_KICK + 4, 1, 4), -EAGAIN);
	assert_int_equal(rd(front, PVS_REG_BAD_ACCESS), 0);
	bring_up(front, 0);
	assert_int_equal(pvs_regs_kick(front->regs, PVS_REG_KICK + 4, 1, 4), 1);
	assert_int_equal(pvs_regs_kick(front->regs, PVS_REG_DOORBELL, 2, 4), 2);
	assert_int_equal(pvs_regs_kick(front->regs, PVS_REG_DOORBELL, N_VCPUS, 4), -EINVAL);
	assert_int_equal(pvs_regs_kick(front->regs, PVS_REG_KICK + 4 * N_VCPUS, 1, 4), -EINVAL);
	assert_int_equal(pvs_regs_kick(front->regs, PVS_REG_KICK, 1, 8), -EINVAL);
	assert_int_equal(pvs_regs_kick(front->regs, PVS_REG_KICK + 1, 1, 4), -EINVAL);
	assert_int_equal(pvs_regs_kick(front->regs, PVS_REG_STATUS, 1, 4), -EINVAL);
	assert_int_equal(rd(front, PVS_REG_BAD_ACCESS), 5);
}

/* ---- Negotiation ---------------------------------------------------------------------------- */

static void test_bring_up(void **state)
{
	struct front *front = *state;

	wr(front, PVS_REG_STATUS, PVS_STATUS_ACKNOWLEDGE);
	wr(front, PVS_REG_STATUS, PVS_STATUS_ACKNOWLEDGE | PVS_STATUS_DRIVER);
	wr64(front, PVS_REG_DRV_FEATURES, PVS_F_INTENT | PVS_F_TICKET);
	assert_int_equal(pvs_regs_features(front->regs), 0);
	wr(front, PVS_REG_STATUS, UP & ~PVS_STATUS_DRIVER_OK);
	assert_status(front, UP & ~PVS_STATUS_DRIVER_OK, PVS_RESULT_OK);
	assert_false(pvs_regs_running(front->regs));
	/* Settled. */
	wr64(front, PVS_REG_DRV_FEATURES, 0);
	assert_int_equal(rd(front, PVS_REG_BAD_ACCESS), 1);
	wr(front, PVS_REG_STATUS, UP);
	assert_status(front, UP, PVS_RESULT_OK);
	assert_true(pvs_regs_running(front->regs));
	assert_int_equal(front->starts, 1);
	assert_int_equal(front->features, PVS_F_INTENT | PVS_F_TICKET);
	assert_int_equal(pvs_regs_features(front->regs), PVS_F_INTENT | PVS_F_TICKET);
	wr64(front, PVS_REG_HOST_PAGES, 0x1000);
	assert_int_equal(rd(front, PVS_REG_BAD_ACCESS), 2);
	assert_int_equal(rd64(front, PVS_REG_HOST_PAGES), 0);
	/* The same again starts nothing again. */
	wr(front, PVS_REG_STATUS, UP);
	assert_int_equal(front->starts, 1);
}

static void test_order(void **state)
{
	struct front *front = *state;

	wr(front, PVS_REG_STATUS, PVS_STATUS_DRIVER);
	assert_status(front, 0, PVS_RESULT_ORDER);
	wr(front, PVS_REG_STATUS, PVS_STATUS_ACKNOWLEDGE);
	assert_status(front, PVS_STATUS_ACKNOWLEDGE, PVS_RESULT_OK);
	wr(front, PVS_REG_STATUS, PVS_STATUS_ACKNOWLEDGE | PVS_STATUS_DRIVER_OK);
	assert_status(front, PVS_STATUS_ACKNOWLEDGE, PVS_RESULT_ORDER);
	/* Up to where the order is broken. */
	wr(front, PVS_REG_STATUS,
	   PVS_STATUS_ACKNOWLEDGE | PVS_STATUS_DRIVER | PVS_STATUS_DRIVER_OK);
	assert_status(front, PVS_STATUS_ACKNOWLEDGE | PVS_STATUS_DRIVER, PVS_RESULT_ORDER);
	/* None is taken back. */
	bring_up(front, 0);
	wr(front, PVS_REG_STATUS, PVS_STATUS_ACKNOWLEDGE);
	assert_status(front, UP, PVS_RESULT_ORDER);
	assert_int_equal(front->stops, 0);
	/* The device's bits and those that mean nothing are not the guest's. */
	wr(front, PVS_REG_STATUS, UP | PVS_STATUS_RENEGOTIATE | PVS_STATUS_FAILED | 0xffffff30);
	assert_status(front, UP, PVS_RESULT_ORDER);
}

static void test_features_refused(void **state)
{
	struct front *front = *state;
	uint32_t before = PVS_STATUS_ACKNOWLEDGE | PVS_STATUS_DRIVER;

	bring_up(front, PVS_F_RING);
	assert_status(front, before, PVS_RESULT_FEATURES);
	bring_up(front, PVS_F_TICKET);
	assert_status(front, before, PVS_RESULT_FEATURES);
	bring_up(front, 1ull << 63);
	assert_status(front, before, PVS_RESULT_FEATURES);
	assert_int_equal(front->starts, 0);
	/* Mended. */
	bring_up(front, PVS_F_TICKET | PVS_F_INTENT);
	assert_status(front, UP, PVS_RESULT_OK);
}

static void test_guest_ram(void **state)
{
	static const uint64_t size = (N_VCPUS + PVS_OPAQUE_PAGES) * PVS_PAGE_STRIDE;
	const struct {
		uint64_t guest, host;
	} bad[] = {
		{0x10010, 0x20000},  {0x10000, 0x20800},        {0x10000, 0x10000},
		{0x10000, 0x13000},  {0x13000, 0x10000},        {-(uint64_t)0x1000, 0x10000},
		{0x10000, 0 - size}, {UINT64_MAX - 4095, 4096},
	};
	struct front *front = *state;
	uint32_t before = UP & ~PVS_STATUS_DRIVER_OK;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		wr64(front, PVS_REG_GUEST_PAGES, bad[i].guest);
		wr64(front, PVS_REG_HOST_PAGES, bad[i].host);
		if (!i)
			wr64(front, PVS_REG_DRV_FEATURES, PVS_F_GUEST_RAM);
		wr(front, PVS_REG_STATUS, UP);
		assert_status(front, before, PVS_RESULT_ADDRESS);
	}
	assert_int_equal(front->starts, 0);
	wr64(front, PVS_REG_GUEST_PAGES, 0x10000);
	wr64(front, PVS_REG_HOST_PAGES, 0x14000);
	front->start_error = -EFAULT;
	wr(front, PVS_REG_STATUS, UP);
	assert_status(front, before, PVS_RESULT_ADDRESS);
	front->start_error = 0;
	wr(front, PVS_REG_STATUS, UP);
	assert_status(front, UP, PVS_RESULT_OK);
	assert_int_equal(front->guest_pages, 0x10000);
	assert_int_equal(front->host_pages, 0x14000);
}

/* Addresses are nobody's business if the pages are in the BARs. */
static void test_addresses_ignored(void **state)
{
	struct front *front = *state;

	wr64(front, PVS_REG_GUEST_PAGES, 0x123);
	bring_up(front, PVS_F_INTENT);
	assert_status(front, UP, PVS_RESULT_OK);
	assert_int_equal(front->guest_pages, 0);
}

/* ---- Reset, failure, migration -------------------------------------------------------------- */

static void test_reset(void **state)
{
	struct front *front = *state;

	bring_up(front, PVS_F_INTENT);
	wr(front, PVS_REG_CLOCK_ERROR, 5);
	wr(front, 0x1000, 0);
	wr(front, PVS_REG_STATUS, 0);
	assert_status(front, 0, PVS_RESULT_OK);
	assert_int_equal(front->stops, 1);
	assert_int_equal(front->clears, 1);
	assert_int_equal(rd(front, PVS_REG_GENERATION), 2);
	assert_int_equal(rd64(front, PVS_REG_DRV_FEATURES), 0);
	assert_int_equal(rd(front, PVS_REG_CLOCK_ERROR), 0);
	assert_int_equal(rd(front, PVS_REG_BAD_ACCESS), 0);
	/* Of what does not run nothing is stopped. */
	pvs_regs_reset(front->regs);
	assert_int_equal(front->stops, 1);
	assert_int_equal(front->clears, 2);
	assert_int_equal(rd(front, PVS_REG_GENERATION), 3);
}

static void test_fail(void **state)
{
	struct front *front = *state;

	bring_up(front, PVS_F_INTENT);
	pvs_regs_fail(front->regs, PVS_RESULT_WATCHDOG);
	assert_status(front, (UP & ~PVS_STATUS_DRIVER_OK) | PVS_STATUS_FAILED, PVS_RESULT_WATCHDOG);
	assert_int_equal(front->stops, 1);
	assert_int_equal(front->configs, 1);
	wr(front, PVS_REG_STATUS, UP);
	assert_status(front, (UP & ~PVS_STATUS_DRIVER_OK) | PVS_STATUS_FAILED, PVS_RESULT_WATCHDOG);
	assert_int_equal(front->starts, 1);
	wr(front, PVS_REG_STATUS, 0);
	bring_up(front, PVS_F_INTENT);
	assert_status(front, UP, PVS_RESULT_OK);
}

static void test_migrate(void **state)
{
	struct front *front = *state;
	struct pvs_regs_state saved;

	bring_up(front, PVS_F_INTENT);
	pvs_regs_set_policy(front->regs, "a");
	pvs_regs_save(front->regs, &saved);
	wr(front, PVS_REG_STATUS, 0);
	front->configs = 0;
	front->stops = 0;
	assert_int_equal(pvs_regs_load(front->regs, &saved), 0);
	assert_status(front, PVS_STATUS_ACKNOWLEDGE | PVS_STATUS_DRIVER | PVS_STATUS_RENEGOTIATE,
		      PVS_RESULT_MIGRATED);
	assert_int_equal(rd(front, PVS_REG_GENERATION), saved.generation + 1);
	assert_int_equal(rd(front, PVS_REG_POLICY_SERIAL), 2);
	assert_int_equal(front->configs, 1);
	assert_int_equal(front->stops, 0);
	assert_false(pvs_regs_running(front->regs));
	/* The driver's answer. */
	bring_up(front, PVS_F_INTENT | PVS_F_CS);
	assert_status(front, UP, PVS_RESULT_OK);
	assert_int_equal(front->features, PVS_F_INTENT | PVS_F_CS);
}

/* loadvm under a driver that runs: it is stopped first. */
static void test_load_running(void **state)
{
	struct front *front = *state;
	struct pvs_regs_state saved;

	pvs_regs_save(front->regs, &saved);
	bring_up(front, PVS_F_INTENT);
	assert_int_equal(pvs_regs_load(front->regs, &saved), 0);
	assert_int_equal(front->stops, 1);
	assert_status(front, 0, PVS_RESULT_OK);
	assert_int_equal(rd(front, PVS_REG_GENERATION), 2);
	assert_int_equal(front->configs, 0);
}

static void test_load_refused(void **state)
{
	static const struct pvs_regs_state bad[] = {
		{.generation = 1, .status = PVS_STATUS_DRIVER_OK},
		{.generation = 1, .status = 0x10},
		{.generation = 1, .status = 0x100},
		{.generation = 1, .status = PVS_STATUS_RENEGOTIATE},
		{.generation = 1, .result = PVS_RESULT_WATCHDOG + 1},
		{.generation = 0},
	};
	struct front *front = *state;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		bring_up(front, PVS_F_INTENT);
		assert_int_equal(pvs_regs_load(front->regs, &bad[i]), -EINVAL);
		assert_status(front, 0, PVS_RESULT_OK);
		assert_int_equal(front->stops, i + 1);
	}
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create_refused),
		CASE(test_constants),
		CASE(test_policy_and_means),
		CASE(test_bad_reads),
		CASE(test_bad_writes),
		CASE(test_halves),
		CASE(test_clock),
		CASE(test_kick),
		CASE(test_bring_up),
		CASE(test_order),
		CASE(test_features_refused),
		CASE(test_guest_ram),
		CASE(test_addresses_ignored),
		CASE(test_reset),
		CASE(test_fail),
		CASE(test_migrate),
		CASE(test_load_running),
		CASE(test_load_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
