/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The worker thread. One mutex guards the lists; jobs run outside it. */
#include "worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct job_list {
	struct fw_job *head;
	struct fw_job **tail;
};

struct fw_worker {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work; /* a job waits, or the thread is to end */
	pthread_cond_t idle; /* a job ended */
	struct job_list waiting;
	struct job_list ended;
	struct fw_job *running;
	bool quit;
	void (*notify)(void *opaque);
	void *opaque;
};

static void list_init(struct job_list *list)
{
	list->head = NULL;
	list->tail = &list->head;
}

static void list_append(struct job_list *list, struct fw_job *job)
{
	job->next = NULL;
	*list->tail = job;
	list->tail = &job->next;
}

static struct fw_job *list_pop(struct job_list *list)
{
	struct fw_job *job = list->head;

	if (!job)
		return NULL;
	list->head = job->next;
	if (!list->head)
		list->tail = &list->head;
	return job;
}

/* Run the next job; called and returns with the lock held. */
static void run_next(struct fw_worker *w)
{
	struct fw_job *job = list_pop(&w->waiting);
	bool detached;

	w->running = job;
	pthread_mutex_unlock(&w->lock);
	job->run(job);
	pthread_mutex_lock(&w->lock);
	w->running = NULL;
	detached = job->detached;
	if (!detached)
		list_append(&w->ended, job);
	pthread_cond_broadcast(&w->idle);
	pthread_mutex_unlock(&w->lock);
	/* A job that can be taken may be gone already. */
	if (detached)
		job->free(job);
	else
		w->notify(w->opaque);
	pthread_mutex_lock(&w->lock);
}

static void *worker_main(void *arg)
{
	struct fw_worker *w = arg;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		while (!w->waiting.head && !w->quit)
			pthread_cond_wait(&w->work, &w->lock);
		if (w->quit)
			break;
		run_next(w);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static int start_thread(struct fw_worker *w)
{
	sigset_t all, before;
	int err;

	/* Signals are for the host's threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&w->thread, NULL, worker_main, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err ? -EAGAIN : 0;
}

static void worker_free(struct fw_worker *w)
{
	pthread_cond_destroy(&w->idle);
	pthread_cond_destroy(&w->work);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

int fw_worker_create(void (*notify)(void *opaque), void *opaque, struct fw_worker **worker)
{
	struct fw_worker *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->work, NULL);
	pthread_cond_init(&w->idle, NULL);
	list_init(&w->waiting);
	list_init(&w->ended);
	w->notify = notify;
	w->opaque = opaque;
	err = start_thread(w);
	if (err) {
		worker_free(w);
		return err;
	}
	pthread_setname_np(w->thread, "sluice-fw");
	*worker = w;
	return 0;
}

void fw_worker_destroy(struct fw_worker *w)
{
	fw_worker_cancel(w);
	pthread_mutex_lock(&w->lock);
	w->quit = true;
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	worker_free(w);
}

void fw_worker_submit(struct fw_worker *w, struct fw_job *job)
{
	atomic_store(&job->cancel, false);
	job->detached = false;
	pthread_mutex_lock(&w->lock);
	list_append(&w->waiting, job);
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
}

struct fw_job *fw_worker_take(struct fw_worker *w)
{
	struct fw_job *job;

	pthread_mutex_lock(&w->lock);
	job = list_pop(&w->ended);
	pthread_mutex_unlock(&w->lock);
	return job;
}

static void free_all(struct fw_job *job)
{
	while (job) {
		struct fw_job *next = job->next;

		job->free(job);
		job = next;
	}
}

void fw_worker_cancel(struct fw_worker *w)
{
	struct fw_job *waiting, *ended;

	pthread_mutex_lock(&w->lock);
	waiting = w->waiting.head;
	ended = w->ended.head;
	list_init(&w->waiting);
	list_init(&w->ended);
	if (w->running) {
		w->running->detached = true;
		atomic_store(&w->running->cancel, true);
	}
	pthread_cond_broadcast(&w->idle);
	pthread_mutex_unlock(&w->lock);
	free_all(waiting);
	free_all(ended);
}

static bool busy(const struct fw_worker *w)
{
	return w->waiting.head || (w->running && !w->running->detached);
}

void fw_worker_drain(struct fw_worker *w)
{
	pthread_mutex_lock(&w->lock);
	while (busy(w))
		pthread_cond_wait(&w->idle, &w->lock);
	pthread_mutex_unlock(&w->lock);
}
