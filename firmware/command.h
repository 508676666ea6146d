/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Commands: a schema and a handler each. To add one: its opcode in nic_cmd.h, a row in
 * command_table.c, a function in command_*.c.
 */
#ifndef SLUICE_FW_COMMAND_H
#define SLUICE_FW_COMMAND_H

#include "mailbox.h"

#define FW_MAX_ATTRS     3 /* attributes a command may take */
#define FW_MAX_ATTR_TYPE SLUICE_ATTR_RSS_TABLE

struct fw_attr {
	const void *data; /* in the command's copy, 8-byte aligned; NULL: absent */
	uint32_t len;
};

/* A command as its handler sees it: header valid, attributes known, all of it read once. */
struct fw_cmd {
	struct fw_command_ref ref;
	uint8_t args[SLUICE_CMD_ARGS];
	uint8_t *data;     /* the attribute list; freed after the handler unless it takes it */
	uint32_t data_len; /* bytes */
	struct fw_attr attrs[FW_MAX_ATTR_TYPE + 1]; /* by type */

	/* The answer. The response is freed after it was sent. */
	void *resp;
	size_t resp_size;
	bool resp_text; /* NUL-terminated, also when cut */
	uint64_t result;
	uint32_t detail;
	bool pending;  /* the handler completes it later itself */
	char why[256]; /* for the log; empty: nothing to say */
};

/* Carry out @cmd. Returns SLUICE_ST_*, ignored with cmd->pending. */
typedef uint16_t (*fw_handler)(struct fw *fw, struct fw_cmd *cmd);

struct fw_attr_rule {
	uint16_t type;
	bool required;
	uint32_t min, max; /* bytes of payload */
	uint32_t unit;     /* the payload is a multiple of so many bytes */
};

struct fw_command {
	uint16_t opcode;
	uint32_t args_used; /* bit i: byte i of the arguments has a meaning; the others are 0 */
	uint32_t resp_min;  /* bytes of room the response needs */
	uint64_t feature;   /* that must have been accepted; 0: none */
	fw_handler handler;
	unsigned n_attrs;
	struct fw_attr_rule attrs[FW_MAX_ATTRS];
};

/* ---- command_table.c ---------------------------------------------------------------------- */

const struct fw_command *fw_command_find(uint16_t opcode); /* NULL: unknown */
const struct fw_command *fw_command_at(unsigned index);    /* NULL beyond the last */

/* ---- schema.c ----------------------------------------------------------------------------- */

/*
 * Check arguments, attributes and room for the response against the row; fills cmd->attrs.
 * SLUICE_ST_OK, or a refusal with detail and why.
 */
uint16_t fw_schema_check(const struct fw_command *command, struct fw_cmd *cmd);

/* Refuse: note why and return @status. INVALID_ARG: @detail is the offset of the argument;
 * INVALID_ATTR: the attribute's type. */
uint16_t fw_refuse(struct fw_cmd *cmd, uint16_t status, uint32_t detail, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Is there room for a response of @size bytes, where a part of it is of no use? SLUICE_ST_OK or
 * RESP_TOO_SMALL; the completion then tells the size. */
uint16_t fw_need_room(struct fw_cmd *cmd, uint32_t size);

/* @size zeroed bytes for the response, at least one; NULL: no memory. Called once. */
void *fw_response(struct fw_cmd *cmd, size_t size);

/* Copy a NAME attribute (may be absent: empty) to @name. False: not printable; refused. */
bool fw_name_attr(struct fw_cmd *cmd, char name[BPFE_NAME_LEN]);

/* ---- Handlers ----------------------------------------------------------------------------- */

uint16_t fw_cmd_nop(struct fw *fw, struct fw_cmd *cmd);
uint16_t fw_cmd_query_caps(struct fw *fw, struct fw_cmd *cmd);
uint16_t fw_cmd_port_query(struct fw *fw, struct fw_cmd *cmd);
uint16_t fw_cmd_port_set(struct fw *fw, struct fw_cmd *cmd);
uint16_t fw_cmd_port_filter(struct fw *fw, struct fw_cmd *cmd);
uint16_t fw_cmd_rss_set(struct fw *fw, struct fw_cmd *cmd);
uint16_t fw_cmd_rss_query(struct fw *fw, struct fw_cmd *cmd);
uint16_t fw_cmd_queue_create(struct fw *fw, struct fw_cmd *cmd);
uint16_t fw_cmd_queue_control(struct fw *fw, struct fw_cmd *cmd);
uint16_t fw_cmd_queue_query(struct fw *fw, struct fw_cmd *cmd);
uint16_t fw_cmd_stats_query(struct fw *fw, struct fw_cmd *cmd);
uint16_t fw_cmd_prog_load(struct fw *fw, struct fw_cmd *cmd);
uint16_t fw_cmd_prog_attach(struct fw *fw, struct fw_cmd *cmd);
uint16_t fw_cmd_prog_detach(struct fw *fw, struct fw_cmd *cmd);
uint16_t fw_cmd_prog_free(struct fw *fw, struct fw_cmd *cmd);
uint16_t fw_cmd_prog_query(struct fw *fw, struct fw_cmd *cmd);
uint16_t fw_cmd_map_create(struct fw *fw, struct fw_cmd *cmd);
uint16_t fw_cmd_map_free(struct fw *fw, struct fw_cmd *cmd);
uint16_t fw_cmd_map_lookup(struct fw *fw, struct fw_cmd *cmd);
uint16_t fw_cmd_map_update(struct fw *fw, struct fw_cmd *cmd);
uint16_t fw_cmd_map_delete(struct fw *fw, struct fw_cmd *cmd);
uint16_t fw_cmd_map_get_next(struct fw *fw, struct fw_cmd *cmd);
uint16_t fw_cmd_map_query(struct fw *fw, struct fw_cmd *cmd);

#endif
