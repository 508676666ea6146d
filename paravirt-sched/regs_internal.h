/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What regs.c and regs_status.c share. */
#ifndef PVS_REGS_INTERNAL_H
#define PVS_REGS_INTERNAL_H

#include "pvs_regs.h"

struct pvs_regs {
	struct pvs_regs_config config;
	struct pvs_regs_state state; /* status and bad_access: atomic */
	char policy[16];
	uint32_t sources, actuators;
	uint32_t clock_high; /* of the CLOCK whose low half was read last */
	uint32_t low_of;     /* register whose low half waits, 0: none */
	uint32_t low;
};

/* Count a bad access. Any thread. */
void pvs_regs_bad(struct pvs_regs *regs);
/* The guest writes STATUS. */
void pvs_regs_write_status(struct pvs_regs *regs, uint32_t value);

#endif
