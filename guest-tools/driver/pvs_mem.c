// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the pages are and how the CPU caches them.
 *
 * A BAR's memory is the host's RAM here, so it is mapped write-back: a hint in uncached memory
 * would cost hundreds of cycles. Linux does what is asked only where the MTRR says write-back too,
 * and silently maps uncached otherwise. What came of it is read back from the page table, and if it
 * is not write-back the pages are moved into RAM of the guest, if the device can.
 *
 * What was handed out to programs stays mapped until the module goes, and serves again when a
 * device comes back to the same place.
 */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pgtable.h>
#include <linux/slab.h>
#include <linux/version.h>

#ifdef CONFIG_X86
#include <asm/msr.h>
#endif

#include "pvs.h"

static char *pvs_memory = "auto";
module_param_named(memory, pvs_memory, charp, 0444);
MODULE_PARM_DESC(memory,
		 "where the pages are: bar, ram, or auto: ram if the BAR is not write-back");

static const int pvs_bar_number[2] = {[PVS_GUEST] = PVS_BAR_GUEST, [PVS_HOST] = PVS_BAR_HOST};

/* ---- How a mapping is cached ------------------------------------------------------------------
 */

static const char *const pvs_memtype_names[] = {
	[PVS_MEMTYPE_UNKNOWN] = "unknown",    [PVS_MEMTYPE_WB] = "write-back",
	[PVS_MEMTYPE_WT] = "write-through",   [PVS_MEMTYPE_WP] = "write-protected",
	[PVS_MEMTYPE_WC] = "write-combining", [PVS_MEMTYPE_UC_MINUS] = "uncached-minus",
	[PVS_MEMTYPE_UC] = "uncached",
};

const char *pvs_memtype_name(enum pvs_memtype type)
{
	return pvs_memtype_names[type];
}

#ifdef CONFIG_X86
/* Intel SDM vol. 3, table "Memory types that can be encoded with PAT". */
static const enum pvs_memtype pvs_pat_types[8] = {
	[0] = PVS_MEMTYPE_UC, [1] = PVS_MEMTYPE_WC, [4] = PVS_MEMTYPE_WT,
	[5] = PVS_MEMTYPE_WP, [6] = PVS_MEMTYPE_WB, [7] = PVS_MEMTYPE_UC_MINUS,
};

static int pvs_read_pat(u64 *pat)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 16, 0)
	return rdmsrl_safe(MSR_IA32_CR_PAT, pat);
#else
	return rdmsrq_safe(MSR_IA32_CR_PAT, pat);
#endif
}

/*
 * The PAT entry that the mapping of @va selects. A conflicting MTRR was resolved by the kernel when
 * it mapped, by a weaker entry than asked for.
 */
static enum pvs_memtype pvs_memtype_of(const void *va)
{
	unsigned int level, index;
	pteval_t bits;
	pte_t *pte;
	u64 pat;

	pte = lookup_address((unsigned long)va, &level);
	if (!pte || !boot_cpu_has(X86_FEATURE_PAT) || pvs_read_pat(&pat))
		return PVS_MEMTYPE_UNKNOWN;
	bits = pte_val(*pte);
	index = (bits & _PAGE_PWT ? 1 : 0) | (bits & _PAGE_PCD ? 2 : 0);
	if (bits & (level == PG_LEVEL_4K ? _PAGE_PAT : _PAGE_PAT_LARGE))
		index |= 4;
	return pvs_pat_types[pat >> (8 * index) & 7];
}
#else
static enum pvs_memtype pvs_memtype_of(const void *va)
{
	return PVS_MEMTYPE_UNKNOWN;
}
#endif

/* ---- What was mapped --------------------------------------------------------------------------
 */

struct pvs_kept {
	struct list_head link;
	struct pvs_region region;
	bool ram;
	bool used;
};

static LIST_HEAD(pvs_kept_list);
static DEFINE_MUTEX(pvs_kept_lock);

static void pvs_region_free(struct pvs_region *region, bool ram)
{
	if (ram)
		free_pages_exact(region->va, region->size);
	else
		memunmap(region->va);
}

/* Take @size bytes that nobody uses: at @pa, or of RAM. */
static bool pvs_keep_reuse(struct pvs_region *region, phys_addr_t pa, size_t size, bool ram)
{
	struct pvs_kept *kept;

	list_for_each_entry(kept, &pvs_kept_list, link) {
		if (kept->used || kept->ram != ram || kept->region.size != size ||
		    (!ram && kept->region.pa != pa))
			continue;
		kept->used = true;
		*region = kept->region;
		return true;
	}
	return false;
}

static int pvs_keep_new(struct pvs_region *region, phys_addr_t pa, size_t size, bool ram)
{
	struct pvs_kept *kept;

	kept = kzalloc(sizeof(*kept), GFP_KERNEL);
	if (!kept)
		return -ENOMEM;
	if (ram)
		region->va = alloc_pages_exact(size, GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN);
	else
		region->va = memremap(pa, size, MEMREMAP_WB);
	if (!region->va) {
		kfree(kept);
		return -ENOMEM;
	}
	region->size = size;
	region->pa = ram ? virt_to_phys(region->va) : pa;
	region->type = pvs_memtype_of(region->va);
	kept->region = *region;
	kept->ram = ram;
	kept->used = true;
	list_add(&kept->link, &pvs_kept_list);
	return 0;
}

static int pvs_keep_get(struct pvs_region *region, phys_addr_t pa, size_t size, bool ram)
{
	int err = 0;

	mutex_lock(&pvs_kept_lock);
	if (!pvs_keep_reuse(region, pa, size, ram))
		err = pvs_keep_new(region, pa, size, ram);
	mutex_unlock(&pvs_kept_lock);
	return err;
}

static void pvs_keep_put(struct pvs_region *region)
{
	struct pvs_kept *kept;

	mutex_lock(&pvs_kept_lock);
	list_for_each_entry(kept, &pvs_kept_list, link)
		if (kept->region.va == region->va)
			kept->used = false;
	mutex_unlock(&pvs_kept_lock);
	region->va = NULL;
}

void pvs_mem_exit(void)
{
	struct pvs_kept *kept, *next;

	list_for_each_entry_safe(kept, next, &pvs_kept_list, link) {
		pvs_region_free(&kept->region, kept->ram);
		kfree(kept);
	}
}

/* ---- BARs -------------------------------------------------------------------------------------
 */

static int pvs_map_bar(struct pvs_dev *dev, int way)
{
	int bar = pvs_bar_number[way];
	size_t size = pci_resource_len(dev->pdev, bar);
	int err;

	if (size < PVS_PAGE_STRIDE) {
		dev_err(&dev->pdev->dev, "BAR%d is missing: no room for the pages\n", bar);
		return -ENODEV;
	}
	err = pvs_keep_get(&dev->bar[way], pci_resource_start(dev->pdev, bar), size, false);
	if (err)
		dev_err(&dev->pdev->dev, "BAR%d cannot be mapped\n", bar);
	return err;
}

int pvs_mem_map_bars(struct pvs_dev *dev)
{
	int err;

	if (strcmp(pvs_memory, "auto") && strcmp(pvs_memory, "bar") && strcmp(pvs_memory, "ram")) {
		dev_err(&dev->pdev->dev, "memory=%s: it is one of auto, bar, ram\n", pvs_memory);
		return -EINVAL;
	}
	err = pvs_map_bar(dev, PVS_GUEST);
	if (err)
		return err;
	err = pvs_map_bar(dev, PVS_HOST);
	if (err)
		pvs_keep_put(&dev->bar[PVS_GUEST]);
	return err;
}

void pvs_mem_unmap_bars(struct pvs_dev *dev)
{
	pvs_keep_put(&dev->bar[PVS_HOST]);
	pvs_keep_put(&dev->bar[PVS_GUEST]);
}

/* ---- RAM --------------------------------------------------------------------------------------
 */

void pvs_mem_free_ram(struct pvs_dev *dev)
{
	int way;

	for (way = 0; way < 2; way++)
		if (dev->ram[way].va)
			pvs_keep_put(&dev->ram[way]);
}

static int pvs_alloc_ram(struct pvs_dev *dev, size_t size)
{
	int way, err;

	for (way = 0; way < 2; way++) {
		err = pvs_keep_get(&dev->ram[way], 0, size, true);
		if (err) {
			pvs_mem_free_ram(dev);
			return err;
		}
		memset(dev->ram[way].va, 0, size);
	}
	return 0;
}

static bool pvs_wants_ram(struct pvs_dev *dev)
{
	enum pvs_memtype type = dev->bar[PVS_GUEST].type;

	if (!strcmp(pvs_memory, "ram"))
		return true;
	return !strcmp(pvs_memory, "auto") && type != PVS_MEMTYPE_WB && type != PVS_MEMTYPE_UNKNOWN;
}

/* Said once, not at every negotiation. */
static void pvs_stays(struct pvs_dev *dev, const char *why)
{
	if (!dev->info.negotiations)
		dev_info(&dev->pdev->dev, "pages stay in the BAR, %s: %s\n",
			 pvs_memtype_name(dev->bar[PVS_GUEST].type), why);
}

u64 pvs_mem_choose(struct pvs_dev *dev, u64 offered, u32 n_vcpus)
{
	size_t size = (size_t)(n_vcpus + PVS_OPAQUE_PAGES) * PVS_PAGE_STRIDE;

	dev->pages = dev->bar;
	if (!pvs_wants_ram(dev))
		return PVS_F_GUEST_RAM;
	if (!(offered & PVS_F_GUEST_RAM)) {
		pvs_stays(dev, "the device does not offer guest RAM");
		return PVS_F_GUEST_RAM;
	}
	if (pvs_alloc_ram(dev, size)) {
		pvs_stays(dev, "there is not enough RAM in one piece");
		return PVS_F_GUEST_RAM;
	}
	dev->pages = dev->ram;
	return 0;
}
