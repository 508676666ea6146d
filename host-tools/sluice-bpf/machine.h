/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Machine code of the host's processor, one instruction after the other, as text. */
#ifndef SLUICE_BPF_MACHINE_H
#define SLUICE_BPF_MACHINE_H

#include <bpf_engine.h>
#include <glib.h>

struct machine_insn {
	uint32_t offset; /* of its first byte in the code */
	unsigned size;   /* bytes */
	char operation[32];
	char operands[192];  /* targets of jumps as offsets ("0x40"), of calls as names if known */
	const char *comment; /* name of the function whose address is an operand, or NULL */
};

struct machine;

/* A reader for @code, which stays the caller's; NULL with @error. */
struct machine *machine_open(const struct bpfe_machine_code *code, GError **error);
void machine_close(struct machine *machine);

/* The next instruction; FALSE at the end. Bytes that are none read as ".byte". */
gboolean machine_next(struct machine *machine, struct machine_insn *insn);

#endif
