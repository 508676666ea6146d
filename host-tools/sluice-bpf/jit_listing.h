/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A program and the machine code made of it, side by side. */
#ifndef SLUICE_BPF_JIT_LISTING_H
#define SLUICE_BPF_JIT_LISTING_H

#include <bpf_engine.h>
#include <glib.h>
#include <json-c/json.h>

struct jit_listing {
	const struct bpf_insn *insns; /* the program's, @n slots */
	uint32_t n;
	struct bpfe_machine_code code;
	bpfe_source_line_fn line; /* source line of an instruction */
	void *opaque;
};

/* In the order of the machine code; FALSE with @error. */
gboolean jit_listing_print(const struct jit_listing *listing, GError **error);

/*
 * The instructions as bpftool's `prog dump jited` names their parts (src, pc, operation, operands,
 * opcodes), and slot and bpf, the instruction they are made of. NULL with @error.
 */
struct json_object *jit_listing_json(const struct jit_listing *listing, GError **error);

#endif
