/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Random operations, from a seed that is printed; SLUICE_SEED repeats a run. Each round is a NIC of
 * its own.
 */
#include <stdio.h>

#include "hostile.h"
#include "scenario.h"

#define ROUNDS 400u
#define BYTES  6000u

static unsigned seed = 20240607;

static void random_operations(void **state)
{
	static uint8_t bytes[BYTES];

	for (unsigned round = 0; round < ROUNDS; round++) {
		const char *broken;

		srandom(seed + round);
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)random();
		broken = hostile_run(bytes, sizeof(bytes));
		if (broken)
			fail_msg("SLUICE_SEED=%u: %s", seed + round, broken);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(random_operations)};
	const char *wish = getenv("SLUICE_SEED");
	int failed;

	if (wish)
		seed = (unsigned)strtoul(wish, NULL, 0);
	printf("# %u rounds from SLUICE_SEED=%u\n", ROUNDS, seed);
	bpfe_thread_register();
	hostile_init();
	failed = cmocka_run_group_tests_name("random", tests, NULL, NULL);
	hostile_fini();
	bpfe_rcu_barrier();
	bpfe_thread_unregister();
	return failed;
}
