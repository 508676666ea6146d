// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* No program takes the verifier long, or much memory; most that are hard are accepted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "stress.h"

static struct corpus_maps maps;

static void test_shape(void **state)
{
	const struct stress_shape *shape = *state;
	struct stress_program p = {.insns = calloc(BPFE_MAX_INSNS, sizeof(*p.insns))};
	char text[4096] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_image image;
	int err;

	assert_non_null(p.insns);
	shape->build(&p);
	err = corpus_verify(&maps, p.insns, p.n, NULL, &image, &log);
	if (err && shape->accepted)
		fail_msg("returned %d: %s", err, text);
	assert_int_equal(err != 0, !shape->accepted);
	assert_in_range(image.insns_verified, p.n / 2, shape->most_insns);
	assert_in_range(image.peak_bytes, 1, shape->most_bytes);
	bpfe_image_close(&image);
	free(p.insns);
}

static int setup(void **state)
{
	return corpus_maps_create(&maps);
}

static int teardown(void **state)
{
	corpus_maps_destroy(&maps);
	return 0;
}

int main(void)
{
	static struct CMUnitTest tests[100];
	size_t n = 0;

	for (; n < n_stress_shapes; n++)
		tests[n] = (struct CMUnitTest){stress_shapes[n].name, test_shape, NULL, NULL,
					       (void *)(uintptr_t)&stress_shapes[n]};
	return _cmocka_run_group_tests("stress", tests, n, setup, teardown);
}
