/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The event ring's host end, against a right and a wild guest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pvs.h"

static struct pvs_guest_page page;

static int setup(void **state)
{
	memset(&page, 0, sizeof(page));
	return 0;
}

static bool put(struct pvs_ring *ring, uint32_t type, uint32_t arg)
{
	return pvs_guest_ring_put(
		&page, ring->tail,
		&(struct pvs_ring_entry){.ts = 1000 + arg, .type = type, .arg = arg});
}

static void test_order(void **state)
{
	struct pvs_ring ring = {0};
	struct pvs_ring_entry out[4];

	assert_int_equal(pvs_ring_take(&ring, &page, out, 4), 0);
	for (uint32_t i = 0; i < 5; i++)
		assert_true(put(&ring, PVS_RING_MARK, i));
	assert_int_equal(pvs_ring_take(&ring, &page, out, 4), 4);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(out[i].arg, i);
		assert_int_equal(out[i].ts, 1000 + i);
		assert_int_equal(out[i].type, PVS_RING_MARK);
	}
	assert_int_equal(pvs_ring_take(&ring, &page, out, 4), 1);
	assert_int_equal(out[0].arg, 4);
	assert_int_equal(ring.taken, 5);
	assert_int_equal(ring.tail, 5);
}

static void test_full_and_wrap(void **state)
{
	struct pvs_ring ring = {.tail = UINT32_MAX - 2};
	struct pvs_ring_entry out[PVS_RING_ENTRIES];

	page.ring_head = ring.tail;
	for (uint32_t i = 0; i < PVS_RING_ENTRIES; i++)
		assert_true(put(&ring, PVS_RING_SWITCH, i));
	assert_false(put(&ring, PVS_RING_SWITCH, 0));
	assert_int_equal(pvs_ring_take(&ring, &page, out, PVS_RING_ENTRIES), PVS_RING_ENTRIES);
	for (uint32_t i = 0; i < PVS_RING_ENTRIES; i++)
		assert_int_equal(out[i].arg, i);
	assert_int_equal(ring.tail, PVS_RING_ENTRIES - 3);
	assert_int_equal(ring.overruns, 0);
}

static void test_wild_head(void **state)
{
	static const uint32_t heads[] = {PVS_RING_ENTRIES + 1, 0x80000000u, UINT32_MAX};
	struct pvs_ring_entry out[PVS_RING_ENTRIES];

	for (unsigned i = 0; i < 3; i++) {
		struct pvs_ring ring = {0};

		page.ring_head = heads[i];
		assert_int_equal(pvs_ring_take(&ring, &page, out, PVS_RING_ENTRIES), 0);
		assert_int_equal(ring.overruns, 1);
		assert_int_equal(ring.tail, heads[i]);
		assert_int_equal(pvs_ring_take(&ring, &page, out, PVS_RING_ENTRIES), 0);
		assert_int_equal(ring.overruns, 1);
	}
}

static void test_unknown_types(void **state)
{
	struct pvs_ring ring = {0};
	struct pvs_ring_entry out[2];

	put(&ring, PVS_RING_NONE, 0);
	put(&ring, PVS_RING_MAX, 1);
	put(&ring, 0xffffffff, 2);
	put(&ring, PVS_RING_LOCK_WAIT, 3);
	assert_int_equal(pvs_ring_take(&ring, &page, out, 2), 1);
	assert_int_equal(out[0].arg, 3);
	assert_int_equal(ring.refused, 3);
	assert_int_equal(ring.taken, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_order, setup),
		cmocka_unit_test_setup(test_full_and_wrap, setup),
		cmocka_unit_test_setup(test_wild_head, setup),
		cmocka_unit_test_setup(test_unknown_types, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
