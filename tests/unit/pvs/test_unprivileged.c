/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What is said to a user who may do little, word by word. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <cmocka.h>

#include "actuator_linux.h"
#include "process_double.h"

#define NO_LIMITS 78

struct report {
	rlim_t nice, rtprio; /* limits it has */
	bool sys_nice;       /* and has CAP_SYS_NICE */
	uint32_t wanted, works;
	int nice_min;
	unsigned prio_max;
	bool reset_on_fork;
	char text[2048];
};

/* Keep CAP_SYS_NICE alone beyond setresuid(2). */
static bool keep_sys_nice(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};

	data[0].effective = data[0].permitted = 1u << CAP_SYS_NICE;
	return syscall(SYS_capset, &header, data) == 0;
}

static int probe_as_nobody(struct report *report)
{
	struct rlimit nice = {report->nice, report->nice};
	struct rlimit rtprio = {report->rtprio, report->rtprio};
	struct pvs_log log = {.buf = report->text, .size = sizeof(report->text)};
	struct pvs_probe probe;

	/* Whatever the tests are started with. */
	if (setpriority(PRIO_PROCESS, 0, 0))
		return EXIT_FAILURE;
	/* Raising a limit takes CAP_SYS_RESOURCE, which root of a container may lack. */
	if (setrlimit(RLIMIT_NICE, &nice) || setrlimit(RLIMIT_RTPRIO, &rtprio))
		return NO_LIMITS;
	if (prctl(PR_SET_KEEPCAPS, report->sys_nice) || setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY) || (report->sys_nice && !keep_sys_nice()))
		return EXIT_FAILURE;
	if (pvs_probe_run(NULL, report->wanted, &probe, &log) < 0)
		return EXIT_FAILURE;
	report->works = probe.actuators;
	report->nice_min = probe.nice_min;
	report->prio_max = probe.prio_max;
	report->reset_on_fork = probe.reset_on_fork;
	return 0;
}

/* Fill what is asked for in @report by a process of nobody's. */
static void run(struct report *report)
{
	struct report *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t pid;

	assert_ptr_not_equal(shared, MAP_FAILED);
	*shared = *report;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(probe_as_nobody(shared));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	*report = *shared;
	munmap(shared, sizeof(*shared));
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_LIMITS) {
		print_message("no CAP_SYS_RESOURCE here, to raise limits with\n");
		skip();
	}
	assert_int_equal(status, 0);
}

#define PRIVILEGED (PVS_ACT_NICE_UP | PVS_ACT_NICE_DOWN | PVS_ACT_FIFO | PVS_ACT_DEADLINE)

static void test_nothing(void **state)
{
	struct report report = {.wanted = PRIVILEGED | PVS_ACT_WEIGHT};

	run(&report);
	assert_int_equal(report.works & ~(uint32_t)PVS_ACT_SLICE, PVS_ACT_AFFINITY);
	assert_int_equal(report.nice_min, 0);
	assert_int_equal(report.prio_max, 0);
	assert_false(report.reset_on_fork);
	assert_string_equal(
		report.text,
		"nice down: Operation not permitted; it needs CAP_SYS_NICE, or RLIMIT_NICE of 40 "
		"for -20 (it is 0)\n"
		"FIFO: Operation not permitted; it needs CAP_SYS_NICE, or RLIMIT_RTPRIO of 1..99 "
		"(it is 0), and where cgroups share real-time (RT_GROUP_SCHED) a "
		"cpu.rt_runtime_us other than 0\n"
		"DEADLINE: Operation not permitted; it needs CAP_SYS_NICE, and threads that are "
		"not pinned: their affinity must hold all CPUs of their cpuset\n"
		"weight: no cgroup was named under which threads may be put\n"
		"nice up: it could not be undone: Operation not permitted; going back to nice 0 "
		"needs CAP_SYS_NICE, or RLIMIT_NICE of 20 (it is 0)\n");
}

static void test_slice_and_affinity_need_nothing(void **state)
{
	struct report affinity = {.wanted = PVS_ACT_AFFINITY};
	struct report both = {.wanted = PVS_ACT_SLICE | PVS_ACT_AFFINITY};
	/* Root, to know whether this kernel has slices at all. */
	struct pvs_probe root;

	assert_int_equal(pvs_probe_run(NULL, PVS_ACT_ALL, &root, NULL), 0);
	run(&affinity);
	assert_string_equal(affinity.text, "");
	run(&both);
	assert_int_equal(both.works, PVS_ACT_AFFINITY | (root.actuators & PVS_ACT_SLICE));
}

static void test_some(void **state)
{
	struct report report = {.wanted = PVS_ACT_FIFO, .nice = 25, .rtprio = 7};

	run(&report);
	assert_int_equal(report.works & PRIVILEGED,
			 PVS_ACT_NICE_UP | PVS_ACT_NICE_DOWN | PVS_ACT_FIFO);
	assert_int_equal(report.nice_min, -5);
	assert_int_equal(report.prio_max, 7);
	assert_string_equal(report.text, "FIFO: to priority 7 only; more needs CAP_SYS_NICE, or a "
					 "greater RLIMIT_RTPRIO (it is 7)\n");
}

static void test_nice_limit(void **state)
{
	struct report some = {.wanted = PVS_ACT_NICE_DOWN, .nice = 25};
	struct report all = {.wanted = PVS_ACT_NICE_DOWN, .nice = 40};
	const char first[] = "nice down: to -5 only; lower needs CAP_SYS_NICE, or RLIMIT_NICE of "
			     "40 for -20 (it is 25)\n";

	run(&some);
	/* After it, where autogroup is on, what that means. */
	assert_memory_equal(some.text, first, strlen(first));
	run(&all);
	assert_int_equal(all.nice_min, -20);
	assert_int_not_equal(strncmp(all.text, "nice down", 9), 0);
}

/* Going back to 0 is all that this limit permits: nice up works, nice down does not. */
static void test_nice_up_only(void **state)
{
	struct report report = {.nice = 20};

	run(&report);
	assert_int_equal(report.works & PRIVILEGED, PVS_ACT_NICE_UP);
	assert_string_equal(report.text, "");
}

static void test_capability_is_enough(void **state)
{
	struct report report = {.wanted = PRIVILEGED & ~PVS_ACT_NICE_UP & ~PVS_ACT_NICE_DOWN,
				.sys_nice = true};

	run(&report);
	assert_int_equal(report.works & PRIVILEGED, PRIVILEGED);
	assert_int_equal(report.nice_min, -20);
	assert_int_equal(report.prio_max, 99);
	assert_true(report.reset_on_fork);
	assert_string_equal(report.text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_slice_and_affinity_need_nothing),
		cmocka_unit_test(test_some),
		cmocka_unit_test(test_nice_limit),
		cmocka_unit_test(test_nice_up_only),
		cmocka_unit_test(test_capability_is_enough),
	};

	if (geteuid() != 0) {
		print_message("needs root, to become nobody\n");
		return 77; /* meson: skipped */
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
