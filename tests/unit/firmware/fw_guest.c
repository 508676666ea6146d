/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "fw_guest.h"

#include <endian.h>

/* ---- Life --------------------------------------------------------------------------------- */

static struct fw_guest *current; /* for the objects callback, whose opaque is the model guest */

static void objects(void *opaque, bool exist)
{
	/* Told of changes only. */
	assert_true(exist != current->objects);
	current->objects = exist;
	current->objects_calls++;
}

struct fw_guest *fwg_new(const struct fw_limits *limits)
{
	struct fw_guest *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	current = f;
	bpfe_thread_register();
	f->g = model_guest_new();
	model_guest_start(f->g, 2, 4, false);
	assert_int_equal(fw_create(f->g->nic, limits, &model_host_ops, f->g, objects, &f->fw), 0);
	f->asq_size = FWG_RING;
	f->acq_size = FWG_RING;
	f->evq_size = FWG_RING;
	f->asq = model_alloc(f->g, 1024 * sizeof(struct sluice_cmd));
	f->acq = model_alloc(f->g, 1024 * sizeof(struct sluice_cmd_cpl));
	f->evq = model_alloc(f->g, 1024 * sizeof(struct sluice_event));
	f->data = model_alloc(f->g, FWG_DATA);
	f->resp = model_alloc(f->g, FWG_RESP);
	return f;
}

void fwg_free(struct fw_guest *f)
{
	fw_destroy(f->fw);
	model_guest_free(f->g);
	bpfe_thread_unregister();
	free(f);
}

int fwg_setup(void **state)
{
	struct fw_guest *f = fwg_new(NULL);

	fwg_boot(f);
	assert_int_equal(fwg_read(f, SLUICE_REG_STATUS),
			 SLUICE_STATUS_READY | SLUICE_STATUS_FEATURES_OK | SLUICE_STATUS_ADMIN_ON);
	*state = f;
	return 0;
}

int fwg_teardown(void **state)
{
	fwg_free(*state);
	return 0;
}

/* ---- Registers ---------------------------------------------------------------------------- */

uint32_t fwg_read(struct fw_guest *f, uint64_t reg)
{
	return (uint32_t)fw_reg_read(f->fw, reg, 4);
}

uint64_t fwg_read64(struct fw_guest *f, uint64_t reg)
{
	return fw_reg_read(f->fw, reg, 8);
}

void fwg_write(struct fw_guest *f, uint64_t reg, uint32_t value)
{
	fw_reg_write(f->fw, reg, value, 4);
}

void fwg_write64(struct fw_guest *f, uint64_t reg, uint64_t value)
{
	fwg_write(f, reg, (uint32_t)value);
	fwg_write(f, reg + 4, (uint32_t)(value >> 32));
}

void fwg_configure(struct fw_guest *f)
{
	f->asq_tail = 0;
	f->acq_head = 0;
	f->evq_head = 0;
	memset(model_at(f->g, f->acq, 1), 0, 1024 * sizeof(struct sluice_cmd_cpl));
	memset(model_at(f->g, f->evq, 1), 0, 1024 * sizeof(struct sluice_event));
	fwg_write64(f, SLUICE_REG_DRV_FEATURES, fwg_read64(f, SLUICE_REG_DEV_FEATURES));
	fwg_write(f, SLUICE_REG_CONTROL, SLUICE_CONTROL_FEATURES_OK);
	fwg_write64(f, SLUICE_REG_ASQ_BASE, f->asq);
	fwg_write64(f, SLUICE_REG_ACQ_BASE, f->acq);
	fwg_write64(f, SLUICE_REG_EVQ_BASE, f->evq);
	fwg_write(f, SLUICE_REG_ASQ_SIZE, f->asq_size);
	fwg_write(f, SLUICE_REG_ACQ_SIZE, f->acq_size);
	fwg_write(f, SLUICE_REG_EVQ_SIZE, f->evq_size);
	fwg_write(f, SLUICE_REG_ADMIN_VECTOR, FWG_VECTOR);
}

void fwg_boot(struct fw_guest *f)
{
	fwg_configure(f);
	fwg_write(f, SLUICE_REG_CONTROL, SLUICE_CONTROL_FEATURES_OK | SLUICE_CONTROL_ADMIN_ENABLE);
}

/* ---- Commands ----------------------------------------------------------------------------- */

uint8_t *fwg_data(struct fw_guest *f)
{
	return model_at(f->g, f->data, FWG_DATA);
}

void *fwg_resp(struct fw_guest *f)
{
	return model_at(f->g, f->resp, FWG_RESP);
}

struct sluice_cmd *fwg_begin(struct fw_guest *f, uint16_t opcode)
{
	memset(&f->cmd, 0, sizeof(f->cmd));
	f->cmd.opcode = htole16(opcode);
	f->cmd.tag = htole16(f->next_tag++);
	f->cmd.data_addr = htole64(f->data);
	f->cmd.resp_addr = htole64(f->resp);
	f->cmd.resp_len = htole32(FWG_RESP);
	return &f->cmd;
}

void fwg_args(struct fw_guest *f, const void *args, size_t size)
{
	memcpy(f->cmd.args, args, size);
}

void fwg_attr(struct fw_guest *f, uint16_t type, const void *payload, uint32_t len)
{
	struct sluice_attr head = {.type = htole16(type), .length = htole32(len)};
	uint32_t pos = le32toh(f->cmd.data_len);
	uint32_t room = (uint32_t)sizeof(head) + ((len + 7) & ~7u);

	assert_true(pos + room <= FWG_DATA);
	memset(fwg_data(f) + pos, 0, room);
	memcpy(fwg_data(f) + pos, &head, sizeof(head));
	if (len)
		memcpy(fwg_data(f) + pos + sizeof(head), payload, len);
	f->cmd.data_len = htole32(pos + room);
}

void fwg_put(struct fw_guest *f)
{
	uint64_t at = f->asq + (f->asq_tail++ & (f->asq_size - 1)) * sizeof(f->cmd);

	memcpy(model_at(f->g, at, sizeof(f->cmd)), &f->cmd, sizeof(f->cmd));
}

void fwg_ring(struct fw_guest *f)
{
	fwg_write(f, SLUICE_REG_ASQ_DOORBELL, f->asq_tail);
}

/* Is the completion at @head of a ring there? Copies it if so. */
static bool poll_ring(struct fw_guest *f, uint64_t base, uint32_t size, uint32_t head, void *entry)
{
	const uint8_t *at = model_at(f->g, base + (head & (size - 1)) * 32ull, 32);

	if ((at[31] & SLUICE_PHASE) != (head & size ? 0 : SLUICE_PHASE))
		return false;
	memcpy(entry, at, 32);
	return true;
}

bool fwg_poll(struct fw_guest *f, struct sluice_cmd_cpl *cpl)
{
	if (!poll_ring(f, f->acq, f->acq_size, f->acq_head, cpl))
		return false;
	f->acq_head++;
	fwg_write(f, SLUICE_REG_ACQ_DOORBELL, f->acq_head & SLUICE_DB32_INDEX);
	return true;
}

bool fwg_poll_event(struct fw_guest *f, struct sluice_event *event)
{
	if (!poll_ring(f, f->evq, f->evq_size, f->evq_head, event))
		return false;
	f->evq_head++;
	fwg_write(f, SLUICE_REG_EVQ_DOORBELL, f->evq_head & SLUICE_DB32_INDEX);
	return true;
}

struct sluice_cmd_cpl fwg_run(struct fw_guest *f)
{
	struct sluice_cmd_cpl cpl;

	memset(fwg_resp(f), 0xa5, FWG_RESP);
	fwg_put(f);
	fwg_ring(f);
	fw_drain(f->fw);
	assert_true(fwg_poll(f, &cpl));
	assert_int_equal(cpl.tag, f->cmd.tag);
	assert_int_equal(le16toh(cpl.sub_index), f->asq_tail);
	return cpl;
}

uint64_t fwg_expect(struct fw_guest *f, uint16_t status, uint32_t detail)
{
	struct sluice_cmd_cpl cpl = fwg_run(f);

	if (le16toh(cpl.status) != status)
		print_message("# %s: %s; log: %s\n", fw_opcode_name(le16toh(f->cmd.opcode)),
			      fw_status_text(le16toh(cpl.status)), f->g->log);
	assert_int_equal(le16toh(cpl.status), status);
	assert_int_equal(le32toh(cpl.detail), detail);
	return le64toh(cpl.result);
}

/* ---- Often used --------------------------------------------------------------------------- */

uint32_t fwg_map(struct fw_guest *f, uint32_t type, uint32_t key_size, uint32_t value_size,
		 uint32_t max_entries)
{
	struct sluice_args_map_create args = {
		.type = htole32(type),
		.key_size = htole32(key_size),
		.value_size = htole32(value_size),
		.max_entries = htole32(max_entries),
	};

	fwg_begin(f, SLUICE_OP_MAP_CREATE);
	fwg_args(f, &args, sizeof(args));
	return (uint32_t)fwg_expect(f, SLUICE_ST_OK, 0);
}

void fwg_begin_map(struct fw_guest *f, uint16_t opcode, uint32_t map)
{
	struct sluice_args_map args = {.map_id = htole32(map)};

	fwg_begin(f, opcode);
	fwg_args(f, &args, sizeof(args));
}

uint16_t fwg_map_update(struct fw_guest *f, uint32_t map, const void *key, uint32_t key_size,
			const void *value, uint32_t value_size, uint64_t flags)
{
	struct sluice_args_map args = {.map_id = htole32(map), .flags = htole64(flags)};

	fwg_begin(f, SLUICE_OP_MAP_UPDATE);
	fwg_args(f, &args, sizeof(args));
	fwg_attr(f, SLUICE_ATTR_KEY, key, key_size);
	fwg_attr(f, SLUICE_ATTR_VALUE, value, value_size);
	return le16toh(fwg_run(f).status);
}

void fwg_begin_prog(struct fw_guest *f, uint16_t opcode, uint32_t prog, uint32_t expected,
		    uint32_t flags)
{
	struct sluice_args_prog args = {.prog_id = htole32(prog),
					.expected_id = htole32(expected),
					.flags = htole32(flags)};

	fwg_begin(f, opcode);
	fwg_args(f, &args, sizeof(args));
}

void fwg_begin_load(struct fw_guest *f, const struct bpf_insn *insns, uint32_t n)
{
	fwg_begin(f, SLUICE_OP_PROG_LOAD);
	fwg_attr(f, SLUICE_ATTR_INSNS, insns, n * (uint32_t)sizeof(*insns));
}

uint32_t fwg_load(struct fw_guest *f, const struct bpf_insn *insns, uint32_t n)
{
	fwg_begin_load(f, insns, n);
	return (uint32_t)fwg_expect(f, SLUICE_ST_OK, 0);
}

uint32_t fwg_load_verdict(struct fw_guest *f, uint32_t verdict)
{
	const struct bpf_insn insns[] = {MOV_K(0, verdict), EXIT()};

	return fwg_load(f, insns, FWG_N(insns));
}

uint32_t fwg_load_lookup(struct fw_guest *f, uint32_t map)
{
	const struct bpf_insn insns[] = {
		ST(BPF_W, 10, -4, 0),
		MOV_X(2, 10),
		ALU64_K(BPF_ADD, 2, -4),
		LD_MAP_FD(1, map),
		CALL(BPF_FUNC_map_lookup_elem),
		JMP_K(BPF_JEQ, 0, 0, 2),
		MOV_K(0, XDP_PASS),
		EXIT(),
		MOV_K(0, XDP_DROP),
		EXIT(),
	};

	return fwg_load(f, insns, FWG_N(insns));
}
