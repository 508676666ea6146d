/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The worked example of docs/device-spec/example.md, carried out. Each step writes a transcript,
 * which must stand in the document word for word. With argument --print the steps are printed.
 */
#include "fw_guest.h"

#include <stdio.h>

#include "doc_text.h"
#include "registers.h"

#define ASQ    0x40000000ull
#define ACQ    0x40001000ull
#define DATA   0x40002000ull
#define RESP   0x40003000ull
#define RX     0x40004000ull
#define RX_CPL 0x40005000ull
#define BUFFER 0x40010000ull

struct example {
	struct model_guest *g;
	struct fw *fw;
	char *doc; /* NULL: print */
	char text[8192];
	size_t len;
	unsigned n_cmds;
	unsigned interrupts[2]; /* seen so far */
};

static void say(struct example *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(struct example *e, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	e->len += (size_t)vsnprintf(e->text + e->len, sizeof(e->text) - e->len, fmt, args);
	va_end(args);
	assert_true(e->len < sizeof(e->text));
}

/* The transcript since the last step is what the document shows under @title. */
static void end_step(struct example *e, const char *title)
{
	char block[sizeof(e->text) + 128];
	const char *at;

	snprintf(block, sizeof(block), "```\n%s```\n", e->text);
	e->len = 0;
	if (!e->doc) {
		printf("## %s\n\n%s\n", title, block);
		return;
	}
	at = strstr(e->doc, title);
	if (!at || !strstr(at, block))
		fail_msg("example.md does not show, under '%s':\n%s", title, block);
}

static const char *name_of(uint64_t offset)
{
	const struct fw_register *reg;

	for (unsigned i = 0; (reg = fw_register_at(false, i)) != NULL; i++) {
		if (reg->offset == offset)
			return reg->name;
	}
	return "?";
}

static void rd(struct example *e, uint64_t reg, unsigned size)
{
	uint64_t value = fw_reg_read(e->fw, reg, size);

	say(e, "read%-2u  BAR0+0x%03llx %-12s = 0x%0*llx\n", size * 8, (unsigned long long)reg,
	    name_of(reg), (int)size * 2, (unsigned long long)value);
}

static void wr(struct example *e, uint64_t reg, uint64_t value, unsigned size)
{
	say(e, "write%-2u BAR0+0x%03llx %-12s = 0x%0*llx\n", size * 8, (unsigned long long)reg,
	    name_of(reg), (int)size * 2, (unsigned long long)value);
	fw_reg_write(e->fw, reg, value, size);
}

static void bell(struct example *e, uint64_t offset, const char *name, uint64_t value)
{
	say(e, "write64 BAR2+0x%03llx %-12s = 0x%016llx\n", (unsigned long long)offset, name,
	    (unsigned long long)value);
	fw_doorbell_write(e->fw, offset, value, 8);
}

static void interrupts(struct example *e)
{
	for (unsigned v = 0; v < 2; v++) {
		for (; e->interrupts[v] < e->g->interrupts[v]; e->interrupts[v]++)
			say(e, "                 MSI-X vector %u\n", v);
	}
}

static void dump(struct example *e, const char *what, uint64_t addr, unsigned len)
{
	const uint8_t *at = model_at(e->g, addr, len);

	say(e, "memory  0x%08llx %s\n", (unsigned long long)addr, what);
	for (unsigned i = 0; i < len; i++)
		say(e, "%s%02x%s", i % 16 ? i % 8 ? " " : "  " : "        ", at[i],
		    i % 16 == 15 || i == len - 1 ? "\n" : "");
}

static void put_attr(struct example *e, struct sluice_cmd *cmd, uint16_t type, const void *payload,
		     uint32_t len)
{
	struct sluice_attr head = {.type = type, .length = len};
	uint8_t *at = model_at(e->g, DATA, 4096);

	memset(at, 0, 4096);
	memcpy(at, &head, sizeof(head));
	memcpy(at + sizeof(head), payload, len);
	cmd->data_addr = DATA;
	cmd->data_len = (uint32_t)sizeof(head) + ((len + 7) & ~7u);
	dump(e, "attribute list", DATA, cmd->data_len);
}

/* Submit @cmd with the next tag and take its completion as a driver would, by interrupt. */
static void command(struct example *e, struct sluice_cmd *cmd, const void *args, size_t len)
{
	unsigned slot = e->n_cmds & 7;
	const struct sluice_cmd_cpl *cpl;

	if (len)
		memcpy(cmd->args, args, len);
	cmd->tag = (uint16_t)++e->n_cmds;
	memcpy(model_at(e->g, ASQ + slot * 64, 64), cmd, 64);
	dump(e, "command", ASQ + slot * 64, 64);
	wr(e, SLUICE_REG_ASQ_DOORBELL, e->n_cmds, 4);
	fw_drain(e->fw);
	interrupts(e);
	dump(e, "completion", ACQ + slot * 32, 32);
	wr(e, SLUICE_REG_INTR_CAUSE, SLUICE_INTR_ADMIN, 4);
	wr(e, SLUICE_REG_ACQ_DOORBELL, e->n_cmds | SLUICE_DB32_ARM, 4);
	cpl = model_at(e->g, ACQ + slot * 32, 32);
	assert_int_equal(cpl->status, SLUICE_ST_OK);
}

static void find_device(struct example *e)
{
	rd(e, SLUICE_REG_MAGIC, 4);
	rd(e, SLUICE_REG_ABI_VERSION, 4);
	rd(e, SLUICE_REG_STATUS, 4);
	end_step(e, "1. Is it there?");

	rd(e, SLUICE_REG_DEV_FEATURES, 8);
	wr(e, SLUICE_REG_DRV_FEATURES, SLUICE_FEATURE_XDP_OFFLOAD | SLUICE_FEATURE_RSS, 8);
	wr(e, SLUICE_REG_CONTROL, SLUICE_CONTROL_FEATURES_OK, 4);
	rd(e, SLUICE_REG_STATUS, 4);
	end_step(e, "2. Features");
}

static void start_rings(struct example *e)
{
	wr(e, SLUICE_REG_ASQ_BASE, ASQ, 8);
	wr(e, SLUICE_REG_ACQ_BASE, ACQ, 8);
	wr(e, SLUICE_REG_ASQ_SIZE, 8, 4);
	wr(e, SLUICE_REG_ACQ_SIZE, 8, 4);
	wr(e, SLUICE_REG_EVQ_SIZE, 0, 4);
	wr(e, SLUICE_REG_ADMIN_VECTOR, 0, 4);
	wr(e, SLUICE_REG_CONTROL, SLUICE_CONTROL_FEATURES_OK | SLUICE_CONTROL_ADMIN_ENABLE, 4);
	rd(e, SLUICE_REG_STATUS, 4);
	wr(e, SLUICE_REG_ACQ_DOORBELL, SLUICE_DB32_ARM, 4);
	end_step(e, "3. Admin rings");
}

static void create_queue(struct example *e)
{
	const struct sluice_queue_config config = {
		.queue = 0,
		.vector = 1,
		.ring_base = RX,
		.cpl_base = RX_CPL,
		.ring_size = 8,
		.cpl_size = 8,
		.buffer_size = 2048,
		.headroom = 256,
	};
	const struct sluice_args_queue args = {.queue = 0, .type = SLUICE_QUEUE_RX};
	struct sluice_cmd cmd = {.opcode = SLUICE_OP_RX_QUEUE_CREATE};

	put_attr(e, &cmd, SLUICE_ATTR_QUEUE, &config, sizeof(config));
	command(e, &cmd, NULL, 0);
	end_step(e, "4. A receive queue");

	cmd = (struct sluice_cmd){.opcode = SLUICE_OP_QUEUE_ENABLE};
	command(e, &cmd, &args, sizeof(args));
	end_step(e, "5. Enable it");
}

static void load_program(struct example *e)
{
	const struct bpf_insn insns[] = {MOV_K(0, XDP_PASS), EXIT()};
	const struct sluice_args_prog args = {.prog_id = 1};
	struct sluice_cmd cmd = {
		.opcode = SLUICE_OP_PROG_LOAD, .resp_addr = RESP, .resp_len = 4096};

	put_attr(e, &cmd, SLUICE_ATTR_INSNS, insns, sizeof(insns));
	command(e, &cmd, NULL, 0);
	end_step(e, "6. A program");

	cmd = (struct sluice_cmd){.opcode = SLUICE_OP_PROG_ATTACH};
	command(e, &cmd, &args, sizeof(args));
	end_step(e, "7. Attach it");
}

static void open_port(struct example *e)
{
	const struct sluice_args_port_set args = {
		.valid = SLUICE_PORT_SET_ENABLE,
		.enable = 1,
	};
	const struct sluice_rx_desc desc = {.addr = BUFFER, .buffer_id = 7};
	struct sluice_cmd cmd = {.opcode = SLUICE_OP_PORT_SET};

	memcpy(model_at(e->g, RX, sizeof(desc)), &desc, sizeof(desc));
	dump(e, "free-buffer descriptor", RX, sizeof(desc));
	bell(e, SLUICE_DB_RX_FREE, "RX_FREE", 1);
	bell(e, SLUICE_DB_RX_CPL, "RX_CPL", SLUICE_DB_ARM);
	end_step(e, "8. A buffer");

	command(e, &cmd, &args, sizeof(args));
	end_step(e, "9. Port up");
}

static void receive(struct example *e)
{
	uint8_t frame[60] = {0x02, 0x51, 0xc0, 0x00, 0x00, 0x01, 0x02, 0x00, 0x00, 0x00,
			     0x00, 0x99, 0x88, 0xb5, 'S',  'l',  'u',  'i',  'c',  'e'};

	assert_int_equal(nic_receive(e->g->nic, 0, frame, sizeof(frame)), NIC_RX_DELIVERED);
	interrupts(e);
	dump(e, "receive completion", RX_CPL, 32);
	dump(e, "frame, behind 256 bytes of headroom", BUFFER + 256, sizeof(frame));
	bell(e, SLUICE_DB_RX_CPL, "RX_CPL", 1 | SLUICE_DB_ARM);
	end_step(e, "10. A frame arrives");
}

static void run(struct example *e)
{
	bpfe_thread_register();
	e->g = model_guest_new();
	model_guest_start(e->g, 2, 3, false);
	assert_int_equal(fw_create(e->g->nic, NULL, &model_host_ops, e->g, NULL, &e->fw), 0);
	fw_reset(e->fw);
	find_device(e);
	start_rings(e);
	create_queue(e);
	load_program(e);
	open_port(e);
	receive(e);
	fw_destroy(e->fw);
	model_guest_free(e->g);
	bpfe_thread_unregister();
}

static void test_example(void **state)
{
	struct example e = {.doc = doc_text("example.md")};

	run(&e);
	free(e.doc);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_example),
	};
	struct example e = {0};

	if (argc > 1 && !strcmp(argv[1], "--print")) {
		run(&e);
		return 0;
	}
	return cmocka_run_group_tests_name("device-spec example", tests, NULL, NULL);
}
