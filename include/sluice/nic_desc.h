/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Sluice NIC: descriptors and completions of the receive and transmit rings.
 *
 * Indices are free-running 32-bit counters; entry = index & (size - 1); a ring is full when
 * producer - consumer == size. Sizes are powers of two.
 *
 * The phase bit of a completion starts at 1 for the first lap and flips every lap. It lies in the
 * last aligned 8 bytes, which the device stores alone, after the rest and a write barrier. A reader
 * issues a read barrier between seeing the phase and reading the rest.
 */
#ifndef SLUICE_NIC_DESC_H
#define SLUICE_NIC_DESC_H

#include <linux/types.h>

#define SLUICE_PHASE 0x01 /* in the byte named phase of every completion */

/* ---- Receive ------------------------------------------------------------------------------ */

/* A free buffer; its size is the ring's, given when the queue was created. */
struct sluice_rx_desc {
	__le64 addr;      /* guest-physical (or IOVA) address of the buffer */
	__le32 buffer_id; /* handed back in the completion; the device does not interpret it */
	__le32 reserved;  /* 0 */
};

struct sluice_rx_cpl {
	__le32 buffer_id;
	__le16 offset; /* bytes from the buffer's start to the first byte of the frame */
	__le16 length; /* bytes of frame in this buffer */
	__le32 rss_hash;
	__le16 flags;     /* SLUICE_RX_* */
	__le16 vlan_tci;  /* valid with SLUICE_RX_VLAN */
	__le64 timestamp; /* ns of the device's clock when the frame was taken from the wire */
	/* the last aligned 8 bytes, stored alone */
	__le32 mark;    /* set by the program, 0 for now */
	__u8 meta_len;  /* bytes of metadata directly before offset */
	__u8 hash_csum; /* SLUICE_RX_HASH_* | SLUICE_RX_CSUM_* */
	__u8 error;     /* SLUICE_RX_ERR_*, valid with SLUICE_RX_ERROR */
	__u8 phase;
};

#define SLUICE_RX_FIRST     0x0001 /* first buffer of a frame */
#define SLUICE_RX_LAST      0x0002 /* last buffer of a frame */
#define SLUICE_RX_HDR_SPLIT 0x0004
#define SLUICE_RX_ERROR     0x0008 /* frame unusable, see error; length may be 0 */
#define SLUICE_RX_VLAN      0x0010
#define SLUICE_RX_XDP_RAN   0x0020 /* an offloaded program ran on this frame and passed it */

#define SLUICE_RX_HASH_MASK  0x0f
#define SLUICE_RX_HASH_NONE  0x00
#define SLUICE_RX_HASH_IPV4  0x01
#define SLUICE_RX_HASH_TCPV4 0x02
#define SLUICE_RX_HASH_UDPV4 0x03
#define SLUICE_RX_HASH_IPV6  0x04
#define SLUICE_RX_HASH_TCPV6 0x05
#define SLUICE_RX_HASH_UDPV6 0x06

#define SLUICE_RX_CSUM_MASK  0x30
#define SLUICE_RX_CSUM_NONE  0x00 /* not checked */
#define SLUICE_RX_CSUM_L4_OK 0x10 /* L3 header and L4 checksum verified */
#define SLUICE_RX_CSUM_BAD   0x20 /* checked and wrong; the stack decides */

#define SLUICE_RX_ERR_NONE 0
#define SLUICE_RX_ERR_DMA  1 /* payload could not be written to the buffer */

/* ---- Transmit ----------------------------------------------------------------------------- */

struct sluice_tx_desc {
	__le64 addr;
	__le32 length; /* bytes, 1..65536 */
	__le16 flags; /* SLUICE_TX_* ; all but LAST are read from the first descriptor of a frame */
	__le16 vlan_tci;
	__le16 csum_start;  /* bytes from the frame's start */
	__le16 csum_offset; /* bytes from csum_start to the 16-bit field */
	__le16 mss;         /* 0 for now */
	__le16 reserved0;   /* 0 */
	__le64 reserved1;   /* 0 */
};

#define SLUICE_TX_LAST        0x0001 /* last descriptor of a frame */
#define SLUICE_TX_CSUM        0x0002 /* checksum from csum_start to the frame's end */
#define SLUICE_TX_FLAGS_KNOWN (SLUICE_TX_LAST | SLUICE_TX_CSUM)

/* One completion per frame (sent or refused), in order. */
struct sluice_tx_cpl {
	__le32 sub_index; /* the device is done with all descriptors before this index */
	__le16 status;    /* SLUICE_TX_ST_* */
	__le16 reserved0;
	__le64 timestamp;
	__le64 reserved1;
	/* the last aligned 8 bytes, stored alone */
	__le32 reserved2;
	__u8 reserved3[3];
	__u8 phase;
};

#define SLUICE_TX_ST_OK       0
#define SLUICE_TX_ST_BAD_DESC 1 /* length, flags or checksum offsets invalid; frame not sent */
#define SLUICE_TX_ST_DMA      2 /* payload could not be read */
#define SLUICE_TX_ST_TOO_LONG 3 /* frame longer, or in more pieces, than the limits allow */
#define SLUICE_TX_ST_NO_LINK  4
#define SLUICE_TX_ST_WIRE     5 /* the backend did not take it */

_Static_assert(sizeof(struct sluice_rx_desc) == 16, "receive descriptor is 16 bytes");
_Static_assert(sizeof(struct sluice_rx_cpl) == 32, "receive completion is 32 bytes");
_Static_assert(sizeof(struct sluice_tx_desc) == 32, "transmit descriptor is 32 bytes");
_Static_assert(sizeof(struct sluice_tx_cpl) == 32, "transmit completion is 32 bytes");
_Static_assert(__builtin_offsetof(struct sluice_rx_cpl, mark) == 24,
	       "phase word is the last 8 bytes");
_Static_assert(__builtin_offsetof(struct sluice_rx_cpl, phase) == 31, "phase is the last byte");
_Static_assert(__builtin_offsetof(struct sluice_tx_cpl, phase) == 31, "phase is the last byte");

#endif
