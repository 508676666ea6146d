/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * host_ops: what the NIC and its firmware need from whoever hosts them (QEMU, a test, a simulator).
 *
 * Calls into nic_model.h and firmware.h are serialised by the host (QEMU: the big lock), except
 * where a function says otherwise. The callbacks below run inside such a call, on its thread, with
 * that serialisation held, unless said otherwise; none may call back into the NIC or firmware.
 * A callback a host cannot offer is not optional: tests supply all of them.
 */
#ifndef SLUICE_HOST_OPS_H
#define SLUICE_HOST_OPS_H

#include <stddef.h>
#include <stdint.h>

struct nic_host_ops {
	/*
	 * Read or write @len bytes of guest memory at bus address @addr. All or nothing as far as
	 * the caller can tell: 0, or -EFAULT when any part could not be accessed (bus mastering
	 * off, no memory there, IOMMU refusal). Never touches MMIO of other devices.
	 */
	int (*dma_read)(void *opaque, uint64_t addr, void *buf, size_t len);
	int (*dma_write)(void *opaque, uint64_t addr, const void *buf, size_t len);

	/*
	 * Store one little-endian 64-bit word at @addr (8-byte aligned), in one access, after all
	 * earlier dma_write() of this host are visible to the guest's CPUs. Publishes a completion.
	 */
	int (*dma_publish)(void *opaque, uint64_t addr, uint64_t word);

	/* Raise MSI-X @vector (edge). Masked vectors are the host's business. */
	void (*interrupt)(void *opaque, unsigned vector);

	/* Monotonic device clock, ns. Any thread. */
	uint64_t (*clock_ns)(void *opaque);

	/*
	 * Put a frame on the wire of @port. 0: taken (sent, or queued by the host); -EIO: dropped.
	 * The frame is only valid during the call.
	 */
	int (*transmit)(void *opaque, unsigned port, const void *frame, size_t len);

	/*
	 * The NIC can take frames on @port again after nic_can_receive() said no. The host should
	 * ask its backend to resume, from a bottom half and not inside this call.
	 */
	void (*wire_resume)(void *opaque, unsigned port);

	/*
	 * Called by the firmware's worker, from ITS thread, without serialisation: the host must
	 * arrange for fw_process() to be called soon, serialised.
	 */
	void (*worker_done)(void *opaque);

	/* Ask for fw_process() or nic_process() soon, outside the present call (a bottom half), so
	 * that long work is done in slices. */
	void (*schedule)(void *opaque);

	/* A line for the device's log (reason of a refusal, malformed input). Rate-limited by the
	 * caller. @port -1: whole device. Any thread. */
	void (*log)(void *opaque, int port, const char *text);
};

#endif
