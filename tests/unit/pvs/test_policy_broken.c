// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Objects with bytes changed at random: they are refused or run, and nothing else happens. */
#include "policy_fixture.h"

#include <elf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint8_t *image;
static size_t image_size;

static void load_image(const char *name)
{
	FILE *file = fopen(test_object(name), "rb");

	assert_non_null(file);
	fseek(file, 0, SEEK_END);
	image_size = (size_t)ftell(file);
	rewind(file);
	image = malloc(image_size);
	assert_non_null(image);
	assert_int_equal(fread(image, 1, image_size, file), image_size);
	fclose(file);
}

static const Elf64_Shdr *section(const char *name)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)image;
	const Elf64_Shdr *sections = (const Elf64_Shdr *)(image + header->e_shoff);
	const char *names = (const char *)image + sections[header->e_shstrndx].sh_offset;

	for (unsigned i = 1; i < header->e_shnum; i++) {
		if (!strcmp(names + sections[i].sh_name, name))
			return &sections[i];
	}
	fail_msg("no section %s", name);
	return NULL;
}

static uint64_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return *state >> 33;
}

static int nothing(void *opaque, const char *name, const char *type, const void *bytes, size_t size)
{
	*(unsigned *)opaque += name[0] + type[0] + ((const uint8_t *)bytes)[size - 1];
	return 0;
}

/* Everything that looks at the object, and each callback once. */
static void use(struct pvs_policy *policy)
{
	struct pvs_tunable_info info;
	unsigned sum = 0;

	for (uint32_t i = 0; !pvs_policy_tunable(policy, i, &info); i++)
		assert_true(info.min < info.max);
	pvs_policy_globals(policy, nothing, &sum);
	for (uint32_t event = 0; event < PVS_EVENT_MAX; event++) {
		struct pvs_ctx ctx = context(event, PVS_ACT_ALL);

		pvs_policy_run(policy, &ctx);
	}
}

/* Change one to four bytes of @name, many times; returns how many objects were taken all the same.
 */
static unsigned mutate(const char *name, unsigned times)
{
	const Elf64_Shdr *where = section(name);
	uint8_t *copy = malloc(image_size);
	uint64_t seed = 1;
	unsigned taken = 0;

	assert_non_null(copy);
	for (unsigned i = 0; i < times; i++) {
		struct pvs_policy *policy;
		char text[512] = "";
		struct pvs_log log = {.buf = text, .size = sizeof(text)};

		memcpy(copy, image, image_size);
		for (unsigned n = 1 + next_random(&seed) % 4; n; n--)
			copy[where->sh_offset + next_random(&seed) % where->sh_size] =
				(uint8_t)next_random(&seed);
		if (pvs_policy_load(copy, image_size, "broken", NULL, &policy, &log)) {
			assert_null(policy);
			assert_true(text[0]); /* whoever refuses says why */
			continue;
		}
		taken++;
		use(policy);
		pvs_policy_put(policy);
	}
	free(copy);
	return taken;
}

static void types(void **state)
{
	assert_in_range(mutate(".BTF", 200), 1, 199);
}

static void symbols(void **state)
{
	assert_in_range(mutate(".symtab", 200), 1, 199);
}

static void names(void **state)
{
	assert_in_range(mutate(".strtab", 200), 1, 199);
}

/* Among them is the name, which not any bytes are. */
static void variables(void **state)
{
	assert_in_range(mutate(".rodata", 50), 1, 49);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types),
		cmocka_unit_test(symbols),
		cmocka_unit_test(names),
		cmocka_unit_test(variables),
	};
	int failed;

	if (policy_tests_begin())
		return 0;
	libbpf_set_print(NULL); /* it comments on broken BTF */
	load_image("callbacks");
	failed = policy_tests_end(cmocka_run_group_tests(tests, NULL, NULL));
	free(image);
	return failed;
}
