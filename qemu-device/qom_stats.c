/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Read-only properties for QMP (qom-get): what the NIC counted and what is loaded in it.
 *
 *   stats              every counter of the port, by its name in the ABI
 *   stats-balance      "balanced", or the equation between the counters that does not hold
 *   queue-stats        [{queue, type, counters...}], queues that exist
 *   programs, maps     [{id, name, ...}]; a program's run-insns only if they are counted, and
 *                      code-bytes and compile-ns only if it is compiled
 *   bad-accesses       register and doorbell accesses refused
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "sluice_nic.h"

typedef bool (*SluiceEntry)(Visitor *v, SluiceNIC *s, unsigned n, Error **errp);

static bool sluice_alive(SluiceNIC *s, Error **errp)
{
	if (s->fw)
		return true;
	error_setg(errp, "%s is not realized", sluice_name(s));
	return false;
}

static bool sluice_visit_u64(Visitor *v, const char *name, uint64_t value, Error **errp)
{
	return visit_type_uint64(v, name, &value, errp);
}

/* @name is as the ABI has it: at most @size bytes, perhaps without a NUL. */
static bool sluice_visit_name(Visitor *v, const char *bytes, size_t size, Error **errp)
{
	g_autofree char *name = g_strndup(bytes, size);

	return visit_type_str(v, "name", &name, errp);
}

static void sluice_get_stats(Object *obj, Visitor *v, const char *name, void *opaque, Error **errp)
{
	SluiceNIC *s = SLUICE_NIC(obj);
	uint64_t stats[SLUICE_N_PORT_STATS];
	unsigned i;

	if (!sluice_alive(s, errp) || !visit_start_struct(v, name, NULL, 0, errp))
		return;
	nic_port_stats(s->nic, 0, stats);
	for (i = 0; i < SLUICE_N_PORT_STATS; i++)
		if (!sluice_visit_u64(v, nic_port_stat_name(i), stats[i], errp))
			break;
	visit_end_struct(v, NULL);
}

static void sluice_get_balance(Object *obj, Visitor *v, const char *name, void *opaque,
			       Error **errp)
{
	SluiceNIC *s = SLUICE_NIC(obj);
	uint64_t stats[SLUICE_N_PORT_STATS];
	g_autofree char *text = NULL;
	const char *why = NULL;

	if (!sluice_alive(s, errp))
		return;
	nic_port_stats(s->nic, 0, stats);
	text = g_strdup(nic_port_stats_balance(stats, &why) ? "balanced" : why);
	visit_type_str(v, name, &text, errp);
}

static void sluice_get_bad_accesses(Object *obj, Visitor *v, const char *name, void *opaque,
				    Error **errp)
{
	SluiceNIC *s = SLUICE_NIC(obj);

	if (sluice_alive(s, errp))
		sluice_visit_u64(v, name, fw_bad_accesses(s->fw), errp);
}

/* A list of what @opaque yields for 0, 1, ... until it says that there is no more. */
static void sluice_get_list(Object *obj, Visitor *v, const char *name, void *opaque, Error **errp)
{
	SluiceNIC *s = SLUICE_NIC(obj);
	SluiceEntry *entry = opaque;
	Error *err = NULL;
	unsigned n = 0;

	if (!sluice_alive(s, errp) || !visit_start_list(v, name, NULL, 0, errp))
		return;
	while (!err && (*entry)(v, s, n, &err))
		n++;
	error_propagate(errp, err);
	visit_end_list(v, NULL);
}

static bool sluice_queue_entry(Visitor *v, SluiceNIC *s, unsigned n, Error **errp)
{
	uint64_t stats[SLUICE_N_QUEUE_STATS];
	uint8_t type = n % 2 ? SLUICE_QUEUE_TX : SLUICE_QUEUE_RX;
	g_autofree char *text = g_strdup(n % 2 ? "tx" : "rx");
	unsigned i;

	if (n / 2 >= s->config.n_queue_pairs)
		return false;
	if (nic_queue_stats(s->nic, type, n / 2, stats))
		return true;
	if (!visit_start_struct(v, NULL, NULL, 0, errp))
		return false;
	if (sluice_visit_u64(v, "queue", n / 2, errp) && visit_type_str(v, "type", &text, errp))
		for (i = 0; i < SLUICE_N_QUEUE_STATS; i++)
			if (!sluice_visit_u64(v, nic_queue_stat_name(i), stats[i], errp))
				break;
	visit_end_struct(v, NULL);
	return true;
}

/* What compiled code did not count is not there, rather than 0. */
static bool sluice_visit_counted(Visitor *v, const struct fw_prog_info *prog, Error **errp)
{
	return !prog->info.counts_insns || sluice_visit_u64(v, "run-insns", prog->insns, errp);
}

static bool sluice_visit_code(Visitor *v, const struct bpfe_program_info *info, Error **errp)
{
	return info->engine != BPFE_ENGINE_JIT ||
	       (sluice_visit_u64(v, "code-bytes", info->jit_bytes, errp) &&
		sluice_visit_u64(v, "compile-ns", info->jit_ns, errp));
}

static bool sluice_program_entry(Visitor *v, SluiceNIC *s, unsigned n, Error **errp)
{
	struct fw_prog_info prog;
	g_autofree char *engine = NULL;

	if (!fw_program_at(s->fw, n, &prog) || !visit_start_struct(v, NULL, NULL, 0, errp))
		return false;
	engine = g_strdup(bpfe_engine_name(prog.info.engine));
	(void)(sluice_visit_u64(v, "id", prog.id, errp) &&
	       sluice_visit_name(v, prog.info.name, sizeof(prog.info.name), errp) &&
	       visit_type_bool(v, "attached", &prog.attached, errp) &&
	       visit_type_str(v, "engine", &engine, errp) &&
	       sluice_visit_u64(v, "runs", prog.runs, errp) &&
	       sluice_visit_counted(v, &prog, errp) && sluice_visit_code(v, &prog.info, errp) &&
	       sluice_visit_u64(v, "insns", prog.info.n_insns, errp) &&
	       sluice_visit_u64(v, "stack-bytes", prog.info.stack_bytes, errp) &&
	       sluice_visit_u64(v, "maps", prog.info.n_maps, errp) &&
	       sluice_visit_u64(v, "insns-verified", prog.info.insns_verified, errp) &&
	       sluice_visit_u64(v, "verify-ns", prog.info.verify_ns, errp));
	visit_end_struct(v, NULL);
	return true;
}

static bool sluice_map_entry(Visitor *v, SluiceNIC *s, unsigned n, Error **errp)
{
	const struct bpfe_map_attr *attr;
	uint32_t id, count;

	if (!fw_map_at(s->fw, n, &id, &attr, &count) || !visit_start_struct(v, NULL, NULL, 0, errp))
		return false;
	(void)(sluice_visit_u64(v, "id", id, errp) &&
	       sluice_visit_name(v, attr->name, sizeof(attr->name), errp) &&
	       sluice_visit_u64(v, "type", attr->type, errp) &&
	       sluice_visit_u64(v, "key-size", attr->key_size, errp) &&
	       sluice_visit_u64(v, "value-size", attr->value_size, errp) &&
	       sluice_visit_u64(v, "max-entries", attr->max_entries, errp) &&
	       sluice_visit_u64(v, "flags", attr->flags, errp) &&
	       sluice_visit_u64(v, "entries", count, errp));
	visit_end_struct(v, NULL);
	return true;
}

static SluiceEntry sluice_queue_list = sluice_queue_entry;
static SluiceEntry sluice_program_list = sluice_program_entry;
static SluiceEntry sluice_map_list = sluice_map_entry;

void sluice_register_properties(ObjectClass *klass)
{
	object_class_property_add(klass, "stats", "dict", sluice_get_stats, NULL, NULL, NULL);
	object_class_property_add(klass, "stats-balance", "str", sluice_get_balance, NULL, NULL,
				  NULL);
	object_class_property_add(klass, "bad-accesses", "uint64", sluice_get_bad_accesses, NULL,
				  NULL, NULL);
	object_class_property_add(klass, "queue-stats", "list", sluice_get_list, NULL, NULL,
				  &sluice_queue_list);
	object_class_property_add(klass, "programs", "list", sluice_get_list, NULL, NULL,
				  &sluice_program_list);
	object_class_property_add(klass, "maps", "list", sluice_get_list, NULL, NULL,
				  &sluice_map_list);
}
