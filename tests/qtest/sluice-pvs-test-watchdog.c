/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scheduling thread of a QEMU does not answer: held as a debugger holds it, so that all others
 * go on. Skipped where a process may not trace its children.
 */
#include "qemu/osdep.h"
#include <sys/ptrace.h>
#include <sys/resource.h>
#include "libqos/pci-pc.h"
#include "qobject/qlist.h"
#include "sluice.h"
#include "sluice-pvs.h"

#define PVS_STUCK ",switch-events=off,policy=boost,boost-refill-ppm=1000000,max-boosted=2"
#define PVS_QOM   "'path': '/machine/peripheral/pvs0', 'property': %s"

#define INTENT offsetof(struct pvs_guest_page, intent)
#define STATE  offsetof(struct pvs_host_page, state)

#define PVS_STATUS_AGAIN (PVS_STATUS_ACKNOWLEDGE | PVS_STATUS_DRIVER | PVS_STATUS_RENEGOTIATE)

/* ---- Status --------------------------------------------------------------------------------- */

static QDict *pvs_get(QPvs *s, const char *property)
{
	return qtest_qmp(s->qts, "{'execute': 'qom-get', 'arguments': {" PVS_QOM "}}", property);
}

static int64_t pvs_status_int(QPvs *s, const char *name)
{
	QDict *answer = pvs_get(s, "status");
	int64_t value = qdict_get_int(qdict_get_qdict(answer, "return"), name);

	qobject_unref(answer);
	return value;
}

static bool pvs_is_stuck(QPvs *s)
{
	QDict *answer = pvs_get(s, "status");
	bool stuck = qdict_get_bool(qdict_get_qdict(answer, "return"), "loop_stuck");

	qobject_unref(answer);
	return stuck;
}

static void pvs_wait_stuck(QPvs *s, bool stuck)
{
	gint64 end = g_get_monotonic_time() + PVS_PATIENCE;

	while (pvs_is_stuck(s) != stuck)
		g_assert_cmpint(g_get_monotonic_time(), <, end);
}

static void pvs_refused(QPvs *s, const char *property, const char *want)
{
	QDict *answer = pvs_get(s, property);

	g_assert(qdict_haskey(answer, "error"));
	g_assert_cmpstr(qdict_get_str(qdict_get_qdict(answer, "error"), "desc"), ==, want);
	qobject_unref(answer);
}

/* And what was in the file is in it still. */
static void pvs_record_refused(QPvs *s, const char *want)
{
	g_autofree char *path = NULL, *text = NULL;
	int fd = g_file_open_tmp("pvs-record-XXXXXX", &path, NULL);

	g_assert_cmpint(fd, >=, 0);
	close(fd);
	g_assert_true(g_file_set_contents(path, "kept", -1, NULL));
	pvs_qom_set_refused(s, "record", path, want);
	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	g_assert_cmpstr(text, ==, "kept");
	unlink(path);
}

/* ---- The thread ----------------------------------------------------------------------------- */

/* 0: it may not be held here. */
static pid_t pvs_hold_loop(QPvs *s)
{
	pid_t tid = pvs_status_int(s, "loop_thread_id");

	if (ptrace(PTRACE_SEIZE, tid, 0, 0) || ptrace(PTRACE_INTERRUPT, tid, 0, 0)) {
		g_test_skip("the thread of a child may not be traced");
		return 0;
	}
	g_assert_cmpint(waitpid(tid, NULL, __WALL), ==, tid);
	return tid;
}

static void pvs_let_loop_go(pid_t tid)
{
	g_assert_cmpint(ptrace(PTRACE_DETACH, tid, 0, 0), ==, 0);
}

static void pvs_hint(QPvs *s, unsigned v, enum pvs_class class, uint32_t generation)
{
	pvs_guest_set(s, v, INTENT,
		      class << PVS_INTENT_CLASS_SHIFT | 20ull << PVS_INTENT_NICE_SHIFT |
			      (uint64_t)generation << PVS_INTENT_GEN_SHIFT |
			      (class == PVS_CLASS_RT ? 50ull << PVS_INTENT_PRIO_SHIFT : 0));
	pvs_reg_set(s, PVS_REG_KICK + 4 * v, 1);
}

static void pvs_wait_boost(QPvs *s, unsigned v, enum pvs_boost boost)
{
	gint64 end = g_get_monotonic_time() + PVS_PATIENCE;

	while ((pvs_host_get(s, v, STATE) >> PVS_STATE_BOOST_SHIFT & PVS_STATE_BOOST_MASK) != boost)
		g_assert_cmpint(g_get_monotonic_time(), <, end);
}

static void pvs_wait_nice(pid_t tid, bool boosted, int baseline)
{
	gint64 end = g_get_monotonic_time() + PVS_PATIENCE;

	while ((getpriority(PRIO_PROCESS, tid) < baseline) != boosted)
		g_assert_cmpint(g_get_monotonic_time(), <, end);
}

/* ---- Tests ---------------------------------------------------------------------------------- */

/* A boosted thread gets its baseline though the loop, which gave it the boost, does nothing. */
static void test_stuck(void)
{
	QPvs *s = pvs_start(PVS_STUCK, "");
	const int baseline = getpriority(PRIO_PROCESS, 0);
	g_autofree char *want = NULL;
	pid_t loop, vcpu = pvs_vcpu_stat(s, 0, "thread_id");
	bool can;

	pvs_bring_up(s, PVS_F_INTENT | PVS_F_STATE);
	can = pvs_reg(s, PVS_REG_ACTUATORS) & PVS_ACT_NICE_DOWN;
	pvs_hint(s, 0, PVS_CLASS_RT, 1);
	pvs_wait_boost(s, 0, PVS_BOOST_RT);
	pvs_wait_nice(vcpu, can, baseline);
	pvs_interrupted(s, PVS_VECTOR_CONFIG);
	loop = pvs_hold_loop(s);
	if (!loop)
		goto out;

	/* The guest is told. */
	pvs_wait_interrupt(s, PVS_VECTOR_CONFIG);
	pvs_assert_status(s, PVS_STATUS_AGAIN, PVS_RESULT_WATCHDOG);
	pvs_wait_nice(vcpu, false, baseline);
	/* So is who asks, and nobody hangs. */
	pvs_wait_stuck(s, true);
	g_assert_cmpint(pvs_status_int(s, "loop_silences"), ==, 1);
	want = g_strdup_printf("the scheduling thread %d does not answer", (int)loop);
	pvs_refused(s, "vcpus", want);
	pvs_refused(s, "stats", want);
	g_free(want);
	want = g_strdup_printf("the scheduling thread %d does not answer: ask again when it does",
			       (int)loop);
	pvs_qom_set_refused(s, "policy", "none", want);
	pvs_qom_set_refused(s, "ceiling", "slice", want);
	pvs_record_refused(s, want);

	/* What was negotiated meanwhile holds as soon as it answers. */
	pvs_bring_up(s, PVS_F_INTENT | PVS_F_STATE);
	pvs_hint(s, 1, PVS_CLASS_RT, 1);
	pvs_let_loop_go(loop);
	pvs_wait_stuck(s, false);
	pvs_wait_boost(s, 1, PVS_BOOST_RT);
	pvs_assert_status(s, PVS_STATUS_UP, PVS_RESULT_OK);
	pvs_qom_set(s, "policy", "none");
	pvs_wait_boost(s, 1, PVS_BOOST_NONE);
out:
	pvs_stop(s);
}

/* ---- Pages in a memory device ---------------------------------------------------------------- */

#define PVS_DIMM                                                                           \
	"-m 64,slots=1,maxmem=1G -object memory-backend-memfd,id=ram1,size=128M,share=on " \
	"-device pc-dimm,id=dimm0,memdev=ram1"
/* Registers of ACPI's memory hot plug, as a guest's firmware finds them in the DSDT. */
#define PVS_MEMHP_SLOT  0xa00
#define PVS_MEMHP_FLAGS 0xa14
#define PVS_MEMHP_EJECT 8

static uint64_t pvs_dimm_addr(QPvs *s)
{
	QDict *answer = qtest_qmp(s->qts, "{'execute': 'query-memory-devices'}");
	QList *list = qdict_get_qlist(answer, "return");
	QDict *dimm = qobject_to(QDict, qlist_entry_obj(qlist_first(list)));
	uint64_t addr = qdict_get_int(qdict_get_qdict(dimm, "data"), "addr");

	qobject_unref(answer);
	return addr;
}

static bool pvs_dimm_is_mapped(QPvs *s)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/maps", (int)qtest_pid(s->qts));
	g_autofree char *maps = NULL;

	g_assert_true(g_file_get_contents(path, &maps, NULL, NULL));
	return strstr(maps, "memory-backend-memfd");
}

/* When this returns it is no memory of QEMU's any more: who touches it ends QEMU. */
static void pvs_dimm_remove(QPvs *s)
{
	gint64 end = g_get_monotonic_time() + PVS_PATIENCE;

	g_assert_true(pvs_dimm_is_mapped(s));
	qtest_qmp_assert_success(s->qts, "{'execute': 'device_del', 'arguments': {'id': 'dimm0'}}");
	qtest_outl(s->qts, PVS_MEMHP_SLOT, 0);
	qtest_outb(s->qts, PVS_MEMHP_FLAGS, PVS_MEMHP_EJECT);
	qtest_qmp_eventwait(s->qts, "DEVICE_DELETED");
	qtest_qmp_assert_success(s->qts, "{'execute': 'object-del', 'arguments': {'id': 'ram1'}}");
	while (pvs_dimm_is_mapped(s))
		g_assert_cmpint(g_get_monotonic_time(), <, end);
}

static void pvs_up_in_ram(QPvs *s, uint64_t guest, uint64_t host)
{
	pvs_reg_set(s, PVS_REG_STATUS, 0);
	pvs_reg64_set(s, PVS_REG_DRV_FEATURES, PVS_F_INTENT | PVS_F_STATE | PVS_F_GUEST_RAM);
	pvs_reg64_set(s, PVS_REG_GUEST_PAGES, guest);
	pvs_reg64_set(s, PVS_REG_HOST_PAGES, host);
	pvs_reg_set(s, PVS_REG_STATUS, PVS_STATUS_UP);
	pvs_assert_status(s, PVS_STATUS_UP, PVS_RESULT_OK);
}

static unsigned pvs_ram_boost(QPvs *s, uint64_t host)
{
	return qtest_readq(s->qts, host + STATE) >> PVS_STATE_BOOST_SHIFT & PVS_STATE_BOOST_MASK;
}

static void pvs_ram_hint(QPvs *s, uint64_t guest)
{
	qtest_writeq(s->qts, guest + INTENT,
		     PVS_CLASS_RT << PVS_INTENT_CLASS_SHIFT | 50ull << PVS_INTENT_PRIO_SHIFT |
			     20ull << PVS_INTENT_NICE_SHIFT | 1ull << PVS_INTENT_GEN_SHIFT);
	pvs_reg_set(s, PVS_REG_KICK, 1);
}

static void pvs_wait_ram_boost(QPvs *s, uint64_t host)
{
	gint64 end = g_get_monotonic_time() + PVS_PATIENCE;

	while (pvs_ram_boost(s, host) != PVS_BOOST_RT)
		g_assert_cmpint(g_get_monotonic_time(), <, end);
}

/* Pages in guest RAM are the guest's when the stop returns, though the loop has not heard of it:
 * they are zeroed, and may cease to be. */
static void test_stuck_in_ram(void)
{
	QPvs *s = pvs_start(PVS_STUCK ",actuators=off,watchdog-ms=300", PVS_DIMM);
	const uint64_t guest = pvs_dimm_addr(s), host = guest + 0x10000;
	const uint64_t opaque = host + (uint64_t)PVS_PAGE_STRIDE * pvs_reg(s, PVS_REG_N_VCPUS);
	pid_t loop;

	pvs_up_in_ram(s, guest, host);
	pvs_ram_hint(s, guest);
	pvs_wait_ram_boost(s, host);
	qtest_writeq(s->qts, opaque, 0x1111);
	qtest_writeq(s->qts, opaque + PVS_PAGE_STRIDE - 8, 0x2222);
	qtest_writeq(s->qts, opaque + PVS_PAGE_STRIDE, 0x3333);
	pvs_interrupted(s, PVS_VECTOR_CONFIG);
	loop = pvs_hold_loop(s);
	if (!loop)
		goto out;
	pvs_wait_interrupt(s, PVS_VECTOR_CONFIG);
	pvs_assert_status(s, PVS_STATUS_AGAIN, PVS_RESULT_WATCHDOG);
	g_assert_cmpuint(pvs_ram_boost(s, host), ==, PVS_BOOST_NONE);
	g_assert_cmphex(qtest_readq(s->qts, host + offsetof(struct pvs_host_page, decision)), ==,
			0);
	g_assert_cmphex(qtest_readq(s->qts, opaque), ==, 0);
	g_assert_cmphex(qtest_readq(s->qts, opaque + PVS_PAGE_STRIDE - 8), ==, 0);
	g_assert_cmphex(qtest_readq(s->qts, opaque + PVS_PAGE_STRIDE), ==, 0x3333);
	pvs_bring_up(s, PVS_F_INTENT | PVS_F_STATE);
	pvs_dimm_remove(s);
	pvs_let_loop_go(loop);
	pvs_wait_stuck(s, false);
	pvs_hint(s, 0, PVS_CLASS_RT, 1);
	pvs_wait_boost(s, 0, PVS_BOOST_RT);
out:
	pvs_stop(s);
}

/* However often a guest negotiates and says what its clock is while the loop is stuck: there is one
 * thing more to do when it answers, beside the watchdog's own, and that is the last. */
static void test_stuck_bounded(void)
{
	const uint64_t guest = 0x300000, host = 0x310000;
	QPvs *s = pvs_start(PVS_STUCK ",actuators=off,watchdog-ms=300", "");
	unsigned i;
	pid_t loop;

	pvs_up_in_ram(s, guest, host);
	loop = pvs_hold_loop(s);
	if (!loop)
		goto out;
	pvs_wait_stuck(s, true);
	pvs_wait_interrupt(s, PVS_VECTOR_CONFIG);
	for (i = 0; i < 200; i++) {
		pvs_bring_up(s, PVS_F_INTENT);
		pvs_up_in_ram(s, guest + 0x100000, host + 0x100000);
		pvs_reg64_set(s, PVS_REG_CLOCK_OFFSET, i);
	}
	g_assert_cmpint(pvs_status_int(s, "loop_waiting"), ==, 2);
	pvs_up_in_ram(s, guest, host);
	pvs_let_loop_go(loop);
	pvs_wait_stuck(s, false);
	g_assert_cmpint(pvs_status_int(s, "loop_waiting"), ==, 0);
	pvs_ram_hint(s, guest);
	pvs_wait_ram_boost(s, host);
	/* Only of the last. */
	g_assert_cmphex(qtest_readq(s->qts, host + 0x100000 + STATE), ==, 0);
out:
	pvs_stop(s);
}

/* A device that is plugged in: NULL if this host does not permit it, and then the test is skipped.
 */
static QPvs *pvs_plug(const char *policy_host)
{
	QPvs *s = g_new0(QPvs, 1);
	QDict *answer;

	s->qts = sluice_machine("pc", "-m 64 -smp 2");
	s->bus = qpci_new_pc(s->qts, NULL);
	answer = qtest_qmp(s->qts,
			   "{'execute': 'device_add', 'arguments': {'driver': 'sluice-pvsched', "
			   "'id': 'pvs0', 'actuators': 'off', 'switch-events': 'off', "
			   "'policy': 'boost', 'policy-host': %s}}",
			   policy_host);
	if (qdict_haskey(answer, "error")) {
		g_test_skip(qdict_get_str(qdict_get_qdict(answer, "error"), "desc"));
		pvs_stop(s);
		s = NULL;
	}
	qobject_unref(answer);
	return s;
}

/* What is asked before the watchdog has spoken waits for its word and no longer. Who waited for the
 * loop would wait for this process: that ends by the alarm. */
static void test_silent(const void *policy_host)
{
	QPvs *s = pvs_plug(policy_host);
	pid_t loop = s ? pvs_hold_loop(s) : 0;

	if (loop) {
		alarm(PVS_PATIENCE / G_USEC_PER_SEC);
		pvs_qom_set_refused(
			s, "policy", "none",
			"policy: the scheduling thread does not answer; the one there stays");
		g_assert_true(pvs_is_stuck(s));
		pvs_let_loop_go(loop);
		pvs_wait_stuck(s, false);
		pvs_qom_set(s, "policy", "none");
		alarm(0);
	}
	if (s)
		pvs_stop(s);
}

void pvs_add_watchdog_tests(void)
{
	qtest_add_func("/sluice-pvs/watchdog/stuck", test_stuck);
	qtest_add_func("/sluice-pvs/watchdog/guest-ram", test_stuck_in_ram);
	qtest_add_func("/sluice-pvs/watchdog/bounded", test_stuck_bounded);
	qtest_add_data_func("/sluice-pvs/watchdog/silent", "engine", test_silent);
	qtest_add_data_func("/sluice-pvs/watchdog/silent-live", "live", test_silent);
}
