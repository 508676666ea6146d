/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* From a verified image to code that can be run: builder, passes, lowering, executable memory. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "jit/exec_mem.h"
#include "jit/lower.h"

/* In the order in which they run. */
static const struct {
	enum jit_pass pass;
	jit_pass_fn fn;
} passes[] = {
	/* What was on the stack is then seen through like any other register. */
	{JIT_PASS_PROMOTE, jit_opt_promote},
	{JIT_PASS_FORWARD, jit_opt_forward},
	{JIT_PASS_VALUES, jit_opt_values},
	{JIT_PASS_DEAD, jit_opt_dead}, /* idioms count who reads what */
	{JIT_PASS_IDIOMS, jit_opt_idioms},
	{JIT_PASS_ADDRESS, jit_opt_address},
	{JIT_PASS_DEAD, jit_opt_dead},
	{JIT_PASS_SUM, jit_opt_sum_checked},
	{JIT_PASS_UNROLL, jit_opt_unroll},
};

static void run_passes(struct lir *lir, const struct jit_options *options)
{
	for (unsigned i = 0; i < sizeof(passes) / sizeof(passes[0]) && !lir->failed; i++) {
		if (!(options->passes >> passes[i].pass & 1))
			passes[i].fn(lir);
	}
}

static bool hardens(const struct lir *lir, const struct jit_options *options)
{
	return !lir->failed && !(options->passes >> JIT_PASS_HARDEN & 1);
}

static void harden_moves(struct lir *lir, const struct jit_options *options)
{
	if (hardens(lir, options))
		jit_harden_moves(lir, options);
}

/* Before the other passes take what is spare: a register for the addresses that are clamped. */
static void keep_register(struct lir *lir, const struct jit_options *options)
{
	const uint32_t all = BPFE_RELAX_MASKS | BPFE_RELAX_PACKET | BPFE_RELAX_FENCES;

	if (hardens(lir, options) && (options->relax & all) != all)
		lir->kept_free = lir->spare & -lir->spare;
}

static void harden(struct lir *lir, const struct jit_options *options)
{
	if (hardens(lir, options))
		jit_harden(lir, options);
}

static int no_memory(struct bpfe_log *log)
{
	return bpfe_refuse(log, -ENOMEM, BPFE_NO_MEMORY, 0, "out of memory for the compilation");
}

/* Give @jit, empty but for memory, the code of @lo. */
static int place(struct bpfe_jit *jit, struct lower *lo, const uint32_t *entries,
		 const struct jit_options *options, struct bpfe_log *log)
{
	uint8_t *start;
	uint64_t address;
	int err =
		jit_region_open(jit_asm_bound(&lo->as), !(options->relax & BPFE_RELAX_RANDOM_START),
				options->seed, &jit->region, &start, log);

	if (err)
		return err;
	address = jit_region_address(jit->region);
	jit->code_size = jit_asm_finish(&lo->as, address, start);
	if (!jit->code_size)
		return no_memory(log);
	jit->code = (const uint8_t *)(uintptr_t)address;
	for (uint32_t f = 0; f < jit->n_functions; f++)
		jit->functions[f] = jit->code + jit_label_offset(&lo->as, entries[f]);
	jit->entry =
		(jit_entry_fn)(uintptr_t)(jit->code + jit_label_offset(&lo->as, lo->functions[0]));
	jit->marks = lo->as.marks;
	jit->n_marks = lo->as.n_marks;
	lo->as.marks = NULL;
	return jit_region_seal(jit->region, log);
}

static int make(struct bpfe_jit *jit, struct lir *lir, const struct jit_options *options,
		struct bpfe_log *log)
{
	uint32_t *entries = calloc(lir->n_functions, sizeof(*entries));
	struct lower lo = {0};
	int err;

	jit->functions = calloc(lir->n_functions, sizeof(*jit->functions));
	jit->n_functions = lir->n_functions;
	jit->counts = lir->counts;
	jit->may_abort = lir->may_abort;
	if (!entries || !jit->functions || !jit_lower(&lo, lir, entries))
		err = no_memory(log);
	else
		err = place(jit, &lo, entries, options, log);
	jit->uses_run = lo.needs_run;
	jit_lower_free(&lo);
	free(entries);
	return err;
}

/* As Linux names programs to profilers, but for the tag. */
static struct jit_symbol *add_symbol(const char *name, const struct bpfe_jit *jit)
{
	char symbol[sizeof("bpf_prog_") + BPFE_NAME_LEN];

	snprintf(symbol, sizeof(symbol), "bpf_prog_%.*s", (int)BPFE_NAME_LEN, name ? name : "");
	return jit_symbol_add(symbol, jit->code, jit->code_size);
}

int bpfe_jit_compile(const struct bpfe_image *image, const struct jit_options *options,
		     const char *name, struct bpfe_jit **result, struct bpfe_log *log)
{
	struct bpfe_jit *jit = calloc(1, sizeof(*jit));
	struct lir lir;
	int err;

	if (!jit)
		return no_memory(log);
	lir_init(&lir, image);
	err = jit_build(&lir, image, options, log);
	if (!err) {
		harden_moves(&lir, options);
		keep_register(&lir, options);
		run_passes(&lir, options);
		harden(&lir, options);
		if (!lir.failed && !(options->passes >> JIT_PASS_SUM & 1))
			jit_opt_sum(&lir);
		if (!lir.failed && options->last)
			options->last(&lir);
		jit_layout(&lir, !(options->passes >> JIT_PASS_LAYOUT & 1));
		if (options->print && !lir.failed)
			lir_print(&lir, options->print);
		err = lir.failed ? no_memory(log) : make(jit, &lir, options, log);
	}
	lir_free(&lir);
	if (err) {
		bpfe_jit_free(jit);
		return err;
	}
	jit->symbol = add_symbol(name, jit);
	*result = jit;
	return 0;
}

void bpfe_jit_free(struct bpfe_jit *jit)
{
	if (!jit)
		return;
	jit_symbol_remove(jit->symbol);
	jit_region_close(jit->region);
	free(jit->functions);
	free(jit->marks);
	free(jit);
}

int bpfe_jit_available(struct bpfe_log *log)
{
	struct jit_region *region;
	uint8_t *start;
	int err = jit_region_open(1, false, 0, &region, &start, log);

	if (err)
		return err;
	err = jit_region_seal(region, log);
	jit_region_close(region);
	return err;
}
