/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Verdicts that keep a frame from the guest: no DMA, no descriptor, no interrupt. */
#include "rx_internal.h"

int rx_transmit(const struct rx_frame *f, struct nic_port *port)
{
	struct nic *nic = f->nic;
	int ret = nic->ops->transmit(nic->opaque, port->id, f->data, f->len);

	if (!ret) {
		port->stats[SLUICE_STAT_TX_WIRE_FRAMES]++;
		port->stats[SLUICE_STAT_TX_WIRE_BYTES] += f->len;
	}
	return ret;
}

static enum nic_outcome transmit(struct rx_frame *f)
{
	int ret = rx_transmit(f, f->port);

	f->port->stats[ret ? SLUICE_STAT_XDP_TX_DROPPED : SLUICE_STAT_XDP_TX_SENT]++;
	return NIC_RX_TRANSMITTED;
}

enum nic_outcome rx_verdict_other(struct rx_frame *f, enum xdp_action verdict)
{
	switch (verdict) {
	case XDP_TX:
		return transmit(f);
	case XDP_REDIRECT:
		return rx_redirect_send(f);
	case XDP_DROP:
		return NIC_RX_DROPPED_XDP;
	default:
		return NIC_RX_ABORTED;
	}
}
