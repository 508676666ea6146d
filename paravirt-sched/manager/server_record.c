/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A record of all VMs' decisions, begun and ended by a command. */
#include <errno.h>

#include "manager/server_internal.h"

struct record_change {
	struct pvs_server *server;
	struct pvs_record *record;
};

static void change_record(void *opaque)
{
	struct record_change *change = opaque;

	change->server->record = change->record;
	for (int i = 0; i < PVS_MANAGER_CLIENTS; i++) {
		struct pvs_session *session = change->server->sessions[i];

		if (session && session->vm)
			pvs_vm_set_record(session->vm, change->record);
	}
}

/* In a thread of the record's. */
static void record_is_full(void *opaque)
{
	const struct pvs_server *server = opaque;

	pvs_server_log(opaque, "the record has ended: it reached its limit, %llu bytes",
		       (unsigned long long)server->config.record_limit);
}

static int open_record(struct pvs_server *server, const char *path, struct pvs_record **record,
		       struct pvs_log *log)
{
	const uint64_t limit = server->config.record_limit;
	int ret = pvs_record_create(path, record, log);

	if (ret == 0 && limit)
		ret = pvs_record_limit(*record, limit, record_is_full, server);
	return ret;
}

static int refuse_record(struct pvs_log *log)
{
	return pvs_refuse(log, -ETIMEDOUT,
			  "record: the scheduling thread does not answer; nothing changed");
}

int pvs_server_set_record(struct pvs_server *server, const char *path, struct pvs_log *log)
{
	struct record_change change = {.server = server};
	struct pvs_record *old = server->record;
	int ret = 0;

	if (server->config.record)
		return pvs_refuse(log, -EBUSY,
				  "record: the manager was started with --record, which goes on "
				  "until it ends");
	if (*path && *path != '/')
		return pvs_refuse(log, -EINVAL,
				  "record: '%s': the manager has another working directory; the "
				  "path has to begin with /",
				  path);
	if (pvs_server_stuck(server)) /* before the file is emptied */
		return refuse_record(log);
	if (*path)
		ret = open_record(server, path, &change.record, log);
	if (ret < 0)
		return ret;
	if (!pvs_server_call(server, change_record, &change)) {
		if (change.record)
			pvs_record_close(change.record);
		return refuse_record(log);
	}
	if (old && pvs_record_close(old) < 0)
		return pvs_refuse(log, -EIO, "record: not all of the one before could be written");
	return 0;
}
