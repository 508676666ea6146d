/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The register table, for those who check it. */
#ifndef SLUICE_FW_REGISTERS_H
#define SLUICE_FW_REGISTERS_H

#include "fw_internal.h"

#define FW_INTR_ALL (SLUICE_INTR_ADMIN | SLUICE_INTR_EVENT | SLUICE_INTR_FATAL)

struct fw_register {
	uint16_t offset;  /* in BAR0, or in the port block */
	uint8_t width;    /* bytes: 4, or 8 that may also be accessed as two halves */
	uint8_t half;     /* enum fw_half: where the low half of a 64-bit one waits */
	bool when_fatal;  /* may be written after a fatal error */
	const char *name; /* as in nic_regs.h, without the prefix */
	/* NULL: cannot be read. @port: whose block it is in. */
	uint64_t (*get)(struct fw *fw, unsigned port);
	/* NULL: cannot be written. False: refused in the present state. */
	bool (*set)(struct fw *fw, uint64_t value);
};

/* The @index-th register of the device or of a port block; NULL beyond the last. */
const struct fw_register *fw_register_at(bool port_block, unsigned index);

#endif
