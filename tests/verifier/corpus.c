// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "corpus.h"

uint32_t corpus_length(const struct corpus_case *c)
{
	uint32_t n = CORPUS_INSNS;

	while (n && !c->insns[n - 1].code)
		n--;
	return n;
}

static const struct bpfe_map_attr locked = {
	.type = BPF_MAP_TYPE_ARRAY,
	.key_size = 4,
	.value_size = 16,
	.max_entries = 8,
	.name = "locked",
	.spin_lock_off = 4,
	.has_spin_lock = true,
};
static const struct bpfe_map_attr array = {
	.type = BPF_MAP_TYPE_ARRAY,
	.key_size = 4,
	.value_size = 16,
	.max_entries = 8,
	.name = "array",
};

static bool keyless(uint32_t type)
{
	return type == BPF_MAP_TYPE_RINGBUF || type == BPF_MAP_TYPE_QUEUE ||
	       type == BPF_MAP_TYPE_BLOOM_FILTER;
}

static void describe(struct bpfe_map_attr *attr, uint32_t i)
{
	static const struct {
		const char *name;
		uint32_t type, flags, value_size, max_entries;
		const struct bpfe_map_attr *inner;
	} kinds[N_MAPS] = {
		[HASH] = {"hash", BPF_MAP_TYPE_HASH, 0, 16, 8},
		[ARRAY] = {"array", BPF_MAP_TYPE_ARRAY, 0, 16, 8},
		[RDONLY] = {"rdonly", BPF_MAP_TYPE_ARRAY, BPF_F_RDONLY_PROG, 16, 8},
		[WRONLY] = {"wronly", BPF_MAP_TYPE_ARRAY, BPF_F_WRONLY_PROG, 16, 8},
		[DATA] = {"data", BPF_MAP_TYPE_ARRAY, 0, 16, 1},
		[RODATA] = {"rodata", BPF_MAP_TYPE_ARRAY, BPF_F_RDONLY_PROG, 16, 1},
		[MAPS] = {"maps", BPF_MAP_TYPE_ARRAY_OF_MAPS, 0, 4, 4, &array},
		[LOCKED_MAPS] = {"locked_maps", BPF_MAP_TYPE_ARRAY_OF_MAPS, 0, 4, 4, &locked},
		[PROGS] = {"progs", BPF_MAP_TYPE_PROG_ARRAY, 0, 4, 4},
		[RINGS] = {"rings", BPF_MAP_TYPE_RINGBUF, 0, 0, 4096},
		[PORTS] = {"ports", BPF_MAP_TYPE_DEVMAP, 0, 8, 8},
		[QUEUES] = {"queues", BPF_MAP_TYPE_XSKMAP, 0, 4, 8},
		[PERCPU] = {"percpu", BPF_MAP_TYPE_PERCPU_ARRAY, 0, 16, 8},
		[QUEUE] = {"queue", BPF_MAP_TYPE_QUEUE, 0, 16, 8},
		[BLOOM] = {"bloom", BPF_MAP_TYPE_BLOOM_FILTER, 0, 16, 8},
	};

	if (i == LOCKED) {
		*attr = locked;
		return;
	}
	*attr = (struct bpfe_map_attr){.type = kinds[i].type,
				       .key_size = keyless(kinds[i].type) ? 0 : 4,
				       .value_size = kinds[i].value_size,
				       .max_entries = kinds[i].max_entries,
				       .flags = kinds[i].flags,
				       .inner = kinds[i].inner};
	strcpy(attr->name, kinds[i].name);
}

static int fill_rodata(struct bpfe_map *map)
{
	static const uint8_t value[16] = {7, 0,    0,    0,    't',  'e',  'x',  't',
					  0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	static const uint32_t key;
	int err = bpfe_map_update(map, &key, value, BPF_ANY);

	return err ? err : bpfe_map_freeze(map);
}

int corpus_maps_create(struct corpus_maps *maps)
{
	for (uint32_t i = 0; i < N_MAPS; i++) {
		struct bpfe_map_attr attr;
		int err;

		describe(&attr, i);
		maps->bindings[i].id = 100 + i;
		err = bpfe_map_create(&attr, NULL, &maps->bindings[i].map, NULL);
		if (!err && i == RODATA)
			err = fill_rodata(maps->bindings[i].map);
		if (err)
			return err;
	}
	return 0;
}

void corpus_maps_destroy(struct corpus_maps *maps)
{
	for (uint32_t i = 0; i < N_MAPS; i++)
		bpfe_map_put(maps->bindings[i].map);
	bpfe_rcu_barrier();
}

int corpus_verify(const struct corpus_maps *maps, const struct bpf_insn *insns, uint32_t n_insns,
		  const uint64_t *helpers, struct bpfe_image *image, struct bpfe_log *log)
{
	struct bpfe_load_attr attr = {.insns = insns, .n_insns = n_insns, .helpers = helpers};
	int err = bpfe_image_open(image, &attr, log);

	if (!err)
		err = bpfe_decode(image, maps->bindings, N_MAPS, log);
	if (!err)
		err = bpfe_verify(image, log);
	return err;
}
