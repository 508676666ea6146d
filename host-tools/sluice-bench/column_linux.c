// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The running kernel, through bpf(): libbpf loads, BPF_PROG_TEST_RUN runs and measures. */
#include "column.h"
#include "error.h"
#include "linux_object.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct linux_instance {
	struct instance base;
	struct bpf_object *object;
	int fd;
	uint32_t retval;
	uint8_t frame[BENCH_MAX_FRAME + 320];
	uint32_t frame_len;
};

/* ---- Is it there ---------------------------------------------------------------------------- */

static gboolean jit_enabled(GError **error)
{
	g_autofree char *text = NULL;

	/* Kernels that can do nothing else have no such file. */
	if (!g_file_get_contents("/proc/sys/net/core/bpf_jit_enable", &text, NULL, NULL) ||
	    atoi(text) > 0)
		return TRUE;
	g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED,
		    "net.core.bpf_jit_enable is 0: Linux would interpret");
	return FALSE;
}

static gboolean available(const struct column *column, GError **error)
{
	static const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "sluice_bench", "GPL", insns, 2, NULL);
	uint8_t frame[64] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = 1);
	int ret;

	if (fd < 0) {
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED,
			    "bpf() takes no XDP programs from here: %s", g_strerror(errno));
		return FALSE;
	}
	ret = bpf_prog_test_run_opts(fd, &opts);
	close(fd);
	if (ret) {
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "BPF_PROG_TEST_RUN: %s",
			    g_strerror(-ret));
		return FALSE;
	}
	return jit_enabled(error);
}

/* ---- Loading -------------------------------------------------------------------------------- */

static struct bpf_map *find_map(struct bpf_object *object, const char *name)
{
	return bpf_object__find_map_by_name(object, name);
}

/* Not every map of every kernel takes a batch. */
static int fill_singly(int fd, const struct map_fill *f)
{
	int ret = 0;

	for (uint32_t e = 0; !ret && e < f->n; e++)
		ret = bpf_map_update_elem(fd, f->keys->data + (size_t)e * f->key_size,
					  f->values->data + (size_t)e * f->value_size, BPF_ANY);
	return ret;
}

static gboolean fill_map(int fd, const struct map_fill *f, const char *program, GError **error)
{
	uint32_t count = f->n;
	int ret = bpf_map_update_batch(fd, f->keys->data, f->values->data, &count, NULL);

	if (ret)
		ret = fill_singly(fd, f);
	if (!ret)
		return TRUE;
	g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "%s: map %s in Linux: %s", program,
		    f->map, g_strerror(-ret));
	return FALSE;
}

static gboolean fill(struct bpf_object *object, const struct bench_program *program, GError **error)
{
	for (guint i = 0; i < program->fills->len; i++) {
		const struct map_fill *f = g_ptr_array_index(program->fills, i);

		if (!fill_map(bpf_map__fd(find_map(object, f->map)), f, program->name, error))
			return FALSE;
	}
	return TRUE;
}

static void close_instance(struct instance *base)
{
	struct linux_instance *instance = (struct linux_instance *)base;

	bpf_object__close(instance->object);
	g_free(instance);
}

static struct instance *open_instance(const struct column *column, struct bench_program *program,
				      uint32_t n, GError **error)
{
	struct linux_instance *instance = g_new0(struct linux_instance, 1);

	instance->base = (struct instance){.column = column, .program = program, .n = n};
	if (bench_program_prepare(program, error))
		instance->object = linux_object_load(program, n, error);
	if (!instance->object || !fill(instance->object, program, error)) {
		close_instance(&instance->base);
		return NULL;
	}
	instance->fd =
		bpf_program__fd(bpf_object__find_program_by_name(instance->object, BENCH_PROGRAM));
	return &instance->base;
}

/* ---- Running -------------------------------------------------------------------------------- */

static gboolean run(struct instance *base, unsigned runs, double *ns, GError **error)
{
	struct linux_instance *instance = (struct linux_instance *)base;
	const struct bench_program *program = base->program;

	for (unsigned i = 0; i < runs; i++) {
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = program->frame,
			    .data_size_in = program->frame_len, .data_out = instance->frame,
			    .data_size_out = sizeof(instance->frame), .repeat = 1);
		int ret = bpf_prog_test_run_opts(instance->fd, &opts);

		if (ret) {
			g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED,
				    "%s: BPF_PROG_TEST_RUN: %s", program->name, g_strerror(-ret));
			return FALSE;
		}
		instance->retval = opts.retval;
		instance->frame_len = opts.data_size_out;
		ns[i] = opts.duration; /* the kernel's own, of the run alone */
	}
	return TRUE;
}

static gboolean run_shared(struct instance *base, unsigned runs, double *ns, GError **error)
{
	const struct linux_instance *shared = (const struct linux_instance *)base;
	g_autofree struct linux_instance *own = g_new0(struct linux_instance, 1);

	own->base = shared->base;
	own->fd = shared->fd;
	return run(&own->base, runs, ns, error);
}

static gboolean digest_map(struct map_digest *digest, const struct bpf_map *map, GError **error)
{
	const uint32_t value_size = bpf_map__value_size(map), key_size = bpf_map__key_size(map);
	const unsigned cpus =
		map_is_per_cpu(bpf_map__type(map)) ? (unsigned)libbpf_num_possible_cpus() : 0;
	g_autofree uint8_t *value = g_malloc0((size_t)((value_size + 7) & ~7u) * MAX(cpus, 1));
	g_autofree uint8_t *key = g_malloc0(key_size);
	const int fd = bpf_map__fd(map);
	int ret;

	for (ret = bpf_map_get_next_key(fd, NULL, key); !ret;
	     ret = bpf_map_get_next_key(fd, key, key)) {
		ret = bpf_map_lookup_elem(fd, key, value);
		if (ret)
			break;
		map_digest_add(digest, key, key_size, value, value_size, cpus);
	}
	if (ret == -ENOENT)
		return TRUE;
	g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "map %s of Linux cannot be read: %s",
		    bpf_map__name(map), g_strerror(-ret));
	return FALSE;
}

static gboolean outcome(struct instance *base, struct outcome *outcome, GError **error)
{
	const struct linux_instance *instance = (const struct linux_instance *)base;
	const struct bpfe_object *object = base->program->file->object;

	outcome->retval = instance->retval;
	outcome->n_maps = 0;
	for (uint32_t i = 0; i < bpfe_object_n_maps(object); i++) {
		const char *name = bpfe_object_map(object, i)->name;
		struct map_digest *digest = &outcome->maps[outcome->n_maps];

		if (strchr(name, '.') || bench_program_own_map(base->program, name))
			continue;
		outcome->n_maps++; /* the engine's own columns have counted them */
		*digest = (struct map_digest){0};
		g_strlcpy(digest->name, name, sizeof(digest->name));
		if (!digest_map(digest, find_map(instance->object, name), error))
			return FALSE;
	}
	return outcome_set_frame(outcome, instance->frame, instance->frame_len, error);
}

static void facts(struct instance *base, struct code_facts *facts)
{
	const struct linux_instance *instance = (const struct linux_instance *)base;
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	if (!bpf_obj_get_info_by_fd(instance->fd, &info, &size))
		facts->bytes = info.jited_prog_len;
}

const struct column column_linux = {
	.name = "linux-jit",
	.foreign = true,
	.what = "Linux's JIT through bpf()",
	.available = available,
	.open = open_instance,
	.run = run,
	.run_shared = run_shared,
	.outcome = outcome,
	.facts = facts,
	.close = close_instance,
};
