/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Doorbells, guest memory, frames, commands and faults from a fuzzer's bytes: see
 * tests/model/hostile.h, whose random run is the test "model random". To search: meson -Dfuzz=true.
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
