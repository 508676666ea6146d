// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Decisions compared field by field, and the names of what is in them. */
#include <string.h>

#include "pvs_replay.h"

static const struct {
	const char *name;
	uint16_t offset;
	uint8_t size;
} fields[] = {
#define FIELD(name)                                  \
	{#name, offsetof(struct pvs_decision, name), \
	 (uint8_t)sizeof(((struct pvs_decision *)0)->name)}
	FIELD(set),       FIELD(boost),     FIELD(target),     FIELD(nice),        FIELD(slice_ns),
	FIELD(prio),      FIELD(weight),    FIELD(dl_runtime), FIELD(dl_deadline), FIELD(dl_period),
	FIELD(affinity),  FIELD(capacity),  FIELD(avoid),      FIELD(hold_ns),     FIELD(opaque[0]),
	FIELD(opaque[1]), FIELD(opaque[2]), FIELD(opaque[3]),  FIELD(opaque[4]),   FIELD(opaque[5]),
	FIELD(opaque[6]), FIELD(opaque[7]),
#undef FIELD
};

_Static_assert(sizeof(fields) / sizeof(fields[0]) <= PVS_MAX_FIELD_DIFFS, "room for all");

static int64_t field_value(const struct pvs_decision *decision, size_t i)
{
	const char *at = (const char *)decision + fields[i].offset;
	int64_t wide;
	int32_t narrow;

	if (fields[i].size == sizeof(wide)) {
		memcpy(&wide, at, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, at, sizeof(narrow));
	if (fields[i].offset == offsetof(struct pvs_decision, nice))
		return narrow;
	return (uint32_t)narrow;
}

unsigned pvs_decision_diff(const struct pvs_decision *before, const struct pvs_decision *after,
			   struct pvs_field_diff diffs[PVS_MAX_FIELD_DIFFS])
{
	unsigned n = 0;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const int64_t a = field_value(before, i), b = field_value(after, i);

		if (a != b)
			diffs[n++] = (struct pvs_field_diff){fields[i].name, a, b};
	}
	return n;
}

/* Words for the guest count whatever the verdict. */
static bool opaque_equal(const struct pvs_decision *a, const struct pvs_decision *b)
{
	if ((a->set ^ b->set) & PVS_SET_OPAQUE)
		return false;
	return !(a->set & PVS_SET_OPAQUE) || !memcmp(a->opaque, b->opaque, sizeof(a->opaque));
}

bool pvs_answer_equal(int32_t verdict_a, const struct pvs_decision *a, int32_t verdict_b,
		      const struct pvs_decision *b)
{
	struct pvs_field_diff diffs[PVS_MAX_FIELD_DIFFS];

	if (verdict_a != verdict_b)
		return false;
	if (verdict_a >= 0 && !opaque_equal(a, b))
		return false;
	if (verdict_a == PVS_APPLY)
		return !pvs_decision_diff(a, b, diffs);
	return verdict_a != PVS_BASELINE || a->target == b->target;
}

const char *pvs_verdict_name(int32_t verdict)
{
	switch (verdict) {
	case PVS_KEEP:
		return "keep";
	case PVS_APPLY:
		return "apply";
	case PVS_BASELINE:
		return "baseline";
	default:
		return "fault";
	}
}

const char *pvs_boost_name(uint32_t boost)
{
	static const char *const names[PVS_BOOST_MAX] = {
		[PVS_BOOST_NONE] = "none", [PVS_BOOST_CS] = "cs", [PVS_BOOST_IRQ] = "irq",
		[PVS_BOOST_LOCK] = "lock", [PVS_BOOST_RT] = "rt", [PVS_BOOST_DEADLINE] = "deadline",
		[PVS_BOOST_FAIR] = "fair",
	};

	return boost < PVS_BOOST_MAX ? names[boost] : "?";
}

const char *pvs_class_name(uint32_t class)
{
	static const char *const names[PVS_CLASS_MAX] = {
		[PVS_CLASS_UNKNOWN] = "unknown", [PVS_CLASS_IDLE] = "idle",
		[PVS_CLASS_BATCH] = "batch",     [PVS_CLASS_NORMAL] = "normal",
		[PVS_CLASS_RT] = "rt",           [PVS_CLASS_DEADLINE] = "deadline",
	};

	return class < PVS_CLASS_MAX ? names[class] : "?";
}
