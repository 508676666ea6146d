/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Helpers that answer from the run itself: randomness, processor, node. */
#include <sys/random.h>
#include "helpers/helpers.h"

/* splitmix64 (Steele, Lea, Flood); the guest learns nothing of the host from its sequence. */
static BPFE_HELPER(get_prandom_u32)
{
	static _Thread_local uint64_t state;
	static _Thread_local bool seeded;
	uint64_t z;

	if (!seeded) {
		if (getrandom(&state, sizeof(state), GRND_NONBLOCK) != (ssize_t)sizeof(state))
			state = env->xdp ? env->xdp->now_ns : 0;
		seeded = true;
	}
	z = state += 0x9e3779b97f4a7c15ull;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return (uint32_t)((z ^ z >> 31) >> 32);
}

/* The NIC runs one program at a time on each receive queue: the queue is the processor. */
static BPFE_HELPER(get_smp_processor_id)
{
	return env->cpu;
}

/* All memory of the NIC is one node. */
static BPFE_HELPER(get_numa_node_id)
{
	return 0;
}

const struct bpfe_helper bpfe_basic_helpers[] = {
	{.id = BPF_FUNC_get_numa_node_id,
	 .name = "bpf_get_numa_node_id",
	 .fn = get_numa_node_id,
	 .plain = true,
	 .ret = BPFE_RET_INTEGER},
	{.id = BPF_FUNC_get_prandom_u32,
	 .name = "bpf_get_prandom_u32",
	 .fn = get_prandom_u32,
	 .plain = true,
	 .ret = BPFE_RET_INTEGER},
	{.id = BPF_FUNC_get_smp_processor_id,
	 .name = "bpf_get_smp_processor_id",
	 .fn = get_smp_processor_id,
	 .plain = true,
	 .ret = BPFE_RET_INTEGER},
	{0},
};
