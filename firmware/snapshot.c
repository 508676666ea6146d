/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Registers and admin rings as a blob for a migration stream. What comes back is not trusted: it is
 * checked as strictly as what a guest writes, and so that no later access relies on more.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "fw_internal.h"
#include "program_load.h"
#include "registers.h"

#define SNAPSHOT_MAGIC   0x57464c53u /* "SLFW" as bytes in memory */
#define SNAPSHOT_VERSION 1u

struct ring_state {
	uint64_t base;
	uint32_t size;
	uint32_t producer;
	uint32_t consumer;
	uint32_t armed;
};

/* Little-endian, no padding. A new field makes a new version. */
struct snapshot {
	uint32_t magic;
	uint32_t version;
	uint32_t size; /* bytes of the whole */
	uint32_t flags;
	struct ring_state asq, acq, evq;
	uint64_t drv_features[FW_FEATURE_PAGES];
	uint64_t fatal_info;
	uint32_t low_half[FW_HALF_COUNT];
	uint32_t feature_page;
	uint32_t intr_cause;
	uint32_t intr_mask;
	uint32_t admin_vector;
	uint32_t fatal_code;
	uint32_t fatal_queue;
	uint32_t bad_accesses;
	uint32_t events_lost;
	uint32_t last_program_id;
	uint32_t last_map_id;
	uint32_t reserved;
};

#define FLAG_FEATURES_OK  0x1u
#define FLAG_ADMIN_ON     0x2u
#define FLAG_NIC_STOPPING 0x4u
#define FLAGS_KNOWN       (FLAG_FEATURES_OK | FLAG_ADMIN_ON | FLAG_NIC_STOPPING)

_Static_assert(sizeof(struct ring_state) == 24, "no padding");
_Static_assert(sizeof(struct snapshot) ==
		       16 + 3 * 24 + 8 * FW_FEATURE_PAGES + 8 + 4 * FW_HALF_COUNT + 11 * 4,
	       "no padding");

/* ---- Saving ------------------------------------------------------------------------------- */

size_t fw_save_size(const struct fw *fw)
{
	return sizeof(struct snapshot);
}

static struct ring_state save_cpl_ring(const struct cpl_ring *ring)
{
	return (struct ring_state){
		.base = htole64(ring->base),
		.size = htole32(ring->size),
		.producer = htole32(ring->producer),
		.consumer = htole32(ring->consumer),
		.armed = htole32(ring->armed),
	};
}

static uint32_t save_flags(const struct fw *fw)
{
	return (fw->regs.features_ok ? FLAG_FEATURES_OK : 0) | (fw->admin.on ? FLAG_ADMIN_ON : 0) |
	       (fw->nic_stopping ? FLAG_NIC_STOPPING : 0);
}

int fw_save(const struct fw *fw, void *buf, size_t size)
{
	const struct fw_registers *regs = &fw->regs;
	uint64_t bad = regs->bad_accesses - regs->bad_before_reset;
	struct snapshot s = {
		.magic = htole32(SNAPSHOT_MAGIC),
		.version = htole32(SNAPSHOT_VERSION),
		.size = htole32(sizeof(s)),
		.flags = htole32(save_flags(fw)),
		.asq = {.base = htole64(fw->admin.asq.base),
			.size = htole32(fw->admin.asq.size),
			.producer = htole32(fw->admin.asq.producer),
			.consumer = htole32(fw->admin.asq.consumer)},
		.acq = save_cpl_ring(&fw->admin.acq),
		.evq = save_cpl_ring(&fw->admin.evq),
		.fatal_info = htole64(regs->fatal_info),
		.feature_page = htole32(regs->feature_page),
		.intr_cause = htole32(regs->intr_cause),
		.intr_mask = htole32(regs->intr_mask),
		.admin_vector = htole32(regs->admin_vector),
		.fatal_code = htole32(regs->fatal_code),
		.fatal_queue = htole32(regs->fatal_queue),
		.bad_accesses = htole32(bad < UINT32_MAX ? (uint32_t)bad : UINT32_MAX),
		.events_lost = htole32(fw->admin.events_lost),
		.last_program_id = htole32(fw->programs.last_id),
		.last_map_id = htole32(fw->maps.last_id),
	};

	if (fw->loads || fw->programs.count || fw->maps.count)
		return -EBUSY;
	if (size < sizeof(s))
		return -ENOSPC;
	for (unsigned i = 0; i < FW_FEATURE_PAGES; i++)
		s.drv_features[i] = htole64(regs->drv_features[i]);
	for (unsigned i = 0; i < FW_HALF_COUNT; i++)
		s.low_half[i] = htole32(regs->low_half[i]);
	memcpy(buf, &s, sizeof(s));
	return (int)sizeof(s);
}

/* ---- Loading ------------------------------------------------------------------------------ */

static void swap_ring(struct ring_state *ring)
{
	ring->base = le64toh(ring->base);
	ring->size = le32toh(ring->size);
	ring->producer = le32toh(ring->producer);
	ring->consumer = le32toh(ring->consumer);
	ring->armed = le32toh(ring->armed);
}

static bool read_blob(struct snapshot *s, const void *buf, size_t size)
{
	uint32_t *words;

	if (size != sizeof(*s))
		return false;
	memcpy(s, buf, sizeof(*s));
	s->magic = le32toh(s->magic);
	s->version = le32toh(s->version);
	s->size = le32toh(s->size);
	s->flags = le32toh(s->flags);
	swap_ring(&s->asq);
	swap_ring(&s->acq);
	swap_ring(&s->evq);
	for (unsigned i = 0; i < FW_FEATURE_PAGES; i++)
		s->drv_features[i] = le64toh(s->drv_features[i]);
	s->fatal_info = le64toh(s->fatal_info);
	words = s->low_half;
	for (size_t i = 0; i < (sizeof(*s) - offsetof(struct snapshot, low_half)) / 4; i++)
		words[i] = le32toh(words[i]);
	return s->magic == SNAPSHOT_MAGIC && s->version == SNAPSHOT_VERSION &&
	       s->size == sizeof(*s) && !(s->flags & ~FLAGS_KNOWN) && !s->reserved;
}

static bool registers_ok(const struct fw *fw, const struct snapshot *s)
{
	if (s->feature_page >= FW_FEATURE_PAGES || (s->intr_cause & ~FW_INTR_ALL) ||
	    (s->intr_mask & ~FW_INTR_ALL) || s->fatal_code > SLUICE_FATAL_ACQ_OVERRUN)
		return false;
	/* A device that stopped has stopped its rings. */
	if (s->fatal_code ? s->flags & FLAG_ADMIN_ON : s->flags & FLAG_NIC_STOPPING)
		return false;
	if (s->last_program_id > INT32_MAX || s->last_map_id > INT32_MAX)
		return false;
	for (unsigned page = 0; s->flags & FLAG_FEATURES_OK && page < FW_FEATURE_PAGES; page++) {
		if (s->drv_features[page] & ~fw_features_offered(fw, page))
			return false;
	}
	return true;
}

static bool cpl_ring_ok(struct fw *fw, const char *name, const struct ring_state *ring,
			uint32_t min)
{
	return fw_ring_valid(fw, name, ring->base, ring->size, min, CPL_RING_ENTRY) &&
	       ring->producer - ring->consumer <= ring->size && ring->armed <= 1;
}

static bool rings_ok(struct fw *fw, const struct snapshot *s)
{
	const struct ring_state *asq = &s->asq;

	if (!(s->flags & FLAG_ADMIN_ON))
		return s->acq.armed <= 1 && s->evq.armed <= 1;
	if (!(s->flags & FLAG_FEATURES_OK) || s->admin_vector >= fw->config->n_vectors)
		return false;
	if (!fw_ring_valid(fw, "admin submission", asq->base, asq->size, FW_MIN_RING,
			   sizeof(struct sluice_cmd)) ||
	    asq->producer > UINT16_MAX || asq->consumer > UINT16_MAX ||
	    (uint16_t)(asq->producer - asq->consumer) > asq->size)
		return false;
	if (!cpl_ring_ok(fw, "admin completion", &s->acq, asq->size))
		return false;
	if (!s->evq.size)
		return s->evq.armed <= 1;
	return s->drv_features[0] & SLUICE_FEATURE_EVENTS &&
	       cpl_ring_ok(fw, "event", &s->evq, FW_MIN_RING);
}

static void load_cpl_ring(struct cpl_ring *ring, const struct ring_state *s)
{
	*ring = (struct cpl_ring){.base = s->base,
				  .size = s->size,
				  .producer = s->producer,
				  .consumer = s->consumer,
				  .armed = s->armed};
}

static void apply(struct fw *fw, const struct snapshot *s)
{
	struct fw_registers *regs = &fw->regs;

	memcpy(regs->drv_features, s->drv_features, sizeof(regs->drv_features));
	memcpy(regs->low_half, s->low_half, sizeof(regs->low_half));
	regs->feature_page = s->feature_page;
	regs->features_ok = s->flags & FLAG_FEATURES_OK;
	regs->intr_cause = s->intr_cause;
	regs->intr_mask = s->intr_mask;
	regs->admin_vector = s->admin_vector;
	regs->fatal_code = s->fatal_code;
	regs->fatal_queue = s->fatal_queue;
	regs->fatal_info = s->fatal_info;
	regs->bad_accesses += s->bad_accesses;
	fw->nic_stopping = s->flags & FLAG_NIC_STOPPING;
	fw->admin.on = s->flags & FLAG_ADMIN_ON;
	fw->admin.asq = (struct fw_submission_ring){.base = s->asq.base,
						    .size = s->asq.size,
						    .producer = (uint16_t)s->asq.producer,
						    .consumer = (uint16_t)s->asq.consumer};
	load_cpl_ring(&fw->admin.acq, &s->acq);
	load_cpl_ring(&fw->admin.evq, &s->evq);
	fw->admin.events_lost = s->events_lost;
	fw->programs.last_id = s->last_program_id;
	fw->maps.last_id = s->last_map_id;
}

int fw_load(struct fw *fw, const void *buf, size_t size)
{
	struct snapshot s;

	if (!read_blob(&s, buf, size) || !registers_ok(fw, &s) || !rings_ok(fw, &s)) {
		fw_reset(fw);
		return -EINVAL;
	}
	/* The NIC's own state may have been loaded already. */
	memset(&fw->admin, 0, sizeof(fw->admin));
	fw_drop_objects(fw);
	fw_registers_reset(fw);
	apply(fw, &s);
	/* Commands may wait in the ring. */
	fw->ops->schedule(fw->opaque);
	return 0;
}
