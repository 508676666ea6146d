// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "tool.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void give_input(int fd, const char *input)
{
	size_t len = strlen(input);

	/* Less than a pipe holds, so that nobody waits for the reader. */
	assert_in_range(len, 0, 60000);
	assert_int_equal(write(fd, input, len), len);
	close(fd);
}

static char *take_output(int fd)
{
	GString *text = g_string_new(NULL);
	char block[4096];
	ssize_t n;

	while ((n = read(fd, block, sizeof(block))) > 0)
		g_string_append_len(text, block, n);
	close(fd);
	return g_string_free(text, FALSE);
}

struct run sluice_bpf_input(const char *input, ...)
{
	GPtrArray *argv = g_ptr_array_new();
	GError *error = NULL;
	struct run run;
	int in, out, err, status;
	va_list args;
	char *arg;
	GPid pid;

	g_ptr_array_add(argv, (gpointer)(uintptr_t)g_getenv("SLUICE_BPF"));
	va_start(args, input);
	while ((arg = va_arg(args, char *)))
		g_ptr_array_add(argv, arg);
	va_end(args);
	g_ptr_array_add(argv, NULL);
	if (!g_spawn_async_with_pipes(NULL, (char **)argv->pdata, NULL, G_SPAWN_DO_NOT_REAP_CHILD,
				      NULL, NULL, &pid, &in, &out, &err, &error))
		fail_msg("%s", error->message);
	give_input(in, input);
	run.out = take_output(out);
	run.err = take_output(err);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	run.status = WEXITSTATUS(status);
	g_ptr_array_unref(argv);
	return run;
}

void expect_error(struct run run, int status, const char *message)
{
	g_autofree char *expected = g_strdup_printf("sluice-bpf: %s\n", message);

	assert_string_equal(run.err, expected);
	assert_string_equal(run.out, "");
	assert_int_equal(run.status, status);
	run_clear(&run);
}

void expect_output(struct run run, int status, const char *text)
{
	assert_string_equal(run.err, "");
	assert_string_equal(run.out, text);
	assert_int_equal(run.status, status);
	run_clear(&run);
}

void expect_match(struct run run, int status, const char *pattern)
{
	g_autofree char *whole = g_strdup_printf("\\A%s\\z", pattern);

	assert_string_equal(run.err, "");
	if (!g_regex_match_simple(whole, run.out, 0, 0))
		fail_msg("expected: %s\ngot: %s", pattern, run.out);
	assert_int_equal(run.status, status);
	run_clear(&run);
}

char *make_filter(void **state, const char *name, const char *expression)
{
	char *path = scratch_path(state, name);

	expect_output(sluice_bpf("filter", "-o", path, expression), 0, "");
	return path;
}
