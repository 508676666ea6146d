/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Memory for compiled code. It is put together on the heap, written to a memfd, which is sealed,
 * and mapped where it runs: no mapping of it was ever writable, and this one has no right to become
 * so. Where a memfd is refused, or perf is to find names, which it does not for files, anonymous
 * memory is written first and made executable then; that cannot be sealed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/memfd.h>
#include "jit/exec_mem.h"
#include "jit/exec_place.h"
#include "jit/perf_map.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010u
#endif

#define REGION_INT3       0xcc
#define REGION_CODE_ALIGN 16u

struct jit_region {
	uint8_t *base;   /* of what is reserved: guard page, code, guard page */
	size_t reserved; /* bytes */
	uint8_t *code;   /* pages of code where they run */
	size_t bytes;    /* of code, whole pages */
	size_t start;    /* of them that code may begin at */
	uint8_t *draft;  /* what is to be in them; NULL once it is */
};

static size_t page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* Say that the system refuses memory; @call with @err is why. */
static int region_refused(struct bpfe_log *log, const char *call, int err)
{
	if (err == ENOMEM || err == EMFILE || err == ENFILE) {
		bpfe_log(log, "no memory for compiled code: %s: %s\n", call, strerror(err));
		return -ENOMEM;
	}
	bpfe_log(log,
		 "executable memory is refused: %s: %s. Allow it (SELinux: execmem; systemd: "
		 "MemoryDenyWriteExecute=no; sysctl: vm.memfd_noexec below 2; seccomp: "
		 "memfd_create, or mprotect with PROT_EXEC), or have programs interpreted\n",
		 call, strerror(err));
	return -EPERM;
}

/* A memfd that may be executed and sealed, or -1 (errno). */
static int region_memfd(void)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create("sluice-jit", flags | MFD_EXEC);

	/* Linux before 6.3 does not know the flag: all may be executed. */
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("sluice-jit", flags);
	return fd;
}

/* A 16-byte aligned number of bytes, at most @most, that @seed decides. */
static size_t region_random_start(uint64_t seed, size_t most)
{
	/* The seed may be a small number: mix it (the finaliser of splitmix64). */
	seed += 0x9e3779b97f4a7c15u;
	seed = (seed ^ seed >> 30) * 0xbf58476d1ce4e5b9u;
	seed = (seed ^ seed >> 27) * 0x94d049bb133111ebu;
	seed ^= seed >> 31;
	return seed % (most / REGION_CODE_ALIGN + 1) * REGION_CODE_ALIGN;
}

static int region_reserve(struct jit_region *region, size_t size, bool random_start, uint64_t seed)
{
	size_t page = page_bytes();

	region->bytes = (size + (random_start ? page : 0) + page - 1) & ~(page - 1);
	region->start = random_start ? region_random_start(seed, region->bytes - size) : 0;
	region->reserved = region->bytes + 2 * page;
	region->base = jit_place_reserve(region->reserved);
	if (!region->base)
		return -ENOMEM;
	region->code = region->base + page;
	return 0;
}

int jit_region_open(size_t size, bool random_start, uint64_t seed, struct jit_region **out,
		    uint8_t **start, struct bpfe_log *log)
{
	struct jit_region *region;

	if (!size || size > INT32_MAX)
		return -EINVAL;
	region = calloc(1, sizeof(*region));
	if (!region)
		return region_refused(log, "malloc", ENOMEM);
	if (region_reserve(region, size, random_start, seed) < 0) {
		free(region);
		return region_refused(log, "mmap", ENOMEM);
	}
	region->draft = malloc(region->bytes);
	if (!region->draft) {
		jit_region_close(region);
		return region_refused(log, "malloc", ENOMEM);
	}
	memset(region->draft, REGION_INT3, region->bytes);
	*start = region->draft + region->start;
	*out = region;
	return 0;
}

/* Pages at the end that got no code stay a guard: how long code can be is known before it is made,
 * how long it is only then. */
static void region_trim(struct jit_region *region)
{
	size_t page = page_bytes();

	while (region->bytes > page) {
		const uint8_t *last = region->draft + region->bytes - page;

		if (last[0] != REGION_INT3 || memcmp(last, last + 1, page - 1) != 0)
			break;
		region->bytes -= page;
	}
}

static int write_all(int fd, const uint8_t *bytes, size_t size)
{
	while (size) {
		ssize_t n = write(fd, bytes, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? errno : EIO;
		bytes += n;
		size -= (size_t)n;
	}
	return 0;
}

/* Map the sealed pages where they run, by descriptor @fd. 0 or a positive errno. */
static int region_map(struct jit_region *region, int fd)
{
	void *code = mmap(region->code, region->bytes, PROT_READ | PROT_EXEC,
			  MAP_SHARED | MAP_FIXED, fd, 0);

	return code == MAP_FAILED ? errno : 0;
}

/*
 * Linux before 6.7 refuses a shared mapping of a sealed memfd by a descriptor for writing, and at a
 * fixed address leaves a hole then, into which another thread may map something before the next
 * attempt. So how it is here is found out once, with sealed memfd @fd, anywhere.
 */
static bool needs_readonly(int fd)
{
	enum {
		UNKNOWN,
		NO,
		YES
	};
	static atomic_int known;
	void *somewhere;

	if (atomic_load(&known) != UNKNOWN)
		return atomic_load(&known) == YES;
	somewhere = mmap(NULL, page_bytes(), PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	atomic_store(&known, somewhere == MAP_FAILED ? YES : NO);
	if (somewhere == MAP_FAILED)
		return true;
	munmap(somewhere, page_bytes());
	return false;
}

static int region_map_readonly(struct jit_region *region, int memfd)
{
	char path[32];
	int fd, err;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", memfd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	err = region_map(region, fd);
	close(fd);
	return err;
}

/* Write, seal and map memfd @fd. 0 or a positive errno and what failed. */
static int region_fill_memfd(struct jit_region *region, int fd, const char **call)
{
	int err;

	*call = "write to a memfd";
	err = write_all(fd, region->draft, region->bytes);
	if (err)
		return err;
	*call = "fcntl(F_ADD_SEALS) of a memfd";
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return errno;
	*call = "mmap(PROT_EXEC) of a memfd";
	return needs_readonly(fd) ? region_map_readonly(region, fd) : region_map(region, fd);
}

static int region_seal_memfd(struct jit_region *region, const char **call)
{
	int fd = region_memfd(), err;

	if (fd < 0) {
		*call = "memfd_create";
		return errno;
	}
	err = region_fill_memfd(region, fd, call);
	close(fd);
	return err;
}

static int region_seal_anonymous(struct jit_region *region, const char **call)
{
	void *code = mmap(region->code, region->bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	*call = "mmap of anonymous memory";
	if (code == MAP_FAILED)
		return errno;
	memcpy(region->code, region->draft, region->bytes);
	*call = "mprotect(PROT_EXEC) of anonymous memory";
	return mprotect(region->code, region->bytes, PROT_READ | PROT_EXEC) < 0 ? errno : 0;
}

int jit_region_seal(struct jit_region *region, struct bpfe_log *log)
{
	const char *call;
	int err = EACCES;

	region_trim(region);
	if (!jit_perf_map_wanted())
		err = region_seal_memfd(region, &call);
	if (err)
		err = region_seal_anonymous(region, &call);
	if (err)
		return region_refused(log, call, err);
	free(region->draft);
	region->draft = NULL;
	__builtin___clear_cache((char *)region->code, (char *)region->code + region->bytes);
	return 0;
}

uint64_t jit_region_address(const struct jit_region *region)
{
	return (uintptr_t)region->code + region->start;
}

void jit_region_close(struct jit_region *region)
{
	if (!region)
		return;
	free(region->draft);
	munmap(region->base, region->reserved);
	free(region);
}
