/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "programs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off: one instruction a line, as an assembler listing */
#define INSN(c, d, s, o, i) \
	((struct bpf_insn){.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)})
#define MOV_IMM(d, i)         INSN(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define MOV_REG(d, s)         INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define ADD_IMM(d, i)         INSN(BPF_ALU64 | BPF_ADD | BPF_K, d, 0, 0, i)
#define LOAD(sz, d, s, o)     INSN(BPF_LDX | BPF_MEM | (sz), d, s, o, 0)
#define STORE(sz, d, s, o)    INSN(BPF_STX | BPF_MEM | (sz), d, s, o, 0)
#define CALL(id)              INSN(BPF_JMP | BPF_CALL, 0, 0, 0, id)
#define JUMP(op, d, i, o)     INSN(BPF_JMP | (op) | BPF_K, d, 0, o, i)
#define JUMP_REG(op, d, s, o) INSN(BPF_JMP | (op) | BPF_X, d, s, o, 0)
#define EXIT()                INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
/* clang-format on */

#define MD(field) ((int16_t)offsetof(struct xdp_md, field))

static struct bpfe_program *load_with(const char *name, const struct bpf_insn *insns, size_t n,
				      struct bpfe_map *map, uint32_t budget)
{
	const struct bpfe_map_binding binding = {.id = 1, .map = map};
	char text[4096] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	/* Which instruction is the first beyond the budget, the interpreter knows exactly. */
	struct bpfe_load_attr attr = {.engine = budget ? BPFE_ENGINE_INTERP : BPFE_ENGINE_DEFAULT,
				      .insns = insns,
				      .n_insns = (uint32_t)n,
				      .name = name,
				      .flags = BPFE_LOAD_COUNTED,
				      .budget = budget,
				      .maps = &binding,
				      .n_maps = map ? 1 : 0};
	struct bpfe_program *prog;
	int ret = bpfe_program_load(&attr, &prog, &log);

	if (!ret)
		return prog;
	fprintf(stderr, "test program %s: %s\n%s\n", name, strerror(-ret), text);
	exit(EXIT_FAILURE);
}

static struct bpfe_program *load(const char *name, const struct bpf_insn *insns, size_t n,
				 uint32_t budget)
{
	return load_with(name, insns, n, NULL, budget);
}

#define N(insns) (sizeof(insns) / sizeof((insns)[0]))

struct bpfe_program *program_verdict(uint32_t verdict)
{
	const struct bpf_insn insns[] = {MOV_IMM(0, (int32_t)verdict), EXIT()};

	return load("verdict", insns, N(insns), 0);
}

struct bpfe_program *program_queue_verdict(uint32_t verdict)
{
	const struct bpf_insn insns[] = {
		LOAD(BPF_W, 0, 1, MD(rx_queue_index)),
		ADD_IMM(0, (int32_t)verdict),
		EXIT(),
	};

	return load("queue_verdict", insns, N(insns), 0);
}

/* Calls helper @id(ctx, @delta); @verdict, or ABORTED when it answers an error. */
static struct bpfe_program *program_adjust(const char *name, int32_t id, int32_t delta,
					   uint32_t verdict)
{
	const struct bpf_insn insns[] = {
		MOV_IMM(2, delta),
		CALL(id),
		JUMP(BPF_JEQ, 0, 0, 2),
		MOV_IMM(0, XDP_ABORTED),
		EXIT(),
		MOV_IMM(0, (int32_t)verdict),
		EXIT(),
	};

	return load(name, insns, N(insns), 0);
}

struct bpfe_program *program_adjust_head(int32_t delta, uint32_t verdict)
{
	return program_adjust("adjust_head", BPF_FUNC_xdp_adjust_head, delta, verdict);
}

struct bpfe_program *program_adjust_tail(int32_t delta, uint32_t verdict)
{
	return program_adjust("adjust_tail", BPF_FUNC_xdp_adjust_tail, delta, verdict);
}

struct bpfe_program *program_metadata_size(int32_t bytes)
{
	return program_adjust("metadata_size", BPF_FUNC_xdp_adjust_meta, -bytes, XDP_PASS);
}

struct bpfe_program *program_metadata(uint32_t value)
{
	const struct bpf_insn insns[] = {
		MOV_REG(6, 1),
		MOV_IMM(2, -4),
		CALL(BPF_FUNC_xdp_adjust_meta),
		JUMP(BPF_JNE, 0, 0, 8),
		LOAD(BPF_W, 2, 6, MD(data_meta)),
		LOAD(BPF_W, 3, 6, MD(data)),
		MOV_REG(4, 2),
		ADD_IMM(4, 4),
		JUMP_REG(BPF_JGT, 4, 3, 3),
		INSN(BPF_ST | BPF_MEM | BPF_W, 2, 0, 0, (int32_t)value),
		MOV_IMM(0, XDP_PASS),
		EXIT(),
		MOV_IMM(0, XDP_ABORTED),
		EXIT(),
	};

	return load("metadata", insns, N(insns), 0);
}

struct bpfe_program *program_touch(int32_t offset)
{
	const struct bpf_insn insns[] = {
		LOAD(BPF_W, 2, 1, MD(data)),
		LOAD(BPF_W, 3, 1, MD(data_end)),
		MOV_REG(4, 2),
		ADD_IMM(4, offset + 1),
		JUMP_REG(BPF_JGT, 4, 3, 5),
		LOAD(BPF_B, 5, 2, (int16_t)offset),
		ADD_IMM(5, 1),
		STORE(BPF_B, 2, 5, (int16_t)offset),
		MOV_IMM(0, XDP_PASS),
		EXIT(),
		MOV_IMM(0, XDP_DROP),
		EXIT(),
	};

	return load("touch", insns, N(insns), 0);
}

struct bpfe_program *program_loop(int32_t rounds, uint32_t budget)
{
	const struct bpf_insn insns[] = {
		MOV_IMM(6, rounds),   ADD_IMM(6, -1), JUMP(BPF_JNE, 6, 0, -2),
		MOV_IMM(0, XDP_PASS), EXIT(),
	};

	return load("loop", insns, N(insns), budget);
}

struct bpfe_program *program_redirect(uint32_t ifindex)
{
	const struct bpf_insn insns[] = {
		MOV_IMM(1, (int32_t)ifindex),
		MOV_IMM(2, 0),
		CALL(BPF_FUNC_redirect),
		EXIT(),
	};

	return load("redirect", insns, N(insns), 0);
}

struct bpfe_program *program_redirect_map(struct bpfe_map *map, uint32_t key, uint32_t flags)
{
	const struct bpf_insn insns[] = {
		INSN(BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_MAP_IDX, 0, 0),
		INSN(0, 0, 0, 0, 0),
		MOV_IMM(2, (int32_t)key),
		MOV_IMM(3, (int32_t)flags),
		CALL(BPF_FUNC_redirect_map),
		EXIT(),
	};

	return load_with("redirect_map", insns, N(insns), map, 0);
}

struct bpfe_program *program_check_mtu(uint32_t ifindex, uint32_t mtu)
{
	const struct bpf_insn insns[] = {
		INSN(BPF_ST | BPF_MEM | BPF_W, 10, 0, -4, 0),
		MOV_IMM(2, (int32_t)ifindex),
		MOV_REG(3, 10),
		ADD_IMM(3, -4),
		MOV_IMM(4, 0),
		MOV_IMM(5, 0),
		CALL(BPF_FUNC_check_mtu),
		JUMP(BPF_JNE, 0, 0, 4),
		LOAD(BPF_W, 1, 10, -4),
		MOV_IMM(0, XDP_PASS),
		JUMP(BPF_JEQ, 1, (int32_t)mtu, 1),
		MOV_IMM(0, XDP_DROP),
		EXIT(),
	};

	return load("check_mtu", insns, N(insns), 0);
}
