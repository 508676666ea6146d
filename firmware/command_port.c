/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* PORT_QUERY, PORT_SET, PORT_FILTER. */
#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "command.h"

#define SET_KNOWN                                                                 \
	(SLUICE_PORT_SET_ENABLE | SLUICE_PORT_SET_RX_MODE | SLUICE_PORT_SET_MTU | \
	 SLUICE_PORT_SET_MAC)

#define OFFSET(field) ((uint32_t)offsetof(struct sluice_args_port_set, field))

uint16_t fw_cmd_port_query(struct fw *fw, struct fw_cmd *cmd)
{
	struct sluice_resp_port *resp = fw_response(cmd, sizeof(*resp));

	if (!resp)
		return SLUICE_ST_NO_RESOURCES;
	if (nic_port_query(fw->nic, cmd->ref.port, resp))
		return SLUICE_ST_INTERNAL;
	resp->prog_id = htole32(fw->programs.attached[cmd->ref.port]);
	return SLUICE_ST_OK;
}

static uint16_t set_mac(struct fw *fw, struct fw_cmd *cmd, const struct sluice_args_port_set *args)
{
	if (!nic_port_set_mac(fw->nic, cmd->ref.port, args->mac))
		return SLUICE_ST_OK;
	return fw_refuse(cmd, SLUICE_ST_INVALID_ARG, OFFSET(mac),
			 "%02x:%02x:%02x:%02x:%02x:%02x is no station's address", args->mac[0],
			 args->mac[1], args->mac[2], args->mac[3], args->mac[4], args->mac[5]);
}

static uint16_t set_mtu(struct fw *fw, struct fw_cmd *cmd, const struct sluice_args_port_set *args)
{
	uint32_t mtu = le32toh(args->mtu);
	int err = nic_port_set_mtu(fw->nic, cmd->ref.port, mtu);

	if (!err)
		return SLUICE_ST_OK;
	if (err == -EBUSY)
		return fw_refuse(cmd, SLUICE_ST_BAD_STATE, 0,
				 "MTU %u: at most %u while a program is attached", mtu,
				 NIC_MAX_XDP_MTU);
	return fw_refuse(cmd, SLUICE_ST_INVALID_ARG, OFFSET(mtu), "MTU %u: %u to %u are possible",
			 mtu, FW_MIN_MTU, NIC_MAX_MTU);
}

static uint16_t set_rx_mode(struct fw *fw, struct fw_cmd *cmd,
			    const struct sluice_args_port_set *args)
{
	uint32_t mode = le32toh(args->rx_mode);

	if (!nic_port_set_rx_mode(fw->nic, cmd->ref.port, mode))
		return SLUICE_ST_OK;
	return fw_refuse(cmd, SLUICE_ST_INVALID_ARG, OFFSET(rx_mode), "unknown receive mode 0x%x",
			 mode);
}

static uint16_t set_fields(struct fw *fw, struct fw_cmd *cmd,
			   const struct sluice_args_port_set *args)
{
	uint32_t valid = le32toh(args->valid);
	uint16_t status = SLUICE_ST_OK;

	if (valid & SLUICE_PORT_SET_MAC)
		status = set_mac(fw, cmd, args);
	if (!status && valid & SLUICE_PORT_SET_MTU)
		status = set_mtu(fw, cmd, args);
	if (!status && valid & SLUICE_PORT_SET_RX_MODE)
		status = set_rx_mode(fw, cmd, args);
	/* Cannot fail, so that nothing after it need be undone. */
	if (!status && valid & SLUICE_PORT_SET_ENABLE)
		nic_port_enable(fw->nic, cmd->ref.port, args->enable);
	return status;
}

/* All or nothing: back to @old, which the port accepted once. */
static void undo(struct fw *fw, unsigned port, const struct sluice_resp_port *old)
{
	nic_port_set_mac(fw->nic, port, old->mac);
	nic_port_set_mtu(fw->nic, port, le32toh(old->mtu));
	nic_port_set_rx_mode(fw->nic, port, le32toh(old->rx_mode));
}

uint16_t fw_cmd_port_set(struct fw *fw, struct fw_cmd *cmd)
{
	struct sluice_args_port_set args;
	struct sluice_resp_port old;
	uint16_t status;

	memcpy(&args, cmd->args, sizeof(args));
	if (le32toh(args.valid) & ~(uint32_t)SET_KNOWN)
		return fw_refuse(cmd, SLUICE_ST_INVALID_ARG, OFFSET(valid), "unknown fields 0x%x",
				 le32toh(args.valid) & ~(uint32_t)SET_KNOWN);
	if (args.enable > 1)
		return fw_refuse(cmd, SLUICE_ST_INVALID_ARG, OFFSET(enable), "enable is %u",
				 args.enable);
	if (nic_port_query(fw->nic, cmd->ref.port, &old))
		return SLUICE_ST_INTERNAL;
	status = set_fields(fw, cmd, &args);
	if (status)
		undo(fw, cmd->ref.port, &old);
	return status;
}

uint16_t fw_cmd_port_filter(struct fw *fw, struct fw_cmd *cmd)
{
	const struct fw_attr *list = &cmd->attrs[SLUICE_ATTR_MAC_LIST];
	const void *macs = list->data;
	uint32_t n = list->len / 6;

	if (n > NIC_MAX_MULTICAST)
		return fw_refuse(cmd, SLUICE_ST_TOO_BIG, 0, "%u addresses, at most %u", n,
				 NIC_MAX_MULTICAST);
	if (nic_port_set_multicast(fw->nic, cmd->ref.port, macs, n))
		return fw_refuse(cmd, SLUICE_ST_INVALID_ATTR, SLUICE_ATTR_MAC_LIST,
				 "the list has an address that is not a group's");
	return SLUICE_ST_OK;
}
