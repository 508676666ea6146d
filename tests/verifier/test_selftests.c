// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Beside Linux's own verifier tests, which set-up takes from Debian's linux-source package and
 * compiles (host-tools/setup/selftests.sh): every program of progs/verifier_*.c that applies here
 * goes through our loader and engine. What they expect to be refused must be refused, of what they
 * expect to be accepted at least 95 % must be, and what they say it returns it must return. The
 * tables of selftests_classes.c say which cases apply and which differ, and why.
 *
 * The folder of objects is $SLUICE_SELFTESTS. A file named by $SLUICE_SELFTESTS_REPORT gets one
 * line for each program.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <glob.h>
#include <errno.h>
#include <bpf/btf.h>
#include <cmocka.h>
#include "bpf_elf.h"
#include "jit/jit.h"
#include "selftests.h"

#define MAX_OBJECTS    400
#define FRAME_BYTES    64 /* zeros, as Linux's test loader gives */
#define ACCEPT_PERCENT 95
#define RUN_BUDGET     200000000u /* some loop until may_goto ends them, after 2^23 rounds */
#define POINTER_VALUE  0xbadcafeu /* "any" for a return value in Linux's tests */

/* Counts over all files. */
static struct {
	uint32_t programs, skipped, applicable;
	uint32_t privileged;       /* accepted by Linux of privileged authors only */
	uint32_t accept, accepted; /* to be accepted; those that were */
	uint32_t refuse, refused;  /* to be refused; those that were */
	uint32_t either, ran;      /* right both ways; return values compared */
} tally;

static FILE *report;

/* ---- Files ------------------------------------------------------------------------------------
 */

static void *read_file(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	void *data;

	if (!file || fseek(file, 0, SEEK_END))
		fail_msg("cannot read %s", path);
	*size = (size_t)ftell(file);
	rewind(file);
	data = malloc(*size + 1);
	if (!data || fread(data, 1, *size, file) != *size)
		fail_msg("cannot read %s", path);
	fclose(file);
	return data;
}

/* ---- One program ------------------------------------------------------------------------------
 */

struct outcome {
	bool accepted;
	bool ran;
	enum bpfe_reason reason;
	struct bpfe_result checked, fast, compiled;
	int compile_err;
	char text[1 << 14];
};

static struct bpfe_result run(const struct bpfe_program *prog)
{
	static uint8_t memory[BPFE_HEADROOM + FRAME_BYTES + 512];
	struct bpfe_xdp_buff xdp = {
		.hard_start = memory,
		.data_meta = memory + BPFE_HEADROOM,
		.data = memory + BPFE_HEADROOM,
		.data_end = memory + BPFE_HEADROOM + FRAME_BYTES,
		.hard_end = memory + sizeof(memory),
		.ingress_ifindex = 1,
		.now_ns = 1000000007,
	};

	struct bpfe_result result;

	memset(memory, 0, sizeof(memory));
	bpfe_rcu_read_lock();
	result = bpfe_run(prog, &xdp);
	bpfe_rcu_read_unlock();
	return result;
}

/* What Linux's test program puts into maps of these names before it runs the programs. */
static void fill_maps(const struct bpfe_object *obj, struct bpfe_map **maps)
{
	static const uint32_t key = 0, value[12] = {7 * 4, 0, 0, 0, 0, 0, 0, 0xabcdef12};

	for (uint32_t m = 0; m < bpfe_object_n_maps(obj); m++) {
		const struct bpfe_map_attr *attr = bpfe_object_map(obj, m);

		if (maps[m] && attr->value_size == sizeof(value) && attr->key_size == sizeof(key) &&
		    (strcmp(attr->name, "map_array_48b") == 0 ||
		     strcmp(attr->name, "map_array_ro") == 0))
			bpfe_map_update(maps[m], &key, value, BPF_ANY);
	}
}

/* Load with fresh maps, and run if asked for and accepted. Returns the load's error. */
static int load(const struct bpfe_object *obj, uint32_t i, const struct bpfe_load_attr *attr,
		bool runs, struct bpfe_result *result, struct bpfe_log *log)
{
	struct bpfe_program *prog;
	struct bpfe_map **maps;
	int err = bpfe_object_load(obj, i, attr, &prog, &maps, log);

	if (err)
		return err;
	fill_maps(obj, maps);
	if (runs)
		*result = run(prog);
	bpfe_program_put(prog);
	for (uint32_t m = 0; m < bpfe_object_n_maps(obj); m++)
		bpfe_map_put(maps[m]);
	free(maps);
	return 0;
}

/* In the checked interpreter, which sees what the verifier missed, in the fast one, and compiled.
 */
static void try(const struct bpfe_object *obj, uint32_t i, uint32_t type, bool runs,
		struct outcome *outcome)
{
	struct bpfe_log log = {.buf = outcome->text, .size = sizeof(outcome->text)};
	struct bpfe_load_attr checked = {.type = type, .flags = BPFE_LOAD_CHECKED};
	struct bpfe_load_attr fast = {
		.type = type, .budget = RUN_BUDGET, .engine = BPFE_ENGINE_INTERP};
	struct bpfe_load_attr compiled = {.type = type,
					  .budget = RUN_BUDGET,
					  .engine = BPFE_ENGINE_JIT,
					  .flags = BPFE_LOAD_COUNTED};

	outcome->text[0] = '\0';
	outcome->accepted = load(obj, i, &checked, runs, &outcome->checked, &log) == 0;
	outcome->reason = log.reason;
	outcome->ran = outcome->accepted && runs;
	if (!outcome->ran)
		return;
	load(obj, i, &fast, true, &outcome->fast, NULL);
	log.len = 0;
	outcome->compile_err = load(obj, i, &compiled, true, &outcome->compiled, &log);
}

/* ---- Comparing --------------------------------------------------------------------------------
 */

/* The line of a log that says what was refused: the first that is not source. */
static char *refusal_line(char *text)
{
	char *line = text;

	while (*line == ';' && strchr(line, '\n'))
		line = strchr(line, '\n') + 1;
	line[strcspn(line, "\n")] = '\0';
	return line;
}

/* One line of the report; returns whether the case is as it should be. */
static bool say(const char *file, const char *name, const char *status, const char *detail)
{
	if (report)
		fprintf(report, "%s\t%s\t%s\t%s\n", status, file, name, detail);
	return true;
}

/* Compiled code returns what the interpreter does. (How they get there may differ: some draw random
 * numbers.) */
static bool compiles_right(const struct outcome *outcome, char *why, size_t size)
{
	const struct bpfe_result *a = &outcome->fast, *b = &outcome->compiled;

	if (outcome->compile_err == -EOPNOTSUPP && bpfe_jit_available(NULL))
		return true; /* there is no compiler here */
	if (outcome->compile_err)
		snprintf(why, size, "not compiled: %.100s", outcome->text);
	else if (a->abort != b->abort || (a->abort == BPFE_ABORT_NONE && a->r0 != b->r0))
		snprintf(why, size, "compiled: %llu (abort %d), interpreted: %llu (%d)",
			 (unsigned long long)b->r0, b->abort, (unsigned long long)a->r0, a->abort);
	else
		return true;
	return false;
}

static bool returns_right(const struct selftest_spec *spec, const struct outcome *outcome,
			  char *why, size_t size)
{
	/* An untrusted author's may differ, since Linux rewrites his program. */
	uint32_t wanted = spec->priv.runs ? spec->priv.retval : spec->unpriv.retval;

	tally.ran++;
	if (outcome->checked.abort && outcome->checked.abort != BPFE_ABORT_BUDGET) {
		snprintf(why, size, "aborted: %d at %u", outcome->checked.abort,
			 outcome->checked.abort_insn);
		return false;
	}
	if (!compiles_right(outcome, why, size))
		return false;
	if (!outcome->fast.abort && (outcome->fast.retval == wanted || wanted == POINTER_VALUE))
		return true;
	snprintf(why, size, "returned %d, expected %d", (int)outcome->fast.retval, (int)wanted);
	return false;
}

/* The text Linux's authors expect of the refusal. */
static const char *expected_text(const struct selftest_spec *spec)
{
	const struct selftest_mode *mode = spec->priv.fails ? &spec->priv : &spec->unpriv;

	return mode->n_messages ? mode->messages[mode->n_messages - 1] : "";
}

/* A program that we refuse: always a right outcome, counted unless its acceptance is expected. */
static bool compare_refused(const char *file, const char *name, const struct selftest_spec *spec,
			    enum selftest_verdict verdict, struct outcome *outcome)
{
	const char *line = refusal_line(outcome->text);
	struct selftest_class class;

	if (verdict == SELFTEST_ACCEPT && selftest_privilege(spec, outcome->reason, line, &class)) {
		tally.privileged++;
		return say(file, name, "privileged", line);
	}
	tally.accept += verdict == SELFTEST_ACCEPT;
	tally.refused += verdict == SELFTEST_REFUSE;
	return say(file, name, verdict == SELFTEST_ACCEPT ? "WRONGLY-REFUSED" : "refused", line);
}

/* A program that applies. False: it went wrong in a way that fails the test. */
static bool compare(const char *file, const char *name, const struct selftest_spec *spec,
		    struct outcome *outcome)
{
	struct selftest_class class;
	enum selftest_verdict verdict = selftest_judge(name, spec, &class);
	char why[200];

	if (verdict == SELFTEST_OF_OTHERS) {
		tally.skipped++;
		return say(file, name, "does-not-apply", class.why);
	}
	tally.applicable++;
	tally.refuse += verdict == SELFTEST_REFUSE;
	tally.either += verdict == SELFTEST_EITHER;
	if (!outcome->accepted)
		return compare_refused(file, name, spec, verdict, outcome);
	if (verdict == SELFTEST_REFUSE) {
		print_message("# %s: accepted, but Linux refuses it: %s\n", name,
			      expected_text(spec));
		say(file, name, "WRONGLY-ACCEPTED", expected_text(spec));
		return false;
	}
	tally.accept += verdict == SELFTEST_ACCEPT;
	tally.accepted += verdict == SELFTEST_ACCEPT;
	if (outcome->ran && !returns_right(spec, outcome, why, sizeof(why))) {
		say(file, name, "WRONG-RESULT", why);
		print_message("# %s: %s\n", name, why);
		return false;
	}
	return say(file, name, "accepted", class.name ? class.name : "");
}

struct file {
	const char *name;
	struct bpfe_object *object; /* NULL: not opened, for which refusal says why */
	const char *refusal;
	struct selftest_object *features;
	struct btf *btf;
};

/* The object's program of that name, or its number of programs. */
static uint32_t find_program(const struct bpfe_object *object, const char *name)
{
	uint32_t i = 0;

	while (i < bpfe_object_n_programs(object) &&
	       strcmp(bpfe_object_program_name(object, i), name) != 0)
		i++;
	return i;
}

/* One function of a file. False: wrong. */
static bool check_function(const struct file *file, const char *name)
{
	static struct outcome outcome;
	const char *section = selftest_section(file->features, name);
	struct selftest_spec spec;
	uint32_t type = 0;
	char why[200];

	if (!section || strcmp(section, ".text") == 0 ||
	    !selftest_read_spec(file->btf, name, &spec) || spec.auxiliary ||
	    (!spec.priv.tested && !spec.unpriv.tested))
		return true;
	tally.programs++;
	if (!selftest_applies(file->features, name, section, &spec, &type, why, sizeof(why))) {
		tally.skipped++;
		return say(file->name, name, "does-not-apply", why);
	}
	if (file->object) {
		try(file->object, find_program(file->object, name), type, spec.unpriv.runs,
		    &outcome);
	} else {
		outcome.accepted = false;
		outcome.reason = BPFE_BAD_ENCODING;
		snprintf(outcome.text, sizeof(outcome.text), "object: %s", file->refusal);
	}
	return compare(file->name, name, &spec, &outcome);
}

static void test_file(void **state)
{
	const char *path = *state;
	static char text[1 << 14];
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct file file = {.name = strrchr(path, '/') + 1, .refusal = text};
	uint32_t wrong = 0;
	size_t size;
	void *data = read_file(path, &size);

	file.btf = btf__parse_elf(path, NULL);
	assert_non_null(file.btf);
	file.features = selftest_object_open(data, size, file.btf);
	assert_non_null(file.features);
	if (bpfe_object_open(data, size, &file.object, &log))
		file.object = NULL;
	for (uint32_t id = 1; id < btf__type_cnt(file.btf); id++) {
		const struct btf_type *type = btf__type_by_id(file.btf, id);

		if (btf_is_func(type))
			wrong += !check_function(&file,
						 btf__name_by_offset(file.btf, type->name_off));
	}
	bpfe_object_close(file.object);
	selftest_object_close(file.features);
	btf__free(file.btf);
	free(data);
	bpfe_rcu_barrier();
	assert_int_equal(wrong, 0);
}

/* After all files. */
static void test_share(void **state)
{
	print_message("# %u programs, %u do not apply, %u do\n", tally.programs, tally.skipped,
		      tally.applicable);
	print_message("# %u of %u expected successes accepted\n", tally.accepted, tally.accept);
	print_message("# %u of %u expected failures refused\n", tally.refused, tally.refuse);
	print_message("# %u right either way, %u refused that Linux accepts of privileged authors "
		      "only, %u return values compared\n",
		      tally.either, tally.privileged, tally.ran);
	assert_true(tally.accept > 0);
	assert_true(tally.accepted * 100 >= tally.accept * ACCEPT_PERCENT);
}

/* Files that set-up could not compile are no cases, and are not passed over in silence. */
static void list_uncompiled(const char *folder)
{
	char pattern[4096], line[512];
	glob_t found = {0};

	snprintf(pattern, sizeof(pattern), "%s/failed/*.log", folder);
	if (glob(pattern, 0, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		FILE *log = fopen(found.gl_pathv[i], "r");

		print_message("# %s did not compile: %s\n", strrchr(found.gl_pathv[i], '/') + 1,
			      log && fgets(line, sizeof(line), log) ? line : "");
		if (log)
			fclose(log);
	}
	globfree(&found);
}

int main(void)
{
	static struct CMUnitTest tests[MAX_OBJECTS + 1];
	const char *folder = getenv("SLUICE_SELFTESTS"), *path = getenv("SLUICE_SELFTESTS_REPORT");
	char pattern[4096];
	glob_t found = {0};
	size_t n = 0;
	int failed;

	snprintf(pattern, sizeof(pattern), "%s/objects/*.bpf.o", folder ? folder : "");
	if (!folder || glob(pattern, 0, NULL, &found)) {
		puts("1..0 # SKIP no tests of Linux here (./sluice setup --only selftests)");
		return 0;
	}
	list_uncompiled(folder);
	report = path ? fopen(path, "w") : NULL;
	for (; n < found.gl_pathc && n < MAX_OBJECTS; n++)
		tests[n] = (struct CMUnitTest){strrchr(found.gl_pathv[n], '/') + 1, test_file, NULL,
					       NULL, found.gl_pathv[n]};
	tests[n++] =
		(struct CMUnitTest){"share of expected successes", test_share, NULL, NULL, NULL};
	bpfe_thread_register();
	failed = _cmocka_run_group_tests("selftests", tests, n, NULL, NULL);
	bpfe_thread_unregister();
	if (report)
		fclose(report);
	globfree(&found);
	return failed;
}
