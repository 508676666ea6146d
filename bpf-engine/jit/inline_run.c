// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Helpers that answer from the run, or note something in it. */
#include "jit/inline.h"

static bool has_frame(const struct jit_builder *b)
{
	return (uint32_t)b->image->type != BPFE_PROG_MEM;
}

bool jit_inline_ktime(struct jit_builder *b, struct bpfe_map *map)
{
	if (!has_frame(b)) {
		jit_emit_const(b, LIR_RAX, 0);
		return true;
	}
	jit_run_load(b, 8, LIR_RAX, JIT_RUN(env.xdp));
	jit_ctx_field(b, 8, LIR_RAX, LIR_RAX, offsetof(struct bpfe_xdp_buff, now_ns));
	return true;
}

bool jit_inline_cpu(struct jit_builder *b, struct bpfe_map *map)
{
	jit_run_load(b, 4, LIR_RAX, JIT_RUN(env.cpu));
	return true;
}

bool jit_inline_node(struct jit_builder *b, struct bpfe_map *map)
{
	jit_emit_const(b, LIR_RAX, 0);
	return true;
}

/* bpf_redirect() of XDP programs without flags. */
bool jit_inline_redirect(struct jit_builder *b, struct bpfe_map *map)
{
	struct jit_known flags = jit_known(b, LIR_RDX);

	if (b->image->type != BPF_PROG_TYPE_XDP || flags.kind != JIT_KNOWN_CONST || flags.value)
		return false;
	jit_run_store_i(b, 1, JIT_RUN(env.redirect.kind), BPFE_REDIRECT_PORT);
	jit_run_store(b, 4, JIT_RUN(env.redirect.index), LIR_RSI);
	jit_run_store_i(b, 8, JIT_RUN(env.redirect.flags), 0);
	jit_run_store_i(b, 8, JIT_RUN(env.redirect.map), 0);
	jit_emit_const(b, LIR_RAX, XDP_REDIRECT);
	return true;
}
