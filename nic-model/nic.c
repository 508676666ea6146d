/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The NIC as a whole: creation, reset, events and the log. */
#include "nic_internal.h"

#include <endian.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_LINES_PER_SECOND 10u
#define LOG_TEXT             1200u /* a whole line of bpf_trace_printk() */
#define SECOND_NS            1000000000u

int nic_create(const struct nic_config *config, const struct nic_host_ops *ops, void *opaque,
	       struct nic **nic)
{
	struct nic *n;

	/* A queue pair does not say its port yet, so that more than one cannot be served. */
	if (config->n_ports != 1 || config->n_queue_pairs < 1 ||
	    config->n_queue_pairs > SLUICE_MAX_QUEUES || config->n_vectors < 1 ||
	    config->n_vectors > SLUICE_MAX_VECTORS)
		return -EINVAL;
	for (unsigned i = 0; i < config->n_ports; i++) {
		if (config->mac[i][0] & 1)
			return -EINVAL;
	}
	n = aligned_alloc(_Alignof(struct nic), sizeof(*n));
	if (!n)
		return -ENOMEM;
	memset(n, 0, sizeof(*n));
	n->config = *config;
	n->ops = ops;
	n->opaque = opaque;
	nic_host_init(n);
	for (unsigned i = 0; i < config->n_ports; i++) {
		n->ports[i].id = i;
		n->ports[i].link = true;
		n->ports[i].speed = NIC_DEFAULT_SPEED;
	}
	nic_reset(n);
	*nic = n;
	return 0;
}

void nic_destroy(struct nic *nic)
{
	if (!nic)
		return;
	for (unsigned i = 0; i < nic->config.n_ports; i++)
		port_reset(nic, &nic->ports[i]);
	free(nic);
}

void nic_reset(struct nic *nic)
{
	memset(nic->rx_queues, 0, sizeof(nic->rx_queues));
	memset(nic->tx_queues, 0, sizeof(nic->tx_queues));
	nic->tx_pending = 0;
	for (unsigned i = 0; i < nic->config.n_ports; i++)
		port_reset(nic, &nic->ports[i]);
}

const struct nic_config *nic_get_config(const struct nic *nic)
{
	return &nic->config;
}

const struct nic_redirect *nic_last_redirect(const struct nic *nic)
{
	return &nic->redirect;
}

struct nic_port *nic_port(struct nic *nic, unsigned port)
{
	return port < nic->config.n_ports ? &nic->ports[port] : NULL;
}

void nic_set_event_handler(struct nic *nic, nic_event_fn fn, void *opaque)
{
	nic->event = fn;
	nic->event_opaque = opaque;
}

void nic_event(struct nic *nic, unsigned type, unsigned port, uint32_t arg, uint64_t arg64)
{
	struct sluice_event event = {
		.type = htole16((uint16_t)type),
		.port = (uint8_t)port,
		.arg = htole32(arg),
		.arg64 = htole64(arg64),
	};

	if (!nic->event)
		return;
	event.timestamp = htole64(nic->ops->clock_ns(nic->opaque));
	nic->event(nic->event_opaque, &event);
}

void nic_log(struct nic *nic, int port, const char *fmt, ...)
{
	uint64_t now = nic->ops->clock_ns(nic->opaque);
	char text[LOG_TEXT];
	int used = 0;
	va_list ap;

	/* The guest can provoke these lines at will. */
	if (now - nic->log_window_ns >= SECOND_NS) {
		nic->log_window_ns = now;
		nic->log_lines = 0;
	}
	if (!nic->config.log_all && nic->log_lines >= LOG_LINES_PER_SECOND) {
		nic->log_lost++;
		return;
	}
	nic->log_lines++;
	if (nic->log_lost)
		used = snprintf(text, sizeof(text), "(%u lines left out) ", nic->log_lost);
	nic->log_lost = 0;
	va_start(ap, fmt);
	vsnprintf(text + used, sizeof(text) - (size_t)used, fmt, ap);
	va_end(ap);
	nic->ops->log(nic->opaque, port, text);
}
