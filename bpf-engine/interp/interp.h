/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A program as the interpreter runs it, and the state of one run. */
#ifndef BPFE_INTERP_H
#define BPFE_INTERP_H

#include "internal.h"
#include "isa/isa.h"
#include "rcu.h"
#include "run.h"

/* What the translator emits beside enum bpfe_op. */
enum bpfe_extra_op {
	BPFE_OP_CTX_POINTER = BPFE_OP_MAX, /* dst = a pointer of struct bpfe_xdp_buff */
	BPFE_OP_CTX_U32,                   /* dst = an integer of it */
	BPFE_OP_CTX_LOAD,                  /* dst = part of a context field */
	BPFE_OP_CTX_STORE_K,               /* part of a context field = imm */
	BPFE_OP_CTX_STORE_X,               /* part of a context field = src */
	BPFE_OP_CALL_BACK,                 /* call of a helper that calls back */
	BPFE_OP_TAIL_CALL,                 /* bpf_tail_call() */
	BPFE_OP_TRAP,                      /* the verifier never came here */
	BPFE_OP_CALL_CLEARED, /* CALL_HELPER, the registers in the set dst zeroed before */
	/* Plus an instruction of arithmetic with a 64-bit immediate: dst = src and then that. */
	BPFE_OP_FUSED,
	BPFE_OP_ALL = BPFE_OP_FUSED + BPFE_OP_MAX
};

/*
 * Room a run may need. A tail call leaves the frames of its caller's callers behind, at most 7, and
 * the verifier sees to it that they use less than 256 bytes where a function tail calls, as in
 * Linux; the program at the end of the chain has all of BPFE_STACK_SIZE. Looked at at run time too.
 */
#define BPFE_TAIL_CALL_STACK 256u
#define BPFE_RUN_FRAMES      (BPFE_MAX_FRAMES + BPFE_MAX_TAIL_CALLS * (BPFE_MAX_FRAMES - 1))
#define BPFE_RUN_STACK       (BPFE_STACK_SIZE + BPFE_MAX_TAIL_CALLS * BPFE_TAIL_CALL_STACK)

/*
 * One pre-decoded instruction. Immediates are sign-extended; a ld_imm64 takes one of these, not
 * two, and counts as one instruction.
 */
struct bpfe_code {
	uint16_t op;
	uint8_t dst;
	uint8_t src;
	int16_t off;    /* memory operands; CTX_LOAD, CTX_STORE_*: the part, see bpfe_part() */
	uint16_t extra; /* CALL_LOCAL: stack bytes of the callee; CALL_HELPER, CALL_BACK: its id,
			   the upper half in src; CTX_LOAD, CTX_STORE_*: the field */
	union {
		int64_t imm; /* CALL_HELPER, CALL_BACK: the helper; CTX_POINTER, CTX_U32: offset in
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

/* A function of the program. To the program its address is its number, which is never 0. */
struct bpfe_function {
	uint32_t code;  /* index of its first */
	uint16_t stack; /* bytes */
	bool callable;  /* its address is taken */
};

struct bpfe_program {
	struct bpfe_code *code;
	uint32_t n_code;
	uint32_t budget;
	uint32_t main_stack; /* bytes of the first frame */
	uint32_t flags;      /* enum bpfe_load_flags */
	struct bpfe_map **maps;
	struct bpfe_function *functions;
	uint32_t n_functions;
	uint32_t *slots; /* slot each code came from */
	struct bpfe_program_info info;
	uint32_t type;                  /* BPF_PROG_TYPE_XDP... */
	uint32_t mem_size;              /* BPFE_PROG_MEM: bytes r1 points to; else 0 */
	const struct bpfe_watch *watch; /* for tests (claims.h); NULL */
	struct bpfe_jit *jit;           /* compiled code; NULL: it is interpreted */
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
	const struct bpfe_program *prog; /* a tail call of the callee's changes it */
	uint32_t loops;
};

struct bpfe_run_state {
	struct bpfe_run_env env; /* first: helpers get this, bpfe_invoke() the state */
	uint64_t r[11];
	const struct bpfe_code *pc;
	uintptr_t base;       /* (pc - base) bytes of code were executed before pc */
	uintptr_t bottom;     /* lowest byte of the current frame's stack */
	uintptr_t fast_limit; /* bytes of code up to which the fast loop runs; 0: not at all */
	uintptr_t limit;      /* the budget in bytes of code */
	uint32_t depth;       /* callers in @frames */
	uint32_t floor;       /* depth of the frame whose exit ends the loop */
	uint32_t loops;       /* of the current frame, through may_goto */
	uint32_t tail_calls;
	uint32_t protocol; /* of the frame as it arrived: __sk_buff.protocol */
	bool checked;
	struct bpfe_frame frames[BPFE_RUN_FRAMES - 1];
	uint64_t stack[BPFE_RUN_STACK / sizeof(uint64_t)];
};

/* The function that @number, a program's pointer to one, stands for; NULL: none. */
static inline const struct bpfe_function *bpfe_function_at(const struct bpfe_program *prog,
							   uint64_t number)
{
	if (number >= prog->n_functions || !prog->functions[number].callable)
		return NULL;
	return &prog->functions[number];
}

/*
 * Translate a verified image into @prog->code and @prog->slots, which have room for
 * @image->n_insns, and @prog->functions, which has for @image->n_subprogs. Sets n_code, n_functions
 * and main_stack. -ENOMEM.
 */
int bpfe_translate(const struct bpfe_image *image, struct bpfe_program *prog, struct bpfe_log *log);

/*
 * Make one step of two instructions that compilers put one behind the other, by what the first
 * stands for: the second stays in its place, for jumps and for the strict loop.
 */
void bpfe_fuse(struct bpfe_program *prog);

/* May the program touch the @size bytes at @address now? For the checked interpreter. */
bool bpfe_may_access(const struct bpfe_run_state *state, uint64_t address, uint64_t size,
		     bool write);

/* Are r1 to r5 what helper @id may be called with now? For the checked interpreter. */
bool bpfe_may_call(const struct bpfe_run_state *state, uint32_t id);

#endif
