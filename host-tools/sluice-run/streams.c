// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "streams.h"

static void record_clear(gpointer record)
{
	g_bytes_unref(((struct stream_record *)record)->data);
}

static void stream_clear(gpointer stream)
{
	g_array_unref(((struct stream *)stream)->kept);
}

void streams_open(struct streams *streams, const struct program *program)
{
	streams->streams = g_array_new(FALSE, FALSE, sizeof(struct stream));
	g_array_set_clear_func(streams->streams, stream_clear);
	for (uint32_t i = 0; i < program_n_maps(program); i++) {
		struct stream stream = {.map = program->maps[i]};

		if (!stream.map ||
		    (bpfe_map_attr(stream.map)->type != BPF_MAP_TYPE_RINGBUF &&
		     bpfe_map_attr(stream.map)->type != BPF_MAP_TYPE_PERF_EVENT_ARRAY))
			continue;
		stream.kept = g_array_new(FALSE, FALSE, sizeof(struct stream_record));
		g_array_set_clear_func(stream.kept, record_clear);
		g_array_append_val(streams->streams, stream);
	}
}

static int take_record(void *opaque, uint32_t cpu, const void *data, size_t size)
{
	struct stream *stream = opaque;
	struct stream_record record = {.queue = cpu};

	stream->records++;
	if (stream->kept->len == STREAM_RECORDS_KEPT)
		return 0;
	record.data = g_bytes_new(data, size);
	g_array_append_val(stream->kept, record);
	return 0;
}

void streams_collect(struct streams *streams)
{
	for (guint i = 0; i < streams->streams->len; i++) {
		struct stream *stream = &g_array_index(streams->streams, struct stream, i);

		bpfe_map_consume(stream->map, 0, take_record, stream);
	}
}

void streams_close(struct streams *streams)
{
	g_array_unref(streams->streams);
}

const struct stream *streams_find(const struct streams *streams, const struct bpfe_map *map)
{
	for (guint i = 0; i < streams->streams->len; i++) {
		const struct stream *stream = &g_array_index(streams->streams, struct stream, i);

		if (stream->map == map)
			return stream;
	}
	return NULL;
}
