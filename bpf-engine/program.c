/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Programs: the passes of a load in order, references, and what is known of a program. */
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include "alloc.h"
#include "interp/interp.h"
#include "jit/jit.h"
#include "maps/prog_array.h"
#include "siphash.h"

#define BPFE_MAX_MEM (1u << 20) /* bytes a program over plain memory may have */

const char *bpfe_engine_name(enum bpfe_engine engine)
{
	static const char *const names[] = {[BPFE_ENGINE_DEFAULT] = "default",
					    [BPFE_ENGINE_INTERP] = "interp",
					    [BPFE_ENGINE_JIT] = "jit"};

	return (unsigned)engine < sizeof(names) / sizeof(names[0]) ? names[engine] : "unknown";
}

int bpfe_engine_available(enum bpfe_engine engine, struct bpfe_log *log)
{
	return engine == BPFE_ENGINE_JIT ? bpfe_jit_available(log) : 0;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static bool cancelled(const struct bpfe_load_attr *attr)
{
	return attr->cancel && atomic_load_explicit(attr->cancel, memory_order_relaxed);
}

/* The interpreter has room for so much and no more, whatever the passes say. */
static int check_stack(const struct bpfe_image *image, struct bpfe_log *log)
{
	for (uint32_t f = 0; f < image->n_subprogs; f++) {
		uint32_t bytes = image->subprogs[f].stack_bytes;

		if (bytes > BPFE_STACK_SIZE || bytes % 8)
			return bpfe_refuse(log, -EACCES, BPFE_TOO_LARGE, image->subprogs[f].start,
					   "the function at %u uses %u bytes of stack, at most %u "
					   "are allowed",
					   image->subprogs[f].start, bytes, BPFE_STACK_SIZE);
	}
	return 0;
}

/* One block for the program and its arrays, the arrays in falling order of alignment. */
static struct bpfe_program *program_alloc(const struct bpfe_image *image,
					  const struct bpfe_allocator *alloc)
{
	size_t code = image->n_insns * sizeof(struct bpfe_code);
	size_t maps = image->n_maps * sizeof(struct bpfe_map *);
	size_t functions = image->n_subprogs * sizeof(struct bpfe_function);
	size_t slots = image->n_insns * sizeof(uint32_t);
	size_t size;
	size_t head = (sizeof(struct bpfe_program) + 15) & ~(size_t)15;
	struct bpfe_program *prog;

	size = head + code + maps + functions + slots;
	prog = bpfe_alloc(alloc, size, 16);
	if (!prog)
		return NULL;
	prog->code = (struct bpfe_code *)((char *)prog + head);
	prog->maps = (struct bpfe_map **)((char *)prog->code + code);
	prog->functions = (struct bpfe_function *)((char *)prog->maps + maps);
	prog->slots = (uint32_t *)((char *)prog->functions + functions);
	prog->size = size;
	prog->alloc = *alloc;
	prog->refs = 1;
	return prog;
}

static void program_free(struct bpfe_program *prog)
{
	const struct bpfe_allocator alloc = prog->alloc;

	for (uint32_t m = 0; m < prog->info.n_maps; m++)
		bpfe_map_release(prog->maps[m]);
	bpfe_jit_free(prog->jit);
	bpfe_free(&alloc, prog, prog->size);
}

static void fill_info(struct bpfe_program *prog, const struct bpfe_image *image,
		      const struct bpfe_load_attr *attr)
{
	static const uint64_t no_secret[2];
	struct bpfe_program_info *info = &prog->info;
	uint64_t tag =
		bpfe_siphash(no_secret, image->insns, image->n_insns * sizeof(*image->insns));

	if (attr->name)
		memcpy(info->name, attr->name, strnlen(attr->name, BPFE_NAME_LEN - 1));
	info->n_insns = image->n_insns;
	info->engine = prog->jit ? BPFE_ENGINE_JIT : BPFE_ENGINE_INTERP;
	info->jit_bytes = prog->jit ? (uint32_t)prog->jit->code_size : 0;
	info->stack_bytes = image->stack_bytes;
	info->states = image->states;
	info->insns_verified = image->insns_verified;
	info->peak_bytes = image->peak_bytes;
	info->max_packet_offset = image->max_packet_offset;
	memcpy(info->tag, &tag, sizeof(info->tag));
	info->counts_insns = !prog->jit || prog->jit->counts;
}

/* What the program tail calls to must be of its own kind, and run in the same engine. */
static int bind_prog_array(struct bpfe_map *map, const struct bpfe_program *prog,
			   struct bpfe_log *log)
{
	const bool compiled = prog->jit != NULL;
	const char *name = bpfe_map_attr(map)->name;

	if (!bpfe_prog_array_bind(map, prog->type, prog->mem_size, compiled))
		return 0;
	if (bpfe_prog_array_bind(map, prog->type, prog->mem_size, !compiled))
		return bpfe_refuse(log, -EINVAL, BPFE_BAD_MAP, 0,
				   "prog array '%s' is for programs of another type", name);
	return bpfe_refuse(log, -EINVAL, BPFE_BAD_MAP, 0,
			   "prog array '%s' is for programs that are %s, this one is %s", name,
			   compiled ? "interpreted" : "compiled",
			   compiled ? "compiled" : "interpreted");
}

static int bind_prog_arrays(const struct bpfe_image *image, const struct bpfe_program *prog,
			    struct bpfe_log *log)
{
	int err = 0;

	for (uint32_t m = 0; m < image->n_maps && !err; m++) {
		if (bpfe_map_attr(image->maps[m])->type == BPF_MAP_TYPE_PROG_ARRAY)
			err = bind_prog_array(image->maps[m], prog, log);
	}
	return err;
}

/* Of what is random in compiled code: known to nobody who only sees programs. */
static uint64_t random_seed(void)
{
	uint64_t seed = now_ns();

	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
		seed = bpfe_siphash((const uint64_t[2]){seed, (uintptr_t)&seed}, &seed,
				    sizeof(seed));
	return seed;
}

/* Compile, unless the program is to be interpreted. What cannot be compiled is interpreted too if
 * the caller did not ask for an engine, and the log says why. */
static int compile(const struct bpfe_load_attr *attr, const struct bpfe_image *image,
		   struct bpfe_program *prog, struct bpfe_log *log)
{
	const struct jit_options options = {
		.relax = attr->relax,
		.seed = random_seed(),
		.budget = prog->budget,
		.count = attr->flags & BPFE_LOAD_COUNTED,
		.print = attr->lir,
	};
	uint64_t start = now_ns();
	char text[256] = "";
	struct bpfe_log why = {.buf = text, .size = sizeof(text)};
	int err;

	if (attr->engine == BPFE_ENGINE_INTERP || (attr->flags & BPFE_LOAD_CHECKED))
		return 0;
	if (attr->engine == BPFE_ENGINE_JIT)
		err = bpfe_jit_compile(image, &options, attr->name, &prog->jit, log);
	else
		err = bpfe_jit_compile(image, &options, attr->name, &prog->jit, &why);
	prog->info.jit_ns = now_ns() - start;
	if (!err || attr->engine == BPFE_ENGINE_JIT)
		return err;
	if (log && log->level >= 1)
		bpfe_log(log, "interpreted, not compiled: %s", text);
	return 0;
}

static int publish(const struct bpfe_load_attr *attr, struct bpfe_image *image,
		   struct bpfe_program **result, struct bpfe_log *log)
{
	const struct bpfe_allocator *alloc = bpfe_allocator_or_heap(attr->alloc);
	struct bpfe_program *prog = program_alloc(image, alloc);
	int err;

	if (!prog)
		return bpfe_refuse(log, -ENOMEM, BPFE_NO_MEMORY, 0,
				   "no memory for a program of %u slots", image->n_insns);
	prog->type = attr->type ? attr->type : BPF_PROG_TYPE_XDP;
	prog->mem_size = prog->type == BPFE_PROG_MEM ? attr->mem_size : 0;
	prog->budget = attr->budget ? attr->budget : BPFE_DEFAULT_BUDGET;
	prog->flags = attr->flags;
	err = bpfe_translate(image, prog, log);
	if (!err)
		err = compile(attr, image, prog, log);
	if (!err)
		err = bind_prog_arrays(image, prog, log);
	if (err) {
		program_free(prog);
		return err;
	}
	fill_info(prog, image, attr);
	for (uint32_t m = 0; m < image->n_maps; m++)
		prog->maps[m] = bpfe_map_hold(image->maps[m]);
	prog->info.n_maps = image->n_maps;
	*result = prog;
	return 0;
}

static void fill_stats(const struct bpfe_image *image, uint64_t verify_ns,
		       struct bpfe_verify_stats *stats)
{
	*stats = (struct bpfe_verify_stats){
		.insns_processed = image->insns_verified,
		.peak_bytes = image->peak_bytes,
		.verify_ns = verify_ns,
		.states = image->states,
		.stack_bytes = image->stack_bytes,
	};
}

/* A program that nobody verified: everything runs, in frames as large as they may be. */
static void accept_unverified(struct bpfe_image *image)
{
	for (uint32_t i = 0; i < image->n_insns; i++)
		image->aux[i].seen = true;
	for (uint32_t f = 0; f < image->n_subprogs; f++)
		image->subprogs[f].stack_bytes = BPFE_STACK_SIZE;
	image->stack_bytes = BPFE_STACK_SIZE;
}

static int check_attr(const struct bpfe_load_attr *attr, struct bpfe_log *log)
{
	const uint32_t known = BPFE_LOAD_CHECKED | BPFE_LOAD_UNVERIFIED | BPFE_LOAD_COUNTED;

	if (attr->flags & ~known)
		return bpfe_refuse(log, -EINVAL, BPFE_BAD_ENCODING, 0, "unknown load flags 0x%x",
				   attr->flags & ~known);
	if (attr->engine > BPFE_ENGINE_JIT || (attr->relax & ~(uint32_t)BPFE_RELAX_ALL))
		return bpfe_refuse(log, -EINVAL, BPFE_BAD_ENCODING, 0,
				   "unknown engine %u or hardening 0x%x", attr->engine,
				   attr->relax);
	if (attr->type && attr->type != BPF_PROG_TYPE_XDP &&
	    attr->type != BPF_PROG_TYPE_SCHED_CLS && attr->type != BPFE_PROG_MEM)
		return bpfe_refuse(log, -EINVAL, BPFE_BAD_ENCODING, 0,
				   "program type %u is neither XDP (6) nor tc (3)", attr->type);
	if ((attr->flags & BPFE_LOAD_UNVERIFIED) &&
	    (attr->type != BPFE_PROG_MEM || !(attr->flags & BPFE_LOAD_CHECKED)))
		return bpfe_refuse(log, -EINVAL, BPFE_BAD_ENCODING, 0,
				   "only programs over plain memory can be run unverified, and "
				   "checked");
	if (attr->type == BPFE_PROG_MEM && attr->mem_size > BPFE_MAX_MEM)
		return bpfe_refuse(log, -EINVAL, BPFE_BAD_MEMORY, 0,
				   "memory of %u bytes, at most %u are allowed", attr->mem_size,
				   BPFE_MAX_MEM);
	return 0;
}

static int load_image(const struct bpfe_load_attr *attr, struct bpfe_image *image,
		      struct bpfe_program **result, struct bpfe_log *log)
{
	uint64_t verify_ns = 0;
	int err = bpfe_decode(image, attr->maps, attr->n_maps, log);

	if (!err && cancelled(attr))
		err = bpfe_refuse(log, -ECANCELED, BPFE_CANCELLED, 0, "the load was cancelled");
	if (!err && (attr->flags & BPFE_LOAD_UNVERIFIED)) {
		accept_unverified(image);
	} else if (!err) {
		uint64_t start = now_ns();

		err = bpfe_verify(image, log);
		verify_ns = now_ns() - start;
	}
	if (!err)
		err = check_stack(image, log);
	if (!err)
		err = publish(attr, image, result, log);
	if (!err)
		(*result)->info.verify_ns = verify_ns;
	if (attr->stats)
		fill_stats(image, verify_ns, attr->stats);
	return err;
}

int bpfe_program_load(const struct bpfe_load_attr *attr, struct bpfe_program **result,
		      struct bpfe_log *log)
{
	struct bpfe_image image;
	int err;

	if (attr->stats)
		memset(attr->stats, 0, sizeof(*attr->stats));
	err = check_attr(attr, log);
	if (err)
		return err;
	err = bpfe_image_open(&image, attr, log);
	if (err)
		return err;
	bpfe_rcu_prepare();
	err = load_image(attr, &image, result, log);
	bpfe_image_close(&image);
	return err;
}

struct bpfe_program *bpfe_program_get(struct bpfe_program *prog)
{
	atomic_fetch_add_explicit(&prog->refs, 1, memory_order_relaxed);
	return prog;
}

static void free_deferred(struct bpfe_rcu_head *head)
{
	program_free((struct bpfe_program *)((char *)head - offsetof(struct bpfe_program, rcu)));
}

void bpfe_program_put(struct bpfe_program *prog)
{
	if (prog && atomic_fetch_sub_explicit(&prog->refs, 1, memory_order_acq_rel) == 1)
		bpfe_rcu_call(&prog->rcu, free_deferred);
}

void bpfe_program_info(const struct bpfe_program *prog, struct bpfe_program_info *info)
{
	*info = prog->info;
}

struct bpfe_map *bpfe_program_map(const struct bpfe_program *prog, uint32_t i)
{
	return i < prog->info.n_maps ? prog->maps[i] : NULL;
}

bool bpfe_program_code(const struct bpfe_program *prog, struct bpfe_machine_code *code)
{
	const struct bpfe_jit *jit = prog->jit;

	if (!jit)
		return false;
	*code = (struct bpfe_machine_code){.code = jit->code,
					   .size = jit->code_size,
					   .marks = jit->marks,
					   .n_marks = jit->n_marks};
	return true;
}
