/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What each kind of descriptor and chain is judged to be, before any payload is read. */
#include "unit.h"

#include "model_guest.h"
#include "tx_internal.h"

struct bench {
	struct model_guest *g;
	struct model_queue q;
};

static void open_queue(struct bench *b, uint32_t entries)
{
	b->g = model_guest_new();
	model_guest_start(b->g, 1, 1, false);
	model_queue_layout(&b->q, b->g, SLUICE_QUEUE_TX, 0, entries);
	assert_int_equal(nic_queue_create(b->g->nic, SLUICE_QUEUE_TX, &b->q.config), 0);
}

static int set_up(void **state)
{
	static struct bench b;

	open_queue(&b, 64);
	*state = &b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;

	model_guest_free(b->g);
	return 0;
}

static struct nic_queue *queue(struct bench *b)
{
	return queue_find(b->g->nic, SLUICE_QUEUE_TX, 0);
}

static const struct sluice_tx_desc good = {.addr = 0x1000, .length = 60, .flags = SLUICE_TX_LAST};

static void expect(struct bench *b, const struct sluice_tx_desc *desc, uint16_t status)
{
	struct tx_chain chain;

	model_tx_put(&b->q, desc);
	assert_int_equal(model_submit(&b->q), 0);
	assert_int_equal(tx_desc_next(b->g->nic, queue(b), &chain), TX_NEXT_FRAME);
	assert_int_equal(chain.n, 1);
	assert_int_equal(chain.status, status);
	desc_ring_advance(&queue(b)->ring, chain.n);
}

static void single_descriptors(void **state)
{
	struct sluice_tx_desc d = good;

	expect(*state, &d, SLUICE_TX_ST_OK);
	d.length = 0;
	expect(*state, &d, SLUICE_TX_ST_BAD_DESC);
	d.length = NIC_MIN_FRAME - 1;
	expect(*state, &d, SLUICE_TX_ST_BAD_DESC);
	d.length = NIC_MIN_FRAME;
	expect(*state, &d, SLUICE_TX_ST_OK);
	d.length = NIC_MAX_FRAME;
	expect(*state, &d, SLUICE_TX_ST_OK);
	d.length = NIC_MAX_FRAME + 1;
	expect(*state, &d, SLUICE_TX_ST_TOO_LONG);
	d.length = UINT32_MAX;
	expect(*state, &d, SLUICE_TX_ST_TOO_LONG);
	d = good;
	d.flags |= 0x0004;
	expect(*state, &d, SLUICE_TX_ST_BAD_DESC);
	d.flags = good.flags | 0x8000;
	expect(*state, &d, SLUICE_TX_ST_BAD_DESC);
	d = good;
	d.mss = 1;
	expect(*state, &d, SLUICE_TX_ST_BAD_DESC);
	d = good;
	d.reserved0 = 1;
	expect(*state, &d, SLUICE_TX_ST_BAD_DESC);
	d = good;
	d.reserved1 = 1ull << 63;
	expect(*state, &d, SLUICE_TX_ST_BAD_DESC);
}

static void checksum_offsets(void **state)
{
	struct sluice_tx_desc d = good;

	d.flags |= SLUICE_TX_CSUM;
	d.csum_start = 34;
	d.csum_offset = 16;
	expect(*state, &d, SLUICE_TX_ST_OK);
	d.csum_offset = 24; /* the field's last byte is the frame's */
	expect(*state, &d, SLUICE_TX_ST_OK);
	d.csum_offset = 25;
	expect(*state, &d, SLUICE_TX_ST_BAD_DESC);
	d.csum_start = 0xffff;
	d.csum_offset = 0xffff;
	expect(*state, &d, SLUICE_TX_ST_BAD_DESC);
	d.flags = SLUICE_TX_LAST; /* offsets mean nothing without the flag */
	expect(*state, &d, SLUICE_TX_ST_OK);
}

static void chains(void **state)
{
	struct bench *b = *state;
	struct sluice_tx_desc d = {.addr = 0x2000, .length = 10};
	struct tx_chain chain;

	model_tx_put(&b->q, &d);
	assert_int_equal(model_submit(&b->q), 0);
	/* No end yet: nothing is used up. */
	assert_int_equal(tx_desc_next(b->g->nic, queue(b), &chain), TX_NEXT_NONE);
	assert_int_equal(model_query(&b->q).consumer, 0);
	d.addr = 0x3000;
	d.length = 20;
	d.flags = SLUICE_TX_LAST | SLUICE_TX_CSUM;
	d.csum_start = 9999; /* read from the first descriptor only */
	model_tx_put(&b->q, &d);
	assert_int_equal(model_submit(&b->q), 0);
	assert_int_equal(tx_desc_next(b->g->nic, queue(b), &chain), TX_NEXT_FRAME);
	assert_int_equal(chain.n, 2);
	assert_int_equal(chain.len, 30);
	assert_false(chain.csum);
	assert_int_equal(chain.part[0].addr, 0x2000);
	assert_int_equal(chain.part[1].addr, 0x3000);
	assert_int_equal(chain.status, SLUICE_TX_ST_OK);
}

static void a_bad_link_spoils_the_chain(void **state)
{
	struct bench *b = *state;
	struct sluice_tx_desc d = {.addr = 0x2000, .length = 20};
	struct tx_chain chain;

	model_tx_put(&b->q, &d);
	d.reserved0 = 1;
	model_tx_put(&b->q, &d);
	model_tx_put(&b->q, &good);
	assert_int_equal(model_submit(&b->q), 0);
	assert_int_equal(tx_desc_next(b->g->nic, queue(b), &chain), TX_NEXT_FRAME);
	assert_int_equal(chain.n, 3);
	assert_int_equal(chain.status, SLUICE_TX_ST_BAD_DESC);
}

/* The sum of lengths must not wrap. */
static void lengths_that_overflow(void **state)
{
	struct bench *b = *state;
	struct sluice_tx_desc d = {.addr = 0x2000, .length = 0x80000000u};
	struct tx_chain chain;

	model_tx_put(&b->q, &d);
	model_tx_put(&b->q, &d);
	model_tx_put(&b->q, &good);
	assert_int_equal(model_submit(&b->q), 0);
	assert_int_equal(tx_desc_next(b->g->nic, queue(b), &chain), TX_NEXT_FRAME);
	assert_int_equal(chain.status, SLUICE_TX_ST_TOO_LONG);
}

static void longest_chain_and_one_more(void **state)
{
	struct bench *b = *state;
	struct sluice_tx_desc d = {.addr = 0x2000, .length = 10};
	struct tx_chain chain;
	enum tx_next next;

	for (unsigned i = 0; i < NIC_MAX_TX_DESCS - 1; i++)
		model_tx_put(&b->q, &d);
	model_tx_put(&b->q, &good);
	assert_int_equal(model_submit(&b->q), 0);
	assert_int_equal(tx_desc_next(b->g->nic, queue(b), &chain), TX_NEXT_FRAME);
	assert_int_equal(chain.n, NIC_MAX_TX_DESCS);
	assert_int_equal(chain.status, SLUICE_TX_ST_OK);
	desc_ring_advance(&queue(b)->ring, chain.n);

	for (unsigned i = 0; i < NIC_MAX_TX_DESCS + 3; i++)
		model_tx_put(&b->q, &d);
	model_tx_put(&b->q, &good);
	assert_int_equal(model_submit(&b->q), 0);
	do
		next = tx_desc_next(b->g->nic, queue(b), &chain);
	while (next == TX_NEXT_PROGRESS);
	assert_int_equal(next, TX_NEXT_FRAME);
	assert_int_equal(chain.status, SLUICE_TX_ST_TOO_LONG);
	desc_ring_advance(&queue(b)->ring, chain.n);
	assert_int_equal(desc_ring_available(&queue(b)->ring), 0);
	/* The next frame is none of its business. */
	expect(b, &good, SLUICE_TX_ST_OK);
}

static void endless_chain(uint32_t entries)
{
	struct bench b;
	struct sluice_tx_desc d = {.addr = 0x2000, .length = 10};
	struct tx_chain chain;
	enum tx_next next;

	open_queue(&b, entries);
	for (unsigned i = 0; i < entries; i++)
		model_tx_put(&b.q, &d);
	assert_int_equal(model_submit(&b.q), 0);
	do
		next = tx_desc_next(b.g->nic, queue(&b), &chain);
	while (next == TX_NEXT_PROGRESS);
	assert_int_equal(next, TX_NEXT_FAILED);
	assert_int_equal(model_query(&b.q).state, SLUICE_QSTATE_ERROR);
	assert_int_equal(model_query(&b.q).error, SLUICE_QERR_BAD_DESC);
	assert_int_equal(model_stat(b.g, SLUICE_STAT_TX_DROP_DESC), 1);
	assert_null(model_imbalance(b.g));
	assert_string_equal(b.g->log,
			    "transmit queue 0 stopped: a chain of descriptors fills the ring "
			    "without an end");
	model_guest_free(b.g);
}

static void chains_without_end(void **state)
{
	endless_chain(8);
	endless_chain(32);
	endless_chain(128);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(single_descriptors),
		TEST(checksum_offsets),
		TEST(chains),
		TEST(a_bad_link_spoils_the_chain),
		TEST(lengths_that_overflow),
		TEST(longest_chain_and_one_more),
		cmocka_unit_test(chains_without_end),
	};

	return cmocka_run_group_tests_name("tx_desc", tests, NULL, NULL);
}
