/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The forwarding table: two longest-prefix tries of routes and two hash maps, of links and of
 * neighbours. A look-up asks them in the order Linux asks its own: arrival link, route, MTU,
 * neighbour.
 */
#include "bpf_fib.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "alloc.h"

#define ADDR_MAX 16u

struct bpfe_fib {
	struct bpfe_map *links;
	struct bpfe_map *routes4;
	struct bpfe_map *routes6;
	struct bpfe_map *neighbours;
	struct bpfe_allocator alloc;
};

struct route_key {
	uint32_t prefix_len;
	uint8_t addr[ADDR_MAX];
};

struct neighbour_key {
	uint32_t ifindex;
	uint32_t family;
	uint8_t addr[ADDR_MAX];
};

struct neighbour {
	uint8_t mac[6];
};

/* Bytes of an address, 0 for a family that is not IP. */
static unsigned addr_size(int family)
{
	return family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
}

/* ---- Making and filling -------------------------------------------------------------------- */

static struct bpfe_map *new_map(uint32_t type, uint32_t key, uint32_t value, uint32_t entries,
				const char *name, const struct bpfe_allocator *alloc)
{
	struct bpfe_map_attr attr = {
		.type = type, .key_size = key, .value_size = value, .max_entries = entries};
	struct bpfe_map *map = NULL;

	if (type == BPF_MAP_TYPE_LPM_TRIE)
		attr.flags = BPF_F_NO_PREALLOC;
	memcpy(attr.name, name, strnlen(name, sizeof(attr.name) - 1));
	return bpfe_map_create(&attr, alloc, &map, NULL) ? NULL : map;
}

struct bpfe_fib *bpfe_fib_new(uint32_t max_links, uint32_t max_routes,
			      const struct bpfe_allocator *alloc)
{
	const struct bpfe_allocator *from = bpfe_allocator_or_heap(alloc);
	const uint32_t head = offsetof(struct route_key, addr);
	struct bpfe_fib *fib = bpfe_alloc(from, sizeof(*fib), _Alignof(struct bpfe_fib));

	if (!fib)
		return NULL;
	fib->alloc = *from;
	fib->links = new_map(BPF_MAP_TYPE_HASH, sizeof(uint32_t), sizeof(struct bpfe_fib_link),
			     max_links, "fib_links", from);
	fib->routes4 = new_map(BPF_MAP_TYPE_LPM_TRIE, head + 4, sizeof(struct bpfe_fib_route),
			       max_routes, "fib_routes4", from);
	fib->routes6 = new_map(BPF_MAP_TYPE_LPM_TRIE, head + 16, sizeof(struct bpfe_fib_route),
			       max_routes, "fib_routes6", from);
	fib->neighbours = new_map(BPF_MAP_TYPE_HASH, sizeof(struct neighbour_key),
				  sizeof(struct neighbour), max_routes, "fib_neighbours", from);
	if (fib->links && fib->routes4 && fib->routes6 && fib->neighbours)
		return fib;
	bpfe_fib_free(fib);
	return NULL;
}

void bpfe_fib_free(struct bpfe_fib *fib)
{
	struct bpfe_allocator alloc;

	if (!fib)
		return;
	alloc = fib->alloc;
	bpfe_map_put(fib->links);
	bpfe_map_put(fib->routes4);
	bpfe_map_put(fib->routes6);
	bpfe_map_put(fib->neighbours);
	bpfe_free(&alloc, fib, sizeof(*fib));
}

static int set(struct bpfe_map *map, const void *key, const void *value)
{
	return value ? bpfe_map_update(map, key, value, BPF_ANY) : bpfe_map_delete(map, key);
}

int bpfe_fib_set_link(struct bpfe_fib *fib, uint32_t ifindex, const struct bpfe_fib_link *link)
{
	if (!ifindex || (link && !link->mtu))
		return -EINVAL;
	return set(fib->links, &ifindex, link);
}

static struct bpfe_map *routes_of(const struct bpfe_fib *fib, int family)
{
	return family == AF_INET ? fib->routes4 : fib->routes6;
}

int bpfe_fib_set_route(struct bpfe_fib *fib, int family, const void *dst, unsigned prefix_len,
		       const struct bpfe_fib_route *route)
{
	struct route_key key = {.prefix_len = prefix_len};
	unsigned size = addr_size(family);

	if (!size)
		return -EAFNOSUPPORT;
	if (prefix_len > 8 * size ||
	    (route && route->gateway_family && route->gateway_family != family))
		return -EINVAL;
	memcpy(key.addr, dst, size);
	return set(routes_of(fib, family), &key, route);
}

static struct neighbour_key neighbour_key(uint32_t ifindex, int family, const void *addr)
{
	struct neighbour_key key = {.ifindex = ifindex, .family = (uint32_t)family};

	memcpy(key.addr, addr, addr_size(family));
	return key;
}

int bpfe_fib_set_neighbour(struct bpfe_fib *fib, uint32_t ifindex, int family, const void *addr,
			   const uint8_t mac[6])
{
	struct neighbour_key key;

	if (!addr_size(family))
		return -EAFNOSUPPORT;
	key = neighbour_key(ifindex, family, addr);
	return set(fib->neighbours, &key, mac);
}

/* ---- Looking up ----------------------------------------------------------------------------- */

#define KNOWN_FLAGS                                                                  \
	(BPF_FIB_LOOKUP_DIRECT | BPF_FIB_LOOKUP_OUTPUT | BPF_FIB_LOOKUP_SKIP_NEIGH | \
	 BPF_FIB_LOOKUP_TBID | BPF_FIB_LOOKUP_SRC)

static const struct bpfe_fib_link *find_link(const struct bpfe_fib *fib, uint32_t ifindex)
{
	return bpfe_map_lookup(fib->links, &ifindex);
}

static const struct bpfe_fib_route *find_route(const struct bpfe_fib *fib,
					       const struct bpf_fib_lookup *params)
{
	struct route_key key = {.prefix_len = 8 * addr_size(params->family)};

	memcpy(key.addr, params->ipv6_dst, addr_size(params->family));
	return bpfe_map_lookup(routes_of(fib, params->family), &key);
}

/* What a route that leads nowhere answers; BPF_FIB_LKUP_RET_SUCCESS for one that leads on. */
static int answer_of(const struct bpfe_fib_route *route)
{
	if (!route)
		return BPF_FIB_LKUP_RET_NOT_FWDED;
	switch (route->kind) {
	case BPFE_FIB_UNICAST:
		return BPF_FIB_LKUP_RET_SUCCESS;
	case BPFE_FIB_BLACKHOLE:
		return BPF_FIB_LKUP_RET_BLACKHOLE;
	case BPFE_FIB_UNREACHABLE:
		return BPF_FIB_LKUP_RET_UNREACHABLE;
	case BPFE_FIB_PROHIBIT:
		return BPF_FIB_LKUP_RET_PROHIBIT;
	default:
		return BPF_FIB_LKUP_RET_NOT_FWDED;
	}
}

static int fill_macs(const struct bpfe_fib *fib, struct bpf_fib_lookup *params,
		     const struct bpfe_fib_link *out)
{
	struct neighbour_key key = neighbour_key(params->ifindex, params->family, params->ipv6_dst);
	const struct neighbour *neighbour = bpfe_map_lookup(fib->neighbours, &key);

	if (!neighbour)
		return BPF_FIB_LKUP_RET_NO_NEIGH;
	memcpy(params->dmac, neighbour->mac, sizeof(params->dmac));
	memcpy(params->smac, out->mac, sizeof(params->smac));
	params->h_vlan_TCI = 0;
	params->h_vlan_proto = 0;
	return BPF_FIB_LKUP_RET_SUCCESS;
}

static int forward(const struct bpfe_fib *fib, struct bpf_fib_lookup *params, uint32_t flags,
		   const struct bpfe_fib_route *route)
{
	const struct bpfe_fib_link *out = find_link(fib, route->ifindex);
	uint32_t mtu;

	if (!out)
		return BPF_FIB_LKUP_RET_NOT_FWDED;
	mtu = route->mtu ? route->mtu : out->mtu;
	if (params->tot_len && params->tot_len > mtu) {
		params->mtu_result = (uint16_t)mtu;
		return BPF_FIB_LKUP_RET_FRAG_NEEDED;
	}
	if (route->gateway_family)
		memcpy(params->ipv6_dst, route->gateway, addr_size(params->family));
	params->ifindex = route->ifindex;
	params->rt_metric = route->metric;
	if (flags & BPF_FIB_LOOKUP_SRC)
		return BPF_FIB_LKUP_RET_NO_SRC_ADDR; /* the table has no addresses of its own */
	params->mtu_result = (uint16_t)mtu;
	return flags & BPF_FIB_LOOKUP_SKIP_NEIGH ? BPF_FIB_LKUP_RET_SUCCESS
						 : fill_macs(fib, params, out);
}

int bpfe_fib_lookup(const struct bpfe_fib *fib, struct bpf_fib_lookup *params, uint32_t flags)
{
	const struct bpfe_fib_link *in;
	const struct bpfe_fib_route *route;
	int answer;

	if (flags & ~(uint32_t)KNOWN_FLAGS)
		return -EINVAL;
	if (!addr_size(params->family))
		return -EAFNOSUPPORT;
	in = find_link(fib, params->ifindex);
	if (!in)
		return -ENODEV;
	if (!in->forwarding)
		return BPF_FIB_LKUP_RET_FWD_DISABLED;
	if (flags & BPF_FIB_LOOKUP_TBID)
		return BPF_FIB_LKUP_RET_NOT_FWDED; /* there is one table, without a number */
	route = find_route(fib, params);
	answer = answer_of(route);
	return answer ? answer : forward(fib, params, flags, route);
}
