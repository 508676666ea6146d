// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Exploration: follow every path of the program with what is known of registers and stack, depth
 * first. At a conditional jump that may go both ways, one is followed and the other put aside; a
 * path ends at the program's exit, or where it is covered by what was followed before (prune.c).
 *
 * Everything that can run long is bounded: instructions followed, work spent on comparing states,
 * memory for states; and the caller's cancel flag is looked at.
 */
#include "claims.h"
#include "verifier/join.h"

/* ---- Path ---------------------------------------------------------------------------------- */

#define ARENA_NODES 1000u

struct bpfe_arena_block {
	struct bpfe_arena_block *next;
	uint32_t used;
	struct bpfe_path nodes[ARENA_NODES];
};

static struct bpfe_path *path_node(struct bpfe_vf *vf, uint32_t next)
{
	struct bpfe_path *node;

	if (!vf->arena || vf->arena->used == ARENA_NODES) {
		struct bpfe_arena_block *block = bpfe_vf_alloc_raw(vf, sizeof(*block));

		if (!block)
			return NULL;
		block->used = 0;
		block->next = vf->arena;
		vf->arena = block;
	}
	node = &vf->arena->nodes[vf->arena->used++];
	*node = (struct bpfe_path){vf->path, vf->pc, next};
	return node;
}

int bpfe_path_note(struct bpfe_vf *vf, uint32_t next)
{
	const struct bpfe_path *node = path_node(vf, next);

	if (!node)
		return bpfe_vf_no_memory(vf);
	vf->path = node;
	return 0;
}

int bpfe_explore_later(struct bpfe_vf *vf, struct bpfe_state *state, uint32_t pc)
{
	struct bpfe_pending *later =
		vf->joining ? NULL : bpfe_vf_take(vf, &vf->spare_paths, sizeof(*later));
	const struct bpfe_path *node = later || vf->joining ? path_node(vf, pc) : NULL;

	if (vf->joining && node)
		return bpfe_places_put(vf, state, pc, node);
	if (!node) {
		if (later)
			bpfe_vf_give(vf, &vf->spare_paths, later, sizeof(*later));
		bpfe_state_free(vf, state);
		return bpfe_vf_no_memory(vf);
	}
	later->state = state;
	later->pc = pc;
	later->path = node;
	later->parent = vf->parent;
	later->since = vf->since;
	if (later->parent)
		later->parent->branches++;
	later->next = vf->pending;
	vf->pending = later;
	return 0;
}

/* Take up the newest path put aside; false if there is none. */
static bool resume(struct bpfe_vf *vf)
{
	struct bpfe_pending *later = vf->pending;

	vf->resumed = true;
	if (vf->joining)
		return bpfe_places_resume(vf);
	if (!later)
		return false;
	vf->pending = later->next;
	vf->cur = later->state;
	vf->pc = later->pc;
	vf->path = later->path;
	vf->parent = later->parent;
	vf->since = later->since;
	bpfe_vf_give(vf, &vf->spare_paths, later, sizeof(*later));
	return true;
}

/* ---- One instruction ----------------------------------------------------------------------- */

static int check_budget(struct bpfe_vf *vf)
{
	vf->processed++;
	vf->work += BPFE_VF_STEP;
	if (vf->work > vf->budget)
		return bpfe_vf_too_complex(vf);
	if (vf->processed % BPFE_VF_POLL == 0 && vf->image->cancel &&
	    atomic_load(vf->image->cancel))
		return bpfe_vf_refuse_err(vf, -ECANCELED, BPFE_CANCELLED, NULL,
					  "verification cancelled");
	return 0;
}

/* By the form that the opcode table gives; a form that is not here is not proven safe. */
static int follow(struct bpfe_vf *vf, const struct bpf_insn *insn)
{
	if (vf->image->aux[vf->pc].writes_r10)
		return bpfe_vf_refuse(vf, BPFE_BAD_REGISTER, BPF_REG_10, "another register",
				      "R10, the frame pointer, is read-only");
	vf->next = vf->pc + 1;
	switch (vf->image->aux[vf->pc].form) {
	case BPFE_FORM_ALU_K:
	case BPFE_FORM_ALU_X:
	case BPFE_FORM_NEG:
	case BPFE_FORM_MOVSX:
	case BPFE_FORM_SWAP:
		return bpfe_vf_alu(vf, insn);
	case BPFE_FORM_LD_IMM64:
	case BPFE_FORM_LD_MAP:
	case BPFE_FORM_LD_MAP_VALUE:
	case BPFE_FORM_LD_FUNC:
		return bpfe_vf_ld_imm64(vf, insn);
	case BPFE_FORM_LOAD:
		return bpfe_vf_load(vf, insn);
	case BPFE_FORM_LD_ABS:
	case BPFE_FORM_LD_IND:
		return bpfe_vf_load_packet(vf, insn);
	case BPFE_FORM_STORE_K:
	case BPFE_FORM_STORE_X:
		return bpfe_vf_store(vf, insn);
	case BPFE_FORM_ATOMIC:
	case BPFE_FORM_FETCH:
	case BPFE_FORM_XCHG:
	case BPFE_FORM_CMPXCHG:
		return bpfe_vf_atomic(vf, insn);
	case BPFE_FORM_LOAD_ACQ:
	case BPFE_FORM_STORE_REL:
		return bpfe_vf_ordered(vf, insn);
	case BPFE_FORM_JUMP_K:
	case BPFE_FORM_JUMP_X:
	case BPFE_FORM_JA:
	case BPFE_FORM_GOTOL:
		return bpfe_vf_branch(vf, insn);
	case BPFE_FORM_CALL_LOCAL:
		return bpfe_vf_call_local(vf, insn);
	case BPFE_FORM_CALLX:
		return bpfe_vf_callx(vf, insn);
	case BPFE_FORM_MAY_GOTO:
		return bpfe_vf_may_goto(vf, insn);
	case BPFE_FORM_CALL_HELPER:
	case BPFE_FORM_CALL_KFUNC:
		return bpfe_vf_call_helper(vf, insn);
	case BPFE_FORM_EXIT:
		return bpfe_vf_exit(vf);
	default:
		return bpfe_vf_refuse_err(vf, -EINVAL, BPFE_BAD_ENCODING, NULL,
					  "this instruction cannot be verified");
	}
}

/* The line of source, where it is another than that of the instruction before. */
static void trace_line(struct bpfe_vf *vf)
{
	const struct bpfe_image *image = vf->image;
	const char *line = NULL;

	if (image->source_line)
		line = image->source_line(image->source_opaque, vf->pc);
	if (line && line != vf->traced_line)
		bpfe_log(vf->log, "; %s\n", line);
	vf->traced_line = line;
}

static void trace(struct bpfe_vf *vf, const struct bpf_insn *insn)
{
	char text[128];

	trace_line(vf);
	bpfe_disasm(insn, vf->image->n_insns - vf->pc, text, sizeof(text));
	bpfe_log(vf->log, "%u: %s ;", vf->pc, text);
	bpfe_state_print(vf, vf->cur);
}

/* Let those that come to the same place come first. */
static int wait_here(struct bpfe_vf *vf)
{
	struct bpfe_state *state = vf->cur;

	vf->cur = NULL;
	vf->path_ends = true;
	return bpfe_places_put(vf, state, vf->pc, vf->path);
}

static int step(struct bpfe_vf *vf)
{
	const struct bpf_insn *insn = &vf->image->insns[vf->pc];
	int err = check_budget(vf);

	if (err)
		return err;
	if (bpfe_flow_is_merge(vf, vf->pc)) {
		int visit;

		if (vf->joining && !vf->resumed)
			return wait_here(vf);
		vf->resumed = false;
		visit = bpfe_prune_visit(vf);

		if (visit < 0)
			return visit;
		if (visit == BPFE_VISIT_COVERED) {
			if (vf->log && vf->log->level >= 2)
				bpfe_log(vf->log, "%u: covered by an earlier state\n", vf->pc);
			vf->path_ends = true;
			return 0;
		}
	}
	vf->resumed = false;
	vf->since.insns++;
	vf->image->aux[vf->pc].seen = true;
	if (vf->image->claims)
		bpfe_claims_note(vf);
	if (vf->log && vf->log->level >= 2)
		trace(vf, insn);
	err = follow(vf, insn);
	vf->pc = err ? vf->pc : vf->next;
	return err;
}

/* ---- All paths ----------------------------------------------------------------------------- */

/* The context in r1; or memory, which may be none, and its length in r2. */
static void give_arguments(const struct bpfe_vf *vf, struct bpfe_reg *regs)
{
	if (vf->image->type != BPFE_PROG_MEM) {
		regs[BPF_REG_1] = bpfe_reg_pointer(BPFE_REG_CTX);
		return;
	}
	regs[BPF_REG_1] = bpfe_reg_pointer(BPFE_REG_MEM);
	regs[BPF_REG_1].kind = BPFE_OF_PROGRAM;
	regs[BPF_REG_1].size = vf->image->mem_size;
	regs[BPF_REG_1].nullable = !vf->image->mem_size;
	regs[BPF_REG_2] = bpfe_reg_scalar(bpfe_scalar_const(vf->image->mem_size));
}

static int begin(struct bpfe_vf *vf, uint32_t function)
{
	int err;

	vf->cur = bpfe_state_new(vf);
	if (!vf->cur)
		return bpfe_vf_no_memory(vf);
	vf->pc = vf->image->subprogs[function].start;
	vf->path = NULL;
	vf->parent = NULL;
	bpfe_length_begin(vf);
	err = bpfe_state_push(vf, vf->cur, function, 0);
	if (err)
		return err;
	if (function)
		bpfe_give_global_arguments(vf, function, bpfe_top(vf->cur)->regs);
	else
		give_arguments(vf, bpfe_top(vf->cur)->regs);
	return 0;
}

static int follow_all(struct bpfe_vf *vf, uint32_t function)
{
	int err = begin(vf, function);

	while (!err) {
		vf->path_ends = false;
		while (!err && !vf->path_ends)
			err = step(vf);
		if (err)
			return err;
		bpfe_length_end(vf);
		bpfe_prune_path_ended(vf, vf->parent);
		bpfe_state_free(vf, vf->cur);
		vf->cur = NULL;
		if (!resume(vf))
			return 0;
	}
	return err;
}

static void drop_everything(struct bpfe_vf *vf)
{
	while (vf->pending) {
		struct bpfe_pending *later = vf->pending;

		vf->pending = later->next;
		bpfe_state_free(vf, later->state);
		bpfe_vf_give(vf, &vf->spare_paths, later, sizeof(*later));
	}
	bpfe_places_free(vf);
	bpfe_state_free(vf, vf->cur);
	vf->cur = NULL;
	bpfe_prune_free(vf);
	vf->path = NULL;
	while (vf->arena) {
		struct bpfe_arena_block *block = vf->arena;

		vf->arena = block->next;
		bpfe_vf_free(vf, block, sizeof(*block));
	}
}

int bpfe_explore(struct bpfe_vf *vf)
{
	uint32_t function = 0;
	int err;

	do {
		err = follow_all(vf, function);
		bpfe_length_function(vf, function);
		drop_everything(vf);
		function = err ? 0 : bpfe_next_global(vf);
	} while (function);
	return err;
}
