/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A front end whose loop is another process, the manager. Included by pvs.h. */
#ifndef PVS_CLIENT_H
#define PVS_CLIENT_H

#include "pvs.h"

/* ---- Manager: one policy and one budget for several QEMUs (manager/) ------------------------- */

/*
 * The client in a front end: hands pages, mailbox and thread ids to the manager listening at @path,
 * which is then the loop. When the manager goes away its guard restores the baselines, @lost is
 * called in a thread of the client's, and the client connects again by itself every second;
 * @connected is called when it has.
 */
struct pvs_client;
struct pvs_client_config {
	const char *path, *name;
	uint32_t n_vcpus, n_vectors;
	int guest_fd, host_fd; /* memfds of the pages */
	struct pvs_mailbox *mailbox;
	struct pvs_limits limits;
	uint32_t sources;
	void (*connected)(void *opaque, const char *policy, uint32_t sources, uint32_t actuators);
	void (*lost)(void *opaque);
	void (*notify)(void *opaque, uint32_t vector);
	void (*policy)(void *opaque, const char *name,
		       uint32_t version);                /* another one is in place */
	void (*warning)(void *opaque, const char *text); /* what it could not do, and why */
	void *opaque;
};
/*
 * Connects at once, then is kept connected by a thread of its own, which all callbacks run in; each
 * may be NULL. The descriptors stay the caller's and must stay open; they are sealed against
 * shrinking (memfd_create() with MFD_ALLOW_SEALING). Without an answer there is no client: -ENOENT
 * and -ECONNREFUSED: nobody listens; -EACCES; what the manager refuses, with its words in @log.
 * What follows is told now if connected, and again after each reconnection; any thread.
 */
int pvs_client_create(const struct pvs_client_config *config, struct pvs_client **client,
		      struct pvs_log *log);
void pvs_client_destroy(struct pvs_client *client);
int pvs_client_vcpu_add(struct pvs_client *client, uint32_t vcpu, pid_t tid);
void pvs_client_vcpu_remove(struct pvs_client *client, uint32_t vcpu);
int pvs_client_service_add(struct pvs_client *client, pid_t tid);
void pvs_client_negotiated(struct pvs_client *client, uint64_t features);
void pvs_client_set_clock_offset(struct pvs_client *client, int64_t offset_ns);

#endif
