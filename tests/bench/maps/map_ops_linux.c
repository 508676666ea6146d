/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The host kernel's maps: a program with the loop inside, run by BPF_PROG_TEST_RUN. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "map_ops.h"

struct linux_side {
	struct bpf_object *object;
	int programs[OPS];
	uint8_t *keys; /* the table, shared with the programs */
	size_t keys_size;
};

/* Constants of the program, in the order of map_ops.bpf.c. */
struct constants {
	uint32_t key_size;
	uint32_t key_mask;
	uint32_t rounds;
};

static struct bpf_map *map_by_suffix(struct bpf_object *object, const char *suffix)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
	{
		const char *name = bpf_map__name(map);
		size_t len = strlen(name), end = strlen(suffix);

		if (len >= end && !strcmp(name + len - end, suffix))
			return map;
	}
	return NULL;
}

static int configure(struct bpf_object *object, const struct work *work)
{
	const struct constants constants = {work->key_size, work->n_keys - 1,
					    work->n_ops / PER_ROUND};
	struct bpf_map *keys = bpf_object__find_map_by_name(object, "keys");
	struct bpf_map *map = bpf_object__find_map_by_name(object, "map");
	struct bpf_map *rodata = map_by_suffix(object, ".rodata");
	int err = bpf_map__set_value_size(keys, work->n_keys * work->key_size);

	if (!err)
		err = bpf_map__set_type(map, work->type);
	if (!err)
		err = bpf_map__set_key_size(map, work->key_size);
	if (!err)
		err = bpf_map__set_max_entries(map, work->entries);
	return err ? err : bpf_map__set_initial_value(rodata, &constants, sizeof(constants));
}

static int fill(struct bpf_object *object, const struct work *work, const uint8_t *present)
{
	int fd = bpf_object__find_map_fd_by_name(object, "map");
	uint64_t values[256] = {0};
	int err = 0;

	for (unsigned i = 0; i < COUNT(values); i++)
		values[i] = 1;
	for (uint32_t i = 0; i < work->entries && !err; i++)
		err = bpf_map_update_elem(fd, present + (size_t)i * work->key_size, values, 0);
	return err;
}

static int share_keys(struct linux_side *side, const struct work *work)
{
	int fd = bpf_object__find_map_fd_by_name(side->object, "keys");
	long page = 4096;

	side->keys_size = ((size_t)work->n_keys * work->key_size + 7) & ~(size_t)7;
	side->keys_size = (side->keys_size + (size_t)page - 1) & ~((size_t)page - 1);
	side->keys = mmap(NULL, side->keys_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return side->keys == MAP_FAILED ? -errno : 0;
}

struct linux_side *linux_open(const struct work *work, const uint8_t *present)
{
	static const char *const names[] = {"empty", "look_up", "update", "replace"};
	struct linux_side *side = calloc(1, sizeof(*side));
	int err;

	side->object = bpf_object__open_file(MAP_OPS_OBJECT, NULL);
	err = side->object ? configure(side->object, work) : -errno;
	/* An array's elements cannot be deleted, but the call is there. */
	if (!err)
		err = bpf_object__load(side->object);
	if (!err)
		err = fill(side->object, work, present);
	if (!err)
		err = share_keys(side, work);
	for (int i = 0; i < OPS && !err; i++)
		side->programs[i] =
			bpf_program__fd(bpf_object__find_program_by_name(side->object, names[i]));
	if (!err)
		return side;
	fprintf(stderr, "Linux's maps are not measured: %s\n", strerror(-err));
	bpf_object__close(side->object);
	free(side);
	return NULL;
}

void linux_close(struct linux_side *side)
{
	if (!side)
		return;
	munmap(side->keys, side->keys_size);
	bpf_object__close(side->object);
	free(side);
}

static uint64_t found_by(struct linux_side *side)
{
	int fd = bpf_map__fd(map_by_suffix(side->object, ".bss"));
	uint64_t found = 0;
	uint32_t zero = 0;

	bpf_map_lookup_elem(fd, &zero, &found);
	return found;
}

double linux_run(struct linux_side *side, const struct work *work, enum op op, uint64_t *found)
{
	static uint8_t frame[64];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = 1);

	memcpy(side->keys, work->keys, (size_t)work->n_keys * work->key_size);
	if (bpf_prog_test_run_opts(side->programs[op], &opts)) {
		fprintf(stderr, "BPF_PROG_TEST_RUN: %s\n", strerror(errno));
		exit(1);
	}
	*found = found_by(side);
	return (double)opts.duration / work->n_ops;
}
