/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "map_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

uint32_t fw_next_id(uint32_t last, uint32_t capacity,
		    uint32_t (*id_at)(const void *entries, uint32_t slot), const void *entries)
{
	uint32_t id = last;

	do {
		id = id < INT32_MAX ? id + 1 : 1;
	} while (id_at(entries, id % capacity));
	return id;
}

static uint32_t id_at(const void *entries, uint32_t slot)
{
	return ((const struct fw_map *)entries)[slot].id;
}

int fw_map_table_init(struct fw_map_table *table, uint32_t capacity)
{
	table->entries = calloc(capacity, sizeof(*table->entries));
	table->capacity = capacity;
	return table->entries ? 0 : -ENOMEM;
}

void fw_map_table_free(struct fw_map_table *table)
{
	free(table->entries);
	table->entries = NULL;
}

void fw_map_table_clear(struct fw_map_table *table)
{
	for (uint32_t i = 0; i < table->capacity; i++) {
		if (table->entries[i].id)
			fw_map_remove(table, &table->entries[i]);
	}
}

struct fw_map *fw_map_find(struct fw_map_table *table, uint32_t id)
{
	struct fw_map *entry = &table->entries[id % table->capacity];

	return id && entry->id == id ? entry : NULL;
}

struct fw_map *fw_map_find_by_map(struct fw_map_table *table, const struct bpfe_map *map)
{
	for (uint32_t i = 0; i < table->capacity; i++) {
		if (table->entries[i].id && table->entries[i].map == map)
			return &table->entries[i];
	}
	return NULL;
}

struct fw_map *fw_map_add(struct fw_map_table *table, struct bpfe_map *map)
{
	struct fw_map *entry;

	if (table->count == table->capacity)
		return NULL;
	table->last_id = fw_next_id(table->last_id, table->capacity, id_at, table->entries);
	entry = &table->entries[table->last_id % table->capacity];
	*entry = (struct fw_map){.id = table->last_id, .map = map};
	table->count++;
	return entry;
}

void fw_map_remove(struct fw_map_table *table, struct fw_map *entry)
{
	bpfe_map_put(entry->map);
	memset(entry, 0, sizeof(*entry));
	table->count--;
}
