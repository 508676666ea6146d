// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Several programs of an object over the same maps and global variables. */
#include "fixture.h"

#include <errno.h>
#include <string.h>

struct shared {
	struct image image;
	struct bpfe_object *obj;
	struct bpfe_map **maps;
	char text[1024];
	struct bpfe_log log;
};

static void shared_open(struct shared *s, const char *name)
{
	*s = (struct shared){.image = image_load(name)};
	s->log = (struct bpfe_log){.buf = s->text, .size = sizeof(s->text)};
	s->obj = image_open(&s->image);
}

static struct bpfe_program *shared_load(struct shared *s, const char *name)
{
	const struct bpfe_load_attr attr = {0};
	struct bpfe_program *prog = NULL;
	int ret = bpfe_object_load_with_maps(s->obj, object_program(s->obj, name), &attr, s->maps,
					     &prog, &s->log);

	assert_string_equal(s->text, "");
	assert_int_equal(ret, 0);
	return prog;
}

static void shared_close(struct shared *s)
{
	bpfe_object_put_maps(s->obj, s->maps);
	bpfe_object_close(s->obj);
	image_free(&s->image);
	bpfe_rcu_barrier();
}

static void programs_see_one_another(void **state)
{
	struct bpfe_program *adds, *reads;
	struct shared s;

	shared_open(&s, "shared");
	assert_int_equal(bpfe_object_create_maps(s.obj, NULL, &s.maps, &s.log), 0);
	adds = shared_load(&s, "adds");
	reads = shared_load(&s, "reads");
	assert_int_equal(object_run(reads), 0);
	assert_int_equal(object_run(adds), 1);
	assert_int_equal(object_run(adds), 2);
	assert_int_equal(object_run(reads), 2002);
	bpfe_program_put(adds);
	bpfe_program_put(reads);
	shared_close(&s);
}

/* Each set of maps is another instance. */
static void sets_are_apart(void **state)
{
	struct bpfe_program *first, *second;
	struct bpfe_map **maps;
	const uint32_t five = 5;
	struct shared s;

	shared_open(&s, "shared");
	assert_int_equal(bpfe_object_create_maps(s.obj, NULL, &s.maps, &s.log), 0);
	first = shared_load(&s, "adds");
	maps = s.maps;
	assert_int_equal(bpfe_object_set_global(s.obj, "step", &five, 4, &s.log), 0);
	assert_int_equal(bpfe_object_create_maps(s.obj, NULL, &s.maps, &s.log), 0);
	second = shared_load(&s, "adds");
	assert_int_equal(object_run(first), 1);
	assert_int_equal(object_run(second), 5);
	assert_int_equal(object_run(first), 2);
	bpfe_program_put(first);
	bpfe_program_put(second);
	bpfe_object_put_maps(s.obj, maps);
	shared_close(&s);
}

/* The program outlives the references of the one who made the maps, and its jumps are filled. */
static void program_holds_its_maps(void **state)
{
	struct bpfe_program *jumps, *adds;
	struct shared s;

	shared_open(&s, "shared");
	assert_int_equal(bpfe_object_create_maps(s.obj, NULL, &s.maps, &s.log), 0);
	jumps = shared_load(&s, "jumps");
	adds = shared_load(&s, "adds");
	assert_int_equal(object_run(jumps), 100);
	assert_int_equal(object_run(adds), 101);
	bpfe_object_put_maps(s.obj, s.maps);
	s.maps = NULL;
	bpfe_rcu_barrier();
	assert_int_equal(object_run(adds), 102);
	bpfe_program_put(adds);
	bpfe_program_put(jumps);
	shared_close(&s);
}

static void no_such_program(void **state)
{
	const struct bpfe_load_attr attr = {0};
	struct bpfe_program *prog = NULL;
	struct shared s;

	shared_open(&s, "shared");
	assert_int_equal(bpfe_object_create_maps(s.obj, NULL, &s.maps, &s.log), 0);
	assert_int_equal(bpfe_object_load_with_maps(s.obj, 4, &attr, s.maps, &prog, &s.log),
			 -ENOENT);
	assert_string_equal(s.text, "program 4 of an object that has 4\n");
	assert_null(prog);
	shared_close(&s);
}

static void map_that_cannot_be(void **state)
{
	struct shared s;

	shared_open(&s, "globals_huge");
	assert_int_equal(bpfe_object_create_maps(s.obj, NULL, &s.maps, &s.log), -EINVAL);
	assert_string_equal(s.text,
			    "section .bss: 4194305 bytes of global data, at most 4194304 "
			    "are accepted; keep large tables in maps\n"
			    "map '.bss' of the object cannot be created: Invalid argument\n");
	assert_null(s.maps);
	shared_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_see_one_another), cmocka_unit_test(sets_are_apart),
		cmocka_unit_test(program_holds_its_maps),   cmocka_unit_test(no_such_program),
		cmocka_unit_test(map_that_cannot_be),
	};
	int failed;

	bpfe_thread_register();
	failed = run_tests_on_objects(tests);
	bpfe_thread_unregister();
	return failed;
}
