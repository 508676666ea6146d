// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * What the authors of a test expect: the tags "comment:NUMBER:test_..." that a program carries in
 * its BTF, in the order of their numbers. A mode of which nothing is said takes over what is said
 * of the privileged one.
 */
#include "selftests.h"

#include <bpf/btf.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TAGS 256

struct tag {
	unsigned long number;
	const char *text;
};

/* The text behind "comment:NUMBER:", or behind "comment:" in older releases; NULL: another tag. */
static const char *tag_text(const char *name, unsigned long *number)
{
	static const char prefix[] = "comment:";
	char *end;

	if (strncmp(name, prefix, sizeof(prefix) - 1) != 0)
		return NULL;
	name += sizeof(prefix) - 1;
	*number = strtoul(name, &end, 10);
	return end != name && *end == ':' ? end + 1 : name;
}

static int by_number(const void *a, const void *b)
{
	const struct tag *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static size_t read_tags(const struct btf *btf, uint32_t function, struct tag *tags)
{
	size_t n = 0;

	for (uint32_t id = 1; id < btf__type_cnt(btf) && n < MAX_TAGS; id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);

		if (!btf_is_decl_tag(type) || type->type != function ||
		    btf_decl_tag(type)->component_idx != -1)
			continue;
		tags[n].text = tag_text(btf__name_by_offset(btf, type->name_off), &tags[n].number);
		if (tags[n].text)
			n++;
	}
	qsort(tags, n, sizeof(*tags), by_number);
	return n;
}

/* If @text begins with @key, what follows it. */
static const char *value_of(const char *text, const char *key)
{
	size_t length = strlen(key);

	return strncmp(text, key, length) == 0 ? text + length : NULL;
}

static uint32_t parse_retval(const char *text)
{
	if (strcmp(text, "_INT_MIN") == 0)
		return (uint32_t)INT_MIN;
	return (uint32_t)strtoll(text, NULL, 0);
}

/* One tag of a mode; @suffix is "" or "_unpriv". */
static void read_mode_tag(struct selftest_mode *mode, const char *text, const char *suffix)
{
	char key[64];
	const char *value;

	for (int fails = 0; fails < 2; fails++) {
		strcpy(key, fails ? "test_expect_failure" : "test_expect_success");
		strcat(key, suffix);
		if (strcmp(text, key) == 0) {
			mode->tested = mode->says = true;
			mode->fails = fails;
		}
	}
	strcat(strcat(strcpy(key, "test_expect_msg"), suffix), "=");
	value = value_of(text, key);
	if (value) {
		mode->tested = true;
		if (mode->n_messages < SELFTEST_MESSAGES)
			mode->messages[mode->n_messages++] = value;
	}
	strcat(strcat(strcpy(key, "test_retval"), suffix), "=");
	value = value_of(text, key);
	if (value) {
		mode->tested = mode->runs = true;
		mode->retval = parse_retval(value);
	}
}

static void read_tag(struct selftest_spec *spec, const char *text, bool *any_arch, bool *our_arch)
{
	const char *value;

	read_mode_tag(&spec->priv, text, "");
	read_mode_tag(&spec->unpriv, text, "_unpriv");
	if (value_of(text, "test_caps_unpriv="))
		spec->unpriv.tested = true;
	spec->auxiliary |= strcmp(text, "test_auxiliary") == 0;
	spec->auxiliary |= strcmp(text, "test_auxiliary_unpriv") == 0;
	spec->jit_only |= strcmp(text, "load_mode=jited") == 0;
	spec->no_jit_only |= strcmp(text, "load_mode=no_jited") == 0;
	value = value_of(text, "test_arch=");
	if (value) {
		*any_arch = true;
		*our_arch |= strcmp(value, "X86_64") == 0;
	}
	spec->pieces |= value_of(text, "test_linear_size=") != NULL;
	value = value_of(text, "test_prog_flags=");
	if (value) {
		spec->sleepable |= strcmp(value, "BPF_F_SLEEPABLE") == 0;
		spec->strict_alignment |= strcmp(value, "BPF_F_STRICT_ALIGNMENT") == 0;
	}
}

bool selftest_read_spec(const struct btf *btf, const char *name, struct selftest_spec *spec)
{
	int function = btf__find_by_name_kind(btf, name, BTF_KIND_FUNC);
	bool any_arch = false, our_arch = false;
	struct tag tags[MAX_TAGS];
	size_t n;

	memset(spec, 0, sizeof(*spec));
	if (function < 0)
		return false;
	n = read_tags(btf, (uint32_t)function, tags);
	for (size_t i = 0; i < n; i++)
		read_tag(spec, tags[i].text, &any_arch, &our_arch);
	spec->other_arch = any_arch && !our_arch;
	if (!spec->unpriv.says) {
		spec->unpriv.says = spec->priv.says;
		spec->unpriv.fails = spec->priv.fails;
	}
	if (!spec->unpriv.runs) {
		spec->unpriv.runs = spec->priv.runs;
		spec->unpriv.retval = spec->priv.retval;
	}
	return true;
}
