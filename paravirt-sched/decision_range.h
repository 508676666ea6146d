/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What a decision may say: text that the library and its programs in the kernel share. */
#ifndef PVS_DECISION_RANGE_H
#define PVS_DECISION_RANGE_H

#include <stdbool.h>

#include "sluice/pvsched_policy.h"

#define SLICE_MIN_NS      100000u
#define SLICE_MAX_NS      100000000u
#define DL_RUNTIME_MIN_NS 1024u /* sched_setattr(2)'s least */
#define PVS_WEIGHT_NORMAL 100u  /* what a thread has anyway */

static inline bool decision_deadline_ok(const struct pvs_decision *d)
{
	return d->dl_runtime >= DL_RUNTIME_MIN_NS && d->dl_runtime <= d->dl_deadline &&
	       d->dl_deadline <= d->dl_period && !(d->dl_period >> 63);
}

/* Every field that is meant lies in its range. */
static inline bool decision_in_range(const struct pvs_decision *d)
{
	if (d->set & ~PVS_SET_ALL || d->boost >= PVS_BOOST_MAX)
		return false;
	if (d->set & PVS_SET_NICE && (d->nice < -20 || d->nice > 19))
		return false;
	if (d->set & PVS_SET_SLICE && (d->slice_ns < SLICE_MIN_NS || d->slice_ns > SLICE_MAX_NS))
		return false;
	if (d->set & PVS_SET_FIFO && (d->prio < 1 || d->prio > 99))
		return false;
	if (d->set & PVS_SET_DEADLINE && !decision_deadline_ok(d))
		return false;
	if (d->set & PVS_SET_WEIGHT && (d->weight < 1 || d->weight > 10000))
		return false;
	if (d->set & PVS_SET_AFFINITY && !d->affinity)
		return false;
	return !(d->set & PVS_SET_CAPACITY) ||
	       (d->capacity <= PVS_CAPACITY_FULL && d->avoid <= 255);
}

#endif
