// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* sluice-wire: framing over the stream and pacing of a replay. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include <pcap/pcap.h>

#include "wire.h"

struct pair {
	int fd[2];
	struct stream_out out;
	struct stream_in in;
	GString *got;
};

static int setup(void **state)
{
	struct pair *p = g_new0(struct pair, 1);

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p->fd))
		return -1;
	stream_out_init(&p->out);
	p->in.buf = g_byte_array_new();
	p->got = g_string_new(NULL);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct pair *p = *state;

	close(p->fd[0]);
	close(p->fd[1]);
	stream_out_clear(&p->out);
	g_byte_array_unref(p->in.buf);
	g_string_free(p->got, TRUE);
	g_free(p);
	return 0;
}

static void note(void *opaque, const uint8_t *frame, uint32_t len)
{
	struct pair *p = opaque;

	g_string_append_printf(p->got, "%u:%02x ", len, len ? frame[len - 1] : 0);
}

static void test_frames_arrive_whole(void **state)
{
	struct pair *p = *state;
	uint64_t frames;

	stream_out_push(&p->out, "\x01\x02\x03", 3);
	stream_out_push(&p->out, "", 0);
	stream_out_push(&p->out, "\xff", 1);
	assert_int_equal(stream_out_flush(&p->out, p->fd[0], &frames), 0);
	assert_int_equal(frames, 3);
	assert_int_equal(stream_in_read(&p->in, p->fd[1], note, p), 0);
	assert_string_equal(p->got->str, "3:03 0:00 1:ff ");
}

static void test_a_frame_counts_with_its_last_byte(void **state)
{
	struct pair *p = *state;
	uint8_t frame[WIRE_MAX_FRAME] = {0};
	uint64_t frames, sent = 0, pushed = 0;

	/* Fill the socket until it takes no more, so that one frame is cut in the middle. */
	do {
		stream_out_push(&p->out, frame, sizeof(frame));
		pushed++;
		assert_int_equal(stream_out_flush(&p->out, p->fd[0], &frames), 0);
		sent += frames;
	} while (!stream_out_pending(&p->out));
	assert_int_equal(sent, pushed - 1);
	while (stream_out_pending(&p->out)) {
		assert_int_equal(stream_in_read(&p->in, p->fd[1], note, p), 0);
		assert_int_equal(stream_out_flush(&p->out, p->fd[0], &frames), 0);
		sent += frames;
	}
	assert_int_equal(sent, pushed);
}

static void test_byte_by_byte(void **state)
{
	struct pair *p = *state;
	const uint8_t bytes[] = {0, 0, 0, 2, 0xaa, 0xbb, 0, 0, 0, 1, 0xcc};

	for (size_t i = 0; i < sizeof(bytes); i++) {
		assert_int_equal(write(p->fd[0], bytes + i, 1), 1);
		assert_int_equal(stream_in_read(&p->in, p->fd[1], note, p), 0);
	}
	assert_string_equal(p->got->str, "2:bb 1:cc ");
}

static void test_impossible_length(void **state)
{
	struct pair *p = *state;
	const uint8_t bytes[] = {0, 1, 0, 1};

	assert_int_equal(write(p->fd[0], bytes, sizeof(bytes)), sizeof(bytes));
	assert_int_equal(stream_in_read(&p->in, p->fd[1], note, p), -EPROTO);
}

static void test_end_of_stream(void **state)
{
	struct pair *p = *state;

	shutdown(p->fd[0], SHUT_WR);
	assert_int_equal(stream_in_read(&p->in, p->fd[1], note, p), -EPIPE);
}

/* A capture of frames 1, 2, 3 bytes long in a temporary file. */
static char *make_capture(int linktype, uint32_t cut)
{
	char *path = NULL;
	int fd = g_file_open_tmp("wire-XXXXXX.pcap", &path, NULL);
	pcap_t *dead = pcap_open_dead(linktype, 65535);
	pcap_dumper_t *dump = pcap_dump_open(dead, path);

	for (uint32_t len = 1; len <= 3; len++) {
		struct pcap_pkthdr hdr = {.caplen = len, .len = len + (len == cut)};

		pcap_dump((u_char *)dump, &hdr, (const u_char *)"abc");
	}
	pcap_dump_close(dump);
	pcap_close(dead);
	close(fd);
	return path;
}

static void test_replay_at_a_rate(void **state)
{
	char *path = make_capture(DLT_EN10MB, 0), *error = NULL;
	struct replay *r = replay_open(path, 4, 1000, &error);
	uint64_t wait, now = 1;
	uint32_t len;

	assert_non_null(r);
	assert_non_null(replay_next(r, now, &len, &wait));
	assert_int_equal(len, 1);
	assert_null(replay_next(r, now, &len, &wait));
	assert_int_equal(wait, 1000000);
	now += 2000000;
	assert_non_null(replay_next(r, now, &len, &wait));
	assert_non_null(replay_next(r, now, &len, &wait));
	assert_int_equal(len, 3);
	assert_null(replay_next(r, now, &len, &wait));
	now += 1000000;
	assert_non_null(replay_next(r, now, &len, &wait));
	assert_int_equal(len, 1); /* the capture begins anew */
	assert_null(replay_next(r, now, &len, &wait));
	assert_true(wait == UINT64_MAX);
	replay_free(r);
	unlink(path);
	g_free(path);
}

static void expect_replay_error(char *path, const char *what)
{
	char *error = NULL;
	char *want = g_strconcat(path, ": ", what, NULL);

	assert_null(replay_open(path, 0, 0, &error));
	assert_string_equal(error, want);
	g_free(error);
	g_free(want);
	unlink(path);
	g_free(path);
}

static void test_captures_that_cannot_be_replayed(void **state)
{
	expect_replay_error(make_capture(DLT_EN10MB, 2),
			    "frame 2 was cut when it was captured (2 of 3 bytes); capture with "
			    "`tcpdump -s 0`");
	expect_replay_error(make_capture(DLT_RAW, 0),
			    "link type RAW, only Ethernet can go on this wire");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_frames_arrive_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_frame_counts_with_its_last_byte, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_byte_by_byte, setup, teardown),
		cmocka_unit_test_setup_teardown(test_impossible_length, setup, teardown),
		cmocka_unit_test_setup_teardown(test_end_of_stream, setup, teardown),
		cmocka_unit_test(test_replay_at_a_rate),
		cmocka_unit_test(test_captures_that_cannot_be_replayed),
	};

	return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
