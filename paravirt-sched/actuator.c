/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The actuator that only notes what it was asked: for tests and replay. */
#include <errno.h>
#include <stdlib.h>

#include "pvs.h"

struct recorder {
	uint32_t actuators;
	struct pvs_actuator_note *notes;
	size_t n_notes, room;
};

struct recorder_thread {
	pid_t tid;
	bool changed;
};

static uint32_t recorder_probe(void *opaque, uint32_t wanted, struct pvs_log *log)
{
	const struct recorder *r = opaque;

	if (wanted & ~r->actuators)
		pvs_log(log, "recorder: actuators 0x%x are not offered; 0x%x are\n",
			wanted & ~r->actuators, r->actuators);
	return wanted & r->actuators;
}

static int recorder_capture(void *opaque, pid_t tid, void **thread)
{
	struct recorder_thread *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->tid = tid;
	*thread = t;
	return 0;
}

static int note(struct recorder *r, const struct pvs_actuator_note *entry)
{
	if (r->n_notes == r->room) {
		const size_t room = r->room ? 2 * r->room : 64;
		struct pvs_actuator_note *notes = realloc(r->notes, room * sizeof(*notes));

		if (!notes)
			return -ENOMEM;
		r->notes = notes;
		r->room = room;
	}
	r->notes[r->n_notes++] = *entry;
	return 0;
}

static int recorder_apply(void *opaque, void *thread, const struct pvs_sched *sched)
{
	struct recorder_thread *t = thread;
	int err = note(opaque, &(struct pvs_actuator_note){.tid = t->tid, .sched = *sched});

	if (!err)
		t->changed = true;
	return err;
}

static void recorder_restore(void *opaque, void *thread)
{
	struct recorder_thread *t = thread;

	if (t->changed)
		note(opaque, &(struct pvs_actuator_note){.tid = t->tid, .restored = true});
	t->changed = false;
}

static void recorder_release(void *opaque, void *thread)
{
	recorder_restore(opaque, thread);
	free(thread);
}

static const struct pvs_actuator_ops recorder_ops = {
	.probe = recorder_probe,
	.capture = recorder_capture,
	.apply = recorder_apply,
	.restore = recorder_restore,
	.release = recorder_release,
};

int pvs_actuator_recorder(uint32_t actuators, struct pvs_actuator *actuator)
{
	struct recorder *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->actuators = actuators;
	*actuator = (struct pvs_actuator){.ops = &recorder_ops, .opaque = r};
	return 0;
}

size_t pvs_actuator_recorder_notes(const struct pvs_actuator *actuator,
				   const struct pvs_actuator_note **notes)
{
	const struct recorder *r = actuator->opaque;

	*notes = r->notes;
	return r->n_notes;
}

void pvs_actuator_recorder_close(struct pvs_actuator *actuator)
{
	struct recorder *r = actuator->opaque;

	free(r->notes);
	free(r);
	*actuator = (struct pvs_actuator){0};
}
