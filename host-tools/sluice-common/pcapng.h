/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Write a pcapng file with the verdict, direction and queue of each frame.
 *
 * libpcap reads pcapng but writes only pcap, which has no room for these, and Wireshark's writing
 * library is not meant for others; so the four blocks needed are written here. Format: "PCAP Next
 * Generation (pcapng) Capture File Format", draft-ietf-opsawg-pcapng, sections 4.1-4.3.
 */
#ifndef SLUICE_COMMON_PCAPNG_H
#define SLUICE_COMMON_PCAPNG_H

#include <glib.h>
#include <stdint.h>

struct pcapng;

struct pcapng_frame {
	uint64_t time_ns;
	const void *data;
	uint32_t len;
	gboolean outbound;
	uint32_t queue;
	uint64_t xdp_action; /* enum xdp_action */
	const char *comment;
};

/* Create @path with a section and one Ethernet interface @interface. */
struct pcapng *pcapng_create(const char *path, const char *application, const char *interface,
			     GError **error);
void pcapng_write(struct pcapng *file, const struct pcapng_frame *frame);

/* FALSE with @error if anything could not be written since pcapng_create(). Frees @file. */
gboolean pcapng_close(struct pcapng *file, GError **error);

#endif
