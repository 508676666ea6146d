// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Fuzz target: bytes become a classic program and a frame. What the validator accepts is converted,
 * is accepted by the verifier, runs in the checked interpreter to its end, and gives the answer of
 * libpcap's interpreter; what it refuses, it gives a reason for.
 *
 * The first byte chooses: even, the program's bytes are its instructions as they are; odd, they
 * steer the generator of tests/unit/classic. The second is the frame's length. With FUZZ_STANDALONE
 * each file given is run once, so that any compiler can replay a corpus.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "compare.h"
#include "generate.h"

#define INSNS_MAX 512u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	bpfe_thread_register();
	return 0;
}

static void fail(const char *what, const struct compare *c)
{
	fprintf(stderr, "%s: %s\n", what, c->why);
	abort();
}

static void check(const struct sock_filter *insns, uint32_t n, const uint8_t *frame, uint32_t len)
{
	static struct compare c;
	enum compare_outcome outcome = compare_begin(&c, insns, n, BPFE_LOAD_CHECKED);
	uint32_t value;

	if (outcome == COMPARE_REFUSED && !c.why[0])
		fail("refused without a reason", &c);
	if (outcome == COMPARE_NOT_ACCEPTED)
		fail("converted and then refused", &c);
	if (outcome == COMPARE_SAME) {
		outcome = compare_run(&c, frame, len, &value);
		if (outcome == COMPARE_ABORTED)
			fail("did not end", &c);
		if (outcome == COMPARE_DIFFERENT && !compare_has_ancillary(insns, n))
			fail("other answer", &c);
	}
	compare_end(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned runs;
	struct sock_filter insns[INSNS_MAX];
	uint32_t n, len;

	if (size < 2)
		return 0;
	len = data[1] < size - 2 ? data[1] : (uint32_t)size - 2;
	if (data[0] & 1) {
		n = generate_classic(data + 2 + len, size - 2 - len, insns);
	} else {
		n = (uint32_t)((size - 2 - len) / sizeof(insns[0]));
		n = n < INSNS_MAX ? n : INSNS_MAX;
		memcpy(insns, data + 2 + len, n * sizeof(insns[0]));
	}
	check(insns, n, data + 2, len);
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
	bpfe_thread_unregister();
	bpfe_rcu_barrier();
	return argc < 2;
}
#endif
