/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What one instruction costs in the interpreter: a few programs over one 1514-byte frame, and those
 * of mem_programs.h, which other runtimes can run too; the median of some rounds each, in ns of
 * processor time a run and ns an instruction. Not a test: prints figures to compare with others
 * taken in the same minute on the same machine.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "bpf_engine.h"
#include "mem_programs.h"
#include "../unit/engine/insn.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ROUNDS       9

static _Alignas(8) uint8_t memory[2048];

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static struct bpfe_xdp_buff frame(void)
{
	return (struct bpfe_xdp_buff){
		.hard_start = memory,
		.data_meta = memory + 256,
		.data = memory + 256,
		.data_end = memory + 256 + 1514,
		.hard_end = memory + sizeof(memory),
	};
}

/* A program and what it runs over. */
struct work {
	const char *name;
	struct bpfe_program *prog;
	const struct mem_program *mem; /* NULL: the frame */
};

static struct bpfe_result run_once(const struct work *work, struct bpfe_xdp_buff *xdp)
{
	if (work->mem)
		return bpfe_run_mem(work->prog, memory, work->mem->mem_size);
	return bpfe_run(work->prog, xdp);
}

static void time_work(const struct work *work)
{
	struct bpfe_result result = {0};
	double per_run[ROUNDS];

	bpfe_rcu_read_lock();
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct bpfe_xdp_buff xdp = frame();
		unsigned long runs = 0;
		double start = now_ns(), spent;

		do {
			for (unsigned i = 0; i < 100; i++)
				result = run_once(work, &xdp);
			runs += 100;
			spent = now_ns() - start;
		} while (spent < 3e7);
		per_run[round] = spent / (double)runs;
	}
	bpfe_rcu_read_unlock();
	qsort(per_run, ROUNDS, sizeof(per_run[0]), compare);
	printf("%-24s %8.1f ns a run %8lu insns %6.2f ns an insn (returns %llu)\n", work->name,
	       per_run[ROUNDS / 2], (unsigned long)result.insns,
	       per_run[ROUNDS / 2] / (double)result.insns, (unsigned long long)result.r0);
	if (work->mem && result.r0 != work->mem->result) {
		fprintf(stderr, "%s: should return %llu\n", work->name,
			(unsigned long long)work->mem->result);
		exit(1);
	}
}

static struct bpfe_program *load(const char *name, const struct bpfe_load_attr *attr)
{
	char text[4096] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_program *prog;

	if (bpfe_program_load(attr, &prog, &log)) {
		fprintf(stderr, "%s: %s", name, text);
		exit(1);
	}
	return prog;
}

static void measure(const char *name, const struct bpf_insn *insns, size_t n, struct bpfe_map *map)
{
	struct bpfe_map_binding binding = {1, map};
	const struct bpfe_load_attr attr = {
		.insns = insns, .n_insns = (uint32_t)n, .maps = &binding, .n_maps = map != NULL};
	const struct work work = {name, load(name, &attr), NULL};

	time_work(&work);
	bpfe_program_put(work.prog);
}

static void measure_mem(const struct mem_program *mem)
{
	const struct bpfe_load_attr attr = {.type = BPFE_PROG_MEM,
					    .mem_size = (uint32_t)mem->mem_size,
					    .insns = mem->insns,
					    .n_insns = (uint32_t)mem->n_insns};
	const struct work work = {mem->name, load(mem->name, &attr), mem};

	mem_program_memory(memory);
	time_work(&work);
	bpfe_program_put(work.prog);
}

static void measure_return(void)
{
	const struct bpf_insn insns[] = {MOV_K(0, 2), EXIT()};

	measure("return", insns, COUNT(insns), NULL);
}

static void measure_straight(void)
{
	struct bpf_insn insns[2048];
	size_t n = 0;

	for (unsigned r = 0; r < 6; r++)
		insns[n++] = MOV_K(r, r + 1);
	while (n < COUNT(insns) - 8) {
		insns[n++] = ALU64_X(BPF_ADD, 0, 1);
		insns[n++] = ALU64_K(BPF_XOR, 2, 0x1234567);
		insns[n++] = ALU64_X(BPF_ADD, 3, 2);
		insns[n++] = ALU32_K(BPF_ADD, 4, 77);
		insns[n++] = ALU64_K(BPF_RSH, 5, 3);
		insns[n++] = ALU64_X(BPF_OR, 1, 5);
		insns[n++] = MOV_X(5, 3);
	}
	insns[n++] = EXIT();
	measure("straight ALU", insns, n, NULL);
}

/* Sum of 64 bytes, a loop of five instructions a byte. */
static void measure_byte_sum(void)
{
	const struct bpf_insn insns[] = {
		NEED_PACKET(64, 8),         MOV_K(5, 64),
		LDX(BPF_B, 6, 2, 0),        ALU64_X(BPF_ADD, 0, 6),
		ALU64_K(BPF_ADD, 2, 1),     ALU64_K(BPF_SUB, 5, 1),
		JMP_K(BPF_JNE, 5, 0, -5),   MOV_X(6, 0),
		ALU64_K(BPF_AND, 0, 65535), EXIT(),
	};

	measure("byte sum of 64", insns, COUNT(insns), NULL);
}

static void measure_lookup(const char *name, uint32_t type)
{
	const struct bpf_insn insns[] = {
		ST(BPF_W, 10, -4, 3),
		MOV_X(2, 10),
		ALU64_K(BPF_ADD, 2, -4),
		LD_MAP_IDX(1, 0),
		CALL(BPF_FUNC_map_lookup_elem),
		JMP_K(BPF_JEQ, 0, 0, 2),
		MOV_K(1, 1),
		ATOMIC(BPF_DW, BPF_ADD, 0, 0, 1),
		MOV_K(0, 2),
		EXIT(),
	};
	const struct bpfe_map_attr attr = {
		.type = type, .key_size = 4, .value_size = 8, .max_entries = 1024};
	const uint32_t key = 3;
	const uint64_t value = 0;
	struct bpfe_map *map;

	if (bpfe_map_create(&attr, NULL, &map, NULL) || bpfe_map_update(map, &key, &value, 0))
		exit(1);
	measure(name, insns, COUNT(insns), map);
	bpfe_map_put(map);
}

int main(void)
{
	bpfe_thread_register();
	measure_return();
	measure_straight();
	measure_byte_sum();
	measure_lookup("array lookup, count", BPF_MAP_TYPE_ARRAY);
	measure_lookup("hash lookup, count", BPF_MAP_TYPE_HASH);
	for (size_t i = 0; i < n_mem_programs; i++)
		measure_mem(&mem_programs[i]);
	bpfe_rcu_barrier();
	bpfe_thread_unregister();
	return 0;
}
