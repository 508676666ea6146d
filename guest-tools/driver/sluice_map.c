// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Offloaded maps. Called under bpf_devs_lock, element operations concurrently.
 */
#include "sluice.h"

/* ---- Elements ----------------------------------------------------------------------------- */

struct sluice_map_op {
	u16 opcode;
	u64 flags;
	const void *key;   /* NULL: none */
	const void *value; /* to the device, or NULL */
	void *answer;      /* from the device, or NULL */
	u32 answer_len;
};

static int sluice_map_exec(struct bpf_offloaded_map *offmap, const struct sluice_map_op *op)
{
	struct sluice_map *map = offmap->dev_priv;
	struct sluice_dev *sd = map->sd;
	struct sluice_args_map args = {
		.map_id = cpu_to_le32(map->id),
		.flags = cpu_to_le64(op->flags),
	};
	struct sluice_request req;
	size_t room = 0;
	int err;

	if (map->generation != sd->generation)
		return -ENODEV; /* lost in a reset */

	if (op->key)
		room += sluice_attr_room(offmap->map.key_size);
	if (op->value)
		room += sluice_attr_room(offmap->map.value_size);
	err = sluice_req_init(sd, &req, op->opcode, room, op->answer_len);
	if (err)
		return err;
	memcpy(req.cmd.args, &args, sizeof(args));
	if (op->key)
		sluice_req_put(&req, SLUICE_ATTR_KEY, op->key, offmap->map.key_size);
	if (op->value)
		sluice_req_put(&req, SLUICE_ATTR_VALUE, op->value, offmap->map.value_size);
	err = sluice_req_run(sd, &req, SLUICE_TIMEOUT_MS);
	if (!err && op->answer) {
		if (req.resp_len == op->answer_len)
			memcpy(op->answer, sluice_req_resp(&req), op->answer_len);
		else
			err = -EIO;
	}
	sluice_req_free(sd, &req);
	return err;
}

static int sluice_map_lookup(struct bpf_offloaded_map *offmap, void *key, void *value)
{
	const struct sluice_map_op op = {
		.opcode = SLUICE_OP_MAP_LOOKUP,
		.key = key,
		.answer = value,
		.answer_len = offmap->map.value_size,
	};

	return sluice_map_exec(offmap, &op);
}

static int sluice_map_update(struct bpf_offloaded_map *offmap, void *key, void *value, u64 flags)
{
	const struct sluice_map_op op = {
		.opcode = SLUICE_OP_MAP_UPDATE,
		.flags = flags,
		.key = key,
		.value = value,
	};

	return sluice_map_exec(offmap, &op);
}

static int sluice_map_delete(struct bpf_offloaded_map *offmap, void *key)
{
	const struct sluice_map_op op = {
		.opcode = SLUICE_OP_MAP_DELETE,
		.key = key,
	};

	return sluice_map_exec(offmap, &op);
}

static int sluice_map_get_next(struct bpf_offloaded_map *offmap, void *key, void *next)
{
	const struct sluice_map_op op = {
		.opcode = SLUICE_OP_MAP_GET_NEXT,
		.key = key,
		.answer = next,
		.answer_len = offmap->map.key_size,
	};

	return sluice_map_exec(offmap, &op);
}

static const struct bpf_map_dev_ops sluice_map_ops = {
	.map_get_next_key = sluice_map_get_next,
	.map_lookup_elem = sluice_map_lookup,
	.map_update_elem = sluice_map_update,
	.map_delete_elem = sluice_map_delete,
};

/* ---- Life --------------------------------------------------------------------------------- */

static int sluice_map_refuse(struct sluice_dev *sd, int err, const char *what, u32 has, u32 limit)
{
	/* The kernel offers no other way to tell the user why a map is refused. */
	dev_info_ratelimited(&sd->pdev->dev, "map refused: %s is %u, the device takes up to %u\n",
			     what, has, limit);
	return err;
}

static int sluice_map_check(struct sluice_dev *sd, const struct bpf_map *map)
{
	const struct sluice_caps *caps = &sd->caps;

	if (map->map_type >= 64 || !(caps->map_types & BIT_ULL(map->map_type))) {
		dev_info_ratelimited(&sd->pdev->dev,
				     "map refused: the device has no maps of type %u\n",
				     map->map_type);
		return -EOPNOTSUPP;
	}
	if (map->key_size > caps->map_max_key)
		return sluice_map_refuse(sd, -E2BIG, "key size", map->key_size, caps->map_max_key);
	if (map->value_size > caps->map_max_value)
		return sluice_map_refuse(sd, -E2BIG, "value size", map->value_size,
					 caps->map_max_value);
	if (map->max_entries > caps->map_max_entries)
		return sluice_map_refuse(sd, -E2BIG, "max_entries", map->max_entries,
					 caps->map_max_entries);
	return 0;
}

static int sluice_map_create(struct sluice_map *map, const struct bpf_map *attr)
{
	/* The kernel gives the map its name only after this. */
	struct sluice_args_map_create args = {
		.type = cpu_to_le32(attr->map_type),
		.key_size = cpu_to_le32(attr->key_size),
		.value_size = cpu_to_le32(attr->value_size),
		.max_entries = cpu_to_le32(attr->max_entries),
		.map_flags = cpu_to_le32(attr->map_flags),
	};
	struct sluice_dev *sd = map->sd;
	struct sluice_request req;
	int err;

	err = sluice_req_init(sd, &req, SLUICE_OP_MAP_CREATE, 0, 0);
	if (err)
		return err;
	memcpy(req.cmd.args, &args, sizeof(args));
	err = sluice_req_run(sd, &req, SLUICE_TIMEOUT_MS);
	if (err)
		dev_info_ratelimited(&sd->pdev->dev, "map refused: %s (detail %u)\n",
				     sluice_req_why(sd, &req), req.detail);
	map->id = req.result;
	map->generation = sd->generation;
	sluice_req_free(sd, &req);
	return err;
}

int sluice_map_alloc(struct sluice_dev *sd, struct bpf_offloaded_map *offmap)
{
	struct sluice_map *map;
	int err;

	err = sluice_map_check(sd, &offmap->map);
	if (err)
		return err;
	map = kzalloc_obj(*map);
	if (!map)
		return -ENOMEM;
	map->sd = sd;
	kref_init(&map->ref);
	err = sluice_map_create(map, &offmap->map);
	if (err) {
		kfree(map);
		return err;
	}
	offmap->dev_priv = map;
	offmap->dev_ops = &sluice_map_ops;
	return 0;
}

static void sluice_map_destroy(struct kref *ref)
{
	struct sluice_map *map = container_of(ref, struct sluice_map, ref);
	struct sluice_args_map args = {.map_id = cpu_to_le32(map->id)};

	if (map->generation == map->sd->generation && !sluice_dead(map->sd))
		sluice_simple_cmd(map->sd, SLUICE_OP_MAP_FREE, &args, sizeof(args));
	kfree(map);
}

void sluice_map_put(struct sluice_map *map)
{
	kref_put(&map->ref, sluice_map_destroy);
}

/*
 * The kernel frees a program's maps before the program, but the device refuses to free a map that a
 * program uses: the last reference decides.
 */
void sluice_map_release(struct bpf_offloaded_map *offmap)
{
	sluice_map_put(offmap->dev_priv);
	offmap->dev_priv = NULL;
}
