/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * nic_model: the data path of the Sluice NIC, without QEMU.
 *
 * Frames enter by nic_receive(), go through the port's program, and reach the guest's rings; the
 * guest's transmit rings are served on doorbells. docs/packet-path.md walks through the stages.
 *
 * Thread: all calls are serialised by the host, on threads registered with bpfe_thread_register().
 * nic_set_program() retires the old program by RCU, so it needs no stop of the data path even when
 * hosts run several receive threads later.
 */
#ifndef SLUICE_NIC_MODEL_H
#define SLUICE_NIC_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf_engine.h>
#include <sluice/nic_cmd.h>
#include <sluice/nic_desc.h>
#include <sluice/nic_regs.h>

#include "host_ops.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NIC_MAX_FRAME     9216u /* bytes of a frame on the wire, FCS excluded */
#define NIC_MIN_FRAME     14u   /* shorter frames are counted and dropped */
#define NIC_MIN_RING      8u
#define NIC_MAX_RING      4096u
#define NIC_MAX_CPL       8192u
#define NIC_MIN_BUFFER    256u
#define NIC_MAX_BUFFER    16384u
#define NIC_MAX_TX_DESCS  32u /* descriptors a transmitted frame may have */
#define NIC_MAX_MULTICAST 64u
#define NIC_MAX_HEADROOM  512u
#define NIC_MAX_MTU       (NIC_MAX_FRAME - 22u) /* Ethernet header and two VLAN tags */
#define NIC_MAX_XDP_MTU \
	3498u /* with a program attached: fits a page beside headroom and tailroom */

struct nic;

struct nic_config {
	unsigned n_ports;       /* 1..SLUICE_MAX_PORTS (1 for now) */
	unsigned n_queue_pairs; /* 1..SLUICE_MAX_QUEUES */
	unsigned n_vectors;     /* 1..SLUICE_MAX_VECTORS */
	uint8_t mac[SLUICE_MAX_PORTS][6];
	bool log_all;  /* no limit to lines a second: for tools, whose author is their user */
	bool rx_pause; /* tell the wire to wait while a queue lacks buffers, instead of dropping */
};

/*
 * -EINVAL: configuration out of range; -ENOMEM. @ops and @opaque must outlive the NIC. Ports begin
 * disabled, with carrier at 10 Gb/s, MTU 1500, and every RSS table entry naming queue 0.
 */
int nic_create(const struct nic_config *config, const struct nic_host_ops *ops, void *opaque,
	       struct nic **nic);
void nic_destroy(struct nic *nic);

/* Back to the state after nic_create(): queues gone, port down, no program, counters zero. The
 * carrier stays as nic_set_link() left it. */
void nic_reset(struct nic *nic);

const struct nic_config *nic_get_config(const struct nic *nic);

/* ---- The wire ----------------------------------------------------------------------------- */

enum nic_outcome {
	NIC_RX_DELIVERED,      /* DMAed to the guest and completed */
	NIC_RX_TRANSMITTED,    /* XDP_TX: went back to the wire (or was dropped there, counted) */
	NIC_RX_DROPPED_XDP,    /* verdict DROP */
	NIC_RX_ABORTED,        /* verdict ABORTED or unknown, budget */
	NIC_RX_DROPPED,        /* filter, length, link, no buffer, no queue, DMA failure */
	NIC_RX_REDIRECTED,     /* XDP_REDIRECT to ports: sent there (or dropped there, counted) */
	NIC_RX_REDIRECT_ERROR, /* XDP_REDIRECT to nowhere; one to a queue is DELIVERED or DROPPED */
};

/* Programs know port n as interface n + 1; interface 0 is none, as in Linux. */
#define NIC_IFINDEX(port) ((port) + 1u)

enum nic_redirect_kind {
	NIC_REDIRECT_NOT = 0,   /* the frame was not redirected */
	NIC_REDIRECT_TO_NONE,   /* verdict without a target */
	NIC_REDIRECT_TO_PORT,   /* interface @index */
	NIC_REDIRECT_TO_PORTS,  /* those of a devmap */
	NIC_REDIRECT_TO_QUEUE,  /* receive queue @index, from a cpumap */
	NIC_REDIRECT_TO_SOCKET, /* the same, from an xskmap */
};

/* What a program's XDP_REDIRECT meant and came to. */
struct nic_redirect {
	enum nic_redirect_kind kind;
	uint32_t index;
	uint32_t copies[SLUICE_MAX_PORTS]; /* for each port that exists */
	uint32_t missing;                  /* targets that do not exist */
};

/*
 * May a frame be offered now? False only while paused: rx_pause is on, the port is enabled and a
 * queue that RSS may choose is short of buffers; wire_resume() follows. A port that is down takes
 * frames and drops them, counted.
 */
bool nic_can_receive(struct nic *nic, unsigned port);

/*
 * One frame from the wire, @len bytes without FCS. It is consumed whatever happens and accounted
 * exactly once (the equations stand in nic_cmd.h); the caller never offers it again.
 */
enum nic_outcome nic_receive(struct nic *nic, unsigned port, const void *frame, size_t len);

/* The redirection of the last frame nic_receive() was given. Valid until the next call. */
const struct nic_redirect *nic_last_redirect(const struct nic *nic);

/* Carrier of a port; raises a LINK event when it changes (through the event callback). */
void nic_set_link(struct nic *nic, unsigned port, bool up, uint32_t speed_mbps);

/* What the device says on its own; firmware registers it and writes the event ring. */
typedef void (*nic_event_fn)(void *opaque, const struct sluice_event *event);
void nic_set_event_handler(struct nic *nic, nic_event_fn fn, void *opaque);

/*
 * The table bpf_fib_lookup() asks, NULL for none: the caller's, who fills it and keeps it until
 * another one was set and a grace period (bpfe_rcu_synchronize()) has passed.
 */
void nic_set_fib(struct nic *nic, const struct bpfe_fib *fib);

/* ---- Doorbells ---------------------------------------------------------------------------- */

/*
 * A write to BAR2. @offset within the BAR, @size in bytes as the guest issued it. Anything but an
 * aligned 8-byte write to a defined doorbell returns -EINVAL (the caller counts it). Transmit work
 * is bounded per call; the rest follows in nic_process() (host_ops.schedule).
 */
int nic_doorbell(struct nic *nic, uint64_t offset, uint64_t value, unsigned size);

/* Go on with work left over (transmit rings). True if more is left and was scheduled again. */
bool nic_process(struct nic *nic);

/* ---- Control: called by the firmware ------------------------------------------------------ */
/* Errors: -EINVAL out of range; -EEXIST queue exists; -ENOENT no such queue; -EBUSY wrong state. */

int nic_port_enable(struct nic *nic, unsigned port, bool enable);
int nic_port_set_rx_mode(struct nic *nic, unsigned port, uint32_t rx_mode);
int nic_port_set_mtu(struct nic *nic, unsigned port, uint32_t mtu); /* -EBUSY: program's limit */
int nic_port_set_mac(struct nic *nic, unsigned port, const uint8_t mac[6]); /* -EINVAL: group */
int nic_port_set_multicast(struct nic *nic, unsigned port, const uint8_t (*macs)[6], size_t n);
int nic_port_query(struct nic *nic, unsigned port, struct sluice_resp_port *resp); /* prog_id 0 */

int nic_rss_set(struct nic *nic, unsigned port, const uint8_t *key, const uint16_t *table);
int nic_rss_query(struct nic *nic, unsigned port, uint8_t *key, uint16_t *table);

/* Receive buffers and transmit descriptors may be handed over while a queue is disabled. Disabling
 * a transmit queue first sends what was handed over; if that fails the queue is left in ERROR.
 *
 * @type SLUICE_QUEUE_RX or _TX. The configuration is in host byte order already validated for
 * reserved fields by the firmware; ranges and alignment are checked here. */
int nic_queue_create(struct nic *nic, uint8_t type, const struct sluice_queue_config *config);
int nic_queue_enable(struct nic *nic, uint8_t type, unsigned queue);
int nic_queue_disable(struct nic *nic, uint8_t type, unsigned queue);
int nic_queue_reset(struct nic *nic, uint8_t type, unsigned queue);
int nic_queue_destroy(struct nic *nic, uint8_t type, unsigned queue);
int nic_queue_query(struct nic *nic, uint8_t type, unsigned queue, struct sluice_resp_queue *resp);

/*
 * Publish @prog (NULL: none) as the port's program. The NIC takes its own reference and drops the
 * old one's. @id is the guest-visible id, carried in events. -EBUSY: the MTU exceeds
 * NIC_MAX_XDP_MTU.
 */
int nic_set_program(struct nic *nic, unsigned port, struct bpfe_program *prog, uint32_t id);

/* Runs of, and instructions executed by, the attached program since it was attached. */
void nic_program_stats(struct nic *nic, unsigned port, uint64_t *runs, uint64_t *insns);

/* ---- Statistics --------------------------------------------------------------------------- */

/* Snapshot of a port's or queue's counters (what each means: docs/packet-path.md), indexed by enum
 * sluice_port_stat / sluice_queue_stat.
 */
void nic_port_stats(const struct nic *nic, unsigned port, uint64_t stats[SLUICE_N_PORT_STATS]);
int nic_queue_stats(const struct nic *nic, uint8_t type, unsigned queue,
		    uint64_t stats[SLUICE_N_QUEUE_STATS]);

/* Name of a counter as the ABI's table has it; NULL beyond the last. */
const char *nic_port_stat_name(unsigned index);
const char *nic_queue_stat_name(unsigned index);

/* True if the equations of nic_cmd.h hold for @stats; else *why names the first that does not. */
bool nic_port_stats_balance(const uint64_t stats[SLUICE_N_PORT_STATS], const char **why);

/* ---- Snapshot ----------------------------------------------------------------------------- */

/*
 * Everything of the NIC's state the guest can see (rings, ports, filters, RSS, counters), as a
 * versioned little-endian blob, for vmstate. Programs are not included: while any exists the host
 * blocks migration. nic_save: bytes written or -ENOSPC. nic_load: -EINVAL when malformed (the blob
 * comes from a migration stream: not trusted); the NIC is reset then.
 */
size_t nic_save_size(const struct nic *nic);
int nic_save(const struct nic *nic, void *buf, size_t size);
int nic_load(struct nic *nic, const void *buf, size_t size);

#ifdef __cplusplus
}
#endif
#endif
