/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* One client of the manager: its messages, and its end. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clock.h"
#include "manager/server_internal.h"

/* ---- What is said to it ---------------------------------------------------------------------- */

/* A client that does not read what it is told is not kept. */
static void say(struct pvs_session *session, struct pvs_msg *msg, enum pvs_msg_type type)
{
	int ret = pvs_msg_send(session->sock, msg, type, NULL, 0);

	if (ret < 0 && !session->ended) {
		pvs_server_log(session->server, "%s (pid %d): cannot be told: %s", session->name,
			       (int)session->pid, strerror(-ret));
		session->ended = true;
	}
}

static void say_error(struct pvs_session *session, enum pvs_msg_type type, int error,
		      const char *text)
{
	struct pvs_msg msg = {.refused.error = error};
	size_t len = strlen(text);

	while (len && text[len - 1] == '\n')
		len--;
	snprintf(msg.refused.text, sizeof(msg.refused.text), "%.*s", (int)len, text);
	pvs_server_log(session->server, "%s (pid %d): %s", session->name[0] ? session->name : "?",
		       (int)session->pid, msg.refused.text);
	say(session, &msg, type);
}

static void policy_of(const struct pvs_server *server, char *name, uint32_t *version)
{
	struct pvs_policy_info info = {0};

	if (server->policy)
		pvs_policy_info(server->policy, &info);
	memcpy(name, info.name, PVS_NAME_LEN);
	*version = info.version;
}

void pvs_session_policy(struct pvs_session *session)
{
	struct pvs_msg msg = {0};

	policy_of(session->server, msg.policy.name, &msg.policy.version);
	say(session, &msg, PVS_MSG_POLICY);
}

static void welcome(struct pvs_session *session)
{
	struct pvs_msg msg = {0};

	msg.welcome.version = PVS_PROTO_VERSION;
	msg.welcome.sources = pvs_vm_sources(session->vm);
	msg.welcome.actuators = pvs_vm_actuators(session->vm);
	policy_of(session->server, msg.welcome.policy, &msg.welcome.policy_version);
	pvs_server_log(session->server, "%s (pid %d): %u vCPUs", session->name, (int)session->pid,
		       session->n_vcpus);
	say(session, &msg, PVS_MSG_WELCOME);
}

/* ---- What it says, put into effect in the loop's thread -------------------------------------- */

struct call {
	struct pvs_session *session;
	const struct pvs_msg *msg;
	struct pvs_log *log;
	int ret;
};

static bool is_peers(const struct pvs_session *session, pid_t tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d", (int)session->pid, (int)tid);
	return tid > 0 && access(path, F_OK) == 0;
}

static void vcpu_add(struct call *call)
{
	struct pvs_session *session = call->session;
	uint32_t vcpu = call->msg->vcpu.vcpu;
	pid_t tid = call->msg->vcpu.tid;

	call->ret = pvs_vm_vcpu_add(session->vm, vcpu, tid, call->log);
	if (call->ret < 0 || tid == 0)
		return;
	/* It was captured and cannot be another's any more: was it the peer's by then? */
	if (!is_peers(session, tid)) {
		pvs_vm_vcpu_remove(session->vm, vcpu);
		call->ret = -ESRCH;
		return;
	}
	if (session->server->config.switches)
		pvs_switches_add(session->server->config.switches, tid, session->slot, vcpu);
}

static void forget_switches(struct pvs_session *session, uint32_t vcpu)
{
	struct pvs_vcpu_stats stats;

	if (session->server->config.switches && pvs_vm_vcpu_stats(session->vm, vcpu, &stats) == 0 &&
	    stats.tid)
		pvs_switches_remove(session->server->config.switches, stats.tid);
}

static void run_call(void *opaque)
{
	struct call *call = opaque;
	struct pvs_session *session = call->session;
	const struct pvs_msg *msg = call->msg;

	switch (msg->head.type) {
	case PVS_MSG_VCPU_ADD:
		vcpu_add(call);
		break;
	case PVS_MSG_VCPU_REMOVE:
		forget_switches(session, msg->vcpu.vcpu);
		pvs_vm_vcpu_remove(session->vm, msg->vcpu.vcpu);
		break;
	case PVS_MSG_SERVICE_ADD:
		call->ret = pvs_vm_service_add(session->vm, msg->vcpu.tid, call->log);
		break;
	case PVS_MSG_NEGOTIATED:
		pvs_vm_negotiated(session->vm, msg->features, pvs_clock_ns());
		break;
	case PVS_MSG_CLOCK:
		pvs_vm_set_clock_offset(session->vm, msg->clock_offset);
		break;
	default:
		break;
	}
}

static bool names_thread(uint32_t type)
{
	return type == PVS_MSG_VCPU_ADD || type == PVS_MSG_SERVICE_ADD;
}

static void put_into_effect(struct pvs_session *session, const struct pvs_msg *msg)
{
	char text[PVS_PROTO_TEXT] = "";
	struct pvs_log log = {.buf = text, .size = sizeof(text)};
	struct call call = {.session = session, .msg = msg, .log = &log};

	if (names_thread(msg->head.type) && msg->vcpu.tid && !is_peers(session, msg->vcpu.tid)) {
		snprintf(text, sizeof(text),
			 "thread %d is none of process %d, which this connection is of",
			 (int)msg->vcpu.tid, (int)session->pid);
		say_error(session, PVS_MSG_WARNING, -ESRCH, text);
		return;
	}
	if (msg->head.type == PVS_MSG_VCPU_REMOVE && msg->vcpu.vcpu >= session->n_vcpus)
		return;
	/* A client that comes again says all again. */
	if (!pvs_server_call(session->server, run_call, &call)) {
		session->ended = true;
		return;
	}
	if (call.ret < 0 && !text[0])
		snprintf(text, sizeof(text), "thread %d: %s", (int)msg->vcpu.tid,
			 strerror(-call.ret));
	if (call.ret < 0)
		say_error(session, PVS_MSG_WARNING, call.ret, text);
	if (msg->head.type == PVS_MSG_NEGOTIATED)
		session->features = msg->features;
}

/* Two sessions of the terminal: each has half of the machine, whatever nice says. */
static void warn_autogroup(struct pvs_session *session)
{
	char text[PVS_PROTO_TEXT] = "";
	struct pvs_log log = {.buf = text, .size = sizeof(text)};

	if (session->warned_autogroup)
		return;
	session->warned_autogroup = true;
	pvs_autogroup_note(session->pid, &log);
	if (text[0])
		say_error(session, PVS_MSG_WARNING, 0, text);
}

static void hello(struct pvs_session *session, const struct pvs_msg *msg, const int *fds,
		  unsigned n_fds)
{
	char text[PVS_PROTO_TEXT] = "";
	struct pvs_log log = {.buf = text, .size = sizeof(text)};
	int ret = pvs_session_hello(session, msg, fds, n_fds, &log);

	if (ret == 0) {
		welcome(session);
		warn_autogroup(session);
		return;
	}
	session->server->refused++;
	say_error(session, PVS_MSG_REFUSED, ret, text);
	session->ended = true;
}

static bool is_request(uint32_t type)
{
	return type > PVS_MSG_HELLO && type < PVS_MSG_CONTROL;
}

void pvs_session_message(struct pvs_session *session, const struct pvs_msg *msg, const int *fds,
			 unsigned n_fds)
{
	if (!session->vm && msg->head.type == PVS_MSG_HELLO) {
		hello(session, msg, fds, n_fds);
		return;
	}
	for (unsigned i = 0; i < n_fds; i++)
		close(fds[i]);
	if (session->vm && is_request(msg->head.type) && n_fds == 0) {
		put_into_effect(session, msg);
		return;
	}
	pvs_server_log(session->server, "pid %d: message of type 0x%x out of order",
		       (int)session->pid, msg->head.type);
	session->ended = true;
}

/* ---- Its end --------------------------------------------------------------------------------- */

static void close_vm(void *opaque)
{
	struct pvs_session *session = opaque;

	for (uint32_t i = 0; session->server->config.switches && i < session->n_vcpus; i++)
		forget_switches(session, i);
	pvs_vm_destroy(session->vm);
	session->vm = NULL;
}

static void unmap(struct pvs_mapping *mapping)
{
	if (mapping->memory)
		munmap(mapping->memory, mapping->size);
}

void pvs_session_close(struct pvs_session *session)
{
	struct pvs_loop *loop = session->server->loop;

	if (session->vm) {
		pvs_loop_remove(loop, session->vm);
		pvs_loop_call(loop, close_vm, session);
	}
	if (session->mailbox)
		pvs_mailbox_destroy(session->mailbox);
	unmap(&session->guest);
	unmap(&session->host);
	unmap(&session->shared);
	free(session);
}
