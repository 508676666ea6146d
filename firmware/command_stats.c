/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* STATS_QUERY. docs/device-spec/statistics.md. */
#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "command.h"

static uint16_t answer(struct fw_cmd *cmd, const uint64_t *stats, unsigned n)
{
	uint64_t *resp = fw_response(cmd, n * sizeof(*resp));

	if (!resp)
		return SLUICE_ST_NO_RESOURCES;
	for (unsigned i = 0; i < n; i++)
		resp[i] = htole64(stats[i]);
	return SLUICE_ST_OK;
}

static uint16_t queue_stats(struct fw *fw, struct fw_cmd *cmd, uint8_t type, uint16_t queue)
{
	uint64_t stats[SLUICE_N_QUEUE_STATS];
	int err;

	if (type != SLUICE_QUEUE_RX && type != SLUICE_QUEUE_TX)
		return fw_refuse(cmd, SLUICE_ST_INVALID_ARG,
				 offsetof(struct sluice_args_stats, type), "queue type %u", type);
	if (queue >= fw->config->n_queue_pairs)
		return fw_refuse(cmd, SLUICE_ST_INVALID_ARG,
				 offsetof(struct sluice_args_stats, queue),
				 "queue %u: the device has %u", queue, fw->config->n_queue_pairs);
	err = nic_queue_stats(fw->nic, type, queue, stats);
	if (err)
		return fw_status_of_errno(err);
	return answer(cmd, stats, SLUICE_N_QUEUE_STATS);
}

uint16_t fw_cmd_stats_query(struct fw *fw, struct fw_cmd *cmd)
{
	uint64_t stats[SLUICE_N_PORT_STATS];
	struct sluice_args_stats args;

	memcpy(&args, cmd->args, sizeof(args));
	if (le16toh(args.queue) != SLUICE_STATS_PORT)
		return queue_stats(fw, cmd, args.type, le16toh(args.queue));
	if (args.type)
		return fw_refuse(cmd, SLUICE_ST_INVALID_ARG,
				 offsetof(struct sluice_args_stats, type),
				 "type %u of a port's statistics", args.type);
	nic_port_stats(fw->nic, cmd->ref.port, stats);
	return answer(cmd, stats, SLUICE_N_PORT_STATS);
}
