/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Commands: fetched once, header checked, data fetched once, schema checked, handled, completed.
 * Nothing looks at guest memory again after that.
 */
#include "mailbox.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

/* ---- Answers ------------------------------------------------------------------------------ */

void fw_reply_send(struct fw *fw, const struct fw_command_ref *ref, struct fw_reply *reply)
{
	uint32_t len = ref->resp_len;

	if (len > reply->resp_full)
		len = (uint32_t)reply->resp_full;
	reply->written = len;
	if (!len)
		return;
	if (reply->text)
		((char *)reply->resp)[len - 1] = '\0';
	if (!fw->ops->dma_write(fw->opaque, ref->resp_addr, reply->resp, len))
		return;
	fw_log(fw, ref->port, "%s tag %u: %u bytes of response could not be written at 0x%llx",
	       fw_opcode_name(ref->opcode), ref->tag, len, (unsigned long long)ref->resp_addr);
	*reply = (struct fw_reply){.status = SLUICE_ST_DMA_ERROR};
}

void fw_reply_complete(struct fw *fw, const struct fw_command_ref *ref,
		       const struct fw_reply *reply)
{
	struct fw_admin *admin = &fw->admin;
	union {
		struct sluice_cmd_cpl cpl;
		uint8_t bytes[CPL_RING_ENTRY];
	} entry = {
		.cpl =
			{
				.tag = htole16(ref->tag),
				.status = htole16(reply->status),
				.detail = htole32(reply->detail),
				.resp_len = htole32(reply->written),
				.resp_full = htole32((uint32_t)reply->resp_full),
				.result = htole64(reply->result),
				.sub_index = htole16(admin->asq.consumer),
			},
	};

	if (!admin->on)
		return;
	if (!cpl_ring_has_room(&admin->acq)) {
		fw_fatal(fw, SLUICE_FATAL_ACQ_OVERRUN, 0, admin->acq.producer & 0xffff);
		return;
	}
	if (cpl_ring_post(&admin->acq, entry.bytes, fw->ops, fw->opaque)) {
		fw_fatal(fw, SLUICE_FATAL_ACQ_DMA, 0, admin->acq.base);
		return;
	}
	if (cpl_ring_take_interrupt(&admin->acq))
		fw_interrupt(fw, SLUICE_INTR_ADMIN);
}

/* ---- One command -------------------------------------------------------------------------- */

/* Header fields that mean the same in every command. */
static uint16_t check_header(struct fw *fw, struct fw_cmd *cmd, const struct sluice_cmd *head,
			     const struct fw_command *command)
{
	if (!command)
		return fw_refuse(cmd, SLUICE_ST_INVALID_OPCODE, 0, "opcode 0x%04x",
				 cmd->ref.opcode);
	if (head->flags || head->reserved)
		return fw_refuse(cmd, SLUICE_ST_INVALID_FIELD, 0,
				 "flags 0x%04x, reserved 0x%02x: both must be 0",
				 le16toh(head->flags), head->reserved);
	if (head->port >= fw->config->n_ports)
		return fw_refuse(cmd, SLUICE_ST_INVALID_FIELD, 0, "port %u: the device has %u",
				 head->port, fw->config->n_ports);
	if (!fw_feature_accepted(fw, command->feature))
		return fw_refuse(cmd, SLUICE_ST_NOT_SUPPORTED, 0,
				 "the driver did not accept feature 0x%llx",
				 (unsigned long long)command->feature);
	if (cmd->data_len > FW_MAX_DATA)
		return fw_refuse(cmd, SLUICE_ST_TOO_BIG, 0, "%u bytes of attributes, at most %u",
				 cmd->data_len, FW_MAX_DATA);
	return SLUICE_ST_OK;
}

static uint16_t fetch_data(struct fw *fw, struct fw_cmd *cmd, uint64_t addr)
{
	if (!cmd->data_len)
		return SLUICE_ST_OK;
	cmd->data = malloc(cmd->data_len);
	if (!cmd->data)
		return fw_refuse(cmd, SLUICE_ST_NO_RESOURCES, 0, "no memory for %u bytes",
				 cmd->data_len);
	if (fw->ops->dma_read(fw->opaque, addr, cmd->data, cmd->data_len))
		return fw_refuse(cmd, SLUICE_ST_DMA_ERROR, 0,
				 "%u bytes of attributes could not be read at 0x%llx",
				 cmd->data_len, (unsigned long long)addr);
	return SLUICE_ST_OK;
}

static uint16_t handle(struct fw *fw, struct fw_cmd *cmd, const struct sluice_cmd *head)
{
	const struct fw_command *command = fw_command_find(cmd->ref.opcode);
	uint16_t status = check_header(fw, cmd, head, command);

	if (!status)
		status = fetch_data(fw, cmd, le64toh(head->data_addr));
	if (!status)
		status = fw_schema_check(command, cmd);
	if (!status)
		status = command->handler(fw, cmd);
	return status;
}

static void log_refusal(struct fw *fw, const struct fw_cmd *cmd, uint16_t status)
{
	const char *name = fw_opcode_name(cmd->ref.opcode);

	if (cmd->why[0])
		fw_log(fw, cmd->ref.port < fw->config->n_ports ? cmd->ref.port : -1,
		       "%s tag %u: %s: %s", name ? name : "command", cmd->ref.tag,
		       fw_status_text(status), cmd->why);
}

static void execute(struct fw *fw, const struct sluice_cmd *head)
{
	struct fw_cmd cmd = {
		.ref = {.opcode = le16toh(head->opcode),
			.tag = le16toh(head->tag),
			.port = head->port,
			.resp_len = le32toh(head->resp_len),
			.resp_addr = le64toh(head->resp_addr)},
		.data_len = le32toh(head->data_len),
	};
	struct fw_reply reply = {0};

	memcpy(cmd.args, head->args, sizeof(cmd.args));
	reply.status = handle(fw, &cmd, head);
	if (!cmd.pending) {
		log_refusal(fw, &cmd, reply.status);
		reply.detail = cmd.detail;
		reply.result = cmd.result;
		reply.resp_full = cmd.resp_size;
		reply.resp = cmd.resp;
		reply.text = cmd.resp_text;
		if (reply.resp)
			fw_reply_send(fw, &cmd.ref, &reply);
		fw_reply_complete(fw, &cmd.ref, &reply);
	}
	free(cmd.resp);
	free(cmd.data);
}

/* ---- The submission ring ------------------------------------------------------------------ */

static bool fetch(struct fw *fw, struct sluice_cmd *head)
{
	struct fw_submission_ring *asq = &fw->admin.asq;
	uint64_t addr = asq->base + (uint64_t)(asq->consumer & (asq->size - 1)) * sizeof(*head);

	if (fw->ops->dma_read(fw->opaque, addr, head, sizeof(*head))) {
		fw_fatal(fw, SLUICE_FATAL_ASQ_DMA, 0, addr);
		return false;
	}
	asq->consumer++;
	return true;
}

void fw_mailbox_run(struct fw *fw)
{
	const struct fw_submission_ring *asq = &fw->admin.asq;
	struct sluice_cmd head;

	for (unsigned n = 0; n < FW_COMMAND_BATCH; n++) {
		if (!fw->admin.on || asq->consumer == asq->producer)
			return;
		if (!fetch(fw, &head))
			return;
		execute(fw, &head);
	}
	if (fw->admin.on && asq->consumer != asq->producer)
		fw->ops->schedule(fw->opaque);
}

bool fw_asq_doorbell(struct fw *fw, uint32_t value)
{
	struct fw_submission_ring *asq = &fw->admin.asq;
	uint16_t producer = (uint16_t)value;
	uint16_t pending = (uint16_t)(asq->producer - asq->consumer);
	uint16_t asked = (uint16_t)(producer - asq->consumer);

	if (!fw->admin.on)
		return false;
	if (asked > asq->size || asked < pending) {
		fw_fatal(fw, SLUICE_FATAL_ASQ_OVERRUN, 0, value);
		return true;
	}
	asq->producer = producer;
	fw_mailbox_run(fw);
	return true;
}
