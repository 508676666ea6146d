/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The steps of jit_opt_address() on one block, of which @local has to be. */
#ifndef BPFE_OPT_MEMORY_H
#define BPFE_OPT_MEMORY_H

#include "jit/access.h"

#pragma GCC visibility push(hidden) /* see lir.h */

/* What opt_bytes*.c take notes in, for blocks of as many operations as it was made for. */
struct jit_bytes_room {
	struct jit_accesses accesses;
	struct piece *pieces; /* of each operation */
	uint32_t *moved;      /* where each operation is done */
};

bool jit_bytes_room_init(struct jit_bytes_room *room, struct lir *lir, uint32_t n_ops);
void jit_bytes_room_free(struct jit_bytes_room *room);

/* opt_bytes.c: loads and stores of the bytes of one word become one. True: something has changed,
 * and
 * @local is of the block as it was. */
bool jit_opt_bytes(struct jit_bytes_room *room, struct jit_local *local, struct lir_block *block);

/* opt_bytes_store.c: its second half; @local and the accesses are those of the block. */
bool jit_opt_bytes_stored(struct jit_bytes_room *room, struct jit_local *local,
			  struct lir_block *block);

/* opt_operand.c: loads become operands of what reads them; load, change and store becomes RMW. */
void jit_opt_operand(struct jit_local *local, struct lir_block *block);

#pragma GCC visibility pop

#endif
