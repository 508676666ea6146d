/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sluice-pvsched: the QEMU device around the library pvs (paravirt-sched).
 *
 * Registers are the main loop's and the vCPUs', under the big lock; KICK and DOORBELL need none.
 * Pages are memory that guest and library share: QEMU only sees to it that they are mapped,
 * migrated and marked dirty.
 */
#ifndef HW_NET_SLUICE_PVSCHED_H
#define HW_NET_SLUICE_PVSCHED_H

#include "hw/pci/pci_device.h"
#include "qemu/bitops.h"
#include "qom/object.h"
#include "system/runstate.h"

#include <pvs.h>
#include <pvs_regs.h>

#define TYPE_SLUICE_PVSCHED "sluice-pvsched"
OBJECT_DECLARE_TYPE(SluicePvsched, SluicePvschedClass, SLUICE_PVSCHED)

struct SluicePvschedClass {
	PCIDeviceClass parent_class;
	DeviceRealize parent_realize;
	ResettablePhases parent_phases;
};

struct SluicePvsched {
	PCIDevice parent_obj;

	/* Properties */
	uint64_t features_mask;

	uint32_t n_vcpus, n_vectors;
	uint32_t *vcpu_ids; /* by which the hardware knows each */
	struct pvs_regs *regs;
	struct pvs_regs_state saved; /* what moves, while it is saved or loaded */

	MemoryRegion bar0, registers, kick, doorbell;
	MemoryRegion guest_bar, host_bar; /* RAM in memfds */

	/* Vectors that are due, set by any thread and raised by the main loop */
	unsigned long vectors_due[BITS_TO_LONGS(PVS_MAX_VECTORS)];
	QEMUBH *vectors_bh;
	VMChangeStateEntry *vm_state;
};

extern const VMStateDescription pvsched_vmstate;

/* The device's name in log and trace lines: its id, or its QOM type. */
const char *pvsched_name(SluicePvsched *s);

/* ---- pvsched_bars.c ----------------------------------------------------------------------- */

bool pvsched_bars_init(SluicePvsched *s, Error **errp);
void pvsched_bars_exit(SluicePvsched *s);
/* The pages as the BARs have them; n_vcpus, then PVS_OPAQUE_PAGES. */
struct pvs_guest_page *pvsched_guest_pages(SluicePvsched *s);
struct pvs_host_page *pvsched_host_pages(SluicePvsched *s);
/* Zero what the guest wrote, and both opaque pages. */
void pvsched_pages_clear(SluicePvsched *s);

/* ---- pvsched_vectors.c -------------------------------------------------------------------- */

bool pvsched_vectors_init(SluicePvsched *s, Error **errp);
void pvsched_vectors_exit(SluicePvsched *s);
/* Raise @vector as soon as the VM runs. Any thread, no lock. */
void pvsched_vector_due(SluicePvsched *s, unsigned vector);
/* The VM runs: what was put off meanwhile. */
void pvsched_vectors_resume(SluicePvsched *s);

/* ---- pvsched_regs.c ----------------------------------------------------------------------- */

bool pvsched_regs_init(SluicePvsched *s, Error **errp);
void pvsched_regs_exit(SluicePvsched *s);

#endif
