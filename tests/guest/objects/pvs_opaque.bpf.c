// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Writes the opaque line of CPU 2, which is vCPU 3, and kicks, once; at each switch of tasks there
 * it reads what the policy answered. checks_pvsched.py looks at that.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#include "pvs_kfuncs.h"
#include "sluice/pvsched.h"

struct {
	__s64 line_64, host_line_64, large, host_large, line_63, asked, kick, looked;
	__u64 host[PVS_OPAQUE_WORDS];
} answers;

static __always_inline void try_others(void)
{
	answers.line_64 = !!sluice_pvs_opaque_line(PVS_OPAQUE_LINES, 64);
	answers.host_line_64 = !!sluice_pvs_host_opaque_line(PVS_OPAQUE_LINES, 64);
	answers.large = !!sluice_pvs_opaque_line(0, 65);
	answers.host_large = !!sluice_pvs_host_opaque_line(0, 65);
	answers.line_63 = !!sluice_pvs_opaque_line(PVS_OPAQUE_LINES - 1, 64);
}

/* Word 0 last: it is not 0 when all are there. Word 1 asks for the verdict PVS_KEEP. */
static __always_inline void write_line(void)
{
	volatile __u64 *line = (volatile __u64 *)sluice_pvs_opaque_line(3, 64);

	if (!line)
		return;
	line[1] = 0;
	line[2] = 2000;
	line[3] = 3000;
	line[4] = 4000;
	line[5] = 5000;
	line[6] = 6000;
	line[7] = 7000;
	line[0] = 1000;
	answers.asked = 1;
	answers.kick = sluice_pvs_kick(bpf_get_smp_processor_id());
}

static __always_inline void read_line(void)
{
	const volatile __u64 *line = (const volatile __u64 *)sluice_pvs_host_opaque_line(3, 64);

	if (!line)
		return;
	for (int i = 0; i < (int)PVS_OPAQUE_WORDS; i++)
		answers.host[i] = line[i];
	answers.looked++;
}

SEC("tp_btf/sched_switch")
int test(void *ctx)
{
	if (bpf_get_smp_processor_id() != 2)
		return 0;
	if (!answers.asked) {
		try_others();
		write_line();
	}
	read_line();
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
