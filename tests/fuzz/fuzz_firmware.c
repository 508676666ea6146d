// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Fuzz target: a hostile guest. The bytes are a script of what it does: writes to its memory,
 * commands, register and doorbell accesses of any width, frames from the wire, DMA that fails.
 *
 * With clang -fsanitize=fuzzer it is a libFuzzer program. With FUZZ_STANDALONE it runs each file it
 * is given once, or, without files, scripts from a fixed pseudo-random sequence.
 */
#include <firmware.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model_guest.h"

#define SCRATCH   0x4000u /* bytes of guest memory a script writes to */
#define MAX_STEPS 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct script {
	const uint8_t *data;
	size_t left;
	struct model_guest *g;
	struct fw *fw;
	uint64_t base; /* of the scratch memory, where the rings are too */
	uint16_t asq_tail;
};

static uint64_t take(struct script *s, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++) {
		value = value << 8 | (s->left ? *s->data : 0);
		if (s->left) {
			s->data++;
			s->left--;
		}
	}
	return value;
}

static void take_bytes(struct script *s, void *buf, size_t len)
{
	size_t n = len < s->left ? len : s->left;

	memset(buf, 0, len);
	memcpy(buf, s->data, n);
	s->data += n;
	s->left -= n;
}

/* A driver's start, so that not every script has to find it. */
static void boot(struct script *s)
{
	uint64_t features;

	if (fw_reg_read(s->fw, SLUICE_REG_STATUS, 4) & SLUICE_STATUS_FATAL)
		fw_reg_write(s->fw, SLUICE_REG_RESET, SLUICE_RESET_KEY, 4);
	features = fw_reg_read(s->fw, SLUICE_REG_DEV_FEATURES, 8);
	fw_reg_write(s->fw, SLUICE_REG_DRV_FEATURES, features, 8);
	fw_reg_write(s->fw, SLUICE_REG_CONTROL, SLUICE_CONTROL_FEATURES_OK, 4);
	fw_reg_write(s->fw, SLUICE_REG_ASQ_BASE, s->base, 8);
	fw_reg_write(s->fw, SLUICE_REG_ACQ_BASE, s->base + 0x1000, 8);
	fw_reg_write(s->fw, SLUICE_REG_EVQ_BASE, s->base + 0x2000, 8);
	fw_reg_write(s->fw, SLUICE_REG_ASQ_SIZE, 16, 4);
	fw_reg_write(s->fw, SLUICE_REG_ACQ_SIZE, 16, 4);
	fw_reg_write(s->fw, SLUICE_REG_EVQ_SIZE, 16, 4);
	fw_reg_write(s->fw, SLUICE_REG_CONTROL,
		     SLUICE_CONTROL_FEATURES_OK | SLUICE_CONTROL_ADMIN_ENABLE, 4);
	s->asq_tail = 0;
}

/* A command with a header that may be right and an attribute list out of the script. */
static void command(struct script *s)
{
	static const uint16_t opcodes[] = {
#define SLUICE_X(name, value) value,
		SLUICE_OPCODES(SLUICE_X)
#undef SLUICE_X
	};
	struct sluice_cmd cmd = {0};
	uint8_t *data = model_at(s->g, s->base + 0x3000, 0x1000);
	uint32_t pos = 0;

	cmd.opcode = opcodes[take(s, 1) % (sizeof(opcodes) / sizeof(opcodes[0]))];
	cmd.tag = s->asq_tail;
	for (uint64_t n = take(s, 1) % 4; n; n--) {
		struct sluice_attr attr = {.type = (uint16_t)(take(s, 1) % 10)};
		uint32_t room;

		attr.length = (uint32_t)take(s, 1);
		room = (uint32_t)sizeof(attr) + ((attr.length + 7) & ~7u);
		if (pos + room > 0x800)
			break;
		memset(data + pos, 0, room);
		memcpy(data + pos, &attr, sizeof(attr));
		take_bytes(s, data + pos + sizeof(attr), attr.length);
		pos += room;
	}
	cmd.data_len = pos;
	cmd.data_addr = s->base + 0x3000;
	cmd.resp_len = 0x800;
	cmd.resp_addr = s->base + 0x3800;
	take_bytes(s, cmd.args, take(s, 1) % (SLUICE_CMD_ARGS + 1));
	memcpy(model_at(s->g, s->base + (s->asq_tail++ % 16) * sizeof(cmd), sizeof(cmd)), &cmd,
	       sizeof(cmd));
	fw_reg_write(s->fw, SLUICE_REG_ASQ_DOORBELL, s->asq_tail, 4);
	fw_reg_write(s->fw, SLUICE_REG_ACQ_DOORBELL, s->asq_tail, 4);
}

static void memory(struct script *s)
{
	uint64_t at = take(s, 2) % SCRATCH;
	size_t len = take(s, 1) % 128;

	if (at + len <= SCRATCH)
		take_bytes(s, model_at(s->g, s->base + at, len), len);
}

static void frame(struct script *s)
{
	uint8_t bytes[256];
	size_t len = take(s, 1);

	take_bytes(s, bytes, sizeof(bytes) < len ? sizeof(bytes) : len);
	nic_receive(s->g->nic, 0, bytes, len);
}

/* A snapshot out of the script, or this device's own with a byte changed. */
static void snapshot(struct script *s)
{
	uint8_t blob[1024];
	size_t size = fw_save_size(s->fw);

	fw_drain(s->fw);
	if (size > sizeof(blob) || fw_save(s->fw, blob, sizeof(blob)) < 0)
		return;
	blob[take(s, 2) % size] = (uint8_t)take(s, 1);
	fw_load(s->fw, blob, size);
}

static void step(struct script *s)
{
	uint64_t offset;
	unsigned size;

	switch (take(s, 1) % 16) {
	case 0:
		boot(s);
		return;
	case 1:
	case 2:
	case 3:
	case 4:
	case 5:
		command(s);
		return;
	case 6:
		memory(s);
		return;
	case 7:
		offset = take(s, 2);
		size = (unsigned)(take(s, 1) % 8) + 1;
		fw_reg_write(s->fw, offset, take(s, size), size);
		return;
	case 8:
		offset = take(s, 2);
		fw_reg_read(s->fw, offset, (unsigned)(take(s, 1) % 8) + 1);
		return;
	case 9:
		offset = take(s, 2);
		size = (unsigned)(take(s, 1) % 8) + 1;
		fw_doorbell_write(s->fw, offset, take(s, size), size);
		return;
	case 10:
		frame(s);
		return;
	case 11:
		s->g->dma_fail_at = (unsigned)take(s, 1) % 8;
		return;
	case 12:
		fw_process(s->fw);
		nic_process(s->g->nic);
		return;
	case 13:
		nic_set_link(s->g->nic, 0, take(s, 1) & 1, (uint32_t)take(s, 2));
		return;
	case 14:
		snapshot(s);
		return;
	default:
		if (take(s, 1) % 16 == 0)
			fw_reg_write(s->fw, SLUICE_REG_RESET, SLUICE_RESET_KEY, 4);
		else
			fw_drain(s->fw);
		return;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct fw_limits limits = {.map_bytes = 1 << 20, .max_maps = 4, .max_progs = 4};
	struct script s = {.data = data, .left = size};

	bpfe_thread_register();
	s.g = model_guest_new();
	model_guest_start(s.g, 2, 4, false);
	if (fw_create(s.g->nic, &limits, &model_host_ops, s.g, NULL, &s.fw))
		abort();
	s.base = model_alloc(s.g, SCRATCH);
	boot(&s);
	for (unsigned n = 0; s.left && n < MAX_STEPS; n++) {
		s.g->now_ns += 1000000;
		step(&s);
	}
	/* However it was treated: it accounts for every frame, and a reset makes it as new. */
	if (model_imbalance(s.g))
		abort();
	fw_reg_write(s.fw, SLUICE_REG_RESET, SLUICE_RESET_KEY, 4);
	if (fw_reg_read(s.fw, SLUICE_REG_STATUS, 4) != SLUICE_STATUS_READY)
		abort();
	fw_destroy(s.fw);
	model_guest_free(s.g);
	bpfe_thread_unregister();
	return 0;
}

#ifdef FUZZ_STANDALONE
#define SCRIPTS      150u
#define SCRIPT_BYTES 3000u

static int run_file(const char *path)
{
	static uint8_t buf[1 << 20];
	FILE *file = fopen(path, "rb");
	size_t n;

	if (!file) {
		perror(path);
		return 1;
	}
	n = fread(buf, 1, sizeof(buf), file);
	fclose(file);
	LLVMFuzzerTestOneInput(buf, n);
	return 0;
}

int main(int argc, char **argv)
{
	static uint8_t buf[SCRIPT_BYTES];
	uint64_t seed = 0x51c0;
	int failed = 0;

	for (int i = 1; i < argc; i++)
		failed |= run_file(argv[i]);
	for (unsigned script = 0; argc == 1 && script < SCRIPTS; script++) {
		for (unsigned i = 0; i < SCRIPT_BYTES; i++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			buf[i] = (uint8_t)(seed >> 56);
		}
		LLVMFuzzerTestOneInput(buf, SCRIPT_BYTES);
	}
	return failed;
}
#endif
