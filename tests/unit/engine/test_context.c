/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* context.c and verifier/context.c: what a program finds, may store and may not touch there. */
#include <stdio.h>
#include "harness.h"

#define SKB(member) ((int)offsetof(struct __sk_buff, member))

static struct bpfe_program *load_type(const struct bpf_insn *insns, size_t n, uint32_t type,
				      uint32_t flags)
{
	struct load l;

	load_init(&l, insns, n);
	l.attr.type = type;
	l.attr.flags |= flags;
	return load_ok(&l);
}

/* A frame with all that a tc program can see of it. */
static void skb_init(struct frame *f)
{
	frame_init(f);
	f->xdp.data[12] = 0x86;
	f->xdp.data[13] = 0xdd;
	f->xdp.have = BPFE_HAVE_HASH | BPFE_HAVE_TIMESTAMP | BPFE_HAVE_VLAN;
	f->xdp.rx_hash = 0x81828384;
	f->xdp.rx_timestamp = 0x1122334455667788;
	f->xdp.vlan_proto = 0x0081;
	f->xdp.vlan_tci = 0x7123;
	f->xdp.mark = 0x11223344;
	f->xdp.priority = 0xa1a2a3a4;
	f->xdp.queue_mapping = 7;
	f->xdp.tc_classid = 0x10002;
	f->xdp.tc_index = 0x1234;
	for (uint32_t i = 0; i < 5; i++)
		f->xdp.cb[i] = 0xc0000000 + i;
}

/* r0 of a program that ends after @insn, run checked and not. */
static uint64_t field(uint32_t type, struct bpf_insn insn)
{
	const struct bpf_insn insns[] = {insn, EXIT()};
	uint64_t value[2];

	for (uint32_t flags = 0; flags <= BPFE_LOAD_CHECKED; flags++) {
		struct bpfe_program *prog = load_type(insns, COUNT(insns), type, flags);
		struct bpfe_result result;
		struct frame f;

		skb_init(&f);
		result = run(prog, &f);
		assert_int_equal(result.abort, BPFE_ABORT_NONE);
		value[flags] = result.r0;
		bpfe_program_put(prog);
	}
	assert_int_equal(value[0], value[1]);
	return value[0];
}

#define skb(size, off)  field(BPF_PROG_TYPE_SCHED_CLS, LDX(size, 0, 1, off))
#define skbs(size, off) field(BPF_PROG_TYPE_SCHED_CLS, LDSX(size, 0, 1, off))

static void test_skb_fields(void **state)
{
	assert_int_equal(skb(BPF_W, SKB(len)), 256);
	assert_int_equal(skb(BPF_W, SKB(wire_len)), 256);
	assert_int_equal(skb(BPF_W, SKB(pkt_type)), 0);
	assert_int_equal(skb(BPF_W, SKB(mark)), 0x11223344);
	assert_int_equal(skb(BPF_W, SKB(queue_mapping)), 7);
	assert_int_equal(skb(BPF_W, SKB(protocol)), 0xdd86);
	assert_int_equal(skb(BPF_W, SKB(vlan_present)), 1);
	assert_int_equal(skb(BPF_W, SKB(vlan_tci)), 0x7123);
	assert_int_equal(skb(BPF_W, SKB(vlan_proto)), 0x0081);
	assert_int_equal(skb(BPF_W, SKB(priority)), 0xa1a2a3a4);
	assert_int_equal(skb(BPF_W, SKB(ingress_ifindex)), 0x80000011);
	assert_int_equal(skb(BPF_W, SKB(ifindex)), 0x80000011);
	assert_int_equal(skb(BPF_W, SKB(tc_index)), 0x1234);
	for (int i = 0; i < 5; i++)
		assert_int_equal(skb(BPF_W, SKB(cb[0]) + 4 * i), 0xc0000000 + i);
	assert_int_equal(skb(BPF_W, SKB(hash)), 0x81828384);
	assert_int_equal(skb(BPF_W, SKB(tc_classid)), 0x10002);
	assert_int_equal(skb(BPF_W, SKB(napi_id)), 0);
	assert_int_equal(skb(BPF_DW, SKB(tstamp)), 0x1122334455667788);
	assert_int_equal(skb(BPF_DW, SKB(hwtstamp)), 0x1122334455667788);
	assert_int_equal(skb(BPF_B, SKB(tstamp_type)), 0);
	assert_int_equal(skb(BPF_W, SKB(gso_segs)), 0);
	assert_int_equal(skb(BPF_W, SKB(gso_size)), 0);
}

static void test_skb_parts(void **state)
{
	assert_int_equal(skb(BPF_B, SKB(mark)), 0x44);
	assert_int_equal(skb(BPF_B, SKB(mark) + 3), 0x11);
	assert_int_equal(skb(BPF_H, SKB(mark) + 2), 0x1122);
	assert_int_equal(skb(BPF_B, SKB(len) + 1), 1);
	assert_int_equal(skb(BPF_H, SKB(protocol)), 0xdd86);
	assert_int_equal(skb(BPF_H, SKB(protocol) + 2), 0);
	assert_int_equal(skb(BPF_B, SKB(cb[4]) + 3), 0xc0);
	assert_int_equal(skb(BPF_H, SKB(cb[1])), 1);
	assert_int_equal(skb(BPF_DW, SKB(cb[2])), 0xc0000003c0000002);
	assert_int_equal(skbs(BPF_W, SKB(hash)), 0xffffffff81828384);
	assert_int_equal(skbs(BPF_B, SKB(priority) + 1), 0xffffffffffffffa3);
	assert_int_equal(skbs(BPF_H, SKB(mark)), 0x3344);
}

/* Without what the NIC may have found, the fields are 0. */
static void test_skb_absent(void **state)
{
	static const int offs[] = {SKB(vlan_present), SKB(vlan_tci), SKB(vlan_proto),
				   SKB(hash),         SKB(protocol), SKB(len)};

	for (size_t i = 0; i < COUNT(offs); i++) {
		const struct bpf_insn insns[] = {LDX(BPF_W, 0, 1, offs[i]), EXIT()};
		struct bpfe_program *prog =
			load_type(insns, COUNT(insns), BPF_PROG_TYPE_SCHED_CLS, 0);
		struct frame f;

		skb_init(&f);
		f.xdp.have = 0;
		f.xdp.data_end = f.xdp.data;
		assert_int_equal(run(prog, &f).r0, 0);
		bpfe_program_put(prog);
	}
}

/* The protocol is that of the frame as it came, whatever the program makes of it. */
static void test_protocol_stays(void **state)
{
	const struct bpf_insn insns[] = {
		LDX(BPF_W, 2, 1, SKB(data)),
		LDX(BPF_W, 3, 1, SKB(data_end)),
		MOV_K(0, 0),
		MOV_X(4, 2),
		ALU64_K(BPF_ADD, 4, 14),
		JMP_X(BPF_JGT, 4, 3, 2),
		ST(BPF_H, 2, 12, 0),
		LDX(BPF_W, 0, 1, SKB(protocol)),
		EXIT(),
	};
	struct bpfe_program *prog = load_type(insns, COUNT(insns), BPF_PROG_TYPE_SCHED_CLS, 0);
	struct frame f;

	skb_init(&f);
	assert_int_equal(run(prog, &f).r0, 0xdd86);
	assert_int_equal(f.xdp.data[12], 0);
	bpfe_program_put(prog);
}

/* The frame after a program of one store, checked or not. */
static void store(struct frame *f, struct bpf_insn insn, uint32_t flags)
{
	const struct bpf_insn insns[] = {LD64(2, 0x8877665544332211), insn, MOV_K(0, 0), EXIT()};
	struct bpfe_program *prog = load_type(insns, COUNT(insns), BPF_PROG_TYPE_SCHED_CLS, flags);

	skb_init(f);
	assert_int_equal(run(prog, f).abort, BPFE_ABORT_NONE);
	bpfe_program_put(prog);
}

static void test_skb_stores(void **state)
{
	struct frame f;

	for (uint32_t flags = 0; flags <= BPFE_LOAD_CHECKED; flags++) {
		store(&f, STX(BPF_W, 1, SKB(mark), 2), flags);
		assert_int_equal(f.xdp.mark, 0x44332211);
		store(&f, ST(BPF_W, 1, SKB(mark), -2), flags);
		assert_int_equal(f.xdp.mark, 0xfffffffe);
		store(&f, ST(BPF_W, 1, SKB(priority), 5), flags);
		assert_int_equal(f.xdp.priority, 5);
		store(&f, ST(BPF_W, 1, SKB(queue_mapping), 0xfffe), flags);
		assert_int_equal(f.xdp.queue_mapping, 0xfffe);
		store(&f, ST(BPF_W, 1, SKB(queue_mapping), 0xffff), flags);
		assert_int_equal(f.xdp.queue_mapping, 7);
		store(&f, ST(BPF_W, 1, SKB(tc_index), 0x54321), flags);
		assert_int_equal(f.xdp.tc_index, 0x4321);
		store(&f, STX(BPF_W, 1, SKB(tc_classid), 2), flags);
		assert_int_equal(f.xdp.tc_classid, 0x44332211);
		store(&f, STX(BPF_DW, 1, SKB(cb[2]), 2), flags);
		assert_int_equal(f.xdp.cb[1], 0xc0000001);
		assert_int_equal(f.xdp.cb[2], 0x44332211);
		assert_int_equal(f.xdp.cb[3], 0x88776655);
		assert_int_equal(f.xdp.cb[4], 0xc0000004);
		store(&f, ST(BPF_B, 1, SKB(cb[4]) + 3, 0x7f), flags);
		assert_int_equal(f.xdp.cb[4], 0x7f000004);
		store(&f, STX(BPF_H, 1, SKB(cb[0]), 2), flags);
		assert_int_equal(f.xdp.cb[0], 0xc0002211);
	}
}

static void test_xdp_fields(void **state)
{
	assert_int_equal(field(BPF_PROG_TYPE_XDP, LDX(BPF_W, 0, 1, 12)), 0x80000011);
	assert_int_equal(field(BPF_PROG_TYPE_XDP, LDX(BPF_W, 0, 1, 16)), 0x80000022);
	assert_int_equal(field(BPF_PROG_TYPE_XDP, LDX(BPF_W, 0, 1, 20)), 0x80000033);
	assert_int_equal(field(BPF_PROG_TYPE_XDP, LDSX(BPF_W, 0, 1, 16)), 0xffffffff80000022);
}

/* The refusal of an access: the line behind the instruction, and what would be accepted. */
static void refused(uint32_t type, struct bpf_insn insn, const char *message, const char *accepted)
{
	const struct bpf_insn insns[] = {MOV_K(0, 0), insn, MOV_K(0, 0), EXIT()};
	struct bpfe_program *prog = NULL;
	char line[256];
	struct load l;

	load_init(&l, insns, COUNT(insns));
	l.attr.type = type;
	assert_int_equal(bpfe_program_load(&l.attr, &prog, &l.log), -EACCES);
	assert_int_equal(l.log.reason, BPFE_BAD_CONTEXT);
	snprintf(line, sizeof(line), ") %s\n    R1=ctx()\n    accepted: %s\n", message, accepted);
	if (!strstr(l.text, line))
		fail_msg("%s\nis not in\n%s", line, l.text);
}

#define skb_refused(insn, message, accepted) \
	refused(BPF_PROG_TYPE_SCHED_CLS, insn, message, accepted)

static void test_refused(void **state)
{
	const char *xdp = "4-byte loads of data (0), data_end (4), data_meta (8), ingress_ifindex "
			  "(12), rx_queue_index (16), egress_ifindex (20)";

	skb_refused(LDX(BPF_H, 0, 1, SKB(data)), "context load of 2 bytes at offset 76",
		    "loads of all 4 bytes of data (76)");
	skb_refused(LDX(BPF_DW, 0, 1, SKB(data)), "context load of 8 bytes at offset 76",
		    "loads of all 4 bytes of data (76)");
	skb_refused(LDSX(BPF_W, 0, 1, SKB(data_end)), "context load of 4 bytes at offset 80",
		    "loads of all 4 bytes of data_end (80)");
	skb_refused(LDX(BPF_DW, 0, 1, SKB(mark)), "context load of 8 bytes at offset 8",
		    "loads of mark (8, 4 bytes) or an aligned part");
	skb_refused(LDX(BPF_H, 0, 1, SKB(mark) + 1), "context load of 2 bytes at offset 9",
		    "loads of mark (8, 4 bytes) or an aligned part");
	skb_refused(LDX(BPF_W, 0, 1, SKB(tstamp)), "context load of 4 bytes at offset 152",
		    "loads of all 8 bytes of tstamp (152)");
	skb_refused(LDX(BPF_DW, 0, 1, SKB(cb[4])), "context load of 8 bytes at offset 64",
		    "loads of aligned 1, 2, 4 or 8 bytes of cb (48, 20 bytes)");
	skb_refused(LDX(BPF_W, 0, 1, SKB(family)), "context load of 4 bytes at offset 88",
		    "fields that struct __sk_buff has for tc programs");
	skb_refused(LDX(BPF_DW, 0, 1, SKB(sk)), "context load of 8 bytes at offset 168",
		    "fields that struct __sk_buff has for tc programs");
	skb_refused(LDX(BPF_B, 0, 1, SKB(tstamp_type) + 1), "context load of 1 bytes at offset 181",
		    "fields that struct __sk_buff has for tc programs");
	skb_refused(LDX(BPF_W, 0, 1, -4), "context load of 4 bytes at offset -4",
		    "fields that struct __sk_buff has for tc programs");
	skb_refused(LDX(BPF_W, 0, 1, (int)sizeof(struct __sk_buff)),
		    "context load of 4 bytes at offset 192",
		    "fields that struct __sk_buff has for tc programs");
	skb_refused(ST(BPF_W, 1, SKB(len), 1), "context store of 4 bytes at offset 0",
		    "loads of len (0) only");
	skb_refused(ST(BPF_DW, 1, SKB(tstamp), 1), "context store of 8 bytes at offset 152",
		    "loads of tstamp (152) only");
	skb_refused(ST(BPF_H, 1, SKB(mark), 1), "context store of 2 bytes at offset 8",
		    "stores of all 4 bytes of mark (8)");
	skb_refused(ST(BPF_H, 1, SKB(cb[0]) + 1, 1), "context store of 2 bytes at offset 49",
		    "stores of aligned 1, 2, 4 or 8 bytes of cb (48, 20 bytes)");
	refused(BPF_PROG_TYPE_XDP, LDX(BPF_H, 0, 1, 16), "context load of 2 bytes at offset 16",
		xdp);
	refused(BPF_PROG_TYPE_XDP, ST(BPF_W, 1, 16, 1), "the context cannot be written",
		"loads only; bpf_xdp_adjust_head() and its like move the packet");
}

/* Storing a pointer there would show it to whoever reads the field later. */
static void test_leak(void **state)
{
	const struct bpf_insn insns[] = {STX(BPF_DW, 1, SKB(cb[0]), 10), MOV_K(0, 0), EXIT()};
	struct load l;

	load_init(&l, insns, COUNT(insns));
	l.attr.type = BPF_PROG_TYPE_SCHED_CLS;
	load_refused(&l, -EACCES, BPFE_POINTER_LEAK, 0,
		     "0: (*(u64 *)(r1 +48) = r10) R10 is a pointer (fp), storing it here would "
		     "reveal it\n"
		     "    R10=fp0\n"
		     "    accepted: a scalar\n"
		     "    path: 0\n");
}

/* What moves an XDP frame knows nothing of a packet's bookkeeping in tc: Linux has others there. */
static void test_xdp_helpers_in_tc(void **state)
{
	static const struct bpf_insn insns[] = {MOV_K(2, 0), CALL(BPF_FUNC_xdp_adjust_head),
						EXIT()};
	struct load l;

	load_init(&l, insns, COUNT(insns));
	l.attr.type = BPF_PROG_TYPE_SCHED_CLS;
	load_refused(&l, -EACCES, BPFE_BAD_HELPER, 1,
		     "1: (call bpf_xdp_adjust_head#44) bpf_xdp_adjust_head cannot be called by tc "
		     "programs\n    path: 0\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_xdp_helpers_in_tc),
		cmocka_unit_test(test_skb_fields),
		cmocka_unit_test(test_skb_parts),
		cmocka_unit_test(test_skb_absent),
		cmocka_unit_test(test_protocol_stays),
		cmocka_unit_test(test_skb_stores),
		cmocka_unit_test(test_xdp_fields),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_leak),
	};

	return cmocka_run_group_tests_name("context", tests, group_setup, group_teardown);
}
