/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Perf event arrays as helpers see them. */
#ifndef BPFE_PERF_EVENT_ARRAY_H
#define BPFE_PERF_EVENT_ARRAY_H

#include "maps/map.h"

/*
 * Write a record of @data_size bytes at @data and the frame's first @frame_size to the ring at
 * @index, for a program on processor @cpu. -E2BIG: @index is out of range; -ENOENT: nobody listens
 * there; -EOPNOTSUPP: it is not @cpu's; -ENOSPC: no room, counted as lost. Inside a read section.
 */
int bpfe_perf_event_output(struct bpfe_map *map, uint64_t index, uint32_t cpu, const void *data,
			   size_t data_size, const void *frame, size_t frame_size);

#endif
