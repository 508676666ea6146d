// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * ubpf's JIT (github.com/iovisor/ubpf), if its library is installed. It has neither maps nor a
 * context with 32-bit addresses in it: programs without maps run over a frame in the lowest 4 GB,
 * and their variables lie in our maps of global data.
 */
#include "column_sluice.h"
#include "error.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct ubpf_vm;
typedef uint64_t (*ubpf_jit_fn)(void *mem, size_t mem_len);

/* What is used of <ubpf.h>. */
static struct {
	struct ubpf_vm *(*create)(void);
	void (*destroy)(struct ubpf_vm *vm);
	int (*load)(struct ubpf_vm *vm, const void *code, uint32_t len, char **error);
	ubpf_jit_fn (*compile)(struct ubpf_vm *vm, char **error);
} ubpf;

struct ubpf_instance {
	struct instance base;
	struct loaded loaded; /* its variables */
	struct ubpf_vm *vm;
	ubpf_jit_fn run;
	struct frame_memory *memory; /* below 4 GB */
	struct xdp_md ctx;
	uint32_t retval;
};

static gboolean available(const struct column *column, GError **error)
{
	static const char *const names[] = {"libubpf.so.1", "libubpf.so.0", "libubpf.so"};
	void *library = NULL;

	for (size_t i = 0; !library && i < G_N_ELEMENTS(names); i++)
		library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED,
			    "not installed: looked for libubpf.so, libubpf.so.0, libubpf.so.1");
		return FALSE;
	}
	/* POSIX has functions and data alike from dlsym(). */
	*(void **)&ubpf.create = dlsym(library, "ubpf_create");
	*(void **)&ubpf.destroy = dlsym(library, "ubpf_destroy");
	*(void **)&ubpf.load = dlsym(library, "ubpf_load");
	*(void **)&ubpf.compile = dlsym(library, "ubpf_compile");
	if (ubpf.create && ubpf.destroy && ubpf.load && ubpf.compile)
		return TRUE;
	g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "%s", dlerror());
	return FALSE;
}

/* ---- Loading -------------------------------------------------------------------------------- */

/* References to variables become their addresses. FALSE: there is something else of maps. */
static gboolean bind_variables(const struct ubpf_instance *instance, struct bpf_insn *insns,
			       uint32_t n)
{
	const uint32_t zero = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t address;

		if (insns[i].code == (BPF_JMP | BPF_CALL) && insns[i].src_reg != BPF_PSEUDO_CALL)
			return FALSE;
		if (insns[i].code != (BPF_LD | BPF_IMM | BPF_DW) || !insns[i].src_reg)
			continue;
		if (insns[i].src_reg != BPF_PSEUDO_MAP_IDX_VALUE)
			return FALSE;
		address = (uintptr_t)bpfe_map_lookup(instance->loaded.maps[insns[i].imm], &zero) +
			  (uint32_t)insns[i + 1].imm;
		insns[i].src_reg = 0;
		insns[i].imm = (int32_t)address;
		insns[++i].imm = (int32_t)(address >> 32);
	}
	return TRUE;
}

static gboolean compile(struct ubpf_instance *instance, GError **error)
{
	const struct object_file *file = instance->base.program->file;
	g_autofree struct bpf_insn *insns = NULL;
	const struct bpf_insn *linked;
	char *why = NULL;
	uint32_t index, n;

	if (!object_file_find(file, BENCH_PROGRAM, &index, error) ||
	    bpfe_object_program(file->object, index, &linked, &n))
		return FALSE;
	insns = g_memdup2(linked, n * sizeof(*insns));
	if (!bind_variables(instance, insns, n)) {
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "%s: ubpf has no maps",
			    instance->base.program->name);
		return FALSE;
	}
	instance->vm = ubpf.create();
	if (instance->vm && !ubpf.load(instance->vm, insns, n * (uint32_t)sizeof(*insns), &why))
		instance->run = ubpf.compile(instance->vm, &why);
	if (instance->run)
		return TRUE;
	g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "%s: ubpf: %s",
		    instance->base.program->name, why ? why : "no memory");
	free(why);
	return FALSE;
}

static void close_instance(struct instance *base)
{
	struct ubpf_instance *instance = (struct ubpf_instance *)base;

	if (instance->vm)
		ubpf.destroy(instance->vm);
	if (instance->memory)
		munmap(instance->memory, sizeof(*instance->memory));
	loaded_close(&instance->loaded, base->program);
	g_free(instance);
}

static gboolean map_memory(struct ubpf_instance *instance, GError **error)
{
	void *memory = mmap(NULL, sizeof(*instance->memory), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (memory != MAP_FAILED) {
		instance->memory = memory;
		return TRUE;
	}
	g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "no memory below 4 GB");
	return FALSE;
}

static struct instance *open_instance(const struct column *column, struct bench_program *program,
				      uint32_t n, GError **error)
{
	struct ubpf_instance *instance = g_new0(struct ubpf_instance, 1);

	instance->base = (struct instance){.column = column, .program = program, .n = n};
	if (loaded_open(&instance->loaded, column, program, n, error) &&
	    map_memory(instance, error) && compile(instance, error))
		return &instance->base;
	close_instance(&instance->base);
	return NULL;
}

/* ---- Running -------------------------------------------------------------------------------- */

static gboolean run(struct instance *base, unsigned runs, double *ns, GError **error)
{
	struct ubpf_instance *instance = (struct ubpf_instance *)base;

	for (unsigned i = 0; i < runs; i++) {
		const uint8_t *data = frame_memory_set(instance->memory, base->program);
		uint64_t begin;

		instance->ctx = (struct xdp_md){
			.data = (uint32_t)(uintptr_t)data,
			.data_end = (uint32_t)(uintptr_t)data + base->program->frame_len,
			.data_meta = (uint32_t)(uintptr_t)data,
		};
		begin = bench_clock();
		instance->retval = (uint32_t)instance->run(&instance->ctx, sizeof(instance->ctx));
		ns[i] = (double)(bench_clock() - begin);
	}
	return TRUE;
}

static gboolean outcome(struct instance *base, struct outcome *outcome, GError **error)
{
	const struct ubpf_instance *instance = (const struct ubpf_instance *)base;

	outcome->retval = instance->retval;
	return outcome_set_frame(outcome, instance->memory->bytes + BENCH_HEADROOM,
				 base->program->frame_len, error) &&
	       outcome_add_maps(outcome, base->program, instance->loaded.maps, error);
}

const struct column column_ubpf = {
	.name = "ubpf",
	.what = "ubpf's JIT; programs without maps",
	.foreign = true,
	.no_maps = true,
	.engine = BPFE_ENGINE_INTERP,
	.available = available,
	.open = open_instance,
	.run = run,
	.outcome = outcome,
	.close = close_instance,
};
