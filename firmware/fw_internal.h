/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What the files of the firmware share. docs/control-path.md says where to start. */
#ifndef SLUICE_FIRMWARE_INTERNAL_H
#define SLUICE_FIRMWARE_INTERNAL_H

#include <stdatomic.h>

#include "desc_ring.h"
#include "firmware.h"
#include "worker.h"

#define FW_MAX_DATA      (1u << 20)   /* bytes of an attribute list */
#define FW_MAX_LOG       (128u << 10) /* bytes of a verifier log, NUL included */
#define FW_MAX_RESP      FW_MAX_LOG   /* no other response is longer */
#define FW_MIN_RING      8u
#define FW_MAX_RING      1024u
#define FW_RING_ALIGN    64u
#define FW_COMMAND_BATCH 16u /* commands one call handles before it lets others run */
#define FW_FEATURE_PAGES 4u
#define FW_MIN_MTU       68u /* RFC 791 */

_Static_assert(FW_MAX_RESP >= BPFE_MAP_MAX_VALUE, "every map value fits a response");
_Static_assert(FW_MAX_DATA >= BPFE_MAX_INSNS * sizeof(struct bpf_insn) + 64,
	       "the longest program fits an attribute list");

/* ---- State -------------------------------------------------------------------------------- */

/* Registers that are two halves keep the low one until the high one arrives. */
enum fw_half {
	FW_HALF_NONE,
	FW_HALF_FEATURES,
	FW_HALF_ASQ,
	FW_HALF_ACQ,
	FW_HALF_EVQ,
	FW_HALF_COUNT
};

struct fw_registers {
	uint32_t feature_page;
	uint64_t drv_features[FW_FEATURE_PAGES];
	uint32_t low_half[FW_HALF_COUNT];
	bool features_ok;
	uint32_t intr_cause;
	uint32_t intr_mask;
	uint32_t admin_vector;
	uint32_t fatal_code;
	uint32_t fatal_queue;
	uint64_t fatal_info;
	uint64_t bad_accesses;     /* since the device was made */
	uint64_t bad_before_reset; /* of those, not shown in the register */
};

/* The admin submission ring; the rings the device writes are cpl_rings. */
struct fw_submission_ring {
	uint64_t base;
	uint32_t size;     /* entries */
	uint16_t producer; /* as last heard by doorbell */
	uint16_t consumer; /* commands before this index have been read */
};

struct fw_admin {
	bool on;
	struct fw_submission_ring asq;
	struct cpl_ring acq;
	struct cpl_ring evq;
	uint32_t events_lost; /* since the last event that was written */
};

/* A table entry is free while its id is 0. The id names its slot: id % capacity. */
struct fw_program {
	uint32_t id;
	struct bpfe_program *prog; /* one reference */
	uint32_t ports;            /* bitmap of the ports it is attached to */
	uint64_t runs, insns;      /* of attachments that are over */
	uint32_t n_maps;
	uint32_t *map_ids;
};

struct fw_program_table {
	struct fw_program *entries;
	uint32_t capacity;
	uint32_t count;
	uint32_t last_id;
	uint32_t attached[SLUICE_MAX_PORTS]; /* id of each port's program, 0: none */
};

struct fw_map {
	uint32_t id;
	struct bpfe_map *map; /* one reference */
	uint32_t programs;    /* programs that use it */
	uint32_t loads;       /* loads under way that name it */
};

struct fw_map_table {
	struct fw_map *entries;
	uint32_t capacity;
	uint32_t count;
	uint32_t last_id;
};

/* Bytes handed out, and how many may be. Shared with the worker and RCU callbacks. */
struct fw_memory {
	atomic_size_t used;
	size_t limit;
	struct bpfe_allocator alloc;
};

struct fw_log_budget {
	uint64_t window_ns; /* start of the present second of logging */
	uint32_t lines;     /* in it */
	uint32_t dropped;   /* since the last line that was logged */
};

struct fw {
	struct nic *nic;
	const struct nic_config *config;
	const struct nic_host_ops *ops;
	void *opaque;
	fw_objects_fn objects;
	bool objects_exist; /* as last told to @objects */
	bool nic_stopping;  /* fatal: the ports go down when no NIC call is under way */

	struct fw_limits limits; /* defaults filled in */
	uint64_t helpers[4];

	struct fw_registers regs;
	struct fw_admin admin;
	struct fw_program_table programs;
	struct fw_map_table maps;
	uint32_t loads; /* program loads under way */
	struct fw_worker *worker;
	struct fw_memory map_memory;
	struct fw_memory program_memory;
	struct fw_log_budget log_budget;
};

/* ---- firmware.c --------------------------------------------------------------------------- */

/* Cancel what is under way and drop all programs and maps; the NIC keeps its other state. */
void fw_drop_objects(struct fw *fw);

/* Tell the host if there are programs or maps now and were none before, or the other way. */
void fw_objects_changed(struct fw *fw);

/* ---- log.c -------------------------------------------------------------------------------- */

/* A line for the device's log, a limited number a second. @port -1: whole device. */
void fw_log(struct fw *fw, int port, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* ---- memory.c ----------------------------------------------------------------------------- */

/* @limit in bytes. @memory stays where it is until bpfe_rcu_barrier() after the last free. */
void fw_memory_init(struct fw_memory *memory, size_t limit);

/* ---- registers.c, register_access.c, interrupt.c
 * ------------------------------------------------------------- */

/* To power-on values. What the host counts over resets stays. */
void fw_registers_reset(struct fw *fw);

uint64_t fw_features_offered(const struct fw *fw, unsigned page);
bool fw_feature_accepted(const struct fw *fw, uint64_t feature);

/* Count an access that was refused. */
void fw_bad_access(struct fw *fw);

/* Record causes (SLUICE_INTR_*) and interrupt unless all are masked. */
void fw_interrupt(struct fw *fw, uint32_t causes);

/* The guest's new INTR_MASK: causes that wait and are not masked any more interrupt. */
void fw_interrupt_mask(struct fw *fw, uint32_t mask);

/* ---- health.c ----------------------------------------------------------------------------- */

/* Stop the device until reset. @code SLUICE_FATAL_*; the first one is kept. */
void fw_fatal(struct fw *fw, uint32_t code, uint32_t queue, uint64_t info);
bool fw_is_fatal(const struct fw *fw);

/* Take the ports down if a fatal error asks for it. Not inside a call of the NIC. */
void fw_health_process(struct fw *fw);

/* ---- admin_rings.c ------------------------------------------------------------------------ */

/* Start the admin rings as the registers describe them. -EINVAL: they are not valid (logged). */
int fw_admin_start(struct fw *fw);

/* Stop them: commands under way are cancelled, their completions never appear. */
void fw_admin_stop(struct fw *fw);

/* Doorbells. False: refused. */
bool fw_acq_doorbell(struct fw *fw, uint32_t value);
bool fw_evq_doorbell(struct fw *fw, uint32_t value);

/* Is the geometry of ring @name possible? Logs why not. */
bool fw_ring_valid(struct fw *fw, const char *name, uint64_t base, uint32_t size, uint32_t min,
		   uint32_t entry_size);

/* ---- event.c ------------------------------------------------------------------------------ */

/* nic_event_fn: write @event to the event ring, or count it as lost. */
void fw_event(void *opaque, const struct sluice_event *event);

/* ---- status.c ----------------------------------------------------------------------------- */

/* The status that tells the guest of negative errno @err of the engine or the NIC. */
uint16_t fw_status_of_errno(int err);

/* ---- snapshot.c has only public functions ------------------------------------------------- */

#endif
