// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receive: buffers from a page pool to the device, completions to skbs.
 *
 * A buffer is a page (or 2^order of them for a large MTU). The device writes a frame behind the
 * headroom; build_skb() uses the page as it is, with its shared info at the end, which the device
 * is not told of. A buffer id names the page; ids the driver holds lie on a stack.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <net/page_pool/helpers.h>

#include "sluice.h"

#define SLUICE_RX_HEADROOM ((u32)XDP_PACKET_HEADROOM)

/* Pages (log2) of a buffer that takes a frame of @mtu. */
unsigned int sluice_rx_order(u32 mtu)
{
	return get_order(SLUICE_RX_HEADROOM + mtu + SLUICE_L2_OVERHEAD +
			 SKB_DATA_ALIGN(sizeof(struct skb_shared_info)));
}

static int sluice_rx_pool_create(struct sluice_pair *pair)
{
	struct sluice_rx_queue *rx = &pair->rx;
	struct page_pool_params params = {
		.order = rx->order,
		.pool_size = rx->size,
		.nid = NUMA_NO_NODE,
		.dev = &pair->port->sd->pdev->dev,
		.napi = &pair->napi,
		.dma_dir = DMA_FROM_DEVICE,
		.max_len = rx->buffer_size,
		.netdev = pair->port->netdev,
		.queue_idx = pair->index,
		.flags = PP_FLAG_DMA_MAP | PP_FLAG_DMA_SYNC_DEV,
	};

	rx->pool = page_pool_create(&params);
	if (IS_ERR(rx->pool)) {
		int err = PTR_ERR(rx->pool);

		rx->pool = NULL;
		return err;
	}
	return 0;
}

int sluice_rx_alloc(struct sluice_pair *pair)
{
	struct sluice_rx_queue *rx = &pair->rx;
	struct device *dev = &pair->port->sd->pdev->dev;
	u32 i;

	rx->size = pair->port->rx_ring;
	/*
	 * Twice the ring: buffers may be posted again before the device learns that their
	 * completions have been read.
	 */
	rx->cpl_size = min(rx->size * 2, pair->port->sd->caps.max_cpl_ring);
	rx->order = sluice_rx_order(pair->port->netdev->mtu);
	rx->buffer_size = SKB_WITH_OVERHEAD(PAGE_SIZE << rx->order);
	rx->headroom = min(SLUICE_RX_HEADROOM, pair->port->sd->caps.rx_max_headroom);
	rx->producer = 0;
	rx->cpl_consumer = 0;
	rx->cpl_acked = 0;
	rx->n_free = rx->size;

	rx->free_ids = kvmalloc_array(rx->size, sizeof(*rx->free_ids), GFP_KERNEL);
	rx->pages = kvcalloc(rx->size, sizeof(*rx->pages), GFP_KERNEL);
	rx->ring = dma_alloc_coherent(dev, rx->size * sizeof(*rx->ring), &rx->ring_dma, GFP_KERNEL);
	rx->cpl =
		dma_alloc_coherent(dev, rx->cpl_size * sizeof(*rx->cpl), &rx->cpl_dma, GFP_KERNEL);
	if (!rx->free_ids || !rx->pages || !rx->ring || !rx->cpl || sluice_rx_pool_create(pair)) {
		sluice_rx_free(pair);
		return -ENOMEM;
	}
	for (i = 0; i < rx->size; i++)
		rx->free_ids[i] = rx->size - 1 - i;
	return 0;
}

/* The device no longer uses the queue. */
void sluice_rx_free(struct sluice_pair *pair)
{
	struct sluice_rx_queue *rx = &pair->rx;
	struct device *dev = &pair->port->sd->pdev->dev;
	u32 id;

	for (id = 0; rx->pool && id < rx->size; id++)
		if (rx->pages[id])
			page_pool_put_full_page(rx->pool, rx->pages[id], false);
	if (rx->pool)
		page_pool_destroy(rx->pool);
	if (rx->cpl)
		dma_free_coherent(dev, rx->cpl_size * sizeof(*rx->cpl), rx->cpl, rx->cpl_dma);
	if (rx->ring)
		dma_free_coherent(dev, rx->size * sizeof(*rx->ring), rx->ring, rx->ring_dma);
	kvfree(rx->pages);
	kvfree(rx->free_ids);
	rx->pool = NULL;
	rx->cpl = NULL;
	rx->ring = NULL;
	rx->pages = NULL;
	rx->free_ids = NULL;
}

/* Give the device buffers for all ids the driver holds. False: it is left without any. */
bool sluice_rx_refill(struct sluice_pair *pair)
{
	struct sluice_rx_queue *rx = &pair->rx;
	u32 before = rx->producer;
	struct sluice_rx_desc *desc;
	struct page *page;
	u32 id;

	while (rx->n_free) {
		page = page_pool_dev_alloc_pages(rx->pool);
		if (!page)
			break;
		id = rx->free_ids[--rx->n_free];
		rx->pages[id] = page;
		desc = &rx->ring[rx->producer & (rx->size - 1)];
		desc->addr = cpu_to_le64(page_pool_get_dma_addr(page));
		desc->buffer_id = cpu_to_le32(id);
		desc->reserved = 0;
		rx->producer++;
	}
	/* writeq() orders the descriptors before the doorbell. */
	if (rx->producer != before)
		writeq(rx->producer, pair->db + SLUICE_DB_RX_FREE);
	return rx->n_free < rx->size;
}

void sluice_rx_ack(struct sluice_pair *pair, bool arm)
{
	struct sluice_rx_queue *rx = &pair->rx;

	rx->cpl_acked = rx->cpl_consumer;
	writeq(rx->cpl_consumer | (arm ? SLUICE_DB_ARM : 0), pair->db + SLUICE_DB_RX_CPL);
}

/* ---- From a completion to an skb ---------------------------------------------------------- */

static void sluice_rx_set_hash(struct sk_buff *skb, const struct sluice_rx_cpl *cpl)
{
	enum pkt_hash_types type;

	switch (cpl->hash_csum & SLUICE_RX_HASH_MASK) {
	case SLUICE_RX_HASH_TCPV4:
	case SLUICE_RX_HASH_UDPV4:
	case SLUICE_RX_HASH_TCPV6:
	case SLUICE_RX_HASH_UDPV6:
		type = PKT_HASH_TYPE_L4;
		break;
	case SLUICE_RX_HASH_IPV4:
	case SLUICE_RX_HASH_IPV6:
		type = PKT_HASH_TYPE_L3;
		break;
	default:
		return;
	}
	skb_set_hash(skb, le32_to_cpu(cpl->rss_hash), type);
}

static void sluice_rx_offloads(struct sluice_pair *pair, struct sk_buff *skb,
			       const struct sluice_rx_cpl *cpl)
{
	struct net_device *netdev = pair->port->netdev;
	u16 flags = le16_to_cpu(cpl->flags);

	if (netdev->features & NETIF_F_RXHASH)
		sluice_rx_set_hash(skb, cpl);
	if (netdev->features & NETIF_F_RXCSUM &&
	    (cpl->hash_csum & SLUICE_RX_CSUM_MASK) == SLUICE_RX_CSUM_L4_OK)
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	if (flags & SLUICE_RX_VLAN)
		__vlan_hwaccel_put_tag(skb, htons(ETH_P_8021Q), le16_to_cpu(cpl->vlan_tci));
}

/* Is what the completion says possible? The device may be wrong about everything. */
static bool sluice_rx_valid(const struct sluice_rx_queue *rx, const struct sluice_rx_cpl *cpl)
{
	const u16 whole = SLUICE_RX_FIRST | SLUICE_RX_LAST;
	u16 flags = le16_to_cpu(cpl->flags);
	u32 offset = le16_to_cpu(cpl->offset);
	u32 length = le16_to_cpu(cpl->length);

	return !(flags & SLUICE_RX_ERROR) && (flags & whole) == whole && length >= ETH_HLEN &&
	       offset + length <= rx->buffer_size;
}

static struct sk_buff *sluice_rx_build(struct sluice_pair *pair, struct page *page,
				       const struct sluice_rx_cpl *cpl)
{
	struct sluice_rx_queue *rx = &pair->rx;
	u32 offset = le16_to_cpu(cpl->offset);
	u32 length = le16_to_cpu(cpl->length);
	struct sk_buff *skb;

	page_pool_dma_sync_for_cpu(rx->pool, page, offset, length);
	net_prefetch(page_address(page) + offset);
	skb = napi_build_skb(page_address(page), PAGE_SIZE << rx->order);
	if (unlikely(!skb))
		return NULL;
	skb_mark_for_recycle(skb);
	skb_reserve(skb, offset);
	__skb_put(skb, length);
	skb_record_rx_queue(skb, pair->index);
	sluice_rx_offloads(pair, skb, cpl);
	skb->protocol = eth_type_trans(skb, pair->port->netdev);
	return skb;
}

static void sluice_rx_count(struct sluice_rx_queue *rx, const struct sluice_rx_cpl *cpl, bool ok)
{
	u64_stats_update_begin(&rx->stats.sync);
	if (ok) {
		u64_stats_inc(&rx->stats.frames);
		u64_stats_add(&rx->stats.bytes, le16_to_cpu(cpl->length));
		if (le16_to_cpu(cpl->flags) & SLUICE_RX_XDP_RAN)
			u64_stats_inc(&rx->stats.xdp_ran);
		if ((cpl->hash_csum & SLUICE_RX_CSUM_MASK) == SLUICE_RX_CSUM_L4_OK)
			u64_stats_inc(&rx->stats.csum_ok);
	} else {
		u64_stats_inc(&rx->stats.errors);
	}
	u64_stats_update_end(&rx->stats.sync);
}

/* The page of a buffer the device hands back, NULL when it does not hold such a buffer. */
static struct page *sluice_rx_take(struct sluice_rx_queue *rx, const struct sluice_rx_cpl *cpl)
{
	u32 id = le32_to_cpu(cpl->buffer_id);
	struct page *page;

	if (id >= rx->size || !rx->pages[id])
		return NULL;
	page = rx->pages[id];
	rx->pages[id] = NULL;
	rx->free_ids[rx->n_free++] = id;
	return page;
}

static void sluice_rx_one(struct sluice_pair *pair, const struct sluice_rx_cpl *cpl)
{
	struct sluice_rx_queue *rx = &pair->rx;
	struct sk_buff *skb = NULL;
	struct page *page;

	page = sluice_rx_take(rx, cpl);
	if (unlikely(!page)) {
		net_warn_ratelimited("%s: completion for buffer %u, which it does not have\n",
				     pair->port->netdev->name, le32_to_cpu(cpl->buffer_id));
		sluice_rx_count(rx, cpl, false);
		return;
	}
	if (likely(sluice_rx_valid(rx, cpl)))
		skb = sluice_rx_build(pair, page, cpl);
	sluice_rx_count(rx, cpl, skb);
	if (unlikely(!skb)) {
		page_pool_recycle_direct(rx->pool, page);
		return;
	}
	napi_gro_receive(&pair->napi, skb);
}

/* Returns frames handled; @budget when there is more to do. */
int sluice_rx_poll(struct sluice_pair *pair, int budget)
{
	struct sluice_rx_queue *rx = &pair->rx;
	struct sluice_rx_cpl cpl;
	int done = 0;

	while (done < budget && sluice_cpl_ready(rx->cpl, rx->cpl_consumer, rx->cpl_size)) {
		cpl = rx->cpl[rx->cpl_consumer & (rx->cpl_size - 1)];
		rx->cpl_consumer++;
		sluice_rx_one(pair, &cpl);
		done++;
	}

	u64_stats_update_begin(&rx->stats.sync);
	u64_stats_inc(&rx->stats.polls);
	u64_stats_update_end(&rx->stats.sync);

	/* Doorbells cost an exit each: refill and acknowledge in batches. */
	if (rx->n_free >= rx->size / 8 && !sluice_rx_refill(pair))
		return budget; /* no memory and no buffers: nothing else would call again */
	if (rx->cpl_consumer - rx->cpl_acked >= rx->cpl_size / 4)
		sluice_rx_ack(pair, false);
	return done;
}

/*
 * The interface goes down: what the device delivered and nobody polled is counted like other
 * frames, so that the device's counters and the guest's agree, and dropped. The queue is disabled,
 * NAPI off.
 */
void sluice_rx_discard(struct sluice_pair *pair)
{
	struct sluice_rx_queue *rx = &pair->rx;
	struct sluice_rx_cpl cpl;
	u32 n;

	local_bh_disable();
	for (n = 0; n < rx->cpl_size; n++) {
		if (!sluice_cpl_ready(rx->cpl, rx->cpl_consumer, rx->cpl_size))
			break;
		cpl = rx->cpl[rx->cpl_consumer & (rx->cpl_size - 1)];
		rx->cpl_consumer++;
		sluice_rx_count(rx, &cpl, sluice_rx_valid(rx, &cpl));
	}
	u64_stats_update_begin(&rx->stats.sync);
	u64_stats_add(&rx->stats.discarded, n);
	u64_stats_update_end(&rx->stats.sync);
	local_bh_enable();
}
