/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The mailbox: commands in from the admin submission ring, completions out to the admin completion
 * ring. docs/device-spec/rings.md and commands.md.
 */
#ifndef SLUICE_FW_MAILBOX_H
#define SLUICE_FW_MAILBOX_H

#include "fw_internal.h"

/* What must be kept of a command to complete it, now or later. */
struct fw_command_ref {
	uint16_t opcode;
	uint16_t tag;
	uint8_t port;
	uint32_t resp_len;
	uint64_t resp_addr;
};

struct fw_reply {
	uint16_t status; /* SLUICE_ST_* */
	uint32_t detail;
	uint64_t result;
	void *resp;       /* the caller's; NULL: none */
	size_t resp_full; /* bytes of the whole response */
	uint32_t written; /* fw_reply_send()'s: bytes the guest has */
	bool text;        /* NUL-terminated, also when cut (in place) */
};

/* The guest's producer index: read commands and carry them out. False: refused. */
bool fw_asq_doorbell(struct fw *fw, uint32_t value);

/* Go on with what the guest has submitted, a bounded number of commands. */
void fw_mailbox_run(struct fw *fw);

/*
 * Write the response, cut to what the guest has room for. When that is impossible @reply becomes
 * DMA_ERROR without a result; the caller looks before it keeps what the command made.
 */
void fw_reply_send(struct fw *fw, const struct fw_command_ref *ref, struct fw_reply *reply);

/* Write the completion. A full or unwritable ring is fatal. */
void fw_reply_complete(struct fw *fw, const struct fw_command_ref *ref,
		       const struct fw_reply *reply);

#endif
