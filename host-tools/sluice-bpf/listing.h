/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Instructions as bpftool prints translated programs. */
#ifndef SLUICE_BPF_LISTING_H
#define SLUICE_BPF_LISTING_H

#include <bpf_elf.h>
#include <glib.h>

struct listing_source {
	const struct bpfe_object *object;
	uint32_t program;
};

struct listing_options {
	gboolean source;          /* wanted, as given on the command line */
	gboolean opcodes;         /* print bytes too */
	bpfe_source_line_fn line; /* source line of an instruction, or NULL */
	void *opaque;
};

/* For each of @n slots: does a function begin there that others call, or whose address is taken?
 * The caller frees it. */
gboolean *listing_functions(const struct bpf_insn *insns, uint32_t n);

/* Print @n slots. What is no instruction is shown as its bytes. */
void listing_print(const struct bpf_insn *insns, uint32_t n, const struct listing_options *options);

#endif
