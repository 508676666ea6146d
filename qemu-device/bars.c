/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BAR0 (registers) and BAR2 (doorbells). Every width and alignment is let through, since the
 * firmware judges and counts them; QEMU would otherwise split or reject before that.
 */
#include "qemu/osdep.h"
#include "sluice_nic.h"
#include "trace.h"

typedef uint64_t (*SluiceRead)(struct fw *fw, uint64_t offset, unsigned size);
typedef void (*SluiceWrite)(struct fw *fw, uint64_t offset, uint64_t value, unsigned size);

static uint64_t sluice_bar_read(SluiceNIC *s, const char *bar, SluiceRead fn, hwaddr addr,
				unsigned size)
{
	uint64_t bad, value;

	if (!sluice_enter(s)) {
		trace_sluice_bad_access(sluice_name(s), bar, "nested read", addr, size);
		return 0;
	}
	bad = fw_bad_accesses(s->fw);
	value = fn(s->fw, addr, size);
	if (fw_bad_accesses(s->fw) != bad)
		trace_sluice_bad_access(sluice_name(s), bar, "read", addr, size);
	sluice_leave(s);
	return value;
}

static void sluice_bar_write(SluiceNIC *s, const char *bar, SluiceWrite fn, hwaddr addr,
			     uint64_t value, unsigned size)
{
	uint64_t bad;

	if (!sluice_enter(s)) {
		trace_sluice_bad_access(sluice_name(s), bar, "nested write", addr, size);
		return;
	}
	bad = fw_bad_accesses(s->fw);
	fn(s->fw, addr, value, size);
	if (fw_bad_accesses(s->fw) != bad)
		trace_sluice_bad_access(sluice_name(s), bar, "write", addr, size);
	sluice_leave(s);
}

static uint64_t sluice_regs_read(void *opaque, hwaddr addr, unsigned size)
{
	SluiceNIC *s = opaque;
	uint64_t value = sluice_bar_read(s, "registers", fw_reg_read, addr, size);

	trace_sluice_reg_read(sluice_name(s), addr, size, value);
	return value;
}

static void sluice_regs_write(void *opaque, hwaddr addr, uint64_t value, unsigned size)
{
	SluiceNIC *s = opaque;

	trace_sluice_reg_write(sluice_name(s), addr, size, value);
	sluice_bar_write(s, "registers", fw_reg_write, addr, value, size);
}

static uint64_t sluice_doorbells_read(void *opaque, hwaddr addr, unsigned size)
{
	return sluice_bar_read(opaque, "doorbells", fw_doorbell_read, addr, size);
}

static void sluice_doorbells_write(void *opaque, hwaddr addr, uint64_t value, unsigned size)
{
	SluiceNIC *s = opaque;

	trace_sluice_doorbell(sluice_name(s), addr / SLUICE_DOORBELL_PAGE,
			      addr % SLUICE_DOORBELL_PAGE, size, value);
	sluice_bar_write(s, "doorbells", fw_doorbell_write, addr, value, size);
}

static const MemoryRegionOps sluice_regs_ops = {
	.read = sluice_regs_read,
	.write = sluice_regs_write,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.valid = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},
	.impl = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},
};

static const MemoryRegionOps sluice_doorbells_ops = {
	.read = sluice_doorbells_read,
	.write = sluice_doorbells_write,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.valid = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},
	.impl = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},
};

void sluice_bars_init(SluiceNIC *s)
{
	uint64_t doorbells = pow2ceil((uint64_t)s->config.n_queue_pairs * SLUICE_DOORBELL_PAGE);

	memory_region_init_io(&s->regs, OBJECT(s), &sluice_regs_ops, s, "sluice-registers",
			      SLUICE_REGS_SIZE);
	memory_region_init_io(&s->doorbells, OBJECT(s), &sluice_doorbells_ops, s,
			      "sluice-doorbells", doorbells);
	pci_register_bar(PCI_DEVICE(s), SLUICE_BAR_REGS, PCI_BASE_ADDRESS_SPACE_MEMORY, &s->regs);
	pci_register_bar(PCI_DEVICE(s), SLUICE_BAR_DOORBELLS,
			 PCI_BASE_ADDRESS_SPACE_MEMORY | PCI_BASE_ADDRESS_MEM_TYPE_64,
			 &s->doorbells);
}
