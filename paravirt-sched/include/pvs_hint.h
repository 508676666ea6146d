/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What is read of a guest's page; also for programs in the host's kernel, so without libc. */
#ifndef PVS_HINT_H
#define PVS_HINT_H

#include <stdint.h>

#include "sluice/pvsched_policy.h"

/* A page's hints in the fields of struct pvs_ctx of the same names; see there. */
struct pvs_hint {
	enum pvs_hint_status status;
	enum pvs_reject reject;   /* why it is MALFORMED or TORN */
	uint64_t intent, cs_word; /* as read, to see whether something changed */
	uint32_t class, rt_prio, pending;
	int32_t nice;
	uint32_t cs, cs_count;
	uint64_t cs_enter;                                       /* guest's clock */
	uint64_t dl_runtime, dl_deadline, dl_period, next_event; /* guest's clock */
	uint32_t wait_vcpu, wait_reason;
	uint64_t ticket;
	uint32_t notify;
};

#define PVS_SEQ_TRIES 4 /* tries to see line 2 whole, then its hints are TORN */

#endif
