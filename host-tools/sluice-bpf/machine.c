// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "machine.h"
#include "error.h"
#include "own_symbols.h"

#include <capstone.h>
#include <inttypes.h>
#include <stdio.h>

struct machine {
	csh reader;
	cs_insn *insn;
	struct own_symbols *symbols;
	const struct bpfe_machine_code *code;
	uint32_t offset;
};

struct machine *machine_open(const struct bpfe_machine_code *code, GError **error)
{
	struct machine *machine = g_new0(struct machine, 1);
	cs_err err = cs_open(CS_ARCH_X86, CS_MODE_64, &machine->reader);

	if (err != CS_ERR_OK) {
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED,
			    "libcapstone cannot read x86-64 code: %s", cs_strerror(err));
		g_free(machine);
		return NULL;
	}
	cs_option(machine->reader, CS_OPT_DETAIL, CS_OPT_ON);
	machine->insn = cs_malloc(machine->reader);
	machine->symbols = own_symbols_open();
	machine->code = code;
	return machine;
}

void machine_close(struct machine *machine)
{
	if (!machine)
		return;
	cs_free(machine->insn, 1);
	cs_close(&machine->reader);
	own_symbols_close(machine->symbols);
	g_free(machine);
}

/* The only operand as a number, if it is one. */
static gboolean immediate(const cs_insn *insn, unsigned operand, uint64_t *value)
{
	const cs_x86 *x86 = &insn->detail->x86;

	if (operand >= x86->op_count || x86->operands[operand].type != X86_OP_IMM)
		return FALSE;
	*value = (uint64_t)x86->operands[operand].imm;
	return TRUE;
}

/* A helper, or another function of the engine. */
static const char *function_at(const struct machine *machine, uint64_t address)
{
	const char *helper = bpfe_helper_at((const void *)(uintptr_t)address);

	return helper ? helper : own_symbols_find(machine->symbols, address);
}

static gboolean is_branch(const struct machine *machine)
{
	return cs_insn_group(machine->reader, machine->insn, CS_GRP_JUMP) ||
	       cs_insn_group(machine->reader, machine->insn, CS_GRP_CALL);
}

/* Where a jump or call leads: into the code, to a helper, or elsewhere in the process. */
static void print_target(const struct machine *machine, uint64_t target, char *buf, size_t size)
{
	uint64_t start = (uintptr_t)machine->code->code;
	const char *name = function_at(machine, target);

	if (target - start < machine->code->size)
		snprintf(buf, size, "0x%" PRIx64, target - start);
	else if (name)
		g_strlcpy(buf, name, size);
	else
		snprintf(buf, size, "0x%" PRIx64 " (outside)", target);
}

static void print_insn(const struct machine *machine, struct machine_insn *insn)
{
	uint64_t value;

	g_strlcpy(insn->operation, machine->insn->mnemonic, sizeof(insn->operation));
	g_strlcpy(insn->operands, machine->insn->op_str, sizeof(insn->operands));
	if (is_branch(machine)) {
		if (immediate(machine->insn, 0, &value))
			print_target(machine, value, insn->operands, sizeof(insn->operands));
	} else if (immediate(machine->insn, 1, &value) && value > UINT16_MAX) {
		insn->comment = function_at(machine, value);
	}
}

gboolean machine_next(struct machine *machine, struct machine_insn *insn)
{
	const uint8_t *at = machine->code->code + machine->offset;
	size_t left = machine->code->size - machine->offset;
	uint64_t address = (uintptr_t)at;

	if (!left)
		return FALSE;
	*insn = (struct machine_insn){.offset = machine->offset, .size = 1};
	if (cs_disasm_iter(machine->reader, &at, &left, &address, machine->insn)) {
		insn->size = machine->insn->size;
		print_insn(machine, insn);
	} else {
		g_strlcpy(insn->operation, ".byte", sizeof(insn->operation));
		snprintf(insn->operands, sizeof(insn->operands), "0x%02x",
			 machine->code->code[machine->offset]);
	}
	machine->offset += insn->size;
	return TRUE;
}
