/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The library's VM and loop for this device. The VM is the loop thread's: whatever is asked of it
 * is run there and waited for, which is for the control plane alone; events go through the mailbox.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/rcu.h"
#include "qemu/timer.h"
#include "system/iothread.h"
#include "pvsched.h"
#include "trace.h"

/* Between two looks whether it is worth waiting on. */
#define PVSCHED_PATIENCE_NS (50 * (uint64_t)SCALE_MS)

uint64_t pvsched_watchdog_ns(SluicePvsched *s)
{
	return (s->options.watchdog_ms ?: 1000) * (uint64_t)SCALE_MS;
}

/* Who is stuck is the watchdog's to say. */
bool pvsched_core_call(SluicePvsched *s, void (*fn)(void *opaque), void *opaque)
{
	uint64_t patience = pvsched_watchdog_stuck(s) ? 0 : PVSCHED_PATIENCE_NS;

	while (pvs_loop_call_within(s->loop, fn, opaque, patience))
		if (pvsched_watchdog_stuck(s))
			return false;
	return true;
}

typedef struct PvschedLater {
	void (*fn)(void *opaque);
	uint64_t arg[];
} PvschedLater;

static void pvsched_do_later(void *opaque)
{
	g_autofree PvschedLater *later = opaque;

	later->fn(later->arg);
}

/* What has to be done, in its turn: now, or when the loop answers again. False: not yet. */
static bool pvsched_core_do(SluicePvsched *s, void (*fn)(void *opaque), void *arg, size_t size)
{
	PvschedLater *later;

	if (pvsched_core_call(s, fn, arg))
		return true;
	later = g_malloc0(sizeof(*later) + size);
	later->fn = fn;
	memcpy(later->arg, arg, size);
	if (pvs_loop_post(s->loop, pvsched_do_later, later))
		g_error("%s: out of memory", pvsched_name(s));
	return false;
}

void pvsched_note(SluicePvsched *s, const char *text)
{
	char *old = s->notes;

	/* A manager says the same again with each connection. */
	if (!*text || (old && strstr(old, text)))
		return;
	trace_pvsched_note(pvsched_name(s), text);
	s->notes = g_strconcat(old ?: "", text, g_str_has_suffix(text, "\n") ? "" : "\n", NULL);
	g_free(old);
}

/* ---- What the VM asks, in the loop's thread ------------------------------------------------ */

static void pvsched_host_dirty(void *opaque, size_t offset, size_t size)
{
	SluicePvsched *s = opaque;

	memory_region_set_dirty(s->looked_at.host_mr, s->looked_at.host_offset + offset, size);
}

static void pvsched_notify(void *opaque, uint32_t vector)
{
	pvsched_vector_due(opaque, vector);
}

static void pvsched_wakes(void *opaque, enum pvs_wakes wakes)
{
	SluicePvsched *s = opaque;

	if (s->switches)
		pvs_switches_set_wakes(s->switches, wakes);
}

static void pvsched_switch(void *opaque, const struct pvs_switch *event)
{
	SluicePvsched *s = opaque;

	pvs_vm_switch(s->vm, event);
}

void pvsched_core_catch_up(void *opaque)
{
	SluicePvsched *s = opaque;

	if (s->switches)
		pvs_switches_take(s->switches, pvsched_switch, s);
}

static const struct pvs_vm_ops pvsched_vm_ops = {
	.host_dirty = pvsched_host_dirty,
	.notify = pvsched_notify,
	.wakes = pvsched_wakes,
	.catch_up = pvsched_core_catch_up,
};

/* ---- What may be used --------------------------------------------------------------------- */

typedef struct PvschedCeiling {
	SluicePvsched *s;
	uint32_t ceiling;
} PvschedCeiling;

static void pvsched_set_ceiling(void *opaque)
{
	PvschedCeiling *c = opaque;

	pvs_vm_set_ceiling(c->s->vm, c->ceiling, pvsched_clock_ns(c->s));
}

bool pvsched_core_set_ceiling(SluicePvsched *s, uint32_t ceiling, Error **errp)
{
	PvschedCeiling c = {.s = s, .ceiling = ceiling};

	if (!pvsched_core_call(s, pvsched_set_ceiling, &c)) {
		error_setg(errp, "ceiling: the scheduling thread does not answer");
		return false;
	}
	pvs_regs_set_means(s->regs, pvs_vm_sources(s->vm), pvs_vm_actuators(s->vm));
	return true;
}

/* ---- Threads come and go ------------------------------------------------------------------- */

typedef struct PvschedThread {
	SluicePvsched *s;
	uint32_t vcpu;
	pid_t tid;
	bool service;
	struct pvs_log *log;
	int err;
} PvschedThread;

static void pvsched_thread_add(void *opaque)
{
	PvschedThread *t = opaque;
	SluicePvsched *s = t->s;

	if (t->service) {
		t->err = pvs_vm_service_add(s->vm, t->tid, t->log);
		return;
	}
	t->err = pvs_vm_vcpu_add(s->vm, t->vcpu, t->tid, t->log);
	if (!t->err && s->switches)
		t->err = pvs_switches_add(s->switches, t->tid, 0, t->vcpu);
	if (!t->err && s->kernel)
		t->err = pvs_kernel_host_add(s->kernel, t->vcpu, t->tid);
}

static void pvsched_thread_do(PvschedThread *t)
{
	g_autofree char *text = g_malloc0(PVSCHED_LOG_SIZE);
	struct pvs_log log = {.buf = text, .size = PVSCHED_LOG_SIZE};

	t->log = &log;
	if (!pvsched_core_call(t->s, pvsched_thread_add, t)) {
		t->log = NULL;
		pvsched_core_do(t->s, pvsched_thread_add, t, sizeof(*t));
	}
	if (t->err && !*text)
		pvs_log(&log, "thread %d: %s", (int)t->tid, strerror(-t->err));
	pvsched_note(t->s, text);
}

void pvsched_core_vcpu_add(SluicePvsched *s, uint32_t vcpu, pid_t tid)
{
	PvschedThread t = {.s = s, .vcpu = vcpu, .tid = tid};

	if (s->manager) {
		pvsched_manager_vcpu(s, vcpu, tid);
		return;
	}
	pvsched_thread_do(&t);
}

static void pvsched_thread_remove(void *opaque)
{
	PvschedThread *t = opaque;
	struct pvs_vcpu_stats stats;

	if (t->s->switches && !pvs_vm_vcpu_stats(t->s->vm, t->vcpu, &stats))
		pvs_switches_remove(t->s->switches, stats.tid);
	if (t->s->kernel)
		pvs_kernel_host_remove(t->s->kernel, t->vcpu);
	pvs_vm_vcpu_remove(t->s->vm, t->vcpu);
}

void pvsched_core_vcpu_remove(SluicePvsched *s, uint32_t vcpu)
{
	PvschedThread t = {.s = s, .vcpu = vcpu};

	if (s->manager) {
		pvsched_manager_vcpu(s, vcpu, 0);
		return;
	}
	pvsched_core_do(s, pvsched_thread_remove, &t, sizeof(t));
}

static void pvsched_add_service(SluicePvsched *s, pid_t tid)
{
	PvschedThread t = {.s = s, .service = true, .tid = tid};

	if (s->manager)
		pvsched_manager_service(s, tid);
	else
		pvsched_thread_do(&t);
}

static int pvsched_add_iothread(Object *obj, void *opaque)
{
	IOThread *iothread = (IOThread *)object_dynamic_cast(obj, TYPE_IOTHREAD);

	if (iothread)
		pvsched_add_service(opaque, iothread->thread_id);
	return 0;
}

/* The main loop delivers timers and most I/O; under TCG the guest's clock events too. */
static void pvsched_add_services(SluicePvsched *s)
{
	pvsched_add_service(s, getpid());
	object_child_foreach(object_get_objects_root(), pvsched_add_iothread, s);
}

/* ---- The host's scheduler ------------------------------------------------------------------ */

static void pvsched_switches_ready(void *opaque, int fd)
{
	pvsched_core_catch_up(opaque);
}

static bool pvsched_switches_init(SluicePvsched *s, Error **errp)
{
	g_autofree char *text = g_malloc0(PVSCHED_LOG_SIZE);
	struct pvs_log log = {.buf = text, .size = PVSCHED_LOG_SIZE};
	int err;

	/* Live, the kernel tells of switches as it is. */
	if (s->options.switch_events == ON_OFF_AUTO_OFF || s->kernel)
		return true;
	err = pvs_switches_open(&s->switches, &log);
	if (!err)
		return true;
	s->switches = NULL;
	if (s->options.switch_events == ON_OFF_AUTO_ON) {
		error_setg(errp, "switch-events: %s", *text ? g_strchomp(text) : strerror(-err));
		return false;
	}
	pvsched_note(s, text);
	return true;
}

/* ---- Life ---------------------------------------------------------------------------------- */

/* Too long to be said in ns is as long as can be said. */
static uint64_t pvsched_us(uint64_t us)
{
	return us < UINT64_MAX / 1000 ? us * 1000 : UINT64_MAX;
}

static struct pvs_limits pvsched_limits(SluicePvsched *s)
{
	const PvschedOptions *o = &s->options;
	struct pvs_limits limits = o->limits;

	limits.tick_ns = pvsched_us(o->tick_us);
	limits.cs_budget_ns = pvsched_us(o->cs_budget_us);
	limits.boost_budget_ns = pvsched_us(o->boost_budget_us);
	limits.watchdog_ns = pvsched_watchdog_ns(s);
	limits.has_nice_min = true;
	limits.ceiling = pvsched_ceiling(s);
	return limits;
}

static bool pvsched_vm_init(SluicePvsched *s, Error **errp)
{
	g_autofree char *text = g_malloc0(PVSCHED_LOG_SIZE);
	struct pvs_log log = {.buf = text, .size = PVSCHED_LOG_SIZE};
	struct pvs_vm_config config = {
		.name = pvsched_name(s),
		.n_vcpus = s->n_vcpus,
		.n_vectors = s->n_vectors,
		.guest = pvsched_guest_pages(s),
		.host = pvsched_host_pages(s),
		.limits = pvsched_limits(s),
		.sources = pvsched_cpus_sources() | (s->switches ? PVS_SRC_SWITCH : 0) |
			   (s->kernel ? PVS_SRC_SWITCH | PVS_SRC_HALT : 0),
		.ops = &pvsched_vm_ops,
		.opaque = s,
		.actuator = s->actuator,
	};
	int err = pvs_vm_create(&config, &s->vm, &log);

	if (err) {
		error_setg(errp, "%s", *text ? g_strchomp(text) : strerror(-err));
		return false;
	}
	pvsched_guest_init(s);
	pvsched_note(s, text);
	return true;
}

/* Marking memory dirty takes QEMU's RCU. */
static void pvsched_enter_rcu(void *opaque)
{
	rcu_register_thread();
}

static void pvsched_leave_rcu(void *opaque)
{
	rcu_unregister_thread();
}

static void pvsched_watch_switches(SluicePvsched *s, bool on)
{
	if (s->switches)
		pvs_loop_watch(s->loop, pvs_switches_fd(s->switches),
			       on ? pvsched_switches_ready : NULL, s);
}

/* Signals are the main loop's, as in QEMU's own threads. */
static int pvsched_loop_create(SluicePvsched *s, struct pvs_log *log)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pvs_loop_create("pvsched", &s->loop, log);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return err;
}

static bool pvsched_loop_init(SluicePvsched *s, Error **errp)
{
	g_autofree char *text = g_malloc0(PVSCHED_LOG_SIZE);
	struct pvs_log log = {.buf = text, .size = PVSCHED_LOG_SIZE};
	int err = pvsched_loop_create(s, &log);

	if (!err) {
		pvs_loop_call(s->loop, pvsched_enter_rcu, NULL);
		err = pvs_loop_add(s->loop, s->vm, s->mailbox, &log);
		if (!err)
			return true;
		pvs_loop_call(s->loop, pvsched_leave_rcu, NULL);
		pvs_loop_destroy(s->loop);
	}
	s->loop = NULL;
	error_setg(errp, "cannot start the loop: %s", *text ? g_strchomp(text) : strerror(-err));
	return false;
}

/* A loop that is stuck is waited for: what it may yet look at goes. */
static void pvsched_loop_exit(SluicePvsched *s)
{
	pvsched_watchdog_exit(s);
	pvsched_watch_switches(s, false);
	pvsched_live_stop(s);
	pvs_loop_remove(s->loop, s->vm);
	pvs_loop_call(s->loop, pvsched_leave_rcu, NULL);
	pvs_loop_destroy(s->loop);
	s->loop = NULL;
	if (s->kept) {
		pvsched_guest_ram_let_go(s);
		g_array_unref(s->kept);
		s->kept = NULL;
	}
}

/* What there is, the last first; also of what was begun and failed. */
static void pvsched_core_undo(SluicePvsched *s)
{
	if (s->loop)
		pvsched_loop_exit(s);
	pvsched_manager_exit(s);
	pvs_vm_destroy(s->vm);
	s->vm = NULL;
	pvsched_record_exit(s);
	if (s->switches)
		pvs_switches_close(s->switches);
	s->switches = NULL;
	pvsched_scx_exit(s);
	pvsched_actuator_exit(s);
	pvs_mailbox_destroy(s->mailbox);
	s->mailbox = NULL;
	g_clear_pointer(&s->notes, g_free);
}

/* The loop is in this process. */
static bool pvsched_own_init(SluicePvsched *s, Error **errp)
{
	if (!pvsched_actuator_init(s, errp) || !pvsched_scx_init(s, errp) ||
	    !pvsched_switches_init(s, errp) || !pvsched_vm_init(s, errp) ||
	    !pvsched_record_init(s, errp) || !pvsched_loop_init(s, errp) ||
	    !pvsched_scx_favour_loop(s, errp) || !pvsched_watchdog_init(s, errp) ||
	    !pvsched_live_start(s, errp) || !pvsched_policy_apply(s, errp))
		return false;
	pvsched_watch_switches(s, true);
	pvs_regs_set_means(s->regs, pvs_vm_sources(s->vm), pvs_vm_actuators(s->vm));
	return true;
}

/* What the manager decides for all is not to be asked for here. */
static bool pvsched_managed_init(SluicePvsched *s, Error **errp)
{
	const PvschedOptions *o = &s->options;
	struct pvs_limits limits = pvsched_limits(s);

	if (o->policy || o->policy_set || o->policy_host || o->record || o->actuators ||
	    o->cgroup) {
		error_setg(errp,
			   "manager=%s: the manager has the policy, records and actuators: "
			   "give it those, not the device (policy, policy-set, policy-host, "
			   "record, actuators, cgroup)",
			   o->manager);
		return false;
	}
	return pvsched_manager_init(s, &limits, errp);
}

bool pvsched_core_init(SluicePvsched *s, Error **errp)
{
	int err = pvs_mailbox_create(s->n_vcpus, &s->mailbox);

	if (err) {
		s->mailbox = NULL;
		error_setg_errno(errp, -err, "cannot create the mailbox");
		return false;
	}
	if (!(s->options.manager ? pvsched_managed_init(s, errp) : pvsched_own_init(s, errp))) {
		pvsched_core_undo(s);
		return false;
	}
	pvsched_add_services(s);
	return true;
}

void pvsched_core_exit(SluicePvsched *s)
{
	pvsched_core_undo(s);
}
