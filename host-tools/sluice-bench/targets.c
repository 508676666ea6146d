// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "targets.h"

#include <math.h>
#include <string.h>

struct list {
	struct target *targets;
	unsigned n;
};

static struct target *add(struct list *list, double aim, double value)
{
	struct target *target = &list->targets[list->n];

	if (list->n + 1 < MAX_TARGETS)
		list->n++;
	*target = (struct target){.aim = aim, .value = value};
	return target;
}

static void name(struct target *target, const char *what)
{
	g_strlcpy(target->what, what, sizeof(target->what));
}

const char *target_verdict(const struct target *target)
{
	if (isnan(target->value))
		return "not measured";
	return (target->more ? target->value >= target->aim : target->value <= target->aim)
		       ? "met"
		       : "missed";
}

static void add_classes(struct list *list, const struct results *results)
{
	static const struct {
		const char *class;
		double aim;
	} linux_aims[] = {{"map-less", 0.80}, {"map-heavy", 0.55}, {"real", 0.75}};
	const char *worst = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(linux_aims); i++) {
		struct target *target = add(
			list, linux_aims[i].aim,
			results_geomean(results, linux_aims[i].class, "sluice-jit", "linux-jit"));

		g_snprintf(target->what, sizeof(target->what), "%s vs linux-jit, geometric mean",
			   linux_aims[i].class);
	}
	name(add(list, 1.15, results_worst(results, "sluice-jit", "linux-jit", &worst)),
	     "worst program vs linux-jit");
	list->targets[list->n - 1].detail = worst;
	name(add(list, 1.2, results_geomean(results, "map-less", "sluice-jit", "native")),
	     "map-less vs native, geometric mean");
	name(add(list, 1.1, results_geomean(results, "map-less", "sluice-jit", "native")),
	     "map-less vs native, the stretch");
}

/* Ratio of the program called @program, whatever its class. */
static double program_ratio(const struct results *results, const char *program)
{
	for (guint r = 0; r < results->rows->len; r++) {
		const struct row *row = g_ptr_array_index(results->rows, r);

		if (!strcmp(row->program->name, program))
			return row_ratio(results, row, "sluice-jit", "linux-jit");
	}
	return NAN;
}

static double scaling_ratio(const struct results *results, const char *program)
{
	for (guint s = 0; s < results->scalings->len; s++) {
		const struct scaling *scaling = g_ptr_array_index(results->scalings, s);

		if (!strcmp(scaling->program->name, program) && scaling->column == &column_jit)
			return scaling->ratio;
	}
	return NAN;
}

static void add_maps(struct list *list, const struct results *results)
{
	static const struct {
		const char *program, *what;
		double aim;
	} aims[] = {
		{"map_hash_hit", "hash look-up, hit, vs Linux's", 0.35},
		{"map_hash_miss", "hash look-up, miss, vs Linux's", 0.35},
		{"map_lru_hit", "LRU look-up vs Linux's", 0.5},
		{"map_lpm_hit", "longest prefix vs Linux's", 0.35},
		{"map_hash_update", "hash update vs Linux's", 0.6},
	};
	struct target *target;

	for (size_t i = 0; i < G_N_ELEMENTS(aims); i++)
		name(add(list, aims[i].aim, program_ratio(results, aims[i].program)), aims[i].what);
	target = add(list, 1.9, scaling_ratio(results, "map_hash_hit"));
	target->more = TRUE;
	name(target, "two cores that read a hash, by one");
}

static const struct loading *find_loading(const struct results *results,
					  const struct column *column)
{
	for (guint l = 0; l < results->loadings->len; l++) {
		const struct loading *loading = g_ptr_array_index(results->loadings, l);

		if (loading->column == column && !loading->why)
			return loading;
	}
	return NULL;
}

static void add_loading(struct list *list, const struct results *results)
{
	const struct loading *own = find_loading(results, &column_jit);
	const struct loading *theirs = find_loading(results, &column_linux);
	const gboolean both = own && theirs;

	name(add(list, 0.5,
		 both ? stats_ratio(own->program_rounds, theirs->program_rounds, results->rounds)
		      : NAN),
	     "verify and compile vs Linux's BPF_PROG_LOAD");
	name(add(list, 0.5,
		 both ? stats_ratio(own->whole_rounds, theirs->whole_rounds, results->rounds)
		      : NAN),
	     "load with object and maps vs libbpf's");
	name(add(list, 1.0,
		 own && own->insns ? own->compile_ns.min / own->insns * 5000 / 1e6 : NAN),
	     "compile 5000 instructions, ms");
}

unsigned targets_evaluate(const struct results *results, struct target targets[MAX_TARGETS])
{
	struct list list = {.targets = targets};

	add_classes(&list, results);
	add_maps(&list, results);
	add_loading(&list, results);
	name(add(&list, 1.2, results_geomean(results, "all", "hardened", "sluice-jit")),
	     "hardened vs not, geometric mean");
	return list.n;
}
