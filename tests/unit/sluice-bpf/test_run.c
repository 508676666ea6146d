// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* sluice-bpf run: one frame, and captures. */
#include "tool.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>

static void one_frame(void **state)
{
	g_autofree char *arp = make_filter(state, "arp.o", "arp");
	g_autofree char *udp = make_filter(state, "udp.o", "ip");

	expect_output(sluice_bpf("run", arp, "--frame", ARP_FRAME), 0,
		      "XDP_PASS, return value 2, 14 instructions\nframe, 18 bytes: " ARP_BYTES
		      "\n");
	expect_output(sluice_bpf("run", udp, "--checked", "--frame", ARP_FRAME), 0,
		      "XDP_DROP, return value 1, 15 instructions\nframe, 18 bytes: " ARP_BYTES
		      "\n");
#if defined(__x86_64__)
	expect_output(sluice_bpf("run", arp, "--engine", "jit", "--frame", ARP_FRAME), 0,
		      "XDP_PASS, return value 2, 14 instructions\nframe, 18 bytes: " ARP_BYTES
		      "\n");
#endif
	expect_error(sluice_bpf("run", arp, "-c", "--engine", "interp", "--frame", ARP_FRAME), 2,
		     "--checked needs the checked engine; see sluice-bpf run --help");
	/* too short for its EtherType */
	expect_output(sluice_bpf("run", arp, "--frame", "01:02:03"), 0,
		      "XDP_DROP, return value 1, 11 instructions\nframe, 3 bytes: 01 02 03\n");
	expect_match(sluice_bpf("run", arp, "--frame", ARP_FRAME, "--repeat", "10"), 0,
		     "XDP_PASS, return value 2, 14 instructions\nframe, 18 bytes: " ARP_BYTES
		     "\n10 runs, [0-9]+ ns each\n");
}

/* A program that changes the frame: a VLAN tag goes in, and only the last state is shown. */
static void changed_frame(void **state)
{
	g_autofree char *path = example("xdp_vlan");

	expect_match(sluice_bpf("run", path, "-p", "xdp_vlan_push", "--frame",
				"020000000002 020000000001 0800 4500", "-r", "3"),
		     0,
		     "XDP_PASS, return value 2, [0-9]+ instructions\n"
		     "frame, 20 bytes: 02 00 00 00 00 02 02 00 00 00 00 01 81 00 00 [0-9a-f]{2} 08 "
		     "00 45 00\n3 runs, [0-9]+ ns each\n");
}

static void capture_counts(void **state)
{
	g_autofree char *udp = make_filter(state, "udp.o", "udp");
	g_autofree char *input = make_capture(state, "-n", "300", NULL);
	g_autofree char *output = scratch_path(state, "out.pcapng");
	char reason[PCAP_ERRBUF_SIZE];
	struct run run = sluice_bpf("run", udp, input, "-w", output);
	unsigned long frames, drop = 0, pass = 0, written = 0;
	struct pcap_pkthdr *head;
	const u_char *data;
	pcap_t *pcap;

	assert_string_equal(run.err, "");
	assert_int_equal(run.status, 0);
	assert_int_equal(sscanf(run.out,
				"%lu frames, %*f instructions and %*d ns a frame\n"
				"  XDP_DROP %lu\n  XDP_PASS %lu\n",
				&frames, &drop, &pass),
			 3);
	run_clear(&run);
	assert_int_equal(frames, 300);
	assert_int_equal(drop + pass, 300);
	pcap = pcap_open_offline(output, reason);
	assert_non_null(pcap);
	while (pcap_next_ex(pcap, &head, &data) == 1)
		written++;
	pcap_close(pcap);
	assert_true(pass > 0 && drop > 0);
	assert_int_equal(written, pass);
}

static void capture_frame_by_frame(void **state)
{
	g_autofree char *all = make_filter(state, "all.o", "greater 1");
	g_autofree char *input = make_capture(state, "-n", "2", "-M", "64", NULL);

	expect_match(sluice_bpf("run", "-v", all, input), 0,
		     "     1: [0-9]+ bytes: XDP_PASS, return value 2, 10 instructions\n"
		     "     2: [0-9]+ bytes: XDP_PASS, return value 2, 10 instructions\n"
		     "2 frames, 10.0 instructions and [0-9]+ ns a frame\n"
		     "  XDP_PASS                 2\n");
}

static void refused_program(void **state)
{
	g_autofree char *path = example("xdp_vlan");
	g_autofree char *several =
		g_strdup_printf("%s: 2 programs in sections xdp; choose one with "
				"--program: xdp_vlan_pop, xdp_vlan_push",
				path);

	expect_error(sluice_bpf("run", path, "--frame", "00"), 1, several);
}

static void program_of_another_type(void **state)
{
	g_autofree char *path =
		g_build_filename(g_getenv("LOADER_OBJECTS"), "sections.bpf.o", NULL);
	g_autofree char *message =
		g_strdup_printf("%s: program in_tc is for section tc; frames are "
				"received by XDP programs",
				path);

	expect_error(sluice_bpf("run", path, "-p", "in_tc", "--frame", "00"), 1, message);
}

static void wrong_usage(void **state)
{
	g_autofree char *arp = make_filter(state, "arp.o", "arp");

	expect_error(sluice_bpf("run", arp), 2,
		     "expected PROG.o and IN.pcap, or PROG.o and --frame HEX; see sluice-bpf run "
		     "--help");
	expect_error(sluice_bpf("run", arp, "in.pcap", "--frame", "00"), 2,
		     "expected PROG.o and IN.pcap, or PROG.o and --frame HEX; see sluice-bpf run "
		     "--help");
	expect_error(sluice_bpf("run", arp, "--frame", "00", "-w", "x"), 2,
		     "--write needs a capture; see sluice-bpf run --help");
	expect_error(sluice_bpf("run", arp, "--frame", "00", "-r", "0"), 2,
		     "--repeat must be at least 1; see sluice-bpf run --help");
	expect_error(sluice_bpf("run", arp, "--frame", ""), 2,
		     "--frame: 0 bytes; a frame has 1 to 65535; see sluice-bpf run --help");
	expect_error(sluice_bpf("run", arp, "--frame", "123"), 1,
		     "--frame: the digit before character 4 has no partner; write two digits for "
		     "each byte, as 0a ff");
}

/* What bpf_printk() says goes to standard error, with nothing a terminal would act on. */
static void printed_lines(void **state)
{
	g_autofree char *path = g_build_filename(g_getenv("LOADER_OBJECTS"), "prints.bpf.o", NULL);
	struct run run = sluice_bpf("run", path, "--frame", ARP_FRAME);

	assert_string_equal(run.err, "queue 0\na?b beef\n");
	assert_int_equal(run.status, 0);
	assert_non_null(strstr(run.out, "XDP_DROP, return value 1, "));
	run_clear(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(one_frame),       scratch_test(changed_frame),
		scratch_test(capture_counts),  scratch_test(capture_frame_by_frame),
		scratch_test(refused_program), scratch_test(program_of_another_type),
		scratch_test(wrong_usage),     scratch_test(printed_lines),
	};

	return run_tests_on_objects(tests);
}
