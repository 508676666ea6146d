/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bring-up of the device, registers, admin commands, the host's view. */
#include "qemu/osdep.h"
#include "qemu/sockets.h"
#include "qemu/units.h"
#include "libqos/pci-pc.h"
#include "hw/pci/pci_regs.h"
#include "sluice.h"

#define SLUICE_SLOT        4
#define SLUICE_MEMORY_BASE 0x100000
#define SLUICE_RESP_SIZE   0x10000
#define SLUICE_DATA_SIZE   0x80000
#define SLUICE_MSI_IDLE    0xdeadbeefu

/* ---- Life --------------------------------------------------------------------------------- */

/* A QEMU that was not installed finds its BIOS in the folders SLUICE_QEMU_DATA names (a:b). */
static char *sluice_data_args(void)
{
	g_auto(GStrv) dirs = g_strsplit(getenv("SLUICE_QEMU_DATA") ?: "", ":", -1);
	GString *args = g_string_new("");
	unsigned i;

	for (i = 0; dirs[i]; i++)
		if (*dirs[i])
			g_string_append_printf(args, " -L %s", dirs[i]);
	return g_string_free(args, false);
}

QTestState *sluice_machine(const char *machine, const char *args)
{
	g_autofree char *data = sluice_data_args();

	return qtest_initf("-machine %s -nodefaults%s %s", machine, data, args);
}

static char *sluice_wire_args(QSluice *s, const QSluiceOptions *o, int *peer)
{
	int fds[2];

	*peer = s->wire = -1;
	if (o->netdev)
		return g_strdup_printf("-netdev %s,id=wire0", o->netdev);
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), ==, 0);
	s->wire = fds[0];
	*peer = fds[1];
	return g_strdup_printf("-netdev dgram,id=wire0,local.type=fd,local.str=%d", fds[1]);
}

static QSluice *sluice_spawn(const QSluiceOptions *o, const char *where)
{
	QSluice *s = g_new0(QSluice, 1);
	g_autofree char *args = NULL, *wire = NULL;
	int peer;

	wire = sluice_wire_args(s, o, &peer);
	args = g_strdup_printf("-m %d %s %s -device sluice-nic,id=nic0,%s,netdev=wire0,"
			       "mac=" SLUICE_MAC "%s %s",
			       SLUICE_RAM_MB, o->before ?: "", wire, where, o->props ?: "",
			       o->args ?: "");
	s->qts = sluice_machine(o->machine ?: "q35", args);
	if (peer >= 0)
		close(peer);
	s->bus = qpci_new_pc(s->qts, NULL);
	s->next_free = SLUICE_MEMORY_BASE;
	return s;
}

QSluice *sluice_start_with(const QSluiceOptions *o)
{
	QSluice *s = sluice_spawn(o, "addr=4");

	s->pci = qpci_device_find(s->bus, QPCI_DEVFN(SLUICE_SLOT, 0));
	g_assert_nonnull(s->pci);
	return s;
}

QSluice *sluice_start(const char *props, const char *args)
{
	return sluice_start_with(&(QSluiceOptions){.props = props, .args = args});
}

QSluice *sluice_start_hotplug(const char *props, const char *args)
{
	QSluiceOptions o = {
		.before = "-device pcie-root-port,id=port0,chassis=1,slot=1,addr=4",
		.props = props,
		.args = args,
	};
	QSluice *s = sluice_spawn(&o, "bus=port0");
	QPCIDevice *port = qpci_device_find(s->bus, QPCI_DEVFN(SLUICE_SLOT, 0));

	g_assert_nonnull(port);
	qpci_config_writeb(port, PCI_SECONDARY_BUS, 1);
	qpci_config_writeb(port, PCI_SUBORDINATE_BUS, 1);
	/* libqos hands out BARs from 0xe0000000 upwards: let the port forward them. */
	qpci_config_writew(port, PCI_MEMORY_BASE, 0xe000);
	qpci_config_writew(port, PCI_MEMORY_LIMIT, 0xe0f0);
	qpci_config_writew(port, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	g_free(port);
	s->pci = qpci_device_find(s->bus, 1 << 8);
	g_assert_nonnull(s->pci);
	return s;
}

QSluice *sluice_start_incoming(const char *props)
{
	return sluice_start(props, "-incoming defer");
}

void sluice_adopt(QSluice *s, const QSluice *from)
{
	s->regs = from->regs;
	s->doorbells = from->doorbells;
	s->pci->msix_enabled = from->pci->msix_enabled;
	s->pci->msix_table_bar = from->pci->msix_table_bar;
	s->pci->msix_pba_bar = from->pci->msix_pba_bar;
	s->pci->msix_table_off = from->pci->msix_table_off;
	s->pci->msix_pba_off = from->pci->msix_pba_off;
	s->next_free = from->next_free;
	s->asq = from->asq;
	s->acq = from->acq;
	s->evq = from->evq;
	s->data = from->data;
	s->resp = from->resp;
	s->msi = from->msi;
	s->tag = from->tag;
}

void sluice_stop(QSluice *s)
{
	g_free(s->pci);
	qpci_free_pc(s->bus);
	qtest_quit(s->qts);
	if (s->wire >= 0)
		close(s->wire);
	g_free(s);
}

uint64_t sluice_alloc(QSluice *s, size_t size)
{
	uint64_t addr = s->next_free;

	s->next_free += ROUND_UP(size, 4096);
	g_assert_cmpuint(s->next_free, <=, SLUICE_RAM_MB * MiB);
	qtest_memset(s->qts, addr, 0, size);
	return addr;
}

/* Each vector's message is a store of its own value to its own word of guest memory. */
static void sluice_msix_init(QSluice *s)
{
	unsigned i, n = sluice_reg(s, SLUICE_REG_N_VECTORS);

	qpci_msix_enable(s->pci);
	g_assert_cmpuint(qpci_msix_table_size(s->pci), ==, n);
	s->msi = sluice_alloc(s, 4 * n);
	for (i = 0; i < n; i++) {
		uint64_t off = s->pci->msix_table_off + i * PCI_MSIX_ENTRY_SIZE;

		qtest_writel(s->qts, s->msi + 4 * i, SLUICE_MSI_IDLE);
		qpci_io_writel(s->pci, s->pci->msix_table_bar, off + PCI_MSIX_ENTRY_LOWER_ADDR,
			       s->msi + 4 * i);
		qpci_io_writel(s->pci, s->pci->msix_table_bar, off + PCI_MSIX_ENTRY_UPPER_ADDR, 0);
		qpci_io_writel(s->pci, s->pci->msix_table_bar, off + PCI_MSIX_ENTRY_DATA, i);
		qpci_io_writel(s->pci, s->pci->msix_table_bar, off + PCI_MSIX_ENTRY_VECTOR_CTRL, 0);
	}
}

void sluice_bring_up(QSluice *s)
{
	qpci_device_enable(s->pci);
	s->regs = qpci_iomap(s->pci, SLUICE_BAR_REGS, NULL);
	s->doorbells = qpci_iomap(s->pci, SLUICE_BAR_DOORBELLS, NULL);
	sluice_msix_init(s);
	s->asq.base = sluice_alloc(s, SLUICE_ADMIN_RING * sizeof(struct sluice_cmd));
	s->acq.base = sluice_alloc(s, SLUICE_ADMIN_RING * sizeof(struct sluice_cmd_cpl));
	s->evq.base = sluice_alloc(s, SLUICE_ADMIN_RING * sizeof(struct sluice_event));
	s->data = sluice_alloc(s, SLUICE_DATA_SIZE);
	s->resp = sluice_alloc(s, SLUICE_RESP_SIZE);
	sluice_admin_init(s);
}

void sluice_negotiate(QSluice *s, uint64_t features)
{
	sluice_reg_set(s, SLUICE_REG_FEATURE_PAGE, 0);
	sluice_reg64_set(s, SLUICE_REG_DRV_FEATURES, features);
	sluice_reg_set(s, SLUICE_REG_CONTROL, SLUICE_CONTROL_FEATURES_OK);
}

static void sluice_ring_clear(QSluice *s, QSluiceRing *ring, size_t entry)
{
	ring->size = SLUICE_ADMIN_RING;
	ring->index = 0;
	qtest_memset(s->qts, ring->base, 0, ring->size * entry);
}

void sluice_admin_init(QSluice *s)
{
	g_assert_cmphex(sluice_reg(s, SLUICE_REG_STATUS), ==, SLUICE_STATUS_READY);
	sluice_negotiate(s, sluice_reg64(s, SLUICE_REG_DEV_FEATURES));
	sluice_ring_clear(s, &s->asq, sizeof(struct sluice_cmd));
	sluice_ring_clear(s, &s->acq, sizeof(struct sluice_cmd_cpl));
	sluice_ring_clear(s, &s->evq, sizeof(struct sluice_event));
	sluice_reg64_set(s, SLUICE_REG_ASQ_BASE, s->asq.base);
	sluice_reg64_set(s, SLUICE_REG_ACQ_BASE, s->acq.base);
	sluice_reg64_set(s, SLUICE_REG_EVQ_BASE, s->evq.base);
	sluice_reg_set(s, SLUICE_REG_ASQ_SIZE, s->asq.size);
	sluice_reg_set(s, SLUICE_REG_ACQ_SIZE, s->acq.size);
	sluice_reg_set(s, SLUICE_REG_EVQ_SIZE, s->evq.size);
	sluice_reg_set(s, SLUICE_REG_ADMIN_VECTOR, 0);
	sluice_reg_set(s, SLUICE_REG_CONTROL,
		       SLUICE_CONTROL_FEATURES_OK | SLUICE_CONTROL_ADMIN_ENABLE);
	g_assert_cmphex(sluice_reg(s, SLUICE_REG_STATUS), ==,
			SLUICE_STATUS_READY | SLUICE_STATUS_FEATURES_OK | SLUICE_STATUS_ADMIN_ON);
}

/* ---- Registers ---------------------------------------------------------------------------- */

uint32_t sluice_reg(QSluice *s, uint64_t offset)
{
	return qpci_io_readl(s->pci, s->regs, offset);
}

uint64_t sluice_reg64(QSluice *s, uint64_t offset)
{
	return qpci_io_readq(s->pci, s->regs, offset);
}

void sluice_reg_set(QSluice *s, uint64_t offset, uint32_t value)
{
	qpci_io_writel(s->pci, s->regs, offset, value);
}

void sluice_reg64_set(QSluice *s, uint64_t offset, uint64_t value)
{
	qpci_io_writeq(s->pci, s->regs, offset, value);
}

void sluice_doorbell(QSluice *s, unsigned queue, uint64_t which, uint64_t value)
{
	qpci_io_writeq(s->pci, s->doorbells, (uint64_t)queue * SLUICE_DOORBELL_PAGE + which, value);
}

/* ---- Commands ----------------------------------------------------------------------------- */

QSluiceAttrs *sluice_attrs(void)
{
	QSluiceAttrs *attrs = g_new0(QSluiceAttrs, 1);

	attrs->bytes = g_byte_array_new();
	return attrs;
}

QSluiceAttrs *sluice_attr(QSluiceAttrs *attrs, uint16_t type, const void *data, uint32_t len)
{
	static const uint8_t zeros[SLUICE_ATTR_ALIGN];
	struct sluice_attr header = {.type = cpu_to_le16(type), .length = cpu_to_le32(len)};

	if (!attrs)
		attrs = sluice_attrs();
	g_byte_array_append(attrs->bytes, (const uint8_t *)&header, sizeof(header));
	g_byte_array_append(attrs->bytes, data, len);
	g_byte_array_append(attrs->bytes, zeros, ROUND_UP(len, SLUICE_ATTR_ALIGN) - len);
	return attrs;
}

void sluice_submit(QSluice *s, const struct sluice_cmd *cmd)
{
	uint64_t slot = s->asq.index % s->asq.size;

	qtest_memwrite(s->qts, s->asq.base + slot * sizeof(*cmd), cmd, sizeof(*cmd));
	s->asq.index = (uint16_t)(s->asq.index + 1);
	sluice_reg_set(s, SLUICE_REG_ASQ_DOORBELL, s->asq.index);
}

static uint64_t sluice_acq_entry(QSluice *s)
{
	return s->acq.base + s->acq.index % s->acq.size * sizeof(struct sluice_cmd_cpl);
}

bool sluice_completion_ready(QSluice *s)
{
	uint64_t phase = sluice_acq_entry(s) + offsetof(struct sluice_cmd_cpl, phase);

	return (qtest_readb(s->qts, phase) & SLUICE_PHASE) != s->acq.index / s->acq.size % 2;
}

struct sluice_cmd_cpl sluice_completion(QSluice *s)
{
	gint64 end = g_get_monotonic_time() + SLUICE_PATIENCE;
	struct sluice_cmd_cpl cpl;

	while (!sluice_completion_ready(s))
		g_assert_cmpint(g_get_monotonic_time(), <, end);
	qtest_memread(s->qts, sluice_acq_entry(s), &cpl, sizeof(cpl));
	s->acq.index = (uint16_t)(s->acq.index + 1);
	sluice_reg_set(s, SLUICE_REG_ACQ_DOORBELL, s->acq.index | SLUICE_DB32_ARM);
	cpl.tag = le16_to_cpu(cpl.tag);
	cpl.status = le16_to_cpu(cpl.status);
	cpl.detail = le32_to_cpu(cpl.detail);
	cpl.resp_len = le32_to_cpu(cpl.resp_len);
	cpl.resp_full = le32_to_cpu(cpl.resp_full);
	cpl.result = le64_to_cpu(cpl.result);
	cpl.sub_index = le16_to_cpu(cpl.sub_index);
	return cpl;
}

struct sluice_cmd_cpl sluice_run(QSluice *s, uint16_t opcode, const void *args, size_t args_len,
				 QSluiceAttrs *attrs, void *resp, uint32_t resp_len)
{
	struct sluice_cmd cmd = {
		.opcode = cpu_to_le16(opcode),
		.tag = cpu_to_le16(++s->tag),
		.resp_len = cpu_to_le32(resp_len),
		.resp_addr = cpu_to_le64(resp_len ? s->resp : 0),
	};
	struct sluice_cmd_cpl cpl;

	g_assert_cmpuint(args_len, <=, sizeof(cmd.args));
	g_assert_cmpuint(resp_len, <=, SLUICE_RESP_SIZE);
	if (args_len)
		memcpy(cmd.args, args, args_len);
	if (attrs) {
		g_assert_cmpuint(attrs->bytes->len, <=, SLUICE_DATA_SIZE);
		cmd.data_addr = cpu_to_le64(s->data);
		cmd.data_len = cpu_to_le32(attrs->bytes->len);
		if (attrs->bytes->len)
			qtest_memwrite(s->qts, s->data, attrs->bytes->data, attrs->bytes->len);
		g_byte_array_unref(attrs->bytes);
		g_free(attrs);
	}
	sluice_submit(s, &cmd);
	cpl = sluice_completion(s);
	g_assert_cmpuint(cpl.tag, ==, s->tag);
	g_assert_cmpuint(cpl.resp_len, <=, resp_len);
	g_assert_cmpuint(cpl.resp_len, <=, cpl.resp_full);
	if (cpl.resp_len)
		qtest_memread(s->qts, s->resp, resp, cpl.resp_len);
	return cpl;
}

uint64_t sluice_cmd(QSluice *s, uint16_t opcode, const void *args, size_t args_len,
		    QSluiceAttrs *attrs, void *resp, uint32_t resp_len)
{
	struct sluice_cmd_cpl cpl = sluice_run(s, opcode, args, args_len, attrs, resp, resp_len);

	if (cpl.status)
		g_test_message("command 0x%04x: status %u, detail %u", opcode, cpl.status,
			       cpl.detail);
	sluice_assert_status(cpl, OK);
	return cpl.result;
}

/* ---- Interrupts --------------------------------------------------------------------------- */

bool sluice_interrupted(QSluice *s, unsigned vector)
{
	uint32_t data = qtest_readl(s->qts, s->msi + 4 * vector);

	if (data == SLUICE_MSI_IDLE)
		return false;
	g_assert_cmpuint(data, ==, vector);
	qtest_writel(s->qts, s->msi + 4 * vector, SLUICE_MSI_IDLE);
	return true;
}

void sluice_wait_interrupt(QSluice *s, unsigned vector)
{
	gint64 end = g_get_monotonic_time() + SLUICE_PATIENCE;

	while (!sluice_interrupted(s, vector))
		g_assert_cmpint(g_get_monotonic_time(), <, end);
}

/* ---- Host's view -------------------------------------------------------------------------- */

static QDict *sluice_qom_get(QSluice *s, const char *property)
{
	QDict *answer = qtest_qmp(s->qts,
				  "{'execute': 'qom-get', 'arguments': "
				  "{'path': '/machine/peripheral/nic0', 'property': %s}}",
				  property);

	g_assert(qdict_haskey(answer, "return"));
	return answer;
}

uint64_t sluice_stat(QSluice *s, const char *name)
{
	QDict *answer = sluice_qom_get(s, "stats");
	QDict *stats = qdict_get_qdict(answer, "return");
	uint64_t value;

	g_assert(qdict_haskey(stats, name));
	value = qdict_get_int(stats, name);
	qobject_unref(answer);
	return value;
}

void sluice_wait_stat(QSluice *s, const char *name, uint64_t value)
{
	gint64 end = g_get_monotonic_time() + SLUICE_PATIENCE;
	uint64_t now;

	while ((now = sluice_stat(s, name)) < value)
		g_assert_cmpint(g_get_monotonic_time(), <, end);
	g_assert_cmpuint(now, ==, value);
}

void sluice_assert_balanced(QSluice *s)
{
	QDict *answer = sluice_qom_get(s, "stats-balance");

	g_assert_cmpstr(qdict_get_str(answer, "return"), ==, "balanced");
	qobject_unref(answer);
}

void sluice_assert_alive(QSluice *s)
{
	qtest_qmp_assert_success(s->qts, "{'execute': 'query-status'}");
}
