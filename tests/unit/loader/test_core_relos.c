// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "fixture.h"

#include <errno.h>
#include <stdio.h>

static void fields_as_compiled(void **state)
{
	object_expect_loads("core", "reads_context");
	object_expect_loads("core", "reads_header");
}

static void questions_to_a_kernel(void **state)
{
	static const struct {
		const char *program;
		const char *type;
	} cases[] = {
		{"asks_for_a_field", "header"},
		{"asks_for_a_type", "header"},
		{"asks_for_a_value", "version"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char rest[256];

		snprintf(rest, sizeof(rest),
			 "'%s': a CO-RE question about a kernel's types, and there is no kernel in "
			 "the NIC; only offsets, sizes and signs of fields are accepted, as "
			 "compiled",
			 cases[i].type);
		object_expect_blocked("core", cases[i].program, "xdp", cases[i].program, rest);
	}
}

static void flavours(void **state)
{
	object_expect_blocked("core", "reads_a_flavour", "xdp", "reads_a_flavour",
			      "'task___old': a CO-RE relocation of one of several flavours of a "
			      "type, which only a kernel's BTF decides; the NIC takes offsets and "
			      "sizes as compiled");
}

static void context_of_another_layout(void **state)
{
	object_expect_blocked(
		"core_other_layout", "reads_context", "xdp", "reads_context",
		"'xdp_md': a CO-RE relocation of a context structure that is laid out "
		"unlike the one in <linux/bpf.h>; include that header or a full "
		"vmlinux.h");
}

/* The first record of CO-RE relocations: { offset, type, access, kind }. */
static uint32_t *first_record(struct image *image, uint32_t *offset)
{
	uint8_t *ext = image_data(image, ".BTF.ext");
	uint32_t *head = (uint32_t *)ext;

	*offset = head[1] + head[6] + 12; /* record size, section name, count */
	return (uint32_t *)(ext + *offset);
}

static void type_that_is_not_defined(void **state)
{
	struct image image = image_load("core");
	uint32_t offset;
	struct bpfe_object *obj;
	const struct bpfe_load_attr attr = {0};
	char text[512] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_program *prog;
	struct bpfe_map **maps;

	first_record(&image, &offset)[1] = 0; /* void */
	obj = image_open(&image);
	assert_int_equal(bpfe_object_load(obj, object_program(obj, "reads_context"), &attr, &prog,
					  &maps, &log),
			 -EINVAL);
	assert_string_equal(text,
			    "section xdp, offset 0: '(no name)': a CO-RE relocation of a type that "
			    "the object does not define as a structure or union; define it in "
			    "full\n");
	bpfe_object_close(obj);
	image_free(&image);
}

static void relocation_outside_of_its_section(void **state)
{
	struct image image = image_load("core");
	uint32_t offset;

	first_record(&image, &offset)[0] = image_section(&image, "xdp")->sh_size;
	image_expect_refused(&image,
			     "section .BTF.ext, offset %#x: CO-RE relocation of an instruction "
			     "outside of its section",
			     offset);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_as_compiled),
		cmocka_unit_test(questions_to_a_kernel),
		cmocka_unit_test(flavours),
		cmocka_unit_test(context_of_another_layout),
		cmocka_unit_test(type_that_is_not_defined),
		cmocka_unit_test(relocation_outside_of_its_section),
	};
	int failed;

	bpfe_thread_register();
	failed = run_tests_on_objects(tests);
	bpfe_thread_unregister();
	return failed;
}
