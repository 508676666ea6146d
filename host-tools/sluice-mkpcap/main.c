// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * sluice-mkpcap: a capture of mixed traffic, the same for the same arguments.
 */
#include "frames.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <net/ethernet.h>
#include <netinet/ether.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>

#define FIRST_TIME 1700000000 /* seconds since the epoch; fixed, so that files compare equal */
#define NS_PER_S   1000000000u

struct options {
	char **files;
	char *mac;
	char *ip4;
	char *ip6;
	gint64 frames;
	gint64 seed;
	int sources;
	int malformed;
	int interval_us;
};

static gboolean usage_error(const char *text)
{
	fprintf(stderr, "sluice-mkpcap: %s; see sluice-mkpcap --help\n", text);
	return FALSE;
}

static gboolean parse_options(struct options *o, int argc, char **argv)
{
	const GOptionEntry entries[] = {
		{"frames", 'n', 0, G_OPTION_ARG_INT64, &o->frames, "Frames (default 1000)", "N"},
		{"sources", 's', 0, G_OPTION_ARG_INT, &o->sources,
		 "Different senders, 1 to 65536 (default 16)", "N"},
		{"seed", 'S', 0, G_OPTION_ARG_INT64, &o->seed, "Choose another capture (default 1)",
		 "N"},
		{"malformed", 'M', 0, G_OPTION_ARG_INT, &o->malformed,
		 "Frames in 1000 that end within a header (default 0)", "N"},
		{"interval", 'i', 0, G_OPTION_ARG_INT, &o->interval_us,
		 "Microseconds between frames (default 100)", "US"},
		{"mac", 0, 0, G_OPTION_ARG_STRING, &o->mac,
		 "Destination address (default 02:51:c0:00:00:01)", "MAC"},
		{"ip4", 0, 0, G_OPTION_ARG_STRING, &o->ip4,
		 "Destination address (default 198.19.0.1)", "ADDR"},
		{"ip6", 0, 0, G_OPTION_ARG_STRING, &o->ip6,
		 "Destination address (default 2001:db8:51c1::1)", "ADDR"},
		{G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &o->files, NULL,
		 "OUT.pcap"},
		{0},
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_autoptr(GError) error = NULL;

	g_option_context_set_summary(
		context,
		"Write a capture of TCP, UDP and other frames over IPv4, IPv6 and VLANs.\n"
		"Sender i uses 198.18.0.0 + i or 2001:db8:51c0::i. The same arguments give "
		"the same file.");
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &error))
		return usage_error(error->message);
	if (!o->files || g_strv_length(o->files) != 1)
		return usage_error("expected OUT.pcap");
	if (o->frames < 0 || o->interval_us < 0)
		return usage_error("--frames and --interval must not be negative");
	if (o->sources < 1 || o->sources > (int)FRAME_MAX_SOURCES)
		return usage_error("--sources must be 1 to 65536");
	if (o->malformed < 0 || o->malformed > 1000)
		return usage_error("--malformed must be 0 to 1000");
	return TRUE;
}

static gboolean make_config(const struct options *o, struct frame_config *config)
{
	const struct ether_addr *mac = ether_aton(o->mac ? o->mac : "02:51:c0:00:00:01");

	config->seed = o->seed;
	config->n_sources = o->sources;
	config->malformed_permille = o->malformed;
	if (!mac)
		return usage_error("--mac is not an Ethernet address");
	memcpy(config->destination_mac, mac, sizeof(config->destination_mac));
	if (inet_pton(AF_INET, o->ip4 ? o->ip4 : "198.19.0.1", &config->destination4) != 1)
		return usage_error("--ip4 is not an IPv4 address");
	if (inet_pton(AF_INET6, o->ip6 ? o->ip6 : "2001:db8:51c1::1", &config->destination6) != 1)
		return usage_error("--ip6 is not an IPv6 address");
	return TRUE;
}

static int write_frames(const struct options *o, const struct frame_config *config, pcap_t *pcap)
{
	pcap_dumper_t *dumper = pcap_dump_open(pcap, o->files[0]);
	uint8_t frame[FRAME_MAX];
	int failed;

	if (!dumper) {
		fprintf(stderr, "sluice-mkpcap: %s\n", pcap_geterr(pcap));
		return 1;
	}
	for (gint64 i = 0; i < o->frames; i++) {
		uint64_t ns = (uint64_t)i * (uint64_t)o->interval_us * 1000u;
		struct pcap_pkthdr head = {.ts.tv_sec = FIRST_TIME + (time_t)(ns / NS_PER_S),
					   .ts.tv_usec = ns % NS_PER_S};

		head.len = head.caplen = frame_make(config, i, frame);
		pcap_dump((u_char *)dumper, &head, frame);
	}
	failed = pcap_dump_flush(dumper) || ferror(pcap_dump_file(dumper));
	pcap_dump_close(dumper);
	if (failed)
		fprintf(stderr, "sluice-mkpcap: %s: %s\n", o->files[0], g_strerror(errno));
	return failed;
}

static int run(struct options *o, int argc, char **argv)
{
	struct frame_config config;
	pcap_t *pcap;
	int ret;

	if (!parse_options(o, argc, argv) || !make_config(o, &config))
		return 2;
	pcap = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, 65535, PCAP_TSTAMP_PRECISION_NANO);
	if (!pcap) {
		fputs("sluice-mkpcap: out of memory\n", stderr);
		return 1;
	}
	ret = write_frames(o, &config, pcap);
	pcap_close(pcap);
	return ret;
}

int main(int argc, char **argv)
{
	struct options options = {.frames = 1000, .seed = 1, .sources = 16, .interval_us = 100};
	int ret = run(&options, argc, argv);

	g_strfreev(options.files);
	g_free(options.mac);
	g_free(options.ip4);
	g_free(options.ip6);
	return ret;
}
