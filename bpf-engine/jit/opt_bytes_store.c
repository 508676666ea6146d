/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Neighbouring stores that become one: of constants, of the bytes of one value, and of what was
 * loaded from as many neighbouring places, whose loads become one as well (a header's addresses
 * swapped byte by byte).
 *
 * Stores are told apart by what they store: two may be joined if they have the same key. The store
 * to the lowest address grows and the others go; those of a copy take their loads along to the load
 * of the lowest. So accesses move, up or down, and each joint of the block depends on whether the
 * others come about. All are assumed to, then those that would put two accesses to the same bytes
 * into another order are given up until none does.
 */
#include "jit/opt_memory.h"

#define MAX_STORES 64u /* looked at together */
#define MAX_JOINTS 24u
#define MAX_PARTS  8u

enum source {
	SOURCE_CONSTANT,
	SOURCE_VALUE, /* bytes of the value id */
	SOURCE_COPY,  /* of memory of the class id */
};

struct part {
	uint8_t source;
	uint8_t size;
	uint8_t limit;  /* bytes of the stored register that continue the value */
	uint16_t class; /* stored to */
	int32_t disp;
	int32_t id;
	int64_t delta;        /* place in the value or of the load, less disp */
	uint32_t store, load; /* operations */
	int64_t imm;
};

struct joint {
	const struct part *parts; /* neighbours, the lowest first */
	uint8_t n_parts, size;
	bool failed;
	uint32_t first, last; /* operations; all of its accesses are, and stay, between them */
};

struct join {
	struct jit_bytes_room *room;
	struct jit_local *local;
	struct part parts[MAX_STORES];
	struct joint joints[MAX_JOINTS];
	uint32_t n_parts, n_joints;
};

/* ---- What is stored ------------------------------------------------------------------------- */

static void describe_constant(struct part *part, int64_t imm)
{
	unsigned shift = 64 - 8 * part->size;

	part->source = SOURCE_CONSTANT;
	part->imm = (int64_t)((uint64_t)imm << shift) >> shift;
	part->id = 0;
	part->delta = 0;
}

/* The value that @value is bytes of, from *shift on; JIT_NO_VALUE: of none. */
static jit_value see_through(const struct join *j, jit_value value, unsigned *shift)
{
	const struct lir_op *op = &j->local->ops[value];

	*shift = 0;
	if (op->code == LIR_MOV && op->b < LIR_NONE)
		return j->local->operands[value].b;
	if (op->code != LIR_SHR || op->b != LIR_IMM || op->imm % 8 || op->imm <= 0 ||
	    op->imm >= 8 * op->size)
		return JIT_NO_VALUE;
	*shift = (unsigned)op->imm / 8;
	return j->local->operands[value].a;
}

/* The stored register is some bytes of an older value. */
static void describe_value(const struct join *j, struct part *part, jit_value value)
{
	unsigned place = 0, limit = 8;

	for (unsigned depth = 0; depth < 4 && value >= 0; depth++) {
		unsigned shift, size = j->local->ops[value].size;
		jit_value from = see_through(j, value, &shift);

		if (from == JIT_NO_VALUE || place + shift + part->size > size)
			break;
		place += shift;
		if (limit > size - place)
			limit = size - place;
		value = from;
	}
	part->source = SOURCE_VALUE;
	part->id = value;
	part->delta = (int64_t)place - part->disp;
	part->limit = (uint8_t)limit;
}

/* Is @value what one load of as many bytes gave, and gave nobody else? */
static bool describe_copy(const struct join *j, struct part *part, jit_value value)
{
	const struct jit_access *load;

	if (value < 0 || j->room->accesses.of[value] == JIT_NO_ACCESS ||
	    j->local->n_uses[value] != 1 || j->local->operands[part->store].base == value ||
	    j->local->operands[part->store].index == value)
		return false;
	load = &j->room->accesses.all[j->room->accesses.of[value]];
	if (!load->load || load->size != part->size)
		return false;
	part->source = SOURCE_COPY;
	part->load = (uint32_t)value;
	part->id = load->class;
	part->delta = (int64_t)load->disp - part->disp;
	return true;
}

static void add_part(struct join *j, const struct jit_access *access)
{
	const struct lir_op *op = &j->local->ops[access->op];
	jit_value value = j->local->operands[access->op].b;
	struct part *part = &j->parts[j->n_parts++];

	*part = (struct part){.size = access->size,
			      .class = access->class,
			      .disp = access->disp,
			      .store = access->op};
	if (op->b == LIR_IMM)
		describe_constant(part, op->imm);
	else if (value >= 0 && j->local->ops[value].code == LIR_MOV &&
		 j->local->ops[value].b == LIR_IMM)
		describe_constant(part, j->local->ops[value].imm);
	else if (!describe_copy(j, part, value))
		describe_value(j, part, value);
}

/* ---- Who goes with whom --------------------------------------------------------------------- */

static int compare_keys(const struct part *x, const struct part *y)
{
	if (x->class != y->class)
		return x->class < y->class ? -1 : 1;
	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return (x->delta > y->delta) - (x->delta < y->delta);
}

static bool is_before(const struct part *x, const struct part *y)
{
	int order = compare_keys(x, y);

	return order ? order < 0 : x->disp < y->disp;
}

/* They come nearly in order, and are few. */
static void sort_parts(struct join *j)
{
	for (uint32_t i = 1; i < j->n_parts; i++) {
		const struct part part = j->parts[i];
		uint32_t at = i;

		for (; at && is_before(&part, &j->parts[at - 1]); at--)
			j->parts[at] = j->parts[at - 1];
		j->parts[at] = part;
	}
}

static bool is_encodable(const struct part *parts, unsigned n_parts, unsigned size)
{
	if (parts->source == SOURCE_VALUE)
		return parts->limit >= size;
	if (parts->source == SOURCE_COPY || size < 8)
		return true;
	/* A constant of 8 bytes has to be one of 4, sign-extended. */
	return n_parts == 2 && parts[1].imm == ((int32_t)parts[0].imm < 0 ? -1 : 0);
}

/* How many parts from @at on make a word, as large as can be but no larger than @max; 0: none. */
static unsigned take_word(const struct join *j, uint32_t at, unsigned max, unsigned *size)
{
	const struct part *parts = &j->parts[at];
	unsigned bytes = 0, best = 0;

	for (unsigned n = 0; n < MAX_PARTS && at + n < j->n_parts; n++) {
		if (n && (compare_keys(&parts[n], &parts[0]) ||
			  parts[n].disp != (int64_t)parts[0].disp + bytes))
			break;
		bytes += parts[n].size;
		if (bytes > max)
			break;
		if (n && (bytes == 2 || bytes == 4 || bytes == 8) &&
		    is_encodable(parts, n + 1, bytes)) {
			best = n + 1;
			*size = bytes;
		}
	}
	return best;
}

static struct joint make_joint(const struct part *parts, unsigned n_parts, unsigned size)
{
	struct joint joint = {.parts = parts,
			      .n_parts = (uint8_t)n_parts,
			      .size = (uint8_t)size,
			      .first = UINT32_MAX};

	for (unsigned i = 0; i < n_parts; i++) {
		const struct part *part = &parts[i];
		uint32_t first = part->source == SOURCE_COPY ? part->load : part->store;

		if (first < joint.first)
			joint.first = first;
		if (part->store > joint.last)
			joint.last = part->store;
	}
	return joint;
}

static void find_joints(struct join *j, unsigned max)
{
	j->n_joints = 0;
	for (uint32_t i = 0; i < j->n_parts && j->n_joints < MAX_JOINTS;) {
		unsigned size, n = take_word(j, i, max, &size);

		if (n)
			j->joints[j->n_joints++] = make_joint(&j->parts[i], n, size);
		i += n ? n : 1;
	}
}

/* ---- Whether accesses may move -------------------------------------------------------------- */

static void move_joint(struct join *j, const struct joint *joint, bool back)
{
	for (unsigned i = 0; i < joint->n_parts; i++) {
		const struct part *part = &joint->parts[i];

		j->room->moved[part->store] = back ? part->store : joint->parts[0].store;
		if (part->source == SOURCE_COPY)
			j->room->moved[part->load] = back ? part->load : joint->parts[0].load;
	}
}

static bool is_swapped(const struct join *j, const struct jit_access *x, const struct jit_access *y)
{
	const uint32_t *moved = j->room->moved;

	return moved[x->op] != moved[y->op] && (x->op < y->op) != (moved[x->op] < moved[y->op]);
}

static bool is_write(const struct join *j, const struct jit_access *x)
{
	return lir_writes_memory(&j->local->ops[x->op]);
}

/* May the order of @x and @y not be changed? */
static bool conflicts(const struct join *j, const struct jit_access *x, const struct jit_access *y)
{
	if (x->kind != y->kind || (!is_write(j, x) && !is_write(j, y)))
		return false;
	return x->class != y->class || jit_accesses_overlap(x, y);
}

/* May @x move against what stays where it is? */
static bool passes_others(const struct join *j, uint32_t number)
{
	const struct jit_accesses *accesses = &j->room->accesses;
	const struct jit_access *x = &accesses->all[number];
	uint32_t to = accesses->of[j->room->moved[x->op]];
	const struct jit_access *there = &accesses->all[to];
	uint32_t first = to < number ? to : number, last = to < number ? number : to;

	if (x->foreign_writes != there->foreign_writes ||
	    (is_write(j, x) && x->foreign_reads != there->foreign_reads))
		return false;
	for (uint32_t i = first; i <= last; i++) {
		const struct jit_access *y = &accesses->all[i];

		if (y->class == x->class && conflicts(j, x, y) && is_swapped(j, x, y))
			return false;
	}
	return true;
}

/* And against what moves as well? */
static bool passes_part(const struct join *j, const struct jit_access *x, const struct part *part)
{
	const struct jit_accesses *accesses = &j->room->accesses;
	const struct jit_access *store = &accesses->all[accesses->of[part->store]];
	const struct jit_access *load =
		part->source == SOURCE_COPY ? &accesses->all[accesses->of[part->load]] : NULL;

	return !(conflicts(j, x, store) && is_swapped(j, x, store)) &&
	       !(load && conflicts(j, x, load) && is_swapped(j, x, load));
}

static bool passes_joints(const struct join *j, const struct jit_access *x)
{
	uint32_t to = j->room->moved[x->op];
	uint32_t first = to < x->op ? to : x->op, last = to < x->op ? x->op : to;

	for (uint32_t i = 0; i < j->n_joints; i++) {
		const struct joint *joint = &j->joints[i];

		/* What it moves past lies where it moves. */
		if (joint->failed || joint->first > last || joint->last < first)
			continue;
		for (unsigned p = 0; p < joint->n_parts; p++) {
			if (!passes_part(j, x, &joint->parts[p]))
				return false;
		}
	}
	return true;
}

static bool may_move(const struct join *j, uint32_t op)
{
	uint32_t number = j->room->accesses.of[op];

	return passes_others(j, number) && passes_joints(j, &j->room->accesses.all[number]);
}

static bool is_possible(const struct join *j, const struct joint *joint)
{
	for (unsigned i = 0; i < joint->n_parts; i++) {
		const struct part *part = &joint->parts[i];

		if (!may_move(j, part->store) ||
		    (part->source == SOURCE_COPY && !may_move(j, part->load)))
			return false;
	}
	return true;
}

/* Give up joints until the others are possible. Each round but the last gives up one or more. */
static void check_joints(struct join *j)
{
	bool changed = true;

	for (uint32_t i = 0; i < j->room->accesses.n; i++)
		j->room->moved[j->room->accesses.all[i].op] = j->room->accesses.all[i].op;
	for (uint32_t i = 0; i < j->n_joints; i++)
		move_joint(j, &j->joints[i], false);
	while (changed) {
		changed = false;
		for (uint32_t i = 0; i < j->n_joints; i++) {
			struct joint *joint = &j->joints[i];

			if (joint->failed || is_possible(j, joint))
				continue;
			joint->failed = true;
			move_joint(j, joint, true);
			changed = true;
		}
	}
}

/* ---- Doing it ------------------------------------------------------------------------------- */

static int64_t joined_constant(const struct joint *joint)
{
	unsigned shift = 64 - 8 * joint->size;
	uint64_t value = 0;

	for (unsigned i = joint->n_parts; i-- > 0;) {
		const struct part *part = &joint->parts[i];

		value = value << (8 * part->size % 64) |
			((uint64_t)part->imm & (UINT64_MAX >> (64 - 8 * part->size)));
	}
	return (int64_t)(value << shift) >> shift;
}

static void do_joint(struct join *j, const struct joint *joint)
{
	struct lir_op *ops = j->local->ops, *store = &ops[joint->parts[0].store];

	for (unsigned i = 1; i < joint->n_parts; i++) {
		ops[joint->parts[i].store].code = LIR_NOP;
		if (joint->parts[i].source == SOURCE_COPY)
			ops[joint->parts[i].load].code = LIR_NOP;
	}
	store->size = joint->size;
	if (joint->parts[0].source == SOURCE_COPY)
		ops[joint->parts[0].load].size = joint->size;
	if (joint->parts[0].source == SOURCE_CONSTANT) {
		store->b = LIR_IMM;
		store->imm = joined_constant(joint);
	}
}

static bool join_parts(struct join *j, unsigned max)
{
	bool made = false;

	sort_parts(j);
	find_joints(j, max);
	if (!j->n_joints)
		return false;
	check_joints(j);
	for (uint32_t i = 0; i < j->n_joints; i++) {
		if (j->joints[i].failed)
			continue;
		do_joint(j, &j->joints[i]);
		made = true;
	}
	return made;
}

/* Join words of at most @max bytes, of MAX_STORES stores at a time. */
static bool join_stores(struct join *j, unsigned max)
{
	const struct jit_accesses *accesses = &j->room->accesses;
	bool made = false;

	j->n_parts = 0;
	for (uint32_t i = 0; i < accesses->n; i++) {
		if (accesses->all[i].store && accesses->all[i].size < max)
			add_part(j, &accesses->all[i]);
		if (j->n_parts == MAX_STORES) {
			made |= join_parts(j, max);
			if (made)
				return true; /* what it was found by is no longer so */
			j->n_parts = 0;
		}
	}
	return join_parts(j, max);
}

/* Words are joined of pairs too, so it pays to look again; a failed one may be two smaller ones. */
bool jit_opt_bytes_stored(struct jit_bytes_room *room, struct jit_local *local,
			  struct lir_block *block)
{
	static const uint8_t sizes[] = {8, 4, 2, 8, 4};
	struct join j;
	bool changed = false;

	j.room = room;
	j.local = local;
	for (unsigned i = 0; i < sizeof(sizes); i++) {
		if (i == 3 && !changed)
			break;
		if (!join_stores(&j, sizes[i]))
			continue;
		changed = true;
		jit_local_scan(local, block);
		jit_accesses_scan(&room->accesses, local);
	}
	return changed;
}
