/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Between a VM and its part in the host's kernel: what the kernel's program tells goes to the VM,
 * and what the VM knows goes to the program's contexts whenever it changes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "policy_internal.h"
#include "pvs_kernel.h"
#include "pvs_scx.h"
#include "vm.h"

struct pvs_live {
	struct pvs_loop *loop;
	struct pvs_vm *vm;
	struct pvs_kernel_host *host;
	bool scheduled;                     /* the VM's actuator is pvs_actuator_scx()'s */
	struct pvs_kernel_program *program; /* in use; NULL: none */
};

/* ---- To the kernel --------------------------------------------------------------------------- */

static void tell(void *opaque, uint32_t vcpu)
{
	const struct pvs_live *live = opaque;
	const struct pvs_vm *vm = live->vm;
	const struct pvs_vcpu *v = &vm->vcpus[vcpu];
	struct pvs_kernel_told told = {
		.clock_offset = vm->clock_offset,
		.nice_min = vm->limits.nice_min,
		.base_nice = v->thread.base_nice,
		.cs_throttled = v->cs.throttled,
		.boost_throttled = v->boost.throttled,
		.active = v->present && v->active && !vm->failed,
	};

	pvs_fill_ctx(vm, v, PVS_EVENT_INIT, vm->now, &told.ctx);
	told.ctx.ticket = v->ticket;
	told.ctx.run_ns = v->run_init;
	told.ctx.wait_ns = v->wait_init;
	pvs_kernel_host_tell(live->host, vcpu, &told);
}

static void tell_all(const struct pvs_live *live)
{
	for (uint32_t i = 0; i < live->vm->n_vcpus; i++)
		tell((void *)(uintptr_t)live, i);
}

/* ---- From the kernel ------------------------------------------------------------------------- */

static void on_event(void *opaque, const struct pvs_kernel_event *event)
{
	const struct pvs_live *live = opaque;

	if (!event->asked) {
		pvs_vm_switch(live->vm, &event->at);
		return;
	}
	if (live->scheduled && event->granted)
		pvs_actuator_scx_judge_begin(&live->vm->actuator, event->granted_tid);
	pvs_vm_decided(live->vm, &event->at, event->ctx, event->verdict);
	if (live->scheduled && event->granted)
		pvs_actuator_scx_judge_end(&live->vm->actuator, event->granted);
	if (event->answered_ns)
		pvs_kernel_host_applied(live->host, event->answered_ns, pvs_clock_ns());
}

static void catch_up(void *opaque)
{
	struct pvs_live *live = opaque;

	pvs_kernel_host_take(live->host, on_event, live);
}

static void take(void *opaque, int fd)
{
	catch_up(opaque);
}

/* ---- Policies -------------------------------------------------------------------------------- */

struct change {
	struct pvs_live *live;
	struct pvs_policy *policy;
	struct pvs_kernel_program *program;
	bool handover;
};

/*
 * In the loop. From the first store on the loop asks whom the VM has; what the old policy had
 * answered until then is done before it goes.
 */
static void change_policy(void *opaque)
{
	const struct change *change = opaque;
	struct pvs_live *live = change->live;

	pvs_kernel_host_use(live->host, NULL);
	catch_up(live);
	pvs_vm_set_policy(live->vm, change->policy, change->handover, pvs_clock_ns());
	tell_all(live);
	pvs_kernel_host_use(live->host, change->program);
}

int pvs_live_set_policy(struct pvs_live *live, struct pvs_policy *policy, bool handover,
			struct pvs_log *log)
{
	struct change change = {.live = live, .policy = policy, .handover = handover};
	int err = 0;

	if (policy && policy->ops == &pvs_policy_kernel_ops)
		err = pvs_kernel_program_load(live->host, policy, &change.program, log);
	if (err)
		return err;
	err = pvs_loop_call_within(live->loop, change_policy, &change,
				   live->vm->limits.watchdog_ns);
	if (err) {
		pvs_kernel_program_free(change.program);
		return pvs_refuse(log, err,
				  "the scheduling thread does not answer; the policy there stays");
	}
	pvs_kernel_program_free(live->program);
	live->program = change.program;
	return 0;
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void begin(void *opaque)
{
	struct pvs_live *live = opaque;

	live->vm->tell_opaque = live;
	live->vm->tell = tell;
	live->vm->catch_up = catch_up;
	tell_all(live);
}

int pvs_live_create(struct pvs_loop *loop, struct pvs_vm *vm, struct pvs_kernel_host *host,
		    bool scheduled, struct pvs_live **out, struct pvs_log *log)
{
	struct pvs_live *live = calloc(1, sizeof(*live));
	int err;

	*out = NULL;
	if (!live)
		return -ENOMEM;
	*live = (struct pvs_live){.loop = loop, .vm = vm, .host = host, .scheduled = scheduled};
	pvs_loop_call(loop, begin, live);
	err = pvs_loop_watch(loop, pvs_kernel_host_fd(host), take, live);
	if (err) {
		pvs_live_destroy(live);
		return pvs_refuse(log, err, "what the kernel tells cannot be watched: %s",
				  strerrorname_np(-err));
	}
	*out = live;
	return 0;
}

static void end(void *opaque)
{
	struct pvs_live *live = opaque;

	pvs_kernel_host_use(live->host, NULL);
	catch_up(live);
	live->vm->tell = NULL;
	live->vm->catch_up = NULL;
}

void pvs_live_destroy(struct pvs_live *live)
{
	if (!live)
		return;
	pvs_loop_watch(live->loop, pvs_kernel_host_fd(live->host), NULL, NULL);
	pvs_loop_call(live->loop, end, live);
	pvs_kernel_program_free(live->program);
	free(live);
}
