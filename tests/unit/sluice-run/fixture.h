/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Runs of sluice-run and sluice-mkpcap as a user starts them, in a scratch folder of each test.
 *
 * SLUICE_RUN, SLUICE_MKPCAP and BPF_OBJECTS name the tools and the folder of the example programs;
 * BPF_OBJECTS is empty without clang, and run_tests_on_objects() skips all, saying so.
 */
#ifndef TEST_SLUICE_RUN_FIXTURE_H
#define TEST_SLUICE_RUN_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <glib.h>
#include <json-c/json.h>

struct run {
	int status; /* exit code */
	char *out;
	char *err;
};

/* Setup and teardown of a test: *state becomes the path of its empty folder. */
#define scratch_test(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)
int scratch_make(void **state);
int scratch_remove(void **state);
char *scratch_path(void **state, const char *name);

/* What main() returns: the outcome of @tests, an array, which need example programs. */
#define run_tests_on_objects(tests) \
	(skip_without_objects() ? 0 : cmocka_run_group_tests(tests, NULL, NULL))

/* Without example programs, say so in TAP and return TRUE. */
gboolean skip_without_objects(void);

/* Path of an example's object file. */
char *example(const char *name);

/* Run a tool with arguments up to NULL. */
struct run run_tool(const char *variable, ...) G_GNUC_NULL_TERMINATED;
void run_clear(struct run *run);

#define sluice_run(...) run_tool("SLUICE_RUN", __VA_ARGS__, NULL)

/* Make a capture by sluice-mkpcap, with arguments up to NULL, and return its path. */
char *make_capture(void **state, ...) G_GNUC_NULL_TERMINATED;

/* Expect exit code @status, nothing on standard output, and "sluice-run: " before @message. */
void expect_failure(struct run run, int status, const char *message);

/* Expect success and JSON. */
struct json_object *expect_json(struct run run);

/* A number at a path of members such as "verdicts", "pass". */
uint64_t json_number(struct json_object *json, const char *member, const char *name);
const char *json_text(struct json_object *json, const char *member, const char *name);

/* Entries of map @name as "key" -> "value", both hex. */
GHashTable *json_map(struct json_object *json, const char *name);

#endif
