/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * From a verified image to the interpreter's code: one struct bpfe_code per instruction, operands
 * widened, jumps as distances, context loads as loads of the run's own frame description.
 */
#include <errno.h>
#include <stdlib.h>
#include "context.h"
#include "interp/interp.h"

struct translator {
	const struct bpfe_image *image;
	struct bpfe_program *prog;
	uint32_t *code_of; /* index of a slot's code */
};

static int32_t distance(const struct translator *t, uint32_t from, int64_t target_slot)
{
	int64_t codes = (int64_t)t->code_of[target_slot] - ((int64_t)from + 1);

	return (int32_t)(codes * (int64_t)sizeof(struct bpfe_code));
}

/* An access to the context becomes one to the run's own description of the frame. */
static void emit_context(const struct translator *t, uint32_t slot, struct bpfe_code *code)
{
	const struct bpfe_insn_aux *aux = &t->image->aux[slot];
	const struct bpfe_ctx_row *row = bpfe_ctx_row(t->image->type, aux->ctx_field);
	const struct bpf_insn *insn = &t->image->insns[slot];
	bool sign = BPF_MODE(insn->code) == BPFE_MEMSX;
	unsigned size = bpfe_insn_size(insn);

	if (!row) {
		code->op = BPFE_OP_TRAP;
	} else if (BPF_CLASS(insn->code) != BPF_LDX) {
		code->op =
			BPF_CLASS(insn->code) == BPF_ST ? BPFE_OP_CTX_STORE_K : BPFE_OP_CTX_STORE_X;
		code->extra = aux->ctx_field;
		code->off = bpfe_part(aux->ctx_byte, size, false);
	} else if (row->source == BPFE_CTX_FROM_POINTER) {
		code->op = BPFE_OP_CTX_POINTER;
		code->imm = row->at;
	} else if (row->source == BPFE_CTX_FROM_U32 && size == 4 && !sign &&
		   !(row->access & BPFE_CTX_MASKED)) {
		code->op = BPFE_OP_CTX_U32;
		code->imm = row->at + aux->ctx_byte;
	} else {
		code->op = BPFE_OP_CTX_LOAD;
		code->extra = aux->ctx_field;
		code->off = bpfe_part(aux->ctx_byte, size, sign);
	}
}

static void emit_wide(const struct translator *t, uint32_t slot, uint8_t form,
		      struct bpfe_code *code)
{
	const struct bpf_insn *insn = &t->image->insns[slot];
	uint64_t imm = (uint32_t)insn[0].imm | (uint64_t)(uint32_t)insn[1].imm << 32;
	struct bpfe_map *map = NULL;
	const uint32_t first = 0;

	if (form == BPFE_FORM_LD_MAP || form == BPFE_FORM_LD_MAP_VALUE)
		map = t->image->maps[t->image->aux[slot].map_index];
	if (form == BPFE_FORM_LD_MAP)
		imm = (uintptr_t)map;
	else if (form == BPFE_FORM_LD_MAP_VALUE)
		imm = (uintptr_t)bpfe_map_ops(bpfe_map_attr(map)->type)->lookup(map, &first, 0) +
		      (uint32_t)insn[1].imm;
	else if (form == BPFE_FORM_LD_FUNC)
		imm = t->image->aux[slot].callee;
	code->op = BPFE_OP_LD_IMM64;
	code->imm = (int64_t)imm;
}

static void emit_local_call(const struct translator *t, uint32_t slot, struct bpfe_code *code)
{
	const struct bpfe_image *image = t->image;
	int64_t target = bpfe_jump_target(&image->insns[slot], BPFE_FORM_CALL_LOCAL, slot);

	code->extra = (uint16_t)image->subprogs[image->aux[target].subprog].stack_bytes;
	code->jump = distance(t, t->code_of[slot], target);
}

/* May programs of this type call it? The verifier asks too, but not of a program of a test's. */
static bool callable(const struct bpfe_image *image, const struct bpfe_helper *helper)
{
	uint32_t type = image->type == BPF_PROG_TYPE_SCHED_CLS   ? BPFE_FOR_TC
			: (uint32_t)image->type == BPFE_PROG_MEM ? BPFE_FOR_MEM
								 : BPFE_FOR_XDP;

	return !helper->types || (helper->types & type);
}

static void emit_helper_call(const struct translator *t, uint32_t slot, struct bpfe_code *code)
{
	const struct bpf_insn *insn = &t->image->insns[slot];
	const struct bpfe_insn_aux *aux = &t->image->aux[slot];
	const struct bpfe_helper *helper = bpfe_helper_by_id((uint32_t)insn->imm);

	if (!helper || !callable(t->image, helper)) {
		code->op = BPFE_OP_TRAP;
		return;
	}
	if (helper->id == BPF_FUNC_tail_call)
		code->op = BPFE_OP_TAIL_CALL;
	else if (helper->calls_back)
		code->op = BPFE_OP_CALL_BACK;
	else
		code->op = aux->args_unset ? BPFE_OP_CALL_CLEARED : BPFE_OP_CALL_HELPER;
	code->dst = aux->args_unset;
	code->extra = (uint16_t)helper->id;
	code->src = (uint8_t)(helper->id >> 16);
	code->imm = (int64_t)(uintptr_t)helper->fn;
}

static void emit_functions(const struct translator *t)
{
	for (uint32_t f = 0; f < t->image->n_subprogs; f++) {
		const struct bpfe_subprog *subprog = &t->image->subprogs[f];

		t->prog->functions[f] = (struct bpfe_function){
			.code = t->code_of[subprog->start],
			.stack = (uint16_t)subprog->stack_bytes,
			.callable = subprog->is_callback,
		};
	}
	t->prog->n_functions = t->image->n_subprogs;
}

static void emit(const struct translator *t, uint32_t slot)
{
	const struct bpf_insn *insn = &t->image->insns[slot];
	const struct bpfe_insn_aux *aux = &t->image->aux[slot];
	const struct bpfe_opcode *row = bpfe_opcode_find(insn);
	uint32_t index = t->code_of[slot];
	struct bpfe_code *code = &t->prog->code[index];

	t->prog->slots[index] = slot;
	*code = (struct bpfe_code){.op = row->op,
				   .dst = insn->dst_reg,
				   .src = insn->src_reg,
				   .off = insn->off,
				   .imm = insn->imm};
	if (!aux->seen || aux->writes_r10 || (aux->mem_kind == BPFE_MEM_CTX && !aux->ctx_field)) {
		code->op = BPFE_OP_TRAP;
		return;
	}
	switch (row->form) {
	case BPFE_FORM_NEG:
	case BPFE_FORM_SWAP:
		code->src = insn->dst_reg;
		break;
	case BPFE_FORM_JUMP_K:
	case BPFE_FORM_JUMP_X:
	case BPFE_FORM_JA:
	case BPFE_FORM_GOTOL:
	case BPFE_FORM_MAY_GOTO:
		code->imm32 = insn->imm;
		code->jump = distance(t, index, bpfe_jump_target(insn, row->form, slot));
		break;
	case BPFE_FORM_LOAD:
	case BPFE_FORM_STORE_K:
	case BPFE_FORM_STORE_X:
		if (aux->ctx_field)
			emit_context(t, slot, code);
		break;
	case BPFE_FORM_LD_IMM64:
	case BPFE_FORM_LD_FUNC:
	case BPFE_FORM_LD_MAP:
	case BPFE_FORM_LD_MAP_VALUE:
		emit_wide(t, slot, row->form, code);
		break;
	case BPFE_FORM_CALL_LOCAL:
		emit_local_call(t, slot, code);
		break;
	case BPFE_FORM_CALL_HELPER:
	case BPFE_FORM_CALL_KFUNC:
		emit_helper_call(t, slot, code);
		break;
	default:
		break;
	}
}

int bpfe_translate(const struct bpfe_image *image, struct bpfe_program *prog, struct bpfe_log *log)
{
	struct translator t = {.image = image, .prog = prog};
	uint32_t n = 0;

	t.code_of = malloc(image->n_insns * sizeof(*t.code_of));
	if (!t.code_of)
		return bpfe_refuse(log, -ENOMEM, BPFE_NO_MEMORY, 0,
				   "out of memory for the translation");
	for (uint32_t slot = 0; slot < image->n_insns; slot++) {
		t.code_of[slot] = n++;
		slot += bpfe_is_wide(&image->insns[slot]);
	}
	for (uint32_t slot = 0; slot < image->n_insns; slot++) {
		emit(&t, slot);
		slot += bpfe_is_wide(&image->insns[slot]);
	}
	emit_functions(&t);
	free(t.code_of);
	prog->n_code = n;
	bpfe_fuse(prog);
	prog->main_stack = image->subprogs[0].stack_bytes;
	return 0;
}
