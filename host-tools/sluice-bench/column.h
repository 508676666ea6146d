/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A column of the bench: a way to run a benchmark program, and a program in it. */
#ifndef SLUICE_BENCH_COLUMN_H
#define SLUICE_BENCH_COLUMN_H

#include "catalogue.h"
#include "outcome.h"

struct instance;

struct code_facts {
	uint32_t bytes; /* of machine code */
	bool counted;   /* it counts its instructions while it runs, as its length is not known */
};

struct column {
	const char *name; /* "linux-jit", in reports and JSON */
	const char *what; /* for people */
	bool foreign;     /* not ours: what it refuses is no failure of the bench */
	bool no_maps;     /* it runs programs without maps only */
	uint32_t relax;   /* enum bpfe_relax of the engine's own columns */
	uint8_t engine;   /* enum bpfe_engine of those */

	/*
	 * Is it there? Asked once. FALSE with @error, which says why not and is no failure of the
	 * bench.
	 */
	gboolean (*available)(const struct column *column, GError **error);

	/* Load @program with bench_n == @n and fill its maps. NULL with @error. */
	struct instance *(*open)(const struct column *column, struct bench_program *program,
				 uint32_t n, GError **error);
	/* Run it @runs times, each over the frame as it first was; ns[i] gets what run i took,
	 * without what is done before and after it. FALSE with @error. */
	gboolean (*run)(struct instance *instance, unsigned runs, double *ns, GError **error);
	/* What the last run left. FALSE with @error. */
	gboolean (*outcome)(struct instance *instance, struct outcome *outcome, GError **error);
	void (*close)(struct instance *instance);

	/* What is known of its code; after a run. May be NULL. */
	void (*facts)(struct instance *instance, struct code_facts *facts);
	/* Can two threads run one instance at a time? They call run_shared() then. */
	gboolean (*run_shared)(struct instance *instance, unsigned runs, double *ns,
			       GError **error);
};

/* First member of each column's own. */
struct instance {
	const struct column *column;
	struct bench_program *program;
	uint32_t n;
};

extern const struct column column_jit, column_hardened, column_interp;
/* Hardening with one mitigation switched off. */
extern const struct column columns_mitigation[];
extern const size_t n_columns_mitigation;
gboolean column_is_mitigation(const struct column *column);
extern const struct column column_linux;
extern const struct column column_native;
extern const struct column column_ubpf;

/* Runs that run() is asked for at a time, at the most. */
#define MAX_RUNS 4096u

/* Nanoseconds, monotonic. */
uint64_t bench_clock(void);

/* Room for a frame as a NIC gives it. */
#define BENCH_HEADROOM 256u
#define BENCH_TAILROOM 320u

#endif
