/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The stages of the receive path and the frame they hand on. rx_path.c has them in order. */
#ifndef SLUICE_RX_INTERNAL_H
#define SLUICE_RX_INTERNAL_H

#include "nic_internal.h"

/* Where headers lie in a frame, bytes from its start. Fields after l3_proto are valid only when it
 * names a protocol; fields after l4_proto likewise. */
struct rx_headers {
	uint8_t n_vlan;
	uint8_t l3_proto; /* 0: not IP, or malformed; else 4 or 6 */
	bool fragment;
	bool pseudo_hidden; /* an IPv6 option may stand for an address of the pseudo header */
	uint16_t l3;
	uint16_t l3_len;  /* IPv4: header with options; IPv6: 40 */
	uint8_t l4_proto; /* 0: none that is complete and known; else IPPROTO_TCP or IPPROTO_UDP */
	uint16_t l4;
	uint16_t l4_len; /* transport header and data, as the headers say */
};

/* Find the headers of @frame. Whatever is malformed or cut short counts as not there. */
void rx_parse(const uint8_t *frame, size_t len, struct rx_headers *h);

/* SLUICE_RX_CSUM_* of a frame whose headers are @h. */
uint8_t rx_csum_verify(const uint8_t *frame, const struct rx_headers *h);

/* One frame on its way. */
struct rx_frame {
	struct nic *nic;
	struct nic_port *port;
	const uint8_t *data; /* the caller's, or NIC memory once a program runs */
	size_t len;
	uint8_t meta_len; /* bytes of metadata directly before data */
	bool xdp_ran;
	uint64_t timestamp;
	struct rx_headers headers;
	uint32_t rss_hash;
	uint8_t rss_type; /* SLUICE_RX_HASH_* */
	uint16_t queue;   /* receive queue RSS chose */
	struct nic_queue *q;
	struct sluice_rx_desc desc; /* the buffer, once rx_ring_take() found one */
};

/* rx_wire.c: count the frame and decide whether the port takes it. */
bool rx_wire_accept(struct rx_frame *f);

/* rx_rss.c: hash and queue. */
void rx_rss_select(struct rx_frame *f);

/* rx_xdp.c: run the port's program, if there is one. XDP_ABORTED, _DROP, _PASS, _TX or _REDIRECT,
 * counted; XDP_PASS without a program. */
enum xdp_action rx_xdp_run(struct rx_frame *f);

/* rx_redirect.c: where @to leads, noted in nic->redirect. Inside the read section of the run. */
void rx_redirect_resolve(struct rx_frame *f, const struct bpfe_redirect *to);

/* rx_redirect.c: is a redirected frame for a receive queue? Then it is chosen and counted. */
bool rx_redirect_queue(struct rx_frame *f);

/* rx_redirect.c: send a redirected frame that is not for a receive queue. */
enum nic_outcome rx_redirect_send(struct rx_frame *f);

/* rx_verdict.c: put the frame on @port's wire and count it there. -EIO: the host did not take it.
 */
int rx_transmit(const struct rx_frame *f, struct nic_port *port);

/* rx_verdict.c: do what the verdict says with a frame that is not for the guest. */
enum nic_outcome rx_verdict_other(struct rx_frame *f, enum xdp_action verdict);

/* rx_ring.c: find the queue and a buffer that holds the frame; the buffer is not used up yet.
 * False: dropped, counted. */
bool rx_ring_take(struct rx_frame *f);

/* rx_dma.c: write metadata and frame to the buffer. -EFAULT: not possible. */
int rx_dma_write(struct rx_frame *f);

/* rx_ring.c: use up the buffer and write its completion. @dma: what rx_dma_write() returned. */
enum nic_outcome rx_ring_complete(struct rx_frame *f, int dma);

/* rx_interrupt.c: tell the guest, if it asked for it. */
void rx_interrupt(struct rx_frame *f);

#endif
