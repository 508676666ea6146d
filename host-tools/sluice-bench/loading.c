// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * How long it takes to load a program: the program alone, its maps being there
 * (bpfe_program_load(), BPF_PROG_LOAD), and all of it, from the object's bytes to a program that
 * can run (libbpf's part in Linux's case). Linux gets the program without the BTF of its functions
 * in the first case, which only saves it work.
 */
#include "error.h"
#include "linux_object.h"
#include "measure.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>

#define LOG_SIZE 4096u

/* Processor time of this thread, in the kernel too, ns: loading takes long enough for others to
 * come in between, and is one thread's work here and there. */
static uint64_t thread_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Times of one load, ns; NaN: not known. */
struct load_times {
	double program, whole, compile;
};

/* ---- The engine ----------------------------------------------------------------------------- */

/* The parts of bpfe_object_load(), so that what is timed is the program alone. */
static int load_program(const struct bpfe_object *object, uint32_t index,
			const struct column *column, struct bpfe_map **maps,
			struct bpfe_program **program, struct bpfe_log *log)
{
	const uint32_t n_maps = bpfe_object_n_maps(object);
	g_autofree struct bpfe_map_binding *bindings = g_new0(struct bpfe_map_binding, n_maps);
	struct bpfe_load_attr attr = {.type = BPF_PROG_TYPE_XDP,
				      .maps = bindings,
				      .n_maps = n_maps,
				      .engine = column->engine,
				      .relax = column->relax};

	for (uint32_t i = 0; i < n_maps; i++)
		bindings[i] = (struct bpfe_map_binding){i, maps[i]};
	if (bpfe_object_program(object, index, &attr.insns, &attr.n_insns) ||
	    bpfe_object_program_funcs(object, index, &attr.funcs, &attr.n_funcs))
		return -ENOENT;
	return bpfe_program_load(&attr, program, log);
}

/* Time the program alone over @maps, which a load of the whole made. */
static int time_program(const struct bpfe_object *object, uint32_t index,
			const struct column *column, struct bpfe_map **maps,
			struct loading *loading, struct load_times *times, struct bpfe_log *log)
{
	struct bpfe_program_info info = {0};
	struct bpfe_program *program;
	uint64_t begin = thread_time();
	int ret = load_program(object, index, column, maps, &program, log);

	if (ret)
		return ret;
	times->program = (double)(thread_time() - begin);
	bpfe_program_info(program, &info);
	bpfe_program_put(program);
	times->compile = (double)info.jit_ns;
	loading->insns = info.n_insns;
	return 0;
}

static int load_object(struct bpfe_object *object, const struct column *column, uint64_t begin,
		       struct loading *loading, struct load_times *times, struct bpfe_log *log)
{
	const struct bpfe_load_attr attr = {.engine = column->engine, .relax = column->relax};
	struct bpfe_program *program;
	struct bpfe_map **maps;
	uint32_t index = 0;
	int ret;

	while (index < bpfe_object_n_programs(object) &&
	       strcmp(bpfe_object_program_name(object, index), BENCH_PROGRAM) != 0)
		index++;
	ret = bpfe_object_load(object, index, &attr, &program, &maps, log);
	if (ret)
		return ret;
	times->whole = (double)(thread_time() - begin);
	bpfe_program_put(program);
	ret = time_program(object, index, column, maps, loading, times, log);
	object_maps_put(object, maps);
	bpfe_rcu_barrier(); /* not in the time of what comes next */
	return ret;
}

static gboolean load_own(struct loading *loading, struct load_times *times, GError **error)
{
	const struct bench_program *program = loading->program;
	g_autofree char *text = g_malloc0(LOG_SIZE);
	struct bpfe_log log = {.buf = text, .size = LOG_SIZE};
	struct bpfe_object *object;
	uint64_t begin = thread_time();
	int ret = bpfe_object_open(program->bytes, program->size, &object, &log);

	if (!ret) {
		ret = load_object(object, loading->column, begin, loading, times, &log);
		bpfe_object_close(object);
	}
	if (!ret)
		return TRUE;
	g_strchomp(text);
	g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "%s: %s", program->name,
		    text[0] ? text : g_strerror(-ret));
	return FALSE;
}

/* ---- Linux ---------------------------------------------------------------------------------- */

/* When libbpf had all ready and was about to call BPF_PROG_LOAD. */
static uint64_t about_to_load;

static int note_time(struct bpf_program *program, struct bpf_prog_load_opts *opts, long cookie)
{
	about_to_load = thread_time();
	return 0;
}

/*
 * libbpf calls back where it loads the program itself: to what follows that, only the program's way
 * to its global data is left. Registered once and for all, as libbpf 1.1 keeps a dangling pointer
 * when its last handler goes. FALSE: it cannot be known.
 */
static gboolean watch_libbpf(void)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, opts, .prog_prepare_load_fn = note_time);
	static int handler = -1;

	if (handler < 0)
		handler = libbpf_register_prog_handler("xdp", BPF_PROG_TYPE_XDP, BPF_XDP, &opts);
	return handler >= 0;
}

static gboolean load_linux(struct loading *loading, struct load_times *times, GError **error)
{
	const gboolean watched = watch_libbpf();
	uint64_t begin = thread_time(), end;
	struct bpf_object *object = linux_object_load(loading->program, 1, error);

	end = thread_time();
	if (!object)
		return FALSE;
	times->whole = (double)(end - begin);
	if (watched)
		times->program = (double)(end - about_to_load);
	loading->insns = (uint32_t)bpf_program__insn_cnt(
		bpf_object__find_program_by_name(object, BENCH_PROGRAM));
	bpf_object__close(object);
	return TRUE;
}

/* ---- Rounds --------------------------------------------------------------------------------- */

static struct loading *loading_new(const struct column_state *state,
				   const struct bench_program *program, unsigned rounds)
{
	struct loading *loading = g_new0(struct loading, 1);

	loading->program = program;
	loading->column = state->column;
	loading->why = g_strdup(state->why);
	loading->program_rounds = g_new(double, rounds);
	loading->whole_rounds = g_new(double, rounds);
	loading->compile_rounds = g_new(double, rounds);
	for (unsigned r = 0; r < rounds; r++) {
		loading->program_rounds[r] = loading->whole_rounds[r] = NAN;
		loading->compile_rounds[r] = NAN;
	}
	return loading;
}

static void load_once(struct loading *loading, unsigned round)
{
	struct load_times times = {.program = NAN, .whole = NAN, .compile = NAN};
	g_autoptr(GError) error = NULL;
	gboolean ok;

	if (loading->why)
		return;
	ok = loading->column->foreign ? load_linux(loading, &times, &error)
				      : load_own(loading, &times, &error);
	if (!ok) {
		loading->why = g_strdup(error->message);
		return;
	}
	loading->program_rounds[round] = times.program;
	loading->whole_rounds[round] = times.whole;
	loading->compile_rounds[round] = times.compile;
}

void measure_loading(struct results *results, struct bench_program *program,
		     const struct plan *plan)
{
	static const struct column *const columns[] = {&column_jit, &column_hardened,
						       &column_linux};
	const guint first = results->loadings->len;

	for (size_t i = 0; i < G_N_ELEMENTS(columns); i++) {
		const int c = results_column(results, columns[i]->name);

		if (c >= 0)
			g_ptr_array_add(results->loadings,
					loading_new(&results->columns[c], program, plan->rounds));
	}
	for (unsigned round = 0; round < plan->rounds; round++) {
		for (guint l = first; l < results->loadings->len; l++)
			load_once(g_ptr_array_index(results->loadings, l), round);
	}
	for (guint l = first; l < results->loadings->len; l++) {
		struct loading *loading = g_ptr_array_index(results->loadings, l);

		loading->program_ns = stats_summary(loading->program_rounds, plan->rounds);
		loading->whole_ns = stats_summary(loading->whole_rounds, plan->rounds);
		loading->compile_ns = stats_summary(loading->compile_rounds, plan->rounds);
	}
}
