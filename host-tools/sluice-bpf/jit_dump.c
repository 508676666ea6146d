// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "jit_dump.h"
#include "error.h"
#include "jit_listing.h"
#include "listing.h"

#include <inttypes.h>
#include <stdio.h>

#define LOG_SIZE (64u << 10)
#define LIR_SIZE (16u << 20)

/* A program that is compiled. */
struct compiled {
	const struct object_file *file;
	uint32_t index;
	struct bpfe_program *program;
	struct bpfe_program_info info;
	struct bpfe_map **maps;
	char *lir;
	struct listing_source source;
};

static gboolean compile(struct compiled *c, const struct jit_dump *dump,
			const struct object_file *file, uint32_t index, GError **error)
{
	g_autofree char *text = g_malloc0(LOG_SIZE);
	struct bpfe_log log = {.buf = text, .size = LOG_SIZE}, lir = {.size = LIR_SIZE};
	struct bpfe_load_attr attr = {0};
	int ret;

	*c = (struct compiled){
		.file = file, .index = index, .source = {.object = file->object, .program = index}};
	engine_options_apply(&dump->engine, &attr);
	attr.engine = BPFE_ENGINE_JIT;
	if (dump->lir) {
		lir.buf = c->lir = g_malloc0(LIR_SIZE);
		attr.lir = &lir;
	}
	ret = bpfe_object_load(file->object, index, &attr, &c->program, &c->maps, &log);
	if (!ret) {
		bpfe_program_info(c->program, &c->info);
		return TRUE;
	}
	g_strchomp(text);
	g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "%s: program %s is refused:\n%s",
		    file->path, bpfe_object_program_name(file->object, index),
		    text[0] ? text : g_strerror(-ret));
	g_free(c->lir);
	return FALSE;
}

static void compiled_clear(struct compiled *c)
{
	bpfe_program_put(c->program);
	object_maps_put(c->file->object, c->maps);
	g_free(c->lir);
}

static const char *source_line(void *opaque, uint32_t insn)
{
	const struct listing_source *source = opaque;

	return bpfe_object_source_line(source->object, source->program, insn);
}

static struct jit_listing listing_of(struct compiled *c, gboolean source)
{
	struct jit_listing listing = {0};

	bpfe_object_program(c->file->object, c->index, &listing.insns, &listing.n);
	bpfe_program_code(c->program, &listing.code);
	if (source) {
		listing.line = source_line;
		listing.opaque = &c->source;
	}
	return listing;
}

gboolean jit_dump_print(const struct jit_dump *dump, const struct object_file *file, uint32_t index,
			GError **error)
{
	struct compiled c;
	gboolean ok = TRUE;

	if (!compile(&c, dump, file, index, error))
		return FALSE;
	printf("%s (section %s, %u instructions): %u bytes of machine code in %.0f us\n",
	       bpfe_object_program_name(file->object, index),
	       bpfe_object_program_section(file->object, index), c.info.n_insns, c.info.jit_bytes,
	       (double)c.info.jit_ns / 1000.0);
	if (dump->lir)
		fputs(c.lir, stdout);
	if (dump->machine) {
		struct jit_listing listing = listing_of(&c, dump->source);

		ok = jit_listing_print(&listing, error);
	}
	compiled_clear(&c);
	return ok;
}

static void add_text(struct json_object *to, const char *name, const char *text)
{
	json_object_object_add(to, name, json_object_new_string(text));
}

struct json_object *jit_dump_json(const struct jit_dump *dump, const struct object_file *file,
				  uint32_t index, GError **error)
{
	struct json_object *json = json_object_new_object(), *insns;
	struct compiled c;

	if (!compile(&c, dump, file, index, error)) {
		json_object_put(json);
		return NULL;
	}
	add_text(json, "name", bpfe_object_program_name(file->object, index));
	add_text(json, "section", bpfe_object_program_section(file->object, index));
	json_object_object_add(json, "bytes", json_object_new_uint64(c.info.jit_bytes));
	json_object_object_add(json, "compile_ns", json_object_new_uint64(c.info.jit_ns));
	if (dump->lir)
		add_text(json, "lir", c.lir);
	if (dump->machine) {
		struct jit_listing listing = listing_of(&c, TRUE);

		insns = jit_listing_json(&listing, error);
		if (insns) {
			json_object_object_add(json, "insns", insns);
		} else {
			json_object_put(json);
			json = NULL;
		}
	}
	compiled_clear(&c);
	return json;
}
