/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* command_caps.c, command_port.c, command_queue.c, command_rss.c, command_stats.c */
#include "fw_guest.h"

#include "frames.h"
#include "fw_internal.h"

/* ---- Capabilities ------------------------------------------------------------------------- */

/* The payload of a capability in the response, which has @len bytes. */
static const void *find_cap(const struct fw_guest *f, const void *resp, uint32_t full,
			    uint16_t type, uint32_t len)
{
	const uint8_t *at = resp;

	for (uint32_t pos = 0; pos + sizeof(struct sluice_attr) <= full;) {
		struct sluice_attr head;

		memcpy(&head, at + pos, sizeof(head));
		if (head.type == type) {
			assert_int_equal(head.length, len);
			return at + pos + sizeof(head);
		}
		pos += (uint32_t)sizeof(head) + ((head.length + 7) & ~7u);
	}
	fail_msg("no capability %u", type);
	return NULL;
}

#define CAP(type, name) \
	const struct name *type = find_cap(f, resp, cpl.resp_len, SLUICE_CAP_##type, sizeof(*type))

static void test_caps(void **state)
{
	struct fw_guest *f = *state;
	uint8_t *resp = fwg_resp(f);
	struct sluice_cmd_cpl cpl;
	uint64_t helpers[4];

	fwg_begin(f, SLUICE_OP_QUERY_CAPS);
	cpl = fwg_run(f);
	assert_int_equal(cpl.status, SLUICE_ST_OK);
	assert_int_equal(cpl.resp_len, cpl.resp_full);
	assert_int_equal(cpl.resp_len % 8, 0);
	CAP(ADMIN, sluice_cap_admin);
	CAP(QUEUES, sluice_cap_queues);
	CAP(RX, sluice_cap_rx);
	CAP(TX, sluice_cap_tx);
	CAP(PROG, sluice_cap_prog);
	CAP(MAP, sluice_cap_map);

	assert_int_equal(ADMIN->max_data, FW_MAX_DATA);
	assert_int_equal(ADMIN->max_resp, FW_MAX_RESP);
	assert_int_equal(ADMIN->max_outstanding, 16);
	assert_int_equal(QUEUES->max_pairs, 2);
	assert_int_equal(QUEUES->n_vectors, 4);
	assert_int_equal(QUEUES->max_ring, NIC_MAX_RING);
	assert_true(QUEUES->max_cpl_ring >= QUEUES->max_ring);
	assert_int_equal(RX->max_frame, NIC_MAX_FRAME);
	assert_int_equal(TX->max_descs_per_frame, NIC_MAX_TX_DESCS);
	assert_int_equal(PROG->max_insns, BPFE_MAX_INSNS);
	assert_int_equal(PROG->max_progs, 64);
	assert_int_equal(PROG->run_budget, BPFE_DEFAULT_BUDGET);
	assert_int_equal(PROG->max_mtu, NIC_MAX_XDP_MTU);
	assert_true(MAP->types == (1ull << BPF_MAP_TYPE_HASH | 1ull << BPF_MAP_TYPE_ARRAY));
	assert_true(MAP->max_bytes == 256ull << 20);
	assert_int_equal(MAP->max_maps, 256);
	bpfe_helpers_supported(helpers);
	assert_memory_equal(find_cap(f, resp, cpl.resp_len, SLUICE_CAP_HELPERS, 32), helpers, 32);

	/* Cut, where a driver asks with little room. */
	fwg_begin(f, SLUICE_OP_QUERY_CAPS)->resp_len = 24;
	cpl = fwg_run(f);
	assert_int_equal(cpl.status, SLUICE_ST_OK);
	assert_int_equal(cpl.resp_len, 24);
	assert_true(cpl.resp_full > 24);
	assert_int_equal(resp[24], 0xa5);
}

/* ---- Port --------------------------------------------------------------------------------- */

static uint16_t port_set(struct fw_guest *f, const struct sluice_args_port_set *args)
{
	fwg_begin(f, SLUICE_OP_PORT_SET);
	fwg_args(f, args, sizeof(*args));
	return fwg_run(f).status;
}

static const struct sluice_resp_port *port_query(struct fw_guest *f)
{
	fwg_begin(f, SLUICE_OP_PORT_QUERY);
	fwg_expect(f, SLUICE_ST_OK, 0);
	return fwg_resp(f);
}

static void test_port_set(void **state)
{
	struct fw_guest *f = *state;
	const struct sluice_resp_port *resp = port_query(f);
	struct sluice_args_port_set args = {
		.valid = SLUICE_PORT_SET_ENABLE | SLUICE_PORT_SET_RX_MODE | SLUICE_PORT_SET_MTU |
			 SLUICE_PORT_SET_MAC,
		.rx_mode = SLUICE_RX_MODE_PROMISC,
		.mtu = 9000,
		.enable = 0,
		.mac = {2, 1, 2, 3, 4, 5},
	};

	assert_memory_equal(resp->mac, model_mac, 6);
	assert_int_equal(resp->enabled, 1);
	assert_int_equal(resp->link, 1);
	assert_int_equal(resp->speed, 10000);
	assert_int_equal(resp->mtu, 1500);
	assert_int_equal(resp->rx_mode, 0);
	assert_int_equal(resp->prog_id, 0);

	assert_int_equal(port_set(f, &args), SLUICE_ST_OK);
	resp = port_query(f);
	assert_memory_equal(resp->mac, args.mac, 6);
	assert_int_equal(resp->enabled, 0);
	assert_int_equal(resp->mtu, 9000);
	assert_int_equal(resp->rx_mode, SLUICE_RX_MODE_PROMISC);

	/* Fields that are not marked valid do not count. */
	args = (struct sluice_args_port_set){.valid = SLUICE_PORT_SET_ENABLE, .enable = 1};
	assert_int_equal(port_set(f, &args), SLUICE_ST_OK);
	resp = port_query(f);
	assert_int_equal(resp->enabled, 1);
	assert_int_equal(resp->mtu, 9000);
	assert_int_equal(resp->mac[1], 1);
	/* The permanent address is the register's. */
	assert_int_equal(fwg_read(f, SLUICE_REG_PORT_BASE + SLUICE_PORT_MAC_LO), 0x00c05102);
}

static void test_port_set_refusals(void **state)
{
	struct fw_guest *f = *state;
	const struct sluice_args_port_set good = {
		.valid = 0xf, .mtu = 2000, .mac = {2, 0, 0, 0, 0, 9}};
	const struct {
		struct sluice_args_port_set args;
		uint32_t detail;
	} bad[] = {
		{{.valid = 0x10}, offsetof(struct sluice_args_port_set, valid)},
		{{.valid = 0x80000001}, offsetof(struct sluice_args_port_set, valid)},
		{{.valid = 1, .enable = 2}, offsetof(struct sluice_args_port_set, enable)},
		{{.valid = 4, .mtu = 67}, offsetof(struct sluice_args_port_set, mtu)},
		{{.valid = 4, .mtu = NIC_MAX_MTU + 1}, offsetof(struct sluice_args_port_set, mtu)},
		{{.valid = 4, .mtu = UINT32_MAX}, offsetof(struct sluice_args_port_set, mtu)},
		{{.valid = 2, .rx_mode = 4}, offsetof(struct sluice_args_port_set, rx_mode)},
		{{.valid = 8, .mac = {1}}, offsetof(struct sluice_args_port_set, mac)},
		{{.valid = 8}, offsetof(struct sluice_args_port_set, mac)},
		/* The last field is wrong: those before it are taken back. */
		{{.valid = 0xf, .mtu = 3000, .mac = {2, 7}, .rx_mode = 8},
		 offsetof(struct sluice_args_port_set, rx_mode)},
	};
	struct sluice_resp_port before;

	assert_int_equal(port_set(f, &good), SLUICE_ST_OK);
	before = *port_query(f);
	for (unsigned i = 0; i < FWG_N(bad); i++) {
		fwg_begin(f, SLUICE_OP_PORT_SET);
		fwg_args(f, &bad[i].args, sizeof(bad[i].args));
		fwg_expect(f, SLUICE_ST_INVALID_ARG, bad[i].detail);
		assert_memory_equal(port_query(f), &before, sizeof(before));
	}
}

static void test_port_filter(void **state)
{
	struct fw_guest *f = *state;
	const uint8_t group[6] = {0x01, 0, 0x5e, 0, 0, 1}, station[6] = {2, 0, 0, 0, 0, 1};
	uint8_t many[NIC_MAX_MULTICAST + 1][6], buf[FRAME_MAX];
	size_t len = frame_build(buf, &(struct frame_spec){.dst = group});

	nic_receive(f->g->nic, 0, buf, len);
	assert_int_equal(model_stat(f->g, SLUICE_STAT_RX_DROP_FILTER), 1);
	fwg_begin(f, SLUICE_OP_PORT_FILTER);
	fwg_attr(f, SLUICE_ATTR_MAC_LIST, group, 6);
	fwg_expect(f, SLUICE_ST_OK, 0);
	nic_receive(f->g->nic, 0, buf, len);
	assert_int_equal(model_stat(f->g, SLUICE_STAT_RX_DROP_FILTER), 1);

	for (unsigned i = 0; i < NIC_MAX_MULTICAST + 1; i++)
		memcpy(many[i], group, 6);
	fwg_begin(f, SLUICE_OP_PORT_FILTER);
	fwg_attr(f, SLUICE_ATTR_MAC_LIST, many, sizeof(many));
	fwg_expect(f, SLUICE_ST_TOO_BIG, 0);
	fwg_begin(f, SLUICE_OP_PORT_FILTER);
	fwg_attr(f, SLUICE_ATTR_MAC_LIST, station, 6);
	fwg_expect(f, SLUICE_ST_INVALID_ATTR, SLUICE_ATTR_MAC_LIST);
	/* Neither changed the list; an empty one does. */
	nic_receive(f->g->nic, 0, buf, len);
	assert_int_equal(model_stat(f->g, SLUICE_STAT_RX_DROP_FILTER), 1);
	fwg_begin(f, SLUICE_OP_PORT_FILTER);
	fwg_attr(f, SLUICE_ATTR_MAC_LIST, NULL, 0);
	fwg_expect(f, SLUICE_ST_OK, 0);
	nic_receive(f->g->nic, 0, buf, len);
	assert_int_equal(model_stat(f->g, SLUICE_STAT_RX_DROP_FILTER), 2);
}

/* ---- RSS ---------------------------------------------------------------------------------- */

static void test_rss(void **state)
{
	struct fw_guest *f = *state;
	const struct sluice_resp_rss *resp = fwg_resp(f);
	uint8_t key[SLUICE_RSS_KEY];
	uint16_t table[SLUICE_RSS_TABLE];

	memset(key, 0x5a, sizeof(key));
	for (unsigned i = 0; i < SLUICE_RSS_TABLE; i++)
		table[i] = i & 1;
	fwg_begin(f, SLUICE_OP_RSS_SET);
	fwg_attr(f, SLUICE_ATTR_RSS_TABLE, table, sizeof(table));
	fwg_attr(f, SLUICE_ATTR_RSS_KEY, key, sizeof(key));
	fwg_expect(f, SLUICE_ST_OK, 0);
	fwg_begin(f, SLUICE_OP_RSS_QUERY);
	fwg_expect(f, SLUICE_ST_OK, 0);
	assert_memory_equal(resp->key, key, sizeof(key));
	assert_memory_equal(resp->table, table, sizeof(table));

	/* Each alone leaves the other. */
	key[0] = 1;
	fwg_begin(f, SLUICE_OP_RSS_SET);
	fwg_attr(f, SLUICE_ATTR_RSS_KEY, key, sizeof(key));
	fwg_expect(f, SLUICE_ST_OK, 0);
	table[127] = 0;
	fwg_begin(f, SLUICE_OP_RSS_SET);
	fwg_attr(f, SLUICE_ATTR_RSS_TABLE, table, sizeof(table));
	fwg_expect(f, SLUICE_ST_OK, 0);
	fwg_begin(f, SLUICE_OP_RSS_QUERY);
	fwg_expect(f, SLUICE_ST_OK, 0);
	assert_memory_equal(resp->key, key, sizeof(key));
	assert_memory_equal(resp->table, table, sizeof(table));

	fwg_begin(f, SLUICE_OP_RSS_SET);
	fwg_expect(f, SLUICE_ST_INVALID_ATTR, SLUICE_ATTR_RSS_KEY);
	table[3] = 2;
	fwg_begin(f, SLUICE_OP_RSS_SET);
	fwg_attr(f, SLUICE_ATTR_RSS_TABLE, table, sizeof(table));
	fwg_expect(f, SLUICE_ST_INVALID_ATTR, SLUICE_ATTR_RSS_TABLE);
	assert_non_null(strstr(f->g->log, "entry 3 names queue 2, the device has 2"));
}

/* ---- Queues ------------------------------------------------------------------------------- */

static void begin_create(struct fw_guest *f, uint8_t type, const struct sluice_queue_config *config)
{
	fwg_begin(f,
		  type == SLUICE_QUEUE_RX ? SLUICE_OP_RX_QUEUE_CREATE : SLUICE_OP_TX_QUEUE_CREATE);
	fwg_attr(f, SLUICE_ATTR_QUEUE, config, sizeof(*config));
}

static void queue_cmd(struct fw_guest *f, uint16_t opcode, uint8_t type, uint16_t queue,
		      uint16_t status, uint32_t detail)
{
	struct sluice_args_queue args = {.queue = queue, .type = type};

	fwg_begin(f, opcode);
	fwg_args(f, &args, sizeof(args));
	fwg_expect(f, status, detail);
}

static void assert_queue_state(struct fw_guest *f, uint8_t type, uint16_t queue, uint8_t expected)
{
	const struct sluice_resp_queue *resp = fwg_resp(f);

	queue_cmd(f, SLUICE_OP_QUEUE_QUERY, type, queue, SLUICE_ST_OK, 0);
	assert_int_equal(resp->state, expected);
	assert_int_equal(resp->type, type);
}

static void test_queue_life(void **state)
{
	struct fw_guest *f = *state;

	for (uint8_t type = SLUICE_QUEUE_RX; type <= SLUICE_QUEUE_TX; type++) {
		struct model_queue q;

		model_queue_layout(&q, f->g, type, 1, 16);
		assert_queue_state(f, type, 1, SLUICE_QSTATE_NONE);
		queue_cmd(f, SLUICE_OP_QUEUE_ENABLE, type, 1, SLUICE_ST_NOT_FOUND, 0);
		begin_create(f, type, &q.config);
		fwg_expect(f, SLUICE_ST_OK, 0);
		assert_queue_state(f, type, 1, SLUICE_QSTATE_DISABLED);
		begin_create(f, type, &q.config);
		fwg_expect(f, SLUICE_ST_EXISTS, 0);
		queue_cmd(f, SLUICE_OP_QUEUE_DISABLE, type, 1, SLUICE_ST_BAD_STATE, 0);
		queue_cmd(f, SLUICE_OP_QUEUE_ENABLE, type, 1, SLUICE_ST_OK, 0);
		assert_queue_state(f, type, 1, SLUICE_QSTATE_ENABLED);
		queue_cmd(f, SLUICE_OP_QUEUE_DESTROY, type, 1, SLUICE_ST_BAD_STATE, 0);
		queue_cmd(f, SLUICE_OP_QUEUE_RESET, type, 1, SLUICE_ST_BAD_STATE, 0);
		assert_non_null(strstr(f->g->log, "queue 1 is enabled"));
		queue_cmd(f, SLUICE_OP_QUEUE_DISABLE, type, 1, SLUICE_ST_OK, 0);
		queue_cmd(f, SLUICE_OP_QUEUE_RESET, type, 1, SLUICE_ST_OK, 0);
		queue_cmd(f, SLUICE_OP_QUEUE_DESTROY, type, 1, SLUICE_ST_OK, 0);
		assert_queue_state(f, type, 1, SLUICE_QSTATE_NONE);
	}
}

static void test_queue_arguments(void **state)
{
	struct fw_guest *f = *state;
	const uint32_t type_at = offsetof(struct sluice_args_queue, type);
	const uint32_t queue_at = offsetof(struct sluice_args_queue, queue);

	for (uint16_t opcode = SLUICE_OP_QUEUE_ENABLE; opcode <= SLUICE_OP_QUEUE_QUERY; opcode++) {
		queue_cmd(f, opcode, 0, 0, SLUICE_ST_INVALID_ARG, type_at);
		queue_cmd(f, opcode, 3, 0, SLUICE_ST_INVALID_ARG, type_at);
		queue_cmd(f, opcode, SLUICE_QUEUE_RX, 2, SLUICE_ST_INVALID_ARG, queue_at);
		queue_cmd(f, opcode, SLUICE_QUEUE_TX, 0xffff, SLUICE_ST_INVALID_ARG, queue_at);
	}
}

/* Each field of a configuration wrong, alone. */
static void test_queue_configs(void **state)
{
	struct fw_guest *f = *state;
	struct model_queue q;

	for (uint8_t type = SLUICE_QUEUE_RX; type <= SLUICE_QUEUE_TX; type++) {
		struct sluice_queue_config bad[16];
		const char *why[16];
		unsigned n = 0;

		model_queue_layout(&q, f->g, type, 0, 16);
		for (unsigned i = 0; i < FWG_N(bad); i++)
			bad[i] = q.config;
#define BAD(field, value, text) (bad[n].field = (value), why[n++] = (text))
		BAD(queue, 2, "no such queue");
		BAD(vector, 4, "no such vector");
		BAD(flags, 1, "must be 0");
		BAD(ring2_base, 64, "must be 0");
		BAD(ring2_size, 1, "must be 0");
		BAD(buffer2_size, 1, "must be 0");
		BAD(coalesce_usecs, 1, "must be 0");
		BAD(coalesce_frames, 1, "must be 0");
		BAD(ring_base, 0x1020, ": ring size or alignment");
		BAD(ring_size, 12, ": ring size or alignment");
		BAD(ring_size, NIC_MAX_RING * 2, ": ring size or alignment");
		BAD(cpl_base, 0x1001, "completion ring size or alignment");
		BAD(cpl_size, 8, "completion ring size or alignment");
		BAD(cpl_size, NIC_MAX_CPL * 2, "completion ring size or alignment");
		BAD(buffer_size, NIC_MAX_BUFFER + 1, "buffer_size");
		BAD(headroom, NIC_MAX_HEADROOM + 1, "headroom");
#undef BAD
		for (unsigned i = 0; i < n; i++) {
			begin_create(f, type, &bad[i]);
			fwg_expect(f, SLUICE_ST_INVALID_ATTR, SLUICE_ATTR_QUEUE);
			if (!strstr(f->g->log, why[i]))
				fail_msg("'%s' lacks '%s'", f->g->log, why[i]);
		}
		f->g->now_ns += 1000000000;
		assert_queue_state(f, type, 0, SLUICE_QSTATE_NONE);
	}
}

/* ---- Statistics --------------------------------------------------------------------------- */

static void test_stats(void **state)
{
	struct fw_guest *f = *state;
	struct sluice_args_stats args = {.queue = SLUICE_STATS_PORT};
	const uint64_t *resp = fwg_resp(f);
	struct sluice_cmd_cpl cpl;
	struct model_queue q;
	uint8_t buf[FRAME_MAX];
	size_t len = frame_udp(buf, 100, 1);

	model_queue_layout(&q, f->g, SLUICE_QUEUE_RX, 0, 16);
	assert_int_equal(model_queue_open(&q), 0);
	model_rx_post(&q, 2);
	for (unsigned i = 0; i < 3; i++)
		nic_receive(f->g->nic, 0, buf, len);

	fwg_begin(f, SLUICE_OP_STATS_QUERY);
	fwg_args(f, &args, sizeof(args));
	cpl = fwg_run(f);
	assert_int_equal(cpl.status, SLUICE_ST_OK);
	assert_int_equal(cpl.resp_len, SLUICE_N_PORT_STATS * 8);
	assert_int_equal(resp[SLUICE_STAT_RX_WIRE_FRAMES], 3);
	assert_int_equal(resp[SLUICE_STAT_RX_DELIVERED_FRAMES], 2);
	assert_int_equal(resp[SLUICE_STAT_RX_DROP_NO_BUFFER], 1);
	assert_true(nic_port_stats_balance(resp, &(const char *){NULL}));

	args = (struct sluice_args_stats){.queue = 0, .type = SLUICE_QUEUE_RX};
	fwg_begin(f, SLUICE_OP_STATS_QUERY);
	fwg_args(f, &args, sizeof(args));
	cpl = fwg_run(f);
	assert_int_equal(cpl.resp_len, SLUICE_N_QUEUE_STATS * 8);
	assert_int_equal(resp[SLUICE_QSTAT_FRAMES], 2);
	assert_int_equal(resp[SLUICE_QSTAT_NO_BUFFER], 1);

	/* An older driver, which knows fewer. */
	fwg_begin(f, SLUICE_OP_STATS_QUERY)->resp_len = 8;
	fwg_args(f, &args, sizeof(args));
	cpl = fwg_run(f);
	assert_int_equal(cpl.status, SLUICE_ST_OK);
	assert_int_equal(cpl.resp_len, 8);
	assert_int_equal(cpl.resp_full, SLUICE_N_QUEUE_STATS * 8);
}

static void test_stats_refusals(void **state)
{
	struct fw_guest *f = *state;
	const struct {
		struct sluice_args_stats args;
		uint16_t status;
		uint32_t detail;
	} bad[] = {
		{{.queue = SLUICE_STATS_PORT, .type = 1}, SLUICE_ST_INVALID_ARG, 2},
		{{.queue = 0, .type = 0}, SLUICE_ST_INVALID_ARG, 2},
		{{.queue = 0, .type = 3}, SLUICE_ST_INVALID_ARG, 2},
		{{.queue = 2, .type = 1}, SLUICE_ST_INVALID_ARG, 0},
		{{.queue = 0xfffe, .type = 2}, SLUICE_ST_INVALID_ARG, 0},
		{{.queue = 1, .type = 2}, SLUICE_ST_NOT_FOUND, 0},
	};

	for (unsigned i = 0; i < FWG_N(bad); i++) {
		fwg_begin(f, SLUICE_OP_STATS_QUERY);
		fwg_args(f, &bad[i].args, sizeof(bad[i].args));
		fwg_expect(f, bad[i].status, bad[i].detail);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FWG_TEST(test_caps),
		FWG_TEST(test_port_set),
		FWG_TEST(test_port_set_refusals),
		FWG_TEST(test_port_filter),
		FWG_TEST(test_rss),
		FWG_TEST(test_queue_life),
		FWG_TEST(test_queue_arguments),
		FWG_TEST(test_queue_configs),
		FWG_TEST(test_stats),
		FWG_TEST(test_stats_refusals),
	};

	return cmocka_run_group_tests_name("firmware control", tests, NULL, NULL);
}
