/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A record's file: this head, then entries, each a head of PVS_ENTRY_HEAD bytes and what follows.
 */
#ifndef PVS_RECORD_FILE_H
#define PVS_RECORD_FILE_H

#include "pvs.h"

#define PVS_RECORD_MAGIC   "PVSREC\r\n"
#define PVS_RECORD_VERSION 2u
#define PVS_ENTRY_HEAD     offsetof(struct pvs_record_entry, decision)

struct pvs_record_head {
	char magic[8];
	uint32_t version, policy_abi;
	uint32_t ctx_size, decision_size; /* of struct pvs_ctx, struct pvs_record_decision */
};

/* Bytes that follow the head of an entry of @kind; 0: no such kind. */
uint16_t pvs_record_size(uint32_t kind);

#endif
