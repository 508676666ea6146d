/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * A thread that runs one job after the other, for work too long for the thread that serves the
 * guest. Jobs come back in the order they ended. Knows nothing of the firmware.
 */
#ifndef SLUICE_FW_WORKER_H
#define SLUICE_FW_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>

struct fw_worker;

/* Embed at will. The worker owns it from fw_worker_submit() until fw_worker_take() returns it. */
struct fw_job {
	void (*run)(struct fw_job *job); /* on the worker's thread; looks at @cancel now and then */
	void (*free)(struct fw_job *job); /* of a job nobody takes; any thread */
	atomic_bool cancel;
	struct fw_job *next; /* the worker's */
	bool detached;       /* the worker's: free it when it ends */
};

/*
 * Start the thread. @notify is called on it, without a lock, after each job that can be taken.
 * -ENOMEM, -EAGAIN: no thread to be had.
 */
int fw_worker_create(void (*notify)(void *opaque), void *opaque, struct fw_worker **worker);

/* Cancel everything, wait for the job that runs, end the thread. */
void fw_worker_destroy(struct fw_worker *worker);

/* Hand over a job. Never blocks for long. */
void fw_worker_submit(struct fw_worker *worker, struct fw_job *job);

/* A job that has ended, now the caller's; NULL: none. */
struct fw_job *fw_worker_take(struct fw_worker *worker);

/*
 * Forget all jobs without waiting: those that wait or have ended are freed, the one that runs is
 * told to stop and freed when it does. fw_worker_take() returns none of them.
 */
void fw_worker_cancel(struct fw_worker *worker);

/* Block until all jobs have ended that were not cancelled. */
void fw_worker_drain(struct fw_worker *worker);

#endif
