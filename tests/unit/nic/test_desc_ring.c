/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "unit.h"

#include <sluice/nic_desc.h>

#include "desc_ring.h"
#include "model_guest.h"

#define SIZE  8u
#define ENTRY 16u

static int set_up(void **state)
{
	*state = model_guest_new();
	return 0;
}

static int tear_down(void **state)
{
	model_guest_free(*state);
	return 0;
}

static void put(struct model_guest *g, uint64_t base, uint32_t index, uint64_t value)
{
	memcpy(model_at(g, base + (index & (SIZE - 1)) * ENTRY, ENTRY), &value, sizeof(value));
}

static uint64_t peek(struct desc_ring *ring, uint32_t ahead, struct model_guest *g)
{
	const void *entry;
	uint64_t value;

	assert_int_equal(desc_ring_peek(ring, ahead, &model_host_ops, g, &entry), 1);
	memcpy(&value, entry, sizeof(value));
	return value;
}

static void producer_must_fit_the_ring(void **state)
{
	struct desc_ring ring;

	desc_ring_init(&ring, 0, SIZE, ENTRY);
	assert_int_equal(desc_ring_doorbell(&ring, SIZE + 1), -EINVAL);
	assert_int_equal(desc_ring_available(&ring), 0);
	assert_int_equal(desc_ring_doorbell(&ring, 5), 0);
	assert_int_equal(desc_ring_doorbell(&ring, 5), 0);
	assert_int_equal(desc_ring_doorbell(&ring, 4), -EINVAL);
	assert_int_equal(desc_ring_doorbell(&ring, SIZE), 0);
	assert_int_equal(desc_ring_available(&ring), SIZE);
	assert_int_equal(desc_ring_doorbell(&ring, SIZE + 1), -EINVAL);
	desc_ring_advance(&ring, 1);
	assert_int_equal(desc_ring_doorbell(&ring, SIZE + 1), 0);
}

static void indices_wrap_at_32_bits(void **state)
{
	struct model_guest *g = *state;
	struct desc_ring ring;
	uint64_t base = model_alloc(g, SIZE * ENTRY);

	desc_ring_init(&ring, base, SIZE, ENTRY);
	ring.producer = ring.fetched = ring.consumer = UINT32_MAX - 2;
	for (uint32_t i = 0; i < SIZE; i++)
		put(g, base, UINT32_MAX - 2 + i, 100 + i);
	assert_int_equal(desc_ring_doorbell(&ring, UINT32_MAX - 2 + SIZE), 0);
	assert_int_equal(desc_ring_doorbell(&ring, UINT32_MAX - 1 + SIZE), -EINVAL);
	for (uint32_t i = 0; i < SIZE; i++) {
		assert_int_equal(peek(&ring, 0, g), 100 + i);
		desc_ring_advance(&ring, 1);
	}
	assert_int_equal(ring.consumer, 5);
	assert_int_equal(desc_ring_available(&ring), 0);
}

static void a_descriptor_is_read_once(void **state)
{
	struct model_guest *g = *state;
	struct desc_ring ring;
	uint64_t base = model_alloc(g, SIZE * ENTRY);

	desc_ring_init(&ring, base, SIZE, ENTRY);
	put(g, base, 0, 1);
	put(g, base, 1, 2);
	assert_int_equal(desc_ring_doorbell(&ring, 2), 0);
	assert_int_equal(peek(&ring, 0, g), 1);
	put(g, base, 0, 99);
	put(g, base, 1, 99);
	assert_int_equal(peek(&ring, 0, g), 1);
	assert_int_equal(peek(&ring, 1, g), 2);
	assert_int_equal(g->dma_reads, 1);
	desc_ring_forget(&ring);
	assert_int_equal(peek(&ring, 1, g), 99);
}

static void peek_stops_at_the_producer(void **state)
{
	struct model_guest *g = *state;
	struct desc_ring ring;
	const void *entry;

	desc_ring_init(&ring, model_alloc(g, SIZE * ENTRY), SIZE, ENTRY);
	assert_int_equal(desc_ring_peek(&ring, 0, &model_host_ops, g, &entry), 0);
	assert_int_equal(desc_ring_doorbell(&ring, 3), 0);
	assert_int_equal(desc_ring_peek(&ring, 2, &model_host_ops, g, &entry), 1);
	assert_int_equal(desc_ring_peek(&ring, 3, &model_host_ops, g, &entry), 0);
}

static void unreadable_ring(void **state)
{
	struct model_guest *g = *state;
	struct desc_ring ring;
	const void *entry;

	desc_ring_init(&ring, 0, SIZE, ENTRY);
	assert_int_equal(desc_ring_doorbell(&ring, 1), 0);
	assert_int_equal(desc_ring_peek(&ring, 0, &model_host_ops, g, &entry), -EFAULT);
}

/* A large ring, walked with a look-ahead that crosses the cache and the ring's end. */
static void look_ahead_over_every_seam(void **state)
{
	enum {
		ENTRIES = 64
	};
	struct model_guest *g = *state;
	struct desc_ring ring;
	uint64_t base = model_alloc(g, ENTRIES * ENTRY);
	uint32_t index = 0;

	desc_ring_init(&ring, base, ENTRIES, ENTRY);
	for (unsigned step = 0; step < 500; step++) {
		uint32_t ahead = step * 7 % DESC_RING_CACHE;

		while (ring.producer - ring.consumer < ENTRIES) {
			uint64_t value = ring.producer * 3u;

			memcpy(model_at(g, base + ring.producer % ENTRIES * ENTRY, ENTRY), &value,
			       sizeof(value));
			assert_int_equal(desc_ring_doorbell(&ring, ring.producer + 1), 0);
		}
		assert_int_equal(peek(&ring, ahead, g), (index + ahead) * 3u);
		desc_ring_advance(&ring, step % 5 <= ahead ? step % 5 : 0);
		index = ring.consumer;
	}
}

static void post(struct cpl_ring *ring, struct model_guest *g, uint8_t value)
{
	uint8_t entry[CPL_RING_ENTRY];

	memset(entry, value, sizeof(entry));
	assert_int_equal(cpl_ring_post(ring, entry, &model_host_ops, g), 0);
}

static void phase_flips_every_lap(void **state)
{
	struct model_guest *g = *state;
	struct cpl_ring ring;
	uint64_t base = model_alloc(g, SIZE * CPL_RING_ENTRY);

	cpl_ring_init(&ring, base, SIZE);
	for (unsigned lap = 0; lap < 3; lap++) {
		for (unsigned i = 0; i < SIZE; i++) {
			const uint8_t *at = model_at(g, base + i * CPL_RING_ENTRY, CPL_RING_ENTRY);

			post(&ring, g, (uint8_t)(0x40 + i));
			assert_int_equal(at[0], 0x40 + i);
			assert_int_equal(at[30], 0x40 + i);
			assert_int_equal(at[31], lap % 2 ? 0 : SLUICE_PHASE);
			assert_int_equal(cpl_ring_doorbell(&ring, ring.producer, false), 0);
		}
	}
}

static void phase_over_the_wrap_of_indices(void **state)
{
	struct model_guest *g = *state;
	struct cpl_ring ring;
	uint64_t base = model_alloc(g, SIZE * CPL_RING_ENTRY);
	const uint8_t *last = model_at(g, base + (SIZE - 1) * CPL_RING_ENTRY, CPL_RING_ENTRY);
	const uint8_t *first = model_at(g, base, CPL_RING_ENTRY);

	cpl_ring_init(&ring, base, SIZE);
	ring.producer = ring.consumer = UINT32_MAX;
	post(&ring, g, 1);
	post(&ring, g, 2);
	assert_int_equal(ring.producer, 1);
	assert_int_equal(last[31], 0);
	assert_int_equal(first[31], SLUICE_PHASE);
}

static void room_and_doorbell_bounds(void **state)
{
	struct model_guest *g = *state;
	struct cpl_ring ring;

	cpl_ring_init(&ring, model_alloc(g, SIZE * CPL_RING_ENTRY), SIZE);
	assert_int_equal(cpl_ring_doorbell(&ring, 1, false), -EINVAL);
	for (unsigned i = 0; i < SIZE; i++) {
		assert_true(cpl_ring_has_room(&ring));
		post(&ring, g, 0);
	}
	assert_false(cpl_ring_has_room(&ring));
	assert_int_equal(cpl_ring_doorbell(&ring, SIZE + 1, false), -EINVAL);
	assert_int_equal(cpl_ring_doorbell(&ring, 3, false), 0);
	assert_int_equal(cpl_ring_doorbell(&ring, 2, false), -EINVAL);
	assert_true(cpl_ring_has_room(&ring));
}

static void one_interrupt_per_arming(void **state)
{
	struct model_guest *g = *state;
	struct cpl_ring ring;

	cpl_ring_init(&ring, model_alloc(g, SIZE * CPL_RING_ENTRY), SIZE);
	post(&ring, g, 0);
	assert_false(cpl_ring_take_interrupt(&ring));
	assert_int_equal(cpl_ring_doorbell(&ring, 0, true), 0);
	assert_true(cpl_ring_take_interrupt(&ring));
	assert_false(cpl_ring_take_interrupt(&ring));
	assert_int_equal(cpl_ring_doorbell(&ring, 1, true), 0);
	assert_false(cpl_ring_take_interrupt(&ring));
	/* A doorbell without ARM, as a driver acknowledges while it polls, does not disarm. */
	assert_int_equal(cpl_ring_doorbell(&ring, 1, false), 0);
	post(&ring, g, 0);
	assert_true(cpl_ring_take_interrupt(&ring));
	post(&ring, g, 0);
	assert_false(cpl_ring_take_interrupt(&ring));
}

static void unwritable_completion_is_not_counted(void **state)
{
	struct model_guest *g = *state;
	struct cpl_ring ring;
	uint8_t entry[CPL_RING_ENTRY] = {0};

	cpl_ring_init(&ring, model_alloc(g, SIZE * CPL_RING_ENTRY), SIZE);
	g->dma_fail_at = 1;
	assert_int_equal(cpl_ring_post(&ring, entry, &model_host_ops, g), -EFAULT);
	g->dma_fail_at = 2;
	assert_int_equal(cpl_ring_post(&ring, entry, &model_host_ops, g), -EFAULT);
	assert_int_equal(ring.producer, 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(producer_must_fit_the_ring),
		TEST(indices_wrap_at_32_bits),
		TEST(a_descriptor_is_read_once),
		TEST(peek_stops_at_the_producer),
		TEST(unreadable_ring),
		TEST(look_ahead_over_every_seam),
		TEST(phase_flips_every_lap),
		TEST(phase_over_the_wrap_of_indices),
		TEST(room_and_doorbell_bounds),
		TEST(one_interrupt_per_arming),
		TEST(unwritable_completion_is_not_counted),
	};

	return cmocka_run_group_tests_name("desc_ring", tests, NULL, NULL);
}
