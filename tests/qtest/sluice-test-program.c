/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs and maps: load, attach, verdicts, replacement under traffic, refusals, limits. */
#include "qemu/osdep.h"
#include "qobject/qdict.h"
#include "qobject/qlist.h"
#include "sluice.h"

#define N_FRAMES 10

static void sluice_send_frames(QSluice *s, unsigned n)
{
	uint8_t frame[80];
	unsigned i;

	for (i = 0; i < n; i++) {
		uint64_t before = sluice_stat(s, "rx_wire_frames");

		sluice_make_frame(frame, sizeof(frame), i);
		sluice_wire_send(s, frame, sizeof(frame));
		sluice_wait_stat(s, "rx_wire_frames", before + 1);
	}
}

static void test_pass(void)
{
	QSluice *s = sluice_start(",count-insns=on", "");
	QSluiceQueue rx, tx;
	struct sluice_rx_cpl cpl;
	unsigned i;

	sluice_bring_up(s);
	sluice_traffic(s, &rx, &tx);
	g_assert_cmpuint(sluice_attach(s, sluice_load_verdict(s, XDP_PASS)), ==, SLUICE_ST_OK);
	sluice_send_frames(s, N_FRAMES);
	for (i = 0; i < N_FRAMES; i++) {
		cpl = sluice_rx_wait(s, &rx, NULL);
		g_assert_cmphex(le16_to_cpu(cpl.flags) & SLUICE_RX_XDP_RAN, ==, SLUICE_RX_XDP_RAN);
	}
	g_assert_cmpuint(sluice_stat(s, "rx_xdp_run"), ==, N_FRAMES);
	g_assert_cmpuint(sluice_stat(s, "rx_xdp_pass"), ==, N_FRAMES);
	g_assert_cmpuint(sluice_stat(s, "rx_delivered_frames"), ==, N_FRAMES);
	g_assert_cmpuint(sluice_stat(s, "rx_xdp_insns"), ==, 2 * N_FRAMES);
	sluice_assert_balanced(s);
	sluice_stop(s);
}

/* A dropped frame costs the guest nothing: no DMA, no completion, no interrupt. */
static void test_drop(void)
{
	QSluice *s = sluice_start("", "");
	QSluiceQueue rx, tx;

	sluice_bring_up(s);
	sluice_traffic(s, &rx, &tx);
	g_assert_cmpuint(sluice_attach(s, sluice_load_verdict(s, XDP_DROP)), ==, SLUICE_ST_OK);
	sluice_cpl_doorbell(s, &rx, SLUICE_QUEUE_RX, true);
	sluice_send_frames(s, N_FRAMES);
	g_assert_cmpuint(sluice_stat(s, "rx_xdp_drop"), ==, N_FRAMES);
	g_assert_cmpuint(sluice_stat(s, "rx_dma_bytes"), ==, 0);
	g_assert_cmpuint(sluice_stat(s, "rx_interrupts"), ==, 0);
	g_assert_false(sluice_rx_ready(s, &rx));
	g_assert_false(sluice_interrupted(s, rx.vector));
	sluice_assert_balanced(s);
	sluice_stop(s);
}

static void test_tx(void)
{
	QSluice *s = sluice_start("", "");
	QSluiceQueue rx, tx;
	uint8_t frame[80], got[80];
	unsigned i;

	sluice_bring_up(s);
	sluice_traffic(s, &rx, &tx);
	g_assert_cmpuint(sluice_attach(s, sluice_load_verdict(s, XDP_TX)), ==, SLUICE_ST_OK);
	for (i = 0; i < N_FRAMES; i++) {
		sluice_make_frame(frame, sizeof(frame), i);
		sluice_wire_send(s, frame, sizeof(frame));
		g_assert_cmpmem(got, sluice_wire_recv(s, got, sizeof(got)), frame, sizeof(frame));
	}
	g_assert_cmpuint(sluice_stat(s, "rx_xdp_tx"), ==, N_FRAMES);
	g_assert_cmpuint(sluice_stat(s, "xdp_tx_sent"), ==, N_FRAMES);
	g_assert_cmpuint(sluice_stat(s, "rx_dma_bytes"), ==, 0);
	g_assert_false(sluice_rx_ready(s, &rx));
	sluice_assert_balanced(s);
	sluice_stop(s);
}

static void test_aborted(void)
{
	QSluice *s = sluice_start("", "");
	QSluiceQueue rx, tx;

	sluice_bring_up(s);
	sluice_traffic(s, &rx, &tx);
	g_assert_cmpuint(sluice_attach(s, sluice_load_verdict(s, XDP_ABORTED)), ==, SLUICE_ST_OK);
	sluice_send_frames(s, 3);
	g_assert_cmpuint(sluice_attach(s, sluice_load_verdict(s, 77)), ==, SLUICE_ST_OK);
	sluice_send_frames(s, 2);
	g_assert_cmpuint(sluice_stat(s, "rx_xdp_aborted"), ==, 5);
	g_assert_cmpuint(sluice_stat(s, "rx_xdp_bad_verdict"), ==, 2);
	sluice_assert_balanced(s);
	sluice_stop(s);
}

/* Replaced while frames wait on the wire: each is seen by the one or the other. */
static void test_replace(void)
{
	QSluice *s = sluice_start("", "");
	QSluiceQueue rx, tx;
	uint32_t drop, tx_prog;
	uint8_t frame[80];
	unsigned i, back = 0;

	sluice_bring_up(s);
	sluice_traffic(s, &rx, &tx);
	drop = sluice_load_verdict(s, XDP_DROP);
	tx_prog = sluice_load_verdict(s, XDP_TX);
	g_assert_cmpuint(sluice_attach(s, drop), ==, SLUICE_ST_OK);
	for (i = 0; i < 40; i++) {
		sluice_make_frame(frame, sizeof(frame), i);
		sluice_wire_send(s, frame, sizeof(frame));
		g_assert_cmpuint(sluice_attach(s, i % 2 ? drop : tx_prog), ==, SLUICE_ST_OK);
		while (!sluice_wire_quiet(s)) {
			sluice_wire_recv(s, frame, sizeof(frame));
			back++;
		}
	}
	sluice_wait_stat(s, "rx_wire_frames", 40);
	while (!sluice_wire_quiet(s)) {
		sluice_wire_recv(s, frame, sizeof(frame));
		back++;
	}
	g_assert_cmpuint(sluice_stat(s, "rx_xdp_run"), ==, 40);
	g_assert_cmpuint(sluice_stat(s, "rx_no_program"), ==, 0);
	g_assert_cmpuint(sluice_stat(s, "rx_xdp_drop") + sluice_stat(s, "rx_xdp_tx"), ==, 40);
	g_assert_cmpuint(sluice_stat(s, "xdp_tx_sent"), ==, back);
	sluice_assert_balanced(s);

	g_assert_cmpuint(sluice_detach(s, 0), ==, SLUICE_ST_OK);
	sluice_send_frames(s, 1);
	g_assert_cmpuint(sluice_stat(s, "rx_no_program"), ==, 1);
	sluice_stop(s);
}

static void test_refused(void)
{
	/* r0 = *(u64 *)(r2 + 0): r2 was never written. */
	struct bpf_insn insns[] = {
		sluice_insn(BPF_LDX | BPF_MEM | BPF_DW, 0, 2, 0, 0),
		sluice_insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	QSluice *s = sluice_start("", "");
	struct sluice_cmd_cpl cpl;
	char log[4096] = "";

	sluice_bring_up(s);
	cpl = sluice_load(s, insns, ARRAY_SIZE(insns), log, sizeof(log));
	sluice_assert_status(cpl, REFUSED);
	g_test_message("%s", log);
	g_assert_nonnull(strstr(log, "r2"));
	/* The encoding is nonsense. */
	memset(insns, 0xff, sizeof(insns));
	cpl = sluice_load(s, insns, ARRAY_SIZE(insns), log, sizeof(log));
	sluice_assert_status(cpl, REFUSED);
	g_assert_cmpuint(strlen(log), >, 0);
	sluice_assert_alive(s);
	sluice_stop(s);
}

/* Counts frames in element 0 of an array. */
static uint32_t sluice_load_counter(QSluice *s, uint32_t map)
{
	struct bpf_insn insns[] = {
		sluice_insn(BPF_ST | BPF_MEM | BPF_W, 10, 0, -4, 0),
		sluice_insn(BPF_ALU64 | BPF_MOV | BPF_X, 2, 10, 0, 0),
		sluice_insn(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -4),
		sluice_insn(BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_MAP_FD, 0, map),
		sluice_insn(0, 0, 0, 0, 0),
		sluice_insn(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem),
		sluice_insn(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3, 0),
		sluice_insn(BPF_LDX | BPF_MEM | BPF_DW, 1, 0, 0, 0),
		sluice_insn(BPF_ALU64 | BPF_ADD | BPF_K, 1, 0, 0, 1),
		sluice_insn(BPF_STX | BPF_MEM | BPF_DW, 0, 1, 0, 0),
		sluice_insn(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_DROP),
		sluice_insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	char log[4096] = "";
	struct sluice_cmd_cpl cpl = sluice_load(s, insns, ARRAY_SIZE(insns), log, sizeof(log));

	if (cpl.status)
		g_test_message("%s", log);
	sluice_assert_status(cpl, OK);
	return cpl.result;
}

static void test_map_count(void)
{
	QSluice *s = sluice_start("", "");
	struct sluice_args_map map_args = {0};
	struct sluice_args_prog prog_args = {0};
	QSluiceQueue rx, tx;
	uint32_t map, prog, key = 0;
	uint64_t value = 0;

	sluice_bring_up(s);
	sluice_traffic(s, &rx, &tx);
	map = sluice_map_create(s, BPF_MAP_TYPE_ARRAY, 4, 8, 1);
	prog = sluice_load_counter(s, map);
	g_assert_cmpuint(sluice_attach(s, prog), ==, SLUICE_ST_OK);
	sluice_send_frames(s, N_FRAMES);
	sluice_assert_status(
		sluice_map_op(s, SLUICE_OP_MAP_LOOKUP, map, &key, 4, NULL, 0, &value, 8), OK);
	g_assert_cmpuint(value, ==, N_FRAMES);

	/* In use: neither goes before what uses it. */
	map_args.map_id = map;
	prog_args.prog_id = prog;
	sluice_assert_status(
		sluice_run(s, SLUICE_OP_MAP_FREE, &map_args, sizeof(map_args), NULL, NULL, 0),
		BUSY);
	sluice_assert_status(
		sluice_run(s, SLUICE_OP_PROG_FREE, &prog_args, sizeof(prog_args), NULL, NULL, 0),
		BUSY);
	g_assert_cmpuint(sluice_detach(s, prog), ==, SLUICE_ST_OK);
	sluice_cmd(s, SLUICE_OP_PROG_FREE, &prog_args, sizeof(prog_args), NULL, NULL, 0);
	sluice_cmd(s, SLUICE_OP_MAP_FREE, &map_args, sizeof(map_args), NULL, NULL, 0);
	sluice_assert_status(
		sluice_map_op(s, SLUICE_OP_MAP_LOOKUP, map, &key, 4, NULL, 0, &value, 8),
		NOT_FOUND);
	sluice_stop(s);
}

static void test_hash(void)
{
	QSluice *s = sluice_start("", "");
	uint32_t map, key, next, n = 0;
	uint64_t value, seen = 0;

	sluice_bring_up(s);
	map = sluice_map_create(s, BPF_MAP_TYPE_HASH, 4, 8, 4);
	for (key = 0; key < 4; key++) {
		value = 100 + key;
		sluice_assert_status(
			sluice_map_op(s, SLUICE_OP_MAP_UPDATE, map, &key, 4, &value, 8, NULL, 0),
			OK);
	}
	sluice_assert_status(
		sluice_map_op(s, SLUICE_OP_MAP_UPDATE, map, &key, 4, &value, 8, NULL, 0), FULL);
	key = 2;
	sluice_assert_status(
		sluice_map_op(s, SLUICE_OP_MAP_LOOKUP, map, &key, 4, NULL, 0, &value, 8), OK);
	g_assert_cmpuint(value, ==, 102);
	sluice_assert_status(sluice_map_op(s, SLUICE_OP_MAP_DELETE, map, &key, 4, NULL, 0, NULL, 0),
			     OK);
	sluice_assert_status(sluice_map_op(s, SLUICE_OP_MAP_DELETE, map, &key, 4, NULL, 0, NULL, 0),
			     NOT_FOUND);
	sluice_assert_status(
		sluice_map_op(s, SLUICE_OP_MAP_LOOKUP, map, &key, 4, NULL, 0, &value, 8),
		NOT_FOUND);
	/* A key of another size. */
	sluice_assert_status(
		sluice_map_op(s, SLUICE_OP_MAP_LOOKUP, map, &value, 8, NULL, 0, &value, 8),
		INVALID_ATTR);

	while (sluice_map_op(s, SLUICE_OP_MAP_GET_NEXT, map, n ? &key : NULL, 4, NULL, 0, &next, 4)
		       .status == SLUICE_ST_OK) {
		key = next;
		seen |= 1u << key;
		g_assert_cmpuint(++n, <=, 3);
	}
	g_assert_cmpuint(n, ==, 3);
	g_assert_cmphex(seen, ==, 0xb);
	sluice_stop(s);
}

static void test_limits(void)
{
	QSluice *s = sluice_start(",max-programs=2,max-maps=1,map-memory=64K", "");
	struct sluice_args_map_create big = {
		.type = cpu_to_le32(BPF_MAP_TYPE_ARRAY),
		.key_size = cpu_to_le32(4),
		.value_size = cpu_to_le32(1024),
		.max_entries = cpu_to_le32(1024),
	};
	struct bpf_insn insns[] = {
		sluice_insn(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_PASS),
		sluice_insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	struct sluice_args_map_create small = big;

	sluice_bring_up(s);
	sluice_assert_status(sluice_run(s, SLUICE_OP_MAP_CREATE, &big, sizeof(big), NULL, NULL, 0),
			     NO_RESOURCES);
	small.max_entries = cpu_to_le32(1);
	sluice_cmd(s, SLUICE_OP_MAP_CREATE, &small, sizeof(small), NULL, NULL, 0);
	sluice_assert_status(
		sluice_run(s, SLUICE_OP_MAP_CREATE, &small, sizeof(small), NULL, NULL, 0),
		NO_RESOURCES);
	sluice_load_verdict(s, XDP_PASS);
	sluice_load_verdict(s, XDP_PASS);
	sluice_assert_status(sluice_load(s, insns, ARRAY_SIZE(insns), NULL, 0), NO_RESOURCES);
	sluice_stop(s);
}

/* Four instructions where three are allowed. */
static void test_budget(void)
{
	struct bpf_insn insns[] = {
		sluice_insn(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_PASS),
		sluice_insn(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_PASS),
		sluice_insn(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_PASS),
		sluice_insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	QSluice *s = sluice_start(",insn-budget=3", "");
	struct sluice_cmd_cpl cpl;
	QSluiceQueue rx, tx;

	sluice_bring_up(s);
	sluice_traffic(s, &rx, &tx);
	cpl = sluice_load(s, insns, ARRAY_SIZE(insns), NULL, 0);
	sluice_assert_status(cpl, OK);
	g_assert_cmpuint(sluice_attach(s, cpl.result), ==, SLUICE_ST_OK);
	sluice_send_frames(s, 2);
	g_assert_cmpuint(sluice_stat(s, "rx_xdp_budget"), ==, 2);
	g_assert_cmpuint(sluice_stat(s, "rx_xdp_aborted"), ==, 2);
	/* The device is none the worse for it. */
	g_assert_cmpuint(sluice_attach(s, sluice_load_verdict(s, XDP_DROP)), ==, SLUICE_ST_OK);
	sluice_send_frames(s, 1);
	g_assert_cmpuint(sluice_stat(s, "rx_xdp_drop"), ==, 1);
	sluice_assert_balanced(s);
	sluice_stop(s);
}

static QList *sluice_qom_list(QSluice *s, const char *property)
{
	QDict *answer = qtest_qmp(s->qts,
				  "{'execute': 'qom-get', 'arguments': "
				  "{'path': '/machine/peripheral/nic0', 'property': %s}}",
				  property);
	QList *list = qobject_ref(qdict_get_qlist(answer, "return"));

	g_assert_nonnull(list);
	qobject_unref(answer);
	return list;
}

static void test_qom(void)
{
	QSluice *s = sluice_start("", "");
	QSluiceQueue rx, tx;
	uint32_t map, prog;
	QList *list;
	QDict *entry;

	sluice_bring_up(s);
	list = sluice_qom_list(s, "programs");
	g_assert_cmpuint(qlist_size(list), ==, 0);
	qobject_unref(list);
	sluice_traffic(s, &rx, &tx);
	map = sluice_map_create(s, BPF_MAP_TYPE_ARRAY, 4, 8, 3);
	prog = sluice_load_counter(s, map);
	g_assert_cmpuint(sluice_attach(s, prog), ==, SLUICE_ST_OK);
	sluice_send_frames(s, 4);

	list = sluice_qom_list(s, "programs");
	g_assert_cmpuint(qlist_size(list), ==, 1);
	entry = qobject_to(QDict, qlist_peek(list));
	g_assert_cmpuint(qdict_get_int(entry, "id"), ==, prog);
	g_assert_cmpstr(qdict_get_str(entry, "name"), ==, "qtest");
	g_assert_true(qdict_get_bool(entry, "attached"));
	g_assert_cmpuint(qdict_get_int(entry, "runs"), ==, 4);
	g_assert_cmpuint(qdict_get_int(entry, "maps"), ==, 1);
	qobject_unref(list);

	list = sluice_qom_list(s, "maps");
	g_assert_cmpuint(qlist_size(list), ==, 1);
	entry = qobject_to(QDict, qlist_peek(list));
	g_assert_cmpuint(qdict_get_int(entry, "id"), ==, map);
	g_assert_cmpuint(qdict_get_int(entry, "max-entries"), ==, 3);
	qobject_unref(list);

	list = sluice_qom_list(s, "queue-stats");
	g_assert_cmpuint(qlist_size(list), ==, 2);
	qobject_unref(list);
	sluice_stop(s);
}

/* One program in a device with @props: what QMP says of it after four frames. */
static QDict *sluice_qom_program(const char *props)
{
	QSluice *s = sluice_start(props, "");
	QSluiceQueue rx, tx;
	QList *list;
	QDict *entry;

	sluice_bring_up(s);
	sluice_traffic(s, &rx, &tx);
	g_assert_cmpuint(sluice_attach(s, sluice_load_verdict(s, XDP_DROP)), ==, SLUICE_ST_OK);
	sluice_send_frames(s, 4);
	g_assert_cmpuint(sluice_stat(s, "rx_xdp_drop"), ==, 4);
	list = sluice_qom_list(s, "programs");
	g_assert_cmpuint(qlist_size(list), ==, 1);
	entry = qobject_ref(qobject_to(QDict, qlist_peek(list)));
	qobject_unref(list);
	sluice_stop(s);
	return entry;
}

static void test_interp(void)
{
	QDict *entry = sluice_qom_program(",engine=interp");

	g_assert_cmpstr(qdict_get_str(entry, "engine"), ==, "interp");
	g_assert_cmpuint(qdict_get_int(entry, "run-insns"), ==, 4 * 2);
	g_assert_false(qdict_haskey(entry, "code-bytes"));
	qobject_unref(entry);
}

#if defined(__x86_64__)
static void test_jit(void)
{
	QDict *entry = sluice_qom_program(",engine=jit");

	g_assert_cmpstr(qdict_get_str(entry, "engine"), ==, "jit");
	g_assert_false(qdict_haskey(entry, "run-insns"));
	g_assert_cmpuint(qdict_get_int(entry, "code-bytes"), >, 0);
	qobject_unref(entry);
	entry = sluice_qom_program(",count-insns=on,jit-harden=off");
	g_assert_cmpstr(qdict_get_str(entry, "engine"), ==, "jit");
	g_assert_cmpuint(qdict_get_int(entry, "run-insns"), ==, 4 * 2);
	qobject_unref(entry);
}
#endif

void sluice_add_program_tests(void)
{
	qtest_add_func("/sluice/program/pass", test_pass);
	qtest_add_func("/sluice/program/drop", test_drop);
	qtest_add_func("/sluice/program/tx", test_tx);
	qtest_add_func("/sluice/program/aborted", test_aborted);
	qtest_add_func("/sluice/program/replace", test_replace);
	qtest_add_func("/sluice/program/refused", test_refused);
	qtest_add_func("/sluice/program/map-count", test_map_count);
	qtest_add_func("/sluice/program/hash", test_hash);
	qtest_add_func("/sluice/program/limits", test_limits);
	qtest_add_func("/sluice/program/budget", test_budget);
	qtest_add_func("/sluice/program/qom", test_qom);
	qtest_add_func("/sluice/program/interp", test_interp);
#if defined(__x86_64__)
	qtest_add_func("/sluice/program/jit", test_jit);
#endif
}
