// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The same source as native code. Its maps are the engine's, through the C interface. */
#include "column_sluice.h"
#include "error.h"

#include <dlfcn.h>
#include <string.h>

struct native_instance {
	struct instance base;
	struct loaded loaded; /* the maps; the program in it is not run */
	struct frame_memory memory;
	struct bench_ctx ctx;
	int (*bench)(struct bench_ctx *ctx);
	uint32_t *seq, *n;
	uint64_t *now;
	uint32_t retval;
};

static gboolean available(const struct column *column, GError **error)
{
	return TRUE;
}

/* The first word of each map's definition leads to the map. Sections of variables are none. */
static gboolean bind_maps(const struct native_instance *instance, GError **error)
{
	const struct bench_program *program = instance->base.program;

	for (uint32_t i = 0; i < bpfe_object_n_maps(program->file->object); i++) {
		const char *name = bpfe_object_map(program->file->object, i)->name;
		struct bpfe_map **place;

		if (strchr(name, '.'))
			continue;
		place = dlsym(program->native, name);
		if (!place) {
			g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED,
				    "%s.so: no map '%s'; names have at most %u characters",
				    program->name, name, BPFE_NAME_LEN - 1);
			return FALSE;
		}
		*place = instance->loaded.maps[i];
	}
	return TRUE;
}

static gboolean bind_symbols(struct native_instance *instance, GError **error)
{
	void *native = instance->base.program->native;

	/* POSIX has functions and data alike from dlsym(). */
	*(void **)&instance->bench = dlsym(native, "bench");
	instance->seq = dlsym(native, "bench_seq");
	instance->n = dlsym(native, "bench_n");
	instance->now = dlsym(native, "bench_now");
	if (instance->bench && instance->seq && instance->n && instance->now)
		return TRUE;
	g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "%s.so: not what abi.h says",
		    instance->base.program->name);
	return FALSE;
}

static void close_instance(struct instance *base)
{
	struct native_instance *instance = (struct native_instance *)base;

	loaded_close(&instance->loaded, base->program);
	g_free(instance);
}

/* One at a time: the shared object has its variables once. */
static struct instance *open_instance(const struct column *column, struct bench_program *program,
				      uint32_t n, GError **error)
{
	struct native_instance *instance = g_new0(struct native_instance, 1);

	instance->base = (struct instance){.column = column, .program = program, .n = n};
	if (!loaded_open(&instance->loaded, column, program, n, error) ||
	    !bind_symbols(instance, error) || !bind_maps(instance, error)) {
		close_instance(&instance->base);
		return NULL;
	}
	*instance->seq = 0;
	*instance->n = n;
	return &instance->base;
}

static void set_frame(struct native_instance *instance)
{
	uint8_t *data = frame_memory_set(&instance->memory, instance->base.program);

	instance->ctx = (struct bench_ctx){
		.data = (uintptr_t)data,
		.data_end = (uintptr_t)data + instance->base.program->frame_len,
		.data_meta = (uintptr_t)data,
		.ingress_ifindex = 1,
		.hard_start = (uintptr_t)instance->memory.bytes,
	};
}

static gboolean run(struct instance *base, unsigned runs, double *ns, GError **error)
{
	struct native_instance *instance = (struct native_instance *)base;

	for (unsigned i = 0; i < runs; i++) {
		const uint32_t seq = *instance->seq;
		uint64_t begin;

		set_frame(instance);
		*instance->now = bench_clock();
		bpfe_rcu_read_lock();
		begin = bench_clock();
		instance->retval = (uint32_t)instance->bench(&instance->ctx);
		ns[i] = (double)(bench_clock() - begin);
		bpfe_rcu_read_unlock();
		if (*instance->seq - seq != base->n) {
			g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED,
				    "%s: a run ended after %u of %u iterations: vary() found not "
				    "the frame it needs",
				    base->program->name, *instance->seq - seq, base->n);
			return FALSE;
		}
	}
	return TRUE;
}

static gboolean outcome(struct instance *base, struct outcome *outcome, GError **error)
{
	const struct native_instance *instance = (const struct native_instance *)base;
	const struct bench_ctx *ctx = &instance->ctx;

	outcome->retval = instance->retval;
	return outcome_set_frame(outcome, instance->memory.bytes + (ctx->data - ctx->hard_start),
				 ctx->data_end - ctx->data, error) &&
	       outcome_add_maps(outcome, base->program, instance->loaded.maps, error);
}

const struct column column_native = {
	.name = "native",
	.what = "clang -O2 of the same source; maps by calls of the C interface",
	.engine = BPFE_ENGINE_INTERP,
	.available = available,
	.open = open_instance,
	.run = run,
	.outcome = outcome,
	.close = close_instance,
};
