/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * bpf_strtol() and bpf_strtoul(): a number at the start of text that need not be terminated. As in
 * Linux: white space before it is skipped, base 0 goes by the prefix, at most 63 characters are
 * looked at, and the result is how many were used.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include "helpers/helpers.h"

#define TEXT_MAX       63u
#define BYTES_PER_INSN 8u    /* what passing over blanks costs of the run's budget */
#define BASE_MASK      0x1fu /* BPF_STRTOX_BASE_MASK, of the flags */

struct text {
	char bytes[TEXT_MAX + 1]; /* NUL after the last */
	size_t at;
};

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* The base that @base and the text say; a prefix 0x is passed over. */
static unsigned choose_base(struct text *t, unsigned base)
{
	const char *s = t->bytes + t->at;
	bool hex = s[0] == '0' && tolower((unsigned char)s[1]) == 'x';

	if (base == 0)
		base = hex && digit(s[2]) < 16 ? 16 : s[0] == '0' ? 8 : 10;
	if (base == 16 && hex)
		t->at += 2;
	return base;
}

/* Characters used, -EINVAL if there is no number, -ERANGE if it is too large. */
static int64_t parse(const char *from, size_t len, uint64_t flags, bool *negative, uint64_t *value)
{
	struct text t = {.at = 0};
	unsigned base = flags & BASE_MASK;
	size_t skipped = 0, first;

	*value = 0;
	if ((flags & ~(uint64_t)BASE_MASK) || (base && base != 8 && base != 10 && base != 16))
		return -EINVAL;
	while (skipped < len && isspace((unsigned char)from[skipped]))
		skipped++;
	*negative = skipped < len && from[skipped] == '-';
	skipped += *negative;
	len -= skipped;
	memcpy(t.bytes, from + skipped, len < TEXT_MAX ? len : TEXT_MAX);
	base = choose_base(&t, base);
	for (first = t.at; digit(t.bytes[t.at]) < (int)base; t.at++) {
		if (__builtin_mul_overflow(*value, base, value) ||
		    __builtin_add_overflow(*value, (unsigned)digit(t.bytes[t.at]), value))
			return -ERANGE;
	}
	return t.at == first ? -EINVAL : (int64_t)(skipped + t.at);
}

static uint64_t give(uint64_t to, int64_t used, uint64_t value)
{
	if (used < 0)
		value = 0;
	memcpy((void *)(uintptr_t)to, &value, sizeof(value));
	return (uint64_t)used;
}

static BPFE_HELPER(strtol_)
{
	bool negative = false;
	uint64_t value;
	int64_t used = parse((const char *)(uintptr_t)r1, (uint32_t)r2, r3, &negative, &value);

	env->cost += (uint32_t)r2 / BYTES_PER_INSN;
	if (used > 0 && value > (uint64_t)INT64_MAX + negative)
		used = -ERANGE;
	return give(r4, used, negative ? 0 - value : value);
}

static BPFE_HELPER(strtoul_)
{
	bool negative = false;
	uint64_t value;
	int64_t used = parse((const char *)(uintptr_t)r1, (uint32_t)r2, r3, &negative, &value);

	env->cost += (uint32_t)r2 / BYTES_PER_INSN;
	return give(r4, used > 0 && negative ? -EINVAL : used, value);
}

const struct bpfe_helper bpfe_number_helpers[] = {
	{.id = BPF_FUNC_strtol,
	 .name = "bpf_strtol",
	 .fn = strtol_,
	 .args = {BPFE_ARG_MEM_RDONLY, BPFE_ARG_SIZE, BPFE_ARG_ANYTHING, BPFE_ARG_FIXED_OUT},
	 .arg_size = {0, 0, 0, 8}},
	{.id = BPF_FUNC_strtoul,
	 .name = "bpf_strtoul",
	 .fn = strtoul_,
	 .args = {BPFE_ARG_MEM_RDONLY, BPFE_ARG_SIZE, BPFE_ARG_ANYTHING, BPFE_ARG_FIXED_OUT},
	 .arg_size = {0, 0, 0, 8}},
	{0},
};
