/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Memory for compiled code. Its pages are those of a memfd: written through a mapping that is not
 * executable and that is gone before they are sealed and mapped where they run, without the right
 * to become writable again. Where a memfd is refused, or perf is to find names, which it does not
 * for files, anonymous memory is written first and made executable then; that cannot be sealed.
 */
#include <errno.h>
#include <fcntl.h>
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
	uint8_t *window; /* where they are written; of anonymous memory: code itself */
	int fd;          /* -1: anonymous memory */
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

/* Pages of a memfd to write to. 0 or a positive errno. */
static int window_open_memfd(struct jit_region *region)
{
	void *window;
	int err;

	region->fd = region_memfd();
	if (region->fd < 0)
		return errno;
	if (ftruncate(region->fd, (off_t)region->bytes) == 0) {
		window = mmap(NULL, region->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, region->fd,
			      0);
		if (window != MAP_FAILED) {
			region->window = window;
			return 0;
		}
	}
	err = errno;
	close(region->fd);
	region->fd = -1;
	return err;
}

/* Anonymous pages to write to, where they will run. */
static int window_open_anonymous(struct jit_region *region)
{
	void *window = mmap(region->code, region->bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (window == MAP_FAILED)
		return errno;
	region->window = window;
	return 0;
}

static void window_close(struct jit_region *region)
{
	if (region->window && region->window != region->code)
		munmap(region->window, region->bytes);
	region->window = NULL;
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
	int err;

	if (!size || size > INT32_MAX)
		return -EINVAL;
	region = calloc(1, sizeof(*region));
	if (!region)
		return -ENOMEM;
	region->fd = -1;
	if (region_reserve(region, size, random_start, seed) < 0) {
		err = region_refused(log, "mmap", ENOMEM);
		free(region);
		return err;
	}
	if (jit_perf_map_wanted() || window_open_memfd(region) != 0) {
		err = window_open_anonymous(region);
		if (err) {
			jit_region_close(region);
			return region_refused(log, "mmap", err);
		}
	}
	memset(region->window, REGION_INT3, region->bytes);
	*start = region->window + region->start;
	*out = region;
	return 0;
}

/* Map the sealed pages where they run, by descriptor @fd. 0 or a positive errno. */
static int region_map(struct jit_region *region, int fd)
{
	void *code = mmap(region->code, region->bytes, PROT_READ | PROT_EXEC,
			  MAP_SHARED | MAP_FIXED, fd, 0);

	return code == MAP_FAILED ? errno : 0;
}

/* Linux before 6.7 refuses a shared mapping of a sealed memfd by a descriptor for writing. */
static int region_map_readonly(struct jit_region *region)
{
	char path[32];
	int fd, err;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", region->fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	err = region_map(region, fd);
	close(fd);
	return err;
}

/* Close the window, seal the pages, map them. 0 or a positive errno and what failed. */
static int region_seal_memfd(struct jit_region *region, const char **call)
{
	int err;

	window_close(region);
	*call = "fcntl(F_ADD_SEALS) of a memfd";
	if (fcntl(region->fd, F_ADD_SEALS,
		  F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return errno;
	*call = "mmap(PROT_EXEC) of a memfd";
	err = region_map(region, region->fd);
	if (err == EPERM)
		err = region_map_readonly(region);
	return err;
}

/* The pages of a memfd that must not run are copied to anonymous memory. */
static int region_leave_memfd(struct jit_region *region)
{
	void *from = mmap(NULL, region->bytes, PROT_READ, MAP_PRIVATE, region->fd, 0);
	int err;

	if (from == MAP_FAILED)
		return errno;
	err = window_open_anonymous(region);
	if (!err)
		memcpy(region->window, from, region->bytes);
	munmap(from, region->bytes);
	return err;
}

static int region_seal_anonymous(struct jit_region *region, const char **call)
{
	*call = "mprotect(PROT_EXEC) of anonymous memory";
	region->window = NULL;
	return mprotect(region->code, region->bytes, PROT_READ | PROT_EXEC) < 0 ? errno : 0;
}

/* Seal, in anonymous memory if a memfd cannot run. 0 or a positive errno and what failed. */
static int region_seal_either(struct jit_region *region, const char **call)
{
	int err;

	if (region->fd >= 0) {
		err = region_seal_memfd(region, call);
		if (!err || region_leave_memfd(region) != 0)
			return err;
	}
	return region_seal_anonymous(region, call);
}

int jit_region_seal(struct jit_region *region, struct bpfe_log *log)
{
	const char *call;
	int err = region_seal_either(region, &call);

	if (err)
		return region_refused(log, call, err);
	if (region->fd >= 0)
		close(region->fd);
	region->fd = -1;
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
	window_close(region);
	if (region->fd >= 0)
		close(region->fd);
	munmap(region->base, region->reserved);
	free(region);
}
