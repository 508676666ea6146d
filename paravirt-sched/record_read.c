/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Reading a record. The file is somebody's: every head is checked before what follows is read. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "record_file.h"

struct reader {
	FILE *file;
	const char *path;
	struct pvs_log *log;
	int64_t entries;
	uint64_t offset;
};

static int read_head(struct reader *r)
{
	struct pvs_record_head head;

	if (fread(&head, sizeof(head), 1, r->file) != 1 ||
	    memcmp(head.magic, PVS_RECORD_MAGIC, sizeof(head.magic)) != 0)
		return pvs_refuse(r->log, -EINVAL, "%s: not a record of decisions", r->path);
	if (head.version != PVS_RECORD_VERSION || head.policy_abi != PVS_POLICY_ABI ||
	    head.ctx_size != sizeof(struct pvs_ctx) ||
	    head.decision_size != sizeof(struct pvs_record_decision))
		return pvs_refuse(r->log, -EINVAL,
				  "%s: record of version %u, policy ABI %u; version %u, ABI %u are "
				  "read here",
				  r->path, head.version, head.policy_abi, PVS_RECORD_VERSION,
				  PVS_POLICY_ABI);
	r->offset = sizeof(head);
	return 0;
}

/* The next entry. -EINVAL: it is none or ends early. */
static int read_entry(struct reader *r, struct pvs_record_entry *entry)
{
	memset(entry, 0, sizeof(*entry));
	if (fread(entry, PVS_ENTRY_HEAD, 1, r->file) != 1)
		return pvs_refuse(r->log, -EINVAL,
				  "%s: cut at byte %llu, after %lld entries: it has no end",
				  r->path, (unsigned long long)r->offset, (long long)r->entries);
	if (!pvs_record_size(entry->kind) || entry->size != pvs_record_size(entry->kind))
		return pvs_refuse(r->log, -EINVAL, "%s: byte %llu: no entry (kind %u, %u bytes)",
				  r->path, (unsigned long long)r->offset, entry->kind, entry->size);
	if (fread((char *)entry + PVS_ENTRY_HEAD, entry->size, 1, r->file) != 1)
		return pvs_refuse(r->log, -EINVAL,
				  "%s: cut at byte %llu, after %lld entries: an entry of %u bytes "
				  "is not whole",
				  r->path, (unsigned long long)r->offset, (long long)r->entries,
				  entry->size);
	r->offset += PVS_ENTRY_HEAD + entry->size;
	return 0;
}

static int64_t read_entries(struct reader *r, pvs_record_fn fn, void *opaque)
{
	struct pvs_record_entry entry;
	int err = read_head(r);

	while (!err) {
		err = read_entry(r, &entry);
		if (err)
			break;
		r->entries++;
		err = fn(opaque, &entry);
		if (!err && entry.kind == PVS_RECORD_END)
			return r->entries;
	}
	return err;
}

int64_t pvs_record_read(const char *path, pvs_record_fn fn, void *opaque, struct pvs_log *log)
{
	struct reader r = {.path = path, .log = log};
	int64_t n;

	r.file = strcmp(path, "-") ? fopen(path, "rbe") : stdin;
	if (!r.file)
		return pvs_refuse(log, -errno, "%s: %s; a record that can be read is needed", path,
				  strerrorname_np(errno));
	n = read_entries(&r, fn, opaque);
	if (r.file != stdin)
		fclose(r.file);
	return n;
}
