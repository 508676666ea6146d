/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Writing a record: entries go into a ring of bytes that a thread of its own empties to the file.
 * The loop owns head, the writer owns tail; an entry that finds no room is lost and counted.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "record_file.h"

#define RING_SIZE (4u << 20) /* a power of two */
#define WAKE_AT   (RING_SIZE / 8)
#define FLUSH_NS  100000000 /* what is in the ring is written after so long */
/* Of a file, beside its entries. */
#define HEAD_AND_END (sizeof(struct pvs_record_head) + 2 * (PVS_ENTRY_HEAD + sizeof(uint64_t)))

struct pvs_record {
	int fd;
	pthread_t writer;
	sem_t wake, drained;
	bool stop; /* atomic */
	int error; /* the writer's, until it is joined */
	uint64_t lost;
	uint64_t limit; /* bytes of entries */
	bool full;      /* atomic: limit was reached, nothing follows */
	bool ended;     /* the writer's: the file has its end */
	void (*on_full)(void *opaque);
	void *opaque;
	uint64_t head __attribute__((aligned(64))); /* bytes put in, free-running */
	uint64_t woken_at;
	uint64_t tail __attribute__((aligned(64))); /* bytes written out */
	char ring[RING_SIZE] __attribute__((aligned(64)));
};

uint16_t pvs_record_size(uint32_t kind)
{
	const struct pvs_record_entry *e = NULL;

	switch (kind) {
	case PVS_RECORD_DECISION:
		return sizeof(e->decision);
	case PVS_RECORD_RING:
		return sizeof(e->ring);
	case PVS_RECORD_SWITCH:
		return sizeof(e->sched);
	case PVS_RECORD_CLOCK:
		return sizeof(e->clock_offset_ns);
	case PVS_RECORD_POLICY:
		return sizeof(e->policy);
	case PVS_RECORD_END:
		return sizeof(e->lost);
	case PVS_RECORD_FULL:
		return sizeof(e->limit);
	default:
		return 0;
	}
}

static int write_all(int fd, const char *data, size_t size)
{
	while (size) {
		const ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

/* Write what is in the ring up to its end or @head. */
static void drain(struct pvs_record *r, uint64_t head)
{
	while (r->tail != head) {
		const size_t at = r->tail % RING_SIZE;
		size_t n = (size_t)(head - r->tail);

		if (n > RING_SIZE - at)
			n = RING_SIZE - at;
		/* After an error the ring is emptied all the same: the loop never waits. */
		if (!r->error)
			r->error = write_all(r->fd, r->ring + at, n);
		__atomic_store_n(&r->tail, r->tail + n, __ATOMIC_RELEASE);
	}
}

static int write_entry(const struct pvs_record *r, uint32_t kind, uint64_t number)
{
	const struct pvs_record_entry entry = {
		.kind = kind,
		.size = sizeof(entry.lost),
		.lost = number,
	};

	return write_all(r->fd, (const char *)&entry, PVS_ENTRY_HEAD + entry.size);
}

static void end_full(struct pvs_record *r)
{
	r->ended = true;
	if (!r->error)
		r->error = write_entry(r, PVS_RECORD_FULL, r->limit + HEAD_AND_END);
	if (!r->error)
		r->error = write_entry(r, PVS_RECORD_END, r->lost);
	if (r->on_full)
		r->on_full(r->opaque);
}

/* Tell pvs_record_wait(), once. */
static void tell_drained(struct pvs_record *r)
{
	int told = 0;

	if (!sem_getvalue(&r->drained, &told) && !told)
		sem_post(&r->drained);
}

static void *writer_main(void *opaque)
{
	struct pvs_record *r = opaque;

	for (;;) {
		/* Looked at first: what was written before it was set is then drained. */
		const bool stop = __atomic_load_n(&r->stop, __ATOMIC_ACQUIRE);
		const bool full = pvs_record_full(r);
		struct timespec until;

		drain(r, __atomic_load_n(&r->head, __ATOMIC_ACQUIRE));
		if (full && !r->ended)
			end_full(r);
		tell_drained(r);
		if (stop)
			return NULL;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += FLUSH_NS;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		sem_timedwait(&r->wake, &until);
	}
}

static int open_file(const char *path)
{
	const int fd = strcmp(path, "-")
			       ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)
			       : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);

	return fd < 0 ? -errno : fd;
}

static int write_head(int fd)
{
	struct pvs_record_head head = {
		.version = PVS_RECORD_VERSION,
		.policy_abi = PVS_POLICY_ABI,
		.ctx_size = sizeof(struct pvs_ctx),
		.decision_size = sizeof(struct pvs_record_decision),
	};

	memcpy(head.magic, PVS_RECORD_MAGIC, sizeof(head.magic));
	return write_all(fd, (const char *)&head, sizeof(head));
}

int pvs_record_create(const char *path, struct pvs_record **record, struct pvs_log *log)
{
	struct pvs_record *r;
	int err = posix_memalign((void **)&r, 64, sizeof(*r));

	if (err)
		return -err;
	memset(r, 0, sizeof(*r));
	r->limit = UINT64_MAX;
	sem_init(&r->wake, 0, 0);
	sem_init(&r->drained, 0, 0);
	r->fd = open_file(path);
	err = r->fd < 0 ? r->fd : write_head(r->fd);
	if (!err)
		err = -pthread_create(&r->writer, NULL, writer_main, r);
	if (err) {
		pvs_refuse(log, err, "record %s: %s; a file that can be written is needed", path,
			   strerrorname_np(-err));
		if (r->fd >= 0)
			close(r->fd);
		sem_destroy(&r->wake);
		sem_destroy(&r->drained);
		free(r);
		return err;
	}
	*record = r;
	return 0;
}

static void put(struct pvs_record *r, uint64_t at, const void *data, size_t size)
{
	const size_t offset = at % RING_SIZE;
	const size_t first = size < RING_SIZE - offset ? size : RING_SIZE - offset;

	memcpy(r->ring + offset, data, first);
	memcpy(r->ring, (const char *)data + first, size - first);
}

void pvs_record_write(struct pvs_record *record, const struct pvs_record_entry *entry)
{
	const uint64_t tail = __atomic_load_n(&record->tail, __ATOMIC_ACQUIRE);
	const size_t size = PVS_ENTRY_HEAD + entry->size;
	const uint64_t used = record->head - tail;

	if (record->full)
		return;
	if (size > RING_SIZE - used || entry->size != pvs_record_size(entry->kind)) {
		record->lost++;
		return;
	}
	if (size > record->limit - record->head) {
		__atomic_store_n(&record->full, true, __ATOMIC_RELEASE);
		sem_post(&record->wake);
		return;
	}
	put(record, record->head, entry, size);
	__atomic_store_n(&record->head, record->head + size, __ATOMIC_RELEASE);
	if (used + size > WAKE_AT && record->head - record->woken_at > WAKE_AT) {
		record->woken_at = record->head;
		sem_post(&record->wake);
	}
}

int pvs_record_limit(struct pvs_record *record, uint64_t bytes, void (*full)(void *opaque),
		     void *opaque)
{
	if (bytes < PVS_RECORD_LEAST)
		return -EINVAL;
	record->limit = bytes - HEAD_AND_END;
	record->on_full = full;
	record->opaque = opaque;
	return 0;
}

bool pvs_record_full(const struct pvs_record *record)
{
	return __atomic_load_n(&record->full, __ATOMIC_ACQUIRE);
}

void pvs_record_wait(struct pvs_record *record)
{
	while (record->head - __atomic_load_n(&record->tail, __ATOMIC_ACQUIRE) > RING_SIZE / 2) {
		sem_post(&record->wake);
		sem_wait(&record->drained);
	}
}

int pvs_record_close(struct pvs_record *record)
{
	int err;

	__atomic_store_n(&record->stop, true, __ATOMIC_RELEASE);
	sem_post(&record->wake);
	pthread_join(record->writer, NULL);
	err = record->error;
	if (!err && !record->ended)
		err = write_entry(record, PVS_RECORD_END, record->lost);
	if (close(record->fd) && !err)
		err = -errno;
	sem_destroy(&record->wake);
	sem_destroy(&record->drained);
	free(record);
	return err ? -EIO : 0;
}
