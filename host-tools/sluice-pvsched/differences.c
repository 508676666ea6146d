// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <inttypes.h>
#include <stdio.h>

#include "differences.h"
#include "pvsched.h"

static void print(const struct pvs_replay_diff *diff, const struct pvs_field_diff *fields,
		  unsigned n)
{
	const struct pvs_ctx *ctx = diff->before;

	printf("decision %" PRIu64 ", %" PRIu64 " ns, vm %u vcpu %u, %s: %s -> %s\n", diff->number,
	       (uint64_t)ctx->now_ns, diff->vm, ctx->vcpu, pvs_event_name(ctx->event),
	       pvs_verdict_name(diff->verdict_before), pvs_verdict_name(diff->verdict_after));
	for (unsigned i = 0; i < n; i++)
		printf("    %-12s %" PRId64 " -> %" PRId64 "\n", fields[i].name, fields[i].before,
		       fields[i].after);
}

static void collect(struct json_object *list, const struct pvs_replay_diff *diff,
		    const struct pvs_field_diff *fields, unsigned n)
{
	struct json_object *entry = json_object_new_object();
	struct json_object *changes = json_object_new_object();

	json_count(entry, "number", diff->number);
	json_count(entry, "ns", diff->before->now_ns);
	json_number(entry, "vm", diff->vm);
	json_number(entry, "vcpu", diff->before->vcpu);
	json_text(entry, "event", pvs_event_name(diff->before->event));
	json_text(entry, "before", pvs_verdict_name(diff->verdict_before));
	json_text(entry, "after", pvs_verdict_name(diff->verdict_after));
	for (unsigned i = 0; i < n; i++) {
		struct json_object *pair = json_object_new_array();

		json_object_array_add(pair, json_object_new_int64(fields[i].before));
		json_object_array_add(pair, json_object_new_int64(fields[i].after));
		json_object_object_add(changes, fields[i].name, pair);
	}
	json_object_object_add(entry, "fields", changes);
	json_object_array_add(list, entry);
}

void difference(void *opaque, const struct pvs_replay_diff *diff)
{
	const struct differences *differences = opaque;
	struct pvs_field_diff fields[PVS_MAX_FIELD_DIFFS];
	const unsigned n = pvs_decision_diff(&diff->before->out, &diff->after->out, fields);

	if (differences->list)
		collect(differences->list, diff, fields, n);
	else
		print(diff, fields, n);
}
