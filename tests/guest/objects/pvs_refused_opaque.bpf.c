// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Writes a line of the host's opaque page, which the verifier must not let it. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#include "pvs_kfuncs.h"

extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;

SEC("syscall")
int test(void *ctx)
{
	__u8 *page;

	bpf_rcu_read_lock();
	page = sluice_pvs_host_opaque_line(0, 64);
	if (page)
		*page = 1;
	bpf_rcu_read_unlock();
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
