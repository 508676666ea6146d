/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Where compiled code goes. Calls and jumps reach 2 GiB, so regions are handed out one below the
 * other from a window below the executable (above it, where it lies at the bottom of the address
 * space). The window's first address is random: knowing where the executable lies tells nothing of
 * where code lies. One behind the other, regions share page tables and guard pages merge.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/random.h>
#include "jit/exec_place.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#define PLACE_REACH  (1ull << 31)
#define PLACE_MARGIN (256ull << 20) /* for the executable itself, on either side of us */
#define PLACE_STEP   (16ull << 20)  /* over what is in the way */
#define PLACE_GRAIN  (1ull << 16)   /* no page is larger */
#define PLACE_TRIES  128

static struct {
	pthread_mutex_t lock;
	uintptr_t low, high; /* the window; 0: not set up */
	uintptr_t next;      /* the next region ends here */
} place = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void place_init(void)
{
	uintptr_t here = (uintptr_t)jit_place_reserve & ~(uintptr_t)(PLACE_GRAIN - 1);
	uint64_t random = 0;

	if (here > PLACE_REACH) {
		place.low = here - PLACE_REACH + PLACE_MARGIN;
		place.high = here;
	} else {
		place.low = here + PLACE_MARGIN;
		place.high = here + PLACE_REACH - PLACE_MARGIN;
	}
	/* Without random bytes there still is the executable's own random address. */
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		random = 0;
	random = random % (place.high - place.low) & ~(PLACE_GRAIN - 1);
	place.next = place.high - (uintptr_t)random;
}

static void *place_map(uintptr_t address, size_t size, int flags)
{
	/* Only a number until mmap() says that it is there. */
	void *hint = (void *)address;

	return mmap(hint, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1,
		    0);
}

/* Kernels before 4.17 take the address for a hint. */
static bool place_map_at(uintptr_t address, size_t size)
{
	void *got = place_map(address, size, MAP_FIXED_NOREPLACE);

	if (got == MAP_FAILED)
		return false;
	if ((uintptr_t)got == address)
		return true;
	munmap(got, size);
	return false;
}

/* Called with the lock. */
static void *place_near(size_t size)
{
	int tries;

	if (size > place.high - place.low)
		return NULL;
	for (tries = 0; tries < PLACE_TRIES; tries++) {
		if (place.next < place.low + size)
			place.next = place.high;
		if (place_map_at(place.next - size, size)) {
			place.next -= size;
			return (void *)place.next;
		}
		place.next -= PLACE_STEP;
	}
	return NULL;
}

void *jit_place_reserve(size_t size)
{
	void *base;

	pthread_mutex_lock(&place.lock);
	if (!place.high)
		place_init();
	base = place_near(size);
	pthread_mutex_unlock(&place.lock);
	if (base)
		return base;
	base = place_map(0, size, 0);
	return base == MAP_FAILED ? NULL : base;
}
