/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file that decisions are written to: it may begin and end while the guest runs, and ends by
 * itself when it is as large as it may be. What makes it grow is the guest's to say. */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "pvsched.h"

typedef struct PvschedRecord {
	SluicePvsched *s;
	struct pvs_record *record;
} PvschedRecord;

static void pvsched_set_record(void *opaque)
{
	PvschedRecord *r = opaque;

	pvs_vm_set_record(r->s->vm, r->record);
}

/* In the record's thread. */
static void pvsched_record_is_full(void *opaque)
{
	SluicePvsched *s = opaque;

	qemu_bh_schedule(s->record_bh);
}

static void pvsched_record_news(void *opaque)
{
	SluicePvsched *s = opaque;
	g_autofree char *text = NULL;

	if (!s->record || !pvs_record_full(s->record))
		return;
	text = g_strdup_printf("record %s has ended: it reached record-limit, %" PRIu64 " bytes",
			       s->options.record, s->options.record_limit);
	warn_report("%s: %s", pvsched_name(s), text);
	pvsched_note(s, text);
}

static struct pvs_record *pvsched_record_open(SluicePvsched *s, const char *path, Error **errp)
{
	g_autofree char *text = g_malloc0(PVSCHED_LOG_SIZE);
	struct pvs_log log = {.buf = text, .size = PVSCHED_LOG_SIZE};
	struct pvs_record *record = NULL;
	int err = pvs_record_create(path, &record, &log);

	if (err) {
		error_setg(errp, "record=%s: %s", path, *text ? g_strchomp(text) : strerror(-err));
		return NULL;
	}
	if (s->options.record_limit)
		pvs_record_limit(record, s->options.record_limit, pvsched_record_is_full, s);
	return record;
}

/* In the loop's hands, or before there is a loop. */
static bool pvsched_record_exchange(SluicePvsched *s, PvschedRecord *r, Error **errp)
{
	if (!s->loop) {
		pvsched_set_record(r);
		return true;
	}
	if (pvsched_core_call(s, pvsched_set_record, r))
		return true;
	error_setg(errp, "record: the scheduling thread does not answer");
	return false;
}

/* A new one begins before the old one ends: no entry is in neither. */
bool pvsched_record_set(SluicePvsched *s, const char *path, Error **errp)
{
	PvschedRecord r = {.s = s};
	struct pvs_record *old = s->record;
	int err;

	/* Before the file is emptied. */
	if (s->loop && pvsched_watchdog_refuses(s, errp))
		return false;
	if (path && *path) {
		r.record = pvsched_record_open(s, path, errp);
		if (!r.record)
			return false;
	}
	if (!pvsched_record_exchange(s, &r, errp)) {
		if (r.record)
			pvs_record_close(r.record);
		return false;
	}
	s->record = r.record;
	err = old ? pvs_record_close(old) : 0;
	if (err)
		error_setg(errp, "record: not all of the one before could be written: %s",
			   strerror(-err));
	return !err;
}

bool pvsched_record_init(SluicePvsched *s, Error **errp)
{
	if (s->options.record_limit && s->options.record_limit < PVS_RECORD_LEAST) {
		error_setg(errp, "record-limit: at least %u bytes, or 0 for none",
			   PVS_RECORD_LEAST);
		return false;
	}
	s->record_bh =
		qemu_bh_new_guarded(pvsched_record_news, s, &DEVICE(s)->mem_reentrancy_guard);
	return pvsched_record_set(s, s->options.record, errp);
}

void pvsched_record_exit(SluicePvsched *s)
{
	if (s->record && pvs_record_close(s->record))
		warn_report("%s: record: not all of it could be written", pvsched_name(s));
	s->record = NULL;
	g_clear_pointer(&s->record_bh, qemu_bh_delete);
}
