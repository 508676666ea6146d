// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Pass 5: which source line an instruction comes from.
 *
 * Section .BTF.ext (Linux, Documentation/bpf/btf.rst, 4.2): a header, then for each code section a
 * list of records. libbpf checks the section but has no function to read the records, so they are
 * read here, with the format's own structure for a record (struct bpf_line_info of UAPI).
 */
#include "object.h"

#include <bpf/btf.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_TEXT_MAX 200 /* bytes of a source line worth showing */

/* The members of the header up to those used here. */
struct btf_ext_head {
	uint16_t magic;
	uint8_t version;
	uint8_t flags;
	uint32_t hdr_len;
	uint32_t func_info_off;
	uint32_t func_info_len;
	uint32_t line_info_off;
	uint32_t line_info_len;
};

struct btf_ext_section {
	uint32_t name_off;
	uint32_t n_records;
};

/* Bytes not yet read. */
struct reader {
	const uint8_t *pos;
	size_t left;
};

static const uint8_t *take(struct reader *r, size_t size)
{
	const uint8_t *at = r->pos;

	if (size > r->left)
		return NULL;
	r->pos += size;
	r->left -= size;
	return at;
}

static int refuse(struct bpfe_log *log, size_t offset, const char *what)
{
	return object_refuse(log, "section .BTF.ext, offset %#zx: %s", offset, what);
}

static int read_record(const struct bpfe_object *obj, struct code_section *code,
		       const uint8_t *bytes, size_t offset, struct bpfe_log *log)
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
		return refuse(log, offset, "line of an instruction outside of its section");
	if (code->n_lines && line->slot <= line[-1].slot)
		return refuse(log, offset, "lines are not in the order of instructions");
	if (!line->file || !line->text)
		return refuse(log, offset, "file name or text lies outside of BTF's strings");
	code->n_lines++;
	return 0;
}

static struct code_section *code_by_name(struct bpfe_object *obj, const char *name)
{
	for (uint32_t i = 0; name && i < obj->n_code; i++) {
		if (!strcmp(obj->code[i].name, name))
			return &obj->code[i];
	}
	return NULL;
}

static int read_section(struct bpfe_object *obj, struct reader *r, const uint8_t *base,
			uint32_t record_size, struct bpfe_log *log)
{
	struct btf_ext_section head;
	const uint8_t *bytes = take(r, sizeof(head));
	struct code_section *code;

	if (!bytes)
		return refuse(log, r->pos - base, "truncated line information");
	memcpy(&head, bytes, sizeof(head));
	if (!head.n_records || head.n_records > r->left / record_size)
		return refuse(log, bytes - base, "count of lines exceeds the section");
	code = code_by_name(obj, btf__str_by_offset(obj->btf, head.name_off));
	if (!code) {
		take(r, (size_t)head.n_records * record_size);
		return 0;
	}
	if (code->lines)
		return refuse(log, bytes - base, "lines of one section appear twice");
	code->lines = calloc(head.n_records, sizeof(*code->lines));
	if (!code->lines)
		return -ENOMEM;
	for (uint32_t i = 0; i < head.n_records; i++) {
		int ret;

		bytes = take(r, record_size);
		ret = read_record(obj, code, bytes, bytes - base, log);
		if (ret)
			return ret;
	}
	return 0;
}

static int check_head(const struct btf_ext_head *head, size_t size, struct bpfe_log *log)
{
	if (head->magic != BTF_MAGIC)
		return refuse(log, 0, "magic is not that of BTF");
	if (head->version != BTF_VERSION || head->flags)
		return refuse(log, 2, "unknown version or flags");
	if (head->hdr_len < sizeof(*head) || head->hdr_len > size)
		return refuse(log, 4, "header length is out of range");
	size -= head->hdr_len;
	if (head->line_info_off > size || size - head->line_info_off < head->line_info_len)
		return refuse(log, offsetof(struct btf_ext_head, line_info_off),
			      "line information lies outside of the section");
	return 0;
}

int object_read_lines(struct bpfe_object *obj, struct bpfe_log *log)
{
	const struct elf_section *section = elf_file_section(&obj->file, ".BTF.ext");
	struct btf_ext_head head;
	const uint8_t *bytes;
	uint32_t record_size;
	struct reader r;
	int ret;

	if (!section || !obj->btf)
		return 0;
	if (section->size < sizeof(head))
		return refuse(log, 0, "truncated header");
	memcpy(&head, section->data, sizeof(head));
	ret = check_head(&head, section->size, log);
	if (ret || !head.line_info_len)
		return ret;
	r.pos = section->data + head.hdr_len + head.line_info_off;
	r.left = head.line_info_len;
	bytes = take(&r, sizeof(record_size));
	if (!bytes)
		return refuse(log, r.pos - section->data, "truncated line information");
	memcpy(&record_size, bytes, sizeof(record_size));
	if (record_size < sizeof(struct bpf_line_info) || record_size % 4)
		return refuse(log, bytes - section->data, "record size is out of range");
	while (r.left && !ret)
		ret = read_section(obj, &r, section->data, record_size, log);
	return ret;
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
