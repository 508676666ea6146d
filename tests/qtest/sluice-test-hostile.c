/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest that means harm: each gets a status, a counter or an error state, and nothing breaks. */
#include "qemu/osdep.h"
#include "hw/pci/pci_regs.h"
#include "qemu/units.h"
#include "sluice.h"

#define NOWHERE 0x7fff00000000ull
#define IOAPIC  0xfec00000ull /* registers of another device */

static void sluice_fatal_then_reset(QSluice *s, uint32_t code)
{
	g_assert_cmphex(sluice_reg(s, SLUICE_REG_STATUS) & SLUICE_STATUS_FATAL, ==,
			SLUICE_STATUS_FATAL);
	g_assert_cmpuint(sluice_reg(s, SLUICE_REG_FATAL_CODE), ==, code);
	sluice_assert_alive(s);
	sluice_reg_set(s, SLUICE_REG_RESET, SLUICE_RESET_KEY);
	g_assert_cmpuint(sluice_reg(s, SLUICE_REG_FATAL_CODE), ==, SLUICE_FATAL_NONE);
	sluice_admin_init(s);
	sluice_cmd(s, SLUICE_OP_NOP, NULL, 0, NULL, NULL, 0);
}

/* An admin ring of its own, with @asq and @acq as bases. */
static QSluice *sluice_start_rings(uint64_t asq, uint64_t acq)
{
	QSluice *s = sluice_start("", "");
	uint64_t good_asq, good_acq;

	sluice_bring_up(s);
	sluice_reg_set(s, SLUICE_REG_RESET, SLUICE_RESET_KEY);
	good_asq = s->asq.base;
	good_acq = s->acq.base;
	sluice_negotiate(s, sluice_reg64(s, SLUICE_REG_DEV_FEATURES));
	sluice_reg64_set(s, SLUICE_REG_ASQ_BASE, asq ? asq : good_asq);
	sluice_reg64_set(s, SLUICE_REG_ACQ_BASE, acq ? acq : good_acq);
	sluice_reg_set(s, SLUICE_REG_ASQ_SIZE, SLUICE_ADMIN_RING);
	sluice_reg_set(s, SLUICE_REG_ACQ_SIZE, SLUICE_ADMIN_RING);
	sluice_reg_set(s, SLUICE_REG_CONTROL,
		       SLUICE_CONTROL_FEATURES_OK | SLUICE_CONTROL_ADMIN_ENABLE);
	g_assert_cmphex(sluice_reg(s, SLUICE_REG_STATUS) & SLUICE_STATUS_ADMIN_ON, ==,
			SLUICE_STATUS_ADMIN_ON);
	return s;
}

static void sluice_wait_fatal(QSluice *s)
{
	gint64 end = g_get_monotonic_time() + SLUICE_PATIENCE;

	while (!(sluice_reg(s, SLUICE_REG_STATUS) & SLUICE_STATUS_FATAL))
		g_assert_cmpint(g_get_monotonic_time(), <, end);
}

static void test_asq_nowhere(void)
{
	QSluice *s = sluice_start_rings(NOWHERE, 0);

	sluice_reg_set(s, SLUICE_REG_ASQ_DOORBELL, 1);
	sluice_wait_fatal(s);
	sluice_fatal_then_reset(s, SLUICE_FATAL_ASQ_DMA);
	sluice_stop(s);
}

/* A ring that would run over the end of the address space is no ring. */
static void test_asq_wraps(void)
{
	QSluice *s = sluice_start("", "");

	sluice_bring_up(s);
	sluice_reg_set(s, SLUICE_REG_RESET, SLUICE_RESET_KEY);
	sluice_negotiate(s, sluice_reg64(s, SLUICE_REG_DEV_FEATURES));
	sluice_reg64_set(s, SLUICE_REG_ASQ_BASE, 0xffffffffffffffc0ull);
	sluice_reg64_set(s, SLUICE_REG_ACQ_BASE, s->acq.base);
	sluice_reg_set(s, SLUICE_REG_ASQ_SIZE, SLUICE_ADMIN_RING);
	sluice_reg_set(s, SLUICE_REG_ACQ_SIZE, SLUICE_ADMIN_RING);
	sluice_reg_set(s, SLUICE_REG_CONTROL,
		       SLUICE_CONTROL_FEATURES_OK | SLUICE_CONTROL_ADMIN_ENABLE);
	g_assert_cmphex(sluice_reg(s, SLUICE_REG_STATUS), ==,
			SLUICE_STATUS_READY | SLUICE_STATUS_FEATURES_OK);
	sluice_reg_set(s, SLUICE_REG_RESET, SLUICE_RESET_KEY);
	sluice_admin_init(s);
	sluice_cmd(s, SLUICE_OP_NOP, NULL, 0, NULL, NULL, 0);
	sluice_stop(s);
}

static void test_acq_nowhere(void)
{
	QSluice *s = sluice_start_rings(0, NOWHERE);
	struct sluice_cmd cmd = {.opcode = cpu_to_le16(SLUICE_OP_NOP)};

	s->asq.index = 0;
	sluice_submit(s, &cmd);
	sluice_wait_fatal(s);
	sluice_fatal_then_reset(s, SLUICE_FATAL_ACQ_DMA);
	sluice_stop(s);
}

/* The completion ring in the device's own registers: DMA reaches memory only. */
static void test_acq_in_bar(void)
{
	QSluice *s = sluice_start("", "");
	struct sluice_cmd cmd = {.opcode = cpu_to_le16(SLUICE_OP_NOP)};

	sluice_bring_up(s);
	sluice_reg_set(s, SLUICE_REG_RESET, SLUICE_RESET_KEY);
	sluice_negotiate(s, sluice_reg64(s, SLUICE_REG_DEV_FEATURES));
	sluice_reg64_set(s, SLUICE_REG_ASQ_BASE, s->asq.base);
	sluice_reg64_set(s, SLUICE_REG_ACQ_BASE, s->regs.addr);
	sluice_reg_set(s, SLUICE_REG_ASQ_SIZE, SLUICE_ADMIN_RING);
	sluice_reg_set(s, SLUICE_REG_ACQ_SIZE, SLUICE_ADMIN_RING);
	sluice_reg_set(s, SLUICE_REG_CONTROL,
		       SLUICE_CONTROL_FEATURES_OK | SLUICE_CONTROL_ADMIN_ENABLE);
	s->asq.index = 0;
	sluice_submit(s, &cmd);
	sluice_wait_fatal(s);
	g_assert_cmphex(sluice_reg(s, SLUICE_REG_MAGIC), ==, SLUICE_MAGIC);
	g_assert_cmpuint(sluice_reg(s, SLUICE_REG_BAD_ACCESS), ==, 0);
	sluice_fatal_then_reset(s, SLUICE_FATAL_ACQ_DMA);
	sluice_stop(s);
}

static void test_asq_overrun(void)
{
	QSluice *s = sluice_start("", "");

	sluice_bring_up(s);
	sluice_reg_set(s, SLUICE_REG_ASQ_DOORBELL, SLUICE_ADMIN_RING + 1);
	sluice_wait_fatal(s);
	sluice_fatal_then_reset(s, SLUICE_FATAL_ASQ_OVERRUN);
	sluice_stop(s);
}

static void test_acq_overrun(void)
{
	QSluice *s = sluice_start("", "");

	sluice_bring_up(s);
	sluice_reg_set(s, SLUICE_REG_ACQ_DOORBELL, 0x1234);
	sluice_wait_fatal(s);
	sluice_fatal_then_reset(s, SLUICE_FATAL_ACQ_OVERRUN);
	sluice_stop(s);
}

/* Rings the capabilities do not allow never come to be. */
static void test_queue_config(void)
{
	static const struct {
		size_t field;
		unsigned size;
		uint64_t value;
	} wrong[] = {
#define SLUICE_FIELD(name)                          \
	offsetof(struct sluice_queue_config, name), \
		sizeof(((struct sluice_queue_config *)NULL)->name)
		{SLUICE_FIELD(queue), 99},
		{SLUICE_FIELD(vector), 999},
		{SLUICE_FIELD(flags), 1},
		{SLUICE_FIELD(ring_base), 0x100001},
		{SLUICE_FIELD(cpl_base), 0x100008},
		{SLUICE_FIELD(ring_size), 0},
		{SLUICE_FIELD(ring_size), 24},
		{SLUICE_FIELD(ring_size), 0x80000000u},
		{SLUICE_FIELD(ring_size), 0xffffffffu},
		{SLUICE_FIELD(cpl_size), 8},
		{SLUICE_FIELD(cpl_size), 0x40000000u},
		{SLUICE_FIELD(buffer_size), 0},
		{SLUICE_FIELD(buffer_size), 0xffffffffu},
		{SLUICE_FIELD(headroom), 0xffffffffu},
		{SLUICE_FIELD(ring2_base), 64},
		{SLUICE_FIELD(ring2_size), 8},
		{SLUICE_FIELD(coalesce_usecs), 1},
#undef SLUICE_FIELD
	};
	QSluice *s = sluice_start("", "");
	struct sluice_queue_config config;
	QSluiceQueue rx;
	unsigned i;

	sluice_bring_up(s);
	sluice_queue_config(s, &rx, 0, &config);
	config.buffer_size = cpu_to_le32(SLUICE_BUFFER);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct sluice_queue_config bad = config;
		struct sluice_cmd_cpl cpl;

		memcpy((uint8_t *)&bad + wrong[i].field, &wrong[i].value, wrong[i].size);
		cpl = sluice_run(s, SLUICE_OP_RX_QUEUE_CREATE, NULL, 0,
				 sluice_attr(NULL, SLUICE_ATTR_QUEUE, &bad, sizeof(bad)), NULL, 0);
		if (cpl.status == SLUICE_ST_OK)
			g_test_message("case %u was accepted", i);
		g_assert_cmpuint(cpl.status, !=, SLUICE_ST_OK);
	}
	/* And the same without the fault is accepted. */
	sluice_cmd(s, SLUICE_OP_RX_QUEUE_CREATE, NULL, 0,
		   sluice_attr(NULL, SLUICE_ATTR_QUEUE, &config, sizeof(config)), NULL, 0);
	sluice_stop(s);
}

/* Receive buffers where no memory is, in the device's registers, at the end of the world. */
static void test_rx_buffer_nowhere(void)
{
	QSluice *s = sluice_start("", "");
	QSluiceQueue rx, tx;
	uint8_t frame[64];
	uint64_t where[4];
	unsigned i;

	sluice_bring_up(s);
	where[0] = NOWHERE;
	where[1] = s->regs.addr;
	where[2] = 0xfffffffffffffff0ull;
	where[3] = IOAPIC;
	sluice_rx_create(s, &rx, 0);
	sluice_tx_create(s, &tx, 0);
	sluice_rss_zero(s);
	sluice_port_up(s, 0);
	sluice_make_frame(frame, sizeof(frame), 0);
	for (i = 0; i < ARRAY_SIZE(where); i++)
		sluice_rx_post_at(s, &rx, where[i], i);
	sluice_rx_post(s, &rx, SLUICE_RING - ARRAY_SIZE(where));
	for (i = 0; i < ARRAY_SIZE(where); i++) {
		sluice_wire_send(s, frame, sizeof(frame));
		sluice_wait_stat(s, "rx_drop_dma", i + 1);
	}
	g_assert_cmphex(sluice_reg(s, SLUICE_REG_MAGIC), ==, SLUICE_MAGIC);
	g_assert_cmpuint(sluice_reg(s, SLUICE_REG_BAD_ACCESS), ==, 0);
	sluice_assert_balanced(s);
	sluice_stop(s);
}

static void test_rx_doorbell(void)
{
	QSluice *s = sluice_start("", "");
	struct sluice_resp_queue state;
	QSluiceQueue rx, tx;
	uint8_t frame[64];

	sluice_bring_up(s);
	sluice_traffic(s, &rx, &tx);
	sluice_doorbell(s, 0, SLUICE_DB_RX_FREE, 3 * SLUICE_RING);
	state = sluice_queue_query(s, SLUICE_QUEUE_RX, 0);
	g_assert_cmpuint(state.state, ==, SLUICE_QSTATE_ERROR);
	g_assert_cmpuint(le16_to_cpu(state.error), ==, SLUICE_QERR_BAD_INDEX);
	/* Its frames are counted, the transmit queue beside it works. */
	sluice_make_frame(frame, sizeof(frame), 0);
	sluice_wire_send(s, frame, sizeof(frame));
	sluice_wait_stat(s, "rx_drop_no_queue", 1);
	sluice_tx_frame(s, &tx, frame, sizeof(frame));
	g_assert_cmpuint(le16_to_cpu(sluice_tx_wait(s, &tx).status), ==, SLUICE_TX_ST_OK);

	/* Reset heals it. */
	g_assert_cmpuint(sluice_queue_op(s, SLUICE_OP_QUEUE_RESET, SLUICE_QUEUE_RX, 0), ==,
			 SLUICE_ST_OK);
	g_assert_cmpuint(sluice_queue_op(s, SLUICE_OP_QUEUE_ENABLE, SLUICE_QUEUE_RX, 0), ==,
			 SLUICE_ST_OK);
	rx.ring.index = rx.cpl.index = 0;
	qtest_memset(s->qts, rx.cpl.base, 0, SLUICE_RING * sizeof(struct sluice_rx_cpl));
	sluice_rx_post(s, &rx, SLUICE_RING);
	sluice_wire_send(s, frame, sizeof(frame));
	sluice_rx_wait(s, &rx, frame);
	sluice_assert_balanced(s);
	sluice_stop(s);
}

/* A doorbell of a queue that was never made, and beyond the last. */
static void test_doorbell_no_queue(void)
{
	QSluice *s = sluice_start(",queues=3", "");
	unsigned i;

	sluice_bring_up(s);
	for (i = 0; i < 4; i++) {
		sluice_doorbell(s, i, SLUICE_DB_RX_FREE, 5);
		sluice_doorbell(s, i, SLUICE_DB_RX_CPL, SLUICE_DB_ARM | 5);
		sluice_doorbell(s, i, SLUICE_DB_TX_SUB, 5);
		sluice_doorbell(s, i, SLUICE_DB_TX_CPL, ~0ull);
	}
	sluice_cmd(s, SLUICE_OP_NOP, NULL, 0, NULL, NULL, 0);
	sluice_assert_alive(s);
	sluice_stop(s);
}

static uint16_t sluice_bad_tx(QSluice *s, QSluiceQueue *tx, const struct sluice_tx_desc *desc)
{
	sluice_tx_desc(s, tx, desc);
	sluice_tx_kick(s, tx);
	return le16_to_cpu(sluice_tx_wait(s, tx).status);
}

static void test_tx_desc(void)
{
	QSluice *s = sluice_start("", "");
	QSluiceQueue rx, tx;
	struct sluice_tx_desc good, desc;
	uint8_t frame[64];

	sluice_bring_up(s);
	sluice_traffic(s, &rx, &tx);
	good = (struct sluice_tx_desc){
		.addr = cpu_to_le64(tx.buffers),
		.length = cpu_to_le32(64),
		.flags = cpu_to_le16(SLUICE_TX_LAST),
	};
	desc = good;
	desc.length = 0;
	g_assert_cmpuint(sluice_bad_tx(s, &tx, &desc), ==, SLUICE_TX_ST_BAD_DESC);
	desc.length = cpu_to_le32(0xffffffff);
	g_assert_cmpuint(sluice_bad_tx(s, &tx, &desc), !=, SLUICE_TX_ST_OK);
	desc.length = cpu_to_le32(65536);
	g_assert_cmpuint(sluice_bad_tx(s, &tx, &desc), ==, SLUICE_TX_ST_TOO_LONG);
	desc = good;
	desc.flags = cpu_to_le16(SLUICE_TX_LAST | 0x8000);
	g_assert_cmpuint(sluice_bad_tx(s, &tx, &desc), ==, SLUICE_TX_ST_BAD_DESC);
	desc = good;
	desc.flags = cpu_to_le16(SLUICE_TX_LAST | SLUICE_TX_CSUM);
	desc.csum_start = cpu_to_le16(60);
	desc.csum_offset = cpu_to_le16(0xffff);
	g_assert_cmpuint(sluice_bad_tx(s, &tx, &desc), ==, SLUICE_TX_ST_BAD_DESC);
	desc = good;
	desc.addr = cpu_to_le64(NOWHERE);
	g_assert_cmpuint(sluice_bad_tx(s, &tx, &desc), ==, SLUICE_TX_ST_DMA);
	desc.addr = cpu_to_le64(s->regs.addr);
	g_assert_cmpuint(sluice_bad_tx(s, &tx, &desc), ==, SLUICE_TX_ST_DMA);
	desc.addr = cpu_to_le64(IOAPIC);
	g_assert_cmpuint(sluice_bad_tx(s, &tx, &desc), ==, SLUICE_TX_ST_DMA);
	desc.addr = cpu_to_le64(0xfffffffffffffff0ull);
	g_assert_cmpuint(sluice_bad_tx(s, &tx, &desc), ==, SLUICE_TX_ST_DMA);
	g_assert_true(sluice_wire_quiet(s));

	g_assert_cmpuint(sluice_bad_tx(s, &tx, &good), ==, SLUICE_TX_ST_OK);
	sluice_wire_recv(s, frame, sizeof(frame));
	sluice_assert_balanced(s);
	sluice_stop(s);
}

/* A full ring of descriptors with no end. */
static void test_tx_no_end(void)
{
	QSluice *s = sluice_start("", "");
	QSluiceQueue rx, tx;
	struct sluice_tx_desc desc = {.length = cpu_to_le32(16)};
	struct sluice_resp_queue state;
	unsigned i;

	sluice_bring_up(s);
	sluice_traffic(s, &rx, &tx);
	desc.addr = cpu_to_le64(tx.buffers);
	for (i = 0; i < SLUICE_RING; i++)
		sluice_tx_desc(s, &tx, &desc);
	sluice_tx_kick(s, &tx);
	state = sluice_queue_query(s, SLUICE_QUEUE_TX, 0);
	g_assert_cmpuint(state.state, ==, SLUICE_QSTATE_ERROR);
	g_assert_cmpuint(le16_to_cpu(state.error), ==, SLUICE_QERR_BAD_DESC);
	g_assert_true(sluice_wire_quiet(s));
	sluice_assert_balanced(s);
	sluice_stop(s);
}

static void test_tx_doorbell(void)
{
	QSluice *s = sluice_start("", "");
	struct sluice_resp_queue state;
	QSluiceQueue rx, tx;

	sluice_bring_up(s);
	sluice_traffic(s, &rx, &tx);
	sluice_doorbell(s, 0, SLUICE_DB_TX_SUB, 0x80000000u);
	state = sluice_queue_query(s, SLUICE_QUEUE_TX, 0);
	g_assert_cmpuint(state.state, ==, SLUICE_QSTATE_ERROR);
	g_assert_cmpuint(le16_to_cpu(state.error), ==, SLUICE_QERR_BAD_INDEX);
	sluice_stop(s);
}

/* A response over the end of the address space must not come out at its beginning. */
static void test_response_wraps(void)
{
	QSluice *s = sluice_start("", "");
	struct sluice_cmd cmd = {
		.opcode = cpu_to_le16(SLUICE_OP_QUERY_CAPS),
		.resp_len = cpu_to_le32(256),
		.resp_addr = cpu_to_le64(0xffffffffffffffe0ull),
	};
	unsigned i;

	sluice_bring_up(s);
	qtest_memset(s->qts, 0, 0xaa, 256);
	sluice_submit(s, &cmd);
	sluice_assert_status(sluice_completion(s), DMA_ERROR);
	for (i = 0; i < 256; i += 8)
		g_assert_cmphex(qtest_readq(s->qts, i), ==, 0xaaaaaaaaaaaaaaaaull);
	sluice_stop(s);
}

/* Without bus mastering the device reaches no memory: not by ring, buffer or interrupt. */
static void test_no_bus_master(void)
{
	QSluice *s = sluice_start("", "");
	QSluiceQueue rx, tx;
	uint8_t frame[64];
	uint16_t command;

	sluice_bring_up(s);
	sluice_traffic(s, &rx, &tx);
	sluice_cpl_doorbell(s, &rx, SLUICE_QUEUE_RX, true);
	command = qpci_config_readw(s->pci, PCI_COMMAND);
	qpci_config_writew(s->pci, PCI_COMMAND, command & ~PCI_COMMAND_MASTER);
	sluice_make_frame(frame, sizeof(frame), 0);
	sluice_wire_send(s, frame, sizeof(frame));
	sluice_wait_stat(s, "rx_wire_frames", 1);
	g_assert_cmpuint(sluice_stat(s, "rx_delivered_frames"), ==, 0);
	g_assert_false(sluice_rx_ready(s, &rx));
	g_assert_false(sluice_interrupted(s, rx.vector));
	sluice_assert_balanced(s);
	/* The queue's failure is an event, which cannot be told either. */
	sluice_wait_fatal(s);
	qpci_config_writew(s->pci, PCI_COMMAND, command);
	sluice_fatal_then_reset(s, SLUICE_FATAL_EVQ_DMA);

	qpci_config_writew(s->pci, PCI_COMMAND, command & ~PCI_COMMAND_MASTER);
	sluice_reg_set(s, SLUICE_REG_ASQ_DOORBELL, s->asq.index + 1);
	sluice_wait_fatal(s);
	qpci_config_writew(s->pci, PCI_COMMAND, command);
	sluice_fatal_then_reset(s, SLUICE_FATAL_ASQ_DMA);
	sluice_stop(s);
}

/* A program larger than its limit, an empty one, one that is no multiple of an instruction. */
static void test_program_size(void)
{
	QSluice *s = sluice_start(",max-insns=64", "");
	struct sluice_args_prog_load args = {0};
	struct bpf_insn *insns = g_new0(struct bpf_insn, 100);

	sluice_bring_up(s);
	g_assert_cmpuint(sluice_load(s, insns, 100, NULL, 0).status, !=, SLUICE_ST_OK);
	g_assert_cmpuint(sluice_load(s, insns, 0, NULL, 0).status, !=, SLUICE_ST_OK);
	g_assert_cmpuint(sluice_run(s, SLUICE_OP_PROG_LOAD, &args, sizeof(args),
				    sluice_attr(NULL, SLUICE_ATTR_INSNS, insns, 13), NULL, 0)
				 .status,
			 ==, SLUICE_ST_INVALID_ATTR);
	g_assert_cmpuint(
		sluice_run(s, SLUICE_OP_PROG_LOAD, &args, sizeof(args), NULL, NULL, 0).status, ==,
		SLUICE_ST_INVALID_ATTR);
	g_assert_cmpuint(sluice_attach(s, 12345), ==, SLUICE_ST_NOT_FOUND);
	g_free(insns);
	sluice_stop(s);
}

void sluice_add_hostile_tests(void)
{
	qtest_add_func("/sluice/hostile/asq-nowhere", test_asq_nowhere);
	qtest_add_func("/sluice/hostile/asq-wraps", test_asq_wraps);
	qtest_add_func("/sluice/hostile/acq-nowhere", test_acq_nowhere);
	qtest_add_func("/sluice/hostile/acq-in-bar", test_acq_in_bar);
	qtest_add_func("/sluice/hostile/asq-overrun", test_asq_overrun);
	qtest_add_func("/sluice/hostile/acq-overrun", test_acq_overrun);
	qtest_add_func("/sluice/hostile/queue-config", test_queue_config);
	qtest_add_func("/sluice/hostile/rx-buffer-nowhere", test_rx_buffer_nowhere);
	qtest_add_func("/sluice/hostile/rx-doorbell", test_rx_doorbell);
	qtest_add_func("/sluice/hostile/doorbell-no-queue", test_doorbell_no_queue);
	qtest_add_func("/sluice/hostile/tx-descriptor", test_tx_desc);
	qtest_add_func("/sluice/hostile/tx-no-end", test_tx_no_end);
	qtest_add_func("/sluice/hostile/tx-doorbell", test_tx_doorbell);
	qtest_add_func("/sluice/hostile/response-wraps", test_response_wraps);
	qtest_add_func("/sluice/hostile/no-bus-master", test_no_bus_master);
	qtest_add_func("/sluice/hostile/program-size", test_program_size);
}
