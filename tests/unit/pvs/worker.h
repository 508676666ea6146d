/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Threads for tests of what the host's scheduler does: they wait for bytes, or spin. */
#ifndef TEST_PVS_WORKER_H
#define TEST_PVS_WORKER_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <cmocka.h>

enum {
	WORKER_ANY_CPU = -1
};

struct worker {
	pthread_t thread;
	_Atomic pid_t tid;
	int pipe[2];
	int cpu;
	bool spin;
	atomic_bool stop;
};

/* Returns when its thread id is known and it is where it is to run. */
void worker_start(struct worker *worker, bool spin, int cpu);
/* A thread that waits reads a byte and waits again. */
void worker_go_on(const struct worker *worker);
/* It has all bytes, so that when it waits next, it waits for another. */
bool worker_has_read(const struct worker *worker);
void worker_finish(struct worker *worker);

/* A CPU that this process may run on. */
int worker_some_cpu(void);

#endif
