/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Machines with more vCPUs than interrupt vectors, and with as many as a machine may have: what is
 * said and done for the last one, and who is told when two share a vector.
 */
#include "qemu/osdep.h"
#include "qemu/host-utils.h"
#include "sluice-pvs.h"

#define PVS_MANY_PROPS \
	",actuators=off,switch-events=off,policy=boost,boost-refill-ppm=1000000,max-boosted=2"

/* One whose APIC id may be above 255. */
#define PVS_CPU "qemu64-x86_64-cpu,x2apic=on,socket-id=%u,core-id=%u,thread-id=0"

typedef struct Many {
	unsigned n_vcpus, sockets, cores;
	unsigned sharing; /* has the vector of the last one */
	uint32_t last_id; /* APIC id of the last one: sockets begin at a power of two */
} Many;

/* An id above 255, and the number of vCPUs that ends both windows of registers. */
static const Many many = {
	.n_vcpus = 288, .sockets = 48, .cores = 6, .sharing = 223, .last_id = 47 << 3 | 5};
static const Many most = {.n_vcpus = PVS_MAX_VCPUS,
			  .sockets = 1024,
			  .cores = 4,
			  .sharing = 3967,
			  .last_id = PVS_MAX_VCPUS - 1};

static QPvs *pvs_start_many(const Many *m)
{
	g_autofree char *smp = g_strdup_printf("1,sockets=%u,cores=%u,threads=1,maxcpus=%u",
					       m->sockets, m->cores, m->n_vcpus);
	g_autofree char *cpus =
		g_strdup_printf("-device " PVS_CPU " -device " PVS_CPU, m->sharing / m->cores,
				m->sharing % m->cores, m->sockets - 1, m->cores - 1);

	return pvs_start_with(&(QPvsOptions){.smp = smp, .before = cpus, .props = PVS_MANY_PROPS});
}

static bool pvs_present(QPvs *s, unsigned v)
{
	return pvs_host_get(s, v, 0) >> PVS_STATE_FLAGS_SHIFT & PVS_STATE_PRESENT;
}

static void pvs_check_registers(QPvs *s, const Many *m)
{
	const unsigned last = m->n_vcpus - 1;
	uint64_t size = 0;

	g_assert_cmpuint(pvs_reg(s, PVS_REG_N_VCPUS), ==, m->n_vcpus);
	g_assert_cmpuint(pvs_reg(s, PVS_REG_N_VECTORS), ==, PVS_MAX_VECTORS);
	g_assert_cmphex(pvs_reg(s, PVS_REG_VCPU_ID + 4 * last), ==, m->last_id);
	g_assert_cmpuint(pvs_reg(s, PVS_REG_BAD_ACCESS), ==, 0);
	pvs_reg_set(s, PVS_REG_KICK + 4 * last, 1);
	pvs_reg_set(s, PVS_REG_DOORBELL, last);
	g_assert_cmpuint(pvs_reg(s, PVS_REG_BAD_ACCESS), ==, 0);
	/* One further. Above the most there can be, a kick ends where the ids begin. */
	pvs_reg_set(s, PVS_REG_KICK + 4 * m->n_vcpus, 1);
	pvs_reg_set(s, PVS_REG_DOORBELL, m->n_vcpus);
	g_assert_cmpuint(pvs_reg(s, PVS_REG_BAD_ACCESS), ==, 2);
	if (m->n_vcpus < PVS_MAX_VCPUS) {
		g_assert_cmphex(pvs_reg(s, PVS_REG_VCPU_ID + 4 * m->n_vcpus), ==, 0);
		g_assert_cmpuint(pvs_reg(s, PVS_REG_BAD_ACCESS), ==, 3);
	}
	qpci_iomap(s->pci, PVS_BAR_REGS, &size);
	g_assert_cmphex(size, ==, PVS_REGS_SIZE);
	qpci_iomap(s->pci, PVS_BAR_GUEST, &size);
	g_assert_cmphex(size, ==, pow2ceil((m->n_vcpus + PVS_OPAQUE_PAGES) * PVS_PAGE_STRIDE));
	qpci_iomap(s->pci, PVS_BAR_HOST, &size);
	g_assert_cmphex(size, ==, pow2ceil((m->n_vcpus + PVS_OPAQUE_PAGES) * PVS_PAGE_STRIDE));
	pvs_map(s);
}

/* The last vCPU's page and the one behind it, to their last word. */
static void pvs_check_pages(QPvs *s, const Many *m)
{
	const size_t end = PVS_PAGE_STRIDE - 8;
	const unsigned last = m->n_vcpus - 1;

	g_assert_true(pvs_present(s, 0) && pvs_present(s, m->sharing) && pvs_present(s, last));
	g_assert_false(pvs_present(s, 1) || pvs_present(s, m->sharing + 1) ||
		       pvs_present(s, last - 1));
	pvs_guest_set(s, last, end, 0x1111);
	pvs_guest_set(s, last + PVS_OPAQUE_PAGES, end, 0x2222);
	g_assert_cmphex(pvs_guest_get(s, last, end), ==, 0x1111);
	g_assert_cmphex(pvs_guest_get(s, last + PVS_OPAQUE_PAGES, end), ==, 0x2222);
}

static void pvs_ask(QPvs *s, unsigned v, uint64_t ticket)
{
	pvs_guest_set(s, v, offsetof(struct pvs_guest_page, notify), PVS_NOTIFY_TICKET);
	pvs_guest_set(s, v, offsetof(struct pvs_guest_page, ticket), ticket);
	pvs_reg_set(s, PVS_REG_KICK + 4 * v, 1);
}

static void pvs_check_vector(QPvs *s, unsigned v, unsigned vector)
{
	gint64 end = g_get_monotonic_time() + PVS_PATIENCE;
	unsigned i;

	pvs_ask(s, v, v);
	pvs_wait_interrupt(s, vector);
	while (pvs_host_get(s, v, offsetof(struct pvs_host_page, ticket)) != v)
		g_assert_cmpint(g_get_monotonic_time(), <, end);
	for (i = 1; i < s->n_vectors; i++)
		g_assert_false(pvs_interrupted(s, i));
}

static void pvs_wait_boost(QPvs *s, unsigned v, enum pvs_boost boost)
{
	gint64 end = g_get_monotonic_time() + PVS_PATIENCE;

	while ((pvs_host_get(s, v, 0) >> PVS_STATE_BOOST_SHIFT & PVS_STATE_BOOST_MASK) != boost)
		g_assert_cmpint(g_get_monotonic_time(), <, end);
}

static void pvs_check_boost(QPvs *s, unsigned v)
{
	pvs_guest_set(s, v, offsetof(struct pvs_guest_page, intent),
		      PVS_CLASS_RT << PVS_INTENT_CLASS_SHIFT | 20ull << PVS_INTENT_NICE_SHIFT);
	pvs_reg_set(s, PVS_REG_KICK + 4 * v, 1);
	pvs_wait_boost(s, v, PVS_BOOST_RT);
	g_assert_cmpuint(pvs_vcpu_stat(s, v, "applied"), >, 0);
}

static void pvs_check_many(const Many *m)
{
	const unsigned last = m->n_vcpus - 1;
	QPvs *s = pvs_start_many(m);

	pvs_check_registers(s, m);
	pvs_bring_up(s, PVS_F_INTENT | PVS_F_STATE | PVS_F_TICKET);
	pvs_check_pages(s, m);
	g_assert_cmpuint(last % (PVS_MAX_VECTORS - 1), ==, m->sharing % (PVS_MAX_VECTORS - 1));
	pvs_check_vector(s, last, 1 + last % (PVS_MAX_VECTORS - 1));
	pvs_check_vector(s, m->sharing, 1 + last % (PVS_MAX_VECTORS - 1));
	pvs_check_boost(s, last);
	/* Nobody has that number, and nobody is meant. */
	pvs_reg_set(s, PVS_REG_KICK + 4 * (last - 1), 1);
	pvs_assert_alive(s);
	pvs_stop(s);
}

static void test_many(void)
{
	pvs_check_many(&many);
}

static void test_most(void)
{
	pvs_check_many(&most);
}

void pvs_add_many_tests(void)
{
	qtest_add_func("/sluice-pvs/vcpus/many", test_many);
	qtest_add_func("/sluice-pvs/vcpus/most", test_most);
}
