/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * A thread that looks whether a loop's rounds go on. One that has nothing to do for long is woken:
 * only a loop that was asked and does not answer is stuck. Looks are counted and not time, since a
 * process that was stopped as a whole had no chance to answer.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "loop_internal.h"

#define SILENCE_NS 1000000000u
#define LOOKS      4u
#define PRIORITY   99

struct pvs_watchdog {
	struct pvs_watchdog_config config;
	pthread_t thread;
	pthread_mutex_t lock; /* of stop */
	pthread_cond_t wake;
	bool stop;
	uint64_t heard;   /* of the last look */
	unsigned unheard; /* looks since it was another */
	bool stuck;       /* atomic */
	uint64_t silences;
};

/* What hangs may be a FIFO vCPU that leaves no CPU to others: to end that it has to be above. */
static void run_first(void)
{
	struct pvs_sched_attr fifo = {.policy = PVS_SCHED_FIFO, .priority = PRIORITY};
	struct pvs_sched_attr fair = {.policy = PVS_SCHED_OTHER, .nice = -20};
	struct rlimit limit;

	if (!pvs_sys_setattr(0, &fifo))
		return;
	/* Without the capability: as high as the limit goes. */
	if (!getrlimit(RLIMIT_RTPRIO, &limit) && limit.rlim_cur) {
		fifo.priority = limit.rlim_cur < PRIORITY ? (uint32_t)limit.rlim_cur : PRIORITY;
		if (!pvs_sys_setattr(0, &fifo))
			return;
	}
	pvs_sys_setattr(0, &fair);
}

static void set_stuck(struct pvs_watchdog *w, bool stuck, uint64_t since)
{
	__atomic_store_n(&w->stuck, stuck, __ATOMIC_RELEASE);
	if (stuck)
		__atomic_add_fetch(&w->silences, 1, __ATOMIC_RELEASE);
	if (w->config.changed)
		w->config.changed(w->config.opaque, stuck, pvs_since(pvs_clock_ns(), since));
}

static void look(struct pvs_watchdog *w)
{
	const uint64_t heard = pvs_loop_heard(w->config.loop), before = w->heard;

	if (heard != before) {
		w->heard = heard;
		w->unheard = 0;
		if (w->stuck)
			set_stuck(w, false, before);
		return;
	}
	pvs_loop_ring(w->config.loop);
	if (++w->unheard < LOOKS)
		return;
	/* First: what tells of it may have to wait for whom the threads keep from running. */
	if (w->config.restore)
		w->config.restore(w->config.opaque);
	if (!w->stuck)
		set_stuck(w, true, heard);
}

/* True: it is to end. */
static bool sleep_for(struct pvs_watchdog *w, uint64_t ns)
{
	const uint64_t at = pvs_clock_ns() + ns;
	const struct timespec until = {.tv_sec = (time_t)(at / 1000000000u),
				       .tv_nsec = (long)(at % 1000000000u)};
	int err = 0;
	bool stop;

	pthread_mutex_lock(&w->lock);
	while (!w->stop && err != ETIMEDOUT)
		err = pthread_cond_timedwait(&w->wake, &w->lock, &until);
	stop = w->stop;
	pthread_mutex_unlock(&w->lock);
	return stop;
}

static void *watchdog_main(void *opaque)
{
	struct pvs_watchdog *w = opaque;

	pthread_setname_np(pthread_self(), "pvs-watchdog");
	run_first();
	if (w->config.begun)
		w->config.begun(w->config.opaque);
	while (!sleep_for(w, w->config.silence_ns / LOOKS))
		look(w);
	return NULL;
}

static void watchdog_free(struct pvs_watchdog *w)
{
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

int pvs_watchdog_create(const struct pvs_watchdog_config *config, struct pvs_watchdog **out,
			struct pvs_log *log)
{
	struct pvs_watchdog *w = calloc(1, sizeof(*w));
	pthread_condattr_t attr;
	int err;

	if (!w)
		return -ENOMEM;
	w->config = *config;
	if (!w->config.silence_ns)
		w->config.silence_ns = SILENCE_NS;
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->wake, &attr);
	pthread_condattr_destroy(&attr);
	err = -pthread_create(&w->thread, NULL, watchdog_main, w);
	if (err) {
		watchdog_free(w);
		return pvs_refuse(log, err, "watchdog: %s; a thread is needed", strerror(-err));
	}
	*out = w;
	return 0;
}

void pvs_watchdog_destroy(struct pvs_watchdog *watchdog)
{
	if (!watchdog)
		return;
	pthread_mutex_lock(&watchdog->lock);
	watchdog->stop = true;
	pthread_cond_signal(&watchdog->wake);
	pthread_mutex_unlock(&watchdog->lock);
	pthread_join(watchdog->thread, NULL);
	watchdog_free(watchdog);
}

bool pvs_watchdog_stuck(const struct pvs_watchdog *watchdog)
{
	return __atomic_load_n(&watchdog->stuck, __ATOMIC_ACQUIRE);
}

uint64_t pvs_watchdog_silences(const struct pvs_watchdog *watchdog)
{
	return __atomic_load_n(&watchdog->silences, __ATOMIC_ACQUIRE);
}
