/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * BPF_MAP_TYPE_CPUMAP and BPF_MAP_TYPE_XSKMAP: receive queues. Processor n of a NIC is the engine
 * of its receive queue n, and a socket of queue n gets what that queue is given; whether the queue
 * exists is seen when a frame goes there.
 */
#include <errno.h>
#include <string.h>
#include <linux/bpf.h>
#include "maps/targets.h"

#define MAX_CPUS       8192u  /* CONFIG_NR_CPUS of Linux distributions */
#define MAX_QUEUE_SIZE 16384u /* frames, Linux's */

static int cpumap_check(const struct bpfe_map_attr *attr, struct bpfe_log *log)
{
	int err = bpfe_targets_check(attr, "a cpumap", sizeof(struct bpf_cpumap_val), log);

	if (!err && attr->max_entries > MAX_CPUS)
		err = bpfe_refuse(log, -E2BIG, BPFE_BAD_MAP, 0,
				  "a cpumap of %u entries has more than there can be processors, "
				  "%u",
				  attr->max_entries, MAX_CPUS);
	return err;
}

/* Queue size 0 takes the entry away; another is noted and shown, the NIC's queues have their own.
 */
static int cpumap_write(struct bpfe_map *map, const void *key, const void *value, uint64_t flags)
{
	struct bpfe_target target;
	uint32_t index;
	int err;

	memcpy(&index, key, sizeof(index));
	if (flags > BPF_EXIST)
		return -EINVAL;
	if (index >= map->attr.max_entries)
		return -E2BIG;
	if (flags == BPF_NOEXIST)
		return -EEXIST;
	err = bpfe_target_parse(map, value, &target);
	if (err)
		return err;
	if (target.first > MAX_QUEUE_SIZE)
		return -EOVERFLOW;
	bpfe_targets_set(map, index, target.first ? &target : NULL);
	return 0;
}

const struct bpfe_map_ops bpfe_cpumap_ops = {
	.type = BPF_MAP_TYPE_CPUMAP,
	.rdonly_prog = true,
	.check = cpumap_check,
	.storage_size = bpfe_targets_size,
	.init = bpfe_targets_init,
	.lookup = bpfe_targets_lookup,
	.write = cpumap_write,
	.remove = bpfe_targets_remove,
	.get_next_key = bpfe_array_get_next_key,
	.count = bpfe_targets_count,
	.contains = bpfe_targets_contains,
	.destroy = bpfe_targets_destroy,
};

/* ---- Sockets ------------------------------------------------------------------------------- */

static int xskmap_check(const struct bpfe_map_attr *attr, struct bpfe_log *log)
{
	return bpfe_targets_check(attr, "an xskmap", sizeof(uint32_t), log);
}

/*
 * The value, a socket's fd in Linux, is taken as it comes: the entry stands for the queue of its
 * number, which is what a program that looks it up reads (struct bpf_xdp_sock).
 */
static int xskmap_write(struct bpfe_map *map, const void *key, const void *value, uint64_t flags)
{
	struct bpfe_target target = {0};
	bool present;

	memcpy(&target.first, key, sizeof(target.first));
	if (flags > BPF_EXIST)
		return -EINVAL;
	if (target.first >= map->attr.max_entries)
		return -E2BIG;
	present = bpfe_targets_lookup(map, key, 0) != NULL;
	if (present && flags == BPF_NOEXIST)
		return -EEXIST;
	if (!present && flags == BPF_EXIST)
		return -ENOENT;
	bpfe_targets_set(map, target.first, &target);
	return 0;
}

/* As in Linux, the control plane cannot look one up. */
static int xskmap_read(struct bpfe_map *map, const void *key, void *value)
{
	return -EOPNOTSUPP;
}

const struct bpfe_map_ops bpfe_xskmap_ops = {
	.type = BPF_MAP_TYPE_XSKMAP,
	.rdonly_prog = true,
	.check = xskmap_check,
	.storage_size = bpfe_targets_size,
	.init = bpfe_targets_init,
	.lookup = bpfe_targets_lookup,
	.read = xskmap_read,
	.write = xskmap_write,
	.remove = bpfe_targets_remove,
	.get_next_key = bpfe_array_get_next_key,
	.count = bpfe_targets_count,
	.contains = bpfe_targets_contains,
	.destroy = bpfe_targets_destroy,
};
