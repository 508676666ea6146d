/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Start and stop of the admin rings, and the completion ring's doorbell. */
#include <errno.h>

#include "fw_internal.h"
#include "program_load.h"

bool fw_ring_valid(struct fw *fw, const char *name, uint64_t base, uint32_t size, uint32_t min,
		   uint32_t entry_size)
{
	if (size < min || size > FW_MAX_RING || (size & (size - 1)) != 0) {
		fw_log(fw, -1, "%s ring of %u entries: a power of two from %u to %u is needed",
		       name, size, min, FW_MAX_RING);
		return false;
	}
	if (base % FW_RING_ALIGN || base > UINT64_MAX - (uint64_t)size * entry_size) {
		fw_log(fw, -1, "%s ring at 0x%llx: not aligned to %u bytes, or beyond memory", name,
		       (unsigned long long)base, FW_RING_ALIGN);
		return false;
	}
	return true;
}

static bool event_ring_valid(struct fw *fw)
{
	const struct cpl_ring *evq = &fw->admin.evq;

	if (!evq->size)
		return true;
	if (!fw_feature_accepted(fw, SLUICE_FEATURE_EVENTS)) {
		fw_log(fw, -1, "an event ring is given but feature EVENTS was not accepted");
		return false;
	}
	return fw_ring_valid(fw, "event", evq->base, evq->size, FW_MIN_RING,
			     sizeof(struct sluice_event));
}

int fw_admin_start(struct fw *fw)
{
	struct fw_admin *admin = &fw->admin;

	if (!fw->regs.features_ok) {
		fw_log(fw, -1, "the admin rings cannot start before FEATURES_OK");
		return -EINVAL;
	}
	if (fw->regs.admin_vector >= fw->config->n_vectors) {
		fw_log(fw, -1, "admin vector %u: the device has %u", fw->regs.admin_vector,
		       fw->config->n_vectors);
		return -EINVAL;
	}
	if (!fw_ring_valid(fw, "admin submission", admin->asq.base, admin->asq.size, FW_MIN_RING,
			   sizeof(struct sluice_cmd)) ||
	    !fw_ring_valid(fw, "admin completion", admin->acq.base, admin->acq.size,
			   admin->asq.size, sizeof(struct sluice_cmd_cpl)) ||
	    !event_ring_valid(fw))
		return -EINVAL;

	admin->asq.producer = 0;
	admin->asq.consumer = 0;
	cpl_ring_reset(&admin->acq);
	cpl_ring_reset(&admin->evq);
	admin->events_lost = 0;
	admin->on = true;
	return 0;
}

void fw_admin_stop(struct fw *fw)
{
	fw->admin.on = false;
	fw_loads_cancel(fw);
}

bool fw_acq_doorbell(struct fw *fw, uint32_t value)
{
	struct cpl_ring *acq = &fw->admin.acq;
	uint32_t consumer = acq->consumer + (uint16_t)(value - acq->consumer);

	if (!fw->admin.on)
		return false;
	if (cpl_ring_doorbell(acq, consumer, value & SLUICE_DB32_ARM)) {
		fw_fatal(fw, SLUICE_FATAL_ACQ_OVERRUN, 0, value);
		return true;
	}
	if (cpl_ring_take_interrupt(acq))
		fw_interrupt(fw, SLUICE_INTR_ADMIN);
	return true;
}
