// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "corpus.h"

uint32_t corpus_length(const struct corpus_case *c)
{
	uint32_t n = CORPUS_INSNS;

	while (n && !c->insns[n - 1].code)
		n--;
	return n;
}

int corpus_maps_create(struct corpus_maps *maps)
{
	static const struct {
		const char *name;
		uint32_t type, flags;
	} kinds[N_MAPS] = {
		[HASH] = {"hash", BPF_MAP_TYPE_HASH, 0},
		[ARRAY] = {"array", BPF_MAP_TYPE_ARRAY, 0},
		[RDONLY] = {"rdonly", BPF_MAP_TYPE_ARRAY, BPF_F_RDONLY_PROG},
		[WRONLY] = {"wronly", BPF_MAP_TYPE_ARRAY, BPF_F_WRONLY_PROG},
	};

	for (uint32_t i = 0; i < N_MAPS; i++) {
		struct bpfe_map_attr attr = {.type = kinds[i].type,
					     .key_size = 4,
					     .value_size = 16,
					     .max_entries = 8,
					     .flags = kinds[i].flags};
		int err;

		strcpy(attr.name, kinds[i].name);
		maps->bindings[i].id = 100 + i;
		err = bpfe_map_create(&attr, NULL, &maps->bindings[i].map, NULL);
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
