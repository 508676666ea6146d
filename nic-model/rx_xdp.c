/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The port's program, run once over a copy of the frame in NIC memory. */
#include "rx_internal.h"

#include <string.h>

/* What bpf_xdp_metadata_rx_hash() says the hash covers: bits of Linux's enum xdp_rss_hash_type. */
enum {
	XDP_HASH_IPV4 = 1 << 0,
	XDP_HASH_IPV6 = 1 << 1,
	XDP_HASH_L4 = 1 << 3,
	XDP_HASH_TCP = XDP_HASH_L4 | 1 << 4,
	XDP_HASH_UDP = XDP_HASH_L4 | 1 << 5,
};

static uint32_t xdp_hash_type(uint8_t rss_type)
{
	switch (rss_type) {
	case SLUICE_RX_HASH_IPV4:
		return XDP_HASH_IPV4;
	case SLUICE_RX_HASH_TCPV4:
		return XDP_HASH_IPV4 | XDP_HASH_TCP;
	case SLUICE_RX_HASH_UDPV4:
		return XDP_HASH_IPV4 | XDP_HASH_UDP;
	case SLUICE_RX_HASH_IPV6:
		return XDP_HASH_IPV6;
	case SLUICE_RX_HASH_TCPV6:
		return XDP_HASH_IPV6 | XDP_HASH_TCP;
	case SLUICE_RX_HASH_UDPV6:
		return XDP_HASH_IPV6 | XDP_HASH_UDP;
	default:
		return 0;
	}
}

/* The copy needs no zeroing around it: what lies there of earlier frames comes into a program's
 * view only through helpers that zero it first (bpf_engine.h, struct bpfe_xdp_buff). */
static void load_frame(struct rx_frame *f, struct bpfe_xdp_buff *xdp)
{
	uint8_t *room = f->nic->rx_frame;

	memcpy(room + BPFE_HEADROOM, f->data, f->len);
	*xdp = (struct bpfe_xdp_buff){
		.hard_start = room,
		.data_meta = room + BPFE_HEADROOM,
		.data = room + BPFE_HEADROOM,
		.data_end = room + BPFE_HEADROOM + f->len,
		.hard_end = room + NIC_XDP_ROOM,
		.ingress_ifindex = NIC_IFINDEX(f->port->id),
		.rx_queue_index = f->queue,
		.now_ns = f->timestamp,
		.host = &f->nic->host,
		.have = BPFE_HAVE_TIMESTAMP | (f->rss_type ? BPFE_HAVE_HASH : 0),
		.rx_hash = f->rss_hash,
		.rx_hash_type = xdp_hash_type(f->rss_type),
		.rx_timestamp = f->timestamp,
	};
}

/* What the program made of the frame. */
static void take_frame(struct rx_frame *f, const struct bpfe_xdp_buff *xdp)
{
	size_t meta = (size_t)(xdp->data - xdp->data_meta);

	f->data = xdp->data;
	f->len = (size_t)(xdp->data_end - xdp->data);
	f->meta_len = meta <= UINT8_MAX ? (uint8_t)meta : 0;
	f->xdp_ran = true;
}

static bool power_of_two(uint64_t n)
{
	return n && !(n & (n - 1));
}

static void count_abort(struct rx_frame *f, const struct bpfe_result *result)
{
	struct nic_port *port = f->port;

	port->stats[SLUICE_STAT_RX_XDP_ABORTED]++;
	if (result->abort == BPFE_ABORT_BUDGET)
		port->stats[SLUICE_STAT_RX_XDP_BUDGET]++;
	/* A program that aborts does so for every frame: the 1st, 2nd, 4th, 8th... are reported. */
	if (power_of_two(++port->prog_aborts))
		nic_event(f->nic, SLUICE_EVENT_PROG_ABORT, port->id, port->prog_id,
			  (uint64_t)result->abort << 32 | result->abort_insn);
}

static enum xdp_action count_verdict(struct rx_frame *f, const struct bpfe_result *result)
{
	uint64_t *stats = f->port->stats;

	stats[SLUICE_STAT_RX_XDP_RUN]++;
	stats[SLUICE_STAT_RX_XDP_INSNS] += result->insns;
	f->port->prog_runs++;
	f->port->prog_insns += result->insns;
	switch (result->abort ? XDP_ABORTED : result->retval) {
	case XDP_PASS:
		stats[SLUICE_STAT_RX_XDP_PASS]++;
		return XDP_PASS;
	case XDP_DROP:
		stats[SLUICE_STAT_RX_XDP_DROP]++;
		return XDP_DROP;
	case XDP_TX:
		stats[SLUICE_STAT_RX_XDP_TX]++;
		return XDP_TX;
	case XDP_REDIRECT:
		stats[SLUICE_STAT_RX_XDP_REDIRECT]++;
		return XDP_REDIRECT;
	case XDP_ABORTED:
		break;
	default:
		stats[SLUICE_STAT_RX_XDP_BAD_VERDICT]++;
	}
	count_abort(f, result);
	return XDP_ABORTED;
}

enum xdp_action rx_xdp_run(struct rx_frame *f)
{
	struct bpfe_program *prog;
	struct bpfe_xdp_buff xdp;
	struct bpfe_result result;

	bpfe_rcu_read_lock();
	prog = atomic_load_explicit(&f->port->prog, memory_order_acquire);
	if (!prog) {
		bpfe_rcu_read_unlock();
		f->port->stats[SLUICE_STAT_RX_NO_PROGRAM]++;
		return XDP_PASS;
	}
	load_frame(f, &xdp);
	result = bpfe_run(prog, &xdp);
	if (result.retval == XDP_REDIRECT)
		rx_redirect_resolve(f, &result.redirect);
	bpfe_rcu_read_unlock();
	take_frame(f, &xdp);
	return count_verdict(f, &result);
}
