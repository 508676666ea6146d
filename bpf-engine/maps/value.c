/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Copies of values that programs may access meanwhile, and the lock a value may hold. Each aligned
 * word goes at once: a reader sees the old or the new one. A lock word is never copied.
 */
#include <sched.h>
#include <string.h>
#include "maps/map.h"

/* Largest power of two up to 8 that @address is a multiple of and @size has room for. */
static size_t word_at(uintptr_t address, size_t size)
{
	size_t word = 8;

	while (address % word || word > size)
		word /= 2;
	return word;
}

static void store_word(void *in_map, const void *src, size_t word)
{
	uint64_t value = 0;

	memcpy(&value, src, word);
	switch (word) {
	case 8:
		__atomic_store_n((uint64_t *)in_map, value, __ATOMIC_RELAXED);
		break;
	case 4:
		__atomic_store_n((uint32_t *)in_map, (uint32_t)value, __ATOMIC_RELAXED);
		break;
	case 2:
		__atomic_store_n((uint16_t *)in_map, (uint16_t)value, __ATOMIC_RELAXED);
		break;
	default:
		__atomic_store_n((uint8_t *)in_map, (uint8_t)value, __ATOMIC_RELAXED);
	}
}

static void load_word(void *dst, const void *in_map, size_t word)
{
	uint64_t value;

	switch (word) {
	case 8:
		value = __atomic_load_n((const uint64_t *)in_map, __ATOMIC_RELAXED);
		break;
	case 4:
		value = __atomic_load_n((const uint32_t *)in_map, __ATOMIC_RELAXED);
		break;
	case 2:
		value = __atomic_load_n((const uint16_t *)in_map, __ATOMIC_RELAXED);
		break;
	default:
		value = __atomic_load_n((const uint8_t *)in_map, __ATOMIC_RELAXED);
	}
	memcpy(dst, &value, word);
}

void bpfe_value_store(void *in_map, const void *src, size_t size)
{
	uint8_t *to = in_map;
	const uint8_t *from = src;

	/* Nearly all are such words. */
	for (; !((uintptr_t)to % 8) && size >= 8; to += 8, from += 8, size -= 8)
		store_word(to, from, 8);
	while (size) {
		size_t word = word_at((uintptr_t)to, size);

		store_word(to, from, word);
		to += word;
		from += word;
		size -= word;
	}
}

void bpfe_value_load(void *dst, const void *in_map, size_t size)
{
	const uint8_t *from = in_map;
	uint8_t *to = dst;

	for (; !((uintptr_t)from % 8) && size >= 8; to += 8, from += 8, size -= 8)
		load_word(to, from, 8);
	while (size) {
		size_t word = word_at((uintptr_t)from, size);

		load_word(to, from, word);
		to += word;
		from += word;
		size -= word;
	}
}

void bpfe_value_zero(void *in_map, size_t size)
{
	static const uint8_t zeros[8];
	uint8_t *to = in_map;

	for (; !((uintptr_t)to % 8) && size >= 8; to += 8, size -= 8)
		store_word(to, zeros, 8);
	while (size) {
		size_t word = word_at((uintptr_t)to, size);

		store_word(to, zeros, word);
		to += word;
		size -= word;
	}
}

/* ---- With a lock in the value --------------------------------------------------------------- */

static uint32_t *lock_of(const struct bpfe_map *map, void *in_map)
{
	return (uint32_t *)((uint8_t *)in_map + map->attr.spin_lock_off);
}

void bpfe_map_value_store(const struct bpfe_map *map, void *in_map, const void *src)
{
	size_t off = map->attr.spin_lock_off, after = off + sizeof(uint32_t);

	if (!map->attr.has_spin_lock) {
		bpfe_value_store(in_map, src, map->attr.value_size);
		return;
	}
	bpfe_value_store(in_map, src, off);
	bpfe_value_store((uint8_t *)in_map + after, (const uint8_t *)src + after,
			 map->attr.value_size - after);
}

void bpfe_map_value_load(const struct bpfe_map *map, void *dst, const void *in_map)
{
	bpfe_value_load(dst, in_map, map->attr.value_size);
	if (map->attr.has_spin_lock)
		memset((uint8_t *)dst + map->attr.spin_lock_off, 0, sizeof(uint32_t));
}

void bpfe_map_value_store_locked(const struct bpfe_map *map, void *in_map, const void *src)
{
	uint32_t *lock = lock_of(map, in_map);

	bpfe_spin_lock(lock);
	bpfe_map_value_store(map, in_map, src);
	bpfe_spin_unlock(lock);
}

void bpfe_map_value_load_locked(const struct bpfe_map *map, void *dst, void *in_map)
{
	uint32_t *lock = lock_of(map, in_map);

	bpfe_spin_lock(lock);
	bpfe_map_value_load(map, dst, in_map);
	bpfe_spin_unlock(lock);
}

static void pause_cpu(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#endif
}

/*
 * Whoever holds a lock runs without waiting for anything until it lets go: the control plane copies
 * a value, a program executes what is left of its budget at most, and a run that is cut short
 * releases what it holds. So the wait is bounded by the budget, though the loop is not.
 */
void bpfe_spin_lock(uint32_t *lock)
{
	while (__atomic_exchange_n(lock, 1, __ATOMIC_ACQUIRE)) {
		for (unsigned spins = 0; __atomic_load_n(lock, __ATOMIC_RELAXED); spins++) {
			if (spins < 64)
				pause_cpu();
			else
				sched_yield();
		}
	}
}

void bpfe_spin_unlock(uint32_t *lock)
{
	__atomic_store_n(lock, 0, __ATOMIC_RELEASE);
}
