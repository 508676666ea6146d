/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What xdp_firewall.bpf.c and the tools that read its maps agree on.
 */
#ifndef XDP_FIREWALL_H
#define XDP_FIREWALL_H

#include <linux/types.h>

/*
 * Key of map `blocked`: a source address in network byte order. An IPv4 address a.b.c.d is written
 * as the IPv4-mapped IPv6 address ::ffff:a.b.c.d (RFC 4291, 2.5.5.2). The value is a __u64: the
 * frames dropped so far from that source, in the machine's byte order.
 */
struct fw_source {
	__be32 addr[4];
};

#define FW_BLOCKED_MAX 1024 /* sources that may be blocked at once */

/*
 * Indices of array map `verdicts`, each a __u64 counter of frames. Every frame counts exactly once
 * in each of these sums:
 *   all frames = PASSED + DROPPED
 *   DROPPED    = BLOCKED + MALFORMED
 *   all frames = MALFORMED + IPV4 + IPV6 + OTHER_L3
 *   IPV4 + IPV6 = TCP + UDP + OTHER_L4
 */
enum fw_verdict {
	FW_PASSED = 0,    /* handed to the guest */
	FW_DROPPED = 1,   /* dropped, whatever the reason */
	FW_BLOCKED = 2,   /* dropped: source found in `blocked` */
	FW_MALFORMED = 3, /* dropped: a header is cut short or contradicts itself */
	FW_IPV4 = 4,
	FW_IPV6 = 5,
	FW_OTHER_L3 = 6, /* neither, such as ARP: passed */
	FW_TCP = 7,
	FW_UDP = 8,
	FW_OTHER_L4 = 9, /* another protocol, or a fragment after the first */
	FW_TAGGED = 10,  /* carried at least one VLAN tag, in addition to the classes above */
	FW_VERDICTS
};

#endif
