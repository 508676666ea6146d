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
	/* struct __sk_buff only */
	BPFE_CTX_ZERO, /* a field that is always 0 */
	BPFE_CTX_LEN,
	BPFE_CTX_MARK,
	BPFE_CTX_QUEUE_MAPPING,
	BPFE_CTX_PROTOCOL,
	BPFE_CTX_VLAN_PRESENT,
	BPFE_CTX_VLAN_TCI,
	BPFE_CTX_VLAN_PROTO,
	BPFE_CTX_PRIORITY,
	BPFE_CTX_IFINDEX,
	BPFE_CTX_TC_INDEX,
	BPFE_CTX_CB,
	BPFE_CTX_HASH,
	BPFE_CTX_TC_CLASSID,
	BPFE_CTX_TSTAMP,
};

/* Programs keep at most so many references (ring buffer records, iterators...) at one time. */
#define BPFE_MAX_HELD 16u

/* Most rounds of bpf_loop() and numbers of an iterator (Linux's BPF_MAX_LOOPS). */
#define BPFE_MAX_LOOPS (8 * 1024 * 1024)

struct bpfe_insn_aux {
	bool seen;          /* the verifier reached it; if not, reaching it traps */
	bool writes_r10;    /* refused where it is reached, a trap elsewhere */
	uint8_t form;       /* enum bpfe_form (isa/isa.h); set by the decoder */
	uint8_t ctx_field;  /* enum bpfe_ctx_field of an access to the context (context.h) */
	uint8_t ctx_byte;   /* and the byte of the field that it begins with */
	uint8_t mem_kind;   /* enum bpfe_mem_kind of a load, store or atomic */
	uint8_t args_set;   /* call with BPFE_ARG_UNSET_OK: bit n, rn held something... */
	uint8_t args_unset; /* ...or nothing; never both */
	uint8_t edges;      /* conditional jump: set of BPFE_EDGE_* that the verifier followed */
	uint8_t sanitize;   /* enum bpfe_sanitize: pointer arithmetic, for hardening */
	uint32_t const_map; /* helper call: 1 + index into image->maps of the map its map argument
			       is on every path; 0: none, or not the same */
	uint32_t limit;     /* with sanitize: bytes */
	uint32_t subprog;   /* index of the function the instruction belongs to */
	uint32_t map_index; /* for ld_imm64 of a map or map value: index into image->maps */
	uint32_t callee; /* for ld_imm64 of a function (BPF_PSEUDO_FUNC): index of the function */
};

enum {
	BPFE_EDGE_FALL = 1,
	BPFE_EDGE_JUMP = 2,
};

/*
 * A scalar in a register is added to, or subtracted from, a pointer to the stack, into a map value
 * or into the packet. On every path that the program can take the result's distance from the
 * pointer is at most limit; under speculation it may not be, and compiled code masks it. (Linux:
 * alu_limit.)
 */
enum bpfe_sanitize {
	BPFE_SANITIZE_NONE = 0,
	BPFE_SANITIZE_SRC,             /* the scalar is in src */
	BPFE_SANITIZE_DST,             /* scalar in dst += pointer in src */
	BPFE_SANITIZE_NEGATIVE = 0x80, /* or'ed in: what is added is at most 0 */
};

enum bpfe_mem_kind {
	BPFE_MEM_NONE = 0, /* no memory; or of different kinds, or in what may be of any kind */
	BPFE_MEM_STACK,
	BPFE_MEM_PACKET,
	BPFE_MEM_MAP_VALUE,
	BPFE_MEM_CTX,
	BPFE_MEM_OTHER, /* ring buffer record, map key, memory that the program is over */
};

struct bpfe_subprog {
	uint32_t start;       /* first slot */
	uint32_t end;         /* one past its last slot */
	uint32_t stack_bytes; /* deepest byte used below r10, multiple of 8; set by the verifier */
	const struct bpfe_func_info *info; /* what BTF says of it, NULL: nothing */
	bool is_callback;                  /* its address is taken; set by the decoder */
	bool has_tail_call;                /* set by the verifier */
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
	/* No run executes more instructions than this, what helpers charge not counted; UINT64_MAX:
	 * not known. Set by the verifier. */
	uint64_t longest_run;
	uint64_t peak_bytes;
	uint32_t max_packet_offset;
	enum bpf_prog_type type; /* BPF_PROG_TYPE_XDP, BPF_PROG_TYPE_SCHED_CLS or BPFE_PROG_MEM */
	uint32_t mem_size;       /* BPFE_PROG_MEM: bytes r1 points to */
	struct bpfe_func_info *funcs; /* sorted by start; subprogs[].info points in here */
	uint32_t n_funcs;
	char *func_names;   /* the strings funcs[].name point to */
	bool has_tail_call; /* set by the verifier */
	const uint64_t *helpers;
	const atomic_bool *cancel;
	struct bpfe_claims *claims; /* for tests (claims.h); NULL */
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
 * program named the map, src_reg becomes BPF_PSEUDO_MAP_IDX, or BPF_PSEUDO_MAP_IDX_VALUE for a
 * value in it, and imm, like aux.map_index, the index into image->maps), calls and jumps within
 * bounds and never into the second slot of ld_imm64, subprograms found (recursion and depth are the
 * verifier's), no function falls off its end. Purely structural: helper ids, divisors and shift
 * amounts are not looked at.
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
	BPFE_ARG_CONST_MAP,     /* pointer from ld_imm64 of a map, or an inner map looked up */
	BPFE_ARG_MAP_KEY,       /* key_size initialised bytes on stack, in packet or map value... */
	BPFE_ARG_MAP_VALUE,     /* value_size initialised bytes, same places */
	BPFE_ARG_MAP_VALUE_OUT, /* value_size bytes the helper fills (pop, peek) */
	BPFE_ARG_MEM_RDONLY,    /* initialised memory, its size in the next argument */
	BPFE_ARG_MEM_UNINIT,    /* memory the helper fills whole; size in the next argument */
	BPFE_ARG_MEM_INOUT,     /* initialised memory the helper reads and writes; size as above */
	BPFE_ARG_FIXED_RDONLY,  /* initialised memory of arg_size[] bytes */
	BPFE_ARG_FIXED_OUT,     /* memory of arg_size[] bytes the helper fills whole */
	BPFE_ARG_FIXED_INOUT, /* initialised memory of arg_size[] bytes the helper reads and writes
			       */
	BPFE_ARG_SIZE,        /* known bound > 0 */
	BPFE_ARG_SIZE_OR_ZERO,
	BPFE_ARG_CONST,         /* a constant known when the program is verified */
	BPFE_ARG_CONST_ALLOC,   /* the same: bytes of the memory that is returned; behind a memory
				   argument also of that, which the helper neither reads nor
				   fills nor returns (bpf_dynptr_slice: the frame is one piece) */
	BPFE_ARG_CONST_STR,     /* NUL-terminated string in a frozen read-only map value */
	BPFE_ARG_SPIN_LOCK,     /* the struct bpf_spin_lock of a map value */
	BPFE_ARG_CALLBACK,      /* a function of the program (ld_imm64, BPF_PSEUDO_FUNC) */
	BPFE_ARG_CALLBACK_CTX,  /* what the callback gets: stack pointer, map value... or 0 */
	BPFE_ARG_RECORD,        /* ring buffer record: what an acquiring helper returned, whole */
	BPFE_ARG_DYNPTR,        /* initialised struct bpf_dynptr on the stack, or a callback's */
	BPFE_ARG_DYNPTR_OUT,    /* 16 bytes of stack that become a dynptr; kind in dynptr_kind */
	BPFE_ARG_DYNPTR_RECORD, /* initialised ring buffer dynptr, which is released */
	BPFE_ARG_ITER_OUT,      /* 8 bytes of stack that become an iterator (bpf_iter_num_new) */
	BPFE_ARG_ITER,          /* initialised iterator (bpf_iter_num_next) */
	BPFE_ARG_ITER_END,      /* the same, which is released (bpf_iter_num_destroy) */
	BPFE_ARG_TYPES,

	BPFE_ARG_NULLABLE = 0x80, /* or'ed in: may be 0 too */
	BPFE_ARG_UNSET_OK = 0x40, /* or'ed into ANYTHING: may hold nothing, and is 0 then */
};

enum bpfe_ret_type {
	BPFE_RET_INTEGER = 0,
	BPFE_RET_VOID,
	BPFE_RET_MAP_VALUE_OR_NULL, /* an inner map if the map argument is a map-in-map */
	BPFE_RET_MEM_OR_NULL,       /* bytes as the BPFE_ARG_CONST_ALLOC argument says; of the
				       dynptr, if there is a dynptr argument */
	BPFE_RET_ITER_NUM_OR_NULL,  /* pointer to a read-only int, or NULL at the end */
};

enum bpfe_dynptr_kind {
	BPFE_DYNPTR_NONE = 0,
	BPFE_DYNPTR_LOCAL, /* over memory of a map value (bpf_dynptr_from_mem) */
	BPFE_DYNPTR_RINGBUF,
	BPFE_DYNPTR_XDP, /* over the frame */
};

/* A helper as the interpreter calls it. @env is the run (struct bpfe_run_env). */
struct bpfe_run_env;
typedef uint64_t (*bpfe_helper_fn)(struct bpfe_run_env *env, uint64_t r1, uint64_t r2, uint64_t r3,
				   uint64_t r4, uint64_t r5);

/*
 * A helper or, with an id from BPFE_KFUNC_BASE on, a kfunc: both are rows of one table and are
 * verified and called alike. In an image a call of a kfunc has src_reg BPF_PSEUDO_KFUNC_CALL and
 * such an id as imm.
 */
#define BPFE_KFUNC_BASE 0x10000u

/* Never built: what the loader makes of a call of a kfunc the engine does not have. */
#define BPFE_KFUNC_MISSING 0x7fffffffu

struct bpfe_helper {
	uint32_t id;      /* BPF_FUNC_*, or BPFE_KFUNC_* */
	const char *name; /* Linux's: "bpf_map_lookup_elem" */
	bpfe_helper_fn fn;
	uint8_t ret;          /* enum bpfe_ret_type */
	uint8_t args[5];      /* enum bpfe_arg_type */
	uint16_t arg_size[5]; /* of BPFE_ARG_FIXED_* */
	uint8_t dynptr_kind;  /* enum bpfe_dynptr_kind of BPFE_ARG_DYNPTR_OUT */
	bool moves_packet;    /* packet pointers and slices are invalid after it */
	bool acquires;        /* what it returns (if not NULL) must be released on all paths */
	bool releases;        /* its BPFE_ARG_RECORD argument */
	bool calls_back;      /* runs the program's function while it runs */
	bool ret_rdonly;      /* memory it returns cannot be written (bpf_dynptr_slice) */
	bool plain;           /* never touches env->cost, abort, lock, held, visited or invoke */
	bool ret_ranged;      /* an integer it returns lies in ret_min..ret_max */
	int64_t ret_min, ret_max;
	uint32_t types; /* BPFE_FOR_* program types that may call it; 0: all */
};

enum {
	BPFE_FOR_XDP = 1,
	BPFE_FOR_TC = 2,
	BPFE_FOR_MEM = 4,
};

/* The row of a helper or kfunc, or NULL if not built (helpers/table.c). */
const struct bpfe_helper *bpfe_helper_by_id(uint32_t id);

/* The id of the kfunc called @name, or 0 if not built. */
uint32_t bpfe_kfunc_by_name(const char *name);

/* Linux's name of a helper, built here or not ("bpf_fib_lookup"); "unknown" if it has none. */
const char *bpfe_linux_helper_name(uint32_t id);

/* Something a run holds and must not leave behind when it is cut short. */
struct bpfe_held_record {
	struct bpfe_map *map; /* ring buffer */
	void *record;         /* what bpfe_ringbuf_reserve() returned */
};

/* A map's key that a callback under way was given to read; the innermost first. */
struct bpfe_visited_key {
	const void *key;
	size_t size;
	const struct bpfe_visited_key *outer;
};

/* Run environment, handed to helpers (interp/, and later the JIT, set it up). */
struct bpfe_run_env {
	struct bpfe_xdp_buff *xdp;
	const struct bpfe_program *prog;
	uint32_t cpu; /* the queue engine that runs it */
	/*
	 * For helpers that call back: run the program's function @fn (the value of the argument) to
	 * its end and return its r0. If env->abort is set after it, the run is over: the helper
	 * returns at once.
	 */
	uint64_t (*invoke)(struct bpfe_run_env *env, uint64_t fn, uint64_t r1, uint64_t r2,
			   uint64_t r3, uint64_t r4, uint64_t r5);
	enum bpfe_abort abort;
	/* Work done by the helper beyond a call's, in instructions; the caller charges it to the
	 * budget and sets it to 0. A helper that copies or loops adds to it. */
	uint64_t cost;
	struct bpfe_redirect redirect; /* set by bpf_redirect*(), of use if the verdict says so */
	uint32_t *lock;                /* struct bpf_spin_lock held, or NULL */
	const struct bpfe_visited_key *visited;
	uint32_t n_held;
	struct bpfe_held_record held[BPFE_MAX_HELD];
};

/* ---- Maps --------------------------------------------------------------------------------- */

/* Gets an element of a map; false stops the walk. @key is valid for the call only. */
typedef bool (*bpfe_visit_fn)(void *opaque, const void *key, void *value);

/*
 * A look-up of one map's, made for its type and key size: bpfe_map_ops.lookup for compiled code to
 * call without env. @cpu counts for per_cpu types only; a caller may leave its register as it is
 * for others. Inside a read section; neither blocks nor calls anything of the program's.
 */
typedef void *(*bpfe_direct_lookup_fn)(struct bpfe_map *map, const void *key, uint32_t cpu);

/* The same of bpfe_map_ops.update. May wait for another writer of the same key's bucket. */
typedef int (*bpfe_direct_update_fn)(struct bpfe_map *map, const void *key, const void *value,
				     uint64_t flags, uint32_t cpu);

struct bpfe_map_ops {
	uint32_t type;
	bool rdonly_prog; /* programs only read the values: BPF_F_RDONLY_PROG is always set */
	bool per_cpu;     /* the control plane sees a value for each of attr.cpus processors */
	/*
	 * May a map have @attr? NULL: the bounds that bpfe_map_check_common() (maps/map.h) puts on
	 * any key, value, number of entries and flags. Otherwise it is asked instead of that.
	 */
	int (*check)(const struct bpfe_map_attr *attr, struct bpfe_log *log);
	size_t (*storage_size)(const struct bpfe_map_attr *attr);
	/* Bytes of struct bpfe_map's private[], for what is no data (locks). NULL: none. */
	size_t (*private_size)(const struct bpfe_map_attr *attr);
	/* Bytes that init takes besides. NULL: none. */
	size_t (*extra_size)(const struct bpfe_map_attr *attr);
	/* Storage is zeroed; attr.inner is the caller's. -ENOMEM... */
	int (*init)(struct bpfe_map *map);
	/* Nobody but programs and other maps refers to it any more. NULL: nothing to do. */
	void (*unused)(struct bpfe_map *map);
	/* What follows may be NULL where it is not said otherwise: -EOPNOTSUPP, no value. */
	/* As lookup, and an LRU map does not take it for use. NULL: as for processor 0. */
	void *(*find)(struct bpfe_map *map, const void *key);
	/* For programs, on processor @cpu. */
	void *(*lookup)(struct bpfe_map *map, const void *key, uint32_t cpu);
	int (*update)(struct bpfe_map *map, const void *key, const void *value, uint64_t flags,
		      uint32_t cpu);
	/*
	 * Functions that do for @map what lookup and update do, but know its attributes: the same
	 * for as long as the map exists. NULL, or NULL returned: there is none that is quicker.
	 */
	bpfe_direct_lookup_fn (*direct_lookup)(const struct bpfe_map *map);
	bpfe_direct_update_fn (*direct_update)(const struct bpfe_map *map);
	/* For the control plane, whole values of bpfe_map_value_bytes(); NULL: as for programs. */
	int (*read)(struct bpfe_map *map, const void *key, void *value);
	int (*write)(struct bpfe_map *map, const void *key, const void *value, uint64_t flags);
	int (*remove)(struct bpfe_map *map, const void *key);
	int (*get_next_key)(struct bpfe_map *map, const void *key, void *next);
	/* Visit the elements as processor @cpu sees them; the number visited. NULL: cannot. */
	uint32_t (*for_each)(struct bpfe_map *map, uint32_t cpu, bpfe_visit_fn visit, void *opaque);
	/* Queue, stack, bloom filter (push, peek). NULL: -EOPNOTSUPP. */
	int (*push)(struct bpfe_map *map, const void *value, uint64_t flags);
	int (*pop)(struct bpfe_map *map, void *value);
	int (*peek)(struct bpfe_map *map, void *value);
	/* Ring buffer, perf event array: as bpfe_map_consume() and bpfe_map_lost(). */
	int (*consume)(struct bpfe_map *map, uint32_t max, bpfe_record_fn fn, void *opaque);
	uint64_t (*lost)(const struct bpfe_map *map);
	uint32_t (*count)(const struct bpfe_map *map); /* never NULL */
	/* Do the @size bytes at @address lie in one value? For the checked interpreter. NULL: no.
	 */
	bool (*contains)(const struct bpfe_map *map, uintptr_t address, size_t size);
	void (*destroy)(struct bpfe_map *map);
};

/*
 * References that programs, images, other maps and deferred work hold. A map that only these hold
 * is unused (bpfe_map_ops.unused): a prog array then lets its programs go, which may be the ones
 * that refer to it. bpfe_map_get() and bpfe_map_put() count users: whoever else refers to it.
 */
struct bpfe_map *bpfe_map_hold(struct bpfe_map *map);
void bpfe_map_release(struct bpfe_map *map);

const struct bpfe_map_ops *bpfe_map_ops(uint32_t type); /* maps/table.c; NULL if not built */

#endif
