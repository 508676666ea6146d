// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* --routes: the forwarding table from a file, asked by xdp_router; and files that are wrong. */
#include "fixture.h"

#include <pcap/pcap.h>

#define FRAMES 100

/* A file in the scratch folder with @text. */
static char *routes_file(void **state, const char *text)
{
	char *path = scratch_path(state, "routes");

	assert_true(g_file_set_contents(path, text, -1, NULL));
	return path;
}

/* Frames of a capture that xdp_router looks at. */
static uint64_t ipv4_frames(const char *path)
{
	char error[PCAP_ERRBUF_SIZE];
	pcap_t *capture = pcap_open_offline(path, error);
	struct pcap_pkthdr *header;
	const u_char *data;
	uint64_t n = 0;

	assert_non_null(capture);
	while (pcap_next_ex(capture, &header, &data) == 1)
		n += header->caplen >= 34 && data[12] == 0x08 && data[13] == 0x00;
	pcap_close(capture);
	assert_true(n > 0);
	return n;
}

/* Run with @text for a table; all IPv4 frames must have @verdict, all others pass. */
static struct json_object *route(void **state, const char *text, const char *verdict)
{
	g_autofree char *program = example("xdp_router");
	g_autofree char *capture = make_capture(state, "-n", "100", NULL);
	g_autofree char *routes = routes_file(state, text);
	struct json_object *json =
		expect_json(sluice_run("--json", "--routes", routes, program, capture));
	uint64_t ipv4 = ipv4_frames(capture);

	if (g_str_equal(verdict, "pass"))
		ipv4 = FRAMES;
	assert_int_equal(json_number(json, "verdicts", verdict), ipv4);
	if (ipv4 < FRAMES)
		assert_int_equal(json_number(json, "verdicts", "pass"), FRAMES - ipv4);
	return json;
}

static void forwards(void **state)
{
	struct json_object *json = route(state,
					 "# the one port\n"
					 "link set dev 1 address 02:00:00:00:00:01\n"
					 "\n"
					 "route add default via 192.0.2.9 dev 1\n"
					 "neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev 1\n",
					 "redirect");

	assert_int_equal(json_number(json, "counters", "xdp_redirect_sent"),
			 json_number(json, "verdicts", "redirect"));
	json_object_put(json);
}

static void drops_into_a_blackhole(void **state)
{
	json_object_put(route(state, "link set dev 1\nroute add blackhole default\n", "drop"));
}

/* Without a neighbour, after it was removed, and without forwarding the guest gets the frames. */
static void passes_what_it_cannot_forward(void **state)
{
	static const char *const tables[] = {
		"link set dev 1\nroute add 0.0.0.0/0 via 192.0.2.9 dev 1\n",
		"link set dev 1\nroute add default via 192.0.2.9 dev 1\n"
		"neigh replace 192.0.2.9 lladdr 02:00:00:00:00:09 dev 1\nneigh del 192.0.2.9 dev "
		"1\n",
		"link set dev 1 forwarding off\nroute add default dev 1\n",
		"link set dev 1 mtu 20\nroute add default dev 1\n",
		"link set dev 1\n-6 route add default dev 1\n",
		"",
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(tables); i++)
		json_object_put(route(state, tables[i], "pass"));
}

static void wrong_lines(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"\nbridge add x\n", "2: link, route or neigh was expected, not 'bridge'"},
		{"link add dev 1", "1: link knows only: link set dev N ..."},
		{"link set dev eth0", "1: 'dev' needs a number, not 'eth0'"},
		{"link set dev 0", "1: link 0: Invalid argument"},
		{"link set dev 1 mtu", "1: 'mtu' needs a value"},
		{"link set dev 1 address 12", "1: 'address' needs a MAC address, not '12'"},
		{"link set dev 1 address 02:00:00:00:00:05:06",
		 "1: 'address' needs a MAC address, not '02:00:00:00:00:05:06'"},
		{"link set dev 1 address 02:00:00:00:00:005",
		 "1: 'address' needs a MAC address, not '02:00:00:00:00:005'"},
		{"link set dev 1 forwarding maybe", "1: 'forwarding' is on or off"},
		{"link set dev 1 down", "1: 'down' was not expected here"},
		{"route 10.0.0.0/8", "1: add, replace or del was expected, not 10.0.0.0/8"},
		{"route add 10.0.0.0/8", "1: route to 10.0.0.0/8 needs: dev N"},
		{"route add 10.0.0.0/33 dev 1",
		 "1: '10.0.0.0/33' has a prefix length that is not 0 to 32"},
		{"route add 10.0.0.300 dev 1", "1: '10.0.0.300' is not an IP address"},
		{"-6 route add 10.0.0.0/8 dev 1",
		 "1: '10.0.0.0' is not of the family that was asked for"},
		{"route add 10.0.0.0/8 via fe80::1 dev 1",
		 "1: route to 10.0.0.0/8: Invalid argument"},
		{"route del 10.0.0.0/8", "1: route to 10.0.0.0/8: No such file or directory"},
		{"neigh add 10.0.0.1 lladdr 02:00:00:00:00:01", "1: neigh 10.0.0.1 needs: dev N"},
	};
	g_autofree char *program = example("xdp_router");
	g_autofree char *capture = make_capture(state, "-n", "1", NULL);

	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *routes = routes_file(state, cases[i].text);
		g_autofree char *message = g_strdup_printf("%s:%s", routes, cases[i].why);

		expect_failure(sluice_run("--routes", routes, program, capture), 1, message);
	}
}

static void binary_file(void **state)
{
	static const char text[] = "link set dev 1\nroute add\0 10.0.0.0/8\nbridge add x\n";
	g_autofree char *program = example("xdp_router");
	g_autofree char *capture = make_capture(state, "-n", "1", NULL);
	g_autofree char *routes = scratch_path(state, "routes");
	g_autofree char *message =
		g_strdup_printf("%s: byte 24 is 0; commands in text were expected", routes);

	assert_true(g_file_set_contents(routes, text, sizeof(text) - 1, NULL));
	expect_failure(sluice_run("--routes", routes, program, capture), 1, message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(forwards),
		scratch_test(drops_into_a_blackhole),
		scratch_test(passes_what_it_cannot_forward),
		scratch_test(wrong_lines),
		scratch_test(binary_file),
	};

	return run_tests_on_objects(tests);
}
