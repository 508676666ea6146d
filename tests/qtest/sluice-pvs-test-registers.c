/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PCI, registers, negotiation, the pages as the guest sees them, reset. */
#include "qemu/osdep.h"
#include "hw/pci/pci_ids.h"
#include "hw/pci/pci_regs.h"
#include "sluice-pvs.h"

static void pvs_check_identity(const char *machine)
{
	QPvs *s = pvs_start_with(&(QPvsOptions){.machine = machine, .smp = "2,maxcpus=5"});
	uint32_t bar;

	g_assert_cmphex(qpci_config_readw(s->pci, PCI_VENDOR_ID), ==, PVS_PCI_VENDOR_ID);
	g_assert_cmphex(qpci_config_readw(s->pci, PCI_DEVICE_ID), ==, PVS_PCI_DEVICE_ID);
	g_assert_cmphex(qpci_config_readb(s->pci, PCI_REVISION_ID), ==, PVS_PCI_REVISION);
	g_assert_cmphex(qpci_config_readw(s->pci, PCI_CLASS_DEVICE), ==, PCI_CLASS_SYSTEM_OTHER);
	for (bar = PVS_BAR_GUEST; bar <= PVS_BAR_HOST; bar += 2)
		g_assert_cmphex(qpci_config_readl(s->pci, PCI_BASE_ADDRESS_0 + 4 * bar) & 0xf, ==,
				PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH);
	g_assert_cmphex(pvs_reg(s, PVS_REG_MAGIC), ==, PVS_MAGIC);
	g_assert_cmphex(pvs_reg(s, PVS_REG_VERSION), ==, 0x10000);
	g_assert_cmpuint(pvs_reg(s, PVS_REG_N_VCPUS), ==, 5);
	g_assert_cmpuint(pvs_reg(s, PVS_REG_N_VECTORS), ==, 6);
	g_assert_cmpuint(pvs_reg(s, PVS_REG_PAGE_STRIDE), ==, PVS_PAGE_STRIDE);
	g_assert_cmpuint(pvs_reg(s, PVS_REG_BAD_ACCESS), ==, 0);
	pvs_stop(s);
}

static void test_q35(void)
{
	pvs_check_identity("q35");
}

static void test_pc(void)
{
	pvs_check_identity("pc");
}

/* Three cores to a socket leave a gap in the APIC ids: they are not the pages' indices. */
static void test_vcpu_ids(void)
{
	static const uint32_t want[] = {0, 1, 2, 4, 5, 6};
	QPvs *s = pvs_start_with(&(QPvsOptions){.smp = "6,sockets=2,cores=3,threads=1"});
	unsigned v;

	for (v = 0; v < ARRAY_SIZE(want); v++)
		g_assert_cmpuint(pvs_reg(s, PVS_REG_VCPU_ID + 4 * v), ==, want[v]);
	pvs_reg(s, PVS_REG_VCPU_ID + 4 * v);
	g_assert_cmpuint(pvs_reg(s, PVS_REG_BAD_ACCESS), ==, 1);
	pvs_stop(s);
}

static void test_clock(void)
{
	QPvs *s = pvs_start("", "");
	struct timespec before, after;
	uint64_t clock;

	clock_gettime(CLOCK_MONOTONIC, &before);
	clock = pvs_reg64(s, PVS_REG_CLOCK);
	clock_gettime(CLOCK_MONOTONIC, &after);
	g_assert_cmpuint(clock, >=, before.tv_sec * 1000000000ull + before.tv_nsec);
	g_assert_cmpuint(clock, <=, after.tv_sec * 1000000000ull + after.tv_nsec);
	pvs_stop(s);
}

static void test_negotiate(void)
{
	QPvs *s = pvs_start("", "");
	uint64_t offered = pvs_reg64(s, PVS_REG_DEV_FEATURES);
	uint32_t driver = PVS_STATUS_ACKNOWLEDGE | PVS_STATUS_DRIVER;

	g_assert_cmphex(offered & (PVS_F_INTENT | PVS_F_CS | PVS_F_STATE), ==,
			PVS_F_INTENT | PVS_F_CS | PVS_F_STATE);
	pvs_reg_set(s, PVS_REG_STATUS, PVS_STATUS_DRIVER);
	pvs_assert_status(s, 0, PVS_RESULT_ORDER);
	pvs_reg_set(s, PVS_REG_STATUS, driver);
	pvs_reg64_set(s, PVS_REG_DRV_FEATURES, ~offered);
	pvs_reg_set(s, PVS_REG_STATUS, driver | PVS_STATUS_FEATURES_OK);
	pvs_assert_status(s, driver, PVS_RESULT_FEATURES);
	pvs_bring_up(s, offered & ~PVS_F_GUEST_RAM);
	g_assert_cmphex(pvs_reg64(s, PVS_REG_DRV_FEATURES), ==, offered & ~PVS_F_GUEST_RAM);
	pvs_stop(s);
}

/* features= narrows what is offered. */
static void test_features_mask(void)
{
	QPvs *s = pvs_start(",features=3", "");

	g_assert_cmphex(pvs_reg64(s, PVS_REG_DEV_FEATURES), ==, PVS_F_INTENT | PVS_F_CS);
	pvs_stop(s);
}

static void test_kick_judged(void)
{
	QPvs *s = pvs_start("", "");

	pvs_bring_up(s, PVS_F_INTENT);
	pvs_reg_set(s, PVS_REG_KICK, 1);
	pvs_reg_set(s, PVS_REG_KICK + 4, 1);
	pvs_reg_set(s, PVS_REG_DOORBELL, 1);
	g_assert_cmpuint(pvs_reg(s, PVS_REG_BAD_ACCESS), ==, 0);
	pvs_reg_set(s, PVS_REG_KICK + 8, 1);
	pvs_reg_set(s, PVS_REG_DOORBELL, 2);
	g_assert_cmpuint(pvs_reg(s, PVS_REG_KICK), ==, 0);
	g_assert_cmpuint(pvs_reg(s, PVS_REG_DOORBELL), ==, 0);
	g_assert_cmpuint(pvs_reg(s, PVS_REG_BAD_ACCESS), ==, 4);
	pvs_stop(s);
}

/* The guest's stores go nowhere, at any width and to the last byte of the BAR. */
static void test_host_pages_read_only(void)
{
	QPvs *s = pvs_start("", "");
	uint64_t i, size = 4 * PVS_PAGE_STRIDE;

	for (i = 0; i < size; i += 8)
		qpci_io_writeq(s->pci, s->host, i, 0x5555555555555555ull);
	for (i = 0; i < size; i += 61) {
		qpci_io_writeb(s->pci, s->host, i, 0xaa);
		qpci_io_writew(s->pci, s->host, i & ~1ull, 0xaaaa);
		qpci_io_writel(s->pci, s->host, i & ~3ull, 0xaaaaaaaa);
	}
	for (i = 8; i < size; i += 8)
		g_assert_cmphex(qpci_io_readq(s->pci, s->host, i), !=, 0x5555555555555555ull);
	g_assert_cmphex(pvs_host_get(s, 2, 0), ==, 0);
	g_assert_cmphex(pvs_host_get(s, 3, PVS_PAGE_STRIDE - 8), ==, 0);
	pvs_stop(s);
}

static void test_guest_pages(void)
{
	QPvs *s = pvs_start("", "");
	unsigned v;

	for (v = 0; v < 3; v++)
		pvs_guest_set(s, v, 0, 0x1111 * (v + 1));
	for (v = 0; v < 3; v++)
		g_assert_cmphex(pvs_guest_get(s, v, 0), ==, 0x1111 * (v + 1));
	pvs_stop(s);
}

static void pvs_check_reset(QPvs *s, uint32_t generation)
{
	unsigned v;

	pvs_assert_status(s, 0, PVS_RESULT_OK);
	g_assert_cmpuint(pvs_reg(s, PVS_REG_GENERATION), ==, generation);
	g_assert_cmphex(pvs_reg64(s, PVS_REG_DRV_FEATURES), ==, 0);
	for (v = 0; v < 3; v++) {
		g_assert_cmphex(pvs_guest_get(s, v, 0), ==, 0);
		g_assert_cmphex(pvs_guest_get(s, v, PVS_PAGE_STRIDE - 8), ==, 0);
	}
}

static void pvs_dirty(QPvs *s)
{
	unsigned v;

	pvs_bring_up(s, PVS_F_INTENT);
	for (v = 0; v < 3; v++) {
		pvs_guest_set(s, v, 0, 0x77);
		pvs_guest_set(s, v, PVS_PAGE_STRIDE - 8, 0x77);
	}
}

static void test_reset_by_status(void)
{
	QPvs *s = pvs_start("", "");
	uint32_t generation;

	pvs_dirty(s);
	generation = pvs_reg(s, PVS_REG_GENERATION);
	pvs_reg_set(s, PVS_REG_STATUS, 0);
	pvs_check_reset(s, generation + 1);
	pvs_stop(s);
}

static void test_reset_by_machine(void)
{
	QPvs *s = pvs_start("", "");
	uint32_t generation;

	pvs_dirty(s);
	generation = pvs_reg(s, PVS_REG_GENERATION);
	qtest_system_reset(s->qts);
	qpci_device_enable(s->pci);
	s->regs = qpci_iomap(s->pci, PVS_BAR_REGS, NULL);
	s->guest = qpci_iomap(s->pci, PVS_BAR_GUEST, NULL);
	pvs_check_reset(s, generation + 1);
	pvs_stop(s);
}

void pvs_add_register_tests(void)
{
	qtest_add_func("/sluice-pvs/registers/q35", test_q35);
	qtest_add_func("/sluice-pvs/registers/pc", test_pc);
	qtest_add_func("/sluice-pvs/registers/vcpu-ids", test_vcpu_ids);
	qtest_add_func("/sluice-pvs/registers/clock", test_clock);
	qtest_add_func("/sluice-pvs/registers/negotiate", test_negotiate);
	qtest_add_func("/sluice-pvs/registers/features-mask", test_features_mask);
	qtest_add_func("/sluice-pvs/registers/kick", test_kick_judged);
	qtest_add_func("/sluice-pvs/pages/host-read-only", test_host_pages_read_only);
	qtest_add_func("/sluice-pvs/pages/guest", test_guest_pages);
	qtest_add_func("/sluice-pvs/reset/status", test_reset_by_status);
	qtest_add_func("/sluice-pvs/reset/machine", test_reset_by_machine);
}
