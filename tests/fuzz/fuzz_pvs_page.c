/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Fuzz target: the shared pages of paravirtual scheduling and all that comes of them. The bytes say
 * what a guest writes and when, and what a policy wishes; see tests/unit/pvs/bad_guest.h for what
 * must hold.
 *
 * With clang -fsanitize=fuzzer it is a libFuzzer program. With FUZZ_STANDALONE it runs each file it
 * is given once, then scripts from a fixed pseudo-random sequence.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bad_guest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *broken = bad_guest_run(data, size);

	if (broken) {
		fprintf(stderr, "fuzz_pvs_page: %s\n", broken);
		abort();
	}
	return 0;
}

#ifdef FUZZ_STANDALONE
#define SCRIPTS    2000u
#define SCRIPT_MAX 4096u

static void run_file(const char *path)
{
	static uint8_t data[1 << 16];
	FILE *f = fopen(path, "rb");
	size_t size;

	if (!f) {
		perror(path);
		exit(1);
	}
	size = fread(data, 1, sizeof(data), f);
	fclose(f);
	LLVMFuzzerTestOneInput(data, size);
}

static void run_random(void)
{
	static uint8_t data[SCRIPT_MAX];
	uint64_t x = 20260101;

	for (unsigned i = 0; i < SCRIPTS; i++) {
		size_t size = 0;

		for (; size < SCRIPT_MAX; size++) {
			x = x * 6364136223846793005ull + 1442695040888963407ull;
			data[size] = (uint8_t)(x >> 33);
		}
		LLVMFuzzerTestOneInput(data, size);
	}
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		run_file(argv[i]);
	run_random();
	printf("%d files, %u random scripts\n", argc - 1, SCRIPTS);
	return 0;
}
#endif
