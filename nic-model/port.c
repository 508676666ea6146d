/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A port: carrier, what it accepts, where RSS spreads frames, its program, and flow control. */
#include "nic_internal.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

/* The key of Microsoft's verification suite: what drivers that do not care expect to find. */
static const uint8_t default_rss_key[SLUICE_RSS_KEY] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
	0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
	0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

_Static_assert(SLUICE_RSS_KEY == TOEPLITZ_KEY, "the ABI's key is the hash's");

static void port_drop_program(struct nic_port *port)
{
	struct bpfe_program *old = atomic_exchange(&port->prog, NULL);

	if (old)
		bpfe_program_put(old);
	port->prog_id = 0;
	port->prog_runs = 0;
	port->prog_insns = 0;
	port->prog_aborts = 0;
	port->prog_redirect_errors = 0;
}

struct nic_port *port_of_ifindex(struct nic *nic, uint32_t ifindex)
{
	return ifindex ? nic_port(nic, ifindex - NIC_IFINDEX(0)) : NULL;
}

void port_reset(struct nic *nic, struct nic_port *port)
{
	port_drop_program(port);
	port->enabled = false;
	port->mtu = NIC_DEFAULT_MTU;
	port->rx_mode = 0;
	memcpy(port->mac, nic->config.mac[port->id], sizeof(port->mac));
	port->n_multicast = 0;
	memset(port->multicast, 0, sizeof(port->multicast));
	memcpy(port->rss_key, default_rss_key, sizeof(port->rss_key));
	memset(port->rss_table, 0, sizeof(port->rss_table));
	port_rss_changed(port);
	memset(port->stats, 0, sizeof(port->stats));
	port_resume(nic, port);
}

/* ---- Carrier ------------------------------------------------------------------------------ */

void nic_set_link(struct nic *nic, unsigned port, bool up, uint32_t speed_mbps)
{
	struct nic_port *p = nic_port(nic, port);

	if (!p || (p->link == up && p->speed == speed_mbps))
		return;
	p->link = up;
	p->speed = speed_mbps;
	nic_event(nic, SLUICE_EVENT_LINK, port, speed_mbps << 1 | up, 0);
	port_resume(nic, p);
}

/* ---- Flow control ------------------------------------------------------------------------- */

bool port_rx_ready(const struct nic *nic, const struct nic_port *port)
{
	uint32_t queues = port->rss_queues;

	if (!port->enabled || !port->link)
		return true;
	for (; queues; queues &= queues - 1) {
		const struct nic_queue *q = &nic->rx_queues[__builtin_ctz(queues)];

		/* One frame is offered after each question, so that one buffer is enough. */
		if (q->state == SLUICE_QSTATE_ENABLED &&
		    (!desc_ring_available(&q->ring) || !cpl_ring_has_room(&q->cpl)))
			return false;
	}
	return true;
}

bool nic_can_receive(struct nic *nic, unsigned port)
{
	struct nic_port *p = nic_port(nic, port);

	if (!p || !nic->config.rx_pause)
		return true;
	p->paused = !port_rx_ready(nic, p);
	return !p->paused;
}

void port_resume(struct nic *nic, struct nic_port *port)
{
	if (!port->paused || !port_rx_ready(nic, port))
		return;
	port->paused = false;
	nic->ops->wire_resume(nic->opaque, port->id);
}

/* ---- Configuration ------------------------------------------------------------------------ */

int nic_port_enable(struct nic *nic, unsigned port, bool enable)
{
	struct nic_port *p = nic_port(nic, port);

	if (!p)
		return -EINVAL;
	p->enabled = enable;
	port_resume(nic, p);
	return 0;
}

int nic_port_set_rx_mode(struct nic *nic, unsigned port, uint32_t rx_mode)
{
	struct nic_port *p = nic_port(nic, port);

	if (!p || rx_mode & ~(SLUICE_RX_MODE_PROMISC | SLUICE_RX_MODE_ALLMULTI))
		return -EINVAL;
	p->rx_mode = rx_mode;
	return 0;
}

int nic_port_set_mtu(struct nic *nic, unsigned port, uint32_t mtu)
{
	struct nic_port *p = nic_port(nic, port);

	if (!p || mtu < NIC_MIN_MTU || mtu > NIC_MAX_MTU)
		return -EINVAL;
	if (mtu > NIC_MAX_XDP_MTU && atomic_load_explicit(&p->prog, memory_order_relaxed))
		return -EBUSY;
	p->mtu = mtu;
	return 0;
}

int nic_port_set_mac(struct nic *nic, unsigned port, const uint8_t mac[6])
{
	static const uint8_t none[6];
	struct nic_port *p = nic_port(nic, port);

	if (!p || mac[0] & 1 || !memcmp(mac, none, sizeof(none)))
		return -EINVAL;
	memcpy(p->mac, mac, sizeof(p->mac));
	return 0;
}

int nic_port_set_multicast(struct nic *nic, unsigned port, const uint8_t (*macs)[6], size_t n)
{
	struct nic_port *p = nic_port(nic, port);

	if (!p || n > NIC_MAX_MULTICAST)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		if (!(macs[i][0] & 1))
			return -EINVAL;
	}
	memset(p->multicast, 0, sizeof(p->multicast));
	if (n)
		memcpy(p->multicast, macs, n * sizeof(*macs));
	p->n_multicast = (uint32_t)n;
	return 0;
}

int nic_port_query(struct nic *nic, unsigned port, struct sluice_resp_port *resp)
{
	const struct nic_port *p = nic_port(nic, port);

	if (!p)
		return -EINVAL;
	memset(resp, 0, sizeof(*resp));
	memcpy(resp->mac, p->mac, sizeof(resp->mac));
	resp->enabled = p->enabled;
	resp->link = p->link;
	resp->speed = htole32(p->speed);
	resp->mtu = htole32(p->mtu);
	resp->rx_mode = htole32(p->rx_mode);
	return 0;
}

/* ---- Receive-side scaling ----------------------------------------------------------------- */

void port_rss_changed(struct nic_port *port)
{
	toeplitz_set_key(&port->rss_hash, port->rss_key);
	port->rss_queues = 0;
	for (unsigned i = 0; i < SLUICE_RSS_TABLE; i++)
		port->rss_queues |= 1u << port->rss_table[i];
}

int nic_rss_set(struct nic *nic, unsigned port, const uint8_t *key, const uint16_t *table)
{
	struct nic_port *p = nic_port(nic, port);

	if (!p)
		return -EINVAL;
	for (unsigned i = 0; table && i < SLUICE_RSS_TABLE; i++) {
		if (table[i] >= nic->config.n_queue_pairs)
			return -EINVAL;
	}
	if (key)
		memcpy(p->rss_key, key, sizeof(p->rss_key));
	if (table)
		memcpy(p->rss_table, table, sizeof(p->rss_table));
	port_rss_changed(p);
	port_resume(nic, p);
	return 0;
}

int nic_rss_query(struct nic *nic, unsigned port, uint8_t *key, uint16_t *table)
{
	const struct nic_port *p = nic_port(nic, port);

	if (!p)
		return -EINVAL;
	if (key)
		memcpy(key, p->rss_key, sizeof(p->rss_key));
	if (table)
		memcpy(table, p->rss_table, sizeof(p->rss_table));
	return 0;
}

/* ---- Program ------------------------------------------------------------------------------ */

int nic_set_program(struct nic *nic, unsigned port, struct bpfe_program *prog, uint32_t id)
{
	struct nic_port *p = nic_port(nic, port);
	struct bpfe_program *old;

	if (!p)
		return -EINVAL;
	if (prog && p->mtu > NIC_MAX_XDP_MTU)
		return -EBUSY;
	/* A frame under way keeps the old program alive by its read section. */
	old = atomic_exchange(&p->prog, prog ? bpfe_program_get(prog) : NULL);
	if (old)
		bpfe_program_put(old);
	p->prog_id = prog ? id : 0;
	p->prog_runs = 0;
	p->prog_insns = 0;
	p->prog_aborts = 0;
	p->prog_redirect_errors = 0;
	return 0;
}

void nic_program_stats(struct nic *nic, unsigned port, uint64_t *runs, uint64_t *insns)
{
	const struct nic_port *p = nic_port(nic, port);

	*runs = p ? p->prog_runs : 0;
	*insns = p ? p->prog_insns : 0;
}
