/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Driver of the Sluice NIC: what its files share. README.md says which file does what.
 */
#ifndef SLUICE_H
#define SLUICE_H

#include <linux/bpf.h>
#include <linux/completion.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/kref.h>
#include <linux/netdevice.h>
#include <linux/pci.h>
#include <linux/semaphore.h>
#include <linux/spinlock.h>
#include <linux/u64_stats_sync.h>
#include <linux/workqueue.h>
#include <net/xdp.h>
#include <sluice/nic_cmd.h>
#include <sluice/nic_desc.h>
#include <sluice/nic_regs.h>

#include "compat.h"

#define SLUICE_DRV_NAME "sluice_nic"

/* Two VLAN tags and the Ethernet header come on top of the MTU. */
#define SLUICE_L2_OVERHEAD (ETH_HLEN + 2 * VLAN_HLEN)

#define SLUICE_TIMEOUT_MS       5000  /* of a command: generous, a busy host stalls a device */
#define SLUICE_LOAD_TIMEOUT_MS  10000 /* of a command that verifies a program */
#define SLUICE_RESET_TIMEOUT_MS 1000

#define SLUICE_ADMIN_RING   64 /* entries of each admin ring */
#define SLUICE_ADMIN_TAGS   32 /* commands under way at once: never fills the rings */
#define SLUICE_EVENT_RING   64
#define SLUICE_ADMIN_VECTOR 0

#define SLUICE_DEFAULT_RING 512
#define SLUICE_MIN_TX_RING  64 /* a frame may take MAX_SKB_FRAGS + 1 descriptors */

struct sluice_port;

/* What QUERY_CAPS said, in host byte order. */
struct sluice_caps {
	u32 max_data;
	u32 max_resp;
	u32 max_pairs;
	u32 min_ring;
	u32 max_ring;
	u32 max_cpl_ring;
	u32 rss_table;
	u32 rss_key;
	u32 max_multicast;
	u32 rx_max_frame;
	u32 rx_max_buffer;
	u32 rx_max_headroom;
	u32 tx_max_frame;
	u32 tx_max_descs;
	u32 tx_features;
	u32 prog_max_insns;
	u32 prog_max_log;
	u32 prog_max_mtu;
	u32 prog_features;
	u64 map_types;
	u32 map_max_key;
	u32 map_max_value;
	u32 map_max_entries;
	u64 helpers[4];
};

struct sluice_request;

struct sluice_admin {
	spinlock_t lock;       /* everything below but the semaphore, and sluice_dev.port */
	struct semaphore room; /* free tags */
	struct sluice_cmd *asq;
	struct sluice_cmd_cpl *acq;
	struct sluice_event *evq;
	dma_addr_t asq_dma;
	dma_addr_t acq_dma;
	dma_addr_t evq_dma;
	u16 asq_tail;
	u16 acq_head;
	u16 evq_head;
	struct sluice_request *slots[SLUICE_ADMIN_TAGS]; /* by tag */
	bool running;
	u64 interrupts;
	u64 lost_interrupts; /* completions that had to be looked for */
};

struct sluice_dev {
	struct pci_dev *pdev;
	u8 __iomem *regs;
	u8 __iomem *doorbells;
	unsigned int n_vectors; /* granted, vector 0 is the admin rings' */
	unsigned int max_pairs;
	u64 features; /* negotiated, page 0 */
	struct sluice_caps caps;
	struct sluice_admin admin;
	/*
	 * Counts resets: device ids of programs and maps made under another generation mean nothing
	 * to the device any more.
	 */
	u32 generation;
	unsigned long flags;
#define SLUICE_FAILING 0 /* sluice_dev_fail() has begun */
#define SLUICE_DEAD    1 /* and the device does no DMA any more */
	struct bpf_offload_dev *offdev;
	struct sluice_port *port;
};

/* ---- Queues ------------------------------------------------------------------------------- */

struct sluice_rx_stats {
	u64_stats_t frames;
	u64_stats_t bytes;
	u64_stats_t xdp_ran; /* frames an offloaded program has passed */
	u64_stats_t csum_ok;
	u64_stats_t errors;    /* bad completions, no memory for an skb */
	u64_stats_t discarded; /* of them, dropped because the interface went down first */
	u64_stats_t polls;
	struct u64_stats_sync sync;
};

struct sluice_tx_stats {
	/* by NAPI */
	u64_stats_t frames; /* completed */
	u64_stats_t bytes;
	u64_stats_t refused; /* of them, with an error */
	struct u64_stats_sync done_sync;
	/* by start_xmit */
	u64_stats_t csum;
	u64_stats_t stops;
	struct u64_stats_sync sync;
};

/* Completion and free-buffer indices are free-running; see nic_desc.h. */
struct sluice_rx_queue {
	struct sluice_rx_desc *ring;
	struct sluice_rx_cpl *cpl;
	dma_addr_t ring_dma;
	dma_addr_t cpl_dma;
	u32 size;
	u32 cpl_size;
	u32 producer;
	u32 cpl_consumer;
	u32 cpl_acked;   /* consumer index the device was last told */
	u32 buffer_size; /* as the device sees it: without the skb's shared info */
	u32 headroom;
	u32 n_free;
	u32 *free_ids;       /* stack of buffer ids the driver holds */
	struct page **pages; /* by buffer id; NULL while the driver holds the id */
	struct page_pool *pool;
	unsigned int order; /* of a buffer's pages */
	struct sluice_rx_stats stats;
};

struct sluice_tx_slot {
	struct sk_buff *skb; /* on a frame's last descriptor */
	dma_addr_t dma;
	u32 len;
	bool paged;
};

struct sluice_tx_queue {
	struct sluice_tx_desc *ring;
	struct sluice_tx_cpl *cpl;
	dma_addr_t ring_dma;
	dma_addr_t cpl_dma;
	u32 size;
	u32 cpl_size;
	u32 producer; /* start_xmit writes */
	u32 rung;     /* producer index the device was last told */
	u32 consumer; /* NAPI writes */
	u32 cpl_consumer;
	u32 cpl_acked;
	struct sluice_tx_slot *slots;
	struct sluice_tx_stats stats;
};

struct sluice_pair {
	struct sluice_port *port;
	u8 __iomem *db; /* this pair's doorbell page */
	unsigned int index;
	int irq;
	unsigned long interrupts;
	struct napi_struct napi;
	struct sluice_rx_queue rx;
	struct sluice_tx_queue tx;
	char irq_name[IFNAMSIZ + 8];
};

struct sluice_port {
	struct sluice_dev *sd;
	struct net_device *netdev;
	struct sluice_pair *pairs; /* sd->max_pairs of them */
	unsigned int n_pairs;      /* in use */
	u32 rx_ring;
	u32 tx_ring;
	bool up; /* between open and stop, by RTNL */
	struct work_struct rx_mode_work;
	struct delayed_work reopen_work; /* after a queue error or a transmit timeout */
	u8 rss_key[SLUICE_RSS_KEY];
	u16 rss_table[SLUICE_RSS_TABLE];
	struct xdp_attachment_info xdp_hw;
	u32 xdp_generation; /* of the attached program */
};

/* ---- sluice_main.c ------------------------------------------------------------------------ */

/*
 * Give the device up: say why, reset it (from here on it does no DMA), let every command under way
 * and every later one end with -EIO, take the carrier away. May be called from any context that can
 * take a spinlock; idempotent. A PCI reset or a new probe brings the device back.
 */
void sluice_dev_fail(struct sluice_dev *sd, const char *reason);

static inline bool sluice_dead(const struct sluice_dev *sd)
{
	return test_bit(SLUICE_DEAD, &sd->flags);
}

static inline bool sluice_has(const struct sluice_dev *sd, u64 feature)
{
	return sd->features & feature;
}

u32 sluice_read32(const struct sluice_dev *sd, u32 reg);
void sluice_write32(const struct sluice_dev *sd, u32 reg, u32 value);
u32 sluice_port_read32(const struct sluice_dev *sd, u32 reg);

/* ---- sluice_admin.c ----------------------------------------------------------------------- */

/*
 * One command: sluice_req_init(), fill in req->cmd.args, sluice_req_put() attributes,
 * sluice_req_run(), read the answer, sluice_req_free(). Lives on the caller's stack. Sleeps.
 */
struct sluice_request {
	struct sluice_cmd cmd;
	/* the answer */
	u16 status; /* enum sluice_status */
	u32 detail;
	u32 resp_len; /* bytes at sluice_req_resp(), checked against resp_room */
	u64 result;
	/* attributes, then the response, in one DMA buffer */
	void *buf;
	dma_addr_t dma;
	size_t data_room;
	size_t data_len;
	size_t resp_room;
	struct completion done;
};

/* -ENOMEM; -E2BIG: more than the device takes (max_data, max_resp). */
int sluice_req_init(struct sluice_dev *sd, struct sluice_request *req, u16 opcode, size_t data_room,
		    size_t resp_room);
void sluice_req_free(struct sluice_dev *sd, struct sluice_request *req);

/* Room an attribute of @len bytes takes in an attribute list. */
static inline size_t sluice_attr_room(size_t len)
{
	return sizeof(struct sluice_attr) + ALIGN(len, SLUICE_ATTR_ALIGN);
}

/* Append an attribute; @data_room must have been enough for it. Returns its zeroed payload. */
void *sluice_req_add(struct sluice_request *req, u16 type, size_t len);
void sluice_req_put(struct sluice_request *req, u16 type, const void *data, size_t len);

/* Submit and wait. 0, or the errno of the status (sluice_status_errno()); -EIO: device is dead. */
int sluice_req_run(struct sluice_dev *sd, struct sluice_request *req, unsigned int timeout_ms);

static inline void *sluice_req_resp(struct sluice_request *req)
{
	return req->buf + req->data_room;
}

/* A command with arguments only, which answers nothing but its status. */
int sluice_simple_cmd(struct sluice_dev *sd, u16 opcode, const void *args, size_t len);

/* Why a command failed, for the log. */
const char *sluice_req_why(const struct sluice_dev *sd, const struct sluice_request *req);
int sluice_status_errno(u16 status);

void sluice_admin_init(struct sluice_dev *sd);
int sluice_admin_start(struct sluice_dev *sd);
void sluice_admin_stop(struct sluice_dev *sd);
/* End every command under way with SLUICE_ST_CANCELLED, take no more, and the carrier away. */
void sluice_admin_cancel(struct sluice_dev *sd);

/* ---- sluice_caps.c ------------------------------------------------------------------------ */

int sluice_query_caps(struct sluice_dev *sd);

/* ---- sluice_netdev.c ---------------------------------------------------------------------- */

/* X(name): the guest's own counters; ethtool -S shows them as guest_<name>. */
#define SLUICE_GUEST_STATS(X) \
	X(rx_frames)          \
	X(rx_bytes)           \
	X(rx_xdp_ran)         \
	X(rx_csum_ok)         \
	X(rx_errors)          \
	X(rx_discarded)       \
	X(tx_frames)          \
	X(tx_bytes)           \
	X(tx_refused)         \
	X(tx_csum)            \
	X(tx_stops)           \
	X(polls)              \
	X(interrupts)

struct sluice_guest_stats {
#define SLUICE_X(name) u64 name;
	SLUICE_GUEST_STATS(SLUICE_X)
#undef SLUICE_X
};

void sluice_guest_stats(struct sluice_port *port, struct sluice_guest_stats *sum);
int sluice_port_create(struct sluice_dev *sd);
void sluice_port_destroy(struct sluice_dev *sd);
int sluice_port_sync_mac(struct sluice_port *port);
void sluice_link_changed(struct sluice_port *port, u32 link);
/* Stop, and start again with what the caller changed in between. RTNL held. */
int sluice_port_up(struct sluice_port *port);
void sluice_port_down(struct sluice_port *port);
int sluice_port_restart(struct sluice_port *port);
void sluice_port_want_reopen(struct sluice_port *port);
int sluice_rss_apply(struct sluice_port *port);
void sluice_rss_default_table(struct sluice_port *port);
unsigned int sluice_rx_order(u32 mtu);

/* ---- sluice_queue.c ----------------------------------------------------------------------- */

/* All pairs of a port: memory, interrupts, NAPI and the device's queues. RTNL held. */
int sluice_pairs_start(struct sluice_port *port);
void sluice_pairs_stop(struct sluice_port *port);

/* ---- sluice_rx.c, sluice_tx.c ------------------------------------------------------------- */

int sluice_rx_alloc(struct sluice_pair *pair);
void sluice_rx_free(struct sluice_pair *pair);
bool sluice_rx_refill(struct sluice_pair *pair);
int sluice_rx_poll(struct sluice_pair *pair, int budget);
void sluice_rx_discard(struct sluice_pair *pair);
void sluice_rx_ack(struct sluice_pair *pair, bool arm);

int sluice_tx_alloc(struct sluice_pair *pair);
void sluice_tx_free(struct sluice_pair *pair);
bool sluice_tx_poll(struct sluice_pair *pair, int budget);
void sluice_tx_ack(struct sluice_pair *pair, bool arm);
netdev_tx_t sluice_start_xmit(struct sk_buff *skb, struct net_device *netdev);

/*
 * Is entry @index of a ring of 32-byte completions written? Its phase lies in the last 8 bytes,
 * which the device stores alone and last; the barrier keeps the rest from being read before it.
 */
static inline bool sluice_cpl_ready(const void *ring, u32 index, u32 size)
{
	const __le64 *tail = ring + (size_t)(index & (size - 1)) * 32 + 24;
	bool phase = le64_to_cpu(READ_ONCE(*tail)) >> 56 & SLUICE_PHASE;

	if (phase == !!(index & size))
		return false;
	dma_rmb();
	return true;
}

/* ---- sluice_ethtool.c --------------------------------------------------------------------- */

extern const struct ethtool_ops sluice_ethtool_ops;

/* ---- sluice_offload.c, sluice_map.c ------------------------------------------------------- */

int sluice_offload_create(struct sluice_dev *sd);
void sluice_offload_destroy(struct sluice_dev *sd);
int sluice_offload_register(struct sluice_port *port);
void sluice_offload_unregister(struct sluice_port *port);
int sluice_ndo_bpf(struct net_device *netdev, struct netdev_bpf *bpf);

/* A map on the device. The kernel's map and each program that uses it hold a reference. */
struct sluice_map {
	struct sluice_dev *sd;
	struct kref ref;
	u32 id;
	u32 generation;
};

int sluice_map_alloc(struct sluice_dev *sd, struct bpf_offloaded_map *offmap);
void sluice_map_release(struct bpf_offloaded_map *offmap);
void sluice_map_put(struct sluice_map *map);

#endif
