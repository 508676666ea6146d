/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What a client hands over is checked, and becomes a VM. A client is not trusted: its memory must
 * not vanish under us (a shorter file is a SIGBUS), and its descriptors must not block us.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "baseline.h"
#include "clock.h"
#include "manager/server_internal.h"

#define NORMAL_PAGE 4096

static const char *const fd_names[PVS_N_FDS] = {
	[PVS_FD_GUEST] = "guest pages",    [PVS_FD_HOST] = "host pages",
	[PVS_FD_MAILBOX] = "mailbox",      [PVS_FD_MAILBOX_EVENT] = "mailbox's eventfd",
	[PVS_FD_SHARED] = "notifications",
};

/* Huge pages fault when none are left: no file of them. */
static int check_memfd(int fd, enum pvs_hello_fd what, uint64_t size, struct pvs_log *log)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	if (fstat(fd, &st) < 0 || seals < 0)
		return pvs_refuse(log, -EINVAL, "%s: no memfd; one with F_SEAL_SHRINK is taken",
				  fd_names[what]);
	if (!(seals & F_SEAL_SHRINK))
		return pvs_refuse(log, -EINVAL,
				  "%s: the memfd could shrink; one with F_SEAL_SHRINK is taken",
				  fd_names[what]);
	if (st.st_blksize != NORMAL_PAGE)
		return pvs_refuse(log, -EINVAL,
				  "%s: the memfd has pages of %ld bytes; one of %d is taken",
				  fd_names[what], (long)st.st_blksize, NORMAL_PAGE);
	if ((uint64_t)st.st_size < size)
		return pvs_refuse(log, -EINVAL, "%s: the memfd has %lld bytes; %llu are needed",
				  fd_names[what], (long long)st.st_size, (unsigned long long)size);
	return 0;
}

static int check_eventfd(int fd, enum pvs_hello_fd what, struct pvs_log *log)
{
	char path[64], target[64] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (readlink(path, target, sizeof(target) - 1) < 0 ||
	    strcmp(target, "anon_inode:[eventfd]") != 0)
		return pvs_refuse(log, -EINVAL, "%s: no eventfd", fd_names[what]);
	return 0;
}

static int check_numbers(const struct pvs_msg *msg, unsigned n_fds, struct pvs_log *log)
{
	if (msg->hello.version != PVS_PROTO_VERSION)
		return pvs_refuse(log, -EPROTONOSUPPORT, "version %u is not spoken here; %u is",
				  msg->hello.version, PVS_PROTO_VERSION);
	if (n_fds != PVS_N_FDS)
		return pvs_refuse(log, -EINVAL, "%u descriptors came along; %u are needed", n_fds,
				  PVS_N_FDS);
	if (msg->hello.n_vcpus < 1 || msg->hello.n_vcpus > PVS_MAX_VCPUS)
		return pvs_refuse(log, -EINVAL, "%u vCPUs; 1 to %u are taken", msg->hello.n_vcpus,
				  PVS_MAX_VCPUS);
	if (msg->hello.n_vectors < 1 || msg->hello.n_vectors > PVS_MAX_VECTORS)
		return pvs_refuse(log, -EINVAL, "%u vectors; 1 to %u are taken",
				  msg->hello.n_vectors, PVS_MAX_VECTORS);
	return 0;
}

static int check_fds(const struct pvs_msg *msg, const int *fds, struct pvs_log *log)
{
	uint64_t pages = ((uint64_t)msg->hello.n_vcpus + PVS_OPAQUE_PAGES) * PVS_PAGE_STRIDE;
	int ret = check_memfd(fds[PVS_FD_GUEST], PVS_FD_GUEST, pages, log);

	if (ret == 0)
		ret = check_memfd(fds[PVS_FD_HOST], PVS_FD_HOST, pages, log);
	if (ret == 0)
		ret = check_memfd(fds[PVS_FD_SHARED], PVS_FD_SHARED, sizeof(struct pvs_shared),
				  log);
	/* Its size is pvs_mailbox_from_fds()'s to know. */
	if (ret == 0)
		ret = check_memfd(fds[PVS_FD_MAILBOX], PVS_FD_MAILBOX, 1, log);
	if (ret == 0)
		ret = check_eventfd(fds[PVS_FD_MAILBOX_EVENT], PVS_FD_MAILBOX_EVENT, log);
	return ret;
}

static int map(struct pvs_mapping *mapping, int fd, enum pvs_hello_fd what, size_t size,
	       int protection, struct pvs_log *log)
{
	void *memory = mmap(NULL, size, protection, MAP_SHARED | MAP_POPULATE, fd, 0);

	if (memory == MAP_FAILED)
		return pvs_refuse(log, -errno, "%s: cannot be mapped: %s", fd_names[what],
				  strerror(errno));
	mapping->memory = memory;
	mapping->size = size;
	return 0;
}

static int map_all(struct pvs_session *session, const int *fds, struct pvs_log *log)
{
	size_t pages = ((size_t)session->n_vcpus + PVS_OPAQUE_PAGES) * PVS_PAGE_STRIDE;
	int ret = map(&session->guest, fds[PVS_FD_GUEST], PVS_FD_GUEST, pages, PROT_READ, log);

	if (ret == 0)
		ret = map(&session->host, fds[PVS_FD_HOST], PVS_FD_HOST, pages,
			  PROT_READ | PROT_WRITE, log);
	if (ret == 0)
		ret = map(&session->shared, fds[PVS_FD_SHARED], PVS_FD_SHARED,
			  sizeof(struct pvs_shared), PROT_READ | PROT_WRITE, log);
	return ret;
}

/* ---- What the VM asks of its front end, in the loop's thread --------------------------------- */

/* A page of another process's: that one tracks what is dirty (docs/pvsched/manager.md). */
static void vm_host_dirty(void *opaque, size_t offset, size_t size)
{
}

/* Never waits: the bits are in memory, and a client whose socket is full has a message to read. */
static void vm_notify(void *opaque, uint32_t vector)
{
	struct pvs_session *session = opaque;
	struct pvs_shared *shared = session->shared.memory;
	struct pvs_msg msg;
	uint64_t bit = 1ull << (vector % 64);

	if (vector >= PVS_MAX_VECTORS)
		return;
	if (__atomic_fetch_or(&shared->notify[vector / 64], bit, __ATOMIC_SEQ_CST) & bit)
		return;
	pvs_msg_send(session->sock, &msg, PVS_MSG_NOTIFY, NULL, 0);
}

static const struct pvs_vm_ops vm_ops = {
	.host_dirty = vm_host_dirty,
	.notify = vm_notify,
};

/* ---- The VM ---------------------------------------------------------------------------------- */

/* Who comes again, or twice, has no second budget. False: it is the first time. */
static bool had_budget(struct pvs_server *server, pid_t pid)
{
	const uint64_t start = pvs_thread_start(pid);

	for (unsigned i = 0; i < PVS_MANAGER_CLIENTS; i++)
		if (server->past[i].pid == pid && server->past[i].start == start)
			return true;
	server->past[server->n_past++ % PVS_MANAGER_CLIENTS] = (struct pvs_past){pid, start};
	return false;
}

static int make_vm(struct pvs_session *session, const struct pvs_msg *msg, struct pvs_vm **vm,
		   struct pvs_log *log)
{
	const struct pvs_server_config *server = &session->server->config;
	struct pvs_vm_config config = {
		.name = session->name,
		.index = session->slot,
		.n_vcpus = session->n_vcpus,
		.n_vectors = session->n_vectors,
		.guest = session->guest.memory,
		.host = session->host.memory,
		.sources = pvs_server_sources(session->server, msg->hello.sources),
		.ops = &vm_ops,
		.opaque = session,
		.actuator = server->actuator,
		.pool = server->pool,
	};
	struct pvs_limits asked;

	pvs_limits_unpack(&msg->hello.limits, &asked);
	pvs_limits_clamp(&asked, &server->limits, session->n_vcpus, &config.limits);
	if (!config.limits.ceiling)
		return pvs_refuse(log, -EPERM,
				  "limits: of the actuators asked for (PVS_ACT_* 0x%x) the manager "
				  "gives none; it gives 0x%x",
				  asked.ceiling, server->limits.ceiling);
	if (had_budget(session->server, session->pid))
		config.spent_at = pvs_clock_ns();
	return pvs_vm_create(&config, vm, log);
}

struct start {
	struct pvs_session *session;
	struct pvs_vm *vm;
	struct pvs_log *log;
	uint64_t now;
	int ret;
};

static void start_in_loop(void *opaque)
{
	struct start *start = opaque;
	struct pvs_session *session = start->session;
	struct pvs_server *server = session->server;

	start->ret = pvs_loop_add(server->loop, start->vm, session->mailbox, start->log);
	if (start->ret < 0)
		return;
	session->vm = start->vm;
	if (server->record || server->config.record)
		pvs_vm_set_record(session->vm,
				  server->record ? server->record : server->config.record);
	pvs_vm_set_policy(session->vm, server->policy, false, start->now);
	__atomic_store_n(&((struct pvs_shared *)session->shared.memory)->alive_ns, start->now,
			 __ATOMIC_RELEASE);
}

/* What was noted of means that are not there is not why. */
static int refuse_stuck(struct pvs_log *log)
{
	if (log)
		log->len = 0;
	return pvs_refuse(log, -ETIMEDOUT,
			  "the scheduling thread does not answer; connect again when it does");
}

static int start_vm(struct pvs_session *session, const struct pvs_msg *msg, const int *fds,
		    struct pvs_log *log)
{
	struct start start = {.session = session, .log = log, .now = pvs_clock_ns()};
	int ret = map_all(session, fds, log);

	if (ret < 0)
		return ret;
	ret = pvs_mailbox_from_fds(fds[PVS_FD_MAILBOX], fds[PVS_FD_MAILBOX_EVENT], session->n_vcpus,
				   &session->mailbox);
	if (ret < 0)
		return pvs_refuse(log, ret, "mailbox: %s; one of pvs_mailbox_create() is taken",
				  strerror(-ret));
	ret = make_vm(session, msg, &start.vm, log);
	if (ret < 0)
		return ret;
	/* Nobody else is served meanwhile. */
	if (!pvs_server_call(session->server, start_in_loop, &start))
		start.ret = refuse_stuck(log);
	if (start.ret < 0)
		pvs_vm_destroy(start.vm);
	return start.ret;
}

/* A name is for logs: printable, and not empty. */
static void take_name(struct pvs_session *session, const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(session->name) - 1 && name[i]; i++)
		session->name[i] = name[i] > ' ' && name[i] < 0x7f ? name[i] : '_';
	session->name[i] = '\0';
	if (i == 0)
		snprintf(session->name, sizeof(session->name), "pid-%d", (int)session->pid);
}

int pvs_session_hello(struct pvs_session *session, const struct pvs_msg *msg, const int *fds,
		      unsigned n_fds, struct pvs_log *log)
{
	int ret = check_numbers(msg, n_fds, log);

	if (ret == 0)
		ret = check_fds(msg, fds, log);
	if (ret == 0) {
		take_name(session, msg->hello.name);
		session->n_vcpus = msg->hello.n_vcpus;
		session->n_vectors = msg->hello.n_vectors;
		ret = start_vm(session, msg, fds, log);
	}
	/* Mappings and the mailbox's own copies stay. */
	for (unsigned i = 0; i < n_fds; i++)
		close(fds[i]);
	return ret;
}
