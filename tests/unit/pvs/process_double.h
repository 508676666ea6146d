/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Processes that a test starts, and waiting for what becomes true. */
#ifndef PVS_TEST_PROCESS_DOUBLE_H
#define PVS_TEST_PROCESS_DOUBLE_H

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY     65534
#define PATIENCE_S 20

/* Run @fn(@opaque) in a process that ends with this one; it says ready by writing to @ready. */
static inline pid_t process_start(void (*fn)(void *opaque, int ready), void *opaque)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(ready[0]);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fn(opaque, ready[1]);
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static inline void process_ready(int ready)
{
	if (write(ready, "r", 1) != 1)
		_exit(1);
	close(ready);
}

static inline void process_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* A process that does nothing. */
static inline void idle_process(void *opaque, int ready)
{
	process_ready(ready);
	while (true)
		pause();
}

/* No privilege: neither by user, nor by capability, nor by limit. Of a child only. */
static inline void become_nobody(void)
{
	const struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_NICE, &none) || setrlimit(RLIMIT_RTPRIO, &none) ||
	    setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
		_exit(1);
	/* Else the process's own /proc belongs to root. */
	prctl(PR_SET_DUMPABLE, 1);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* Until @is_true(@opaque), or for so long that it never will be. */
static inline bool wait_for(bool (*is_true)(void *opaque), void *opaque)
{
	for (int i = 0; i < PATIENCE_S * 1000; i++) {
		if (is_true(opaque))
			return true;
		poll(NULL, 0, 1);
	}
	return false;
}

#endif
