/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Maps by id. Ids rise and name their slot, so that one is not given out again for a long time. */
#ifndef SLUICE_FW_MAP_TABLE_H
#define SLUICE_FW_MAP_TABLE_H

#include "fw_internal.h"

/*
 * The next id after @last whose slot (id % capacity) is free in a table that has a free slot; used
 * by both tables. @id_at gives the id in a slot, 0: free. Positive as a signed 32-bit number, since
 * it goes into an instruction's imm.
 */
uint32_t fw_next_id(uint32_t last, uint32_t capacity,
		    uint32_t (*id_at)(const void *entries, uint32_t slot), const void *entries);

int fw_map_table_init(struct fw_map_table *table, uint32_t capacity); /* -ENOMEM */
void fw_map_table_free(struct fw_map_table *table);                   /* after _clear */

/* Drop all maps. */
void fw_map_table_clear(struct fw_map_table *table);

struct fw_map *fw_map_find(struct fw_map_table *table, uint32_t id); /* NULL: none */
struct fw_map *fw_map_find_by_map(struct fw_map_table *table, const struct bpfe_map *map);

/* Enter @map, whose reference passes to the table. NULL: the table is full. */
struct fw_map *fw_map_add(struct fw_map_table *table, struct bpfe_map *map);
void fw_map_remove(struct fw_map_table *table, struct fw_map *entry);

#endif
