/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Clients that are broken or hostile: each is refused with its reason or loses its connection, and
 * after each another client has all it had.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "manager/proto.h"
#include "manager_fixture.h"
#include "process_double.h"

/* What a well-behaved client would send; a test breaks one thing of it. */
struct raw {
	int sock;
	struct pvs_msg hello;
	struct pvs_mailbox *mailbox;
	int fds[PVS_N_FDS];
	unsigned n_fds;
};

static int memory(size_t size, int seals)
{
	int fd = memfd_create("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void replace(struct raw *raw, enum pvs_hello_fd which, int fd)
{
	close(raw->fds[which]);
	raw->fds[which] = fd;
}

static void raw_open(struct raw *raw, const struct manager *manager)
{
	memset(raw, 0, sizeof(*raw));
	raw->sock = pvs_manager_connect(manager->path);
	assert_true(raw->sock >= 0);
	assert_int_equal(pvs_mailbox_create(1, &raw->mailbox), 0);
	raw->hello.hello.version = PVS_PROTO_VERSION;
	raw->hello.hello.n_vcpus = 1;
	raw->hello.hello.n_vectors = 2;
	strcpy(raw->hello.hello.name, "raw");
	raw->fds[PVS_FD_GUEST] = memory(PAGES_SIZE, F_SEAL_SHRINK);
	raw->fds[PVS_FD_HOST] = memory(PAGES_SIZE, F_SEAL_SHRINK);
	raw->fds[PVS_FD_MAILBOX] = dup(pvs_mailbox_memfd(raw->mailbox));
	raw->fds[PVS_FD_MAILBOX_EVENT] = dup(pvs_mailbox_eventfd(raw->mailbox));
	raw->fds[PVS_FD_SHARED] = memory(sizeof(struct pvs_shared), F_SEAL_SHRINK);
	raw->n_fds = PVS_N_FDS;
}

static void raw_close(struct raw *raw)
{
	for (unsigned i = 0; i < PVS_N_FDS; i++)
		close(raw->fds[i]);
	pvs_mailbox_destroy(raw->mailbox);
	close(raw->sock);
}

static void raw_hello(struct raw *raw)
{
	assert_int_equal(pvs_msg_send(raw->sock, &raw->hello, PVS_MSG_HELLO, raw->fds, raw->n_fds),
			 0);
}

/* What the manager says next; 0: it has closed the connection. */
static uint32_t answer(struct raw *raw, struct pvs_msg *msg)
{
	struct pollfd fd = {.fd = raw->sock, .events = POLLIN};
	int ret;

	assert_int_equal(poll(&fd, 1, PATIENCE_S * 1000), 1);
	ret = pvs_msg_receive(raw->sock, msg, NULL, NULL);
	if (ret == -ECONNRESET)
		return 0;
	assert_true(ret >= 0);
	return ret ? msg->head.type : 0;
}

static void assert_refused(struct raw *raw, int error, const char *text)
{
	struct pvs_msg msg;

	assert_int_equal(answer(raw, &msg), PVS_MSG_REFUSED);
	assert_string_equal(msg.refused.text, text);
	assert_int_equal(msg.refused.error, error);
	assert_int_equal(answer(raw, &msg), 0);
}

static void welcome(struct raw *raw)
{
	struct pvs_msg msg;

	raw_hello(raw);
	assert_int_equal(answer(raw, &msg), PVS_MSG_WELCOME);
}

/* ---- One manager and one good client for all tests ------------------------------------------- */

struct fixture {
	struct manager *manager;
	struct front_end *good;
};

static int set_up(void **state)
{
	static struct fixture fixture;

	fixture.manager = manager_new();
	if (!manager_try(fixture.manager))
		return 0; /* each test skips */
	fixture.good = front_end_start(fixture.manager, "good", NULL);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	if (!fixture)
		return 0;
	front_end_kill(fixture->good);
	manager_free(fixture->manager);
	return 0;
}

/* The good client was not harmed: it is boosted when it asks, and no longer when it does not. */
static void assert_good(struct fixture *fixture)
{
	front_end_ask(fixture->good, true);
	assert_true(front_end_boosted(fixture->good));
	front_end_ask(fixture->good, false);
	assert_true(front_end_baseline(fixture->good));
	assert_int_equal(fixture->good->shared->lost, 0);
}

static void skip_without(const struct fixture *fixture)
{
	if (!fixture)
		skip();
}

static void begin(void **state, struct raw *raw)
{
	skip_without(*state);
	raw_open(raw, ((struct fixture *)*state)->manager);
}

static void finish(void **state, struct raw *raw)
{
	raw_close(raw);
	assert_good(*state);
}

/* ---- HELLO ----------------------------------------------------------------------------------- */

static void test_numbers(void **state)
{
	struct raw raw;

	begin(state, &raw);
	raw.hello.hello.version = 2;
	raw_hello(&raw);
	assert_refused(&raw, -EPROTONOSUPPORT, "version 2 is not spoken here; 1 is");
	raw_close(&raw);
	begin(state, &raw);
	raw.hello.hello.n_vcpus = 0;
	raw_hello(&raw);
	assert_refused(&raw, -EINVAL, "0 vCPUs; 1 to 4096 are taken");
	raw_close(&raw);
	begin(state, &raw);
	raw.hello.hello.n_vcpus = UINT32_MAX;
	raw_hello(&raw);
	assert_refused(&raw, -EINVAL, "4294967295 vCPUs; 1 to 4096 are taken");
	raw_close(&raw);
	begin(state, &raw);
	raw.hello.hello.n_vectors = 66;
	raw_hello(&raw);
	assert_refused(&raw, -EINVAL, "66 vectors; 1 to 65 are taken");
	raw_close(&raw);
	begin(state, &raw);
	raw.n_fds = 3;
	raw_hello(&raw);
	assert_refused(&raw, -EINVAL, "3 descriptors came along; 5 are needed");
	raw_close(&raw);
	begin(state, &raw);
	raw.hello.hello.limits.ceiling = PVS_ACT_FIFO;
	raw_hello(&raw);
	assert_refused(&raw, -EPERM,
		       "limits: of the actuators asked for (PVS_ACT_* 0x8) the manager gives none; "
		       "it gives 0x67");
	finish(state, &raw);
}

static void test_memory(void **state)
{
	struct raw raw;

	begin(state, &raw);
	replace(&raw, PVS_FD_GUEST, memory(PAGES_SIZE, F_SEAL_GROW));
	raw_hello(&raw);
	assert_refused(&raw, -EINVAL,
		       "guest pages: the memfd could shrink; one with F_SEAL_SHRINK is taken");
	raw_close(&raw);
	begin(state, &raw);
	replace(&raw, PVS_FD_HOST, memory(PAGES_SIZE - 1, F_SEAL_SHRINK));
	raw_hello(&raw);
	assert_refused(&raw, -EINVAL, "host pages: the memfd has 8191 bytes; 8192 are needed");
	raw_close(&raw);
	begin(state, &raw);
	replace(&raw, PVS_FD_GUEST, open("/dev/null", O_RDWR | O_CLOEXEC));
	raw_hello(&raw);
	assert_refused(&raw, -EINVAL, "guest pages: no memfd; one with F_SEAL_SHRINK is taken");
	raw_close(&raw);
	begin(state, &raw);
	replace(&raw, PVS_FD_HOST, memory(PAGES_SIZE, F_SEAL_SHRINK | F_SEAL_WRITE));
	raw_hello(&raw);
	assert_refused(&raw, -EPERM, "host pages: cannot be mapped: Operation not permitted");
	raw_close(&raw);
	begin(state, &raw);
	replace(&raw, PVS_FD_MAILBOX, memory(1, F_SEAL_SHRINK));
	raw_hello(&raw);
	assert_refused(&raw, -EINVAL,
		       "mailbox: Invalid argument; one of pvs_mailbox_create() is taken");
	raw_close(&raw);
	begin(state, &raw);
	replace(&raw, PVS_FD_MAILBOX_EVENT, open("/dev/zero", O_RDWR | O_CLOEXEC));
	raw_hello(&raw);
	assert_refused(&raw, -EINVAL, "mailbox's eventfd: no eventfd");
	finish(state, &raw);
}

/* ---- Messages -------------------------------------------------------------------------------- */

static void send_bytes(struct raw *raw, const void *bytes, size_t size)
{
	assert_int_equal(send(raw->sock, bytes, size, MSG_NOSIGNAL), size);
}

static void test_no_messages(void **state)
{
	const struct pvs_msg_head heads[] = {
		{PVS_MSG_VCPU_ADD, 8}, {0, 8},
		{0x7fffffff, 8},       {PVS_MSG_HELLO, 8},
		{PVS_MSG_CONTROL, 99}, {PVS_MSG_NOTIFY, 7},
	};
	struct pvs_msg msg = {.vcpu.tid = 1};
	struct raw raw;

	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
		begin(state, &raw);
		send_bytes(&raw, &heads[i], sizeof(heads[i]));
		assert_int_equal(answer(&raw, &msg), 0);
		raw_close(&raw);
	}
	begin(state, &raw);
	send_bytes(&raw, "x", 1);
	assert_int_equal(answer(&raw, &msg), 0);
	raw_close(&raw);
	/* In order is HELLO, and once. */
	begin(state, &raw);
	assert_int_equal(pvs_msg_send(raw.sock, &msg, PVS_MSG_VCPU_ADD, NULL, 0), 0);
	assert_int_equal(answer(&raw, &msg), 0);
	raw_close(&raw);
	begin(state, &raw);
	welcome(&raw);
	raw_hello(&raw);
	while (answer(&raw, &msg))
		assert_int_equal(msg.head.type, PVS_MSG_WARNING);
	finish(state, &raw);
}

/* A warning about autogroup may come before what is waited for. */
static void assert_warned(struct raw *raw, const char *text)
{
	struct pvs_msg msg;

	do
		assert_int_equal(answer(raw, &msg), PVS_MSG_WARNING);
	while (strncmp(msg.refused.text, "autogroup", 9) == 0);
	assert_string_equal(msg.refused.text, text);
}

static void test_threads_of_others(void **state)
{
	struct fixture *fixture = *state;
	struct pvs_msg msg = {0};
	char text[128];
	struct raw raw;

	begin(state, &raw);
	msg.vcpu.tid = fixture->good->vcpu;
	welcome(&raw);
	assert_int_equal(pvs_msg_send(raw.sock, &msg, PVS_MSG_VCPU_ADD, NULL, 0), 0);
	snprintf(text, sizeof(text), "thread %d is none of process %d, which this connection is of",
		 (int)fixture->good->vcpu, (int)getpid());
	assert_warned(&raw, text);
	assert_int_equal(pvs_msg_send(raw.sock, &msg, PVS_MSG_SERVICE_ADD, NULL, 0), 0);
	assert_warned(&raw, text);
	msg.vcpu.tid = -1;
	assert_int_equal(pvs_msg_send(raw.sock, &msg, PVS_MSG_VCPU_ADD, NULL, 0), 0);
	snprintf(text, sizeof(text), "thread -1 is none of process %d, which this connection is of",
		 (int)getpid());
	assert_warned(&raw, text);
	finish(state, &raw);
}

/* One thread as two: what it is given as the one would be its baseline as the other. */
static void test_thread_twice(void **state)
{
	struct pvs_msg msg = {.vcpu.tid = gettid()};
	char text[128];
	struct raw raw;

	begin(state, &raw);
	welcome(&raw);
	assert_int_equal(pvs_msg_send(raw.sock, &msg, PVS_MSG_VCPU_ADD, NULL, 0), 0);
	assert_int_equal(pvs_msg_send(raw.sock, &msg, PVS_MSG_SERVICE_ADD, NULL, 0), 0);
	snprintf(text, sizeof(text),
		 "thread %d: it is somebody's already; a thread is one vCPU's or serves one VM",
		 (int)msg.vcpu.tid);
	assert_warned(&raw, text);
	finish(state, &raw);
}

/* Budget that its vCPU has, as its page says. */
static uint64_t budget_left(struct raw *raw)
{
	struct pvs_msg add = {.vcpu.tid = gettid()}, negotiated = {.features = PVS_F_STATE};
	struct pvs_host_page *page =
		mmap(NULL, sizeof(*page), PROT_READ, MAP_SHARED, raw->fds[PVS_FD_HOST], 0);
	uint64_t left;

	assert_ptr_not_equal(page, MAP_FAILED);
	assert_int_equal(pvs_msg_send(raw->sock, &add, PVS_MSG_VCPU_ADD, NULL, 0), 0);
	assert_int_equal(pvs_msg_send(raw->sock, &negotiated, PVS_MSG_NEGOTIATED, NULL, 0), 0);
	while (!(left = __atomic_load_n(&page->budget_boost, __ATOMIC_ACQUIRE)))
		poll(NULL, 0, 1);
	munmap(page, sizeof(*page));
	return left;
}

/* A process that comes again finds its budget as if it had spent it. */
static void test_no_second_budget(void **state)
{
	struct raw raw;

	begin(state, &raw);
	welcome(&raw);
	finish(state, &raw);
	begin(state, &raw);
	welcome(&raw);
	assert_in_range(budget_left(&raw), 1, 499999999);
	finish(state, &raw);
}

/* It makes the manager talk and does not listen: it loses its connection. */
static void test_never_reads(void **state)
{
	struct pvs_msg msg = {.vcpu.tid = 1};
	struct raw raw;
	int ret;

	begin(state, &raw);
	welcome(&raw);
	do {
		ret = pvs_msg_send(raw.sock, &msg, PVS_MSG_VCPU_ADD, NULL, 0);
		if (ret == -EAGAIN)
			poll(NULL, 0, 1);
	} while (ret == 0 || ret == -EAGAIN);
	assert_true(ret == -EPIPE || ret == -ECONNRESET);
	finish(state, &raw);
}

/* ---- Memory that it shares ------------------------------------------------------------------- */

static void scribble(struct raw *raw)
{
	size_t size = (size_t)lseek(raw->fds[PVS_FD_MAILBOX], 0, SEEK_END);
	uint8_t *mailbox =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, raw->fds[PVS_FD_MAILBOX], 0);
	uint8_t *guest = mmap(NULL, PVS_PAGE_STRIDE, PROT_READ | PROT_WRITE, MAP_SHARED,
			      raw->fds[PVS_FD_GUEST], 0);
	uint64_t one = 1;

	assert_ptr_not_equal(mailbox, MAP_FAILED);
	assert_ptr_not_equal(guest, MAP_FAILED);
	srand(1);
	for (int i = 0; i < 20000; i++) {
		mailbox[(unsigned)rand() % size] = (uint8_t)rand();
		mailbox[64 + i % 8] = 0xff; /* words that are not empty, it says */
		guest[(unsigned)rand() % PVS_PAGE_STRIDE] = (uint8_t)rand();
		assert_int_equal(write(raw->fds[PVS_FD_MAILBOX_EVENT], &one, sizeof(one)),
				 sizeof(one));
	}
	munmap(mailbox, size);
	munmap(guest, PVS_PAGE_STRIDE);
}

static void test_garbage(void **state)
{
	struct pvs_msg add = {.vcpu.tid = getpid()};
	struct pvs_msg negotiated = {.features = ~0ull};
	struct pvs_msg clock = {.clock_offset = INT64_MIN};
	struct raw raw;

	begin(state, &raw);
	welcome(&raw);
	assert_int_equal(pvs_msg_send(raw.sock, &add, PVS_MSG_VCPU_ADD, NULL, 0), 0);
	assert_int_equal(pvs_msg_send(raw.sock, &clock, PVS_MSG_CLOCK, NULL, 0), 0);
	assert_int_equal(pvs_msg_send(raw.sock, &negotiated, PVS_MSG_NEGOTIATED, NULL, 0), 0);
	scribble(&raw);
	assert_good(*state);
	finish(state, &raw);
}

/* Who reads the eventfd first, and has made reads of it wait, does not stop the manager's loop. */
static void test_eventfd_taken_away(void **state)
{
	struct raw raw;
	uint64_t count = 1;
	int fd;

	begin(state, &raw);
	welcome(&raw);
	fd = raw.fds[PVS_FD_MAILBOX_EVENT];
	for (int i = 0; i < 2000; i++) {
		assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
		assert_int_equal(write(fd, &count, sizeof(count)), sizeof(count));
		if (read(fd, &count, sizeof(count)) < 0)
			assert_int_equal(errno, EAGAIN);
		count = 1;
		assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
	}
	finish(state, &raw);
}

static void test_too_many(void **state)
{
	struct fixture *fixture = *state;
	int socks[PVS_MANAGER_CLIENTS];
	struct raw raw;

	skip_without(fixture);
	for (int i = 0; i < PVS_MANAGER_CLIENTS - 1; i++) {
		socks[i] = pvs_manager_connect(fixture->manager->path);
		while (socks[i] == -EAGAIN) {
			poll(NULL, 0, 1);
			socks[i] = pvs_manager_connect(fixture->manager->path);
		}
		assert_true(socks[i] >= 0);
	}
	begin(state, &raw);
	assert_refused(&raw, -EUSERS, "64 connections are open, as many as there may be");
	for (int i = 0; i < PVS_MANAGER_CLIENTS - 1; i++)
		close(socks[i]);
	finish(state, &raw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_no_messages),
		cmocka_unit_test(test_threads_of_others),
		cmocka_unit_test(test_thread_twice),
		cmocka_unit_test(test_no_second_budget),
		cmocka_unit_test(test_never_reads),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_eventfd_taken_away),
		cmocka_unit_test(test_too_many),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
