// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "fixture.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool skip_without_objects(void)
{
	const char *folder = getenv("LOADER_OBJECTS");

	if (folder && folder[0])
		return false;
	puts("1..0 # SKIP no clang to make BPF objects with (apt install clang)");
	return true;
}

struct image image_load(const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s.bpf.o", getenv("LOADER_OBJECTS"), name);
	return image_load_path(path);
}

struct image image_load_path(const char *path)
{
	struct image image;
	FILE *file;
	long size;

	libbpf_set_print(NULL); /* it comments on broken BTF, of which there will be much */
	file = fopen(path, "rb");
	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	fseek(file, 0, SEEK_END);
	size = ftell(file);
	assert_true(size > 0);
	rewind(file);
	image.size = size;
	image.bytes = malloc(image.size);
	assert_non_null(image.bytes);
	assert_int_equal(fread(image.bytes, 1, image.size, file), image.size);
	fclose(file);
	return image;
}

void image_free(struct image *image)
{
	free(image->bytes);
	image->bytes = NULL;
}

Elf64_Ehdr *image_header(struct image *image)
{
	return (Elf64_Ehdr *)image->bytes;
}

static Elf64_Shdr *section_at(struct image *image, uint32_t index)
{
	return (Elf64_Shdr *)(image->bytes + image_header(image)->e_shoff) + index;
}

uint32_t image_section_index(struct image *image, const char *name)
{
	const Elf64_Shdr *names = section_at(image, image_header(image)->e_shstrndx);

	for (uint32_t i = 1; i < image_header(image)->e_shnum; i++) {
		const char *has = (const char *)image->bytes + names->sh_offset +
				  section_at(image, i)->sh_name;

		if (!strcmp(has, name))
			return i;
	}
	fail_msg("the object has no section %s", name);
	return 0;
}

Elf64_Shdr *image_section(struct image *image, const char *name)
{
	return section_at(image, image_section_index(image, name));
}

void *image_data(struct image *image, const char *section)
{
	return image->bytes + image_section(image, section)->sh_offset;
}

Elf64_Sym *image_symbol(struct image *image, const char *name)
{
	const Elf64_Shdr *table = image_section(image, ".symtab");
	const char *names =
		(const char *)image->bytes + section_at(image, table->sh_link)->sh_offset;
	Elf64_Sym *symbols = image_data(image, ".symtab");

	for (size_t i = 0; i < table->sh_size / sizeof(*symbols); i++) {
		if (!strcmp(names + symbols[i].st_name, name))
			return &symbols[i];
	}
	fail_msg("the object has no symbol %s", name);
	return NULL;
}

struct bpfe_object *image_open(const struct image *image)
{
	char text[1024] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_object *obj;
	int ret = bpfe_object_open(image->bytes, image->size, &obj, &log);

	assert_string_equal(text, "");
	assert_int_equal(ret, 0);
	return obj;
}

void image_expect_refused(struct image *image, const char *fmt, ...)
{
	char text[1024] = "", expected[1024];
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_object *obj;
	va_list args;
	int ret = bpfe_object_open(image->bytes, image->size, &obj, &log);

	image_free(image);
	va_start(args, fmt);
	vsnprintf(expected, sizeof(expected) - 1, fmt, args);
	va_end(args);
	strcat(expected, "\n");
	assert_string_equal(text, expected);
	assert_int_equal(ret, -EINVAL);
	assert_null(obj);
}

uint32_t object_program(const struct bpfe_object *obj, const char *name)
{
	for (uint32_t i = 0; i < bpfe_object_n_programs(obj); i++) {
		if (!strcmp(bpfe_object_program_name(obj, i), name))
			return i;
	}
	fail_msg("the object has no program %s", name);
	return 0;
}

void object_expect_loads(const char *name, const char *program)
{
	struct image image = image_load(name);
	struct bpfe_object *obj = image_open(&image);
	const struct bpfe_load_attr attr = {0};
	char text[2048] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_program *prog;
	struct bpfe_map **maps;
	int ret = bpfe_object_load(obj, object_program(obj, program), &attr, &prog, &maps, &log);

	assert_string_equal(text, "");
	assert_int_equal(ret, 0);
	for (uint32_t i = 0; i < bpfe_object_n_maps(obj); i++)
		bpfe_map_put(maps[i]);
	free(maps);
	bpfe_program_put(prog);
	bpfe_object_close(obj);
	image_free(&image);
	bpfe_rcu_barrier();
}

void object_expect_blocked(const char *name, const char *program, const char *section,
			   const char *holder, const char *rest)
{
	struct image image = image_load(name);

	image_expect_blocked(&image, program, section, holder, rest);
}

void image_expect_blocked(struct image *image, const char *program, const char *section,
			  const char *holder, const char *rest)
{
	const Elf64_Sym *symbol = image_symbol(image, holder);
	struct bpfe_object *obj = image_open(image);
	const struct bpfe_load_attr attr = {0};
	char text[2048] = "", expected[2048];
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_program *prog = NULL;
	struct bpfe_map **maps = NULL;
	int ret = bpfe_object_load(obj, object_program(obj, program), &attr, &prog, &maps, &log);
	const char *at = strstr(text, ", offset ");
	unsigned long offset = at ? strtoul(at + strlen(", offset "), NULL, 16) : 0;

	snprintf(expected, sizeof(expected), "section %s, offset %#lx: %s\n", section, offset,
		 rest);
	assert_string_equal(text, expected);
	assert_in_range(offset, symbol->st_value, symbol->st_value + symbol->st_size - 8);
	assert_int_equal(ret, -EINVAL);
	assert_null(prog);
	bpfe_object_close(obj);
	image_free(image);
}

uint32_t object_run(const struct bpfe_program *prog)
{
	uint8_t memory[BPFE_HEADROOM + 64] = {0};
	struct bpfe_xdp_buff xdp = {.hard_start = memory,
				    .data_meta = memory + BPFE_HEADROOM,
				    .data = memory + BPFE_HEADROOM,
				    .data_end = memory + sizeof(memory),
				    .hard_end = memory + sizeof(memory)};
	struct bpfe_result result;

	bpfe_rcu_read_lock();
	result = bpfe_run(prog, &xdp);
	bpfe_rcu_read_unlock();
	assert_int_equal(result.abort, BPFE_ABORT_NONE);
	return result.retval;
}
