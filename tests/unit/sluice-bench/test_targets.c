// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Which aims given figures meet. */
#include "made_up.h"

#include <math.h>
#include <string.h>

static struct target find(const struct results *results, const char *what)
{
	struct target targets[MAX_TARGETS];
	const unsigned n = targets_evaluate(results, targets);

	for (unsigned i = 0; i < n; i++) {
		if (!strcmp(targets[i].what, what))
			return targets[i];
	}
	fail_msg("no target '%s'", what);
	return targets[0];
}

static void expect(const struct results *results, const char *what, const char *verdict)
{
	const struct target target = find(results, what);

	assert_string_equal(target_verdict(&target), verdict);
}

static void classes(void **state)
{
	struct results *results = made_up_results();

	made_up_row(results, "map-less", "a", 10, 20, 11, 13); /* 0.55, 1.1 of native */
	made_up_row(results, "map-heavy", "b", 10, 10, 6, 7);  /* 0.6 */
	made_up_row(results, "real", "c", 10, 10, 12, 14);     /* 1.2 */
	expect(results, "map-less vs linux-jit, geometric mean", "met");
	expect(results, "map-heavy vs linux-jit, geometric mean", "missed");
	expect(results, "real vs linux-jit, geometric mean", "missed");
	expect(results, "worst program vs linux-jit", "missed");
	assert_string_equal(find(results, "worst program vs linux-jit").detail, "c");
	expect(results, "map-less vs native, geometric mean", "met");
	expect(results, "hardened vs not, geometric mean", "met");
	expect(results, "hash look-up, hit, vs Linux's", "not measured");
	made_up_free(results);
}

static void maps(void **state)
{
	struct results *results = made_up_results();
	struct scaling *scaling = g_new0(struct scaling, 1);

	made_up_row(results, "maps", "map_hash_hit", 10, 100, 35, 36);
	made_up_row(results, "maps", "map_lru_hit", 10, 100, 51, 52);
	expect(results, "hash look-up, hit, vs Linux's", "met");
	expect(results, "LRU look-up vs Linux's", "missed");
	scaling->program = ((struct row *)g_ptr_array_index(results->rows, 0))->program;
	scaling->column = &column_jit;
	scaling->ratio = 1.95;
	g_ptr_array_add(results->scalings, scaling);
	expect(results, "two cores that read a hash, by one", "met");
	scaling->ratio = 1.5;
	expect(results, "two cores that read a hash, by one", "missed");
	made_up_free(results);
}

static struct loading *add_loading(struct results *results, const struct column *column, double ns)
{
	struct loading *loading = g_new0(struct loading, 1);

	loading->column = column;
	loading->insns = 4000;
	loading->program_rounds = g_new(double, 3);
	loading->whole_rounds = g_new(double, 3);
	for (unsigned r = 0; r < 3; r++)
		loading->program_rounds[r] = loading->whole_rounds[r] = ns;
	g_ptr_array_add(results->loadings, loading);
	return loading;
}

static void loading(void **state)
{
	struct results *results = made_up_results();
	struct loading *own = add_loading(results, &column_jit, 5e6);

	own->compile_ns.min = 0.6e6;
	expect(results, "verify and compile vs Linux's BPF_PROG_LOAD", "not measured");
	expect(results, "compile 5000 instructions, ms", "met");
	assert_true(fabs(find(results, "compile 5000 instructions, ms").value - 0.75) < 1e-9);
	add_loading(results, &column_linux, 20e6);
	expect(results, "verify and compile vs Linux's BPF_PROG_LOAD", "met");
	assert_true(find(results, "load with object and maps vs libbpf's").value == 0.25);
	made_up_free(results);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classes),
		cmocka_unit_test(maps),
		cmocka_unit_test(loading),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
