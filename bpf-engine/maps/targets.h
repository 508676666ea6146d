/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Maps that bpf_redirect_map() takes its targets from: devmap, cpumap, xskmap. */
#ifndef BPFE_TARGETS_H
#define BPFE_TARGETS_H

#include "maps/map.h"

/* Most entries such a map may have, so that a broadcast stays short. */
#define BPFE_MAX_TARGETS 65536u

/* What lies behind a key: the first word of the value (interface, queue size, queue of a socket)
 * and, if the value has one, the second: the id of its program, which is always 0 here. */
struct bpfe_target {
	uint32_t first;
	uint32_t second;
};

/* ---- Targets by number: devmap, cpumap, xskmap ---- */

/* bpfe_map_ops.check, less what the value may be. */
int bpfe_targets_check(const struct bpfe_map_attr *attr, const char *what, uint32_t max_value,
		       struct bpfe_log *log);

size_t bpfe_targets_size(const struct bpfe_map_attr *attr);
int bpfe_targets_init(struct bpfe_map *map);
void bpfe_targets_destroy(struct bpfe_map *map);
void *bpfe_targets_lookup(struct bpfe_map *map, const void *key, uint32_t cpu);
int bpfe_targets_remove(struct bpfe_map *map, const void *key); /* -EINVAL: out of range */
uint32_t bpfe_targets_count(const struct bpfe_map *map);
bool bpfe_targets_contains(const struct bpfe_map *map, uintptr_t address, size_t size);

/* Set what lies at @index, which is in range, or with NULL take it away. */
void bpfe_targets_set(struct bpfe_map *map, uint32_t index, const struct bpfe_target *target);

/* ---- Values of devmap, cpumap ---- */

/*
 * Take the value of 4 bytes, or of 8 with the fd of a program in the second word, which this device
 * does not run: -EOPNOTSUPP if there is one.
 */
int bpfe_target_parse(const struct bpfe_map *map, const void *value, struct bpfe_target *target);

/* ---- Redirection ---- */

/*
 * bpf_redirect_map(): the target at @key of a map of these types to *@redirect. @flags: the verdict
 * for a key with no target in the lowest two bits, BPF_F_BROADCAST and BPF_F_EXCLUDE_INGRESS for a
 * devmap. Returns the verdict: XDP_REDIRECT; the one of @flags, and *@redirect is empty;
 * XDP_ABORTED for other flags or another map. Inside a read section.
 */
uint32_t bpfe_redirect_map(struct bpfe_map *map, uint32_t key, uint64_t flags,
			   struct bpfe_redirect *redirect);

#endif
