/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A thread that sleeps until it is told to end: something to change the scheduling of. */
#ifndef PVS_TEST_THREAD_DOUBLE_H
#define PVS_TEST_THREAD_DOUBLE_H

#include <pthread.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <unistd.h>

struct sleeper {
	pthread_t thread;
	sem_t ready, end;
	pid_t tid;
};

static void *sleeper_main(void *opaque)
{
	struct sleeper *sleeper = opaque;

	sleeper->tid = (pid_t)syscall(SYS_gettid);
	sem_post(&sleeper->ready);
	while (sem_wait(&sleeper->end) != 0)
		;
	return NULL;
}

static inline void sleeper_start(struct sleeper *sleeper)
{
	sem_init(&sleeper->ready, 0, 0);
	sem_init(&sleeper->end, 0, 0);
	assert_int_equal(pthread_create(&sleeper->thread, NULL, sleeper_main, sleeper), 0);
	while (sem_wait(&sleeper->ready) != 0)
		;
}

static inline void sleeper_end(struct sleeper *sleeper)
{
	sem_post(&sleeper->end);
	pthread_join(sleeper->thread, NULL);
}

#endif
