/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * sluice-pvs-guard PID: wait for the end of PID, then restore what it left changed. Started by
 * pvs_guard_start() only, which hands it a table of baselines and one end of a socket.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "guard.h"

#define GUARD_PRIORITY 99
/* How long threads may take to exit: a vCPU's has no CPU to do so while others have it. */
#define TIDY_EVERY_NS 2000000
#define TIDY_TRIES    30000

enum exit_code {
	EXIT_FINE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2
};

/* Whoever reads the guarded process's output to its end must not wait for the guard. */
static void leave_output(void)
{
	int fd = open("/dev/null", O_RDWR);

	for (int i = 0; fd >= 0 && i <= STDERR_FILENO; i++)
		dup2(fd, i);
}

static struct pvs_guard_table *map_table(void)
{
	struct pvs_guard_table *table;
	struct stat st;

	if (fstat(PVS_GUARD_TABLE_FD, &st) < 0 || st.st_size != sizeof(*table))
		return NULL;
	table = mmap(NULL, sizeof(*table), PROT_READ | PROT_WRITE, MAP_SHARED, PVS_GUARD_TABLE_FD,
		     0);
	if (table == MAP_FAILED || table->magic != PVS_GUARD_MAGIC)
		return NULL;
	return table;
}

static void ignore_terminal(void)
{
	const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGTSTP};

	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		signal(signals[i], SIG_IGN);
}

/*
 * What it restores may be FIFO threads that leave no CPU to others: the guard must be above them
 * to end that. It runs once, for microseconds. Where it may not be FIFO, they are not either.
 */
static void run_first(void)
{
	struct pvs_sched_attr attr = {.policy = PVS_SCHED_FIFO, .priority = GUARD_PRIORITY};

	pvs_sys_setattr(0, &attr);
}

static void restore_all(struct pvs_guard_table *table)
{
	uint32_t n = __atomic_load_n(&table->n, __ATOMIC_ACQUIRE);

	for (uint32_t i = 0; i < n && i < PVS_GUARD_SLOTS; i++)
		if (__atomic_load_n(&table->slots[i].tid, __ATOMIC_ACQUIRE))
			pvs_baseline_restore_checked(&table->slots[i]);
}

/* False: a cgroup is still there that a thread is just leaving. */
static bool tidy_all(struct pvs_guard_table *table)
{
	uint32_t n = __atomic_load_n(&table->n, __ATOMIC_ACQUIRE);
	bool done = true;

	for (uint32_t i = 0; i < n && i < PVS_GUARD_SLOTS; i++)
		if (__atomic_load_n(&table->slots[i].tid, __ATOMIC_ACQUIRE) &&
		    !pvs_baseline_tidy(&table->slots[i]))
			done = false;
	return done;
}

static bool is_silent(const struct pvs_guard_table *table)
{
	uint64_t beat = __atomic_load_n(&table->beat_ns, __ATOMIC_ACQUIRE), now = pvs_clock_ns();

	return table->watchdog_ns && now > beat && now - beat > table->watchdog_ns;
}

static bool anything_dirty(const struct pvs_guard_table *table)
{
	uint32_t n = __atomic_load_n(&table->n, __ATOMIC_ACQUIRE);

	for (uint32_t i = 0; i < n && i < PVS_GUARD_SLOTS; i++)
		if (__atomic_load_n(&table->slots[i].dirty, __ATOMIC_ACQUIRE))
			return true;
	return false;
}

/*
 * Until the process is gone, all its threads, or has closed its end of the socket. One that lives
 * and is silent has all its changes undone, and learns of it when it goes on.
 */
static void watch(struct pvs_guard_table *table, int pidfd)
{
	struct pollfd fds[2] = {
		{.fd = pidfd, .events = POLLIN},
		{.fd = PVS_GUARD_SOCK_FD, .events = POLLIN},
	};
	int timeout = table->watchdog_ns ? (int)(table->watchdog_ns / 2000000u) + 1 : -1, ret;

	while (true) {
		ret = poll(fds, 2, timeout);
		if (ret > 0 || (ret < 0 && errno != EINTR))
			return;
		if (is_silent(table) && anything_dirty(table)) {
			__atomic_add_fetch(&table->tripped, 1, __ATOMIC_RELEASE);
			restore_all(table);
		}
	}
}

/*
 * By closing its end of the socket the process told us that it ends before its threads were out of
 * their cgroups: exiting ones cannot be moved, and their cgroups not be removed.
 */
static void wait_tidy(struct pvs_guard_table *table)
{
	const struct timespec pause = {.tv_nsec = TIDY_EVERY_NS};

	for (int i = 0; i < TIDY_TRIES && !tidy_all(table); i++)
		nanosleep(&pause, NULL);
}

int main(int argc, char **argv)
{
	struct pvs_guard_table *table;
	int pidfd;
	pid_t pid;

	if (argc != 2) {
		fprintf(stderr, "usage: sluice-pvs-guard PID\nStarted by Sluice's paravirtual "
				"scheduling, not by hand.\n");
		return EXIT_USAGE;
	}
	ignore_terminal();
	pid = fork();
	if (pid != 0)
		return pid < 0 ? EXIT_FAILED : EXIT_FINE;
	leave_output();
	close_range(PVS_GUARD_SOCK_FD + 1, ~0u, 0);
	if (chdir("/") < 0)
		return EXIT_FAILED;
	table = map_table();
	pidfd = (int)syscall(SYS_pidfd_open, atoi(argv[1]), 0);
	if (!table || pidfd < 0)
		return EXIT_FAILED;
	run_first();
	if (write(PVS_GUARD_SOCK_FD, "r", 1) != 1)
		return EXIT_FAILED;
	watch(table, pidfd);
	restore_all(table);
	wait_tidy(table);
	return EXIT_FINE;
}
