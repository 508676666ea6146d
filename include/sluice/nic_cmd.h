/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Sluice NIC: admin commands, their completions, attributes, capabilities, events, statistics.
 *
 * The driver puts 64-byte commands on the admin submission ring (indices free-running 16 bits). The
 * device reads each once. Commands complete asynchronously and, where they run on a worker (program
 * load), out of order; the tag tells which. A tag may be used again after its completion.
 *
 * @data is a list of attributes: header, payload, zero padding to 8 bytes. Unknown attributes are
 * refused, so that a newer driver learns that an older device does not know one.
 */
#ifndef SLUICE_NIC_CMD_H
#define SLUICE_NIC_CMD_H

#include <linux/types.h>

/* ---- Commands ----------------------------------------------------------------------------- */

#define SLUICE_CMD_ARGS 32 /* bytes of inline arguments */

struct sluice_cmd {
	__le16 opcode; /* SLUICE_OP_* */
	__le16 flags;  /* 0 */
	__le16 tag;
	__u8 port;
	__u8 reserved;              /* 0 */
	__le64 data_addr;           /* attribute list in guest memory; ignored when data_len is 0 */
	__le32 data_len;            /* bytes, at most SLUICE_CAP_ADMIN.max_data */
	__le32 resp_len;            /* room at resp_addr */
	__le64 resp_addr;           /* where the response goes; ignored when resp_len is 0 */
	__u8 args[SLUICE_CMD_ARGS]; /* struct sluice_args_* of the opcode, rest 0 */
};

struct sluice_cmd_cpl {
	__le16 tag;
	__le16 status; /* SLUICE_ST_* */
	__le32 detail; /* INVALID_ATTR: attribute type; INVALID_ARG: byte offset in args; else 0 */
	__le32 resp_len;  /* bytes written at resp_addr */
	__le32 resp_full; /* bytes the whole response has; > resp_len when it was cut */
	__le64 result;    /* id of what was created, or as the opcode says */
	/* the last aligned 8 bytes, stored alone */
	__le16 sub_index; /* the device has read all commands before this index */
	__le16 reserved0;
	__u8 reserved1[3];
	__u8 phase;
};

/* X(name, value): opcodes */
#define SLUICE_OPCODES(X)          \
	X(NOP, 0x0001)             \
	X(QUERY_CAPS, 0x0002)      \
	X(PORT_QUERY, 0x0010)      \
	X(PORT_SET, 0x0011)        \
	X(PORT_FILTER, 0x0012)     \
	X(RSS_SET, 0x0018)         \
	X(RSS_QUERY, 0x0019)       \
	X(RX_QUEUE_CREATE, 0x0020) \
	X(TX_QUEUE_CREATE, 0x0021) \
	X(QUEUE_ENABLE, 0x0022)    \
	X(QUEUE_DISABLE, 0x0023)   \
	X(QUEUE_RESET, 0x0024)     \
	X(QUEUE_DESTROY, 0x0025)   \
	X(QUEUE_QUERY, 0x0026)     \
	X(STATS_QUERY, 0x0030)     \
	X(PROG_LOAD, 0x0040)       \
	X(PROG_ATTACH, 0x0041)     \
	X(PROG_DETACH, 0x0042)     \
	X(PROG_FREE, 0x0043)       \
	X(PROG_QUERY, 0x0044)      \
	X(MAP_CREATE, 0x0050)      \
	X(MAP_FREE, 0x0051)        \
	X(MAP_LOOKUP, 0x0052)      \
	X(MAP_UPDATE, 0x0053)      \
	X(MAP_DELETE, 0x0054)      \
	X(MAP_GET_NEXT, 0x0055)    \
	X(MAP_QUERY, 0x0056)

enum sluice_opcode {
#define SLUICE_X(name, value) SLUICE_OP_##name = value,
	SLUICE_OPCODES(SLUICE_X)
#undef SLUICE_X
};

/* X(name, value, text): completion status; text is what logs print */
#define SLUICE_STATUSES(X)                                                       \
	X(OK, 0, "success")                                                      \
	X(INVALID_OPCODE, 1, "unknown command")                                  \
	X(INVALID_FIELD, 2, "reserved field not zero or command header invalid") \
	X(INVALID_ARG, 3, "inline argument out of range")                        \
	X(INVALID_ATTR, 4, "attribute missing, unknown, duplicate or malformed") \
	X(DMA_ERROR, 5, "guest memory could not be read or written")             \
	X(TOO_BIG, 6, "larger than the capability allows")                       \
	X(NOT_FOUND, 7, "no such object or key")                                 \
	X(EXISTS, 8, "exists already")                                           \
	X(NO_RESOURCES, 9, "out of device memory or table entries")              \
	X(BUSY, 10, "in use")                                                    \
	X(BAD_STATE, 11, "not possible in the present state")                    \
	X(REFUSED, 12, "program refused, see the log")                           \
	X(NOT_SUPPORTED, 13, "not supported by this device")                     \
	X(CANCELLED, 14, "cancelled")                                            \
	X(FULL, 15, "map is full")                                               \
	X(RESP_TOO_SMALL, 16, "response buffer too small")                       \
	X(INTERNAL, 17, "internal error")

enum sluice_status {
#define SLUICE_X(name, value, text) SLUICE_ST_##name = value,
	SLUICE_STATUSES(SLUICE_X)
#undef SLUICE_X
};

/* ---- Attributes --------------------------------------------------------------------------- */

struct sluice_attr {
	__le16 type;   /* SLUICE_ATTR_* or, in a capability list, SLUICE_CAP_* */
	__le16 flags;  /* 0 */
	__le32 length; /* bytes of payload, padding not counted */
};

#define SLUICE_ATTR_ALIGN 8

enum sluice_attr_type {
	SLUICE_ATTR_NAME = 1,  /* up to 16 bytes, NUL-terminated or full */
	SLUICE_ATTR_INSNS = 2, /* struct bpf_insn[], little-endian */
	SLUICE_ATTR_KEY = 3,
	SLUICE_ATTR_VALUE = 4,
	SLUICE_ATTR_QUEUE = 5,     /* struct sluice_queue_config */
	SLUICE_ATTR_MAC_LIST = 6,  /* 6-byte addresses, back to back */
	SLUICE_ATTR_RSS_KEY = 7,   /* 40 bytes */
	SLUICE_ATTR_RSS_TABLE = 8, /* __le16 queue ids, SLUICE_RSS_TABLE of them */
};

#define SLUICE_RSS_KEY   40
#define SLUICE_RSS_TABLE 128
#define SLUICE_NAME_LEN  16

/* ---- Arguments and responses, by opcode --------------------------------------------------- */

/* PORT_SET: brings a port up or down and sets what it accepts. */
struct sluice_args_port_set {
	__le32 valid;   /* SLUICE_PORT_SET_*: which fields below count */
	__le32 rx_mode; /* SLUICE_RX_MODE_* */
	__le32 mtu;     /* bytes of payload behind the Ethernet header */
	__u8 enable;
	__u8 mac[6];
	__u8 reserved[13];
};
#define SLUICE_PORT_SET_ENABLE  0x1
#define SLUICE_PORT_SET_RX_MODE 0x2
#define SLUICE_PORT_SET_MTU     0x4
#define SLUICE_PORT_SET_MAC     0x8
#define SLUICE_RX_MODE_PROMISC  0x1
#define SLUICE_RX_MODE_ALLMULTI 0x2

/* PORT_FILTER: replaces the multicast list (attribute MAC_LIST, at most max_multicast addresses).
 */

/* PORT_QUERY: response. */
struct sluice_resp_port {
	__u8 mac[6];
	__u8 enabled;
	__u8 link;
	__le32 speed; /* Mb/s */
	__le32 mtu;
	__le32 rx_mode;
	__le32 prog_id; /* attached program, 0: none */
	__le32 reserved[3];
};

/* RX_QUEUE_CREATE, TX_QUEUE_CREATE: attribute QUEUE; result: nothing. All queues start disabled. */
struct sluice_queue_config {
	__le16 queue;           /* 0..N_QUEUE_PAIRS-1; also its doorbell page */
	__le16 vector;          /* MSI-X vector of its completion ring */
	__le32 flags;           /* 0 */
	__le64 ring_base;       /* free-buffer ring or transmit ring, 64-byte aligned */
	__le64 cpl_base;        /* completion ring, 64-byte aligned */
	__le32 ring_size;       /* entries */
	__le32 cpl_size;        /* entries, >= ring_size */
	__le32 buffer_size;     /* receive: bytes of each buffer; transmit: 0 */
	__le32 headroom;        /* receive: bytes the device leaves free at a buffer's start */
	__le64 ring2_base;      /* second free-buffer ring (header split); 0 for now */
	__le32 ring2_size;      /* 0 for now */
	__le32 buffer2_size;    /* 0 for now */
	__le32 coalesce_usecs;  /* 0 for now */
	__le32 coalesce_frames; /* 0 for now */
};

/* QUEUE_ENABLE/DISABLE/RESET/DESTROY/QUERY. DISABLE completes once the queue has drained. RESET
 * puts a disabled or failed queue's indices and phases back to their start. */
struct sluice_args_queue {
	__le16 queue;
	__u8 type; /* SLUICE_QUEUE_* */
	__u8 reserved[29];
};
#define SLUICE_QUEUE_RX 1
#define SLUICE_QUEUE_TX 2

struct sluice_resp_queue {
	__u8 state; /* SLUICE_QSTATE_* */
	__u8 type;
	__le16 error;    /* SLUICE_QERR_* */
	__le32 producer; /* as last heard by doorbell */
	__le32 consumer; /* how far the device has come */
	__le32 cpl_producer;
	__le32 cpl_consumer;
	__le32 reserved;
};
#define SLUICE_QSTATE_NONE     0
#define SLUICE_QSTATE_DISABLED 1
#define SLUICE_QSTATE_ENABLED  2
#define SLUICE_QSTATE_DRAINING 3
#define SLUICE_QSTATE_ERROR    4

#define SLUICE_QERR_NONE      0
#define SLUICE_QERR_RING_DMA  1 /* descriptor could not be read */
#define SLUICE_QERR_CPL_DMA   2 /* completion could not be written */
#define SLUICE_QERR_BAD_INDEX 3 /* doorbell outside the ring */
#define SLUICE_QERR_BAD_DESC  4 /* descriptor malformed beyond repair (chain without an end) */

/* RSS_SET: attributes RSS_KEY and RSS_TABLE, either or both. RSS_QUERY: response key then table. */
struct sluice_resp_rss {
	__u8 key[SLUICE_RSS_KEY];
	__le16 table[SLUICE_RSS_TABLE];
};

/* STATS_QUERY: response __le64[], indices below; args.queue selects a queue, 0xffff the port. */
struct sluice_args_stats {
	__le16 queue;
	__u8 type; /* SLUICE_QUEUE_* when a queue is named */
	__u8 reserved[29];
};
#define SLUICE_STATS_PORT 0xffff

/*
 * PROG_LOAD: attributes INSNS and optionally NAME. Map references are ld_imm64 with src_reg
 * BPF_PSEUDO_MAP_FD and imm the device's map id. Response: the verifier's log, NUL-terminated text.
 * result: program id. Status REFUSED: the log says why.
 */
struct sluice_args_prog_load {
	__le32 log_level; /* 0..2 */
	__le32 reserved[7];
};

/*
 * PROG_ATTACH: make prog_id the port's program, in place of what is there. With
 * SLUICE_ATTACH_EXPECT, expected_id (0: none) must be what is attached, else BAD_STATE. Each frame
 * sees wholly the old or the new program. PROG_DETACH likewise takes it away (prog_id 0: whatever).
 */
struct sluice_args_prog {
	__le32 prog_id;
	__le32 expected_id;
	__le32 flags; /* SLUICE_ATTACH_* */
	__le32 reserved[5];
};
#define SLUICE_ATTACH_EXPECT 0x1

/* PROG_QUERY: response. PROG_FREE: BUSY while attached. */
struct sluice_resp_prog {
	__le32 prog_id;
	__le32 n_insns;
	__le32 stack_bytes;
	__le32 n_maps;
	__le64 insns_verified;
	__le64 verify_ns;
	__le64 runs;
	__le64 run_insns;
	__u8 name[SLUICE_NAME_LEN];
	__le32 map_ids[16]; /* the first 16 */
};

/* MAP_CREATE: optionally attribute NAME. result: map id. */
struct sluice_args_map_create {
	__le32 type; /* enum bpf_map_type */
	__le32 key_size;
	__le32 value_size;
	__le32 max_entries;
	__le32 map_flags;
	__le32 reserved[3];
};

/*
 * MAP_LOOKUP: KEY -> response value. MAP_UPDATE: KEY, VALUE, flags BPF_ANY/NOEXIST/EXIST.
 * MAP_DELETE: KEY. MAP_GET_NEXT: KEY (absent: the first) -> response next key. MAP_FREE: BUSY while
 * a program uses it.
 */
struct sluice_args_map {
	__le32 map_id;
	__le32 reserved0;
	__le64 flags;
	__le32 reserved[4];
};

struct sluice_resp_map {
	__le32 map_id;
	__le32 type;
	__le32 key_size;
	__le32 value_size;
	__le32 max_entries;
	__le32 map_flags;
	__le32 count;
	__le32 n_programs; /* programs that use it */
	__u8 name[SLUICE_NAME_LEN];
};

/* ---- Capabilities (response of QUERY_CAPS: a list of attributes) --------------------------- */

enum sluice_cap_type {
	SLUICE_CAP_ADMIN = 1,
	SLUICE_CAP_QUEUES = 2,
	SLUICE_CAP_RX = 3,
	SLUICE_CAP_TX = 4,
	SLUICE_CAP_PROG = 5,
	SLUICE_CAP_MAP = 6,
	SLUICE_CAP_HELPERS = 7, /* __le64[4], bitmap by BPF_FUNC id */
};

struct sluice_cap_admin {
	__le32 max_data;        /* bytes of an attribute list */
	__le32 max_resp;        /* bytes of a response */
	__le32 max_outstanding; /* program loads on the worker at once; more are BUSY */
	__le32 reserved;
};

struct sluice_cap_queues {
	__le32 max_pairs;
	__le32 min_ring; /* entries, rx and tx */
	__le32 max_ring;
	__le32 max_cpl_ring;
	__le32 rss_table; /* entries */
	__le32 rss_key;   /* bytes */
	__le32 n_vectors;
	__le32 max_multicast;
};

struct sluice_cap_rx {
	__le32 max_frame; /* bytes, Ethernet header included, FCS not */
	__le32 min_buffer;
	__le32 max_buffer;
	__le32 max_headroom;
	__le32 max_buffers_per_frame;
	__le32 features; /* 0 for now */
};

struct sluice_cap_tx {
	__le32 max_frame;
	__le32 max_descs_per_frame;
	__le32 features; /* bit 0: checksum */
	__le32 reserved;
};

struct sluice_cap_prog {
	__le32 max_insns;
	__le32 max_progs;
	__le32 max_stack;
	__le32 max_log;         /* bytes */
	__le32 run_budget;      /* instructions per frame */
	__le32 adjust_head_max; /* bytes a program may grow a frame at its head */
	__le32 max_mtu;         /* with a program attached */
	__le32 features;        /* SLUICE_PROG_FEATURE_* */
};
#define SLUICE_PROG_FEATURE_CALLS 0x1 /* bpf-to-bpf calls */

struct sluice_cap_map {
	__le64 types;     /* bitmap by enum bpf_map_type */
	__le64 max_bytes; /* storage of all maps */
	__le32 max_maps;
	__le32 max_key;
	__le32 max_value;
	__le32 max_entries;
};

/* ---- Events ------------------------------------------------------------------------------- */

struct sluice_event {
	__le16 type; /* SLUICE_EVENT_* */
	__u8 port;
	__u8 reserved0;
	__le32 arg;
	__le64 arg64;
	__le64 timestamp;
	/* the last aligned 8 bytes, stored alone */
	__le32 lost; /* events lost before this one because the ring was full */
	__u8 reserved1[3];
	__u8 phase;
};

enum sluice_event_type {
	SLUICE_EVENT_LINK = 1,        /* arg: as register PORT_LINK */
	SLUICE_EVENT_QUEUE_ERROR = 2, /* arg: type << 16 | queue; arg64: SLUICE_QERR_* */
	SLUICE_EVENT_PROG_ABORT =
		3, /* arg: program id; arg64: first of a burst: reason << 32 | insn */
};

/* ---- Statistics --------------------------------------------------------------------------- */

/*
 * X(NAME, text): the port's counters; text is the name ethtool and QMP show. Exactly:
 *   rx_wire_frames = rx_drop_link + rx_drop_length + rx_drop_filter + rx_no_program + rx_xdp_run
 *   rx_xdp_run     = rx_xdp_pass + rx_xdp_drop + rx_xdp_tx + rx_xdp_redirect + rx_xdp_aborted
 *   rx_no_program + rx_xdp_pass + xdp_redirect_queue
 *                  = rx_delivered_frames + rx_drop_no_queue + rx_drop_no_buffer + rx_drop_too_long
 *                    + rx_drop_dma
 *   rx_xdp_tx      = xdp_tx_sent + xdp_tx_dropped
 *   rx_xdp_redirect = xdp_redirect_queue + xdp_redirect_port + xdp_redirect_error
 *   tx_guest_frames = tx_guest_sent + tx_drop_desc + tx_drop_dma + tx_drop_too_long + tx_drop_link
 *                     + tx_drop_wire
 *   tx_wire_frames = tx_guest_sent + xdp_tx_sent + xdp_redirect_sent
 */
#define SLUICE_PORT_STATS(X)                          \
	X(RX_WIRE_FRAMES, "rx_wire_frames")           \
	X(RX_WIRE_BYTES, "rx_wire_bytes")             \
	X(RX_DROP_LINK, "rx_drop_link")               \
	X(RX_DROP_LENGTH, "rx_drop_length")           \
	X(RX_DROP_FILTER, "rx_drop_filter")           \
	X(RX_NO_PROGRAM, "rx_no_program")             \
	X(RX_XDP_RUN, "rx_xdp_run")                   \
	X(RX_XDP_PASS, "rx_xdp_pass")                 \
	X(RX_XDP_DROP, "rx_xdp_drop")                 \
	X(RX_XDP_TX, "rx_xdp_tx")                     \
	X(RX_XDP_ABORTED, "rx_xdp_aborted")           \
	X(RX_XDP_BUDGET, "rx_xdp_budget")             \
	X(RX_XDP_BAD_VERDICT, "rx_xdp_bad_verdict")   \
	X(RX_XDP_INSNS, "rx_xdp_insns")               \
	X(RX_DROP_NO_QUEUE, "rx_drop_no_queue")       \
	X(RX_DROP_NO_BUFFER, "rx_drop_no_buffer")     \
	X(RX_DROP_TOO_LONG, "rx_drop_too_long")       \
	X(RX_DROP_DMA, "rx_drop_dma")                 \
	X(RX_DELIVERED_FRAMES, "rx_delivered_frames") \
	X(RX_DELIVERED_BYTES, "rx_delivered_bytes")   \
	X(RX_DMA_BYTES, "rx_dma_bytes")               \
	X(RX_INTERRUPTS, "rx_interrupts")             \
	X(RX_CSUM_BAD, "rx_csum_bad")                 \
	X(XDP_TX_SENT, "xdp_tx_sent")                 \
	X(XDP_TX_DROPPED, "xdp_tx_dropped")           \
	X(TX_GUEST_FRAMES, "tx_guest_frames")         \
	X(TX_GUEST_SENT, "tx_guest_sent")             \
	X(TX_WIRE_FRAMES, "tx_wire_frames")           \
	X(TX_WIRE_BYTES, "tx_wire_bytes")             \
	X(TX_DROP_DESC, "tx_drop_desc")               \
	X(TX_DROP_DMA, "tx_drop_dma")                 \
	X(TX_DROP_TOO_LONG, "tx_drop_too_long")       \
	X(TX_DROP_LINK, "tx_drop_link")               \
	X(TX_DROP_WIRE, "tx_drop_wire")               \
	X(TX_DMA_BYTES, "tx_dma_bytes")               \
	X(TX_INTERRUPTS, "tx_interrupts")             \
	X(RX_XDP_REDIRECT, "rx_xdp_redirect")         \
	X(XDP_REDIRECT_QUEUE, "xdp_redirect_queue")   \
	X(XDP_REDIRECT_PORT, "xdp_redirect_port")     \
	X(XDP_REDIRECT_ERROR, "xdp_redirect_error")   \
	X(XDP_REDIRECT_SENT, "xdp_redirect_sent")     \
	X(XDP_REDIRECT_DROPPED, "xdp_redirect_dropped")

enum sluice_port_stat {
#define SLUICE_X(name, text) SLUICE_STAT_##name,
	SLUICE_PORT_STATS(SLUICE_X)
#undef SLUICE_X
	SLUICE_N_PORT_STATS
};

/* X(NAME, text): a queue's counters. */
#define SLUICE_QUEUE_STATS(X)       \
	X(FRAMES, "frames")         \
	X(BYTES, "bytes")           \
	X(NO_BUFFER, "no_buffer")   \
	X(ERRORS, "errors")         \
	X(INTERRUPTS, "interrupts") \
	X(DOORBELLS, "doorbells")

enum sluice_queue_stat {
#define SLUICE_X(name, text) SLUICE_QSTAT_##name,
	SLUICE_QUEUE_STATS(SLUICE_X)
#undef SLUICE_X
	SLUICE_N_QUEUE_STATS
};

_Static_assert(sizeof(struct sluice_cmd) == 64, "command is 64 bytes");
_Static_assert(sizeof(struct sluice_cmd_cpl) == 32, "command completion is 32 bytes");
_Static_assert(__builtin_offsetof(struct sluice_cmd_cpl, phase) == 31, "phase is the last byte");
_Static_assert(sizeof(struct sluice_event) == 32, "event is 32 bytes");
_Static_assert(__builtin_offsetof(struct sluice_event, phase) == 31, "phase is the last byte");
_Static_assert(sizeof(struct sluice_attr) == 8, "attribute header is 8 bytes");
_Static_assert(sizeof(struct sluice_args_port_set) <= SLUICE_CMD_ARGS, "arguments fit");
_Static_assert(sizeof(struct sluice_args_queue) == SLUICE_CMD_ARGS, "arguments fit");
_Static_assert(sizeof(struct sluice_args_stats) == SLUICE_CMD_ARGS, "arguments fit");
_Static_assert(sizeof(struct sluice_args_prog_load) == SLUICE_CMD_ARGS, "arguments fit");
_Static_assert(sizeof(struct sluice_args_prog) == SLUICE_CMD_ARGS, "arguments fit");
_Static_assert(sizeof(struct sluice_args_map_create) == SLUICE_CMD_ARGS, "arguments fit");
_Static_assert(sizeof(struct sluice_args_map) == SLUICE_CMD_ARGS, "arguments fit");
_Static_assert(sizeof(struct sluice_queue_config) == 64, "queue configuration is 64 bytes");
_Static_assert(sizeof(struct sluice_resp_queue) == 24, "response is packed");
_Static_assert(sizeof(struct sluice_resp_prog) == 128, "response is packed");
_Static_assert(sizeof(struct sluice_resp_map) == 48, "response is packed");

#endif
