/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What nic-model and firmware ask of their host, answered by QEMU: guest memory, interrupts, the
 * clock, bottom halves, the log.
 */
#include "qemu/osdep.h"
#include "qemu/log.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "hw/pci/msix.h"
#include "sluice_nic.h"
#include "trace.h"

/* Memory only: no address the guest names may reach a register, ours or another device's. */
static const MemTxAttrs sluice_dma_attrs = {.memory = 1};

static int sluice_dma(SluiceNIC *s, uint64_t addr, void *buf, size_t len, DMADirection dir)
{
	MemTxResult result = MEMTX_ERROR;

	/* An address that wraps would reach the bottom of memory. */
	if (!len || addr + (len - 1) >= addr)
		result = pci_dma_rw(PCI_DEVICE(s), addr, buf, len, dir, sluice_dma_attrs);
	if (result == MEMTX_OK)
		return 0;
	trace_sluice_dma_failed(sluice_name(s), dir == DMA_DIRECTION_TO_DEVICE ? "read" : "write",
				addr, len);
	return -EFAULT;
}

static int sluice_dma_read(void *opaque, uint64_t addr, void *buf, size_t len)
{
	return sluice_dma(opaque, addr, buf, len, DMA_DIRECTION_TO_DEVICE);
}

static int sluice_dma_write(void *opaque, uint64_t addr, const void *buf, size_t len)
{
	return sluice_dma(opaque, addr, (void *)(uintptr_t)buf, len, DMA_DIRECTION_FROM_DEVICE);
}

/*
 * address_space_stq() would do for memory, but it ignores attrs.memory and so would write to a
 * register; pci_dma_write() copies bytes and promises no single access. So: map, make sure that
 * what was mapped is memory and no bounce buffer, and store.
 */
static int sluice_dma_publish(void *opaque, uint64_t addr, uint64_t word)
{
	SluiceNIC *s = opaque;
	AddressSpace *as = pci_get_address_space(PCI_DEVICE(s));
	hwaddr len = sizeof(word);
	ram_addr_t offset;
	void *p = NULL;
	int err = -EFAULT;

	RCU_READ_LOCK_GUARD();
	if (QEMU_IS_ALIGNED(addr, sizeof(word)))
		p = address_space_map(as, addr, &len, true, sluice_dma_attrs);
	if (p) {
		if (len >= sizeof(word) && memory_region_from_host(p, &offset)) {
			smp_wmb();
			qatomic_set((uint64_t *)p, cpu_to_le64(word));
			err = 0;
		}
		/* Writes nothing back to a bounce buffer's origin: accessed length is 0. */
		address_space_unmap(as, p, len, true, err ? 0 : sizeof(word));
	}
	if (err)
		trace_sluice_dma_failed(sluice_name(s), "publish", addr, sizeof(word));
	return err;
}

static void sluice_interrupt(void *opaque, unsigned vector)
{
	SluiceNIC *s = opaque;

	trace_sluice_interrupt(sluice_name(s), vector);
	msix_notify(PCI_DEVICE(s), vector);
}

static uint64_t sluice_clock_ns(void *opaque)
{
	return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
}

static int sluice_transmit(void *opaque, unsigned port, const void *frame, size_t len)
{
	return sluice_wire_transmit(opaque, frame, len);
}

static void sluice_wire_resume(void *opaque, unsigned port)
{
	SluiceNIC *s = opaque;

	trace_sluice_wire_resume(sluice_name(s));
	qemu_bh_schedule(s->wire_bh);
}

/* Also the worker's: qemu_bh_schedule() may be called from any thread. */
static void sluice_schedule(void *opaque)
{
	SluiceNIC *s = opaque;

	qemu_bh_schedule(s->process_bh);
}

static void sluice_log(void *opaque, int port, const char *text)
{
	SluiceNIC *s = opaque;

	trace_sluice_log(sluice_name(s), port, text);
	qemu_log_mask(LOG_GUEST_ERROR, "%s: %s\n", sluice_name(s), text);
}

const struct nic_host_ops sluice_host_ops = {
	.dma_read = sluice_dma_read,
	.dma_write = sluice_dma_write,
	.dma_publish = sluice_dma_publish,
	.interrupt = sluice_interrupt,
	.clock_ns = sluice_clock_ns,
	.transmit = sluice_transmit,
	.wire_resume = sluice_wire_resume,
	.worker_done = sluice_schedule,
	.schedule = sluice_schedule,
	.log = sluice_log,
};
