/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A manager's record: all of its VMs, its limit, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "manager_fixture.h"

/* A file that holds @text; @path, of mkstemp(), becomes its name. */
static int make_file(char *path, const char *text)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

struct recorded {
	unsigned decisions, others, ends;
};

static int count_entry(void *opaque, const struct pvs_record_entry *entry)
{
	struct recorded *recorded = opaque;

	if (entry->kind == PVS_RECORD_DECISION && entry->vm == 0)
		recorded->decisions++;
	else if (entry->kind == PVS_RECORD_DECISION)
		recorded->others++;
	recorded->ends += entry->kind == PVS_RECORD_END;
	return 0;
}

static void ask_record(struct manager *manager, const char *path, const char *expected)
{
	char command[160], *reply;

	snprintf(command, sizeof(command), "{\"command\":\"record\",\"file\":\"%s\"}", path);
	manager_ask(manager, command, &reply);
	assert_string_equal(reply, expected);
	free(reply);
}

/* One record for all front ends, those that connect while it is written too. */
static void test_record(void **state)
{
	struct manager *manager = manager_new();
	char path[] = "/tmp/pvs-record-XXXXXX", text[256] = "";
	struct pvs_log log = {.buf = text, .size = sizeof(text)};
	struct recorded recorded = {0};
	struct front_end *a, *b;

	manager_start(manager);
	close(make_file(path, ""));
	a = front_end_start(manager, "first", NULL);
	ask_record(manager, "elsewhere",
		   "{\"error\":\"record: 'elsewhere': the manager has another working directory; "
		   "the path has to begin with \\/\"}");
	ask_record(manager, path, "{}");
	b = front_end_start(manager, "second", NULL);
	front_end_ask(a, true);
	assert_true(front_end_boosted(a));
	front_end_ask(a, false);
	assert_true(front_end_baseline(a));
	front_end_ask(b, true);
	assert_true(front_end_boosted(b));
	ask_record(manager, "", "{}");
	/* Whole at once: it is closed. */
	assert_true(pvs_record_read(path, count_entry, &recorded, &log) > 0);
	assert_string_equal(text, "");
	assert_true(recorded.decisions > 0);
	assert_true(recorded.others > 0);
	assert_int_equal(recorded.ends, 1);
	front_end_kill(a);
	front_end_kill(b);
	manager_free(manager);
	assert_int_equal(unlink(path), 0);
}

/* Refused while the loop is stuck, which is not waited for: the file has what it had. */
static void test_record_refused(void **state)
{
	struct manager *manager = manager_new();
	char path[] = "/tmp/pvs-record-XXXXXX", text[8] = "";
	int fd;

	manager->limits.watchdog_ns = 1000000000;
	manager_start(manager);
	fd = make_file(path, "precious");
	manager_hold_loop(manager);
	assert_true(manager_comes_to_say(manager, "\"loop_stuck\":true"));
	ask_record(
		manager, path,
		"{\"error\":\"record: the scheduling thread does not answer; nothing changed\"}");
	assert_int_equal(pread(fd, text, sizeof(text), 0), sizeof(text));
	assert_memory_equal(text, "precious", sizeof(text));
	/* Nor does it begin later. */
	manager_release_loop(manager);
	assert_true(manager_comes_to_say(manager, "\"loop_stuck\":false"));
	assert_int_equal(pread(fd, text, sizeof(text), 0), sizeof(text));
	assert_memory_equal(text, "precious", sizeof(text));
	manager_free(manager);
	close(fd);
	unlink(path);
}

/* What a guest makes it decide does not fill the disk: the record ends, and can be read. */
static void test_record_limit(void **state)
{
	struct manager *manager = manager_new();
	char path[] = "/tmp/pvs-record-XXXXXX";
	struct recorded recorded = {0};
	struct front_end *a;
	struct stat st;

	manager->record_limit = 2 * PVS_RECORD_LEAST;
	manager_start(manager);
	close(make_file(path, ""));
	a = front_end_start(manager, "a", NULL);
	front_end_ask(a, true);
	assert_true(front_end_boosted(a));
	assert_true(manager_says(manager, "\"record_full\":false"));
	ask_record(manager, path, "{}");
	assert_true(manager_comes_to_say(manager, "\"record_full\":true"));
	ask_record(manager, "", "{}");
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size <= 2 * PVS_RECORD_LEAST);
	assert_true(pvs_record_read(path, count_entry, &recorded, NULL) > 0);
	assert_true(recorded.decisions > 0);
	assert_int_equal(recorded.ends, 1);
	front_end_kill(a);
	manager_free(manager);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_record_refused),
		cmocka_unit_test(test_record_limit),
	};

	/* What is granted is compared with a nice of 0, whatever the tests were started with. */
	setpriority(PRIO_PROCESS, 0, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
