/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* fib/fib.c and bpf_fib_lookup(): routes, neighbours and what stands in a frame's way. */
#include <arpa/inet.h>
#include "bpf_fib.h"
#include "helper_call.h"

static const uint8_t mac_in[6] = {2, 0, 0, 0, 0, 1}, mac_out[6] = {2, 0, 0, 0, 0, 2};
static const uint8_t mac_gateway[6] = {2, 0, 0, 0, 0, 9};

static const void *addr(const char *text)
{
	static uint8_t bytes[4][16];
	static unsigned next;
	uint8_t *to = bytes[next++ % 4];

	assert_int_equal(inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, to), 1);
	return to;
}

static void route(struct bpfe_fib *fib, const char *dst, unsigned len, const char *gateway,
		  uint32_t ifindex, uint8_t kind)
{
	int family = strchr(dst, ':') ? AF_INET6 : AF_INET;
	struct bpfe_fib_route r = {.kind = kind, .ifindex = ifindex, .metric = len};

	if (gateway) {
		r.gateway_family = (uint8_t)family;
		memcpy(r.gateway, addr(gateway), family == AF_INET ? 4 : 16);
	}
	assert_int_equal(bpfe_fib_set_route(fib, family, addr(dst), len, &r), 0);
}

/* Port 1, where frames come in; port 2, where they go; port 3, which does not forward. */
static struct bpfe_fib *table(void)
{
	struct bpfe_fib *fib = bpfe_fib_new(8, 64, NULL);

	assert_non_null(fib);
	assert_int_equal(bpfe_fib_set_link(fib, 1,
					   &(struct bpfe_fib_link){.mtu = 1500,
								   .mac = {2, 0, 0, 0, 0, 1},
								   .forwarding = true}),
			 0);
	assert_int_equal(
		bpfe_fib_set_link(fib, 2,
				  &(struct bpfe_fib_link){.mtu = 1400, .mac = {2, 0, 0, 0, 0, 2}}),
		0);
	assert_int_equal(bpfe_fib_set_link(fib, 3, &(struct bpfe_fib_link){.mtu = 1500}), 0);
	route(fib, "10.0.0.0", 8, "192.0.2.9", 2, BPFE_FIB_UNICAST);
	route(fib, "10.1.0.0", 16, NULL, 2, BPFE_FIB_UNICAST);
	route(fib, "10.9.0.0", 16, NULL, 0, BPFE_FIB_BLACKHOLE);
	route(fib, "10.10.0.0", 16, NULL, 0, BPFE_FIB_UNREACHABLE);
	route(fib, "10.11.0.0", 16, NULL, 0, BPFE_FIB_PROHIBIT);
	route(fib, "10.12.0.1", 32, NULL, 1, BPFE_FIB_LOCAL);
	route(fib, "10.13.0.0", 16, NULL, 77, BPFE_FIB_UNICAST);
	route(fib, "2001:db8::", 32, "fe80::9", 2, BPFE_FIB_UNICAST);
	assert_int_equal(bpfe_fib_set_neighbour(fib, 2, AF_INET, addr("192.0.2.9"), mac_gateway),
			 0);
	assert_int_equal(bpfe_fib_set_neighbour(fib, 2, AF_INET6, addr("fe80::9"), mac_gateway), 0);
	return fib;
}

static struct bpf_fib_lookup to(const char *dst)
{
	struct bpf_fib_lookup p = {.ifindex = 1};

	p.family = strchr(dst, ':') ? AF_INET6 : AF_INET;
	memcpy(p.ipv6_dst, addr(dst), p.family == AF_INET ? 4 : 16);
	return p;
}

static int look_up(struct bpfe_fib *fib, struct bpf_fib_lookup *p, uint32_t flags)
{
	int answer;

	bpfe_rcu_read_lock();
	answer = bpfe_fib_lookup(fib, p, flags);
	bpfe_rcu_read_unlock();
	return answer;
}

static void test_through_a_gateway(void **state)
{
	struct bpfe_fib *fib = table();
	struct bpf_fib_lookup p = to("10.2.3.4");

	assert_int_equal(look_up(fib, &p, 0), BPF_FIB_LKUP_RET_SUCCESS);
	assert_int_equal(p.ifindex, 2);
	assert_memory_equal(&p.ipv4_dst, addr("192.0.2.9"), 4);
	assert_memory_equal(p.smac, mac_out, 6);
	assert_memory_equal(p.dmac, mac_gateway, 6);
	assert_int_equal(p.mtu_result, 1400);
	assert_int_equal(p.rt_metric, 8);
	p = to("2001:db8::1");
	assert_int_equal(look_up(fib, &p, 0), BPF_FIB_LKUP_RET_SUCCESS);
	assert_memory_equal(p.ipv6_dst, addr("fe80::9"), 16);
	assert_memory_equal(p.dmac, mac_gateway, 6);
	bpfe_fib_free(fib);
}

/* The longest prefix is on the link itself, so the neighbour is the destination. */
static void test_neighbour(void **state)
{
	struct bpfe_fib *fib = table();
	struct bpf_fib_lookup p = to("10.1.3.4");

	assert_int_equal(look_up(fib, &p, 0), BPF_FIB_LKUP_RET_NO_NEIGH);
	assert_int_equal(p.ifindex, 2);
	p = to("10.1.3.4");
	assert_int_equal(look_up(fib, &p, BPF_FIB_LOOKUP_SKIP_NEIGH), BPF_FIB_LKUP_RET_SUCCESS);
	assert_int_equal(bpfe_fib_set_neighbour(fib, 2, AF_INET, addr("10.1.3.4"), mac_in), 0);
	p = to("10.1.3.4");
	assert_int_equal(look_up(fib, &p, 0), BPF_FIB_LKUP_RET_SUCCESS);
	assert_memory_equal(p.dmac, mac_in, 6);
	assert_int_equal(bpfe_fib_set_neighbour(fib, 2, AF_INET, addr("10.1.3.4"), NULL), 0);
	p = to("10.1.3.4");
	assert_int_equal(look_up(fib, &p, 0), BPF_FIB_LKUP_RET_NO_NEIGH);
	bpfe_fib_free(fib);
}

static void test_answers(void **state)
{
	static const struct {
		const char *dst;
		int answer;
	} cases[] = {
		{"10.9.1.1", BPF_FIB_LKUP_RET_BLACKHOLE},
		{"10.10.1.1", BPF_FIB_LKUP_RET_UNREACHABLE},
		{"10.11.1.1", BPF_FIB_LKUP_RET_PROHIBIT},
		{"10.12.0.1", BPF_FIB_LKUP_RET_NOT_FWDED},
		{"10.13.0.1", BPF_FIB_LKUP_RET_NOT_FWDED},
		{"11.0.0.1", BPF_FIB_LKUP_RET_NOT_FWDED},
		{"2002::1", BPF_FIB_LKUP_RET_NOT_FWDED},
	};
	struct bpfe_fib *fib = table();

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct bpf_fib_lookup p = to(cases[i].dst);

		assert_int_equal(look_up(fib, &p, 0), cases[i].answer);
		assert_int_equal(p.ifindex, 1);
	}
	bpfe_fib_free(fib);
}

static void test_refused(void **state)
{
	struct bpfe_fib *fib = table();
	struct bpf_fib_lookup p = to("10.2.3.4");

	assert_int_equal(look_up(fib, &p, 1u << 30), -EINVAL);
	assert_int_equal(look_up(fib, &p, BPF_FIB_LOOKUP_DIRECT | BPF_FIB_LOOKUP_TBID),
			 BPF_FIB_LKUP_RET_NOT_FWDED);
	p.ifindex = 3;
	assert_int_equal(look_up(fib, &p, 0), BPF_FIB_LKUP_RET_FWD_DISABLED);
	p.ifindex = 4;
	assert_int_equal(look_up(fib, &p, 0), -ENODEV);
	p.family = AF_UNIX;
	assert_int_equal(look_up(fib, &p, 0), -EAFNOSUPPORT);
	p = to("10.2.3.4");
	p.tot_len = 1400;
	assert_int_equal(look_up(fib, &p, 0), BPF_FIB_LKUP_RET_SUCCESS);
	p = to("10.2.3.4");
	p.tot_len = 1401;
	assert_int_equal(look_up(fib, &p, 0), BPF_FIB_LKUP_RET_FRAG_NEEDED);
	assert_int_equal(p.mtu_result, 1400);
	bpfe_fib_free(fib);
}

static void test_filling(void **state)
{
	struct bpfe_fib_route r = {.ifindex = 2, .gateway_family = AF_INET6};
	struct bpfe_fib *fib = table();

	assert_int_equal(bpfe_fib_set_link(fib, 0, &(struct bpfe_fib_link){.mtu = 1500}), -EINVAL);
	assert_int_equal(bpfe_fib_set_link(fib, 5, &(struct bpfe_fib_link){.mtu = 0}), -EINVAL);
	assert_int_equal(bpfe_fib_set_link(fib, 5, NULL), -ENOENT);
	assert_int_equal(bpfe_fib_set_route(fib, AF_INET, addr("10.0.0.0"), 33, &r), -EINVAL);
	assert_int_equal(bpfe_fib_set_route(fib, AF_INET, addr("10.0.0.0"), 8, &r), -EINVAL);
	assert_int_equal(bpfe_fib_set_route(fib, AF_UNIX, addr("10.0.0.0"), 8, &r), -EAFNOSUPPORT);
	assert_int_equal(bpfe_fib_set_route(fib, AF_INET, addr("10.0.0.0"), 9, NULL), -ENOENT);
	bpfe_fib_free(fib);
}

/* The helper works on a copy and needs the whole structure. */
static void test_helper(void **state)
{
	struct bpfe_fib *fib = table();
	struct bpfe_host host = {.fib = fib};
	struct bpf_fib_lookup p = to("10.2.3.4");
	struct frame f;
	struct bpfe_run_env env = env_over(&f, 0);

	frame_init(&f);
	assert_int_equal(call(&env, BPF_FUNC_fib_lookup, 0, P(&p), sizeof(p), 0, 0), -ENODEV);
	f.xdp.host = &host;
	assert_int_equal(call(&env, BPF_FUNC_fib_lookup, 0, P(&p), sizeof(p) - 1, 0, 0), -EINVAL);
	bpfe_rcu_read_lock();
	assert_int_equal(call(&env, BPF_FUNC_fib_lookup, 0, P(&p), sizeof(p), 0, 0), 0);
	bpfe_rcu_read_unlock();
	assert_int_equal(p.ifindex, 2);
	bpfe_fib_free(fib);
}

/* Storage comes from the caller's allocator, and all of it goes back, also when some is refused. */
static void test_storage(void **state)
{
	struct counting c;
	struct bpfe_fib *fib;

	counting_init(&c);
	fib = bpfe_fib_new(8, 64, &c.alloc);
	assert_non_null(fib);
	bpfe_fib_free(fib);
	counting_check(&c);
	for (long at = 0;; at++) {
		counting_init(&c);
		c.fail_at = at;
		fib = bpfe_fib_new(8, 64, &c.alloc);
		bpfe_fib_free(fib);
		counting_check(&c);
		if (fib)
			break;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_through_a_gateway), cmocka_unit_test(test_neighbour),
		cmocka_unit_test(test_answers),           cmocka_unit_test(test_refused),
		cmocka_unit_test(test_filling),           cmocka_unit_test(test_helper),
		cmocka_unit_test(test_storage),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
