/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What the parts of the engine share: the image that goes decode -> verify -> translate, the helper
 * table, and the map operations. Nothing outside bpf-engine includes this.
 */
#ifndef BPFE_INTERNAL_H
#define BPFE_INTERNAL_H

#include "bpf_engine.h"

/* ---- Image: a program on its way through the passes ---------------------------------------- */

/* What the verifier learnt of an instruction; the interpreter and later the JIT translate by it. */
enum bpfe_ctx_field {
	BPFE_CTX_NONE = 0,
	BPFE_CTX_DATA,
	BPFE_CTX_DATA_END,
	BPFE_CTX_DATA_META,
	BPFE_CTX_INGRESS_IFINDEX,
	BPFE_CTX_RX_QUEUE_INDEX,
	BPFE_CTX_EGRESS_IFINDEX,
};

struct bpfe_insn_aux {
	bool seen;          /* the verifier reached it; if not, reaching it traps */
	uint8_t ctx_field;  /* enum bpfe_ctx_field of a load from the context */
	uint8_t mem_kind;   /* enum bpfe_mem_kind of a load, store or atomic */
	uint32_t subprog;   /* index of the function the instruction belongs to */
	uint32_t map_index; /* for ld_imm64 of a map: index into image->maps */
};

enum bpfe_mem_kind {
	BPFE_MEM_NONE = 0,
	BPFE_MEM_STACK,
	BPFE_MEM_PACKET,
	BPFE_MEM_MAP_VALUE,
	BPFE_MEM_CTX,
};

struct bpfe_subprog {
	uint32_t start;       /* first slot */
	uint32_t end;         /* one past its last slot */
	uint32_t stack_bytes; /* deepest byte used below r10, multiple of 8; set by the verifier */
};

struct bpfe_image {
	struct bpf_insn *insns;
	uint32_t n_insns;
	struct bpfe_insn_aux *aux; /* n_insns */
	struct bpfe_map **maps;    /* distinct maps in use; the image holds a reference to each */
	uint32_t n_maps;
	struct bpfe_subprog *subprogs; /* [0] is the program itself, sorted by start */
	uint32_t n_subprogs;
	uint32_t max_stack; /* bytes over a call chain; 0: BPFE_STACK_SIZE; result: stack_bytes
			       below */
	uint32_t stack_bytes;
	uint32_t states;
	uint64_t insns_verified;
	uint64_t peak_bytes;
	uint32_t max_packet_offset;
	const uint64_t *helpers;
	const atomic_bool *cancel;
	bpfe_source_line_fn source_line;
	void *source_opaque;
};

/*
 * Take a copy of the instructions @attr gives, with empty aux, and @attr's limits. -EINVAL: no
 * instructions; -E2BIG: too many; -ENOMEM. Temporaries come from the C heap.
 */
int bpfe_image_open(struct bpfe_image *image, const struct bpfe_load_attr *attr,
		    struct bpfe_log *log);

/* Free what the image holds and put its maps. Safe on a zeroed image and after a failed pass. */
void bpfe_image_close(struct bpfe_image *image);

/*
 * Pass 1 (isa/decode.c): encodings, reserved fields, map references resolved (whatever way the
 * program named the map, src_reg becomes BPF_PSEUDO_MAP_IDX and imm, like aux.map_index, the index
 * into image->maps), calls and jumps within bounds and never into the second slot of ld_imm64,
 * subprograms found (recursion and depth are the verifier's), no function falls off its end.
 * Purely structural: helper ids, divisors and shift amounts are not looked at.
 */
int bpfe_decode(struct bpfe_image *image, const struct bpfe_map_binding *maps, uint32_t n_maps,
		struct bpfe_log *log);

/* Pass 2 (verifier/): safety. Fills aux, stack depths and counts. -EACCES, -E2BIG, -ENOMEM,
 * -ECANCELED. */
int bpfe_verify(struct bpfe_image *image, struct bpfe_log *log);

/* ---- Helpers: one table ------------------------------------------------------------------- */

enum bpfe_arg_type {
	BPFE_ARG_NONE = 0,
	BPFE_ARG_ANYTHING, /* initialised scalar; pointers are refused (they would leak) */
	BPFE_ARG_CTX,
	BPFE_ARG_CONST_MAP,  /* pointer from ld_imm64 of a map */
	BPFE_ARG_MAP_KEY,    /* key_size initialised bytes on stack, in packet or map value */
	BPFE_ARG_MAP_VALUE,  /* value_size initialised bytes, same places */
	BPFE_ARG_MEM_RDONLY, /* initialised memory, its size in the next argument */
	BPFE_ARG_MEM_UNINIT, /* memory the helper fills whole; size in the next argument */
	BPFE_ARG_SIZE,       /* known bound > 0 */
	BPFE_ARG_SIZE_OR_ZERO,
};

enum bpfe_ret_type {
	BPFE_RET_INTEGER = 0,
	BPFE_RET_VOID,
	BPFE_RET_MAP_VALUE_OR_NULL,
};

/* A helper as the interpreter calls it. @env is the run (struct bpfe_run_env). */
struct bpfe_run_env;
typedef uint64_t (*bpfe_helper_fn)(struct bpfe_run_env *env, uint64_t r1, uint64_t r2, uint64_t r3,
				   uint64_t r4, uint64_t r5);

struct bpfe_helper {
	uint32_t id; /* BPF_FUNC_* */
	const char *name;
	bpfe_helper_fn fn;
	uint8_t ret;       /* enum bpfe_ret_type */
	uint8_t args[5];   /* enum bpfe_arg_type */
	bool moves_packet; /* packet pointers are invalid after it */
};

/* The row of a helper, or NULL if not built (helpers/table.c). */
const struct bpfe_helper *bpfe_helper_by_id(uint32_t id);

/* Linux's name of a helper, built here or not ("bpf_fib_lookup"); "unknown" if it has none. */
const char *bpfe_linux_helper_name(uint32_t id);

/* Run environment, handed to helpers (interp/). */
struct bpfe_run_env {
	struct bpfe_xdp_buff *xdp;
	const struct bpfe_program *prog;
};

/* ---- Maps --------------------------------------------------------------------------------- */

struct bpfe_map_ops {
	uint32_t type;
	size_t (*storage_size)(const struct bpfe_map_attr *attr);
	int (*init)(struct bpfe_map *map); /* storage is zeroed */
	void *(*lookup)(struct bpfe_map *map, const void *key);
	int (*update)(struct bpfe_map *map, const void *key, const void *value, uint64_t flags);
	int (*remove)(struct bpfe_map *map, const void *key);
	int (*get_next_key)(struct bpfe_map *map, const void *key, void *next);
	uint32_t (*count)(const struct bpfe_map *map);
	/* Do the @size bytes at @address lie in one value? For the checked interpreter. */
	bool (*contains)(const struct bpfe_map *map, uintptr_t address, size_t size);
	void (*destroy)(struct bpfe_map *map);
};

const struct bpfe_map_ops *bpfe_map_ops(uint32_t type); /* maps/table.c; NULL if not built */

#endif
