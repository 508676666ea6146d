/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* MAP_CREATE, MAP_FREE, MAP_LOOKUP, MAP_UPDATE, MAP_DELETE, MAP_GET_NEXT, MAP_QUERY. */
#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "command.h"
#include "map_table.h"

#define OFFSET(field) ((uint32_t)offsetof(struct sluice_args_map_create, field))

/* ---- Creation ----------------------------------------------------------------------------- */

static struct bpfe_map_attr take_map_attr(const struct fw *fw, const struct fw_cmd *cmd)
{
	struct sluice_args_map_create args;

	memcpy(&args, cmd->args, sizeof(args));
	return (struct bpfe_map_attr){
		.type = le32toh(args.type),
		.key_size = le32toh(args.key_size),
		.value_size = le32toh(args.value_size),
		.max_entries = le32toh(args.max_entries),
		.flags = le32toh(args.map_flags),
		.cpus = fw->config->n_queue_pairs,
	};
}

/* Offset of the argument that is to blame for the engine's -EINVAL. */
static uint32_t blame(const struct bpfe_map_attr *attr)
{
	if (!attr->key_size || attr->key_size > BPFE_MAP_MAX_KEY ||
	    (attr->type == BPF_MAP_TYPE_ARRAY && attr->key_size != 4))
		return OFFSET(key_size);
	if (!attr->value_size || attr->value_size > BPFE_MAP_MAX_VALUE)
		return OFFSET(value_size);
	if (!attr->max_entries || attr->max_entries > BPFE_MAP_MAX_ENTRIES)
		return OFFSET(max_entries);
	return OFFSET(map_flags);
}

/* Storage of a map that is gone comes back after a grace period: wait for it before saying no. */
static int create_map(struct fw *fw, const struct bpfe_map_attr *attr, struct bpfe_map **map,
		      struct bpfe_log *log)
{
	size_t used = atomic_load(&fw->map_memory.used);
	int err = bpfe_map_create(attr, &fw->map_memory.alloc, map, log);

	if (err != -ENOMEM || bpfe_map_storage_size(attr) > fw->map_memory.limit)
		return err;
	bpfe_rcu_barrier();
	if (atomic_load(&fw->map_memory.used) >= used)
		return err;
	log->len = 0;
	return bpfe_map_create(attr, &fw->map_memory.alloc, map, log);
}

static uint16_t refuse_map(struct fw *fw, struct fw_cmd *cmd, const struct bpfe_map_attr *attr,
			   int err, const char *why)
{
	int len = (int)strcspn(why, "\n");

	switch (err) {
	case -EINVAL:
	case -E2BIG:
		return fw_refuse(cmd, SLUICE_ST_INVALID_ARG, blame(attr), "%.*s", len, why);
	case -ENOMEM:
		return fw_refuse(cmd, SLUICE_ST_NO_RESOURCES, 0,
				 "the map needs %zu bytes, %zu of %zu are in use",
				 bpfe_map_storage_size(attr), atomic_load(&fw->map_memory.used),
				 fw->map_memory.limit);
	default:
		return fw_refuse(cmd, fw_status_of_errno(err), 0, "%.*s", len, why);
	}
}

uint16_t fw_cmd_map_create(struct fw *fw, struct fw_cmd *cmd)
{
	struct bpfe_map_attr attr = take_map_attr(fw, cmd);
	char text[160] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_map *map;
	int err;

	if (!fw_name_attr(cmd, attr.name))
		return SLUICE_ST_INVALID_ATTR;
	if (attr.type >= 64 || !(fw->limits.map_types & 1ull << attr.type))
		return fw_refuse(cmd, SLUICE_ST_NOT_SUPPORTED, 0,
				 "map type %u is none that Linux offloads: array (%d), hash (%d)",
				 attr.type, BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_HASH);
	/* The engine takes larger arrays of the host, which no command could read or fill. */
	if (attr.value_size > BPFE_MAP_MAX_VALUE)
		return fw_refuse(cmd, SLUICE_ST_INVALID_ARG, OFFSET(value_size),
				 "map value size %u, the device takes at most %u", attr.value_size,
				 BPFE_MAP_MAX_VALUE);
	if (fw->maps.count == fw->maps.capacity)
		return fw_refuse(cmd, SLUICE_ST_NO_RESOURCES, 0, "the map table is full (%u)",
				 fw->maps.capacity);
	err = create_map(fw, &attr, &map, &log);
	if (err)
		return refuse_map(fw, cmd, &attr, err, text);
	cmd->result = fw_map_add(&fw->maps, map)->id;
	fw_objects_changed(fw);
	return SLUICE_ST_OK;
}

/* ---- What names a map --------------------------------------------------------------------- */

/* The map a command names, or NULL after a refusal in *@status. */
static struct fw_map *take_map(struct fw *fw, struct fw_cmd *cmd, struct sluice_args_map *args,
			       uint16_t *status)
{
	struct fw_map *entry;

	memcpy(args, cmd->args, sizeof(*args));
	entry = fw_map_find(&fw->maps, le32toh(args->map_id));
	*status =
		entry ? SLUICE_ST_OK
		      : fw_refuse(cmd, SLUICE_ST_NOT_FOUND, 0, "no map %u", le32toh(args->map_id));
	return entry;
}

/* Key or value of exactly the map's size; an absent one is for the caller to judge. */
static uint16_t check_size(struct fw_cmd *cmd, uint16_t type, uint32_t size)
{
	const struct fw_attr *attr = &cmd->attrs[type];

	if (!attr->data || attr->len == size)
		return SLUICE_ST_OK;
	return fw_refuse(cmd, SLUICE_ST_INVALID_ATTR, type,
			 "attribute %u has %u bytes, the map's %u", type, attr->len, size);
}

/* The map of an element command, its key checked. */
static struct fw_map *take_element(struct fw *fw, struct fw_cmd *cmd, struct sluice_args_map *args,
				   uint16_t *status)
{
	struct fw_map *entry = take_map(fw, cmd, args, status);

	if (!entry)
		return NULL;
	*status = check_size(cmd, SLUICE_ATTR_KEY, bpfe_map_attr(entry->map)->key_size);
	return *status ? NULL : entry;
}

uint16_t fw_cmd_map_free(struct fw *fw, struct fw_cmd *cmd)
{
	struct sluice_args_map args;
	uint16_t status;
	struct fw_map *entry = take_map(fw, cmd, &args, &status);

	if (!entry)
		return status;
	if (entry->programs || entry->loads)
		return fw_refuse(cmd, SLUICE_ST_BUSY, 0,
				 "map %u is used by %u programs and %u loads under way", entry->id,
				 entry->programs, entry->loads);
	fw_map_remove(&fw->maps, entry);
	fw_objects_changed(fw);
	return SLUICE_ST_OK;
}

uint16_t fw_cmd_map_query(struct fw *fw, struct fw_cmd *cmd)
{
	struct sluice_args_map args;
	uint16_t status;
	struct fw_map *entry = take_map(fw, cmd, &args, &status);
	const struct bpfe_map_attr *attr;
	struct sluice_resp_map *resp;

	if (!entry)
		return status;
	resp = fw_response(cmd, sizeof(*resp));
	if (!resp)
		return SLUICE_ST_NO_RESOURCES;
	attr = bpfe_map_attr(entry->map);
	resp->map_id = htole32(entry->id);
	resp->type = htole32(attr->type);
	resp->key_size = htole32(attr->key_size);
	resp->value_size = htole32(attr->value_size);
	resp->max_entries = htole32(attr->max_entries);
	resp->map_flags = htole32(attr->flags);
	resp->count = htole32(bpfe_map_count(entry->map));
	resp->n_programs = htole32(entry->programs);
	memcpy(resp->name, attr->name, sizeof(resp->name));
	return SLUICE_ST_OK;
}

/* ---- Elements: absence, presence and fullness are answers, not faults, and not logged ------- */

uint16_t fw_cmd_map_lookup(struct fw *fw, struct fw_cmd *cmd)
{
	struct sluice_args_map args;
	uint16_t status;
	struct fw_map *entry = take_element(fw, cmd, &args, &status);
	uint32_t size;
	void *value;
	int err;

	if (!entry)
		return status;
	size = (uint32_t)bpfe_map_value_bytes(entry->map);
	status = fw_need_room(cmd, size);
	if (status)
		return status;
	value = fw_response(cmd, size);
	if (!value)
		return SLUICE_ST_NO_RESOURCES;
	err = bpfe_map_lookup_copy(entry->map, cmd->attrs[SLUICE_ATTR_KEY].data, value);
	if (err)
		cmd->resp_size = 0;
	return fw_status_of_errno(err);
}

uint16_t fw_cmd_map_update(struct fw *fw, struct fw_cmd *cmd)
{
	struct sluice_args_map args;
	uint16_t status;
	struct fw_map *entry = take_element(fw, cmd, &args, &status);
	uint64_t flags;
	int err;

	if (!entry)
		return status;
	status = check_size(cmd, SLUICE_ATTR_VALUE, (uint32_t)bpfe_map_value_bytes(entry->map));
	if (status)
		return status;
	flags = le64toh(args.flags);
	err = bpfe_map_update(entry->map, cmd->attrs[SLUICE_ATTR_KEY].data,
			      cmd->attrs[SLUICE_ATTR_VALUE].data, flags);
	if (err == -EINVAL)
		return fw_refuse(cmd, SLUICE_ST_INVALID_ARG,
				 offsetof(struct sluice_args_map, flags), "update flags 0x%llx",
				 (unsigned long long)flags);
	return fw_status_of_errno(err);
}

uint16_t fw_cmd_map_delete(struct fw *fw, struct fw_cmd *cmd)
{
	struct sluice_args_map args;
	uint16_t status;
	struct fw_map *entry = take_element(fw, cmd, &args, &status);
	int err;

	if (!entry)
		return status;
	err = bpfe_map_delete(entry->map, cmd->attrs[SLUICE_ATTR_KEY].data);
	if (err == -EINVAL)
		return fw_refuse(cmd, SLUICE_ST_NOT_SUPPORTED, 0,
				 "elements of an array cannot be deleted");
	return fw_status_of_errno(err);
}

uint16_t fw_cmd_map_get_next(struct fw *fw, struct fw_cmd *cmd)
{
	struct sluice_args_map args;
	uint16_t status;
	struct fw_map *entry = take_element(fw, cmd, &args, &status);
	uint32_t size;
	void *next;
	int err;

	if (!entry)
		return status;
	size = bpfe_map_attr(entry->map)->key_size;
	status = fw_need_room(cmd, size);
	if (status)
		return status;
	next = fw_response(cmd, size);
	if (!next)
		return SLUICE_ST_NO_RESOURCES;
	err = bpfe_map_get_next_key(entry->map, cmd->attrs[SLUICE_ATTR_KEY].data, next);
	if (err)
		cmd->resp_size = 0;
	return fw_status_of_errno(err);
}
