/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BAR0 (registers), BAR2 (pages of the guest) and BAR4 (pages of the host, read-only to the guest).
 *
 * Every width and alignment of a register access is let through, since pvs_regs judges and counts
 * them. KICK and DOORBELL lie over the other registers as regions of their own, for they need no
 * lock: a guest that kicks often does not hold up the main loop.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/memfd.h"
#include "migration/vmstate.h"
#include "pvsched.h"
#include "trace.h"

/* ---- Registers ---------------------------------------------------------------------------- */

/* One that waited for the big lock while the device was unplugged finds no registers any more. */
static uint64_t pvsched_read(void *opaque, hwaddr addr, unsigned size)
{
	SluicePvsched *s = opaque;
	uint64_t value = s->regs ? pvs_regs_read(s->regs, addr, size) : 0;

	trace_pvsched_read(pvsched_name(s), addr, size, value);
	return value;
}

static void pvsched_write(void *opaque, hwaddr addr, uint64_t value, unsigned size)
{
	SluicePvsched *s = opaque;

	trace_pvsched_write(pvsched_name(s), addr, size, value);
	if (s->regs)
		pvs_regs_write(s->regs, addr, value, size);
}

/*
 * Without the big lock an access may be under way while the device is unplugged. The object stays,
 * for the memory map that led here holds on to it; what is behind it stays until the last has left.
 */
static bool pvsched_enter(SluicePvsched *s)
{
	qatomic_inc(&s->entered);
	if (!qatomic_read(&s->leaving))
		return true;
	qatomic_dec(&s->entered);
	return false;
}

static void pvsched_leave(SluicePvsched *s)
{
	qatomic_dec(&s->entered);
}

/* They need nothing that we hold: this ends as soon as they have had the CPU. */
void pvsched_bars_drain(SluicePvsched *s)
{
	qatomic_set_mb(&s->leaving, true);
	while (qatomic_read(&s->entered))
		sched_yield();
}

static void pvsched_kick(SluicePvsched *s, hwaddr offset, uint64_t value, unsigned size)
{
	int64_t vcpu;

	if (!pvsched_enter(s))
		return;
	vcpu = pvs_regs_kick(s->regs, offset, value, size);
	trace_pvsched_kick(pvsched_name(s), offset, size, value, vcpu);
	if (vcpu >= 0)
		pvs_mailbox_post(s->mailbox, vcpu,
				 offset == PVS_REG_DOORBELL ? PVS_POST_DOORBELL
							    : 1u << PVS_EVENT_KICK);
	pvsched_leave(s);
}

static void pvsched_kick_write(void *opaque, hwaddr addr, uint64_t value, unsigned size)
{
	pvsched_kick(opaque, PVS_REG_KICK + addr, value, size);
}

static void pvsched_doorbell_write(void *opaque, hwaddr addr, uint64_t value, unsigned size)
{
	pvsched_kick(opaque, PVS_REG_DOORBELL + addr, value, size);
}

/* Write-only: a bad access, which pvs_regs_read() counts. It touches nothing but that count. */
static uint64_t pvsched_kick_read(void *opaque, hwaddr addr, unsigned size)
{
	SluicePvsched *s = opaque;

	if (pvsched_enter(s)) {
		pvs_regs_read(s->regs, PVS_REG_KICK, size);
		pvsched_leave(s);
	}
	return 0;
}

static const MemoryRegionOps pvsched_ops = {
	.read = pvsched_read,
	.write = pvsched_write,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.valid = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},
	.impl = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},
};

static const MemoryRegionOps pvsched_kick_ops = {
	.read = pvsched_kick_read,
	.write = pvsched_kick_write,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.valid = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},
	.impl = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},
};

static const MemoryRegionOps pvsched_doorbell_ops = {
	.read = pvsched_kick_read,
	.write = pvsched_doorbell_write,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.valid = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},
	.impl = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},
};

/* A region whose stores come without the big lock, from several vCPUs at once. */
static void pvsched_lockless_init(SluicePvsched *s, MemoryRegion *mr, const MemoryRegionOps *ops,
				  const char *name, hwaddr offset, uint64_t size)
{
	memory_region_init_io(mr, OBJECT(s), ops, s, name, size);
	mr->lockless_io = true;
	/* Its ops enter nothing that could come back to it. */
	mr->disable_reentrancy_guard = true;
	memory_region_add_subregion_overlap(&s->bar0, offset, mr, 1);
}

static void pvsched_registers_init(SluicePvsched *s)
{
	memory_region_init(&s->bar0, OBJECT(s), "pvsched-bar0", PVS_REGS_SIZE);
	memory_region_init_io(&s->registers, OBJECT(s), &pvsched_ops, s, "pvsched-registers",
			      PVS_REGS_SIZE);
	memory_region_add_subregion(&s->bar0, 0, &s->registers);
	pvsched_lockless_init(s, &s->kick, &pvsched_kick_ops, "pvsched-kick", PVS_REG_KICK,
			      4 * PVS_MAX_VCPUS);
	pvsched_lockless_init(s, &s->doorbell, &pvsched_doorbell_ops, "pvsched-doorbell",
			      PVS_REG_DOORBELL, 4);
	pci_register_bar(PCI_DEVICE(s), PVS_BAR_REGS, PCI_BASE_ADDRESS_SPACE_MEMORY, &s->bar0);
}

/* ---- Pages -------------------------------------------------------------------------------- */

/*
 * In a memfd, so that a manager's process can have them too; sealed, so that nobody can cut it
 * short under us. Migrated as RAM: the guest's hints are state of the guest's.
 */
static uint64_t pvsched_pages_size(SluicePvsched *s)
{
	return pow2ceil((uint64_t)(s->n_vcpus + PVS_OPAQUE_PAGES) * PVS_PAGE_STRIDE);
}

static bool pvsched_pages_init(SluicePvsched *s, MemoryRegion *mr, const char *name, Error **errp)
{
	uint64_t size = pvsched_pages_size(s);
	int fd = qemu_memfd_create(name, size, false, 0, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL,
				   errp);

	if (fd < 0)
		return false;
	if (!memory_region_init_ram_from_fd(mr, OBJECT(s), name, size, RAM_SHARED, fd, 0, errp)) {
		close(fd);
		return false;
	}
	vmstate_register_ram(mr, DEVICE(s));
	return true;
}

/* Memory of a BPF map, if programs of the kernel are to read it. */
static bool pvsched_guest_pages_init(SluicePvsched *s, Error **errp)
{
	static const char name[] = "pvsched-guest";
	MemoryRegion *mr = &s->guest_bar;

	if (!s->kernel)
		return pvsched_pages_init(s, mr, name, errp);
	memory_region_init_ram_ptr(mr, OBJECT(s), name, pvs_kernel_host_pages_size(s->kernel),
				   pvs_kernel_host_pages(s->kernel));
	vmstate_register_ram(mr, DEVICE(s));
	return true;
}

struct pvs_guest_page *pvsched_guest_pages(SluicePvsched *s)
{
	return memory_region_get_ram_ptr(&s->guest_bar);
}

struct pvs_host_page *pvsched_host_pages(SluicePvsched *s)
{
	return memory_region_get_ram_ptr(&s->host_bar);
}

void pvsched_pages_clear(SluicePvsched *s)
{
	uint64_t opaque = (uint64_t)s->n_vcpus * PVS_PAGE_STRIDE;
	uint64_t size = opaque + PVS_OPAQUE_PAGES * PVS_PAGE_STRIDE;

	memset(pvsched_guest_pages(s), 0, size);
	memory_region_set_dirty(&s->guest_bar, 0, size);
	memset(pvsched_host_pages(s) + s->n_vcpus, 0, size - opaque);
	memory_region_set_dirty(&s->host_bar, opaque, size - opaque);
}

bool pvsched_bars_init(SluicePvsched *s, Error **errp)
{
	uint8_t type = PCI_BASE_ADDRESS_SPACE_MEMORY | PCI_BASE_ADDRESS_MEM_TYPE_64 |
		       PCI_BASE_ADDRESS_MEM_PREFETCH;

	if (!pvsched_guest_pages_init(s, errp))
		return false;
	if (!pvsched_pages_init(s, &s->host_bar, "pvsched-host", errp)) {
		vmstate_unregister_ram(&s->guest_bar, DEVICE(s));
		return false;
	}
	/* TCG discards the guest's stores, KVM has them end here as accesses to no memory. */
	memory_region_set_readonly(&s->host_bar, true);
	pvsched_registers_init(s);
	pci_register_bar(PCI_DEVICE(s), PVS_BAR_GUEST, type, &s->guest_bar);
	pci_register_bar(PCI_DEVICE(s), PVS_BAR_HOST, type, &s->host_bar);
	return true;
}

void pvsched_bars_exit(SluicePvsched *s)
{
	/* A region holds on to its owner while it is in another one. */
	memory_region_del_subregion(&s->bar0, &s->doorbell);
	memory_region_del_subregion(&s->bar0, &s->kick);
	memory_region_del_subregion(&s->bar0, &s->registers);
	vmstate_unregister_ram(&s->host_bar, DEVICE(s));
	vmstate_unregister_ram(&s->guest_bar, DEVICE(s));
}
