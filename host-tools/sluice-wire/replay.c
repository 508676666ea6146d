// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* A capture held in memory and handed out frame by frame at a rate. */
#include <pcap/pcap.h>

#include "wire.h"

struct replay {
	GPtrArray *frames; /* GBytes */
	uint64_t sent;
	uint64_t count; /* frames to send in all, the capture repeated as needed */
	uint64_t rate;  /* frames a second, 0: as fast as the wire takes them */
	uint64_t start_ns;
};

static int read_frames(pcap_t *pcap, GPtrArray *frames, const char *path, char **error)
{
	struct pcap_pkthdr *hdr;
	const u_char *data;
	int rc;

	while ((rc = pcap_next_ex(pcap, &hdr, &data)) == 1) {
		if (hdr->caplen != hdr->len) {
			*error = g_strdup_printf("%s: frame %u was cut when it was captured (%u of "
						 "%u bytes); capture with `tcpdump -s 0`",
						 path, frames->len + 1, hdr->caplen, hdr->len);
			return -1;
		}
		g_ptr_array_add(frames, g_bytes_new(data, hdr->caplen));
	}
	if (rc == PCAP_ERROR) {
		*error = g_strdup_printf("%s: %s", path, pcap_geterr(pcap));
		return -1;
	}
	if (!frames->len) {
		*error = g_strdup_printf("%s: no frames in it", path);
		return -1;
	}
	return 0;
}

struct replay *replay_open(const char *path, uint64_t count, uint64_t rate, char **error)
{
	char errbuf[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_open_offline(path, errbuf);
	struct replay *r;
	int rc = -1;

	if (!pcap) {
		*error = g_strdup(errbuf);
		return NULL;
	}
	r = g_new0(struct replay, 1);
	r->frames = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	r->rate = rate;
	if (pcap_datalink(pcap) != DLT_EN10MB)
		*error = g_strdup_printf("%s: link type %s, only Ethernet can go on this wire",
					 path, pcap_datalink_val_to_name(pcap_datalink(pcap)));
	else
		rc = read_frames(pcap, r->frames, path, error);
	pcap_close(pcap);
	if (rc) {
		replay_free(r);
		return NULL;
	}
	r->count = count ? count : r->frames->len;
	return r;
}

void replay_free(struct replay *r)
{
	if (!r)
		return;
	g_ptr_array_unref(r->frames);
	g_free(r);
}

const uint8_t *replay_next(struct replay *r, uint64_t now_ns, uint32_t *len, uint64_t *wait_ns)
{
	gsize size;
	const uint8_t *frame;

	if (!r->start_ns)
		r->start_ns = now_ns;
	if (r->sent == r->count) {
		*wait_ns = UINT64_MAX;
		return NULL;
	}
	if (r->rate) {
		uint64_t due = r->start_ns + r->sent * 1000000000ull / r->rate;

		if (due > now_ns) {
			*wait_ns = due - now_ns;
			return NULL;
		}
	}
	frame = g_bytes_get_data(r->frames->pdata[r->sent % r->frames->len], &size);
	*len = size;
	r->sent++;
	return frame;
}
