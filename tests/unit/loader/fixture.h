/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Objects that clang made at build time (LOADER_OBJECTS names their folder), in memory where a test
 * can break them. Without clang the variable is empty and run_tests_on_objects() skips all, saying
 * so.
 */
#ifndef TEST_LOADER_FIXTURE_H
#define TEST_LOADER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <bpf_elf.h>
#include <elf.h>
#include <stdbool.h>

struct image {
	uint8_t *bytes;
	size_t size;
};

/* What main() returns: the outcome of @tests, an array. */
#define run_tests_on_objects(tests) \
	(skip_without_objects() ? 0 : cmocka_run_group_tests(tests, NULL, NULL))

/* Without objects, say so in TAP and return true. */
bool skip_without_objects(void);

/* An object's file, to be released with image_free(). */
struct image image_load(const char *name);
struct image image_load_path(const char *path);
void image_free(struct image *image);

Elf64_Ehdr *image_header(struct image *image);
Elf64_Shdr *image_section(struct image *image, const char *name);
uint32_t image_section_index(struct image *image, const char *name);
void *image_data(struct image *image, const char *section);
Elf64_Sym *image_symbol(struct image *image, const char *name);

/* Open @image, which must succeed without a word. */
struct bpfe_object *image_open(const struct image *image);

/* Open @image, which must be refused with -EINVAL and exactly this line; then free it. */
void image_expect_refused(struct image *image, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Load @program of object @name, which must succeed without a word. */
void object_expect_loads(const char *name, const char *program);

/*
 * Load @program of object @name, which must be refused with -EINVAL and exactly the line
 * "section SECTION, offset 0xN: REST" with an N that lies in function @holder.
 */
void object_expect_blocked(const char *name, const char *program, const char *section,
			   const char *holder, const char *rest);

/* The same of an object in memory; frees it. */
void image_expect_blocked(struct image *image, const char *program, const char *section,
			  const char *holder, const char *rest);

/* The verdict of a program over a frame of zeros on queue 0. */
uint32_t object_run(const struct bpfe_program *prog);

/* Index of the program of that name. */
uint32_t object_program(const struct bpfe_object *obj, const char *name);

#endif
