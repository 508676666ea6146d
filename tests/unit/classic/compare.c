// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "compare.h"
#include "oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum compare_outcome compare_begin(struct compare *c, const struct sock_filter *insns, uint32_t n,
				   uint32_t load_flags)
{
	const struct bpfe_classic_attr classic = {.insns = insns, .n_insns = n, .raw = true};
	struct bpfe_load_attr load = {.flags = load_flags};
	struct bpfe_log log = {.buf = c->why, .size = sizeof(c->why)};
	struct bpf_insn *converted;
	int err;

	c->prog = NULL;
	c->insns = insns;
	c->why[0] = '\0';
	if (bpfe_classic_convert(&classic, &converted, &load.n_insns, &log))
		return COMPARE_REFUSED;
	load.insns = converted;
	err = bpfe_program_load(&load, &c->prog, &log);
	free(converted);
	return err ? COMPARE_NOT_ACCEPTED : COMPARE_SAME;
}

void compare_end(struct compare *c)
{
	if (c->prog)
		bpfe_program_put(c->prog);
}

struct bpfe_result compare_run_alone(const struct bpfe_program *prog, const void *frame,
				     uint32_t len, uint32_t ifindex, uint32_t queue)
{
	/* The frame ends where the memory does, so that a sanitizer sees who reads on. */
	uint8_t *memory = malloc(BPFE_HEADROOM + len);
	struct bpfe_xdp_buff xdp = {
		.hard_start = memory,
		.data_meta = memory + BPFE_HEADROOM,
		.data = memory + BPFE_HEADROOM,
		.data_end = memory + BPFE_HEADROOM + len,
		.hard_end = memory + BPFE_HEADROOM + len,
		.ingress_ifindex = ifindex,
		.rx_queue_index = queue,
	};
	struct bpfe_result result;

	if (!memory)
		abort();
	memset(memory, 0, BPFE_HEADROOM);
	memcpy(memory + BPFE_HEADROOM, frame, len);
	bpfe_rcu_read_lock();
	result = bpfe_run(prog, &xdp);
	bpfe_rcu_read_unlock();
	free(memory);
	return result;
}

enum compare_outcome compare_run(struct compare *c, const void *frame, uint32_t len,
				 uint32_t *value)
{
	struct bpfe_result result = compare_run_alone(c->prog, frame, len, 1, 0);
	uint32_t expected = oracle_filter(c->insns, frame, len);

	*value = expected;
	if (result.abort) {
		snprintf(c->why, sizeof(c->why), "abort %d at %u", result.abort, result.abort_insn);
		return COMPARE_ABORTED;
	}
	if (result.retval == expected)
		return COMPARE_SAME;
	snprintf(c->why, sizeof(c->why), "frame of %u bytes: %u, libpcap %u", len, result.retval,
		 expected);
	return COMPARE_DIFFERENT;
}

bool compare_has_ancillary(const struct sock_filter *insns, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (BPF_CLASS(insns[i].code) == BPF_LD && BPF_MODE(insns[i].code) == BPF_ABS &&
		    insns[i].k >= (uint32_t)SKF_LL_OFF)
			return true;
	}
	return false;
}
