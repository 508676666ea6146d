// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* sluice-wire: event loop and control. See docs/man/sluice-wire.1. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <json-c/json.h>

#include "wire.h"

/* Bytes queued towards QEMU above which neither TAP nor capture is read: the wire is full. */
#define OUT_HIGH (256u * 1024)

struct wire {
	int stream, tap;
	struct stream_out out;
	struct stream_in in;
	GQueue origin; /* for each queued frame: its length, negative when it comes from a capture
			*/
	struct replay *replay;
	struct wire_stats stats;
	GString *control;
	bool quit;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static int tap_open(const char *name)
{
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	g_strlcpy(ifr.ifr_name, name, sizeof(ifr.ifr_name));
	if (ioctl(fd, TUNSETIFF, &ifr)) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

static void send_to_nic(struct wire *w, const void *frame, uint32_t len, bool captured)
{
	int signed_len = captured ? -(int)len : (int)len;

	stream_out_push(&w->out, frame, len);
	g_queue_push_tail(&w->origin, GINT_TO_POINTER(signed_len));
}

static int flush(struct wire *w)
{
	uint64_t frames;
	int err = stream_out_flush(&w->out, w->stream, &frames);

	while (frames--) {
		int len = GPOINTER_TO_INT(g_queue_pop_head(&w->origin));

		w->stats.to_nic_frames++;
		w->stats.to_nic_bytes += ABS(len);
		if (len < 0) {
			w->stats.replayed_frames++;
			w->stats.replayed_bytes += -len;
		}
	}
	return err;
}

static void from_nic(void *opaque, const uint8_t *frame, uint32_t len)
{
	struct wire *w = opaque;

	w->stats.from_nic_frames++;
	w->stats.from_nic_bytes += len;
	if (w->tap < 0)
		return;
	if (write(w->tap, frame, len) == (ssize_t)len)
		w->stats.tap_written++;
	else
		w->stats.tap_refused++;
}

static void from_tap(struct wire *w)
{
	uint8_t frame[WIRE_MAX_FRAME];

	while (stream_out_pending(&w->out) < OUT_HIGH) {
		ssize_t n = read(w->tap, frame, sizeof(frame));

		if (n <= 0)
			break;
		w->stats.tap_read++;
		send_to_nic(w, frame, n, false);
	}
}

static void reply(struct json_object *obj)
{
	printf("%s\n", json_object_to_json_string_ext(obj, JSON_C_TO_STRING_PLAIN));
	fflush(stdout);
	json_object_put(obj);
}

static void reply_error(const char *text)
{
	struct json_object *obj = json_object_new_object();

	json_object_object_add(obj, "error", json_object_new_string(text));
	reply(obj);
}

static void reply_stats(const struct wire *w, const char *event)
{
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{"to_nic_frames", w->stats.to_nic_frames},
		{"to_nic_bytes", w->stats.to_nic_bytes},
		{"from_nic_frames", w->stats.from_nic_frames},
		{"from_nic_bytes", w->stats.from_nic_bytes},
		{"replayed_frames", w->stats.replayed_frames},
		{"replayed_bytes", w->stats.replayed_bytes},
		{"tap_read", w->stats.tap_read},
		{"tap_written", w->stats.tap_written},
		{"tap_refused", w->stats.tap_refused},
	};
	struct json_object *obj = json_object_new_object();

	json_object_object_add(obj, "event", json_object_new_string(event));
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		json_object_object_add(obj, rows[i].name,
				       json_object_new_int64((int64_t)rows[i].value));
	reply(obj);
}

static uint64_t get_u64(struct json_object *req, const char *key)
{
	struct json_object *v;
	int64_t n = json_object_object_get_ex(req, key, &v) ? json_object_get_int64(v) : 0;

	return n > 0 ? (uint64_t)n : 0;
}

static void start_replay(struct wire *w, struct json_object *req)
{
	struct json_object *file;
	char *error = NULL;

	if (w->replay) {
		reply_error("a replay is under way; wait for its \"replayed\" event");
		return;
	}
	if (!json_object_object_get_ex(req, "file", &file)) {
		reply_error("replay needs \"file\"");
		return;
	}
	w->replay = replay_open(json_object_get_string(file), get_u64(req, "count"),
				get_u64(req, "rate"), &error);
	if (!w->replay) {
		reply_error(error);
		g_free(error);
		return;
	}
	reply_stats(w, "replaying");
}

static void command(struct wire *w, const char *line)
{
	struct json_object *req = json_tokener_parse(line), *cmd;
	const char *name = "";

	if (req && json_object_object_get_ex(req, "cmd", &cmd))
		name = json_object_get_string(cmd);
	if (!strcmp(name, "stats"))
		reply_stats(w, "stats");
	else if (!strcmp(name, "replay"))
		start_replay(w, req);
	else if (!strcmp(name, "quit"))
		w->quit = true;
	else
		reply_error("commands: {\"cmd\":\"stats\"|\"replay\"|\"quit\"}, one JSON object a "
			    "line");
	json_object_put(req);
}

static void read_control(struct wire *w)
{
	char chunk[4096], *newline;
	ssize_t n = read(STDIN_FILENO, chunk, sizeof(chunk));

	if (n <= 0) {
		w->quit = true;
		return;
	}
	g_string_append_len(w->control, chunk, n);
	while ((newline = strchr(w->control->str, '\n'))) {
		*newline = '\0';
		command(w, w->control->str);
		g_string_erase(w->control, 0, newline - w->control->str + 1);
	}
}

/* Queue the frames of the capture that are due. Returns the poll timeout in ms. */
static int pump_replay(struct wire *w)
{
	uint64_t wait_ns = 0;
	uint32_t len;

	if (!w->replay)
		return -1;
	while (stream_out_pending(&w->out) < OUT_HIGH) {
		const uint8_t *frame = replay_next(w->replay, now_ns(), &len, &wait_ns);

		if (frame) {
			send_to_nic(w, frame, len, true);
			continue;
		}
		if (wait_ns != UINT64_MAX)
			return (int)MIN(wait_ns / 1000000 + 1, 1000);
		if (stream_out_pending(&w->out))
			return -1; /* finished only when the last byte is written */
		replay_free(w->replay);
		w->replay = NULL;
		reply_stats(w, "replayed");
		return -1;
	}
	return -1;
}

static int run(struct wire *w)
{
	while (!w->quit) {
		int timeout = pump_replay(w);
		int err = flush(w);
		size_t pending = stream_out_pending(&w->out);
		struct pollfd fds[] = {
			{STDIN_FILENO, POLLIN, 0},
			{w->stream, POLLIN | (pending ? POLLOUT : 0), 0},
			{w->tap, pending < OUT_HIGH ? POLLIN : 0, 0},
		};

		if (err)
			return err;
		if (w->replay && !pending && timeout < 0)
			timeout = 0;
		if (poll(fds, G_N_ELEMENTS(fds), timeout) < 0 && errno != EINTR)
			return -errno;
		if (fds[0].revents)
			read_control(w);
		if (fds[1].revents & (POLLIN | POLLHUP))
			err = stream_in_read(&w->in, w->stream, from_nic, w);
		if (err)
			return err;
		if (fds[2].revents & POLLIN)
			from_tap(w);
	}
	return 0;
}

int main(int argc, char **argv)
{
	char *listen_path = NULL, *tap = NULL;
	const GOptionEntry entries[] = {
		{"listen", 'l', 0, G_OPTION_ARG_FILENAME, &listen_path,
		 "unix socket QEMU's -netdev stream connects to", "PATH"},
		{"tap", 't', 0, G_OPTION_ARG_STRING, &tap,
		 "TAP interface to join to the wire (made if it does not exist)", "NAME"},
		{NULL, 0, 0, 0, NULL, NULL, NULL},
	};
	GOptionContext *ctx = g_option_context_new("- the far end of a virtual NIC's wire");
	struct wire w = {.stream = -1, .tap = -1};
	GError *error = NULL;
	int err;

	g_option_context_set_summary(
		ctx,
		"Joins QEMU's `-netdev stream` to a TAP interface and replays captures, counting "
		"both ways.\nCommands are JSON lines on standard input: "
		"{\"cmd\":\"replay\",\"file\":F,\"count\":N,\"rate\":PPS},\n"
		"{\"cmd\":\"stats\"}, {\"cmd\":\"quit\"}.");
	g_option_context_add_main_entries(ctx, entries, NULL);
	if (!g_option_context_parse(ctx, &argc, &argv, &error) || !listen_path || argc > 1) {
		fprintf(stderr, "sluice-wire: %s; see --help\n",
			error ? error->message : "--listen PATH is needed and nothing else");
		return 2;
	}
	if (tap) {
		w.tap = tap_open(tap);
		if (w.tap < 0) {
			fprintf(stderr, "sluice-wire: TAP interface %s: %s\n", tap,
				g_strerror(-w.tap));
			return 1;
		}
	}
	stream_out_init(&w.out);
	w.in.buf = g_byte_array_new();
	w.control = g_string_new(NULL);
	err = stream_accept(listen_path, &w.stream);
	if (!err) {
		reply_stats(&w, "connected");
		err = run(&w);
	}
	if (err && err != -EPIPE)
		fprintf(stderr, "sluice-wire: %s: %s\n", listen_path, g_strerror(-err));
	reply_stats(&w, "closed");
	replay_free(w.replay);
	stream_out_clear(&w.out);
	g_byte_array_unref(w.in.buf);
	g_string_free(w.control, TRUE);
	g_queue_clear(&w.origin);
	g_option_context_free(ctx);
	return err && err != -EPIPE;
}
