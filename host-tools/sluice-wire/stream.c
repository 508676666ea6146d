// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Frames over a unix stream socket, as QEMU's stream and socket netdevs frame them. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "wire.h"

int stream_accept(const char *path, int *fd)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int listener, err = 0;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, path, strlen(path) + 1);
	unlink(path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0)
		return -errno;
	if (bind(listener, (struct sockaddr *)&addr, sizeof(addr)) || listen(listener, 1)) {
		err = -errno;
	} else {
		*fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (*fd < 0)
			err = -errno;
	}
	close(listener);
	unlink(path);
	return err;
}

void stream_out_init(struct stream_out *out)
{
	memset(out, 0, sizeof(*out));
	out->buf = g_byte_array_new();
	g_queue_init(&out->lengths);
}

void stream_out_clear(struct stream_out *out)
{
	g_byte_array_unref(out->buf);
	g_queue_clear(&out->lengths);
}

size_t stream_out_pending(const struct stream_out *out)
{
	return out->buf->len - out->done;
}

void stream_out_push(struct stream_out *out, const void *frame, uint32_t len)
{
	uint32_t header = htonl(len);

	g_byte_array_append(out->buf, (const uint8_t *)&header, sizeof(header));
	g_byte_array_append(out->buf, frame, len);
	g_queue_push_tail(&out->lengths, GSIZE_TO_POINTER(out->base + out->buf->len));
}

int stream_out_flush(struct stream_out *out, int fd, uint64_t *frames)
{
	*frames = 0;
	while (stream_out_pending(out)) {
		ssize_t n =
			send(fd, out->buf->data + out->done, stream_out_pending(out), MSG_NOSIGNAL);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			if (errno == EAGAIN)
				break;
			return -errno;
		}
		out->done += n;
	}
	while (!g_queue_is_empty(&out->lengths) &&
	       GPOINTER_TO_SIZE(g_queue_peek_head(&out->lengths)) <= out->base + out->done) {
		g_queue_pop_head(&out->lengths);
		(*frames)++;
	}
	/* Move the rest to the front only when much has gone, so that the cost stays linear. */
	if (out->done == out->buf->len || out->done > 1u << 20) {
		out->base += out->done;
		g_byte_array_remove_range(out->buf, 0, out->done);
		out->done = 0;
	}
	return 0;
}

int stream_in_read(struct stream_in *in, int fd, stream_frame_fn fn, void *opaque)
{
	uint8_t chunk[65536];
	size_t used = 0;
	ssize_t n = recv(fd, chunk, sizeof(chunk), 0);

	if (n == 0)
		return -EPIPE;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	g_byte_array_append(in->buf, chunk, n);
	while (in->buf->len - used >= sizeof(uint32_t)) {
		uint32_t len;

		memcpy(&len, in->buf->data + used, sizeof(len));
		len = ntohl(len);
		if (len > WIRE_MAX_FRAME)
			return -EPROTO;
		if (in->buf->len - used - sizeof(len) < len)
			break;
		fn(opaque, in->buf->data + used + sizeof(len), len);
		used += sizeof(len) + len;
	}
	g_byte_array_remove_range(in->buf, 0, used);
	return 0;
}
