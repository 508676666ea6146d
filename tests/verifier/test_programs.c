// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Every program in the objects given is accepted: what compilers make of real sources. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "bpf_elf.h"

static void *read_file(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	void *data = malloc(1 << 20);

	if (!file || !data)
		fail_msg("cannot read %s", path);
	*size = fread(data, 1, 1 << 20, file);
	fclose(file);
	return data;
}

static void load_program(const struct bpfe_object *obj, uint32_t i)
{
	static char text[1 << 14];
	struct bpfe_log log = {.buf = text, .size = sizeof(text), .level = 1};
	struct bpfe_load_attr attr = {0};
	struct bpfe_program *prog;
	struct bpfe_map **maps;
	struct bpfe_program_info info;
	int err = bpfe_object_load(obj, i, &attr, &prog, &maps, &log);

	if (err)
		fail_msg("%s: %d: %s", bpfe_object_program_name(obj, i), err, text);
	bpfe_program_info(prog, &info);
	print_message("# %s: %u slots, %llu verified, %u states, %u bytes of stack\n", info.name,
		      info.n_insns, (unsigned long long)info.insns_verified, info.states,
		      info.stack_bytes);
	bpfe_program_put(prog);
	for (uint32_t m = 0; m < bpfe_object_n_maps(obj); m++)
		bpfe_map_put(maps[m]);
	free(maps);
}

static void test_object(void **state)
{
	struct bpfe_object *obj;
	size_t size;
	void *data = read_file(*state, &size);

	assert_int_equal(bpfe_object_open(data, size, &obj, NULL), 0);
	assert_true(bpfe_object_n_programs(obj) > 0);
	for (uint32_t i = 0; i < bpfe_object_n_programs(obj); i++)
		load_program(obj, i);
	bpfe_object_close(obj);
	free(data);
	bpfe_rcu_barrier();
}

int main(int argc, char **argv)
{
	static struct CMUnitTest tests[64];
	size_t n = 0;

	if (argc < 2) {
		puts("1..0 # SKIP no clang to build the programs (apt install clang-19)");
		return 0;
	}
	for (; n + 1 < (size_t)argc && n < 64; n++)
		tests[n] = (struct CMUnitTest){argv[n + 1], test_object, NULL, NULL, argv[n + 1]};
	return _cmocka_run_group_tests("programs", tests, n, NULL, NULL);
}
