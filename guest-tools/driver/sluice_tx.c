// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Transmit. start_xmit() owns the producer index, NAPI the consumer index; a slot belongs to one or
 * the other by them. The skb hangs on the last descriptor of its frame.
 */
#include <linux/dma-mapping.h>
#include <linux/if_vlan.h>
#include <linux/skbuff.h>
#include <net/netdev_queues.h>

#include "sluice.h"

/* Room a frame may need; a queue that has less is stopped, one that has twice as much woken. */
#define SLUICE_TX_STOP  (MAX_SKB_FRAGS + 1)
#define SLUICE_TX_START (2 * SLUICE_TX_STOP)

int sluice_tx_alloc(struct sluice_pair *pair)
{
	struct sluice_tx_queue *tx = &pair->tx;
	struct device *dev = &pair->port->sd->pdev->dev;

	tx->size = pair->port->tx_ring;
	tx->cpl_size = min(tx->size * 2, pair->port->sd->caps.max_cpl_ring);
	tx->producer = 0;
	tx->rung = 0;
	tx->consumer = 0;
	tx->cpl_consumer = 0;
	tx->cpl_acked = 0;

	tx->slots = kvcalloc(tx->size, sizeof(*tx->slots), GFP_KERNEL);
	tx->ring = dma_alloc_coherent(dev, tx->size * sizeof(*tx->ring), &tx->ring_dma, GFP_KERNEL);
	tx->cpl =
		dma_alloc_coherent(dev, tx->cpl_size * sizeof(*tx->cpl), &tx->cpl_dma, GFP_KERNEL);
	if (tx->slots && tx->ring && tx->cpl)
		return 0;
	sluice_tx_free(pair);
	return -ENOMEM;
}

static void sluice_tx_unmap(struct sluice_pair *pair, struct sluice_tx_slot *slot)
{
	struct device *dev = &pair->port->sd->pdev->dev;

	if (slot->paged)
		dma_unmap_page(dev, slot->dma, slot->len, DMA_TO_DEVICE);
	else
		dma_unmap_single(dev, slot->dma, slot->len, DMA_TO_DEVICE);
}

/* The device no longer uses the queue; what it has not sent is dropped. */
void sluice_tx_free(struct sluice_pair *pair)
{
	struct sluice_tx_queue *tx = &pair->tx;
	struct device *dev = &pair->port->sd->pdev->dev;
	struct sluice_tx_slot *slot;

	for (; tx->slots && tx->consumer != tx->producer; tx->consumer++) {
		slot = &tx->slots[tx->consumer & (tx->size - 1)];
		sluice_tx_unmap(pair, slot);
		if (slot->skb)
			dev_kfree_skb_any(slot->skb);
	}
	netdev_tx_reset_queue(netdev_get_tx_queue(pair->port->netdev, pair->index));
	if (tx->cpl)
		dma_free_coherent(dev, tx->cpl_size * sizeof(*tx->cpl), tx->cpl, tx->cpl_dma);
	if (tx->ring)
		dma_free_coherent(dev, tx->size * sizeof(*tx->ring), tx->ring, tx->ring_dma);
	kvfree(tx->slots);
	tx->cpl = NULL;
	tx->ring = NULL;
	tx->slots = NULL;
}

/* ---- start_xmit --------------------------------------------------------------------------- */

static u32 sluice_tx_room(const struct sluice_tx_queue *tx)
{
	return tx->size - (tx->producer - READ_ONCE(tx->consumer));
}

static void sluice_tx_fill(struct sluice_tx_queue *tx, u32 index, dma_addr_t dma, u32 len,
			   bool paged)
{
	struct sluice_tx_slot *slot = &tx->slots[index & (tx->size - 1)];
	struct sluice_tx_desc *desc = &tx->ring[index & (tx->size - 1)];

	slot->skb = NULL;
	slot->dma = dma;
	slot->len = len;
	slot->paged = paged;
	memset(desc, 0, sizeof(*desc));
	desc->addr = cpu_to_le64(dma);
	desc->length = cpu_to_le32(len);
}

/* Map head and fragments and write their descriptors, from the producer index on. */
static int sluice_tx_map(struct sluice_pair *pair, struct sk_buff *skb)
{
	struct device *dev = &pair->port->sd->pdev->dev;
	struct sluice_tx_queue *tx = &pair->tx;
	u32 index = tx->producer;
	skb_frag_t *frag;
	dma_addr_t dma;
	int i;

	dma = dma_map_single(dev, skb->data, skb_headlen(skb), DMA_TO_DEVICE);
	if (dma_mapping_error(dev, dma))
		return -ENOMEM;
	sluice_tx_fill(tx, index++, dma, skb_headlen(skb), false);

	for (i = 0; i < skb_shinfo(skb)->nr_frags; i++) {
		frag = &skb_shinfo(skb)->frags[i];
		dma = skb_frag_dma_map(dev, frag, 0, skb_frag_size(frag), DMA_TO_DEVICE);
		if (dma_mapping_error(dev, dma))
			goto err_unmap;
		sluice_tx_fill(tx, index++, dma, skb_frag_size(frag), true);
	}
	return 0;

err_unmap:
	while (index != tx->producer)
		sluice_tx_unmap(pair, &tx->slots[--index & (tx->size - 1)]);
	return -ENOMEM;
}

static void sluice_tx_ring_doorbell(struct sluice_pair *pair)
{
	struct sluice_tx_queue *tx = &pair->tx;

	if (tx->rung == tx->producer)
		return;
	WRITE_ONCE(tx->rung, tx->producer);
	/* writeq() orders the descriptors before the doorbell. */
	writeq(tx->producer, pair->db + SLUICE_DB_TX_SUB);
}

static void sluice_tx_finish_frame(struct sluice_tx_queue *tx, struct sk_buff *skb)
{
	struct sluice_tx_desc *first = &tx->ring[tx->producer & (tx->size - 1)];
	u32 last = (tx->producer + skb_shinfo(skb)->nr_frags) & (tx->size - 1);

	if (skb->ip_summed == CHECKSUM_PARTIAL) {
		first->flags = cpu_to_le16(SLUICE_TX_CSUM);
		first->csum_start = cpu_to_le16(skb_checksum_start_offset(skb));
		first->csum_offset = cpu_to_le16(skb->csum_offset);
	}
	tx->ring[last].flags |= cpu_to_le16(SLUICE_TX_LAST);
	tx->slots[last].skb = skb;
}

netdev_tx_t sluice_start_xmit(struct sk_buff *skb, struct net_device *netdev)
{
	struct sluice_port *port = netdev_priv(netdev);
	u16 queue = skb_get_queue_mapping(skb);
	struct netdev_queue *nq = netdev_get_tx_queue(netdev, queue);
	struct sluice_pair *pair = &port->pairs[queue];
	struct sluice_tx_queue *tx = &pair->tx;

	if (unlikely(skb_shinfo(skb)->nr_frags + 1 > port->sd->caps.tx_max_descs) &&
	    skb_linearize(skb))
		goto drop;
	if (unlikely(sluice_tx_room(tx) < skb_shinfo(skb)->nr_frags + 1)) {
		/* Cannot happen: the queue is stopped before. */
		netif_tx_stop_queue(nq);
		sluice_tx_ring_doorbell(pair);
		return NETDEV_TX_BUSY;
	}
	if (unlikely(sluice_tx_map(pair, skb)))
		goto drop;
	sluice_tx_finish_frame(tx, skb);
	skb_tx_timestamp(skb);

	u64_stats_update_begin(&tx->stats.sync);
	if (skb->ip_summed == CHECKSUM_PARTIAL)
		u64_stats_inc(&tx->stats.csum);
	u64_stats_update_end(&tx->stats.sync);

	/* NAPI does not see the frame before the doorbell, so skb is ours until then. */
	tx->producer += skb_shinfo(skb)->nr_frags + 1;
	if (!netif_txq_maybe_stop(nq, sluice_tx_room(tx), SLUICE_TX_STOP, SLUICE_TX_START)) {
		u64_stats_update_begin(&tx->stats.sync);
		u64_stats_inc(&tx->stats.stops);
		u64_stats_update_end(&tx->stats.sync);
	}
	if (__netdev_tx_sent_queue(nq, skb->len, netdev_xmit_more()))
		sluice_tx_ring_doorbell(pair);
	return NETDEV_TX_OK;

drop:
	dev_kfree_skb_any(skb);
	dev_core_stats_tx_dropped_inc(netdev);
	if (!netdev_xmit_more())
		sluice_tx_ring_doorbell(pair);
	return NETDEV_TX_OK;
}

/* ---- Completion --------------------------------------------------------------------------- */

void sluice_tx_ack(struct sluice_pair *pair, bool arm)
{
	struct sluice_tx_queue *tx = &pair->tx;

	tx->cpl_acked = tx->cpl_consumer;
	writeq(tx->cpl_consumer | (arm ? SLUICE_DB_ARM : 0), pair->db + SLUICE_DB_TX_CPL);
}

struct sluice_tx_done {
	u32 frames;
	u32 bytes;
	u32 refused;
};

/* Free all descriptors before @until. */
static void sluice_tx_reap(struct sluice_pair *pair, u32 until, int budget, bool ok,
			   struct sluice_tx_done *done)
{
	struct sluice_tx_queue *tx = &pair->tx;
	struct sluice_tx_slot *slot;
	u32 index = tx->consumer;

	for (; index != until; index++) {
		slot = &tx->slots[index & (tx->size - 1)];
		sluice_tx_unmap(pair, slot);
		if (!slot->skb)
			continue;
		done->frames++;
		done->bytes += slot->skb->len;
		done->refused += !ok;
		napi_consume_skb(slot->skb, budget);
		slot->skb = NULL;
	}
	/* start_xmit() may use the slots again as soon as it sees this. */
	smp_store_release(&tx->consumer, until);
}

static void sluice_tx_count(struct sluice_tx_queue *tx, const struct sluice_tx_done *done)
{
	u64_stats_update_begin(&tx->stats.done_sync);
	u64_stats_add(&tx->stats.frames, done->frames);
	u64_stats_add(&tx->stats.bytes, done->bytes);
	u64_stats_add(&tx->stats.refused, done->refused);
	u64_stats_update_end(&tx->stats.done_sync);
}

/* True when nothing is left to do. @budget 0: netpoll. */
bool sluice_tx_poll(struct sluice_pair *pair, int budget)
{
	struct netdev_queue *nq = netdev_get_tx_queue(pair->port->netdev, pair->index);
	struct sluice_tx_queue *tx = &pair->tx;
	struct sluice_tx_done done = {};
	struct sluice_tx_cpl cpl;
	u32 n, until;

	for (n = 0; n < tx->size; n++) {
		if (!sluice_cpl_ready(tx->cpl, tx->cpl_consumer, tx->cpl_size))
			break;
		cpl = tx->cpl[tx->cpl_consumer & (tx->cpl_size - 1)];
		until = le32_to_cpu(cpl.sub_index);
		if (unlikely(until - tx->consumer > READ_ONCE(tx->rung) - tx->consumer)) {
			sluice_dev_fail(pair->port->sd,
					"it completed a frame it had not been given");
			break;
		}
		tx->cpl_consumer++;
		sluice_tx_reap(pair, until, budget, cpl.status == cpu_to_le16(SLUICE_TX_ST_OK),
			       &done);
	}
	if (done.frames)
		sluice_tx_count(tx, &done);
	__netif_txq_completed_wake(nq, done.frames, done.bytes, sluice_tx_room(tx), SLUICE_TX_START,
				   !netif_carrier_ok(pair->port->netdev));
	if (tx->cpl_consumer - tx->cpl_acked >= tx->cpl_size / 4)
		sluice_tx_ack(pair, false);
	return n < tx->size;
}
