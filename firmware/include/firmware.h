/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * firmware: the control plane of the Sluice NIC, without QEMU: registers, admin rings, commands,
 * program and map tables. docs/control-path.md walks through it.
 *
 * Thread: all calls are serialised by the host like those of nic_model.h. Program verification runs
 * on a worker thread of the firmware's own, which touches no guest memory and no NIC state; its
 * result is taken up in fw_process().
 */
#ifndef SLUICE_FIRMWARE_H
#define SLUICE_FIRMWARE_H

#include "nic_model.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FW_VERSION_MAJOR 0
#define FW_VERSION_MINOR 1
#define FW_VERSION_PATCH 0

struct fw;

struct fw_limits {
	uint64_t map_bytes; /* storage of all maps; 0: 256 MiB */
	uint32_t max_maps;  /* 0: 256 */
	uint32_t max_progs; /* 0: 64 */
	uint32_t max_insns; /* of a program; 0: 4096... up to BPFE_MAX_INSNS; default BPFE_MAX_INSNS
			     */
	uint32_t run_budget;     /* instructions per frame; 0: BPFE_DEFAULT_BUDGET */
	uint32_t load_queue;     /* program loads waiting for the worker; 0: 16 */
	const uint64_t *helpers; /* bitmap the device offers; NULL: all the engine has */
	uint64_t map_types;      /* bitmap by enum bpf_map_type; 0: FW_OFFLOAD_MAP_TYPES */
	uint8_t engine;          /* enum bpfe_engine that runs programs */
	uint32_t relax;          /* enum bpfe_relax: hardening of compiled code left out */
	bool count_insns;        /* programs count what they execute, though compiled */
};

/* The map types that Linux hands to a device (kernel/bpf/offload.c takes no other). */
#define FW_OFFLOAD_MAP_TYPES (1ull << BPF_MAP_TYPE_ARRAY | 1ull << BPF_MAP_TYPE_HASH)

/*
 * Objects exist or not: the host installs a migration blocker while any program or map exists.
 * Called serialised, on every change between none and some.
 */
typedef void (*fw_objects_fn)(void *opaque, bool exist);

/* @nic, @ops, @opaque must outlive the firmware. Starts the worker. -ENOMEM, -EAGAIN (thread). */
int fw_create(struct nic *nic, const struct fw_limits *limits, const struct nic_host_ops *ops,
	      void *opaque, fw_objects_fn objects, struct fw **fw);

/* Cancels what the worker does, joins it, frees all programs and maps. */
void fw_destroy(struct fw *fw);

/* Device reset (the RESET register, FLR, system reset): cancels commands under way without waiting
 * for them, detaches and frees programs and maps, resets the NIC. Their completions never appear.
 */
void fw_reset(struct fw *fw);

/* ---- Registers (BAR0) and doorbells (BAR2) ------------------------------------------------ */

/* Any offset and size 1..8: what is not defined reads zero, writes nothing and is counted. */
uint64_t fw_reg_read(struct fw *fw, uint64_t offset, unsigned size);
void fw_reg_write(struct fw *fw, uint64_t offset, uint64_t value, unsigned size);
void fw_doorbell_write(struct fw *fw, uint64_t offset, uint64_t value, unsigned size);
uint64_t fw_doorbell_read(struct fw *fw, uint64_t offset, unsigned size);

/* ---- Progress ----------------------------------------------------------------------------- */

/* Take up what the worker finished and go on with admin commands. Call after worker_done() and
 * schedule(). A call handles a bounded number of commands and schedules itself again. */
void fw_process(struct fw *fw);

/* Wait for the worker to finish all it has, and complete those commands (VM stop, migration).
 * Blocks for as long as verification takes (bounded by the engine). */
void fw_drain(struct fw *fw);

/* ---- Host's view -------------------------------------------------------------------------- */

struct fw_prog_info {
	uint32_t id;
	bool attached;
	unsigned port;
	uint64_t runs, insns;
	struct bpfe_program_info info;
};

/* The n-th program or map by table order; false beyond the last. */
bool fw_program_at(struct fw *fw, unsigned n, struct fw_prog_info *info);
bool fw_map_at(struct fw *fw, unsigned n, uint32_t *id, const struct bpfe_map_attr **attr,
	       uint32_t *count);
uint64_t fw_bad_accesses(const struct fw *fw);

/* ---- Snapshot (as nic_save/nic_load): registers and admin ring state ---------------------- */
/*
 * fw_save: bytes written; -ENOSPC; -EBUSY while a program, a map or a load under way exists (the
 * host blocks migration then, and drains first). fw_load: cancels and drops what this firmware had,
 * leaves the NIC as it is, so that nic_load() may come before; -EINVAL: malformed, firmware and NIC
 * are reset.
 */
size_t fw_save_size(const struct fw *fw);
int fw_save(const struct fw *fw, void *buf, size_t size);
int fw_load(struct fw *fw, const void *buf, size_t size);

/* Text of a completion status; never NULL. */
const char *fw_status_text(uint16_t status);
const char *fw_opcode_name(uint16_t opcode); /* "PROG_LOAD"; NULL when unknown */

#ifdef __cplusplus
}
#endif
#endif
