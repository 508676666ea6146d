/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A program as the interpreter runs it, and the state of one run. */
#ifndef BPFE_INTERP_H
#define BPFE_INTERP_H

#include "internal.h"
#include "isa/isa.h"
#include "rcu.h"

/* What the translator emits beside enum bpfe_op. */
enum bpfe_extra_op {
	BPFE_OP_CTX_POINTER = BPFE_OP_MAX, /* dst = a pointer of struct bpfe_xdp_buff */
	BPFE_OP_CTX_U32,                   /* dst = an integer of it */
	BPFE_OP_CTX_LOAD,                  /* dst = part of a context field */
	BPFE_OP_CTX_STORE_K,               /* part of a context field = imm */
	BPFE_OP_CTX_STORE_X,               /* part of a context field = src */
	BPFE_OP_TRAP,                      /* the verifier never came here */
	BPFE_OP_CALL_CLEARED, /* CALL_HELPER, the registers in the set dst zeroed before */
	BPFE_OP_ALL
};

/*
 * One pre-decoded instruction. Immediates are sign-extended; a ld_imm64 takes one of these, not
 * two, and counts as one instruction.
 */
struct bpfe_code {
	uint16_t op;
	uint8_t dst;
	uint8_t src;
	int16_t off;    /* memory operands; CALL_LOCAL: stack bytes of the caller; CTX_LOAD,
			   CTX_STORE_*: the part, see bpfe_part() */
	uint16_t extra; /* CALL_LOCAL: stack bytes of the callee; CALL_HELPER: its id, the upper
			   half in src; CTX_LOAD, CTX_STORE_*: the field */
	union {
		int64_t imm; /* CALL_HELPER: the function; CTX_POINTER, CTX_U32: offset in
				struct bpfe_xdp_buff */
		struct {
			int32_t imm32; /* of a conditional jump */
			int32_t jump;  /* bytes from the next instruction to the target */
		};
	};
};

_Static_assert(sizeof(struct bpfe_code) == 16, "four instructions a cache line");

/* Part of a context field: its first byte, its size in bytes, whether a load sign-extends it. */
static inline int16_t bpfe_part(unsigned byte, unsigned size, bool sign)
{
	return (int16_t)(byte | size << 8 | (sign ? 1u << 12 : 0));
}

static inline unsigned bpfe_part_byte(int16_t part)
{
	return part & 0xff;
}

static inline unsigned bpfe_part_size(int16_t part)
{
	return part >> 8 & 0xf;
}

static inline bool bpfe_part_signed(int16_t part)
{
	return part >> 12 & 1;
}

struct bpfe_program {
	struct bpfe_code *code;
	uint32_t n_code;
	uint32_t budget;
	uint32_t main_stack; /* bytes of the first frame */
	uint32_t flags;      /* enum bpfe_load_flags */
	struct bpfe_map **maps;
	uint32_t *slots; /* slot each code came from */
	struct bpfe_program_info info;
	uint32_t type;                  /* BPF_PROG_TYPE_XDP... */
	uint32_t mem_size;              /* BPFE_PROG_MEM: bytes r1 points to; else 0 */
	const struct bpfe_watch *watch; /* for tests (claims.h); NULL */
	atomic_uint refs;
	struct bpfe_allocator alloc;
	size_t size; /* bytes of this block, in which the arrays lie too */
	struct bpfe_rcu_head rcu;
};

/* What a caller keeps while a function it called runs. */
struct bpfe_frame {
	const struct bpfe_code *resume;
	uint64_t saved[5]; /* r6 to r10 */
	uintptr_t bottom;
};

struct bpfe_run_state {
	struct bpfe_run_env env;
	uint64_t r[11];
	const struct bpfe_code *pc;
	uintptr_t base;    /* (pc - base) bytes of code were executed before pc */
	uintptr_t bottom;  /* lowest byte of the current frame's stack */
	uint32_t depth;    /* callers in @frames */
	uint32_t protocol; /* of the frame as it arrived: __sk_buff.protocol */
	bool checked;
	struct bpfe_frame frames[BPFE_MAX_FRAMES - 1];
	uint64_t stack[BPFE_STACK_SIZE * BPFE_MAX_FRAMES / sizeof(uint64_t)];
};

/*
 * Translate a verified image into @prog->code and @prog->slots, which have room for
 * @image->n_insns. Sets n_code and main_stack. -ENOMEM.
 */
int bpfe_translate(const struct bpfe_image *image, struct bpfe_program *prog, struct bpfe_log *log);

/* May the program touch the @size bytes at @address now? For the checked interpreter. */
bool bpfe_may_access(const struct bpfe_run_state *state, uint64_t address, uint64_t size,
		     bool write);

/* Are r1 to r5 what helper @id may be called with now? For the checked interpreter. */
bool bpfe_may_call(const struct bpfe_run_state *state, uint32_t id);

#endif
