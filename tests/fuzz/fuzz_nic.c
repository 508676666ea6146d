/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Doorbells, guest memory, frames, commands and faults from a fuzzer's bytes
 * (tests/model/hostile.h).
 *
 * To search:
 *   clang -g -O1 -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined -I include -I nic-model \
 *     -I nic-model/include -I bpf-engine -I bpf-engine/include -I tests/model \
 *     tests/fuzz/fuzz_nic.c tests/model/{hostile,model_guest,frames,programs}.c nic-model/[a-z]*.c
 * \
 *     $(find bpf-engine -name '[a-z]*.c' -not -path '*loader*') -lurcu-memb -lpthread
 */
#include <stdio.h>
#include <stdlib.h>

#include <bpf_engine.h>

#include "hostile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ready(void)
{
	static int done;

	if (done++)
		return;
	bpfe_thread_register();
	hostile_init();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *broken;

	ready();
	broken = hostile_run(data, size);
	if (broken) {
		fprintf(stderr, "fuzz_nic: %s\n", broken);
		abort();
	}
	return 0;
}
