// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * What the name of a section says of the programs in it. As in libbpf, with the freer names that
 * samples and iproute2 have: "xdp" and "tc" may be followed by anything that is no letter.
 */
#include "object.h"

#include <bpf/libbpf.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

const char *object_section_text(const char *section)
{
	return section[0] == '?' ? section + 1 : section;
}

/* Text behind @word if @name begins with it and it ends there. */
static const char *after(const char *name, const char *word)
{
	size_t length = strlen(word);

	if (strncmp(name, word, length) || isalpha((unsigned char)name[length]))
		return NULL;
	return name + length;
}

/* Is the next part of @name, behind '/' or '_', @word? */
static bool is_part(const char *name, const char *word)
{
	size_t length = strlen(word);

	return (name[0] == '/' || name[0] == '_') && !strncmp(name + 1, word, length) &&
	       (!name[1 + length] || name[1 + length] == '/');
}

enum section_kind object_section_kind(const char *section)
{
	static const char *const tc[] = {"tc", "tcx", "classifier", "cls", "action", "act"};
	const char *name = object_section_text(section), *rest = after(name, "xdp");
	enum bpf_attach_type attach;
	enum bpf_prog_type type;

	if (rest) {
		if (after(rest, ".frags"))
			rest = after(rest, ".frags");
		if (is_part(rest, "devmap"))
			return SECTION_DEVMAP;
		return is_part(rest, "cpumap") ? SECTION_CPUMAP : SECTION_XDP;
	}
	for (size_t i = 0; i < sizeof(tc) / sizeof(tc[0]); i++) {
		if (after(name, tc[i]))
			return SECTION_TC;
	}
	return libbpf_prog_type_by_name(name, &type, &attach) ? SECTION_ANY : SECTION_OTHER;
}

static const char *type_text(const char *section)
{
	enum bpf_attach_type attach;
	enum bpf_prog_type type;
	const char *text = NULL;

	if (!libbpf_prog_type_by_name(object_section_text(section), &type, &attach))
		text = libbpf_bpf_prog_type_str(type);
	return text ? text : "unknown";
}

int object_check_section(const struct bpfe_object *obj, uint32_t program, bool type_given,
			 struct bpfe_log *log)
{
	const struct function *function = &obj->functions[obj->programs[program].function];
	const char *section = obj->code[function->code].name;
	enum section_kind kind = object_section_kind(section);

	if (kind == SECTION_DEVMAP || kind == SECTION_CPUMAP)
		return object_refuse(log,
				     "section %s, symbol '%s': programs that run where a %s sends "
				     "a frame are not supported, only those of ports (xdp)",
				     section, function->name,
				     kind == SECTION_DEVMAP ? "devmap" : "cpumap");
	if (kind == SECTION_OTHER && !type_given)
		return object_refuse(log,
				     "section %s, symbol '%s': a program of type %s is not for a "
				     "NIC; sections xdp and tc are",
				     section, function->name, type_text(section));
	return 0;
}

uint32_t bpfe_object_program_type(const struct bpfe_object *obj, uint32_t i)
{
	if (i >= obj->n_programs)
		return BPF_PROG_TYPE_UNSPEC;
	switch (object_section_kind(bpfe_object_program_section(obj, i))) {
	case SECTION_XDP:
	case SECTION_DEVMAP:
	case SECTION_CPUMAP:
		return BPF_PROG_TYPE_XDP;
	case SECTION_TC:
		return BPF_PROG_TYPE_SCHED_CLS;
	default:
		return BPF_PROG_TYPE_UNSPEC;
	}
}
