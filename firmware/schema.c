/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What all commands have in common is checked here, from the schema in their row: which argument
 * bytes count, which attributes there may or must be, and how long they are.
 * docs/device-spec/commands.md.
 */
#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

uint16_t fw_refuse(struct fw_cmd *cmd, uint16_t status, uint32_t detail, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(cmd->why, sizeof(cmd->why), fmt, args);
	va_end(args);
	cmd->detail = detail;
	return status;
}

uint16_t fw_need_room(struct fw_cmd *cmd, uint32_t size)
{
	if (cmd->ref.resp_len >= size)
		return SLUICE_ST_OK;
	cmd->resp_size = size;
	return fw_refuse(cmd, SLUICE_ST_RESP_TOO_SMALL, 0,
			 "room for %u bytes of response, %u are needed", cmd->ref.resp_len, size);
}

void *fw_response(struct fw_cmd *cmd, size_t size)
{
	cmd->resp = calloc(1, size);
	cmd->resp_size = cmd->resp ? size : 0;
	return cmd->resp;
}

static uint16_t check_args(const struct fw_command *command, struct fw_cmd *cmd)
{
	for (uint32_t i = 0; i < SLUICE_CMD_ARGS; i++) {
		if (cmd->args[i] && !(command->args_used & 1u << i))
			return fw_refuse(cmd, SLUICE_ST_INVALID_ARG, i,
					 "argument byte %u is reserved and must be 0", i);
	}
	return SLUICE_ST_OK;
}

static const struct fw_attr_rule *find_rule(const struct fw_command *command, uint16_t type)
{
	for (unsigned i = 0; i < command->n_attrs; i++) {
		if (command->attrs[i].type == type)
			return &command->attrs[i];
	}
	return NULL;
}

static uint16_t check_length(const struct fw_attr_rule *rule, struct fw_cmd *cmd, uint32_t len)
{
	if (len < rule->min || len > rule->max)
		return fw_refuse(cmd, SLUICE_ST_INVALID_ATTR, rule->type,
				 "attribute %u has %u bytes, %u to %u are possible", rule->type,
				 len, rule->min, rule->max);
	if (len % rule->unit)
		return fw_refuse(cmd, SLUICE_ST_INVALID_ATTR, rule->type,
				 "attribute %u has %u bytes, not a multiple of %u", rule->type, len,
				 rule->unit);
	return SLUICE_ST_OK;
}

static bool padding_is_zero(const uint8_t *data, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++) {
		if (data[i])
			return false;
	}
	return true;
}

/* The attribute at *@pos; moves *@pos behind it. */
static uint16_t take_attr(const struct fw_command *command, struct fw_cmd *cmd, uint32_t *pos)
{
	uint32_t room = cmd->data_len - *pos;
	const struct fw_attr_rule *rule;
	struct sluice_attr head;
	uint32_t len, padded;
	uint16_t type, status;

	if (room < sizeof(head))
		return fw_refuse(cmd, SLUICE_ST_INVALID_ATTR, 0,
				 "%u bytes at offset %u are no attribute", room, *pos);
	memcpy(&head, cmd->data + *pos, sizeof(head));
	type = le16toh(head.type);
	len = le32toh(head.length);
	room -= sizeof(head);
	if (len > room)
		return fw_refuse(cmd, SLUICE_ST_INVALID_ATTR, type,
				 "attribute %u has %u bytes, %u are left", type, len, room);
	rule = find_rule(command, type);
	if (!rule)
		return fw_refuse(cmd, SLUICE_ST_INVALID_ATTR, type, "unknown attribute %u", type);
	if (head.flags)
		return fw_refuse(cmd, SLUICE_ST_INVALID_ATTR, type, "attribute %u has flags 0x%04x",
				 type, le16toh(head.flags));
	if (cmd->attrs[type].data)
		return fw_refuse(cmd, SLUICE_ST_INVALID_ATTR, type, "attribute %u twice", type);
	status = check_length(rule, cmd, len);
	if (status)
		return status;

	cmd->attrs[type].data = cmd->data + *pos + sizeof(head);
	cmd->attrs[type].len = len;
	/* No overflow: @len is at most FW_MAX_DATA here. */
	padded = (len + SLUICE_ATTR_ALIGN - 1) & ~(uint32_t)(SLUICE_ATTR_ALIGN - 1);
	if (padded > room || !padding_is_zero(cmd->attrs[type].data, len, padded))
		return fw_refuse(cmd, SLUICE_ST_INVALID_ATTR, type,
				 "attribute %u is not padded with zeroes to %u bytes", type,
				 SLUICE_ATTR_ALIGN);
	*pos += (uint32_t)sizeof(head) + padded;
	return SLUICE_ST_OK;
}

static uint16_t check_attrs(const struct fw_command *command, struct fw_cmd *cmd)
{
	uint32_t pos = 0;

	while (pos < cmd->data_len) {
		uint16_t status = take_attr(command, cmd, &pos);

		if (status)
			return status;
	}
	for (unsigned i = 0; i < command->n_attrs; i++) {
		uint16_t type = command->attrs[i].type;

		if (command->attrs[i].required && !cmd->attrs[type].data)
			return fw_refuse(cmd, SLUICE_ST_INVALID_ATTR, type,
					 "attribute %u is missing", type);
	}
	return SLUICE_ST_OK;
}

uint16_t fw_schema_check(const struct fw_command *command, struct fw_cmd *cmd)
{
	uint16_t status = check_args(command, cmd);

	if (!status)
		status = check_attrs(command, cmd);
	if (!status)
		status = fw_need_room(cmd, command->resp_min);
	return status;
}

bool fw_name_attr(struct fw_cmd *cmd, char name[BPFE_NAME_LEN])
{
	const struct fw_attr *attr = &cmd->attrs[SLUICE_ATTR_NAME];
	size_t len = attr->data ? strnlen(attr->data, attr->len) : 0;

	memset(name, 0, BPFE_NAME_LEN);
	if (len >= BPFE_NAME_LEN)
		len = BPFE_NAME_LEN - 1;
	if (len)
		memcpy(name, attr->data, len);
	for (size_t i = 0; i < len; i++) {
		/* Names go to the host's terminals and logs. */
		if (name[i] > ' ' && name[i] <= '~')
			continue;
		fw_refuse(cmd, SLUICE_ST_INVALID_ATTR, SLUICE_ATTR_NAME,
			  "byte %zu of the name is not printable", i);
		return false;
	}
	return true;
}
