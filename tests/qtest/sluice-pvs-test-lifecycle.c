/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plugging and unplugging: CPUs under the device, the device itself; starts that are refused. */
#include "qemu/osdep.h"
#include "hw/pci/pci_regs.h"
#include "libqos/pci-pc.h"
#include "sluice.h"
#include "sluice-pvs.h"

#define PVS_OFF ",actuators=off,switch-events=off"

static bool pvs_present(QPvs *s, unsigned v)
{
	return pvs_host_get(s, v, 0) >> PVS_STATE_FLAGS_SHIFT & PVS_STATE_PRESENT;
}

static void pvs_plug_cpu(QPvs *s, unsigned socket, const char *id)
{
	qtest_qmp_assert_success(
		s->qts,
		"{'execute': 'device_add', 'arguments': {'driver': 'qemu64-x86_64-cpu', "
		"'id': %s, 'socket-id': %u, 'die-id': 0, 'module-id': 0, 'core-id': 0, "
		"'thread-id': 0}}",
		id, socket);
}

/* The third CPU is plugged before the second: its page is the third all the same. */
static void test_cpu_hotplug(void)
{
	QPvs *s = pvs_start_with(&(QPvsOptions){.smp = "1,sockets=3,maxcpus=3", .props = PVS_OFF});

	g_assert_true(pvs_present(s, 0));
	g_assert_false(pvs_present(s, 1) || pvs_present(s, 2));
	pvs_plug_cpu(s, 2, "cpu2");
	g_assert_true(pvs_present(s, 2));
	g_assert_false(pvs_present(s, 1));
	g_assert_cmpuint(pvs_reg(s, PVS_REG_VCPU_ID + 8), ==, 2);
	pvs_plug_cpu(s, 1, "cpu1");
	g_assert_true(pvs_present(s, 1));
	g_assert_cmpuint(pvs_vcpu_stat(s, 2, "thread_id"), !=, pvs_vcpu_stat(s, 1, "thread_id"));
	pvs_stop(s);
}

/* Refused starts: the message says what would do. */
static void test_refusals(void)
{
	static const struct {
		const char *name, *value, *want;
	} refusals[] = {
		{"actuators", "some",
		 "actuators=some is none of auto (what the host permits), off"},
		{"policy-host", "cloud",
		 "policy-host=cloud is none of engine (in this process), kernel, live (in the "
		 "kernel, at each switch of a vCPU thread), scx (the same, as the host's "
		 "scheduler)"},
		{"policy-set", "x", "policy-set: 'x' is no NAME=VALUE with a whole number"},
		{"manager", "/nonexistent/socket", NULL},
		{"record", "/nonexistent/record", NULL},
		{"policy", "/nonexistent/policy.bpf.o", NULL},
	};
	QTestState *qts = sluice_machine("q35", "-device pcie-root-port,id=port0,chassis=1,slot=1 "
						"-device pcie-root-port,id=port1,chassis=2,slot=2");
	QDict *answer, *error;
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		answer = qtest_qmp(qts,
				   "{'execute': 'device_add', 'arguments': {'driver': "
				   "'sluice-pvsched', 'bus': 'port0', %s: %s}}",
				   refusals[i].name, refusals[i].value);
		error = qdict_get_qdict(answer, "error");
		g_assert_nonnull(error);
		if (refusals[i].want)
			g_assert_cmpstr(qdict_get_str(error, "desc"), ==, refusals[i].want);
		else
			g_assert_nonnull(strstr(qdict_get_str(error, "desc"), refusals[i].value));
		qobject_unref(answer);
	}
	/* All of them were undone: this one comes up, and stands alone. */
	qtest_qmp_assert_success(qts, "{'execute': 'device_add', 'arguments': {'driver': "
				      "'sluice-pvsched', 'bus': 'port0', 'id': 'one', "
				      "'actuators': 'off', 'switch-events': 'off'}}");
	answer = qtest_qmp(qts, "{'execute': 'device_add', 'arguments': {'driver': "
				"'sluice-pvsched', 'bus': 'port1'}}");
	error = qdict_get_qdict(answer, "error");
	g_assert_cmpstr(qdict_get_str(error, "desc"), ==,
			"one is there already: one for a machine");
	qobject_unref(answer);
	qtest_quit(qts);
}

/* Out, in the middle of a boost, and in again. */
static void test_unplug(void)
{
	QPvs *s = pvs_start_with(
		&(QPvsOptions){.before = "-device pcie-root-port,id=port0,chassis=1,slot=1,addr=4",
			       .where = "bus=port0",
			       .props = PVS_OFF ",policy=boost"});
	QPCIDevice *port = qpci_device_find(s->bus, QPCI_DEVFN(4, 0));

	qpci_config_writeb(port, PCI_SECONDARY_BUS, 1);
	qpci_config_writeb(port, PCI_SUBORDINATE_BUS, 1);
	qpci_config_writew(port, PCI_MEMORY_BASE, 0xe000);
	qpci_config_writew(port, PCI_MEMORY_LIMIT, 0xe0f0);
	qpci_config_writew(port, PCI_PREF_MEMORY_BASE, 0xe000);
	qpci_config_writew(port, PCI_PREF_MEMORY_LIMIT, 0xe0f0);
	qpci_config_writew(port, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	s->pci = qpci_device_find(s->bus, 1 << 8);
	g_assert_nonnull(s->pci);
	pvs_map(s);
	pvs_bring_up(s, PVS_F_INTENT | PVS_F_STATE);
	pvs_guest_set(s, 0, 0, PVS_CLASS_RT | 20 << 4 | 5 << 10);
	pvs_reg_set(s, PVS_REG_KICK, 1);
	while (!pvs_vcpu_stat(s, 0, "applied"))
		pvs_assert_alive(s);

	qtest_qmp_assert_success(s->qts, "{'execute': 'device_del', 'arguments': {'id': 'pvs0'}}");
	/* The reset acknowledges what a guest would have. */
	qtest_system_reset_nowait(s->qts);
	qtest_qmp_eventwait(s->qts, "DEVICE_DELETED");
	pvs_assert_alive(s);
	qtest_qmp_assert_success(s->qts, "{'execute': 'device_add', 'arguments': {'driver': "
					 "'sluice-pvsched', 'bus': 'port0', 'id': 'pvs0', "
					 "'actuators': 'off'}}");
	g_assert_cmpuint(pvs_vcpu_stat(s, 0, "applied"), ==, 0);
	g_free(port);
	pvs_stop(s);
}

void pvs_add_lifecycle_tests(void)
{
	qtest_add_func("/sluice-pvs/lifecycle/cpu-hotplug", test_cpu_hotplug);
	qtest_add_func("/sluice-pvs/lifecycle/refusals", test_refusals);
	qtest_add_func("/sluice-pvs/lifecycle/unplug", test_unplug);
}
