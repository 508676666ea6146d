/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Where a map sends a frame. */
#include <string.h>
#include "maps/targets.h"

/* Verdicts that the flags may ask for: XDP_ABORTED, XDP_DROP, XDP_PASS, XDP_TX. */
#define VERDICT_MASK 3u

static bool is_devmap(const struct bpfe_map *map)
{
	return map->attr.type == BPF_MAP_TYPE_DEVMAP || map->attr.type == BPF_MAP_TYPE_DEVMAP_HASH;
}

/* BPFE_REDIRECT_NONE: no map of targets. */
static enum bpfe_redirect_kind kind_of(const struct bpfe_map *map)
{
	switch (map->attr.type) {
	case BPF_MAP_TYPE_DEVMAP:
	case BPF_MAP_TYPE_DEVMAP_HASH:
		return BPFE_REDIRECT_PORT;
	case BPF_MAP_TYPE_CPUMAP:
		return BPFE_REDIRECT_QUEUE;
	case BPF_MAP_TYPE_XSKMAP:
		return BPFE_REDIRECT_XSK;
	default:
		return BPFE_REDIRECT_NONE;
	}
}

/* The interface that a devmap's value names; atomic, as it is updated in place. */
static uint32_t interface_of(const void *value)
{
	return __atomic_load_n((const uint32_t *)value, __ATOMIC_RELAXED);
}

uint32_t bpfe_redirect_map(struct bpfe_map *map, uint32_t key, uint64_t flags,
			   struct bpfe_redirect *redirect)
{
	uint64_t accepted = VERDICT_MASK;
	const void *value;

	*redirect = (struct bpfe_redirect){0};
	if (is_devmap(map))
		accepted |= BPF_F_BROADCAST | BPF_F_EXCLUDE_INGRESS;
	if (kind_of(map) == BPFE_REDIRECT_NONE || flags & ~accepted)
		return XDP_ABORTED;
	if (flags & BPF_F_BROADCAST) {
		redirect->kind = BPFE_REDIRECT_BROADCAST;
		redirect->flags = flags & BPF_F_EXCLUDE_INGRESS;
		redirect->map = map;
		return XDP_REDIRECT;
	}
	value = map->ops->lookup(map, &key, 0);
	if (!value)
		return (uint32_t)(flags & VERDICT_MASK);
	redirect->kind = (uint8_t)kind_of(map);
	redirect->index = is_devmap(map) ? interface_of(value) : key;
	return XDP_REDIRECT;
}

void bpfe_redirect_each(const struct bpfe_redirect *redirect, uint32_t ingress_ifindex,
			bpfe_redirect_fn fn, void *opaque)
{
	uint32_t except = redirect->flags & BPF_F_EXCLUDE_INGRESS ? ingress_ifindex : 0;
	struct bpfe_map *map = redirect->map;
	const void *previous = NULL;
	uint32_t key, steps = 0;

	/* A key that goes away meanwhile sends the walk back to the start; it ends all the same. */
	while (steps++ < map->attr.max_entries &&
	       map->ops->get_next_key(map, previous, &key) == 0) {
		const void *value = map->ops->lookup(map, &key, 0);
		uint32_t ifindex = value ? interface_of(value) : 0;

		if (ifindex && ifindex != except)
			fn(opaque, ifindex);
		previous = &key;
	}
}
