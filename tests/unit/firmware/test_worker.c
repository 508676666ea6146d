/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* worker.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "worker.h"

enum {
	JOBS = 200
};

struct counts {
	atomic_uint notified, freed;
};

struct test_job {
	struct fw_job job;
	struct counts *counts;
	unsigned number;
	atomic_bool *gate; /* runs until it opens or the job is cancelled; NULL: at once */
	atomic_bool running;
	bool cancelled;
};

static struct counts counts;

static void notify(void *opaque)
{
	atomic_fetch_add(&((struct counts *)opaque)->notified, 1);
}

static void run(struct fw_job *job)
{
	struct test_job *t = (struct test_job *)job;

	atomic_store(&t->running, true);
	while (t->gate && !atomic_load(t->gate) && !atomic_load(&job->cancel))
		;
	t->cancelled = atomic_load(&job->cancel);
}

static void free_job(struct fw_job *job)
{
	struct test_job *t = (struct test_job *)job;

	atomic_fetch_add(&t->counts->freed, 1);
	free(t);
}

static struct test_job *submit(struct fw_worker *w, unsigned number, atomic_bool *gate)
{
	struct test_job *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	t->job.run = run;
	t->job.free = free_job;
	t->counts = &counts;
	t->number = number;
	t->gate = gate;
	fw_worker_submit(w, &t->job);
	return t;
}

static int setup(void **state)
{
	struct fw_worker *w;

	atomic_store(&counts.notified, 0);
	atomic_store(&counts.freed, 0);
	assert_int_equal(fw_worker_create(notify, &counts, &w), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	if (*state)
		fw_worker_destroy(*state);
	return 0;
}

static void test_in_order(void **state)
{
	struct fw_worker *w = *state;

	for (unsigned i = 0; i < JOBS; i++)
		submit(w, i, NULL);
	fw_worker_drain(w);
	for (unsigned i = 0; i < JOBS; i++) {
		struct fw_job *job = fw_worker_take(w);

		assert_non_null(job);
		assert_int_equal(((struct test_job *)job)->number, i);
		assert_false(((struct test_job *)job)->cancelled);
		free_job(job);
	}
	assert_null(fw_worker_take(w));
	while (atomic_load(&counts.notified) < JOBS)
		;
}

static void test_drain_nothing(void **state)
{
	fw_worker_drain(*state);
	assert_null(fw_worker_take(*state));
}

/* One runs, one has ended, the others wait: none comes back, and cancelling waits for none. */
static void test_cancel(void **state)
{
	struct fw_worker *w = *state;
	atomic_bool shut = false;
	struct test_job *runs;

	submit(w, 0, NULL);
	runs = submit(w, 1, &shut);
	while (!atomic_load(&runs->running))
		;
	for (unsigned i = 2; i < JOBS; i++)
		submit(w, i, &shut);
	fw_worker_cancel(w);
	assert_null(fw_worker_take(w));
	/* All but, perhaps, the one that ran. */
	assert_true(atomic_load(&counts.freed) >= JOBS - 1);
	while (atomic_load(&counts.freed) < JOBS)
		;
	fw_worker_drain(w);
	assert_null(fw_worker_take(w));
	/* The first one's only. */
	assert_int_equal(atomic_load(&counts.notified), 1);
}

/* A cancelled job does not hold up the drain of those that came after. */
static void test_drain_after_cancel(void **state)
{
	struct fw_worker *w = *state;
	atomic_bool shut = false;
	struct fw_job *job;

	submit(w, 0, &shut);
	fw_worker_cancel(w);
	submit(w, 1, NULL);
	fw_worker_drain(w);
	job = fw_worker_take(w);
	assert_non_null(job);
	assert_int_equal(((struct test_job *)job)->number, 1);
	free_job(job);
	assert_int_equal(atomic_load(&counts.freed), 2);
}

static void test_destroy_cancels(void **state)
{
	struct fw_worker *w = *state;
	atomic_bool shut = false;
	struct test_job *runs = submit(w, 0, &shut);

	submit(w, 1, &shut);
	while (!atomic_load(&runs->running))
		;
	fw_worker_destroy(w);
	*state = NULL;
	assert_int_equal(atomic_load(&counts.freed), 2);
	assert_int_equal(atomic_load(&counts.notified), 0);
}

/* Jobs taken while others are submitted and cancelled: none is lost, none is freed twice. */
static void test_churn(void **state)
{
	struct fw_worker *w = *state;
	unsigned taken = 0;
	struct fw_job *job;

	for (unsigned i = 0; i < JOBS; i++) {
		submit(w, i, NULL);
		if (i % 7 == 0)
			fw_worker_cancel(w);
		job = fw_worker_take(w);
		if (!job)
			continue;
		free_job(job);
		taken++;
	}
	fw_worker_drain(w);
	while ((job = fw_worker_take(w)) != NULL) {
		free_job(job);
		taken++;
	}
	fw_worker_destroy(w);
	*state = NULL;
	assert_int_equal(atomic_load(&counts.freed), JOBS);
	assert_true(taken > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_drain_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
		cmocka_unit_test_setup_teardown(test_drain_after_cancel, setup, teardown),
		cmocka_unit_test_setup_teardown(test_destroy_cancels, setup, teardown),
		cmocka_unit_test_setup_teardown(test_churn, setup, teardown),
	};

	return cmocka_run_group_tests_name("firmware worker", tests, NULL, NULL);
}
