// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The host of policies: what it refuses, tunables, what callbacks share, and how runs end. */
#include "policy_fixture.h"

#include <bpf_engine.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALLBACKS "init, vcpu_run, vcpu_stop, halt, kick, hint, tick, exit"

/* ---- Refusals ------------------------------------------------------------------------------- */

static void refusals(void **state)
{
	static const struct {
		const char *object, *text;
	} cases[] = {
		{"no_callbacks",
		 "policy 'no_callbacks' has no callbacks; a policy has at least one "
		 "function in a section pvsched/CALLBACK, with CALLBACK one "
		 "of " CALLBACKS "\n"},
		{"unknown_callback", "policy 'callbacks': no callback is called 'boot' (function "
				     "'on_boot'); there are " CALLBACKS "\n"},
		{"two_of_a_kind",
		 "policy 'callbacks': 'on_tick' and 'on_tick_too' are both callback "
		 "tick; one is accepted\n"},
		{"elsewhere",
		 "policy 'callbacks': function 'in_xdp' is in section xdp; a policy has "
		 "its callbacks in sections pvsched/CALLBACK, with CALLBACK one "
		 "of " CALLBACKS "\n"},
		{"long_name",
		 "policy 'long_name': pvs_policy_name is not a name of 1 to 15 letters, "
		 "digits, '-', '_' and '.'\n"},
		{"bad_name", "policy 'bad_name': pvs_policy_name is not a name of 1 to 15 letters, "
			     "digits, '-', '_' and '.'\n"},
		{"bad_version",
		 "policy 'callbacks': pvs_policy_version has 8 bytes; an unsigned int "
		 "of 4 is accepted\n"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		policy_refused(test_object(cases[i].object), NULL, -EINVAL, cases[i].text);
}

static void compiled_for_another_abi(void **state)
{
	static const struct pvs_policy_options kernel = {.host = PVS_HOST_KERNEL};
	const char *text =
		"policy 'abi' was compiled for another policy ABI: its struct pvs_ctx has 288 "
		"bytes, that of ABI 3 has 432; recompile it with the header "
		"sluice/pvsched_policy.h of here\n";

	policy_refused(test_object("abi"), NULL, -EINVAL, text);
	policy_refused(test_object("abi"), &kernel, -EINVAL, text);
}

static void refused_by_the_verifier(void **state)
{
	char text[4096] = "";
	struct pvs_log log = {.buf = text, .size = sizeof(text)};
	struct pvs_policy *policy;
	const int end = sizeof(struct pvs_ctx);
	char begin[512];

	snprintf(
		begin, sizeof(begin),
		"policy 'callbacks': callback exit is refused:\n"
		"0: (r0 = *(u32 *)(r1 +%d)) memory access of 4 bytes at offset %d to %d is outside "
		"the %d bytes there (mem)\n",
		end, end, end, end);
	assert_int_equal(pvs_policy_open(test_object("beyond"), NULL, &policy, &log), -EACCES);
	assert_null(policy);
	text[strlen(begin)] = '\0';
	assert_string_equal(text, begin);
}

static void no_such_policy(void **state)
{
	policy_refused("/nonexistent/policy.o", NULL, -ENOENT,
		       "policy '/nonexistent/policy.o': no such file (No such file or directory), "
		       "and built in are none, boost, "
		       "deadline, lock-holder, fair-budget only\n");
	policy_refused("/dev/null", NULL, -EINVAL,
		       "policy '/dev/null': not a BPF object: a regular file of 1 to 16777216 "
		       "bytes is accepted\n");
}

static void no_object(void **state)
{
	char text[1024] = "";
	struct pvs_log log = {.buf = text, .size = sizeof(text)};
	struct pvs_policy *policy;

	assert_int_equal(pvs_policy_load("x", 1, "x", NULL, &policy, &log), -EINVAL);
	assert_string_equal(text, "policy 'x' is no BPF object that can be read:\n"
				  "file of 1 bytes, an ELF header alone has 64\n");
	assert_null(policy);
}

/* ---- Tunables ------------------------------------------------------------------------------- */

static struct pvs_policy_options with(const struct pvs_tunable *tunables, size_t n)
{
	return (struct pvs_policy_options){.tunables = tunables, .n_tunables = n};
}

static void tunables_that_cannot_be(void **state)
{
	static const struct {
		struct pvs_tunable tunable;
		const char *text;
	} cases[] = {
		{{"table", 1},
		 "policy 'callbacks' has no tunable 'table'; there are limit, offset_ns, "
		 "period_ns, spins, "
		 "step, stop_at_limit\n"},
		{{"plain", 1},
		 "policy 'callbacks' has no tunable 'plain'; there are limit, offset_ns, "
		 "period_ns, spins, "
		 "step, stop_at_limit\n"},
		{{"limit", 256},
		 "policy 'callbacks': tunable 'limit' cannot be 256: its type, unsigned char, "
		 "holds "
		 "0 to 255\n"},
		{{"limit", -1},
		 "policy 'callbacks': tunable 'limit' cannot be -1: its type, unsigned char, holds "
		 "0 to 255\n"},
		{{"step", 32768},
		 "policy 'callbacks': tunable 'step' cannot be 32768: its type, short, holds "
		 "-32768 "
		 "to 32767\n"},
		{{"stop_at_limit", 2},
		 "policy 'callbacks': tunable 'stop_at_limit' cannot be 2: its type, _Bool, holds "
		 "0 "
		 "to 1\n"},
		{{"spins", 4294967296},
		 "policy 'callbacks': tunable 'spins' cannot be 4294967296: its type, __u32, holds "
		 "0 to 4294967295\n"},
		{{"period_ns", -1},
		 "policy 'callbacks': tunable 'period_ns' cannot be -1: its type, __u64, holds 0 "
		 "to "
		 "9223372036854775807\n"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pvs_policy_options options = with(&cases[i].tunable, 1);

		policy_refused(test_object("callbacks"), &options, -EINVAL, cases[i].text);
	}
}

static void no_tunables(void **state)
{
	const struct pvs_tunable tunable = {"limit", 1};
	struct pvs_policy_options options = with(&tunable, 1);

	policy_refused(test_object("no_tunables"), &options, -EINVAL,
		       "policy 'callbacks' has no tunable 'limit': it has none ('const volatile' "
		       "global variables of integer types, compiled with -g, are)\n");
}

static void tunables_listed(void **state)
{
	static const struct pvs_tunable_info want[] = {
		{"limit", "unsigned char", 1, 200, 200, 0, 255},
		{"offset_ns", "__s64", 8, -5000000000, -5000000000, INT64_MIN, INT64_MAX},
		{"period_ns", "__u64", 8, 1000000, 1000000, 0, INT64_MAX},
		{"spins", "__u32", 4, 10, 10, 0, UINT32_MAX},
		{"step", "short", 2, -3, -3, -32768, 32767},
		{"stop_at_limit", "_Bool", 1, 0, 0, 0, 1},
	};
	struct pvs_policy *policy = policy_opened(test_object("callbacks"), NULL);
	struct pvs_tunable_info info;

	for (uint32_t i = 0; i < 6; i++) {
		assert_int_equal(pvs_policy_tunable(policy, i, &info), 0);
		assert_string_equal(info.name, want[i].name);
		assert_string_equal(info.type, want[i].type);
		assert_int_equal(info.size, want[i].size);
		assert_int_equal(info.value, want[i].value);
		assert_int_equal(info.initial, want[i].initial);
		assert_int_equal(info.min, want[i].min);
		assert_int_equal(info.max, want[i].max);
	}
	assert_int_equal(pvs_policy_tunable(policy, 6, &info), -ENOENT);
	pvs_policy_put(policy);
}

static struct pvs_ctx run(struct pvs_policy *policy, enum pvs_event event, int want)
{
	struct pvs_ctx ctx = context(event, PVS_ACT_ALL);

	assert_int_equal(pvs_policy_run(policy, &ctx), want);
	return ctx;
}

/* What a program reads is what was set, of every size and sign. */
static void tunables_set(void **state)
{
	static const struct pvs_tunable tunables[] = {
		{"limit", 255},      {"step", -100},      {"stop_at_limit", 1},
		{"offset_ns", -400}, {"period_ns", 1000},
	};
	struct pvs_policy_options options = with(tunables, 5);
	struct pvs_policy *policy = policy_opened(test_object("callbacks"), &options);
	struct pvs_tunable_info info;
	struct pvs_ctx ctx;

	run(policy, PVS_EVENT_INIT, PVS_KEEP);
	ctx = run(policy, PVS_EVENT_TICK, PVS_APPLY);
	assert_int_equal(ctx.out.slice_ns, 256); /* 100 - 100, limit, 1 */
	assert_int_equal(ctx.out.hold_ns, 1000 - 400 + 1 + 3);
	assert_int_equal(pvs_policy_tunable(policy, 4, &info), 0);
	assert_int_equal(info.value, -100);
	assert_int_equal(info.initial, -3);
	pvs_policy_put(policy);
}

/* ---- What callbacks share ------------------------------------------------------------------- */

static void callbacks_share_maps(void **state)
{
	struct pvs_policy *policy = policy_opened(test_object("callbacks"), NULL);
	struct pvs_policy *other = policy_opened(test_object("callbacks"), NULL);

	assert_int_equal(run(policy, PVS_EVENT_TICK, PVS_BASELINE).out.set, 0);
	run(policy, PVS_EVENT_INIT, PVS_KEEP);
	assert_int_equal(run(policy, PVS_EVENT_TICK, PVS_APPLY).out.slice_ns, 97200);
	assert_int_equal(run(policy, PVS_EVENT_TICK, PVS_APPLY).out.slice_ns, 94200);
	/* Another one of the same object has maps of its own. */
	run(other, PVS_EVENT_TICK, PVS_BASELINE);
	pvs_policy_put(other);
	pvs_policy_put(policy);
}

struct found {
	char text[512];
};

static int note_element(void *opaque, const void *key, const void *value)
{
	struct found *found = opaque;
	size_t used = strlen(found->text);
	uint32_t k;
	uint64_t v;

	memcpy(&k, key, 4);
	memcpy(&v, value, 8);
	snprintf(found->text + used, sizeof(found->text) - used, "%u=%llu ", k,
		 (unsigned long long)v);
	return 0;
}

static int note_global(void *opaque, const char *name, const char *type, const void *bytes,
		       size_t size)
{
	struct found *found = opaque;
	size_t used = strlen(found->text);
	int64_t value = 0;

	memcpy(&value, bytes, size < 8 ? size : 8);
	if (!strcmp(name, "ticks") || !strcmp(name, "last_target") || !strcmp(name, "step"))
		snprintf(found->text + used, sizeof(found->text) - used, "%s %s %zu %lld; ", type,
			 name, size, (long long)value);
	return 0;
}

static void state_can_be_seen(void **state)
{
	struct pvs_policy *policy = policy_opened(test_object("callbacks"), NULL);
	struct pvs_ctx ctx = context(PVS_EVENT_INIT, 0);
	struct found found = {""}, globals = {""};
	struct pvs_policy_map map;

	ctx.vcpu = 3;
	assert_int_equal(pvs_policy_run(policy, &ctx), PVS_KEEP);
	ctx.event = PVS_EVENT_TICK;
	assert_int_equal(pvs_policy_run(policy, &ctx), PVS_APPLY);

	assert_int_equal(pvs_policy_map(policy, 0, &map), 0);
	assert_string_equal(map.name, "seen");
	assert_int_equal(map.type, BPF_MAP_TYPE_HASH);
	assert_int_equal(map.key_size, 4);
	assert_int_equal(map.value_bytes, 8);
	assert_false(map.global);
	assert_int_equal(pvs_policy_map_each(policy, 0, note_element, &found), 0);
	assert_string_equal(found.text, "3=97 ");
	assert_int_equal(pvs_policy_map_each(policy, 99, note_element, &found), -ENOENT);
	assert_int_equal(pvs_policy_map(policy, 99, &map), -ENOENT);

	assert_int_equal(pvs_policy_globals(policy, note_global, &globals), 0);
	assert_non_null(strstr(globals.text, "__u64 ticks 8 1; "));
	assert_non_null(strstr(globals.text, "__s32 last_target 4 3; "));
	assert_non_null(strstr(globals.text, "short step 2 65533; "));
	pvs_policy_put(policy);
}

/* ---- Running -------------------------------------------------------------------------------- */

static void context_is_not_changed(void **state)
{
	policy_keeps_context(NULL);
}

static void endless_loop_ends(void **state)
{
	static const struct pvs_tunable spins = {"spins", 60000};
	struct pvs_policy_options options = with(&spins, 1);

	for (options.engine = BPFE_ENGINE_DEFAULT; options.engine <= BPFE_ENGINE_JIT;
	     options.engine++) {
		struct pvs_policy *policy;
		struct pvs_policy_info info;

		if (bpfe_engine_available(options.engine, NULL))
			continue;
		policy = policy_opened(test_object("callbacks"), &options);
		run(policy, PVS_EVENT_HINT, -EIO);
		run(policy, PVS_EVENT_HINT, -EIO);
		pvs_policy_info(policy, &info);
		assert_int_equal(info.faults, 2);
		assert_int_equal(info.runs[PVS_EVENT_HINT], 2);
		/* The others still work. */
		run(policy, PVS_EVENT_INIT, PVS_KEEP);
		run(policy, PVS_EVENT_TICK, PVS_APPLY);
		pvs_policy_put(policy);
	}
}

static void budget_is_an_option(void **state)
{
	static const struct pvs_tunable spins = {"spins", 60000};
	struct pvs_policy_options options = with(&spins, 1);
	struct pvs_policy *policy;

	options.budget = 10000000;
	policy = policy_opened(test_object("callbacks"), &options);
	run(policy, PVS_EVENT_HINT, PVS_KEEP);
	pvs_policy_put(policy);
}

static void verdicts_are_checked(void **state)
{
	struct pvs_policy *policy = policy_opened(test_object("callbacks"), NULL);
	struct pvs_ctx ctx = run(policy, PVS_EVENT_HALT, -ERANGE);
	struct pvs_policy_info info;

	assert_int_equal(ctx.out.set, 0);
	pvs_policy_info(policy, &info);
	assert_int_equal(info.faults, 1);
	ctx.event = PVS_EVENT_MAX;
	assert_int_equal(pvs_policy_run(policy, &ctx), -EINVAL);
	pvs_policy_put(policy);
}

static void what_it_is(void **state)
{
	struct pvs_policy *policy = policy_opened(test_object("callbacks"), NULL);
	struct pvs_policy_callback callback;
	struct pvs_policy_info info;

	run(policy, PVS_EVENT_EXIT, PVS_KEEP);
	run(policy, PVS_EVENT_TICK, PVS_BASELINE);
	pvs_policy_info(policy, &info);
	assert_string_equal(info.name, "callbacks");
	assert_int_equal(info.version, 7);
	assert_int_equal(info.callbacks, 1 << PVS_EVENT_INIT | 1 << PVS_EVENT_TICK |
						 1 << PVS_EVENT_HINT | 1 << PVS_EVENT_KICK |
						 1 << PVS_EVENT_HALT);
	assert_int_equal(info.runs[PVS_EVENT_EXIT], 0);
	assert_int_equal(info.runs[PVS_EVENT_TICK], 1);
	assert_true(info.run_ns[PVS_EVENT_TICK] > 0);
	assert_int_equal(pvs_policy_callback(policy, PVS_EVENT_TICK, &callback), 0);
	assert_string_equal(callback.function, "on_tick");
	assert_true(callback.insns > 0 && callback.insns_verified > 0);
	assert_int_equal(pvs_policy_callback(policy, PVS_EVENT_EXIT, &callback), -ENOENT);
	pvs_policy_put(policy);
	policy = policy_opened(test_object("no_name"), NULL);
	pvs_policy_info(policy, &info);
	assert_string_equal(info.name, "no_name");
	pvs_policy_put(policy);
}

static void references(void **state)
{
	struct pvs_policy *policy = policy_opened(test_object("callbacks"), NULL);

	assert_ptr_equal(pvs_policy_get(policy), policy);
	pvs_policy_put(policy);
	run(policy, PVS_EVENT_INIT, PVS_KEEP);
	pvs_policy_put(policy);
	pvs_policy_put(NULL);
	assert_null(pvs_policy_get(NULL));
}

static void event_names(void **state)
{
	assert_string_equal(pvs_event_name(PVS_EVENT_VCPU_STOP), "vcpu_stop");
	assert_null(pvs_event_name(PVS_EVENT_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusals),
		cmocka_unit_test(compiled_for_another_abi),
		cmocka_unit_test(refused_by_the_verifier),
		cmocka_unit_test(no_such_policy),
		cmocka_unit_test(no_object),
		cmocka_unit_test(tunables_that_cannot_be),
		cmocka_unit_test(no_tunables),
		cmocka_unit_test(tunables_listed),
		cmocka_unit_test(tunables_set),
		cmocka_unit_test(callbacks_share_maps),
		cmocka_unit_test(state_can_be_seen),
		cmocka_unit_test(context_is_not_changed),
		cmocka_unit_test(endless_loop_ends),
		cmocka_unit_test(budget_is_an_option),
		cmocka_unit_test(verdicts_are_checked),
		cmocka_unit_test(what_it_is),
		cmocka_unit_test(references),
		cmocka_unit_test(event_names),
	};

	return run_policy_tests(tests);
}
