// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "fixture.h"

#include <errno.h>
#include <stdlib.h>

static void types_by_section(void **state)
{
	static const struct {
		const char *program;
		const char *section;
		uint32_t type;
	} cases[] = {
		{"in_xdp", "xdp", BPF_PROG_TYPE_XDP},
		{"in_xdp_filter", "xdp/filter", BPF_PROG_TYPE_XDP},
		{"in_xdp_frags", "xdp.frags", BPF_PROG_TYPE_XDP},
		{"in_xdp_prog1", "xdp_prog1", BPF_PROG_TYPE_XDP},
		{"in_xdp1", "xdp1", BPF_PROG_TYPE_XDP},
		{"in_optional", "xdp", BPF_PROG_TYPE_XDP},
		{"in_devmap", "xdp/devmap", BPF_PROG_TYPE_XDP},
		{"in_tc", "tc", BPF_PROG_TYPE_SCHED_CLS},
		{"in_tcx", "tcx/ingress", BPF_PROG_TYPE_SCHED_CLS},
		{"in_classifier", "classifier/filter", BPF_PROG_TYPE_SCHED_CLS},
		{"in_action", "action", BPF_PROG_TYPE_SCHED_CLS},
		{"in_prog", "prog", BPF_PROG_TYPE_UNSPEC},
		{"in_xdpfilter", "xdpfilter", BPF_PROG_TYPE_UNSPEC},
		{"in_kprobe", "kprobe/do_exit", BPF_PROG_TYPE_UNSPEC},
	};
	struct image image = image_load("sections");
	struct bpfe_object *obj = image_open(&image);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t program = object_program(obj, cases[i].program);

		assert_string_equal(bpfe_object_program_section(obj, program), cases[i].section);
		assert_int_equal(bpfe_object_program_type(obj, program), cases[i].type);
	}
	assert_int_equal(bpfe_object_program_type(obj, bpfe_object_n_programs(obj)),
			 BPF_PROG_TYPE_UNSPEC);
	bpfe_object_close(obj);
	image_free(&image);
}

static void sections_that_load(void **state)
{
	object_expect_loads("sections", "in_xdp_frags");
	object_expect_loads("sections", "in_optional");
	object_expect_loads("sections", "in_prog");
}

static void expect_refused(const char *program, const char *want)
{
	struct image image = image_load("sections");
	struct bpfe_object *obj = image_open(&image);
	const struct bpfe_load_attr attr = {0};
	char text[512] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_program *prog;
	struct bpfe_map **maps;

	assert_int_equal(
		bpfe_object_load(obj, object_program(obj, program), &attr, &prog, &maps, &log),
		-EINVAL);
	assert_string_equal(text, want);
	bpfe_object_close(obj);
	image_free(&image);
}

static void sections_for_something_else(void **state)
{
	expect_refused("in_devmap", "section xdp/devmap, symbol 'in_devmap': programs that run "
				    "where a devmap sends a frame are not supported, only those "
				    "of ports (xdp)\n");
	expect_refused("in_cpumap", "section xdp.frags/cpumap, symbol 'in_cpumap': programs that "
				    "run where a cpumap sends a frame are not supported, only "
				    "those of ports (xdp)\n");
	expect_refused("in_old_devmap", "section xdp_devmap/exit, symbol 'in_old_devmap': programs "
					"that run where a devmap sends a frame are not supported, "
					"only those of ports (xdp)\n");
	expect_refused("in_kprobe", "section kprobe/do_exit, symbol 'in_kprobe': a program of type "
				    "kprobe is not for a NIC; sections xdp and tc are\n");
}

/* Who names the type takes the program for it, whatever its section says. */
static void type_given(void **state)
{
	struct image image = image_load("sections");
	struct bpfe_object *obj = image_open(&image);
	const struct bpfe_load_attr attr = {.type = BPF_PROG_TYPE_XDP};
	struct bpfe_program *prog;
	struct bpfe_map **maps;

	assert_int_equal(
		bpfe_object_load(obj, object_program(obj, "in_kprobe"), &attr, &prog, &maps, NULL),
		0);
	free(maps);
	bpfe_program_put(prog);
	bpfe_object_close(obj);
	image_free(&image);
	bpfe_rcu_barrier();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_by_section),
		cmocka_unit_test(sections_that_load),
		cmocka_unit_test(sections_for_something_else),
		cmocka_unit_test(type_given),
	};
	int failed;

	bpfe_thread_register();
	failed = run_tests_on_objects(tests);
	bpfe_thread_unregister();
	return failed;
}
