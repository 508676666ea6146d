// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * What libpcap's compiler makes of real expressions, over generated frames, and random valid
 * programs: the converted program is accepted by the verifier and gives libpcap's answers.
 */
#include "../engine/harness.h"
#include "compare.h"
#include "frames.h"
#include "generate.h"
#include "oracle.h"

#include <ctype.h>
#include <stdio.h>

#define FRAMES 3000u

static const char *const expressions[] = {
	"udp port 53",
	"tcp port 80 or tcp port 443",
	"udp dst portrange 50-2000",
	"vlan and tcp[tcpflags] & tcp-syn != 0",
	"tcp[tcpflags] & (tcp-syn|tcp-fin) != 0 and not src and dst net 10.0.0.0/24",
	"tcp[tcpflags] = tcp-syn|tcp-ack",
	"ip6 proto 6",
	"ip6 and udp port 53",
	"host 10.0.0.1 and greater 100",
	"src host 10.0.0.1 and dst host 10.0.0.2",
	"net 192.168.0.0/16",
	"src net 10.0.0.0 mask 255.0.0.0",
	"ip6 host 2001:db8::1",
	"src or dst net 2001:db8::/32",
	"ether host 02:00:00:00:00:01",
	"ether dst ff:ff:ff:ff:ff:ff",
	"ether multicast",
	"ether broadcast",
	"ip multicast",
	"arp",
	"arp and host 10.0.0.2",
	"arp[6:2] = 2",
	"icmp[icmptype] = icmp-echo",
	"icmp6",
	"not ip and not ip6",
	"less 60",
	"len > 200 and len < 400",
	"vlan",
	"vlan 100",
	"vlan 100 and vlan 200",
	"vlan and ip and udp",
	"vlan and ip6",
	"mpls and ip",
	"mpls 16 and tcp",
	"ip[0] & 0xf != 5",
	"ip[6:2] & 0x1fff != 0",
	"ip[8] = 64 and ip[2:2] - ((ip[0]&0xf)<<2) > 50",
	"tcp[12] >> 4 = 7",
	"tcp[((tcp[12] & 0xf0) >> 2):4] = 0xa0a1a2a3",
	"udp[8:4] = 0xa0a1a2a3",
	"udp[4:2] % 7 = 3",
	"udp[4:2] * 100 / ip[1] > 0",
	"(((ip[2:2] * 3) / 2) ^ 0x55) | 4 > 45",
	"udp[4:2] << (ip[1] & 15) > 5000",
	"ether[0] & 1 = 0 and ip proto 17",
	"ether proto 0x88a8",
	"llc",
	"ether[12:2] < 1500",
	"(tcp or udp) and (port 53 or port 443 or port 4789) and not host 224.0.0.1",
	"ip proto \\igmp or (ip and ip[9] = 2)",
	"tcp src port 80 and dst portrange 1000-13000 and host 10.0.0.2",
	"-ip[8] != 0 and ip[8] = 64",
};

struct tally {
	unsigned matched;
	unsigned other;
};

static struct tally compare_frames(const char *name, const struct sock_filter *insns, uint32_t n,
				   uint32_t frames)
{
	static uint8_t frame[FRAME_MAX];
	struct tally tally = {0};
	struct compare c;
	enum compare_outcome outcome = compare_begin(&c, insns, n, 0);

	if (outcome != COMPARE_SAME)
		fail_msg("%s: outcome %d: %s", name, outcome, c.why);
	for (uint32_t i = 0; i < frames; i++) {
		uint32_t value;

		outcome = compare_run(&c, frame, frame_make(i, frame), &value);
		if (outcome != COMPARE_SAME)
			fail_msg("%s: frame %u: outcome %d: %s", name, i, outcome, c.why);
		if (value)
			tally.matched++;
		else
			tally.other++;
	}
	compare_end(&c);
	return tally;
}

/*
 * Each is compiled with and without libpcap's optimizer (which may leave out a load that would be
 * out of bounds, and then answers differ), and says yes to some frame and no to another.
 */
static void test_expressions(void **state)
{
	static struct sock_filter insns[ORACLE_MAX];
	char why[256];

	for (size_t i = 0; i < COUNT(expressions); i++) {
		for (int optimize = 0; optimize < 2; optimize++) {
			uint32_t n =
				oracle_compile(expressions[i], optimize, insns, why, sizeof(why));
			struct tally tally;

			if (!n)
				fail_msg("%s: %s", expressions[i], why);
			tally = compare_frames(expressions[i], insns, n, FRAMES);
			if (!tally.matched || !tally.other)
				fail_msg("%s: %u frames match, %u do not", expressions[i],
					 tally.matched, tally.other);
		}
	}
}

/* A long list of hosts and ports, thousands of instructions without the optimizer. */
static void test_long_expression(void **state)
{
	static struct sock_filter insns[ORACLE_MAX];
	static char text[16384];
	size_t len = 0;
	struct tally tally;
	char why[256];
	uint32_t n;

	for (unsigned i = 0; i < 60; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"%s(src host 192.168.1.%u and dst port %u)",
					i ? " or " : "", i, i & 1 ? 443 : 53);
	n = oracle_compile(text, 0, insns, why, sizeof(why));
	assert_in_range(n, 1500, ORACLE_MAX);
	tally = compare_frames("hosts", insns, n, FRAMES);
	assert_true(tally.matched > 0 && tally.other > 0);
}

#define HARD 1600u

/*
 * What makes exploration path by path grow without end: a branch every few instructions, each of
 * which leaves other values behind that a later load uses as its offset. No expression compiles to
 * this; that what is valid is accepted must not depend on it.
 */
static void test_hard_to_verify(void **state)
{
	static struct sock_filter insns[HARD];
	struct tally tally;
	uint32_t n = 0;

	for (uint32_t k = 0; k < BPF_MEMWORDS; k++)
		insns[n++] = (struct sock_filter)BPF_STMT(BPF_ST, k);
	insns[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0);
	while (n < HARD - 9) {
		insns[n] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 1u << n % 31, 0,
							1);
		n++;
		insns[n] = (struct sock_filter)BPF_STMT(BPF_ST, n % BPF_MEMWORDS);
		n++;
		insns[n] = (struct sock_filter)BPF_STMT(BPF_LDX | BPF_MEM, n * 5 % BPF_MEMWORDS);
		n++;
		insns[n] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0);
		n++;
		insns[n] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, n * 7919);
		n++;
	}
	insns[n++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x1f);
	insns[n++] = (struct sock_filter)BPF_STMT(BPF_MISC | BPF_TAX, 0);
	insns[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_B | BPF_IND, 3);
	insns[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_A, 0);
	tally = compare_frames("hard", insns, n, 300);
	assert_true(tally.matched > 0 && tally.other > 0);
}

static void test_random_programs(void **state)
{
	struct sock_filter insns[GENERATE_MAX];
	unsigned ran = 0, matched = 0;

	for (uint32_t seed = 1; seed <= 1500; seed++) {
		uint8_t choices[GENERATE_MAX * 6];
		uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15);
		struct tally tally;
		uint32_t n;

		for (size_t i = 0; i < sizeof(choices); i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			choices[i] = (uint8_t)(x >> 32);
		}
		n = generate_classic(choices, 24 + seed % (sizeof(choices) - 24), insns);
		if (bpfe_classic_validate(insns, n, NULL))
			continue;
		tally = compare_frames("random", insns, n, 20);
		ran++;
		matched += tally.matched > 0;
	}
	/* Most are valid, and a fair part gets somewhere. */
	assert_true(ran > 1000);
	assert_true(matched > 200);
}

/* ---- Text -------------------------------------------------------------------------------------
 */

/* "(003) jeq      #0x800   jt 4\tjf 6" becomes "jeq #0x800 jt 4 jf 6". */
static void squeeze(const char *text, char *out)
{
	text = strchr(text, ')') + 1;
	while (*text) {
		const char *begin;

		while (isspace((unsigned char)*text))
			text++;
		begin = text;
		while (*text && !isspace((unsigned char)*text))
			*out++ = *text++;
		if (text != begin)
			*out++ = ' ';
	}
	out[-1] = '\0';
}

static void expect_same_text(const struct sock_filter *insn, uint32_t index)
{
	char ours[128], theirs[128];

	squeeze(oracle_image(insn, index), theirs);
	assert_true(bpfe_classic_disasm(insn, index, ours, sizeof(ours)));
	assert_string_equal(ours, theirs);
}

static void test_disasm(void **state)
{
	static struct sock_filter insns[ORACLE_MAX];
	char why[256];

	for (size_t i = 0; i < COUNT(expressions); i++) {
		uint32_t n = oracle_compile(expressions[i], 0, insns, why, sizeof(why));

		for (uint32_t j = 0; j < n; j++)
			expect_same_text(&insns[j], j);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expressions),    cmocka_unit_test(test_long_expression),
		cmocka_unit_test(test_hard_to_verify), cmocka_unit_test(test_random_programs),
		cmocka_unit_test(test_disasm),
	};

	return cmocka_run_group_tests_name("classic expressions", tests, group_setup,
					   group_teardown);
}
