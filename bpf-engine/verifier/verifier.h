/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What the parts of the verifier share: register, stack and path states, and the run over them.
 * docs/verifier.md is the way in.
 */
#ifndef BPFE_VERIFIER_H
#define BPFE_VERIFIER_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "internal.h"
#include "isa/isa.h"
#include "verifier/domain.h"

#define BPFE_VF_BUDGET     1000000u              /* instructions processed before we give up */
#define BPFE_VF_STEP       16u                   /* work that counts as one instruction */
#define BPFE_VF_MEMORY     (UINT64_C(192) << 20) /* bytes of states before we give up */
#define BPFE_VF_POLL       1024u                 /* instructions between looks at image->cancel */
#define BPFE_MAX_PTR_OFF   (INT64_C(1) << 29)    /* constant part of a pointer's offset */
#define BPFE_MAX_VAR_OFF   (INT64_C(1) << 33)    /* variable part, so that no pointer wraps */
#define BPFE_MIN_PKT_OFF   (-INT64_C(0xffff))    /* least offset of a packet pointer: the same */
#define BPFE_MAX_PKT_RANGE 0xffff                /* greatest offset a packet comparison proves */
#define BPFE_STACK_SLOTS   (BPFE_STACK_SIZE / 8)

enum bpfe_reg_type {
	BPFE_REG_UNINIT = 0,
	BPFE_REG_SCALAR,
	BPFE_REG_CTX,
	BPFE_REG_PACKET,      /* data + off + val; [data + val, + range) is inside the frame */
	BPFE_REG_PACKET_META, /* the same from data_meta up to data */
	BPFE_REG_PACKET_END,  /* data_end */
	BPFE_REG_STACK,       /* r10 of the given frame + off + val */
	BPFE_REG_MAP_VALUE,
	BPFE_REG_MAP,     /* a map itself; may come out of a map-in-map */
	BPFE_REG_MAP_KEY, /* key a callback of bpf_for_each_map_elem gets: key_size bytes, read-only
			   */
	BPFE_REG_MEM,     /* size bytes of other memory: ring buffer record, slice, argument */
	BPFE_REG_FUNC,    /* a function of the program: map is its index */
	BPFE_REG_DYNPTR_PTR, /* pointer to a dynptr of any kind: argument of a global function */
	/* Only in stack slots, as if spilled there: */
	BPFE_REG_DYNPTR, /* one of the two slots of a struct bpf_dynptr */
	BPFE_REG_ITER,   /* struct bpf_iter_num */
	BPFE_REG_TYPES
};

/* Whose memory a BPFE_REG_MEM is, in bpfe_reg.kind. */
enum bpfe_of {
	BPFE_OF_OTHERS = 0, /* given to the program: argument of a function, iterator's number */
	BPFE_OF_RECORD,     /* ring buffer record, to be released */
	BPFE_OF_DYNPTR,     /* slice of a dynptr */
	BPFE_OF_FRAME,      /* slice of a dynptr over the frame: gone when the packet moves */
	BPFE_OF_PROGRAM,    /* the memory of a program over plain memory, which is aligned */
};

/* What of an object a slot holds, in bpfe_reg.part. */
enum {
	BPFE_PART_FIRST = 0, /* lowest address */
	BPFE_PART_SECOND,
};

struct bpfe_reg {
	uint8_t type;  /* enum bpfe_reg_type */
	uint8_t frame; /* stack: index of the frame pointed into */
	bool bounded;  /* packet: data + val is proven to lie in the frame, even if range is 0 */
	bool nullable; /* may be NULL: not dereferenced before a comparison; equal ids, same answer
			*/
	bool rdonly;   /* memory that cannot be written */
	uint8_t part;  /* dynptr */
	uint8_t kind;  /* dynptr: enum bpfe_dynptr_kind; iterator: see iter.c; mem: enum bpfe_of */
	bool inner;    /* map, map value: of an inner map like that of map-in-map @map */
	uint32_t map;  /* map, map value, key: index into image->maps; function: its index */
	bool low_sum;  /* scalar: off was added to the low half, see id */
	uint32_t id;  /* scalar: those with this id are the same number, each plus its off (low_sum:
			 the same number of 32 bits, and the sum cut to 32 bits); packet: same val;
			 nullable: null together; inner map,  value of one or with a lock, dynptr,
			 iterator: which one it is (see  bpfe_reg_has_identity()); 0: none */
	uint32_t ref; /* reference in state->held this is, or was got from; what was got from a
			 dynptr that is not to be released: id of that; 0: none */
	uint32_t size;          /* mem: bytes */
	uint32_t range;         /* packet: bytes from data + val proven present */
	int32_t off;            /* pointer: constant part of the offset; scalar: see id */
	struct bpfe_scalar val; /* scalar: the value; pointer: variable part of the offset */
};

/* What a byte of the stack holds. */
enum bpfe_byte_kind {
	BPFE_BYTE_UNINIT = 0,
	BPFE_BYTE_MISC,  /* some data */
	BPFE_BYTE_KNOWN, /* data of known value */
	BPFE_BYTE_SPILL, /* part of slot.spill */
};

/* Eight bytes of stack, lowest address first. One spilled register per slot is followed. */
struct bpfe_slot {
	uint8_t kind[8];
	uint8_t known[8];
	uint8_t spill_first; /* byte where the spill begins */
	uint8_t spill_size;
	struct bpfe_reg spill;
};

/* Slot i is [r10 - 8 * (i + 1), r10 - 8 * i). Shared between states until written. */
struct bpfe_stack {
	uint32_t refs;
	uint32_t n;
	struct bpfe_slot slots[];
};

/* What must be given back before the program ends: references, a lock. */
enum bpfe_held_kind {
	BPFE_HELD_REF = 0, /* ring buffer record or dynptr of one */
	BPFE_HELD_ITER,
	BPFE_HELD_LOCK,
};

struct bpfe_held {
	uint32_t id; /* registers and slots with ref == id go with it; lock: id of the map value */
	uint32_t insn; /* where it was acquired, for refusals */
	uint8_t kind;
	uint32_t map;    /* lock: index of the map */
	uint32_t rounds; /* iterator: numbers it handed out on the path here */
};

struct bpfe_frame {
	struct bpfe_reg regs[MAX_BPF_REG];
	uint32_t callback;    /* slot of the call whose callback this frame runs, plus 1; 0: none */
	uint32_t called_back; /* rounds so far of the callback of the call it is at */
	uint32_t n_held;      /* callback: references held when it began... */
	uint32_t last_held;   /* ...and the newest of them, 0: none */
	uint32_t subprog;
	uint32_t return_to;       /* slot the caller goes on at */
	struct bpfe_stack *stack; /* NULL: nothing written yet */
};

struct bpfe_state {
	uint32_t n_held;
	struct bpfe_held held[BPFE_MAX_HELD];
	uint32_t rounds; /* of callbacks and may_goto on the path here: no endless loop */
	uint32_t depth;  /* frames in use; the last one runs */
	struct bpfe_frame *frames[BPFE_MAX_FRAMES];
};

/* Decisions that led here, newest first. */
struct bpfe_path {
	const struct bpfe_path *prev;
	uint32_t insn;
	uint32_t next;
};

/* Instructions, and among them calls of global functions, on the longest path; length.c. */
struct bpfe_length {
	uint64_t insns, calls;
};

/* A state kept at a merge point. Outstanding paths that passed it keep it from being complete. */
struct bpfe_checkpoint {
	struct bpfe_checkpoint *next; /* at the same instruction */
	struct bpfe_checkpoint *parent;
	struct bpfe_state *state;
	uint64_t kept_at;           /* vf->processed then */
	uint32_t calls;             /* bpfe_calls_hash() of the state */
	uint32_t joins;             /* how often another was joined into it */
	uint32_t differs;           /* where the last state compared was not covered, or 0 */
	uint32_t branches;          /* paths through here not yet followed to their end */
	struct bpfe_length before;  /* from the parent on */
	struct bpfe_length longest; /* from here on; final when branches is 0 */
};

/* A path still to be followed. */
struct bpfe_pending {
	struct bpfe_pending *next;
	struct bpfe_state *state;
	struct bpfe_checkpoint *parent;
	const struct bpfe_path *path;
	struct bpfe_length since; /* from the parent on */
	uint32_t pc;
};

/* What may still be read before it is written (live), and whose value may then matter (precise). */
struct bpfe_live {
	uint64_t slots, precise_slots;
	uint16_t regs, precise_regs;
	uint16_t optional_regs; /* read even if it holds nothing (BPFE_ARG_UNSET_OK): that counts */
};

struct bpfe_vf_spare; /* memory.c */
struct bpfe_vf_slab;
struct bpfe_flow; /* liveness.c */
struct bpfe_arena_block;

/* One verification under way. */
struct bpfe_vf {
	struct bpfe_image *image;
	struct bpfe_log *log;
	struct bpfe_flow *flow;
	struct bpfe_checkpoint **points; /* by instruction */
	struct bpfe_pending *pending;
	struct bpfe_places *places;     /* the same when joining, places.c */
	struct bpfe_checkpoint *parent; /* newest checkpoint of the path */
	const struct bpfe_path *path;
	struct bpfe_arena_block *arena; /* path nodes */
	struct bpfe_state *cur;
	uint32_t pc;
	uint32_t next; /* where the instruction at pc leads */
	bool path_ends;
	bool joining;          /* paths are joined at merge points, see join.c */
	bool resumed;          /* the state was just taken up, and has waited at this merge point */
	bool exhausted;        /* the attempt used up its budget */
	bool forgetful;        /* states may be made more general, see generalise.c */
	bool forgot;           /* one was */
	uint8_t attempts_left; /* with more to come, running into a bound says nothing */
	bool endless;          /* nothing is known of how long a run may be */
	struct bpfe_length since;   /* on the current path, from the parent checkpoint on */
	struct bpfe_length longest; /* of the function explored, where it has no parent */
	uint32_t ids;
	uint32_t differs; /* where the states compared last differ, if in the running frame; or 0 */
	uint64_t processed; /* instructions */
	uint64_t work;      /* of this attempt, in parts of an instruction: see BPFE_VF_STEP */
	uint64_t budget;    /* bound on work */
	uint64_t bytes, peak;
	struct bpfe_vf_spare *spare_frames, *spare_states, *spare_paths, *spare_points;
	struct bpfe_vf_spare *spare_stacks[BPFE_STACK_SLOTS + 1]; /* by slots */
	struct bpfe_vf_slab *slabs;                               /* what the others are cut from */
	struct bpfe_vf_slab *unused_slabs;
	size_t spare_bytes; /* of spare stacks */
	uint32_t states;
	const char *traced_line; /* the last one in a log of level 2 */
};

/* ---- memory.c, verify.c --------------------------------------------------------------------- */

/* Before all of these; when all was given back or is forgotten. */
void bpfe_vf_memory_begin(struct bpfe_vf *vf);
void bpfe_vf_memory_end(struct bpfe_vf *vf);
/* Memory for states, counted; NULL at the limit. */
void *bpfe_vf_alloc(struct bpfe_vf *vf, size_t size);
void *bpfe_vf_alloc_raw(struct bpfe_vf *vf, size_t size); /* not zeroed */
void bpfe_vf_free(struct bpfe_vf *vf, void *ptr, size_t size);
/* The same, not zeroed, for things of one size, which @spare keeps. */
void *bpfe_vf_take(struct bpfe_vf *vf, struct bpfe_vf_spare **spare, size_t size);
void bpfe_vf_give(struct bpfe_vf *vf, struct bpfe_vf_spare **spare, void *ptr, size_t size);
/* The same for things of many sizes, one @spare for each: few are kept. */
void *bpfe_vf_reuse(struct bpfe_vf *vf, struct bpfe_vf_spare **spare, size_t size);
void bpfe_vf_retire(struct bpfe_vf *vf, struct bpfe_vf_spare **spare, void *ptr, size_t size);
int bpfe_vf_no_memory(struct bpfe_vf *vf);
/* The budget is used up: -E2BIG, reported unless another attempt follows. */
int bpfe_vf_too_complex(struct bpfe_vf *vf);

/* Refuse the instruction at vf->pc for what register @regno (-1: none) holds. @accepted says what
 * would do, or is NULL. Returns -EACCES. */
int bpfe_vf_refuse(struct bpfe_vf *vf, enum bpfe_reason reason, int regno, const char *accepted,
		   const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* The same with another errno. */
int bpfe_vf_refuse_err(struct bpfe_vf *vf, int err, enum bpfe_reason reason, const char *accepted,
		       const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* ---- state.c ------------------------------------------------------------------------------- */

static inline struct bpfe_reg bpfe_reg_scalar(struct bpfe_scalar val)
{
	return (struct bpfe_reg){.type = BPFE_REG_SCALAR, .val = val};
}

struct bpfe_reg bpfe_reg_pointer(enum bpfe_reg_type type);
static inline bool bpfe_reg_is_pointer(const struct bpfe_reg *reg)
{
	return reg->type != BPFE_REG_UNINIT && reg->type != BPFE_REG_SCALAR;
}

/* The map a map or map value register refers to. */
const struct bpfe_map_attr *bpfe_reg_map(const struct bpfe_vf *vf, const struct bpfe_reg *reg);

struct bpfe_state *bpfe_state_new(struct bpfe_vf *vf);
struct bpfe_state *bpfe_state_copy(struct bpfe_vf *vf, const struct bpfe_state *from);
void bpfe_state_free(struct bpfe_vf *vf, struct bpfe_state *state);
/* Enter a function, leave it. Pushing fails with -ENOMEM, reported. */
int bpfe_state_push(struct bpfe_vf *vf, struct bpfe_state *state, uint32_t subprog,
		    uint32_t return_to);
void bpfe_state_pop(struct bpfe_vf *vf, struct bpfe_state *state);
static inline struct bpfe_frame *bpfe_top(const struct bpfe_state *state)
{
	return state->frames[state->depth - 1];
}

/* The stack of @frame with at least @n slots, for this state alone; NULL at the memory limit. */
struct bpfe_stack *bpfe_stack_own(struct bpfe_vf *vf, struct bpfe_frame *frame, uint32_t n);

/* Slots the stack of @frame has so far. */
uint32_t bpfe_slots_used(const struct bpfe_frame *frame);

/* Call @fn on each register and each register spilled to the stack of @state. */
typedef void (*bpfe_reg_fn)(struct bpfe_reg *reg, void *opaque);
int bpfe_state_each(struct bpfe_vf *vf, struct bpfe_state *state, bpfe_reg_fn fn, void *opaque);
/* Packet pointers and slices of the frame are stale: forget them. */
int bpfe_state_drop_packet(struct bpfe_vf *vf, struct bpfe_state *state);
/* A dynptr or iterator, which lives in stack slots and is neither read nor written in part. */
bool bpfe_reg_is_object(const struct bpfe_reg *reg);
/* A pointer that numbers can be added to. */
bool bpfe_reg_is_movable(const struct bpfe_reg *reg);
/* Of the bytes that are proven from data + val on, how many are from data + val + @by on; and is
 * that place proven to lie in the frame? */
uint32_t bpfe_moved_range(const struct bpfe_reg *reg, int64_t by, bool *bounded);
/* Does the register's id tell which object it is, so that it stays after a comparison with 0? */
bool bpfe_reg_has_identity(const struct bpfe_vf *vf, const struct bpfe_reg *reg);

/* ---- held.c, lock.c ------------------------------------------------------------------------ */

/* vf->cur holds @id from now on. -E2BIG, reported, if that is too much. */
int bpfe_held_add(struct bpfe_vf *vf, enum bpfe_held_kind kind, uint32_t id, uint32_t map);
void bpfe_held_remove(struct bpfe_state *state, enum bpfe_held_kind kind, uint32_t id);
/* It is given back: remove it, and all that refers to it. -ENOMEM. */
int bpfe_held_release(struct bpfe_vf *vf, enum bpfe_held_kind kind, uint32_t id);
/* All that was got from @id, and dynptrs and iterators called so, are nothing any more. -ENOMEM. */
int bpfe_state_forget(struct bpfe_vf *vf, struct bpfe_state *state, uint32_t id);
/* The lock held, or NULL. */
const struct bpfe_held *bpfe_held_lock(const struct bpfe_state *state);
/* Refuse to go on with @what ("the program ends") while something is held, or a lock is. */
int bpfe_held_check_none(struct bpfe_vf *vf, const char *what);
int bpfe_held_check_unlocked(struct bpfe_vf *vf, const char *what);
/* Refuse to leave the running function while an iterator lies in its frame. */
int bpfe_held_check_frame(struct bpfe_vf *vf);
/* bpf_spin_lock() and bpf_spin_unlock() of what register @regno points to. */
int bpfe_lock_take(struct bpfe_vf *vf, int regno);
int bpfe_lock_give(struct bpfe_vf *vf, int regno);

/* ---- stack.c ------------------------------------------------------------------------------- */

/* Bytes [lo, hi) relative to r10 of frame @frame; checks that they lie in the frame, counts depth.
 */
int bpfe_stack_bounds(struct bpfe_vf *vf, int regno, uint32_t frame, int64_t lo, int64_t hi);
int bpfe_stack_load(struct bpfe_vf *vf, int regno, const struct bpfe_reg *base, int off,
		    unsigned size, struct bpfe_reg *result);
int bpfe_stack_store(struct bpfe_vf *vf, int regno, const struct bpfe_reg *base, int off,
		     unsigned size, const struct bpfe_reg *value);
/* A helper reads [lo, hi): all of it must be data. */
int bpfe_stack_readable(struct bpfe_vf *vf, int regno, uint32_t frame, int64_t lo, int64_t hi);
/* Data of unknown value is written to [lo, sure) and perhaps up to hi. */
int bpfe_stack_clobber(struct bpfe_vf *vf, int regno, uint32_t frame, int64_t lo, int64_t sure,
		       int64_t hi);
/* Refuse if a dynptr or iterator lies in [lo, hi). */
int bpfe_stack_no_objects(struct bpfe_vf *vf, int regno, uint32_t frame, int64_t lo, int64_t hi);
/* Something is stored over [lo, hi): what lies there ends, or the store is refused. */
int bpfe_stack_end_objects(struct bpfe_vf *vf, int regno, uint32_t frame, int64_t lo, int64_t hi);
/* Are the @size bytes at @off known? Then *value has them. */
bool bpfe_stack_known(const struct bpfe_frame *frame, int off, unsigned size, uint64_t *value);

/* ---- access.c ------------------------------------------------------------------------------ */

/* Register @regno may be read. */
int bpfe_check_reg(struct bpfe_vf *vf, unsigned regno);
/* Register @regno may be read and is no pointer, which @use would reveal. */
int bpfe_check_scalar(struct bpfe_vf *vf, unsigned regno, const char *use);
int bpfe_vf_load(struct bpfe_vf *vf, const struct bpf_insn *insn);
int bpfe_vf_store(struct bpfe_vf *vf, const struct bpf_insn *insn);
int bpfe_vf_atomic(struct bpfe_vf *vf, const struct bpf_insn *insn);
/* Load-acquire, store-release. */
int bpfe_vf_ordered(struct bpfe_vf *vf, const struct bpf_insn *insn);
/* [off, off + size) from pointer @regno to other memory than the stack and the context lies in the
 * object and may be used so. */
int bpfe_check_region(struct bpfe_vf *vf, int regno, int64_t off, uint64_t size, bool write);

/* ---- map_value.c --------------------------------------------------------------------------- */

/* The same for a pointer to a map value, whose lock stays untouched. */
int bpfe_check_map_value(struct bpfe_vf *vf, int regno, int64_t off, uint64_t size, bool write);
/* The bytes of the value @reg points into, if they never change; NULL otherwise. */
const uint8_t *bpfe_map_constant(const struct bpfe_vf *vf, const struct bpfe_reg *reg);
/* Do the @size bytes at @off from @reg, which were checked, never change? Then *value has them. */
bool bpfe_map_value_known(const struct bpfe_vf *vf, const struct bpfe_reg *reg, int off,
			  unsigned size, uint64_t *value);

/* ---- dynptr.c ------------------------------------------------------------------------------ */

/* "a dynptr", "an iterator". */
const char *bpfe_object_name(const struct bpfe_reg *object);
/* The object of @type that stack pointer @reg points to the start of, or NULL. */
const struct bpfe_reg *bpfe_stack_object(const struct bpfe_vf *vf, const struct bpfe_reg *reg,
					 enum bpfe_reg_type type);
/* @regno points to where an object of so many slots may be made; what lies there ends. */
int bpfe_check_object_place(struct bpfe_vf *vf, int regno, uint32_t slots);
/* Make one at @off of @frame, which was checked. -ENOMEM. */
int bpfe_stack_put_object(struct bpfe_vf *vf, uint32_t frame, int64_t off,
			  const struct bpfe_reg *object, uint32_t slots);

/* ---- context.c ----------------------------------------------------------------------------- */

/* Loads and stores through register @regno, the context pointer @base. */
int bpfe_vf_load_ctx(struct bpfe_vf *vf, int regno, const struct bpf_insn *insn,
		     const struct bpfe_reg *base, struct bpfe_reg *result);
int bpfe_vf_store_ctx(struct bpfe_vf *vf, int regno, const struct bpf_insn *insn,
		      const struct bpfe_reg *base);
/* Legacy packet access. */
int bpfe_vf_load_packet(struct bpfe_vf *vf, const struct bpf_insn *insn);

/* ---- alu.c, branch.c, call_helper.c, call_local.c ------------------------------------------ */

int bpfe_vf_alu(struct bpfe_vf *vf, const struct bpf_insn *insn);
int bpfe_vf_ld_imm64(struct bpfe_vf *vf, const struct bpf_insn *insn);
/* Give @reg, a number, an id of its own, so that copies can be linked to it. */
void bpfe_reg_link(struct bpfe_vf *vf, struct bpfe_reg *reg);
int bpfe_vf_branch(struct bpfe_vf *vf, const struct bpf_insn *insn);
int bpfe_vf_call_helper(struct bpfe_vf *vf, const struct bpf_insn *insn);
int bpfe_vf_call_local(struct bpfe_vf *vf, const struct bpf_insn *insn);
int bpfe_vf_callx(struct bpfe_vf *vf, const struct bpf_insn *insn);
int bpfe_vf_may_goto(struct bpfe_vf *vf, const struct bpf_insn *insn);
int bpfe_vf_exit(struct bpfe_vf *vf);

/* ---- callback.c, iter.c -------------------------------------------------------------------- */

/* Have @state enter @function, going on at @return_to. -E2BIG, reported: too many frames. */
int bpfe_vf_enter(struct bpfe_vf *vf, struct bpfe_state *state, uint32_t function,
		  uint32_t return_to);
/* Argument @regno of @helper is a function. */
int bpfe_callback_arg(struct bpfe_vf *vf, int regno, const char *helper);
/* The arguments of @helper are right: put the way into its callback aside. */
int bpfe_vf_call_back(struct bpfe_vf *vf, const struct bpfe_helper *helper);
/* Does the running frame run for a callback? */
bool bpfe_in_callback(const struct bpfe_state *state);
/* The running frame, a callback's, ends. */
int bpfe_vf_callback_exit(struct bpfe_vf *vf);

/* ---- global.c ------------------------------------------------------------------------------ */

bool bpfe_is_global(const struct bpfe_image *image, uint32_t function);
/* The instruction at vf->pc calls the global function @function: check the arguments, go on. */
int bpfe_vf_call_global(struct bpfe_vf *vf, uint32_t function);
/* A global function that was called and is to be verified, from now on taken for verified; 0 if
 * there is none. */
uint32_t bpfe_next_global(struct bpfe_vf *vf);
void bpfe_give_global_arguments(struct bpfe_vf *vf, uint32_t function, struct bpfe_reg *regs);

bool bpfe_is_iterator_call(const struct bpfe_helper *helper);
/* Argument @regno of @helper is as @arg (BPFE_ARG_ITER*) says. */
int bpfe_iterator_arg(struct bpfe_vf *vf, int regno, uint8_t arg, const char *helper);
/* The argument of @helper is right: do what it does, result included. */
int bpfe_vf_iterator(struct bpfe_vf *vf, const struct bpfe_helper *helper);

/* ---- explore.c, prune.c, widen.c ----------------------------------------------------------- */

int bpfe_explore(struct bpfe_vf *vf);
/* Remember @state to be followed from @pc. Takes @state, also on failure. */
int bpfe_explore_later(struct bpfe_vf *vf, struct bpfe_state *state, uint32_t pc);
/* Note where a conditional jump at vf->pc went. */
int bpfe_path_note(struct bpfe_vf *vf, uint32_t next);

enum bpfe_visit {
	BPFE_VISIT_GO_ON,
	BPFE_VISIT_COVERED
};

/* At a merge point: is the state covered by one kept earlier? Keeps it otherwise. Negative errno.
 */
int bpfe_prune_visit(struct bpfe_vf *vf);
/* The path that has come through @checkpoint ended. */
void bpfe_prune_path_ended(struct bpfe_vf *vf, struct bpfe_checkpoint *checkpoint);
void bpfe_prune_free(struct bpfe_vf *vf);
/* Is all that @cur may do covered by what @old may do? @exact: and the reverse. */
bool bpfe_state_in(struct bpfe_vf *vf, const struct bpfe_state *old, const struct bpfe_state *cur,
		   uint32_t pc, bool exact);
/* A quick look at one place of the two, vf->differs of a comparison: not covered for what is there?
 * False says nothing. */
bool bpfe_state_differs(struct bpfe_vf *vf, const struct bpfe_state *old,
			const struct bpfe_state *cur, uint32_t pc, uint32_t place);

/* bpfe_insn_aux.mem_kind until all is explored: memory of kinds that differ, or is not known. */
#define BPFE_MEM_MIXED 0xffu

/* ---- facts.c ------------------------------------------------------------------------------- */

/* For a new attempt; and once all is explored. */
void bpfe_facts_forget(struct bpfe_image *image);
void bpfe_facts_finish(struct bpfe_image *image);
/* The conditional jump at vf->pc may go this way. */
void bpfe_fact_edge(struct bpfe_vf *vf, bool taken);
/* The map argument of the call at vf->pc is @map. */
void bpfe_fact_map(struct bpfe_vf *vf, const struct bpfe_reg *map);
/* The addition or subtraction at vf->pc moves @ptr by the number @by, in the register dst or src;
 * or it moves no pointer. */
void bpfe_fact_move(struct bpfe_vf *vf, const struct bpfe_reg *ptr, const struct bpfe_scalar *by,
		    bool scalar_in_dst, bool subtract);
void bpfe_fact_no_move(struct bpfe_vf *vf);

/* ---- length.c ------------------------------------------------------------------------------ */

/* The exploration of a function begins. */
void bpfe_length_begin(struct bpfe_vf *vf);
/* The path's state was kept at @checkpoint, which is its parent from now on. */
void bpfe_length_keep(struct bpfe_vf *vf, struct bpfe_checkpoint *checkpoint);
/* The path ends because @by covers it. */
void bpfe_length_covered(struct bpfe_vf *vf, const struct bpfe_checkpoint *by);
/* The path ends. */
void bpfe_length_end(struct bpfe_vf *vf);
/* All paths through @checkpoint have ended. */
void bpfe_length_complete(struct bpfe_vf *vf, struct bpfe_checkpoint *checkpoint);
/* All of the function's have. */
void bpfe_length_function(struct bpfe_vf *vf, uint32_t function);
/* Instructions that no run exceeds; UINT64_MAX: not known. */
uint64_t bpfe_longest_run(const struct bpfe_vf *vf);

/* ---- liveness.c ---------------------------------------------------------------------------- */

/* Analyse the image. -EACCES on recursion, -ENOMEM, -ECANCELED. */
int bpfe_flow_build(struct bpfe_vf *vf);
void bpfe_flow_free(struct bpfe_flow *flow);
/* What is live in frame @f of @state, which runs at @pc. */
struct bpfe_live bpfe_flow_live(const struct bpfe_vf *vf, const struct bpfe_state *state,
				uint32_t f, uint32_t pc);
/* The instruction at vf->pc calls @function, which its text does not tell. */
int bpfe_flow_note_call(struct bpfe_vf *vf, uint32_t function);
/* Do paths meet at @pc? */
bool bpfe_flow_is_merge(const struct bpfe_vf *vf, uint32_t pc);
/* Does a path come back to @pc? */
bool bpfe_flow_is_loop_head(const struct bpfe_vf *vf, uint32_t pc);
/* Forget what bpfe_flow_note_call() noted: all is followed again. */
void bpfe_flow_forget_calls(struct bpfe_vf *vf);
/* Functions reachable from the program, callers before callees. */
uint32_t bpfe_flow_order(const struct bpfe_vf *vf, const uint32_t **order);

/* ---- print.c ------------------------------------------------------------------------------- */

#define BPFE_REG_TEXT 320u

/* "R1=pkt(off=14,r=14)" without the name: what @reg holds. */
void bpfe_reg_print(const struct bpfe_vf *vf, const struct bpfe_reg *reg, char *buf, size_t size);
/* Registers in use and stack of the running frame, on one line. */
void bpfe_state_print(const struct bpfe_vf *vf, const struct bpfe_state *state);
const char *bpfe_reg_type_name(const struct bpfe_reg *reg);

#endif
