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

static uint64_t pvsched_clock_ns(void *opaque)
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

static int pvsched_start(void *opaque, uint64_t features, uint64_t guest_pages, uint64_t host_pages)
{
	SluicePvsched *s = opaque;

	trace_pvsched_start(pvsched_name(s), features);
	return 0;
}

static void pvsched_stop(void *opaque)
{
	SluicePvsched *s = opaque;

	trace_pvsched_stop(pvsched_name(s));
}

static void pvsched_clear(void *opaque)
{
	pvsched_pages_clear(opaque);
}

static void pvsched_clock_offset(void *opaque, int64_t offset_ns)
{
	SluicePvsched *s = opaque;

	trace_pvsched_clock_offset(pvsched_name(s), offset_ns);
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
	struct pvs_regs_config config = {
		.features = PVSCHED_FEATURES & s->features_mask,
		.n_vcpus = s->n_vcpus,
		.n_vectors = s->n_vectors,
		.ops = &pvsched_regs_ops,
		.opaque = s,
	};
	int err = pvs_regs_create(&config, &s->regs);

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
