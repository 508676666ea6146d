/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Records: what was written is read again, what is no record is refused where it ends to be one. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record_file.h"
#include "vm_fixture.h"

static char path[64];
static struct fixture f;

static struct {
	unsigned n, kinds[PVS_RECORD_FULL + 1];
	struct pvs_record_entry first[8];
	uint64_t lost;
	int stop_at, answer;
} seen;

static int setup(void **state)
{
	int fd;

	memset(&seen, 0, sizeof(seen));
	memset(&f, 0, sizeof(f));
	strcpy(path, "/tmp/pvs-record-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	return 0;
}

static int teardown(void **state)
{
	unlink(path);
	return 0;
}

static int see(void *opaque, const struct pvs_record_entry *entry)
{
	if (seen.n < 8)
		seen.first[seen.n] = *entry;
	seen.n++;
	seen.kinds[entry->kind]++;
	if (entry->kind == PVS_RECORD_END)
		seen.lost = entry->lost;
	return seen.answer && (int)seen.n == seen.stop_at ? seen.answer : 0;
}

static void expect_text(int64_t expected, const char *text)
{
	char got[300] = "", want[400];
	struct pvs_log log = {.buf = got, .size = sizeof(got)};

	memset(&seen, 0, sizeof(seen));
	assert_int_equal(pvs_record_read(path, see, NULL, &log), expected);
	snprintf(want, sizeof(want), text[0] ? "%s: %s\n" : "%s%s", text[0] ? path : "", text);
	assert_string_equal(got, want);
}

static void write_clocks(unsigned n)
{
	struct pvs_record *record;

	assert_int_equal(pvs_record_create(path, &record, NULL), 0);
	for (unsigned i = 0; i < n; i++)
		pvs_record_write(record,
				 &(struct pvs_record_entry){.kind = PVS_RECORD_CLOCK,
							    .size = 8,
							    .vm = 3,
							    .ns = 100 + i,
							    .clock_offset_ns = -(int64_t)i});
	assert_int_equal(pvs_record_close(record), 0);
}

static void test_round_trip(void **state)
{
	write_clocks(3);
	expect_text(4, "");
	assert_int_equal(seen.kinds[PVS_RECORD_CLOCK], 3);
	assert_int_equal(seen.first[2].ns, 102);
	assert_int_equal(seen.first[2].vm, 3);
	assert_int_equal(seen.first[2].clock_offset_ns, -2);
	assert_int_equal(seen.first[3].kind, PVS_RECORD_END);
	assert_int_equal(seen.lost, 0);
	/* The reader stops when it is told to. */
	memset(&seen, 0, sizeof(seen));
	seen.stop_at = 2;
	seen.answer = -ECANCELED;
	assert_int_equal(pvs_record_read(path, see, NULL, NULL), -ECANCELED);
	assert_int_equal(seen.n, 2);
}

static void test_what_a_vm_does(void **state)
{
	const struct pvs_decision d = {
		.target = PVS_DOUBLE_SELF, .set = PVS_SET_NICE, .nice = -5, .boost = PVS_BOOST_RT};
	struct pvs_record *record;

	f.policy.callbacks = 1u << PVS_EVENT_KICK;
	vm_start(&f, &(struct pvs_vm_config){.index = 2});
	assert_int_equal(pvs_record_create(path, &record, NULL), 0);
	pvs_vm_set_record(f.vm, record);
	answer(&f, PVS_APPLY, &d);
	kick(&f, 1);
	pvs_guest_ring_put(&f.guest[3], 0,
			   &(struct pvs_ring_entry){.ts = 7, .type = PVS_RING_MARK, .arg = 8});
	pvs_vm_doorbell(f.vm, 3, f.now);
	pvs_vm_switch(f.vm, &(struct pvs_switch){
				    .ns = f.now, .vcpu = 2, .cpu = 1, .event = PVS_EVENT_VCPU_RUN});
	f.policy.verdict = -EIO;
	kick(&f, 1);
	pvs_vm_set_record(f.vm, NULL);
	kick(&f, 1);
	assert_int_equal(pvs_record_close(record), 0);
	vm_end(&f);

	expect_text(7, "");
	assert_int_equal(seen.first[0].kind, PVS_RECORD_POLICY);
	assert_string_equal(seen.first[0].policy.name, "double");
	assert_int_equal(seen.first[0].policy.version, 7);
	assert_int_equal(seen.first[1].kind, PVS_RECORD_CLOCK);
	assert_int_equal(seen.first[2].kind, PVS_RECORD_DECISION);
	assert_int_equal(seen.first[2].vm, 2);
	assert_int_equal(seen.first[2].ns, START);
	assert_int_equal(seen.first[2].decision.ctx.vcpu, 1);
	assert_int_equal(seen.first[2].decision.ctx.out.nice, -5);
	assert_int_equal(seen.first[2].decision.verdict, PVS_APPLY);
	assert_int_equal(seen.first[2].decision.reject, PVS_REJECT_NONE);
	assert_int_equal(seen.first[2].decision.applied, PVS_SET_NICE);
	assert_int_equal(seen.first[3].kind, PVS_RECORD_RING);
	assert_int_equal(seen.first[3].ring.vcpu, 3);
	assert_int_equal(seen.first[3].ring.entry.arg, 8);
	assert_int_equal(seen.first[4].kind, PVS_RECORD_SWITCH);
	assert_int_equal(seen.first[4].sched.cpu, 1);
	assert_int_equal(seen.first[5].decision.verdict, -EIO);
	assert_int_equal(seen.first[5].decision.reject, PVS_REJECT_POLICY);
	assert_int_equal(seen.first[5].decision.applied, 0);
}

static off_t file_size(void)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static void test_cut(void **state)
{
	off_t size;

	write_clocks(2);
	size = file_size();
	assert_int_equal(size, 24 + 3 * 24);
	assert_int_equal(truncate(path, size - 1), 0);
	expect_text(-EINVAL, "cut at byte 72, after 2 entries: an entry of 8 bytes is not whole");
	assert_int_equal(seen.n, 2);
	assert_int_equal(truncate(path, 72), 0);
	expect_text(-EINVAL, "cut at byte 72, after 2 entries: it has no end");
	assert_int_equal(seen.n, 2);
	assert_int_equal(truncate(path, 24 + 15), 0);
	expect_text(-EINVAL, "cut at byte 24, after 0 entries: it has no end");
	assert_int_equal(truncate(path, 23), 0);
	expect_text(-EINVAL, "not a record of decisions");
	assert_int_equal(truncate(path, 0), 0);
	expect_text(-EINVAL, "not a record of decisions");
	unlink(path);
	expect_text(-ENOENT, "ENOENT; a record that can be read is needed");
}

static void poke(off_t at, unsigned char byte)
{
	int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void test_broken(void **state)
{
	write_clocks(2);
	poke(24, 9);
	expect_text(-EINVAL, "byte 24: no entry (kind 9, 8 bytes)");
	poke(24, PVS_RECORD_RING);
	expect_text(-EINVAL, "byte 24: no entry (kind 2, 8 bytes)");
	poke(24, PVS_RECORD_CLOCK);
	poke(8, 3);
	expect_text(-EINVAL, "record of version 3, policy ABI 3; version 2, ABI 3 are read here");
	poke(0, 'x');
	expect_text(-EINVAL, "not a record of decisions");
}

static void test_not_writable(void **state)
{
	char text[200] = "";
	struct pvs_log log = {.buf = text, .size = sizeof(text)};
	struct pvs_record *record;

	assert_int_equal(pvs_record_create("/nowhere/at/all", &record, &log), -ENOENT);
	assert_string_equal(text, "record /nowhere/at/all: ENOENT; a file that can be written is "
				  "needed\n");
	assert_int_equal(pvs_record_create("/dev/full", &record, &log), -ENOSPC);
}

static void count_full(void *opaque)
{
	sem_post(opaque);
}

/* At its limit a record ends, whole, while it is still open; nothing is written any more. */
static void test_limit(void **state)
{
	struct pvs_record_entry entry = {.kind = PVS_RECORD_CLOCK, .size = 8};
	const unsigned room = (PVS_RECORD_LEAST - 24) / 24 - 2;
	struct pvs_record *record;
	sem_t full;

	sem_init(&full, 0, 0);
	assert_int_equal(pvs_record_create(path, &record, NULL), 0);
	assert_int_equal(pvs_record_limit(record, PVS_RECORD_LEAST - 1, NULL, NULL), -EINVAL);
	assert_int_equal(pvs_record_limit(record, PVS_RECORD_LEAST, count_full, &full), 0);
	for (unsigned i = 0; i < room; i++)
		pvs_record_write(record, &entry);
	assert_false(pvs_record_full(record));
	pvs_record_write(record, &entry);
	assert_true(pvs_record_full(record));
	while (sem_wait(&full))
		;
	assert_true(file_size() <= PVS_RECORD_LEAST);
	assert_true(file_size() > PVS_RECORD_LEAST - 24);
	expect_text(room + 2, "");
	assert_int_equal(seen.kinds[PVS_RECORD_CLOCK], room);
	assert_int_equal(seen.kinds[PVS_RECORD_FULL], 1);
	assert_int_equal(seen.kinds[PVS_RECORD_END], 1);
	assert_int_equal(seen.lost, 0);
	pvs_record_write(record, &entry);
	assert_int_equal(pvs_record_close(record), 0);
	expect_text(room + 2, "");
	assert_int_equal(sem_trywait(&full), -1);
	sem_destroy(&full);
}

static void *copy_all(void *opaque)
{
	const int *ends = opaque;
	static char buf[65536];
	ssize_t n;

	while ((n = read(ends[0], buf, sizeof(buf))) > 0)
		if (write(ends[1], buf, (size_t)n) != n)
			return opaque;
	return n ? opaque : NULL;
}

/* A reader that does not read: what finds no room is lost and counted, nobody waits. */
static void test_disk_that_does_not_follow(void **state)
{
	struct pvs_record_entry entry = {.kind = PVS_RECORD_DECISION,
					 .size = sizeof(entry.decision)};
	const unsigned n = 40000; /* of some 400 bytes: more than the ring and the pipe hold */
	struct pvs_record *record;
	char fifo[80];
	int reader, copy, ends[2];
	pthread_t thread;
	void *failed;

	snprintf(fifo, sizeof(fifo), "%s.fifo", path);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	reader = open(fifo, O_RDONLY | O_NONBLOCK);
	assert_true(reader >= 0);
	assert_int_equal(pvs_record_create(fifo, &record, NULL), 0);
	for (unsigned i = 0; i < n; i++)
		pvs_record_write(record, &entry);
	/* Now it reads, and the rest comes. */
	assert_int_equal(fcntl(reader, F_SETFL, 0), 0);
	copy = open(path, O_WRONLY | O_TRUNC);
	assert_true(copy >= 0);
	ends[0] = reader;
	ends[1] = copy;
	assert_int_equal(pthread_create(&thread, NULL, copy_all, ends), 0);
	assert_int_equal(pvs_record_close(record), 0);
	pthread_join(thread, &failed);
	assert_null(failed);
	close(reader);
	close(copy);
	unlink(fifo);
	memset(&seen, 0, sizeof(seen));
	assert_true(pvs_record_read(path, see, NULL, NULL) > 0);
	assert_true(seen.lost > 0);
	assert_int_equal(seen.lost + seen.kinds[PVS_RECORD_DECISION], n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_a_vm_does, setup, teardown),
		cmocka_unit_test_setup_teardown(test_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(test_broken, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_writable, setup, teardown),
		cmocka_unit_test_setup_teardown(test_disk_that_does_not_follow, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
