/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Registers: a table says at which offset which register lies, how wide it is and what may be done
 * to it; the rest is what a read yields and a write does. STATUS and the negotiation are in
 * regs_status.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "regs_internal.h"

#define RO 1u
#define RW 3u

struct reg {
	uint16_t offset;
	uint8_t size, access;
};

static const struct reg regs_table[] = {
	{PVS_REG_MAGIC, 4, RO},         {PVS_REG_VERSION, 4, RO},
	{PVS_REG_DEV_FEATURES, 8, RO},  {PVS_REG_DRV_FEATURES, 8, RW},
	{PVS_REG_STATUS, 4, RW},        {PVS_REG_GENERATION, 4, RO},
	{PVS_REG_N_VCPUS, 4, RO},       {PVS_REG_PAGE_STRIDE, 4, RO},
	{PVS_REG_N_VECTORS, 4, RO},     {PVS_REG_RESULT, 4, RO},
	{PVS_REG_GUEST_PAGES, 8, RW},   {PVS_REG_HOST_PAGES, 8, RW},
	{PVS_REG_CLOCK, 8, RO},         {PVS_REG_CLOCK_OFFSET, 8, RW},
	{PVS_REG_CLOCK_ERROR, 4, RW},   {PVS_REG_BAD_ACCESS, 4, RO},
	{PVS_REG_POLICY_NAME, 8, RO},   {PVS_REG_POLICY_NAME + 8, 8, RO},
	{PVS_REG_POLICY_SERIAL, 4, RO}, {PVS_REG_SOURCES, 4, RO},
	{PVS_REG_ACTUATORS, 4, RO},
};

int pvs_regs_create(const struct pvs_regs_config *config, struct pvs_regs **regs)
{
	struct pvs_regs *r;

	if (!config->n_vcpus || config->n_vcpus > PVS_MAX_VCPUS || !config->n_vectors ||
	    config->n_vectors > PVS_MAX_VECTORS)
		return -EINVAL;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->config = *config;
	r->state.generation = 1;
	*regs = r;
	return 0;
}

void pvs_regs_destroy(struct pvs_regs *regs)
{
	free(regs);
}

void pvs_regs_bad(struct pvs_regs *regs)
{
	__atomic_fetch_add(&regs->state.bad_access, 1, __ATOMIC_RELAXED);
}

/* The register that an access of @size bytes at @offset is to, whole or a half of it. */
static const struct reg *reg_find(uint64_t offset, unsigned size)
{
	const struct reg *reg;
	size_t i;

	if ((size != 4 && size != 8) || offset % size)
		return NULL;
	for (i = 0; i < sizeof(regs_table) / sizeof(regs_table[0]); i++) {
		reg = &regs_table[i];
		if (offset - reg->offset < reg->size && size <= reg->size - (offset - reg->offset))
			return reg;
	}
	return NULL;
}

/* ---- Reads ---------------------------------------------------------------------------------- */

static uint64_t reg_value(struct pvs_regs *regs, uint64_t offset)
{
	const struct pvs_regs_config *config = &regs->config;
	const struct pvs_regs_state *state = &regs->state;
	uint64_t name;

	switch (offset) {
	case PVS_REG_MAGIC:
		return PVS_MAGIC;
	case PVS_REG_VERSION:
		return PVS_VERSION_MAJOR << 16 | PVS_VERSION_MINOR;
	case PVS_REG_DEV_FEATURES:
		return config->features;
	case PVS_REG_DRV_FEATURES:
		return state->drv_features;
	case PVS_REG_STATUS:
		return state->status;
	case PVS_REG_GENERATION:
		return state->generation;
	case PVS_REG_N_VCPUS:
		return config->n_vcpus;
	case PVS_REG_PAGE_STRIDE:
		return PVS_PAGE_STRIDE;
	case PVS_REG_N_VECTORS:
		return config->n_vectors;
	case PVS_REG_RESULT:
		return state->result;
	case PVS_REG_GUEST_PAGES:
		return state->guest_pages;
	case PVS_REG_HOST_PAGES:
		return state->host_pages;
	case PVS_REG_CLOCK:
		return config->ops->clock_ns(config->opaque);
	case PVS_REG_CLOCK_OFFSET:
		return state->clock_offset;
	case PVS_REG_CLOCK_ERROR:
		return state->clock_error;
	case PVS_REG_BAD_ACCESS:
		return __atomic_load_n(&state->bad_access, __ATOMIC_RELAXED);
	case PVS_REG_POLICY_NAME:
	case PVS_REG_POLICY_NAME + 8:
		memcpy(&name, regs->policy + (offset - PVS_REG_POLICY_NAME), sizeof(name));
		return name;
	case PVS_REG_POLICY_SERIAL:
		return state->policy_serial;
	case PVS_REG_SOURCES:
		return regs->sources;
	case PVS_REG_ACTUATORS:
		return regs->actuators;
	}
	return 0;
}

/* Of the clock, the halves of two reads are to be of one time. */
static uint64_t reg_read_half(struct pvs_regs *regs, const struct reg *reg, bool high)
{
	uint64_t value;

	if (reg->offset != PVS_REG_CLOCK)
		return (uint32_t)(reg_value(regs, reg->offset) >> (high ? 32 : 0));
	if (high)
		return regs->clock_high;
	value = reg_value(regs, reg->offset);
	regs->clock_high = value >> 32;
	return (uint32_t)value;
}

static bool vcpu_id_read(struct pvs_regs *regs, uint64_t offset, unsigned size, uint64_t *value)
{
	uint64_t vcpu = (offset - PVS_REG_VCPU_ID) / 4;

	if (offset < PVS_REG_VCPU_ID || size != 4 || offset % 4 || vcpu >= regs->config.n_vcpus)
		return false;
	*value = regs->config.ops->vcpu_id(regs->config.opaque, vcpu);
	return true;
}

uint64_t pvs_regs_read(struct pvs_regs *regs, uint64_t offset, unsigned size)
{
	const struct reg *reg = reg_find(offset, size);
	uint64_t value = 0;

	if (reg && size == reg->size)
		return reg_value(regs, offset);
	if (reg)
		return reg_read_half(regs, reg, offset != reg->offset);
	if (!vcpu_id_read(regs, offset, size, &value))
		pvs_regs_bad(regs);
	return value;
}

/* ---- Writes --------------------------------------------------------------------------------- */

static void pages_write(struct pvs_regs *regs, uint64_t *pages, uint64_t value)
{
	if (regs->state.status & PVS_STATUS_DRIVER_OK)
		pvs_regs_bad(regs);
	else
		*pages = value;
}

static void features_write(struct pvs_regs *regs, uint64_t value)
{
	if (regs->state.status & PVS_STATUS_FEATURES_OK)
		pvs_regs_bad(regs);
	else
		regs->state.drv_features = value;
}

static void clock_offset_write(struct pvs_regs *regs, uint64_t value)
{
	regs->state.clock_offset = value;
	regs->config.ops->clock_offset(regs->config.opaque, (int64_t)value);
}

static void reg_store(struct pvs_regs *regs, uint64_t offset, uint64_t value)
{
	switch (offset) {
	case PVS_REG_DRV_FEATURES:
		features_write(regs, value);
		break;
	case PVS_REG_STATUS:
		pvs_regs_write_status(regs, (uint32_t)value);
		break;
	case PVS_REG_GUEST_PAGES:
		pages_write(regs, &regs->state.guest_pages, value);
		break;
	case PVS_REG_HOST_PAGES:
		pages_write(regs, &regs->state.host_pages, value);
		break;
	case PVS_REG_CLOCK_OFFSET:
		clock_offset_write(regs, value);
		break;
	case PVS_REG_CLOCK_ERROR:
		regs->state.clock_error = (uint32_t)value;
		break;
	}
}

/* A low half waits for its high half; a high half alone goes with the low half that is there. */
static void reg_write_half(struct pvs_regs *regs, const struct reg *reg, bool high, uint32_t value)
{
	uint32_t low;

	if (!high) {
		regs->low_of = reg->offset;
		regs->low = value;
		return;
	}
	low = regs->low_of == reg->offset ? regs->low : (uint32_t)reg_value(regs, reg->offset);
	regs->low_of = 0;
	reg_store(regs, reg->offset, (uint64_t)value << 32 | low);
}

void pvs_regs_write(struct pvs_regs *regs, uint64_t offset, uint64_t value, unsigned size)
{
	const struct reg *reg = reg_find(offset, size);

	if (!reg || reg->access != RW)
		pvs_regs_bad(regs);
	else if (size == reg->size)
		reg_store(regs, offset, value);
	else
		reg_write_half(regs, reg, offset != reg->offset, (uint32_t)value);
}

int64_t pvs_regs_kick(struct pvs_regs *regs, uint64_t offset, uint64_t value, unsigned size)
{
	uint64_t vcpu;

	if (offset == PVS_REG_DOORBELL)
		vcpu = value;
	else if (offset >= PVS_REG_KICK && offset < PVS_REG_KICK + 4 * PVS_MAX_VCPUS)
		vcpu = (offset - PVS_REG_KICK) / 4;
	else
		vcpu = PVS_MAX_VCPUS;
	if (size != 4 || offset % 4 || vcpu >= regs->config.n_vcpus) {
		pvs_regs_bad(regs);
		return -EINVAL;
	}
	return pvs_regs_running(regs) ? (int64_t)vcpu : -EAGAIN;
}
