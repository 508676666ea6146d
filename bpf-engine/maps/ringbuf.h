/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Ring buffers as helpers and the end of a run see them. */
#ifndef BPFE_RINGBUF_H
#define BPFE_RINGBUF_H

#include "maps/map.h"
#include "maps/ring.h"

/*
 * Reserve @size bytes for a program on processor @cpu: zeroed, 8-byte aligned, or NULL, counted as
 * lost. The consumer waits until the record is submitted or discarded, by any thread. Inside a read
 * section, like the others here.
 */
void *bpfe_ringbuf_reserve(struct bpfe_map *map, uint64_t size, uint32_t cpu);

/* @flags: BPF_RB_NO_WAKEUP, BPF_RB_FORCE_WAKEUP; others are ignored, as in Linux. */
void bpfe_ringbuf_submit(struct bpfe_map *map, void *record, uint64_t flags);
void bpfe_ringbuf_discard(struct bpfe_map *map, void *record, uint64_t flags);

/* As bpf_ringbuf_query(): @what BPF_RB_AVAIL_DATA...; 0 for what is not known. */
uint64_t bpfe_ringbuf_query(const struct bpfe_map *map, uint64_t what);

/*
 * The same on behalf of a run, which keeps in env->held what it has to let go of. NULL too when the
 * run holds BPFE_MAX_HELD records. A record the run does not hold is left alone.
 */
void *bpfe_run_reserve(struct bpfe_run_env *env, struct bpfe_map *map, uint64_t size);
void bpfe_run_commit(struct bpfe_run_env *env, void *record, uint64_t flags, bool discard);

/* Discard all that the run holds: it was cut short. */
void bpfe_run_drop_held(struct bpfe_run_env *env);

/* Do the @size bytes at @address lie in a record the run holds? For the checked interpreter. */
bool bpfe_run_holds(const struct bpfe_run_env *env, uintptr_t address, size_t size);

#endif
