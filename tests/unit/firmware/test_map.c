/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* command_map.c, map_table.c, memory.c */
#include "fw_guest.h"

static const uint32_t key0 = 0, key1 = 1, key9 = 9;

static void create_refused(struct fw_guest *f, uint32_t type, uint32_t key, uint32_t value,
			   uint32_t entries, uint32_t flags, uint16_t status, uint32_t detail)
{
	struct sluice_args_map_create args = {.type = type,
					      .key_size = key,
					      .value_size = value,
					      .max_entries = entries,
					      .map_flags = flags};

	fwg_begin(f, SLUICE_OP_MAP_CREATE);
	fwg_args(f, &args, sizeof(args));
	assert_int_equal(fwg_expect(f, status, detail), 0);
}

static void test_create(void **state)
{
	struct fw_guest *f = *state;
	const struct bpfe_map_attr *attr;
	uint32_t id, count, first, second;

	assert_false(f->objects);
	assert_false(fw_map_at(f->fw, 0, &id, &attr, &count));
	first = fwg_map(f, BPF_MAP_TYPE_ARRAY, 4, 8, 10);
	assert_true(f->objects);
	second = fwg_map(f, BPF_MAP_TYPE_HASH, 6, 16, 100);
	assert_int_equal(first, 1);
	assert_int_equal(second, 2);
	assert_int_equal(f->objects_calls, 1);

	assert_true(fw_map_at(f->fw, 1, &id, &attr, &count));
	assert_int_equal(id, second);
	assert_int_equal(attr->type, BPF_MAP_TYPE_HASH);
	assert_int_equal(attr->key_size, 6);
	assert_int_equal(attr->value_size, 16);
	assert_int_equal(attr->max_entries, 100);
	assert_int_equal(count, 0);
	assert_false(fw_map_at(f->fw, 2, &id, &attr, &count));
}

static void test_create_refusals(void **state)
{
	struct fw_guest *f = *state;
	const uint32_t array = BPF_MAP_TYPE_ARRAY, hash = BPF_MAP_TYPE_HASH;

	create_refused(f, 0, 4, 4, 1, 0, SLUICE_ST_NOT_SUPPORTED, 0);
	create_refused(f, 0xffffffff, 4, 4, 1, 0, SLUICE_ST_NOT_SUPPORTED, 0);
	create_refused(f, BPF_MAP_TYPE_LRU_HASH, 4, 4, 1, 0, SLUICE_ST_NOT_SUPPORTED, 0);
	assert_non_null(strstr(f->g->log, "map type 9 is none that Linux offloads: array (2), "
					  "hash (1)"));
	/* The engine has it, Linux would not hand it over. */
	create_refused(f, BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 1, 0, SLUICE_ST_NOT_SUPPORTED, 0);
	create_refused(f, array, 8, 4, 1, 0, SLUICE_ST_INVALID_ARG, 4);
	create_refused(f, hash, 0, 4, 1, 0, SLUICE_ST_INVALID_ARG, 4);
	create_refused(f, hash, BPFE_MAP_MAX_KEY + 1, 4, 1, 0, SLUICE_ST_INVALID_ARG, 4);
	create_refused(f, hash, 4, 0, 1, 0, SLUICE_ST_INVALID_ARG, 8);
	create_refused(f, hash, 4, BPFE_MAP_MAX_VALUE + 1, 1, 0, SLUICE_ST_INVALID_ARG, 8);
	create_refused(f, array, 4, BPFE_MAP_MAX_VALUE + 1, 1, 0, SLUICE_ST_INVALID_ARG, 8);
	assert_non_null(strstr(f->g->log, "map value size 65537, the device takes at most 65536"));
	create_refused(f, hash, 4, 4, 0, 0, SLUICE_ST_INVALID_ARG, 12);
	create_refused(f, hash, 4, 4, 0xffffffff, 0, SLUICE_ST_INVALID_ARG, 12);
	create_refused(f, hash, 4, 4, 1, 0x80000000, SLUICE_ST_INVALID_ARG, 16);
	/* The largest there is needs more than the device has. */
	create_refused(f, array, 4, BPFE_MAP_MAX_VALUE, BPFE_MAP_MAX_ENTRIES, 0,
		       SLUICE_ST_NO_RESOURCES, 0);
	assert_non_null(strstr(f->g->log, "MAP_CREATE"));
	assert_non_null(strstr(f->g->log, "out of device memory or table entries: the map needs"));
	assert_false(f->objects);
	assert_int_equal(f->objects_calls, 0);
}

static void test_name(void **state)
{
	struct fw_guest *f = *state;
	struct sluice_args_map_create args = {BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0, {0}};
	const struct sluice_resp_map *resp = fwg_resp(f);
	uint32_t id;

	fwg_begin(f, SLUICE_OP_MAP_CREATE);
	fwg_args(f, &args, sizeof(args));
	fwg_attr(f, SLUICE_ATTR_NAME, "blocked", 7);
	id = (uint32_t)fwg_expect(f, SLUICE_ST_OK, 0);
	fwg_begin_map(f, SLUICE_OP_MAP_QUERY, id);
	fwg_expect(f, SLUICE_ST_OK, 0);
	assert_string_equal((const char *)resp->name, "blocked");

	/* Full: what does not fit beside the NUL goes. */
	fwg_begin(f, SLUICE_OP_MAP_CREATE);
	fwg_args(f, &args, sizeof(args));
	fwg_attr(f, SLUICE_ATTR_NAME, "0123456789abcdef", 16);
	id = (uint32_t)fwg_expect(f, SLUICE_ST_OK, 0);
	fwg_begin_map(f, SLUICE_OP_MAP_QUERY, id);
	fwg_expect(f, SLUICE_ST_OK, 0);
	assert_string_equal((const char *)resp->name, "0123456789abcde");

	fwg_begin(f, SLUICE_OP_MAP_CREATE);
	fwg_args(f, &args, sizeof(args));
	fwg_attr(f, SLUICE_ATTR_NAME, "a\033[2J", 5);
	fwg_expect(f, SLUICE_ST_INVALID_ATTR, SLUICE_ATTR_NAME);
}

/* A device that is told to offer more than Linux offloads: a value for each receive queue. */
static void test_per_cpu(void **state)
{
	const struct fw_limits limits = {.map_types = FW_OFFLOAD_MAP_TYPES |
						      1ull << BPF_MAP_TYPE_PERCPU_ARRAY};
	struct fw_guest *f = fwg_new(&limits);
	const uint64_t values[2] = {7, 8};
	const uint32_t key = 0;
	struct sluice_cmd_cpl cpl;
	uint32_t map;

	fwg_boot(f);
	map = fwg_map(f, BPF_MAP_TYPE_PERCPU_ARRAY, 4, 4, 1);
	assert_int_equal(fwg_map_update(f, map, &key, 4, values, 4, BPF_ANY),
			 SLUICE_ST_INVALID_ATTR);
	assert_int_equal(fwg_map_update(f, map, &key, 4, values, sizeof(values), BPF_ANY),
			 SLUICE_ST_OK);
	fwg_begin_map(f, SLUICE_OP_MAP_LOOKUP, map);
	fwg_attr(f, SLUICE_ATTR_KEY, &key, 4);
	cpl = fwg_run(f);
	assert_int_equal(cpl.status, SLUICE_ST_OK);
	assert_int_equal(cpl.resp_len, sizeof(values));
	assert_memory_equal(fwg_resp(f), values, sizeof(values));
	create_refused(f, BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0, SLUICE_ST_NOT_SUPPORTED, 0);
	fwg_free(f);
}

static void test_table_full(void **state)
{
	const struct fw_limits limits = {.max_maps = 3};
	struct fw_guest *f = fwg_new(&limits);
	uint32_t ids[3];

	fwg_boot(f);
	for (unsigned i = 0; i < 3; i++)
		ids[i] = fwg_map(f, BPF_MAP_TYPE_ARRAY, 4, 4, 1);
	create_refused(f, BPF_MAP_TYPE_ARRAY, 4, 4, 1, 0, SLUICE_ST_NO_RESOURCES, 0);

	/* A slot that is free again comes with another id. */
	fwg_begin_map(f, SLUICE_OP_MAP_FREE, ids[1]);
	fwg_expect(f, SLUICE_ST_OK, 0);
	assert_int_equal(fwg_map(f, BPF_MAP_TYPE_ARRAY, 4, 4, 1), ids[1] + 3);
	fwg_begin_map(f, SLUICE_OP_MAP_QUERY, ids[1]);
	fwg_expect(f, SLUICE_ST_NOT_FOUND, 0);
	fwg_free(f);
}

/* Storage of a freed map comes back after a grace period, and a guest need not know that. */
static void test_memory_limit(void **state)
{
	const struct fw_limits limits = {.map_bytes = 1 << 20};
	struct fw_guest *f = fwg_new(&limits);
	uint32_t id;

	fwg_boot(f);
	for (unsigned i = 0; i < 8; i++) {
		id = fwg_map(f, BPF_MAP_TYPE_ARRAY, 4, 1 << 10, 700);
		create_refused(f, BPF_MAP_TYPE_ARRAY, 4, 1 << 10, 700, 0, SLUICE_ST_NO_RESOURCES,
			       0);
		fwg_begin_map(f, SLUICE_OP_MAP_FREE, id);
		fwg_expect(f, SLUICE_ST_OK, 0);
	}
	fwg_free(f);
}

static void test_query(void **state)
{
	struct fw_guest *f = *state;
	const struct sluice_resp_map *resp = fwg_resp(f);
	uint32_t id = fwg_map(f, BPF_MAP_TYPE_HASH, 4, 8, 5);
	uint64_t value = 1;

	assert_int_equal(fwg_map_update(f, id, &key9, 4, &value, 8, BPF_ANY), SLUICE_ST_OK);
	fwg_begin_map(f, SLUICE_OP_MAP_QUERY, id);
	f->cmd.resp_len = sizeof(*resp);
	fwg_expect(f, SLUICE_ST_OK, 0);
	assert_int_equal(resp->map_id, id);
	assert_int_equal(resp->type, BPF_MAP_TYPE_HASH);
	assert_int_equal(resp->key_size, 4);
	assert_int_equal(resp->value_size, 8);
	assert_int_equal(resp->max_entries, 5);
	assert_int_equal(resp->map_flags, 0);
	assert_int_equal(resp->count, 1);
	assert_int_equal(resp->n_programs, 0);

	fwg_begin_map(f, SLUICE_OP_MAP_QUERY, id + 1);
	fwg_expect(f, SLUICE_ST_NOT_FOUND, 0);
	fwg_begin_map(f, SLUICE_OP_MAP_QUERY, 0);
	fwg_expect(f, SLUICE_ST_NOT_FOUND, 0);
	fwg_begin_map(f, SLUICE_OP_MAP_QUERY, id + 256);
	fwg_expect(f, SLUICE_ST_NOT_FOUND, 0);
}

static uint16_t lookup(struct fw_guest *f, uint32_t map, const void *key, uint32_t len)
{
	fwg_begin_map(f, SLUICE_OP_MAP_LOOKUP, map);
	fwg_attr(f, SLUICE_ATTR_KEY, key, len);
	return fwg_run(f).status;
}

static uint16_t delete(struct fw_guest *f, uint32_t map, const void *key, uint32_t len)
{
	fwg_begin_map(f, SLUICE_OP_MAP_DELETE, map);
	fwg_attr(f, SLUICE_ATTR_KEY, key, len);
	return fwg_run(f).status;
}

static void test_hash_elements(void **state)
{
	struct fw_guest *f = *state;
	uint32_t map = fwg_map(f, BPF_MAP_TYPE_HASH, 4, 8, 2);
	uint64_t a = 0x1122334455667788, b = 2;

	assert_int_equal(lookup(f, map, &key0, 4), SLUICE_ST_NOT_FOUND);
	assert_int_equal(delete (f, map, &key0, 4), SLUICE_ST_NOT_FOUND);
	assert_int_equal(fwg_map_update(f, map, &key0, 4, &a, 8, BPF_EXIST), SLUICE_ST_NOT_FOUND);
	assert_int_equal(fwg_map_update(f, map, &key0, 4, &a, 8, BPF_NOEXIST), SLUICE_ST_OK);
	assert_int_equal(fwg_map_update(f, map, &key0, 4, &b, 8, BPF_NOEXIST), SLUICE_ST_EXISTS);
	assert_int_equal(lookup(f, map, &key0, 4), SLUICE_ST_OK);
	assert_memory_equal(fwg_resp(f), &a, 8);
	assert_int_equal(((uint8_t *)fwg_resp(f))[8], 0xa5);
	assert_int_equal(fwg_map_update(f, map, &key1, 4, &b, 8, BPF_ANY), SLUICE_ST_OK);
	assert_int_equal(fwg_map_update(f, map, &key9, 4, &b, 8, BPF_ANY), SLUICE_ST_FULL);
	/* What is there can be set when the map is full. */
	assert_int_equal(fwg_map_update(f, map, &key0, 4, &b, 8, BPF_EXIST), SLUICE_ST_OK);
	assert_int_equal(delete (f, map, &key1, 4), SLUICE_ST_OK);
	assert_int_equal(lookup(f, map, &key1, 4), SLUICE_ST_NOT_FOUND);
	assert_int_equal(fwg_map_update(f, map, &key9, 4, &b, 8, BPF_ANY), SLUICE_ST_OK);
}

static void test_array_elements(void **state)
{
	struct fw_guest *f = *state;
	uint32_t map = fwg_map(f, BPF_MAP_TYPE_ARRAY, 4, 8, 3);
	uint64_t value = 77, zero = 0;
	uint32_t last = 2, beyond = 3, far = 0xffffffff;

	assert_int_equal(lookup(f, map, &last, 4), SLUICE_ST_OK);
	assert_memory_equal(fwg_resp(f), &zero, 8);
	assert_int_equal(lookup(f, map, &beyond, 4), SLUICE_ST_NOT_FOUND);
	assert_int_equal(lookup(f, map, &far, 4), SLUICE_ST_NOT_FOUND);
	assert_int_equal(fwg_map_update(f, map, &last, 4, &value, 8, BPF_ANY), SLUICE_ST_OK);
	assert_int_equal(fwg_map_update(f, map, &last, 4, &value, 8, BPF_NOEXIST),
			 SLUICE_ST_EXISTS);
	assert_int_equal(fwg_map_update(f, map, &beyond, 4, &value, 8, BPF_ANY), SLUICE_ST_FULL);
	assert_int_equal(lookup(f, map, &last, 4), SLUICE_ST_OK);
	assert_memory_equal(fwg_resp(f), &value, 8);
	assert_int_equal(delete (f, map, &last, 4), SLUICE_ST_NOT_SUPPORTED);
}

static void test_get_next(void **state)
{
	struct fw_guest *f = *state;
	uint32_t map = fwg_map(f, BPF_MAP_TYPE_ARRAY, 4, 8, 2);
	uint32_t *next = fwg_resp(f);

	fwg_begin_map(f, SLUICE_OP_MAP_GET_NEXT, map);
	fwg_expect(f, SLUICE_ST_OK, 0);
	assert_int_equal(*next, 0);
	fwg_begin_map(f, SLUICE_OP_MAP_GET_NEXT, map);
	fwg_attr(f, SLUICE_ATTR_KEY, &key0, 4);
	fwg_expect(f, SLUICE_ST_OK, 0);
	assert_int_equal(*next, 1);
	fwg_begin_map(f, SLUICE_OP_MAP_GET_NEXT, map);
	fwg_attr(f, SLUICE_ATTR_KEY, &key1, 4);
	fwg_expect(f, SLUICE_ST_NOT_FOUND, 0);

	map = fwg_map(f, BPF_MAP_TYPE_HASH, 4, 8, 2);
	fwg_begin_map(f, SLUICE_OP_MAP_GET_NEXT, map);
	fwg_expect(f, SLUICE_ST_NOT_FOUND, 0);
	fwg_begin_map(f, SLUICE_OP_MAP_GET_NEXT, map);
	f->cmd.resp_len = 3;
	fwg_expect(f, SLUICE_ST_RESP_TOO_SMALL, 0);
}

static void test_element_refusals(void **state)
{
	struct fw_guest *f = *state;
	uint32_t map = fwg_map(f, BPF_MAP_TYPE_HASH, 4, 8, 2);
	struct sluice_args_map args = {.map_id = map, .flags = 1ull << 63};
	struct sluice_cmd_cpl cpl;
	uint64_t value = 1;

	/* Keys and values of another size. */
	assert_int_equal(lookup(f, map, &value, 3), SLUICE_ST_INVALID_ATTR);
	assert_int_equal(lookup(f, map, &value, 8), SLUICE_ST_INVALID_ATTR);
	assert_int_equal(delete (f, map, &value, 5), SLUICE_ST_INVALID_ATTR);
	fwg_begin_map(f, SLUICE_OP_MAP_UPDATE, map);
	fwg_attr(f, SLUICE_ATTR_KEY, &key0, 4);
	fwg_attr(f, SLUICE_ATTR_VALUE, &value, 7);
	fwg_expect(f, SLUICE_ST_INVALID_ATTR, SLUICE_ATTR_VALUE);
	fwg_begin_map(f, SLUICE_OP_MAP_GET_NEXT, map);
	fwg_attr(f, SLUICE_ATTR_KEY, &value, 5);
	fwg_expect(f, SLUICE_ST_INVALID_ATTR, SLUICE_ATTR_KEY);

	fwg_begin(f, SLUICE_OP_MAP_UPDATE);
	fwg_args(f, &args, sizeof(args));
	fwg_attr(f, SLUICE_ATTR_KEY, &key0, 4);
	fwg_attr(f, SLUICE_ATTR_VALUE, &value, 8);
	fwg_expect(f, SLUICE_ST_INVALID_ARG, offsetof(struct sluice_args_map, flags));

	/* No room for the value: told how much is needed, and nothing written. */
	assert_int_equal(fwg_map_update(f, map, &key0, 4, &value, 8, BPF_ANY), SLUICE_ST_OK);
	fwg_begin_map(f, SLUICE_OP_MAP_LOOKUP, map);
	fwg_attr(f, SLUICE_ATTR_KEY, &key0, 4);
	f->cmd.resp_len = 7;
	cpl = fwg_run(f);
	assert_int_equal(cpl.status, SLUICE_ST_RESP_TOO_SMALL);
	assert_int_equal(cpl.resp_len, 0);
	assert_int_equal(cpl.resp_full, 8);
	assert_int_equal(*(uint8_t *)fwg_resp(f), 0xa5);

	/* Wild ids. */
	for (unsigned i = 0; i < 3; i++) {
		const uint32_t wild[] = {0, map + 1, 0xffffffff};

		assert_int_equal(lookup(f, wild[i], &key0, 4), SLUICE_ST_NOT_FOUND);
		fwg_begin_map(f, SLUICE_OP_MAP_FREE, wild[i]);
		fwg_expect(f, SLUICE_ST_NOT_FOUND, 0);
		assert_string_equal(f->g->log + strlen(f->g->log) - 1, i == 2 ? "5"
								       : i    ? "2"
									      : "0");
	}
}

static void test_map_free(void **state)
{
	struct fw_guest *f = *state;
	uint32_t map = fwg_map(f, BPF_MAP_TYPE_ARRAY, 4, 8, 1);
	const struct sluice_resp_map *resp = fwg_resp(f);
	uint32_t prog = fwg_load_lookup(f, map);

	fwg_begin_map(f, SLUICE_OP_MAP_QUERY, map);
	fwg_expect(f, SLUICE_ST_OK, 0);
	assert_int_equal(resp->n_programs, 1);
	fwg_begin_map(f, SLUICE_OP_MAP_FREE, map);
	fwg_expect(f, SLUICE_ST_BUSY, 0);
	assert_string_equal(f->g->log, "MAP_FREE tag 3: in use: map 1 is used by 1 programs and 0 "
				       "loads under way");
	fwg_begin_prog(f, SLUICE_OP_PROG_FREE, prog, 0, 0);
	fwg_expect(f, SLUICE_ST_OK, 0);
	assert_true(f->objects);
	fwg_begin_map(f, SLUICE_OP_MAP_FREE, map);
	fwg_expect(f, SLUICE_ST_OK, 0);
	assert_false(f->objects);
	assert_int_equal(f->objects_calls, 2);
	fwg_begin_map(f, SLUICE_OP_MAP_FREE, map);
	fwg_expect(f, SLUICE_ST_NOT_FOUND, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FWG_TEST(test_create),
		FWG_TEST(test_create_refusals),
		FWG_TEST(test_name),
		cmocka_unit_test(test_per_cpu),
		cmocka_unit_test(test_table_full),
		cmocka_unit_test(test_memory_limit),
		FWG_TEST(test_query),
		FWG_TEST(test_hash_elements),
		FWG_TEST(test_array_elements),
		FWG_TEST(test_get_next),
		FWG_TEST(test_element_refusals),
		FWG_TEST(test_map_free),
	};

	return cmocka_run_group_tests_name("firmware map", tests, NULL, NULL);
}
