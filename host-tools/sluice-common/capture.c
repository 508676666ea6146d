// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "capture.h"
#include "error.h"

#include <pcap/pcap.h>

static gboolean add_frame(struct capture *capture, const char *path, const struct pcap_pkthdr *head,
			  const u_char *data, GError **error)
{
	/* With nanosecond precision asked for, tv_usec counts nanoseconds. */
	struct capture_frame frame = {
		.time_ns = (uint64_t)head->ts.tv_sec * 1000000000u + (uint64_t)head->ts.tv_usec,
		.offset = capture->bytes->len,
		.len = head->caplen,
	};

	if (head->caplen < head->len) {
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED,
			    "%s: frame %u holds %u of its %u bytes; capture whole frames, for "
			    "example with tcpdump -s 0",
			    path, capture->frames->len + 1, head->caplen, head->len);
		return FALSE;
	}
	if (head->caplen > G_MAXUINT - capture->bytes->len) {
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED,
			    "%s: more than 4 GiB of frames; split it, for example with editcap -c",
			    path);
		return FALSE;
	}
	g_byte_array_append(capture->bytes, data, head->caplen);
	g_array_append_val(capture->frames, frame);
	return TRUE;
}

static gboolean read_frames(struct capture *capture, const char *path, pcap_t *pcap, GError **error)
{
	struct pcap_pkthdr *head;
	const u_char *data;
	int ret;

	if (pcap_datalink(pcap) != DLT_EN10MB) {
		const char *name = pcap_datalink_val_to_name(pcap_datalink(pcap));

		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED,
			    "%s: link type is %s, only Ethernet (EN10MB) frames can be received; "
			    "capture on one Ethernet interface",
			    path, name ? name : "unknown");
		return FALSE;
	}
	while ((ret = pcap_next_ex(pcap, &head, &data)) == 1) {
		if (!add_frame(capture, path, head, data, error))
			return FALSE;
	}
	if (ret != PCAP_ERROR_BREAK) {
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED,
			    "%s: unreadable after frame %u: %s", path, capture->frames->len,
			    pcap_geterr(pcap));
		return FALSE;
	}
	return TRUE;
}

struct capture *capture_read(const char *path, GError **error)
{
	char reason[PCAP_ERRBUF_SIZE] = "";
	struct capture *capture;
	gboolean ok;
	pcap_t *pcap;

	pcap = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, reason);
	if (!pcap) {
		/* libpcap names the file only when it cannot be opened. */
		if (g_str_has_prefix(reason, path))
			g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "%s", reason);
		else
			g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED,
				    "%s: not a capture (pcap or pcapng): %s", path, reason);
		return NULL;
	}
	capture = g_new0(struct capture, 1);
	capture->frames = g_array_new(FALSE, FALSE, sizeof(struct capture_frame));
	capture->bytes = g_byte_array_new();
	ok = read_frames(capture, path, pcap, error);
	pcap_close(pcap);
	if (ok)
		return capture;
	capture_free(capture);
	return NULL;
}

void capture_free(struct capture *capture)
{
	if (!capture)
		return;
	g_array_unref(capture->frames);
	g_byte_array_unref(capture->bytes);
	g_free(capture);
}
