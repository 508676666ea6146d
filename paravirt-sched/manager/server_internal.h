/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The manager's insides.
 *
 *	server.c          sessions' life, the thread that serves them, policies
 *	server_listen.c   the socket
 *	server_record.c   records that a command begins
 *	session.c         one client's messages
 *	hello.c           what a client hands over is checked, and becomes a VM
 *	limits.c          what a client gets of what it asks for
 *	control.c         commands of sluice-pvsd
 *
 * A session's vm is the loop's; the serving thread touches it by pvs_loop_call() only.
 */
#ifndef PVS_SERVER_INTERNAL_H
#define PVS_SERVER_INTERNAL_H

#include <sys/types.h>

#include "manager/proto.h"
#include "pvs_manager.h"

/* A file of a client's, mapped. */
struct pvs_mapping {
	void *memory;
	size_t size;
};

struct pvs_session {
	struct pvs_server *server;
	uint32_t slot; /* the VM's index */
	int sock;
	pid_t pid; /* of the peer, by the kernel's word */
	uid_t uid;
	char name[PVS_NAME_LEN]; /* "": did not say HELLO yet */
	uint32_t n_vcpus, n_vectors;
	uint64_t features;
	struct pvs_mapping guest, host, shared;
	struct pvs_mailbox *mailbox;
	struct pvs_vm *vm; /* in the loop; NULL before HELLO */
	bool ended;        /* to be destroyed */
	bool warned_autogroup;
};

/* A process that had budgets. */
struct pvs_past {
	pid_t pid;
	uint64_t start; /* the process's, for a pid is another one's later */
};

struct pvs_server {
	struct pvs_server_config config;
	char *path;
	struct pvs_loop *loop;
	struct pvs_watchdog *watchdog; /* of the loop */
	struct pvs_policy *policy;
	struct pvs_record *record; /* begun by a command; NULL: config's, if there is one */
	int epoll, listener, stop, beat;
	struct pvs_session *sessions[PVS_MANAGER_CLIENTS];
	uint64_t refused, served;                  /* connections */
	struct pvs_past past[PVS_MANAGER_CLIENTS]; /* the latest */
	unsigned n_past;
};

void pvs_server_log(struct pvs_server *server, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The loop does not answer, its watchdog says. */
bool pvs_server_stuck(const struct pvs_server *server);
/* Run @fn in the loop's thread and wait. False: that is stuck, @fn is not run. */
bool pvs_server_call(struct pvs_server *server, void (*fn)(void *opaque), void *opaque);
uint32_t pvs_server_sources(const struct pvs_server *server, uint32_t client_sources);

/* server_listen.c: make the socket that config says, in place of an old one that nobody listens to;
 * server->path is its name when it has to be removed. -errno, explained in @log if it is the
 * user's.
 */
int pvs_server_listen(struct pvs_server *server, struct pvs_log *log);

/* session.c: one message; what breaks the protocol sets session->ended. */
void pvs_session_message(struct pvs_session *session, const struct pvs_msg *msg, const int *fds,
			 unsigned n_fds);
/* Its VM, memory and descriptors; sock is the server's. All baselines are back. */
void pvs_session_close(struct pvs_session *session);
/* Tell it which policy is in place. */
void pvs_session_policy(struct pvs_session *session);

/* hello.c: 0, or -errno explained in @log. Closes @fds, whatever it returns.
 */
int pvs_session_hello(struct pvs_session *session, const struct pvs_msg *msg, const int *fds,
		      unsigned n_fds, struct pvs_log *log);

/* limits.c: @asked within @most, defaults of @n_vcpus for what neither says. */
void pvs_limits_clamp(const struct pvs_limits *asked, const struct pvs_limits *most,
		      uint32_t n_vcpus, struct pvs_limits *granted);

/* control.c: the answer, to be freed. */
char *pvs_control(struct pvs_server *server, const struct pvs_session *session, const char *command,
		  size_t size);
/* Another policy for all. Takes the reference. False: the loop is stuck, nothing was done. */
bool pvs_server_set_policy(struct pvs_server *server, struct pvs_policy *policy, bool handover);

/* server_record.c: all VMs' decisions are written to the file @path from now on, or, with "", no
 * more; the record before is closed. -EINVAL, -EBUSY, -EIO, -ETIMEDOUT (the loop is stuck) or what
 * opening said, explained in @log.
 */
int pvs_server_set_record(struct pvs_server *server, const char *path, struct pvs_log *log);

#endif
