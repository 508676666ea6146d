// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* sluice-bpf filter: a libpcap expression as classic BPF, as XDP instructions, as an object. */
#include "bpf.h"
#include "error.h"
#include "expression.h"
#include "listing.h"
#include "object_writer.h"

#include <bpf_classic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_SIZE 4096u

struct options {
	char **words; /* of the expression */
	char *dlt;
	char *output;
	char *match;
	char *no_match;
	gboolean disasm;
	gboolean cbpf;
	gboolean opcodes;
	gboolean unoptimized;
};

static gboolean parse_verdict(const char *option, const char *text, uint32_t *verdict,
			      GError **error)
{
	static const char *const names[] = {
		[XDP_ABORTED] = "aborted",
		[XDP_DROP] = "drop",
		[XDP_PASS] = "pass",
		[XDP_TX] = "tx",
	};

	if (!text)
		return TRUE;
	for (uint32_t i = 0; i < G_N_ELEMENTS(names); i++) {
		if (!strcmp(names[i], text)) {
			*verdict = i;
			return TRUE;
		}
	}
	return usage_error(error, "filter",
			   "--%s: no verdict '%s'; these are: pass, drop, tx, aborted", option,
			   text);
}

static void print_classic(const struct expression *expression)
{
	for (uint32_t i = 0; i < expression->n_insns; i++) {
		char text[128];

		if (!bpfe_classic_disasm(&expression->insns[i], i, text, sizeof(text)))
			snprintf(text, sizeof(text), "not an instruction");
		printf("(%03u) %s\n", i, text);
	}
}

static gboolean write_object(const struct options *o, const struct bpf_insn *insns, uint32_t n,
			     GError **error)
{
	const struct object_writer_attr attr = {
		.function = "filter",
		.section = "xdp",
		.license = "Dual BSD/GPL",
		.insns = insns,
		.n_insns = n,
	};

	return object_write(o->output, &attr, error);
}

static gboolean convert(const struct options *o, const struct bpfe_classic_attr *classic,
			struct bpf_insn **insns, uint32_t *n, GError **error)
{
	char text[LOG_SIZE] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	int ret = bpfe_classic_convert(classic, insns, n, &log);

	if (!ret)
		return TRUE;
	g_strchomp(text);
	g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "the filter cannot be converted: %s",
		    text[0] ? text : g_strerror(-ret));
	return FALSE;
}

/* What is asked for; without a word about it, the XDP instructions. */
static gboolean show(const struct options *o, const struct expression *expression,
		     struct bpfe_classic_attr *classic, GError **error)
{
	const struct listing_options listing = {.opcodes = o->opcodes};
	struct bpf_insn *insns;
	gboolean ok = TRUE;
	uint32_t n;

	if (o->cbpf)
		print_classic(expression);
	if (o->cbpf && !o->disasm && !o->output)
		return TRUE;
	classic->insns = expression->insns;
	classic->n_insns = expression->n_insns;
	if (!convert(o, classic, &insns, &n, error))
		return FALSE;
	if (o->disasm || !o->output)
		listing_print(insns, n, &listing);
	if (o->output)
		ok = write_object(o, insns, n, error);
	free(insns);
	return ok;
}

static gboolean parse(struct options *o, struct bpfe_classic_attr *classic, int argc, char **argv,
		      GError **error)
{
	const GOptionEntry entries[] = {
		{"output", 'o', 0, G_OPTION_ARG_FILENAME, &o->output,
		 "Write an object with an XDP program 'filter' to FILE", "FILE"},
		{"disasm", 'd', 0, G_OPTION_ARG_NONE, &o->disasm,
		 "Print the XDP instructions (as without any option)", NULL},
		{"cbpf", 0, 0, G_OPTION_ARG_NONE, &o->cbpf,
		 "Print the classic BPF, as tcpdump -d does", NULL},
		{"opcodes", 0, 0, G_OPTION_ARG_NONE, &o->opcodes,
		 "Print the bytes of each XDP instruction", NULL},
		{"dlt", 'y', 0, G_OPTION_ARG_STRING, &o->dlt,
		 "Link type of the frames, as libpcap calls it (default EN10MB)", "TYPE"},
		{"match", 0, 0, G_OPTION_ARG_STRING, &o->match,
		 "Verdict for frames that match: pass (default), drop, tx, aborted", "VERDICT"},
		{"no-match", 0, 0, G_OPTION_ARG_STRING, &o->no_match,
		 "Verdict for those that do not (default drop)", "VERDICT"},
		{"no-optimize", 'O', 0, G_OPTION_ARG_NONE, &o->unoptimized,
		 "Leave out libpcap's optimizer", NULL},
		{0},
	};

	if (!parse_options("filter", "EXPRESSION",
			   "Convert a libpcap filter expression to a program the NIC runs.\n"
			   "Exit status: 0 done; 1 the expression is refused; 2 wrong usage.",
			   entries, argc, argv, &o->words, error))
		return FALSE;
	if (!o->words)
		return usage_error(error, "filter", "expected EXPRESSION");
	return parse_verdict("match", o->match, &classic->match, error) &&
	       parse_verdict("no-match", o->no_match, &classic->no_match, error);
}

static int filter(const struct options *o, struct bpfe_classic_attr *classic, GError **error)
{
	/* As tcpdump does, so that quotes are needed for the shell alone. */
	g_autofree char *text = g_strjoinv(" ", o->words);
	struct expression expression = {0};
	gboolean ok;

	ok = expression_compile(&expression, text, o->dlt, !o->unoptimized, error) &&
	     show(o, &expression, classic, error);
	expression_clear(&expression);
	return ok ? EXIT_FINE : EXIT_REFUSED;
}

int cmd_filter(int argc, char **argv, GError **error)
{
	struct options options = {0};
	struct bpfe_classic_attr classic = {.match = XDP_PASS, .no_match = XDP_DROP};
	int code = EXIT_USAGE;

	if (parse(&options, &classic, argc, argv, error))
		code = filter(&options, &classic, error);
	g_strfreev(options.words);
	g_free(options.dlt);
	g_free(options.output);
	g_free(options.match);
	g_free(options.no_match);
	return code;
}
