/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The manager's client in a front end. What the manager has to know is kept here too, so that it
 * can be told again: a thread of the client's connects, tells, listens, and connects again.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "manager/proto.h"

#define RETRY_MS    1000
#define ANSWER_MS   5000 /* for WELCOME: a policy may be loading */
#define LOOK_MS     500  /* how often the manager's clock is looked at */
#define SILENCE_NS  5000000000ull
#define MAX_SERVICE 16

struct pvs_client {
	struct pvs_client_config config;
	char *path;
	char name[PVS_NAME_LEN];
	int stop, shared_fd;
	struct pvs_shared *shared;
	pthread_t thread;
	struct pvs_msg welcome; /* of the last connection */

	pthread_mutex_t lock; /* of what follows */
	int sock;             /* -1: not connected */
	uint64_t features;
	int64_t clock_offset;
	bool has_offset;
	pid_t services[MAX_SERVICE];
	unsigned n_services;
	pid_t tids[]; /* of vCPUs, 0: none */
};

/* ---- What is told, with the lock held -------------------------------------------------------- */

/* A manager that does not take what it is told is lost; the thread finds out. */
static void tell(struct pvs_client *client, struct pvs_msg *msg, enum pvs_msg_type type)
{
	if (client->sock >= 0 && pvs_msg_send(client->sock, msg, type, NULL, 0) < 0)
		shutdown(client->sock, SHUT_RDWR);
}

static void tell_vcpu(struct pvs_client *client, uint32_t vcpu, enum pvs_msg_type type)
{
	struct pvs_msg msg = {.vcpu = {.vcpu = vcpu, .tid = client->tids[vcpu]}};

	tell(client, &msg, type);
}

static void tell_service(struct pvs_client *client, pid_t tid)
{
	struct pvs_msg msg = {.vcpu.tid = tid};

	tell(client, &msg, PVS_MSG_SERVICE_ADD);
}

static void tell_features(struct pvs_client *client)
{
	struct pvs_msg msg = {.features = client->features};

	tell(client, &msg, PVS_MSG_NEGOTIATED);
}

static void tell_clock(struct pvs_client *client)
{
	struct pvs_msg msg = {.clock_offset = client->clock_offset};

	tell(client, &msg, PVS_MSG_CLOCK);
}

/* A new manager knows nothing. */
static void tell_all(struct pvs_client *client)
{
	for (uint32_t i = 0; i < client->config.n_vcpus; i++)
		if (client->tids[i])
			tell_vcpu(client, i, PVS_MSG_VCPU_ADD);
	for (unsigned i = 0; i < client->n_services; i++)
		tell_service(client, client->services[i]);
	if (client->has_offset)
		tell_clock(client);
	if (client->features)
		tell_features(client);
}

/* ---- A connection ---------------------------------------------------------------------------- */

static int say_hello(struct pvs_client *client, int sock)
{
	const struct pvs_client_config *config = &client->config;
	struct pvs_msg msg = {0};
	int fds[PVS_N_FDS] = {
		[PVS_FD_GUEST] = config->guest_fd,
		[PVS_FD_HOST] = config->host_fd,
		[PVS_FD_MAILBOX] = pvs_mailbox_memfd(config->mailbox),
		[PVS_FD_MAILBOX_EVENT] = pvs_mailbox_eventfd(config->mailbox),
		[PVS_FD_SHARED] = client->shared_fd,
	};

	msg.hello.version = PVS_PROTO_VERSION;
	msg.hello.n_vcpus = config->n_vcpus;
	msg.hello.n_vectors = config->n_vectors;
	msg.hello.sources = config->sources;
	memcpy(msg.hello.name, client->name, sizeof(msg.hello.name));
	pvs_limits_pack(&config->limits, &msg.hello.limits);
	return pvs_msg_send(sock, &msg, PVS_MSG_HELLO, fds, PVS_N_FDS);
}

/* Wait until @sock says something or the client ends. False: the latter, or nothing in time. */
static bool wait_for(struct pvs_client *client, int sock, int timeout)
{
	struct pollfd fds[2] = {
		{.fd = client->stop, .events = POLLIN},
		{.fd = sock, .events = POLLIN},
	};
	int ret;

	do
		ret = poll(fds, sock >= 0 ? 2 : 1, timeout);
	while (ret < 0 && errno == EINTR);
	return ret > 0 && !fds[0].revents;
}

static bool is_stopping(struct pvs_client *client)
{
	struct pollfd fd = {.fd = client->stop, .events = POLLIN};

	return poll(&fd, 1, 0) > 0;
}

static int wait_welcome(struct pvs_client *client, int sock, struct pvs_log *log)
{
	struct pvs_msg msg;
	int ret = wait_for(client, sock, ANSWER_MS) ? pvs_msg_receive(sock, &msg, NULL, NULL)
						    : -ETIMEDOUT;

	if (ret <= 0)
		return pvs_refuse(log, ret ? ret : -EPIPE, "manager %s: no answer: %s",
				  client->path, strerror(ret ? -ret : EPIPE));
	if (msg.head.type == PVS_MSG_REFUSED) {
		pvs_msg_terminate(msg.refused.text, sizeof(msg.refused.text));
		return pvs_refuse(log, msg.refused.error < 0 ? msg.refused.error : -EPROTO,
				  "manager %s: refused: %s", client->path, msg.refused.text);
	}
	if (msg.head.type != PVS_MSG_WELCOME)
		return pvs_refuse(log, -EPROTO, "manager %s: no answer to HELLO but 0x%x",
				  client->path, msg.head.type);
	pvs_msg_terminate(msg.welcome.policy, sizeof(msg.welcome.policy));
	client->welcome = msg;
	return 0;
}

static int connect_once(struct pvs_client *client, struct pvs_log *log)
{
	int sock = pvs_manager_connect(client->path), ret;

	if (sock < 0)
		return pvs_refuse(log, sock, "manager %s: %s; is sluice-pvsd running?",
				  client->path, strerror(-sock));
	ret = say_hello(client, sock);
	if (ret < 0)
		pvs_refuse(log, ret, "manager %s: %s", client->path, strerror(-ret));
	else
		ret = wait_welcome(client, sock, log);
	if (ret < 0) {
		close(sock);
		return ret;
	}
	__atomic_store_n(&client->shared->alive_ns, pvs_clock_ns(), __ATOMIC_RELEASE);
	pthread_mutex_lock(&client->lock);
	client->sock = sock;
	tell_all(client);
	pthread_mutex_unlock(&client->lock);
	return 0;
}

static void disconnect(struct pvs_client *client)
{
	pthread_mutex_lock(&client->lock);
	close(client->sock);
	client->sock = -1;
	pthread_mutex_unlock(&client->lock);
}

/* ---- What the manager says ------------------------------------------------------------------- */

static void raise_vectors(struct pvs_client *client)
{
	for (unsigned i = 0; i < 2; i++) {
		uint64_t bits =
			__atomic_exchange_n(&client->shared->notify[i], 0, __ATOMIC_SEQ_CST);

		for (; bits; bits &= bits - 1) {
			uint32_t vector = i * 64 + (uint32_t)__builtin_ctzll(bits);

			if (vector < client->config.n_vectors && client->config.notify)
				client->config.notify(client->config.opaque, vector);
		}
	}
}

static void heard(struct pvs_client *client, struct pvs_msg *msg)
{
	const struct pvs_client_config *config = &client->config;

	if (msg->head.type == PVS_MSG_POLICY && config->policy) {
		pvs_msg_terminate(msg->policy.name, sizeof(msg->policy.name));
		config->policy(config->opaque, msg->policy.name, msg->policy.version);
	} else if (msg->head.type == PVS_MSG_WARNING && config->warning) {
		pvs_msg_terminate(msg->refused.text, sizeof(msg->refused.text));
		config->warning(config->opaque, msg->refused.text);
	}
}

/* It is there, but its loop does not run (stopped, or stuck). */
static bool is_silent(struct pvs_client *client)
{
	uint64_t limit = client->config.limits.watchdog_ns;
	uint64_t alive = __atomic_load_n(&client->shared->alive_ns, __ATOMIC_ACQUIRE);
	uint64_t now = pvs_clock_ns();

	return now > alive && now - alive > (limit > SILENCE_NS ? limit : SILENCE_NS);
}

static void listen_to(struct pvs_client *client)
{
	struct pvs_msg msg;
	int ret = 1;

	while (ret > 0 || ret == -EAGAIN) {
		wait_for(client, client->sock, LOOK_MS);
		if (is_stopping(client) || is_silent(client))
			return;
		/* Whatever it says: there may be vectors to raise. */
		raise_vectors(client);
		ret = pvs_msg_receive(client->sock, &msg, NULL, NULL);
		if (ret > 0)
			heard(client, &msg);
	}
}

static void *client_thread(void *opaque)
{
	struct pvs_client *client = opaque;
	const struct pvs_client_config *config = &client->config;

	/* The first connection was made by pvs_client_create(). */
	do {
		if (client->sock < 0 && connect_once(client, NULL) < 0)
			continue;
		if (config->connected)
			config->connected(config->opaque, client->welcome.welcome.policy,
					  client->welcome.welcome.sources,
					  client->welcome.welcome.actuators);
		listen_to(client);
		disconnect(client);
		if (config->lost && !is_stopping(client))
			config->lost(config->opaque);
	} while (!is_stopping(client) && (wait_for(client, -1, RETRY_MS), !is_stopping(client)));
	return NULL;
}

/* ---- Its life -------------------------------------------------------------------------------- */

static int make_shared(struct pvs_client *client)
{
	client->shared_fd = memfd_create("pvs-shared", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (client->shared_fd < 0 || ftruncate(client->shared_fd, sizeof(*client->shared)) < 0 ||
	    fcntl(client->shared_fd, F_ADD_SEALS, F_SEAL_SHRINK) < 0)
		return -errno;
	client->shared = mmap(NULL, sizeof(*client->shared), PROT_READ | PROT_WRITE, MAP_SHARED,
			      client->shared_fd, 0);
	if (client->shared == MAP_FAILED) {
		client->shared = NULL;
		return -errno;
	}
	client->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return client->stop < 0 ? -errno : 0;
}

/* The manager maps no memory that could vanish. One that cannot be sealed it refuses, and says so.
 */
static void seal(int fd)
{
	fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK);
}

static void client_free(struct pvs_client *client)
{
	if (client->sock >= 0)
		close(client->sock);
	if (client->shared)
		munmap(client->shared, sizeof(*client->shared));
	if (client->shared_fd >= 0)
		close(client->shared_fd);
	if (client->stop >= 0)
		close(client->stop);
	pthread_mutex_destroy(&client->lock);
	free(client->path);
	free(client);
}

static int start(struct pvs_client *client, struct pvs_log *log)
{
	int ret = make_shared(client);

	if (ret < 0)
		return pvs_refuse(log, ret, "manager %s: no memory to share with it: %s",
				  client->path, strerror(-ret));
	seal(client->config.guest_fd);
	seal(client->config.host_fd);
	ret = connect_once(client, log);
	if (ret < 0)
		return ret;
	ret = -pthread_create(&client->thread, NULL, client_thread, client);
	return ret < 0 ? pvs_refuse(log, ret, "manager: no thread: %s", strerror(-ret)) : 0;
}

int pvs_client_create(const struct pvs_client_config *config, struct pvs_client **out,
		      struct pvs_log *log)
{
	struct pvs_client *client;
	int ret;

	if (config->n_vcpus < 1 || config->n_vcpus > PVS_MAX_VCPUS)
		return pvs_refuse(log, -EINVAL, "manager: %u vCPUs; 1 to %u are taken",
				  config->n_vcpus, PVS_MAX_VCPUS);
	client = calloc(1, sizeof(*client) + config->n_vcpus * sizeof(*client->tids));
	if (!client)
		return -ENOMEM;
	client->config = *config;
	client->path = strdup(config->path);
	if (config->name)
		memcpy(client->name, config->name, strnlen(config->name, PVS_NAME_LEN - 1));
	client->sock = client->stop = client->shared_fd = -1;
	pthread_mutex_init(&client->lock, NULL);
	ret = client->path ? start(client, log) : -ENOMEM;
	if (ret < 0) {
		client_free(client);
		return ret;
	}
	*out = client;
	return 0;
}

void pvs_client_destroy(struct pvs_client *client)
{
	uint64_t one = 1;

	if (write(client->stop, &one, sizeof(one)) < 0)
		abort(); /* an eventfd of ours that is never read does not fill up */
	pthread_join(client->thread, NULL);
	client_free(client);
}

/* ---- What the front end tells ---------------------------------------------------------------- */

int pvs_client_vcpu_add(struct pvs_client *client, uint32_t vcpu, pid_t tid)
{
	int ret = 0;

	if (vcpu >= client->config.n_vcpus || tid < 0)
		return -EINVAL;
	pthread_mutex_lock(&client->lock);
	if (client->tids[vcpu])
		ret = -EBUSY;
	else
		client->tids[vcpu] = tid;
	if (ret == 0)
		tell_vcpu(client, vcpu, PVS_MSG_VCPU_ADD);
	pthread_mutex_unlock(&client->lock);
	return ret;
}

void pvs_client_vcpu_remove(struct pvs_client *client, uint32_t vcpu)
{
	if (vcpu >= client->config.n_vcpus)
		return;
	pthread_mutex_lock(&client->lock);
	client->tids[vcpu] = 0;
	tell_vcpu(client, vcpu, PVS_MSG_VCPU_REMOVE);
	pthread_mutex_unlock(&client->lock);
}

int pvs_client_service_add(struct pvs_client *client, pid_t tid)
{
	int ret = 0;

	pthread_mutex_lock(&client->lock);
	if (client->n_services == MAX_SERVICE)
		ret = -ENOSPC;
	else
		client->services[client->n_services++] = tid;
	if (ret == 0)
		tell_service(client, tid);
	pthread_mutex_unlock(&client->lock);
	return ret;
}

void pvs_client_negotiated(struct pvs_client *client, uint64_t features)
{
	pthread_mutex_lock(&client->lock);
	client->features = features;
	tell_features(client);
	pthread_mutex_unlock(&client->lock);
}

void pvs_client_set_clock_offset(struct pvs_client *client, int64_t offset_ns)
{
	pthread_mutex_lock(&client->lock);
	client->clock_offset = offset_ns;
	client->has_offset = true;
	tell_clock(client);
	pthread_mutex_unlock(&client->lock);
}
