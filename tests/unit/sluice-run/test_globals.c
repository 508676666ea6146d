// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Global variables: set from the command line, shown at the end. The program is the loader's test
 * object, which passes all frames unless their queue is not below the constant `limit`. */
#include "fixture.h"

#include <glib.h>

#define FRAMES 20

static const char *object(void)
{
	return g_getenv("BPF_GLOBALS");
}

static void as_compiled(void **state)
{
	g_autofree char *capture = make_capture(state, "-n", "20", NULL);
	struct json_object *json = expect_json(sluice_run("--json", object(), capture));
	GHashTable *bss = json_map(json, ".bss");

	assert_int_equal(json_number(json, "verdicts", "pass"), FRAMES);
	/* seen, then dropped or the reverse */
	assert_true(!g_strcmp0(g_hash_table_lookup(bss, "00000000"), "1400000000000000") ||
		    !g_strcmp0(g_hash_table_lookup(bss, "00000000"), "0000000014000000"));
	g_hash_table_unref(bss);
	json_object_put(json);
}

static void constant_changed(void **state)
{
	g_autofree char *capture = make_capture(state, "-n", "20", NULL);
	struct json_object *json =
		expect_json(sluice_run("--json", "--global", "limit=0", object(), capture));

	assert_int_equal(json_number(json, "verdicts", "drop"), FRAMES);
	json_object_put(json);
}

static void refused(void **state)
{
	g_autofree char *capture = make_capture(state, "-n", "1", NULL);

	expect_failure(sluice_run("-g", "nothing=1", object(), capture), 2,
		       "--global nothing=1: the object has no one global variable of that name");
	expect_failure(sluice_run("-g", "limit", object(), capture), 2,
		       "--global limit: expected NAME=VALUE, such as limit=100");
	expect_failure(sluice_run("-g", "limit=4294967296", object(), capture), 2,
		       "--global limit=4294967296: value '4294967296' does not fit its 4 bytes; "
		       "write an integer, an IP address, or hex: and 8 digits");
	expect_failure(sluice_run("--filter", "udp", "-g", "limit=1", capture), 2,
		       "--program, --map and --global need PROG.o, not --filter; see sluice-run "
		       "--help");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(as_compiled),
		scratch_test(constant_changed),
		scratch_test(refused),
	};

	return run_tests_on_objects(tests);
}
