// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "listing.h"
#include "hex.h"

#include <stdio.h>
#include <string.h>

/* The slot of the function that the call or address at @insn names, or -1. */
static int64_t function_of(const struct bpf_insn *insn, uint32_t slot)
{
	if (insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_CALL)
		return (int64_t)slot + 1 + insn->imm;
	if (insn->code == (BPF_LD | BPF_IMM | BPF_DW) && insn->src_reg == BPF_PSEUDO_FUNC)
		return (int64_t)slot + 1 + insn->imm;
	return -1;
}

gboolean *listing_functions(const struct bpf_insn *insns, uint32_t n)
{
	gboolean *starts = g_new0(gboolean, n);

	for (uint32_t i = 0; i < n; i++) {
		int64_t target = function_of(&insns[i], i);

		if (target >= 0 && target < n)
			starts[target] = TRUE;
		i += insns[i].code == (BPF_LD | BPF_IMM | BPF_DW);
	}
	return starts;
}

static void print_source(const struct listing_options *options, uint32_t insn, char **last)
{
	const char *line = options->line ? options->line(options->opaque, insn) : NULL;

	if (!line || !g_strcmp0(line, *last))
		return;
	printf("; %s\n", line);
	g_free(*last);
	*last = g_strdup(line);
}

static void print_bytes(const struct bpf_insn *insn, unsigned slots)
{
	g_autofree char *text = hex_format(insn, slots * sizeof(*insn), " ");

	printf("       %s\n", text);
}

static unsigned print_insn(const struct bpf_insn *insns, uint32_t i, uint32_t n)
{
	char text[256];
	unsigned slots = bpfe_disasm(&insns[i], n - i, text, sizeof(text));

	if (slots) {
		printf("%4u: (%02x) %s\n", i, insns[i].code, text);
		return slots;
	}
	printf("%4u: (%02x) not an instruction\n", i, insns[i].code);
	return 1;
}

void listing_print(const struct bpf_insn *insns, uint32_t n, const struct listing_options *options)
{
	g_autofree gboolean *starts = listing_functions(insns, n);
	g_autofree char *last = NULL;

	for (uint32_t i = 0; i < n;) {
		unsigned slots;

		if (starts[i])
			printf("function at %u:\n", i);
		print_source(options, i, &last);
		slots = print_insn(insns, i, n);
		if (options->opcodes)
			print_bytes(&insns[i], slots);
		i += slots;
	}
}
