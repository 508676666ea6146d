/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The daemon as a user meets it: exit codes, words, status, another policy, SIGTERM. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "process_double.h"
#include "pvs.h"

#define ARGS 12

struct output {
	int status; /* exit code */
	char text[16384];
};

static pid_t start(const char *const *args, int *fd)
{
	const char *argv[ARGS + 2] = {getenv("SLUICE_PVSD")};
	int fds[2];
	pid_t pid;

	assert_non_null(argv[0]);
	for (int i = 0; args[i]; i++)
		argv[i + 1] = args[i];
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fds[1], STDOUT_FILENO);
		dup2(fds[1], STDERR_FILENO);
		close(fds[0]);
		close(fds[1]);
		execv(argv[0], (char **)(uintptr_t)argv);
		_exit(127);
	}
	close(fds[1]);
	*fd = fds[0];
	return pid;
}

static void finish(pid_t pid, int fd, struct output *output)
{
	size_t len = 0;
	ssize_t n;
	int status;

	while ((n = read(fd, output->text + len, sizeof(output->text) - 1 - len)) > 0)
		len += (size_t)n;
	output->text[len] = '\0';
	close(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	output->status = WEXITSTATUS(status);
}

static void run(struct output *output, const char *const *args)
{
	int fd;
	pid_t pid = start(args, &fd);

	finish(pid, fd, output);
}

#define RUN(output, ...) run(output, (const char *const[]){__VA_ARGS__, NULL})

static void assert_begins(const struct output *output, const char *text)
{
	char begin[512];

	snprintf(begin, sizeof(begin), "%.*s", (int)strlen(text), output->text);
	assert_string_equal(begin, text);
}

static void test_usage(void **state)
{
	struct output output;

	RUN(&output, "--prio-max", "99");
	assert_begins(&output, "sluice-pvsd: --prio-max: '99' is not a number from 1 to 98\n");
	assert_int_equal(output.status, 2);
	RUN(&output, "--tick-us", "0");
	assert_begins(&output, "sluice-pvsd: --tick-us: '0' is not a number from 50 to 1000000\n");
	assert_int_equal(output.status, 2);
	RUN(&output, "--set", "fifo");
	assert_begins(&output, "sluice-pvsd: --set: 'fifo' is not NAME=INTEGER\n");
	assert_int_equal(output.status, 2);
	RUN(&output, "--switch-events", "maybe");
	assert_begins(&output, "sluice-pvsd: --switch-events: 'maybe' is none of its values; see "
			       "--help\n");
	assert_int_equal(output.status, 2);
	RUN(&output, "dance");
	assert_begins(&output, "sluice-pvsd: 'dance' is no command; status, policy and record "
			       "are\n");
	assert_int_equal(output.status, 2);
	RUN(&output, "policy", "boost");
	assert_begins(&output, "sluice-pvsd policy: expected: set NAME\n");
	assert_int_equal(output.status, 2);
	RUN(&output, "record");
	assert_begins(&output, "sluice-pvsd record: expected: FILE, or off\n");
	assert_int_equal(output.status, 2);
	RUN(&output, "status", "-h");
	assert_begins(&output, "Usage: sluice-pvsd status [OPTION...]\n");
	assert_int_equal(output.status, 0);
}

static void test_nobody_there(void **state)
{
	struct output output;

	RUN(&output, "status", "-s", "/nonexistent/sock");
	assert_string_equal(output.text, "sluice-pvsd: /nonexistent/sock: No such file or "
					 "directory; is sluice-pvsd running?\n");
	assert_int_equal(output.status, 1);
	RUN(&output, "-s", "/nonexistent/sock", "-p", "nonsense", "-q");
	assert_int_equal(output.status, 1);
	assert_string_equal(output.text,
			    "sluice-pvsd: policy 'nonsense': no such file (No such file or "
			    "directory), and built in are none, boost, deadline, lock-holder, "
			    "fair-budget only\n");
}

static bool is_there(void *opaque)
{
	struct stat st;

	return stat(opaque, &st) == 0;
}

/* A socket is there a moment before somebody listens. */
static bool answers(void *opaque)
{
	struct output output;

	RUN(&output, "status", "-s", opaque);
	return output.status == 0;
}

static void test_serve(void **state)
{
	char directory[] = "/tmp/pvsd-XXXXXX", path[64], file[64], text[128];
	struct output output;
	pid_t pid;
	int fd;

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/sock", directory);
	pid = start((const char *const[]){"-s", path, "-p", "none", "--mode", "600", "-q", NULL},
		    &fd);
	assert_true(wait_for(answers, path));
	RUN(&output, "status", "-j", "-s", path);
	assert_int_equal(output.status, 0);
	snprintf(text, sizeof(text), "{\n  \"pid\":%d,\n  \"policy\":{\n    \"name\":\"none\",",
		 (int)pid);
	assert_begins(&output, text);
	assert_non_null(strstr(output.text, "\"guarded\":true"));
	RUN(&output, "policy", "set", "nonsense", "-s", path);
	assert_int_equal(output.status, 1);
	RUN(&output, "policy", "set", "boost", "--set", "nonsense=1", "-s", path);
	assert_int_equal(output.status, 1);
	RUN(&output, "status", "-s", path);
	assert_begins(&output, "policy none version ");
	RUN(&output, "policy", "set", "boost", "--set", "fifo=0", "-s", path);
	assert_int_equal(output.status, 0);
	RUN(&output, "status", "-s", path);
	assert_begins(&output, "policy boost version ");
	/* A file's name is of the directory where the command was given. */
	snprintf(file, sizeof(file), "%s/record", directory);
	assert_int_equal(chdir(directory), 0);
	RUN(&output, "record", "record", "-s", path);
	assert_string_equal(output.text, "");
	assert_int_equal(output.status, 0);
	assert_true(is_there(file));
	RUN(&output, "record", "off", "-s", path);
	assert_int_equal(output.status, 0);
	RUN(&output, "record", "/nonexistent/record", "-s", path);
	assert_int_equal(output.status, 1);
	assert_int_equal(unlink(file), 0);
	/* Two managers at one socket there are not. */
	RUN(&output, "-s", path, "-q", "--no-guard", "--switch-events", "off");
	assert_int_equal(output.status, 1);
	snprintf(text, sizeof(text), "sluice-pvsd: %s: another manager listens there\n", path);
	assert_non_null(strstr(output.text, text));
	assert_int_equal(kill(pid, SIGTERM), 0);
	finish(pid, fd, &output);
	assert_int_equal(output.status, 0);
	assert_false(is_there(path));
	assert_int_equal(rmdir(directory), 0);
}

/* A socket left by one that was killed is in nobody's way. */
static void test_left_behind(void **state)
{
	char directory[] = "/tmp/pvsd-XXXXXX", path[64];
	const char *const args[] = {"-s", path, "-q", "--switch-events", "off", NULL};
	struct output output;
	pid_t pid;
	int fd;

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/sock", directory);
	pid = start(args, &fd);
	assert_true(wait_for(answers, path));
	process_kill(pid);
	close(fd);
	assert_true(is_there(path));
	assert_false(answers(path));
	pid = start(args, &fd);
	assert_true(wait_for(answers, path));
	assert_int_equal(kill(pid, SIGTERM), 0);
	finish(pid, fd, &output);
	assert_int_equal(output.status, 0);
	assert_int_equal(rmdir(directory), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usage),
		cmocka_unit_test(test_nobody_there),
		cmocka_unit_test(test_serve),
		cmocka_unit_test(test_left_behind),
	};

	if (!pvs_policy_names()[0]) {
		print_message("no policies are built in: this was built without clang\n");
		return 77; /* meson: skipped */
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
