/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What pvs-lock, pvs-audio and pvs-wake print, and refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static char text[1 << 20];

/* Run the program named by the variable @name; its exit code. What it prints is in text. */
static int run(const char *name, const char *args)
{
	char line[1024];
	FILE *pipe;
	size_t len;

	snprintf(line, sizeof(line), "%s %s 2>&1", getenv(name), args);
	pipe = popen(line, "r");
	assert_non_null(pipe);
	len = fread(text, 1, sizeof(text) - 1, pipe);
	text[len] = '\0';
	return WEXITSTATUS(pclose(pipe));
}

static uint64_t number(struct json_object *root, const char *name)
{
	struct json_object *value;

	assert_true(json_object_object_get_ex(root, name, &value));
	return json_object_get_uint64(value);
}

/* Counts of the distribution @name, added up. */
static uint64_t counted(struct json_object *root, const char *name)
{
	struct json_object *object;
	uint64_t sum = 0;

	assert_true(json_object_object_get_ex(root, name, &object));
	json_object_object_foreach(object, key, value)
	{
		assert_true(atof(key) >= 0);
		sum += json_object_get_uint64(value);
	}
	return sum;
}

/* Every kind of lock: the threads' operations are all there, each with its wait. */
static void lock_of_kind(const char *kind)
{
	struct json_object *root;
	char args[256];

	snprintf(args, sizeof(args), "-n 2 -l %s -d 0.1 -c 5 -t 5 --rate 100 --hints off -j", kind);
	assert_int_equal(run("PVS_LOCK", args), 0);
	root = json_tokener_parse(text);
	assert_non_null(root);
	assert_int_equal(number(root, "threads"), 2);
	assert_int_equal(number(root, "rounds_per_us"), 100);
	assert_int_equal(number(root, "hinted_threads"), 0);
	assert_true(number(root, "elapsed_ns") >= 100000000);
	assert_true(number(root, "ops") > 0);
	assert_int_equal(counted(root, "wait_us"), number(root, "ops"));
	assert_int_equal(number(root, "holder_stops"),
			 number(root, "holder_stops_by_guest") +
				 number(root, "holder_stops_by_host"));
	json_object_put(root);
}

static void test_spin(void **state)
{
	lock_of_kind("spin");
}

static void test_ticket(void **state)
{
	lock_of_kind("ticket");
}

static void test_mutex(void **state)
{
	lock_of_kind("mutex");
}

static void test_audio(void **state)
{
	struct json_object *root;
	uint64_t periods;

	assert_int_equal(
		run("PVS_AUDIO", "-P other -p 5000 -w 10 -d 0.1 --rate 100 --hints off -j"), 0);
	root = json_tokener_parse(text);
	assert_non_null(root);
	periods = number(root, "periods");
	/* The first starts one period after the beginning. */
	assert_in_range(periods, 19, 20 + number(root, "skipped"));
	assert_int_equal(counted(root, "wakeup_us"), periods - number(root, "skipped"));
	assert_true(number(root, "missed") >= number(root, "skipped"));
	json_object_put(root);
}

/* Each worker is woken in each round. */
static void test_wake(void **state)
{
	struct json_object *root;

	assert_int_equal(run("PVS_WAKE", "-n 3 -w 5 -d 0.1 --rate 100 -j"), 0);
	root = json_tokener_parse(text);
	assert_non_null(root);
	assert_int_equal(number(root, "workers"), 3);
	assert_true(number(root, "elapsed_ns") >= 100000000);
	assert_true(number(root, "rounds") > 0);
	assert_int_equal(counted(root, "wakeup_us"), 3 * number(root, "rounds"));
	json_object_put(root);
}

static void test_refusals(void **state)
{
	assert_int_equal(run("PVS_LOCK", "-n 0"), 2);
	assert_string_equal(text, "threads: '0' is no number from 1 to 256\n");
	assert_int_equal(run("PVS_LOCK", "-l futex"), 2);
	assert_string_equal(text, "lock: 'futex' is none of: spin ticket mutex\n");
	assert_int_equal(run("PVS_LOCK", "-d 0"), 2);
	assert_string_equal(text, "seconds: '0' is no number of seconds up to 86400\n");
	assert_int_equal(run("PVS_WAKE", "-n 257"), 2);
	assert_string_equal(text, "threads: '257' is no number from 1 to 256\n");
	assert_int_equal(run("PVS_AUDIO", "--deadline-us 6000"), 2);
	assert_string_equal(
		text, "pvs-audio: runtime, deadline and period must not shrink in this order\n");
}

/* Without the publisher there is nobody to tell. */
static void test_hints_on(void **state)
{
	assert_int_equal(run("PVS_LOCK", "-d 0.1 --hints on --rate 1"), 1);
	assert_non_null(strstr(text, "pvs-lock: no hints: "));
	assert_int_equal(run("PVS_AUDIO", "-d 0.1 --hints on --rate 1"), 1);
	assert_non_null(strstr(text, "pvs-audio: no hints: "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spin),     cmocka_unit_test(test_ticket),
		cmocka_unit_test(test_mutex),    cmocka_unit_test(test_audio),
		cmocka_unit_test(test_wake),     cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_hints_on),
	};

	return cmocka_run_group_tests_name("programs", tests, NULL, NULL);
}
