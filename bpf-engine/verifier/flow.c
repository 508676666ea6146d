// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * The program's graph: which instruction may follow which, where paths meet, which function calls
 * which (no recursion). The passes in frameptr.c and liveness.c run over it, each with a work list:
 * an instruction is looked at again when what it depends on has changed, which it can only so
 * often.
 */
#include "verifier/flow.h"

uint32_t bpfe_flow_callee(const struct bpfe_image *image, uint32_t i)
{
	const struct bpf_insn *insn = &image->insns[i];

	if (insn->code != (BPF_JMP | BPF_CALL) || insn->src_reg != BPF_PSEUDO_CALL)
		return UINT32_MAX;
	return image->aux[(int64_t)i + 1 + insn->imm].subprog;
}

uint32_t bpfe_flow_address(const struct bpfe_image *image, uint32_t i)
{
	return image->aux[i].form == BPFE_FORM_LD_FUNC ? image->aux[i].callee : UINT32_MAX;
}

unsigned bpfe_flow_successors(const struct bpfe_image *image, uint32_t i, uint32_t next[2])
{
	const struct bpf_insn *insn = &image->insns[i];
	uint8_t class = BPF_CLASS(insn->code), op = BPF_OP(insn->code);

	if (image->aux[i].writes_r10) /* refused when reached */
		return 0;
	next[0] = i + 1 + bpfe_is_wide(insn);
	if ((class != BPF_JMP && class != BPF_JMP32) || op == BPF_CALL)
		return 1;
	if (op == BPF_EXIT)
		return 0;
	if (op == BPF_JA) {
		next[0] = (uint32_t)((int64_t)i + 1 + (class == BPF_JMP ? insn->off : insn->imm));
		return 1;
	}
	next[1] = (uint32_t)((int64_t)i + 1 + insn->off);
	return 2;
}

void bpfe_flow_push(struct bpfe_flow *flow, uint32_t i)
{
	if (flow->queued[i])
		return;
	flow->queued[i] = 1;
	flow->queue[flow->n_queue++] = i;
}

bool bpfe_flow_take(struct bpfe_flow *flow, uint32_t *i)
{
	if (!flow->n_queue)
		return false;
	*i = flow->queue[--flow->n_queue];
	flow->queued[*i] = 0;
	return true;
}

int bpfe_flow_poll(struct bpfe_vf *vf, uint32_t *steps)
{
	if (++*steps % BPFE_VF_POLL || !vf->image->cancel || !atomic_load(vf->image->cancel))
		return 0;
	return bpfe_vf_refuse_err(vf, -ECANCELED, BPFE_CANCELLED, NULL, "verification cancelled");
}

/* ---- Edges --------------------------------------------------------------------------------- */

typedef void (*edge_fn)(struct bpfe_flow *flow, uint32_t from, uint32_t to);

static void each_edge(const struct bpfe_image *image, struct bpfe_flow *flow, edge_fn fn)
{
	for (uint32_t i = 0; i < image->n_insns; i++) {
		uint32_t next[2];
		unsigned n = bpfe_flow_successors(image, i, next);

		for (unsigned k = 0; k < n; k++)
			fn(flow, i, next[k]);
		i += bpfe_is_wide(&image->insns[i]);
	}
}

static void count_edge(struct bpfe_flow *flow, uint32_t from, uint32_t to)
{
	flow->pred_first[to]++;
	flow->loop_head[to] |= to <= from;
}

/* pred_first[to] is one past the last free place and ends as the first. */
static void enter_edge(struct bpfe_flow *flow, uint32_t from, uint32_t to)
{
	flow->preds[--flow->pred_first[to]] = from;
}

/* May the instruction be come back to any number of times without an end in sight? */
static bool begins_rounds(const struct bpfe_image *image, uint32_t i)
{
	uint8_t form = image->aux[i].form;
	const struct bpfe_helper *helper;

	if (form == BPFE_FORM_MAY_GOTO)
		return true;
	if (form != BPFE_FORM_CALL_HELPER && form != BPFE_FORM_CALL_KFUNC)
		return false;
	helper = bpfe_helper_by_id((uint32_t)image->insns[i].imm);
	return helper && (helper->calls_back || helper->args[0] == BPFE_ARG_ITER);
}

static void find_merges(const struct bpfe_image *image, struct bpfe_flow *flow)
{
	for (uint32_t i = 0; i < image->n_insns; i++)
		flow->merge[i] = flow->pred_first[i + 1] - flow->pred_first[i] > 1;
	for (uint32_t f = 0; f < image->n_subprogs; f++) {
		uint32_t start = image->subprogs[f].start;

		flow->merge[start] = flow->pred_first[start + 1] != flow->pred_first[start];
	}
	for (uint32_t i = 0; i + 1 < image->n_insns; i++) {
		if (bpfe_flow_callee(image, i) != UINT32_MAX ||
		    image->aux[i].form == BPFE_FORM_CALLX)
			flow->merge[i + 1] = 1;
		if (begins_rounds(image, i))
			flow->merge[i] = flow->loop_head[i] = 1;
		i += bpfe_is_wide(&image->insns[i]);
	}
}

static int find_edges(struct bpfe_vf *vf, struct bpfe_flow *flow)
{
	const struct bpfe_image *image = vf->image;
	uint32_t n = image->n_insns;

	flow->pred_first = calloc(n + 1, sizeof(*flow->pred_first));
	flow->preds = calloc(2 * (size_t)n, sizeof(*flow->preds));
	flow->merge = calloc(n, 1);
	flow->loop_head = calloc(n, 1);
	if (!flow->pred_first || !flow->preds || !flow->merge || !flow->loop_head)
		return bpfe_vf_no_memory(vf);
	each_edge(image, flow, count_edge);
	for (uint32_t i = 1; i <= n; i++)
		flow->pred_first[i] += flow->pred_first[i - 1];
	each_edge(image, flow, enter_edge);
	find_merges(image, flow);
	return 0;
}

/* ---- Calls --------------------------------------------------------------------------------- */

enum {
	UNSEEN,
	OPEN,
	DONE
};

struct walk {
	uint32_t *stack;  /* functions entered and not left */
	uint32_t *resume; /* by function: next instruction to look at */
	uint8_t *colour;
	uint32_t depth;
};

/* The next function that @function calls, from where the last look ended; UINT32_MAX at the end. */
static uint32_t next_callee(const struct bpfe_image *image, struct walk *w, uint32_t function,
			    uint32_t *site)
{
	while (w->resume[function] < image->subprogs[function].end) {
		uint32_t i = w->resume[function];
		uint32_t callee = bpfe_flow_callee(image, i);

		if (callee == UINT32_MAX)
			callee = bpfe_flow_address(image, i);
		w->resume[function] = i + 1 + bpfe_is_wide(&image->insns[i]);
		if (callee != UINT32_MAX) {
			*site = i;
			return callee;
		}
	}
	return UINT32_MAX;
}

static void enter(const struct bpfe_image *image, struct walk *w, uint32_t function)
{
	w->colour[function] = OPEN;
	w->resume[function] = image->subprogs[function].start;
	w->stack[w->depth++] = function;
}

/* Depth first; a function is put before all it calls by filling the order from its end. */
static int walk_calls(struct bpfe_vf *vf, struct bpfe_flow *flow, struct walk *w)
{
	const struct bpfe_image *image = vf->image;
	uint32_t left = image->n_subprogs, callee, site = 0;

	enter(image, w, 0);
	while (w->depth) {
		uint32_t function = w->stack[w->depth - 1];

		callee = next_callee(image, w, function, &site);
		if (callee == UINT32_MAX) {
			w->colour[function] = DONE;
			flow->order[--left] = function;
			w->depth--;
		} else if (w->colour[callee] == OPEN) {
			vf->pc = site;
			return bpfe_vf_refuse(vf, BPFE_BAD_CONTROL, -1, "calls that form no cycle",
					      "recursion: function at %u is called while it runs",
					      image->subprogs[callee].start);
		} else if (w->colour[callee] == UNSEEN) {
			enter(image, w, callee);
		}
	}
	flow->n_order = image->n_subprogs - left;
	memmove(flow->order, flow->order + left, flow->n_order * sizeof(flow->order[0]));
	return 0;
}

static int find_order(struct bpfe_vf *vf, struct bpfe_flow *flow)
{
	uint32_t n = vf->image->n_subprogs;
	struct walk w = {
		.stack = calloc(n, sizeof(*w.stack)),
		.resume = calloc(n, sizeof(*w.resume)),
		.colour = calloc(n, 1),
	};
	int err;

	flow->order = calloc(n, sizeof(*flow->order));
	if (w.stack && w.resume && w.colour && flow->order)
		err = walk_calls(vf, flow, &w);
	else
		err = bpfe_vf_no_memory(vf);
	free(w.stack);
	free(w.resume);
	free(w.colour);
	return err;
}

/* ---- All together -------------------------------------------------------------------------- */

static int run_passes(struct bpfe_vf *vf, struct bpfe_flow *flow)
{
	uint32_t n = vf->image->n_insns;
	int err = 0;

	flow->queue = calloc(n, sizeof(*flow->queue));
	flow->queued = calloc(n, 1);
	flow->before = calloc(n, sizeof(*flow->before));
	flow->entries = calloc(vf->image->n_subprogs, sizeof(*flow->entries));
	flow->live = calloc(n, sizeof(*flow->live));
	flow->last_call = calloc(n, sizeof(*flow->last_call));
	if (!flow->last_call || !flow->queue || !flow->queued || !flow->before || !flow->entries ||
	    !flow->live)
		return bpfe_vf_no_memory(vf);
	/* Arguments are known when a function's callers are done, what it reads before they are. */
	for (uint32_t k = 0; !err && k < flow->n_order; k++)
		err = bpfe_flow_frame_pointers(vf, flow->order[k]);
	for (uint32_t k = flow->n_order; !err && k > 0; k--)
		err = bpfe_flow_liveness(vf, flow->order[k - 1]);
	return err;
}

int bpfe_flow_build(struct bpfe_vf *vf)
{
	struct bpfe_flow *flow = calloc(1, sizeof(*flow));
	int err;

	if (!flow)
		return bpfe_vf_no_memory(vf);
	vf->flow = flow;
	err = find_edges(vf, flow);
	if (!err)
		err = find_order(vf, flow);
	if (!err)
		err = run_passes(vf, flow);
	if (!err)
		err = bpfe_flow_find_globals(vf);
	if (!err)
		err = bpfe_flow_find_limits(vf);
	return err;
}

void bpfe_flow_free(struct bpfe_flow *flow)
{
	if (!flow)
		return;
	free(flow->pred_first);
	free(flow->preds);
	free(flow->merge);
	free(flow->order);
	free(flow->calls);
	free(flow->limits);
	free(flow->moves_packet);
	free(flow->global);
	free(flow->longest);
	free(flow->loop_head);
	free(flow->last_call);
	free(flow->before);
	free(flow->entries);
	free(flow->live);
	free(flow->queue);
	free(flow->queued);
	free(flow);
}

int bpfe_flow_note_call(struct bpfe_vf *vf, uint32_t function)
{
	struct bpfe_flow *flow = vf->flow;

	if (flow->last_call[vf->pc] == function + 1)
		return 0;
	flow->last_call[vf->pc] = function + 1;
	if (flow->n_calls == flow->room_calls) {
		uint32_t room = 2 * flow->room_calls + 16;
		struct bpfe_flow_call *calls = realloc(flow->calls, room * sizeof(*calls));

		if (!calls)
			return bpfe_vf_no_memory(vf);
		flow->calls = calls;
		flow->room_calls = room;
	}
	flow->calls[flow->n_calls++] =
		(struct bpfe_flow_call){vf->image->aux[vf->pc].subprog, function};
	return 0;
}

void bpfe_flow_forget_calls(struct bpfe_vf *vf)
{
	vf->flow->n_calls = 0;
	memset(vf->flow->global, 0, vf->image->n_subprogs * sizeof(vf->flow->global[0]));
	memset(vf->flow->last_call, 0, vf->image->n_insns * sizeof(vf->flow->last_call[0]));
}

bool bpfe_flow_is_loop_head(const struct bpfe_vf *vf, uint32_t pc)
{
	return vf->flow->loop_head[pc];
}

bool bpfe_flow_is_merge(const struct bpfe_vf *vf, uint32_t pc)
{
	return vf->flow->merge[pc];
}

uint32_t bpfe_flow_order(const struct bpfe_vf *vf, const uint32_t **order)
{
	*order = vf->flow->order;
	return vf->flow->n_order;
}
