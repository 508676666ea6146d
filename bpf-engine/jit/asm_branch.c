/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Control: jumps, calls, and what stands for itself.
 */
#include <string.h>
#include "jit/asm_fixup.h"

/* Append @fixup, with room for its longest form; longer than an instruction only of alignment. */
static void branch_fixup(struct jit_asm *as, struct jit_fixup fixup)
{
	struct jit_fixup *fixups;
	unsigned left;

	if (as->failed)
		return;
	fixups = asm_array(as, as->fixups, as->n_fixups + 1, &as->room_fixups, sizeof(*fixups));
	if (as->failed)
		return;
	as->fixups = fixups;
	fixup.offset = (uint32_t)as->len;
	fixups[as->n_fixups++] = fixup;
	for (left = fixup.longest; left && asm_room(as); left--)
		asm_byte(as, 0xcc);
}

void jit_jmp(struct jit_asm *as, uint32_t label)
{
	branch_fixup(as, (struct jit_fixup){.kind = ASM_JMP, .longest = 5, .label = label});
}

void jit_jcc(struct jit_asm *as, uint8_t cond, uint32_t label)
{
	branch_fixup(as, (struct jit_fixup){
				 .kind = ASM_JCC, .reg = cond & 15, .longest = 6, .label = label});
}

void jit_call(struct jit_asm *as, uint32_t label)
{
	branch_fixup(as, (struct jit_fixup){.kind = ASM_CALL, .longest = 5, .label = label});
}

void jit_lea_label(struct jit_asm *as, uint8_t dst, uint32_t label)
{
	if (asm_is_reg(as, dst))
		branch_fixup(as,
			     (struct jit_fixup){
				     .kind = ASM_LEA, .reg = dst, .longest = 7, .label = label});
}

static void branch_abs(struct jit_asm *as, enum asm_fixup_kind kind, const void *function)
{
	uint64_t target = (uintptr_t)function;

	branch_fixup(as, (struct jit_fixup){.kind = (uint8_t)kind,
					    .longest = (uint8_t)asm_far_bytes(target),
					    .target = target});
}

void jit_call_abs(struct jit_asm *as, const void *function)
{
	branch_abs(as, ASM_CALL_ABS, function);
}

void jit_jmp_abs(struct jit_asm *as, const void *function)
{
	branch_abs(as, ASM_JMP_ABS, function);
}

void jit_align(struct jit_asm *as, unsigned bytes)
{
	if (bytes < 2)
		return;
	if (bytes & (bytes - 1) || bytes > 64) {
		as->failed = true;
		return;
	}
	branch_fixup(as, (struct jit_fixup){.kind = ASM_ALIGN,
					    .reg = (uint8_t)__builtin_ctz(bytes),
					    .longest = (uint8_t)(bytes - 1)});
}

void jit_jmp_r(struct jit_asm *as, uint8_t reg)
{
	asm_rr(as, (struct asm_form){.opcode = 0xff}, 4, reg);
}

void jit_jmp_m(struct jit_asm *as, struct jit_mem mem)
{
	asm_rm(as, (struct asm_form){.opcode = 0xff}, 4, mem);
}

void jit_call_r(struct jit_asm *as, uint8_t reg)
{
	asm_rr(as, (struct asm_form){.opcode = 0xff}, 2, reg);
}

void jit_ret(struct jit_asm *as)
{
	if (asm_room(as))
		asm_byte(as, 0xc3);
}

void jit_int3(struct jit_asm *as)
{
	if (asm_room(as))
		asm_byte(as, 0xcc);
}

void jit_lfence(struct jit_asm *as)
{
	if (!asm_room(as))
		return;
	asm_byte(as, 0x0f);
	asm_byte(as, 0xae);
	asm_byte(as, 0xe8);
}

unsigned asm_far_bytes(uint64_t target)
{
	if (target <= UINT32_MAX)
		return 6 + 3;
	return (int64_t)target == (int32_t)target ? 7 + 3 : 10 + 3;
}

static uint8_t *write_imm(uint8_t *out, uint64_t imm, unsigned bytes)
{
	memcpy(out, &imm, bytes);
	return out + bytes;
}

/* mov r11, target */
static uint8_t *write_r11(uint8_t *out, uint64_t target)
{
	if (target <= UINT32_MAX) {
		*out++ = 0x41;
		*out++ = 0xbb;
		return write_imm(out, target, 4);
	}
	if ((int64_t)target == (int32_t)target) {
		*out++ = 0x49;
		*out++ = 0xc7;
		*out++ = 0xc3;
		return write_imm(out, target, 4);
	}
	*out++ = 0x49;
	*out++ = 0xbb;
	return write_imm(out, target, 8);
}

static void write_far(const struct jit_fixup *fixup, uint8_t *out)
{
	out = write_r11(out, fixup->target);
	*out++ = 0x41;
	*out++ = 0xff;
	*out++ = fixup->kind == ASM_CALL_ABS ? 0xd3 : 0xe3;
}

/* The last bytes of an instruction at @address that name the address @target relative to its end.
 */
static void write_rel(const struct jit_fixup *fixup, uint8_t *out, unsigned opcode_bytes,
		      uint64_t address, uint64_t target)
{
	write_imm(out + opcode_bytes, target - (address + fixup->size), fixup->size - opcode_bytes);
}

static void write_abs(const struct jit_fixup *fixup, uint64_t address, uint8_t *out)
{
	if (fixup->size != 5) {
		write_far(fixup, out);
		return;
	}
	out[0] = fixup->kind == ASM_CALL_ABS ? 0xe8 : 0xe9;
	write_rel(fixup, out, 1, address, fixup->target);
}

static void write_jmp(const struct jit_fixup *fixup, uint64_t address, uint64_t target,
		      uint8_t *out)
{
	if (!fixup->size)
		return;
	out[0] = fixup->size == 2 ? 0xeb : 0xe9;
	write_rel(fixup, out, 1, address, target);
}

static void write_jcc(const struct jit_fixup *fixup, uint64_t address, uint64_t target,
		      uint8_t *out)
{
	if (!fixup->size)
		return;
	if (fixup->size == 2) {
		out[0] = 0x70 | fixup->reg;
		write_rel(fixup, out, 1, address, target);
	} else {
		out[0] = 0x0f;
		out[1] = 0x80 | fixup->reg;
		write_rel(fixup, out, 2, address, target);
	}
}

static void write_call(const struct jit_fixup *fixup, uint64_t address, uint64_t target,
		       uint8_t *out)
{
	out[0] = 0xe8;
	write_rel(fixup, out, 1, address, target);
}

static void write_lea(const struct jit_fixup *fixup, uint64_t address, uint64_t target,
		      uint8_t *out)
{
	out[0] = 0x48 | (fixup->reg >> 3) << 2;
	out[1] = 0x8d;
	out[2] = (uint8_t)((fixup->reg & 7) << 3 | 5);
	write_rel(fixup, out, 3, address, target);
}

/* The nops of 1 to 9 bytes that the SDM recommends (volume 2, NOP). */
static void write_nops(uint8_t *out, unsigned bytes)
{
	static const uint8_t nops[10][9] = {
		{0},
		{0x90},
		{0x66, 0x90},
		{0x0f, 0x1f, 0x00},
		{0x0f, 0x1f, 0x40, 0x00},
		{0x0f, 0x1f, 0x44, 0x00, 0x00},
		{0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00},
		{0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00},
		{0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
		{0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
	};
	unsigned now;

	for (; bytes; bytes -= now, out += now) {
		now = bytes < 9 ? bytes : 9;
		memcpy(out, nops[now], now);
	}
}

void asm_fixup_write(const struct jit_fixup *fixup, uint64_t address, uint64_t label_address,
		     uint8_t *out)
{
	switch ((enum asm_fixup_kind)fixup->kind) {
	case ASM_JMP:
		write_jmp(fixup, address, label_address, out);
		break;
	case ASM_JCC:
		write_jcc(fixup, address, label_address, out);
		break;
	case ASM_CALL:
		write_call(fixup, address, label_address, out);
		break;
	case ASM_LEA:
		write_lea(fixup, address, label_address, out);
		break;
	case ASM_CALL_ABS:
	case ASM_JMP_ABS:
		write_abs(fixup, address, out);
		break;
	case ASM_ALIGN:
		write_nops(out, fixup->size);
		break;
	}
}
