/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Properties for QMP (qom-get, qom-set). To set, also while the guest runs:
 *
 *   policy         a built-in policy's name or an object's path: put in place of the one there; an
 *                  error's text is the verifier's log, and the one there stays
 *   policy-set     its tunables, NAME=VALUE[,...]: the policy is loaded again with them
 *   ceiling        actuators that may be used, NAME[,NAME...]; "": all but fifo and deadline, which
 *                  their own properties add
 *   record         file that decisions are written to from now on; "": none
 *   handover       whether the old policy's effects stay until the new one decides
 *
 * To read: status (dict), vcpus (list of dicts), stats (dict: sums over the vCPUs).
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "pvsched.h"

static bool pvsched_alive(SluicePvsched *s, Error **errp)
{
	if (s->mailbox)
		return true;
	error_setg(errp, "%s is not realized", pvsched_name(s));
	return false;
}

/* The VM is here, not with a manager. */
static bool pvsched_own(SluicePvsched *s, Error **errp)
{
	if (!pvsched_alive(s, errp))
		return false;
	if (!s->manager)
		return true;
	error_setg(errp, "the manager at %s has the policy and the vCPUs' figures: ask it",
		   s->options.manager);
	return false;
}

static bool pvsched_u64(Visitor *v, const char *name, uint64_t value, Error **errp)
{
	return visit_type_uint64(v, name, &value, errp);
}

static bool pvsched_bool(Visitor *v, const char *name, bool value, Error **errp)
{
	return visit_type_bool(v, name, &value, errp);
}

static bool pvsched_str(Visitor *v, const char *name, const char *value, Error **errp)
{
	g_autofree char *text = g_strdup(value);

	return visit_type_str(v, name, &text, errp);
}

/* A list of the names whose bits are set. */
static bool pvsched_bits(Visitor *v, const char *name, uint64_t bits, const char *const *names,
			 unsigned n, Error **errp)
{
	unsigned i;
	bool ok = true;

	if (!visit_start_list(v, name, NULL, 0, errp))
		return false;
	for (i = 0; ok && i < n; i++)
		if (bits & 1ull << i)
			ok = pvsched_str(v, NULL, names[i], errp);
	visit_end_list(v, NULL);
	return ok;
}

static const char *const pvsched_feature_names[] = {
	"intent", "cs",     "deadline",     "lock",   "state",     "capacity",
	"ring",   "ticket", "kick-deboost", "opaque", "guest-ram",
};

static const char *const pvsched_status_names[] = {
	"acknowledge", "driver", "features-ok", "driver-ok", "", "", "renegotiate", "failed",
};

static const char *const pvsched_source_names[] = {
	"tick", "kick", "schedstat", "halt", "switch", "inject",
};

static const char *const pvsched_actuator_names[] = {
	"nice-up", "nice-down", "slice", "fifo", "deadline", "affinity", "weight",
};

static const char *const pvsched_set_names[] = {
	"nice", "slice", "fifo", "deadline", "affinity", "weight", "capacity", "yield", "service",
};

static const char *const pvsched_result_names[] = {
	"ok", "features", "order", "address", "migrated", "watchdog",
};

static const char *const pvsched_run_names[PVS_RUN_MAX] = {
	"unknown",
	"running",
	"preempted",
	"halted",
};

static const char *const pvsched_boost_names[PVS_BOOST_MAX] = {
	"none", "cs", "irq", "lock", "rt", "deadline", "fair",
};

static const char *const pvsched_reject_names[PVS_REJECT_MAX] = {
	"none",    "malformed", "torn",    "budget", "concurrent",
	"ceiling", "actuator",  "feature", "policy", "rate",
};

static const char *const pvsched_hint_names[] = {"none", "ok", "malformed", "torn"};

static const char *const pvsched_class_names[PVS_CLASS_MAX] = {
	"unknown", "idle", "batch", "normal", "rt", "deadline",
};

static const char *pvsched_nth(const char *const *names, unsigned n, uint32_t i)
{
	return i < n ? names[i] : "?";
}

#define NTH(names, i)                    pvsched_nth(names, ARRAY_SIZE(names), i)
#define BITS(v, name, bits, names, errp) pvsched_bits(v, name, bits, names, ARRAY_SIZE(names), errp)

/* ---- Taken in the loop's thread ------------------------------------------------------------ */

typedef struct PvschedSnapshot {
	SluicePvsched *s;
	struct pvs_vcpu_stats *vcpus; /* n_vcpus; tid -1: there is none */
	uint32_t sources, actuators, boosted;
	bool policy_failed;
} PvschedSnapshot;

static void pvsched_snapshot(void *opaque)
{
	PvschedSnapshot *snap = opaque;
	SluicePvsched *s = snap->s;
	uint32_t i;

	pvsched_core_catch_up(s);
	for (i = 0; i < s->n_vcpus; i++)
		if (pvs_vm_vcpu_stats(s->vm, i, &snap->vcpus[i]))
			snap->vcpus[i].tid = -1;
	snap->sources = pvs_vm_sources(s->vm);
	snap->actuators = pvs_vm_actuators(s->vm);
	snap->boosted = pvs_vm_boosted(s->vm);
	snap->policy_failed = pvs_vm_policy_failed(s->vm);
}

/* False: the loop does not answer. */
static bool pvsched_snapshot_take(SluicePvsched *s, PvschedSnapshot *snap, Error **errp)
{
	snap->s = s;
	snap->vcpus = g_new0(struct pvs_vcpu_stats, s->n_vcpus);
	if (pvsched_core_call(s, pvsched_snapshot, snap))
		return true;
	error_setg(errp, "the scheduling thread %d does not answer", (int)pvs_loop_tid(s->loop));
	g_free(snap->vcpus);
	return false;
}

/* ---- vcpus --------------------------------------------------------------------------------- */

static bool pvsched_visit_hint(Visitor *v, const struct pvs_hint *h, Error **errp)
{
	bool ok;

	if (!visit_start_struct(v, "hint", NULL, 0, errp))
		return false;
	ok = pvsched_str(v, "status", NTH(pvsched_hint_names, h->status), errp) &&
	     pvsched_str(v, "class", NTH(pvsched_class_names, h->class), errp) &&
	     pvsched_u64(v, "rt_priority", h->rt_prio, errp) &&
	     pvsched_u64(v, "pending", h->pending, errp) && pvsched_u64(v, "cs", h->cs, errp);
	visit_end_struct(v, NULL);
	return ok;
}

static bool pvsched_visit_events(Visitor *v, const uint64_t *events, Error **errp)
{
	bool ok = true;
	uint32_t i;

	if (!visit_start_struct(v, "events", NULL, 0, errp))
		return false;
	for (i = 0; ok && i < PVS_EVENT_MAX; i++)
		ok = pvsched_u64(v, pvs_event_name(i), events[i], errp);
	visit_end_struct(v, NULL);
	return ok;
}

/* Counters of a vCPU, or summed of all. */
static bool pvsched_visit_counters(Visitor *v, const struct pvs_vcpu_stats *st, Error **errp)
{
	const struct {
		const char *name;
		uint64_t value;
	} counters[] = {
		{"applied", st->applied},
		{"restored", st->restored},
		{"actuator_errors", st->actuator_errors},
		{"actuator_calls", st->actuator_calls},
		{"actuator_ns", st->actuator_ns},
		{"run_ns", st->run_ns},
		{"wait_ns", st->wait_ns},
		{"boost_ns", st->boost_ns},
		{"throttled_ns", st->throttled_ns},
		{"ring_taken", st->ring_taken},
		{"ring_refused", st->ring_refused},
		{"ring_overruns", st->ring_overruns},
		{"rate_limited", st->rate_limited},
		{"preempted_in_cs", st->preempted_in_cs},
	};
	bool ok = true;
	uint32_t i;

	for (i = 0; ok && i < ARRAY_SIZE(counters); i++)
		ok = pvsched_u64(v, counters[i].name, counters[i].value, errp);
	if (!ok || !visit_start_struct(v, "rejects", NULL, 0, errp))
		return false;
	for (i = 1; ok && i < PVS_REJECT_MAX; i++)
		ok = pvsched_u64(v, pvsched_reject_names[i], st->rejects[i], errp);
	visit_end_struct(v, NULL);
	return ok && pvsched_visit_events(v, st->events, errp);
}

static bool pvsched_visit_vcpu(Visitor *v, SluicePvsched *s, uint32_t i,
			       const struct pvs_vcpu_stats *st, Error **errp)
{
	bool ok;

	if (!visit_start_struct(v, NULL, NULL, 0, errp))
		return false;
	ok = pvsched_u64(v, "vcpu", i, errp) && pvsched_u64(v, "id", s->vcpu_ids[i], errp) &&
	     pvsched_u64(v, "thread_id", st->tid, errp) &&
	     pvsched_str(v, "run_state", NTH(pvsched_run_names, st->run_state), errp) &&
	     pvsched_str(v, "boost", NTH(pvsched_boost_names, st->boost), errp) &&
	     pvsched_str(v, "reject", NTH(pvsched_reject_names, st->reject), errp) &&
	     BITS(v, "set", st->set, pvsched_set_names, errp) &&
	     pvsched_u64(v, "decision", st->decision, errp) &&
	     pvsched_u64(v, "budget_cs_ns", st->budget_cs, errp) &&
	     pvsched_u64(v, "budget_boost_ns", st->budget_boost, errp) &&
	     pvsched_visit_hint(v, &st->hint, errp) && pvsched_visit_counters(v, st, errp);
	visit_end_struct(v, NULL);
	return ok;
}

static void pvsched_get_vcpus(Object *obj, Visitor *v, const char *name, void *opaque, Error **errp)
{
	SluicePvsched *s = SLUICE_PVSCHED(obj);
	PvschedSnapshot snap = {0};
	uint32_t i;

	if (!pvsched_own(s, errp) || !pvsched_snapshot_take(s, &snap, errp))
		return;
	if (visit_start_list(v, name, NULL, 0, errp)) {
		for (i = 0; i < s->n_vcpus; i++)
			if (snap.vcpus[i].tid >= 0 &&
			    !pvsched_visit_vcpu(v, s, i, &snap.vcpus[i], errp))
				break;
		visit_end_list(v, NULL);
	}
	g_free(snap.vcpus);
}

/* ---- stats --------------------------------------------------------------------------------- */

static void pvsched_sum(struct pvs_vcpu_stats *sum, const struct pvs_vcpu_stats *st)
{
	uint32_t i;

	sum->applied += st->applied;
	sum->restored += st->restored;
	sum->actuator_errors += st->actuator_errors;
	sum->actuator_calls += st->actuator_calls;
	sum->actuator_ns += st->actuator_ns;
	sum->run_ns += st->run_ns;
	sum->wait_ns += st->wait_ns;
	sum->boost_ns += st->boost_ns;
	sum->throttled_ns += st->throttled_ns;
	sum->ring_taken += st->ring_taken;
	sum->ring_refused += st->ring_refused;
	sum->ring_overruns += st->ring_overruns;
	sum->rate_limited += st->rate_limited;
	sum->preempted_in_cs += st->preempted_in_cs;
	for (i = 0; i < PVS_REJECT_MAX; i++)
		sum->rejects[i] += st->rejects[i];
	for (i = 0; i < PVS_EVENT_MAX; i++)
		sum->events[i] += st->events[i];
}

/* Whether decisions are in effect where they are taken, and if not any more, why. */
static bool pvsched_visit_scx(Visitor *v, SluicePvsched *s, Error **errp)
{
	struct pvs_scx_stats stats;
	char *end = stats.end;

	if (!s->scx)
		return true;
	pvs_scx_stats(s->scx, &stats);
	return visit_type_bool(v, "scx_running", &stats.running, errp) &&
	       visit_type_str(v, "scx_end", &end, errp) &&
	       pvsched_u64(v, "scx_in_place", stats.in_place, errp);
}

/* What the host's scheduler told; live, also how long the kernel's decisions took to have effect.
 */
static bool pvsched_visit_switches(Visitor *v, SluicePvsched *s, Error **errp)
{
	struct pvs_kernel_stats stats;

	if (!s->kernel)
		return pvsched_u64(v, "switches_lost",
				   s->switches ? pvs_switches_lost(s->switches) : 0, errp);
	stats = pvsched_live_stats(s);
	return pvsched_u64(v, "switches_lost", stats.lost, errp) &&
	       pvsched_u64(v, "live_switches", stats.switches, errp) &&
	       pvsched_u64(v, "live_decisions", stats.decisions, errp) &&
	       pvsched_u64(v, "live_latency_p50_ns", stats.latency_p50, errp) &&
	       pvsched_u64(v, "live_latency_p99_ns", stats.latency_p99, errp) &&
	       pvsched_u64(v, "live_latency_max_ns", stats.latency_max, errp) &&
	       pvsched_visit_scx(v, s, errp);
}

static void pvsched_get_stats(Object *obj, Visitor *v, const char *name, void *opaque, Error **errp)
{
	SluicePvsched *s = SLUICE_PVSCHED(obj);
	struct pvs_vcpu_stats sum = {0};
	PvschedSnapshot snap = {0};
	uint32_t i, present = 0;

	if (!pvsched_own(s, errp) || !pvsched_snapshot_take(s, &snap, errp))
		return;
	for (i = 0; i < s->n_vcpus; i++) {
		if (snap.vcpus[i].tid < 0)
			continue;
		present++;
		pvsched_sum(&sum, &snap.vcpus[i]);
	}
	if (visit_start_struct(v, name, NULL, 0, errp)) {
		(void)(pvsched_u64(v, "vcpus", present, errp) &&
		       pvsched_u64(v, "boosted", snap.boosted, errp) &&
		       pvsched_u64(v, "policy_swaps", s->swaps, errp) &&
		       pvsched_visit_switches(v, s, errp) && pvsched_visit_counters(v, &sum, errp));
		visit_end_struct(v, NULL);
	}
	g_free(snap.vcpus);
}

/* ---- status -------------------------------------------------------------------------------- */

static bool pvsched_visit_policy(Visitor *v, SluicePvsched *s, bool failed, Error **errp)
{
	struct pvs_policy *policy = pvsched_policy_in_place(s);
	struct pvs_policy_info info;
	uint64_t runs = 0, run_ns = 0;
	uint32_t i;
	bool ok;

	if (!policy)
		return true;
	pvs_policy_info(policy, &info);
	pvs_policy_put(policy);
	for (i = 0; i < PVS_EVENT_MAX; i++) {
		runs += info.runs[i];
		run_ns += info.run_ns[i];
	}
	if (!visit_start_struct(v, "policy", NULL, 0, errp))
		return false;
	ok = pvsched_str(v, "name", info.name, errp) &&
	     pvsched_u64(v, "version", info.version, errp) &&
	     pvsched_str(v, "host", s->options.policy_host ?: "engine", errp) &&
	     pvsched_u64(v, "runs", runs, errp) && pvsched_u64(v, "run_ns", run_ns, errp) &&
	     pvsched_u64(v, "faults", info.faults, errp) && pvsched_bool(v, "failed", failed, errp);
	visit_end_struct(v, NULL);
	return ok;
}

static bool pvsched_visit_regs(Visitor *v, const struct pvs_regs_state *state, Error **errp)
{
	return BITS(v, "status", state->status, pvsched_status_names, errp) &&
	       pvsched_str(v, "result", NTH(pvsched_result_names, state->result), errp) &&
	       pvsched_u64(v, "generation", state->generation, errp) &&
	       BITS(v, "features", state->drv_features, pvsched_feature_names, errp) &&
	       pvsched_u64(v, "clock_error_ns", state->clock_error, errp) &&
	       visit_type_int64(v, "clock_offset_ns", &(int64_t){(int64_t)state->clock_offset},
				errp) &&
	       pvsched_u64(v, "bad_accesses", state->bad_access, errp);
}

static bool pvsched_visit_manager(Visitor *v, SluicePvsched *s, Error **errp)
{
	g_autofree char *policy = NULL;
	bool ok, connected = pvsched_manager_policy_now(s, &policy);

	if (!visit_start_struct(v, "manager", NULL, 0, errp))
		return false;
	ok = pvsched_str(v, "path", s->options.manager, errp) &&
	     pvsched_bool(v, "connected", connected, errp) &&
	     pvsched_str(v, "policy", policy, errp);
	visit_end_struct(v, NULL);
	return ok;
}

static bool pvsched_visit_loop(Visitor *v, SluicePvsched *s, Error **errp)
{
	return pvsched_u64(v, "loop_thread_id", pvs_loop_tid(s->loop), errp) &&
	       pvsched_u64(v, "loop_waiting", pvs_loop_waiting(s->loop), errp) &&
	       pvsched_bool(v, "loop_stuck", pvsched_watchdog_stuck(s), errp) &&
	       pvsched_u64(v, "loop_silences", pvs_watchdog_silences(s->watchdog), errp);
}

/* What the policy hears and can do, and the policy: as the loop has it, or the manager. Of a loop
 * that does not answer, that. */
static bool pvsched_visit_means(Visitor *v, SluicePvsched *s, Error **errp)
{
	PvschedSnapshot snap = {0};

	if (s->manager)
		return pvsched_visit_manager(v, s, errp);
	if (!pvsched_snapshot_take(s, &snap, NULL))
		return pvsched_visit_loop(v, s, errp);
	g_free(snap.vcpus);
	return BITS(v, "sources", snap.sources, pvsched_source_names, errp) &&
	       BITS(v, "actuators", snap.actuators, pvsched_actuator_names, errp) &&
	       pvsched_visit_policy(v, s, snap.policy_failed, errp) &&
	       pvsched_bool(v, "record_full", s->record && pvs_record_full(s->record), errp) &&
	       pvsched_visit_loop(v, s, errp);
}

static void pvsched_get_status(Object *obj, Visitor *v, const char *name, void *opaque,
			       Error **errp)
{
	SluicePvsched *s = SLUICE_PVSCHED(obj);
	struct pvs_regs_state state;

	if (!pvsched_alive(s, errp) || !visit_start_struct(v, name, NULL, 0, errp))
		return;
	pvs_regs_save(s->regs, &state);
	(void)(pvsched_visit_regs(v, &state, errp) && pvsched_visit_means(v, s, errp) &&
	       pvsched_str(v, "notes", s->notes ?: "", errp));
	visit_end_struct(v, NULL);
}

/* ---- policy, policy-set, handover ---------------------------------------------------------- */

static char *pvsched_get_policy(Object *obj, Error **errp)
{
	return g_strdup(SLUICE_PVSCHED(obj)->options.policy ?: "none");
}

static char *pvsched_get_policy_set(Object *obj, Error **errp)
{
	return g_strdup(SLUICE_PVSCHED(obj)->options.policy_set ?: "");
}

/* Set *@option and, of a device at work, put the policy in place; as it was if that fails. */
static void pvsched_change(SluicePvsched *s, char **option, const char *value, Error **errp)
{
	char *old = *option;

	if (s->manager && !pvsched_own(s, errp))
		return;
	*option = g_strdup(value);
	if (!s->loop || pvsched_policy_apply(s, errp)) {
		g_free(old);
		return;
	}
	g_free(*option);
	*option = old;
}

static void pvsched_set_policy(Object *obj, const char *value, Error **errp)
{
	SluicePvsched *s = SLUICE_PVSCHED(obj);

	pvsched_change(s, &s->options.policy, value, errp);
}

static void pvsched_set_policy_set(Object *obj, const char *value, Error **errp)
{
	SluicePvsched *s = SLUICE_PVSCHED(obj);

	pvsched_change(s, &s->options.policy_set, value, errp);
}

static char *pvsched_get_ceiling(Object *obj, Error **errp)
{
	return g_strdup(SLUICE_PVSCHED(obj)->options.ceiling ?: "");
}

/* 0 and an error: a name of none. */
static uint32_t pvsched_parse_ceiling(const char *text, Error **errp)
{
	g_auto(GStrv) words = g_strsplit_set(text, ",:", -1);
	uint32_t ceiling = 0;
	unsigned i, j;

	for (i = 0; words[i]; i++) {
		for (j = 0; j < ARRAY_SIZE(pvsched_actuator_names); j++)
			if (!strcmp(words[i], pvsched_actuator_names[j]))
				break;
		if (j == ARRAY_SIZE(pvsched_actuator_names)) {
			error_setg(errp,
				   "ceiling: '%s' is none of nice-up, nice-down, slice, fifo, "
				   "deadline, affinity, weight",
				   words[i]);
			return 0;
		}
		ceiling |= 1u << j;
	}
	return ceiling;
}

uint32_t pvsched_ceiling(SluicePvsched *s)
{
	const PvschedOptions *o = &s->options;

	if (o->ceiling && *o->ceiling)
		return pvsched_parse_ceiling(o->ceiling, &error_abort);
	return (PVS_ACT_ALL & ~(PVS_ACT_FIFO | PVS_ACT_DEADLINE)) | (o->fifo ? PVS_ACT_FIFO : 0) |
	       (o->deadline ? PVS_ACT_DEADLINE : 0);
}

static void pvsched_set_ceiling(Object *obj, const char *value, Error **errp)
{
	SluicePvsched *s = SLUICE_PVSCHED(obj);
	char *old;

	if ((s->manager && !pvsched_own(s, errp)) ||
	    (*value && !pvsched_parse_ceiling(value, errp)) ||
	    (s->loop && pvsched_watchdog_refuses(s, errp)))
		return;
	old = s->options.ceiling;
	s->options.ceiling = g_strdup(value);
	if (s->loop && !pvsched_core_set_ceiling(s, pvsched_ceiling(s), errp)) {
		g_free(s->options.ceiling);
		s->options.ceiling = old;
		return;
	}
	g_free(old);
}

static char *pvsched_get_record(Object *obj, Error **errp)
{
	return g_strdup(SLUICE_PVSCHED(obj)->options.record ?: "");
}

static void pvsched_set_record_path(Object *obj, const char *value, Error **errp)
{
	SluicePvsched *s = SLUICE_PVSCHED(obj);

	if ((s->manager && !pvsched_own(s, errp)) ||
	    (s->loop && !pvsched_record_set(s, value, errp)))
		return;
	g_free(s->options.record);
	s->options.record = g_strdup(value);
}

static bool pvsched_get_handover(Object *obj, Error **errp)
{
	return SLUICE_PVSCHED(obj)->options.handover;
}

static void pvsched_set_handover(Object *obj, bool value, Error **errp)
{
	SLUICE_PVSCHED(obj)->options.handover = value;
}

void pvsched_register_properties(ObjectClass *klass)
{
	object_class_property_add_str(klass, "policy", pvsched_get_policy, pvsched_set_policy);
	object_class_property_add_str(klass, "policy-set", pvsched_get_policy_set,
				      pvsched_set_policy_set);
	object_class_property_add_str(klass, "ceiling", pvsched_get_ceiling, pvsched_set_ceiling);
	object_class_property_add_str(klass, "record", pvsched_get_record, pvsched_set_record_path);
	object_class_property_add_bool(klass, "handover", pvsched_get_handover,
				       pvsched_set_handover);
	object_class_property_add(klass, "status", "dict", pvsched_get_status, NULL, NULL, NULL);
	object_class_property_add(klass, "vcpus", "list", pvsched_get_vcpus, NULL, NULL, NULL);
	object_class_property_add(klass, "stats", "dict", pvsched_get_stats, NULL, NULL, NULL);
}
