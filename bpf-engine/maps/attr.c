/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What a map's attributes may be, as the alloc_check functions of Linux's map types see it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include "maps/map.h"

#define MAP_FLAGS (BPF_F_NO_PREALLOC | BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG)

/* Flags that apply to some map type here. */
#define KNOWN_FLAGS                                                                          \
	(BPF_F_NO_PREALLOC | BPF_F_NO_COMMON_LRU | BPF_F_NUMA_NODE | BPFE_MAP_ACCESS_FLAGS | \
	 BPF_F_ZERO_SEED | BPF_F_MMAPABLE | BPF_F_PRESERVE_ELEMS | BPF_F_INNER_MAP)

static const char *flag_name(uint32_t flag)
{
	static const char *const names[] = {
		"BPF_F_NO_PREALLOC",  "BPF_F_NO_COMMON_LRU",
		"BPF_F_NUMA_NODE",    "BPF_F_RDONLY",
		"BPF_F_WRONLY",       "BPF_F_STACK_BUILD_ID",
		"BPF_F_ZERO_SEED",    "BPF_F_RDONLY_PROG",
		"BPF_F_WRONLY_PROG",  "BPF_F_CLONE",
		"BPF_F_MMAPABLE",     "BPF_F_PRESERVE_ELEMS",
		"BPF_F_INNER_MAP",    "BPF_F_LINK",
		"BPF_F_PATH_FD",      "BPF_F_VTYPE_BTF_OBJ_FD",
		"BPF_F_TOKEN_FD",     "BPF_F_SEGV_ON_FAULT",
		"BPF_F_NO_USER_CONV",
	};
	unsigned bit = (unsigned)__builtin_ctz(flag);

	return bit < sizeof(names) / sizeof(names[0]) ? names[bit] : "unknown flag";
}

static const char *type_name(uint32_t type)
{
	static const char *const names[] = {
		[BPF_MAP_TYPE_HASH] = "hash",
		[BPF_MAP_TYPE_ARRAY] = "array",
		[BPF_MAP_TYPE_PROG_ARRAY] = "prog_array",
		[BPF_MAP_TYPE_PERF_EVENT_ARRAY] = "perf_event_array",
		[BPF_MAP_TYPE_PERCPU_HASH] = "percpu_hash",
		[BPF_MAP_TYPE_PERCPU_ARRAY] = "percpu_array",
		[BPF_MAP_TYPE_STACK_TRACE] = "stack_trace",
		[BPF_MAP_TYPE_CGROUP_ARRAY] = "cgroup_array",
		[BPF_MAP_TYPE_LRU_HASH] = "lru_hash",
		[BPF_MAP_TYPE_LRU_PERCPU_HASH] = "lru_percpu_hash",
		[BPF_MAP_TYPE_LPM_TRIE] = "lpm_trie",
		[BPF_MAP_TYPE_ARRAY_OF_MAPS] = "array_of_maps",
		[BPF_MAP_TYPE_HASH_OF_MAPS] = "hash_of_maps",
		[BPF_MAP_TYPE_DEVMAP] = "devmap",
		[BPF_MAP_TYPE_SOCKMAP] = "sockmap",
		[BPF_MAP_TYPE_CPUMAP] = "cpumap",
		[BPF_MAP_TYPE_XSKMAP] = "xskmap",
		[BPF_MAP_TYPE_SOCKHASH] = "sockhash",
		[BPF_MAP_TYPE_CGROUP_STORAGE] = "cgroup_storage",
		[BPF_MAP_TYPE_REUSEPORT_SOCKARRAY] = "reuseport_sockarray",
		[BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE] = "percpu_cgroup_storage",
		[BPF_MAP_TYPE_QUEUE] = "queue",
		[BPF_MAP_TYPE_STACK] = "stack",
		[BPF_MAP_TYPE_SK_STORAGE] = "sk_storage",
		[BPF_MAP_TYPE_DEVMAP_HASH] = "devmap_hash",
		[BPF_MAP_TYPE_STRUCT_OPS] = "struct_ops",
		[BPF_MAP_TYPE_RINGBUF] = "ringbuf",
		[BPF_MAP_TYPE_INODE_STORAGE] = "inode_storage",
		[BPF_MAP_TYPE_TASK_STORAGE] = "task_storage",
		[BPF_MAP_TYPE_BLOOM_FILTER] = "bloom_filter",
	};

	return type < sizeof(names) / sizeof(names[0]) && names[type] ? names[type] : "unknown";
}

int bpfe_map_refuse_type(uint32_t type, struct bpfe_log *log)
{
	char accepted[512] = "";
	size_t len = 0;

	for (uint32_t t = 0; t < 64; t++) {
		if (bpfe_map_type_supported(t))
			len += (size_t)snprintf(accepted + len, sizeof(accepted) - len, "%s%s (%u)",
						len ? ", " : "", type_name(t), t);
	}
	return bpfe_refuse(log, -EOPNOTSUPP, BPFE_BAD_MAP, 0,
			   "map type %s (%u) is not supported; supported are %s", type_name(type),
			   type, accepted);
}

int bpfe_map_check_flags(const struct bpfe_map_attr *attr, uint32_t allowed, struct bpfe_log *log)
{
	uint32_t bad = attr->flags & ~allowed;

	if (bad)
		return bpfe_refuse(log, -EINVAL, BPFE_BAD_MAP, 0,
				   "map flag %s (0x%x) is not supported", flag_name(bad),
				   bad & -bad);
	if ((attr->flags & BPF_F_RDONLY_PROG) && (attr->flags & BPF_F_WRONLY_PROG))
		return bpfe_refuse(log, -EINVAL, BPFE_BAD_MAP, 0,
				   "map flags BPF_F_RDONLY_PROG and BPF_F_WRONLY_PROG exclude "
				   "each other");
	if ((attr->flags & BPF_F_RDONLY) && (attr->flags & BPF_F_WRONLY))
		return bpfe_refuse(log, -EINVAL, BPFE_BAD_MAP, 0,
				   "map flags BPF_F_RDONLY and BPF_F_WRONLY exclude each other");
	return 0;
}

int bpfe_map_check_range(struct bpfe_log *log, const char *what, uint32_t value, uint32_t min,
			 uint32_t max)
{
	if (value >= min && value <= max)
		return 0;
	return bpfe_refuse(log, -EINVAL, BPFE_BAD_MAP, 0, "map %s %u is out of range, %u to %u",
			   what, value, min, max);
}

int bpfe_map_check_common(const struct bpfe_map_attr *attr, struct bpfe_log *log)
{
	int err = bpfe_map_check_range(log, "key size", attr->key_size, 1, BPFE_MAP_MAX_KEY);

	if (!err)
		err = bpfe_map_check_range(log, "value size", attr->value_size, 1,
					   BPFE_MAP_MAX_VALUE);
	if (!err)
		err = bpfe_map_check_range(log, "max_entries", attr->max_entries, 1,
					   BPFE_MAP_MAX_ENTRIES);
	if (!err)
		err = bpfe_map_check_flags(attr, MAP_FLAGS, log);
	return err;
}

/* ---- Rules of a type ------------------------------------------------------------------------ */

static int check_size(const struct bpfe_map_rules *rules, const char *what, uint32_t size,
		      uint32_t min, uint32_t max, struct bpfe_log *log)
{
	int err = size > max && !rules->too_large_is_invalid ? -E2BIG : -EINVAL;

	if (size >= min && size <= max)
		return 0;
	if (min == max)
		return bpfe_refuse(log, -EINVAL, BPFE_BAD_MAP, 0,
				   "map %s %u is not %u, which %s needs", what, size, min,
				   rules->what);
	return bpfe_refuse(log, err, BPFE_BAD_MAP, 0, "map %s %u is out of range, %u to %u", what,
			   size, min, max);
}

static int check_rule_flags(const struct bpfe_map_attr *attr, const struct bpfe_map_rules *rules,
			    struct bpfe_log *log)
{
	uint32_t foreign = attr->flags & KNOWN_FLAGS & ~rules->flags;
	uint32_t missing = rules->needs & ~attr->flags;

	if (foreign)
		return bpfe_refuse(log, -EINVAL, BPFE_BAD_MAP, 0,
				   "map flag %s (0x%x) does not apply to %s", flag_name(foreign),
				   foreign & -foreign, rules->what);
	if (missing)
		return bpfe_refuse(log, -EINVAL, BPFE_BAD_MAP, 0, "%s needs map flag %s (0x%x)",
				   rules->what, flag_name(missing), missing & -missing);
	return bpfe_map_check_flags(attr, rules->flags, log);
}

static int check_spin_lock(const struct bpfe_map_attr *attr, const struct bpfe_map_rules *rules,
			   struct bpfe_log *log)
{
	if (!attr->has_spin_lock)
		return 0;
	if (!rules->spin_lock)
		return bpfe_refuse(log, -EOPNOTSUPP, BPFE_BAD_MAP, 0,
				   "a value of %s cannot have a bpf_spin_lock, only of an array "
				   "or a hash",
				   rules->what);
	if (attr->flags & (BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG))
		return bpfe_refuse(log, -EACCES, BPFE_BAD_MAP, 0,
				   "a value with a bpf_spin_lock must be for programs to read and "
				   "write");
	if (attr->spin_lock_off % 4 || attr->value_size < 4 ||
	    attr->spin_lock_off > attr->value_size - 4)
		return bpfe_refuse(log, -EINVAL, BPFE_BAD_MAP, 0,
				   "bpf_spin_lock at byte %u of a value of %u is misaligned or "
				   "beyond its end",
				   attr->spin_lock_off, attr->value_size);
	return 0;
}

int bpfe_map_check_rules(const struct bpfe_map_attr *attr, const struct bpfe_map_rules *rules,
			 struct bpfe_log *log)
{
	int err =
		check_size(rules, "key size", attr->key_size, rules->min_key, rules->max_key, log);

	if (!err)
		err = check_size(rules, "value size", attr->value_size, 1, rules->max_value, log);
	if (!err)
		err = check_size(rules, "max_entries", attr->max_entries, 1, BPFE_MAP_MAX_ENTRIES,
				 log);
	if (!err)
		err = check_rule_flags(attr, rules, log);
	if (!err && attr->map_extra & ~rules->extra)
		err = bpfe_refuse(log, -EINVAL, BPFE_BAD_MAP, 0,
				  "map_extra 0x%" PRIx64 " is not within 0x%" PRIx64
				  ", which %s may have",
				  attr->map_extra, rules->extra, rules->what);
	if (!err && attr->cpus > BPFE_MAX_CPUS)
		err = bpfe_refuse(log, -EINVAL, BPFE_BAD_MAP, 0,
				  "map cpus %u is out of range, 0 to %u", attr->cpus,
				  BPFE_MAX_CPUS);
	return err ? err : check_spin_lock(attr, rules, log);
}
