/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Deferred work within the engine, without the names of liburcu's headers. */
#ifndef BPFE_RCU_H
#define BPFE_RCU_H

#include "bpf_engine.h"

/* Embedded in what is freed later. Room for liburcu's struct rcu_head. */
struct bpfe_rcu_head {
	void *private[2];
	void (*fn)(struct bpfe_rcu_head *head);
};

/*
 * Call @fn(@head) after all read sections that have begun by now have ended, on another thread.
 * Any thread, inside a read section too; neither blocks for a grace period nor allocates once
 * bpfe_rcu_prepare() was called.
 */
void bpfe_rcu_call(struct bpfe_rcu_head *head, void (*fn)(struct bpfe_rcu_head *head));

/* Start the thread that runs deferred work, so that the data path never has to. */
void bpfe_rcu_prepare(void);

#endif
