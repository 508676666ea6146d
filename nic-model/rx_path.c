/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The way of a received frame. docs/packet-path.md tells it in words.
 *
 *   rx_wire       link up, length, address filter
 *   rx_parse      header offsets
 *   rx_rss        Toeplitz hash, indirection: queue
 *   rx_xdp        the port's program, on a copy in NIC memory
 *   rx_verdict    PASS, DROP, TX, REDIRECT, ABORTED
 *   rx_redirect   to ports, or on to another queue
 *   rx_ring       a free buffer of the queue
 *   rx_dma        only now guest memory is touched
 *   rx_ring       checksum status, completion with phase bit
 *   rx_interrupt  if armed
 *
 * Each stage that ends a frame's way counts it, once.
 */
#include "rx_internal.h"

/* The rest of the way, for frames that go to the guest. */
static enum nic_outcome rx_deliver(struct rx_frame *f)
{
	enum nic_outcome outcome;

	if (!rx_ring_take(f))
		return NIC_RX_DROPPED;
	outcome = rx_ring_complete(f, rx_dma_write(f));
	rx_interrupt(f);
	return outcome;
}

enum nic_outcome nic_receive(struct nic *nic, unsigned port, const void *frame, size_t len)
{
	struct rx_frame f = {.nic = nic, .port = nic_port(nic, port), .data = frame, .len = len};
	enum xdp_action verdict;

	nic->redirect.kind = NIC_REDIRECT_NOT;
	if (!f.port || !rx_wire_accept(&f))
		return NIC_RX_DROPPED;
	rx_parse(f.data, f.len, &f.headers);
	rx_rss_select(&f);
	verdict = rx_xdp_run(&f);
	if (verdict == XDP_PASS || (verdict == XDP_REDIRECT && rx_redirect_queue(&f)))
		return rx_deliver(&f);
	return rx_verdict_other(&f, verdict);
}
