/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the registers ask of their front end, and which vCPU is which. */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/timer.h"
#include "hw/boards.h"
#include "pvsched.h"
#include "trace.h"

/* What a guest may be offered, whatever the policy does with it. */
#define PVSCHED_FEATURES                                                                        \
	(PVS_F_INTENT | PVS_F_CS | PVS_F_DEADLINE | PVS_F_LOCK | PVS_F_STATE | PVS_F_CAPACITY | \
	 PVS_F_RING | PVS_F_TICKET | PVS_F_KICK_DEBOOST | PVS_F_OPAQUE)

uint64_t pvsched_clock_ns(void *opaque)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NANOSECONDS_PER_SECOND + now.tv_nsec;
}

static uint32_t pvsched_vcpu_id(void *opaque, uint32_t vcpu)
{
	SluicePvsched *s = opaque;

	return s->vcpu_ids[vcpu];
}

/* Pages are looked at only while the VM runs: what stands still is not to change. */
static void pvsched_go(SluicePvsched *s)
{
	const uint64_t features = pvs_regs_features(s->regs);

	trace_pvsched_start(pvsched_name(s), features);
	pvsched_guest_start(s, features);
}

static int pvsched_start(void *opaque, uint64_t features, uint64_t guest_pages, uint64_t host_pages)
{
	SluicePvsched *s = opaque;
	int err = 0;

	if (features & PVS_F_GUEST_RAM)
		err = pvsched_guest_ram_map(s, guest_pages, host_pages);
	if (!err && runstate_is_running())
		pvsched_go(s);
	return err;
}

static void pvsched_stop(void *opaque)
{
	SluicePvsched *s = opaque;

	trace_pvsched_stop(pvsched_name(s));
	if (pvsched_guest_stop(s))
		pvsched_guest_ram_unmap(s);
	else
		pvsched_guest_ram_keep(s);
}

void pvsched_regs_vm_change(SluicePvsched *s, bool running)
{
	if (!pvs_regs_running(s->regs))
		return;
	if (running)
		pvsched_go(s);
	else
		pvsched_guest_stop(s);
}

void pvsched_regs_check_master(SluicePvsched *s)
{
	const uint8_t *command = PCI_DEVICE(s)->config + PCI_COMMAND;

	if (s->host_ram.host && !(pci_get_word(command) & PCI_COMMAND_MASTER))
		pvs_regs_renegotiate(s->regs, PVS_RESULT_ADDRESS);
}

static void pvsched_clear(void *opaque)
{
	pvsched_pages_clear(opaque);
}

static void pvsched_clock_offset(void *opaque, int64_t offset_ns)
{
	SluicePvsched *s = opaque;

	trace_pvsched_clock_offset(pvsched_name(s), offset_ns);
	pvsched_guest_clock_offset(s, offset_ns);
}

static void pvsched_config(void *opaque)
{
	pvsched_vector_due(opaque, PVS_VECTOR_CONFIG);
}

static const struct pvs_regs_ops pvsched_regs_ops = {
	.clock_ns = pvsched_clock_ns,
	.vcpu_id = pvsched_vcpu_id,
	.start = pvsched_start,
	.stop = pvsched_stop,
	.clear = pvsched_clear,
	.clock_offset = pvsched_clock_offset,
	.config = pvsched_config,
};

/* Pages are in the order of QEMU's CPU index, which is that of the machine's possible CPUs. */
static void pvsched_vcpu_ids_init(SluicePvsched *s)
{
	MachineState *machine = MACHINE(qdev_get_machine());
	MachineClass *klass = MACHINE_GET_CLASS(machine);
	const CPUArchIdList *cpus = NULL;
	uint32_t i;

	if (klass->possible_cpu_arch_ids)
		cpus = klass->possible_cpu_arch_ids(machine);
	s->vcpu_ids = g_new(uint32_t, s->n_vcpus);
	for (i = 0; i < s->n_vcpus; i++)
		s->vcpu_ids[i] = cpus && i < cpus->len ? cpus->cpus[i].arch_id : i;
}

bool pvsched_regs_init(SluicePvsched *s, Error **errp)
{
	uint64_t features = PVSCHED_FEATURES | PVS_F_GUEST_RAM;
	struct pvs_regs_config config = {
		.n_vcpus = s->n_vcpus,
		.n_vectors = s->n_vectors,
		.ops = &pvsched_regs_ops,
		.opaque = s,
	};
	int err;

	/* A manager has the pages of the BARs alone. */
	if (s->options.manager || !pvsched_guest_ram_possible(s))
		features &= ~PVS_F_GUEST_RAM;
	config.features = features & s->options.features_mask;
	err = pvs_regs_create(&config, &s->regs);
	if (err) {
		error_setg_errno(errp, -err, "cannot create the registers");
		return false;
	}
	pvsched_vcpu_ids_init(s);
	return true;
}

void pvsched_regs_exit(SluicePvsched *s)
{
	pvs_regs_destroy(s->regs);
	s->regs = NULL;
	g_clear_pointer(&s->vcpu_ids, g_free);
}
