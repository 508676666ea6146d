// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Calls the kfuncs of sluice_pvsched.ko once, at a switch of tasks on CPU 2, which is vCPU 3; vCPU
 * 2 is not there. checks_pvsched.py reads the answers.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#include "pvs_kfuncs.h"
#include "sluice/pvsched.h"

struct {
	__s64 features, vcpu_of, cpu_of, cpu_of_nobody, intent, intent_range, enter, exit,
		exit_more, wait, emit, emit_unknown, ticket, page, page_large, page_no_cpu;
} answers;

__u32 done;

static __always_inline void calls(void)
{
	answers.features = sluice_pvs_features();
	answers.vcpu_of = sluice_pvs_vcpu_of(bpf_get_smp_processor_id());
	answers.cpu_of = sluice_pvs_cpu_of(3);
	answers.cpu_of_nobody = sluice_pvs_cpu_of(2);
	answers.intent = sluice_pvs_set_intent(PVS_CLASS_RT, -20, 99, PVS_PENDING_ALL);
	answers.intent_range = sluice_pvs_set_intent(PVS_CLASS_RT, 20, 0, 0);
	answers.enter = sluice_pvs_enter(PVS_CS_LOCK);
	answers.exit = sluice_pvs_exit(PVS_CS_LOCK);
	answers.exit_more = sluice_pvs_exit(PVS_CS_LOCK);
	answers.wait = sluice_pvs_wait(0, PVS_WAIT_IPI);
	answers.emit = sluice_pvs_emit(PVS_RING_MARK, 1);
	answers.emit_unknown = sluice_pvs_emit(PVS_RING_MAX, 1);
	answers.ticket = sluice_pvs_ticket();
}

/* What set_intent stored is seen through the page; the class is its low bits. */
static __always_inline void pages(void)
{
	__u8 *page;

	page = sluice_pvs_hint_page(bpf_get_smp_processor_id(), PVS_PAGE_STRIDE);
	answers.page = page ? *(volatile __u64 *)page & PVS_INTENT_CLASS_MASK : -1;
	answers.page_large = !!sluice_pvs_hint_page(0, PVS_PAGE_STRIDE + 1);
	answers.page_no_cpu = !!sluice_pvs_hint_page(1 << 20, 64);
}

SEC("tp_btf/sched_switch")
int test(void *ctx)
{
	if (bpf_get_smp_processor_id() != 2 || done)
		return 0;
	calls();
	pages();
	done = 1;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
