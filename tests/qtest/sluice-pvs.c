/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bring-up of sluice-pvsched, registers, pages, interrupts. */
#include "qemu/osdep.h"
#include "hw/pci/pci_regs.h"
#include "libqos/pci-pc.h"
#include "qobject/qlist.h"
#include "sluice.h"
#include "sluice-pvs.h"

#define PVS_SLOT     4
#define PVS_MSI_BASE 0x200000
#define PVS_MSI_IDLE 0xdeadbeefu

/* ---- Life --------------------------------------------------------------------------------- */

/* Each vector's message is a store of its own value to its own word of guest memory. */
static void pvs_msix_init(QPvs *s)
{
	unsigned i;

	qpci_msix_enable(s->pci);
	s->n_vectors = pvs_reg(s, PVS_REG_N_VECTORS);
	g_assert_cmpuint(qpci_msix_table_size(s->pci), ==, s->n_vectors);
	s->msi = PVS_MSI_BASE;
	for (i = 0; i < s->n_vectors; i++) {
		uint64_t off = s->pci->msix_table_off + i * PCI_MSIX_ENTRY_SIZE;

		qtest_writel(s->qts, s->msi + 4 * i, PVS_MSI_IDLE);
		qpci_io_writel(s->pci, s->pci->msix_table_bar, off + PCI_MSIX_ENTRY_LOWER_ADDR,
			       s->msi + 4 * i);
		qpci_io_writel(s->pci, s->pci->msix_table_bar, off + PCI_MSIX_ENTRY_UPPER_ADDR, 0);
		qpci_io_writel(s->pci, s->pci->msix_table_bar, off + PCI_MSIX_ENTRY_DATA, i);
		qpci_io_writel(s->pci, s->pci->msix_table_bar, off + PCI_MSIX_ENTRY_VECTOR_CTRL, 0);
	}
}

void pvs_map(QPvs *s)
{
	qpci_device_enable(s->pci);
	s->regs = qpci_iomap(s->pci, PVS_BAR_REGS, NULL);
	s->guest = qpci_iomap(s->pci, PVS_BAR_GUEST, NULL);
	s->host = qpci_iomap(s->pci, PVS_BAR_HOST, NULL);
	pvs_msix_init(s);
}

QPvs *pvs_start_with(const QPvsOptions *o)
{
	QPvs *s = g_new0(QPvs, 1);
	g_autofree char *args = NULL;

	args = g_strdup_printf("-m 64 -smp %s %s -device sluice-pvsched,id=pvs0,%s%s %s %s",
			       o->smp ?: "2", o->before ?: "", o->where ?: "addr=4", o->props ?: "",
			       o->args ?: "", o->incoming ? "-incoming defer" : "");
	s->qts = sluice_machine(o->machine ?: "q35", args);
	s->bus = qpci_new_pc(s->qts, NULL);
	if (o->where)
		return s;
	s->pci = qpci_device_find(s->bus, QPCI_DEVFN(PVS_SLOT, 0));
	g_assert_nonnull(s->pci);
	if (!o->incoming)
		pvs_map(s);
	return s;
}

QPvs *pvs_start(const char *props, const char *args)
{
	return pvs_start_with(&(QPvsOptions){.props = props, .args = args});
}

void pvs_adopt(QPvs *s, const QPvs *from)
{
	s->regs = from->regs;
	s->guest = from->guest;
	s->host = from->host;
	s->msi = from->msi;
	s->n_vectors = from->n_vectors;
	s->pci->msix_enabled = from->pci->msix_enabled;
	s->pci->msix_table_bar = from->pci->msix_table_bar;
	s->pci->msix_pba_bar = from->pci->msix_pba_bar;
	s->pci->msix_table_off = from->pci->msix_table_off;
	s->pci->msix_pba_off = from->pci->msix_pba_off;
}

void pvs_stop(QPvs *s)
{
	g_free(s->pci);
	qpci_free_pc(s->bus);
	qtest_quit(s->qts);
	g_free(s);
}

/* ---- Registers ---------------------------------------------------------------------------- */

uint32_t pvs_reg(QPvs *s, uint64_t offset)
{
	return qpci_io_readl(s->pci, s->regs, offset);
}

uint64_t pvs_reg64(QPvs *s, uint64_t offset)
{
	return qpci_io_readq(s->pci, s->regs, offset);
}

void pvs_reg_set(QPvs *s, uint64_t offset, uint32_t value)
{
	qpci_io_writel(s->pci, s->regs, offset, value);
}

void pvs_reg64_set(QPvs *s, uint64_t offset, uint64_t value)
{
	qpci_io_writeq(s->pci, s->regs, offset, value);
}

void pvs_assert_status(QPvs *s, uint32_t status, enum pvs_result result)
{
	g_assert_cmphex(pvs_reg(s, PVS_REG_STATUS), ==, status);
	g_assert_cmpuint(pvs_reg(s, PVS_REG_RESULT), ==, result);
}

void pvs_bring_up(QPvs *s, uint64_t features)
{
	uint32_t status;

	pvs_reg_set(s, PVS_REG_STATUS, 0);
	pvs_reg_set(s, PVS_REG_STATUS, status = PVS_STATUS_ACKNOWLEDGE);
	pvs_reg_set(s, PVS_REG_STATUS, status |= PVS_STATUS_DRIVER);
	pvs_reg64_set(s, PVS_REG_DRV_FEATURES, features);
	pvs_reg_set(s, PVS_REG_STATUS, status |= PVS_STATUS_FEATURES_OK);
	pvs_assert_status(s, status, PVS_RESULT_OK);
	pvs_reg_set(s, PVS_REG_STATUS, status | PVS_STATUS_DRIVER_OK);
	pvs_assert_status(s, PVS_STATUS_UP, PVS_RESULT_OK);
}

/* ---- Pages -------------------------------------------------------------------------------- */

uint64_t pvs_guest_get(QPvs *s, unsigned v, size_t offset)
{
	return qpci_io_readq(s->pci, s->guest, v * PVS_PAGE_STRIDE + offset);
}

void pvs_guest_set(QPvs *s, unsigned v, size_t offset, uint64_t value)
{
	qpci_io_writeq(s->pci, s->guest, v * PVS_PAGE_STRIDE + offset, value);
}

uint64_t pvs_host_get(QPvs *s, unsigned v, size_t offset)
{
	return qpci_io_readq(s->pci, s->host, v * PVS_PAGE_STRIDE + offset);
}

/* ---- Interrupts --------------------------------------------------------------------------- */

bool pvs_interrupted(QPvs *s, unsigned vector)
{
	uint32_t data = qtest_readl(s->qts, s->msi + 4 * vector);

	if (data == PVS_MSI_IDLE)
		return false;
	g_assert_cmpuint(data, ==, vector);
	qtest_writel(s->qts, s->msi + 4 * vector, PVS_MSI_IDLE);
	return true;
}

void pvs_wait_interrupt(QPvs *s, unsigned vector)
{
	gint64 end = g_get_monotonic_time() + PVS_PATIENCE;

	while (!pvs_interrupted(s, vector))
		g_assert_cmpint(g_get_monotonic_time(), <, end);
}

/* ---- Host's view -------------------------------------------------------------------------- */

#define PVS_QOM "'path': '/machine/peripheral/pvs0', 'property': %s"

uint64_t pvs_vcpu_stat(QPvs *s, unsigned v, const char *name)
{
	QDict *answer =
		qtest_qmp(s->qts, "{'execute': 'qom-get', 'arguments': {" PVS_QOM "}}", "vcpus");
	QListEntry *entry;
	uint64_t value = 0;
	bool found = false;

	QLIST_FOREACH_ENTRY(qdict_get_qlist(answer, "return"), entry)
	{
		QDict *vcpu = qobject_to(QDict, qlist_entry_obj(entry));

		if (qdict_get_int(vcpu, "vcpu") != v)
			continue;
		g_assert(qdict_haskey(vcpu, name));
		value = qdict_get_int(vcpu, name);
		found = true;
	}
	g_assert_true(found);
	qobject_unref(answer);
	return value;
}

void pvs_qom_set(QPvs *s, const char *property, const char *value)
{
	qtest_qmp_assert_success(s->qts,
				 "{'execute': 'qom-set', 'arguments': {" PVS_QOM ", 'value': %s}}",
				 property, value);
}

void pvs_qom_set_refused(QPvs *s, const char *property, const char *value, const char *want)
{
	QDict *answer =
		qtest_qmp(s->qts, "{'execute': 'qom-set', 'arguments': {" PVS_QOM ", 'value': %s}}",
			  property, value);

	g_assert(qdict_haskey(answer, "error"));
	g_assert_cmpstr(qdict_get_str(qdict_get_qdict(answer, "error"), "desc"), ==, want);
	qobject_unref(answer);
}

void pvs_assert_alive(QPvs *s)
{
	qtest_qmp_assert_success(s->qts, "{'execute': 'query-status'}");
}
