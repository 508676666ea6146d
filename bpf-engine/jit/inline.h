/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Helper calls that compiled code does without a call, or by calling what the helper would call
 * (inline*.c). The result, what is written and what is charged are the helper's, to the last bit.
 *
 * A body may use every register that a call loses, the spare one apart: the builder's rax, rcx,
 * rdx, rsi, r8 and r9. It reads the arguments where BPF has them.
 */
#ifndef BPFE_JIT_INLINE_H
#define BPFE_JIT_INLINE_H

#include "jit/build.h"

/* Build the call at b->slot, an insn of @helper. False: nothing was emitted, it is to be called. */
bool jit_inline_call(struct jit_builder *b, const struct bpfe_helper *helper,
		     const struct bpfe_insn_aux *aux);

/* As jit_inline_call(), for one helper. @map: its map argument, NULL if it is not known. */
typedef bool (*jit_inline_fn)(struct jit_builder *b, struct bpfe_map *map);

/* ---- inline_known.c: what the block being filled tells of a register ------------------------ */

enum jit_known_kind {
	JIT_KNOWN_NOT = 0,
	JIT_KNOWN_CONST, /* @value */
	JIT_KNOWN_STACK, /* r10 + @value */
};

struct jit_known {
	enum jit_known_kind kind;
	int64_t value;
};

struct jit_known jit_known(const struct jit_builder *b, uint8_t reg);

/* Is @reg a constant, as an argument of 32 bits? */
bool jit_known_u32(const struct jit_builder *b, uint8_t reg, uint32_t *value);

/* What a pointer leads to. */
struct jit_place {
	uint8_t base;
	uint8_t mem_kind; /* BPFE_MEM_NONE: any */
	int32_t disp;
};

struct jit_place jit_place(const struct jit_builder *b, uint8_t pointer);

/*
 * The 4 bytes at @place go to @dst, as cheaply as it is known how they came there. True: they are a
 * constant, *value; nothing is emitted.
 */
bool jit_load_u32(struct jit_builder *b, uint8_t dst, const struct jit_place *place,
		  uint32_t *value);

/* dst = @pointer, from what is known of it. */
void jit_move_pointer(struct jit_builder *b, uint8_t dst, uint8_t pointer);

/* ---- inline.c: operations they share -------------------------------------------------------- */

/* Load and store at @place + @at. */
void jit_place_load(struct jit_builder *b, unsigned size, uint8_t dst,
		    const struct jit_place *place, uint32_t at);
void jit_place_store(struct jit_builder *b, unsigned size, const struct jit_place *place,
		     uint32_t at, uint8_t src);

/* Load and store of the engine's own struct bpfe_jit_run. */
void jit_run_load(struct jit_builder *b, unsigned size, uint8_t dst, size_t offset);
void jit_run_store(struct jit_builder *b, unsigned size, size_t offset, uint8_t src);
void jit_run_store_i(struct jit_builder *b, unsigned size, size_t offset, int32_t value);

#define JIT_RUN(member) offsetof(struct bpfe_jit_run, member)

/* A field of struct bpfe_xdp_buff, of the context that @ctx points to. */
void jit_ctx_field(struct jit_builder *b, unsigned size, uint8_t dst, uint8_t ctx, size_t offset);

/*
 * Call C function @function, whose other arguments are in place: @used of rsi, rdx, rcx, r8. @first
 * goes to rdi; LIR_NONE: @map does.
 */
void jit_call_direct(struct jit_builder *b, uintptr_t function, uint8_t first,
		     const struct bpfe_map *map, lir_set used);

/* ---- inline_null.c: results that may be NULL ------------------------------------------------- */

struct jit_null {
	uint32_t miss; /* where to go with 0 in rax */
	uint32_t test; /* slot of the test for it; 0: none, both go on at miss */
};

/* Before the branch to ->miss. */
struct jit_null jit_null_open(struct jit_builder *b);
/* The value is in rax. */
void jit_null_close(struct jit_builder *b, const struct jit_null *null);
/* There is no way to ->miss; the value is in rax. */
void jit_null_never(struct jit_builder *b);

/* ---- Helpers by what they work on ------------------------------------------------------------ */

/* inline_map.c */
bool jit_inline_lookup(struct jit_builder *b, struct bpfe_map *map);
bool jit_inline_update(struct jit_builder *b, struct bpfe_map *map);
bool jit_inline_delete(struct jit_builder *b, struct bpfe_map *map);
bool jit_inline_redirect_map(struct jit_builder *b, struct bpfe_map *map);
bool jit_inline_spin_lock(struct jit_builder *b, struct bpfe_map *map);
bool jit_inline_spin_unlock(struct jit_builder *b, struct bpfe_map *map);

/* inline_run.c */
bool jit_inline_ktime(struct jit_builder *b, struct bpfe_map *map);
bool jit_inline_cpu(struct jit_builder *b, struct bpfe_map *map);
bool jit_inline_node(struct jit_builder *b, struct bpfe_map *map);
bool jit_inline_redirect(struct jit_builder *b, struct bpfe_map *map);

/* inline_frame.c */
bool jit_inline_buff_len(struct jit_builder *b, struct bpfe_map *map);
bool jit_inline_adjust_head(struct jit_builder *b, struct bpfe_map *map);
bool jit_inline_load_bytes(struct jit_builder *b, struct bpfe_map *map);
bool jit_inline_store_bytes(struct jit_builder *b, struct bpfe_map *map);

/* inline_loop.c */
bool jit_inline_loop(struct jit_builder *b, struct bpfe_map *map);

/* inline_csum.c */
bool jit_inline_csum_diff(struct jit_builder *b, struct bpfe_map *map);

#endif
