// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The engine itself: compiled, hardened and not, and interpreted. */
#include "column_sluice.h"
#include "error.h"

#include <string.h>
#include <time.h>

#define LOG_SIZE (64u << 10)

/* A run does what a burst of frames would; the budget is one frame's, and no program is near it. */
#define BUDGET 4000000000u

uint64_t bench_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- Loading -------------------------------------------------------------------------------- */

static gboolean set_n(struct bench_program *program, uint32_t n, GError **error)
{
	char text[256] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};

	if (!bpfe_object_set_global(program->file->object, "bench_n", &n, sizeof(n), &log))
		return TRUE;
	g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "%s: %s", program->name, text);
	return FALSE;
}

static gboolean load(struct loaded *loaded, const struct column *column,
		     struct bench_program *program, GError **error)
{
	const struct bpfe_load_attr attr = {
		.budget = BUDGET, .engine = column->engine, .relax = column->relax};
	g_autofree char *text = g_malloc0(LOG_SIZE);
	struct bpfe_log log = {.buf = text, .size = LOG_SIZE};
	const struct object_file *file = program->file;
	uint32_t index;
	int ret;

	if (!object_file_find(file, BENCH_PROGRAM, &index, error))
		return FALSE;
	ret = bpfe_object_load(file->object, index, &attr, &loaded->program, &loaded->maps, &log);
	if (!ret)
		return TRUE;
	g_strchomp(text);
	g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "%s is refused: %s", program->name,
		    text[0] ? text : g_strerror(-ret));
	return FALSE;
}

static struct bpfe_map *find_map(const struct loaded *loaded, const struct bench_program *program,
				 const char *name)
{
	for (uint32_t i = 0; i < bpfe_object_n_maps(program->file->object); i++) {
		if (!strcmp(bpfe_object_map(program->file->object, i)->name, name))
			return loaded->maps[i];
	}
	return NULL;
}

static gboolean fill(const struct loaded *loaded, const struct bench_program *program,
		     GError **error)
{
	for (guint i = 0; i < program->fills->len; i++) {
		const struct map_fill *f = g_ptr_array_index(program->fills, i);
		struct bpfe_map *map = find_map(loaded, program, f->map);
		int ret = 0;

		for (uint32_t e = 0; !ret && e < f->n; e++)
			ret = bpfe_map_update(map, f->keys->data + (size_t)e * f->key_size,
					      f->values->data + (size_t)e * f->value_size, BPF_ANY);
		if (!ret)
			continue;
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "%s: map %s: %s", program->name,
			    f->map, g_strerror(-ret));
		return FALSE;
	}
	return TRUE;
}

gboolean loaded_open(struct loaded *loaded, const struct column *column,
		     struct bench_program *program, uint32_t n, GError **error)
{
	*loaded = (struct loaded){0};
	if (bench_program_prepare(program, error) && set_n(program, n, error) &&
	    load(loaded, column, program, error) && fill(loaded, program, error))
		return TRUE;
	loaded_close(loaded, program);
	return FALSE;
}

void loaded_close(struct loaded *loaded, const struct bench_program *program)
{
	if (loaded->program)
		bpfe_program_put(loaded->program);
	object_maps_put(program->file->object, loaded->maps);
	*loaded = (struct loaded){0};
}

uint8_t *frame_memory_set(struct frame_memory *memory, const struct bench_program *program)
{
	memset(memory->bytes, 0, BENCH_HEADROOM);
	memcpy(memory->bytes + BENCH_HEADROOM, program->frame, program->frame_len);
	return memory->bytes + BENCH_HEADROOM;
}

/* ---- The columns ---------------------------------------------------------------------------- */

struct sluice_instance {
	struct instance base;
	struct loaded loaded;
	struct frame_memory memory;
	struct bpfe_xdp_buff xdp;
	struct bpfe_result result;
};

static gboolean available(const struct column *column, GError **error)
{
	/* return 2 */
	static const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 2},
		{.code = BPF_JMP | BPF_EXIT},
	};
	const struct bpfe_load_attr attr = {
		.insns = insns, .n_insns = 2, .engine = column->engine, .relax = column->relax};
	char text[1024] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_program_info info = {0};
	struct bpfe_program *program;
	int ret = bpfe_program_load(&attr, &program, &log);

	if (ret) {
		g_strchomp(text);
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "%s",
			    text[0] ? text : g_strerror(-ret));
		return FALSE;
	}
	bpfe_program_info(program, &info);
	bpfe_program_put(program);
	if (info.engine == column->engine)
		return TRUE;
	g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "this build has no engine '%s'",
		    bpfe_engine_name(column->engine));
	return FALSE;
}

static struct instance *open_instance(const struct column *column, struct bench_program *program,
				      uint32_t n, GError **error)
{
	struct sluice_instance *instance = g_new0(struct sluice_instance, 1);

	instance->base = (struct instance){.column = column, .program = program, .n = n};
	if (loaded_open(&instance->loaded, column, program, n, error))
		return &instance->base;
	g_free(instance);
	return NULL;
}

static void close_instance(struct instance *base)
{
	struct sluice_instance *instance = (struct sluice_instance *)base;

	loaded_close(&instance->loaded, base->program);
	g_free(instance);
}

static void set_frame(struct sluice_instance *instance)
{
	struct frame_memory *memory = &instance->memory;
	uint8_t *data = frame_memory_set(memory, instance->base.program);

	instance->xdp = (struct bpfe_xdp_buff){
		.hard_start = memory->bytes,
		.data_meta = data,
		.data = data,
		.data_end = data + instance->base.program->frame_len,
		.hard_end = memory->bytes + sizeof(memory->bytes),
		.ingress_ifindex = 1,
		.now_ns = bench_clock(),
	};
}

static gboolean run(struct instance *base, unsigned runs, double *ns, GError **error)
{
	struct sluice_instance *instance = (struct sluice_instance *)base;

	for (unsigned i = 0; i < runs; i++) {
		uint64_t begin;

		set_frame(instance);
		bpfe_rcu_read_lock();
		begin = bench_clock();
		instance->result = bpfe_run(instance->loaded.program, &instance->xdp);
		ns[i] = (double)(bench_clock() - begin);
		bpfe_rcu_read_unlock();
		if (instance->result.abort) {
			g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED,
				    "%s: a run of %s was cut short at instruction %u",
				    base->program->name, base->column->name,
				    instance->result.abort_insn);
			return FALSE;
		}
	}
	return TRUE;
}

/* A frame of the thread's own. */
static gboolean run_shared(struct instance *base, unsigned runs, double *ns, GError **error)
{
	const struct sluice_instance *shared = (const struct sluice_instance *)base;
	g_autofree struct sluice_instance *own = g_new(struct sluice_instance, 1);

	own->base = shared->base;
	own->loaded = shared->loaded;
	return run(&own->base, runs, ns, error);
}

static gboolean outcome(struct instance *base, struct outcome *outcome, GError **error)
{
	const struct sluice_instance *instance = (const struct sluice_instance *)base;
	const struct bpfe_xdp_buff *xdp = &instance->xdp;

	outcome->retval = instance->result.retval;
	return outcome_set_frame(outcome, xdp->data, (size_t)(xdp->data_end - xdp->data), error) &&
	       outcome_add_maps(outcome, base->program, instance->loaded.maps, error);
}

static void facts(struct instance *base, struct code_facts *facts)
{
	const struct sluice_instance *instance = (const struct sluice_instance *)base;
	struct bpfe_program_info info = {0};

	bpfe_program_info(instance->loaded.program, &info);
	facts->bytes = info.jit_bytes;
	facts->counted = instance->result.insns != 0;
}

/* A macro only because constants cannot be made of constants in C. */
#define SLUICE_COLUMN                                                                        \
	.available = available, .open = open_instance, .run = run, .run_shared = run_shared, \
	.outcome = outcome, .facts = facts, .close = close_instance

const struct column column_jit = {
	.name = "sluice-jit",
	.what = "Sluice, compiled, hardening off",
	.engine = BPFE_ENGINE_JIT,
	.relax = BPFE_RELAX_ALL,
	SLUICE_COLUMN,
};

const struct column column_hardened = {
	.name = "hardened",
	.what = "Sluice, compiled, hardened as for a guest's programs",
	.engine = BPFE_ENGINE_JIT,
	SLUICE_COLUMN,
};

const struct column column_interp = {
	.name = "interp",
	.what = "Sluice, interpreted",
	.engine = BPFE_ENGINE_INTERP,
	SLUICE_COLUMN,
};

const struct column columns_mitigation[] = {
	{.name = "no-blinding",
	 .what = "hardened, but constants not blinded",
	 .engine = BPFE_ENGINE_JIT,
	 .relax = BPFE_RELAX_BLINDING,
	 SLUICE_COLUMN},
	{.name = "no-random-start",
	 .what = "hardened, but code at the start of a page",
	 .engine = BPFE_ENGINE_JIT,
	 .relax = BPFE_RELAX_RANDOM_START,
	 SLUICE_COLUMN},
	{.name = "no-masks",
	 .what = "hardened, but stack and map indices not masked",
	 .engine = BPFE_ENGINE_JIT,
	 .relax = BPFE_RELAX_MASKS,
	 SLUICE_COLUMN},
	{.name = "no-packet-clamp",
	 .what = "hardened, but packet addresses not clamped",
	 .engine = BPFE_ENGINE_JIT,
	 .relax = BPFE_RELAX_PACKET,
	 SLUICE_COLUMN},
	{.name = "no-fences",
	 .what = "hardened, but no fences against type confusion and store bypass",
	 .engine = BPFE_ENGINE_JIT,
	 .relax = BPFE_RELAX_FENCES,
	 SLUICE_COLUMN},
};

const size_t n_columns_mitigation = G_N_ELEMENTS(columns_mitigation);

gboolean column_is_mitigation(const struct column *column)
{
	return column >= columns_mitigation && column < columns_mitigation + n_columns_mitigation;
}
