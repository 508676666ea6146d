/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Events from any thread to the loop, without a lock. In shared memory: a word of pending events
 * for each vCPU, a bitmap of words that are not empty, and whether the loop may sleep. A poster
 * sets the word, then the bit, then looks whether the loop sleeps and is to be woken for that; the
 * loop says that it sleeps, then looks at the bits. All of them are sequentially consistent, so one
 * of the two sees the other.
 *
 * The memory may be another process's too: what is taken out of it is checked.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "mailbox.h"

#define SUMMARY_WORDS (PVS_MAX_VCPUS / 64)

/* The latest of RUN, STOP and HALT is named in the word too: of several, the state it is in now. */
#define LAST_SHIFT 16
#define LAST_MASK  (0xfu << LAST_SHIFT)

struct mailbox_memory {
	uint32_t sleeping; /* events that wake the loop; 0: it is awake */
	uint32_t unheard;  /* events that need not even be posted, unless the guest asks */
	uint32_t reserved[14];
	uint64_t summary[SUMMARY_WORDS];
	uint32_t words[PVS_MAX_VCPUS];
	uint8_t locked[PVS_MAX_VCPUS];
};

struct pvs_mailbox {
	int memfd, eventfd;
	uint32_t n_vcpus;
	bool foreign;
	struct mailbox_memory *memory;
};

static int map(struct pvs_mailbox *m)
{
	void *at = mmap(NULL, sizeof(*m->memory), PROT_READ | PROT_WRITE, MAP_SHARED, m->memfd, 0);

	if (at == MAP_FAILED)
		return -errno;
	m->memory = at;
	return 0;
}

/* Of its size for good: a mapping that is cut would kill who touches it. */
static int make_memory(void)
{
	const int fd = memfd_create("pvs-mailbox", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int err;

	if (fd < 0)
		return -errno;
	if (!ftruncate(fd, sizeof(struct mailbox_memory)) &&
	    !fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static int check_memory(int fd)
{
	const int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;

	if (seals < 0 || !(seals & F_SEAL_SHRINK))
		return -EINVAL;
	if (fstat(fd, &st))
		return -errno;
	return st.st_size == sizeof(struct mailbox_memory) ? 0 : -EINVAL;
}

int pvs_mailbox_create(uint32_t n_vcpus, struct pvs_mailbox **mailbox)
{
	struct pvs_mailbox *m;
	int err = -ENOMEM;

	if (!n_vcpus || n_vcpus > PVS_MAX_VCPUS)
		return -EINVAL;
	m = malloc(sizeof(*m));
	if (!m)
		return err;
	*m = (struct pvs_mailbox){.memfd = -1, .eventfd = -1, .n_vcpus = n_vcpus};
	err = m->memfd = make_memory();
	if (m->memfd >= 0) {
		m->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		err = m->eventfd < 0 ? -errno : map(m);
	}
	if (err < 0) {
		pvs_mailbox_destroy(m);
		return err;
	}
	*mailbox = m;
	return 0;
}

int pvs_mailbox_from_fds(int memfd, int event_fd, uint32_t n_vcpus, struct pvs_mailbox **mailbox)
{
	struct pvs_mailbox *m;
	int err;

	if (!n_vcpus || n_vcpus > PVS_MAX_VCPUS)
		return -EINVAL;
	err = check_memory(memfd);
	if (err)
		return err;
	m = malloc(sizeof(*m));
	if (!m)
		return -ENOMEM;
	*m = (struct pvs_mailbox){.n_vcpus = n_vcpus, .foreign = true};
	m->memfd = fcntl(memfd, F_DUPFD_CLOEXEC, 3);
	m->eventfd = fcntl(event_fd, F_DUPFD_CLOEXEC, 3);
	err = m->memfd < 0 || m->eventfd < 0 ? -EBADF : map(m);
	if (!err && fcntl(m->eventfd, F_SETFL, O_NONBLOCK) < 0)
		err = -errno;
	if (err) {
		pvs_mailbox_destroy(m);
		return err;
	}
	*mailbox = m;
	return 0;
}

void pvs_mailbox_destroy(struct pvs_mailbox *mailbox)
{
	if (!mailbox)
		return;
	if (mailbox->memory)
		munmap(mailbox->memory, sizeof(*mailbox->memory));
	if (mailbox->memfd >= 0)
		close(mailbox->memfd);
	if (mailbox->eventfd >= 0)
		close(mailbox->eventfd);
	free(mailbox);
}

int pvs_mailbox_memfd(const struct pvs_mailbox *mailbox)
{
	return mailbox->memfd;
}

int pvs_mailbox_eventfd(const struct pvs_mailbox *mailbox)
{
	return mailbox->eventfd;
}

bool pvs_mailbox_foreign(const struct pvs_mailbox *mailbox)
{
	return mailbox->foreign;
}

/* The latest of RUN, STOP and HALT among @events, as it stands in a word. */
static uint32_t last_of(uint32_t events)
{
	const uint32_t states = events & PVS_POST_STATES;

	return states ? (uint32_t)(31 - __builtin_clz(states)) << LAST_SHIFT : 0;
}

static void set_word(uint32_t *word, uint32_t events)
{
	const uint32_t last = last_of(events);
	uint32_t old;

	if (!last) {
		__atomic_fetch_or(word, events, __ATOMIC_SEQ_CST);
		return;
	}
	old = __atomic_load_n(word, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(word, &old, (old & ~LAST_MASK) | events | last, true,
					    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		;
}

/* A full counter or a closed one: the loop is awake, or there is none. */
static void ring_bell(int fd)
{
	const uint64_t one = 1;
	const ssize_t n = write(fd, &one, sizeof(one));

	(void)n;
}

void pvs_mailbox_post(struct pvs_mailbox *mailbox, uint32_t vcpu, uint32_t events)
{
	struct mailbox_memory *mem = mailbox->memory;
	const uint64_t bit = 1ull << vcpu % 64;

	if (vcpu >= mailbox->n_vcpus || !(events & PVS_POST_ALL))
		return;
	set_word(&mem->words[vcpu], events & PVS_POST_ALL);
	if (!(__atomic_load_n(&mem->summary[vcpu / 64], __ATOMIC_SEQ_CST) & bit))
		__atomic_fetch_or(&mem->summary[vcpu / 64], bit, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&mem->sleeping, __ATOMIC_SEQ_CST) & events &&
	    __atomic_exchange_n(&mem->sleeping, 0, __ATOMIC_SEQ_CST))
		ring_bell(mailbox->eventfd);
}

bool pvs_mailbox_hears(const struct pvs_mailbox *mailbox, uint32_t events)
{
	return events & ~__atomic_load_n(&mailbox->memory->unheard, __ATOMIC_RELAXED);
}

void pvs_mailbox_set_heard(struct pvs_mailbox *mailbox, uint32_t events)
{
	if (__atomic_load_n(&mailbox->memory->unheard, __ATOMIC_RELAXED) != ~events)
		__atomic_store_n(&mailbox->memory->unheard, ~events, __ATOMIC_RELAXED);
}

void pvs_mailbox_lock(struct pvs_mailbox *mailbox, uint32_t vcpu, bool locked)
{
	if (vcpu < mailbox->n_vcpus)
		__atomic_store_n(&mailbox->memory->locked[vcpu], locked, __ATOMIC_RELAXED);
}

bool pvs_mailbox_locked(const struct pvs_mailbox *mailbox, uint32_t vcpu)
{
	return vcpu < mailbox->n_vcpus &&
	       __atomic_load_n(&mailbox->memory->locked[vcpu], __ATOMIC_RELAXED);
}

static unsigned take_word(struct pvs_mailbox *mailbox, uint32_t vcpu, pvs_mailbox_fn fn,
			  void *opaque)
{
	const uint32_t word =
		__atomic_exchange_n(&mailbox->memory->words[vcpu], 0, __ATOMIC_SEQ_CST);
	const uint32_t events = word & PVS_POST_ALL;
	uint32_t last = (word & LAST_MASK) >> LAST_SHIFT;

	if (!events)
		return 0;
	if (!(events & PVS_POST_STATES & 1u << last))
		last = last_of(events) >> LAST_SHIFT;
	fn(opaque, vcpu, events, last);
	return 1;
}

unsigned pvs_mailbox_take(struct pvs_mailbox *mailbox, pvs_mailbox_fn fn, void *opaque)
{
	const uint32_t words = (mailbox->n_vcpus + 63) / 64;
	unsigned n = 0;

	for (uint32_t i = 0; i < words; i++) {
		uint64_t bits;

		if (!__atomic_load_n(&mailbox->memory->summary[i], __ATOMIC_RELAXED))
			continue;
		bits = __atomic_exchange_n(&mailbox->memory->summary[i], 0, __ATOMIC_SEQ_CST);
		for (; bits; bits &= bits - 1) {
			const uint32_t vcpu = i * 64 + (uint32_t)__builtin_ctzll(bits);

			if (vcpu < mailbox->n_vcpus)
				n += take_word(mailbox, vcpu, fn, opaque);
		}
	}
	return n;
}

static bool empty(const struct pvs_mailbox *mailbox)
{
	const uint32_t words = (mailbox->n_vcpus + 63) / 64;

	for (uint32_t i = 0; i < words; i++)
		if (__atomic_load_n(&mailbox->memory->summary[i], __ATOMIC_SEQ_CST))
			return false;
	return true;
}

bool pvs_mailbox_sleep(struct pvs_mailbox *mailbox, uint32_t events)
{
	__atomic_store_n(&mailbox->memory->sleeping, events, __ATOMIC_SEQ_CST);
	if (empty(mailbox))
		return true;
	__atomic_store_n(&mailbox->memory->sleeping, 0, __ATOMIC_SEQ_CST);
	return false;
}

void pvs_mailbox_wake(struct pvs_mailbox *mailbox)
{
	uint64_t count;
	const struct iovec iov = {.iov_base = &count, .iov_len = sizeof(count)};
	ssize_t n;

	/* Still set: nobody rang. */
	if (__atomic_exchange_n(&mailbox->memory->sleeping, 0, __ATOMIC_SEQ_CST))
		return;
	/* O_NONBLOCK is the other process's to clear, this flag is not. */
	n = preadv2(mailbox->eventfd, &iov, 1, -1, RWF_NOWAIT);
	(void)n;
}
