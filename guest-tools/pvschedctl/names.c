// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * What the protocol's numbers are called in commands and output.
 */
#include <stdio.h>
#include <string.h>

#include "ctl.h"

const struct ctl_name ctl_features[] = {
	{PVS_F_INTENT, "intent", "what the vCPU runs"},
	{PVS_F_CS, "cs", "critical sections"},
	{PVS_F_DEADLINE, "deadline", "deadlines and the next event"},
	{PVS_F_LOCK, "lock", "which vCPU it waits for"},
	{PVS_F_STATE, "state", "the host says whether a vCPU runs, and how long it waited"},
	{PVS_F_CAPACITY, "capacity", "the host says how fast a vCPU is"},
	{PVS_F_RING, "ring", "the event ring"},
	{PVS_F_TICKET, "ticket", "answers to hints"},
	{PVS_F_KICK_DEBOOST, "kick-deboost", "kicks when a boost is no longer needed"},
	{PVS_F_OPAQUE, "opaque", "words of a guest's programs for the policy, and back"},
	{PVS_F_GUEST_RAM, "guest-ram", "pages in the guest's RAM instead of the BARs"},
	{0}};

const struct ctl_name ctl_status[] = {{PVS_STATUS_ACKNOWLEDGE, "acknowledge", NULL},
				      {PVS_STATUS_DRIVER, "driver", NULL},
				      {PVS_STATUS_FEATURES_OK, "features-ok", NULL},
				      {PVS_STATUS_DRIVER_OK, "driver-ok", NULL},
				      {PVS_STATUS_RENEGOTIATE, "renegotiate", NULL},
				      {PVS_STATUS_FAILED, "failed", NULL},
				      {0}};

const struct ctl_name ctl_results[] = {{PVS_RESULT_OK, "ok", NULL},
				       {PVS_RESULT_FEATURES, "features", NULL},
				       {PVS_RESULT_ORDER, "order", NULL},
				       {PVS_RESULT_ADDRESS, "address", NULL},
				       {PVS_RESULT_MIGRATED, "migrated", NULL},
				       {PVS_RESULT_WATCHDOG, "watchdog", NULL},
				       {0}};

const struct ctl_name ctl_sources[] = {{PVS_SRC_TICK, "tick", NULL},
				       {PVS_SRC_KICK, "kick", NULL},
				       {PVS_SRC_SCHEDSTAT, "schedstat", NULL},
				       {PVS_SRC_HALT, "halt", NULL},
				       {PVS_SRC_SWITCH, "switch", NULL},
				       {PVS_SRC_INJECT, "inject", NULL},
				       {0}};

const struct ctl_name ctl_actuators[] = {
	{PVS_ACT_NICE_UP, "nice-up", NULL},   {PVS_ACT_NICE_DOWN, "nice-down", NULL},
	{PVS_ACT_SLICE, "slice", NULL},       {PVS_ACT_FIFO, "fifo", NULL},
	{PVS_ACT_DEADLINE, "deadline", NULL}, {PVS_ACT_AFFINITY, "affinity", NULL},
	{PVS_ACT_WEIGHT, "weight", NULL},     {0}};

const struct ctl_name ctl_classes[] = {{PVS_CLASS_UNKNOWN, "unknown", NULL},
				       {PVS_CLASS_IDLE, "idle", NULL},
				       {PVS_CLASS_BATCH, "batch", NULL},
				       {PVS_CLASS_NORMAL, "normal", NULL},
				       {PVS_CLASS_RT, "rt", NULL},
				       {PVS_CLASS_DEADLINE, "deadline", NULL},
				       {0}};

const struct ctl_name ctl_pending[] = {{PVS_PENDING_NMI, "nmi", NULL},
				       {PVS_PENDING_HARDIRQ, "hardirq", NULL},
				       {PVS_PENDING_SOFTIRQ, "softirq", NULL},
				       {PVS_PENDING_PREEMPT_OFF, "preempt-off", NULL},
				       {PVS_PENDING_IRQ_OFF, "irq-off", NULL},
				       {PVS_PENDING_LOCK, "lock", NULL},
				       {PVS_PENDING_RCU, "rcu", NULL},
				       {PVS_PENDING_RT_WAITER, "rt-waiter", NULL},
				       {0}};

const struct ctl_name ctl_cs[] = {{PVS_CS_PREEMPT, "preempt", NULL},   {PVS_CS_IRQ, "irq", NULL},
				  {PVS_CS_LOCK, "lock", NULL},         {PVS_CS_RCU, "rcu", NULL},
				  {PVS_CS_EXPLICIT, "explicit", NULL}, {0}};

const struct ctl_name ctl_waits[] = {
	{PVS_WAIT_NONE, "none", NULL},   {PVS_WAIT_SPINLOCK, "spinlock", NULL},
	{PVS_WAIT_MUTEX, "mutex", NULL}, {PVS_WAIT_RWSEM, "rwsem", NULL},
	{PVS_WAIT_IPI, "ipi", NULL},     {0}};

const struct ctl_name ctl_ring_types[] = {{PVS_RING_SWITCH, "switch", NULL},
					  {PVS_RING_WAKEUP, "wakeup", NULL},
					  {PVS_RING_IRQ_ENTRY, "irq-entry", NULL},
					  {PVS_RING_IRQ_EXIT, "irq-exit", NULL},
					  {PVS_RING_LOCK_WAIT, "lock-wait", NULL},
					  {PVS_RING_LOCK_HELD, "lock-held", NULL},
					  {PVS_RING_LOCK_DONE, "lock-done", NULL},
					  {PVS_RING_MARK, "mark", NULL},
					  {0}};

const struct ctl_name ctl_runs[] = {{PVS_RUN_UNKNOWN, "unknown", NULL},
				    {PVS_RUN_RUNNING, "running", NULL},
				    {PVS_RUN_PREEMPTED, "preempted", NULL},
				    {PVS_RUN_HALTED, "halted", NULL},
				    {0}};

const struct ctl_name ctl_boosts[] = {
	{PVS_BOOST_NONE, "none", NULL}, {PVS_BOOST_CS, "cs", NULL},
	{PVS_BOOST_IRQ, "irq", NULL},   {PVS_BOOST_LOCK, "lock", NULL},
	{PVS_BOOST_RT, "rt", NULL},     {PVS_BOOST_DEADLINE, "deadline", NULL},
	{PVS_BOOST_FAIR, "fair", NULL}, {0}};

const struct ctl_name ctl_state_flags[] = {{PVS_STATE_PRESENT, "present", NULL},
					   {PVS_STATE_THROTTLED, "throttled", NULL},
					   {PVS_STATE_EXACT, "exact", NULL},
					   {PVS_STATE_YIELD, "yield", NULL},
					   {0}};

const struct ctl_name ctl_rejects[] = {{PVS_REJECT_NONE, "none", NULL},
				       {PVS_REJECT_MALFORMED, "malformed", NULL},
				       {PVS_REJECT_TORN, "torn", NULL},
				       {PVS_REJECT_BUDGET, "budget", NULL},
				       {PVS_REJECT_CONCURRENT, "concurrent", NULL},
				       {PVS_REJECT_CEILING, "ceiling", NULL},
				       {PVS_REJECT_ACTUATOR, "actuator", NULL},
				       {PVS_REJECT_FEATURE, "feature", NULL},
				       {PVS_REJECT_POLICY, "policy", NULL},
				       {PVS_REJECT_RATE, "rate", NULL},
				       {0}};

const struct ctl_name ctl_notify[] = {
	{PVS_NOTIFY_TICKET, "ticket", NULL}, {PVS_NOTIFY_CAPACITY, "capacity", NULL}, {0}};

const struct ctl_name ctl_wheres[] = {{PVS_WHERE_NONE, "none", NULL},
				      {PVS_WHERE_BAR, "bar", NULL},
				      {PVS_WHERE_RAM, "ram", NULL},
				      {0}};

const struct ctl_name ctl_memtypes[] = {
	{PVS_MEMTYPE_UNKNOWN, "unknown", NULL},    {PVS_MEMTYPE_WB, "write-back", NULL},
	{PVS_MEMTYPE_WT, "write-through", NULL},   {PVS_MEMTYPE_WP, "write-protected", NULL},
	{PVS_MEMTYPE_WC, "write-combining", NULL}, {PVS_MEMTYPE_UC_MINUS, "uncached-minus", NULL},
	{PVS_MEMTYPE_UC, "uncached", NULL},        {0}};

const char *name_of(const struct ctl_name *names, uint64_t value)
{
	for (; names->name; names++)
		if (names->value == value)
			return names->name;
	return "?";
}

bool name_value(const struct ctl_name *names, const char *name, uint64_t *value)
{
	for (; names->name; names++) {
		if (!strcmp(names->name, name)) {
			*value = names->value;
			return true;
		}
	}
	return false;
}

bool name_bits(const struct ctl_name *names, const char *list, uint64_t *bits)
{
	char text[256], *rest = text, *word;
	uint64_t bit;

	*bits = 0;
	if (!strcmp(list, "none") || ctl_number(list, UINT64_MAX, bits))
		return true;
	if (snprintf(text, sizeof(text), "%s", list) >= (int)sizeof(text))
		return false;
	while ((word = strsep(&rest, ","))) {
		if (!name_value(names, word, &bit))
			return false;
		*bits |= bit;
	}
	return true;
}

const char *name_join(const struct ctl_name *names, uint64_t value, char separator, char *text,
		      size_t size)
{
	char *at = text, *end = text + size;

	*text = '\0';
	for (; names->name && at < end; names++) {
		if (!(value & names->value))
			continue;
		value &= ~names->value;
		at += snprintf(at, end - at, "%.*s%s", at > text, &separator, names->name);
	}
	if (value && at < end)
		at += snprintf(at, end - at, "%.*s%#llx", at > text, &separator,
			       (unsigned long long)value);
	if (at == text)
		snprintf(text, size, "-");
	return text;
}

struct json_object *name_json(const struct ctl_name *names, uint64_t value)
{
	struct json_object *array = json_object_new_array();

	for (; names->name; names++)
		if (value & names->value)
			json_object_array_add(array, json_object_new_string(names->name));
	return array;
}

const char *name_all(const struct ctl_name *names, char *text, size_t size)
{
	char *at = text, *end = text + size;

	for (; names->name && at < end; names++)
		at += snprintf(at, end - at, "%s%s", at > text ? ", " : "", names->name);
	return text;
}
