/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The event ring: what the device says on its own. docs/device-spec/rings.md, "Events". */
#include <endian.h>

#include "fw_internal.h"

void fw_event(void *opaque, const struct sluice_event *event)
{
	struct fw *fw = opaque;
	struct fw_admin *admin = &fw->admin;
	union {
		struct sluice_event event;
		uint8_t bytes[CPL_RING_ENTRY];
	} entry = {.event = *event};

	if (!admin->on || !admin->evq.size)
		return;
	if (!cpl_ring_has_room(&admin->evq)) {
		if (admin->events_lost < UINT32_MAX)
			admin->events_lost++;
		return;
	}
	entry.event.lost = htole32(admin->events_lost);
	if (cpl_ring_post(&admin->evq, entry.bytes, fw->ops, fw->opaque)) {
		fw_fatal(fw, SLUICE_FATAL_EVQ_DMA, 0, admin->evq.base);
		return;
	}
	admin->events_lost = 0;
	if (cpl_ring_take_interrupt(&admin->evq))
		fw_interrupt(fw, SLUICE_INTR_EVENT);
}

bool fw_evq_doorbell(struct fw *fw, uint32_t value)
{
	struct cpl_ring *evq = &fw->admin.evq;
	uint32_t consumer = evq->consumer + (uint16_t)(value - evq->consumer);

	if (!fw->admin.on || !evq->size)
		return false;
	if (cpl_ring_doorbell(evq, consumer, value & SLUICE_DB32_ARM)) {
		fw_log(fw, -1, "event doorbell: index %u is not between %u and %u",
		       value & SLUICE_DB32_INDEX, evq->consumer & 0xffff, evq->producer & 0xffff);
		return false;
	}
	if (cpl_ring_take_interrupt(evq))
		fw_interrupt(fw, SLUICE_INTR_EVENT);
	return true;
}
