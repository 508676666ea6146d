// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Objects of every compiler found when the tests were built, and of bpftool's linker. The arguments
 * are files: of compilers.bpf.c, and LINKED=file of linked_[ab].bpf.c.
 */
#include "fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct loaded {
	struct image image;
	struct bpfe_object *obj;
	struct bpfe_program *prog;
	struct bpfe_map **maps;
};

static void load(struct loaded *l, const char *path, const char *program)
{
	const struct bpfe_load_attr attr = {0};
	char text[4096] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	int ret;

	l->image = image_load_path(path);
	l->obj = image_open(&l->image);
	ret = bpfe_object_load(l->obj, object_program(l->obj, program), &attr, &l->prog, &l->maps,
			       &log);
	assert_string_equal(text, "");
	assert_int_equal(ret, 0);
}

static void unload(struct loaded *l)
{
	bpfe_program_put(l->prog);
	for (uint32_t i = 0; i < bpfe_object_n_maps(l->obj); i++)
		bpfe_map_put(l->maps[i]);
	free(l->maps);
	bpfe_rcu_barrier();
	bpfe_object_close(l->obj);
	image_free(&l->image);
}

/* What all programs of @path are told when they are loaded is nothing. */
static void expect_all_load(const char *path)
{
	struct image image = image_load_path(path);
	struct bpfe_object *obj = image_open(&image);
	uint32_t n = bpfe_object_n_programs(obj);

	for (uint32_t i = 0; i < n; i++) {
		struct loaded l;

		load(&l, path, bpfe_object_program_name(obj, i));
		unload(&l);
	}
	bpfe_object_close(obj);
	image_free(&image);
}

static void compiled(void **state)
{
	const char *path = *state;
	struct loaded l;

	expect_all_load(path);
	load(&l, path, "compute");
	assert_int_equal(object_run(l.prog), 30 + 10 + 3 * 1000 + (4 + 300) + 2 + 70000);
	/* Again: what the first run left in variables and map adds up. */
	assert_int_equal(object_run(l.prog), 30 + 10 + 3 * 1000 + (4 + 300) + 4 + 140000);
	unload(&l);
}

static void linked(void **state)
{
	const char *path = *state;
	uint32_t own = 0;
	struct loaded l;

	expect_all_load(path);
	load(&l, path, "program_a");
	assert_int_equal(object_run(l.prog), (2 * 5 + 600) + (7 * 3 + 5) + (50 + 2000) + 40000);
	for (uint32_t i = 0; i < bpfe_object_n_maps(l.obj); i++) {
		const struct bpfe_map_attr *attr = bpfe_object_map(l.obj, i);

		if (strcmp(attr->name, "own"))
			continue;
		assert_int_equal(attr->max_entries, own++ ? 9 : 3);
	}
	assert_int_equal(own, 2);
	assert_null(bpfe_object_global(l.obj, "counter", &(size_t){0}));
	unload(&l);
}

int main(int argc, char **argv)
{
	struct CMUnitTest *tests = calloc(argc, sizeof(*tests));
	int failed;

	if (argc < 2) {
		puts("1..0 # SKIP no compiler for BPF (apt install clang gcc-bpf)");
		free(tests);
		return 0;
	}
	for (int i = 1; i < argc; i++) {
		bool is_linked = !strncmp(argv[i], "LINKED=", 7);
		char *path = argv[i] + (is_linked ? 7 : 0);

		tests[i - 1].name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
		tests[i - 1].test_func = is_linked ? linked : compiled;
		tests[i - 1].initial_state = path;
	}
	bpfe_thread_register();
	failed = _cmocka_run_group_tests("compilers", tests, argc - 1, NULL, NULL);
	bpfe_thread_unregister();
	free(tests);
	return failed;
}
