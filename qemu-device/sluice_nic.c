/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sluice-nic: life and death of the device. BARs, guest memory, wire and migration have their own
 * files; what the device does is in nic-model and firmware.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/main-loop.h"
#include "qemu/module.h"
#include "hw/pci/msix.h"
#include "hw/pci/pci_bus.h"
#include "hw/pci/pcie.h"
#include "hw/qdev-properties.h"
#include "migration/blocker.h"
#include "net/eth.h"
#include "sluice_nic.h"
#include "threads.h"
#include "trace.h"

const char *sluice_name(SluiceNIC *s)
{
	const char *id = DEVICE(s)->id;

	return id ? id : TYPE_SLUICE_NIC;
}

bool sluice_enter(SluiceNIC *s)
{
	if (s->entered)
		return false;
	sluice_thread_register();
	s->entered = true;
	return true;
}

void sluice_leave(SluiceNIC *s)
{
	/* Whatever the guest just did may have made room for a frame that was refused. */
	if (s->wire_held && nic_can_receive(s->nic, 0)) {
		s->wire_held = false;
		qemu_bh_schedule(s->wire_bh);
	}
	s->entered = false;
}

/* Guest memory must not change while the VM stands still: sluice_vm_change() makes up for it. */
static void sluice_process(void *opaque)
{
	SluiceNIC *s = opaque;
	bool more;

	if (!runstate_is_running() || !sluice_enter(s))
		return;
	fw_process(s->fw);
	more = nic_process(s->nic);
	sluice_leave(s);
	trace_sluice_process(sluice_name(s), more);
}

static void sluice_vm_change(void *opaque, bool running, RunState state)
{
	SluiceNIC *s = opaque;

	trace_sluice_vm_state(sluice_name(s), running);
	if (running) {
		qemu_bh_schedule(s->process_bh);
		qemu_bh_schedule(s->wire_bh);
	} else if (sluice_enter(s)) {
		fw_drain(s->fw);
		sluice_leave(s);
	}
}

/* What runs the guest's programs, out of engine= and the jit-*= that harden compiled code. */
static bool sluice_check_engine(SluiceNIC *s, Error **errp)
{
	static const struct {
		const char *name;
		uint8_t engine;
	} engines[] = {
		{"auto", BPFE_ENGINE_DEFAULT},
		{"jit", BPFE_ENGINE_JIT},
		{"interp", BPFE_ENGINE_INTERP},
	};
	const char *name = s->engine ? s->engine : engines[0].name;
	unsigned i;

	s->limits.relax = s->jit_harden ? BPFE_RELAX_ALL & ~s->jit_mitigations : BPFE_RELAX_ALL;
	for (i = 0; i < ARRAY_SIZE(engines); i++) {
		if (!strcmp(engines[i].name, name)) {
			s->limits.engine = engines[i].engine;
			return true;
		}
	}
	error_setg(errp, "engine=%s is none of auto (compiled code where it works), jit, interp",
		   name);
	return false;
}

/* engine=jit on a host that will not have it: now rather than when the guest loads a program. */
static bool sluice_check_available(SluiceNIC *s, Error **errp)
{
	char text[512] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};

	if (!bpfe_engine_available(s->limits.engine, &log))
		return true;
	error_setg(errp, "engine=%s: %s", s->engine, g_strchomp(text));
	return false;
}

static bool sluice_check_properties(SluiceNIC *s, Error **errp)
{
	struct nic_config *config = &s->config;

	if (!config->n_queue_pairs || config->n_queue_pairs > SLUICE_MAX_QUEUES) {
		error_setg(errp, "queues=%u is out of range: 1 to %d queue pairs",
			   config->n_queue_pairs, SLUICE_MAX_QUEUES);
		return false;
	}
	qemu_macaddr_default_if_unset(&s->conf.macaddr);
	if (is_multicast_ether_addr(s->conf.macaddr.a)) {
		error_setg(errp, "mac=" MAC_FMT " is a group address: give a unicast address",
			   MAC_ARG(s->conf.macaddr.a));
		return false;
	}
	if (s->limits.max_insns > BPFE_MAX_INSNS) {
		error_setg(errp, "max-insns=%u is out of range: at most %u", s->limits.max_insns,
			   BPFE_MAX_INSNS);
		return false;
	}
	if (!sluice_check_engine(s, errp) || !sluice_check_available(s, errp))
		return false;
	config->n_ports = 1;
	/* One vector for each completion ring and one for the admin rings. */
	config->n_vectors = MIN(2 * config->n_queue_pairs + 1, SLUICE_MAX_VECTORS);
	memcpy(config->mac[0], s->conf.macaddr.a, sizeof(config->mac[0]));
	return true;
}

static bool sluice_pci_init(SluiceNIC *s, Error **errp)
{
	PCIDevice *pci = PCI_DEVICE(s);
	unsigned i;
	int ret;

	sluice_bars_init(s);
	if (pci_is_express(pci)) {
		ret = pcie_endpoint_cap_init(pci, 0x80);
		if (ret < 0) {
			error_setg_errno(errp, -ret, "cannot add the PCI Express capability");
			return false;
		}
		pcie_cap_flr_init(pci);
	}
	if (msix_init_exclusive_bar(pci, s->config.n_vectors, SLUICE_BAR_MSIX, errp) < 0) {
		if (pci_is_express(pci))
			pcie_cap_exit(pci);
		return false;
	}
	for (i = 0; i < s->config.n_vectors; i++)
		msix_vector_use(pci, i);
	return true;
}

static void sluice_pci_exit(SluiceNIC *s)
{
	PCIDevice *pci = PCI_DEVICE(s);

	msix_unuse_all_vectors(pci);
	msix_uninit_exclusive_bar(pci);
	if (pci_is_express(pci))
		pcie_cap_exit(pci);
}

static bool sluice_core_create(SluiceNIC *s, Error **errp)
{
	int err;

	err = nic_create(&s->config, &sluice_host_ops, s, &s->nic);
	if (err) {
		error_setg_errno(errp, -err, "cannot create the NIC");
		return false;
	}
	err = fw_create(s->nic, &s->limits, &sluice_host_ops, s, sluice_migration_objects, &s->fw);
	if (err) {
		error_setg_errno(errp, -err, "cannot start the NIC's firmware");
		nic_destroy(s->nic);
		s->nic = NULL;
		return false;
	}
	return true;
}

static void sluice_realize(PCIDevice *pci, Error **errp)
{
	SluiceNIC *s = SLUICE_NIC(pci);
	DeviceState *dev = DEVICE(pci);

	if (!sluice_check_properties(s, errp) || !sluice_pci_init(s, errp))
		return;
	sluice_thread_register();
	s->process_bh = qemu_bh_new_guarded(sluice_process, s, &dev->mem_reentrancy_guard);
	if (!sluice_core_create(s, errp)) {
		qemu_bh_delete(s->process_bh);
		sluice_pci_exit(s);
		return;
	}
	sluice_wire_init(s);
	s->vm_state = qdev_add_vm_change_state_handler(dev, sluice_vm_change, s);

	if (sluice_enter(s)) {
		sluice_wire_set_link(s);
		sluice_leave(s);
	}
}

static void sluice_exit(PCIDevice *pci)
{
	SluiceNIC *s = SLUICE_NIC(pci);

	/* A guest may eject the device from one of its CPUs. */
	sluice_thread_register();
	qemu_del_vm_change_state_handler(s->vm_state);
	sluice_wire_exit(s);
	/* The worker ends here; until then it may schedule a bottom half. */
	fw_destroy(s->fw);
	s->fw = NULL;
	nic_destroy(s->nic);
	s->nic = NULL;
	qemu_bh_delete(s->process_bh);
	qemu_bh_delete(s->wire_bh);
	migrate_del_blocker(&s->migration_blocker);
	sluice_pci_exit(s);
}

static void sluice_reset_hold(Object *obj, ResetType type)
{
	SluiceNIC *s = SLUICE_NIC(obj);
	SluiceNICClass *klass = SLUICE_NIC_GET_CLASS(obj);

	if (klass->parent_phases.hold)
		klass->parent_phases.hold(obj, type);
	trace_sluice_reset(sluice_name(s));
	if (!s->fw || !sluice_enter(s))
		return;
	fw_reset(s->fw);
	sluice_wire_set_link(s);
	sluice_leave(s);
	/* Frames that waited for buffers find the port down and are counted so. */
	qemu_bh_schedule(s->wire_bh);
}

static void sluice_config_write(PCIDevice *pci, uint32_t addr, uint32_t value, int len)
{
	pci_default_write_config(pci, addr, value, len);
	if (pci_is_express(pci))
		pcie_cap_flr_write_config(pci, addr, value, len);
}

/* The size of configuration space is settled before a PCI device's own realize. */
static void sluice_dev_realize(DeviceState *dev, Error **errp)
{
	PCIDevice *pci = PCI_DEVICE(dev);
	BusState *bus = qdev_get_parent_bus(dev);

	if (bus && pci_bus_is_express(PCI_BUS(bus)))
		pci->cap_present |= QEMU_PCI_CAP_EXPRESS;
	SLUICE_NIC_GET_CLASS(dev)->parent_realize(dev, errp);
}

/* A mitigation that is on by default; @relax is the engine's flag for leaving it out. */
#define SLUICE_PROP_MITIGATION(name, relax) \
	DEFINE_PROP_BIT(name, SluiceNIC, jit_mitigations, __builtin_ctz(relax), true)

static const Property sluice_properties[] = {
	DEFINE_NIC_PROPERTIES(SluiceNIC, conf),
	DEFINE_PROP_UINT32("queues", SluiceNIC, config.n_queue_pairs, 4),
	DEFINE_PROP_BOOL("rx-pause", SluiceNIC, config.rx_pause, true),
	/* 0: what the firmware has as its default */
	DEFINE_PROP_SIZE("map-memory", SluiceNIC, limits.map_bytes, 0),
	DEFINE_PROP_UINT32("max-maps", SluiceNIC, limits.max_maps, 0),
	DEFINE_PROP_UINT32("max-programs", SluiceNIC, limits.max_progs, 0),
	DEFINE_PROP_UINT32("max-insns", SluiceNIC, limits.max_insns, 0),
	DEFINE_PROP_UINT32("insn-budget", SluiceNIC, limits.run_budget, 0),
	DEFINE_PROP_UINT32("load-queue", SluiceNIC, limits.load_queue, 0),
	DEFINE_PROP_STRING("engine", SluiceNIC, engine),
	DEFINE_PROP_BOOL("count-insns", SluiceNIC, limits.count_insns, false),
	DEFINE_PROP_BOOL("jit-harden", SluiceNIC, jit_harden, true),
	SLUICE_PROP_MITIGATION("jit-blinding", BPFE_RELAX_BLINDING),
	SLUICE_PROP_MITIGATION("jit-random-start", BPFE_RELAX_RANDOM_START),
	SLUICE_PROP_MITIGATION("jit-masks", BPFE_RELAX_MASKS),
	SLUICE_PROP_MITIGATION("jit-packet", BPFE_RELAX_PACKET),
	SLUICE_PROP_MITIGATION("jit-fences", BPFE_RELAX_FENCES),
};

static void sluice_describe_properties(ObjectClass *klass)
{
	static const struct {
		const char *name, *text;
	} description[] = {
		{"queues", "receive and transmit queue pairs, 1 to 32"},
		{"rx-pause", "let the wire wait while a queue lacks buffers, instead of dropping"},
		{"map-memory", "storage of all maps; 0: the firmware's default"},
		{"max-maps", "maps that may exist at once; 0: the firmware's default"},
		{"max-programs", "programs that may exist at once; 0: the firmware's default"},
		{"max-insns", "instructions a program may have; 0: all the engine takes"},
		{"insn-budget", "instructions a frame's run may execute; 0: the engine's default"},
		{"load-queue", "program loads that may wait at once; 0: the firmware's default"},
		{"engine", "what runs programs: auto (default), jit or interp"},
		{"count-insns", "compiled programs count the instructions they execute"},
		{"jit-harden", "compiled code is hardened against its author; off: not at all"},
		{"jit-blinding", "its constants do not appear in the code"},
		{"jit-random-start", "where it begins is random"},
		{"jit-masks", "indices into stack and map values are masked"},
		{"jit-packet", "addresses in the frame are clamped"},
		{"jit-fences", "what may not be a pointer under speculation waits for its branch"},
	};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(description); i++)
		object_class_property_set_description(klass, description[i].name,
						      description[i].text);
}

static void sluice_class_init(ObjectClass *klass, void *data)
{
	DeviceClass *dc = DEVICE_CLASS(klass);
	PCIDeviceClass *pc = PCI_DEVICE_CLASS(klass);
	ResettableClass *rc = RESETTABLE_CLASS(klass);
	SluiceNICClass *sc = SLUICE_NIC_CLASS(klass);

	pc->realize = sluice_realize;
	pc->exit = sluice_exit;
	pc->config_write = sluice_config_write;
	pc->vendor_id = SLUICE_PCI_VENDOR_ID;
	pc->device_id = SLUICE_PCI_DEVICE_ID_NIC;
	pc->revision = SLUICE_PCI_REVISION;
	pc->class_id = PCI_CLASS_NETWORK_ETHERNET;
	pc->subsystem_vendor_id = SLUICE_PCI_VENDOR_ID;
	pc->subsystem_id = SLUICE_PCI_DEVICE_ID_NIC;

	device_class_set_parent_realize(dc, sluice_dev_realize, &sc->parent_realize);
	resettable_class_set_parent_phases(rc, NULL, sluice_reset_hold, NULL, &sc->parent_phases);
	dc->desc = "Sluice SmartNIC with XDP offload";
	dc->vmsd = &sluice_vmstate;
	device_class_set_props(dc, sluice_properties);
	sluice_describe_properties(klass);
	set_bit(DEVICE_CATEGORY_NETWORK, dc->categories);
	sluice_register_properties(klass);
}

static const TypeInfo sluice_info = {
	.name = TYPE_SLUICE_NIC,
	.parent = TYPE_PCI_DEVICE,
	.instance_size = sizeof(SluiceNIC),
	.class_size = sizeof(SluiceNICClass),
	.class_init = sluice_class_init,
	.interfaces =
		(InterfaceInfo[]){{INTERFACE_PCIE_DEVICE}, {INTERFACE_CONVENTIONAL_PCI_DEVICE}, {}},
};

static void sluice_register_types(void)
{
	type_register_static(&sluice_info);
}

type_init(sluice_register_types)
