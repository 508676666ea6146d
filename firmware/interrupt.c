/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The admin interrupt: causes, mask, vector. MSI-X has no level to fall back on, so each new
 * occurrence of a cause interrupts, and so does a mask that opens over a waiting cause.
 * docs/device-spec/interrupts.md.
 */
#include "fw_internal.h"

static void raise_vector(struct fw *fw)
{
	/* Checked when the rings start, but the guest may write it again after they stop. */
	if (fw->regs.admin_vector < fw->config->n_vectors)
		fw->ops->interrupt(fw->opaque, fw->regs.admin_vector);
}

void fw_interrupt(struct fw *fw, uint32_t causes)
{
	fw->regs.intr_cause |= causes;
	if (causes & ~fw->regs.intr_mask)
		raise_vector(fw);
}

void fw_interrupt_mask(struct fw *fw, uint32_t mask)
{
	uint32_t opened = fw->regs.intr_mask & ~mask;

	fw->regs.intr_mask = mask;
	if (fw->regs.intr_cause & opened)
		raise_vector(fw);
}
