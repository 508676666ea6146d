/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "pvs_self.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pvs_uapi.h"
#include "pvs_user.h"
#include "sluice/pvsched.h"

struct pvs_self {
	struct pvs_guest_page *pages;
	size_t pages_size;
	struct pvs_user_slot *slots;
	uint32_t n_cpus;
	int32_t vcpu[]; /* of each CPU; -1: none */
};

#define SLOTS_SIZE (sizeof(struct pvs_user_slot) * PVS_USER_SLOTS)

/* ---- A store to this CPU's page ------------------------------------------------------------- */

static struct rseq *own_rseq(void)
{
	return (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
}

#ifdef __x86_64__
/*
 * *@word = @value, unless *@word is not @old or this thread is not on @cpu when it stores; then
 * false. The kernel knows the section from a descriptor (rseq(2)): a thread that is preempted,
 * moved or given a signal within it goes on at its abort address, which the signature precedes.
 */
static bool store_on_cpu(__u64 *word, uint64_t old, uint64_t value, uint32_t cpu)
{
	struct rseq *rseq = own_rseq();

	__asm__ goto(
		".pushsection .data.rel.rseq_cs, \"aw\"\n"
		".balign 32\n"
		"1: .long 0, 0\n"
		".quad 2f, 3f - 2f, 4f\n"
		".popsection\n"
		"leaq 1b(%%rip), %%rax\n"
		"movq %%rax, %[section]\n"
		"2: cmpl %[cpu], %[current]\n"
		"jne %l[fail]\n"
		"cmpq %[old], %[word]\n"
		"jne %l[fail]\n"
		"movq %[value], %[word]\n"
		"3:\n"
		".pushsection .text.unlikely, \"ax\"\n"
		".byte 0x0f, 0xb9, 0x3d\n"
		".long %c[signature]\n"
		"4: jmp %l[fail]\n"
		".popsection\n"
		:
		: [section] "m"(rseq->rseq_cs), [current] "m"(rseq->cpu_id), [cpu] "r"(cpu),
		  [word] "m"(*word), [old] "r"(old), [value] "r"(value), [signature] "i"(RSEQ_SIG)
		: "memory", "cc", "rax"
		: fail);
	return true;
fail:
	return false;
}

#define HAVE_STORE true
#else
#define HAVE_STORE false
static bool store_on_cpu(__u64 *word, uint64_t old, uint64_t value, uint32_t cpu)
{
	return true;
}
#endif

uint32_t pvs_self_cpu(void)
{
	return *(volatile uint32_t *)&own_rseq()->cpu_id_start;
}

/* The page of the CPU this thread is on, which may change at once; NULL: it has none. */
static struct pvs_guest_page *own_page(const struct pvs_self *self, uint32_t *cpu)
{
	*cpu = pvs_self_cpu();
	if (*cpu >= self->n_cpus || self->vcpu[*cpu] < 0)
		return NULL;
	return &self->pages[self->vcpu[*cpu]];
}

/* In a critical section or not, on the page of whatever CPU this thread is on when it is stored. */
static void store_cs(const struct pvs_self *self, bool enter)
{
	struct pvs_guest_page *page;
	uint64_t old, value;
	uint32_t cpu;

	do {
		page = own_page(self, &cpu);
		if (!page)
			return;
		old = *(volatile __u64 *)&page->cs;
		/* The publisher did it already, at a switch in between. */
		if (enter == ((old & 0xff) != 0))
			return;
		value = old >> 32 << 32;
		if (enter)
			value = ((old >> 32) + 1) << 32 | 1 << 8 | PVS_CS_LOCK | PVS_CS_EXPLICIT;
	} while (!store_on_cpu(&page->cs, old, value, cpu));
}

/* ---- Threads -------------------------------------------------------------------------------- */

int pvs_self_add(struct pvs_self *self, struct pvs_self_thread *thread)
{
	uint32_t tid = (uint32_t)syscall(SYS_gettid), free = 0;
	struct pvs_user_slot *slot = &self->slots[tid % PVS_USER_SLOTS];

	memset(thread, 0, sizeof(*thread));
	if (__rseq_size == 0)
		return -EOPNOTSUPP;
	if (!__atomic_compare_exchange_n(&slot->tid, &free, tid, false, __ATOMIC_RELAXED,
					 __ATOMIC_RELAXED) &&
	    free != tid)
		return -EBUSY;
	slot->held = 0;
	thread->self = self;
	thread->slot = slot;
	return 0;
}

void pvs_self_remove(struct pvs_self_thread *thread)
{
	struct pvs_user_slot *slot = thread->slot;

	if (!slot)
		return;
	slot->held = 0;
	store_cs(thread->self, false);
	pvs_self_wait(thread, ~0u);
	slot->dl_deadline = 0;
	slot->dl_serial = 0;
	__atomic_store_n(&slot->tid, 0, __ATOMIC_RELEASE);
	memset(thread, 0, sizeof(*thread));
}

/* The slot first: a switch between the two stores finds it, and does what the second would. */
void pvs_self_enter(struct pvs_self_thread *thread)
{
	struct pvs_user_slot *slot = thread->slot;

	if (!slot)
		return;
	*(volatile uint32_t *)&slot->held = slot->held + 1;
	store_cs(thread->self, true);
}

void pvs_self_exit(struct pvs_self_thread *thread)
{
	struct pvs_user_slot *slot = thread->slot;

	if (!slot || !slot->held)
		return;
	*(volatile uint32_t *)&slot->held = slot->held - 1;
	if (!slot->held)
		store_cs(thread->self, false);
}

void pvs_self_wait(struct pvs_self_thread *thread, uint32_t cpu)
{
	const struct pvs_self *self = thread->self;
	uint64_t value = PVS_WAIT_NOBODY, old;
	struct pvs_guest_page *page;
	uint32_t here;

	if (!self)
		return;
	if (cpu < self->n_cpus && self->vcpu[cpu] >= 0)
		value = (uint64_t)PVS_WAIT_SPINLOCK << 32 | (uint32_t)self->vcpu[cpu];
	do {
		page = own_page(self, &here);
		if (!page)
			return;
		old = *(volatile __u64 *)&page->wait;
		if (old == value)
			return;
	} while (!store_on_cpu(&page->wait, old, value, here));
}

void pvs_self_deadline(struct pvs_self_thread *thread, uint64_t runtime, uint64_t deadline,
		       uint64_t period)
{
	struct pvs_user_slot *slot = thread->slot;

	if (!slot)
		return;
	slot->dl_runtime = runtime;
	slot->dl_deadline = deadline;
	slot->dl_period = period;
	__atomic_store_n(&slot->dl_serial, slot->dl_serial + 1, __ATOMIC_RELEASE);
}

/* ---- Open and close ------------------------------------------------------------------------- */

static int map_slots(struct pvs_self *self)
{
	union bpf_attr attr = {.pathname = (uintptr_t)PVS_USER_PATH};
	int fd = (int)syscall(SYS_bpf, BPF_OBJ_GET, &attr, sizeof(attr)), err = 0;

	if (fd < 0)
		return -errno;
	self->slots = mmap(NULL, SLOTS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (self->slots == MAP_FAILED) {
		err = -errno;
		self->slots = NULL;
	}
	close(fd);
	return err;
}

static int map_pages(struct pvs_self *self, int fd)
{
	struct pvs_cpus cpus = {.n = self->n_cpus, .vcpus = (uintptr_t)self->vcpu};
	struct pvs_info info;

	if (ioctl(fd, PVS_IOC_INFO, &info) || ioctl(fd, PVS_IOC_CPUS, &cpus))
		return -errno;
	if (!info.connected)
		return -ENODEV;
	self->pages_size = (size_t)info.n_vcpus * sizeof(struct pvs_guest_page);
	self->pages = mmap(NULL, self->pages_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			   (off_t)PVS_MMAP_GUEST);
	if (self->pages != MAP_FAILED)
		return 0;
	self->pages = NULL;
	return -errno;
}

void pvs_self_close(struct pvs_self *self)
{
	if (self->pages)
		munmap(self->pages, self->pages_size);
	if (self->slots)
		munmap(self->slots, SLOTS_SIZE);
	free(self);
}

int pvs_self_open(struct pvs_self **out)
{
	long n = sysconf(_SC_NPROCESSORS_CONF);
	uint32_t n_cpus = n > 0 ? (uint32_t)n : 1;
	struct pvs_self *self;
	int fd, err;

	if (!HAVE_STORE || __rseq_size == 0)
		return -EOPNOTSUPP;
	fd = open("/dev/" PVS_DEV_NAME, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ENODEV : -errno;
	self = calloc(1, sizeof(*self) + n_cpus * sizeof(self->vcpu[0]));
	err = self ? 0 : -ENOMEM;
	if (!err) {
		self->n_cpus = n_cpus;
		err = map_slots(self);
	}
	if (!err)
		err = map_pages(self, fd);
	close(fd);
	if (err && self)
		pvs_self_close(self);
	else if (!err)
		*out = self;
	return err;
}
