/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MSI-X: raised by the main loop for whoever finds one due, since the threads that do hold no lock.
 * While the VM stands still they wait: nothing of the guest's is to change then.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/main-loop.h"
#include "hw/pci/msix.h"
#include "pvsched.h"
#include "trace.h"

static void pvsched_vectors_raise(void *opaque)
{
	SluicePvsched *s = opaque;
	unsigned i;

	if (!runstate_is_running())
		return;
	for (i = 0; i < s->n_vectors; i++) {
		if (!(qatomic_fetch_and(&s->vectors_due[BIT_WORD(i)], ~BIT_MASK(i)) & BIT_MASK(i)))
			continue;
		trace_pvsched_interrupt(pvsched_name(s), i);
		msix_notify(PCI_DEVICE(s), i);
	}
}

void pvsched_vector_due(SluicePvsched *s, unsigned vector)
{
	if (vector >= s->n_vectors)
		return;
	set_bit_atomic(vector, s->vectors_due);
	qemu_bh_schedule(s->vectors_bh);
}

void pvsched_vectors_resume(SluicePvsched *s)
{
	qemu_bh_schedule(s->vectors_bh);
}

bool pvsched_vectors_init(SluicePvsched *s, Error **errp)
{
	PCIDevice *pci = PCI_DEVICE(s);
	unsigned i;

	if (msix_init_exclusive_bar(pci, s->n_vectors, PVS_BAR_MSIX, errp) < 0)
		return false;
	for (i = 0; i < s->n_vectors; i++)
		msix_vector_use(pci, i);
	s->vectors_bh =
		qemu_bh_new_guarded(pvsched_vectors_raise, s, &DEVICE(s)->mem_reentrancy_guard);
	return true;
}

void pvsched_vectors_exit(SluicePvsched *s)
{
	PCIDevice *pci = PCI_DEVICE(s);

	qemu_bh_delete(s->vectors_bh);
	msix_unuse_all_vectors(pci);
	msix_uninit_exclusive_bar(pci);
}
