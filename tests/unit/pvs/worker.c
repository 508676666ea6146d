/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "worker.h"

#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void *work(void *opaque)
{
	struct worker *worker = opaque;
	char byte;

	if (worker->cpu != WORKER_ANY_CPU)
		pin(worker->cpu);
	worker->tid = (pid_t)syscall(SYS_gettid);
	while (!worker->stop)
		if (!worker->spin && read(worker->pipe[0], &byte, 1) != 1)
			break;
	return NULL;
}

void worker_start(struct worker *worker, bool spin, int cpu)
{
	memset(worker, 0, sizeof(*worker));
	worker->spin = spin;
	worker->cpu = cpu;
	assert_int_equal(pipe(worker->pipe), 0);
	assert_int_equal(pthread_create(&worker->thread, NULL, work, worker), 0);
	while (!worker->tid)
		sched_yield();
}

void worker_go_on(const struct worker *worker)
{
	assert_int_equal(write(worker->pipe[1], "", 1), 1);
}

bool worker_has_read(const struct worker *worker)
{
	int bytes = 0;

	assert_int_equal(ioctl(worker->pipe[0], FIONREAD, &bytes), 0);
	return bytes == 0;
}

void worker_finish(struct worker *worker)
{
	worker->stop = true;
	worker_go_on(worker);
	pthread_join(worker->thread, NULL);
	close(worker->pipe[0]);
	close(worker->pipe[1]);
}

int worker_some_cpu(void)
{
	cpu_set_t set;
	int cpu = 0;

	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	while (!CPU_ISSET(cpu, &set))
		cpu++;
	return cpu;
}
