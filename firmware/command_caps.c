/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* NOP and QUERY_CAPS. docs/device-spec/capabilities.md. */
#include <endian.h>
#include <string.h>

#include "command.h"

#define CAPS_MAX 512u /* bytes of the whole list, checked when it is built */

struct cap_list {
	uint8_t *buf;
	size_t len;
};

static void add(struct cap_list *list, uint16_t type, const void *payload, uint32_t len)
{
	size_t padded = (len + SLUICE_ATTR_ALIGN - 1) & ~(size_t)(SLUICE_ATTR_ALIGN - 1);
	struct sluice_attr head = {.type = htole16(type), .length = htole32(len)};

	if (list->len + sizeof(head) + padded > CAPS_MAX)
		return;
	memcpy(list->buf + list->len, &head, sizeof(head));
	memcpy(list->buf + list->len + sizeof(head), payload, len);
	list->len += sizeof(head) + padded;
}

static void add_admin(const struct fw *fw, struct cap_list *list)
{
	const struct sluice_cap_admin cap = {
		.max_data = htole32(FW_MAX_DATA),
		.max_resp = htole32(FW_MAX_RESP),
		.max_outstanding = htole32(fw->limits.load_queue),
	};

	add(list, SLUICE_CAP_ADMIN, &cap, sizeof(cap));
}

static void add_queues(const struct fw *fw, struct cap_list *list)
{
	const struct sluice_cap_queues cap = {
		.max_pairs = htole32(fw->config->n_queue_pairs),
		.min_ring = htole32(NIC_MIN_RING),
		.max_ring = htole32(NIC_MAX_RING),
		.max_cpl_ring = htole32(NIC_MAX_CPL),
		.rss_table = htole32(SLUICE_RSS_TABLE),
		.rss_key = htole32(SLUICE_RSS_KEY),
		.n_vectors = htole32(fw->config->n_vectors),
		.max_multicast = htole32(NIC_MAX_MULTICAST),
	};

	add(list, SLUICE_CAP_QUEUES, &cap, sizeof(cap));
}

static void add_paths(struct cap_list *list)
{
	const struct sluice_cap_rx rx = {
		.max_frame = htole32(NIC_MAX_FRAME),
		.min_buffer = htole32(NIC_MIN_BUFFER),
		.max_buffer = htole32(NIC_MAX_BUFFER),
		.max_headroom = htole32(NIC_MAX_HEADROOM),
		.max_buffers_per_frame = htole32(1),
	};
	const struct sluice_cap_tx tx = {
		.max_frame = htole32(NIC_MAX_FRAME),
		.max_descs_per_frame = htole32(NIC_MAX_TX_DESCS),
		.features = htole32(1), /* checksum */
	};

	add(list, SLUICE_CAP_RX, &rx, sizeof(rx));
	add(list, SLUICE_CAP_TX, &tx, sizeof(tx));
}

static void add_programs(const struct fw *fw, struct cap_list *list)
{
	const struct sluice_cap_prog cap = {
		.max_insns = htole32(fw->limits.max_insns),
		.max_progs = htole32(fw->programs.capacity),
		.max_stack = htole32(BPFE_STACK_SIZE * BPFE_MAX_FRAMES),
		.max_log = htole32(FW_MAX_LOG),
		.run_budget = htole32(fw->limits.run_budget),
		.adjust_head_max = htole32(BPFE_HEADROOM),
		.max_mtu = htole32(NIC_MAX_XDP_MTU),
		.features = htole32(SLUICE_PROG_FEATURE_CALLS),
	};
	uint64_t helpers[4];

	for (unsigned i = 0; i < 4; i++)
		helpers[i] = htole64(fw->helpers[i]);
	add(list, SLUICE_CAP_PROG, &cap, sizeof(cap));
	add(list, SLUICE_CAP_HELPERS, helpers, sizeof(helpers));
}

static void add_maps(const struct fw *fw, struct cap_list *list)
{
	const struct sluice_cap_map cap = {
		.types = htole64(fw->limits.map_types),
		.max_bytes = htole64(fw->map_memory.limit),
		.max_maps = htole32(fw->maps.capacity),
		.max_key = htole32(BPFE_MAP_MAX_KEY),
		.max_value = htole32(BPFE_MAP_MAX_VALUE),
		.max_entries = htole32(BPFE_MAP_MAX_ENTRIES),
	};

	add(list, SLUICE_CAP_MAP, &cap, sizeof(cap));
}

uint16_t fw_cmd_nop(struct fw *fw, struct fw_cmd *cmd)
{
	return SLUICE_ST_OK;
}

uint16_t fw_cmd_query_caps(struct fw *fw, struct fw_cmd *cmd)
{
	struct cap_list list = {.buf = fw_response(cmd, CAPS_MAX)};

	if (!list.buf)
		return SLUICE_ST_NO_RESOURCES;
	add_admin(fw, &list);
	add_queues(fw, &list);
	add_paths(&list);
	add_programs(fw, &list);
	add_maps(fw, &list);
	cmd->resp_size = list.len;
	return SLUICE_ST_OK;
}
