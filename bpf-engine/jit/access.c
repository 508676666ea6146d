/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include <stdlib.h>
#include "jit/access.h"

/* Classes a block has at most; what comes after that belongs to none. */
#define MAX_CLASSES 16u
#define NO_CLASS    MAX_CLASSES
#define KINDS       (BPFE_MEM_OTHER + 1)

struct access_class {
	jit_value base, index;
	uint8_t scale, kind;
	uint32_t reads, writes;
};

struct scan {
	struct access_class classes[MAX_CLASSES];
	uint32_t n_classes;
	uint32_t reads[KINDS], writes[KINDS];
};

bool jit_accesses_init(struct jit_accesses *accesses, struct lir *lir, uint32_t room)
{
	*accesses = (struct jit_accesses){0};
	accesses->all = malloc((size_t)(room + 1) * sizeof(*accesses->all));
	accesses->of = malloc((size_t)(room + 1) * sizeof(*accesses->of));
	if (accesses->all && accesses->of)
		return true;
	lir->failed = true;
	jit_accesses_free(accesses);
	return false;
}

void jit_accesses_free(struct jit_accesses *accesses)
{
	free(accesses->all);
	free(accesses->of);
	*accesses = (struct jit_accesses){0};
}

static uint32_t find_class(struct scan *scan, const struct lir_op *op,
			   const struct jit_operands *operands)
{
	for (uint32_t i = scan->n_classes; i-- > 0;) {
		const struct access_class *c = &scan->classes[i];

		if (c->base == operands->base && c->index == operands->index &&
		    c->scale == op->scale && c->kind == op->mem_kind)
			return i;
	}
	if (scan->n_classes == MAX_CLASSES)
		return NO_CLASS;
	scan->classes[scan->n_classes] = (struct access_class){
		operands->base, operands->index, op->scale, op->mem_kind, 0, 0};
	return scan->n_classes++;
}

/* Memory of any kind may be touched here. */
static void count_barrier(struct scan *scan)
{
	for (unsigned kind = 0; kind < KINDS; kind++) {
		scan->reads[kind]++;
		scan->writes[kind]++;
	}
}

static void count_access(struct scan *scan, uint32_t class, const struct lir_op *op)
{
	scan->reads[op->mem_kind] += lir_reads_memory(op);
	scan->writes[op->mem_kind] += lir_writes_memory(op);
	if (class != NO_CLASS) {
		scan->classes[class].reads += lir_reads_memory(op);
		scan->classes[class].writes += lir_writes_memory(op);
	}
}

static void add_access(struct jit_accesses *accesses, struct scan *scan,
		       const struct jit_local *local, uint32_t at)
{
	const struct lir_op *op = &local->ops[at];
	uint32_t class = find_class(scan, op, &local->operands[at]);

	if (class != NO_CLASS) {
		struct jit_access *access;

		accesses->of[at] = accesses->n;
		access = &accesses->all[accesses->n++];
		*access = (struct jit_access){.op = at,
					      .class = (uint16_t)class,
					      .kind = op->mem_kind,
					      .size = op->size,
					      .disp = op->disp,
					      .load = jit_is_plain_load(op),
					      .store = op->code == LIR_STORE &&
						       !(op->flags & LIR_F_RELEASE)};
		access->foreign_reads = scan->reads[op->mem_kind] - scan->classes[class].reads;
		access->foreign_writes = scan->writes[op->mem_kind] - scan->classes[class].writes;
	}
	count_access(scan, class, op);
}

void jit_accesses_scan(struct jit_accesses *accesses, const struct jit_local *local)
{
	struct scan scan;

	scan.n_classes = 0;
	for (unsigned kind = 0; kind < KINDS; kind++)
		scan.reads[kind] = scan.writes[kind] = 0;
	accesses->n = 0;
	for (uint32_t i = 0; i < local->n_ops; i++) {
		const struct lir_op *op = &local->ops[i];

		accesses->of[i] = JIT_NO_ACCESS;
		if (op->code == LIR_NOP)
			continue;
		if (jit_is_barrier(op))
			count_barrier(&scan);
		else if (jit_touches_memory(op) && op->mem_kind == BPFE_MEM_NONE)
			count_barrier(&scan);
		else if (jit_touches_memory(op))
			add_access(accesses, &scan, local, i);
	}
}
