// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Accesses to the context, and legacy packet access, which takes the frame from it.
 *
 * The context is no memory: the table in context.c says which fields a program's type has, what may
 * be loaded and stored of them, and the interpreter computes them. So an access has to be known
 * when the program is translated: through the pointer the program was given, as in Linux, not one
 * that was moved.
 *
 * Imprecision: what a field holds is unknown, also where it is always 0.
 */
#include "context.h"
#include "verifier/verifier.h"

/* What of @row (NULL: of the context) may be accessed, for refusals. */
static void describe(const struct bpfe_vf *vf, const struct bpfe_ctx_row *row, bool write,
		     char *buf, size_t size)
{
	const char *what = write ? "stores of" : "loads of";

	if (vf->image->type == BPF_PROG_TYPE_XDP)
		snprintf(buf, size,
			 "4-byte loads of data (0), data_end (4), data_meta (8), "
			 "ingress_ifindex (12), rx_queue_index (16), egress_ifindex (20)");
	else if (!row)
		snprintf(buf, size, "fields that struct __sk_buff has for tc programs");
	else if (write && !(row->access & BPFE_CTX_WRITE))
		snprintf(buf, size, "loads of %s (%u) only", row->name, row->off);
	else if (row->access & BPFE_CTX_ANY)
		snprintf(buf, size, "%s aligned 1, 2, 4 or 8 bytes of %s (%u, %u bytes)", what,
			 row->name, row->off, row->size);
	else if (!write && (row->access & BPFE_CTX_NARROW))
		snprintf(buf, size, "%s %s (%u, %u bytes) or an aligned part", what, row->name,
			 row->off, row->size);
	else
		snprintf(buf, size, "%s all %u bytes of %s (%u)", what, row->size, row->name,
			 row->off);
}

static int check_access(struct bpfe_vf *vf, int regno, const struct bpf_insn *insn,
			const struct bpfe_reg *base, bool write, const struct bpfe_ctx_row **found)
{
	const struct bpfe_ctx_row *row = bpfe_ctx_row_at(vf->image->type, insn->off);
	struct bpfe_insn_aux *aux = &vf->image->aux[vf->pc];
	bool sign = BPF_CLASS(insn->code) == BPF_LDX && BPF_MODE(insn->code) == BPFE_MEMSX;
	unsigned size = bpfe_insn_size(insn);
	char accepted[160];

	if (base->off)
		return bpfe_vf_refuse(vf, BPFE_BAD_CONTEXT, regno,
				      "an access through the pointer the program was given",
				      "the context pointer in R%d was moved by %d", regno,
				      base->off);
	if (!row || !bpfe_ctx_allowed(row, insn->off, size, write) ||
	    (sign && row->source == BPFE_CTX_FROM_POINTER)) {
		describe(vf, row, write, accepted, sizeof(accepted));
		return bpfe_vf_refuse(vf, BPFE_BAD_CONTEXT, regno, accepted,
				      "context %s of %u bytes at offset %d",
				      write ? "store" : "load", size, insn->off);
	}
	aux->ctx_field = row->field;
	aux->ctx_byte = (uint8_t)(insn->off - row->off);
	*found = row;
	return 0;
}

static enum bpfe_reg_type pointer_type(uint8_t field)
{
	switch (field) {
	case BPFE_CTX_DATA:
		return BPFE_REG_PACKET;
	case BPFE_CTX_DATA_END:
		return BPFE_REG_PACKET_END;
	default:
		return BPFE_REG_PACKET_META;
	}
}

int bpfe_vf_load_ctx(struct bpfe_vf *vf, int regno, const struct bpf_insn *insn,
		     const struct bpfe_reg *base, struct bpfe_reg *result)
{
	const struct bpfe_ctx_row *row = NULL;
	int err = check_access(vf, regno, insn, base, false, &row);

	if (err)
		return err;
	if (row->source == BPFE_CTX_FROM_POINTER)
		*result = bpfe_reg_pointer(pointer_type(row->field));
	else
		*result = bpfe_reg_scalar(bpfe_scalar_loaded(bpfe_insn_size(insn), false));
	return 0;
}

int bpfe_vf_store_ctx(struct bpfe_vf *vf, int regno, const struct bpf_insn *insn,
		      const struct bpfe_reg *base)
{
	const struct bpfe_ctx_row *row = NULL;

	if (vf->image->type == BPF_PROG_TYPE_XDP)
		return bpfe_vf_refuse(
			vf, BPFE_BAD_CONTEXT, regno,
			"loads only; bpf_xdp_adjust_head() and its like move the packet",
			"the context cannot be written");
	if (BPF_CLASS(insn->code) == BPF_STX) {
		int err = bpfe_check_scalar(vf, insn->src_reg, "storing it here");

		if (err)
			return err;
	}
	return check_access(vf, regno, insn, base, true, &row);
}

/* ---- Legacy packet access ------------------------------------------------------------------ */

/* Where the frame ends before the bytes, the function returns 0 to its caller. */
static int follow_missing(struct bpfe_vf *vf)
{
	struct bpfe_state *here = vf->cur, *missing = bpfe_state_copy(vf, here);
	uint32_t next = vf->next;
	int err;

	if (!missing)
		return bpfe_vf_no_memory(vf);
	vf->cur = missing;
	bpfe_top(missing)->regs[BPF_REG_0] = bpfe_reg_scalar(bpfe_scalar_const(0));
	err = bpfe_vf_exit(vf);
	vf->cur = here;
	if (err || vf->path_ends) {
		bpfe_state_free(vf, missing);
		vf->path_ends = false;
		vf->next = next;
		return err;
	}
	err = bpfe_explore_later(vf, missing, vf->next);
	vf->next = next;
	return err;
}

int bpfe_vf_load_packet(struct bpfe_vf *vf, const struct bpf_insn *insn)
{
	struct bpfe_reg *regs = bpfe_top(vf->cur)->regs;
	int err;

	if (vf->image->type != BPF_PROG_TYPE_SCHED_CLS)
		return bpfe_vf_refuse_err(vf, -EINVAL, BPFE_BAD_ENCODING,
					  "loads through data, checked against data_end",
					  "legacy packet access is for tc programs only");
	err = bpfe_check_reg(vf, BPF_REG_6);
	if (!err && (regs[BPF_REG_6].type != BPFE_REG_CTX || regs[BPF_REG_6].off))
		return bpfe_vf_refuse(vf, BPFE_BAD_CONTEXT, BPF_REG_6,
				      "the context as the program was given it, in R6",
				      "legacy packet access takes the context from R6");
	if (!err && BPF_MODE(insn->code) == BPF_IND)
		err = bpfe_check_scalar(vf, insn->src_reg, "using it as a packet offset");
	if (!err)
		err = follow_missing(vf);
	if (err)
		return err;
	for (unsigned r = BPF_REG_1; r <= BPF_REG_5; r++)
		regs[r] = (struct bpfe_reg){.type = BPFE_REG_UNINIT};
	regs[BPF_REG_0] = bpfe_reg_scalar(bpfe_scalar_loaded(bpfe_insn_size(insn), false));
	return 0;
}
