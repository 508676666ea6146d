/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* /proc/TID/schedstat: a thread's times only grow, and a thread that is not there is -ESRCH. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "pvs.h"

static void test_own_thread(void **state)
{
	const int fd = pvs_schedstat_open((pid_t)syscall(SYS_gettid));
	uint64_t run, wait, run_before = 0, wait_before = 0;
	unsigned grew = 0;

	assert_true(fd >= 0);
	/* Until the kernel has charged this thread twice: it runs all the while. */
	while (grew < 2) {
		assert_int_equal(pvs_schedstat_read(fd, &run, &wait), 0);
		assert_true(run >= run_before && wait >= wait_before);
		grew += run > run_before;
		run_before = run;
		wait_before = wait;
	}
	close(fd);
}

static void test_gone(void **state)
{
	const pid_t child = fork();
	uint64_t run, wait;
	int fd;

	if (child == 0) {
		pause();
		_exit(0);
	}
	fd = pvs_schedstat_open(child);
	assert_true(fd >= 0);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(pvs_schedstat_read(fd, &run, &wait), -ESRCH);
	assert_int_equal(pvs_schedstat_open(child), -ESRCH);
	close(fd);
}

static void test_not_schedstat(void **state)
{
	uint64_t run, wait;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(pvs_schedstat_read(fds[0], &run, &wait), -EIO);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_thread),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_not_schedstat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
