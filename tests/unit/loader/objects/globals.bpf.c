// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Global data, which is refused. The variable and its section come from the command line. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#if defined(IN_BSS)
int variable;
#elif defined(IN_DATA)
int variable = 1;
#elif defined(IN_RODATA)
const volatile int variable = 1;
#elif defined(EXTERN)
extern int variable __attribute__((section(".ksyms")));
#else
int unused = 1; /* data that no instruction refers to is no reason to refuse */
#define variable XDP_PASS
#endif

SEC("xdp")
int uses_variable(struct xdp_md *ctx)
{
	return variable;
}
