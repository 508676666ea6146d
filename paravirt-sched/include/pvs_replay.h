/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Decisions again, without a VM: the contexts of a record, or of generated events, are given to a
 * policy, and what it answers is compared with what was answered then. (replay.c, generator.c)
 */
#ifndef PVS_REPLAY_H
#define PVS_REPLAY_H

#include "pvs.h"

/* ---- Decisions side by side ----------------------------------------------------------------- */

/* One field of two decisions that differs. */
struct pvs_field_diff {
	const char *name; /* of struct pvs_decision */
	int64_t before, after;
};

#define PVS_MAX_FIELD_DIFFS 24

/* Fields in which two decisions differ, into @diffs; returns their number. */
unsigned pvs_decision_diff(const struct pvs_decision *before, const struct pvs_decision *after,
			   struct pvs_field_diff diffs[PVS_MAX_FIELD_DIFFS]);

/* Do two answers come to the same? What a verdict does not use of a decision does not matter. */
bool pvs_answer_equal(int32_t verdict_a, const struct pvs_decision *a, int32_t verdict_b,
		      const struct pvs_decision *b);

/* "keep", "apply", "baseline", "fault": an answer of pvs_policy_run(). */
const char *pvs_verdict_name(int32_t verdict);
const char *pvs_boost_name(uint32_t boost); /* "rt"; "?" */
const char *pvs_class_name(uint32_t class); /* "normal"; "?" */

/* ---- Replay --------------------------------------------------------------------------------- */

/* A decision that comes out otherwise. */
struct pvs_replay_diff {
	uint64_t number; /* of the decision in the record, from 0 */
	uint32_t vm;
	int32_t verdict_before, verdict_after;
	const struct pvs_ctx *before; /* as recorded */
	const struct pvs_ctx *after;  /* as it was given to the policy, with its answer */
};

struct pvs_replay_options {
	/*
	 * What if: ctx->boost and vm_boosted are those that this policy's own decisions would have
	 * had, if everything were granted up to vm_cap and held as long as it says; budgets are
	 * those of the record. Else every context is given as it was recorded.
	 */
	bool what_if;
	void (*diff)(void *opaque, const struct pvs_replay_diff *diff); /* may be NULL */
	void *opaque;
	uint64_t max_diffs; /* calls of diff at most */
};

/* What one of the two came to. */
struct pvs_replay_side {
	uint64_t keep, apply, baseline, faults;
	uint64_t by_boost[PVS_BOOST_MAX]; /* of apply */
	uint64_t by_class[PVS_CLASS_MAX]; /* apply, by what the guest said that it runs */
};

struct pvs_replay_summary {
	uint64_t decisions; /* compared */
	uint64_t equal, verdicts_differ, decisions_differ;
	uint64_t lost;     /* entries that the record does not have */
	uint64_t limit;    /* bytes at which it ended; 0: it did not reach its limit */
	uint64_t policies; /* changes of policy within the record */
	uint64_t duration_ns;
	struct pvs_replay_side before, after;
};

/* How long a vCPU would be boosted, as decided and held: no budget cuts it short here. */
struct pvs_replay_vcpu {
	uint32_t vm, vcpu;
	uint64_t before_ns[PVS_BOOST_MAX], after_ns[PVS_BOOST_MAX];
};

struct pvs_replay;

/* @policy (a reference is taken) is to be a fresh one. @options are copied. -ENOMEM. */
int pvs_replay_create(struct pvs_policy *policy, const struct pvs_replay_options *options,
		      struct pvs_replay **replay);
void pvs_replay_destroy(struct pvs_replay *replay);

/* The next entry of a record. A decision is made again, in this thread, which is registered with
 * the engine. 0, -ENOMEM. */
int pvs_replay_entry(struct pvs_replay *replay, const struct pvs_record_entry *entry);

void pvs_replay_summary(const struct pvs_replay *replay, struct pvs_replay_summary *summary);
/* The @i-th vCPU seen. -ENOENT. */
int pvs_replay_vcpu(const struct pvs_replay *replay, uint32_t i, struct pvs_replay_vcpu *vcpu);

/* A whole file. 0, -ENOMEM, or as pvs_record_read(). */
int pvs_replay_file(struct pvs_replay *replay, const char *path, struct pvs_log *log);

/* ---- Generated events ----------------------------------------------------------------------- */

/*
 * Random but plausible events of a VM: vCPUs run, are preempted and halt, their guest runs classes
 * of tasks, enters critical sections, waits for locks, keeps periods; ticks come every millisecond;
 * sometimes hints are torn or malformed, and what the host may do is another. The same seed gives
 * the same events on any machine, if the answers are the same.
 */
struct pvs_generator;

struct pvs_generator_config {
	uint64_t seed;
	uint32_t n_vcpus; /* 1..64; 0: 4 */
};

/* NULL: out of memory, or more vCPUs than that. */
struct pvs_generator *pvs_generator_create(const struct pvs_generator_config *config);
void pvs_generator_destroy(struct pvs_generator *generator);

/*
 * The next event, answered by @policy, as an entry of a record (PVS_RECORD_DECISION). What the
 * policy decides is in effect in the events after it.
 */
void pvs_generator_next(struct pvs_generator *generator, struct pvs_policy *policy,
			struct pvs_record_entry *entry);

#endif
