/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The firmware as a whole: creation, reset, progress, and what the host sees. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "map_table.h"
#include "program_load.h"
#include "program_table.h"

#define DEFAULT_MAP_BYTES  (256ull << 20)
#define DEFAULT_MAX_MAPS   256u
#define DEFAULT_MAX_PROGS  64u
#define DEFAULT_LOAD_QUEUE 16u
#define MAX_OBJECTS        (1u << 16) /* maps or programs; linear searches stay short */

/* What the engine keeps of a program: per instruction, and besides. A bound, not an estimate. */
#define PROGRAM_INSN_BYTES 64u
#define PROGRAM_BYTES      65536u

static void fill_limits(struct fw_limits *limits, const struct fw_limits *given)
{
	*limits = given ? *given : (struct fw_limits){0};
	if (!limits->map_bytes)
		limits->map_bytes = DEFAULT_MAP_BYTES;
	if (!limits->max_maps)
		limits->max_maps = DEFAULT_MAX_MAPS;
	if (limits->max_maps > MAX_OBJECTS)
		limits->max_maps = MAX_OBJECTS;
	if (!limits->max_progs)
		limits->max_progs = DEFAULT_MAX_PROGS;
	if (limits->max_progs > MAX_OBJECTS)
		limits->max_progs = MAX_OBJECTS;
	if (!limits->max_insns || limits->max_insns > BPFE_MAX_INSNS)
		limits->max_insns = BPFE_MAX_INSNS;
	if (!limits->run_budget)
		limits->run_budget = BPFE_DEFAULT_BUDGET;
	if (!limits->load_queue)
		limits->load_queue = DEFAULT_LOAD_QUEUE;
	if (!limits->map_types)
		limits->map_types = FW_OFFLOAD_MAP_TYPES;
	for (uint32_t type = 0; type < 64; type++) {
		if (!bpfe_map_type_supported(type))
			limits->map_types &= ~(1ull << type);
	}
}

static void fill_helpers(struct fw *fw, const uint64_t *offered)
{
	bpfe_helpers_supported(fw->helpers);
	for (unsigned i = 0; offered && i < 4; i++)
		fw->helpers[i] &= offered[i];
	fw->limits.helpers = fw->helpers;
}

static void worker_done(void *opaque)
{
	const struct fw *fw = opaque;

	fw->ops->worker_done(fw->opaque);
}

static void fw_free(struct fw *fw)
{
	fw_program_table_free(&fw->programs);
	fw_map_table_free(&fw->maps);
	free(fw);
}

static int start(struct fw *fw)
{
	const struct fw_limits *l = &fw->limits;
	uint64_t program_bytes = (uint64_t)l->max_insns * PROGRAM_INSN_BYTES + PROGRAM_BYTES;
	int err;

	fw_memory_init(&fw->map_memory, l->map_bytes);
	fw_memory_init(&fw->program_memory,
		       program_bytes * ((uint64_t)l->max_progs + l->load_queue));
	err = fw_program_table_init(&fw->programs, l->max_progs);
	if (!err)
		err = fw_map_table_init(&fw->maps, l->max_maps);
	if (!err)
		err = fw_worker_create(worker_done, fw, &fw->worker);
	return err;
}

int fw_create(struct nic *nic, const struct fw_limits *limits, const struct nic_host_ops *ops,
	      void *opaque, fw_objects_fn objects, struct fw **result)
{
	struct fw *fw = calloc(1, sizeof(*fw));
	int err;

	if (!fw)
		return -ENOMEM;
	fw->nic = nic;
	fw->config = nic_get_config(nic);
	fw->ops = ops;
	fw->opaque = opaque;
	fw->objects = objects;
	fill_limits(&fw->limits, limits);
	fill_helpers(fw, fw->limits.helpers);
	err = start(fw);
	if (err) {
		fw_free(fw);
		return err;
	}
	nic_set_event_handler(nic, fw_event, fw);
	*result = fw;
	return 0;
}

void fw_destroy(struct fw *fw)
{
	if (!fw)
		return;
	nic_set_event_handler(fw->nic, NULL, NULL);
	fw_drop_objects(fw);
	fw_worker_destroy(fw->worker);
	/* Deferred frees go to our allocators. */
	bpfe_rcu_barrier();
	fw_free(fw);
}

void fw_drop_objects(struct fw *fw)
{
	fw_loads_cancel(fw);
	fw_program_table_clear(fw);
	fw_map_table_clear(&fw->maps);
	fw_objects_changed(fw);
}

static void admin_reset(struct fw_admin *admin)
{
	memset(admin, 0, sizeof(*admin));
}

void fw_reset(struct fw *fw)
{
	admin_reset(&fw->admin);
	fw_drop_objects(fw);
	nic_reset(fw->nic);
	fw_registers_reset(fw);
	fw->nic_stopping = false;
}

void fw_objects_changed(struct fw *fw)
{
	bool exist = fw->programs.count || fw->maps.count;

	if (exist == fw->objects_exist)
		return;
	fw->objects_exist = exist;
	if (fw->objects)
		fw->objects(fw->opaque, exist);
}

/* ---- Progress ----------------------------------------------------------------------------- */

void fw_process(struct fw *fw)
{
	fw_health_process(fw);
	fw_loads_collect(fw);
	fw_mailbox_run(fw);
}

void fw_drain(struct fw *fw)
{
	fw_worker_drain(fw->worker);
	fw_loads_collect(fw);
}

/* ---- Host's view -------------------------------------------------------------------------- */

bool fw_program_at(struct fw *fw, unsigned n, struct fw_prog_info *info)
{
	for (uint32_t i = 0; i < fw->programs.capacity; i++) {
		const struct fw_program *entry = &fw->programs.entries[i];

		if (!entry->id || n--)
			continue;
		*info = (struct fw_prog_info){.id = entry->id, .attached = entry->ports};
		if (entry->ports)
			info->port = (unsigned)__builtin_ctz(entry->ports);
		fw_program_totals(fw, entry, &info->runs, &info->insns);
		bpfe_program_info(entry->prog, &info->info);
		return true;
	}
	return false;
}

bool fw_map_at(struct fw *fw, unsigned n, uint32_t *id, const struct bpfe_map_attr **attr,
	       uint32_t *count)
{
	for (uint32_t i = 0; i < fw->maps.capacity; i++) {
		const struct fw_map *entry = &fw->maps.entries[i];

		if (!entry->id || n--)
			continue;
		*id = entry->id;
		*attr = bpfe_map_attr(entry->map);
		*count = bpfe_map_count(entry->map);
		return true;
	}
	return false;
}
