// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Two threads on two processors that run one program over the same maps, by one thread alone. Each
 * times what it does while the other is at work too.
 */
#include "measure.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

struct pair {
	struct instance *instance;
	unsigned runs;
	pthread_barrier_t begin;
	atomic_uint done; /* threads that have their time */
};

struct worker {
	struct pair *pair;
	int cpu;
	double ns[MAX_RUNS]; /* of its runs */
	GError *error;
};

static gboolean work(struct worker *w)
{
	struct pair *pair = w->pair;
	struct instance *instance = pair->instance;

	return instance->column->run_shared(instance, pair->runs, w->ns, &w->error) &&
	       instance->column->run_shared(instance, pair->runs, w->ns, &w->error);
}

/* Until the other has its time too, the memory is in use. */
static void *worker_thread(void *opaque)
{
	struct worker *w = opaque;
	double ns;

	bpfe_thread_register();
	pin_to_cpu(w->cpu, NULL);
	pthread_barrier_wait(&w->pair->begin);
	work(w);
	atomic_fetch_add(&w->pair->done, 1);
	while (!w->error && atomic_load(&w->pair->done) < 2)
		w->pair->instance->column->run_shared(w->pair->instance, 1, &ns, &w->error);
	bpfe_thread_unregister();
	return NULL;
}

/* What two do, by what one does; NaN with @error. */
static double two(struct pair *pair, const struct plan *plan, double one_ns, GError **error)
{
	g_autofree struct worker *workers = g_new0(struct worker, 2);
	pthread_t threads[2];
	double sum = 0;

	atomic_store(&pair->done, 0);
	for (unsigned i = 0; i < 2; i++) {
		workers[i].pair = pair;
		workers[i].cpu = i ? plan->other_cpu : plan->cpu;
		if (pthread_create(&threads[i], NULL, worker_thread, &workers[i]))
			g_error("no thread"); /* as GLib's own would */
	}
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		sum += one_ns / stats_summary(workers[i].ns, pair->runs).median;
		if (workers[i].error)
			g_clear_error(error), g_propagate_error(error, workers[i].error);
	}
	return error && *error ? NAN : sum;
}

static gboolean take_rounds(struct scaling *scaling, struct pair *pair, const struct plan *plan,
			    GError **error)
{
	g_autofree double *ratios = g_new(double, plan->rounds);
	g_autofree double *ones = g_new(double, plan->rounds);
	const uint32_t ops = MAX(scaling->program->info->ops, 1);
	g_autofree double *ns = g_new(double, pair->runs);
	struct instance *instance = pair->instance;

	for (unsigned r = 0; r < plan->rounds; r++) {
		double one;

		if (!instance->column->run(instance, pair->runs, ns, error) ||
		    !instance->column->run(instance, pair->runs, ns, error))
			return FALSE;
		one = stats_summary(ns, pair->runs).median;
		ones[r] = one / instance->n / ops;
		ratios[r] = two(pair, plan, one, error);
		if (isnan(ratios[r]))
			return FALSE;
	}
	scaling->one = stats_summary(ones, plan->rounds);
	scaling->ratio = stats_summary(ratios, plan->rounds).median;
	return TRUE;
}

static gboolean scale(struct scaling *scaling, struct bench_program *program,
		      const struct plan *plan, GError **error)
{
	struct pair pair = {.instance = scaling->column->open(scaling->column, program,
							      program->info->iterations, error)};
	gboolean ok;
	double ns;

	if (!pair.instance)
		return FALSE;
	pthread_barrier_init(&pair.begin, NULL, 2);
	ok = scaling->column->run(pair.instance, 1, &ns, error);
	if (ok) {
		pair.runs = (unsigned)CLAMP(8 * plan->slice_ns / MAX(ns, 1), 1, MAX_RUNS);
		ok = take_rounds(scaling, &pair, plan, error);
	}
	pthread_barrier_destroy(&pair.begin);
	scaling->column->close(pair.instance);
	return ok;
}

static void add(struct results *results, const struct column_state *state,
		struct bench_program *program, const struct plan *plan)
{
	struct scaling *scaling = g_new0(struct scaling, 1);
	g_autoptr(GError) error = NULL;

	scaling->program = program;
	scaling->column = state->column;
	scaling->ratio = NAN;
	scaling->one = stats_summary(NULL, 0);
	if (state->why)
		scaling->why = g_strdup(state->why);
	else if (plan->other_cpu < 0)
		scaling->why = g_strdup("only one processor is allowed");
	else if (!scale(scaling, program, plan, &error))
		scaling->why = g_strdup(error->message);
	g_ptr_array_add(results->scalings, scaling);
}

void measure_scaling(struct results *results, struct bench_program *program,
		     const struct plan *plan)
{
	static const struct column *const columns[] = {&column_jit, &column_linux};

	for (size_t i = 0; i < G_N_ELEMENTS(columns); i++) {
		const int c = results_column(results, columns[i]->name);

		if (c >= 0)
			add(results, &results->columns[c], program, plan);
	}
	bench_program_forget(program);
}
