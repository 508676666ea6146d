// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PCI: finding the device, bringing it up to where commands work, giving it up, resetting it.
 */
#include <linux/delay.h>
#include <linux/iopoll.h>
#include <linux/module.h>
#include <linux/rtnetlink.h>

#include "sluice.h"

#if !defined(CONFIG_64BIT)
#error "doorbells are single 64-bit stores: sluice_nic needs a 64-bit kernel"
#endif

#define SLUICE_KNOWN_FEATURES                                                       \
	(SLUICE_FEATURE_XDP_OFFLOAD | SLUICE_FEATURE_RSS | SLUICE_FEATURE_RX_CSUM | \
	 SLUICE_FEATURE_TX_CSUM | SLUICE_FEATURE_RX_PAUSE | SLUICE_FEATURE_EVENTS)

u32 sluice_read32(const struct sluice_dev *sd, u32 reg)
{
	return readl(sd->regs + reg);
}

void sluice_write32(const struct sluice_dev *sd, u32 reg, u32 value)
{
	writel(value, sd->regs + reg);
}

u32 sluice_port_read32(const struct sluice_dev *sd, u32 reg)
{
	return sluice_read32(sd, SLUICE_REG_PORT_BASE + reg);
}

/* After this the device does no DMA: the read waits for the write and for what was under way. */
static void sluice_hw_quiesce(struct sluice_dev *sd)
{
	sluice_write32(sd, SLUICE_REG_RESET, SLUICE_RESET_KEY);
	sluice_read32(sd, SLUICE_REG_STATUS);
	pci_clear_master(sd->pdev);
}

void sluice_dev_fail(struct sluice_dev *sd, const char *reason)
{
	if (test_and_set_bit(SLUICE_FAILING, &sd->flags))
		return;
	dev_err(&sd->pdev->dev,
		"device given up: %s. Unbind and bind the driver, or reset the PCI function\n",
		reason);
	sluice_hw_quiesce(sd);
	/* Only now: whoever sees this frees memory the device knew. */
	set_bit(SLUICE_DEAD, &sd->flags);
	sluice_admin_cancel(sd);
}

static int sluice_hw_reset(struct sluice_dev *sd)
{
	u32 status;
	int err;

	sluice_write32(sd, SLUICE_REG_RESET, SLUICE_RESET_KEY);
	err = read_poll_timeout(sluice_read32, status,
				status & SLUICE_STATUS_READY && status != U32_MAX, 1000,
				SLUICE_RESET_TIMEOUT_MS * 1000, false, sd, SLUICE_REG_STATUS);
	if (err)
		dev_err(&sd->pdev->dev, "not ready after reset: status %#x, boot state %u\n",
			status, sluice_read32(sd, SLUICE_REG_BOOT_STATE));
	return err;
}

static int sluice_hw_identify(struct sluice_dev *sd)
{
	u32 version;

	if (sluice_read32(sd, SLUICE_REG_MAGIC) != SLUICE_MAGIC) {
		dev_err(&sd->pdev->dev, "BAR0 does not show a Sluice NIC\n");
		return -ENODEV;
	}
	version = sluice_read32(sd, SLUICE_REG_ABI_VERSION);
	if (version >> 16 != SLUICE_ABI_MAJOR) {
		dev_err(&sd->pdev->dev, "ABI version %u.%u; this driver knows %u.x\n",
			version >> 16, version & 0xffff, SLUICE_ABI_MAJOR);
		return -EOPNOTSUPP;
	}
	return 0;
}

static int sluice_hw_negotiate(struct sluice_dev *sd)
{
	sluice_write32(sd, SLUICE_REG_FEATURE_PAGE, 0);
	sd->features = lo_hi_readq(sd->regs + SLUICE_REG_DEV_FEATURES) & SLUICE_KNOWN_FEATURES;
	lo_hi_writeq(sd->features, sd->regs + SLUICE_REG_DRV_FEATURES);
	sluice_write32(sd, SLUICE_REG_CONTROL, SLUICE_CONTROL_FEATURES_OK);
	if (!(sluice_read32(sd, SLUICE_REG_STATUS) & SLUICE_STATUS_FEATURES_OK)) {
		dev_err(&sd->pdev->dev, "the device does not accept features %#llx\n",
			sd->features);
		return -EIO;
	}
	return 0;
}

/* From a device in any state to one that takes commands. */
static int sluice_hw_start(struct sluice_dev *sd)
{
	int err;

	err = sluice_hw_identify(sd);
	if (err)
		return err;
	err = sluice_hw_reset(sd);
	if (err)
		return err;
	sd->generation++;
	clear_bit(SLUICE_DEAD, &sd->flags);
	clear_bit(SLUICE_FAILING, &sd->flags);
	pci_set_master(sd->pdev);
	err = sluice_hw_negotiate(sd);
	if (err)
		goto err_quiesce;
	err = sluice_admin_start(sd);
	if (err)
		goto err_quiesce;
	err = sluice_query_caps(sd);
	if (err)
		goto err_admin;
	return 0;

err_admin:
	sluice_hw_quiesce(sd);
	sluice_admin_stop(sd);
	return err;
err_quiesce:
	sluice_hw_quiesce(sd);
	return err;
}

static void sluice_hw_stop(struct sluice_dev *sd)
{
	sluice_hw_quiesce(sd);
	sluice_admin_stop(sd);
}

static int sluice_map_bars(struct sluice_dev *sd)
{
	struct pci_dev *pdev = sd->pdev;
	resource_size_t size = pci_resource_len(pdev, SLUICE_BAR_DOORBELLS);

	if (pci_resource_len(pdev, SLUICE_BAR_REGS) < SLUICE_REGS_SIZE ||
	    size < SLUICE_DOORBELL_PAGE) {
		dev_err(&pdev->dev, "BAR0 or BAR2 is missing or too small\n");
		return -ENODEV;
	}
	sd->regs = pci_ioremap_bar(pdev, SLUICE_BAR_REGS);
	if (!sd->regs)
		return -ENOMEM;
	sd->doorbells = pci_ioremap_bar(pdev, SLUICE_BAR_DOORBELLS);
	if (!sd->doorbells) {
		iounmap(sd->regs);
		return -ENOMEM;
	}
	sd->max_pairs = min_t(resource_size_t, size / SLUICE_DOORBELL_PAGE, SLUICE_MAX_QUEUES);
	return 0;
}

static void sluice_unmap_bars(struct sluice_dev *sd)
{
	iounmap(sd->doorbells);
	iounmap(sd->regs);
}

/* Vector 0 serves the admin rings, each further one a queue pair. */
static int sluice_alloc_vectors(struct sluice_dev *sd)
{
	u32 pairs = sluice_read32(sd, SLUICE_REG_N_QUEUE_PAIRS);
	u32 vectors = sluice_read32(sd, SLUICE_REG_N_VECTORS);
	int n;

	sd->max_pairs = min3(sd->max_pairs, pairs, num_possible_cpus());
	n = pci_alloc_irq_vectors(sd->pdev, 2, min(vectors, sd->max_pairs + 1), PCI_IRQ_MSIX);
	if (n < 0) {
		dev_err(&sd->pdev->dev, "needs at least 2 MSI-X vectors (%d)\n", n);
		return n;
	}
	sd->n_vectors = n;
	sd->max_pairs = min_t(unsigned int, sd->max_pairs, n - 1);
	return 0;
}

static int sluice_pci_enable(struct pci_dev *pdev)
{
	int err;

	err = pci_enable_device_mem(pdev);
	if (err)
		return err;
	err = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (err)
		goto err_disable;
	err = pci_request_mem_regions(pdev, SLUICE_DRV_NAME);
	if (err)
		goto err_disable;
	return 0;

err_disable:
	pci_disable_device(pdev);
	return err;
}

static void sluice_pci_disable(struct pci_dev *pdev)
{
	pci_release_mem_regions(pdev);
	pci_disable_device(pdev);
}

static int sluice_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct sluice_dev *sd;
	int err;

	sd = kzalloc_obj(*sd);
	if (!sd)
		return -ENOMEM;
	sd->pdev = pdev;
	sluice_admin_init(sd);
	pci_set_drvdata(pdev, sd);

	err = sluice_pci_enable(pdev);
	if (err)
		goto err_free;
	err = sluice_map_bars(sd);
	if (err)
		goto err_pci;
	err = sluice_alloc_vectors(sd);
	if (err)
		goto err_bars;
	err = sluice_hw_start(sd);
	if (err)
		goto err_vectors;
	sd->max_pairs = min(sd->max_pairs, sd->caps.max_pairs);
	err = sluice_offload_create(sd);
	if (err)
		goto err_hw;
	err = sluice_port_create(sd);
	if (err)
		goto err_offload;
	return 0;

err_offload:
	sluice_offload_destroy(sd);
err_hw:
	sluice_hw_stop(sd);
err_vectors:
	pci_free_irq_vectors(pdev);
err_bars:
	sluice_unmap_bars(sd);
err_pci:
	sluice_pci_disable(pdev);
err_free:
	kfree(sd);
	return err;
}

/*
 * The netdev goes first, while commands still work: queues, the attached program, programs and maps
 * are taken back from the device in good order. Memory the device knows is freed after the reset.
 */
static void sluice_remove(struct pci_dev *pdev)
{
	struct sluice_dev *sd = pci_get_drvdata(pdev);

	sluice_port_destroy(sd);
	sluice_offload_destroy(sd);
	sluice_hw_stop(sd);
	pci_free_irq_vectors(pdev);
	sluice_unmap_bars(sd);
	sluice_pci_disable(pdev);
	kfree(sd);
}

/* Nothing of the next kernel's memory may be written to (kexec). */
static void sluice_shutdown(struct pci_dev *pdev)
{
	struct sluice_dev *sd = pci_get_drvdata(pdev);

	rtnl_lock();
	netif_device_detach(sd->port->netdev);
	sluice_port_down(sd->port);
	rtnl_unlock();
	sluice_hw_stop(sd);
	pci_disable_device(pdev);
}

static void sluice_reset_prepare(struct pci_dev *pdev)
{
	struct sluice_dev *sd = pci_get_drvdata(pdev);

	rtnl_lock();
	netif_device_detach(sd->port->netdev);
	sluice_port_down(sd->port);
	set_bit(SLUICE_FAILING, &sd->flags);
	set_bit(SLUICE_DEAD, &sd->flags);
	rtnl_unlock();
	sluice_hw_stop(sd);
}

static void sluice_reset_done(struct pci_dev *pdev)
{
	struct sluice_dev *sd = pci_get_drvdata(pdev);
	struct net_device *netdev = sd->port->netdev;
	int err;

	err = sluice_hw_start(sd);
	if (err) {
		dev_err(&pdev->dev, "does not come back after the reset (%d)\n", err);
		set_bit(SLUICE_FAILING, &sd->flags);
		set_bit(SLUICE_DEAD, &sd->flags);
		return;
	}
	rtnl_lock();
	sluice_port_sync_mac(sd->port);
	if (netif_running(netdev) && sluice_port_up(sd->port))
		dev_close(netdev);
	/* Last: it lets start_xmit() in. */
	netif_device_attach(netdev);
	rtnl_unlock();
}

static const struct pci_error_handlers sluice_err_handlers = {
	.reset_prepare = sluice_reset_prepare,
	.reset_done = sluice_reset_done,
};

static const struct pci_device_id sluice_ids[] = {
	{PCI_DEVICE(SLUICE_PCI_VENDOR_ID, SLUICE_PCI_DEVICE_ID_NIC)}, {}};
MODULE_DEVICE_TABLE(pci, sluice_ids);

static struct pci_driver sluice_driver = {
	.name = SLUICE_DRV_NAME,
	.id_table = sluice_ids,
	.probe = sluice_probe,
	.remove = sluice_remove,
	.shutdown = sluice_shutdown,
	.err_handler = &sluice_err_handlers,
};
module_pci_driver(sluice_driver);

MODULE_DESCRIPTION("Sluice NIC with XDP offload");
MODULE_LICENSE("GPL");
