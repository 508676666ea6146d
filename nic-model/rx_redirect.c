/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * XDP_REDIRECT. A target is a port, whose wire gets the frame; the ports of a devmap; or a receive
 * queue (cpumap, xskmap), on which the frame goes on to the guest as if RSS had chosen it. What the
 * program named and what there is are two things: a target that does not exist is an error,
 * counted, and the frame is dropped.
 */
#include "rx_internal.h"

#include <string.h>

/* ---- What the program meant ----------------------------------------------------------------- */

static void to_port(void *opaque, uint32_t ifindex)
{
	struct nic *nic = opaque;
	const struct nic_port *port = port_of_ifindex(nic, ifindex);

	if (port)
		nic->redirect.copies[port->id]++;
	else
		nic->redirect.missing++;
}

static void to_queue(struct rx_frame *f, enum nic_redirect_kind kind, uint32_t queue)
{
	struct nic_redirect *redirect = &f->nic->redirect;

	redirect->kind = kind;
	redirect->index = queue;
	redirect->missing = queue >= f->nic->config.n_queue_pairs;
}

void rx_redirect_resolve(struct rx_frame *f, const struct bpfe_redirect *to)
{
	struct nic *nic = f->nic;

	nic->redirect = (struct nic_redirect){.kind = NIC_REDIRECT_TO_NONE};
	switch ((enum bpfe_redirect_kind)to->kind) {
	case BPFE_REDIRECT_NONE:
		break;
	case BPFE_REDIRECT_PORT:
		nic->redirect.kind = NIC_REDIRECT_TO_PORT;
		nic->redirect.index = to->index;
		to_port(nic, to->index);
		break;
	case BPFE_REDIRECT_BROADCAST:
		nic->redirect.kind = NIC_REDIRECT_TO_PORTS;
		bpfe_redirect_each(to, NIC_IFINDEX(f->port->id), to_port, nic);
		break;
	case BPFE_REDIRECT_QUEUE:
		to_queue(f, NIC_REDIRECT_TO_QUEUE, to->index);
		break;
	case BPFE_REDIRECT_XSK:
		to_queue(f, NIC_REDIRECT_TO_SOCKET, to->index);
		break;
	}
}

/* ---- What becomes of it --------------------------------------------------------------------- */

bool rx_redirect_queue(struct rx_frame *f)
{
	const struct nic_redirect *redirect = &f->nic->redirect;

	if ((redirect->kind != NIC_REDIRECT_TO_QUEUE && redirect->kind != NIC_REDIRECT_TO_SOCKET) ||
	    redirect->missing)
		return false;
	f->queue = (uint16_t)redirect->index;
	f->port->stats[SLUICE_STAT_XDP_REDIRECT_QUEUE]++;
	return true;
}

static void log_error(struct rx_frame *f)
{
	const struct nic_redirect *redirect = &f->nic->redirect;
	const struct nic_config *config = &f->nic->config;
	int port = (int)f->port->id;

	switch (redirect->kind) {
	case NIC_REDIRECT_TO_PORT:
		nic_log(f->nic, port, "program %u redirects to interface %u; there are 1 to %u",
			f->port->prog_id, redirect->index, config->n_ports);
		break;
	case NIC_REDIRECT_TO_PORTS:
		nic_log(f->nic, port,
			"program %u redirects to interfaces none of which exists; there are 1 to "
			"%u",
			f->port->prog_id, config->n_ports);
		break;
	case NIC_REDIRECT_TO_QUEUE:
	case NIC_REDIRECT_TO_SOCKET:
		nic_log(f->nic, port, "program %u redirects to queue %u; there are 0 to %u",
			f->port->prog_id, redirect->index, config->n_queue_pairs - 1);
		break;
	default:
		nic_log(f->nic, port,
			"program %u returns XDP_REDIRECT without a target; bpf_redirect() or "
			"bpf_redirect_map() gives one",
			f->port->prog_id);
	}
}

static enum nic_outcome fail(struct rx_frame *f)
{
	uint64_t errors = ++f->port->prog_redirect_errors;

	f->port->stats[SLUICE_STAT_XDP_REDIRECT_ERROR]++;
	/* Every frame would say the same: the 1st, 2nd, 4th, 8th... do. */
	if (!(errors & (errors - 1)))
		log_error(f);
	return NIC_RX_REDIRECT_ERROR;
}

/* A port sends what it could receive. */
static bool takes(const struct nic_port *port, size_t len)
{
	return port->enabled && port->link && len <= port->mtu + NIC_L2_OVERHEAD;
}

static void send_to(const struct rx_frame *f, struct nic_port *port)
{
	bool sent = takes(port, f->len) && !rx_transmit(f, port);

	port->stats[sent ? SLUICE_STAT_XDP_REDIRECT_SENT : SLUICE_STAT_XDP_REDIRECT_DROPPED]++;
}

/* A broadcast is in vain if all that it names is missing, not if it names nothing. */
static bool in_vain(const struct nic_redirect *redirect)
{
	if (redirect->kind != NIC_REDIRECT_TO_PORT && redirect->kind != NIC_REDIRECT_TO_PORTS)
		return true;
	for (unsigned p = 0; p < SLUICE_MAX_PORTS; p++) {
		if (redirect->copies[p])
			return false;
	}
	return redirect->missing;
}

enum nic_outcome rx_redirect_send(struct rx_frame *f)
{
	struct nic *nic = f->nic;

	if (in_vain(&nic->redirect))
		return fail(f);
	f->port->stats[SLUICE_STAT_XDP_REDIRECT_PORT]++;
	for (unsigned p = 0; p < nic->config.n_ports; p++) {
		for (uint32_t copy = 0; copy < nic->redirect.copies[p]; copy++)
			send_to(f, &nic->ports[p]);
	}
	return NIC_RX_REDIRECTED;
}
