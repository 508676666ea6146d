// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Fuzz target: bytes become a program, which is loaded and, if accepted, run by the checked
 * interpreter in two places, and in compiled code. An access outside what a program may touch, an
 * instruction the verifier never reached, or a result that depends on where memory lies is a crash.
 *
 * The first byte chooses: even, the rest are instructions as they are; odd, the rest steers the
 * generator of tests/verifier. With FUZZ_STANDALONE each file given is run once, so that any
 * compiler can replay a corpus.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bpf_engine.h"
#include "engines.h"
#include "generate.h"
#include "run_generated.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	bpfe_thread_register();
	return engines_setup() ? 0 : -1;
}

static uint32_t make_program(const uint8_t *data, size_t size, struct bpf_insn *insns)
{
	uint32_t n = (uint32_t)(size - 1) / sizeof(*insns);

	if (data[0] & 1)
		return generate_program(data + 1, size - 1, insns);
	n = n < GENERATED_MAX ? n : GENERATED_MAX;
	memcpy(insns, data + 1, n * sizeof(*insns));
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char what[1 << 14];
	static unsigned runs;
	struct bpf_insn insns[GENERATED_MAX];
	enum generated_outcome outcome;
	uint32_t n;

	if (!size)
		return 0;
	n = make_program(data, size, insns);
	outcome = run_generated(insns, n, what, sizeof(what));
	if (outcome != GENERATED_REFUSED && outcome != GENERATED_RAN) {
		fprintf(stderr, "outcome %d: %s\n", outcome, what);
		abort();
	}
	/* Who is refused is told why. */
	if (outcome == GENERATED_REFUSED && !what[0])
		abort();
	if (outcome == GENERATED_RAN && engines_run_xdp(insns, n, size, what) != ENGINES_SAME) {
		fprintf(stderr, "%s\n", what);
		abort();
	}
	if (++runs % 256 == 0)
		bpfe_rcu_barrier();
	return 0;
}

#ifdef FUZZ_STANDALONE
int main(int argc, char **argv)
{
	static uint8_t data[1 << 16];

	LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++) {
		FILE *file = fopen(argv[i], "rb");
		size_t size;

		if (!file) {
			perror(argv[i]);
			return 1;
		}
		size = fread(data, 1, sizeof(data), file);
		fclose(file);
		LLVMFuzzerTestOneInput(data, size);
	}
	engines_teardown();
	bpfe_thread_unregister();
	bpfe_rcu_barrier();
	return argc < 2;
}
#endif
