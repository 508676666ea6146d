/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Counters: names from the ABI's tables, and the equations they obey (docs/packet-path.md). */
#include "nic_internal.h"

#include <errno.h>
#include <string.h>

static const char *const port_stat_names[SLUICE_N_PORT_STATS] = {
#define SLUICE_X(name, text) text,
	SLUICE_PORT_STATS(SLUICE_X)
#undef SLUICE_X
};

static const char *const queue_stat_names[SLUICE_N_QUEUE_STATS] = {
#define SLUICE_X(name, text) text,
	SLUICE_QUEUE_STATS(SLUICE_X)
#undef SLUICE_X
};

const char *nic_port_stat_name(unsigned index)
{
	return index < SLUICE_N_PORT_STATS ? port_stat_names[index] : NULL;
}

const char *nic_queue_stat_name(unsigned index)
{
	return index < SLUICE_N_QUEUE_STATS ? queue_stat_names[index] : NULL;
}

void nic_port_stats(const struct nic *nic, unsigned port, uint64_t stats[SLUICE_N_PORT_STATS])
{
	if (port < nic->config.n_ports)
		memcpy(stats, nic->ports[port].stats, sizeof(nic->ports[port].stats));
	else
		memset(stats, 0, SLUICE_N_PORT_STATS * sizeof(*stats));
}

int nic_queue_stats(const struct nic *nic, uint8_t type, unsigned queue,
		    uint64_t stats[SLUICE_N_QUEUE_STATS])
{
	const struct nic_queue *q;

	if (queue >= nic->config.n_queue_pairs ||
	    (type != SLUICE_QUEUE_RX && type != SLUICE_QUEUE_TX))
		return -EINVAL;
	q = type == SLUICE_QUEUE_RX ? &nic->rx_queues[queue] : &nic->tx_queues[queue];
	if (q->state == SLUICE_QSTATE_NONE)
		return -ENOENT;
	memcpy(stats, q->stats, sizeof(q->stats));
	return 0;
}

#define EQUATION_TERMS 8

struct equation {
	const char *text;
	uint8_t n_left; /* terms before the equals sign */
	uint8_t n;      /* terms in all */
	uint8_t terms[EQUATION_TERMS];
};

static const struct equation equations[] = {
	{
		"rx_wire_frames = rx_drop_link + rx_drop_length + rx_drop_filter + rx_no_program + "
		"rx_xdp_run",
		1,
		6,
		{SLUICE_STAT_RX_WIRE_FRAMES, SLUICE_STAT_RX_DROP_LINK, SLUICE_STAT_RX_DROP_LENGTH,
		 SLUICE_STAT_RX_DROP_FILTER, SLUICE_STAT_RX_NO_PROGRAM, SLUICE_STAT_RX_XDP_RUN},
	},
	{
		"rx_xdp_run = rx_xdp_pass + rx_xdp_drop + rx_xdp_tx + rx_xdp_redirect + "
		"rx_xdp_aborted",
		1,
		6,
		{SLUICE_STAT_RX_XDP_RUN, SLUICE_STAT_RX_XDP_PASS, SLUICE_STAT_RX_XDP_DROP,
		 SLUICE_STAT_RX_XDP_TX, SLUICE_STAT_RX_XDP_REDIRECT, SLUICE_STAT_RX_XDP_ABORTED},
	},
	{
		"rx_no_program + rx_xdp_pass + xdp_redirect_queue = rx_delivered_frames + "
		"rx_drop_no_queue + rx_drop_no_buffer + rx_drop_too_long + rx_drop_dma",
		3,
		8,
		{SLUICE_STAT_RX_NO_PROGRAM, SLUICE_STAT_RX_XDP_PASS, SLUICE_STAT_XDP_REDIRECT_QUEUE,
		 SLUICE_STAT_RX_DELIVERED_FRAMES, SLUICE_STAT_RX_DROP_NO_QUEUE,
		 SLUICE_STAT_RX_DROP_NO_BUFFER, SLUICE_STAT_RX_DROP_TOO_LONG,
		 SLUICE_STAT_RX_DROP_DMA},
	},
	{
		"rx_xdp_tx = xdp_tx_sent + xdp_tx_dropped",
		1,
		3,
		{SLUICE_STAT_RX_XDP_TX, SLUICE_STAT_XDP_TX_SENT, SLUICE_STAT_XDP_TX_DROPPED},
	},
	{
		"rx_xdp_redirect = xdp_redirect_queue + xdp_redirect_port + xdp_redirect_error",
		1,
		4,
		{SLUICE_STAT_RX_XDP_REDIRECT, SLUICE_STAT_XDP_REDIRECT_QUEUE,
		 SLUICE_STAT_XDP_REDIRECT_PORT, SLUICE_STAT_XDP_REDIRECT_ERROR},
	},
	{
		"tx_guest_frames = tx_guest_sent + tx_drop_desc + tx_drop_dma + tx_drop_too_long + "
		"tx_drop_link + tx_drop_wire",
		1,
		7,
		{SLUICE_STAT_TX_GUEST_FRAMES, SLUICE_STAT_TX_GUEST_SENT, SLUICE_STAT_TX_DROP_DESC,
		 SLUICE_STAT_TX_DROP_DMA, SLUICE_STAT_TX_DROP_TOO_LONG, SLUICE_STAT_TX_DROP_LINK,
		 SLUICE_STAT_TX_DROP_WIRE},
	},
	{
		"tx_wire_frames = tx_guest_sent + xdp_tx_sent + xdp_redirect_sent",
		1,
		4,
		{SLUICE_STAT_TX_WIRE_FRAMES, SLUICE_STAT_TX_GUEST_SENT, SLUICE_STAT_XDP_TX_SENT,
		 SLUICE_STAT_XDP_REDIRECT_SENT},
	},
};

bool nic_port_stats_balance(const uint64_t stats[SLUICE_N_PORT_STATS], const char **why)
{
	for (unsigned i = 0; i < sizeof(equations) / sizeof(equations[0]); i++) {
		const struct equation *e = &equations[i];
		uint64_t left = 0, right = 0;

		for (unsigned t = 0; t < e->n; t++)
			*(t < e->n_left ? &left : &right) += stats[e->terms[t]];
		if (left != right) {
			*why = e->text;
			return false;
		}
	}
	return true;
}
