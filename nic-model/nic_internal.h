/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What the files of nic-model share. Start at rx_path.c or tx_path.c. */
#ifndef SLUICE_NIC_INTERNAL_H
#define SLUICE_NIC_INTERNAL_H

#include <stdatomic.h>

#include "nic_model.h"
#include "desc_ring.h"
#include "toeplitz.h"

#define NIC_DEFAULT_MTU   1500u
#define NIC_MIN_MTU       68u    /* RFC 791 */
#define NIC_DEFAULT_SPEED 10000u /* Mb/s */

/* Bytes of a frame besides its MTU: Ethernet header and two VLAN tags. */
#define NIC_L2_OVERHEAD (NIC_MAX_FRAME - NIC_MAX_MTU)

/* What a program sees of NIC memory, headroom and tailroom included; like Linux, one page. */
#define NIC_XDP_ROOM 4096u

_Static_assert(BPFE_HEADROOM + NIC_MAX_XDP_MTU + NIC_L2_OVERHEAD <= NIC_XDP_ROOM,
	       "a frame of the largest MTU fits behind its headroom");
_Static_assert(NIC_XDP_ROOM <= NIC_MAX_FRAME, "XDP_TX never exceeds the longest frame");

struct nic_queue {
	uint8_t type;  /* SLUICE_QUEUE_* */
	uint8_t state; /* SLUICE_QSTATE_* */
	uint16_t id;
	uint16_t error;      /* SLUICE_QERR_* */
	unsigned port;       /* whose frames it carries */
	uint32_t tx_skipped; /* descriptors passed over of a chain that is too long */
	uint64_t rx_room;    /* longest frame a buffer takes, bytes */
	struct sluice_queue_config config;
	struct desc_ring ring;
	struct cpl_ring cpl;
	uint64_t stats[SLUICE_N_QUEUE_STATS];
};

struct nic_port {
	unsigned id;
	bool enabled;
	bool link;
	bool paused; /* the wire waits for wire_resume() */
	uint32_t speed;
	uint32_t mtu;
	uint32_t rx_mode;
	uint8_t mac[6];
	uint32_t n_multicast;
	uint8_t multicast[NIC_MAX_MULTICAST][6];

	uint8_t rss_key[SLUICE_RSS_KEY];
	uint16_t rss_table[SLUICE_RSS_TABLE];
	uint32_t rss_queues; /* bitmap of the queues the table names */
	struct toeplitz rss_hash;

	/* Published by RCU; the rest belongs to the data path. */
	_Atomic(struct bpfe_program *) prog;
	uint32_t prog_id;
	uint64_t prog_runs;
	uint64_t prog_insns;
	uint64_t prog_aborts;
	uint64_t prog_redirect_errors;

	uint64_t stats[SLUICE_N_PORT_STATS];
};

_Static_assert(SLUICE_MAX_QUEUES <= 32, "rss_queues and tx_pending have a bit for each queue");

struct nic {
	struct nic_config config;
	const struct nic_host_ops *ops;
	void *opaque;
	nic_event_fn event;
	void *event_opaque;

	struct nic_port ports[SLUICE_MAX_PORTS];
	struct nic_queue rx_queues[SLUICE_MAX_QUEUES];
	struct nic_queue tx_queues[SLUICE_MAX_QUEUES];
	struct bpfe_host host;        /* what programs are offered: host.c */
	struct nic_redirect redirect; /* of the present frame */
	uint32_t tx_pending;          /* bitmap of transmit queues with work left over */

	uint64_t log_window_ns; /* start of the present second of logging */
	uint32_t log_lines;     /* in it */
	uint32_t log_lost;      /* lines not logged since the last one that was */

	/* NIC memory. One frame is under way at a time in each direction. */
	_Alignas(64) uint8_t rx_frame[NIC_XDP_ROOM];
	_Alignas(64) uint8_t tx_frame[NIC_MAX_FRAME];
};

/* ---- nic.c -------------------------------------------------------------------------------- */

struct nic_port *nic_port(struct nic *nic, unsigned port); /* NULL: no such port */

/* Tell the guest, through the firmware's event ring. @type SLUICE_EVENT_* */
void nic_event(struct nic *nic, unsigned type, unsigned port, uint32_t arg, uint64_t arg64);

/* A line for the device's log, limited to a few a second. @port -1: whole device. */
void nic_log(struct nic *nic, int port, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* ---- host.c ------------------------------------------------------------------------------- */

/* Fill in what runs of programs may ask the NIC for. */
void nic_host_init(struct nic *nic);

/* ---- port.c ------------------------------------------------------------------------------- */

/* The port a program knows as @ifindex, or NULL. */
struct nic_port *port_of_ifindex(struct nic *nic, uint32_t ifindex);

/* State after nic_create(), carrier excepted. Drops the program. */
void port_reset(struct nic *nic, struct nic_port *port);

/* Rebuild what is derived from rss_key and rss_table. */
void port_rss_changed(struct nic_port *port);

/* Would a frame find a buffer on every queue it may be sent to? (Queues that are off count as
 * ready: their frames are dropped, not waited for.) */
bool port_rx_ready(const struct nic *nic, const struct nic_port *port);

/* Let the wire go on if it waits and need not. After anything that may have changed that. */
void port_resume(struct nic *nic, struct nic_port *port);

/* ---- queue.c ------------------------------------------------------------------------------ */

/* NULL: type or number out of range. The queue may be in state NONE. */
struct nic_queue *queue_find(struct nic *nic, uint8_t type, unsigned queue);

/* -EINVAL: the configuration is not possible on this NIC. */
int queue_config_check(const struct nic *nic, uint8_t type, const struct sluice_queue_config *c);

/* Set up @q, in state NONE, from a checked configuration: state DISABLED, indices 0. */
void queue_init(struct nic_queue *q, uint8_t type, const struct sluice_queue_config *config);

/* Stop a queue for good (until RESET): @error SLUICE_QERR_*, @why for the log. */
void queue_fail(struct nic *nic, struct nic_queue *q, uint16_t error, const char *why);

/* Interrupt if the completion ring asks for it. */
void queue_notify(struct nic *nic, struct nic_queue *q);

/* Next-but-@ahead descriptor as desc_ring_peek(); when the ring is unreadable the queue fails. */
int queue_peek(struct nic *nic, struct nic_queue *q, uint32_t ahead, const void **entry);

/* Write a completion; when that is impossible the queue fails. */
int queue_complete(struct nic *nic, struct nic_queue *q, void *entry);

/* ---- tx_path.c ---------------------------------------------------------------------------- */

/* Serve a transmit queue, up to @budget descriptors. True: more can be done now. */
bool tx_queue_run(struct nic *nic, struct nic_queue *q, unsigned budget);

/* Serve a queue as far as one call should and leave the rest to nic_process(). */
void tx_queue_kick(struct nic *nic, struct nic_queue *q);

#endif
