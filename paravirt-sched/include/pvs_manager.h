/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The manager: one policy and one budget for several QEMUs. It is the loop of all their VMs; its
 * clients (struct pvs_client of pvs.h) hand it pages, mailboxes and thread ids.
 *
 * Two threads: the one in pvs_server_run() talks to clients and control tools, and may be kept busy
 * by them; the loop's does what policies decide, and never waits for either.
 */
#ifndef PVS_MANAGER_H
#define PVS_MANAGER_H

#include "pvs.h"

#define PVS_MANAGER_CLIENTS 64 /* at once */

struct pvs_server;

struct pvs_server_config {
	const char *path; /* of the socket; an old one that nobody listens to is replaced */
	unsigned mode;    /* of the socket: who may connect; 0: 0660 */
	/* What a client gets at most, 0 in a field: the default. ceiling: as pvs_limits. */
	struct pvs_limits limits;
	struct pvs_policy *policy; /* a reference is taken */
	struct pvs_policy_options
		policy_options;        /* for those that are set later, but for tunables */
	struct pvs_actuator actuator;  /* not owned, as the next three */
	struct pvs_pool *pool;         /* may be NULL */
	struct pvs_switches *switches; /* may be NULL */
	struct pvs_record *record;     /* may be NULL */
	uint64_t record_limit; /* of those that are set later, bytes (PVS_RECORD_LEAST); 0: none */
	void (*beat)(void *opaque);    /* in the loop's thread, 4 times a second; may be NULL */
	bool (*guarded)(void *opaque); /* is the crash guard there? for status; may be NULL */
	void (*log)(void *opaque, const char *line); /* without newline; any thread */
	void *opaque;
};

/* -EADDRINUSE: somebody listens at path; -errno; explained in @log. */
int pvs_server_create(const struct pvs_server_config *config, struct pvs_server **server,
		      struct pvs_log *log);
/* Serve until pvs_server_stop(). 0 or -errno. */
int pvs_server_run(struct pvs_server *server);
/* From any thread or signal handler. */
void pvs_server_stop(struct pvs_server *server);
/* All clients lose the manager, all baselines are back. After pvs_server_run() returned. */
void pvs_server_destroy(struct pvs_server *server);

/*
 * Ask the manager at @path: @command is a JSON object (docs/pvsched/manager.md), *@reply the
 * answer, to be freed. Blocks. -errno, explained in @log.
 */
int pvs_manager_ask(const char *path, const char *command, char **reply, struct pvs_log *log);

#endif
