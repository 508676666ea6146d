// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "torn.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <pvs.h>

#define FEATURES (PVS_F_INTENT | PVS_F_CS | PVS_F_DEADLINE)

struct writer {
	pthread_t thread;
	struct pvs_guest_page *page;
	uint64_t updates;
	bool *go;
	uint32_t *left;
};

/* ---- What belongs together ------------------------------------------------------------------ */

static enum pvs_class class_of(uint32_t generation)
{
	return (enum pvs_class)(1 + generation % (PVS_CLASS_MAX - 1));
}

static int nice_of(uint32_t generation)
{
	return (int)(generation % 40) - 20;
}

static unsigned prio_of(uint32_t generation)
{
	return generation % 100;
}

static unsigned pending_of(uint32_t generation)
{
	return generation & PVS_PENDING_ALL;
}

static unsigned why_of(uint32_t count)
{
	return 1 + count % PVS_CS_ALL;
}

static uint64_t mix(uint64_t n)
{
	return n * 0x9e3779b97f4a7c15ull;
}

/* Each update: all three lines. The runtime is the number that the others follow from. */
static void update(struct pvs_guest_page *page, uint64_t n)
{
	const uint32_t generation = (uint32_t)n;

	pvs_guest_set_intent(page, class_of(generation), nice_of(generation), prio_of(generation),
			     pending_of(generation));
	pvs_guest_set_cs(page, why_of(generation), n);
	pvs_guest_set_deadline(page, n, 3 * n, 7 * n, mix(n));
}

static bool together(const struct pvs_hint *h)
{
	const uint32_t generation = (uint32_t)(h->intent >> PVS_INTENT_GEN_SHIFT);
	const uint64_t n = h->dl_runtime;

	if (h->intent &&
	    (h->class != class_of(generation) || h->nice != nice_of(generation) ||
	     h->rt_prio != prio_of(generation) || h->pending != pending_of(generation)))
		return false;
	if (h->cs_word && h->cs != why_of(h->cs_count))
		return false;
	return !n || (h->dl_deadline == 3 * n && h->dl_period == 7 * n && h->next_event == mix(n));
}

/* ---- Writers and reader --------------------------------------------------------------------- */

static void *writer_main(void *opaque)
{
	struct writer *w = opaque;

	while (!__atomic_load_n(w->go, __ATOMIC_ACQUIRE))
		sched_yield();
	for (uint64_t n = 1; n <= w->updates; n++) {
		update(w->page, n);
		/* As short a while between two, that a reader may get in. */
		for (uint64_t i = mix(n) >> 61; i; i--)
			__builtin_ia32_pause();
	}
	__atomic_fetch_sub(w->left, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* As one would read it who does not know that it changes. */
static void naive_read(const struct pvs_guest_page *page, struct pvs_hint *h)
{
	const uint64_t low = *(const volatile uint8_t *)&page->intent;

	memset(h, 0, sizeof(*h));
	h->status = PVS_HINT_OK;
	h->intent = *(const volatile uint64_t *)&page->intent;
	h->class = low & PVS_INTENT_CLASS_MASK;
	h->nice = (int32_t)(h->intent >> PVS_INTENT_NICE_SHIFT & PVS_INTENT_NICE_MASK) - 20;
	h->rt_prio = h->intent >> PVS_INTENT_PRIO_SHIFT & PVS_INTENT_PRIO_MASK;
	h->pending = h->intent >> PVS_INTENT_FLAGS_SHIFT & PVS_INTENT_FLAGS_MASK;
	h->dl_runtime = *(const volatile uint64_t *)&page->dl_runtime;
	h->dl_deadline = *(const volatile uint64_t *)&page->dl_deadline;
	h->dl_period = *(const volatile uint64_t *)&page->dl_period;
	h->next_event = *(const volatile uint64_t *)&page->next_event;
}

static void judge(const struct pvs_hint *h, uint64_t *last, struct torn_result *r)
{
	r->snapshots++;
	switch (h->status) {
	case PVS_HINT_OK:
		r->good++;
		r->changed += h->intent != *last;
		*last = h->intent;
		r->torn += !together(h);
		break;
	case PVS_HINT_TORN:
		r->gave_up++;
		break;
	case PVS_HINT_MALFORMED:
		r->malformed++;
		break;
	default:
		break;
	}
}

static void read_all(const struct torn_options *o, struct writer *writers, uint32_t *left,
		     struct torn_result *r)
{
	uint64_t last[TORN_MAX_WRITERS] = {0};
	struct pvs_hint hint;

	while (__atomic_load_n(left, __ATOMIC_ACQUIRE)) {
		for (uint32_t i = 0; i < o->writers; i++) {
			if (o->naive)
				naive_read(writers[i].page, &hint);
			else
				pvs_hint_read(writers[i].page, FEATURES, o->writers, &hint);
			judge(&hint, &last[i], r);
		}
	}
}

/* The reader on a CPU of its own, so that they race instead of taking turns; where there is but
 * one, nothing. Whose turn it is among the others, writer @i's. */
static void pin(pthread_t thread, uint32_t i, bool reader)
{
	cpu_set_t all, one;
	int cpus, skip;

	if (sched_getaffinity(getpid(), sizeof(all), &all))
		return;
	cpus = CPU_COUNT(&all);
	if (cpus < 2)
		return;
	skip = reader ? 0 : 1 + (int)i % (cpus - 1);
	CPU_ZERO(&one);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all) && skip-- == 0)
			CPU_SET(cpu, &one);
	pthread_setaffinity_np(thread, sizeof(one), &one);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* -errno; then those that were started have nothing to do. */
static int start_writers(const struct torn_options *o, struct pvs_guest_page *pages, bool *go,
			 uint32_t *left, struct writer *writers, uint32_t *started)
{
	for (uint32_t i = 0; i < o->writers; i++) {
		const uint64_t rest = i ? 0 : o->updates % o->writers;
		int err;

		writers[i] = (struct writer){.page = &pages[i],
					     .updates = o->updates / o->writers + rest,
					     .go = go,
					     .left = left};
		err = pthread_create(&writers[i].thread, NULL, writer_main, &writers[i]);
		if (err) {
			for (uint32_t j = 0; j < i; j++)
				writers[j].updates = 0;
			return -err;
		}
		pin(writers[i].thread, i, false);
		(*started)++;
	}
	return 0;
}

int torn_run(const struct torn_options *options, struct torn_result *result)
{
	struct writer writers[TORN_MAX_WRITERS];
	uint32_t left = options->writers, started = 0;
	struct pvs_guest_page *pages;
	cpu_set_t before;
	bool go = false;
	int err;

	memset(result, 0, sizeof(*result));
	if (!options->writers || options->writers > TORN_MAX_WRITERS)
		return -EINVAL;
	pages = aligned_alloc(PVS_PAGE_STRIDE, options->writers * sizeof(*pages));
	if (!pages)
		return -ENOMEM;
	memset(pages, 0, options->writers * sizeof(*pages));
	pthread_getaffinity_np(pthread_self(), sizeof(before), &before);
	err = start_writers(options, pages, &go, &left, writers, &started);
	pin(pthread_self(), 0, true);
	result->seconds = -now();
	__atomic_store_n(&go, true, __ATOMIC_RELEASE);
	if (!err)
		read_all(options, writers, &left, result);
	for (uint32_t i = 0; i < started; i++)
		pthread_join(writers[i].thread, NULL);
	result->seconds += now();
	result->updates = options->updates;
	pthread_setaffinity_np(pthread_self(), sizeof(before), &before);
	free(pages);
	return err;
}
