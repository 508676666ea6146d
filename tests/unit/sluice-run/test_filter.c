// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* sluice-run --filter: the frames libpcap's own interpreter matches are delivered, and no others.
 */
#include "fixture.h"

#include <pcap/pcap.h>
#include <string.h>

static pcap_t *open_capture(const char *path)
{
	char reason[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_open_offline(path, reason);

	if (!pcap)
		fail_msg("%s", reason);
	return pcap;
}

/* The next frame of @in that the filter matches, or FALSE. */
static gboolean next_match(pcap_t *in, const struct bpf_program *filter, struct pcap_pkthdr **head,
			   const u_char **data)
{
	while (pcap_next_ex(in, head, data) == 1) {
		if (pcap_offline_filter(filter, *head, *data))
			return TRUE;
	}
	return FALSE;
}

/* The frames of @output are those of @input that match, byte for byte. Returns how many. */
static unsigned expect_matches(const char *input, const char *output, const char *expression)
{
	pcap_t *in = open_capture(input), *out = open_capture(output);
	struct pcap_pkthdr *expected_head, *head;
	const u_char *expected, *data;
	struct bpf_program filter;
	unsigned n = 0;

	assert_int_equal(pcap_compile(in, &filter, expression, 1, PCAP_NETMASK_UNKNOWN), 0);
	while (next_match(in, &filter, &expected_head, &expected)) {
		assert_int_equal(pcap_next_ex(out, &head, &data), 1);
		assert_int_equal(head->caplen, expected_head->caplen);
		assert_memory_equal(data, expected, head->caplen);
		n++;
	}
	assert_int_equal(pcap_next_ex(out, &head, &data), PCAP_ERROR_BREAK);
	pcap_freecode(&filter);
	pcap_close(in);
	pcap_close(out);
	return n;
}

static void matching_frames_are_delivered(void **state)
{
	static const char *const expressions[] = {"udp", "vlan and ip6", "tcp and greater 300",
						  "not ip"};
	g_autofree char *input = make_capture(state, "-n", "500", NULL);
	g_autofree char *output = scratch_path(state, "out.pcapng");

	for (size_t i = 0; i < G_N_ELEMENTS(expressions); i++) {
		struct json_object *json = expect_json(
			sluice_run("--json", "--filter", expressions[i], "-w", output, input));
		unsigned n = expect_matches(input, output, expressions[i]);

		assert_in_range(n, 1, 499);
		assert_int_equal(json_number(json, "verdicts", "pass"), n);
		assert_int_equal(json_number(json, "verdicts", "drop"), 500 - n);
		assert_int_equal(json_number(json, "counters", "rx_delivered_frames"), n);
		json_object_put(json);
	}
}

static void bad_expression(void **state)
{
	g_autofree char *input = make_capture(state, "-n", "1", NULL);

	expect_failure(sluice_run("--filter", "udp prt 53", input), 1,
		       "filter 'udp prt 53': can't parse filter expression: syntax error");
}

static void expression_with_a_loop(void **state)
{
	g_autofree char *input = make_capture(state, "-n", "1", NULL);

	expect_failure(sluice_run("--filter", "ip6 protochain 6", input), 1,
		       "ip6 protochain 6: program filter is refused:\ninstruction 18: jump back by "
		       "14; jumps of a filter go forward (libpcap's protochain makes a loop, and "
		       "runs in libpcap alone)");
}

static void filter_and_program(void **state)
{
	expect_failure(sluice_run("--filter", "udp", "prog.o", "in.pcap"), 2,
		       "expected IN.pcap after --filter; see sluice-run --help");
	expect_failure(
		sluice_run("--filter", "udp", "-m", "a:1=1", "in.pcap"), 2,
		"--program, --map and --global need PROG.o, not --filter; see sluice-run --help");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(matching_frames_are_delivered),
		scratch_test(bad_expression),
		scratch_test(expression_with_a_loop),
		scratch_test(filter_and_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
