// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PCI: finding the device, interrupts, giving it up, suspend and resets.
 */
#include <linux/interrupt.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "pvs.h"

#if !defined(CONFIG_64BIT)
#error "hints are single 64-bit stores: sluice_pvsched needs a 64-bit kernel"
#endif

/* Negotiations that may fail in a row before the device is left alone. */
#define PVS_MAX_FAILURES 3

static unsigned int pvs_clock_ms = 10000;
module_param_named(clock_ms, pvs_clock_ms, uint, 0644);
MODULE_PARM_DESC(clock_ms,
		 "measure the clocks' offset, and look for missed changes, so often; 0: never");

/* Pages have one address: hints know no device. */
static DEFINE_MUTEX(pvs_one_lock);
static struct pvs_dev *pvs_one;

/* ---- Negotiation ------------------------------------------------------------------------------
 */

int pvs_renegotiate(struct pvs_dev *dev)
{
	int err;

	pvs_hw_disconnect(dev);
	err = pvs_hw_connect(dev);
	dev->failures = err ? dev->failures + 1 : 0;
	if (dev->failures >= PVS_MAX_FAILURES) {
		dev_err(&dev->pdev->dev,
			"given up after %u attempts (%d): try pvschedctl renegotiate\n",
			dev->failures, err);
		dev->stopped = true;
	}
	return err;
}

/* What the device changed by itself. */
static void pvs_look(struct pvs_dev *dev)
{
	u32 serial = dev->info.policy_serial;

	if (!dev->info.connected || pvs_hw_refresh(dev)) {
		if (dev->info.connected)
			dev_info(&dev->pdev->dev, "negotiating again: status %#x, %s\n",
				 dev->info.status, pvs_result_name(dev->info.result));
		pvs_renegotiate(dev);
	}
	if (dev->info.policy_serial != serial)
		sysfs_notify(&dev->pdev->dev.kobj, "pvsched", "policy");
}

static void pvs_config_work(struct work_struct *work)
{
	struct pvs_dev *dev = container_of(work, struct pvs_dev, config_work);

	mutex_lock(&dev->lock);
	if (!dev->gone && !dev->stopped)
		pvs_look(dev);
	mutex_unlock(&dev->lock);
	wake_up_interruptible(&dev->wait);
}

static void pvs_clock_work(struct work_struct *work)
{
	struct pvs_dev *dev = container_of(work, struct pvs_dev, clock_work.work);
	unsigned int ms = READ_ONCE(pvs_clock_ms);

	mutex_lock(&dev->lock);
	if (!dev->gone && !dev->stopped) {
		pvs_look(dev);
		if (ms && dev->info.connected)
			pvs_hw_measure_clock(dev);
	}
	mutex_unlock(&dev->lock);
	schedule_delayed_work(&dev->clock_work, msecs_to_jiffies(ms ?: 10000));
}

/* ---- Interrupts -------------------------------------------------------------------------------
 */

static irqreturn_t pvs_config_irq(int irq, void *opaque)
{
	const struct pvs_vector *vector = opaque;
	struct pvs_dev *dev = vector->dev;

	atomic_inc(&dev->events);
	schedule_work(&dev->config_work);
	return IRQ_HANDLED;
}

/* Vector 1 + v % (n - 1): one of the vCPUs that share it asked for this. */
static irqreturn_t pvs_vcpu_irq(int irq, void *opaque)
{
	const struct pvs_vector *vector = opaque;
	u32 step = vector->dev->n_vectors - 1, v;
	struct pvs_chan *chan;
	int cpu;

	rcu_read_lock();
	chan = rcu_dereference(pvs_chan);
	for (v = vector->index - 1; chan && v < chan->n_vcpus; v += step) {
		cpu = READ_ONCE(chan->vcpus[v].cpu);
		if (cpu >= 0 && READ_ONCE(chan->guest[v].notify))
			sluice_pvs_notified(cpu);
	}
	rcu_read_unlock();
	return IRQ_HANDLED;
}

static void pvs_free_irqs(struct pvs_dev *dev, int n)
{
	while (n--)
		free_irq(pci_irq_vector(dev->pdev, n), &dev->vectors[n]);
	pci_free_irq_vectors(dev->pdev);
	kfree(dev->vectors);
}

static int pvs_request_irqs(struct pvs_dev *dev)
{
	u32 offered = readl(dev->regs + PVS_REG_N_VECTORS);
	struct pvs_vector *vector;
	int i, err;

	dev->n_vectors = pci_alloc_irq_vectors(dev->pdev, 2, clamp(offered, 2, PVS_MAX_VECTORS),
					       PCI_IRQ_MSIX);
	if (dev->n_vectors < 0) {
		dev_err(&dev->pdev->dev, "needs at least 2 MSI-X vectors (%d)\n", dev->n_vectors);
		return dev->n_vectors;
	}
	dev->info.n_vectors = dev->n_vectors;
	dev->vectors = kcalloc(dev->n_vectors, sizeof(*dev->vectors), GFP_KERNEL);
	if (!dev->vectors) {
		pci_free_irq_vectors(dev->pdev);
		return -ENOMEM;
	}
	for (i = 0; i < dev->n_vectors; i++) {
		vector = &dev->vectors[i];
		vector->dev = dev;
		vector->index = i;
		snprintf(vector->name, sizeof(vector->name),
			 i ? "pvsched-vcpu%d" : "pvsched-config", i - 1);
		err = request_irq(pci_irq_vector(dev->pdev, i), i ? pvs_vcpu_irq : pvs_config_irq,
				  0, vector->name, vector);
		if (err) {
			pvs_free_irqs(dev, i);
			return err;
		}
	}
	return 0;
}

/* ---- Probe and remove -------------------------------------------------------------------------
 */

void pvs_dev_free(struct kref *ref)
{
	kfree(container_of(ref, struct pvs_dev, ref));
}

static struct pvs_dev *pvs_dev_alloc(struct pci_dev *pdev)
{
	struct pvs_dev *dev;

	dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	if (!dev)
		return NULL;
	dev->pdev = pdev;
	kref_init(&dev->ref);
	mutex_init(&dev->lock);
	INIT_WORK(&dev->config_work, pvs_config_work);
	INIT_DELAYED_WORK(&dev->clock_work, pvs_clock_work);
	INIT_LIST_HEAD(&dev->files);
	init_waitqueue_head(&dev->wait);
	dev->info.n_cpus = nr_cpu_ids;
	return dev;
}

static int pvs_claim(struct pvs_dev *dev)
{
	int err = 0;

	mutex_lock(&pvs_one_lock);
	if (pvs_one) {
		dev_err(&dev->pdev->dev, "not used: a VM has one channel, and %s is it\n",
			pci_name(pvs_one->pdev));
		err = -EBUSY;
	} else {
		pvs_one = dev;
	}
	mutex_unlock(&pvs_one_lock);
	return err;
}

static void pvs_unclaim(void)
{
	mutex_lock(&pvs_one_lock);
	pvs_one = NULL;
	mutex_unlock(&pvs_one_lock);
}

static int pvs_pci_enable(struct pvs_dev *dev)
{
	struct pci_dev *pdev = dev->pdev;
	int err;

	err = pci_enable_device_mem(pdev);
	if (err)
		return err;
	err = pci_request_mem_regions(pdev, PVS_DRV_NAME);
	if (err)
		goto err_disable;
	err = -ENODEV;
	if (pci_resource_len(pdev, PVS_BAR_REGS) < PVS_REGS_SIZE) {
		dev_err(&pdev->dev, "BAR0 is missing or too small\n");
		goto err_regions;
	}
	dev->regs = pci_ioremap_bar(pdev, PVS_BAR_REGS);
	err = -ENOMEM;
	if (!dev->regs)
		goto err_regions;
	err = pvs_mem_map_bars(dev);
	if (err)
		goto err_regs;
	/* For MSI-X. */
	pci_set_master(pdev);
	return 0;

err_regs:
	iounmap(dev->regs);
err_regions:
	pci_release_mem_regions(pdev);
err_disable:
	pci_disable_device(pdev);
	return err;
}

static void pvs_pci_disable(struct pvs_dev *dev)
{
	pci_clear_master(dev->pdev);
	pvs_mem_unmap_bars(dev);
	iounmap(dev->regs);
	pci_release_mem_regions(dev->pdev);
	pci_disable_device(dev->pdev);
}

static int pvs_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct pvs_dev *dev;
	int err;

	dev = pvs_dev_alloc(pdev);
	if (!dev)
		return -ENOMEM;
	pci_set_drvdata(pdev, dev);
	err = pvs_claim(dev);
	if (err)
		goto err_free;
	err = pvs_pci_enable(dev);
	if (err)
		goto err_claim;
	err = pvs_request_irqs(dev);
	if (err)
		goto err_pci;
	err = pvs_misc_init(dev);
	if (err)
		goto err_irqs;
	mutex_lock(&dev->lock);
	err = pvs_hw_connect(dev);
	/* Neither an interrupt's work nor a file that was opened may negotiate from here on. */
	dev->gone = !!err;
	mutex_unlock(&dev->lock);
	if (err)
		goto err_misc;
	pvs_debugfs_init(dev);
	schedule_delayed_work(&dev->clock_work, msecs_to_jiffies(pvs_clock_ms ?: 10000));
	dev_info(&pdev->dev, "%u vCPUs, features %#llx, pages in %s, %s\n", dev->info.n_vcpus,
		 dev->info.features, dev->info.where == PVS_WHERE_RAM ? "RAM" : "the BAR",
		 pvs_memtype_name(dev->info.guest_type));
	return 0;

err_misc:
	pvs_misc_exit(dev);
err_irqs:
	pvs_free_irqs(dev, dev->n_vectors);
err_pci:
	cancel_work_sync(&dev->config_work);
	pvs_pci_disable(dev);
err_claim:
	pvs_unclaim();
err_free:
	kref_put(&dev->ref, pvs_dev_free);
	return err;
}

/* Programs stay loaded; what they call answers -ENODEV from here on. */
static void pvs_remove(struct pci_dev *pdev)
{
	struct pvs_dev *dev = pci_get_drvdata(pdev);

	pvs_debugfs_exit(dev);
	pvs_misc_exit(dev);
	mutex_lock(&dev->lock);
	pvs_hw_disconnect(dev);
	dev->gone = true;
	mutex_unlock(&dev->lock);
	pvs_free_irqs(dev, dev->n_vectors);
	cancel_work_sync(&dev->config_work);
	cancel_delayed_work_sync(&dev->clock_work);
	pvs_pci_disable(dev);
	pvs_unclaim();
	wake_up_interruptible(&dev->wait);
	kref_put(&dev->ref, pvs_dev_free);
}

/* ---- Suspend, shutdown, function-level reset --------------------------------------------------
 */

static void pvs_stop(struct pvs_dev *dev)
{
	mutex_lock(&dev->lock);
	pvs_hw_disconnect(dev);
	dev->stopped = true;
	mutex_unlock(&dev->lock);
}

static int pvs_start(struct pvs_dev *dev)
{
	int err;

	mutex_lock(&dev->lock);
	dev->stopped = false;
	dev->failures = 0;
	err = pvs_renegotiate(dev);
	mutex_unlock(&dev->lock);
	return err;
}

static int pvs_suspend(struct device *device)
{
	pvs_stop(dev_get_drvdata(device));
	return 0;
}

/* A failure is tried again by clock_work; the system resumes without hints. */
static int pvs_resume(struct device *device)
{
	pci_set_master(to_pci_dev(device));
	pvs_start(dev_get_drvdata(device));
	return 0;
}

static DEFINE_SIMPLE_DEV_PM_OPS(pvs_pm_ops, pvs_suspend, pvs_resume);

/* The next kernel's RAM must not be taken for pages (kexec). */
static void pvs_shutdown(struct pci_dev *pdev)
{
	pvs_stop(pci_get_drvdata(pdev));
}

static void pvs_reset_prepare(struct pci_dev *pdev)
{
	pvs_stop(pci_get_drvdata(pdev));
}

static void pvs_reset_done(struct pci_dev *pdev)
{
	pvs_start(pci_get_drvdata(pdev));
}

static const struct pci_error_handlers pvs_err_handlers = {
	.reset_prepare = pvs_reset_prepare,
	.reset_done = pvs_reset_done,
};

static const struct pci_device_id pvs_ids[] = {{PCI_DEVICE(PVS_PCI_VENDOR_ID, PVS_PCI_DEVICE_ID)},
					       {}};
MODULE_DEVICE_TABLE(pci, pvs_ids);

static struct pci_driver pvs_driver = {
	.name = PVS_DRV_NAME,
	.id_table = pvs_ids,
	.probe = pvs_probe,
	.remove = pvs_remove,
	.shutdown = pvs_shutdown,
	.err_handler = &pvs_err_handlers,
	.dev_groups = pvs_groups,
	.driver =
		{
			.pm = pm_sleep_ptr(&pvs_pm_ops),
			/* Hints have no other device to go to. */
			.suppress_bind_attrs = true,
		},
};

static int __init pvs_init(void)
{
	int err;

	err = pvs_kfunc_init();
	if (err)
		return err;
	err = pvs_cpu_init();
	if (err)
		return err;
	err = pci_register_driver(&pvs_driver);
	if (err)
		pvs_cpu_exit();
	return err;
}
module_init(pvs_init);

/* No program is left that calls a kfunc: each held a reference. */
static void __exit pvs_exit(void)
{
	pci_unregister_driver(&pvs_driver);
	pvs_cpu_exit();
	pvs_mem_exit();
}
module_exit(pvs_exit);

MODULE_DESCRIPTION("Sluice paravirtual scheduling: the guest's end");
MODULE_LICENSE("GPL");
