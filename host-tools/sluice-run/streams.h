/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What a program wrote to ring buffers and perf event arrays, taken after each frame. */
#ifndef SLUICE_RUN_STREAMS_H
#define SLUICE_RUN_STREAMS_H

#include "program.h"

#define STREAM_RECORDS_KEPT 1000u

struct stream_record {
	uint32_t queue;
	GBytes *data;
};

struct stream {
	struct bpfe_map *map;
	uint64_t records;
	GArray *kept; /* struct stream_record: the first STREAM_RECORDS_KEPT */
};

struct streams {
	GArray *streams; /* struct stream */
};

void streams_open(struct streams *streams, const struct program *program);
void streams_collect(struct streams *streams);
void streams_close(struct streams *streams);

/* The stream of @map, or NULL if it is none. */
const struct stream *streams_find(const struct streams *streams, const struct bpfe_map *map);

#endif
