/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* program_load.c, program_table.c, command_program.c */
#include "fw_guest.h"

#include "frames.h"
#include "fw_internal.h"

static void attach(struct fw_guest *f, uint32_t prog)
{
	fwg_begin_prog(f, SLUICE_OP_PROG_ATTACH, prog, 0, 0);
	fwg_expect(f, SLUICE_ST_OK, 0);
}

static enum nic_outcome frame(struct fw_guest *f)
{
	uint8_t buf[FRAME_MAX];
	size_t len = frame_udp(buf, 100, 1);

	return nic_receive(f->g->nic, 0, buf, len);
}

static uint32_t attached(struct fw_guest *f)
{
	const struct sluice_resp_port *resp = fwg_resp(f);

	fwg_begin(f, SLUICE_OP_PORT_QUERY);
	fwg_expect(f, SLUICE_ST_OK, 0);
	return resp->prog_id;
}

/* Load, attach, replace, detach, free, in the order of a driver; verdicts follow at once. */
static void test_life(void **state)
{
	struct fw_guest *f = *state;
	uint32_t drop = fwg_load_verdict(f, XDP_DROP), tx = fwg_load_verdict(f, XDP_TX);

	assert_true(f->objects);
	assert_int_equal(frame(f), NIC_RX_DROPPED); /* no program, no queue */
	attach(f, drop);
	assert_int_equal(attached(f), drop);
	assert_int_equal(frame(f), NIC_RX_DROPPED_XDP);
	attach(f, tx);
	assert_int_equal(attached(f), tx);
	assert_int_equal(frame(f), NIC_RX_TRANSMITTED);

	fwg_begin_prog(f, SLUICE_OP_PROG_FREE, tx, 0, 0);
	fwg_expect(f, SLUICE_ST_BUSY, 0);
	fwg_begin_prog(f, SLUICE_OP_PROG_FREE, drop, 0, 0);
	fwg_expect(f, SLUICE_ST_OK, 0);
	fwg_begin_prog(f, SLUICE_OP_PROG_DETACH, 0, 0, 0);
	fwg_expect(f, SLUICE_ST_OK, 0);
	assert_int_equal(attached(f), 0);
	assert_int_equal(frame(f), NIC_RX_DROPPED);
	fwg_begin_prog(f, SLUICE_OP_PROG_FREE, tx, 0, 0);
	fwg_expect(f, SLUICE_ST_OK, 0);
	assert_false(f->objects);
	assert_null(model_imbalance(f->g));
}

static void test_expect(void **state)
{
	struct fw_guest *f = *state;
	uint32_t a = fwg_load_verdict(f, XDP_DROP), b = fwg_load_verdict(f, XDP_PASS);

	fwg_begin_prog(f, SLUICE_OP_PROG_ATTACH, a, b, SLUICE_ATTACH_EXPECT);
	fwg_expect(f, SLUICE_ST_BAD_STATE, 0);
	assert_int_equal(attached(f), 0);
	fwg_begin_prog(f, SLUICE_OP_PROG_ATTACH, a, 0, SLUICE_ATTACH_EXPECT);
	fwg_expect(f, SLUICE_ST_OK, 0);
	fwg_begin_prog(f, SLUICE_OP_PROG_ATTACH, b, 0, SLUICE_ATTACH_EXPECT);
	fwg_expect(f, SLUICE_ST_BAD_STATE, 0);
	assert_string_equal(f->g->log, "PROG_ATTACH tag 5: not possible in the present state: "
				       "program 1 is attached, not 0 as expected");
	fwg_begin_prog(f, SLUICE_OP_PROG_ATTACH, b, a, SLUICE_ATTACH_EXPECT);
	fwg_expect(f, SLUICE_ST_OK, 0);
	fwg_begin_prog(f, SLUICE_OP_PROG_DETACH, 0, a, SLUICE_ATTACH_EXPECT);
	fwg_expect(f, SLUICE_ST_BAD_STATE, 0);
	fwg_begin_prog(f, SLUICE_OP_PROG_DETACH, a, 0, 0);
	fwg_expect(f, SLUICE_ST_BAD_STATE, 0);
	assert_int_equal(attached(f), b);
	fwg_begin_prog(f, SLUICE_OP_PROG_DETACH, b, b, SLUICE_ATTACH_EXPECT);
	fwg_expect(f, SLUICE_ST_OK, 0);
	/* Nothing attached: nothing to take away. */
	fwg_begin_prog(f, SLUICE_OP_PROG_DETACH, 0, 0, 0);
	fwg_expect(f, SLUICE_ST_OK, 0);
}

static void test_wild(void **state)
{
	struct fw_guest *f = *state;
	uint32_t prog = fwg_load_verdict(f, XDP_DROP);
	const uint16_t opcodes[] = {SLUICE_OP_PROG_ATTACH, SLUICE_OP_PROG_DETACH,
				    SLUICE_OP_PROG_FREE, SLUICE_OP_PROG_QUERY};
	const uint32_t wild[] = {prog + 1, prog + 64, 0xffffffff};

	for (unsigned i = 0; i < FWG_N(opcodes); i++) {
		for (unsigned w = 0; w < FWG_N(wild); w++) {
			fwg_begin_prog(f, opcodes[i], wild[w], 0, 0);
			fwg_expect(f, SLUICE_ST_NOT_FOUND, 0);
		}
	}
	fwg_begin_prog(f, SLUICE_OP_PROG_ATTACH, 0, 0, 0);
	fwg_expect(f, SLUICE_ST_NOT_FOUND, 0);
	fwg_begin_prog(f, SLUICE_OP_PROG_ATTACH, prog, 0, 2);
	fwg_expect(f, SLUICE_ST_INVALID_ARG, offsetof(struct sluice_args_prog, flags));
	fwg_begin_prog(f, SLUICE_OP_PROG_ATTACH, prog, prog, 0);
	fwg_expect(f, SLUICE_ST_INVALID_ARG, offsetof(struct sluice_args_prog, expected_id));
	fwg_begin_prog(f, SLUICE_OP_PROG_ATTACH, prog, 0, 0);
	f->cmd.port = 1;
	fwg_expect(f, SLUICE_ST_INVALID_FIELD, 0);
}

static void test_query(void **state)
{
	struct fw_guest *f = *state;
	const struct sluice_resp_prog *resp = fwg_resp(f);
	uint32_t map = fwg_map(f, BPF_MAP_TYPE_ARRAY, 4, 8, 1);
	uint32_t prog = fwg_load_lookup(f, map);
	struct fw_prog_info info;

	attach(f, prog);
	frame(f);
	frame(f);
	fwg_begin_prog(f, SLUICE_OP_PROG_DETACH, prog, 0, 0);
	fwg_expect(f, SLUICE_ST_OK, 0);
	attach(f, prog);
	frame(f);
	fwg_begin_prog(f, SLUICE_OP_PROG_QUERY, prog, 0, 0);
	f->cmd.resp_len = sizeof(*resp);
	fwg_expect(f, SLUICE_ST_OK, 0);
	assert_int_equal(resp->prog_id, prog);
	assert_int_equal(resp->n_insns, 11);
	assert_int_equal(resp->stack_bytes, 8);
	assert_int_equal(resp->n_maps, 1);
	assert_int_equal(resp->map_ids[0], map);
	assert_int_equal(resp->map_ids[1], 0);
	assert_int_equal(resp->runs, 3);
	assert_true(resp->insns_verified >= 8);
	assert_int_equal(resp->name[0], 0);

	assert_true(fw_program_at(f->fw, 0, &info));
	assert_int_equal(info.id, prog);
	assert_true(info.attached);
	assert_int_equal(info.port, 0);
	assert_int_equal(info.runs, 3);
	assert_false(fw_program_at(f->fw, 1, &info));
}

/* Three runs of two instructions in a device with @limits: what the host sees, and the guest. */
static void check_engine(const struct fw_limits *limits, enum bpfe_engine engine, uint64_t insns)
{
	struct fw_guest *f = fwg_new(limits);
	const struct sluice_resp_prog *resp = fwg_resp(f);
	struct fw_prog_info info;
	uint32_t prog;

	fwg_boot(f);
	prog = fwg_load_verdict(f, XDP_DROP);
	attach(f, prog);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(frame(f), NIC_RX_DROPPED_XDP);
	fwg_begin_prog(f, SLUICE_OP_PROG_QUERY, prog, 0, 0);
	f->cmd.resp_len = sizeof(*resp);
	fwg_expect(f, SLUICE_ST_OK, 0);
	assert_int_equal(resp->runs, 3);
	assert_int_equal(resp->run_insns, insns);
	assert_true(fw_program_at(f->fw, 0, &info));
	assert_int_equal(info.insns, insns);
	assert_int_equal(info.info.engine, engine);
	assert_int_equal(info.info.counts_insns, insns != 0);
	assert_int_equal(info.info.jit_bytes != 0, engine == BPFE_ENGINE_JIT);
	fwg_free(f);
}

static void test_engines(void **state)
{
	struct fw_limits limits = {.engine = BPFE_ENGINE_INTERP, .relax = BPFE_RELAX_ALL};

	check_engine(&limits, BPFE_ENGINE_INTERP, 3 * 2);
	if (bpfe_engine_available(BPFE_ENGINE_JIT, NULL)) {
		print_message("nothing is compiled here\n");
		skip();
	}
	limits.engine = BPFE_ENGINE_JIT;
	check_engine(&limits, BPFE_ENGINE_JIT, 0);
	limits = (struct fw_limits){.count_insns = true};
	check_engine(&limits, BPFE_ENGINE_JIT, 3 * 2);
}

static void test_name(void **state)
{
	struct fw_guest *f = *state;
	const struct bpf_insn insns[] = {MOV_K(0, XDP_PASS), EXIT()};
	const struct sluice_resp_prog *resp = fwg_resp(f);
	uint32_t id;

	fwg_begin_load(f, insns, 2);
	fwg_attr(f, SLUICE_ATTR_NAME, "xdp_firewall", 13);
	id = (uint32_t)fwg_expect(f, SLUICE_ST_OK, 0);
	fwg_begin_prog(f, SLUICE_OP_PROG_QUERY, id, 0, 0);
	fwg_expect(f, SLUICE_ST_OK, 0);
	assert_string_equal((const char *)resp->name, "xdp_firewall");

	fwg_begin_load(f, insns, 2);
	fwg_attr(f, SLUICE_ATTR_NAME, "\n", 1);
	fwg_expect(f, SLUICE_ST_INVALID_ATTR, SLUICE_ATTR_NAME);
}

/* Without a log level there is an empty text on success, and the reason on refusal. */
static void test_log(void **state)
{
	struct fw_guest *f = *state;
	const struct bpf_insn good[] = {MOV_K(0, XDP_PASS), EXIT()};
	const struct bpf_insn bad[] = {MOV_X(0, 10), EXIT()};
	struct sluice_args_prog_load args = {.log_level = 2};
	const char *text = fwg_resp(f);
	struct sluice_cmd_cpl cpl;
	char full[4096];

	fwg_begin_load(f, good, 2);
	cpl = fwg_run(f);
	assert_int_equal(cpl.status, SLUICE_ST_OK);
	assert_int_equal(cpl.resp_len, 1);
	assert_int_equal(cpl.resp_full, 1);
	assert_int_equal(text[0], 0);

	fwg_begin_load(f, bad, 2);
	cpl = fwg_run(f);
	assert_int_equal(cpl.status, SLUICE_ST_REFUSED);
	assert_int_equal(cpl.result, 0);
	assert_int_equal(cpl.resp_len, strlen(text) + 1);
	assert_non_null(strstr(text, "R0"));
	assert_non_null(strstr(f->g->log, "PROG_LOAD tag 1: program '' refused: "));
	assert_memory_equal(strrchr(f->g->log, ':') + 2, strrchr(text, ':') + 2,
			    strlen(strrchr(f->g->log, ':') + 2));

	fwg_begin_load(f, bad, 2);
	fwg_args(f, &args, sizeof(args));
	cpl = fwg_run(f);
	assert_int_equal(cpl.status, SLUICE_ST_REFUSED);
	assert_int_equal(cpl.resp_len, strlen(text) + 1);
	assert_true(cpl.resp_len < sizeof(full));
	memcpy(full, text, cpl.resp_len);

	/* Cut: told so, ends with a NUL, nothing beyond the room. */
	fwg_begin_load(f, bad, 2);
	fwg_args(f, &args, sizeof(args));
	f->cmd.resp_len = 10;
	cpl = fwg_run(f);
	assert_int_equal(cpl.resp_len, 10);
	assert_int_equal(cpl.resp_full, strlen(full) + 1);
	assert_memory_equal(text, full, 9);
	assert_int_equal(text[9], 0);
	assert_int_equal((uint8_t)text[10], 0xa5);

	fwg_begin_load(f, bad, 2);
	f->cmd.resp_len = 0;
	cpl = fwg_run(f);
	assert_int_equal(cpl.status, SLUICE_ST_REFUSED);
	assert_int_equal(cpl.resp_len, 0);
	assert_true(cpl.resp_full > 1);

	args.log_level = 3;
	fwg_begin_load(f, good, 2);
	fwg_args(f, &args, sizeof(args));
	fwg_expect(f, SLUICE_ST_INVALID_ARG, 0);
	assert_true(fwg_load(f, good, 2) > 0);
}

/* A log larger than the device's keeps the reason. */
static void test_log_overflow(void **state)
{
	struct fw_guest *f = *state;
	struct sluice_args_prog_load args = {.log_level = 2};
	struct bpf_insn insns[4002];
	const char *text = fwg_resp(f);
	struct sluice_cmd_cpl cpl;

	for (unsigned i = 0; i < 4000; i++)
		insns[i] = MOV_K(3, i);
	insns[4000] = MOV_X(0, 10);
	insns[4001] = EXIT();
	fwg_begin_load(f, insns, 4002);
	fwg_args(f, &args, sizeof(args));
	cpl = fwg_run(f);
	assert_int_equal(cpl.status, SLUICE_ST_REFUSED);
	assert_int_equal(cpl.resp_len, FW_MAX_LOG);
	assert_int_equal(cpl.resp_full, FW_MAX_LOG);
	assert_int_equal(strlen(text), FW_MAX_LOG - 1);
	assert_non_null(strstr(text, "... (log cut)\nrefused: "));
	assert_non_null(strstr(text, "at instruction 4001\n"));
}

static void test_refusals(void **state)
{
	struct fw_guest *f = *state;
	const char *text = fwg_resp(f);
	const struct bpf_insn no_map[] = {LD_MAP_FD(1, 77), MOV_K(0, 0), EXIT()};
	const struct bpf_insn by_index[] = {LD_MAP_IDX(1, 0), MOV_K(0, 0), EXIT()};
	const struct bpf_insn half[] = {MOV_K(0, 0), INSN(BPF_LD | BPF_IMM | BPF_DW, 1, 1, 0, 1)};
	const struct bpf_insn garbage[] = {INSN(0xff, 15, 15, -1, -1)};

	fwg_begin_load(f, no_map, FWG_N(no_map));
	fwg_expect(f, SLUICE_ST_REFUSED, 0);
	assert_non_null(strstr(text, "77"));
	fwg_begin_load(f, by_index, FWG_N(by_index));
	fwg_expect(f, SLUICE_ST_REFUSED, 0);
	fwg_begin_load(f, half, FWG_N(half));
	fwg_expect(f, SLUICE_ST_REFUSED, 0);
	fwg_begin_load(f, garbage, FWG_N(garbage));
	fwg_expect(f, SLUICE_ST_REFUSED, 0);

	/* Lengths. */
	fwg_begin(f, SLUICE_OP_PROG_LOAD);
	fwg_expect(f, SLUICE_ST_INVALID_ATTR, SLUICE_ATTR_INSNS);
	fwg_begin(f, SLUICE_OP_PROG_LOAD);
	fwg_attr(f, SLUICE_ATTR_INSNS, no_map, 0);
	fwg_expect(f, SLUICE_ST_INVALID_ATTR, SLUICE_ATTR_INSNS);
	fwg_begin(f, SLUICE_OP_PROG_LOAD);
	fwg_attr(f, SLUICE_ATTR_INSNS, no_map, 12);
	fwg_expect(f, SLUICE_ST_INVALID_ATTR, SLUICE_ATTR_INSNS);
	assert_false(f->objects);
	assert_int_equal(f->objects_calls, 0);
}

static void test_size_limits(void **state)
{
	const struct fw_limits limits = {.max_insns = 4};
	struct fw_guest *f = fwg_new(&limits);
	const struct bpf_insn insns[] = {MOV_K(0, 0), MOV_K(0, 0), MOV_K(0, 0), MOV_K(0, 0),
					 EXIT()};
	struct sluice_cmd_cpl cpl;

	fwg_boot(f);
	fwg_begin_load(f, insns + 1, 4);
	fwg_expect(f, SLUICE_ST_OK, 0);
	fwg_begin_load(f, insns, 5);
	fwg_expect(f, SLUICE_ST_TOO_BIG, 0);
	assert_string_equal(fwg_resp(f), "the program has 5 instructions, the device takes 4\n");
	fwg_begin_load(f, insns, 5);
	f->cmd.resp_len = 12;
	cpl = fwg_run(f);
	assert_int_equal(cpl.resp_len, 12);
	assert_string_equal(fwg_resp(f), "the program");
	fwg_free(f);
}

/* 65536 instructions are one command. */
static void test_largest(void **state)
{
	struct fw_guest *f = *state;
	struct bpf_insn *insns = calloc(BPFE_MAX_INSNS, sizeof(*insns));

	assert_non_null(insns);
	for (unsigned i = 0; i < BPFE_MAX_INSNS - 1; i++)
		insns[i] = MOV_K(0, 2);
	insns[BPFE_MAX_INSNS - 1] = EXIT();
	fwg_load(f, insns, BPFE_MAX_INSNS);
	free(insns);
}

static void test_helpers_limited(void **state)
{
	const uint64_t helpers[4] = {1ull << BPF_FUNC_map_update_elem};
	const struct fw_limits limits = {.helpers = helpers};
	struct fw_guest *f = fwg_new(&limits);
	const struct bpf_insn insns[] = {CALL(BPF_FUNC_ktime_get_ns), MOV_K(0, XDP_PASS), EXIT()};

	fwg_boot(f);
	fwg_begin_load(f, insns, FWG_N(insns));
	fwg_expect(f, SLUICE_ST_REFUSED, 0);
	assert_non_null(strstr(fwg_resp(f), "ktime_get_ns"));
	fwg_free(f);
}

static void test_table_full(void **state)
{
	const struct fw_limits limits = {.max_progs = 2};
	struct fw_guest *f = fwg_new(&limits);
	const struct bpf_insn insns[] = {MOV_K(0, 0), EXIT()};
	uint32_t first;

	fwg_boot(f);
	first = fwg_load_verdict(f, XDP_PASS);
	fwg_load_verdict(f, XDP_PASS);
	fwg_begin_load(f, insns, 2);
	fwg_expect(f, SLUICE_ST_NO_RESOURCES, 0);
	fwg_begin_prog(f, SLUICE_OP_PROG_FREE, first, 0, 0);
	fwg_expect(f, SLUICE_ST_OK, 0);
	assert_int_equal(fwg_load_verdict(f, XDP_PASS), first + 2);
	fwg_free(f);
}

static void test_mtu(void **state)
{
	struct fw_guest *f = *state;
	struct sluice_args_port_set args = {.valid = SLUICE_PORT_SET_MTU,
					    .mtu = NIC_MAX_XDP_MTU + 1};
	uint32_t prog = fwg_load_verdict(f, XDP_PASS);

	fwg_begin(f, SLUICE_OP_PORT_SET);
	fwg_args(f, &args, sizeof(args));
	fwg_expect(f, SLUICE_ST_OK, 0);
	fwg_begin_prog(f, SLUICE_OP_PROG_ATTACH, prog, 0, 0);
	fwg_expect(f, SLUICE_ST_BAD_STATE, 0);
	assert_int_equal(attached(f), 0);
	args.mtu--;
	fwg_begin(f, SLUICE_OP_PORT_SET);
	fwg_args(f, &args, sizeof(args));
	fwg_expect(f, SLUICE_ST_OK, 0);
	attach(f, prog);
	args.mtu++;
	fwg_begin(f, SLUICE_OP_PORT_SET);
	fwg_args(f, &args, sizeof(args));
	fwg_expect(f, SLUICE_ST_BAD_STATE, 0);
}

/* The log cannot be delivered: the program is not kept, since the guest would not know of it. */
static void test_response_dma(void **state)
{
	struct fw_guest *f = *state;
	const struct bpf_insn insns[] = {MOV_K(0, XDP_PASS), EXIT()};
	struct sluice_cmd_cpl cpl;

	fwg_begin_load(f, insns, 2);
	f->cmd.resp_addr = 0x1000;
	cpl = fwg_run(f);
	assert_int_equal(cpl.status, SLUICE_ST_DMA_ERROR);
	assert_int_equal(cpl.result, 0);
	assert_int_equal(cpl.resp_len, 0);
	assert_int_equal(cpl.resp_full, 0);
	assert_false(f->objects);
	assert_string_equal(f->g->log,
			    "PROG_LOAD tag 0: 1 bytes of response could not be written at 0x1000");
}

static void test_feature_needed(void **state)
{
	struct fw_guest *f = fwg_new(NULL);
	const struct bpf_insn insns[] = {MOV_K(0, XDP_PASS), EXIT()};

	fwg_configure(f);
	fwg_write64(f, SLUICE_REG_DRV_FEATURES, SLUICE_FEATURE_EVENTS);
	fwg_write(f, SLUICE_REG_CONTROL, SLUICE_CONTROL_FEATURES_OK | SLUICE_CONTROL_ADMIN_ENABLE);
	fwg_begin_load(f, insns, 2);
	fwg_expect(f, SLUICE_ST_NOT_SUPPORTED, 0);
	fwg_begin(f, SLUICE_OP_RSS_QUERY);
	fwg_expect(f, SLUICE_ST_NOT_SUPPORTED, 0);
	fwg_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FWG_TEST(test_life),
		FWG_TEST(test_expect),
		FWG_TEST(test_wild),
		FWG_TEST(test_query),
		cmocka_unit_test(test_engines),
		FWG_TEST(test_name),
		FWG_TEST(test_log),
		FWG_TEST(test_log_overflow),
		FWG_TEST(test_refusals),
		cmocka_unit_test(test_size_limits),
		FWG_TEST(test_largest),
		cmocka_unit_test(test_helpers_limited),
		cmocka_unit_test(test_table_full),
		FWG_TEST(test_mtu),
		FWG_TEST(test_response_dma),
		cmocka_unit_test(test_feature_needed),
	};

	return cmocka_run_group_tests_name("firmware program", tests, NULL, NULL);
}
