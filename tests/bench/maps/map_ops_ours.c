/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Our maps, through the functions that compiled code calls. */
#include <bpf/libbpf.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "maps/map.h"
#include "map_ops.h"

#define BURST 64u /* operations in one read section, as a queue takes frames */

struct our_side {
	struct bpfe_map *map;
	bpfe_direct_lookup_fn look_up;
	bpfe_direct_update_fn update;
};

/* Of this thread alone: the kernel's side is not interrupted by other processes either. */
static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static void pin(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

void our_prepare(void)
{
	bpfe_thread_register();
	bpfe_rcu_prepare();
	pin(libbpf_num_possible_cpus() - 1);
}

struct our_side *our_open(const struct work *work, const uint8_t *present)
{
	const struct bpfe_map_attr attr = {.type = work->type,
					   .key_size = work->key_size,
					   .value_size = 8,
					   .max_entries = work->entries,
					   .cpus = (uint32_t)libbpf_num_possible_cpus()};
	struct our_side *side = calloc(1, sizeof(*side));
	const struct bpfe_map_ops *ops = bpfe_map_ops(work->type);
	const uint64_t value = 1;

	if (bpfe_map_create(&attr, NULL, &side->map, NULL))
		exit(1);
	side->look_up = ops->direct_lookup ? ops->direct_lookup(side->map) : ops->lookup;
	side->update = ops->direct_update ? ops->direct_update(side->map) : ops->update;
	for (uint32_t i = 0; i < work->entries; i++) {
		if (side->update(side->map, present + (size_t)i * work->key_size, &value, 0, 0))
			exit(1);
	}
	return side;
}

void our_close(struct our_side *side)
{
	bpfe_map_put(side->map);
	free(side);
	bpfe_rcu_barrier();
}

static uint64_t do_nothing(struct our_side *side, const void *key, uint64_t value)
{
	return *(const volatile uint8_t *)key;
}

static uint64_t do_look_up(struct our_side *side, const void *key, uint64_t value)
{
	const uint64_t *there = side->look_up(side->map, key, 0);

	return there ? *there : 0;
}

static uint64_t do_update(struct our_side *side, const void *key, uint64_t value)
{
	return side->update(side->map, key, &value, BPF_ANY, 0) == 0;
}

static uint64_t do_replace(struct our_side *side, const void *key, uint64_t value)
{
	return side->map->ops->remove(side->map, key) == 0 &&
	       side->update(side->map, key, &value, BPF_NOEXIST, 0) == 0;
}

/* All operations, in bursts. Inlined for each @op. */
static inline __attribute__((always_inline)) uint64_t
run(struct our_side *side, const struct work *work,
    uint64_t (*op)(struct our_side *side, const void *key, uint64_t value))
{
	const uint32_t mask = work->n_keys - 1, size = work->key_size;
	uint64_t sum = 0;

	for (uint32_t first = 0; first < work->n_ops; first += BURST) {
		bpfe_rcu_read_lock();
		for (uint32_t i = first; i < first + BURST; i++)
			sum += op(side, work->keys + (size_t)(i & mask) * size, i);
		bpfe_rcu_read_unlock();
	}
	return sum;
}

double our_run(struct our_side *side, const struct work *work, enum op op, uint64_t *found)
{
	double start = now_ns();

	switch (op) {
	case OP_LOOK_UP:
		*found = run(side, work, do_look_up);
		break;
	case OP_UPDATE:
		*found = run(side, work, do_update);
		break;
	case OP_REPLACE:
		*found = run(side, work, do_replace);
		break;
	default:
		*found = run(side, work, do_nothing);
	}
	return (now_ns() - start) / work->n_ops;
}

/* ---- Two processors ------------------------------------------------------------------------- */

struct reader {
	struct our_side *side;
	const struct work *work;
	int cpu;
	pthread_barrier_t *barrier;
	double ns;
	uint64_t found;
};

static void *read_all(void *opaque)
{
	struct reader *self = opaque;

	pin(self->cpu);
	bpfe_thread_register();
	pthread_barrier_wait(self->barrier);
	self->ns = our_run(self->side, self->work, OP_LOOK_UP, &self->found);
	bpfe_thread_unregister();
	return NULL;
}

static double read_with(struct our_side *side, const struct work *work, unsigned n)
{
	struct reader readers[2];
	pthread_barrier_t barrier;
	pthread_t threads[2];
	double rate = 0;

	pthread_barrier_init(&barrier, NULL, n);
	for (unsigned i = 0; i < n; i++) {
		readers[i] = (struct reader){
			.side = side, .work = work, .cpu = (int)i, .barrier = &barrier};
		if (pthread_create(&threads[i], NULL, read_all, &readers[i]))
			exit(1);
	}
	for (unsigned i = 0; i < n; i++) {
		pthread_join(threads[i], NULL);
		rate += 1000 / readers[i].ns;
	}
	pthread_barrier_destroy(&barrier);
	return rate;
}

void our_scaling(struct our_side *side, const struct work *work, double *one, double *two)
{
	*one = *two = 0;
	for (unsigned round = 0; round < 9; round++) {
		double rate = read_with(side, work, 1);

		*one = rate > *one ? rate : *one;
		rate = read_with(side, work, 2);
		*two = rate > *two ? rate : *two;
	}
}
