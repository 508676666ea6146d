// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* sluice-bpf disasm: instructions in the kernel's style, and the machine code made of them. */
#include "bpf.h"
#include "error.h"
#include "hex.h"
#include "jit_dump.h"
#include "listing.h"
#include "object_file.h"

#include <stdio.h>
#include <string.h>

struct options {
	char **files;
	char *program;
	gboolean json;
	struct listing_options listing;
	struct jit_dump jit;
};

static const char *source_line(void *opaque, uint32_t insn)
{
	const struct listing_source *source = opaque;

	return bpfe_object_source_line(source->object, source->program, insn);
}

static void list_program(const struct options *o, const struct object_file *file, uint32_t index)
{
	struct listing_source source = {.object = file->object, .program = index};
	struct listing_options listing = o->listing;
	const struct bpf_insn *insns;
	uint32_t n;

	bpfe_object_program(file->object, index, &insns, &n);
	if (listing.source) {
		listing.line = source_line;
		listing.opaque = &source;
	}
	printf("%s (section %s, %u instructions):\n", bpfe_object_program_name(file->object, index),
	       bpfe_object_program_section(file->object, index), n);
	listing_print(insns, n, &listing);
}

static gboolean compiles(const struct options *o)
{
	return o->jit.machine || o->jit.lir;
}

/* Programs @first to @first + @n - 1, compiled, as text. */
static gboolean dump_text(const struct options *o, const struct object_file *file, uint32_t first,
			  uint32_t n, GError **error)
{
	for (uint32_t i = 0; i < n; i++) {
		if (i)
			putchar('\n');
		if (!jit_dump_print(&o->jit, file, first + i, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean dump_json(const struct options *o, const struct object_file *file, uint32_t first,
			  uint32_t n, GError **error)
{
	struct json_object *all = json_object_new_array(), *one = NULL;
	uint32_t i;

	for (i = 0; i < n; i++) {
		one = jit_dump_json(&o->jit, file, first + i, error);
		if (!one)
			break;
		json_object_array_add(all, one);
	}
	if (i == n)
		puts(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY |
								 JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(all);
	return i == n;
}

static gboolean list_programs(const struct options *o, const struct object_file *file,
			      uint32_t first, uint32_t n, GError **error)
{
	if (o->json)
		return dump_json(o, file, first, n, error);
	if (compiles(o))
		return dump_text(o, file, first, n, error);
	for (uint32_t i = 0; i < n; i++) {
		if (i)
			putchar('\n');
		list_program(o, file, first + i);
	}
	return TRUE;
}

static int list_file(const struct options *o, GError **error)
{
	struct object_file *file = object_file_open(o->files[0], error);
	gboolean ok = FALSE;
	uint32_t index;

	if (!file)
		return EXIT_REFUSED;
	if (!o->program)
		ok = list_programs(o, file, 0, bpfe_object_n_programs(file->object), error);
	else if (object_file_find(file, o->program, &index, error))
		ok = list_programs(o, file, index, 1, error);
	object_file_close(file);
	return ok ? EXIT_FINE : EXIT_REFUSED;
}

static int list_stdin(const struct options *o, GError **error)
{
	g_autofree char *text = read_stdin(error);
	g_autoptr(GByteArray) bytes = text ? hex_parse("standard input", text, error) : NULL;

	if (!bytes)
		return EXIT_REFUSED;
	if (!bytes->len || bytes->len % sizeof(struct bpf_insn)) {
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED,
			    "standard input: %u bytes; instructions take 8 bytes each", bytes->len);
		return EXIT_REFUSED;
	}
	listing_print((const struct bpf_insn *)(const void *)bytes->data,
		      bytes->len / sizeof(struct bpf_insn), &o->listing);
	return EXIT_FINE;
}

/* Options that do not go together. */
static gboolean check(struct options *o, GError **error)
{
	if (!strcmp(o->files[0], "-") && (o->program || o->listing.source))
		return usage_error(error, "disasm",
				   "--prog and --source need an object file, not -");
	if (!strcmp(o->files[0], "-") && compiles(o))
		return usage_error(error, "disasm", "--jit and --lir need an object file, not -");
	if (compiles(o) && o->listing.opcodes)
		return usage_error(error, "disasm",
				   "--opcodes is for instructions; --jit shows "
				   "the bytes of machine code");
	if (!compiles(o) && (o->json || o->jit.engine.harden))
		return usage_error(error, "disasm", "--json and --harden need --jit or --lir");
	o->jit.source = o->listing.source;
	return engine_options_parse(&o->jit.engine, "sluice-bpf disasm", error);
}

static gboolean parse(struct options *o, int argc, char **argv, GError **error)
{
	const GOptionEntry entries[] = {
		{"prog", 'p', 0, G_OPTION_ARG_STRING, &o->program, "Only this program", "NAME"},
		{"source", 's', 0, G_OPTION_ARG_NONE, &o->listing.source,
		 "Print source lines, if the object has them", NULL},
		{"opcodes", 'o', 0, G_OPTION_ARG_NONE, &o->listing.opcodes,
		 "Print the bytes of each instruction", NULL},
		{"jit", 'J', 0, G_OPTION_ARG_NONE, &o->jit.machine,
		 "Compile, and print the machine code beside the instructions", NULL},
		{"lir", 'l', 0, G_OPTION_ARG_NONE, &o->jit.lir,
		 "Compile, and print the compiler's intermediate form after its passes", NULL},
		{"json", 'j', 0, G_OPTION_ARG_NONE, &o->json,
		 "Print the machine code as JSON, as bpftool does", NULL},
		HARDEN_OPTION(&o->jit.engine),
		{0},
	};

	if (!parse_options("disasm", "PROG.o | -",
			   "Print the instructions of PROG.o's programs, or those given as hex "
			   "on standard input.",
			   entries, argc, argv, &o->files, error))
		return FALSE;
	if (!o->files || g_strv_length(o->files) != 1)
		return usage_error(error, "disasm", "expected PROG.o, or - for standard input");
	return check(o, error);
}

int cmd_disasm(int argc, char **argv, GError **error)
{
	struct options options = {0};
	int code = EXIT_USAGE;

	if (parse(&options, argc, argv, error))
		code = strcmp(options.files[0], "-") ? list_file(&options, error)
						     : list_stdin(&options, error);
	g_strfreev(options.files);
	g_free(options.program);
	engine_options_clear(&options.jit.engine);
	return code;
}
