/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Records: what was decided and why, in a file. Included by pvs.h. */
#ifndef PVS_RECORD_H
#define PVS_RECORD_H

#include "pvs.h"

/* ---- Records (record.c, replay.c) ------------------------------------------------------------ */

struct pvs_record; /* a writer */

/* What a record holds, in order of time as the loop saw it. */
enum pvs_record_kind {
	PVS_RECORD_DECISION = 1, /* an event and what came of it */
	PVS_RECORD_RING,         /* what the guest wrote to its ring; ns is the host's clock */
	PVS_RECORD_SWITCH,       /* a vCPU thread got or lost a host CPU */
	PVS_RECORD_CLOCK,        /* the guest's clock minus the host's is another now */
	PVS_RECORD_POLICY,       /* another policy is in place */
	PVS_RECORD_END,          /* how many entries were lost because the disk did not follow */
	PVS_RECORD_FULL,         /* before the end: what came later found the file at its limit */
};

struct pvs_record_decision {
	struct pvs_ctx ctx; /* as the policy saw it, out as it answered */
	int32_t verdict;    /* enum pvs_verdict, or what pvs_policy_run() returned */
	uint32_t reject;    /* enum pvs_reject */
	uint32_t applied;   /* PVS_SET_* in effect afterwards */
	uint32_t effect_ns; /* what the actuator took, 0: not called */
};

/* Fixed-size head, then what @kind says; little-endian in the file, after the file's header. */
struct pvs_record_entry {
	uint32_t kind; /* enum pvs_record_kind */
	uint16_t size; /* bytes of what follows @ns */
	uint16_t vm;
	uint64_t ns;
	union {
		struct pvs_record_decision decision;
		struct {
			uint32_t vcpu, reserved;
			struct pvs_ring_entry entry;
		} ring;
		struct {
			uint32_t vcpu, cpu, event, reserved; /* as struct pvs_switch */
		} sched;
		int64_t clock_offset_ns;
		struct {
			char name[PVS_NAME_LEN];
			uint32_t version, reserved;
		} policy;
		uint64_t lost;
		uint64_t limit; /* FULL: bytes */
	};
};

/* "-" is standard output. Writing is buffered and never blocks the loop for the disk: what finds no
 * room is lost and counted. -errno. */
int pvs_record_create(const char *path, struct pvs_record **record, struct pvs_log *log);
/*
 * The file is to have @bytes at most. What no longer fits is not written and not counted; the file
 * ends there, with PVS_RECORD_FULL, and can be read while the record is open. @full, which may be
 * NULL, is called once then, in a thread of the record's. Before the first entry. -EINVAL: less
 * than PVS_RECORD_LEAST.
 */
#define PVS_RECORD_LEAST   4096u
#define PVS_RECORD_DEFAULT (1ull << 30) /* what front ends take where nobody says */
int pvs_record_limit(struct pvs_record *record, uint64_t bytes, void (*full)(void *opaque),
		     void *opaque);
bool pvs_record_full(const struct pvs_record *record); /* any thread */
void pvs_record_write(struct pvs_record *record, const struct pvs_record_entry *entry);
/* Block until the disk followed so far that the next entries are not lost: for who is no loop. */
void pvs_record_wait(struct pvs_record *record);
int pvs_record_close(struct pvs_record *record); /* -EIO: something was not written */

/*
 * Call @fn for each entry of a file, in order; it returns 0 to go on. Returns what @fn returned,
 * -EINVAL for a file that is none or is cut (the log says where), or the number of entries.
 */
typedef int (*pvs_record_fn)(void *opaque, const struct pvs_record_entry *entry);
int64_t pvs_record_read(const char *path, pvs_record_fn fn, void *opaque, struct pvs_log *log);

#endif
