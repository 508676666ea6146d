// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What sluice-run says of what it cannot use: one message, the cure in it, and an exit code. */
#include "fixture.h"

#include <glib/gstdio.h>
#include <pcap/pcap.h>
#include <string.h>

static void expect_failure_of(struct run run, int status, const char *path, const char *text)
{
	g_autofree char *message = g_strdup_printf("%s: %s", path, text);

	expect_failure(run, status, message);
}

/* ---- Command line --------------------------------------------------------------------------- */

static void no_capture_named(void **state)
{
	expect_failure(sluice_run("prog.o"), 2,
		       "expected PROG.o and IN.pcap; see sluice-run --help");
}

static void unknown_option(void **state)
{
	expect_failure(sluice_run("--wrong"), 2, "Unknown option --wrong");
}

static void queue_out_of_range(void **state)
{
	expect_failure(sluice_run("--queue", "32", "a", "b"), 2,
		       "--queue is out of range (0 to 31); see sluice-run --help");
}

static void repeat_of_nothing(void **state)
{
	expect_failure(sluice_run("--repeat", "0", "a", "b"), 2,
		       "--repeat must be at least 1; see sluice-run --help");
}

static void expect_preset_refused(void **state, const char *preset, const char *text)
{
	g_autofree char *program = example("xdp_firewall");
	g_autofree char *capture = make_capture(state, "-n", "1", NULL);
	g_autofree char *message = g_strdup_printf("--map %s: %s", preset, text);

	expect_failure(sluice_run("--map", preset, program, capture), 2, message);
}

static void preset_without_value(void **state)
{
	expect_preset_refused(state, "blocked:1",
			      "expected NAME:KEY=VALUE, such as blocked:192.0.2.7=0");
}

static void preset_of_unknown_map(void **state)
{
	expect_preset_refused(state, "allowed:1=1",
			      "no map 'allowed'; the object has blocked, verdicts");
}

static void preset_key_of_wrong_size(void **state)
{
	expect_preset_refused(state, "blocked:7=1",
			      "key '7' does not fit its 16 bytes; write an integer, an IP address, "
			      "or hex: and 32 digits");
}

static void preset_value_too_large(void **state)
{
	expect_preset_refused(state, "verdicts:0=18446744073709551616",
			      "value '18446744073709551616' does not fit its 8 bytes; write an "
			      "integer, or hex: and 16 digits");
}

static void preset_beyond_an_array(void **state)
{
	expect_preset_refused(state, "verdicts:11=1",
			      "Argument list too long (the map has 11 entries at most)");
}

/* ---- Programs ------------------------------------------------------------------------------- */

static void object_missing(void **state)
{
	g_autofree char *capture = make_capture(state, "-n", "1", NULL);
	g_autofree char *path = scratch_path(state, "none.o");
	g_autofree char *message =
		g_strdup_printf("Failed to open file “%s”: No such file or directory", path);

	expect_failure(sluice_run(path, capture), 1, message);
}

static void object_that_is_none(void **state)
{
	g_autofree char *capture = make_capture(state, "-n", "1", NULL);

	expect_failure_of(sluice_run(capture, capture), 1, capture,
			  "not an ELF file; build the program with `clang -O2 -g -target bpf -c`");
}

static void several_programs(void **state)
{
	g_autofree char *program = example("xdp_vlan");
	g_autofree char *capture = make_capture(state, "-n", "1", NULL);

	expect_failure_of(sluice_run(program, capture), 1, program,
			  "2 programs in sections xdp; choose one with --program: xdp_vlan_pop, "
			  "xdp_vlan_push");
}

static void no_such_program(void **state)
{
	g_autofree char *program = example("xdp_vlan");
	g_autofree char *capture = make_capture(state, "-n", "1", NULL);

	expect_failure_of(sluice_run("-p", "pop", program, capture), 1, program,
			  "no program 'pop'; programs found: xdp_vlan_pop, xdp_vlan_push");
}

static void program_refused(void **state)
{
	g_autofree char *program = example("xdp_refused");
	g_autofree char *capture = make_capture(state, "-n", "1", NULL);
	struct run run = sluice_run(program, capture);
	g_autofree char *begin =
		g_strdup_printf("sluice-run: %s: program xdp_refused is refused:\n", program);

	assert_true(g_str_has_prefix(run.err, begin));
	assert_non_null(strstr(run.err, "bpf_sk_lookup_udp"));
	assert_non_null(strstr(run.err, "xdp_refused.bpf.c:"));
	assert_string_equal(run.out, "");
	assert_int_equal(run.status, 1);
	run_clear(&run);
}

/* ---- Captures ------------------------------------------------------------------------------- */

static void write_file(const char *path, const void *bytes, size_t size)
{
	assert_true(g_file_set_contents(path, bytes, size, NULL));
}

static void capture_missing(void **state)
{
	g_autofree char *path = scratch_path(state, "none.pcap");

	expect_failure_of(sluice_run("prog.o", path), 1, path, "No such file or directory");
}

static void capture_that_is_none(void **state)
{
	g_autofree char *path = scratch_path(state, "text.pcap");

	write_file(path, "This is no capture, but text.\n", 30);
	expect_failure_of(sluice_run("prog.o", path), 1, path,
			  "not a capture (pcap or pcapng): unknown file format");
}

static void capture_empty(void **state)
{
	g_autofree char *path = scratch_path(state, "empty.pcap");

	write_file(path, "", 0);
	expect_failure_of(sluice_run("prog.o", path), 1, path,
			  "not a capture (pcap or pcapng): truncated dump file; tried to read 4 "
			  "file header bytes, only got 0");
}

static void capture_truncated(void **state)
{
	g_autofree char *path = make_capture(state, "-n", "3", NULL);
	g_autofree char *bytes = NULL;
	gsize size;

	assert_true(g_file_get_contents(path, &bytes, &size, NULL));
	write_file(path, bytes, size - 1);
	{
		struct run run = sluice_run("prog.o", path);
		g_autofree char *begin = g_strdup_printf(
			"sluice-run: %s: unreadable after frame 2: truncated dump file; tried to "
			"read ",
			path);

		assert_true(g_str_has_prefix(run.err, begin));
		assert_string_equal(run.out, "");
		assert_int_equal(run.status, 1);
		run_clear(&run);
	}
}

/* A capture of one frame, with this link type and these lengths. */
static void write_capture(const char *path, int linktype, uint32_t caplen, uint32_t len)
{
	pcap_t *pcap = pcap_open_dead(linktype, 65535);
	pcap_dumper_t *dumper = pcap_dump_open(pcap, path);
	const struct pcap_pkthdr head = {.caplen = caplen, .len = len};
	const u_char frame[64] = {0};

	assert_non_null(dumper);
	assert_true(caplen <= sizeof(frame));
	pcap_dump((u_char *)dumper, &head, frame);
	pcap_dump_close(dumper);
	pcap_close(pcap);
}

static void capture_of_other_link_type(void **state)
{
	g_autofree char *path = scratch_path(state, "cooked.pcap");

	write_capture(path, DLT_LINUX_SLL, 60, 60);
	expect_failure_of(sluice_run("prog.o", path), 1, path,
			  "link type is LINUX_SLL, only Ethernet (EN10MB) frames can be received; "
			  "capture on one Ethernet interface");
}

static void capture_cut_by_snaplen(void **state)
{
	g_autofree char *path = scratch_path(state, "cut.pcap");

	write_capture(path, DLT_EN10MB, 60, 1514);
	expect_failure_of(sluice_run("prog.o", path), 1, path,
			  "frame 1 holds 60 of its 1514 bytes; capture whole frames, for example "
			  "with tcpdump -s 0");
}

static void output_cannot_be_written(void **state)
{
	g_autofree char *program = example("xdp_pass_count");
	g_autofree char *capture = make_capture(state, "-n", "1", NULL);
	g_autofree char *path = scratch_path(state, "none/out.pcapng");

	expect_failure_of(sluice_run("-w", path, program, capture), 1, path,
			  "cannot be written: No such file or directory");
}

static void output_device_full(void **state)
{
	g_autofree char *program = example("xdp_pass_count");
	g_autofree char *capture = make_capture(state, "-n", "100", NULL);

	expect_failure(sluice_run("-w", "/dev/full", program, capture), 1,
		       "/dev/full: could not be written whole");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(no_capture_named),
		scratch_test(unknown_option),
		scratch_test(queue_out_of_range),
		scratch_test(repeat_of_nothing),
		scratch_test(preset_without_value),
		scratch_test(preset_of_unknown_map),
		scratch_test(preset_key_of_wrong_size),
		scratch_test(preset_value_too_large),
		scratch_test(preset_beyond_an_array),
		scratch_test(object_missing),
		scratch_test(object_that_is_none),
		scratch_test(several_programs),
		scratch_test(no_such_program),
		scratch_test(program_refused),
		scratch_test(capture_missing),
		scratch_test(capture_that_is_none),
		scratch_test(capture_empty),
		scratch_test(capture_truncated),
		scratch_test(capture_of_other_link_type),
		scratch_test(capture_cut_by_snaplen),
		scratch_test(output_cannot_be_written),
		scratch_test(output_device_full),
	};

	return run_tests_on_objects(tests);
}
