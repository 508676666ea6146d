/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy-host=scx: as policy-host=live, and the host's scheduler is one of ours, which follows the
 * policy's decisions where they are taken.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "pvsched.h"

bool pvsched_scx_wanted(SluicePvsched *s)
{
	return !g_strcmp0(s->options.policy_host, "scx");
}

bool pvsched_scx_init(SluicePvsched *s, Error **errp)
{
	g_autofree char *text = g_malloc0(PVSCHED_LOG_SIZE);
	struct pvs_log log = {.buf = text, .size = PVSCHED_LOG_SIZE};
	int err;

	if (!s->kernel || !pvsched_scx_wanted(s))
		return true;
	if (!g_strcmp0(s->options.actuators, "off")) {
		error_setg(errp, "actuators=off: policy-host=scx schedules the host's threads; "
				 "policy-host=live only decides");
		return false;
	}
	err = pvs_scx_open(s->kernel, &s->scx, &log);
	if (err) {
		error_setg(errp, "policy-host=scx: %s", *text ? g_strchomp(text) : strerror(-err));
		return false;
	}
	s->scx_rest = s->actuator;
	err = pvs_actuator_scx(s->scx, &s->scx_rest, &s->actuator);
	if (!err)
		return true;
	error_setg_errno(errp, -err, "policy-host=scx");
	s->actuator = s->scx_rest;
	pvs_scx_close(s->scx);
	s->scx = NULL;
	return false;
}

void pvsched_scx_exit(SluicePvsched *s)
{
	if (!s->scx)
		return;
	pvs_actuator_scx_close(&s->actuator);
	s->actuator = s->scx_rest;
	pvs_scx_close(s->scx);
	s->scx = NULL;
}

bool pvsched_scx_favour_loop(SluicePvsched *s, Error **errp)
{
	int err = s->scx ? pvs_scx_favour(s->scx, pvs_loop_tid(s->loop)) : 0;

	if (!err)
		return true;
	error_setg_errno(errp, -err, "policy-host=scx: the scheduling thread cannot go first");
	return false;
}

/* It tries FIFO by itself; where it may not, it is one of the scheduler's threads. */
void pvsched_scx_favour_watchdog(void *opaque)
{
	SluicePvsched *s = opaque;

	if (s->scx && pvs_scx_favour(s->scx, qemu_get_thread_id()))
		warn_report("%s: policy-host=scx: the watchdog cannot go first", pvsched_name(s));
}
