// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What sluice-run -w writes: the frames as libpcap reads them, the rest byte by byte. */
#include "fixture.h"

#include <pcap/pcap.h>
#include <string.h>

/* enum xdp_action; <linux/bpf.h> and <pcap.h> cannot be included together. */
#define XDP_PASS 2
#define XDP_TX   3

#define BLOCK_SECTION   0x0a0d0d0au
#define BLOCK_INTERFACE 1u
#define BLOCK_PACKET    6u

/* A file of pcapng, and where its reader is. */
struct reader {
	uint8_t *bytes;
	gsize size;
	gsize at;
};

static uint32_t u32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

/* The next block's type, its body and the body's length; 0 at the end. */
static uint32_t next_block(struct reader *r, const uint8_t **body, uint32_t *len)
{
	const uint8_t *block = r->bytes + r->at;
	uint32_t total;

	if (r->at == r->size)
		return 0;
	assert_true(r->size - r->at >= 12);
	total = u32(block + 4);
	assert_int_equal(total % 4, 0);
	assert_true(total >= 12 && total <= r->size - r->at);
	assert_int_equal(u32(block + total - 4), total);
	*body = block + 8;
	*len = total - 12;
	r->at += total;
	return u32(block);
}

/* The value of option @code among the options at @at, which must have this length. */
static const uint8_t *option(const uint8_t *at, const uint8_t *end, uint16_t code, uint16_t len)
{
	while (end - at >= 4) {
		uint16_t head[2];

		memcpy(head, at, sizeof(head));
		if (head[0] == code) {
			assert_int_equal(head[1], len);
			return at + 4;
		}
		if (!head[0])
			break;
		at += 4 + (head[1] + 3u) / 4 * 4;
	}
	fail_msg("no option %u", code);
	return NULL;
}

struct expected {
	uint32_t flags;
	uint64_t action;
	const char *name;
	uint32_t queue;
};

/* Check one packet block of frame number @frame. */
static void expect_packet(const uint8_t *body, uint32_t len, unsigned frame,
			  const struct expected *want)
{
	uint32_t captured = u32(body + 12);
	const uint8_t *options = body + 20 + (captured + 3) / 4 * 4, *end = body + len, *verdict;
	g_autofree char *comment = g_strdup_printf("frame %u: XDP_%s", frame, want->name);
	uint64_t action;

	assert_int_equal(u32(body), 0);
	assert_int_equal(u32(body + 16), captured);
	assert_true(options < end);
	assert_memory_equal(option(options, end, 1, strlen(comment)), comment, strlen(comment));
	assert_int_equal(u32(option(options, end, 2, 4)), want->flags);
	assert_int_equal(u32(option(options, end, 6, 4)), want->queue);
	verdict = option(options, end, 7, 9);
	assert_int_equal(verdict[0], 2); /* Linux eBPF XDP */
	memcpy(&action, verdict + 1, sizeof(action));
	assert_int_equal(action, want->action);
}

static void open_reader(struct reader *r, const char *path)
{
	const uint8_t *body;
	uint32_t len;

	memset(r, 0, sizeof(*r));
	assert_true(g_file_get_contents(path, (char **)&r->bytes, &r->size, NULL));
	assert_int_equal(next_block(r, &body, &len), BLOCK_SECTION);
	assert_int_equal(u32(body), 0x1a2b3c4d);
	assert_memory_equal(option(body + 16, body + len, 4, 10), "sluice-run", 10);
	assert_int_equal(next_block(r, &body, &len), BLOCK_INTERFACE);
	assert_int_equal(u32(body), 1); /* Ethernet */
	assert_memory_equal(option(body + 8, body + len, 2, 3), "sl0", 3);
	assert_int_equal(option(body + 8, body + len, 9, 1)[0], 9);
}

static void expect_same_frames(const char *in, const char *out)
{
	char reason[PCAP_ERRBUF_SIZE];
	pcap_t *a = pcap_open_offline_with_tstamp_precision(in, PCAP_TSTAMP_PRECISION_NANO, reason);
	pcap_t *b =
		pcap_open_offline_with_tstamp_precision(out, PCAP_TSTAMP_PRECISION_NANO, reason);
	struct pcap_pkthdr *x, *y;
	const u_char *p, *q;

	if (!a || !b)
		fail_msg("%s", reason);
	while (pcap_next_ex(a, &x, &p) == 1) {
		assert_int_equal(pcap_next_ex(b, &y, &q), 1);
		assert_int_equal(y->ts.tv_sec, x->ts.tv_sec);
		assert_int_equal(y->ts.tv_usec, x->ts.tv_usec);
		assert_int_equal(y->len, x->len);
		assert_int_equal(y->caplen, x->caplen);
		assert_memory_equal(q, p, x->caplen);
	}
	assert_int_equal(pcap_next_ex(b, &y, &q), PCAP_ERROR_BREAK);
	pcap_close(a);
	pcap_close(b);
}

static void run_writing(const char *program, const char *in, const char *out, const char *repeat)
{
	struct run run = sluice_run("-w", out, "--queue", "1", "--repeat", repeat, program, in);

	assert_string_equal(run.err, "");
	assert_int_equal(run.status, 0);
	run_clear(&run);
}

static void passed_frames(void **state)
{
	const struct expected want = {.flags = 1, .action = XDP_PASS, .name = "PASS", .queue = 1};
	g_autofree char *program = example("xdp_pass_count");
	g_autofree char *in = make_capture(state, "-n", "300", NULL);
	g_autofree char *out = scratch_path(state, "out.pcapng");
	const uint8_t *body;
	struct reader r;
	unsigned n = 0;
	uint32_t len;

	run_writing(program, in, out, "2");
	expect_same_frames(in, out);
	open_reader(&r, out);
	while (next_block(&r, &body, &len) == BLOCK_PACKET)
		expect_packet(body, len, ++n, &want);
	assert_int_equal(r.at, r.size);
	assert_int_equal(n, 300);
	g_free(r.bytes);
}

/* An untagged UDP datagram over IPv4 to port 7, which xdp_reflect sends back. */
static const u_char echo[] = {
	0x02, 0,    0,   0,  0, 1,  0x02, 0, 0,   0,   0, 2, 0x08, 0x00, /* Ethernet */
	0x45, 0,    0,   30, 0, 0,  0,    0, 64,  17,  0, 0, 192,  0,
	2,    2,    192, 0,  2, 1,                     /* IPv4 */
	0x30, 0x39, 0,   7,  0, 10, 0,    0, 'h', 'i', /* UDP */
};
static const u_char answer[] = {
	0x02, 0, 0,    0,    0, 2,  0x02, 0, 0,   0,   0, 1, 0x08, 0x00, /* Ethernet */
	0x45, 0, 0,    30,   0, 0,  0,    0, 64,  17,  0, 0, 192,  0,
	2,    1, 192,  0,    2, 2,                     /* IPv4 */
	0,    7, 0x30, 0x39, 0, 10, 0,    0, 'h', 'i', /* UDP */
};

static void transmitted_frame(void **state)
{
	const struct expected want = {.flags = 2, .action = XDP_TX, .name = "TX", .queue = 1};
	const struct pcap_pkthdr head = {.caplen = sizeof(echo), .len = sizeof(echo)};
	g_autofree char *program = example("xdp_reflect");
	g_autofree char *in = scratch_path(state, "in.pcap");
	g_autofree char *out = scratch_path(state, "out.pcapng");
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, 65535);
	pcap_dumper_t *dumper = pcap_dump_open(pcap, in);
	const uint8_t *body;
	struct reader r;
	uint32_t len;

	pcap_dump((u_char *)dumper, &head, echo);
	pcap_dump_close(dumper);
	pcap_close(pcap);
	run_writing(program, in, out, "1");
	open_reader(&r, out);
	assert_int_equal(next_block(&r, &body, &len), BLOCK_PACKET);
	expect_packet(body, len, 1, &want);
	assert_int_equal(u32(body + 12), sizeof(answer));
	assert_memory_equal(body + 20, answer, sizeof(answer));
	assert_int_equal(next_block(&r, &body, &len), 0);
	g_free(r.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(passed_frames),
		scratch_test(transmitted_frame),
	};

	return run_tests_on_objects(tests);
}
