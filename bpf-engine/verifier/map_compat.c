// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Which helper goes with which type of map, as Linux has it. A map that holds keys and values of
 * bytes goes with look-up, update and delete; the others each have helpers of their own, and these
 * go with nothing else.
 */
#include "verifier/call.h"

#define TYPE(type) (UINT64_C(1) << (type))

#define DEVMAPS       (TYPE(BPF_MAP_TYPE_DEVMAP) | TYPE(BPF_MAP_TYPE_DEVMAP_HASH))
#define MAPS_OF_MAPS  (TYPE(BPF_MAP_TYPE_ARRAY_OF_MAPS) | TYPE(BPF_MAP_TYPE_HASH_OF_MAPS))
#define ARRAYS        (TYPE(BPF_MAP_TYPE_ARRAY) | TYPE(BPF_MAP_TYPE_PERCPU_ARRAY))
#define HASHES        (TYPE(BPF_MAP_TYPE_HASH) | TYPE(BPF_MAP_TYPE_LRU_HASH) | PERCPU_HASHES)
#define PERCPU_HASHES (TYPE(BPF_MAP_TYPE_PERCPU_HASH) | TYPE(BPF_MAP_TYPE_LRU_PERCPU_HASH))
#define KEYED         (ARRAYS | HASHES | TYPE(BPF_MAP_TYPE_LPM_TRIE))
#define QUEUES        (TYPE(BPF_MAP_TYPE_QUEUE) | TYPE(BPF_MAP_TYPE_STACK))
#define RINGS         TYPE(BPF_MAP_TYPE_RINGBUF)

struct pairing {
	uint32_t helper;
	uint64_t types;
	const char *accepted;
};

static const struct pairing pairings[] = {
	{BPF_FUNC_map_lookup_elem, KEYED | MAPS_OF_MAPS | DEVMAPS | TYPE(BPF_MAP_TYPE_XSKMAP),
	 "a map of values by key: array, hash, LRU, LPM trie, devmap, xskmap, map of maps"},
	{BPF_FUNC_map_update_elem, KEYED, "a map of values by key: array, hash, LRU, LPM trie"},
	{BPF_FUNC_map_delete_elem, KEYED, "a map of values by key: array, hash, LRU, LPM trie"},
	{BPF_FUNC_map_lookup_percpu_elem, TYPE(BPF_MAP_TYPE_PERCPU_ARRAY) | PERCPU_HASHES,
	 "a per-CPU array or hash"},
	{BPF_FUNC_for_each_map_elem, ARRAYS | HASHES, "an array or hash, per-CPU and LRU too"},
	{BPF_FUNC_map_push_elem, QUEUES | TYPE(BPF_MAP_TYPE_BLOOM_FILTER),
	 "a queue, stack or bloom filter"},
	{BPF_FUNC_map_pop_elem, QUEUES, "a queue or stack"},
	{BPF_FUNC_map_peek_elem, QUEUES | TYPE(BPF_MAP_TYPE_BLOOM_FILTER),
	 "a queue, stack or bloom filter"},
	{BPF_FUNC_redirect_map, DEVMAPS | TYPE(BPF_MAP_TYPE_CPUMAP) | TYPE(BPF_MAP_TYPE_XSKMAP),
	 "a devmap, cpumap or xskmap"},
	{BPF_FUNC_tail_call, TYPE(BPF_MAP_TYPE_PROG_ARRAY), "a prog array"},
	{BPF_FUNC_perf_event_output, TYPE(BPF_MAP_TYPE_PERF_EVENT_ARRAY), "a perf event array"},
	{BPF_FUNC_perf_event_read, TYPE(BPF_MAP_TYPE_PERF_EVENT_ARRAY), "a perf event array"},
	{BPF_FUNC_perf_event_read_value, TYPE(BPF_MAP_TYPE_PERF_EVENT_ARRAY), "a perf event array"},
	{BPF_FUNC_ringbuf_output, RINGS, "a ring buffer"},
	{BPF_FUNC_ringbuf_reserve, RINGS, "a ring buffer"},
	{BPF_FUNC_ringbuf_query, RINGS, "a ring buffer"},
	{BPF_FUNC_ringbuf_reserve_dynptr, RINGS, "a ring buffer"},
};

static const char *map_type_name(uint32_t type)
{
	static const char *const names[] = {
		[BPF_MAP_TYPE_HASH] = "a hash",
		[BPF_MAP_TYPE_ARRAY] = "an array",
		[BPF_MAP_TYPE_PROG_ARRAY] = "a prog array",
		[BPF_MAP_TYPE_PERF_EVENT_ARRAY] = "a perf event array",
		[BPF_MAP_TYPE_PERCPU_HASH] = "a per-CPU hash",
		[BPF_MAP_TYPE_PERCPU_ARRAY] = "a per-CPU array",
		[BPF_MAP_TYPE_LRU_HASH] = "an LRU hash",
		[BPF_MAP_TYPE_LRU_PERCPU_HASH] = "a per-CPU LRU hash",
		[BPF_MAP_TYPE_LPM_TRIE] = "an LPM trie",
		[BPF_MAP_TYPE_ARRAY_OF_MAPS] = "an array of maps",
		[BPF_MAP_TYPE_HASH_OF_MAPS] = "a hash of maps",
		[BPF_MAP_TYPE_DEVMAP] = "a devmap",
		[BPF_MAP_TYPE_CPUMAP] = "a cpumap",
		[BPF_MAP_TYPE_XSKMAP] = "an xskmap",
		[BPF_MAP_TYPE_QUEUE] = "a queue",
		[BPF_MAP_TYPE_STACK] = "a stack",
		[BPF_MAP_TYPE_DEVMAP_HASH] = "a devmap hash",
		[BPF_MAP_TYPE_RINGBUF] = "a ring buffer",
		[BPF_MAP_TYPE_BLOOM_FILTER] = "a bloom filter",
	};

	if (type >= sizeof(names) / sizeof(names[0]) || !names[type])
		return "a map of another type";
	return names[type];
}

int bpfe_check_map_type(struct bpfe_vf *vf, int regno, const struct bpfe_call *call)
{
	for (size_t i = 0; i < sizeof(pairings) / sizeof(pairings[0]); i++) {
		const struct pairing *p = &pairings[i];

		if (p->helper != call->helper->id)
			continue;
		if (call->attr->type < 64 && (p->types >> call->attr->type & 1))
			return 0;
		return bpfe_vf_refuse(vf, BPFE_BAD_MAP, regno, p->accepted,
				      "%s does not work on map '%.16s', %s", call->helper->name,
				      call->attr->name, map_type_name(call->attr->type));
	}
	return bpfe_vf_refuse(vf, BPFE_BAD_MAP, regno, NULL,
			      "%s takes a map and is not known to work on %s", call->helper->name,
			      map_type_name(call->attr->type));
}
