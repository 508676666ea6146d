/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* From the wire: carrier, length and destination address decide whether the port takes a frame. */
#include "rx_internal.h"

#include <string.h>

static bool multicast_listed(const struct nic_port *port, const uint8_t *dest)
{
	for (uint32_t i = 0; i < port->n_multicast; i++) {
		if (!memcmp(port->multicast[i], dest, 6))
			return true;
	}
	return false;
}

/* There is no VLAN filter: tagged frames pass by their address like others. */
static bool address_accepted(const struct nic_port *port, const uint8_t *dest)
{
	static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

	if (port->rx_mode & SLUICE_RX_MODE_PROMISC)
		return true;
	if (!(dest[0] & 1))
		return !memcmp(dest, port->mac, 6);
	if (port->rx_mode & SLUICE_RX_MODE_ALLMULTI || !memcmp(dest, broadcast, 6))
		return true;
	return multicast_listed(port, dest);
}

bool rx_wire_accept(struct rx_frame *f)
{
	struct nic_port *port = f->port;

	port->stats[SLUICE_STAT_RX_WIRE_FRAMES]++;
	port->stats[SLUICE_STAT_RX_WIRE_BYTES] += f->len;
	if (!port->link || !port->enabled) {
		port->stats[SLUICE_STAT_RX_DROP_LINK]++;
		return false;
	}
	if (f->len < NIC_MIN_FRAME || f->len > port->mtu + NIC_L2_OVERHEAD) {
		port->stats[SLUICE_STAT_RX_DROP_LENGTH]++;
		return false;
	}
	if (!address_accepted(port, f->data)) {
		port->stats[SLUICE_STAT_RX_DROP_FILTER]++;
		return false;
	}
	f->timestamp = f->nic->ops->clock_ns(f->nic->opaque);
	return true;
}
