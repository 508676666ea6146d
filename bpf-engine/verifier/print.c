// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * States as text, in the notation that users of Linux's verifier know. Bounds that say nothing are
 * left out, so "scalar()" is any number.
 */
#include <inttypes.h>
#include <stdarg.h>
#include "verifier/verifier.h"

const char *bpfe_reg_type_name(const struct bpfe_reg *reg)
{
	static const char *const or_null[BPFE_REG_TYPES] = {
		[BPFE_REG_MAP_VALUE] = "map_value_or_null",
		[BPFE_REG_MAP] = "map_ptr_or_null",
		[BPFE_REG_MEM] = "mem_or_null",
	};
	static const char *const names[BPFE_REG_TYPES] = {
		[BPFE_REG_UNINIT] = "nothing",
		[BPFE_REG_SCALAR] = "scalar",
		[BPFE_REG_CTX] = "ctx",
		[BPFE_REG_PACKET] = "pkt",
		[BPFE_REG_PACKET_META] = "pkt_meta",
		[BPFE_REG_PACKET_END] = "pkt_end",
		[BPFE_REG_STACK] = "fp",
		[BPFE_REG_MAP_VALUE] = "map_value",
		[BPFE_REG_MAP] = "map_ptr",
		[BPFE_REG_MAP_KEY] = "map_key",
		[BPFE_REG_MEM] = "mem",
		[BPFE_REG_FUNC] = "func",
		[BPFE_REG_DYNPTR_PTR] = "dynptr_ptr",
		[BPFE_REG_DYNPTR] = "dynptr",
		[BPFE_REG_ITER] = "iter_num",
	};

	return reg->nullable && or_null[reg->type] ? or_null[reg->type] : names[reg->type];
}

struct text {
	char *buf;
	size_t size, len;
	const char *separator;
};

static void put(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void put(struct text *t, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(t->buf + t->len, t->size - t->len, fmt, args);
	va_end(args);
	if (n > 0)
		t->len += (size_t)n < t->size - t->len ? (size_t)n : t->size - t->len - 1;
}

static void put_item(struct text *t)
{
	put(t, "%s", t->separator);
	t->separator = ",";
}

static void put_unsigned(struct text *t, const char *name, uint64_t v, uint64_t nothing)
{
	if (v == nothing)
		return;
	put_item(t);
	put(t, v > 0xfffffff ? "%s=0x%" PRIx64 : "%s=%" PRIu64, name, v);
}

static void put_signed(struct text *t, const char *name, int64_t v, int64_t nothing)
{
	if (v == nothing)
		return;
	put_item(t);
	put(t, "%s=%" PRId64, name, v);
}

/* Bounds of @s; those of the low half only where the whole does not already give them. */
static void put_bounds(struct text *t, const struct bpfe_scalar *s)
{
	const struct bpfe_word *x = &s->x, *lo = &s->lo;

	if (x->smin != (int64_t)x->umin || x->smax != (int64_t)x->umax) {
		put_signed(t, "smin", x->smin, INT64_MIN);
		put_signed(t, "smax", x->smax, INT64_MAX);
	}
	put_unsigned(t, "umin", x->umin, 0);
	put_unsigned(t, "umax", x->umax, UINT64_MAX);
	if (x->bits.mask != UINT64_MAX) {
		put_item(t);
		put(t, "var_off=(0x%" PRIx64 "; 0x%" PRIx64 ")", x->bits.value, x->bits.mask);
	}
	if (lo->smin != x->smin && (uint64_t)lo->smin != x->umin)
		put_signed(t, "smin32", lo->smin, INT32_MIN);
	if (lo->smax != x->smax && (uint64_t)lo->smax != x->umax)
		put_signed(t, "smax32", lo->smax, INT32_MAX);
	if (lo->umin != x->umin)
		put_unsigned(t, "umin32", lo->umin, 0);
	if (lo->umax != x->umax)
		put_unsigned(t, "umax32", lo->umax, UINT32_MAX);
}

static void put_dynptr(struct text *t, const struct bpfe_reg *reg)
{
	static const char *const kinds[] = {"any", "local", "ringbuf", "xdp"};

	put_item(t);
	put(t, "%s%s", kinds[reg->kind], reg->part == BPFE_PART_SECOND ? ",second half" : "");
}

static void put_pointer(const struct bpfe_vf *vf, struct text *t, const struct bpfe_reg *reg)
{
	if (reg->type == BPFE_REG_STACK)
		put(t, "[%u]", reg->frame);
	put(t, "(");
	if (reg->type == BPFE_REG_MAP || reg->type == BPFE_REG_MAP_VALUE ||
	    reg->type == BPFE_REG_MAP_KEY) {
		const struct bpfe_map_attr *attr = bpfe_reg_map(vf, reg);

		put_item(t);
		put(t, "map=%.16s,ks=%u,vs=%u", attr->name, attr->key_size, attr->value_size);
	}
	if (reg->type == BPFE_REG_DYNPTR)
		put_dynptr(t, reg);
	if (reg->type == BPFE_REG_MEM) {
		put_item(t);
		put(t, "sz=%u%s", reg->size, reg->rdonly ? ",rdonly" : "");
	}
	put_unsigned(t, "id", reg->id, 0);
	put_unsigned(t, "ref", reg->ref, 0);
	if (reg->off || reg->type == BPFE_REG_PACKET || reg->type == BPFE_REG_PACKET_META)
		put_signed(t, "off", reg->off, INT64_MAX);
	if (reg->type == BPFE_REG_PACKET || reg->type == BPFE_REG_PACKET_META)
		put_unsigned(t, "r", reg->range, UINT64_MAX);
	if (!bpfe_scalar_is_const(&reg->val) || reg->val.x.umin)
		put_bounds(t, &reg->val);
	put(t, ")");
}

void bpfe_reg_print(const struct bpfe_vf *vf, const struct bpfe_reg *reg, char *buf, size_t size)
{
	struct text t = {.buf = buf, .size = size, .separator = ""};

	buf[0] = '\0';
	if (reg->type == BPFE_REG_STACK && bpfe_scalar_is_const(&reg->val)) {
		put(&t, "fp%" PRId64, reg->off + reg->val.x.smin);
		if (reg->frame != vf->cur->depth - 1)
			put(&t, " of frame %u", reg->frame);
	} else if (reg->type == BPFE_REG_SCALAR && bpfe_scalar_is_const(&reg->val)) {
		put(&t, reg->val.x.umin > 0xffffffff ? "0x%" PRIx64 : "%" PRIu64, reg->val.x.umin);
	} else {
		put(&t, "%s", bpfe_reg_type_name(reg));
		if (reg->type == BPFE_REG_UNINIT)
			return;
		if (reg->type != BPFE_REG_SCALAR) {
			put_pointer(vf, &t, reg);
			return;
		}
		put(&t, "(");
		put_unsigned(&t, "id", reg->id, 0);
		put_bounds(&t, &reg->val);
		put(&t, ")");
	}
}

static void print_slot(const struct bpfe_vf *vf, const struct bpfe_slot *slot, uint32_t i)
{
	static const char letters[] = {'?', 'm', 'k', 's'};
	char buf[BPFE_REG_TEXT], kinds[9];

	for (unsigned b = 0; b < 8; b++)
		kinds[b] = letters[slot->kind[b]];
	kinds[8] = '\0';
	if (!strcmp(kinds, "????????"))
		return;
	bpfe_log(vf->log, " fp-%u=%s", 8 * (i + 1), kinds);
	if (slot->spill_size) {
		bpfe_reg_print(vf, &slot->spill, buf, sizeof(buf));
		bpfe_log(vf->log, ":%s", buf);
	}
}

static void print_held(const struct bpfe_vf *vf, const struct bpfe_state *state)
{
	static const char *const kinds[] = {"ref", "iter", "lock"};

	for (uint32_t i = 0; i < state->n_held; i++)
		bpfe_log(vf->log, " %s=%u", kinds[state->held[i].kind], state->held[i].id);
}

void bpfe_state_print(const struct bpfe_vf *vf, const struct bpfe_state *state)
{
	const struct bpfe_frame *frame = bpfe_top(state);
	char buf[BPFE_REG_TEXT];

	if (state->depth > 1)
		bpfe_log(vf->log, " frame%u:", state->depth - 1);
	for (unsigned r = 0; r < MAX_BPF_REG; r++) {
		if (frame->regs[r].type == BPFE_REG_UNINIT)
			continue;
		bpfe_reg_print(vf, &frame->regs[r], buf, sizeof(buf));
		bpfe_log(vf->log, " R%u=%s", r, buf);
	}
	for (uint32_t i = 0; frame->stack && i < frame->stack->n; i++)
		print_slot(vf, &frame->stack->slots[i], i);
	print_held(vf, state);
	bpfe_log(vf->log, "\n");
}
