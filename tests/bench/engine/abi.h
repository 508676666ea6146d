/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What a benchmark program, compiled natively as a shared object, and the bench say to each other.
 * The shared object exports
 *
 *   bench_info   what the program is, and how to fill its maps and its frame
 *   bench        the program: the loop around body()
 *   bench_n, bench_seq, bench_now   variables of bench.h and native.h
 *   each map     by its name; its first word is where the bench puts the struct bpfe_map
 */
#ifndef BENCH_ABI_H
#define BENCH_ABI_H

#include <stddef.h>
#include <stdint.h>

#define BENCH_MAX_FRAME 3000u /* bytes; fits what BPF_PROG_TEST_RUN takes in one page */

struct bpfe_map;

/* A program's context natively: the names of struct xdp_md, with addresses that fit. */
struct bench_ctx {
	uintptr_t data;
	uintptr_t data_end;
	uintptr_t data_meta;
	uint32_t ingress_ifindex;
	uint32_t rx_queue_index;
	uint32_t egress_ifindex;
	uintptr_t hard_start;
};

/* Set @map's element; not of a per-CPU map. 0 or a negative errno. */
typedef int (*bench_update_fn)(void *opaque, const char *map, const void *key, const void *value);

struct bench_info {
	const char *class;   /* "map-less", "map-heavy", "real", "maps" or "load" */
	const char *what;    /* for people */
	uint32_t iterations; /* of body() in one run that is timed */
	uint32_t ops;        /* map operations in one iteration, for class "maps"; 0: one */
	uint8_t read_only;   /* it reads one map: two threads at a time are measured too */
	/* Maps, separated by commas, whose contents are an engine's own affair: time stamps, or
	 * what an LRU map threw out. They are not compared. */
	const char *own;
	/* Put what maps need for the program's work; NULL: nothing. 0 or a negative errno. */
	int (*fill)(bench_update_fn update, void *opaque);
	/* Write the frame, at most BENCH_MAX_FRAME bytes; returns its length. */
	uint32_t (*frame)(uint8_t *frame);
};

#endif
