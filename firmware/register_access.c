/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Accesses to BAR0 and BAR2: which row of the register table is meant, halves of 64-bit registers,
 * and what is refused and counted. docs/device-spec/registers.md, "Access".
 */
#include <string.h>

#include "registers.h"

/* ---- BAR0 ---------------------------------------------------------------------------------- */

struct reg_access {
	const struct fw_register *reg;
	unsigned port;
	bool low, high; /* which halves of a 64-bit register are meant; both for the whole */
};

static const struct fw_register *find(bool port_block, uint64_t offset, unsigned size)
{
	const struct fw_register *reg;

	for (unsigned i = 0; (reg = fw_register_at(port_block, i)) != NULL; i++) {
		if (offset < reg->offset || offset - reg->offset >= reg->width)
			continue;
		return offset % size == 0 && size <= reg->width ? reg : NULL;
	}
	return NULL;
}

/* Which register an access means; false when it means none. */
static bool decode(const struct fw *fw, uint64_t offset, unsigned size, struct reg_access *access)
{
	uint64_t ports_end = SLUICE_REG_PORT_BASE + fw->config->n_ports * SLUICE_REG_PORT_STRIDE;
	bool port_block = offset >= SLUICE_REG_PORT_BASE && offset < ports_end;

	access->port = 0;
	if (size != 4 && size != 8)
		return false;
	if (port_block) {
		access->port = (unsigned)((offset - SLUICE_REG_PORT_BASE) / SLUICE_REG_PORT_STRIDE);
		offset = (offset - SLUICE_REG_PORT_BASE) % SLUICE_REG_PORT_STRIDE;
	}
	access->reg = find(port_block, offset, size);
	if (!access->reg)
		return false;
	access->high = offset != access->reg->offset || size == 8;
	access->low = offset == access->reg->offset;
	return true;
}

void fw_bad_access(struct fw *fw)
{
	fw->regs.bad_accesses++;
}

uint64_t fw_bad_accesses(const struct fw *fw)
{
	return fw->regs.bad_accesses;
}

uint64_t fw_reg_read(struct fw *fw, uint64_t offset, unsigned size)
{
	struct reg_access access;
	uint64_t value;

	if (!decode(fw, offset, size, &access) || !access.reg->get) {
		fw_bad_access(fw);
		return 0;
	}
	value = access.reg->get(fw, access.port);
	if (access.low && access.high)
		return value;
	return access.low ? (uint32_t)value : value >> 32;
}

/* The value a write makes; false while the high half is to come. */
static bool assemble(struct fw *fw, const struct reg_access *access, uint64_t *value)
{
	uint32_t *low = &fw->regs.low_half[access->reg->half];

	if (access->reg->width == 4) {
		*value = (uint32_t)*value;
		return true;
	}
	if (access->low)
		*low = (uint32_t)*value;
	if (access->low && !access->high)
		return false;
	if (!access->low)
		*value = *value << 32 | *low;
	return true;
}

void fw_reg_write(struct fw *fw, uint64_t offset, uint64_t value, unsigned size)
{
	struct reg_access access;

	if (!decode(fw, offset, size, &access) || !access.reg->set) {
		fw_bad_access(fw);
		return;
	}
	if (fw_is_fatal(fw) && !access.reg->when_fatal)
		return;
	if (!assemble(fw, &access, &value))
		return;
	if (!access.reg->set(fw, value))
		fw_bad_access(fw);
}

void fw_registers_reset(struct fw *fw)
{
	uint64_t bad = fw->regs.bad_accesses;

	memset(&fw->regs, 0, sizeof(fw->regs));
	fw->regs.bad_accesses = bad;
	fw->regs.bad_before_reset = bad;
}

/* ---- BAR2 --------------------------------------------------------------------------------- */

void fw_doorbell_write(struct fw *fw, uint64_t offset, uint64_t value, unsigned size)
{
	if (fw_is_fatal(fw))
		return;
	if (nic_doorbell(fw->nic, offset, value, size))
		fw_bad_access(fw);
}

uint64_t fw_doorbell_read(struct fw *fw, uint64_t offset, unsigned size)
{
	if (size != 8 || offset % 8)
		fw_bad_access(fw);
	return 0;
}
