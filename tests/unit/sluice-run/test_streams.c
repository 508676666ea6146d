// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What a program writes to a ring buffer, record for record, against the frames of the capture. */
#include "fixture.h"

#include <pcap/pcap.h>
#include <string.h>

/* The records xdp_sample makes of a capture, as hex. */
static GPtrArray *expected(const char *path)
{
	GPtrArray *records = g_ptr_array_new_with_free_func(g_free);
	char error[PCAP_ERRBUF_SIZE];
	pcap_t *capture = pcap_open_offline(path, error);
	struct pcap_pkthdr *header;
	const u_char *data;

	assert_non_null(capture);
	while (pcap_next_ex(capture, &header, &data) == 1) {
		GString *record = g_string_new(NULL);
		guint16 type = (guint16)(data[12] << 8 | data[13]);

		for (unsigned i = 0; i < 4; i++)
			g_string_append_printf(record, "%02x", header->caplen >> (8 * i) & 0xff);
		for (unsigned i = 0; i < 14; i++)
			g_string_append_printf(record, "%02x", data[i]);
		g_string_append(record, "0000"); /* padding of the structure: never written */
		if (type == 0x0800 || type == 0x86dd)
			g_string_free(record, TRUE);
		else
			g_ptr_array_add(records, g_string_free(record, FALSE));
	}
	pcap_close(capture);
	return records;
}

static void every_record(void **state)
{
	g_autofree char *program = example("xdp_sample");
	g_autofree char *capture = make_capture(state, "-n", "1500", "-M", "100", NULL);
	GPtrArray *want = expected(capture);
	struct json_object *json = expect_json(sluice_run("--json", "-q", "3", program, capture));
	struct json_object *map =
		json_object_array_get_idx(json_object_object_get(json, "maps"), 0);
	struct json_object *first = json_object_object_get(map, "first");

	assert_true(want->len > 0 && want->len < 1000);
	assert_string_equal(json_object_get_string(json_object_object_get(map, "type")), "ringbuf");
	assert_int_equal(json_object_get_uint64(json_object_object_get(map, "records")), want->len);
	assert_int_equal(json_object_get_uint64(json_object_object_get(map, "lost")), 0);
	assert_int_equal(json_object_array_length(first), want->len);
	for (guint i = 0; i < want->len; i++) {
		struct json_object *entry = json_object_array_get_idx(first, i);

		assert_int_equal(json_object_get_int(json_object_object_get(entry, "queue")), 3);
		assert_string_equal(json_object_get_string(json_object_object_get(entry, "data")),
				    g_ptr_array_index(want, i));
	}
	g_ptr_array_unref(want);
	json_object_put(json);
}

static void as_a_table(void **state)
{
	g_autofree char *program = example("xdp_sample");
	g_autofree char *capture = make_capture(state, "-n", "500", "-M", "100", NULL);
	GPtrArray *want = expected(capture);
	struct run run = sluice_run(program, capture);
	g_autofree char *text = g_strdup_printf(
		"\nMap samples (ringbuf, %u records, 0 lost)\n  queue 0              %s\n",
		want->len, (char *)g_ptr_array_index(want, 0));

	assert_int_equal(run.status, 0);
	assert_non_null(strstr(run.out, text));
	g_ptr_array_unref(want);
	run_clear(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(every_record),
		scratch_test(as_a_table),
	};

	return run_tests_on_objects(tests);
}
