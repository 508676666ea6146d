/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reset in its forms, unplugging under traffic, the backend's end, properties refused. */
#include "qemu/osdep.h"
#include "hw/pci/pci_regs.h"
#include "qobject/qjson.h"
#include "qapi/error.h"
#include "qobject/qdict.h"
#include "sluice.h"

/* Leave the device in the midst of everything: program attached, frames and commands under way. */
static void sluice_busy(QSluice *s, QSluiceQueue *rx, QSluiceQueue *tx)
{
	struct sluice_args_prog_load args = {0};
	struct bpf_insn insns[] = {
		sluice_insn(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_PASS),
		sluice_insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	struct sluice_attr header = {
		.type = cpu_to_le16(SLUICE_ATTR_INSNS),
		.length = cpu_to_le32(sizeof(insns)),
	};
	struct sluice_cmd cmd = {
		.opcode = cpu_to_le16(SLUICE_OP_PROG_LOAD),
		.data_addr = cpu_to_le64(s->data),
		.data_len = cpu_to_le32(sizeof(header) + sizeof(insns)),
	};
	uint8_t frame[64];
	unsigned i;

	sluice_traffic(s, rx, tx);
	g_assert_cmpuint(sluice_attach(s, sluice_load_verdict(s, XDP_PASS)), ==, SLUICE_ST_OK);
	sluice_map_create(s, BPF_MAP_TYPE_HASH, 4, 4, 100);
	sluice_make_frame(frame, sizeof(frame), 0);
	for (i = 0; i < 5; i++) {
		sluice_wire_send(s, frame, sizeof(frame));
		sluice_tx_frame(s, tx, frame, sizeof(frame));
	}
	memcpy(cmd.args, &args, sizeof(args));
	qtest_memwrite(s->qts, s->data, &header, sizeof(header));
	qtest_memwrite(s->qts, s->data + sizeof(header), insns, sizeof(insns));
	for (i = 0; i < 4; i++)
		sluice_submit(s, &cmd);
}

/* After a reset: nothing left of before, and everything can be set up anew. */
static void sluice_check_fresh(QSluice *s)
{
	QSluiceQueue rx, tx;
	uint8_t frame[64];
	struct sluice_resp_port port;

	g_assert_cmphex(sluice_reg64(s, SLUICE_REG_ASQ_BASE), ==, 0);
	g_assert_cmpuint(sluice_reg(s, SLUICE_REG_CONTROL), ==, 0);
	sluice_admin_init(s);
	g_assert_false(sluice_completion_ready(s));
	sluice_cmd(s, SLUICE_OP_PORT_QUERY, NULL, 0, NULL, &port, sizeof(port));
	g_assert_cmpuint(port.enabled, ==, 0);
	g_assert_cmpuint(port.prog_id, ==, 0);
	g_assert_cmpuint(port.link, ==, 1);
	g_assert_cmpuint(sluice_queue_op(s, SLUICE_OP_QUEUE_ENABLE, SLUICE_QUEUE_RX, 0), ==,
			 SLUICE_ST_NOT_FOUND);
	g_assert_cmpuint(sluice_attach(s, 1), ==, SLUICE_ST_NOT_FOUND);

	while (!sluice_wire_quiet(s))
		sluice_wire_recv(s, frame, sizeof(frame));
	sluice_traffic(s, &rx, &tx);
	sluice_make_frame(frame, sizeof(frame), 3);
	sluice_wire_send(s, frame, sizeof(frame));
	sluice_rx_wait(s, &rx, NULL);
	sluice_tx_frame(s, &tx, frame, sizeof(frame));
	sluice_wire_recv(s, frame, sizeof(frame));
	sluice_assert_balanced(s);
}

static void test_reset_register(void)
{
	QSluice *s = sluice_start("", "");
	QSluiceQueue rx, tx;
	unsigned i;

	sluice_bring_up(s);
	for (i = 0; i < 5; i++) {
		sluice_busy(s, &rx, &tx);
		sluice_reg_set(s, SLUICE_REG_RESET, 0x12345678); /* not the key: nothing */
		g_assert_cmphex(sluice_reg(s, SLUICE_REG_STATUS) & SLUICE_STATUS_ADMIN_ON, ==,
				SLUICE_STATUS_ADMIN_ON);
		sluice_reg_set(s, SLUICE_REG_RESET, SLUICE_RESET_KEY);
		sluice_check_fresh(s);
		sluice_reg_set(s, SLUICE_REG_RESET, SLUICE_RESET_KEY);
		sluice_admin_init(s);
	}
	sluice_stop(s);
}

/* A root complex integrated endpoint, and one behind a port. */
static void sluice_flr(QSluice *s)
{
	QSluiceQueue rx, tx;
	uint8_t cap;

	sluice_bring_up(s);
	cap = qpci_find_capability(s->pci, PCI_CAP_ID_EXP, 0);
	g_assert_cmpuint(cap, !=, 0);
	g_assert_cmphex(qpci_config_readl(s->pci, cap + PCI_EXP_DEVCAP) & PCI_EXP_DEVCAP_FLR, ==,
			PCI_EXP_DEVCAP_FLR);
	sluice_busy(s, &rx, &tx);
	qpci_config_writew(s->pci, cap + PCI_EXP_DEVCTL,
			   qpci_config_readw(s->pci, cap + PCI_EXP_DEVCTL) |
				   PCI_EXP_DEVCTL_BCR_FLR);
	/* The function forgets its configuration: give it the addresses it had. */
	qpci_config_writel(s->pci, PCI_BASE_ADDRESS_0, s->regs.addr);
	qpci_config_writel(s->pci, PCI_BASE_ADDRESS_0 + 4, s->pci->msix_table_bar.addr);
	qpci_config_writel(s->pci, PCI_BASE_ADDRESS_2, s->doorbells.addr);
	qpci_config_writel(s->pci, PCI_BASE_ADDRESS_2 + 4, 0);
	qpci_device_enable(s->pci);
	sluice_check_fresh(s);
	sluice_stop(s);
}

static void test_flr(void)
{
	sluice_flr(sluice_start("", ""));
}

static void test_flr_port(void)
{
	sluice_flr(sluice_start_hotplug("", ""));
}

static void test_system_reset(void)
{
	QSluice *s = sluice_start("", "");
	QSluiceQueue rx, tx;

	sluice_bring_up(s);
	sluice_busy(s, &rx, &tx);
	qtest_qmp_assert_success(s->qts, "{'execute': 'system_reset'}");
	qtest_qmp_eventwait(s->qts, "RESET");
	qpci_config_writel(s->pci, PCI_BASE_ADDRESS_0, s->regs.addr);
	qpci_config_writel(s->pci, PCI_BASE_ADDRESS_0 + 4, s->pci->msix_table_bar.addr);
	qpci_config_writel(s->pci, PCI_BASE_ADDRESS_2, s->doorbells.addr);
	qpci_config_writel(s->pci, PCI_BASE_ADDRESS_2 + 4, 0);
	qpci_device_enable(s->pci);
	sluice_check_fresh(s);
	sluice_stop(s);
}

/* Frames keep coming while the device goes. */
static void test_unplug(void)
{
	QSluice *s = sluice_start_hotplug("", "");
	QSluiceQueue rx, tx;
	uint8_t frame[64];
	unsigned i;

	sluice_bring_up(s);
	sluice_busy(s, &rx, &tx);
	qtest_qmp_device_del_send(s->qts, "nic0");
	sluice_make_frame(frame, sizeof(frame), 0);
	for (i = 0; i < 5; i++)
		send(s->wire, frame, sizeof(frame), MSG_DONTWAIT);
	/* Nobody in the guest answers the button: a reset of the system lets it go. */
	qtest_qmp_assert_success(s->qts, "{'execute': 'system_reset'}");
	qtest_qmp_eventwait(s->qts, "DEVICE_DELETED");
	sluice_assert_alive(s);
	/* The backend is free for another. */
	qtest_qmp_device_add(s->qts, "sluice-nic", "nic1", "{'bus': 'port0', 'netdev': 'wire0'}");
	sluice_assert_alive(s);
	sluice_stop(s);
}

static void test_plug_unplug(void)
{
	QSluice *s = sluice_start_hotplug("", "-device pcie-root-port,id=port1,chassis=2,slot=2 "
					      "-netdev hubport,id=hub0,hubid=0");
	unsigned i;

	for (i = 0; i < 5; i++) {
		qtest_qmp_device_add(s->qts, "sluice-nic", "again",
				     "{'bus': 'port1', 'netdev': 'hub0', 'queues': 32}");
		qtest_qmp_device_del_send(s->qts, "again");
		qtest_qmp_assert_success(s->qts, "{'execute': 'system_reset'}");
		qtest_qmp_eventwait(s->qts, "DEVICE_DELETED");
	}
	sluice_assert_alive(s);
	sluice_stop(s);
}

static void test_backend_gone(void)
{
	QSluice *s = sluice_start("", "");
	QSluiceQueue rx, tx;
	uint8_t frame[64];
	struct sluice_tx_cpl cpl;

	sluice_bring_up(s);
	sluice_traffic(s, &rx, &tx);
	sluice_make_frame(frame, sizeof(frame), 0);
	qtest_qmp_assert_success(s->qts, "{'execute': 'netdev_del', 'arguments': {'id': 'wire0'}}");
	g_assert_cmphex(sluice_reg(s, SLUICE_REG_PORT_BASE + SLUICE_PORT_LINK) & 1, ==, 0);
	sluice_tx_frame(s, &tx, frame, sizeof(frame));
	cpl = sluice_tx_wait(s, &tx);
	g_assert_cmpuint(le16_to_cpu(cpl.status), ==, SLUICE_TX_ST_NO_LINK);
	g_assert_cmpuint(sluice_stat(s, "tx_drop_link"), ==, 1);
	sluice_assert_balanced(s);
	sluice_stop(s);
}

static void test_no_backend(void)
{
	QTestState *qts = sluice_machine("q35", "-device sluice-nic,id=nic0");

	qtest_qmp_assert_success(qts, "{'execute': 'qom-get', 'arguments': "
				      "{'path': '/machine/peripheral/nic0', 'property': 'stats'}}");
	qtest_quit(qts);
}

static void sluice_check_refusal(QTestState *qts, const char *props, const char *message)
{
	QDict *args = qdict_from_jsonf_nofail("%p", qobject_from_json(props, &error_abort));
	QDict *answer = qtest_qmp(qts, "{'execute': 'device_add', 'arguments': %p}", args);

	g_assert(qdict_haskey(answer, "error"));
	g_assert_cmpstr(qdict_get_str(qdict_get_qdict(answer, "error"), "desc"), ==, message);
	qobject_unref(answer);
}

static void test_properties(void)
{
	QTestState *qts = sluice_machine("q35", "-device pcie-root-port,id=port0");

	sluice_check_refusal(qts, "{\"driver\": \"sluice-nic\", \"bus\": \"port0\", \"queues\": 0}",
			     "queues=0 is out of range: 1 to 32 queue pairs");
	sluice_check_refusal(qts,
			     "{\"driver\": \"sluice-nic\", \"bus\": \"port0\", \"queues\": 33}",
			     "queues=33 is out of range: 1 to 32 queue pairs");
	sluice_check_refusal(qts,
			     "{\"driver\": \"sluice-nic\", \"bus\": \"port0\", "
			     "\"mac\": \"01:00:00:00:00:01\"}",
			     "mac=01:00:00:00:00:01 is a group address: give a unicast address");
	sluice_check_refusal(qts,
			     "{\"driver\": \"sluice-nic\", \"bus\": \"port0\", "
			     "\"max-insns\": 65537}",
			     "max-insns=65537 is out of range: at most 65536");
	sluice_check_refusal(
		qts, "{\"driver\": \"sluice-nic\", \"bus\": \"port0\", \"engine\": \"steam\"}",
		"engine=steam is none of auto (compiled code where it works), jit, interp");
	/* And what was refused left nothing behind. */
	qtest_qmp_device_add(qts, "sluice-nic", "nic0", "{'bus': 'port0', 'queues': 1}");
	qtest_quit(qts);
}

/* A conventional bus: no PCI Express, everything else as ever, and hotplug by ACPI. */
static void test_conventional(void)
{
	QSluice *s = sluice_start_with(&(QSluiceOptions){.machine = "pc"});
	QSluiceQueue rx, tx;
	uint8_t frame[64];

	sluice_bring_up(s);
	g_assert_cmpuint(qpci_find_capability(s->pci, PCI_CAP_ID_EXP, 0), ==, 0);
	sluice_traffic(s, &rx, &tx);
	sluice_make_frame(frame, sizeof(frame), 0);
	sluice_cpl_doorbell(s, &rx, SLUICE_QUEUE_RX, true);
	sluice_wire_send(s, frame, sizeof(frame));
	sluice_rx_wait(s, &rx, NULL);
	sluice_wait_interrupt(s, rx.vector);

	qtest_qmp_device_add(s->qts, "sluice-nic", "nic1", "{'addr': '0x06'}");
	qpci_unplug_acpi_device_test(s->qts, "nic1", 6);
	sluice_assert_alive(s);
	sluice_stop(s);
}

void sluice_add_lifecycle_tests(void)
{
	qtest_add_func("/sluice/lifecycle/reset-register", test_reset_register);
	qtest_add_func("/sluice/lifecycle/flr", test_flr);
	qtest_add_func("/sluice/lifecycle/flr-behind-port", test_flr_port);
	qtest_add_func("/sluice/lifecycle/system-reset", test_system_reset);
	qtest_add_func("/sluice/lifecycle/unplug", test_unplug);
	qtest_add_func("/sluice/lifecycle/plug-unplug", test_plug_unplug);
	qtest_add_func("/sluice/lifecycle/backend-gone", test_backend_gone);
	qtest_add_func("/sluice/lifecycle/no-backend", test_no_backend);
	qtest_add_func("/sluice/lifecycle/properties", test_properties);
	qtest_add_func("/sluice/lifecycle/conventional", test_conventional);
}
