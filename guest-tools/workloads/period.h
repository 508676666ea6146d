/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A task of periods: which one is next, what was late. Without a clock, so that it can be tested.
 */
#ifndef PERIOD_H
#define PERIOD_H

#include <stdbool.h>
#include <stdint.h>

#include "histogram.h"

struct period {
	uint64_t length, deadline; /* ns */
	uint64_t start;            /* of the period that is next or under way */
	uint64_t done, missed, skipped;
	struct histogram wakeup;   /* from the start of a period until the task runs */
	struct histogram response; /* from the start of a period until its work is done */
};

/* The first period starts at @start. */
void period_init(struct period *period, uint64_t length, uint64_t deadline, uint64_t start);
/*
 * The task woke at @woke for the period that started at period->start and ended its work at @done.
 * A deadline that passed is a miss. The next period is the first that has not begun at @done: those
 * in between are skipped, each a miss as well.
 */
void period_done(struct period *period, uint64_t woke, uint64_t done);

#endif
