// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registers: bringing the device to where it looks at the pages, and the clocks' offset.
 */
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/iopoll.h>
#include <linux/timekeeping.h>

#include "pvs.h"

#define PVS_RESET_TIMEOUT_US 1000000
#define PVS_CLOCK_SAMPLES    32

static u32 pvs_read(const struct pvs_dev *dev, u32 reg)
{
	return readl(dev->regs + reg);
}

static void pvs_write(const struct pvs_dev *dev, u32 reg, u32 value)
{
	writel(value, dev->regs + reg);
}

static const char *const pvs_result_names[] = {
	[PVS_RESULT_OK] = "ok",
	[PVS_RESULT_FEATURES] = "features refused",
	[PVS_RESULT_ORDER] = "status bits out of order",
	[PVS_RESULT_ADDRESS] = "addresses of the pages refused",
	[PVS_RESULT_MIGRATED] = "moved to another host or time",
	[PVS_RESULT_WATCHDOG] = "the policy does not answer",
};

const char *pvs_result_name(u32 result)
{
	return result < ARRAY_SIZE(pvs_result_names) ? pvs_result_names[result] : "unknown";
}

static int pvs_hw_identify(struct pvs_dev *dev)
{
	u32 magic = pvs_read(dev, PVS_REG_MAGIC);

	if (magic != PVS_MAGIC) {
		dev_err(&dev->pdev->dev, "BAR0 shows %#x, not a channel's registers\n", magic);
		return -ENODEV;
	}
	dev->info.version = pvs_read(dev, PVS_REG_VERSION);
	if (dev->info.version >> 16 != PVS_VERSION_MAJOR) {
		dev_err(&dev->pdev->dev, "protocol version %u.%u; this driver knows %u.x\n",
			dev->info.version >> 16, dev->info.version & 0xffff, PVS_VERSION_MAJOR);
		return -EOPNOTSUPP;
	}
	return 0;
}

static int pvs_hw_reset(struct pvs_dev *dev)
{
	u32 status;
	int err;

	pvs_write(dev, PVS_REG_STATUS, 0);
	err = read_poll_timeout(pvs_read, status, !status, 100, PVS_RESET_TIMEOUT_US, false, dev,
				PVS_REG_STATUS);
	if (err)
		dev_err(&dev->pdev->dev, "status is %#x after a reset\n", status);
	return err;
}

/* Set @bit of STATUS and see whether the device agrees. */
static int pvs_hw_advance(struct pvs_dev *dev, u32 bit, const char *what)
{
	u32 result, status = pvs_read(dev, PVS_REG_STATUS);

	pvs_write(dev, PVS_REG_STATUS, status | bit);
	status = pvs_read(dev, PVS_REG_STATUS);
	if (status & bit && !(status & PVS_STATUS_FAILED))
		return 0;
	result = pvs_read(dev, PVS_REG_RESULT);
	dev_err(&dev->pdev->dev, "the device refuses %s: %s (status %#x, result %u)\n", what,
		pvs_result_name(result), status, result);
	dev->info.status = status;
	dev->info.result = result;
	return -EPROTO;
}

static int pvs_hw_features(struct pvs_dev *dev)
{
	struct pvs_info *info = &dev->info;

	info->offered = readq(dev->regs + PVS_REG_DEV_FEATURES);
	info->features = info->offered & PVS_KNOWN_FEATURES;
	info->features &= ~pvs_mem_choose(dev, info->offered, info->n_vcpus);
	writeq(info->features, dev->regs + PVS_REG_DRV_FEATURES);
	return pvs_hw_advance(dev, PVS_STATUS_FEATURES_OK, "the features");
}

/* How many there are, and whether the BARs have room for them. */
static int pvs_hw_geometry(struct pvs_dev *dev)
{
	struct pvs_info *info = &dev->info;
	size_t need;
	int way;

	info->n_vcpus = pvs_read(dev, PVS_REG_N_VCPUS);
	info->stride = pvs_read(dev, PVS_REG_PAGE_STRIDE);
	if (!info->n_vcpus || info->n_vcpus > PVS_MAX_VCPUS || info->stride != PVS_PAGE_STRIDE) {
		dev_err(&dev->pdev->dev, "%u vCPUs, stride %u; this driver knows 1 to %u and %u\n",
			info->n_vcpus, info->stride, PVS_MAX_VCPUS, PVS_PAGE_STRIDE);
		return -EOPNOTSUPP;
	}
	need = (size_t)(info->n_vcpus + PVS_OPAQUE_PAGES) * PVS_PAGE_STRIDE;
	for (way = 0; way < 2; way++) {
		if (dev->bar[way].size >= need)
			continue;
		dev_err(&dev->pdev->dev,
			"a BAR of %zu bytes has no room for the pages of %u vCPUs\n",
			dev->bar[way].size, info->n_vcpus);
		return -ENODEV;
	}
	return 0;
}

/* Pages that say nothing, and where they are: before the device looks. */
static void pvs_hw_pages(struct pvs_dev *dev)
{
	const struct pvs_region *pages = dev->pages;
	struct pvs_guest_page *guest = pages[PVS_GUEST].va;
	u32 v;

	memset(guest, 0, (size_t)(dev->info.n_vcpus + PVS_OPAQUE_PAGES) * PVS_PAGE_STRIDE);
	for (v = 0; v < dev->info.n_vcpus; v++)
		pvs_page_reset(&guest[v]);
	dev->info.where = pages == dev->ram ? PVS_WHERE_RAM : PVS_WHERE_BAR;
	dev->info.guest_type = pages[PVS_GUEST].type;
	dev->info.host_type = pages[PVS_HOST].type;
	if (pages == dev->ram) {
		writeq(pages[PVS_GUEST].pa, dev->regs + PVS_REG_GUEST_PAGES);
		writeq(pages[PVS_HOST].pa, dev->regs + PVS_REG_HOST_PAGES);
	}
}

static int pvs_hw_negotiate(struct pvs_dev *dev)
{
	int err;

	err = pvs_hw_identify(dev);
	if (err)
		return err;
	err = pvs_hw_reset(dev);
	if (err)
		return err;
	err = pvs_hw_advance(dev, PVS_STATUS_ACKNOWLEDGE, "to be acknowledged");
	if (err)
		return err;
	err = pvs_hw_advance(dev, PVS_STATUS_DRIVER, "this driver");
	if (err)
		return err;
	err = pvs_hw_geometry(dev);
	if (err)
		return err;
	err = pvs_hw_features(dev);
	if (err)
		return err;
	pvs_hw_pages(dev);
	/* Before it can change: a change from now on is seen as one. */
	dev->info.generation = pvs_read(dev, PVS_REG_GENERATION);
	return pvs_hw_advance(dev, PVS_STATUS_DRIVER_OK, "the pages");
}

int pvs_hw_connect(struct pvs_dev *dev)
{
	int err;

	err = pvs_hw_negotiate(dev);
	if (!err) {
		pvs_hw_measure_clock(dev);
		err = pvs_cpus_open(dev->regs, dev->pages, dev->info.features, dev->info.n_vcpus);
	}
	if (err) {
		pvs_write(dev, PVS_REG_STATUS, 0);
		dev->pages = NULL;
		pvs_mem_free_ram(dev);
		return err;
	}
	dev->info.connected = 1;
	dev->info.negotiations++;
	pvs_hw_refresh(dev);
	return 0;
}

void pvs_hw_disconnect(struct pvs_dev *dev)
{
	if (!dev->pages)
		return;
	dev->info.connected = 0;
	pvs_cpus_close();
	pvs_misc_revoke(dev);
	/* A device that was pulled reads all ones, and takes no write. */
	pvs_write(dev, PVS_REG_STATUS, 0);
	pvs_read(dev, PVS_REG_STATUS);
	dev->pages = NULL;
	pvs_mem_free_ram(dev);
}

bool pvs_hw_refresh(struct pvs_dev *dev)
{
	struct pvs_info *info = &dev->info;
	u64 name[2];

	info->status = pvs_read(dev, PVS_REG_STATUS);
	info->result = pvs_read(dev, PVS_REG_RESULT);
	info->sources = pvs_read(dev, PVS_REG_SOURCES);
	info->actuators = pvs_read(dev, PVS_REG_ACTUATORS);
	info->bad_access = pvs_read(dev, PVS_REG_BAD_ACCESS);
	info->policy_serial = pvs_read(dev, PVS_REG_POLICY_SERIAL);
	name[0] = readq(dev->regs + PVS_REG_POLICY_NAME);
	name[1] = readq(dev->regs + PVS_REG_POLICY_NAME + 8);
	memcpy(info->policy, name, sizeof(info->policy));
	info->policy[sizeof(info->policy) - 1] = '\0';
	return info->status & (PVS_STATUS_RENEGOTIATE | PVS_STATUS_FAILED) ||
	       !(info->status & PVS_STATUS_DRIVER_OK) ||
	       info->generation != pvs_read(dev, PVS_REG_GENERATION);
}

/*
 * The host's clock lies somewhere between two readings of ours; of several such readings the
 * closest pair says the most. Interrupts are left on: a pair that was interrupted is not the
 * closest.
 */
void pvs_hw_measure_clock(struct pvs_dev *dev)
{
	u64 before, host, after, best = U64_MAX;
	struct pvs_info *info = &dev->info;
	int i;

	for (i = 0; i < PVS_CLOCK_SAMPLES; i++) {
		before = ktime_get_mono_fast_ns();
		host = readq(dev->regs + PVS_REG_CLOCK);
		after = ktime_get_mono_fast_ns();
		if (after - before >= best)
			continue;
		best = after - before;
		info->clock_at = after;
		info->clock_offset = before + best / 2 - host;
	}
	info->clock_error = clamp_t(u64, (best + 1) / 2, 1, U32_MAX);
	writeq(info->clock_offset, dev->regs + PVS_REG_CLOCK_OFFSET);
	pvs_write(dev, PVS_REG_CLOCK_ERROR, info->clock_error);
}
