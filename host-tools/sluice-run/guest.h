/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * A guest made of memory: what a driver does with the NIC's receive rings, with no virtual machine.
 *
 * The NIC is the model the QEMU device uses; frames reach it by nic_receive() and come back through
 * a completion ring in this guest's memory.
 */
#ifndef SLUICE_RUN_GUEST_H
#define SLUICE_RUN_GUEST_H

#include <glib.h>
#include <nic_model.h>

struct guest;

/* What became of a frame. */
struct guest_frame {
	enum nic_outcome outcome;
	struct nic_redirect redirect; /* what its XDP_REDIRECT meant */
	unsigned queue;               /* on which it was delivered */
	const uint8_t *data; /* as delivered or transmitted, until the next frame; else NULL */
	uint32_t len;
	uint64_t elapsed_ns; /* in the NIC: program, DMA to memory, completion */
};

/* A NIC with its link up that delivers everything to receive queue @queue, unless the program
 * redirects it to another. */
struct guest *guest_create(unsigned queue, GError **error);
void guest_free(struct guest *guest);

struct nic *guest_nic(struct guest *guest);

/* A frame arrives from the wire at @time_ns by the device's clock. FALSE: the NIC broke its rules.
 */
gboolean guest_receive(struct guest *guest, const void *data, size_t len, uint64_t time_ns,
		       struct guest_frame *frame, GError **error);

#endif
