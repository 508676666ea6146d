/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Transmit descriptors: collect the chain of a frame and judge it as a whole, before any payload is
 * read. A chain whose end the guest has not handed over yet waits.
 */
#include "tx_internal.h"

#include <endian.h>
#include <string.h>

_Static_assert(NIC_MAX_TX_DESCS <= DESC_RING_CACHE, "a whole chain can be looked at");

static bool desc_ok(const struct sluice_tx_desc *d)
{
	return !(le16toh(d->flags) & ~SLUICE_TX_FLAGS_KNOWN) && d->length && !d->mss &&
	       !d->reserved0 && !d->reserved1;
}

static void chain_add(struct tx_chain *chain, const struct sluice_tx_desc *d)
{
	uint32_t length = le32toh(d->length);

	if (!chain->n) {
		chain->csum = le16toh(d->flags) & SLUICE_TX_CSUM;
		chain->csum_start = le16toh(d->csum_start);
		chain->csum_offset = le16toh(d->csum_offset);
	}
	chain->part[chain->n].addr = le64toh(d->addr);
	chain->part[chain->n].length = length;
	chain->n++;
	chain->len += length; /* at most NIC_MAX_TX_DESCS * 2^32 */
	if (!desc_ok(d))
		chain->status = SLUICE_TX_ST_BAD_DESC;
}

/* What can be said only of the whole. */
static void chain_judge(struct tx_chain *chain)
{
	if (chain->status != SLUICE_TX_ST_OK)
		return;
	if (chain->len > NIC_MAX_FRAME)
		chain->status = SLUICE_TX_ST_TOO_LONG;
	else if (chain->len < NIC_MIN_FRAME)
		chain->status = SLUICE_TX_ST_BAD_DESC;
	else if (chain->csum &&
		 (size_t)chain->csum_start + chain->csum_offset + sizeof(uint16_t) > chain->len)
		chain->status = SLUICE_TX_ST_BAD_DESC;
}

static enum tx_next endless(struct nic *nic, struct nic_queue *q)
{
	uint64_t *stats = nic->ports[q->port].stats;

	/* The guest can add nothing to a full ring, and will never see room in it. */
	stats[SLUICE_STAT_TX_GUEST_FRAMES]++;
	stats[SLUICE_STAT_TX_DROP_DESC]++;
	queue_fail(nic, q, SLUICE_QERR_BAD_DESC,
		   "a chain of descriptors fills the ring without "
		   "an end");
	return TX_NEXT_FAILED;
}

/* The rest of a chain with more than NIC_MAX_TX_DESCS descriptors, one step at a time. */
static enum tx_next skip(struct nic *nic, struct nic_queue *q, struct tx_chain *chain)
{
	const void *entry;
	struct sluice_tx_desc d;
	int ret = queue_peek(nic, q, 0, &entry);

	if (ret <= 0)
		return ret ? TX_NEXT_FAILED : TX_NEXT_NONE;
	memcpy(&d, entry, sizeof(d));
	if (le16toh(d.flags) & SLUICE_TX_LAST) {
		chain->n = 1;
		chain->status = SLUICE_TX_ST_TOO_LONG;
		q->tx_skipped = 0;
		return TX_NEXT_FRAME;
	}
	desc_ring_advance(&q->ring, 1);
	chain->n = 1;
	if (++q->tx_skipped >= q->ring.size)
		return endless(nic, q);
	return TX_NEXT_PROGRESS;
}

enum tx_next tx_desc_next(struct nic *nic, struct nic_queue *q, struct tx_chain *chain)
{
	chain->n = 0;
	chain->len = 0;
	chain->status = SLUICE_TX_ST_OK;
	if (q->tx_skipped)
		return skip(nic, q, chain);
	while (chain->n < NIC_MAX_TX_DESCS) {
		struct sluice_tx_desc d;
		const void *entry;
		int ret;

		if (chain->n == q->ring.size)
			return endless(nic, q);
		ret = queue_peek(nic, q, chain->n, &entry);
		if (ret <= 0)
			return ret ? TX_NEXT_FAILED : TX_NEXT_NONE;
		memcpy(&d, entry, sizeof(d));
		chain_add(chain, &d);
		if (le16toh(d.flags) & SLUICE_TX_LAST) {
			chain_judge(chain);
			return TX_NEXT_FRAME;
		}
	}
	if (chain->n == q->ring.size)
		return endless(nic, q);
	desc_ring_advance(&q->ring, chain->n);
	q->tx_skipped = chain->n;
	return TX_NEXT_PROGRESS;
}
