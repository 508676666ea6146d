/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * A share by cgroup, in whichever hierarchy has the cpu controller here: version 2 with threaded
 * cgroups, or version 1. A guest runs this too, for the version that the host does not have.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "actuator_linux.h"
#include "process_double.h"
#include "thread_double.h"

#define V1        "/sys/fs/cgroup/cpu"
#define V2        "/sys/fs/cgroup"
#define PATH      128 /* of a directory */
#define FILE_PATH 512

static struct {
	struct pvs_cgroup cgroup;
	char before[PVS_CGROUP_PATH]; /* the file that takes this process back to where it was */
	struct pvs_actuator actuator;
	struct sleeper sleeper;
	void *thread;
	char own[PVS_CGROUP_PATH], home[PATH];
} f;

/* ---- Files ----------------------------------------------------------------------------------- */

static bool file_has(const char *directory, const char *name, const char *word)
{
	char path[FILE_PATH], text[256] = "";
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(text, sizeof(text), file))
		text[0] = '\0';
	fclose(file);
	return strstr(text, word);
}

static void expect_file(const char *directory, const char *name, const char *want)
{
	char path[FILE_PATH], text[64] = "";
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	text[strcspn(text, "\n")] = '\0';
	assert_string_equal(text, want);
}

static bool is_gone(void *directory)
{
	return access(directory, F_OK) < 0 && errno == ENOENT;
}

/* Where the sleeper is: a file that would take it there. */
static void expect_home(const char *directory)
{
	char home[PVS_CGROUP_PATH], want[FILE_PATH];

	assert_int_equal(pvs_cgroup_home(&f.cgroup, f.sleeper.tid, home, sizeof(home)), 0);
	snprintf(want, sizeof(want), "%s/%s", directory, f.cgroup.v2 ? "cgroup.threads" : "tasks");
	assert_string_equal(home, want);
}

/* ---- Set-up ---------------------------------------------------------------------------------- */

/* A cgroup of this process's own, in which version 2 wants a process to be whose threads move. */
static void enter(const char *root)
{
	char path[FILE_PATH];
	const struct pvs_cgroup hierarchy = {.v2 = strcmp(root, V2) == 0};

	f.cgroup = hierarchy;
	snprintf(f.cgroup.root, sizeof(f.cgroup.root), "%s", root);
	assert_int_equal(pvs_cgroup_home(&f.cgroup, getpid(), f.before, sizeof(f.before)), 0);
	strcpy(strrchr(f.before, '/') + 1, "cgroup.procs");
	snprintf(f.home, sizeof(f.home), "%s/sluice-test-%d", root, (int)getpid());
	assert_int_equal(mkdir(f.home, 0755), 0);
	snprintf(path, sizeof(path), "%s/cgroup.procs", f.home);
	assert_int_equal(pvs_cgroup_put(path, getpid()), 0);
}

/* Version 2 gives a controller to those below a cgroup that has it. */
static void pass_on(void)
{
	const int fd = open(V2 "/cgroup.subtree_control", O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "+cpu", 4), 4);
	close(fd);
}

static int setup(void **state)
{
	const bool v2 = file_has(V2, "cgroup.controllers", "cpu ");
	struct pvs_linux_options options = {.cgroup = f.home};
	char text[1024] = "";
	struct pvs_log log = {.buf = text, .size = sizeof(text)};

	if (geteuid() != 0 || (!v2 && access(V1 "/cpu.shares", W_OK) < 0))
		return 0;
	if (v2)
		pass_on();
	enter(v2 ? V2 : V1);
	assert_int_equal(pvs_cgroup_open(&f.cgroup, f.home, &log), 0);
	assert_int_equal(f.cgroup.v2, v2);
	assert_int_equal(pvs_actuator_linux(&options, &f.actuator, &log), 0);
	if (!(f.actuator.ops->probe(f.actuator.opaque, PVS_ACT_WEIGHT, &log) & PVS_ACT_WEIGHT))
		fail_msg("%s", text);
	sleeper_start(&f.sleeper);
	snprintf(f.own, sizeof(f.own), "%s/sluice-%d", f.home, (int)f.sleeper.tid);
	assert_int_equal(f.actuator.ops->capture(f.actuator.opaque, f.sleeper.tid, &f.thread), 0);
	return 0;
}

static int teardown(void **state)
{
	if (!f.thread)
		return 0;
	f.actuator.ops->release(f.actuator.opaque, f.thread);
	f.thread = NULL;
	pvs_actuator_linux_close(&f.actuator);
	sleeper_end(&f.sleeper);
	assert_int_equal(pvs_cgroup_put(f.before, getpid()), 0);
	assert_int_equal(rmdir(f.home), 0);
	return 0;
}

static void need_cgroup(void)
{
	if (f.thread)
		return;
	print_message("no cgroup with the cpu controller can be made here\n");
	skip();
}

static void weigh(uint32_t weight)
{
	const struct pvs_sched sched = {.set = PVS_SET_WEIGHT, .weight = weight};

	assert_int_equal(f.actuator.ops->apply(f.actuator.opaque, f.thread, &sched), 0);
}

static void expect_weight(const char *v2, const char *v1)
{
	expect_file(f.own, f.cgroup.v2 ? "cpu.weight" : "cpu.shares", f.cgroup.v2 ? v2 : v1);
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static void test_in_and_out(void **state)
{
	need_cgroup();
	expect_home(f.home);
	weigh(300);
	expect_home(f.own);
	expect_weight("300", "3072");
	weigh(10000);
	expect_home(f.own);
	expect_weight("10000", "102400");
	f.actuator.ops->restore(f.actuator.opaque, f.thread);
	expect_home(f.home);
	assert_true(is_gone(f.own));
	weigh(1);
	expect_home(f.own);
	expect_weight("1", "10");
}

/* FIFO is not for a cgroup: the way there is by the thread's own. */
static void test_other_class(void **state)
{
	const struct pvs_sched fifo = {.set = PVS_SET_FIFO, .prio = 1};
	struct pvs_sched_attr attr;

	need_cgroup();
	if (!(f.actuator.ops->probe(f.actuator.opaque, PVS_ACT_FIFO, NULL) & PVS_ACT_FIFO)) {
		print_message("FIFO is not permitted here\n");
		skip();
	}
	weigh(300);
	assert_int_equal(f.actuator.ops->apply(f.actuator.opaque, f.thread, &fifo), 0);
	expect_home(f.home);
	assert_int_equal(pvs_sys_getattr(f.sleeper.tid, &attr), 0);
	assert_int_equal(attr.policy, PVS_SCHED_FIFO);
	weigh(200);
	expect_home(f.own);
	assert_int_equal(pvs_sys_getattr(f.sleeper.tid, &attr), 0);
	assert_int_equal(attr.policy, PVS_SCHED_OTHER);
}

static bool gone_by_beat(void *own)
{
	pvs_actuator_linux_beat(&f.actuator);
	return is_gone(own);
}

/* The thread ends in the cgroup that was made for it. */
static void test_thread_gone(void **state)
{
	need_cgroup();
	weigh(300);
	sleeper_end(&f.sleeper);
	f.actuator.ops->release(f.actuator.opaque, f.thread);
	assert_true(wait_for(gone_by_beat, f.own));
	sleeper_start(&f.sleeper);
	assert_int_equal(f.actuator.ops->capture(f.actuator.opaque, f.sleeper.tid, &f.thread), 0);
}

/* Whose process is elsewhere cannot be moved in version 2, and it is said what would permit it. */
static void test_not_below(void **state)
{
	struct pvs_linux_options options = {.cgroup = f.home};
	struct pvs_actuator actuator;
	char text[1024] = "", inside[FILE_PATH];
	struct pvs_log log = {.buf = text, .size = sizeof(text)};
	uint32_t works;

	need_cgroup();
	if (!f.cgroup.v2) {
		print_message("version 1 moves any thread\n");
		skip();
	}
	assert_int_equal(pvs_cgroup_put(f.before, getpid()), 0);
	assert_int_equal(pvs_actuator_linux(&options, &actuator, NULL), 0);
	works = actuator.ops->probe(actuator.opaque, PVS_ACT_WEIGHT, &log);
	pvs_actuator_linux_close(&actuator);
	snprintf(inside, sizeof(inside), "%s/cgroup.procs", f.home);
	assert_int_equal(pvs_cgroup_put(inside, getpid()), 0);
	assert_false(works & PVS_ACT_WEIGHT);
	assert_non_null(strstr(text, "and the process must be in it or below"));
}

static void test_no_controller(void **state)
{
	struct pvs_cgroup cgroup;
	char text[512] = "";
	struct pvs_log log = {.buf = text, .size = sizeof(text)};

	assert_int_equal(pvs_cgroup_open(&cgroup, "/tmp", &log), -ENOENT);
	assert_string_equal(text, "cgroup /tmp: neither cpu.shares (v1) nor cgroup.threads (v2) is "
				  "there; name a directory of a cgroup hierarchy that has the cpu "
				  "controller\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_and_out),    cmocka_unit_test(test_other_class),
		cmocka_unit_test(test_thread_gone),   cmocka_unit_test(test_not_below),
		cmocka_unit_test(test_no_controller),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
