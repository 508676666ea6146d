// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* XDP_REDIRECT: what sluice-run reports of xdp_steer against what the frames' bytes say. */
#include "fixture.h"

#include <pcap/pcap.h>
#include <string.h>

#define FRAMES 2000

/* Frames of a capture, as xdp_steer sorts them. */
struct sorted {
	uint64_t queue[32]; /* IPv4, by queue */
	uint64_t other;
};

static struct sorted sort(const char *path)
{
	char error[PCAP_ERRBUF_SIZE];
	pcap_t *capture = pcap_open_offline(path, error);
	struct sorted sorted = {0};
	struct pcap_pkthdr *header;
	const u_char *data;

	assert_non_null(capture);
	while (pcap_next_ex(capture, &header, &data) == 1) {
		if (header->caplen >= 34 && data[12] == 0x08 && data[13] == 0x00)
			sorted.queue[data[29] % 32]++;
		else
			sorted.other++;
	}
	pcap_close(capture);
	return sorted;
}

/* Frames the report has for @target, which must exist in the NIC or not; 0: none. */
static uint64_t redirected(struct json_object *json, const char *target, gboolean exists)
{
	struct json_object *redirects = json_object_object_get(json, "redirects");

	for (size_t i = 0; i < json_object_array_length(redirects); i++) {
		struct json_object *entry = json_object_array_get_idx(redirects, i);
		struct json_object *name = json_object_object_get(entry, "target");

		if (strcmp(json_object_get_string(name), target) != 0)
			continue;
		assert_int_equal(json_object_get_boolean(json_object_object_get(entry, "exists")),
				 exists);
		return json_object_get_uint64(json_object_object_get(entry, "frames"));
	}
	return 0;
}

static void to_queues_and_ports(void **state)
{
	g_autofree char *program = example("xdp_steer");
	g_autofree char *capture = make_capture(state, "-n", "2000", "-M", "50", "-s", "20", NULL);
	struct sorted want = sort(capture);
	struct json_object *json =
		expect_json(sluice_run("--json", "-m", "queues:7=192", "-m", "queues:9=192", "-m",
				       "ports:0=1", program, capture));

	assert_true(want.queue[7] > 0 && want.queue[9] > 0 && want.other > 0);
	assert_int_equal(redirected(json, "queue 7", TRUE), want.queue[7]);
	assert_int_equal(redirected(json, "queue 9", TRUE), want.queue[9]);
	assert_int_equal(redirected(json, "interface 1", TRUE), want.other);
	assert_int_equal(json_number(json, "verdicts", "redirect"),
			 want.queue[7] + want.queue[9] + want.other);
	assert_int_equal(json_number(json, "counters", "xdp_redirect_queue"),
			 want.queue[7] + want.queue[9]);
	assert_int_equal(json_number(json, "counters", "xdp_redirect_sent"), want.other);
	assert_int_equal(json_number(json, "counters", "xdp_redirect_error"), 0);
	assert_int_equal(json_number(json, "counters", "rx_delivered_frames"), FRAMES - want.other);
	json_object_put(json);
}

static void to_a_port_that_is_not_there(void **state)
{
	g_autofree char *program = example("xdp_steer");
	g_autofree char *capture = make_capture(state, "-n", "2000", "-M", "50", NULL);
	struct sorted want = sort(capture);
	struct run run = sluice_run("--json", "-m", "ports:0=3", program, capture);
	struct json_object *json;

	assert_non_null(strstr(run.err, "sluice-run: NIC: program 1 redirects to interface 3; "
					"there are 1 to 1\n"));
	g_free(run.err);
	run.err = g_strdup("");
	json = expect_json(run);
	assert_int_equal(redirected(json, "interface 3", FALSE), want.other);
	assert_int_equal(json_number(json, "counters", "xdp_redirect_error"), want.other);
	assert_int_equal(json_number(json, "verdicts", "pass"), FRAMES - want.other);
	json_object_put(json);
}

static void nothing_redirected(void **state)
{
	g_autofree char *program = example("xdp_steer");
	g_autofree char *capture = make_capture(state, "-n", "100", NULL);
	struct json_object *json = expect_json(sluice_run("--json", program, capture));

	assert_int_equal(json_number(json, "verdicts", "pass"), 100);
	assert_int_equal(json_object_array_length(json_object_object_get(json, "redirects")), 0);
	json_object_put(json);
}

static void as_a_table(void **state)
{
	g_autofree char *program = example("xdp_steer");
	g_autofree char *capture = make_capture(state, "-n", "2000", "-M", "50", NULL);
	g_autofree char *line = NULL;
	struct sorted want = sort(capture);
	struct run run = sluice_run("-m", "ports:0=3", program, capture);

	line = g_strdup_printf("\nRedirected to\n  %-20s %12" G_GUINT64_FORMAT
			       " frames; not in this NIC\n",
			       "interface 3", want.other);
	assert_int_equal(run.status, 0);
	assert_non_null(strstr(run.out, line));
	run_clear(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(to_queues_and_ports),
		scratch_test(to_a_port_that_is_not_there),
		scratch_test(nothing_redirected),
		scratch_test(as_a_table),
	};

	return run_tests_on_objects(tests);
}
