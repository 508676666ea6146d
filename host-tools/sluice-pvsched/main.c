// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* sluice-pvsched: policies of paravirtual scheduling and records of what they decided, with no VM.
 */
#include <bpf_engine.h>
#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "pvsched.h"

static const struct {
	const char *name, *sub; /* sub NULL: the name is the whole */
	const char *what;
	subcommand_fn run;
} subcommands[] = {
	{"policy", "list", "the policies that are built in", cmd_policy_list},
	{"policy", "info", "what a policy has: callbacks, tunables, maps", cmd_policy_info},
	{"policy", "verify", "would policies be accepted, and if not, why", cmd_policy_verify},
	{"replay", NULL, "make a record's decisions again, with another policy", cmd_replay},
	{"compare", NULL, "do all hosts of a policy decide the same", cmd_compare},
	{"record", "dump", "print a record", cmd_record_dump},
	{"gen", NULL, "write a record of generated events", cmd_gen},
};

#define N_SUBCOMMANDS (sizeof(subcommands) / sizeof(subcommands[0]))

/* Of all, or of those named @name. */
static void print_help(const char *name)
{
	printf("Usage: sluice-pvsched %s [OPTION...] ...\n\n", name ? name : "SUBCOMMAND");
	for (size_t i = 0; i < N_SUBCOMMANDS; i++)
		if (!name || !strcmp(name, subcommands[i].name))
			printf("  %-7s %-7s %s\n", subcommands[i].name,
			       subcommands[i].sub ? subcommands[i].sub : "", subcommands[i].what);
	puts("\nsluice-pvsched SUBCOMMAND --help explains each.");
}

static bool asks_help(const char *word)
{
	return !strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help");
}

/* The first half of a subcommand's name. */
static bool is_group(const char *word)
{
	for (size_t i = 0; i < N_SUBCOMMANDS; i++)
		if (subcommands[i].sub && !strcmp(word, subcommands[i].name))
			return true;
	return false;
}

static int run(size_t i, int argc, char **argv)
{
	char name[64];
	int code;

	snprintf(name, sizeof(name), "sluice-pvsched %s%s%s", subcommands[i].name,
		 subcommands[i].sub ? " " : "", subcommands[i].sub ? subcommands[i].sub : "");
	argv[0] = name;
	bpfe_thread_register();
	code = subcommands[i].run(argc, argv);
	bpfe_thread_unregister();
	bpfe_rcu_barrier();
	return code;
}

/* The subcommand, and in @words how many arguments name it; N_SUBCOMMANDS: none. */
static size_t find(int argc, char **argv, int *words)
{
	size_t i;

	for (i = 0; i < N_SUBCOMMANDS; i++) {
		*words = subcommands[i].sub ? 2 : 1;
		if (argc <= *words || strcmp(argv[1], subcommands[i].name))
			continue;
		if (!subcommands[i].sub || !strcmp(argv[2], subcommands[i].sub))
			break;
	}
	return i;
}

int main(int argc, char **argv)
{
	int words, code;
	size_t i;

	libbpf_set_print(NULL); /* what matters is said by this program */
	if (argc > 1 && asks_help(argv[1])) {
		print_help(NULL);
		return EXIT_FINE;
	}
	if (argc > 2 && is_group(argv[1]) && asks_help(argv[2])) {
		print_help(argv[1]);
		return EXIT_FINE;
	}
	i = find(argc, argv, &words);
	if (i == N_SUBCOMMANDS) {
		if (argc < 2)
			complain("which subcommand? sluice-pvsched --help lists them");
		else
			complain("no subcommand '%s%s%s'; sluice-pvsched --help lists them",
				 argv[1], argc > 2 ? " " : "", argc > 2 ? argv[2] : "");
		return EXIT_USAGE;
	}
	code = run(i, argc - words, argv + words);
	if (fflush(stdout) || ferror(stdout)) {
		perror("sluice-pvsched: standard output");
		code = EXIT_FAILED;
	}
	return code;
}
