/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Admin rings: commands, capabilities, responses, interrupts, events, refusals. */
#include "qemu/osdep.h"
#include "qobject/qdict.h"
#include "sluice.h"

static void test_nop(void)
{
	QSluice *s = sluice_start("", "");
	unsigned i;

	sluice_bring_up(s);
	/* Several laps, so that the phase flips. */
	for (i = 0; i < 3 * SLUICE_ADMIN_RING + 1; i++)
		sluice_cmd(s, SLUICE_OP_NOP, NULL, 0, NULL, NULL, 0);
	sluice_stop(s);
}

/* A batch of commands behind one doorbell. */
static void test_batch(void)
{
	QSluice *s = sluice_start("", "");
	unsigned i;

	sluice_bring_up(s);
	for (i = 0; i < SLUICE_ADMIN_RING; i++) {
		struct sluice_cmd cmd = {
			.opcode = cpu_to_le16(SLUICE_OP_NOP),
			.tag = cpu_to_le16(100 + i),
		};

		qtest_memwrite(s->qts, s->asq.base + i * sizeof(cmd), &cmd, sizeof(cmd));
	}
	s->asq.index = SLUICE_ADMIN_RING;
	sluice_reg_set(s, SLUICE_REG_ASQ_DOORBELL, s->asq.index);
	for (i = 0; i < SLUICE_ADMIN_RING; i++) {
		struct sluice_cmd_cpl cpl = sluice_completion(s);

		g_assert_cmpuint(cpl.tag, ==, 100 + i);
		sluice_assert_status(cpl, OK);
	}
	g_assert_false(sluice_completion_ready(s));
	sluice_stop(s);
}

static void test_caps(void)
{
	QSluice *s = sluice_start(",queues=3,max-maps=7,insn-budget=12345", "");
	uint8_t resp[4096];
	struct sluice_cmd_cpl cpl;
	uint32_t seen = 0, offset = 0;

	sluice_bring_up(s);
	cpl = sluice_run(s, SLUICE_OP_QUERY_CAPS, NULL, 0, NULL, resp, sizeof(resp));
	sluice_assert_status(cpl, OK);
	g_assert_cmpuint(cpl.resp_len, ==, cpl.resp_full);
	while (offset < cpl.resp_len) {
		struct sluice_attr header;
		const void *payload = resp + offset + sizeof(header);

		memcpy(&header, resp + offset, sizeof(header));
		g_assert_cmpuint(header.flags, ==, 0);
		g_assert_cmpuint(offset + sizeof(header) + header.length, <=, cpl.resp_len);
		seen |= 1u << header.type;
		if (header.type == SLUICE_CAP_QUEUES) {
			const struct sluice_cap_queues *cap = payload;

			g_assert_cmpuint(header.length, ==, sizeof(*cap));
			g_assert_cmpuint(cap->max_pairs, ==, 3);
			g_assert_cmpuint(cap->n_vectors, ==, 7);
		} else if (header.type == SLUICE_CAP_MAP) {
			const struct sluice_cap_map *cap = payload;

			g_assert_cmpuint(cap->max_maps, ==, 7);
			g_assert_cmphex(cap->types, ==,
					1ull << BPF_MAP_TYPE_ARRAY | 1ull << BPF_MAP_TYPE_HASH);
		} else if (header.type == SLUICE_CAP_PROG) {
			const struct sluice_cap_prog *cap = payload;

			g_assert_cmpuint(cap->run_budget, ==, 12345);
		}
		offset += sizeof(header) + ROUND_UP(header.length, SLUICE_ATTR_ALIGN);
	}
	g_assert_cmphex(seen, ==, 0xfe);
	sluice_stop(s);
}

/* A response that does not fit is cut, and says how long it is. */
static void test_response_cut(void)
{
	QSluice *s = sluice_start("", "");
	struct sluice_cmd_cpl whole, cut;
	uint8_t resp[4096];

	sluice_bring_up(s);
	whole = sluice_run(s, SLUICE_OP_QUERY_CAPS, NULL, 0, NULL, resp, sizeof(resp));
	qtest_memset(s->qts, s->resp, 0xaa, 64);
	cut = sluice_run(s, SLUICE_OP_QUERY_CAPS, NULL, 0, NULL, resp, 24);
	g_assert_cmpuint(cut.resp_full, ==, whole.resp_full);
	g_assert_cmpuint(cut.resp_len, <=, 24);
	g_assert_cmphex(qtest_readb(s->qts, s->resp + 24), ==, 0xaa);
	sluice_stop(s);
}

static void test_refusals(void)
{
	QSluice *s = sluice_start("", "");
	struct sluice_args_queue args = {.queue = cpu_to_le16(99), .type = SLUICE_QUEUE_RX};
	struct sluice_cmd cmd;
	uint8_t junk[24] = {0};

	sluice_bring_up(s);
	sluice_assert_status(sluice_run(s, 0x7777, NULL, 0, NULL, NULL, 0), INVALID_OPCODE);

	cmd = (struct sluice_cmd){.opcode = cpu_to_le16(SLUICE_OP_NOP), .flags = 1};
	sluice_submit(s, &cmd);
	sluice_assert_status(sluice_completion(s), INVALID_FIELD);
	cmd = (struct sluice_cmd){.opcode = cpu_to_le16(SLUICE_OP_NOP), .reserved = 1};
	sluice_submit(s, &cmd);
	sluice_assert_status(sluice_completion(s), INVALID_FIELD);

	/* Attribute lists: unknown, longer than the list, cut in its header. */
	sluice_assert_status(sluice_run(s, SLUICE_OP_RX_QUEUE_CREATE, NULL, 0,
					sluice_attr(NULL, 0x999, junk, 8), NULL, 0),
			     INVALID_ATTR);
	((struct sluice_attr *)junk)->type = SLUICE_ATTR_QUEUE;
	((struct sluice_attr *)junk)->length = 64;
	qtest_memwrite(s->qts, s->data, junk, sizeof(junk));
	cmd = (struct sluice_cmd){.opcode = cpu_to_le16(SLUICE_OP_RX_QUEUE_CREATE),
				  .data_addr = cpu_to_le64(s->data),
				  .data_len = cpu_to_le32(sizeof(junk))};
	sluice_submit(s, &cmd);
	sluice_assert_status(sluice_completion(s), INVALID_ATTR);
	cmd.data_len = cpu_to_le32(4);
	sluice_submit(s, &cmd);
	sluice_assert_status(sluice_completion(s), INVALID_ATTR);
	cmd.data_len = cpu_to_le32(0xfffffff8);
	sluice_submit(s, &cmd);
	sluice_assert_status(sluice_completion(s), TOO_BIG);
	cmd.data_len = cpu_to_le32(8);
	cmd.data_addr = cpu_to_le64(0xfffffffffffffff8ull);
	sluice_submit(s, &cmd);
	sluice_assert_status(sluice_completion(s), DMA_ERROR);

	g_assert_cmpuint(
		sluice_run(s, SLUICE_OP_QUEUE_ENABLE, &args, sizeof(args), NULL, NULL, 0).status,
		!=, SLUICE_ST_OK);
	sluice_assert_alive(s);
	sluice_stop(s);
}

static void test_interrupt(void)
{
	QSluice *s = sluice_start("", "");
	struct sluice_cmd cmd = {.opcode = cpu_to_le16(SLUICE_OP_NOP)};

	sluice_bring_up(s);
	sluice_cmd(s, SLUICE_OP_NOP, NULL, 0, NULL, NULL, 0); /* leaves the ring armed */
	sluice_interrupted(s, 0);
	sluice_reg_set(s, SLUICE_REG_INTR_CAUSE, ~0u);
	g_assert_cmphex(sluice_reg(s, SLUICE_REG_INTR_CAUSE), ==, 0);

	sluice_submit(s, &cmd);
	sluice_wait_interrupt(s, 0);
	g_assert_cmphex(sluice_reg(s, SLUICE_REG_INTR_CAUSE), ==, SLUICE_INTR_ADMIN);
	sluice_reg_set(s, SLUICE_REG_INTR_CAUSE, SLUICE_INTR_ADMIN);
	g_assert_cmphex(sluice_reg(s, SLUICE_REG_INTR_CAUSE), ==, 0);

	/* Not armed since: no second interrupt. */
	sluice_submit(s, &cmd);
	sluice_completion(s); /* takes the first, arms: the second is pending, so it fires */
	sluice_wait_interrupt(s, 0);
	sluice_completion(s);

	/* Masked: the cause stands, the interrupt does not come. */
	sluice_interrupted(s, 0);
	sluice_reg_set(s, SLUICE_REG_INTR_CAUSE, ~0u);
	sluice_reg_set(s, SLUICE_REG_INTR_MASK, SLUICE_INTR_ADMIN);
	sluice_submit(s, &cmd);
	sluice_completion(s);
	g_assert_cmphex(sluice_reg(s, SLUICE_REG_INTR_CAUSE), ==, SLUICE_INTR_ADMIN);
	g_assert_false(sluice_interrupted(s, 0));
	sluice_stop(s);
}

static void sluice_set_link(QSluice *s, bool up)
{
	qtest_qmp_assert_success(s->qts,
				 "{'execute': 'set_link', 'arguments': "
				 "{'name': 'nic0', 'up': %i}}",
				 up);
}

static void sluice_wait_event(QSluice *s, struct sluice_event *event)
{
	uint64_t addr = s->evq.base + s->evq.index % s->evq.size * sizeof(*event);
	uint8_t old = s->evq.index / s->evq.size % 2;
	gint64 end = g_get_monotonic_time() + SLUICE_PATIENCE;

	do {
		g_assert_cmpint(g_get_monotonic_time(), <, end);
		qtest_memread(s->qts, addr, event, sizeof(*event));
	} while ((event->phase & SLUICE_PHASE) == old);
	s->evq.index++;
	sluice_reg_set(s, SLUICE_REG_EVQ_DOORBELL, s->evq.index | SLUICE_DB32_ARM);
}

static void test_link_event(void)
{
	QSluice *s = sluice_start("", "");
	struct sluice_event event;

	sluice_bring_up(s);
	sluice_reg_set(s, SLUICE_REG_EVQ_DOORBELL, SLUICE_DB32_ARM);
	qtest_qmp_assert_success(s->qts, "{'execute': 'set_link', 'arguments': "
					 "{'name': 'nic0', 'up': false}}");
	sluice_wait_event(s, &event);
	g_assert_cmpuint(event.type, ==, SLUICE_EVENT_LINK);
	g_assert_cmpuint(event.port, ==, 0);
	g_assert_cmphex(event.arg & 1, ==, 0);
	g_assert_cmphex(sluice_reg(s, SLUICE_REG_PORT_BASE + SLUICE_PORT_LINK) & 1, ==, 0);
	sluice_wait_interrupt(s, 0);
	g_assert_cmphex(sluice_reg(s, SLUICE_REG_INTR_CAUSE) & SLUICE_INTR_EVENT, ==,
			SLUICE_INTR_EVENT);

	sluice_set_link(s, true);
	sluice_wait_event(s, &event);
	g_assert_cmpuint(event.type, ==, SLUICE_EVENT_LINK);
	g_assert_cmphex(event.arg, ==, 10000 << 1 | 1);
	g_assert_cmpuint(event.lost, ==, 0);
	sluice_stop(s);
}

static void test_port(void)
{
	QSluice *s = sluice_start("", "");
	static const uint8_t mac[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
	struct sluice_args_port_set set = {.valid = cpu_to_le32(SLUICE_PORT_SET_MTU)};
	struct sluice_resp_port port;

	sluice_bring_up(s);
	sluice_cmd(s, SLUICE_OP_PORT_QUERY, NULL, 0, NULL, &port, sizeof(port));
	g_assert_cmpmem(port.mac, 6, mac, 6);
	g_assert_cmpuint(port.enabled, ==, 0);
	g_assert_cmpuint(port.link, ==, 1);
	g_assert_cmpuint(port.speed, ==, 10000);

	set.mtu = cpu_to_le32(9000);
	sluice_cmd(s, SLUICE_OP_PORT_SET, &set, sizeof(set), NULL, NULL, 0);
	sluice_cmd(s, SLUICE_OP_PORT_QUERY, NULL, 0, NULL, &port, sizeof(port));
	g_assert_cmpuint(port.mtu, ==, 9000);
	set.mtu = cpu_to_le32(100000);
	sluice_assert_status(sluice_run(s, SLUICE_OP_PORT_SET, &set, sizeof(set), NULL, NULL, 0),
			     INVALID_ARG);
	sluice_port_up(s, SLUICE_RX_MODE_PROMISC);
	sluice_cmd(s, SLUICE_OP_PORT_QUERY, NULL, 0, NULL, &port, sizeof(port));
	g_assert_cmpuint(port.enabled, ==, 1);
	g_assert_cmpuint(port.mtu, ==, SLUICE_MTU);
	g_assert_cmpuint(port.rx_mode, ==, SLUICE_RX_MODE_PROMISC);
	sluice_stop(s);
}

/* The guest's view of the counters and the host's are one. */
static void test_stats(void)
{
	QSluice *s = sluice_start("", "");
	struct sluice_args_stats args = {.queue = cpu_to_le16(SLUICE_STATS_PORT)};
	uint64_t stats[SLUICE_N_PORT_STATS];
	uint8_t frame[64];

	sluice_bring_up(s);
	sluice_make_frame(frame, sizeof(frame), 1);
	sluice_wire_send(s, frame, sizeof(frame));
	sluice_wait_stat(s, "rx_wire_frames", 1);
	sluice_cmd(s, SLUICE_OP_STATS_QUERY, &args, sizeof(args), NULL, stats, sizeof(stats));
	g_assert_cmpuint(stats[SLUICE_STAT_RX_WIRE_FRAMES], ==, 1);
	g_assert_cmpuint(stats[SLUICE_STAT_RX_WIRE_BYTES], ==, sizeof(frame));
	g_assert_cmpuint(stats[SLUICE_STAT_RX_DROP_LINK], ==, 1);
#define SLUICE_X(name, text) g_assert_cmpuint(stats[SLUICE_STAT_##name], ==, sluice_stat(s, text));
	SLUICE_PORT_STATS(SLUICE_X)
#undef SLUICE_X
	sluice_assert_balanced(s);
	sluice_stop(s);
}

void sluice_add_admin_tests(void)
{
	qtest_add_func("/sluice/admin/nop", test_nop);
	qtest_add_func("/sluice/admin/batch", test_batch);
	qtest_add_func("/sluice/admin/capabilities", test_caps);
	qtest_add_func("/sluice/admin/response-cut", test_response_cut);
	qtest_add_func("/sluice/admin/refusals", test_refusals);
	qtest_add_func("/sluice/admin/interrupt", test_interrupt);
	qtest_add_func("/sluice/admin/link-event", test_link_event);
	qtest_add_func("/sluice/admin/port", test_port);
	qtest_add_func("/sluice/admin/stats", test_stats);
}
