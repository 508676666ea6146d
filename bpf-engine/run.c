/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Running a program, in the engine it was loaded for. */
#include "interp/interp.h"
#include "jit/jit.h"

static struct bpfe_result run(const struct bpfe_program *prog, struct bpfe_xdp_buff *xdp,
			      uint64_t r1, uint64_t r2)
{
	return prog->jit ? bpfe_jit_run(prog, xdp, r1, r2) : bpfe_interpret(prog, xdp, r1, r2);
}

struct bpfe_result bpfe_run(const struct bpfe_program *prog, struct bpfe_xdp_buff *xdp)
{
	if (prog->type == BPFE_PROG_MEM)
		return (struct bpfe_result){.abort = BPFE_ABORT_TRAP};
	/* What the verifier knows of packet offsets holds for frames up to here. */
	if (xdp->hard_end - xdp->hard_start > BPFE_MAX_FRAME)
		return (struct bpfe_result){.abort = BPFE_ABORT_MEMORY};
	return run(prog, xdp, (uintptr_t)xdp, 0);
}

struct bpfe_result bpfe_run_mem(const struct bpfe_program *prog, void *mem, size_t size)
{
	static const struct bpfe_xdp_buff
		nothing; /* copied: faster than what clears so few bytes */
	struct bpfe_xdp_buff xdp = nothing;

	if (prog->type != BPFE_PROG_MEM || size != prog->mem_size)
		return (struct bpfe_result){.abort = BPFE_ABORT_TRAP};
	/* To helpers, and to legacy packet access, the memory is the frame. */
	xdp.hard_start = xdp.data_meta = xdp.data = xdp.data_end = xdp.hard_end = mem;
	if (size)
		xdp.data_end = xdp.hard_end = xdp.data + size;
	return run(prog, &xdp, (uintptr_t)mem, size);
}
