// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "guest.h"
#include "error.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#define RING_SIZE   64u
#define CPL_SIZE    64u
#define BUFFER_SIZE NIC_MAX_BUFFER

/* Where things lie in guest memory. Address 0 is left out, so that a forgotten address is caught.
 */
#define MEMORY_BASE 0x100000u
#define RING_BYTES  (RING_SIZE * sizeof(struct sluice_rx_desc))
#define CPL_BYTES   (CPL_SIZE * sizeof(struct sluice_rx_cpl))
#define QUEUE_BYTES (RING_BYTES + CPL_BYTES + RING_SIZE * BUFFER_SIZE)
#define MEMORY_SIZE (SLUICE_MAX_QUEUES * QUEUE_BYTES)

/* A receive queue: in memory its ring, its completions and its buffers, one after the other. */
struct guest_queue {
	unsigned number;
	uint32_t producer; /* free-buffer ring */
	uint32_t consumer; /* completion ring */
};

struct guest {
	struct nic *nic;
	uint8_t *memory;
	unsigned queue; /* the one of RSS; programs may send frames to others */
	struct guest_queue queues[SLUICE_MAX_QUEUES];
	uint64_t time_ns;
	gboolean scheduled;
	uint8_t transmitted[NIC_MAX_FRAME];
	size_t transmitted_len;
};

static uint64_t ring_base(const struct guest_queue *q)
{
	return MEMORY_BASE + q->number * QUEUE_BYTES;
}

static uint64_t cpl_base(const struct guest_queue *q)
{
	return ring_base(q) + RING_BYTES;
}

static uint64_t buffer_at(const struct guest_queue *q, uint32_t id)
{
	return cpl_base(q) + CPL_BYTES + id * BUFFER_SIZE;
}

/* ---- Host operations ------------------------------------------------------------------------ */

static void *memory_at(struct guest *guest, uint64_t addr, size_t len)
{
	if (addr < MEMORY_BASE || addr - MEMORY_BASE > MEMORY_SIZE ||
	    MEMORY_SIZE - (addr - MEMORY_BASE) < len)
		return NULL;
	return guest->memory + (addr - MEMORY_BASE);
}

static int dma_read(void *opaque, uint64_t addr, void *buf, size_t len)
{
	const void *at = memory_at(opaque, addr, len);

	if (!at)
		return -EFAULT;
	memcpy(buf, at, len);
	return 0;
}

static int dma_write(void *opaque, uint64_t addr, const void *buf, size_t len)
{
	void *at = memory_at(opaque, addr, len);

	if (!at)
		return -EFAULT;
	memcpy(at, buf, len);
	return 0;
}

static int dma_publish(void *opaque, uint64_t addr, uint64_t word)
{
	void *at = memory_at(opaque, addr, sizeof(word));

	if (!at || addr % sizeof(word))
		return -EFAULT;
	atomic_store_explicit((_Atomic uint64_t *)at, word, memory_order_release);
	return 0;
}

static void interrupt(void *opaque, unsigned vector)
{
	/* The NIC counts interrupts; this guest looks at its ring after each frame anyway. */
}

static uint64_t clock_ns(void *opaque)
{
	const struct guest *guest = opaque;

	return guest->time_ns;
}

static int transmit(void *opaque, unsigned port, const void *frame, size_t len)
{
	struct guest *guest = opaque;

	if (len > sizeof(guest->transmitted))
		return -EIO;
	memcpy(guest->transmitted, frame, len);
	guest->transmitted_len = len;
	return 0;
}

static void wire_resume(void *opaque, unsigned port)
{
	/* Frames are never paused: nic_config.rx_pause is off. */
}

static void worker_done(void *opaque)
{
	/* Only the firmware has a worker. */
}

static void schedule(void *opaque)
{
	struct guest *guest = opaque;

	guest->scheduled = TRUE;
}

static void log_line(void *opaque, int port, const char *text)
{
	g_printerr("sluice-run: NIC: %s\n", text);
}

static const struct nic_host_ops host_ops = {
	.dma_read = dma_read,
	.dma_write = dma_write,
	.dma_publish = dma_publish,
	.interrupt = interrupt,
	.clock_ns = clock_ns,
	.transmit = transmit,
	.wire_resume = wire_resume,
	.worker_done = worker_done,
	.schedule = schedule,
	.log = log_line,
};

/* ---- Rings ---------------------------------------------------------------------------------- */

static int ring_doorbell(struct guest *guest, const struct guest_queue *q, unsigned doorbell,
			 uint64_t value)
{
	return nic_doorbell(guest->nic, q->number * SLUICE_DOORBELL_PAGE + doorbell, value,
			    sizeof(value));
}

/* Hand buffer @id to the NIC; the doorbell is the caller's. */
static void post_buffer(struct guest *guest, struct guest_queue *q, uint32_t id)
{
	struct sluice_rx_desc desc = {.addr = buffer_at(q, id), .buffer_id = id};
	uint32_t entry = q->producer++ & (RING_SIZE - 1);

	memcpy(memory_at(guest, ring_base(q) + entry * sizeof(desc), sizeof(desc)), &desc,
	       sizeof(desc));
}

static int create_queue(struct guest *guest, struct guest_queue *q)
{
	const struct sluice_queue_config config = {
		.queue = (uint16_t)q->number,
		.ring_base = ring_base(q),
		.cpl_base = cpl_base(q),
		.ring_size = RING_SIZE,
		.cpl_size = CPL_SIZE,
		.buffer_size = BUFFER_SIZE,
	};
	int ret = nic_queue_create(guest->nic, SLUICE_QUEUE_RX, &config);

	if (!ret)
		ret = nic_queue_enable(guest->nic, SLUICE_QUEUE_RX, q->number);
	for (uint32_t id = 0; id < RING_SIZE; id++)
		post_buffer(guest, q, id);
	if (!ret)
		ret = ring_doorbell(guest, q, SLUICE_DB_RX_FREE, q->producer);
	if (!ret)
		ret = ring_doorbell(guest, q, SLUICE_DB_RX_CPL, q->consumer | SLUICE_DB_ARM);
	return ret;
}

/* The port takes every frame, of any length a program may see, for one queue; all are open. */
static int bring_up(struct guest *guest)
{
	uint16_t table[SLUICE_RSS_TABLE];
	int ret = 0;

	for (unsigned i = 0; i < SLUICE_RSS_TABLE; i++)
		table[i] = guest->queue;
	nic_set_link(guest->nic, 0, true, 10000);
	for (unsigned i = 0; !ret && i < SLUICE_MAX_QUEUES; i++) {
		guest->queues[i].number = i;
		ret = create_queue(guest, &guest->queues[i]);
	}
	if (!ret)
		ret = nic_rss_set(guest->nic, 0, NULL, table);
	if (!ret)
		ret = nic_port_set_mtu(guest->nic, 0, NIC_MAX_XDP_MTU);
	if (!ret)
		ret = nic_port_set_rx_mode(guest->nic, 0,
					   SLUICE_RX_MODE_PROMISC | SLUICE_RX_MODE_ALLMULTI);
	if (!ret)
		ret = nic_port_enable(guest->nic, 0, true);
	return ret;
}

struct guest *guest_create(unsigned queue, GError **error)
{
	const struct nic_config config = {
		.n_ports = 1,
		.n_queue_pairs = SLUICE_MAX_QUEUES,
		.n_vectors = 1,
		.log_all = true, /* the program's author reads it */
		.mac = {{0x02, 0x51, 0xc0, 0x00, 0x00, 0x01}},
	};
	struct guest *guest = g_new0(struct guest, 1);
	int ret;

	guest->queue = queue;
	guest->memory = g_malloc0(MEMORY_SIZE);
	ret = nic_create(&config, &host_ops, guest, &guest->nic);
	if (!ret)
		ret = bring_up(guest);
	if (!ret)
		return guest;
	g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "the NIC model does not come up: %s",
		    g_strerror(-ret));
	guest_free(guest);
	return NULL;
}

void guest_free(struct guest *guest)
{
	if (!guest)
		return;
	if (guest->nic)
		nic_destroy(guest->nic);
	g_free(guest->memory);
	g_free(guest);
}

struct nic *guest_nic(struct guest *guest)
{
	return guest->nic;
}

/* ---- Frames --------------------------------------------------------------------------------- */

static uint64_t wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The next completion, if its phase says that it is there. */
static gboolean next_completion(struct guest *guest, const struct guest_queue *q,
				struct sluice_rx_cpl *cpl)
{
	uint64_t addr = cpl_base(q) + (q->consumer & (CPL_SIZE - 1)) * sizeof(*cpl);
	uint8_t phase = !(q->consumer / CPL_SIZE & 1);
	const uint8_t *at = memory_at(guest, addr, sizeof(*cpl));
	const _Atomic uint8_t *seen;

	if (!at)
		return FALSE;
	seen = (const _Atomic uint8_t *)(at + offsetof(struct sluice_rx_cpl, phase));
	if ((atomic_load_explicit(seen, memory_order_acquire) & SLUICE_PHASE) != phase)
		return FALSE;
	memcpy(cpl, at, sizeof(*cpl));
	return TRUE;
}

static gboolean take_completion(struct guest *guest, struct guest_frame *frame, GError **error)
{
	struct guest_queue *q = &guest->queues[frame->queue];
	struct sluice_rx_cpl cpl;

	if (!next_completion(guest, q, &cpl) || cpl.flags & SLUICE_RX_ERROR ||
	    cpl.buffer_id >= RING_SIZE || cpl.offset + cpl.length > BUFFER_SIZE) {
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED,
			    "the NIC model delivered a frame without a good completion; this is a "
			    "defect of Sluice");
		return FALSE;
	}
	frame->data = memory_at(guest, buffer_at(q, cpl.buffer_id), BUFFER_SIZE);
	frame->data += cpl.offset;
	frame->len = cpl.length;
	q->consumer++;
	/* The other buffers of the ring are used before this one is written again. */
	post_buffer(guest, q, cpl.buffer_id);
	if (ring_doorbell(guest, q, SLUICE_DB_RX_FREE, q->producer) ||
	    ring_doorbell(guest, q, SLUICE_DB_RX_CPL, q->consumer | SLUICE_DB_ARM)) {
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED,
			    "the NIC model refused a doorbell; this is a defect of Sluice");
		return FALSE;
	}
	return TRUE;
}

/* The queue a delivered frame went to. */
static unsigned queue_of(const struct guest *guest)
{
	const struct nic_redirect *redirect = nic_last_redirect(guest->nic);

	return redirect->kind == NIC_REDIRECT_TO_QUEUE || redirect->kind == NIC_REDIRECT_TO_SOCKET
		       ? redirect->index
		       : guest->queue;
}

gboolean guest_receive(struct guest *guest, const void *data, size_t len, uint64_t time_ns,
		       struct guest_frame *frame, GError **error)
{
	uint64_t begin;

	memset(frame, 0, sizeof(*frame));
	guest->time_ns = MAX(guest->time_ns, time_ns); /* the device's clock never goes back */
	begin = wall_ns();
	frame->outcome = nic_receive(guest->nic, 0, data, len);
	frame->elapsed_ns = wall_ns() - begin;
	while (guest->scheduled) {
		guest->scheduled = FALSE;
		nic_process(guest->nic);
	}
	frame->redirect = *nic_last_redirect(guest->nic);
	frame->queue = guest->queue;
	if (frame->outcome == NIC_RX_DELIVERED) {
		frame->queue = queue_of(guest);
		return take_completion(guest, frame, error);
	}
	if (guest->transmitted_len) {
		frame->data = guest->transmitted;
		frame->len = guest->transmitted_len;
		guest->transmitted_len = 0;
	}
	return TRUE;
}
