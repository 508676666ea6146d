/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a hint in the guest's page to the decision in the host's, and policies exchanged meanwhile.
 * No thread is touched (actuators=off): what is decided is what counts here.
 */
#include "qemu/osdep.h"
#include <glib/gstdio.h>
#include <pvs.h>
#include "sluice-pvs.h"

#define PVS_OFF      ",actuators=off,switch-events=off"
#define PVS_BOOSTING PVS_OFF ",policy=boost,boost-refill-ppm=1000000,max-boosted=2"

#define INTENT offsetof(struct pvs_guest_page, intent)
#define TICKET offsetof(struct pvs_guest_page, ticket)
#define NOTIFY offsetof(struct pvs_guest_page, notify)
#define STATE  offsetof(struct pvs_host_page, state)

static uint64_t pvs_intent(enum pvs_class class, unsigned prio, uint32_t generation)
{
	return class << PVS_INTENT_CLASS_SHIFT | 20ull << PVS_INTENT_NICE_SHIFT |
	       (uint64_t)prio << PVS_INTENT_PRIO_SHIFT |
	       (uint64_t)generation << PVS_INTENT_GEN_SHIFT;
}

static enum pvs_boost pvs_boost_of(QPvs *s, unsigned v)
{
	return pvs_host_get(s, v, STATE) >> PVS_STATE_BOOST_SHIFT & PVS_STATE_BOOST_MASK;
}

static void pvs_wait_boost(QPvs *s, unsigned v, enum pvs_boost boost)
{
	gint64 end = g_get_monotonic_time() + PVS_PATIENCE;

	while (pvs_boost_of(s, v) != boost)
		g_assert_cmpint(g_get_monotonic_time(), <, end);
}

static void pvs_hint_rt(QPvs *s, unsigned v, uint32_t generation)
{
	pvs_guest_set(s, v, INTENT, pvs_intent(PVS_CLASS_RT, 50, generation));
	pvs_reg_set(s, PVS_REG_KICK + 4 * v, 1);
}

static void pvs_hint_normal(QPvs *s, unsigned v, uint32_t generation)
{
	pvs_guest_set(s, v, INTENT, pvs_intent(PVS_CLASS_NORMAL, 0, generation));
	pvs_reg_set(s, PVS_REG_KICK + 4 * v, 1);
}

static bool pvs_present(QPvs *s, unsigned v)
{
	return pvs_host_get(s, v, STATE) >> PVS_STATE_FLAGS_SHIFT & PVS_STATE_PRESENT;
}

static void test_present(void)
{
	QPvs *s = pvs_start_with(&(QPvsOptions){.smp = "2,maxcpus=3", .props = PVS_OFF});

	g_assert_true(pvs_present(s, 0));
	g_assert_true(pvs_present(s, 1));
	g_assert_false(pvs_present(s, 2));
	pvs_stop(s);
}

static void test_kick_boosts(void)
{
	QPvs *s = pvs_start(PVS_BOOSTING, "");

	pvs_bring_up(s, PVS_F_INTENT | PVS_F_STATE);
	pvs_hint_rt(s, 1, 1);
	pvs_wait_boost(s, 1, PVS_BOOST_RT);
	g_assert_cmpuint(pvs_boost_of(s, 0), ==, PVS_BOOST_NONE);
	g_assert_cmpuint(pvs_vcpu_stat(s, 1, "applied"), >, 0);
	pvs_hint_normal(s, 1, 2);
	pvs_wait_boost(s, 1, PVS_BOOST_NONE);
	pvs_stop(s);
}

/* A hint nobody was told of is found by a tick. */
static void test_tick_boosts(void)
{
	QPvs *s = pvs_start(PVS_BOOSTING, "");

	pvs_bring_up(s, PVS_F_INTENT | PVS_F_STATE);
	pvs_guest_set(s, 0, INTENT, pvs_intent(PVS_CLASS_RT, 50, 1));
	pvs_wait_boost(s, 0, PVS_BOOST_RT);
	pvs_stop(s);
}

static void test_doorbell(void)
{
	QPvs *s = pvs_start(PVS_BOOSTING, "");
	size_t ring = offsetof(struct pvs_guest_page, ring);
	gint64 end = g_get_monotonic_time() + PVS_PATIENCE;

	pvs_bring_up(s, PVS_F_INTENT | PVS_F_RING);
	pvs_guest_set(s, 0, ring, 12345);
	pvs_guest_set(s, 0, ring + 8, PVS_RING_MARK | 77ull << 32);
	pvs_guest_set(s, 0, offsetof(struct pvs_guest_page, ring_head), 1);
	pvs_reg_set(s, PVS_REG_DOORBELL, 0);
	while (!pvs_vcpu_stat(s, 0, "ring_taken"))
		g_assert_cmpint(g_get_monotonic_time(), <, end);
	g_assert_cmpuint(pvs_vcpu_stat(s, 0, "ring_taken"), ==, 1);
	pvs_stop(s);
}

static void test_ticket(void)
{
	QPvs *s = pvs_start(PVS_BOOSTING, "");
	gint64 end = g_get_monotonic_time() + PVS_PATIENCE;

	pvs_bring_up(s, PVS_F_INTENT | PVS_F_TICKET);
	pvs_guest_set(s, 1, NOTIFY, PVS_NOTIFY_TICKET);
	pvs_guest_set(s, 1, TICKET, 9);
	pvs_reg_set(s, PVS_REG_KICK + 4, 1);
	pvs_wait_interrupt(s, 2);
	while (pvs_host_get(s, 1, offsetof(struct pvs_host_page, ticket)) != 9)
		g_assert_cmpint(g_get_monotonic_time(), <, end);
	pvs_stop(s);
}

static void test_malformed(void)
{
	QPvs *s = pvs_start(PVS_BOOSTING, "");
	gint64 end = g_get_monotonic_time() + PVS_PATIENCE;

	pvs_bring_up(s, PVS_F_INTENT | PVS_F_STATE);
	pvs_hint_rt(s, 0, 1);
	pvs_wait_boost(s, 0, PVS_BOOST_RT);
	pvs_guest_set(s, 0, INTENT, pvs_intent(PVS_CLASS_MAX, 50, 2));
	pvs_reg_set(s, PVS_REG_KICK, 1);
	pvs_wait_boost(s, 0, PVS_BOOST_NONE);
	while ((uint32_t)pvs_host_get(s, 0, offsetof(struct pvs_host_page, reject)) !=
	       PVS_REJECT_MALFORMED)
		g_assert_cmpint(g_get_monotonic_time(), <, end);
	pvs_stop(s);
}

/* ---- Hot swap ------------------------------------------------------------------------------ */

static void test_swap(void)
{
	QPvs *s = pvs_start(PVS_OFF ",policy=none", "");
	uint32_t serial;

	pvs_bring_up(s, PVS_F_INTENT | PVS_F_STATE);
	pvs_hint_rt(s, 0, 1);
	serial = pvs_reg(s, PVS_REG_POLICY_SERIAL);
	g_assert_cmpuint(pvs_boost_of(s, 0), ==, PVS_BOOST_NONE);

	pvs_qom_set(s, "policy", "boost");
	g_assert_cmphex(pvs_reg64(s, PVS_REG_POLICY_NAME), ==, 0x74736f6f62); /* "boost" */
	g_assert_cmpuint(pvs_reg(s, PVS_REG_POLICY_SERIAL), ==, serial + 1);
	pvs_wait_interrupt(s, PVS_VECTOR_CONFIG);
	pvs_wait_boost(s, 0, PVS_BOOST_RT);

	/* What the old one did is undone. */
	pvs_qom_set(s, "policy", "none");
	g_assert_cmpuint(pvs_boost_of(s, 0), ==, PVS_BOOST_NONE);
	pvs_stop(s);
}

static void test_swap_refused(void)
{
	QPvs *s = pvs_start(PVS_BOOSTING, "");
	uint32_t serial;

	pvs_bring_up(s, PVS_F_INTENT | PVS_F_STATE);
	pvs_hint_rt(s, 0, 1);
	pvs_wait_boost(s, 0, PVS_BOOST_RT);
	serial = pvs_reg(s, PVS_REG_POLICY_SERIAL);
	pvs_qom_set_refused(s, "policy-set", "rt_us",
			    "policy-set: 'rt_us' is no NAME=VALUE with a whole number");
	pvs_qom_set_refused(s, "ceiling", "slice:magic",
			    "ceiling: 'magic' is none of nice-up, nice-down, slice, fifo, "
			    "deadline, affinity, weight");
	g_assert_cmpuint(pvs_reg(s, PVS_REG_POLICY_SERIAL), ==, serial);
	g_assert_cmpuint(pvs_boost_of(s, 0), ==, PVS_BOOST_RT);
	/* The tunables are another policy's. */
	pvs_qom_set(s, "policy-set", "fifo=0");
	pvs_qom_set_refused(s, "policy", "none",
			    "policy none with policy-set=fifo=0: policy 'none' has no tunable "
			    "'fifo': it has none ('const volatile' global variables of integer "
			    "types, compiled with -g, are)");
	pvs_qom_set(s, "policy-set", "");
	pvs_qom_set(s, "policy", "none");
	pvs_stop(s);
}

/* As many swaps as may be while both vCPUs are kicked: nothing is lost, and nothing breaks. */
static void test_swap_often(void)
{
	static const char *const names[] = {"boost", "none", "fair-budget", "deadline",
					    "lock-holder"};
	QPvs *s = pvs_start(PVS_BOOSTING, "");
	unsigned i;

	pvs_bring_up(s, PVS_F_INTENT | PVS_F_STATE);
	for (i = 0; i < 25; i++) {
		pvs_hint_rt(s, i % 2, i);
		pvs_qom_set(s, "policy", names[i % ARRAY_SIZE(names)]);
	}
	pvs_qom_set(s, "policy", "boost");
	pvs_hint_rt(s, 1, 100);
	pvs_wait_boost(s, 1, PVS_BOOST_RT);
	pvs_stop(s);
}

static void pvs_set_handover(QPvs *s, bool on)
{
	qtest_qmp_assert_success(
		s->qts,
		"{'execute': 'qom-set', 'arguments': {'path': "
		"'/machine/peripheral/pvs0', 'property': 'handover', 'value': %i}}",
		on);
}

/* An idle vCPU that a real-time task sleeps on: its boost ends with a decision alone. */
static void pvs_hint_sleeper(QPvs *s, unsigned v, uint32_t generation)
{
	pvs_guest_set(s, v, INTENT,
		      pvs_intent(PVS_CLASS_IDLE, 0, generation) |
			      (uint64_t)PVS_PENDING_RT_WAITER << PVS_INTENT_FLAGS_SHIFT);
	pvs_reg_set(s, PVS_REG_KICK + 4 * v, 1);
}

/* What the old policy did stays until the new one decides, and does not stay for one that is put in
 * place without. */
static void test_handover(void)
{
	QPvs *s = pvs_start(PVS_BOOSTING ",handover=on", "");

	pvs_bring_up(s, PVS_F_INTENT | PVS_F_STATE);
	pvs_hint_sleeper(s, 1, 1);
	pvs_wait_boost(s, 1, PVS_BOOST_RT);
	pvs_qom_set(s, "policy", "none");
	pvs_reg_set(s, PVS_REG_KICK + 4, 1);
	g_assert_cmpuint(pvs_boost_of(s, 1), ==, PVS_BOOST_RT);
	g_assert_cmpuint(pvs_vcpu_stat(s, 1, "restored"), ==, 0);
	/* This one finds the same reason for it, and then none. */
	pvs_qom_set(s, "policy", "boost");
	g_assert_cmpuint(pvs_boost_of(s, 1), ==, PVS_BOOST_RT);
	g_assert_cmpuint(pvs_vcpu_stat(s, 1, "restored"), ==, 0);
	pvs_hint_normal(s, 1, 2);
	pvs_wait_boost(s, 1, PVS_BOOST_NONE);
	g_assert_cmpuint(pvs_vcpu_stat(s, 1, "restored"), ==, 1);
	pvs_stop(s);
}

static void test_no_handover(void)
{
	QPvs *s = pvs_start(PVS_BOOSTING ",handover=on", "");

	pvs_bring_up(s, PVS_F_INTENT | PVS_F_STATE);
	pvs_hint_sleeper(s, 0, 1);
	pvs_wait_boost(s, 0, PVS_BOOST_RT);
	pvs_set_handover(s, false);
	pvs_qom_set(s, "policy", "none");
	g_assert_cmpuint(pvs_boost_of(s, 0), ==, PVS_BOOST_NONE);
	g_assert_cmpuint(pvs_vcpu_stat(s, 0, "restored"), ==, 1);
	pvs_stop(s);
}

/* ---- Records -------------------------------------------------------------------------------- */

static size_t pvs_file_size(const char *path)
{
	g_autofree char *bytes = NULL;
	size_t size = 0;

	g_assert_true(g_file_get_contents(path, &bytes, &size, NULL));
	return size;
}

/* Begun and ended while the guest runs: what is decided meanwhile is in it, whole when it ended. */
static void test_record(void)
{
	g_autofree char *dir = g_dir_make_tmp("sluice-pvs-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "record", NULL);
	QPvs *s = pvs_start(PVS_BOOSTING, "");
	size_t size;

	pvs_bring_up(s, PVS_F_INTENT | PVS_F_STATE);
	pvs_qom_set(s, "record", path);
	pvs_hint_rt(s, 0, 1);
	pvs_wait_boost(s, 0, PVS_BOOST_RT);
	pvs_qom_set(s, "record", "");
	size = pvs_file_size(path);
	g_assert_cmpuint(size, >, sizeof(struct pvs_record_decision));
	/* Ended is ended. */
	pvs_hint_normal(s, 0, 2);
	pvs_wait_boost(s, 0, PVS_BOOST_NONE);
	g_assert_cmpuint(pvs_file_size(path), ==, size);
	pvs_stop(s);
	g_unlink(path);
	g_rmdir(dir);
}

static bool pvs_record_is_full(QPvs *s)
{
	QDict *answer = qtest_qmp(s->qts, "{'execute': 'qom-get', 'arguments': {'path': "
					  "'/machine/peripheral/pvs0', 'property': 'status'}}");
	bool full = qdict_get_bool(qdict_get_qdict(answer, "return"), "record_full");

	qobject_unref(answer);
	return full;
}

/* A guest that has much decided does not fill the disk. */
static void test_record_limit(void)
{
	g_autofree char *dir = g_dir_make_tmp("sluice-pvs-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "record", NULL);
	g_autofree char *props = g_strdup_printf(PVS_BOOSTING ",record-limit=64K,record=%s", path);
	QPvs *s = pvs_start(props, "");
	gint64 end = g_get_monotonic_time() + PVS_PATIENCE;
	size_t size;
	unsigned i;

	pvs_bring_up(s, PVS_F_INTENT | PVS_F_STATE);
	g_assert_false(pvs_record_is_full(s));
	for (i = 0; !pvs_record_is_full(s); i++) {
		pvs_hint_rt(s, i % 2, i);
		g_assert_cmpint(g_get_monotonic_time(), <, end);
	}
	/* Another begins anew, and the first one is whole. */
	pvs_qom_set(s, "record", "");
	size = pvs_file_size(path);
	g_assert_cmpuint(size, <=, 64 << 10);
	g_assert_cmpuint(size, >, 63 << 10);
	g_assert_false(pvs_record_is_full(s));
	pvs_stop(s);
	g_unlink(path);
	g_rmdir(dir);
}

/* ---- Ends of a boost ----------------------------------------------------------------------- */

static void test_reset_in_boost(void)
{
	QPvs *s = pvs_start(PVS_BOOSTING, "");

	pvs_bring_up(s, PVS_F_INTENT | PVS_F_STATE);
	pvs_hint_rt(s, 0, 1);
	pvs_wait_boost(s, 0, PVS_BOOST_RT);
	pvs_reg_set(s, PVS_REG_STATUS, 0);
	/* Undone when the store returns, and the page shows only that the vCPU is there. */
	g_assert_cmphex((uint32_t)pvs_host_get(s, 0, STATE), ==,
			PVS_STATE_PRESENT << PVS_STATE_FLAGS_SHIFT);
	g_assert_cmphex(pvs_host_get(s, 0, offsetof(struct pvs_host_page, run_ns)), ==, 0);
	g_assert_cmpuint(pvs_vcpu_stat(s, 0, "restored"), ==, 1);
	pvs_stop(s);
}

static void test_stop_in_boost(void)
{
	QPvs *s = pvs_start(PVS_BOOSTING, "");

	pvs_bring_up(s, PVS_F_INTENT | PVS_F_STATE);
	pvs_hint_rt(s, 0, 1);
	pvs_wait_boost(s, 0, PVS_BOOST_RT);
	qtest_qmp_assert_success(s->qts, "{'execute': 'stop'}");
	g_assert_cmpuint(pvs_vcpu_stat(s, 0, "restored"), ==, 1);
	g_assert_cmpuint(pvs_boost_of(s, 0), ==, PVS_BOOST_NONE);
	qtest_qmp_assert_success(s->qts, "{'execute': 'cont'}");
	/* What the page said before, it says still. */
	pvs_wait_boost(s, 0, PVS_BOOST_RT);
	pvs_assert_status(s, PVS_STATUS_UP, PVS_RESULT_OK);
	pvs_stop(s);
}

/* ---- Pages in guest RAM --------------------------------------------------------------------- */

#define RAM_GUEST 0x300000
#define RAM_HOST  0x310000

static void pvs_up_in_ram(QPvs *s, uint64_t guest, uint64_t host)
{
	pvs_reg_set(s, PVS_REG_STATUS, 0);
	pvs_reg64_set(s, PVS_REG_DRV_FEATURES, PVS_F_INTENT | PVS_F_STATE | PVS_F_GUEST_RAM);
	pvs_reg64_set(s, PVS_REG_GUEST_PAGES, guest);
	pvs_reg64_set(s, PVS_REG_HOST_PAGES, host);
	pvs_reg_set(s, PVS_REG_STATUS, PVS_STATUS_UP);
}

static void pvs_wait_ram_boost(QPvs *s, unsigned v, enum pvs_boost boost)
{
	gint64 end = g_get_monotonic_time() + PVS_PATIENCE;
	uint64_t addr = RAM_HOST + v * PVS_PAGE_STRIDE;

	while ((qtest_readq(s->qts, addr) >> PVS_STATE_BOOST_SHIFT & PVS_STATE_BOOST_MASK) != boost)
		g_assert_cmpint(g_get_monotonic_time(), <, end);
}

static void test_guest_ram(void)
{
	QPvs *s = pvs_start(PVS_BOOSTING, "");
	uint64_t state;

	qtest_memset(s->qts, RAM_GUEST, 0, 3 * PVS_PAGE_STRIDE);
	pvs_up_in_ram(s, RAM_GUEST, RAM_HOST);
	pvs_assert_status(s, PVS_STATUS_UP, PVS_RESULT_OK);
	qtest_writeq(s->qts, RAM_GUEST + PVS_PAGE_STRIDE, pvs_intent(PVS_CLASS_RT, 1, 1));
	pvs_reg_set(s, PVS_REG_KICK + 4, 1);
	pvs_wait_ram_boost(s, 1, PVS_BOOST_RT);
	/* The BAR's are not looked at, and show nothing. */
	g_assert_cmpuint(pvs_boost_of(s, 1), ==, PVS_BOOST_NONE);
	pvs_reg_set(s, PVS_REG_STATUS, 0);
	state = qtest_readq(s->qts, RAM_HOST + PVS_PAGE_STRIDE);
	g_assert_cmpuint(state >> PVS_STATE_BOOST_SHIFT & PVS_STATE_BOOST_MASK, ==, 0);
	/* From now on nobody writes there. */
	qtest_writeq(s->qts, RAM_HOST, 0x1234);
	pvs_bring_up(s, PVS_F_INTENT | PVS_F_STATE);
	pvs_hint_rt(s, 0, 1);
	pvs_wait_boost(s, 0, PVS_BOOST_RT);
	g_assert_cmphex(qtest_readq(s->qts, RAM_HOST), ==, 0x1234);
	pvs_stop(s);
}

/* Past the end of RAM, nowhere at all, a register, memory that is not to be written. */
static void test_guest_ram_refused(void)
{
	QPvs *s = pvs_start(PVS_BOOSTING, "");
	const uint64_t bad[] = {64 << 20,     (64 << 20) - PVS_PAGE_STRIDE,
				1ull << 60,   0xfee00000,
				s->regs.addr, s->host.addr};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		pvs_up_in_ram(s, RAM_GUEST, bad[i]);
		pvs_assert_status(s, PVS_STATUS_UP & ~PVS_STATUS_DRIVER_OK, PVS_RESULT_ADDRESS);
	}
	pvs_assert_alive(s);
	pvs_stop(s);
}

/* Without bus mastering the guest's memory is not ours: what was negotiated is void. */
static void test_guest_ram_master(void)
{
	QPvs *s = pvs_start(PVS_BOOSTING, "");
	uint16_t command = qpci_config_readw(s->pci, 4);

	pvs_up_in_ram(s, RAM_GUEST, RAM_HOST);
	pvs_assert_status(s, PVS_STATUS_UP, PVS_RESULT_OK);
	qpci_config_writew(s->pci, 4, command & ~4);
	pvs_assert_status(s, PVS_STATUS_ACKNOWLEDGE | PVS_STATUS_DRIVER | PVS_STATUS_RENEGOTIATE,
			  PVS_RESULT_ADDRESS);
	pvs_reg_set(s, PVS_REG_STATUS, PVS_STATUS_UP);
	g_assert_cmpuint(pvs_reg(s, PVS_REG_RESULT), ==, PVS_RESULT_ADDRESS);
	qpci_config_writew(s->pci, 4, command);
	pvs_reg_set(s, PVS_REG_STATUS, PVS_STATUS_UP);
	pvs_assert_status(s, PVS_STATUS_UP, PVS_RESULT_OK);
	pvs_stop(s);
}

static void test_guest_ram_iommu(void)
{
	QPvs *s = pvs_start_with(&(QPvsOptions){.before = "-device intel-iommu"});

	g_assert_cmphex(pvs_reg64(s, PVS_REG_DEV_FEATURES) & PVS_F_GUEST_RAM, ==, 0);
	pvs_stop(s);
}

void pvs_add_policy_tests(void)
{
	qtest_add_func("/sluice-pvs/policy/present", test_present);
	qtest_add_func("/sluice-pvs/policy/kick", test_kick_boosts);
	qtest_add_func("/sluice-pvs/policy/tick", test_tick_boosts);
	qtest_add_func("/sluice-pvs/policy/doorbell", test_doorbell);
	qtest_add_func("/sluice-pvs/policy/ticket", test_ticket);
	qtest_add_func("/sluice-pvs/policy/malformed", test_malformed);
	qtest_add_func("/sluice-pvs/policy/swap", test_swap);
	qtest_add_func("/sluice-pvs/policy/swap-refused", test_swap_refused);
	qtest_add_func("/sluice-pvs/policy/swap-often", test_swap_often);
	qtest_add_func("/sluice-pvs/policy/handover", test_handover);
	qtest_add_func("/sluice-pvs/policy/no-handover", test_no_handover);
	qtest_add_func("/sluice-pvs/policy/record", test_record);
	qtest_add_func("/sluice-pvs/policy/record-limit", test_record_limit);
	qtest_add_func("/sluice-pvs/policy/reset-in-boost", test_reset_in_boost);
	qtest_add_func("/sluice-pvs/policy/stop-in-boost", test_stop_in_boost);
	qtest_add_func("/sluice-pvs/guest-ram/pages", test_guest_ram);
	qtest_add_func("/sluice-pvs/guest-ram/refused", test_guest_ram_refused);
	qtest_add_func("/sluice-pvs/guest-ram/bus-master", test_guest_ram_master);
	qtest_add_func("/sluice-pvs/guest-ram/iommu", test_guest_ram_iommu);
}
