/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * bpf_fib: the forwarding table that bpf_fib_lookup() asks. The NIC's control plane fills it as an
 * operating system fills a switch's: links, routes, neighbours.
 *
 * It is made of the engine's own maps, so programs read it without a lock while it changes. One
 * thread at a time may change it. Addresses are in network byte order, 4 bytes for AF_INET, 16 for
 * AF_INET6. Errors are negative errno values.
 */
#ifndef BPF_FIB_H
#define BPF_FIB_H

#include "bpf_engine.h"

struct bpfe_fib;

/*
 * A table with room for @max_routes routes and as many neighbours in each family, and @max_links
 * links. Storage comes from @alloc (NULL: the C heap). NULL: it refused.
 */
struct bpfe_fib *bpfe_fib_new(uint32_t max_links, uint32_t max_routes,
			      const struct bpfe_allocator *alloc);

/* After this no run may use it: wait for a grace period (bpfe_rcu_synchronize()) before. */
void bpfe_fib_free(struct bpfe_fib *fib);

/* A port as the table sees it. Numbered as bpfe_xdp_buff.ingress_ifindex is. */
struct bpfe_fib_link {
	uint32_t mtu; /* bytes of an IP packet */
	uint8_t mac[6];
	bool forwarding; /* IP forwarding is on for what arrives here */
};

enum bpfe_fib_route_kind {
	BPFE_FIB_UNICAST = 0,
	BPFE_FIB_LOCAL, /* the machine's own address: not forwarded */
	BPFE_FIB_BLACKHOLE,
	BPFE_FIB_UNREACHABLE,
	BPFE_FIB_PROHIBIT,
};

struct bpfe_fib_route {
	uint8_t kind;           /* enum bpfe_fib_route_kind */
	uint8_t gateway_family; /* AF_INET, AF_INET6; 0: the destination is on the link */
	uint8_t gateway[16];
	uint32_t ifindex;
	uint32_t mtu; /* 0: the link's */
	uint32_t metric;
};

/* Set or (NULL) remove. -EINVAL: @ifindex 0 or an MTU of 0; -E2BIG: table full; -ENOENT. */
int bpfe_fib_set_link(struct bpfe_fib *fib, uint32_t ifindex, const struct bpfe_fib_link *link);

/*
 * Set or (NULL) remove the route to the first @prefix_len bits of @dst. -EAFNOSUPPORT: @family;
 * -EINVAL: prefix too long or gateway of a family unlike the route's; -E2BIG; -ENOENT.
 */
int bpfe_fib_set_route(struct bpfe_fib *fib, int family, const void *dst, unsigned prefix_len,
		       const struct bpfe_fib_route *route);

/* Set or (NULL) remove the hardware address of @addr on @ifindex. -EAFNOSUPPORT; -E2BIG; -ENOENT */
int bpfe_fib_set_neighbour(struct bpfe_fib *fib, uint32_t ifindex, int family, const void *addr,
			   const uint8_t mac[6]);

/*
 * bpf_fib_lookup(): @params in and out, @flags BPF_FIB_LOOKUP_*. Inside a read section. Returns
 * BPF_FIB_LKUP_RET_* or a negative errno, as Linux 7.2 does (net/core/filter.c).
 */
int bpfe_fib_lookup(const struct bpfe_fib *fib, struct bpf_fib_lookup *params, uint32_t flags);

#endif
