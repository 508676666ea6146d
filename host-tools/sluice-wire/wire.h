/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * sluice-wire: the far end of a NIC's wire. One end is QEMU's `-netdev stream` (frames behind
 * 32-bit big-endian lengths on a unix socket), the other a TAP interface and a capture being
 * replayed. It counts what it puts on the wire and what comes off it, independently of the NIC.
 */
#ifndef SLUICE_WIRE_H
#define SLUICE_WIRE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define WIRE_MAX_FRAME 65536u

/* Counters; every frame is counted when its last byte has been handed to the kernel. */
struct wire_stats {
	uint64_t to_nic_frames, to_nic_bytes;     /* written to the stream */
	uint64_t from_nic_frames, from_nic_bytes; /* read from the stream */
	uint64_t replayed_frames, replayed_bytes; /* of to_nic, those from captures */
	uint64_t tap_read, tap_written, tap_refused;
};

struct replay;
struct wire;

/* ---- stream.c: frames to and from QEMU ---- */

/* Listen on a unix socket at @path and wait for QEMU to connect. Negative errno. */
int stream_accept(const char *path, int *fd);

/* Frames waiting to be written to a stream. */
struct stream_out {
	GByteArray *buf;
	size_t done;    /* bytes of buf already written */
	GQueue lengths; /* end offset in buf of each frame not yet written whole */
	size_t base;    /* bytes dropped from the front of buf so far */
};

void stream_out_init(struct stream_out *out);
void stream_out_clear(struct stream_out *out);
void stream_out_push(struct stream_out *out, const void *frame, uint32_t len);
size_t stream_out_pending(const struct stream_out *out);

/* Write what the socket takes; *frames is how many are now written whole. 0 or negative errno. */
int stream_out_flush(struct stream_out *out, int fd, uint64_t *frames);

/* Reassembly of frames read from a stream. */
struct stream_in {
	GByteArray *buf;
};

typedef void (*stream_frame_fn)(void *opaque, const uint8_t *frame, uint32_t len);

/* Read once and call @fn for each whole frame. 0; -EPIPE at the end; -EPROTO for an impossible
 * length; other negative errno. */
int stream_in_read(struct stream_in *in, int fd, stream_frame_fn fn, void *opaque);

/* ---- replay.c: a capture, paced ---- */

/* Read a whole capture into memory. NULL with *error set to a sentence (g_free). */
struct replay *replay_open(const char *path, uint64_t count, uint64_t rate, char **error);
void replay_free(struct replay *r);

/* The frame due at @now_ns, or NULL with *wait_ns the time until one is (UINT64_MAX: finished). */
const uint8_t *replay_next(struct replay *r, uint64_t now_ns, uint32_t *len, uint64_t *wait_ns);

#endif
