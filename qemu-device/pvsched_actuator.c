/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which actuator: Linux's, or with actuators=off one that grants everything and does nothing, so
 * that decisions can be watched where no thread is to be touched.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "pvsched.h"

static uint32_t pvsched_off_probe(void *opaque, uint32_t wanted, struct pvs_log *log)
{
	return wanted;
}

static int pvsched_off_capture(void *opaque, pid_t tid, void **thread)
{
	*thread = opaque;
	return 0;
}

static int pvsched_off_apply(void *opaque, void *thread, const struct pvs_sched *sched)
{
	return 0;
}

static void pvsched_off_restore(void *opaque, void *thread)
{
}

static const struct pvs_actuator_ops pvsched_off_ops = {
	.probe = pvsched_off_probe,
	.capture = pvsched_off_capture,
	.apply = pvsched_off_apply,
	.restore = pvsched_off_restore,
	.release = pvsched_off_restore,
};

bool pvsched_actuator_init(SluicePvsched *s, Error **errp)
{
	const char *which = s->options.actuators ?: "auto";
	struct pvs_linux_options options = {
		.guard = s->options.guard,
		.cgroup = s->options.cgroup,
	};
	g_autofree char *text = g_malloc0(PVSCHED_LOG_SIZE);
	struct pvs_log log = {.buf = text, .size = PVSCHED_LOG_SIZE};
	int err;

	if (!strcmp(which, "off")) {
		s->actuator = (struct pvs_actuator){.ops = &pvsched_off_ops, .opaque = s};
		return true;
	}
	if (strcmp(which, "auto")) {
		error_setg(errp, "actuators=%s is none of auto (what the host permits), off",
			   which);
		return false;
	}
	err = pvs_actuator_linux(&options, &s->actuator, &log);
	if (err) {
		error_setg(errp, "actuators: %s", *text ? g_strchomp(text) : strerror(-err));
		return false;
	}
	s->actuator_close = pvs_actuator_linux_close;
	pvsched_note(s, text);
	return true;
}

void pvsched_actuator_exit(SluicePvsched *s)
{
	if (s->actuator_close)
		s->actuator_close(&s->actuator);
	s->actuator_close = NULL;
}
