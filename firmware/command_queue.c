/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* RX_QUEUE_CREATE, TX_QUEUE_CREATE, QUEUE_ENABLE/DISABLE/RESET/DESTROY/QUERY. */
#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "command.h"

static const char *type_name(uint8_t type)
{
	return type == SLUICE_QUEUE_RX ? "receive" : "transmit";
}

static const char *state_name(const struct sluice_resp_queue *state)
{
	static const char *const names[] = {
		[SLUICE_QSTATE_NONE] = "absent",     [SLUICE_QSTATE_DISABLED] = "disabled",
		[SLUICE_QSTATE_ENABLED] = "enabled", [SLUICE_QSTATE_DRAINING] = "draining",
		[SLUICE_QSTATE_ERROR] = "in error",
	};

	return state->state < sizeof(names) / sizeof(names[0]) ? names[state->state] : "unknown";
}

static struct sluice_queue_config host_order(const struct sluice_queue_config *le)
{
	return (struct sluice_queue_config){
		.queue = le16toh(le->queue),
		.vector = le16toh(le->vector),
		.flags = le32toh(le->flags),
		.ring_base = le64toh(le->ring_base),
		.cpl_base = le64toh(le->cpl_base),
		.ring_size = le32toh(le->ring_size),
		.cpl_size = le32toh(le->cpl_size),
		.buffer_size = le32toh(le->buffer_size),
		.headroom = le32toh(le->headroom),
		.ring2_base = le64toh(le->ring2_base),
		.ring2_size = le32toh(le->ring2_size),
		.buffer2_size = le32toh(le->buffer2_size),
		.coalesce_usecs = le32toh(le->coalesce_usecs),
		.coalesce_frames = le32toh(le->coalesce_frames),
	};
}

static bool ring_ok(uint64_t base, uint32_t size, uint32_t max)
{
	return base % FW_RING_ALIGN == 0 && size >= NIC_MIN_RING && size <= max &&
	       (size & (size - 1)) == 0;
}

/* What is wrong with a configuration the NIC did not take. */
static const char *config_fault(const struct fw *fw, uint8_t type,
				const struct sluice_queue_config *c)
{
	if (c->queue >= fw->config->n_queue_pairs)
		return "no such queue";
	if (c->vector >= fw->config->n_vectors)
		return "no such vector";
	if (c->flags || c->ring2_base || c->ring2_size || c->buffer2_size || c->coalesce_usecs ||
	    c->coalesce_frames)
		return "a field that must be 0 is not";
	if (!ring_ok(c->ring_base, c->ring_size, NIC_MAX_RING))
		return "ring size or alignment";
	if (!ring_ok(c->cpl_base, c->cpl_size, NIC_MAX_CPL) || c->cpl_size < c->ring_size)
		return "completion ring size or alignment";
	if (type == SLUICE_QUEUE_TX)
		return "buffer_size and headroom must be 0";
	return "buffer_size or headroom";
}

uint16_t fw_cmd_queue_create(struct fw *fw, struct fw_cmd *cmd)
{
	uint8_t type =
		cmd->ref.opcode == SLUICE_OP_RX_QUEUE_CREATE ? SLUICE_QUEUE_RX : SLUICE_QUEUE_TX;
	struct sluice_queue_config config;
	int err;

	memcpy(&config, cmd->attrs[SLUICE_ATTR_QUEUE].data, sizeof(config));
	config = host_order(&config);
	err = nic_queue_create(fw->nic, type, &config);
	if (!err)
		return SLUICE_ST_OK;
	if (err == -EINVAL)
		return fw_refuse(cmd, SLUICE_ST_INVALID_ATTR, SLUICE_ATTR_QUEUE, "%s queue %u: %s",
				 type_name(type), config.queue, config_fault(fw, type, &config));
	return fw_refuse(cmd, fw_status_of_errno(err), 0, "%s queue %u", type_name(type),
			 config.queue);
}

/* The queue a command names. SLUICE_ST_OK or a refusal. */
static uint16_t take_queue(struct fw *fw, struct fw_cmd *cmd, struct sluice_args_queue *args)
{
	memcpy(args, cmd->args, sizeof(*args));
	args->queue = le16toh(args->queue);
	if (args->type != SLUICE_QUEUE_RX && args->type != SLUICE_QUEUE_TX)
		return fw_refuse(cmd, SLUICE_ST_INVALID_ARG,
				 offsetof(struct sluice_args_queue, type), "queue type %u",
				 args->type);
	if (args->queue >= fw->config->n_queue_pairs)
		return fw_refuse(
			cmd, SLUICE_ST_INVALID_ARG, offsetof(struct sluice_args_queue, queue),
			"queue %u: the device has %u", args->queue, fw->config->n_queue_pairs);
	return SLUICE_ST_OK;
}

static int control(struct fw *fw, uint16_t opcode, uint8_t type, unsigned queue)
{
	switch (opcode) {
	case SLUICE_OP_QUEUE_ENABLE:
		return nic_queue_enable(fw->nic, type, queue);
	case SLUICE_OP_QUEUE_DISABLE:
		return nic_queue_disable(fw->nic, type, queue);
	case SLUICE_OP_QUEUE_RESET:
		return nic_queue_reset(fw->nic, type, queue);
	case SLUICE_OP_QUEUE_DESTROY:
		return nic_queue_destroy(fw->nic, type, queue);
	default:
		return -EOPNOTSUPP;
	}
}

uint16_t fw_cmd_queue_control(struct fw *fw, struct fw_cmd *cmd)
{
	struct sluice_resp_queue state = {0};
	struct sluice_args_queue args;
	uint16_t status = take_queue(fw, cmd, &args);

	if (status)
		return status;
	status = fw_status_of_errno(control(fw, cmd->ref.opcode, args.type, args.queue));
	if (!status)
		return SLUICE_ST_OK;
	nic_queue_query(fw->nic, args.type, args.queue, &state);
	return fw_refuse(cmd, status, 0, "%s queue %u is %s", type_name(args.type), args.queue,
			 state_name(&state));
}

uint16_t fw_cmd_queue_query(struct fw *fw, struct fw_cmd *cmd)
{
	struct sluice_args_queue args;
	struct sluice_resp_queue *resp;
	uint16_t status = take_queue(fw, cmd, &args);
	int err;

	if (status)
		return status;
	resp = fw_response(cmd, sizeof(*resp));
	if (!resp)
		return SLUICE_ST_NO_RESOURCES;
	err = nic_queue_query(fw->nic, args.type, args.queue, resp);
	/* A queue that does not exist has a state too. */
	if (err == -ENOENT)
		resp->type = args.type;
	else if (err)
		return SLUICE_ST_INTERNAL;
	return SLUICE_ST_OK;
}
