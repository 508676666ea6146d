/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A capture file, read whole. */
#ifndef SLUICE_COMMON_CAPTURE_H
#define SLUICE_COMMON_CAPTURE_H

#include <glib.h>
#include <stdint.h>

struct capture_frame {
	uint64_t time_ns; /* since the epoch */
	size_t offset;    /* of its first byte in capture->bytes */
	uint32_t len;
};

struct capture {
	GArray *frames;    /* struct capture_frame */
	GByteArray *bytes; /* of all frames, back to back */
};

/*
 * Read a pcap or pcapng file of Ethernet frames. NULL with @error for a file that is neither, that
 * ends in the middle of a frame, has another link type, or holds frames cut by a snapshot length.
 */
struct capture *capture_read(const char *path, GError **error);
void capture_free(struct capture *capture);

static inline const struct capture_frame *capture_frame(const struct capture *capture, unsigned i)
{
	return &g_array_index(capture->frames, struct capture_frame, i);
}

static inline const uint8_t *capture_data(const struct capture *capture, unsigned i)
{
	return capture->bytes->data + capture_frame(capture, i)->offset;
}

#endif
