/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What a client gets of the limits that it asks for: no more than the administrator's. */
#include "manager/server_internal.h"

static uint64_t least64(uint64_t asked, uint64_t most)
{
	return asked && asked < most ? asked : most;
}

static uint32_t least(uint32_t asked, uint32_t most)
{
	return (uint32_t)least64(asked, most);
}

/* At a tick the time of service threads is charged, and hints are seen that nobody told of. */
#define TICK_MAX_NS 100000000u

/* A client may ask for fewer ticks than the administrator's, and not for more; nor for so few that
 * what it owes is not noticed. */
static uint64_t clamp_tick(uint64_t asked, uint64_t at_least)
{
	asked = least64(asked, TICK_MAX_NS);
	return asked > at_least ? asked : at_least;
}

/* Nice is the other way round: the lowest is the most. */
static int clamp_nice(const struct pvs_limits *asked, const struct pvs_limits *most)
{
	int floor = most->has_nice_min ? most->nice_min : -20;

	return asked->has_nice_min && asked->nice_min > floor ? asked->nice_min : floor;
}

void pvs_limits_clamp(const struct pvs_limits *asked, const struct pvs_limits *admin,
		      uint32_t n_vcpus, struct pvs_limits *granted)
{
	struct pvs_limits most = *admin;

	pvs_limits_default(&most, n_vcpus);
	granted->cs_budget_ns = least64(asked->cs_budget_ns, most.cs_budget_ns);
	granted->boost_budget_ns = least64(asked->boost_budget_ns, most.boost_budget_ns);
	granted->cs_refill_ppm = least(asked->cs_refill_ppm, most.cs_refill_ppm);
	granted->boost_refill_ppm = least(asked->boost_refill_ppm, most.boost_refill_ppm);
	granted->max_boosted = least(asked->max_boosted, most.max_boosted);
	granted->ceiling = asked->ceiling ? asked->ceiling & most.ceiling : most.ceiling;
	granted->prio_max = least(asked->prio_max, most.prio_max);
	granted->nice_min = clamp_nice(asked, &most);
	granted->has_nice_min = true;
	granted->kicks_per_s = least(asked->kicks_per_s, most.kicks_per_s);
	granted->tick_ns = asked->tick_ns ? clamp_tick(asked->tick_ns, most.tick_ns) : most.tick_ns;
	granted->watchdog_ns = least64(asked->watchdog_ns, most.watchdog_ns);
}
