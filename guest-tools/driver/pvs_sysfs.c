// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Attributes of the PCI device, in its folder pvsched, and the raw words of all vCPUs in debugfs.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include <linux/sysfs.h>

#include "pvs.h"

/* What is shown was true a moment ago; nothing is read from a device that is gone. */
static void pvs_sysfs_info(struct device *device, struct pvs_info *info)
{
	struct pvs_dev *dev = dev_get_drvdata(device);

	mutex_lock(&dev->lock);
	if (!dev->gone && dev->info.connected)
		pvs_hw_refresh(dev);
	*info = dev->info;
	mutex_unlock(&dev->lock);
}

/* An attribute that shows one expression of @info. */
#define PVS_ATTR(name, format, ...)                                                      \
	static ssize_t name##_show(struct device *device, struct device_attribute *attr, \
				   char *buf)                                            \
	{                                                                                \
		struct pvs_info info;                                                    \
		pvs_sysfs_info(device, &info);                                           \
		return sysfs_emit(buf, format "\n", __VA_ARGS__);                        \
	}                                                                                \
	static DEVICE_ATTR_RO(name)

PVS_ATTR(connected, "%u", info.connected);
PVS_ATTR(version, "%u.%u", info.version >> 16, info.version & 0xffff);
PVS_ATTR(features, "%#llx", info.features);
PVS_ATTR(features_offered, "%#llx", info.offered);
PVS_ATTR(status, "%#x", info.status);
PVS_ATTR(result, "%u %s", info.result, pvs_result_name(info.result));
PVS_ATTR(generation, "%u", info.generation);
PVS_ATTR(negotiations, "%u", info.negotiations);
PVS_ATTR(vcpus, "%u", info.n_vcpus);
PVS_ATTR(policy, "%s %u", info.policy[0] ? info.policy : "-", info.policy_serial);
PVS_ATTR(sources, "%#x", info.sources);
PVS_ATTR(actuators, "%#x", info.actuators);
PVS_ATTR(bad_access, "%u", info.bad_access);
PVS_ATTR(clock_offset, "%lld", info.clock_offset);
PVS_ATTR(clock_error, "%u", info.clock_error);
PVS_ATTR(memory, "%s guest=%s host=%s",
	 info.where == PVS_WHERE_RAM   ? "ram"
	 : info.where == PVS_WHERE_BAR ? "bar"
				       : "none",
	 pvs_memtype_name(info.guest_type), pvs_memtype_name(info.host_type));

static ssize_t renegotiate_store(struct device *device, struct device_attribute *attr,
				 const char *buf, size_t count)
{
	struct pvs_dev *dev = dev_get_drvdata(device);
	bool yes;
	int err;

	err = kstrtobool(buf, &yes);
	if (err || !yes)
		return err ?: -EINVAL;
	mutex_lock(&dev->lock);
	dev->stopped = false;
	dev->failures = 0;
	err = dev->gone ? -ENODEV : pvs_renegotiate(dev);
	mutex_unlock(&dev->lock);
	return err ?: count;
}
static DEVICE_ATTR_WO(renegotiate);

static struct attribute *pvs_attrs[] = {
	&dev_attr_connected.attr,        &dev_attr_version.attr,      &dev_attr_features.attr,
	&dev_attr_features_offered.attr, &dev_attr_status.attr,       &dev_attr_result.attr,
	&dev_attr_generation.attr,       &dev_attr_negotiations.attr, &dev_attr_vcpus.attr,
	&dev_attr_policy.attr,           &dev_attr_sources.attr,      &dev_attr_actuators.attr,
	&dev_attr_bad_access.attr,       &dev_attr_clock_offset.attr, &dev_attr_clock_error.attr,
	&dev_attr_memory.attr,           &dev_attr_renegotiate.attr,  NULL};

static const struct attribute_group pvs_group = {
	.name = "pvsched",
	.attrs = pvs_attrs,
};

const struct attribute_group *pvs_groups[] = {&pvs_group, NULL};

/* ---- debugfs ----------------------------------------------------------------------------------
 */

/* One line a vCPU: words as they are, in hexadecimal. */
static int pages_show(struct seq_file *m, void *unused)
{
	struct pvs_dev *dev = m->private;
	const struct pvs_guest_page *guest;
	const struct pvs_host_page *host;
	u32 v;

	seq_puts(m, "vcpu intent cs seq next_event wait ticket ring_head ring_lost");
	seq_puts(m, " | state capacity decision ticket reject ring_tail\n");
	mutex_lock(&dev->lock);
	for (v = 0; dev->pages && v < dev->info.n_vcpus; v++) {
		guest = (struct pvs_guest_page *)dev->pages[PVS_GUEST].va + v;
		host = (struct pvs_host_page *)dev->pages[PVS_HOST].va + v;
		seq_printf(m, "%u %016llx %016llx %x %llx %llx %llx %x %x", v,
			   READ_ONCE(guest->intent), READ_ONCE(guest->cs), READ_ONCE(guest->seq),
			   READ_ONCE(guest->next_event), READ_ONCE(guest->wait),
			   READ_ONCE(guest->ticket), READ_ONCE(guest->ring_head),
			   READ_ONCE(guest->ring_lost));
		seq_printf(m, " | %016llx %llx %llx %llx %x %x\n", READ_ONCE(host->state),
			   READ_ONCE(host->capacity), READ_ONCE(host->decision),
			   READ_ONCE(host->ticket), READ_ONCE(host->reject),
			   READ_ONCE(host->ring_tail));
	}
	mutex_unlock(&dev->lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(pages);

void pvs_debugfs_init(struct pvs_dev *dev)
{
	dev->debugfs = debugfs_create_dir(PVS_DRV_NAME, NULL);
	debugfs_create_file("pages", 0400, dev->debugfs, dev, &pages_fops);
}

void pvs_debugfs_exit(struct pvs_dev *dev)
{
	debugfs_remove_recursive(dev->debugfs);
}
