// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The netdev: its life, addresses, MTU, filters, link and guest-side statistics.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/rtnetlink.h>

#include "sluice.h"

/* ---- Commands ----------------------------------------------------------------------------- */

static int sluice_port_set(struct sluice_port *port, const struct sluice_args_port_set *args)
{
	return sluice_simple_cmd(port->sd, SLUICE_OP_PORT_SET, args, sizeof(*args));
}

static int sluice_port_enable(struct sluice_port *port, bool enable)
{
	struct sluice_args_port_set args = {
		.valid = cpu_to_le32(SLUICE_PORT_SET_ENABLE),
		.enable = enable,
	};

	return sluice_port_set(port, &args);
}

static int sluice_port_set_mtu(struct sluice_port *port, u32 mtu)
{
	struct sluice_args_port_set args = {
		.valid = cpu_to_le32(SLUICE_PORT_SET_MTU),
		.mtu = cpu_to_le32(mtu),
	};

	return sluice_port_set(port, &args);
}

static int sluice_port_set_mac(struct sluice_port *port, const u8 *mac)
{
	struct sluice_args_port_set args = {.valid = cpu_to_le32(SLUICE_PORT_SET_MAC)};

	ether_addr_copy(args.mac, mac);
	return sluice_port_set(port, &args);
}

int sluice_port_sync_mac(struct sluice_port *port)
{
	return sluice_port_set_mac(port, port->netdev->dev_addr);
}

/* ---- Receive filter ----------------------------------------------------------------------- */

static void sluice_send_multicast(struct sluice_port *port, const u8 (*macs)[ETH_ALEN], size_t n)
{
	size_t len = n * ETH_ALEN;
	struct sluice_request req;

	if (!sluice_req_init(port->sd, &req, SLUICE_OP_PORT_FILTER, sluice_attr_room(len), 0)) {
		sluice_req_put(&req, SLUICE_ATTR_MAC_LIST, macs, len);
		if (sluice_req_run(port->sd, &req, SLUICE_TIMEOUT_MS))
			netdev_warn(port->netdev, "multicast filter not set: %s\n",
				    sluice_req_why(port->sd, &req));
	}
	sluice_req_free(port->sd, &req);
}

/*
 * ndo_set_rx_mode() runs under a spinlock and commands sleep, hence a work item; it takes what the
 * lists hold when it runs.
 */
static void sluice_rx_mode_work(struct work_struct *work)
{
	struct sluice_port *port = container_of(work, struct sluice_port, rx_mode_work);
	struct sluice_args_port_set args = {.valid = cpu_to_le32(SLUICE_PORT_SET_RX_MODE)};
	u32 max = port->sd->caps.max_multicast, mode = 0, n = 0;
	struct net_device *netdev = port->netdev;
	struct netdev_hw_addr *ha;
	u8(*macs)[ETH_ALEN];

	macs = kcalloc(max_t(u32, max, 1), ETH_ALEN, GFP_KERNEL);

	netif_addr_lock_bh(netdev);
	if (netdev->flags & IFF_PROMISC)
		mode |= SLUICE_RX_MODE_PROMISC;
	if (netdev->flags & IFF_ALLMULTI || !macs || netdev_mc_count(netdev) > max) {
		mode |= SLUICE_RX_MODE_ALLMULTI;
	} else {
		netdev_for_each_mc_addr(ha, netdev) {
			ether_addr_copy(macs[n++], ha->addr);
		}
	}
	netif_addr_unlock_bh(netdev);

	args.rx_mode = cpu_to_le32(mode);
	sluice_port_set(port, &args);
	if (!(mode & SLUICE_RX_MODE_ALLMULTI))
		sluice_send_multicast(port, macs, n);
	kfree(macs);
}

static void sluice_set_rx_mode(struct net_device *netdev)
{
	struct sluice_port *port = netdev_priv(netdev);

	schedule_work(&port->rx_mode_work);
}

/* ---- RSS ---------------------------------------------------------------------------------- */

void sluice_rss_default_table(struct sluice_port *port)
{
	unsigned int i;

	for (i = 0; i < SLUICE_RSS_TABLE; i++)
		port->rss_table[i] = ethtool_rxfh_indir_default(i, port->n_pairs);
}

int sluice_rss_apply(struct sluice_port *port)
{
	struct sluice_dev *sd = port->sd;
	struct sluice_request req;
	unsigned int i;
	__le16 *table;
	int err;

	if (!sluice_has(sd, SLUICE_FEATURE_RSS))
		return 0;
	err = sluice_req_init(sd, &req, SLUICE_OP_RSS_SET,
			      sluice_attr_room(SLUICE_RSS_KEY) +
				      sluice_attr_room(SLUICE_RSS_TABLE * sizeof(*table)),
			      0);
	if (err)
		return err;
	sluice_req_put(&req, SLUICE_ATTR_RSS_KEY, port->rss_key, SLUICE_RSS_KEY);
	table = sluice_req_add(&req, SLUICE_ATTR_RSS_TABLE, SLUICE_RSS_TABLE * sizeof(*table));
	for (i = 0; i < SLUICE_RSS_TABLE; i++)
		table[i] = cpu_to_le16(port->rss_table[i]);
	err = sluice_req_run(sd, &req, SLUICE_TIMEOUT_MS);
	if (err)
		netdev_err(port->netdev, "RSS not set: %s\n", sluice_req_why(port->sd, &req));
	sluice_req_free(sd, &req);
	return err;
}

/* ---- Link --------------------------------------------------------------------------------- */

/* @link as register PORT_LINK has it. Any context. */
void sluice_link_changed(struct sluice_port *port, u32 link)
{
	if (link & 1 && READ_ONCE(port->up) && !sluice_dead(port->sd))
		netif_carrier_on(port->netdev);
	else
		netif_carrier_off(port->netdev);
}

/* ---- Up and down -------------------------------------------------------------------------- */

/*
 * A reset took the programs from the device. Traffic must not flow past a filter that the
 * administrator believes to be there.
 */
static int sluice_port_check_program(struct sluice_port *port)
{
	if (!port->xdp_hw.prog || port->xdp_generation == port->sd->generation)
		return 0;
	netdev_err(port->netdev, "the offloaded program was lost in a device reset\n");
	netdev_err(port->netdev, "detach it first: ip link set dev %s xdpoffload off\n",
		   port->netdev->name);
	return -ENODEV;
}

int sluice_port_up(struct sluice_port *port)
{
	struct net_device *netdev = port->netdev;
	int err;

	if (sluice_dead(port->sd)) {
		netdev_err(netdev, "the device was given up, see above\n");
		return -EIO;
	}
	err = sluice_port_check_program(port);
	if (err)
		return err;
	err = netif_set_real_num_queues(netdev, port->n_pairs, port->n_pairs);
	if (err)
		return err;
	err = sluice_pairs_start(port);
	if (err)
		return err;
	err = sluice_rss_apply(port);
	if (err)
		goto err_pairs;
	err = sluice_port_set_mtu(port, netdev->mtu);
	if (err)
		goto err_pairs;
	err = sluice_port_enable(port, true);
	if (err)
		goto err_pairs;
	WRITE_ONCE(port->up, true);
	netif_tx_start_all_queues(netdev);
	sluice_link_changed(port, sluice_port_read32(port->sd, SLUICE_PORT_LINK));
	schedule_work(&port->rx_mode_work);
	return 0;

err_pairs:
	sluice_pairs_stop(port);
	return err;
}

void sluice_port_down(struct sluice_port *port)
{
	if (!port->up)
		return;
	WRITE_ONCE(port->up, false);
	cancel_work_sync(&port->rx_mode_work);
	netif_carrier_off(port->netdev);
	netif_tx_disable(port->netdev);
	/* Frames the wire brings from now on are counted and dropped by the device. */
	if (!sluice_dead(port->sd))
		sluice_port_enable(port, false);
	sluice_pairs_stop(port);
}

int sluice_port_restart(struct sluice_port *port)
{
	int err;

	if (!netif_running(port->netdev))
		return 0;
	sluice_port_down(port);
	err = sluice_port_up(port);
	if (err) {
		netdev_err(port->netdev, "does not start again (%d), going down\n", err);
		dev_close(port->netdev);
	}
	return err;
}

static int sluice_open(struct net_device *netdev)
{
	return sluice_port_up(netdev_priv(netdev));
}

static int sluice_stop(struct net_device *netdev)
{
	sluice_port_down(netdev_priv(netdev));
	return 0;
}

/* ---- Queue errors ------------------------------------------------------------------------- */

static void sluice_reopen_work(struct work_struct *work)
{
	struct sluice_port *port =
		container_of(to_delayed_work(work), struct sluice_port, reopen_work);

	rtnl_lock();
	if (port->up)
		sluice_port_restart(port);
	rtnl_unlock();
}

/* Any context. The delay keeps a queue that fails again and again from taking the CPU. */
void sluice_port_want_reopen(struct sluice_port *port)
{
	schedule_delayed_work(&port->reopen_work, HZ);
}

static void sluice_tx_timeout(struct net_device *netdev, unsigned int queue)
{
	struct sluice_port *port = netdev_priv(netdev);
	const struct sluice_tx_queue *tx = &port->pairs[queue].tx;

	netdev_err(netdev,
		   "transmit queue %u stands still: producer %u, consumer %u, completions %u\n",
		   queue, tx->producer, tx->consumer, tx->cpl_consumer);
	sluice_port_want_reopen(port);
}

/* ---- Settings ----------------------------------------------------------------------------- */

static int sluice_set_mac_address(struct net_device *netdev, void *addr)
{
	struct sluice_port *port = netdev_priv(netdev);
	struct sockaddr *sa = addr;
	int err;

	err = eth_prepare_mac_addr_change(netdev, addr);
	if (err)
		return err;
	err = sluice_port_set_mac(port, sa->sa_data);
	if (err)
		return err;
	eth_commit_mac_addr_change(netdev, addr);
	return 0;
}

static int sluice_change_mtu(struct net_device *netdev, int mtu)
{
	struct sluice_port *port = netdev_priv(netdev);
	u32 limit = port->sd->caps.prog_max_mtu;
	unsigned int order = sluice_rx_order(mtu);
	int err, old;

	if (port->xdp_hw.prog && mtu > limit) {
		netdev_err(netdev, "MTU %d exceeds %u, the limit while a program is offloaded\n",
			   mtu, limit);
		return -EINVAL;
	}
	/* Also while down: a program can be attached then, and the device judges by its own MTU. */
	if (!port->up || order == sluice_rx_order(netdev->mtu)) {
		err = sluice_port_set_mtu(port, mtu);
		if (err)
			return err;
		WRITE_ONCE(netdev->mtu, mtu);
		return 0;
	}
	/* Buffers change size. */
	old = netdev->mtu;
	WRITE_ONCE(netdev->mtu, mtu);
	err = sluice_port_restart(port);
	if (err)
		WRITE_ONCE(netdev->mtu, old);
	return err;
}

/* ---- Statistics --------------------------------------------------------------------------- */

static void sluice_get_stats64(struct net_device *netdev, struct rtnl_link_stats64 *stats)
{
	struct sluice_port *port = netdev_priv(netdev);
	struct sluice_guest_stats guest;

	sluice_guest_stats(port, &guest);
	stats->rx_packets = guest.rx_frames;
	stats->rx_bytes = guest.rx_bytes;
	stats->rx_errors = guest.rx_errors;
	stats->rx_dropped = guest.rx_discarded;
	stats->tx_packets = guest.tx_frames - guest.tx_refused;
	stats->tx_bytes = guest.tx_bytes;
	stats->tx_errors = guest.tx_refused;
}

static void sluice_add_rx_stats(const struct sluice_rx_stats *rx, struct sluice_guest_stats *sum)
{
	struct sluice_guest_stats s = {};
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&rx->sync);
		s.rx_frames = u64_stats_read(&rx->frames);
		s.rx_bytes = u64_stats_read(&rx->bytes);
		s.rx_xdp_ran = u64_stats_read(&rx->xdp_ran);
		s.rx_csum_ok = u64_stats_read(&rx->csum_ok);
		s.rx_errors = u64_stats_read(&rx->errors);
		s.rx_discarded = u64_stats_read(&rx->discarded);
		s.polls = u64_stats_read(&rx->polls);
	} while (u64_stats_fetch_retry(&rx->sync, start));

	sum->rx_frames += s.rx_frames;
	sum->rx_bytes += s.rx_bytes;
	sum->rx_xdp_ran += s.rx_xdp_ran;
	sum->rx_csum_ok += s.rx_csum_ok;
	sum->rx_errors += s.rx_errors;
	sum->rx_discarded += s.rx_discarded;
	sum->polls += s.polls;
}

static void sluice_add_tx_stats(const struct sluice_tx_stats *tx, struct sluice_guest_stats *sum)
{
	struct sluice_guest_stats s = {};
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&tx->done_sync);
		s.tx_frames = u64_stats_read(&tx->frames);
		s.tx_bytes = u64_stats_read(&tx->bytes);
		s.tx_refused = u64_stats_read(&tx->refused);
	} while (u64_stats_fetch_retry(&tx->done_sync, start));
	do {
		start = u64_stats_fetch_begin(&tx->sync);
		s.tx_csum = u64_stats_read(&tx->csum);
		s.tx_stops = u64_stats_read(&tx->stops);
	} while (u64_stats_fetch_retry(&tx->sync, start));

	sum->tx_frames += s.tx_frames;
	sum->tx_bytes += s.tx_bytes;
	sum->tx_refused += s.tx_refused;
	sum->tx_csum += s.tx_csum;
	sum->tx_stops += s.tx_stops;
}

/* All pairs, also those not in use at present: counters never go back. */
void sluice_guest_stats(struct sluice_port *port, struct sluice_guest_stats *sum)
{
	unsigned int i;

	memset(sum, 0, sizeof(*sum));
	for (i = 0; i < port->sd->max_pairs; i++) {
		sluice_add_rx_stats(&port->pairs[i].rx.stats, sum);
		sluice_add_tx_stats(&port->pairs[i].tx.stats, sum);
		sum->interrupts += READ_ONCE(port->pairs[i].interrupts);
	}
}

/* ---- Creation ----------------------------------------------------------------------------- */

static int sluice_ndo_init(struct net_device *netdev)
{
	return sluice_offload_register(netdev_priv(netdev));
}

static void sluice_ndo_uninit(struct net_device *netdev)
{
	sluice_offload_unregister(netdev_priv(netdev));
}

static const struct net_device_ops sluice_netdev_ops = {
	.ndo_init = sluice_ndo_init,
	.ndo_uninit = sluice_ndo_uninit,
	.ndo_open = sluice_open,
	.ndo_stop = sluice_stop,
	.ndo_start_xmit = sluice_start_xmit,
	.ndo_set_rx_mode = sluice_set_rx_mode,
	.ndo_set_mac_address = sluice_set_mac_address,
	.ndo_validate_addr = eth_validate_addr,
	.ndo_change_mtu = sluice_change_mtu,
	.ndo_get_stats64 = sluice_get_stats64,
	.ndo_tx_timeout = sluice_tx_timeout,
	.ndo_bpf = sluice_ndo_bpf,
};

static void sluice_read_mac(struct sluice_port *port)
{
	u32 lo = sluice_port_read32(port->sd, SLUICE_PORT_MAC_LO);
	u32 hi = sluice_port_read32(port->sd, SLUICE_PORT_MAC_HI);
	u8 mac[ETH_ALEN] = {lo, lo >> 8, lo >> 16, lo >> 24, hi, hi >> 8};

	if (is_valid_ether_addr(mac)) {
		eth_hw_addr_set(port->netdev, mac);
		return;
	}
	netdev_warn(port->netdev, "the device has no valid address, taking a random one\n");
	eth_hw_addr_random(port->netdev);
}

static u32 sluice_max_mtu(struct sluice_port *port)
{
	const struct sluice_caps *caps = &port->sd->caps;
	u32 limits = sluice_port_read32(port->sd, SLUICE_PORT_MTU_LIMITS);
	u32 mtu = min(caps->rx_max_frame, caps->tx_max_frame) - SLUICE_L2_OVERHEAD;

	mtu = min(mtu, limits >> 16);
	/* A frame lies in one buffer. */
	while (mtu > ETH_DATA_LEN &&
	       SKB_WITH_OVERHEAD(PAGE_SIZE << sluice_rx_order(mtu)) > caps->rx_max_buffer)
		mtu = max_t(u32, ETH_DATA_LEN, mtu / 2);
	return mtu;
}

static void sluice_set_features(struct sluice_port *port)
{
	struct net_device *netdev = port->netdev;
	struct sluice_dev *sd = port->sd;

	netdev->hw_features = NETIF_F_SG;
	if (sluice_has(sd, SLUICE_FEATURE_TX_CSUM))
		netdev->hw_features |= NETIF_F_HW_CSUM;
	if (sluice_has(sd, SLUICE_FEATURE_RX_CSUM))
		netdev->hw_features |= NETIF_F_RXCSUM;
	if (sluice_has(sd, SLUICE_FEATURE_RSS))
		netdev->hw_features |= NETIF_F_RXHASH;
	netdev->features = netdev->hw_features | NETIF_F_HIGHDMA;
	netdev->vlan_features = netdev->hw_features & ~NETIF_F_RXHASH;
	netdev->priv_flags |= IFF_LIVE_ADDR_CHANGE;
	if (sluice_has(sd, SLUICE_FEATURE_XDP_OFFLOAD))
		netdev->xdp_features = NETDEV_XDP_ACT_HW_OFFLOAD;
	netdev->min_mtu =
		max_t(u32, ETH_MIN_MTU, sluice_port_read32(sd, SLUICE_PORT_MTU_LIMITS) & 0xffff);
	netdev->max_mtu = sluice_max_mtu(port);
}

static void sluice_pairs_init(struct sluice_port *port)
{
	struct sluice_dev *sd = port->sd;
	struct sluice_pair *pair;
	unsigned int i;

	for (i = 0; i < sd->max_pairs; i++) {
		pair = &port->pairs[i];
		pair->port = port;
		pair->index = i;
		pair->db = sd->doorbells + (size_t)i * SLUICE_DOORBELL_PAGE;
		u64_stats_init(&pair->rx.stats.sync);
		u64_stats_init(&pair->tx.stats.sync);
		u64_stats_init(&pair->tx.stats.done_sync);
	}
	port->n_pairs = min(sd->max_pairs, num_online_cpus());
	port->rx_ring = clamp(SLUICE_DEFAULT_RING, sd->caps.min_ring, sd->caps.max_ring);
	port->tx_ring = clamp(SLUICE_DEFAULT_RING, SLUICE_MIN_TX_RING, sd->caps.max_ring);
}

int sluice_port_create(struct sluice_dev *sd)
{
	struct net_device *netdev;
	struct sluice_port *port;
	int err;

	netdev = alloc_netdev_mqs(sizeof(*port), "sl%d", NET_NAME_ENUM, ether_setup, sd->max_pairs,
				  sd->max_pairs);
	if (!netdev)
		return -ENOMEM;
	SET_NETDEV_DEV(netdev, &sd->pdev->dev);
	port = netdev_priv(netdev);
	port->sd = sd;
	port->netdev = netdev;
	port->pairs = kvzalloc_objs(*port->pairs, sd->max_pairs);
	if (!port->pairs) {
		err = -ENOMEM;
		goto err_netdev;
	}
	sluice_pairs_init(port);
	INIT_WORK(&port->rx_mode_work, sluice_rx_mode_work);
	INIT_DELAYED_WORK(&port->reopen_work, sluice_reopen_work);
	netdev_rss_key_fill(port->rss_key, sizeof(port->rss_key));
	sluice_rss_default_table(port);
	netdev->netdev_ops = &sluice_netdev_ops;
	netdev->ethtool_ops = &sluice_ethtool_ops;
	netdev->watchdog_timeo = 5 * HZ;
	sluice_read_mac(port);
	sluice_set_features(port);
	err = sluice_port_sync_mac(port);
	if (err)
		goto err_pairs;

	netif_carrier_off(netdev);
	err = register_netdev(netdev);
	if (err)
		goto err_pairs;
	spin_lock_irq(&sd->admin.lock);
	sd->port = port;
	spin_unlock_irq(&sd->admin.lock);
	/* The carrier may have changed before events found the port. */
	rtnl_lock();
	if (port->up)
		sluice_link_changed(port, sluice_port_read32(sd, SLUICE_PORT_LINK));
	rtnl_unlock();
	return 0;

err_pairs:
	kvfree(port->pairs);
err_netdev:
	free_netdev(netdev);
	return err;
}

void sluice_port_destroy(struct sluice_dev *sd)
{
	struct sluice_port *port = sd->port;

	unregister_netdev(port->netdev);
	spin_lock_irq(&sd->admin.lock);
	sd->port = NULL;
	spin_unlock_irq(&sd->admin.lock);
	cancel_work_sync(&port->rx_mode_work);
	cancel_delayed_work_sync(&port->reopen_work);
	kvfree(port->pairs);
	free_netdev(port->netdev);
}
