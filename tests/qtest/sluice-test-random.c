/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random registers, doorbells, descriptors, commands and frames, bounded, from a printed seed
 * (SLUICE_SEED=n repeats one). The device must stay alive, and its counters must balance.
 */
#include "qemu/osdep.h"
#include "sluice.h"

#define N_STEPS 4000

static uint32_t sluice_seed(void)
{
	const char *text = getenv("SLUICE_SEED");
	uint32_t seed = text ? strtoul(text, NULL, 0) : 20;

	g_test_message("SLUICE_SEED=%u", seed);
	return seed;
}

/* Values at the edges are likelier than a fair draw would have them. */
static uint64_t sluice_random_value(GRand *r)
{
	switch (g_rand_int_range(r, 0, 6)) {
	case 0:
		return g_rand_int_range(r, 0, 64);
	case 1:
		return 1ull << g_rand_int_range(r, 0, 64);
	case 2:
		return (1ull << g_rand_int_range(r, 0, 64)) - 1;
	case 3:
		return 0ull - g_rand_int_range(r, 0, 64);
	case 4:
		return 0x100000 + 64 * (uint64_t)g_rand_int_range(r, 0, 0x8000);
	default:
		return (uint64_t)g_rand_int(r) << 32 | g_rand_int(r);
	}
}

static void sluice_random_write(QSluice *s, GRand *r, uint64_t addr)
{
	uint64_t value = sluice_random_value(r);

	switch (g_rand_int_range(r, 0, 8)) {
	case 0:
		qtest_writeb(s->qts, addr, value);
		break;
	case 1:
		qtest_writew(s->qts, addr, value);
		break;
	case 2:
	case 3:
	case 4:
		qtest_writel(s->qts, addr & ~3ull, value);
		break;
	default:
		qtest_writeq(s->qts, addr & ~7ull, value);
		break;
	}
}

/* A command that is whole but for a few fields. */
static void sluice_random_command(QSluice *s, GRand *r)
{
	static const uint16_t opcodes[] = {
#define SLUICE_X(name, value) value,
		SLUICE_OPCODES(SLUICE_X)
#undef SLUICE_X
	};
	struct sluice_cmd cmd = {
		.opcode = cpu_to_le16(opcodes[g_rand_int_range(r, 0, ARRAY_SIZE(opcodes))]),
		.tag = cpu_to_le16(g_rand_int(r)),
		.data_addr = cpu_to_le64(s->data),
		.resp_addr = cpu_to_le64(s->resp),
		.data_len = cpu_to_le32(8 * g_rand_int_range(r, 0, 20)),
		.resp_len = cpu_to_le32(g_rand_int_range(r, 0, 256)),
	};
	struct sluice_attr attr = {
		.type = cpu_to_le16(g_rand_int_range(r, 0, 10)),
		.length = cpu_to_le32(g_rand_int_range(r, 0, 128)),
	};
	unsigned i;

	for (i = 0; i < sizeof(cmd.args); i += 4)
		if (g_rand_int_range(r, 0, 4) == 0)
			cmd.args[i] = sluice_random_value(r);
	if (g_rand_int_range(r, 0, 8) == 0)
		((uint8_t *)&cmd)[g_rand_int_range(r, 0, sizeof(cmd))] = g_rand_int(r);
	qtest_memwrite(s->qts, s->data, &attr, sizeof(attr));
	for (i = 8; i < 160; i += 8)
		qtest_writeq(s->qts, s->data + i, sluice_random_value(r));
	sluice_submit(s, &cmd);
	while (sluice_completion_ready(s))
		sluice_completion(s);
}

static void sluice_random_frame(QSluice *s, GRand *r)
{
	uint8_t frame[2000];
	size_t len = g_rand_int_range(r, 1, sizeof(frame)), i;

	sluice_make_frame(frame, MAX(len, 14), g_rand_int(r));
	for (i = 0; i < 4; i++)
		frame[g_rand_int_range(r, 0, MAX(len, 14))] = g_rand_int(r);
	/* Never wait for a NIC that holds its frames. */
	send(s->wire, frame, len, MSG_DONTWAIT);
	while (!sluice_wire_quiet(s))
		g_assert_cmpint(recv(s->wire, frame, sizeof(frame), 0), >, 0);
}

static void sluice_random_memory(QSluice *s, GRand *r)
{
	uint64_t addr =
		0x100000 + 8 * (uint64_t)g_rand_int_range(r, 0, (s->next_free - 0x100000) / 8);

	qtest_writeq(s->qts, addr, sluice_random_value(r));
}

static void sluice_random_step(QSluice *s, GRand *r, QSluiceQueue *rx, QSluiceQueue *tx)
{
	switch (g_rand_int_range(r, 0, 8)) {
	case 0:
		sluice_random_write(s, r, s->regs.addr + g_rand_int_range(r, 0, 0x240));
		break;
	case 1:
		sluice_random_write(s, r,
				    s->doorbells.addr +
					    g_rand_int_range(r, 0, 4) * SLUICE_DOORBELL_PAGE +
					    g_rand_int_range(r, 0, 0x28));
		break;
	case 2:
	case 3:
		sluice_random_memory(s, r);
		break;
	case 4:
		sluice_random_command(s, r);
		break;
	case 5:
		sluice_rx_post(s, rx, 1);
		break;
	case 6:
		sluice_tx_kick(s, tx);
		tx->ring.index += g_rand_int_range(r, 0, 3);
		break;
	default:
		sluice_random_frame(s, r);
		break;
	}
}

static void test_random(const void *opaque)
{
	GRand *r = g_rand_new_with_seed(sluice_seed() + GPOINTER_TO_UINT(opaque));
	QSluice *s = sluice_start(opaque ? ",rx-pause=off" : "", "");
	QSluiceQueue rx, tx;
	unsigned i;

	sluice_bring_up(s);
	sluice_traffic(s, &rx, &tx);
	g_assert_cmpuint(sluice_attach(s, sluice_load_verdict(s, XDP_PASS)), ==, SLUICE_ST_OK);
	for (i = 0; i < N_STEPS; i++) {
		sluice_random_step(s, r, &rx, &tx);
		if (i % 500 == 499) {
			sluice_assert_balanced(s);
			sluice_reg_set(s, SLUICE_REG_RESET, SLUICE_RESET_KEY);
			sluice_admin_init(s);
			s->next_free = s->resp + 0x20000;
			sluice_traffic(s, &rx, &tx);
		}
	}
	sluice_cmd(s, SLUICE_OP_NOP, NULL, 0, NULL, NULL, 0);
	sluice_assert_alive(s);
	g_rand_free(r);
	sluice_stop(s);
}

void sluice_add_random_tests(void)
{
	qtest_add_data_func("/sluice/random/pause", GUINT_TO_POINTER(0), test_random);
	qtest_add_data_func("/sluice/random/no-pause", GUINT_TO_POINTER(1), test_random);
}
