/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A loop that does not answer: a thread beside it notices, puts the vCPU threads back to how they
 * were scheduled, and has the main loop tell the guest (RENEGOTIATE, RESULT_WATCHDOG). What the
 * main loop wants of the loop meanwhile is done when that answers again, or refused.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "pvsched.h"
#include "trace.h"

/* ---- In the watchdog's thread, which waits for nobody --------------------------------------- */

/* When the loop goes on, what it holds to be in effect is not. */
static void pvsched_forget_effects(void *opaque)
{
	SluicePvsched *s = opaque;

	pvs_vm_fault(s->vm, PVS_REJECT_POLICY);
}

static void pvsched_watchdog_changed(void *opaque, bool stuck, uint64_t silent_ns)
{
	SluicePvsched *s = opaque;

	if (stuck)
		pvs_loop_post(s->loop, pvsched_forget_effects, s);
	qatomic_set(&s->silent_ms, silent_ns / SCALE_MS);
	qemu_bh_schedule(s->watchdog_bh);
}

static void pvsched_watchdog_restore(void *opaque)
{
	SluicePvsched *s = opaque;

	if (s->actuator.ops->rescue)
		s->actuator.ops->rescue(s->actuator.opaque);
}

/* ---- In the main loop ---------------------------------------------------------------------- */

static void pvsched_nothing(void *opaque)
{
}

/* What the loop was in the midst of when it became stuck it is not when it does what is asked. */
static void pvsched_let_go(SluicePvsched *s)
{
	if (s->kept->len && pvsched_watchdog_answers(s))
		pvsched_guest_ram_let_go(s);
}

static void pvsched_watchdog_news(void *opaque)
{
	SluicePvsched *s = opaque;
	const uint64_t silences = pvs_watchdog_silences(s->watchdog);
	const bool stuck = pvs_watchdog_stuck(s->watchdog);

	trace_pvsched_watchdog(pvsched_name(s), stuck, silences);
	if (silences != s->silences) {
		s->silences = silences;
		warn_report("%s: the scheduling thread %d has not answered for %" PRIu64
			    " ms: vCPUs are scheduled as they were, the guest has to negotiate "
			    "again",
			    pvsched_name(s), (int)pvs_loop_tid(s->loop),
			    qatomic_read(&s->silent_ms));
		pvs_regs_renegotiate(s->regs, PVS_RESULT_WATCHDOG);
	}
	if (stuck)
		return;
	info_report("%s: the scheduling thread answers again", pvsched_name(s));
	pvsched_let_go(s);
}

bool pvsched_watchdog_stuck(SluicePvsched *s)
{
	return s->watchdog && pvs_watchdog_stuck(s->watchdog);
}

bool pvsched_watchdog_answers(SluicePvsched *s)
{
	return pvsched_core_call(s, pvsched_nothing, NULL);
}

bool pvsched_watchdog_refuses(SluicePvsched *s, Error **errp)
{
	if (!pvsched_watchdog_stuck(s))
		return false;
	error_setg(errp, "the scheduling thread %d does not answer: ask again when it does",
		   (int)pvs_loop_tid(s->loop));
	return true;
}

bool pvsched_watchdog_init(SluicePvsched *s, Error **errp)
{
	g_autofree char *text = g_malloc0(PVSCHED_LOG_SIZE);
	struct pvs_log log = {.buf = text, .size = PVSCHED_LOG_SIZE};
	struct pvs_watchdog_config config = {
		.loop = s->loop,
		.silence_ns = pvsched_watchdog_ns(s),
		.begun = pvsched_scx_favour_watchdog,
		.changed = pvsched_watchdog_changed,
		.restore = pvsched_watchdog_restore,
		.opaque = s,
	};
	sigset_t all, old;
	int err;

	s->kept = g_array_new(false, false, sizeof(PvschedMapping));
	s->watchdog_bh =
		qemu_bh_new_guarded(pvsched_watchdog_news, s, &DEVICE(s)->mem_reentrancy_guard);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pvs_watchdog_create(&config, &s->watchdog, &log);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!err)
		return true;
	s->watchdog = NULL;
	error_setg(errp, "%s", *text ? g_strchomp(text) : strerror(-err));
	return false;
}

void pvsched_watchdog_exit(SluicePvsched *s)
{
	pvs_watchdog_destroy(s->watchdog);
	s->watchdog = NULL;
	g_clear_pointer(&s->watchdog_bh, qemu_bh_delete);
}
