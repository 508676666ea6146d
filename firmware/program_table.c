/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "program_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "map_table.h"

static uint32_t id_at(const void *entries, uint32_t slot)
{
	return ((const struct fw_program *)entries)[slot].id;
}

int fw_program_table_init(struct fw_program_table *table, uint32_t capacity)
{
	table->entries = calloc(capacity, sizeof(*table->entries));
	table->capacity = capacity;
	return table->entries ? 0 : -ENOMEM;
}

void fw_program_table_free(struct fw_program_table *table)
{
	free(table->entries);
	table->entries = NULL;
}

void fw_program_table_clear(struct fw *fw)
{
	struct fw_program_table *table = &fw->programs;

	for (unsigned port = 0; port < fw->config->n_ports; port++) {
		if (table->attached[port])
			fw_program_attach(fw, port, NULL);
	}
	for (uint32_t i = 0; i < table->capacity; i++) {
		if (table->entries[i].id)
			fw_program_remove(fw, &table->entries[i]);
	}
}

struct fw_program *fw_program_find(struct fw *fw, uint32_t id)
{
	struct fw_program *entry = &fw->programs.entries[id % fw->programs.capacity];

	return id && entry->id == id ? entry : NULL;
}

/* Note that the program uses its maps (@n 1) or no longer does (-1). */
static void count_maps(struct fw *fw, const struct fw_program *entry, int n)
{
	for (uint32_t i = 0; i < entry->n_maps; i++) {
		struct fw_map *map = fw_map_find(&fw->maps, entry->map_ids[i]);

		if (map)
			map->programs += (uint32_t)n;
	}
}

/* Its maps are in the table: the load that made the program kept them there. */
static uint32_t *take_map_ids(struct fw *fw, const struct bpfe_program *prog, uint32_t n)
{
	uint32_t *ids = calloc(n ? n : 1, sizeof(*ids));

	for (uint32_t i = 0; ids && i < n; i++) {
		const struct fw_map *map = fw_map_find_by_map(&fw->maps, bpfe_program_map(prog, i));

		ids[i] = map ? map->id : 0;
	}
	return ids;
}

int fw_program_add(struct fw *fw, struct bpfe_program *prog, struct fw_program **result)
{
	struct fw_program_table *table = &fw->programs;
	struct bpfe_program_info info;
	struct fw_program *entry;
	uint32_t *map_ids;

	if (table->count == table->capacity)
		return -ENOSPC;
	bpfe_program_info(prog, &info);
	map_ids = take_map_ids(fw, prog, info.n_maps);
	if (!map_ids)
		return -ENOMEM;
	table->last_id = fw_next_id(table->last_id, table->capacity, id_at, table->entries);
	entry = &table->entries[table->last_id % table->capacity];
	*entry = (struct fw_program){
		.id = table->last_id, .prog = prog, .n_maps = info.n_maps, .map_ids = map_ids};
	table->count++;
	count_maps(fw, entry, 1);
	*result = entry;
	return 0;
}

void fw_program_remove(struct fw *fw, struct fw_program *entry)
{
	count_maps(fw, entry, -1);
	bpfe_program_put(entry->prog);
	free(entry->map_ids);
	memset(entry, 0, sizeof(*entry));
	fw->programs.count--;
}

int fw_program_attach(struct fw *fw, unsigned port, struct fw_program *entry)
{
	struct fw_program *old = fw_program_find(fw, fw->programs.attached[port]);
	uint64_t runs, insns;
	int err;

	nic_program_stats(fw->nic, port, &runs, &insns);
	err = nic_set_program(fw->nic, port, entry ? entry->prog : NULL, entry ? entry->id : 0);
	if (err)
		return err;
	if (old) {
		old->runs += runs;
		old->insns += insns;
		old->ports &= ~(1u << port);
	}
	if (entry)
		entry->ports |= 1u << port;
	fw->programs.attached[port] = entry ? entry->id : 0;
	return 0;
}

void fw_program_totals(struct fw *fw, const struct fw_program *entry, uint64_t *runs,
		       uint64_t *insns)
{
	*runs = entry->runs;
	*insns = entry->insns;
	for (unsigned port = 0; port < fw->config->n_ports; port++) {
		uint64_t r, i;

		if (!(entry->ports & 1u << port))
			continue;
		nic_program_stats(fw->nic, port, &r, &i);
		*runs += r;
		*insns += i;
	}
}
