// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <pvs_replay.h>
#include <stdio.h>
#include <string.h>

#include "dump.h"
#include "pvsched.h"

const char *const dump_set_names[DUMP_SETS] = {"nice",     "slice",  "fifo",     "deadline",
					       "affinity", "weight", "capacity", "yield",
					       "service",  "opaque"};

const char *reject_name(uint32_t reject)
{
	static const char *const names[PVS_REJECT_MAX] = {
		"none",    "malformed", "torn",    "budget", "concurrent",
		"ceiling", "actuator",  "feature", "policy", "rate"};

	return reject < PVS_REJECT_MAX ? names[reject] : "?";
}

/* Words as they are; a number of JSON's has no 64 bits everywhere. */
static struct json_object *opaque_json(const __u64 *words)
{
	struct json_object *array = json_object_new_array();
	char text[20];

	for (size_t i = 0; i < PVS_OPAQUE_WORDS; i++) {
		snprintf(text, sizeof(text), "%#llx", (unsigned long long)words[i]);
		json_object_array_add(array, json_object_new_string(text));
	}
	return array;
}

static struct json_object *ctx_json(const struct pvs_ctx *ctx)
{
	struct json_object *object = json_object_new_object();

	json_number(object, "hint_status", ctx->hint_status);
	json_count(object, "hint_age_ns", ctx->hint_age_ns);
	json_text(object, "class", pvs_class_name(ctx->class));
	json_number(object, "nice", ctx->nice);
	json_number(object, "rt_prio", ctx->rt_prio);
	json_number(object, "pending", ctx->pending);
	json_number(object, "cs", ctx->cs);
	json_count(object, "cs_age_ns", ctx->cs_age_ns);
	json_count(object, "dl_runtime", ctx->dl_runtime);
	json_count(object, "dl_deadline", ctx->dl_deadline);
	json_count(object, "dl_period", ctx->dl_period);
	json_count(object, "next_event", ctx->next_event);
	/* -1: nobody */
	json_number(object, "wait_vcpu", (int32_t)ctx->wait_vcpu);
	json_number(object, "run_state", ctx->run_state);
	json_text(object, "boost", pvs_boost_name(ctx->boost));
	json_count(object, "run_ns", ctx->run_ns);
	json_count(object, "wait_ns", ctx->wait_ns);
	json_count(object, "boost_ns", ctx->boost_ns);
	json_count(object, "budget_cs", ctx->budget_cs);
	json_count(object, "budget_boost", ctx->budget_boost);
	json_number(object, "sources", ctx->sources);
	json_number(object, "actuators", ctx->actuators);
	json_count(object, "tick_ns", ctx->tick_ns);
	json_object_object_add(object, "opaque", opaque_json(ctx->opaque));
	return object;
}

static struct json_object *out_json(const struct pvs_decision *out)
{
	struct json_object *object = json_object_new_object();
	struct json_object *set = json_object_new_array();

	for (size_t i = 0; i < DUMP_SETS; i++) {
		if (out->set & 1u << i)
			json_object_array_add(set, json_object_new_string(dump_set_names[i]));
	}
	json_object_object_add(object, "set", set);
	json_text(object, "boost", pvs_boost_name(out->boost));
	json_number(object, "target", out->target);
	json_number(object, "nice", out->nice);
	json_count(object, "slice_ns", out->slice_ns);
	json_number(object, "prio", out->prio);
	json_number(object, "weight", out->weight);
	json_count(object, "dl_runtime", out->dl_runtime);
	json_count(object, "dl_deadline", out->dl_deadline);
	json_count(object, "dl_period", out->dl_period);
	json_count(object, "affinity", out->affinity);
	json_number(object, "capacity", out->capacity);
	json_number(object, "avoid", out->avoid);
	json_count(object, "hold_ns", out->hold_ns);
	json_object_object_add(object, "opaque", opaque_json(out->opaque));
	return object;
}

static void decision_json(struct json_object *to, const struct pvs_record_decision *d)
{
	json_text(to, "kind", "decision");
	json_number(to, "vcpu", d->ctx.vcpu);
	json_text(to, "event", pvs_event_name(d->ctx.event));
	json_object_object_add(to, "ctx", ctx_json(&d->ctx));
	json_text(to, "verdict", pvs_verdict_name(d->verdict));
	json_object_object_add(to, "out", out_json(&d->ctx.out));
	json_text(to, "reject", reject_name(d->reject));
	json_number(to, "applied", d->applied);
	json_number(to, "effect_ns", d->effect_ns);
}

void print_entry_json(const struct pvs_record_entry *e)
{
	struct json_object *object = json_object_new_object();
	char name[PVS_NAME_LEN + 1] = "";

	json_count(object, "ns", e->ns);
	json_number(object, "vm", e->vm);
	switch (e->kind) {
	case PVS_RECORD_DECISION:
		decision_json(object, &e->decision);
		break;
	case PVS_RECORD_RING:
		json_text(object, "kind", "ring");
		json_number(object, "vcpu", e->ring.vcpu);
		json_number(object, "type", e->ring.entry.type);
		json_number(object, "arg", e->ring.entry.arg);
		json_count(object, "guest_ns", e->ring.entry.ts);
		break;
	case PVS_RECORD_SWITCH:
		json_text(object, "kind", "switch");
		json_number(object, "vcpu", e->sched.vcpu);
		json_text(object, "event", pvs_event_name(e->sched.event));
		json_number(object, "cpu", e->sched.cpu);
		break;
	case PVS_RECORD_CLOCK:
		json_text(object, "kind", "clock");
		json_number(object, "offset_ns", e->clock_offset_ns);
		break;
	case PVS_RECORD_POLICY:
		memcpy(name, e->policy.name, PVS_NAME_LEN);
		json_text(object, "kind", "policy");
		json_text(object, "name", name);
		json_number(object, "version", e->policy.version);
		break;
	case PVS_RECORD_FULL:
		json_text(object, "kind", "full");
		json_count(object, "limit", e->limit);
		break;
	default:
		json_text(object, "kind", "end");
		json_count(object, "lost", e->lost);
		break;
	}
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
	json_object_put(object);
}
