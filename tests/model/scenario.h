/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A NIC with two queue pairs up and running, for the scenario tests. */
#ifndef MODEL_SCENARIO_H
#define MODEL_SCENARIO_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "frames.h"
#include "model_guest.h"
#include "programs.h"

#define SCENARIO_ENTRIES 16u

struct scenario {
	struct model_guest *g;
	struct model_queue rx[2], tx[2]; /* enabled, receive rings full of buffers, not armed */
};

/* cmocka fixtures; *state is a struct scenario. */
int scenario_set_up(void **state);
int scenario_set_up_pause(void **state); /* with rx_pause */
int scenario_tear_down(void **state);

/* Offer a frame; the counters must balance after it. */
enum nic_outcome scenario_receive(struct scenario *s, const void *frame, size_t len);

/* The same with a UDP frame that carries @seq; RSS sends it to queue 0. */
enum nic_outcome scenario_receive_seq(struct scenario *s, uint32_t seq);

/* The next completion of @q, which must be there. */
struct sluice_rx_cpl scenario_rx_cpl(struct model_queue *q);
struct sluice_tx_cpl scenario_tx_cpl(struct model_queue *q);

/* There is no further completion. */
void scenario_no_cpl(struct model_queue *q);

/* Attach a program (NULL: none), which becomes the NIC's. */
void scenario_attach(struct scenario *s, struct bpfe_program *prog, uint32_t id);

void scenario_expect_stat(struct scenario *s, enum sluice_port_stat stat, uint64_t expected);

/* @q is in state ERROR for @error, and the guest was told by event number @event. */
void scenario_expect_failed(struct model_queue *q, uint16_t error, unsigned event);

/* main() of a scenario test: cmocka_run_group_tests() on a thread that may run programs. */
#define SCENARIO_MAIN(name, tests)                                             \
	int main(void)                                                         \
	{                                                                      \
		int failed;                                                    \
                                                                               \
		bpfe_thread_register();                                        \
		failed = cmocka_run_group_tests_name(name, tests, NULL, NULL); \
		bpfe_rcu_barrier();                                            \
		bpfe_thread_unregister();                                      \
		return failed;                                                 \
	}

#define SCENARIO(fn) cmocka_unit_test_setup_teardown(fn, scenario_set_up, scenario_tear_down)

#endif
