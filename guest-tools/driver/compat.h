/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the kernels this driver supports (6.12 to 7.2) differ.
 */
#ifndef SLUICE_COMPAT_H
#define SLUICE_COMPAT_H

#include <linux/ethtool.h>
#include <linux/slab.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
#error "sluice_nic needs Linux 6.12 or later"
#endif

/* Came with 7.0 and was backported to some 6.12.y. */
#ifndef kzalloc_obj
#define kzalloc_obj(P, ...)          kzalloc(sizeof(P), GFP_KERNEL)
#define kvzalloc_objs(P, COUNT, ...) kvcalloc(COUNT, sizeof(P), GFP_KERNEL)
#endif

/*
 * 6.17 moved the fields that are hashed out of get_rxnfc(), 6.19 the ring count. The driver
 * implements the new operations; on older kernels this get_rxnfc() calls them.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)
#define SLUICE_COMPAT_RXNFC 1

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
struct ethtool_rxfh_fields {
	u32 data;
	u32 flow_type;
	u32 rss_context;
};
#else
#define SLUICE_HAVE_RXFH_FIELDS 1
#endif

static inline int sluice_compat_get_rxnfc(struct net_device *netdev, struct ethtool_rxnfc *info,
					  u32 (*ring_count)(struct net_device *netdev),
					  int (*fields)(struct net_device *netdev,
							struct ethtool_rxfh_fields *f))
{
	struct ethtool_rxfh_fields f = {.flow_type = info->flow_type};
	int err;

	switch (info->cmd) {
	case ETHTOOL_GRXRINGS:
		info->data = ring_count(netdev);
		return 0;
	case ETHTOOL_GRXFH:
		err = fields(netdev, &f);
		info->data = f.data;
		return err;
	default:
		return -EOPNOTSUPP;
	}
}
#else
#define SLUICE_HAVE_RXFH_FIELDS 1
#endif

#endif
