/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Programs by id, and which port runs which. Ids as in map_table.h. */
#ifndef SLUICE_FW_PROGRAM_TABLE_H
#define SLUICE_FW_PROGRAM_TABLE_H

#include "fw_internal.h"

int fw_program_table_init(struct fw_program_table *table, uint32_t capacity); /* -ENOMEM */
void fw_program_table_free(struct fw_program_table *table);                   /* after _clear */

/* Detach and drop all programs. */
void fw_program_table_clear(struct fw *fw);

struct fw_program *fw_program_find(struct fw *fw, uint32_t id); /* NULL: none */

/*
 * Enter @prog, whose reference passes to the table on success, and note that its maps are in use.
 * -ENOSPC: the table is full; -ENOMEM.
 */
int fw_program_add(struct fw *fw, struct bpfe_program *prog, struct fw_program **entry);

/* Remove a program that is not attached. */
void fw_program_remove(struct fw *fw, struct fw_program *entry);

/*
 * Make @entry (NULL: none) the program of @port in one step. Totals of the old one are kept.
 * -EBUSY: the port's MTU is too large for programs.
 */
int fw_program_attach(struct fw *fw, unsigned port, struct fw_program *entry);

/* Runs and instructions of @entry over all its attachments. */
void fw_program_totals(struct fw *fw, const struct fw_program *entry, uint64_t *runs,
		       uint64_t *insns);

#endif
