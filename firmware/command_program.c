/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* PROG_ATTACH, PROG_DETACH, PROG_FREE, PROG_QUERY; PROG_LOAD is in program_load.c. */
#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "command.h"
#include "program_table.h"

#define OFFSET(field) ((uint32_t)offsetof(struct sluice_args_prog, field))

static struct sluice_args_prog take_args(const struct fw_cmd *cmd)
{
	struct sluice_args_prog args;

	memcpy(&args, cmd->args, sizeof(args));
	args.prog_id = le32toh(args.prog_id);
	args.expected_id = le32toh(args.expected_id);
	args.flags = le32toh(args.flags);
	return args;
}

static uint16_t no_program(struct fw_cmd *cmd, uint32_t id)
{
	return fw_refuse(cmd, SLUICE_ST_NOT_FOUND, 0, "no program %u", id);
}

/* Flags known, and what is attached is what the guest expects. */
static uint16_t check_expected(struct fw *fw, struct fw_cmd *cmd,
			       const struct sluice_args_prog *args)
{
	uint32_t attached = fw->programs.attached[cmd->ref.port];

	if (args->flags & ~(uint32_t)SLUICE_ATTACH_EXPECT)
		return fw_refuse(cmd, SLUICE_ST_INVALID_ARG, OFFSET(flags), "unknown flags 0x%x",
				 args->flags & ~(uint32_t)SLUICE_ATTACH_EXPECT);
	if (!(args->flags & SLUICE_ATTACH_EXPECT)) {
		if (args->expected_id)
			return fw_refuse(cmd, SLUICE_ST_INVALID_ARG, OFFSET(expected_id),
					 "expected_id without flag EXPECT");
		return SLUICE_ST_OK;
	}
	if (attached != args->expected_id)
		return fw_refuse(cmd, SLUICE_ST_BAD_STATE, 0,
				 "program %u is attached, not %u as expected", attached,
				 args->expected_id);
	return SLUICE_ST_OK;
}

uint16_t fw_cmd_prog_attach(struct fw *fw, struct fw_cmd *cmd)
{
	struct sluice_args_prog args = take_args(cmd);
	struct fw_program *entry = fw_program_find(fw, args.prog_id);
	uint16_t status;
	int err;

	if (!entry)
		return no_program(cmd, args.prog_id);
	status = check_expected(fw, cmd, &args);
	if (status)
		return status;
	err = fw_program_attach(fw, cmd->ref.port, entry);
	if (err == -EBUSY)
		return fw_refuse(cmd, SLUICE_ST_BAD_STATE, 0,
				 "the MTU is too large for a program, at most %u is possible",
				 NIC_MAX_XDP_MTU);
	return fw_status_of_errno(err);
}

uint16_t fw_cmd_prog_detach(struct fw *fw, struct fw_cmd *cmd)
{
	uint32_t attached = fw->programs.attached[cmd->ref.port];
	struct sluice_args_prog args = take_args(cmd);
	uint16_t status;

	if (args.prog_id && !fw_program_find(fw, args.prog_id))
		return no_program(cmd, args.prog_id);
	status = check_expected(fw, cmd, &args);
	if (status)
		return status;
	if (args.prog_id && args.prog_id != attached)
		return fw_refuse(cmd, SLUICE_ST_BAD_STATE, 0, "program %u is attached, not %u",
				 attached, args.prog_id);
	return fw_status_of_errno(fw_program_attach(fw, cmd->ref.port, NULL));
}

uint16_t fw_cmd_prog_free(struct fw *fw, struct fw_cmd *cmd)
{
	uint32_t id = take_args(cmd).prog_id;
	struct fw_program *entry = fw_program_find(fw, id);

	if (!entry)
		return no_program(cmd, id);
	if (entry->ports)
		return fw_refuse(cmd, SLUICE_ST_BUSY, 0, "program %u is attached", id);
	fw_program_remove(fw, entry);
	fw_objects_changed(fw);
	return SLUICE_ST_OK;
}

uint16_t fw_cmd_prog_query(struct fw *fw, struct fw_cmd *cmd)
{
	uint32_t id = take_args(cmd).prog_id;
	const struct fw_program *entry = fw_program_find(fw, id);
	struct bpfe_program_info info;
	struct sluice_resp_prog *resp;
	uint64_t runs, insns;

	if (!entry)
		return no_program(cmd, id);
	resp = fw_response(cmd, sizeof(*resp));
	if (!resp)
		return SLUICE_ST_NO_RESOURCES;
	bpfe_program_info(entry->prog, &info);
	fw_program_totals(fw, entry, &runs, &insns);
	resp->prog_id = htole32(id);
	resp->n_insns = htole32(info.n_insns);
	resp->stack_bytes = htole32(info.stack_bytes);
	resp->n_maps = htole32(entry->n_maps);
	resp->insns_verified = htole64(info.insns_verified);
	resp->verify_ns = htole64(info.verify_ns);
	resp->runs = htole64(runs);
	resp->run_insns = htole64(insns);
	memcpy(resp->name, info.name, sizeof(info.name));
	for (uint32_t i = 0; i < entry->n_maps && i < sizeof(resp->map_ids) / 4; i++)
		resp->map_ids[i] = htole32(entry->map_ids[i]);
	return SLUICE_ST_OK;
}
