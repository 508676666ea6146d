/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Migration and snapshots. Pages move as RAM, registers as a state that has to be negotiated again
 * where it arrives; what the policy knew of the guest does not move.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "hw/pci/msix.h"
#include "migration/vmstate.h"
#include "pvsched.h"
#include "trace.h"

static int pvsched_pre_save(void *opaque)
{
	SluicePvsched *s = opaque;

	pvs_regs_save(s->regs, &s->saved);
	return 0;
}

static int pvsched_post_load(void *opaque, int version_id)
{
	SluicePvsched *s = opaque;
	int err = pvs_regs_load(s->regs, &s->saved);

	trace_pvsched_load(pvsched_name(s), err);
	/* The pages came as another host's. */
	pvsched_guest_clear(s);
	if (err)
		error_report("%s: the incoming state is none the device can be in",
			     pvsched_name(s));
	return err;
}

const VMStateDescription pvsched_vmstate = {
	.name = TYPE_SLUICE_PVSCHED,
	.version_id = 1,
	.minimum_version_id = 1,
	.pre_save = pvsched_pre_save,
	.post_load = pvsched_post_load,
	.fields =
		(const VMStateField[]){
			VMSTATE_PCI_DEVICE(parent_obj, SluicePvsched),
			VMSTATE_MSIX(parent_obj, SluicePvsched),
			VMSTATE_UINT32_EQUAL(n_vcpus, SluicePvsched,
					     "possible vCPUs (-smp maxcpus) must be as many"),
			VMSTATE_UINT64(saved.drv_features, SluicePvsched),
			VMSTATE_UINT64(saved.guest_pages, SluicePvsched),
			VMSTATE_UINT64(saved.host_pages, SluicePvsched),
			VMSTATE_UINT64(saved.clock_offset, SluicePvsched),
			VMSTATE_UINT32(saved.status, SluicePvsched),
			VMSTATE_UINT32(saved.result, SluicePvsched),
			VMSTATE_UINT32(saved.generation, SluicePvsched),
			VMSTATE_UINT32(saved.clock_error, SluicePvsched),
			VMSTATE_UINT32(saved.policy_serial, SluicePvsched),
			VMSTATE_UINT32(saved.bad_access, SluicePvsched),
			VMSTATE_END_OF_LIST(),
		},
};
