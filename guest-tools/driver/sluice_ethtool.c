// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ethtool: what the device counts beside what the guest counts, channels, rings, RSS, link.
 */
#include <linux/ethtool.h>
#include <linux/rtnetlink.h>

#include "sluice.h"

static void sluice_get_drvinfo(struct net_device *netdev, struct ethtool_drvinfo *info)
{
	struct sluice_port *port = netdev_priv(netdev);
	u64 fw = lo_hi_readq(port->sd->regs + SLUICE_REG_FW_VERSION);
	u32 abi = sluice_read32(port->sd, SLUICE_REG_ABI_VERSION);

	strscpy(info->driver, SLUICE_DRV_NAME, sizeof(info->driver));
	strscpy(info->bus_info, pci_name(port->sd->pdev), sizeof(info->bus_info));
	snprintf(info->fw_version, sizeof(info->fw_version), "%u.%u.%u/%u.%u", (u16)(fw >> 32),
		 (u16)(fw >> 16), (u16)fw, (u16)(abi >> 16), (u16)abi);
}

static int sluice_get_link_ksettings(struct net_device *netdev, struct ethtool_link_ksettings *cmd)
{
	struct sluice_port *port = netdev_priv(netdev);
	u32 link = sluice_port_read32(port->sd, SLUICE_PORT_LINK);

	ethtool_link_ksettings_zero_link_mode(cmd, supported);
	ethtool_link_ksettings_zero_link_mode(cmd, advertising);
	cmd->base.port = PORT_OTHER;
	cmd->base.autoneg = AUTONEG_DISABLE;
	cmd->base.speed = link & 1 ? link >> 1 : SPEED_UNKNOWN;
	cmd->base.duplex = link & 1 ? DUPLEX_FULL : DUPLEX_UNKNOWN;
	return 0;
}

/* ---- Statistics --------------------------------------------------------------------------- */

static const char *const sluice_port_stat_names[] = {
#define SLUICE_X(name, text) text,
	SLUICE_PORT_STATS(SLUICE_X)
#undef SLUICE_X
};

static const char *const sluice_queue_stat_names[] = {
#define SLUICE_X(name, text) text,
	SLUICE_QUEUE_STATS(SLUICE_X)
#undef SLUICE_X
};

static const char *const sluice_guest_stat_names[] = {
#define SLUICE_X(name) "guest_" #name,
	SLUICE_GUEST_STATS(SLUICE_X)
#undef SLUICE_X
};

#define SLUICE_N_GUEST_STATS ARRAY_SIZE(sluice_guest_stat_names)

static int sluice_get_sset_count(struct net_device *netdev, int sset)
{
	struct sluice_port *port = netdev_priv(netdev);

	if (sset != ETH_SS_STATS)
		return -EOPNOTSUPP;
	return SLUICE_N_PORT_STATS + SLUICE_N_GUEST_STATS +
	       port->sd->max_pairs * 2 * SLUICE_N_QUEUE_STATS;
}

static void sluice_get_strings(struct net_device *netdev, u32 sset, u8 *data)
{
	struct sluice_port *port = netdev_priv(netdev);
	unsigned int i, q;

	if (sset != ETH_SS_STATS)
		return;
	for (i = 0; i < SLUICE_N_PORT_STATS; i++)
		ethtool_puts(&data, sluice_port_stat_names[i]);
	for (i = 0; i < SLUICE_N_GUEST_STATS; i++)
		ethtool_puts(&data, sluice_guest_stat_names[i]);
	for (q = 0; q < port->sd->max_pairs; q++) {
		for (i = 0; i < SLUICE_N_QUEUE_STATS; i++)
			ethtool_sprintf(&data, "rx%u_%s", q, sluice_queue_stat_names[i]);
		for (i = 0; i < SLUICE_N_QUEUE_STATS; i++)
			ethtool_sprintf(&data, "tx%u_%s", q, sluice_queue_stat_names[i]);
	}
}

/* What cannot be asked for reads as zero: a queue that does not exist, a dead device. */
static void sluice_query_stats(struct sluice_dev *sd, u16 queue, u8 type, u64 *data, unsigned int n)
{
	struct sluice_args_stats args = {.queue = cpu_to_le16(queue), .type = type};
	struct sluice_request req;
	unsigned int i;
	__le64 *resp;

	memset(data, 0, n * sizeof(*data));
	if (sluice_req_init(sd, &req, SLUICE_OP_STATS_QUERY, 0, n * sizeof(*resp)))
		return;
	memcpy(req.cmd.args, &args, sizeof(args));
	if (!sluice_req_run(sd, &req, SLUICE_TIMEOUT_MS)) {
		resp = sluice_req_resp(&req);
		for (i = 0; i < min_t(unsigned int, n, req.resp_len / sizeof(*resp)); i++)
			data[i] = le64_to_cpu(resp[i]);
	}
	sluice_req_free(sd, &req);
}

static void sluice_get_ethtool_stats(struct net_device *netdev, struct ethtool_stats *stats,
				     u64 *data)
{
	struct sluice_port *port = netdev_priv(netdev);
	struct sluice_guest_stats guest;
	unsigned int q;

	sluice_query_stats(port->sd, SLUICE_STATS_PORT, 0, data, SLUICE_N_PORT_STATS);
	data += SLUICE_N_PORT_STATS;

	BUILD_BUG_ON(sizeof(guest) != SLUICE_N_GUEST_STATS * sizeof(u64));
	sluice_guest_stats(port, &guest);
	memcpy(data, &guest, sizeof(guest));
	data += SLUICE_N_GUEST_STATS;

	for (q = 0; q < port->sd->max_pairs; q++) {
		bool used = port->up && q < port->n_pairs;

		if (used) {
			sluice_query_stats(port->sd, q, SLUICE_QUEUE_RX, data,
					   SLUICE_N_QUEUE_STATS);
			sluice_query_stats(port->sd, q, SLUICE_QUEUE_TX,
					   data + SLUICE_N_QUEUE_STATS, SLUICE_N_QUEUE_STATS);
		} else {
			memset(data, 0, 2 * SLUICE_N_QUEUE_STATS * sizeof(*data));
		}
		data += 2 * SLUICE_N_QUEUE_STATS;
	}
}

/* ---- Channels and rings ------------------------------------------------------------------- */

static void sluice_get_channels(struct net_device *netdev, struct ethtool_channels *ch)
{
	struct sluice_port *port = netdev_priv(netdev);

	ch->max_combined = port->sd->max_pairs;
	ch->combined_count = port->n_pairs;
}

static int sluice_set_channels(struct net_device *netdev, struct ethtool_channels *ch)
{
	struct sluice_port *port = netdev_priv(netdev);
	unsigned int old = port->n_pairs;
	bool running = port->up;
	int err;

	if (ch->combined_count == old)
		return 0;
	/* The core has refused counts that a table the user set would point beyond. */
	sluice_port_down(port);
	port->n_pairs = ch->combined_count;
	if (!netif_is_rxfh_configured(netdev))
		sluice_rss_default_table(port);
	err = netif_set_real_num_queues(netdev, port->n_pairs, port->n_pairs);
	if (err)
		port->n_pairs = old;
	if (!running)
		return err;
	return sluice_port_restart(port) ?: err;
}

static void sluice_get_ringparam(struct net_device *netdev, struct ethtool_ringparam *ring,
				 struct kernel_ethtool_ringparam *kernel_ring,
				 struct netlink_ext_ack *extack)
{
	struct sluice_port *port = netdev_priv(netdev);

	ring->rx_max_pending = port->sd->caps.max_ring;
	ring->tx_max_pending = port->sd->caps.max_ring;
	ring->rx_pending = port->rx_ring;
	ring->tx_pending = port->tx_ring;
}

static int sluice_set_ringparam(struct net_device *netdev, struct ethtool_ringparam *ring,
				struct kernel_ethtool_ringparam *kernel_ring,
				struct netlink_ext_ack *extack)
{
	struct sluice_port *port = netdev_priv(netdev);
	u32 old_rx = port->rx_ring, old_tx = port->tx_ring;
	const struct sluice_caps *caps = &port->sd->caps;
	int err;

	if (ring->rx_pending < caps->min_ring || !is_power_of_2(ring->rx_pending)) {
		NL_SET_ERR_MSG_FMT_MOD(extack, "rx ring: a power of two, %u or more",
				       caps->min_ring);
		return -EINVAL;
	}
	if (ring->tx_pending < SLUICE_MIN_TX_RING || !is_power_of_2(ring->tx_pending)) {
		NL_SET_ERR_MSG_FMT_MOD(extack, "tx ring: a power of two, %u or more",
				       SLUICE_MIN_TX_RING);
		return -EINVAL;
	}
	if (ring->rx_pending == old_rx && ring->tx_pending == old_tx)
		return 0;

	sluice_port_down(port);
	port->rx_ring = ring->rx_pending;
	port->tx_ring = ring->tx_pending;
	if (!netif_running(netdev))
		return 0;
	err = sluice_port_up(port);
	if (!err)
		return 0;
	NL_SET_ERR_MSG_MOD(extack, "no memory for these rings, keeping the old ones");
	port->rx_ring = old_rx;
	port->tx_ring = old_tx;
	sluice_port_restart(port);
	return err;
}

/* ---- RSS ---------------------------------------------------------------------------------- */

static u32 sluice_get_rx_ring_count(struct net_device *netdev)
{
	struct sluice_port *port = netdev_priv(netdev);

	return port->n_pairs;
}

/* Fixed: addresses, and ports where there are some. */
static int sluice_get_rxfh_fields(struct net_device *netdev, struct ethtool_rxfh_fields *fields)
{
	switch (fields->flow_type) {
	case TCP_V4_FLOW:
	case UDP_V4_FLOW:
	case TCP_V6_FLOW:
	case UDP_V6_FLOW:
		fields->data = RXH_IP_SRC | RXH_IP_DST | RXH_L4_B_0_1 | RXH_L4_B_2_3;
		return 0;
	case IPV4_FLOW:
	case IPV6_FLOW:
		fields->data = RXH_IP_SRC | RXH_IP_DST;
		return 0;
	default:
		fields->data = 0;
		return 0;
	}
}

#ifdef SLUICE_COMPAT_RXNFC
static int sluice_get_rxnfc(struct net_device *netdev, struct ethtool_rxnfc *info, u32 *rules)
{
	return sluice_compat_get_rxnfc(netdev, info, sluice_get_rx_ring_count,
				       sluice_get_rxfh_fields);
}
#endif

static u32 sluice_rxfh_key_size(struct net_device *netdev)
{
	struct sluice_port *port = netdev_priv(netdev);

	return sluice_has(port->sd, SLUICE_FEATURE_RSS) ? SLUICE_RSS_KEY : 0;
}

static u32 sluice_rxfh_indir_size(struct net_device *netdev)
{
	struct sluice_port *port = netdev_priv(netdev);

	return sluice_has(port->sd, SLUICE_FEATURE_RSS) ? SLUICE_RSS_TABLE : 0;
}

static int sluice_get_rxfh(struct net_device *netdev, struct ethtool_rxfh_param *rxfh)
{
	struct sluice_port *port = netdev_priv(netdev);
	unsigned int i;

	if (!sluice_has(port->sd, SLUICE_FEATURE_RSS))
		return -EOPNOTSUPP;
	rxfh->hfunc = ETH_RSS_HASH_TOP;
	for (i = 0; rxfh->indir && i < SLUICE_RSS_TABLE; i++)
		rxfh->indir[i] = port->rss_table[i];
	if (rxfh->key)
		memcpy(rxfh->key, port->rss_key, SLUICE_RSS_KEY);
	return 0;
}

static int sluice_set_rxfh(struct net_device *netdev, struct ethtool_rxfh_param *rxfh,
			   struct netlink_ext_ack *extack)
{
	struct sluice_port *port = netdev_priv(netdev);
	unsigned int i;

	if (!sluice_has(port->sd, SLUICE_FEATURE_RSS))
		return -EOPNOTSUPP;
	if (rxfh->hfunc != ETH_RSS_HASH_NO_CHANGE && rxfh->hfunc != ETH_RSS_HASH_TOP) {
		NL_SET_ERR_MSG_MOD(extack, "the device hashes with Toeplitz only");
		return -EOPNOTSUPP;
	}
	for (i = 0; rxfh->indir && i < SLUICE_RSS_TABLE; i++)
		port->rss_table[i] = rxfh->indir[i];
	if (rxfh->key)
		memcpy(port->rss_key, rxfh->key, SLUICE_RSS_KEY);
	return port->up ? sluice_rss_apply(port) : 0;
}

const struct ethtool_ops sluice_ethtool_ops = {
	.get_drvinfo = sluice_get_drvinfo,
	.get_link = ethtool_op_get_link,
	.get_link_ksettings = sluice_get_link_ksettings,
	.get_ts_info = ethtool_op_get_ts_info,
	.get_sset_count = sluice_get_sset_count,
	.get_strings = sluice_get_strings,
	.get_ethtool_stats = sluice_get_ethtool_stats,
	.get_channels = sluice_get_channels,
	.set_channels = sluice_set_channels,
	.get_ringparam = sluice_get_ringparam,
	.set_ringparam = sluice_set_ringparam,
#ifdef SLUICE_COMPAT_RXNFC
	.get_rxnfc = sluice_get_rxnfc,
#else
	.get_rx_ring_count = sluice_get_rx_ring_count,
#endif
#ifdef SLUICE_HAVE_RXFH_FIELDS
	.get_rxfh_fields = sluice_get_rxfh_fields,
#endif
	.get_rxfh_key_size = sluice_rxfh_key_size,
	.get_rxfh_indir_size = sluice_rxfh_indir_size,
	.get_rxfh = sluice_get_rxfh,
	.set_rxfh = sluice_set_rxfh,
};
