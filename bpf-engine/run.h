/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What a run is made of whatever engine executes it. */
#ifndef BPFE_RUN_H
#define BPFE_RUN_H

#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include "internal.h"
#include "maps/ringbuf.h"

#define BPFE_MAX_TAIL_CALLS 33u

/*
 * Legacy packet access: @size bytes at @offset, which counts from the start of the frame, or, if it
 * is negative, as Linux has it, from that of a header; NULL: not there.
 */
static inline const uint8_t *bpfe_packet_bytes(const struct bpfe_xdp_buff *xdp, int32_t offset,
					       size_t size)
{
	int64_t at = offset;

	if (offset < 0 && offset >= SKF_NET_OFF)
		at = (int64_t)offset - SKF_NET_OFF + ETH_HLEN;
	else if (offset < 0)
		at = (int64_t)offset - SKF_LL_OFF;
	if (at < 0 || at + (int64_t)size > xdp->data_end - xdp->data)
		return NULL;
	return xdp->data + at;
}

/* Field by field, because most of it (records held) need not be cleared. */
static inline void bpfe_env_begin(struct bpfe_run_env *env, const struct bpfe_program *prog,
				  struct bpfe_xdp_buff *xdp)
{
	env->xdp = xdp;
	env->prog = prog;
	env->cpu = xdp->rx_queue_index;
	env->abort = BPFE_ABORT_NONE;
	env->cost = 0;
	env->redirect = (struct bpfe_redirect){.kind = BPFE_REDIRECT_NONE};
	env->lock = NULL;
	env->visited = NULL;
	env->n_held = 0;
}

/* A run that was cut short lets go of what it holds. */
static inline void bpfe_env_let_go(struct bpfe_run_env *env)
{
	if (env->lock)
		bpfe_spin_unlock(env->lock);
	if (env->n_held)
		bpfe_run_drop_held(env);
}

/* Does the verdict @retval of a program of @type make use of env.redirect? */
static inline bool bpfe_redirects(uint32_t type, uint32_t retval)
{
	return type == BPF_PROG_TYPE_SCHED_CLS ? retval == TC_ACT_REDIRECT : retval == XDP_REDIRECT;
}

/* Run a program in the interpreter: bpfe_run() and bpfe_run_mem() without code. */
struct bpfe_result bpfe_interpret(const struct bpfe_program *prog, struct bpfe_xdp_buff *xdp,
				  uint64_t r1, uint64_t r2);

#endif
