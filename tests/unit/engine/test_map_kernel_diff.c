/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The same operations on the host kernel's maps and on ours, at random: results and errors must be
 * the same. Skipped where bpf() does not make maps; a type the kernel lacks is passed over by name.
 *
 * Not compared: the order of a hash's keys (each has its own secret), which keys an LRU map removes
 * (both approximate), and what a bloom filter finds though it was never pushed.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "harness.h"

enum {
	STEPS = 4000,
	KEY_MAX = 32,
	VALUE_MAX = 4096,
	LINUX_ENOTSUPP = 524, /* which the kernel means for itself; ours is EOPNOTSUPP */
};

struct config {
	const char *name;
	uint32_t type;
	uint32_t key_size;
	uint32_t value_size;
	uint32_t max_entries;
	uint32_t flags;
	uint32_t keys; /* different ones in use */
	bool ordered;  /* keys come in the same order */
};

#define NP BPF_F_NO_PREALLOC

static const struct config configs[] = {
	{"array", BPF_MAP_TYPE_ARRAY, 4, 12, 10, 0, 13, true},
	{"array, read-only", BPF_MAP_TYPE_ARRAY, 4, 8, 4, BPF_F_RDONLY, 5, true},
	{"array, write-only", BPF_MAP_TYPE_ARRAY, 4, 8, 4, BPF_F_WRONLY, 5, true},
	{"per-CPU array", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 12, 10, 0, 13, true},
	{"hash", BPF_MAP_TYPE_HASH, 7, 21, 16, 0, 24, false},
	{"hash, not preallocated", BPF_MAP_TYPE_HASH, 8, 8, 16, NP, 24, false},
	{"hash of one", BPF_MAP_TYPE_HASH, 4, 1, 1, 0, 3, false},
	{"hash, read-only", BPF_MAP_TYPE_HASH, 4, 8, 4, BPF_F_RDONLY, 5, false},
	{"hash, write-only", BPF_MAP_TYPE_HASH, 4, 8, 4, BPF_F_WRONLY, 5, false},
	{"per-CPU hash", BPF_MAP_TYPE_PERCPU_HASH, 5, 12, 16, 0, 24, false},
	{"per-CPU hash, not preallocated", BPF_MAP_TYPE_PERCPU_HASH, 4, 8, 16, NP, 24, false},
	{"LRU hash", BPF_MAP_TYPE_LRU_HASH, 4, 8, 2000, 0, 24, false},
	{"LRU hash, no common LRU", BPF_MAP_TYPE_LRU_HASH, 4, 8, 2000, BPF_F_NO_COMMON_LRU, 24,
	 false},
	{"LRU per-CPU hash", BPF_MAP_TYPE_LRU_PERCPU_HASH, 4, 8, 2000, 0, 24, false},
	{"LPM trie of bytes", BPF_MAP_TYPE_LPM_TRIE, 5, 8, 20, NP, 0, true},
	{"LPM trie of IPv4", BPF_MAP_TYPE_LPM_TRIE, 8, 4, 20, NP, 0, true},
	{"LPM trie of IPv4, large", BPF_MAP_TYPE_LPM_TRIE, 8, 4, 5000, NP, 0, true},
	{"LPM trie of IPv6", BPF_MAP_TYPE_LPM_TRIE, 20, 9, 20, NP, 0, true},
	{"queue", BPF_MAP_TYPE_QUEUE, 0, 12, 5, 0, 1, true},
	{"stack", BPF_MAP_TYPE_STACK, 0, 12, 5, 0, 1, true},
	{"queue, read-only", BPF_MAP_TYPE_QUEUE, 0, 8, 5, BPF_F_RDONLY, 1, true},
	{"stack, write-only", BPF_MAP_TYPE_STACK, 0, 8, 5, BPF_F_WRONLY, 1, true},
	{"bloom filter", BPF_MAP_TYPE_BLOOM_FILTER, 0, 6, 20, 0, 1, true},
};

struct pair {
	const struct config *config;
	unsigned step;
	int fd;
	struct bpfe_map *map;
	uint8_t key[KEY_MAX];
	uint8_t value[VALUE_MAX];
};

static uint64_t random_state;

static uint32_t draw(uint32_t below)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(random_state >> 33) % below;
}

static int kernel_error(int err)
{
	return err == -LINUX_ENOTSUPP ? -EOPNOTSUPP : err;
}

static int kernel_create(const struct config *c)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = c->flags);

	return kernel_error(
		bpf_map_create(c->type, "diff", c->key_size, c->value_size, c->max_entries, &opts));
}

static int our_create(const struct config *c, struct bpfe_map **map)
{
	const struct bpfe_map_attr attr = {.type = c->type,
					   .key_size = c->key_size,
					   .value_size = c->value_size,
					   .max_entries = c->max_entries,
					   .flags = c->flags,
					   .cpus = (uint32_t)libbpf_num_possible_cpus()};

	return bpfe_map_create(&attr, NULL, map, NULL);
}

static void same(const struct pair *p, const char *what, int kernel, int ours)
{
	kernel = kernel_error(kernel);
	if (kernel != ours)
		fail_msg("%s, step %u, %s: the kernel says %d, we %d", p->config->name, p->step,
			 what, kernel, ours);
}

static void same_bytes(const struct pair *p, const char *what, const void *kernel, const void *ours,
		       size_t n)
{
	if (memcmp(kernel, ours, n))
		fail_msg("%s, step %u, %s: not the same bytes", p->config->name, p->step, what);
}

static void draw_key(struct pair *p)
{
	const struct config *c = p->config;
	uint32_t k = c->keys ? draw(c->keys) : 0;

	memset(p->key, 0, sizeof(p->key));
	if (c->type == BPF_MAP_TYPE_LPM_TRIE) {
		/* Few bits set, so that prefixes lie in one another; now and then one too long. */
		uint32_t bits = draw((c->key_size - 4) * 8 + 1) + (draw(50) == 0);

		memcpy(p->key, &bits, 4);
		for (uint32_t i = 4; i < c->key_size; i++)
			p->key[i] = draw(3) ? 0 : (uint8_t)(1u << draw(8));
		return;
	}
	memcpy(p->key, &k, c->key_size < 4 ? c->key_size : 4);
}

static void draw_value(struct pair *p)
{
	const size_t n = bpfe_map_value_bytes(p->map);

	assert_in_range(n, 1, VALUE_MAX);
	for (size_t i = 0; i < n; i++)
		p->value[i] = (uint8_t)draw(256);
}

static const void *key_of(const struct pair *p)
{
	return p->config->key_size ? p->key : NULL;
}

static void do_lookup(struct pair *p)
{
	static const uint64_t flags[] = {0, 0, 0, 0, 0, 0, BPF_F_LOCK, BPF_EXIST};
	uint8_t kernel[VALUE_MAX] = {0}, ours[VALUE_MAX] = {0};
	const uint64_t flag = flags[draw(COUNT(flags))];
	int err = bpf_map_lookup_elem_flags(p->fd, key_of(p), kernel, flag);

	same(p, "look-up", err, bpfe_map_lookup_copy_flags(p->map, key_of(p), ours, flag));
	if (!err)
		same_bytes(p, "look-up", kernel, ours, bpfe_map_value_bytes(p->map));
}

static void do_update(struct pair *p)
{
	static const uint64_t flags[] = {BPF_ANY,     BPF_ANY,   BPF_ANY, BPF_ANY,    BPF_NOEXIST,
					 BPF_NOEXIST, BPF_EXIST, 3,       BPF_F_LOCK, 5};
	const uint64_t flag = flags[draw(COUNT(flags))];

	draw_value(p);
	same(p, "update", bpf_map_update_elem(p->fd, key_of(p), p->value, flag),
	     bpfe_map_update(p->map, key_of(p), p->value, flag));
}

static void do_delete(struct pair *p)
{
	same(p, "delete", bpf_map_delete_elem(p->fd, key_of(p)),
	     bpfe_map_delete(p->map, key_of(p)));
}

static void do_next(struct pair *p)
{
	uint8_t kernel[KEY_MAX] = {0}, ours[KEY_MAX] = {0};
	const void *key = draw(8) ? key_of(p) : NULL;
	uint8_t value[VALUE_MAX];
	int err;

	/* What comes after a key of a hash is its own affair; whether there is a first is not. */
	if (!p->config->ordered)
		key = NULL;
	err = bpf_map_get_next_key(p->fd, key, kernel);
	same(p, "next key", err, bpfe_map_get_next_key(p->map, key, ours));
	if (!err && p->config->ordered)
		same_bytes(p, "next key", kernel, ours, p->config->key_size);
	else if (!err)
		same(p, "first key", bpf_map_lookup_elem(p->fd, ours, value),
		     bpfe_map_lookup_copy(p->map, kernel, value));
}

static void do_pop(struct pair *p)
{
	uint8_t kernel[VALUE_MAX] = {0}, ours[VALUE_MAX] = {0};
	int err;

	if (p->config->type != BPF_MAP_TYPE_QUEUE && p->config->type != BPF_MAP_TYPE_STACK)
		return;
	err = bpf_map_lookup_and_delete_elem(p->fd, NULL, kernel);
	same(p, "pop", err, bpfe_map_pop(p->map, ours));
	if (!err)
		same_bytes(p, "pop", kernel, ours, p->config->value_size);
}

/* Both have the same keys: as many, and each of the kernel's. */
static void compare_walks(struct pair *p)
{
	uint8_t key[KEY_MAX], next[KEY_MAX], value[VALUE_MAX];
	const void *cursor = NULL;
	unsigned kernel = 0, ours = 0;

	if (!p->config->key_size || p->config->flags & BPF_F_WRONLY)
		return;
	while (bpf_map_get_next_key(p->fd, cursor, next) == 0) {
		memcpy(key, next, sizeof(key));
		cursor = key;
		kernel++;
		same(p, "walk", bpf_map_lookup_elem(p->fd, key, value),
		     bpfe_map_lookup_copy(p->map, key, value));
	}
	cursor = NULL;
	while (bpfe_map_get_next_key(p->map, cursor, next) == 0) {
		memcpy(key, next, sizeof(key));
		cursor = key;
		ours++;
	}
	assert_int_equal(kernel, ours);
	assert_int_equal(bpfe_map_count(p->map), ours);
}

static void step_keyed(struct pair *p)
{
	draw_key(p);
	switch (draw(8)) {
	case 0:
	case 1:
	case 2:
		do_update(p);
		break;
	case 3:
	case 4:
		do_delete(p);
		break;
	case 5:
		do_next(p);
		break;
	case 6:
		do_pop(p);
		break;
	default:
		do_lookup(p);
	}
}

/* What was pushed must be found by both; the rest is chance. */
static void step_bloom(struct pair *p)
{
	uint8_t copy[VALUE_MAX];

	switch (draw(5)) {
	case 0:
		do_delete(p);
		break;
	case 1:
		do_next(p);
		break;
	default:
		do_update(p);
		if (bpf_map_update_elem(p->fd, NULL, p->value, BPF_ANY))
			break;
		assert_int_equal(bpfe_map_update(p->map, NULL, p->value, BPF_ANY), 0);
		memcpy(copy, p->value, sizeof(copy));
		same(p, "look-up", bpf_map_lookup_elem(p->fd, NULL, p->value),
		     bpfe_map_lookup_copy(p->map, NULL, copy));
	}
}

static void freeze(struct pair *p)
{
	uint8_t value[VALUE_MAX] = {0};

	same(p, "freeze", bpf_map_freeze(p->fd), bpfe_map_freeze(p->map));
	same(p, "freeze again", bpf_map_freeze(p->fd), bpfe_map_freeze(p->map));
	draw_key(p);
	same(p, "update when frozen", bpf_map_update_elem(p->fd, key_of(p), value, BPF_ANY),
	     bpfe_map_update(p->map, key_of(p), value, BPF_ANY));
	do_delete(p);
	do_next(p);
	do_pop(p);
}

static void compare(const struct config *c)
{
	struct pair p = {.config = c, .fd = kernel_create(c)};

	if (p.fd == -EINVAL || p.fd == -EPERM) {
		print_message("# the kernel makes no %s: %s\n", c->name, strerror(-p.fd));
		return;
	}
	assert_true(p.fd >= 0);
	assert_int_equal(our_create(c, &p.map), 0);
	random_state = 20240301;
	for (p.step = 0; p.step < STEPS; p.step++) {
		if (c->type == BPF_MAP_TYPE_BLOOM_FILTER)
			step_bloom(&p);
		else
			step_keyed(&p);
		if (p.step % 100 == 0)
			compare_walks(&p);
	}
	freeze(&p);
	bpfe_map_put(p.map);
	close(p.fd);
}

static bool kernel_works(void)
{
	const struct config simple = {"hash", BPF_MAP_TYPE_HASH, 4, 4, 1, 0, 1, false};
	int fd = kernel_create(&simple);

	if (fd < 0) {
		print_message("# skipped: bpf() makes no maps here: %s\n", strerror(-fd));
		return false;
	}
	close(fd);
	return true;
}

static void test_operations(void **state)
{
	if (!kernel_works())
		skip();
	for (size_t i = 0; i < COUNT(configs); i++)
		compare(&configs[i]);
}

/* ---- Creation ---- */

static const struct config bases[] = {
	{"array", BPF_MAP_TYPE_ARRAY, 4, 8, 4, 0, 0, true},
	{"per-CPU array", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 4, 0, 0, true},
	{"hash", BPF_MAP_TYPE_HASH, 4, 8, 4, 0, 0, true},
	{"per-CPU hash", BPF_MAP_TYPE_PERCPU_HASH, 4, 8, 4, 0, 0, true},
	{"LRU hash", BPF_MAP_TYPE_LRU_HASH, 4, 8, 4, 0, 0, true},
	{"LRU per-CPU hash", BPF_MAP_TYPE_LRU_PERCPU_HASH, 4, 8, 4, 0, 0, true},
	{"LPM trie", BPF_MAP_TYPE_LPM_TRIE, 8, 8, 4, NP, 0, true},
	{"queue", BPF_MAP_TYPE_QUEUE, 0, 8, 4, 0, 0, true},
	{"stack", BPF_MAP_TYPE_STACK, 0, 8, 4, 0, 0, true},
	{"bloom filter", BPF_MAP_TYPE_BLOOM_FILTER, 0, 8, 4, 0, 0, true},
};

static void compare_creation(const struct config *c)
{
	struct bpfe_map *map = NULL;
	int kernel = kernel_create(c), ours = our_create(c, &map);

	if ((kernel < 0 ? kernel : 0) != ours)
		fail_msg("%s, key %u, value %u, entries %u, flags 0x%x: the kernel says %d, we %d",
			 c->name, c->key_size, c->value_size, c->max_entries, c->flags, kernel,
			 ours);
	if (kernel >= 0)
		close(kernel);
	bpfe_map_put(map);
}

/* BPF_F_VTYPE_BTF_OBJ_FD and BPF_F_TOKEN_FD name other objects: no matter of a map's type. */
#define NOT_OF_MAPS (1u << 15 | 1u << 16)

static void test_creation(void **state)
{
	static const uint32_t sizes[] = {0, 1, 3, 4, 5, 8, 260, 261, 512};
	static const uint32_t values[] = {0, 1, 7, 32760, 32768, 32769, 65536};

	if (!kernel_works())
		skip();
	for (size_t i = 0; i < COUNT(bases); i++) {
		struct config c = bases[i];

		for (unsigned a = 0; a < 32; a++) {
			for (unsigned b = a; b < 32; b++) {
				c.flags = bases[i].flags | 1u << a | 1u << b;
				if (!(c.flags & NOT_OF_MAPS))
					compare_creation(&c);
			}
		}
		c = bases[i];
		for (size_t k = 0; k < COUNT(sizes); k++) {
			c.key_size = sizes[k];
			compare_creation(&c);
		}
		c = bases[i];
		for (size_t v = 0; v < COUNT(values); v++) {
			c.value_size = values[v];
			compare_creation(&c);
		}
		c = bases[i];
		c.max_entries = 0;
		compare_creation(&c);
		c.max_entries = 1;
		c.flags = 0;
		compare_creation(&c);
	}
	bpfe_rcu_barrier();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_operations),
		cmocka_unit_test(test_creation),
	};

	return cmocka_run_group_tests_name("maps and the kernel's", tests, group_setup,
					   group_teardown);
}
