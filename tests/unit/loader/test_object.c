// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void license_text(void **state)
{
	struct image image = image_load("maps");
	struct bpfe_object *obj = image_open(&image);

	assert_string_equal(bpfe_object_license(obj), "GPL");
	bpfe_object_close(obj);
	image_free(&image);
}

static void license_absent(void **state)
{
	struct image image = image_load("calls");
	struct bpfe_object *obj = image_open(&image);

	assert_string_equal(bpfe_object_license(obj), "");
	bpfe_object_close(obj);
	image_free(&image);
}

static void license_unterminated(void **state)
{
	struct image image = image_load("maps");

	((char *)image_data(&image, "license"))[3] = '+';
	image_expect_refused(&image, "section license: the string is not terminated");
}

static void load_creates_all_maps(void **state)
{
	struct image image = image_load("maps");
	struct bpfe_object *obj = image_open(&image);
	const struct bpfe_load_attr attr = {0};
	char text[2048] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_program *prog;
	struct bpfe_map **maps;
	struct bpfe_program_info info;
	int ret = bpfe_object_load(obj, 0, &attr, &prog, &maps, &log);

	assert_string_equal(text, "");
	assert_int_equal(ret, 0);
	bpfe_program_info(prog, &info);
	assert_string_equal(info.name, "use_maps");
	for (uint32_t i = 0; i < 3; i++) {
		assert_string_equal(bpfe_map_attr(maps[i])->name, bpfe_object_map(obj, i)->name);
		bpfe_map_put(maps[i]);
	}
	free(maps);
	bpfe_program_put(prog);
	bpfe_object_close(obj);
	image_free(&image);
	bpfe_rcu_barrier();
}

static void load_of_a_map_that_cannot_be(void **state)
{
	struct image image = image_load("legacy");
	const struct bpfe_load_attr attr = {0};
	char text[2048] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_object *obj;
	struct bpfe_program *prog;
	struct bpfe_map **maps;

	((uint32_t *)image_data(&image, "maps"))[0] = 9999;
	obj = image_open(&image);
	assert_int_equal(bpfe_object_load(obj, 0, &attr, &prog, &maps, &log), -EOPNOTSUPP);
	assert_non_null(strstr(text, "map 'old' of the object cannot be created: Operation not "
				     "supported\n"));
	bpfe_object_close(obj);
	image_free(&image);
}

static void load_of_no_program(void **state)
{
	struct image image = image_load("maps");
	struct bpfe_object *obj = image_open(&image);
	const struct bpfe_load_attr attr = {0};
	char text[256] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_program *prog;
	struct bpfe_map **maps;

	assert_int_equal(bpfe_object_load(obj, 1, &attr, &prog, &maps, &log), -ENOENT);
	assert_string_equal(text, "program 1 of an object that has 1\n");
	bpfe_object_close(obj);
	image_free(&image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(license_text),
		cmocka_unit_test(license_absent),
		cmocka_unit_test(license_unterminated),
		cmocka_unit_test(load_creates_all_maps),
		cmocka_unit_test(load_of_a_map_that_cannot_be),
		cmocka_unit_test(load_of_no_program),
	};
	int failed;

	bpfe_thread_register();
	failed = run_tests_on_objects(tests);
	bpfe_thread_unregister();
	return failed;
}
