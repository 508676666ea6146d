/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Names of commands and statuses, from the ABI's tables, and the status of an errno. */
#include <errno.h>

#include "fw_internal.h"

const char *fw_status_text(uint16_t status)
{
	switch (status) {
#define SLUICE_X(name, value, text) \
	case value:                 \
		return text;
		SLUICE_STATUSES(SLUICE_X)
#undef SLUICE_X
	default:
		return "unknown status";
	}
}

const char *fw_opcode_name(uint16_t opcode)
{
	switch (opcode) {
#define SLUICE_X(name, value) \
	case value:           \
		return #name;
		SLUICE_OPCODES(SLUICE_X)
#undef SLUICE_X
	default:
		return NULL;
	}
}

uint16_t fw_status_of_errno(int err)
{
	switch (err) {
	case 0:
		return SLUICE_ST_OK;
	case -EINVAL:
		return SLUICE_ST_INVALID_ARG;
	case -ENOENT:
		return SLUICE_ST_NOT_FOUND;
	case -EEXIST:
		return SLUICE_ST_EXISTS;
	case -ENOMEM:
		return SLUICE_ST_NO_RESOURCES;
	case -E2BIG:
		return SLUICE_ST_FULL;
	case -EBUSY: /* the NIC's: a queue or port is not in the state for it */
		return SLUICE_ST_BAD_STATE;
	case -EOPNOTSUPP:
		return SLUICE_ST_NOT_SUPPORTED;
	case -EFAULT:
		return SLUICE_ST_DMA_ERROR;
	case -ECANCELED:
		return SLUICE_ST_CANCELLED;
	default:
		return SLUICE_ST_INTERNAL;
	}
}
