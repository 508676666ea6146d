// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the device can do: the capability list, parsed into struct sluice_caps.
 */
#include "sluice.h"

#define SLUICE_CAPS_ROOM 4096

/*
 * The payload may be longer than the structure (a newer device), or shorter (an older one: the rest
 * reads as zero). Copying it also means that it is read once.
 */
union sluice_cap {
	struct sluice_cap_admin admin;
	struct sluice_cap_queues queues;
	struct sluice_cap_rx rx;
	struct sluice_cap_tx tx;
	struct sluice_cap_prog prog;
	struct sluice_cap_map map;
	__le64 helpers[4];
};

static void sluice_cap_take(struct sluice_caps *caps, u16 type, const union sluice_cap *c)
{
	unsigned int i;

	switch (type) {
	case SLUICE_CAP_ADMIN:
		caps->max_data = le32_to_cpu(c->admin.max_data);
		caps->max_resp = le32_to_cpu(c->admin.max_resp);
		break;
	case SLUICE_CAP_QUEUES:
		caps->max_pairs = le32_to_cpu(c->queues.max_pairs);
		caps->min_ring = le32_to_cpu(c->queues.min_ring);
		caps->max_ring = le32_to_cpu(c->queues.max_ring);
		caps->max_cpl_ring = le32_to_cpu(c->queues.max_cpl_ring);
		caps->rss_table = le32_to_cpu(c->queues.rss_table);
		caps->rss_key = le32_to_cpu(c->queues.rss_key);
		caps->max_multicast = le32_to_cpu(c->queues.max_multicast);
		break;
	case SLUICE_CAP_RX:
		caps->rx_max_frame = le32_to_cpu(c->rx.max_frame);
		caps->rx_max_buffer = le32_to_cpu(c->rx.max_buffer);
		caps->rx_max_headroom = le32_to_cpu(c->rx.max_headroom);
		break;
	case SLUICE_CAP_TX:
		caps->tx_max_frame = le32_to_cpu(c->tx.max_frame);
		caps->tx_max_descs = le32_to_cpu(c->tx.max_descs_per_frame);
		break;
	case SLUICE_CAP_PROG:
		caps->prog_max_insns = le32_to_cpu(c->prog.max_insns);
		caps->prog_max_log = le32_to_cpu(c->prog.max_log);
		caps->prog_max_mtu = le32_to_cpu(c->prog.max_mtu);
		caps->prog_features = le32_to_cpu(c->prog.features);
		break;
	case SLUICE_CAP_MAP:
		caps->map_types = le64_to_cpu(c->map.types);
		caps->map_max_key = le32_to_cpu(c->map.max_key);
		caps->map_max_value = le32_to_cpu(c->map.max_value);
		caps->map_max_entries = le32_to_cpu(c->map.max_entries);
		break;
	case SLUICE_CAP_HELPERS:
		for (i = 0; i < ARRAY_SIZE(caps->helpers); i++)
			caps->helpers[i] = le64_to_cpu(c->helpers[i]);
		break;
	default:
		/* A capability of a newer device: nothing this driver would use. */
		break;
	}
}

static int sluice_caps_parse(struct sluice_caps *caps, const void *data, size_t len)
{
	struct sluice_attr attr;
	union sluice_cap cap;
	size_t pos = 0, payload;

	while (pos + sizeof(attr) <= len) {
		memcpy(&attr, data + pos, sizeof(attr));
		pos += sizeof(attr);
		payload = le32_to_cpu(attr.length);
		if (payload > len - pos)
			return -EPROTO;
		memset(&cap, 0, sizeof(cap));
		memcpy(&cap, data + pos, min(payload, sizeof(cap)));
		sluice_cap_take(caps, le16_to_cpu(attr.type), &cap);
		pos = min(pos + ALIGN(payload, SLUICE_ATTR_ALIGN), len);
	}
	return 0;
}

static int sluice_caps_check(struct sluice_dev *sd)
{
	struct sluice_caps *caps = &sd->caps;
	const char *lacks = NULL;

	if (caps->max_data < SLUICE_CAPS_ROOM || caps->max_resp < SLUICE_CAPS_ROOM)
		lacks = "admin commands of 4096 bytes";
	else if (!caps->max_pairs)
		lacks = "queue pairs";
	else if (caps->max_ring < SLUICE_MIN_TX_RING || caps->min_ring > caps->max_ring ||
		 !is_power_of_2(caps->max_ring) || !is_power_of_2(caps->min_ring))
		lacks = "rings of 64 entries";
	else if (caps->max_cpl_ring < caps->max_ring || !is_power_of_2(caps->max_cpl_ring))
		lacks = "completion rings as large as the rings that feed them";
	else if (caps->rx_max_frame < ETH_FRAME_LEN || caps->tx_max_frame < ETH_FRAME_LEN)
		lacks = "frames of 1514 bytes";
	else if (!caps->tx_max_descs)
		lacks = "transmit descriptors";
	else if (sluice_has(sd, SLUICE_FEATURE_RSS) &&
		 (caps->rss_table != SLUICE_RSS_TABLE || caps->rss_key != SLUICE_RSS_KEY))
		lacks = "an RSS table of 128 entries and a key of 40 bytes";

	if (!lacks)
		return 0;
	dev_err(&sd->pdev->dev, "the device's capabilities lack %s\n", lacks);
	return -EOPNOTSUPP;
}

int sluice_query_caps(struct sluice_dev *sd)
{
	struct sluice_request req;
	struct sluice_caps *caps = &sd->caps;
	int err;

	/* Before it is known what the device takes, this much must do. */
	memset(caps, 0, sizeof(*caps));
	caps->max_data = SLUICE_CAPS_ROOM;
	caps->max_resp = SLUICE_CAPS_ROOM;

	err = sluice_req_init(sd, &req, SLUICE_OP_QUERY_CAPS, 0, SLUICE_CAPS_ROOM);
	if (err)
		return err;
	err = sluice_req_run(sd, &req, SLUICE_TIMEOUT_MS);
	if (!err)
		err = sluice_caps_parse(caps, sluice_req_resp(&req), req.resp_len);
	sluice_req_free(sd, &req);
	if (err) {
		dev_err(&sd->pdev->dev, "cannot learn the device's capabilities (%d)\n", err);
		return err;
	}
	return sluice_caps_check(sd);
}
