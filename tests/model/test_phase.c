/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A guest CPU polls the phase bit while the NIC produces: what it reads behind the bit is whole. */
#include <pthread.h>
#include <sched.h>

#include "scenario.h"

#define FRAMES 20000u

struct poller {
	struct model_queue *q;
	atomic_uint seen;  /* completions taken, for the producer to give their buffers back */
	const char *error; /* what the poller found wrong */
	uint32_t at;
};

static const char *check(struct model_queue *q, const struct sluice_rx_cpl *cpl, uint32_t expected)
{
	const uint8_t *data = model_rx_data(q, cpl);
	uint32_t seq;

	if (cpl->buffer_id != expected % SCENARIO_ENTRIES)
		return "completion of another buffer";
	if (cpl->timestamp != expected + 1)
		return "completion of another lap";
	if (!data || cpl->length != 42 + 30)
		return "wrong length";
	memcpy(&seq, data + 42, sizeof(seq));
	return seq == expected ? NULL : "payload of another frame";
}

static void *poll_ring(void *opaque)
{
	struct poller *p = opaque;

	while (p->at < FRAMES && !p->error) {
		struct sluice_rx_cpl cpl;

		if (!model_poll(p->q, &cpl)) {
			sched_yield();
			continue;
		}
		p->error = check(p->q, &cpl, p->at++);
		atomic_store_explicit(&p->seen, p->at, memory_order_release);
	}
	/* Let the producer come to its end whatever was found. */
	atomic_store_explicit(&p->seen, FRAMES, memory_order_release);
	return NULL;
}

static void polled_from_another_thread(void **state)
{
	struct scenario *s = *state;
	struct model_queue reader = s->rx[0];
	struct poller p = {.q = &reader};
	uint32_t returned = 0;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, poll_ring, &p), 0);
	for (uint32_t seq = 0; seq < FRAMES;) {
		uint32_t seen = atomic_load_explicit(&p.seen, memory_order_acquire);

		if (seen > seq)
			seen = seq; /* the poller gave up */
		if (seen != returned) {
			assert_int_equal(model_rx_post(&s->rx[0], seen - returned), 0);
			s->rx[0].consumer = returned = seen;
			assert_int_equal(model_consume(&s->rx[0], false), 0);
		}
		if (seq - returned == SCENARIO_ENTRIES) {
			sched_yield();
			continue;
		}
		s->g->now_ns = seq + 1;
		assert_int_equal(scenario_receive_seq(s, seq++), NIC_RX_DELIVERED);
	}
	pthread_join(thread, NULL);
	if (p.error)
		fail_msg("at completion %u: %s", p.at - 1, p.error);
	assert_int_equal(p.at, FRAMES);
}

static const struct CMUnitTest tests[] = {SCENARIO(polled_from_another_thread)};

SCENARIO_MAIN("phase", tests)
