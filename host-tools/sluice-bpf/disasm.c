// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* sluice-bpf disasm: instructions in the kernel's style. */
#include "bpf.h"
#include "error.h"
#include "hex.h"
#include "listing.h"
#include "object_file.h"

#include <stdio.h>
#include <string.h>

struct options {
	char **files;
	char *program;
	struct listing_options listing;
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

static int list_file(const struct options *o, GError **error)
{
	struct object_file *file = object_file_open(o->files[0], error);
	int code = EXIT_REFUSED;
	uint32_t index;

	if (!file)
		return code;
	if (!o->program) {
		for (uint32_t i = 0; i < bpfe_object_n_programs(file->object); i++) {
			if (i)
				putchar('\n');
			list_program(o, file, i);
		}
		code = EXIT_FINE;
	} else if (object_file_find(file, o->program, &index, error)) {
		list_program(o, file, index);
		code = EXIT_FINE;
	}
	object_file_close(file);
	return code;
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

static gboolean parse(struct options *o, int argc, char **argv, GError **error)
{
	const GOptionEntry entries[] = {
		{"prog", 'p', 0, G_OPTION_ARG_STRING, &o->program, "Only this program", "NAME"},
		{"source", 's', 0, G_OPTION_ARG_NONE, &o->listing.source,
		 "Print source lines, if the object has them", NULL},
		{"opcodes", 'o', 0, G_OPTION_ARG_NONE, &o->listing.opcodes,
		 "Print the bytes of each instruction", NULL},
		{0},
	};

	if (!parse_options("disasm", "PROG.o | -",
			   "Print the instructions of PROG.o's programs, or those given as hex "
			   "on standard input.",
			   entries, argc, argv, &o->files, error))
		return FALSE;
	if (!o->files || g_strv_length(o->files) != 1)
		return usage_error(error, "disasm", "expected PROG.o, or - for standard input");
	if (!strcmp(o->files[0], "-") && (o->program || o->listing.source))
		return usage_error(error, "disasm",
				   "--prog and --source need an object file, not -");
	return TRUE;
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
	return code;
}
