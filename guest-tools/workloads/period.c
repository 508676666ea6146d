/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "period.h"

#include <string.h>

void period_init(struct period *period, uint64_t length, uint64_t deadline, uint64_t start)
{
	memset(period, 0, sizeof(*period));
	period->length = length;
	period->deadline = deadline;
	period->start = start;
}

void period_done(struct period *period, uint64_t woke, uint64_t done)
{
	uint64_t late;

	histogram_add(&period->wakeup, woke > period->start ? woke - period->start : 0);
	histogram_add(&period->response, done > period->start ? done - period->start : 0);
	period->done++;
	if (done > period->start + period->deadline)
		period->missed++;
	period->start += period->length;
	if (done <= period->start)
		return;
	late = (done - period->start + period->length - 1) / period->length;
	period->skipped += late;
	period->missed += late;
	period->start += late * period->length;
}
