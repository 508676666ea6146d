/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What the engine's tests share: a counting allocator, loading, and a frame to run over. */
#ifndef TEST_HARNESS_H
#define TEST_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>
#include "bpf_engine.h"
#include "insn.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- Allocator that knows what is out, and fails when told ---- */

struct counting {
	atomic_long blocks;
	atomic_long bytes;
	atomic_long calls;
	long fail_at; /* number of the call to fail, from 0; negative: none */
	struct bpfe_allocator alloc;
};

void counting_init(struct counting *c);

/* Wait for deferred frees, then demand that everything came back. */
void counting_check(struct counting *c);

/* ---- Programs ---- */

struct load {
	struct bpfe_load_attr attr;
	struct bpfe_log log;
	char text[4096];
};

/*
 * The engine tests run programs in: the interpreter, or what SLUICE_TEST_ENGINE names. Compiled
 * code counts instructions then, as the interpreter does, but ends a run whose budget is used up
 * only at the next place where it looks.
 */
enum bpfe_engine test_engine(void);

/* Demand that the run was cut short at @slot; compiled code does not know where it was. */
void assert_abort_at(const struct bpfe_result *result, uint32_t slot);

/* @l becomes an attempt to load @n slots at @insns, for the caller to refine. */
void load_init(struct load *l, const struct bpf_insn *insns, size_t n);

/* Load; on failure the test fails and shows the log. */
struct bpfe_program *load_ok(struct load *l);

/* Load @n slots with a map or none, checked or not. */
struct bpfe_program *load_program(const struct bpf_insn *insns, size_t n, struct bpfe_map *map,
				  uint32_t flags);
#define LOAD(insns, map, flags) load_program(insns, COUNT(insns), map, flags)

/* Loading must fail with @err, @reason, at slot @insn and the whole log @text. */
void load_refused(struct load *l, int err, enum bpfe_reason reason, uint32_t insn,
		  const char *text);

/* ---- A frame: 256 bytes headroom, 256 frame, 256 tailroom ---- */

struct frame {
	_Alignas(8) uint8_t memory[768];
	struct bpfe_xdp_buff xdp;
};

/* Headroom and tailroom are filled with 0xee, the frame with zeros. */
void frame_init(struct frame *f);

/* Run inside a read section. */
struct bpfe_result run(const struct bpfe_program *prog, struct frame *f);

/* Run over a new frame, must exit normally: r0. */
uint32_t run_value(const struct bpfe_program *prog);

/* ---- Maps ---- */

struct bpfe_map *map_new(uint32_t type, uint32_t key, uint32_t value, uint32_t entries,
			 const struct bpfe_allocator *alloc);

/* Group set-up and tear-down: registers the thread. */
int group_setup(void **state);
int group_teardown(void **state);

#endif
