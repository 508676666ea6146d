// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What counts as the same outcome, and what is said of others. */
#include "made_up.h"

#include <outcome.h>
#include <string.h>

static struct outcome a, b;

static int same(void **state)
{
	a = (struct outcome){.retval = 7, .frame = {1, 2, 3}, .frame_len = 3, .n_maps = 1};
	strcpy(a.maps[0].name, "flows");
	map_digest_add(&a.maps[0], "key", 3, "value", 5, 0);
	b = a;
	return 0;
}

static void expect(const char *message)
{
	GError *error = NULL;
	const gboolean equal = outcome_equal(&a, "this", &b, "that", &error);

	assert_int_equal(equal, !message);
	if (message)
		assert_string_equal(error->message, message);
	g_clear_error(&error);
}

static void equal(void **state)
{
	expect(NULL);
}

static void verdicts(void **state)
{
	b.retval = 8;
	expect("this returns 0x00000007, that returns 0x00000008");
}

static void frames(void **state)
{
	b.frame[2] = 4;
	expect("byte 2 of the frame is 0x03 after this and 0x04 after that");
	b.frame_len = 2;
	expect("the frame has 3 bytes after this and 2 after that");
}

static void maps(void **state)
{
	struct map_digest *digest = &b.maps[0];

	a.maps[0].sum = 1;
	digest->sum = 2;
	expect("map flows has 1 entries (sum 0000000000000001) after this and 1 "
	       "(0000000000000002) after that");
}

/* Elements in any order are the same contents; other values are not. */
static void digests(void **state)
{
	struct map_digest x = {0}, y = {0}, z = {0};

	map_digest_add(&x, "a", 1, "1", 1, 0);
	map_digest_add(&x, "b", 1, "2", 1, 0);
	map_digest_add(&y, "b", 1, "2", 1, 0);
	map_digest_add(&y, "a", 1, "1", 1, 0);
	map_digest_add(&z, "b", 1, "1", 1, 0);
	map_digest_add(&z, "a", 1, "2", 1, 0);
	assert_int_equal(x.entries, 2);
	assert_true(x.sum == y.sum);
	assert_true(x.sum != z.sum);
}

/* Of a per-CPU map what all processors have together, whichever of them has it. */
static void processors(void **state)
{
	const uint64_t first[2] = {5, 0}, second[2] = {0, 5}, other[2] = {0, 6};
	struct map_digest x = {0}, y = {0}, z = {0};

	map_digest_add(&x, "a", 1, first, 8, 2);
	map_digest_add(&y, "a", 1, second, 8, 2);
	map_digest_add(&z, "a", 1, other, 8, 2);
	assert_true(x.sum == y.sum);
	assert_true(x.sum != z.sum);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(equal, same),   cmocka_unit_test_setup(verdicts, same),
		cmocka_unit_test_setup(frames, same),  cmocka_unit_test_setup(maps, same),
		cmocka_unit_test_setup(digests, same), cmocka_unit_test_setup(processors, same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
