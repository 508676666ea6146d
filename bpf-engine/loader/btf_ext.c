// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Pass 5: what the compiler says of instructions.
 *
 * Section .BTF.ext (Linux, Documentation/bpf/btf.rst, 4.2): a header, then lists of records, each
 * list ordered by code section. libbpf checks the section but has no function to read the records,
 * so they are read here.
 */
#include "object.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The members of the header that were there from the start. */
struct btf_ext_head {
	uint16_t magic;
	uint8_t version;
	uint8_t flags;
	uint32_t hdr_len;
};

struct btf_ext_section {
	uint32_t name_off;
	uint32_t n_records;
};

/* Bytes not yet read. */
struct reader {
	const struct btf_ext_list *list;
	const uint8_t *base; /* of the section */
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

int btf_ext_refuse(struct bpfe_log *log, size_t offset, const char *what)
{
	return object_refuse(log, "section .BTF.ext, offset %#zx: %s", offset, what);
}

/* Refuse with @fmt, whose %s is the list's @word. */
static int refuse_word(struct bpfe_log *log, size_t offset, const char *before, const char *word,
		       const char *after)
{
	return object_refuse(log, "section .BTF.ext, offset %#zx: %s%s%s", offset, before, word,
			     after);
}

static struct code_section *code_by_name(struct bpfe_object *obj, const char *name)
{
	for (uint32_t i = 0; name && i < obj->n_code; i++) {
		if (!strcmp(obj->code[i].name, name))
			return &obj->code[i];
	}
	return NULL;
}

static int read_section(struct bpfe_object *obj, struct reader *r, uint32_t record_size,
			struct bpfe_log *log)
{
	const struct btf_ext_list *list = r->list;
	struct btf_ext_section head;
	const uint8_t *bytes = take(r, sizeof(head));
	struct code_section *code;
	int ret;

	if (!bytes)
		return refuse_word(log, r->pos - r->base, "truncated ", list->what, "");
	memcpy(&head, bytes, sizeof(head));
	if (!head.n_records || head.n_records > r->left / record_size)
		return refuse_word(log, bytes - r->base, "count of ", list->records,
				   " exceeds the section");
	code = code_by_name(obj, btf__str_by_offset(obj->btf, head.name_off));
	if (!code) {
		take(r, (size_t)head.n_records * record_size);
		return 0;
	}
	ret = list->begin(code, head.n_records);
	if (ret == -EEXIST)
		return refuse_word(log, bytes - r->base, "", list->records,
				   " of one section appear twice");
	for (uint32_t i = 0; i < head.n_records && !ret; i++) {
		bytes = take(r, record_size);
		ret = list->record(obj, code, bytes, bytes - r->base, log);
	}
	return ret;
}

static int check_head(const struct btf_ext_head *head, size_t size, struct bpfe_log *log)
{
	if (head->magic != BTF_MAGIC)
		return btf_ext_refuse(log, 0, "magic is not that of BTF");
	if (head->version != BTF_VERSION || head->flags)
		return btf_ext_refuse(log, 2, "unknown version or flags");
	if (head->hdr_len < sizeof(*head) + BTF_EXT_LINE_INFO || head->hdr_len > size)
		return btf_ext_refuse(log, 4, "header length is out of range");
	return 0;
}

/* Where the list lies, into @r; nothing is left where there is none. */
static int find_list(const struct elf_section *section, struct reader *r, struct bpfe_log *log)
{
	const struct btf_ext_list *list = r->list;
	struct btf_ext_head head;
	uint32_t where[2]; /* offset behind the header, length */
	size_t size = section->size;
	int ret;

	if (size < sizeof(head) + BTF_EXT_LINE_INFO)
		return btf_ext_refuse(log, 0, "truncated header");
	memcpy(&head, section->data, sizeof(head));
	ret = check_head(&head, size, log);
	if (ret || head.hdr_len < list->at + sizeof(where))
		return ret;
	memcpy(where, section->data + list->at, sizeof(where));
	size -= head.hdr_len;
	if (where[0] > size || size - where[0] < where[1])
		return refuse_word(log, list->at, "", list->what, " lies outside of the section");
	r->pos = section->data + head.hdr_len + where[0];
	r->left = where[1];
	return 0;
}

int btf_ext_read(struct bpfe_object *obj, const struct btf_ext_list *list, struct bpfe_log *log)
{
	const struct elf_section *section = elf_file_section(&obj->file, ".BTF.ext");
	struct reader r = {.list = list};
	const uint8_t *bytes;
	uint32_t record_size;
	int ret;

	if (!section || !obj->btf)
		return 0;
	r.base = section->data;
	ret = find_list(section, &r, log);
	if (ret || !r.left)
		return ret;
	bytes = take(&r, sizeof(record_size));
	if (!bytes)
		return refuse_word(log, r.pos - r.base, "truncated ", list->what, "");
	memcpy(&record_size, bytes, sizeof(record_size));
	if (record_size < list->record_size || record_size % 4)
		return btf_ext_refuse(log, bytes - r.base, "record size is out of range");
	while (r.left && !ret)
		ret = read_section(obj, &r, record_size, log);
	return ret;
}
