/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PVS_F_GUEST_RAM: pages in memory that the guest allocated.
 *
 * address_space_map() holds a reference on the region while it is mapped: a memory device that is
 * unplugged meanwhile goes only when we let go of it, so that what the loop reads is always there;
 * a loop that does not answer has them taken from it before.
 * A guest that maps something else at that address is looked at in its old pages until it
 * negotiates again, and harms itself. An IOMMU's mapping however may be taken back while we use it,
 * and there is nobody to tell us in time: behind one the bit is not offered.
 */
#include "qemu/osdep.h"
#include "exec/address-spaces.h"
#include "exec/memory.h"
#include "hw/pci/pci_bus.h"
#include "pvsched.h"
#include "trace.h"

bool pvsched_guest_ram_possible(SluicePvsched *s)
{
	/* Live, the kernel reads them where they are. */
	return !s->kernel && pci_device_iommu_address_space(PCI_DEVICE(s)) == &address_space_memory;
}

static void pvsched_unmap(SluicePvsched *s, PvschedMapping *map)
{
	AddressSpace *as = pci_get_address_space(PCI_DEVICE(s));

	/* What was written was marked dirty as it was; access length 0 marks nothing. */
	if (map->host)
		address_space_unmap(as, map->host, map->len, true, 0);
	*map = (PvschedMapping){0};
}

static bool pvsched_map(SluicePvsched *s, uint64_t addr, PvschedMapping *map)
{
	AddressSpace *as = pci_get_address_space(PCI_DEVICE(s));
	const hwaddr want = (hwaddr)(s->n_vcpus + PVS_OPAQUE_PAGES) * PVS_PAGE_STRIDE;

	map->len = want;
	map->host = address_space_map(as, addr, &map->len, true, MEMTXATTRS_UNSPECIFIED);
	if (!map->host)
		return false;
	map->mr = memory_region_from_host(map->host, &map->offset);
	/* A bounce buffer is no region's; a region's end or a read-only one cuts it short. */
	if (map->mr && map->len >= want && !memory_region_is_rom(map->mr))
		return true;
	pvsched_unmap(s, map);
	return false;
}

int pvsched_guest_ram_map(SluicePvsched *s, uint64_t guest_pages, uint64_t host_pages)
{
	bool mapped;

	RCU_READ_LOCK_GUARD();
	s->ram_grant = pvs_vm_pages_grant(s->vm);
	mapped = pvsched_map(s, guest_pages, &s->guest_ram) &&
		 pvsched_map(s, host_pages, &s->host_ram);
	trace_pvsched_guest_ram(pvsched_name(s), guest_pages, host_pages, mapped);
	if (mapped)
		return 0;
	pvsched_guest_ram_unmap(s);
	return -EFAULT;
}

void pvsched_guest_ram_unmap(SluicePvsched *s)
{
	pvsched_unmap(s, &s->guest_ram);
	pvsched_unmap(s, &s->host_ram);
}

void pvsched_guest_ram_keep(SluicePvsched *s)
{
	if (s->guest_ram.host)
		g_array_append_val(s->kept, s->guest_ram);
	if (s->host_ram.host)
		g_array_append_val(s->kept, s->host_ram);
	s->guest_ram = s->host_ram = (PvschedMapping){0};
}

void pvsched_guest_ram_let_go(SluicePvsched *s)
{
	unsigned i;

	for (i = 0; i < s->kept->len; i++)
		pvsched_unmap(s, &g_array_index(s->kept, PvschedMapping, i));
	g_array_set_size(s->kept, 0);
}
