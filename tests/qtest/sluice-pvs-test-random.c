/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hostile guest: random registers, kicks and pages, bounded, from a printed seed (SLUICE_SEED=n
 * repeats one), storms, BARs that move while they are looked at. The device must stay alive, answer
 * a sane guest afterwards, and have every baseline back.
 */
#include "qemu/osdep.h"
#include "hw/pci/pci_regs.h"
#include "sluice-pvs.h"

#define PVS_OFF ",actuators=off,switch-events=off,policy=boost"
#define N_STEPS 4000

/* Values at the edges are likelier than a fair draw would have them. */
static uint64_t pvs_random_value(GRand *r)
{
	switch (g_rand_int_range(r, 0, 5)) {
	case 0:
		return g_rand_int_range(r, 0, 16);
	case 1:
		return 1ull << g_rand_int_range(r, 0, 64);
	case 2:
		return 0ull - g_rand_int_range(r, 0, 64);
	case 3:
		return 0x1000ull * g_rand_int_range(r, 0, 0x5000);
	default:
		return (uint64_t)g_rand_int(r) << 32 | g_rand_int(r);
	}
}

static void pvs_random_access(QPvs *s, GRand *r, uint64_t addr)
{
	uint64_t value = pvs_random_value(r);

	switch (g_rand_int_range(r, 0, 6)) {
	case 0:
		qtest_writeb(s->qts, addr, value);
		break;
	case 1:
		qtest_readw(s->qts, addr);
		break;
	case 2:
		qtest_readq(s->qts, addr & ~7ull);
		break;
	case 3:
		qtest_writeq(s->qts, addr & ~7ull, value);
		break;
	default:
		qtest_writel(s->qts, addr & ~3ull, value);
		break;
	}
}

static void pvs_random_step(QPvs *s, GRand *r)
{
	static const uint32_t statuses[] = {0x00, 0x01, 0x03, 0x07, 0x0f, 0x0f, 0x0f, 0x4f, 0xff};

	switch (g_rand_int_range(r, 0, 8)) {
	case 0:
		pvs_random_access(s, r, s->regs.addr + g_rand_int_range(r, 0, 0x80));
		break;
	case 1:
		pvs_random_access(s, r, s->regs.addr + g_rand_int_range(r, 0, PVS_REGS_SIZE));
		break;
	case 2:
		pvs_reg_set(s, PVS_REG_STATUS, statuses[g_rand_int_range(r, 0, 9)]);
		break;
	case 3:
		pvs_reg64_set(s, PVS_REG_DRV_FEATURES, g_rand_int_range(r, 0, 0x1000));
		break;
	case 4:
		pvs_reg_set(s, PVS_REG_KICK + 4 * g_rand_int_range(r, 0, 3), 1);
		pvs_reg_set(s, PVS_REG_DOORBELL, g_rand_int_range(r, 0, 3));
		break;
	case 5:
		pvs_random_access(s, r, s->host.addr + g_rand_int_range(r, 0, 4 * PVS_PAGE_STRIDE));
		break;
	default:
		/* Mostly the lines with the hints, and the ring's head. */
		pvs_random_access(s, r,
				  s->guest.addr + g_rand_int_range(r, 0, 3) * PVS_PAGE_STRIDE +
					  g_rand_int_range(r, 0, 0x110));
		break;
	}
}

/* A guest that behaves is served. */
static void pvs_assert_serves(QPvs *s)
{
	gint64 end = g_get_monotonic_time() + PVS_PATIENCE;

	pvs_bring_up(s, PVS_F_INTENT | PVS_F_TICKET);
	pvs_guest_set(s, 1, offsetof(struct pvs_guest_page, ticket), 77);
	while (pvs_host_get(s, 1, offsetof(struct pvs_host_page, ticket)) != 77) {
		pvs_reg_set(s, PVS_REG_KICK + 4, 1);
		g_assert_cmpint(g_get_monotonic_time(), <, end);
	}
	pvs_reg_set(s, PVS_REG_STATUS, 0);
	g_assert_cmpuint(pvs_vcpu_stat(s, 0, "applied") > 0, <=,
			 pvs_vcpu_stat(s, 0, "restored") > 0);
}

static void test_random(void)
{
	const char *text = getenv("SLUICE_SEED");
	uint32_t seed = text ? strtoul(text, NULL, 0) : 20;
	GRand *r = g_rand_new_with_seed(seed);
	QPvs *s = pvs_start(PVS_OFF, "");
	unsigned i;

	g_test_message("SLUICE_SEED=%u", seed);
	for (i = 0; i < N_STEPS; i++)
		pvs_random_step(s, r);
	pvs_assert_serves(s);
	g_rand_free(r);
	pvs_stop(s);
}

/* Kicks and doorbells beyond what is taken cost the one who sends them. */
static void test_storm(void)
{
	QPvs *s = pvs_start(PVS_OFF ",kicks-per-s=100", "");
	unsigned i;

	pvs_bring_up(s, PVS_F_INTENT | PVS_F_RING);
	/* A bucket holds 10 ms' worth, one at least; more than that is refused whatever the pace.
	 */
	for (i = 0; i < 20000 && !pvs_vcpu_stat(s, 0, "rate_limited"); i++) {
		pvs_reg_set(s, PVS_REG_KICK, 1);
		pvs_reg_set(s, PVS_REG_DOORBELL, 0);
	}
	g_assert_cmpuint(pvs_vcpu_stat(s, 0, "rate_limited"), >, 0);
	/* The other one's hints are heard. */
	g_assert_cmpuint(pvs_vcpu_stat(s, 1, "rate_limited"), ==, 0);
	pvs_stop(s);
}

static void test_wild_ring(void)
{
	static const uint32_t heads[] = {PVS_RING_ENTRIES + 1, 0x80000000, 0xffffffff, 5, 0};
	QPvs *s = pvs_start(PVS_OFF, "");
	gint64 end = g_get_monotonic_time() + PVS_PATIENCE;
	unsigned i;

	pvs_bring_up(s, PVS_F_INTENT | PVS_F_RING);
	for (i = 0; i < ARRAY_SIZE(heads); i++) {
		uint64_t before = pvs_vcpu_stat(s, 0, "ring_overruns");

		pvs_guest_set(s, 0, offsetof(struct pvs_guest_page, ring_head), heads[i]);
		pvs_reg_set(s, PVS_REG_DOORBELL, 0);
		while (heads[i] > PVS_RING_ENTRIES &&
		       pvs_vcpu_stat(s, 0, "ring_overruns") == before)
			g_assert_cmpint(g_get_monotonic_time(), <, end);
	}
	pvs_stop(s);
}

/* BARs that move and go while the loop reads: the memory is the device's, not the map's. */
static void test_bars_move(void)
{
	QPvs *s = pvs_start(PVS_OFF, "");
	unsigned i;

	pvs_bring_up(s, PVS_F_INTENT | PVS_F_STATE);
	pvs_guest_set(s, 0, 0, PVS_CLASS_RT | 20 << 4 | 5 << 10);
	for (i = 0; i < 200; i++) {
		uint32_t at = 0xe8000000 + (i % 16) * 0x100000;

		pvs_reg_set(s, PVS_REG_KICK, 1);
		qpci_config_writew(s->pci, PCI_COMMAND, 0);
		qpci_config_writel(s->pci, PCI_BASE_ADDRESS_2, at);
		qpci_config_writel(s->pci, PCI_BASE_ADDRESS_4, at + 0x80000);
		qpci_config_writew(s->pci, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
		s->guest.addr = at;
		s->host.addr = at + 0x80000;
	}
	g_assert_cmphex(pvs_guest_get(s, 0, 0), ==, PVS_CLASS_RT | 20 << 4 | 5 << 10);
	pvs_assert_serves(s);
	pvs_stop(s);
}

/* Its own pages as guest RAM: what it writes comes back to it, and to nobody else. */
static void test_own_bar(void)
{
	QPvs *s = pvs_start(PVS_OFF, "");

	pvs_reg64_set(s, PVS_REG_DRV_FEATURES, PVS_F_INTENT | PVS_F_STATE | PVS_F_GUEST_RAM);
	pvs_reg64_set(s, PVS_REG_GUEST_PAGES, s->guest.addr);
	pvs_reg64_set(s, PVS_REG_HOST_PAGES, 0x300000);
	pvs_reg_set(s, PVS_REG_STATUS, PVS_STATUS_UP);
	pvs_guest_set(s, 0, 0, PVS_CLASS_RT | 20 << 4 | 5 << 10);
	pvs_reg_set(s, PVS_REG_KICK, 1);
	qpci_config_writew(s->pci, PCI_COMMAND, PCI_COMMAND_MASTER);
	qpci_config_writew(s->pci, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	pvs_assert_serves(s);
	pvs_stop(s);
}

void pvs_add_random_tests(void)
{
	qtest_add_func("/sluice-pvs/hostile/random", test_random);
	qtest_add_func("/sluice-pvs/hostile/storm", test_storm);
	qtest_add_func("/sluice-pvs/hostile/wild-ring", test_wild_ring);
	qtest_add_func("/sluice-pvs/hostile/bars-move", test_bars_move);
	qtest_add_func("/sluice-pvs/hostile/own-bar", test_own_bar);
}
