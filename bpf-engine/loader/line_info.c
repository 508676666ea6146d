// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Which source line an instruction comes from, by .BTF.ext. */
#include "object.h"

#include <bpf/btf.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_TEXT_MAX 200 /* bytes of a source line worth showing */

static int begin(struct code_section *code, uint32_t n_records)
{
	if (code->lines)
		return -EEXIST;
	code->lines = calloc(n_records, sizeof(*code->lines));
	return code->lines ? 0 : -ENOMEM;
}

static int read_record(struct bpfe_object *obj, struct code_section *code, const uint8_t *bytes,
		       size_t offset, struct bpfe_log *log)
{
	struct line *line = &code->lines[code->n_lines];
	struct bpf_line_info info;

	memcpy(&info, bytes, sizeof(info));
	line->slot = info.insn_off / sizeof(struct bpf_insn);
	line->number = BPF_LINE_INFO_LINE_NUM(info.line_col);
	line->file = btf__str_by_offset(obj->btf, info.file_name_off);
	line->text = btf__str_by_offset(obj->btf, info.line_off);
	line->formatted = NULL;
	if (info.insn_off % sizeof(struct bpf_insn) || line->slot >= code->n_insns)
		return btf_ext_refuse(log, offset, "line of an instruction outside of its section");
	if (code->n_lines && line->slot <= line[-1].slot)
		return btf_ext_refuse(log, offset, "lines are not in the order of instructions");
	if (!line->file || !line->text)
		return btf_ext_refuse(log, offset,
				      "file name or text lies outside of BTF's strings");
	code->n_lines++;
	return 0;
}

int object_read_lines(struct bpfe_object *obj, struct bpfe_log *log)
{
	static const struct btf_ext_list list = {
		.what = "line information",
		.records = "lines",
		.at = BTF_EXT_LINE_INFO,
		.record_size = sizeof(struct bpf_line_info),
		.begin = begin,
		.record = read_record,
	};

	return btf_ext_read(obj, &list, log);
}

static struct line *find_line(const struct code_section *code, const struct function *f,
			      uint32_t slot)
{
	uint32_t low = 0, high = code->n_lines;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (code->lines[middle].slot <= slot)
			low = middle + 1;
		else
			high = middle;
	}
	return low && code->lines[low - 1].slot >= f->start ? &code->lines[low - 1] : NULL;
}

static const struct placement *find_placement(const struct program *prog, uint32_t insn)
{
	uint32_t low = 0, high = prog->n_placements;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (prog->placements[middle].base <= insn)
			low = middle;
		else
			high = middle;
	}
	return &prog->placements[low];
}

/* Compilers record the whole path, which says more about the builder's machine than the reader
 * needs. */
static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* Formatted when asked for: a small file can refer to one long string very often. */
static const char *format_line(struct line *line)
{
	const char *text = line->text;

	if (line->formatted)
		return line->formatted;
	while (isspace((unsigned char)*text))
		text++;
	if (asprintf(&line->formatted, "%.*s:%u: %.*s", LINE_TEXT_MAX, base_name(line->file),
		     line->number, LINE_TEXT_MAX, text) < 0)
		line->formatted = NULL;
	return line->formatted;
}

const char *bpfe_object_source_line(const struct bpfe_object *obj, uint32_t i, uint32_t insn)
{
	const struct placement *placement;
	const struct function *function;
	struct line *line;

	if (i >= obj->n_programs || insn >= obj->programs[i].n_insns)
		return NULL;
	placement = find_placement(&obj->programs[i], insn);
	function = &obj->functions[placement->function];
	line = find_line(&obj->code[function->code], function,
			 function->start + insn - placement->base);
	return line ? format_line(line) : NULL;
}
