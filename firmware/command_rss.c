/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* RSS_SET, RSS_QUERY. */
#include <endian.h>
#include <string.h>

#include "command.h"

uint16_t fw_cmd_rss_set(struct fw *fw, struct fw_cmd *cmd)
{
	const struct fw_attr *key = &cmd->attrs[SLUICE_ATTR_RSS_KEY];
	const struct fw_attr *list = &cmd->attrs[SLUICE_ATTR_RSS_TABLE];
	uint16_t table[SLUICE_RSS_TABLE];

	if (!key->data && !list->data)
		return fw_refuse(cmd, SLUICE_ST_INVALID_ATTR, SLUICE_ATTR_RSS_KEY,
				 "neither a key nor a table");
	if (list->data)
		memcpy(table, list->data, sizeof(table));
	for (unsigned i = 0; list->data && i < SLUICE_RSS_TABLE; i++) {
		table[i] = le16toh(table[i]);
		if (table[i] >= fw->config->n_queue_pairs)
			return fw_refuse(cmd, SLUICE_ST_INVALID_ATTR, SLUICE_ATTR_RSS_TABLE,
					 "entry %u names queue %u, the device has %u", i, table[i],
					 fw->config->n_queue_pairs);
	}
	return fw_status_of_errno(
		nic_rss_set(fw->nic, cmd->ref.port, key->data, list->data ? table : NULL));
}

uint16_t fw_cmd_rss_query(struct fw *fw, struct fw_cmd *cmd)
{
	struct sluice_resp_rss *resp = fw_response(cmd, sizeof(*resp));
	uint16_t table[SLUICE_RSS_TABLE];

	if (!resp)
		return SLUICE_ST_NO_RESOURCES;
	if (nic_rss_query(fw->nic, cmd->ref.port, resp->key, table))
		return SLUICE_ST_INTERNAL;
	for (unsigned i = 0; i < SLUICE_RSS_TABLE; i++)
		resp->table[i] = htole16(table[i]);
	return SLUICE_ST_OK;
}
