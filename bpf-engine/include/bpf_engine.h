/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * bpf_engine: verify, publish and run BPF programs over frames in NIC memory.
 *
 * The author of a program is hostile (a guest) and the memory is the host's, so the verifier here
 * is as strict as Linux is with an unprivileged author: no host address and no byte the program did
 * not write itself, or receive in the frame or a map, is observable through packets, maps, return
 * values or scalars.
 *
 * Errors are negative errno values. The host must be little-endian.
 *
 * Threads: programs and maps are read under RCU (liburcu, memb flavour, behind the bpfe_rcu_*
 * functions). A thread that runs programs or touches map values registers once, and holds a read
 * section around each run. Control-plane functions say below which of them may block.
 */
#ifndef BPF_ENGINE_H
#define BPF_ENGINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/bpf.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BPFE_STACK_SIZE     512u     /* bytes of stack a BPF frame has (r10 - 512 .. r10 - 1) */
#define BPFE_MAX_FRAMES     8u       /* nesting of bpf-to-bpf calls, the main program included */
#define BPFE_MAX_INSNS      65536u   /* 8-byte slots a program may have */
#define BPFE_NAME_LEN       16u      /* program and map names, NUL included (BPF_OBJ_NAME_LEN) */
#define BPFE_DEFAULT_BUDGET 1000000u /* instructions one run may execute */
#define BPFE_MAX_FRAME      0xfffff  /* bytes hard_start to hard_end of a frame may have */
#define BPFE_HEADROOM       256u     /* XDP_PACKET_HEADROOM a frame should have before its data */

/* ---- Memory ------------------------------------------------------------------------------- */

/*
 * Storage for maps and programs comes from here, so that the caller can account it, bound it, or
 * place it where migration finds it. Storage is linked by index inside, never by pointer.
 *
 * @alloc: returns @size zeroed bytes aligned to @align (a power of two), or NULL when the caller's
 *         limit is reached.
 * @free:  takes back what @alloc returned, with the same @size.
 * Both may be called from any thread (RCU callbacks included).
 */
struct bpfe_allocator {
	void *(*alloc)(void *opaque, size_t size, size_t align);
	void (*free)(void *opaque, void *ptr, size_t size);
	void *opaque;
};

/* ---- Log ---------------------------------------------------------------------------------- */

/* Why something was refused, for machines; the text in the log is for people. */
enum bpfe_reason {
	BPFE_OK = 0,
	BPFE_BAD_ENCODING,   /* not an instruction of the set, or reserved fields not zero */
	BPFE_BAD_CONTROL,    /* jump out of range or into ld_imm64, falling off the end, bad call */
	BPFE_BAD_MAP,        /* reference to a map that does not exist or cannot be used so */
	BPFE_BAD_HELPER,     /* helper unknown to this build or profile */
	BPFE_BAD_REGISTER,   /* uninitialised or of the wrong type */
	BPFE_BAD_ARITHMETIC, /* forbidden pointer arithmetic or comparison */
	BPFE_BAD_MEMORY,     /* access out of bounds, misaligned or of the wrong kind */
	BPFE_BAD_CONTEXT,    /* access to the context that xdp_md does not define */
	BPFE_BAD_STACK,      /* uninitialised, out of range or corrupting stack access */
	BPFE_BAD_NULL,       /* use of a value that may be NULL */
	BPFE_BAD_RETURN,     /* exit with something other than a scalar */
	BPFE_POINTER_LEAK,   /* a pointer would become observable */
	BPFE_TOO_COMPLEX,    /* verification budget used up */
	BPFE_TOO_LARGE,      /* more instructions, calls or stack than the limits allow */
	BPFE_NO_MEMORY,
	BPFE_CANCELLED,
	BPFE_BAD_REFERENCE, /* something to be given back is not, or not as it was taken */
	BPFE_REASON_MAX
};

/*
 * Where refusals are explained. Text is appended, always NUL-terminated, and cut when @size is
 * reached (@truncated is set). @buf may be NULL with @size 0. Not thread-safe.
 * @level 0: refusals only; 1: one summary line on success too; 2: each instruction with states.
 */
struct bpfe_log {
	char *buf;
	size_t size; /* bytes at buf */
	size_t len;  /* bytes of text, NUL excluded */
	bool truncated;
	uint8_t level;
	enum bpfe_reason reason; /* set when something is refused */
	uint32_t insn;           /* index of the offending 8-byte slot, valid with reason */
};

/* Name of a reason ("bad-memory"), never NULL. */
const char *bpfe_reason_name(enum bpfe_reason reason);

/* Append formatted text to @log (which may be NULL). */
void bpfe_log(struct bpfe_log *log, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Refuse: append text, set @reason and @insn unless an earlier refusal did. Returns @err, so that a
 * caller can write `return bpfe_refuse(...)`. The text becomes a line of its own. @log may be NULL.
 */
int bpfe_refuse(struct bpfe_log *log, int err, enum bpfe_reason reason, uint32_t insn,
		const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* ---- Threads ------------------------------------------------------------------------------ */

/* A thread that runs programs, or uses bpfe_map_lookup(), registers first and unregisters last. */
void bpfe_thread_register(void);
void bpfe_thread_unregister(void);

/* Read section: programs and map values found inside stay valid until its end. Nests. */
void bpfe_rcu_read_lock(void);
void bpfe_rcu_read_unlock(void);

/* Wait until all read sections that have begun have ended. Blocks; never inside a read section. */
void bpfe_rcu_synchronize(void);

/* Wait for all deferred frees (call before leak checks, and before an allocator goes away). */
void bpfe_rcu_barrier(void);

/* ---- Maps --------------------------------------------------------------------------------- */

struct bpfe_map;

/*
 * Meanings and limits as union bpf_attr, command BPF_MAP_CREATE.
 *
 * A processor, to a program and its maps, is the queue engine that runs it: processor n runs the
 * programs of receive queue n. Per-CPU maps hold one value for each of @cpus processors; a run on a
 * processor beyond them uses the one at (processor modulo @cpus).
 */
struct bpfe_map_attr {
	uint32_t type; /* enum bpf_map_type; bpfe_map_type_supported() tells which */
	uint32_t key_size;
	uint32_t value_size;
	uint32_t max_entries;
	uint32_t flags; /* BPF_F_*, by type: docs/bpf-support; 0 is fine but for an LPM trie */
	char name[BPFE_NAME_LEN];
	uint64_t map_extra;     /* bloom filter: low 4 bits, number of hashes (0: 5) */
	uint32_t cpus;          /* per-CPU maps: values per key; 0: BPFE_DEFAULT_CPUS */
	uint32_t spin_lock_off; /* byte of the value where its struct bpf_spin_lock lies, if... */
	bool has_spin_lock;     /* ...it has one (array and hash, per-CPU ones not) */
	const struct bpfe_map_attr *inner; /* map-in-map: what its maps must look like; the map
					      keeps a copy of its own */
};

#define BPFE_DEFAULT_CPUS 8u
#define BPFE_MAX_CPUS     256u

/*
 * Bounds on one map: key 1..512 bytes, value 1..65536 bytes (32768 of a per-CPU map, 2^22 of an
 * array, which a program's global data is), entries 1..2^26. A queue, a stack and a bloom filter
 * have no key.
 */
#define BPFE_MAP_MAX_KEY     512u
#define BPFE_MAP_MAX_VALUE   65536u
#define BPFE_MAP_MAX_ARRAY   (1u << 22)
#define BPFE_MAP_MAX_ENTRIES (1u << 26)

/* Is this map type implemented? */
bool bpfe_map_type_supported(uint32_t type);

/* Bytes of storage a map with @attr takes, for accounting beforehand; 0 if @attr is invalid. */
size_t bpfe_map_storage_size(const struct bpfe_map_attr *attr);

/*
 * Create a map with one reference. All its storage is taken from @alloc (NULL: the C heap) now.
 * -EINVAL: attribute that does not fit the type (the log says which); -E2BIG: larger than the
 * bounds; -EOPNOTSUPP: type not implemented, BPF_F_NO_PREALLOC for an LRU map, or a lock in the
 * values of a type that cannot have one; -EACCES: a lock in values that programs may only read or
 * only write; -ENOMEM: the allocator refused. The allocator must outlive the map's last deferred
 * free.
 */
int bpfe_map_create(const struct bpfe_map_attr *attr, const struct bpfe_allocator *alloc,
		    struct bpfe_map **map, struct bpfe_log *log);

/* References. The last put frees the storage after a grace period; any thread, never blocks. */
struct bpfe_map *bpfe_map_get(struct bpfe_map *map);
void bpfe_map_put(struct bpfe_map *map);

const struct bpfe_map_attr *bpfe_map_attr(const struct bpfe_map *map);

/* Elements present: max_entries for an array, the live count for a hash. */
uint32_t bpfe_map_count(const struct bpfe_map *map);

/*
 * Look up @key (key_size bytes). Returns the value in place (8-byte aligned, value_size bytes,
 * shared with programs that may write it) or NULL. Inside a read section; lock-free.
 */
void *bpfe_map_lookup(struct bpfe_map *map, const void *key);

/* The same as a program on processor @cpu sees it; an LRU map takes the key for used. */
void *bpfe_map_lookup_cpu(struct bpfe_map *map, const void *key, uint32_t cpu);

/*
 * Bytes of a value as the control plane copies it: value_size, or, as in Linux, for a per-CPU map
 * value_size rounded up to 8 for each of its processors, processor 0 first.
 */
size_t bpfe_map_value_bytes(const struct bpfe_map *map);

/*
 * Copy the value of @key to @value (bpfe_map_value_bytes()). -ENOENT. Takes a read section itself.
 * Does not count as use to an LRU map.
 */
int bpfe_map_lookup_copy(struct bpfe_map *map, const void *key, void *value);

/*
 * The same with @flags: BPF_F_LOCK holds the value's struct bpf_spin_lock meanwhile, so that what
 * programs change under it is seen whole. The lock itself always reads as 0. -EINVAL: another flag,
 * or the map's values have no lock. A queue or stack gives its next value and a bloom filter looks
 * for @value itself; they take no key (NULL).
 *
 * -EPERM from this and all below that read: the map is BPF_F_WRONLY; that write: it is BPF_F_RDONLY
 * or frozen.
 */
int bpfe_map_lookup_copy_flags(struct bpfe_map *map, const void *key, void *value, uint64_t flags);

/*
 * Set the value of @key. @flags BPF_ANY, BPF_NOEXIST, BPF_EXIST as Linux has them: -EEXIST,
 * -ENOENT, -EINVAL (unknown flag), -E2BIG (array index out of range, hash full). Readers see the
 * old or the new element of a hash whole; an array element and a per-CPU value are overwritten in
 * place, 8-byte words whole. Any registered thread. Should a burst of changes outrun the grace
 * period that a hash gives its readers, values are overwritten in place and removed elements reused
 * at once, as in Linux's preallocated hashes: a value that a reader still holds may then become
 * another key's of the same map. An LRU map that is full removes a key that was not used lately.
 */
int bpfe_map_update(struct bpfe_map *map, const void *key, const void *value, uint64_t flags);

/* Remove @key. -ENOENT; -EINVAL for an array. Nothing of its value is left when it is reused. */
int bpfe_map_delete(struct bpfe_map *map, const void *key);

/*
 * Key after @key (NULL or a key that is gone: the first one) to @next. -ENOENT at the end.
 * Order is stable while the map does not change; under changes every key that stays is seen at
 * least once unless it moves past the cursor, as in Linux.
 */
int bpfe_map_get_next_key(struct bpfe_map *map, const void *key, void *next);

struct bpfe_program;

/*
 * Maps of objects, control plane: the value is a reference instead of bytes. @index or @key as in
 * Linux's update of such a map by fd. NULL removes. -EINVAL: wrong map type, or the object does not
 * fit (a program of another type or context than those there; an inner map unlike attr.inner);
 * -E2BIG, -ENOENT as for bpfe_map_update(). The map holds a reference; bpfe_map_lookup_copy() of
 * such a map gives the 4-byte id that @id names it by.
 */
int bpfe_map_set_program(struct bpfe_map *prog_array, uint32_t index, struct bpfe_program *prog,
			 uint32_t id);
int bpfe_map_set_inner(struct bpfe_map *map_in_map, const void *key, struct bpfe_map *inner,
		       uint32_t id, uint64_t flags);

/*
 * Queue, stack, bloom filter as their Linux system calls. Push: -E2BIG when full, unless @flags is
 * BPF_EXIST, which drops the oldest; -EINVAL for other flags. Pop and peek: -ENOENT when empty, and
 * then @value is zeroed. A bloom filter peeks for @value: -ENOENT if it was never pushed; it cannot
 * pop (-EOPNOTSUPP).
 */
int bpfe_map_push(struct bpfe_map *map, const void *value, uint64_t flags);
int bpfe_map_pop(struct bpfe_map *map, void *value);
int bpfe_map_peek(struct bpfe_map *map, void *value);

/* As BPF_MAP_FREEZE: from now on the control plane cannot change it (-EPERM). A frozen map with
 * BPF_F_RDONLY_PROG is constant to the verifier. -EPERM if frozen already or BPF_F_RDONLY, as Linux
 * answers; -EOPNOTSUPP if its values have a lock. */
int bpfe_map_freeze(struct bpfe_map *map);
bool bpfe_map_is_frozen(const struct bpfe_map *map);

/*
 * Take what programs wrote to a ring buffer or perf event array, oldest first, at most @max records
 * (0: all there are). @fn gets each record's bytes, valid for the call only, and the processor that
 * wrote it; it returns 0 to go on, anything else to stop after this record. Returns the number of
 * records taken, -EINVAL for other maps. One consumer at a time.
 */
typedef int (*bpfe_record_fn)(void *opaque, uint32_t cpu, const void *data, size_t size);
int bpfe_map_consume(struct bpfe_map *map, uint32_t max, bpfe_record_fn fn, void *opaque);

/*
 * Have @fn called in the thread of a producer when a record becomes ready that the consumer waits
 * for (BPF_RB_NO_WAKEUP and BPF_RB_FORCE_WAKEUP say otherwise). It must be quick and call nothing
 * of the map's: it wakes the thread that calls bpfe_map_consume(). NULL: none. -EINVAL: other maps.
 * Blocks for a grace period, after which the former @fn is not called any more; one caller at a
 * time, never inside a read section.
 */
typedef void (*bpfe_data_fn)(void *opaque, struct bpfe_map *map);
int bpfe_map_on_data(struct bpfe_map *map, bpfe_data_fn fn, void *opaque);

/* Records that found no room since the map was made. */
uint64_t bpfe_map_lost(const struct bpfe_map *map);

/* ---- Programs ----------------------------------------------------------------------------- */

/* Beside Linux's program types: r1 points to memory of mem_size bytes, r2 is its length, r0 is the
 * result. For test suites and for tools; see bpfe_run_mem(). */
#define BPFE_PROG_MEM 0x10000u

/* A map a program may name: as ld_imm64 with src_reg BPF_PSEUDO_MAP_FD and imm == @id, or with
 * BPF_PSEUDO_MAP_IDX and imm == index into the array of bindings. */
struct bpfe_map_binding {
	uint32_t id;
	struct bpfe_map *map;
};

enum bpfe_load_flags {
	BPFE_LOAD_CHECKED = 1u << 0, /* interpreter checks every access at run time too (slow) */
	/* Decode only, do not verify, and run checked: for test suites, with BPFE_LOAD_CHECKED and
	 * BPFE_PROG_MEM only. Never for a program of a guest's. */
	BPFE_LOAD_UNVERIFIED = 1u << 1,
	/* Count instructions in compiled code too (bpfe_result.insns), where it would not need to.
	 */
	BPFE_LOAD_COUNTED = 1u << 2,
};

/* What runs a program. */
enum bpfe_engine {
	BPFE_ENGINE_DEFAULT = 0, /* compiled code where it works, else the interpreter */
	BPFE_ENGINE_INTERP,
	BPFE_ENGINE_JIT, /* compiled code, or the load fails with -EOPNOTSUPP or -EPERM */
};

/* Name of an engine ("jit"), never NULL. */
const char *bpfe_engine_name(enum bpfe_engine engine);

/*
 * Can @engine run programs in this process, now? 0; -EOPNOTSUPP: no compiler for this processor;
 * -EPERM: the system refuses executable memory; -ENOMEM. @log tells why and may be NULL. What the
 * default would be is always available.
 */
int bpfe_engine_available(enum bpfe_engine engine, struct bpfe_log *log);

/*
 * Hardening of compiled code that is switched off. 0, all of it on, is for programs of a guest's;
 * docs/jit.md says what each is good for and what it costs.
 */
enum bpfe_relax {
	BPFE_RELAX_BLINDING = 1u << 0,     /* immediates of the program appear in the code */
	BPFE_RELAX_RANDOM_START = 1u << 1, /* code begins at the start of a page */
	BPFE_RELAX_MASKS = 1u << 2,        /* stack, map value: indices are not masked */
	BPFE_RELAX_PACKET = 1u << 3,       /* packet: addresses are not clamped */
	BPFE_RELAX_FENCES = 1u << 4,       /* what may not be a pointer if a branch is mispredicted:
					      no fence before it is used */
	BPFE_RELAX_ALL = (1u << 5) - 1,
};

/* Source line of an instruction for refusals (from BTF.ext); NULL when unknown. */
typedef const char *(*bpfe_source_line_fn)(void *opaque, uint32_t insn);

/* What verification took, of an accepted program or up to the refusal. */
struct bpfe_verify_stats {
	uint64_t insns_processed; /* instructions followed, over all paths */
	uint64_t peak_bytes;      /* most memory that states took at one time */
	uint64_t verify_ns;
	uint32_t states;      /* states kept */
	uint32_t stack_bytes; /* deepest chain of calls; 0 until every path was followed */
};

/* What BTF says of a function of the program. */
enum bpfe_func_arg_kind {
	BPFE_FUNC_ARG_SCALAR = 0,
	BPFE_FUNC_ARG_CTX,
	BPFE_FUNC_ARG_MEM,    /* pointer to a type of mem_size bytes */
	BPFE_FUNC_ARG_DYNPTR, /* struct bpf_dynptr * */
	BPFE_FUNC_ARG_OTHER,  /* anything else: a global function with it is refused when called */
};

struct bpfe_func_arg {
	uint8_t kind; /* enum bpfe_func_arg_kind */
	bool nonnull; /* __arg_nonnull; a pointer may be NULL otherwise */
	uint32_t mem_size;
};

/*
 * A global function is verified on its own, for any argument its type allows, and a call of it
 * checks the arguments and knows nothing of the result but its type. All others, and all of a
 * program without this, are followed at each call.
 */
struct bpfe_func_info {
	uint32_t start; /* slot */
	const char *name;
	bool is_global;
	bool returns_void;
	uint8_t n_args;
	struct bpfe_func_arg args[5];
};

struct bpfe_load_attr {
	uint32_t type;     /* BPF_PROG_TYPE_XDP (0 is taken for it), BPF_PROG_TYPE_SCHED_CLS or
			      BPFE_PROG_MEM */
	uint32_t mem_size; /* BPFE_PROG_MEM: bytes r1 points to, at most 2^20 */
	const struct bpfe_func_info *funcs; /* copied, names too; sorted by start */
	uint32_t n_funcs;
	const struct bpf_insn *insns; /* copied; may change under us only before the call */
	uint32_t n_insns;             /* 8-byte slots */
	const struct bpfe_map_binding *maps;
	uint32_t n_maps;
	const char *name;   /* may be NULL */
	uint32_t budget;    /* instructions per run; 0: BPFE_DEFAULT_BUDGET */
	uint32_t max_insns; /* profile's limit; 0: BPFE_MAX_INSNS */
	uint32_t max_stack; /* profile's limit in bytes over all frames; 0: no further limit */
	const uint64_t
		*helpers; /* bitmap by BPF_FUNC id the profile allows, 4 words; NULL: all built */
	uint32_t flags;   /* enum bpfe_load_flags */
	uint8_t engine;   /* enum bpfe_engine; checked programs are always interpreted */
	uint32_t relax;   /* enum bpfe_relax */
	const struct bpfe_allocator *alloc; /* NULL: the C heap */
	const atomic_bool
		*cancel; /* polled; when true the load ends with -ECANCELED. May be NULL */
	bpfe_source_line_fn source_line;
	void *source_opaque;
	struct bpfe_verify_stats *stats; /* filled whatever the outcome; may be NULL */
	struct bpfe_log *lir; /* gets what is compiled as the compiler has it between its passes
				 and machine code, as text; may be NULL */
};

/*
 * Decode, verify and translate a program. On success *prog has one reference and holds
 * references to its maps. Blocks for as long as verification takes (bounded), so it belongs on a
 * worker; needs no registration.
 * -EINVAL: malformed; -EACCES: refused by the verifier; -E2BIG: too many instructions or too
 * complex; -ENOMEM; -ECANCELED. @log tells why and may be NULL.
 */
int bpfe_program_load(const struct bpfe_load_attr *attr, struct bpfe_program **prog,
		      struct bpfe_log *log);

/* References; the last put frees after a grace period, so that a run under way may finish. */
struct bpfe_program *bpfe_program_get(struct bpfe_program *prog);
void bpfe_program_put(struct bpfe_program *prog);

struct bpfe_program_info {
	char name[BPFE_NAME_LEN];
	uint32_t n_insns;        /* slots as loaded */
	uint32_t stack_bytes;    /* deepest stack over all frames */
	uint32_t states;         /* states the verifier kept */
	uint64_t insns_verified; /* instructions the verifier processed */
	uint64_t verify_ns;
	uint64_t peak_bytes; /* most memory that the verifier's states took at one time */
	uint32_t n_maps;
	uint32_t max_packet_offset; /* largest packet offset a load or store may reach */
	uint8_t engine;             /* enum bpfe_engine that runs it, never the default */
	uint32_t jit_bytes;         /* of machine code; 0: none */
	uint64_t jit_ns;            /* that compiling took */
	bool counts_insns;          /* runs know bpfe_result.insns */
	uint8_t tag[8];             /* as Linux computes prog tag is not promised: a content hash */
};

void bpfe_program_info(const struct bpfe_program *prog, struct bpfe_program_info *info);

/* The @i-th map (no new reference) the program uses, NULL beyond the last. */
struct bpfe_map *bpfe_program_map(const struct bpfe_program *prog, uint32_t i);

/* What follows in the machine code stems from an instruction of the program. */
struct bpfe_jit_mark {
	uint32_t offset; /* of the machine code, bytes */
	uint32_t slot;   /* of the program; UINT32_MAX: of none */
};

/* The machine code of a program, for disassembly and profilers. */
struct bpfe_machine_code {
	const uint8_t *code; /* where it runs; not to be written */
	size_t size;
	const struct bpfe_jit_mark *marks; /* sorted by offset */
	uint32_t n_marks;
};

/* The code of @prog into @code, valid as long as the program; false if it is interpreted. */
bool bpfe_program_code(const struct bpfe_program *prog, struct bpfe_machine_code *code);

/* The helper or kfunc whose function in this process is at @address ("bpf_map_lookup_elem"), or
 * NULL. */
const char *bpfe_helper_at(const void *address);

/*
 * Name the compiled code of programs loaded from now on in /tmp/perf-PID.map, where perf looks for
 * it; the environment variable SLUICE_PERF_MAP=1 does the same. Off by default: the file stays when
 * the process ends, and as perf looks there for anonymous memory only, the code is not sealed. Any
 * thread.
 */
void bpfe_perf_map(bool on);

/* ---- Running ------------------------------------------------------------------------------ */

struct bpfe_fib; /* bpf_fib.h */

/*
 * What the NIC around a run offers to helpers. Shared by runs on all processors, so the functions
 * take no lock that another run may hold for long and allocate nothing. All may be NULL: then the
 * helper fails as it does in Linux where the facility is off.
 */
struct bpfe_host {
	/* bpf_trace_printk(): a line, not terminated by a newline. Rate limiting is up to it. */
	void (*trace)(void *opaque, uint32_t cpu, const char *line, size_t len);
	/* MTU of @ifindex for bpf_check_mtu() and bpf_fib_lookup(), 0: no such interface */
	uint32_t (*mtu)(void *opaque, uint32_t ifindex);
	/* Wall time since boot that counts suspension too, ns, for bpf_ktime_get_boot_ns() */
	uint64_t (*boot_ns)(void *opaque);
	const struct bpfe_fib *fib; /* bpf_fib_lookup(); read under RCU */
	void *opaque;
};

/* Where bpf_redirect() or bpf_redirect_map() sends the frame if the verdict is XDP_REDIRECT. */
enum bpfe_redirect_kind {
	BPFE_REDIRECT_NONE = 0,
	BPFE_REDIRECT_PORT,      /* index: ifindex of the port to transmit on */
	BPFE_REDIRECT_BROADCAST, /* map: devmap; all ports in it, see flags */
	BPFE_REDIRECT_QUEUE,     /* index: receive queue (cpumap) */
	BPFE_REDIRECT_XSK,       /* index: queue of an AF_XDP socket (xskmap) */
};

struct bpfe_redirect {
	uint8_t kind; /* enum bpfe_redirect_kind */
	uint32_t index;
	uint64_t flags;       /* BPF_F_EXCLUDE_INGRESS of a broadcast */
	struct bpfe_map *map; /* valid as long as the read section of the run */
};

/*
 * A frame in NIC memory. hard_start <= data_meta <= data <= data_end <= hard_end; data_meta == data
 * means no metadata. Programs move data, data_meta and data_end through helpers. Bytes between
 * hard_start and data, and data_end and hard_end, must not hold anything the program may not see:
 * the engine zeroes what bpf_xdp_adjust_* exposes before the program can read it.
 */
struct bpfe_xdp_buff {
	uint8_t *hard_start;
	uint8_t *data_meta;
	uint8_t *data;
	uint8_t *data_end;
	uint8_t *hard_end;
	uint32_t ingress_ifindex; /* interface; 0 is none */
	uint32_t rx_queue_index;
	uint32_t egress_ifindex;
	uint64_t now_ns; /* clock for time helpers: frame arrival, monotonic */

	const struct bpfe_host *host; /* NULL: no facilities */

	/* What the NIC found, for metadata kfuncs and tc programs; see have. */
	uint32_t have;    /* BPFE_HAVE_*: which of these are valid */
	uint32_t rx_hash; /* and its type as enum xdp_rss_hash_type */
	uint32_t rx_hash_type;
	uint64_t rx_timestamp; /* ns */
	uint16_t vlan_proto;   /* of the tag the NIC took out of the frame, network byte order */
	uint16_t vlan_tci;

	/* struct __sk_buff of tc programs: fields they read and write; 0 before the first. */
	uint32_t mark;
	uint32_t priority;
	uint32_t queue_mapping;
	uint32_t tc_classid;
	uint32_t tc_index;
	uint32_t cb[5];
};

enum {
	BPFE_HAVE_HASH = 1u << 0,
	BPFE_HAVE_TIMESTAMP = 1u << 1,
	BPFE_HAVE_VLAN = 1u << 2,
};

enum bpfe_abort {
	BPFE_ABORT_NONE = 0,
	BPFE_ABORT_BUDGET, /* instruction budget used up */
	BPFE_ABORT_TRAP,   /* reached an instruction the verifier never reached: an engine bug */
	BPFE_ABORT_MEMORY, /* checked interpreter only: access outside what the program may touch */
};

struct bpfe_result {
	uint64_t r0;                   /* at exit; XDP_ABORTED when aborted */
	uint32_t retval;               /* its low 32 bits */
	struct bpfe_redirect redirect; /* if retval says so (XDP_REDIRECT, TC_ACT_REDIRECT) and a
					  helper gave a target */
	enum bpfe_abort abort;         /* why the run was cut short */
	uint32_t abort_insn;           /* slot where it was */
	uint64_t insns; /* instructions executed, a ld_imm64 as one; 0 from compiled code that did
			   not count them, see BPFE_LOAD_COUNTED */
};

/*
 * Run @prog once over @xdp. Inside a read section of a registered thread; re-entrant across
 * threads; takes no lock and allocates nothing. Always returns within the program's budget.
 */
struct bpfe_result bpfe_run(const struct bpfe_program *prog, struct bpfe_xdp_buff *xdp);

/*
 * Call @fn for the interface of each entry of a BPFE_REDIRECT_BROADCAST, without @ingress_ifindex
 * if its flags say so. Inside the read section of the run.
 */
typedef void (*bpfe_redirect_fn)(void *opaque, uint32_t ifindex);
void bpfe_redirect_each(const struct bpfe_redirect *redirect, uint32_t ingress_ifindex,
			bpfe_redirect_fn fn, void *opaque);

/*
 * Run a program of type BPFE_PROG_MEM over the @size bytes at @mem, 8-byte aligned, which it may
 * read and write; @size is the mem_size it was loaded for. Same rules as bpfe_run().
 */
struct bpfe_result bpfe_run_mem(const struct bpfe_program *prog, void *mem, size_t size);

/* ---- What is built in --------------------------------------------------------------------- */

/* Bitmap by BPF_FUNC id of the helpers built in, 4 words. */
void bpfe_helpers_supported(uint64_t bitmap[4]);

/* Name of a helper ("bpf_map_lookup_elem"), or NULL when the id is unknown to this build. */
const char *bpfe_helper_name(uint32_t func_id);

/* One instruction as text in the kernel's style ("r0 = *(u32 *)(r1 +4)"); returns its slots, 1 or
 * 2, or 0 when it cannot be decoded. */
unsigned bpfe_disasm(const struct bpf_insn *insn, uint32_t slots_left, char *buf, size_t size);

#ifdef __cplusplus
}
#endif
#endif
