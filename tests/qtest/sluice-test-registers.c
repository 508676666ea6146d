/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Identity, registers of every width, holes, feature negotiation, doorbell widths. */
#include "qemu/osdep.h"
#include "hw/pci/pci_regs.h"
#include "sluice.h"

/* Every register of BAR0 but the port blocks. */
static const struct {
	uint16_t offset;
	uint8_t size;
} sluice_registers[] = {
	{SLUICE_REG_MAGIC, 4},        {SLUICE_REG_ABI_VERSION, 4},  {SLUICE_REG_FEATURE_PAGE, 4},
	{SLUICE_REG_STATUS, 4},       {SLUICE_REG_DEV_FEATURES, 8}, {SLUICE_REG_DRV_FEATURES, 8},
	{SLUICE_REG_CONTROL, 4},      {SLUICE_REG_RESET, 4},        {SLUICE_REG_INTR_CAUSE, 4},
	{SLUICE_REG_INTR_MASK, 4},    {SLUICE_REG_N_PORTS, 4},      {SLUICE_REG_N_QUEUE_PAIRS, 4},
	{SLUICE_REG_N_VECTORS, 4},    {SLUICE_REG_BAD_ACCESS, 4},   {SLUICE_REG_FW_VERSION, 8},
	{SLUICE_REG_FATAL_CODE, 4},   {SLUICE_REG_FATAL_QUEUE, 4},  {SLUICE_REG_FATAL_INFO, 8},
	{SLUICE_REG_BOOT_STATE, 4},   {SLUICE_REG_ASQ_BASE, 8},     {SLUICE_REG_ACQ_BASE, 8},
	{SLUICE_REG_EVQ_BASE, 8},     {SLUICE_REG_ASQ_SIZE, 4},     {SLUICE_REG_ACQ_SIZE, 4},
	{SLUICE_REG_EVQ_SIZE, 4},     {SLUICE_REG_ADMIN_VECTOR, 4}, {SLUICE_REG_ASQ_DOORBELL, 4},
	{SLUICE_REG_ACQ_DOORBELL, 4}, {SLUICE_REG_EVQ_DOORBELL, 4},
};

static bool sluice_is_register(uint64_t offset)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(sluice_registers); i++)
		if (offset >= sluice_registers[i].offset &&
		    offset < sluice_registers[i].offset + sluice_registers[i].size)
			return true;
	return offset >= SLUICE_REG_PORT_BASE &&
	       offset < SLUICE_REG_PORT_BASE + SLUICE_PORT_MTU_LIMITS + 4;
}

static void test_identity(void)
{
	QSluice *s = sluice_start(",queues=3", "");
	uint64_t size;

	g_assert_cmphex(qpci_config_readw(s->pci, PCI_VENDOR_ID), ==, SLUICE_PCI_VENDOR_ID);
	g_assert_cmphex(qpci_config_readw(s->pci, PCI_DEVICE_ID), ==, SLUICE_PCI_DEVICE_ID_NIC);
	g_assert_cmphex(qpci_config_readb(s->pci, PCI_REVISION_ID), ==, SLUICE_PCI_REVISION);
	g_assert_cmphex(qpci_config_readw(s->pci, PCI_CLASS_DEVICE), ==, 0x0200);
	g_assert_cmphex(qpci_config_readl(s->pci, PCI_BASE_ADDRESS_0) & 0xf, ==, 0);
	g_assert_cmphex(qpci_config_readl(s->pci, PCI_BASE_ADDRESS_2) & 0xf, ==,
			PCI_BASE_ADDRESS_MEM_TYPE_64);
	qpci_iomap(s->pci, SLUICE_BAR_REGS, &size);
	g_assert_cmphex(size, ==, SLUICE_REGS_SIZE);
	qpci_iomap(s->pci, SLUICE_BAR_DOORBELLS, &size);
	g_assert_cmphex(size, ==, 4 * SLUICE_DOORBELL_PAGE);
	sluice_bring_up(s);

	g_assert_cmphex(sluice_reg(s, SLUICE_REG_MAGIC), ==, SLUICE_MAGIC);
	g_assert_cmphex(sluice_reg(s, SLUICE_REG_ABI_VERSION), ==,
			SLUICE_ABI_MAJOR << 16 | SLUICE_ABI_MINOR);
	g_assert_cmpuint(sluice_reg(s, SLUICE_REG_BOOT_STATE), ==, SLUICE_BOOT_RUNNING);
	g_assert_cmpuint(sluice_reg(s, SLUICE_REG_N_PORTS), ==, 1);
	g_assert_cmpuint(sluice_reg(s, SLUICE_REG_N_QUEUE_PAIRS), ==, 3);
	g_assert_cmpuint(sluice_reg(s, SLUICE_REG_N_VECTORS), ==, 7);
	g_assert_cmphex(sluice_reg(s, SLUICE_REG_PORT_BASE + SLUICE_PORT_MAC_LO), ==, 0x12005452);
	g_assert_cmphex(sluice_reg(s, SLUICE_REG_PORT_BASE + SLUICE_PORT_MAC_HI), ==, 0x5634);
	g_assert_cmpuint(sluice_reg(s, SLUICE_REG_PORT_BASE + SLUICE_PORT_LINK), ==,
			 10000 << 1 | 1);
	g_assert_cmpuint(sluice_reg(s, SLUICE_REG_BAD_ACCESS), ==, 0);
	sluice_stop(s);
}

/* What is not one aligned access of a register's width reads zero, writes nothing and counts. */
static void test_widths(void)
{
	QSluice *s = sluice_start("", "");
	uint64_t base, value;
	uint32_t bad = 0;

	sluice_bring_up(s);
	base = s->regs.addr;
	sluice_reg_set(s, SLUICE_REG_INTR_MASK, SLUICE_INTR_EVENT);

	g_assert_cmphex(qtest_readb(s->qts, base + SLUICE_REG_MAGIC), ==, 0);
	g_assert_cmpuint(sluice_reg(s, SLUICE_REG_BAD_ACCESS), ==, ++bad);
	g_assert_cmphex(qtest_readw(s->qts, base + SLUICE_REG_MAGIC), ==, 0);
	g_assert_cmpuint(sluice_reg(s, SLUICE_REG_BAD_ACCESS), ==, ++bad);
	g_assert_cmphex(qtest_readq(s->qts, base + SLUICE_REG_MAGIC), ==, 0);
	g_assert_cmpuint(sluice_reg(s, SLUICE_REG_BAD_ACCESS), ==, ++bad);
	g_assert_cmphex(qtest_readl(s->qts, base + SLUICE_REG_MAGIC + 1), ==, 0);
	g_assert_cmpuint(sluice_reg(s, SLUICE_REG_BAD_ACCESS), ==, ++bad);
	g_assert_cmphex(qtest_readq(s->qts, base + SLUICE_REG_FW_VERSION - 4), ==, 0);
	g_assert_cmpuint(sluice_reg(s, SLUICE_REG_BAD_ACCESS), ==, ++bad);

	qtest_writeb(s->qts, base + SLUICE_REG_INTR_MASK, 0xff);
	g_assert_cmpuint(sluice_reg(s, SLUICE_REG_BAD_ACCESS), ==, ++bad);
	qtest_writew(s->qts, base + SLUICE_REG_INTR_MASK, 0xffff);
	g_assert_cmpuint(sluice_reg(s, SLUICE_REG_BAD_ACCESS), ==, ++bad);
	qtest_writeq(s->qts, base + SLUICE_REG_INTR_MASK - 4, ~0ull);
	g_assert_cmpuint(sluice_reg(s, SLUICE_REG_BAD_ACCESS), ==, ++bad);
	qtest_writel(s->qts, base + SLUICE_REG_INTR_MASK + 2, ~0u);
	g_assert_cmpuint(sluice_reg(s, SLUICE_REG_BAD_ACCESS), ==, ++bad);
	g_assert_cmphex(sluice_reg(s, SLUICE_REG_INTR_MASK), ==, SLUICE_INTR_EVENT);

	/* A 64-bit register takes two halves, low first. */
	value = sluice_reg64(s, SLUICE_REG_FW_VERSION);
	g_assert_cmphex(sluice_reg(s, SLUICE_REG_FW_VERSION), ==, (uint32_t)value);
	g_assert_cmphex(sluice_reg(s, SLUICE_REG_FW_VERSION + 4), ==, value >> 32);
	g_assert_cmpuint(sluice_reg(s, SLUICE_REG_BAD_ACCESS), ==, bad);
	sluice_stop(s);
}

static void test_halves(void)
{
	QSluice *s = sluice_start("", "");

	qpci_device_enable(s->pci);
	s->regs = qpci_iomap(s->pci, SLUICE_BAR_REGS, NULL);
	sluice_reg_set(s, SLUICE_REG_ASQ_BASE, 0x11223340);
	sluice_reg_set(s, SLUICE_REG_ASQ_BASE + 4, 0x55667788);
	g_assert_cmphex(sluice_reg64(s, SLUICE_REG_ASQ_BASE), ==, 0x5566778811223340ull);
	sluice_reg64_set(s, SLUICE_REG_ASQ_BASE, 0x8877665544332200ull);
	g_assert_cmphex(sluice_reg(s, SLUICE_REG_ASQ_BASE), ==, 0x44332200);
	g_assert_cmphex(sluice_reg(s, SLUICE_REG_ASQ_BASE + 4), ==, 0x88776655);
	g_assert_cmpuint(sluice_reg(s, SLUICE_REG_BAD_ACCESS), ==, 0);
	sluice_stop(s);
}

static void test_holes(void)
{
	QSluice *s = sluice_start("", "");
	uint32_t bad = 0;
	uint64_t offset;

	sluice_bring_up(s);
	for (offset = 0; offset < SLUICE_REGS_SIZE; offset += 4) {
		if (sluice_is_register(offset))
			continue;
		sluice_reg_set(s, offset, ~0u);
		g_assert_cmphex(sluice_reg(s, offset), ==, 0);
		bad += 2;
	}
	g_assert_cmpuint(bad, >, 0);
	g_assert_cmpuint(sluice_reg(s, SLUICE_REG_BAD_ACCESS), ==, bad);
	sluice_cmd(s, SLUICE_OP_NOP, NULL, 0, NULL, NULL, 0);
	sluice_stop(s);
}

static void test_read_only(void)
{
	static const uint16_t registers[] = {
		SLUICE_REG_MAGIC,      SLUICE_REG_ABI_VERSION,   SLUICE_REG_STATUS,
		SLUICE_REG_N_PORTS,    SLUICE_REG_N_QUEUE_PAIRS, SLUICE_REG_N_VECTORS,
		SLUICE_REG_BOOT_STATE,
	};
	QSluice *s = sluice_start("", "");
	unsigned i;

	sluice_bring_up(s);
	for (i = 0; i < ARRAY_SIZE(registers); i++) {
		uint32_t value = sluice_reg(s, registers[i]);

		sluice_reg_set(s, registers[i], ~value);
		g_assert_cmphex(sluice_reg(s, registers[i]), ==, value);
	}
	sluice_stop(s);
}

static void test_features(void)
{
	QSluice *s = sluice_start("", "");
	uint64_t offered;

	qpci_device_enable(s->pci);
	s->regs = qpci_iomap(s->pci, SLUICE_BAR_REGS, NULL);
	offered = sluice_reg64(s, SLUICE_REG_DEV_FEATURES);
	g_assert_cmphex(offered & SLUICE_FEATURE_XDP_OFFLOAD, ==, SLUICE_FEATURE_XDP_OFFLOAD);
	g_assert_cmphex(offered & SLUICE_FEATURE_RX_PAUSE, ==, SLUICE_FEATURE_RX_PAUSE);

	/* What was not offered is not accepted, and without acceptance no rings run. */
	sluice_negotiate(s, offered | 1ull << 63);
	g_assert_cmphex(sluice_reg(s, SLUICE_REG_STATUS), ==, SLUICE_STATUS_READY);
	sluice_reg64_set(s, SLUICE_REG_ASQ_BASE, 0x100000);
	sluice_reg64_set(s, SLUICE_REG_ACQ_BASE, 0x101000);
	sluice_reg_set(s, SLUICE_REG_ASQ_SIZE, 16);
	sluice_reg_set(s, SLUICE_REG_ACQ_SIZE, 16);
	sluice_reg_set(s, SLUICE_REG_CONTROL, SLUICE_CONTROL_ADMIN_ENABLE);
	g_assert_cmphex(sluice_reg(s, SLUICE_REG_STATUS), ==, SLUICE_STATUS_READY);

	sluice_negotiate(s, offered);
	g_assert_cmphex(sluice_reg(s, SLUICE_REG_STATUS), ==,
			SLUICE_STATUS_READY | SLUICE_STATUS_FEATURES_OK);

	/* Pages beyond the first offer nothing. */
	sluice_reg_set(s, SLUICE_REG_FEATURE_PAGE, 1);
	g_assert_cmphex(sluice_reg64(s, SLUICE_REG_DEV_FEATURES), ==, 0);
	sluice_stop(s);
}

static void test_no_rx_pause(void)
{
	QSluice *s = sluice_start(",rx-pause=off", "");

	qpci_device_enable(s->pci);
	s->regs = qpci_iomap(s->pci, SLUICE_BAR_REGS, NULL);
	g_assert_cmphex(sluice_reg64(s, SLUICE_REG_DEV_FEATURES) & SLUICE_FEATURE_RX_PAUSE, ==, 0);
	sluice_stop(s);
}

static void test_doorbell_widths(void)
{
	QSluice *s = sluice_start("", "");
	QSluiceQueue rx, tx;
	uint64_t base;
	uint32_t bad = 0;

	sluice_bring_up(s);
	sluice_traffic(s, &rx, &tx);
	base = s->doorbells.addr;
	qtest_writeb(s->qts, base + SLUICE_DB_RX_FREE, 0xff);
	g_assert_cmpuint(sluice_reg(s, SLUICE_REG_BAD_ACCESS), ==, ++bad);
	qtest_writew(s->qts, base + SLUICE_DB_RX_FREE, 0xffff);
	g_assert_cmpuint(sluice_reg(s, SLUICE_REG_BAD_ACCESS), ==, ++bad);
	qtest_writel(s->qts, base + SLUICE_DB_RX_FREE, 0xffffffff);
	g_assert_cmpuint(sluice_reg(s, SLUICE_REG_BAD_ACCESS), ==, ++bad);
	qtest_writeq(s->qts, base + SLUICE_DB_RX_FREE + 4, 0xffffffff);
	g_assert_cmpuint(sluice_reg(s, SLUICE_REG_BAD_ACCESS), ==, ++bad);
	qtest_writeq(s->qts, base + SLUICE_DB_TX_CPL + 8, 1);
	g_assert_cmpuint(sluice_reg(s, SLUICE_REG_BAD_ACCESS), ==, ++bad);
	/* None of them moved the queue. */
	g_assert_cmpuint(sluice_queue_query(s, SLUICE_QUEUE_RX, 0).producer, ==, SLUICE_RING);
	g_assert_cmpuint(sluice_queue_query(s, SLUICE_QUEUE_RX, 0).state, ==,
			 SLUICE_QSTATE_ENABLED);
	g_assert_cmphex(qtest_readq(s->qts, base + SLUICE_DB_RX_FREE), ==, 0);
	sluice_stop(s);
}

void sluice_add_register_tests(void)
{
	qtest_add_func("/sluice/registers/identity", test_identity);
	qtest_add_func("/sluice/registers/widths", test_widths);
	qtest_add_func("/sluice/registers/halves", test_halves);
	qtest_add_func("/sluice/registers/holes", test_holes);
	qtest_add_func("/sluice/registers/read-only", test_read_only);
	qtest_add_func("/sluice/registers/features", test_features);
	qtest_add_func("/sluice/registers/no-rx-pause", test_no_rx_pause);
	qtest_add_func("/sluice/registers/doorbell-widths", test_doorbell_widths);
}
