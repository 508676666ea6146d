/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The manager's sessions, and the thread that serves them. */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "clock.h"
#include "manager/server_internal.h"

#define BEAT_NS     250000000
#define PATIENCE_NS 50000000 /* between two looks whether it is worth waiting for the loop */
#define STUCK_MS    100      /* pause between two looks at what clients say */
#define AT_ONCE     16       /* messages of one client before the next one's turn */
#define REPLY_BYTES (4 << 20)

/* Sources that the manager has of its own, not by what clients say. */
#define OWN_SOURCES (PVS_SRC_TICK | PVS_SRC_KICK | PVS_SRC_SCHEDSTAT | PVS_SRC_SWITCH)

void pvs_server_log(struct pvs_server *server, const char *fmt, ...)
{
	char line[PVS_PROTO_TEXT + 64];
	va_list args;

	if (!server->config.log)
		return;
	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	server->config.log(server->config.opaque, line);
}

uint32_t pvs_server_sources(const struct pvs_server *server, uint32_t client_sources)
{
	uint32_t own = server->config.switches ? PVS_SRC_SWITCH | PVS_SRC_HALT : 0;

	return (client_sources & ~OWN_SOURCES) | own;
}

bool pvs_server_stuck(const struct pvs_server *server)
{
	return server->watchdog && pvs_watchdog_stuck(server->watchdog);
}

bool pvs_server_call(struct pvs_server *server, void (*fn)(void *opaque), void *opaque)
{
	uint64_t patience = pvs_server_stuck(server) ? 0 : PATIENCE_NS;

	while (pvs_loop_call_within(server->loop, fn, opaque, patience))
		if (pvs_server_stuck(server))
			return false;
	return true;
}

/* ---- In the loop's thread -------------------------------------------------------------------- */

static void beat(void *opaque, int fd)
{
	struct pvs_server *server = opaque;
	uint64_t expirations;

	if (read(fd, &expirations, sizeof(expirations)) < 0)
		return;
	for (int i = 0; i < PVS_MANAGER_CLIENTS; i++) {
		struct pvs_session *session = server->sessions[i];

		if (session && session->vm)
			__atomic_store_n(&((struct pvs_shared *)session->shared.memory)->alive_ns,
					 pvs_clock_ns(), __ATOMIC_RELEASE);
	}
	if (server->config.beat)
		server->config.beat(server->config.opaque);
}

static void switched(void *opaque, const struct pvs_switch *event)
{
	struct pvs_server *server = opaque;
	struct pvs_session *session =
		event->vm < PVS_MANAGER_CLIENTS ? server->sessions[event->vm] : NULL;

	if (session && session->vm)
		pvs_vm_switch(session->vm, event);
}

static void switches_ready(void *opaque, int fd)
{
	struct pvs_server *server = opaque;

	pvs_switches_take(server->config.switches, switched, server);
}

/* The loop's thread looks at sessions[]: who changes it waits for that thread. */
struct slot_change {
	struct pvs_server *server;
	uint32_t slot;
	struct pvs_session *session;
};

static void change_slot(void *opaque)
{
	struct slot_change *change = opaque;

	change->server->sessions[change->slot] = change->session;
}

static bool empty_slot(struct pvs_server *server, uint32_t slot)
{
	struct slot_change change = {.server = server, .slot = slot};

	return pvs_server_call(server, change_slot, &change);
}

/* One that has no VM yet is nothing to the loop, which may be stuck. */
static void fill_slot(struct pvs_server *server, struct pvs_session *session)
{
	__atomic_store_n(&server->sessions[session->slot], session, __ATOMIC_RELEASE);
}

struct policy_change {
	struct pvs_server *server;
	struct pvs_policy *policy;
	bool handover;
};

static void change_policy(void *opaque)
{
	struct policy_change *change = opaque;
	uint64_t now = pvs_clock_ns();

	for (int i = 0; i < PVS_MANAGER_CLIENTS; i++) {
		struct pvs_session *session = change->server->sessions[i];

		if (session && session->vm)
			pvs_vm_set_policy(session->vm, change->policy, change->handover, now);
	}
}

bool pvs_server_set_policy(struct pvs_server *server, struct pvs_policy *policy, bool handover)
{
	struct policy_change change = {.server = server, .policy = policy, .handover = handover};
	struct pvs_policy *old = server->policy;

	if (!pvs_server_call(server, change_policy, &change))
		return false;
	server->policy = policy;
	if (old)
		pvs_policy_put(old);
	for (int i = 0; i < PVS_MANAGER_CLIENTS; i++)
		if (server->sessions[i] && server->sessions[i]->vm)
			pvs_session_policy(server->sessions[i]);
	return true;
}

/* ---- In the watchdog's thread ---------------------------------------------------------------- */

/* When the loop goes on, what it holds to be in effect is not. */
static void forget_effects(void *opaque)
{
	struct pvs_server *server = opaque;

	for (int i = 0; i < PVS_MANAGER_CLIENTS; i++)
		if (server->sessions[i] && server->sessions[i]->vm)
			pvs_vm_fault(server->sessions[i]->vm, PVS_REJECT_POLICY);
}

static void loop_changed(void *opaque, bool stuck, uint64_t silent_ns)
{
	struct pvs_server *server = opaque;
	const unsigned long long ms = silent_ns / 1000000u;

	if (!stuck) {
		pvs_server_log(server, "the scheduling thread answers again, after %llu ms", ms);
		return;
	}
	pvs_loop_post(server->loop, forget_effects, server);
	pvs_server_log(server,
		       "the scheduling thread %d has not answered for %llu ms; all threads are "
		       "scheduled as they were",
		       (int)pvs_loop_tid(server->loop), ms);
}

static void rescue(void *opaque)
{
	const struct pvs_actuator *actuator = &((struct pvs_server *)opaque)->config.actuator;

	if (actuator->ops && actuator->ops->rescue)
		actuator->ops->rescue(actuator->opaque);
}

/* ---- Sessions -------------------------------------------------------------------------------- */

static int watch(struct pvs_server *server, int fd, uint32_t number)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = number};

	return epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/* Numbers of epoll's events: a session's slot, or beyond. */
enum {
	EVENT_LISTENER = PVS_MANAGER_CLIENTS,
	EVENT_STOP
};

static void end_session(struct pvs_server *server, uint32_t slot)
{
	struct pvs_session *session = server->sessions[slot];
	int sock = session->sock;

	/* Later, if the loop does not answer: it may be looking at it. */
	if (!empty_slot(server, slot))
		return;
	if (session->name[0])
		pvs_server_log(server, "%s (pid %d): gone", session->name, (int)session->pid);
	pvs_session_close(session);
	close(sock);
}

static int free_slot(const struct pvs_server *server)
{
	for (int i = 0; i < PVS_MANAGER_CLIENTS; i++)
		if (!server->sessions[i])
			return i;
	return -1;
}

static void refuse_full(struct pvs_server *server, int sock)
{
	struct pvs_msg msg = {.refused.error = -EUSERS};

	server->refused++;
	snprintf(msg.refused.text, sizeof(msg.refused.text),
		 "%d connections are open, as many as there may be", PVS_MANAGER_CLIENTS);
	pvs_msg_send(sock, &msg, PVS_MSG_REFUSED, NULL, 0);
	close(sock);
}

static void new_session(struct pvs_server *server, int sock, const struct ucred *peer)
{
	struct pvs_session *session = calloc(1, sizeof(*session));
	int slot = free_slot(server);

	if (slot < 0 || !session || watch(server, sock, (uint32_t)slot) < 0) {
		free(session);
		refuse_full(server, sock);
		return;
	}
	session->server = server;
	session->slot = (uint32_t)slot;
	session->sock = sock;
	session->pid = peer->pid;
	session->uid = peer->uid;
	server->served++;
	fill_slot(server, session);
}

static void accept_one(struct pvs_server *server)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int sock = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (sock < 0)
		return;
	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || peer.pid <= 0) {
		close(sock);
		return;
	}
	new_session(server, sock, &peer);
}

/* A command has no fixed size: it is taken whole. Returns false if this is none. */
static bool take_control(struct pvs_session *session)
{
	struct pvs_server *server = session->server;
	struct pvs_msg_head head = {0}, *answer;
	char *text, *reply;
	int bytes = REPLY_BYTES;
	size_t size;
	ssize_t n;

	n = recv(session->sock, &head, sizeof(head), MSG_PEEK | MSG_DONTWAIT);
	if (n != sizeof(head) || head.type != PVS_MSG_CONTROL || session->vm)
		return false;
	session->ended = true;
	text = calloc(1, PVS_CONTROL_MAX + 1);
	n = text ? recv(session->sock, text, PVS_CONTROL_MAX, MSG_DONTWAIT) : -1;
	if (n != (ssize_t)head.size) {
		free(text);
		return true;
	}
	reply = pvs_control(server, session, text + sizeof(head), (size_t)n - sizeof(head));
	free(text);
	setsockopt(session->sock, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	for (size_t at = 0; reply && at < strlen(reply); at += size) {
		size = strlen(reply + at);
		if (size > PVS_CONTROL_MAX - sizeof(head))
			size = PVS_CONTROL_MAX - sizeof(head);
		answer = malloc(sizeof(head) + size);
		if (!answer)
			break;
		*answer = (struct pvs_msg_head){PVS_MSG_REPLY, (uint32_t)(sizeof(head) + size)};
		memcpy(answer + 1, reply + at, size);
		n = send(session->sock, answer, sizeof(head) + size, MSG_DONTWAIT | MSG_NOSIGNAL);
		free(answer);
		if (n < 0)
			break;
	}
	free(reply);
	/* Its end ends the answer, and may have to wait for the loop. */
	shutdown(session->sock, SHUT_WR);
	return true;
}

static void serve(struct pvs_session *session)
{
	struct pvs_msg msg;
	int fds[PVS_N_FDS], ret = 1;
	unsigned n_fds;

	if (session->ended || take_control(session) || pvs_server_stuck(session->server))
		return;
	for (int i = 0; i < AT_ONCE && !session->ended && ret > 0; i++) {
		ret = pvs_msg_receive(session->sock, &msg, fds, &n_fds);
		if (ret > 0)
			pvs_session_message(session, &msg, fds, n_fds);
	}
	if (ret == -EPROTO)
		pvs_server_log(session->server, "pid %d: not a message of this protocol",
			       (int)session->pid);
	if (ret <= 0 && ret != -EAGAIN)
		session->ended = true;
}

/* Also those whom something could not be told. */
static void end_sessions(struct pvs_server *server, bool all)
{
	if (!all && pvs_server_stuck(server))
		return;
	for (uint32_t i = 0; i < PVS_MANAGER_CLIENTS; i++)
		if (server->sessions[i] && (all || server->sessions[i]->ended))
			end_session(server, i);
}

int pvs_server_run(struct pvs_server *server)
{
	struct epoll_event events[PVS_MANAGER_CLIENTS];
	int n;

	while (true) {
		/* What cannot be served while the loop is stuck is there again at once. */
		if (pvs_server_stuck(server))
			poll(NULL, 0, STUCK_MS);
		n = epoll_wait(server->epoll, events, PVS_MANAGER_CLIENTS, -1);
		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < n; i++) {
			uint32_t number = events[i].data.u32;

			if (number == EVENT_STOP)
				return 0;
			if (number == EVENT_LISTENER)
				accept_one(server);
			else if (server->sessions[number])
				serve(server->sessions[number]);
		}
		end_sessions(server, false);
	}
}

void pvs_server_stop(struct pvs_server *server)
{
	uint64_t one = 1;

	if (write(server->stop, &one, sizeof(one)) < 0)
		abort(); /* an eventfd of ours that is never read does not fill up */
}

/* ---- Its life -------------------------------------------------------------------------------- */

static int start_beat(struct pvs_server *server)
{
	const struct itimerspec period = {{0, BEAT_NS}, {0, BEAT_NS}};
	int ret;

	server->beat = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (server->beat < 0 || timerfd_settime(server->beat, 0, &period, NULL) < 0)
		return -errno;
	ret = pvs_loop_watch(server->loop, server->beat, beat, server);
	if (ret == 0 && server->config.switches)
		ret = pvs_loop_watch(server->loop, pvs_switches_fd(server->config.switches),
				     switches_ready, server);
	return ret;
}

static int start_watchdog(struct pvs_server *server, struct pvs_log *log)
{
	const struct pvs_watchdog_config config = {
		.loop = server->loop,
		.silence_ns = server->config.limits.watchdog_ns,
		.changed = loop_changed,
		.restore = rescue,
		.opaque = server,
	};

	return pvs_watchdog_create(&config, &server->watchdog, log);
}

static int start(struct pvs_server *server, struct pvs_log *log)
{
	int ret = pvs_loop_create("pvs-manager", &server->loop, log);

	if (ret == 0)
		ret = start_watchdog(server, log);
	if (ret < 0)
		return ret;
	ret = pvs_server_listen(server, log);
	if (ret < 0)
		return ret;
	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	server->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (server->epoll < 0 || server->stop < 0)
		return -errno;
	ret = watch(server, server->listener, EVENT_LISTENER);
	if (ret == 0)
		ret = watch(server, server->stop, EVENT_STOP);
	return ret < 0 ? ret : start_beat(server);
}

int pvs_server_create(const struct pvs_server_config *config, struct pvs_server **out,
		      struct pvs_log *log)
{
	struct pvs_server *server = calloc(1, sizeof(*server));
	int ret;

	if (!server)
		return -ENOMEM;
	server->config = *config;
	if (!config->limits.ceiling)
		server->config.limits.ceiling = PVS_ACT_ALL & ~(PVS_ACT_FIFO | PVS_ACT_DEADLINE);
	server->epoll = server->listener = server->stop = server->beat = -1;
	server->policy = config->policy ? pvs_policy_get(config->policy) : NULL;
	ret = start(server, log);
	if (ret < 0) {
		pvs_server_destroy(server);
		return ret;
	}
	*out = server;
	return 0;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void pvs_server_destroy(struct pvs_server *server)
{
	/* First nobody new, and nobody who asks the one that ends. */
	if (server->path)
		unlink(server->path);
	close_fd(server->listener);
	pvs_watchdog_destroy(server->watchdog);
	server->watchdog = NULL; /* from here on the loop is waited for */
	end_sessions(server, true);
	if (server->loop) {
		if (server->config.switches)
			pvs_loop_watch(server->loop, pvs_switches_fd(server->config.switches), NULL,
				       NULL);
		if (server->beat >= 0)
			pvs_loop_watch(server->loop, server->beat, NULL, NULL);
		pvs_loop_destroy(server->loop);
	}
	close_fd(server->beat);
	close_fd(server->stop);
	close_fd(server->epoll);
	if (server->policy)
		pvs_policy_put(server->policy);
	if (server->record && pvs_record_close(server->record) < 0)
		pvs_server_log(server, "record: not all of it could be written");
	free(server->path);
	free(server);
}
