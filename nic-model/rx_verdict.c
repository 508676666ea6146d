/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Verdicts that keep a frame from the guest: no DMA, no descriptor, no interrupt. */
#include "rx_internal.h"

static enum nic_outcome transmit(struct rx_frame *f)
{
	struct nic *nic = f->nic;
	uint64_t *stats = f->port->stats;

	if (nic->ops->transmit(nic->opaque, f->port->id, f->data, f->len)) {
		stats[SLUICE_STAT_XDP_TX_DROPPED]++;
	} else {
		stats[SLUICE_STAT_XDP_TX_SENT]++;
		stats[SLUICE_STAT_TX_WIRE_FRAMES]++;
		stats[SLUICE_STAT_TX_WIRE_BYTES] += f->len;
	}
	return NIC_RX_TRANSMITTED;
}

enum nic_outcome rx_verdict_other(struct rx_frame *f, enum xdp_action verdict)
{
	switch (verdict) {
	case XDP_TX:
		return transmit(f);
	case XDP_DROP:
		return NIC_RX_DROPPED_XDP;
	default:
		return NIC_RX_ABORTED;
	}
}
