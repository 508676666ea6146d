/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Sluice NIC: PCI identity, BARs and registers. docs/device-spec explains each.
 *
 * Compiled by the device, the Linux driver, the tools and the tests. Everything is little-endian.
 */
#ifndef SLUICE_NIC_REGS_H
#define SLUICE_NIC_REGS_H

#include <linux/types.h>

/* ---- PCI ---------------------------------------------------------------------------------- */
#define SLUICE_PCI_VENDOR_ID     0x1234
#define SLUICE_PCI_DEVICE_ID_NIC 0x51c0
#define SLUICE_PCI_REVISION      0x01

#define SLUICE_BAR_REGS      0 /* 32-bit, control registers */
#define SLUICE_BAR_MSIX      1 /* 32-bit, MSI-X table and pending bits */
#define SLUICE_BAR_DOORBELLS 2 /* 64-bit, one page per queue pair */
#define SLUICE_BAR_MEMORY    4 /* 64-bit prefetchable, device memory; of size 0 (absent) for now */

#define SLUICE_REGS_SIZE     0x1000
#define SLUICE_DOORBELL_PAGE 0x1000
#define SLUICE_MAX_PORTS     4
#define SLUICE_MAX_VECTORS   64
#define SLUICE_MAX_QUEUES    32 /* queue pairs of a device, over all ports */

/* ---- BAR0: control registers -------------------------------------------------------------- */
/*
 * 32-bit registers take aligned 4-byte accesses; registers marked 64 take one aligned 8-byte access
 * or two aligned 4-byte ones, low half first (a write takes effect with the high half). Any other
 * access, and any access to a hole, reads zero, writes nothing and increments BAD_ACCESS.
 */
#define SLUICE_REG_MAGIC         0x000 /* RO  "SLIC" */
#define SLUICE_REG_ABI_VERSION   0x004 /* RO  major << 16 | minor */
#define SLUICE_REG_FEATURE_PAGE  0x008 /* RW  64-bit word of features the next two show */
#define SLUICE_REG_STATUS        0x00c /* RO  SLUICE_STATUS_* */
#define SLUICE_REG_DEV_FEATURES  0x010 /* RO 64  offered, of the selected page */
#define SLUICE_REG_DRV_FEATURES  0x018 /* RW 64  accepted, of the selected page */
#define SLUICE_REG_CONTROL       0x020 /* RW  SLUICE_CONTROL_* */
#define SLUICE_REG_RESET         0x024 /* WO  SLUICE_RESET_KEY resets the whole device */
#define SLUICE_REG_INTR_CAUSE    0x028 /* RW1C  SLUICE_INTR_* */
#define SLUICE_REG_INTR_MASK     0x02c /* RW  a set bit keeps its cause from interrupting */
#define SLUICE_REG_N_PORTS       0x030 /* RO */
#define SLUICE_REG_N_QUEUE_PAIRS 0x034 /* RO  doorbell pages in BAR2 */
#define SLUICE_REG_N_VECTORS     0x038 /* RO */
#define SLUICE_REG_BAD_ACCESS    0x03c /* RO  refused register and doorbell accesses */
#define SLUICE_REG_FW_VERSION    0x040 /* RO 64  major << 32 | minor << 16 | patch */
#define SLUICE_REG_FATAL_CODE    0x048 /* RO  SLUICE_FATAL_*, 0 while healthy */
#define SLUICE_REG_FATAL_QUEUE   0x04c /* RO */
#define SLUICE_REG_FATAL_INFO    0x050 /* RO 64  address or value that caused it */
#define SLUICE_REG_BOOT_STATE    0x058 /* RO  SLUICE_BOOT_* */

#define SLUICE_REG_ASQ_BASE     0x100 /* RW 64  admin submission ring, 64-byte aligned */
#define SLUICE_REG_ACQ_BASE     0x108 /* RW 64  admin completion ring, 64-byte aligned */
#define SLUICE_REG_EVQ_BASE     0x110 /* RW 64  event ring, 64-byte aligned */
#define SLUICE_REG_ASQ_SIZE     0x118 /* RW  entries, a power of two, 8..1024 */
#define SLUICE_REG_ACQ_SIZE     0x11c /* RW  entries, a power of two, >= ASQ_SIZE, ..1024 */
#define SLUICE_REG_EVQ_SIZE     0x120 /* RW  entries, a power of two, 8..1024; 0: no events */
#define SLUICE_REG_ADMIN_VECTOR 0x124 /* RW  MSI-X vector of admin completions and events */
#define SLUICE_REG_ASQ_DOORBELL 0x128 /* WO  producer index (free-running 16 bits) */
#define SLUICE_REG_ACQ_DOORBELL 0x12c /* WO  consumer index | SLUICE_DB32_ARM */
#define SLUICE_REG_EVQ_DOORBELL 0x130 /* WO  consumer index | SLUICE_DB32_ARM */

#define SLUICE_REG_PORT_BASE   0x200 /* port blocks, one every PORT_STRIDE bytes */
#define SLUICE_REG_PORT_STRIDE 0x040
#define SLUICE_PORT_MAC_LO     0x00 /* RO  permanent address, bytes 0..3, byte 0 lowest */
#define SLUICE_PORT_MAC_HI     0x04 /* RO  bytes 4..5 */
#define SLUICE_PORT_LINK       0x08 /* RO  bit 0: carrier; bits 31:1 speed in Mb/s */
#define SLUICE_PORT_MTU_LIMITS 0x0c /* RO  max << 16 | min */

#define SLUICE_MAGIC      0x43494c53u /* "SLIC" as bytes in memory */
#define SLUICE_ABI_MAJOR  1
#define SLUICE_ABI_MINOR  0
#define SLUICE_RESET_KEY  0x54534552u /* "REST" */
#define SLUICE_DB32_ARM   0x80000000u
#define SLUICE_DB32_INDEX 0x0000ffffu

/* STATUS */
#define SLUICE_STATUS_READY       0x00000001u /* booted; registers and admin rings may be used */
#define SLUICE_STATUS_FEATURES_OK 0x00000002u /* accepted features are a subset of the offered */
#define SLUICE_STATUS_ADMIN_ON    0x00000004u /* admin rings run */
#define SLUICE_STATUS_FATAL       0x80000000u /* see FATAL_CODE; only a reset helps */

/* CONTROL. ADMIN_ENABLE is refused (stays 0) unless FEATURES_OK and rings are valid. */
#define SLUICE_CONTROL_FEATURES_OK  0x00000001u /* write 1 after DRV_FEATURES; read STATUS back */
#define SLUICE_CONTROL_ADMIN_ENABLE 0x00000002u

/* INTR_CAUSE and INTR_MASK: both go to ADMIN_VECTOR */
#define SLUICE_INTR_ADMIN 0x00000001u
#define SLUICE_INTR_EVENT 0x00000002u
#define SLUICE_INTR_FATAL 0x00000004u

/* BOOT_STATE */
#define SLUICE_BOOT_RUNNING 3

/* FATAL_CODE */
#define SLUICE_FATAL_NONE        0
#define SLUICE_FATAL_ASQ_DMA     1 /* submission ring could not be read */
#define SLUICE_FATAL_ACQ_DMA     2 /* completion ring could not be written */
#define SLUICE_FATAL_ASQ_OVERRUN 3 /* doorbell names more entries than the ring has */
#define SLUICE_FATAL_EVQ_DMA     4
#define SLUICE_FATAL_ACQ_OVERRUN 5 /* completion ring full, or its doorbell out of range */

/* Feature page 0 */
#define SLUICE_FEATURE_XDP_OFFLOAD (1ull << 0) /* programs and maps by admin command */
#define SLUICE_FEATURE_RSS         (1ull << 1)
#define SLUICE_FEATURE_RX_CSUM     (1ull << 2)
#define SLUICE_FEATURE_TX_CSUM     (1ull << 3)
#define SLUICE_FEATURE_RX_PAUSE    (1ull << 4) /* lossless: the wire waits while buffers are short */
#define SLUICE_FEATURE_EVENTS      (1ull << 5)

/* ---- BAR2: doorbells ---------------------------------------------------------------------- */
/*
 * Page i belongs to queue pair i: receive queue i and transmit queue i. Doorbells are written with
 * one aligned 8-byte store: bits 31:0 the free-running index, bit 32 ARM (completion doorbells),
 * other bits zero. Reads give zero. Other widths are counted in BAD_ACCESS and ignored.
 */
#define SLUICE_DB_RX_FREE 0x00 /* producer index of the receive free-buffer ring */
#define SLUICE_DB_RX_CPL  0x08 /* consumer index of the receive completion ring, ARM */
#define SLUICE_DB_TX_SUB  0x10 /* producer index of the transmit ring */
#define SLUICE_DB_TX_CPL  0x18 /* consumer index of the transmit completion ring, ARM */
#define SLUICE_DB_ARM     (1ull << 32)

_Static_assert(SLUICE_REG_PORT_BASE + SLUICE_MAX_PORTS * SLUICE_REG_PORT_STRIDE <= SLUICE_REGS_SIZE,
	       "port blocks fit the register BAR");

#endif
