/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The wire: QEMU's netdev, as the NIC's port.
 *
 * A frame refused here has not been taken: its program has not run, QEMU's net queue keeps it and
 * offers it when there is room. A frame that nic_receive() was given is the NIC's for good.
 */
#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "net/queue.h"
#include "sluice_nic.h"
#include "trace.h"

static const char *sluice_outcome_name(enum nic_outcome outcome)
{
	switch (outcome) {
	case NIC_RX_DELIVERED:
		return "delivered";
	case NIC_RX_TRANSMITTED:
		return "xdp-tx";
	case NIC_RX_DROPPED_XDP:
		return "xdp-drop";
	case NIC_RX_ABORTED:
		return "xdp-aborted";
	case NIC_RX_DROPPED:
		return "dropped";
	case NIC_RX_REDIRECTED:
		return "xdp-redirect";
	case NIC_RX_REDIRECT_ERROR:
		return "xdp-redirect-error";
	}
	return "unknown";
}

/* A refusal has to be remembered: whoever was refused waits to be asked again. */
static bool sluice_wire_has_room(SluiceNIC *s)
{
	bool room = false;

	if (sluice_enter(s)) {
		room = nic_can_receive(s->nic, 0);
		s->wire_held = !room;
		sluice_leave(s);
	} else {
		s->wire_held = true;
	}
	return room;
}

static bool sluice_can_receive(NetClientState *nc)
{
	return sluice_wire_has_room(qemu_get_nic_opaque(nc));
}

static ssize_t sluice_receive(NetClientState *nc, const uint8_t *frame, size_t len)
{
	SluiceNIC *s = qemu_get_nic_opaque(nc);
	enum nic_outcome outcome;

	/*
	 * Two NICs on a hub whose programs answer XDP_TX refill a queue while it is flushed: the
	 * main loop has to get its turn.
	 */
	if (s->wire_burst == SLUICE_WIRE_BURST) {
		qemu_bh_schedule(s->wire_bh);
		trace_sluice_receive_held(sluice_name(s), len);
		return 0;
	}
	/* The queue is flushed without asking can_receive() before each frame. */
	if (!sluice_wire_has_room(s)) {
		trace_sluice_receive_held(sluice_name(s), len);
		return 0;
	}
	s->wire_burst++;
	sluice_enter(s);
	outcome = nic_receive(s->nic, 0, frame, len);
	sluice_leave(s);
	trace_sluice_receive(sluice_name(s), len, sluice_outcome_name(outcome));
	return len;
}

static bool sluice_wire_up(SluiceNIC *s)
{
	NetClientState *nc = qemu_get_queue(s->wire);

	return nc->peer && !nc->link_down && !s->wire->peer_deleted;
}

void sluice_wire_set_link(SluiceNIC *s)
{
	bool up = sluice_wire_up(s);

	trace_sluice_link(sluice_name(s), up);
	nic_set_link(s->nic, 0, up, up ? SLUICE_LINK_SPEED_MBPS : 0);
}

static void sluice_link_status_changed(NetClientState *nc)
{
	SluiceNIC *s = qemu_get_nic_opaque(nc);

	/* A backend that is being removed will never take what it was offered. */
	if (s->wire->peer_deleted)
		qemu_purge_queued_packets(nc);
	if (!sluice_enter(s))
		return;
	sluice_wire_set_link(s);
	sluice_leave(s);
}

/* @len 0: QEMU threw the frame away (the backend went, the VM stopped). */
static void sluice_wire_sent(NetClientState *nc, ssize_t len)
{
	SluiceNIC *s = qemu_get_nic_opaque(nc);

	s->wire_backlog--;
	if (!len)
		trace_sluice_wire_purged(sluice_name(s), s->wire_backlog);
}

int sluice_wire_transmit(SluiceNIC *s, const void *frame, size_t len)
{
	NetClientState *nc = qemu_get_queue(s->wire);
	ssize_t sent;

	if (!sluice_wire_up(s)) {
		trace_sluice_transmit(sluice_name(s), len, "no carrier");
		return -EIO;
	}
	if (s->wire_backlog >= SLUICE_WIRE_BACKLOG) {
		trace_sluice_transmit(sluice_name(s), len, "backend full");
		return -EIO;
	}
	/* Without a callback QEMU would drop silently; with one it queues without limit. */
	sent = qemu_send_packet_async(nc, frame, len, sluice_wire_sent);
	if (!sent)
		s->wire_backlog++;
	trace_sluice_transmit(sluice_name(s), len, sent > 0 ? "sent" : sent ? "refused" : "queued");
	return sent < 0 ? -EIO : 0;
}

/* Flushing does not ask whether the VM runs; sluice_vm_change() makes up for it. */
static void sluice_wire_flush(void *opaque)
{
	SluiceNIC *s = opaque;

	if (!runstate_is_running())
		return;
	s->wire_burst = 0;
	qemu_flush_queued_packets(qemu_get_queue(s->wire));
}

static NetClientInfo sluice_net_info = {
	.type = NET_CLIENT_DRIVER_NIC,
	.size = sizeof(NICState),
	.can_receive = sluice_can_receive,
	.receive = sluice_receive,
	.link_status_changed = sluice_link_status_changed,
};

void sluice_wire_init(SluiceNIC *s)
{
	DeviceState *dev = DEVICE(s);

	s->wire_bh = qemu_bh_new_guarded(sluice_wire_flush, s, &dev->mem_reentrancy_guard);
	s->wire = qemu_new_nic(&sluice_net_info, &s->conf, object_get_typename(OBJECT(s)), dev->id,
			       &dev->mem_reentrancy_guard, s);
	qemu_format_nic_info_str(qemu_get_queue(s->wire), s->conf.macaddr.a);
}

void sluice_wire_exit(SluiceNIC *s)
{
	qemu_purge_queued_packets(qemu_get_queue(s->wire));
	qemu_del_nic(s->wire);
	s->wire = NULL;
	qemu_bh_cancel(s->wire_bh);
}
