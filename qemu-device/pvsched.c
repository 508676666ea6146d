/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sluice-pvsched: life and death of the device. BARs, registers, interrupts and migration have
 * their own files; what is done with the guest's hints is in paravirt-sched.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/module.h"
#include "hw/boards.h"
#include "hw/pci/pci_bus.h"
#include "hw/pci/pcie.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "pvsched.h"
#include "trace.h"

const char *pvsched_name(SluicePvsched *s)
{
	const char *id = DEVICE(s)->id;

	return id ? id : TYPE_SLUICE_PVSCHED;
}

static void pvsched_vm_change(void *opaque, bool running, RunState state)
{
	SluicePvsched *s = opaque;

	trace_pvsched_vm_state(pvsched_name(s), running);
	pvsched_regs_vm_change(s, running);
	if (running)
		pvsched_vectors_resume(s);
}

static bool pvsched_count_vcpus(SluicePvsched *s, Error **errp)
{
	unsigned n = MACHINE(qdev_get_machine())->smp.max_cpus;

	if (n > PVS_MAX_VCPUS) {
		error_setg(errp,
			   "the machine may have %u vCPUs (-smp maxcpus): at most %d are served", n,
			   PVS_MAX_VCPUS);
		return false;
	}
	s->n_vcpus = n;
	s->n_vectors = MIN(1 + n, PVS_MAX_VECTORS);
	return true;
}

static bool pvsched_pci_init(SluicePvsched *s, Error **errp)
{
	PCIDevice *pci = PCI_DEVICE(s);
	int ret;

	if (!pci_is_express(pci))
		return true;
	ret = pcie_endpoint_cap_init(pci, 0x80);
	if (ret < 0) {
		error_setg_errno(errp, -ret, "cannot add the PCI Express capability");
		return false;
	}
	pcie_cap_flr_init(pci);
	return true;
}

static void pvsched_pci_exit(SluicePvsched *s)
{
	if (pci_is_express(PCI_DEVICE(s)))
		pcie_cap_exit(PCI_DEVICE(s));
}

static void pvsched_realize(PCIDevice *pci, Error **errp)
{
	SluicePvsched *s = SLUICE_PVSCHED(pci);

	if (!pvsched_cpus_check(errp) || !pvsched_count_vcpus(s, errp) ||
	    !pvsched_pci_init(s, errp))
		return;
	/* What the registers offer depends on whose the pages are. */
	if (!pvsched_live_init(s, errp) || !pvsched_regs_init(s, errp))
		goto no_regs;
	if (!pvsched_bars_init(s, errp))
		goto no_bars;
	if (!pvsched_vectors_init(s, errp))
		goto no_vectors;
	if (!pvsched_core_init(s, errp))
		goto no_core;
	pvsched_cpus_init(s);
	s->vm_state = qdev_add_vm_change_state_handler(DEVICE(s), pvsched_vm_change, s);
	return;

no_core:
	pvsched_vectors_exit(s);
no_vectors:
	pvsched_bars_exit(s);
no_bars:
	pvsched_regs_exit(s);
no_regs:
	pvsched_pci_exit(s);
}

static void pvsched_exit(PCIDevice *pci)
{
	SluicePvsched *s = SLUICE_PVSCHED(pci);

	pvsched_bars_drain(s);
	qemu_del_vm_change_state_handler(s->vm_state);
	pvsched_cpus_exit(s);
	pvsched_core_exit(s);
	pvsched_guest_ram_unmap(s);
	pvsched_vectors_exit(s);
	pvsched_bars_exit(s);
	pvsched_regs_exit(s);
	pvsched_pci_exit(s);
}

/* The guest's pages may be the kernel's, and are mapped until here. */
static void pvsched_finalize(Object *obj)
{
	SluicePvsched *s = SLUICE_PVSCHED(obj);

	pvsched_live_exit(s);
	/* Properties of the class's: nobody else frees them. */
	g_free(s->options.policy);
	g_free(s->options.policy_set);
	g_free(s->options.ceiling);
	g_free(s->options.record);
}

static void pvsched_reset_hold(Object *obj, ResetType type)
{
	SluicePvsched *s = SLUICE_PVSCHED(obj);
	SluicePvschedClass *klass = SLUICE_PVSCHED_GET_CLASS(obj);

	if (klass->parent_phases.hold)
		klass->parent_phases.hold(obj, type);
	trace_pvsched_reset(pvsched_name(s));
	if (s->regs)
		pvs_regs_reset(s->regs);
}

static void pvsched_config_write(PCIDevice *pci, uint32_t addr, uint32_t value, int len)
{
	pci_default_write_config(pci, addr, value, len);
	if (pci_is_express(pci))
		pcie_cap_flr_write_config(pci, addr, value, len);
	if (SLUICE_PVSCHED(pci)->regs)
		pvsched_regs_check_master(SLUICE_PVSCHED(pci));
}

/* The size of configuration space is settled before a PCI device's own realize. */
static void pvsched_dev_realize(DeviceState *dev, Error **errp)
{
	PCIDevice *pci = PCI_DEVICE(dev);
	BusState *bus = qdev_get_parent_bus(dev);

	if (bus && pci_bus_is_express(PCI_BUS(bus)))
		pci->cap_present |= QEMU_PCI_CAP_EXPRESS;
	SLUICE_PVSCHED_GET_CLASS(dev)->parent_realize(dev, errp);
}

static const Property pvsched_properties[] = {
	DEFINE_PROP_STRING("policy-host", SluicePvsched, options.policy_host),
	DEFINE_PROP_UINT64("tick-us", SluicePvsched, options.tick_us, 1000),
	DEFINE_PROP_UINT32("watchdog-ms", SluicePvsched, options.watchdog_ms, 1000),
	DEFINE_PROP_UINT64("cs-budget-us", SluicePvsched, options.cs_budget_us, 2000),
	DEFINE_PROP_UINT64("boost-budget-us", SluicePvsched, options.boost_budget_us, 500000),
	DEFINE_PROP_UINT32("cs-refill-ppm", SluicePvsched, options.limits.cs_refill_ppm, 20000),
	DEFINE_PROP_UINT32("boost-refill-ppm", SluicePvsched, options.limits.boost_refill_ppm,
			   30000),
	DEFINE_PROP_UINT32("max-boosted", SluicePvsched, options.limits.max_boosted, 0),
	DEFINE_PROP_UINT32("kicks-per-s", SluicePvsched, options.limits.kicks_per_s, 20000),
	DEFINE_PROP_INT32("nice-min", SluicePvsched, options.limits.nice_min, -20),
	DEFINE_PROP_UINT32("prio-max", SluicePvsched, options.limits.prio_max, 10),
	DEFINE_PROP_BOOL("fifo", SluicePvsched, options.fifo, false),
	DEFINE_PROP_BOOL("deadline", SluicePvsched, options.deadline, false),
	DEFINE_PROP_STRING("actuators", SluicePvsched, options.actuators),
	DEFINE_PROP_BOOL("guard", SluicePvsched, options.guard, false),
	DEFINE_PROP_STRING("cgroup", SluicePvsched, options.cgroup),
	DEFINE_PROP_ON_OFF_AUTO("switch-events", SluicePvsched, options.switch_events,
				ON_OFF_AUTO_AUTO),
	DEFINE_PROP_SIZE("record-limit", SluicePvsched, options.record_limit, PVS_RECORD_DEFAULT),
	DEFINE_PROP_STRING("manager", SluicePvsched, options.manager),
	DEFINE_PROP_UINT64("features", SluicePvsched, options.features_mask, UINT64_MAX),
};

static void pvsched_describe_properties(ObjectClass *klass)
{
	static const struct {
		const char *name, *text;
	} description[] = {
		{"policy", "a built-in policy's name or an object's path; may be set at any time"},
		{"policy-set", "its tunables, NAME=VALUE[:NAME=VALUE...]; may be set at any time"},
		{"policy-host",
		 "what runs it: engine (in this process, default), kernel (asked "
		 "from here), live (in the kernel, at each switch of a vCPU thread), scx "
		 "(the same, and a sched_ext scheduler of ours schedules the host)"},
		{"handover", "a policy's effects stay until the next one decides; any time"},
		{"tick-us", "how often pages are looked at while something may change"},
		{"watchdog-ms", "the scheduling thread may be silent for so long; 0: 1000"},
		{"cs-budget-us", "short budget of a vCPU: critical sections, interrupts"},
		{"boost-budget-us", "its other budget"},
		{"cs-refill-ppm", "what of a vCPU's time fills the short budget, in millionths"},
		{"boost-refill-ppm", "and the other"},
		{"max-boosted", "vCPUs boosted at once; 0: half of them"},
		{"kicks-per-s", "kicks and doorbells that a vCPU is heard with"},
		{"nice-min", "strongest nice value granted"},
		{"prio-max", "strongest FIFO priority granted"},
		{"fifo", "SCHED_FIFO may be used, where the host permits it"},
		{"deadline", "SCHED_DEADLINE may be used, where the host permits it"},
		{"actuators", "auto: what the host permits; off: decide, and touch no thread"},
		{"guard", "a process that restores baselines when this one is killed"},
		{"cgroup", "parent under which vCPU threads may be put for cpu.weight"},
		{"switch-events", "hear of run and stop from the host's kernel: on, off or auto"},
		{"ceiling", "actuators that may be used, NAME[:NAME...]; may be set at any time"},
		{"manager", "socket of the manager that has the policy for several VMs"},
		{"record",
		 "file that decisions are written to, for replay; may be set at any time"},
		{"record-limit", "bytes of such a file at most; 0: as many as there are"},
		{"features", "mask of the PVS_F_* that may be offered"},
	};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(description); i++)
		object_class_property_set_description(klass, description[i].name,
						      description[i].text);
}

static void pvsched_class_init(ObjectClass *klass, void *data)
{
	DeviceClass *dc = DEVICE_CLASS(klass);
	PCIDeviceClass *pc = PCI_DEVICE_CLASS(klass);
	ResettableClass *rc = RESETTABLE_CLASS(klass);
	SluicePvschedClass *sc = SLUICE_PVSCHED_CLASS(klass);

	pc->realize = pvsched_realize;
	pc->exit = pvsched_exit;
	pc->config_write = pvsched_config_write;
	pc->vendor_id = PVS_PCI_VENDOR_ID;
	pc->device_id = PVS_PCI_DEVICE_ID;
	pc->revision = PVS_PCI_REVISION;
	pc->class_id = PCI_CLASS_SYSTEM_OTHER;
	pc->subsystem_vendor_id = PVS_PCI_VENDOR_ID;
	pc->subsystem_id = PVS_PCI_DEVICE_ID;

	device_class_set_parent_realize(dc, pvsched_dev_realize, &sc->parent_realize);
	resettable_class_set_parent_phases(rc, NULL, pvsched_reset_hold, NULL, &sc->parent_phases);
	dc->desc = "Sluice paravirtual scheduling";
	dc->vmsd = &pvsched_vmstate;
	device_class_set_props(dc, pvsched_properties);
	pvsched_register_properties(klass);
	pvsched_describe_properties(klass);
	set_bit(DEVICE_CATEGORY_MISC, dc->categories);
}

static const TypeInfo pvsched_info = {
	.name = TYPE_SLUICE_PVSCHED,
	.parent = TYPE_PCI_DEVICE,
	.instance_size = sizeof(SluicePvsched),
	.instance_finalize = pvsched_finalize,
	.class_size = sizeof(SluicePvschedClass),
	.class_init = pvsched_class_init,
	.interfaces =
		(InterfaceInfo[]){{INTERFACE_PCIE_DEVICE}, {INTERFACE_CONVENTIONAL_PCI_DEVICE}, {}},
};

static void pvsched_register_types(void)
{
	type_register_static(&pvsched_info);
}

type_init(pvsched_register_types)
