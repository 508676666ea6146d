/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* All commands: what each takes and who carries it out. docs/device-spec/commands.md. */
#include "command.h"

/* The bytes a member of an argument structure takes, as a bitmap. */
#define BYTES(type, member)                                           \
	((uint32_t)((1ull << sizeof(((struct type *)0)->member)) - 1) \
	 << __builtin_offsetof(struct type, member))

#define QUEUE_ARGS (BYTES(sluice_args_queue, queue) | BYTES(sluice_args_queue, type))
#define STATS_ARGS (BYTES(sluice_args_stats, queue) | BYTES(sluice_args_stats, type))
#define PROG_ID    BYTES(sluice_args_prog, prog_id)
#define ATTACH_ARGS \
	(PROG_ID | BYTES(sluice_args_prog, expected_id) | BYTES(sluice_args_prog, flags))
#define MAP_ID BYTES(sluice_args_map, map_id)
#define PORT_SET_ARGS                                                                \
	(BYTES(sluice_args_port_set, valid) | BYTES(sluice_args_port_set, rx_mode) | \
	 BYTES(sluice_args_port_set, mtu) | BYTES(sluice_args_port_set, enable) |    \
	 BYTES(sluice_args_port_set, mac))
#define MAP_CREATE_ARGS                                                                           \
	(BYTES(sluice_args_map_create, type) | BYTES(sluice_args_map_create, key_size) |          \
	 BYTES(sluice_args_map_create, value_size) | BYTES(sluice_args_map_create, max_entries) | \
	 BYTES(sluice_args_map_create, map_flags))

#define NAME_ATTR {.type = SLUICE_ATTR_NAME, .min = 1, .max = SLUICE_NAME_LEN, .unit = 1}
#define KEY_ATTR \
	{.type = SLUICE_ATTR_KEY, .required = true, .min = 1, .max = BPFE_MAP_MAX_KEY, .unit = 1}
#define VALUE_ATTR                  \
	{.type = SLUICE_ATTR_VALUE, \
	 .required = true,          \
	 .min = 1,                  \
	 .max = BPFE_MAP_MAX_VALUE, \
	 .unit = 1}
#define QUEUE_ATTR                                  \
	{.type = SLUICE_ATTR_QUEUE,                 \
	 .required = true,                          \
	 .min = sizeof(struct sluice_queue_config), \
	 .max = sizeof(struct sluice_queue_config), \
	 .unit = 1}

#define XDP SLUICE_FEATURE_XDP_OFFLOAD
#define RSS SLUICE_FEATURE_RSS

static const struct fw_command commands[] = {
	{.opcode = SLUICE_OP_NOP, .handler = fw_cmd_nop},
	{.opcode = SLUICE_OP_QUERY_CAPS, .handler = fw_cmd_query_caps},

	{.opcode = SLUICE_OP_PORT_QUERY,
	 .resp_min = sizeof(struct sluice_resp_port),
	 .handler = fw_cmd_port_query},
	{.opcode = SLUICE_OP_PORT_SET, .args_used = PORT_SET_ARGS, .handler = fw_cmd_port_set},
	{.opcode = SLUICE_OP_PORT_FILTER,
	 .handler = fw_cmd_port_filter,
	 .n_attrs = 1,
	 .attrs =
		 {{.type = SLUICE_ATTR_MAC_LIST, .required = true, .max = FW_MAX_DATA, .unit = 6}}},

	{.opcode = SLUICE_OP_RSS_SET,
	 .feature = RSS,
	 .handler = fw_cmd_rss_set,
	 .n_attrs = 2,
	 .attrs = {{.type = SLUICE_ATTR_RSS_KEY,
		    .min = SLUICE_RSS_KEY,
		    .max = SLUICE_RSS_KEY,
		    .unit = 1},
		   {.type = SLUICE_ATTR_RSS_TABLE,
		    .min = SLUICE_RSS_TABLE * 2,
		    .max = SLUICE_RSS_TABLE * 2,
		    .unit = 2}}},
	{.opcode = SLUICE_OP_RSS_QUERY,
	 .feature = RSS,
	 .resp_min = sizeof(struct sluice_resp_rss),
	 .handler = fw_cmd_rss_query},

	{.opcode = SLUICE_OP_RX_QUEUE_CREATE,
	 .handler = fw_cmd_queue_create,
	 .n_attrs = 1,
	 .attrs = {QUEUE_ATTR}},
	{.opcode = SLUICE_OP_TX_QUEUE_CREATE,
	 .handler = fw_cmd_queue_create,
	 .n_attrs = 1,
	 .attrs = {QUEUE_ATTR}},
	{.opcode = SLUICE_OP_QUEUE_ENABLE,
	 .args_used = QUEUE_ARGS,
	 .handler = fw_cmd_queue_control},
	{.opcode = SLUICE_OP_QUEUE_DISABLE,
	 .args_used = QUEUE_ARGS,
	 .handler = fw_cmd_queue_control},
	{.opcode = SLUICE_OP_QUEUE_RESET, .args_used = QUEUE_ARGS, .handler = fw_cmd_queue_control},
	{.opcode = SLUICE_OP_QUEUE_DESTROY,
	 .args_used = QUEUE_ARGS,
	 .handler = fw_cmd_queue_control},
	{.opcode = SLUICE_OP_QUEUE_QUERY,
	 .args_used = QUEUE_ARGS,
	 .resp_min = sizeof(struct sluice_resp_queue),
	 .handler = fw_cmd_queue_query},

	{.opcode = SLUICE_OP_STATS_QUERY, .args_used = STATS_ARGS, .handler = fw_cmd_stats_query},

	{.opcode = SLUICE_OP_PROG_LOAD,
	 .args_used = BYTES(sluice_args_prog_load, log_level),
	 .feature = XDP,
	 .handler = fw_cmd_prog_load,
	 .n_attrs = 2,
	 .attrs = {{.type = SLUICE_ATTR_INSNS,
		    .required = true,
		    .min = sizeof(struct bpf_insn),
		    .max = FW_MAX_DATA,
		    .unit = sizeof(struct bpf_insn)},
		   NAME_ATTR}},
	{.opcode = SLUICE_OP_PROG_ATTACH,
	 .args_used = ATTACH_ARGS,
	 .feature = XDP,
	 .handler = fw_cmd_prog_attach},
	{.opcode = SLUICE_OP_PROG_DETACH,
	 .args_used = ATTACH_ARGS,
	 .feature = XDP,
	 .handler = fw_cmd_prog_detach},
	{.opcode = SLUICE_OP_PROG_FREE,
	 .args_used = PROG_ID,
	 .feature = XDP,
	 .handler = fw_cmd_prog_free},
	{.opcode = SLUICE_OP_PROG_QUERY,
	 .args_used = PROG_ID,
	 .resp_min = sizeof(struct sluice_resp_prog),
	 .feature = XDP,
	 .handler = fw_cmd_prog_query},

	{.opcode = SLUICE_OP_MAP_CREATE,
	 .args_used = MAP_CREATE_ARGS,
	 .feature = XDP,
	 .handler = fw_cmd_map_create,
	 .n_attrs = 1,
	 .attrs = {NAME_ATTR}},
	{.opcode = SLUICE_OP_MAP_FREE,
	 .args_used = MAP_ID,
	 .feature = XDP,
	 .handler = fw_cmd_map_free},
	{.opcode = SLUICE_OP_MAP_LOOKUP,
	 .args_used = MAP_ID,
	 .feature = XDP,
	 .handler = fw_cmd_map_lookup,
	 .n_attrs = 1,
	 .attrs = {KEY_ATTR}},
	{.opcode = SLUICE_OP_MAP_UPDATE,
	 .args_used = MAP_ID | BYTES(sluice_args_map, flags),
	 .feature = XDP,
	 .handler = fw_cmd_map_update,
	 .n_attrs = 2,
	 .attrs = {KEY_ATTR, VALUE_ATTR}},
	{.opcode = SLUICE_OP_MAP_DELETE,
	 .args_used = MAP_ID,
	 .feature = XDP,
	 .handler = fw_cmd_map_delete,
	 .n_attrs = 1,
	 .attrs = {KEY_ATTR}},
	{.opcode = SLUICE_OP_MAP_GET_NEXT,
	 .args_used = MAP_ID,
	 .feature = XDP,
	 .handler = fw_cmd_map_get_next,
	 .n_attrs = 1,
	 .attrs = {{.type = SLUICE_ATTR_KEY, .min = 1, .max = BPFE_MAP_MAX_KEY, .unit = 1}}},
	{.opcode = SLUICE_OP_MAP_QUERY,
	 .args_used = MAP_ID,
	 .resp_min = sizeof(struct sluice_resp_map),
	 .feature = XDP,
	 .handler = fw_cmd_map_query},
};

const struct fw_command *fw_command_at(unsigned index)
{
	return index < sizeof(commands) / sizeof(commands[0]) ? &commands[index] : NULL;
}

const struct fw_command *fw_command_find(uint16_t opcode)
{
	const struct fw_command *command;

	for (unsigned i = 0; (command = fw_command_at(i)) != NULL; i++) {
		if (command->opcode == opcode)
			return command;
	}
	return NULL;
}
