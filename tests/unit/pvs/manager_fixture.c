/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A manager and front ends, each a process of its own. */
#include "manager_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <cmocka.h>

#include "process_double.h"

#define BOOSTED_NICE (-20)

static void *shared_memory(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(at, MAP_FAILED);
	return at;
}

/* ---- The manager ----------------------------------------------------------------------------- */

struct manager *manager_new(void)
{
	struct manager *manager = shared_memory(sizeof(*manager));

	strcpy(manager->directory, "/tmp/pvs-manager-XXXXXX");
	assert_non_null(mkdtemp(manager->directory));
	snprintf(manager->path, sizeof(manager->path), "%s/sock", manager->directory);
	return manager;
}

static struct pvs_actuator actuator; /* of a manager's process */

static void beat(void *opaque)
{
	pvs_actuator_linux_beat(&actuator);
}

static int run_manager(struct manager *manager, int ready, struct pvs_log *log)
{
	const struct pvs_tunable tunables[] = {{"fifo", 0}, {"service", 0}};
	const struct pvs_policy_options policy = {
		.host = manager->policy_host, .tunables = tunables, .n_tunables = 2};
	const struct pvs_linux_options options = {.guard = true,
						  .watchdog_ns = manager->watchdog_ns};
	struct pvs_server_config config = {.path = manager->path,
					   .limits = manager->limits,
					   .record_limit = manager->record_limit,
					   .beat = beat};
	struct pvs_server *server;
	int ret;

	ret = pvs_policy_open("boost", &policy, &config.policy, log);
	if (ret == 0)
		ret = pvs_actuator_linux(&options, &actuator, log);
	config.actuator = actuator;
	if (ret == 0 &&
	    !(config.actuator.ops->probe(config.actuator.opaque, PVS_ACT_NICE_DOWN, log) &
	      PVS_ACT_NICE_DOWN))
		ret = -EPERM;
	if (ret == 0 && manager->switches)
		ret = pvs_switches_open(&config.switches, log);
	if (ret == 0 && manager->pool_budget_ns)
		config.pool = pvs_pool_create(manager->pool_boosted, manager->pool_budget_ns,
					      manager->pool_refill_ppm);
	if (ret == 0)
		ret = pvs_server_create(&config, &server, log);
	if (ret < 0)
		return ret;
	process_ready(ready);
	return pvs_server_run(server);
}

static void manager_process(void *opaque, int ready)
{
	struct manager *manager = opaque;
	struct pvs_log log = {.buf = manager->text, .size = sizeof(manager->text)};

	manager->error = run_manager(manager, ready, &log);
	if (manager->error < 0)
		process_ready(ready);
	_exit(0);
}

void manager_signal(struct manager *manager, int number)
{
	assert_int_equal(kill(manager->pid, number), 0);
}

void manager_kill(struct manager *manager)
{
	process_kill(manager->pid);
	manager->pid = 0;
}

void manager_free(struct manager *manager)
{
	if (manager->pid)
		manager_kill(manager);
	unlink(manager->path);
	rmdir(manager->directory);
	munmap(manager, sizeof(*manager));
}

bool manager_try(struct manager *manager)
{
	manager->pid = process_start(manager_process, manager);
	if (manager->error == 0)
		return true;
	print_message("no manager here: %s\n", manager->text);
	waitpid(manager->pid, NULL, 0);
	manager->pid = 0;
	assert_true(manager->error == -ENOENT || manager->error == -EPERM);
	manager_free(manager);
	return false;
}

void manager_start(struct manager *manager)
{
	if (!manager_try(manager))
		skip();
}

void manager_ask(struct manager *manager, const char *command, char **reply)
{
	char text[256] = "";
	struct pvs_log log = {.buf = text, .size = sizeof(text)};
	int ret = pvs_manager_ask(manager->path, command, reply, &log);

	assert_string_equal(text, "");
	assert_int_equal(ret, 0);
}

bool manager_says(struct manager *manager, const char *text)
{
	char *reply;
	bool says;

	manager_ask(manager, "{\"command\":\"status\"}", &reply);
	says = strstr(reply, text);
	free(reply);
	return says;
}

struct awaited {
	struct manager *manager;
	const char *text;
};

static bool says_awaited(void *opaque)
{
	const struct awaited *awaited = opaque;

	return manager_says(awaited->manager, awaited->text);
}

bool manager_comes_to_say(struct manager *manager, const char *text)
{
	return wait_for(says_awaited, &(struct awaited){manager, text});
}

static pid_t loop_thread(const struct manager *manager)
{
	char path[64], name[32];
	struct dirent *entry;
	pid_t tid = 0;
	FILE *comm;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)manager->pid);
	tasks = opendir(path);
	assert_non_null(tasks);
	while (!tid && (entry = readdir(tasks))) {
		snprintf(path, sizeof(path), "/proc/%d/task/%.16s/comm", (int)manager->pid,
			 entry->d_name);
		comm = fopen(path, "re");
		if (comm && fgets(name, sizeof(name), comm) && !strcmp(name, "pvs-manager\n"))
			tid = atoi(entry->d_name);
		if (comm)
			fclose(comm);
	}
	closedir(tasks);
	assert_true(tid > 0);
	return tid;
}

void manager_hold_loop(struct manager *manager)
{
	manager->held = loop_thread(manager);
	if (ptrace(PTRACE_SEIZE, manager->held, 0, 0) ||
	    ptrace(PTRACE_INTERRUPT, manager->held, 0, 0))
		skip();
	assert_int_equal(waitpid(manager->held, NULL, __WALL), manager->held);
}

void manager_release_loop(struct manager *manager)
{
	assert_int_equal(ptrace(PTRACE_DETACH, manager->held, 0, 0), 0);
}

/* ---- A front end ----------------------------------------------------------------------------- */

static void count(uint32_t *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
}

static void on_connected(void *opaque, const char *policy, uint32_t sources, uint32_t actuators)
{
	struct front_end_shared *shared = opaque;

	snprintf(shared->policy, sizeof(shared->policy), "%s", policy);
	shared->sources = sources;
	shared->actuators = actuators;
	count(&shared->connected);
}

static void on_lost(void *opaque)
{
	count(&((struct front_end_shared *)opaque)->lost);
}

static void on_notify(void *opaque, uint32_t vector)
{
	count(&((struct front_end_shared *)opaque)->notified);
}

static void on_policy(void *opaque, const char *name, uint32_t version)
{
	struct front_end_shared *shared = opaque;

	snprintf(shared->policy, sizeof(shared->policy), "%s", name);
	count(&shared->policies);
}

static void on_warning(void *opaque, const char *text)
{
	struct front_end_shared *shared = opaque;

	snprintf(shared->warning, sizeof(shared->warning), "%s", text);
}

static void *vcpu_thread(void *opaque)
{
	struct front_end_shared *shared = opaque;

	__atomic_store_n(&shared->tid, (pid_t)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	while (true)
		if (!__atomic_load_n(&shared->spin, __ATOMIC_RELAXED))
			poll(NULL, 0, 1);
	return NULL;
}

static void front_end_process(void *opaque, int ready)
{
	const struct front_end *front_end = opaque;
	struct front_end_shared *shared = front_end->shared;
	struct pvs_client_config config = {
		.path = front_end->manager->path,
		.name = front_end->name,
		.n_vcpus = 1,
		.n_vectors = 2,
		.guest_fd = front_end->guest_fd,
		.host_fd = front_end->host_fd,
		.limits = front_end->limits,
		.connected = on_connected,
		.lost = on_lost,
		.notify = on_notify,
		.policy = on_policy,
		.warning = on_warning,
		.opaque = shared,
	};
	struct pvs_log log = {.buf = shared->text, .size = sizeof(shared->text)};
	struct pvs_client *client;
	pthread_t thread;

	if (pvs_mailbox_create(1, &config.mailbox) ||
	    pthread_create(&thread, NULL, vcpu_thread, shared))
		_exit(1);
	while (!__atomic_load_n(&shared->tid, __ATOMIC_SEQ_CST))
		poll(NULL, 0, 1);
	shared->error = pvs_client_create(&config, &client, &log);
	if (shared->error == 0) {
		pvs_client_vcpu_add(client, 0, shared->tid);
		pvs_client_negotiated(client, PVS_F_INTENT | PVS_F_STATE);
	}
	process_ready(ready);
	while (true)
		pause();
}

static void *page_memory(int *fd)
{
	void *at;

	*fd = memfd_create("pages", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_true(*fd >= 0);
	assert_int_equal(ftruncate(*fd, PAGES_SIZE), 0);
	at = mmap(NULL, PAGES_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	assert_ptr_not_equal(at, MAP_FAILED);
	return at;
}

struct front_end *front_end_start(struct manager *manager, const char *name,
				  const struct pvs_limits *limits)
{
	struct front_end *front_end = calloc(1, sizeof(*front_end));

	assert_non_null(front_end);
	front_end->manager = manager;
	snprintf(front_end->name, sizeof(front_end->name), "%s", name);
	if (limits)
		front_end->limits = *limits;
	front_end->guest = page_memory(&front_end->guest_fd);
	front_end->host = page_memory(&front_end->host_fd);
	front_end->shared = shared_memory(sizeof(*front_end->shared));
	front_end->pid = process_start(front_end_process, front_end);
	front_end->vcpu = front_end->shared->tid;
	/* What a thread of a process begins with; by now it may be boosted already. */
	assert_int_equal(pvs_sys_getattr(front_end->pid, &front_end->baseline), 0);
	return front_end;
}

void front_end_kill(struct front_end *front_end)
{
	process_kill(front_end->pid);
	munmap(front_end->guest, PAGES_SIZE);
	munmap(front_end->host, PAGES_SIZE);
	munmap(front_end->shared, sizeof(*front_end->shared));
	close(front_end->guest_fd);
	close(front_end->host_fd);
	free(front_end);
}

void front_end_ask(struct front_end *front_end, bool boost)
{
	pvs_guest_set_intent(front_end->guest, boost ? PVS_CLASS_RT : PVS_CLASS_NORMAL, 0,
			     boost ? 1 : 0, 0);
}

static bool is_boosted(void *opaque)
{
	const struct front_end *front_end = opaque;
	struct pvs_sched_attr attr;

	return pvs_sys_getattr(front_end->vcpu, &attr) >= 0 && attr.nice == BOOSTED_NICE;
}

bool front_end_boosted(struct front_end *front_end)
{
	return wait_for(is_boosted, front_end);
}

static bool is_baseline(void *opaque)
{
	const struct front_end *front_end = opaque;
	struct pvs_sched_attr attr;

	return pvs_sys_getattr(front_end->vcpu, &attr) >= 0 &&
	       memcmp(&attr, &front_end->baseline, sizeof(attr)) == 0;
}

bool front_end_baseline(struct front_end *front_end)
{
	return wait_for(is_baseline, front_end);
}

struct rejection {
	const struct front_end *front_end;
	uint32_t reject;
};

static bool is_rejected(void *opaque)
{
	const struct rejection *rejection = opaque;

	return __atomic_load_n(&rejection->front_end->host->reject, __ATOMIC_RELAXED) ==
	       rejection->reject;
}

bool front_end_rejected(struct front_end *front_end, enum pvs_reject reject)
{
	struct rejection rejection = {.front_end = front_end, .reject = reject};

	return wait_for(is_rejected, &rejection);
}
