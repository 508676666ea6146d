// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * sluice-bpf exec: run instructions given as hex over memory given as hex, and print r0. Arguments
 * and output are what conformance suites of the instruction set expect of the program they drive.
 */
#include "bpf.h"
#include "engine_options.h"
#include "error.h"
#include "hex.h"
#include "verdict.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_SIZE (64u << 10)

struct options {
	char **words; /* memory */
	struct engine_options engine;
	gboolean unverified;
};

static struct bpfe_program *load(const struct options *o, const GByteArray *code, uint32_t mem_size,
				 GError **error)
{
	g_autofree char *text = g_malloc0(LOG_SIZE);
	struct bpfe_log log = {.buf = text, .size = LOG_SIZE};
	struct bpfe_load_attr attr = {
		.type = BPFE_PROG_MEM,
		.mem_size = mem_size,
		.insns = (const struct bpf_insn *)(const void *)code->data,
		.n_insns = code->len / (guint)sizeof(struct bpf_insn),
	};
	struct bpfe_program *program;
	int ret;

	engine_options_apply(&o->engine, &attr);
	ret = bpfe_program_load(&attr, &program, &log);

	if (!ret)
		return program;
	g_strchomp(text);
	g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "the program is refused: %s",
		    text[0] ? text : g_strerror(-ret));
	return NULL;
}

static gboolean run(const struct bpfe_program *program, void *memory, size_t size, GError **error)
{
	struct bpfe_result result;

	bpfe_rcu_read_lock();
	result = bpfe_run_mem(program, memory, size);
	bpfe_rcu_read_unlock();
	if (result.abort) {
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED,
			    "the run was cut short: %s at instruction %u",
			    verdict_abort_text(result.abort), result.abort_insn);
		return FALSE;
	}
	printf("0x%" PRIx64 "\n", result.r0);
	return TRUE;
}

static gboolean exec(const struct options *o, GError **error)
{
	g_autofree char *text = read_stdin(error);
	g_autoptr(GByteArray) code = text ? hex_parse("standard input", text, error) : NULL;
	g_autoptr(GByteArray) memory =
		code ? hex_parse("memory", o->words ? o->words[0] : "", error) : NULL;
	struct bpfe_program *program;
	gboolean ok;

	if (!memory)
		return FALSE;
	if (!code->len || code->len % sizeof(struct bpf_insn)) {
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED,
			    "standard input: %u bytes; instructions take 8 bytes each", code->len);
		return FALSE;
	}
	program = load(o, code, memory->len, error);
	if (!program)
		return FALSE;
	ok = run(program, memory->data, memory->len, error);
	bpfe_program_put(program);
	return ok;
}

static gboolean choose_engine(struct options *o, GError **error)
{
	if (!engine_options_parse(&o->engine, "sluice-bpf exec", error))
		return FALSE;
	if (!o->unverified)
		return TRUE;
	if (o->engine.engine && !(o->engine.flags & BPFE_LOAD_CHECKED))
		return usage_error(error, "exec", "--unverified needs the checked engine, not %s",
				   o->engine.engine);
	o->engine.flags = BPFE_LOAD_UNVERIFIED | BPFE_LOAD_CHECKED;
	return TRUE;
}

static gboolean parse(struct options *o, int argc, char **argv, GError **error)
{
	const GOptionEntry entries[] = {
		ENGINE_OPTION(&o->engine),
		HARDEN_OPTION(&o->engine),
		{"unverified", 0, 0, G_OPTION_ARG_NONE, &o->unverified,
		 "Leave the verifier out and check at run time alone", NULL},
		{0},
	};

	if (!parse_options("exec", "[MEMORY]",
			   "Read instructions as hex from standard input, run them, and print r0. "
			   "r1 points to\n"
			   "MEMORY, given as hex, and r2 is its length.\n"
			   "Exit status: 0 done; 1 refused or cut short; 2 wrong usage.",
			   entries, argc, argv, &o->words, error))
		return FALSE;
	if (o->words && g_strv_length(o->words) != 1)
		return usage_error(error, "exec", "expected MEMORY as one argument");
	return choose_engine(o, error);
}

int cmd_exec(int argc, char **argv, GError **error)
{
	struct options options = {0};
	int code = EXIT_REFUSED;

	if (parse(&options, argc, argv, error) && exec(&options, error))
		code = EXIT_FINE;
	g_strfreev(options.words);
	engine_options_clear(&options.engine);
	return code;
}
