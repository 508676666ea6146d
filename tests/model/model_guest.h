/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * A guest without a machine: memory, MSI-X log, wire and clock behind nic_host_ops, and a driver's
 * half of the rings. For tests of the NIC model and of the firmware, and for fuzzing.
 *
 * Nothing here asserts: a test looks at what is recorded. Not thread-safe but for worker_done() and
 * for one thread that polls completions while another runs the NIC.
 */
#ifndef MODEL_GUEST_H
#define MODEL_GUEST_H

#include <stdatomic.h>

#include <nic_model.h>

#define MODEL_MEMORY_BASE 0x40000000ull
#define MODEL_MEMORY_SIZE (4u << 20)
#define MODEL_WIRE_FRAMES 64u /* transmitted frames remembered, the newest */
#define MODEL_EVENTS      32u /* events remembered, the first */
#define MODEL_LOG_TEXT    256u

struct model_guest {
	struct nic *nic; /* NULL until model_guest_start() */
	uint8_t *memory;
	uint64_t memory_used; /* bytes model_alloc() gave away */

	uint64_t now_ns; /* the clock; tests move it */
	unsigned interrupts[SLUICE_MAX_VECTORS];
	unsigned schedules;
	unsigned resumes[SLUICE_MAX_PORTS];
	atomic_uint workers_done;

	/* The wire. Frame number i is at wire[i % MODEL_WIRE_FRAMES]. */
	unsigned n_wire;
	struct {
		unsigned port;
		size_t len;
		uint8_t bytes[NIC_MAX_FRAME];
	} wire[MODEL_WIRE_FRAMES];
	bool wire_broken; /* transmit() answers -EIO */

	unsigned n_events;
	struct sluice_event events[MODEL_EVENTS];

	unsigned n_log;
	char log[MODEL_LOG_TEXT]; /* the last line */

	/* DMA. Access number @dma_fail_at (1: the next) fails once; 0: none does. */
	unsigned dma_reads, dma_writes;
	uint64_t dma_bytes_written;
	unsigned dma_fail_at;
	bool dma_off; /* bus mastering off: every access fails */
};

/* The host side of @opaque, a struct model_guest. */
extern const struct nic_host_ops model_host_ops;

/* Allocate the guest; it has memory and no NIC. Ends the test program when out of memory. */
struct model_guest *model_guest_new(void);
void model_guest_free(struct model_guest *g);

/* A NIC with @pairs queue pairs and @vectors vectors, MAC model_mac, link up, port enabled. */
void model_guest_start(struct model_guest *g, unsigned pairs, unsigned vectors, bool rx_pause);
extern const uint8_t model_mac[6];

/* Guest memory: @size bytes, 64-byte aligned, zeroed. Never freed but with the guest. */
uint64_t model_alloc(struct model_guest *g, uint64_t size);

/* Where bus address @addr lies, or NULL when [@addr, @addr + @len) is not memory. */
void *model_at(struct model_guest *g, uint64_t addr, uint64_t len);

/* NULL when the port's counters balance, else the equation that does not. */
const char *model_imbalance(const struct model_guest *g);

/* One counter of port 0. */
uint64_t model_stat(const struct model_guest *g, enum sluice_port_stat stat);

/* ---- A driver's queues -------------------------------------------------------------------- */

struct model_queue {
	struct model_guest *g;
	uint8_t type;
	struct sluice_queue_config config;
	uint32_t producer; /* descriptors put */
	uint32_t consumer; /* completions taken */
	uint64_t buffers;  /* receive: config.ring_size buffers, back to back */
};

/* What a driver would choose: @entries of both rings, vector = queue, 2048-byte buffers. */
void model_queue_layout(struct model_queue *q, struct model_guest *g, uint8_t type, unsigned queue,
			uint32_t entries);

/* Create and enable it. The result of the call that failed, or 0. */
int model_queue_open(struct model_queue *q);

/* Put @n free buffers on a receive ring, each slot its own buffer, and ring the doorbell. */
int model_rx_post(struct model_queue *q, uint32_t n);

/* Put a descriptor on the ring, without doorbell. */
void model_rx_put(struct model_queue *q, const struct sluice_rx_desc *desc);
void model_tx_put(struct model_queue *q, const struct sluice_tx_desc *desc);

/* A frame of @len bytes as one descriptor, copied to fresh guest memory; without doorbell. */
void model_tx_frame(struct model_queue *q, const void *frame, uint32_t len);

/* Doorbells. */
int model_submit(struct model_queue *q);
int model_consume(struct model_queue *q, bool arm);

/*
 * The next completion, if the phase says that it is there: 32 bytes. No doorbell. @cpl is a
 * struct sluice_rx_cpl or sluice_tx_cpl.
 */
bool model_poll(struct model_queue *q, void *cpl);

/* The frame a receive completion names; NULL when it names none of the queue's buffers. */
const uint8_t *model_rx_data(struct model_queue *q, const struct sluice_rx_cpl *cpl);

/* State of the queue as the device tells it. */
struct sluice_resp_queue model_query(const struct model_queue *q);

#endif
