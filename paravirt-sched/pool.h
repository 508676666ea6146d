/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What VMs of one loop share. */
#ifndef PVS_POOL_H
#define PVS_POOL_H

#include "pvs.h"

struct pvs_pool {
	uint32_t max_boosted;
	uint32_t boosted;
	struct pvs_bucket bucket;
	bool throttled; /* it was empty, and is not yet full enough again */
};

#endif
