/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The guarded process's side of the crash guard. */
#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"

#define READY_MS 10000
#define PATH     512

#ifndef PVS_GUARD_LIBEXEC
#define PVS_GUARD_LIBEXEC "/usr/local/libexec/sluice-pvs-guard"
#endif
#ifndef PVS_GUARD_BUILD /* where it was built, for who did not install it */
#define PVS_GUARD_BUILD PVS_GUARD_LIBEXEC
#endif

struct pvs_guard {
	struct pvs_guard_table *table;
	int sock;
	bool used[PVS_GUARD_SLOTS];
};

static bool beside_program(char *path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", path, size - 1);
	char *slash;

	if (n <= 0)
		return false;
	path[n] = '\0';
	slash = strrchr(path, '/');
	return slash && snprintf(slash, size - (size_t)(slash - path), "/sluice-pvs-guard") <
				(int)(size - (size_t)(slash - path));
}

static int find_program(char *path, size_t size, struct pvs_log *log)
{
	const char *env = secure_getenv("SLUICE_PVS_GUARD");

	if (env) {
		if (snprintf(path, size, "%s", env) < (int)size && access(path, X_OK) == 0)
			return 0;
		return pvs_refuse(log, -ENOENT, "crash guard: $SLUICE_PVS_GUARD, %s: %s", env,
				  strerror(errno));
	}
	if (beside_program(path, size) && access(path, X_OK) == 0)
		return 0;
	snprintf(path, size, "%s", PVS_GUARD_LIBEXEC);
	if (access(path, X_OK) == 0)
		return 0;
	snprintf(path, size, "%s", PVS_GUARD_BUILD);
	if (access(path, X_OK) == 0)
		return 0;
	return pvs_refuse(log, -ENOENT,
			  "crash guard: no sluice-pvs-guard beside this program nor at %s; set "
			  "SLUICE_PVS_GUARD to its path",
			  PVS_GUARD_LIBEXEC);
}

/* Descriptors high enough that giving the program its numbers overwrites none of them. */
static int move_high(int *fd)
{
	int high = fcntl(*fd, F_DUPFD_CLOEXEC, PVS_GUARD_SOCK_FD + 1);

	if (high < 0)
		return -errno;
	close(*fd);
	*fd = high;
	return 0;
}

static int spawn(const char *path, int table, int sock, pid_t *pid)
{
	char parent[16], *argv[] = {(char[]){"sluice-pvs-guard"}, parent, NULL}, *env[] = {NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int ret;

	snprintf(parent, sizeof(parent), "%d", (int)getpid());
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, table, PVS_GUARD_TABLE_FD);
	posix_spawn_file_actions_adddup2(&actions, sock, PVS_GUARD_SOCK_FD);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
						POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	ret = -posix_spawn(pid, path, &actions, &attr, argv, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return ret;
}

/* It says one byte when it watches us. */
static int wait_ready(int sock)
{
	struct pollfd poll_fd = {.fd = sock, .events = POLLIN};
	char byte;
	int ret;

	do
		ret = poll(&poll_fd, 1, READY_MS);
	while (ret < 0 && errno == EINTR);
	if (ret <= 0)
		return ret < 0 ? -errno : -ETIMEDOUT;
	return read(sock, &byte, 1) == 1 ? 0 : -EPIPE;
}

static int start_program(int table, int socks[2], struct pvs_log *log)
{
	char path[PATH];
	pid_t pid;
	int ret;

	ret = find_program(path, sizeof(path), log);
	if (ret < 0)
		return ret;
	ret = spawn(path, table, socks[1], &pid);
	close(socks[1]);
	socks[1] = -1;
	if (ret < 0)
		return pvs_refuse(
			log, ret, "crash guard: cannot start %s: %s%s", path, strerror(-ret),
			ret == -EPERM ? "; QEMU's -sandbox needs spawn=allow for it" : "");
	/* What we started only starts the guard and ends. */
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	ret = wait_ready(socks[0]);
	if (ret < 0)
		return pvs_refuse(log, ret, "crash guard: %s did not become ready: %s", path,
				  strerror(-ret));
	return 0;
}

void pvs_guard_beat(struct pvs_guard *guard)
{
	__atomic_store_n(&guard->table->beat_ns, pvs_clock_ns(), __ATOMIC_RELEASE);
}

uint32_t pvs_guard_tripped(const struct pvs_guard *guard)
{
	return __atomic_load_n(&guard->table->tripped, __ATOMIC_ACQUIRE);
}

static int make_table(struct pvs_guard *guard, uint64_t watchdog_ns, int *table)
{
	*table = memfd_create("pvs-guard", MFD_CLOEXEC);
	if (*table < 0 || ftruncate(*table, sizeof(*guard->table)) < 0 || move_high(table) < 0)
		return -errno;
	guard->table =
		mmap(NULL, sizeof(*guard->table), PROT_READ | PROT_WRITE, MAP_SHARED, *table, 0);
	if (guard->table == MAP_FAILED) {
		guard->table = NULL;
		return -errno;
	}
	guard->table->magic = PVS_GUARD_MAGIC;
	guard->table->watchdog_ns = watchdog_ns;
	pvs_guard_beat(guard);
	return 0;
}

static int start(struct pvs_guard *guard, uint64_t watchdog_ns, int *table, int socks[2],
		 struct pvs_log *log)
{
	int ret = make_table(guard, watchdog_ns, table);

	if (ret == 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks) < 0)
		ret = -errno;
	if (ret == 0)
		ret = move_high(&socks[1]);
	if (ret < 0)
		return pvs_refuse(log, ret, "crash guard: no memory or descriptors: %s",
				  strerror(-ret));
	return start_program(*table, socks, log);
}

int pvs_guard_start(struct pvs_guard **out, uint64_t watchdog_ns, struct pvs_log *log)
{
	struct pvs_guard *guard = calloc(1, sizeof(*guard));
	int table = -1, socks[2] = {-1, -1}, ret;

	if (!guard)
		return -ENOMEM;
	ret = start(guard, watchdog_ns, &table, socks, log);
	if (table >= 0)
		close(table);
	if (socks[1] >= 0)
		close(socks[1]);
	guard->sock = socks[0];
	if (ret < 0) {
		pvs_guard_stop(guard);
		return ret;
	}
	*out = guard;
	return 0;
}

struct pvs_baseline *pvs_guard_take(struct pvs_guard *guard)
{
	for (uint32_t i = 0; i < PVS_GUARD_SLOTS; i++) {
		if (guard->used[i])
			continue;
		guard->used[i] = true;
		if (i >= guard->table->n)
			__atomic_store_n(&guard->table->n, i + 1, __ATOMIC_RELEASE);
		return &guard->table->slots[i];
	}
	return NULL;
}

void pvs_guard_give(struct pvs_guard *guard, struct pvs_baseline *slot)
{
	__atomic_store_n(&slot->tid, 0, __ATOMIC_RELEASE);
	guard->used[slot - guard->table->slots] = false;
}

bool pvs_guard_alive(const struct pvs_guard *guard)
{
	struct pollfd poll_fd = {.fd = guard->sock, .events = POLLIN};

	return poll(&poll_fd, 1, 0) == 0;
}

void pvs_guard_stop(struct pvs_guard *guard)
{
	if (guard->sock >= 0)
		close(guard->sock);
	if (guard->table)
		munmap(guard->table, sizeof(*guard->table));
	free(guard);
}
