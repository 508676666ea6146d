// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * pvschedctl: paravirtual scheduling as seen from the guest.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

static const struct {
	const char *name;
	const char *what;
	ctl_run run;
} ctl_commands[] = {
	{"status", "what was negotiated, the policy, the pages' memory", cmd_status},
	{"features", "each feature: offered, in use", cmd_features},
	{"clock", "guest's clock against host's", cmd_clock},
	{"show", "hints and host state of each vCPU, once", cmd_show},
	{"top", "the same, live", cmd_top},
	{"list", "guest programs that are loaded", cmd_list},
	{"load", "load a guest program", cmd_load},
	{"unload", "take a guest program out", cmd_unload},
	{"hint", "store a hint by hand", cmd_hint},
	{"bench", "what a hint costs", cmd_bench},
	{"renegotiate", "reset the device and negotiate anew", cmd_renegotiate},
};

#define N_COMMANDS (sizeof(ctl_commands) / sizeof(ctl_commands[0]))

static void print_help(void)
{
	puts("Usage: pvschedctl COMMAND [OPTION...] ...\n");
	for (size_t i = 0; i < N_COMMANDS; i++)
		printf("  %-12s %s\n", ctl_commands[i].name, ctl_commands[i].what);
	puts("\n-j, --json gives JSON; pvschedctl COMMAND --help explains each.");
}

int ctl_fail(int code, const char *fmt, ...)
{
	va_list args;

	fputs("pvschedctl: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	return code;
}

bool ctl_parse(const struct argp *argp, int argc, char **argv, void *input, int *code)
{
	static char name[64], help[] = "--help";

	snprintf(name, sizeof(name), "pvschedctl %s", argv[0]);
	argv[0] = name;
	argp_err_exit_status = CTL_USAGE;
	/* argp has no short one. */
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "-h"))
			argv[i] = help;
	*code = CTL_USAGE;
	/* --help and usage errors end the program in argp. */
	return !argp_parse(argp, argc, argv, 0, NULL, input);
}

void ctl_print_json(struct json_object *object)
{
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
							    JSON_C_TO_STRING_SPACED |
							    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
}

bool ctl_number(const char *text, uint64_t max, uint64_t *value)
{
	unsigned long long number;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	number = strtoull(text, &end, 0);
	if (*end || errno || number > max)
		return false;
	*value = number;
	return true;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		print_help();
		return CTL_USAGE;
	}
	if (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help")) {
		print_help();
		return CTL_OK;
	}
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (!strcmp(ctl_commands[i].name, argv[1]))
			return ctl_commands[i].run(argc - 1, argv + 1);
	return ctl_fail(CTL_USAGE, "there is no command '%s'; see pvschedctl --help", argv[1]);
}
