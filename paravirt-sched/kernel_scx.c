/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The scheduler kernel/scx.bpf.c: loading it, and grants from user space. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "kernel_access.h"
#include "kernel_host.h"
#include "kernel_scx.h"

#define SLICE_NS 3000000u
#define FAVOURED 99 /* of priorities, which end there */
/* <linux/bpf.h> has these since 6.4. */
#define LINK_FLAG        (1u << 13)                 /* BPF_F_LINK */
#define ATTACH_SCHEDULER ((enum bpf_attach_type)44) /* BPF_STRUCT_OPS */

struct pvs_scx {
	struct bpf_object *object;
	struct bpf_link *link; /* libbpf's; NULL if it is ours: */
	int link_fd;           /* -1: none */
	int settle, grants;    /* program, map; the object's */
	pid_t ours[2];         /* threads that go before all vCPUs, 0: none */
	struct scx_shared *shared;
};

/* ---- Loading --------------------------------------------------------------------------------- */

/* The kernel's weights are by 1.25 apart, as a share of 10 % by a step of nice. */
static struct scx_config make_config(void)
{
	struct scx_config config = {.slice_ns = SLICE_NS};
	double more = SCX_WEIGHT_NORMAL, less = SCX_WEIGHT_NORMAL;

	for (int i = SCX_NICES / 2; i >= 0; i--, more *= 1.25)
		config.weight[i] = (uint32_t)(more + 0.5);
	for (int i = SCX_NICES / 2; i < SCX_NICES; i++, less /= 1.25)
		config.weight[i] = (uint32_t)(less + 0.5);
	return config;
}

/* Both objects' map of this name is one. */
static int share_map(const struct pvs_scx *scx, const struct pvs_kernel_host *host,
		     const char *name)
{
	struct bpf_map *map = bpf_object__find_map_by_name(scx->object, name);
	const int fd = pvs_kernel_host_map(host, name);

	return map && fd >= 0 ? bpf_map__reuse_fd(map, fd) : -EINVAL;
}

/* What the section names of older libbpfs cannot say. */
static int set_flags(const struct pvs_scx *scx)
{
	struct bpf_program *init = bpf_object__find_program_by_name(scx->object, "pvs_init");
	struct bpf_map *ops = bpf_object__find_map_by_name(scx->object, "scheduler");
	int err = init && ops ? 0 : -EINVAL;

	if (!err)
		err = bpf_program__set_flags(init, BPF_F_SLEEPABLE);
	return err ? err : bpf_map__set_map_flags(ops, LINK_FLAG);
}

static int prepare(const struct pvs_scx *scx, const struct pvs_kernel_host *host)
{
	const struct scx_config config = make_config();
	int err = pvs_kernel_object_set(scx->object, &config, sizeof(config));

	if (!err)
		err = share_map(scx, host, "grants");
	if (!err)
		err = share_map(scx, host, "scx_of");
	return err ? err : set_flags(scx);
}

static int find_parts(struct pvs_scx *scx)
{
	const struct bpf_program *settle = bpf_object__find_program_by_name(scx->object, "settle");
	const int fd = bpf_object__find_map_fd_by_name(scx->object, "scx_of");
	void *shared;

	scx->grants = bpf_object__find_map_fd_by_name(scx->object, "grants");
	if (!settle || fd < 0 || scx->grants < 0)
		return -EINVAL;
	scx->settle = bpf_program__fd(settle);
	shared = mmap(NULL, sizeof(*scx->shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (shared == MAP_FAILED)
		return -errno;
	scx->shared = shared;
	return 0;
}

/*
 * It is the scheduler so long as somebody has the link: the kernel ends it with this process,
 * however that ends. libbpf makes the link since 1.2, and before only fills the map.
 */
static int attach(struct pvs_scx *scx)
{
	const struct bpf_map *ops = bpf_object__find_map_by_name(scx->object, "scheduler");

	scx->link = bpf_map__attach_struct_ops(ops);
	if (!scx->link)
		return -errno;
	if (libbpf_major_version() > 1 || libbpf_minor_version() >= 2)
		return 0;
	bpf_link__disconnect(scx->link);
	bpf_link__destroy(scx->link);
	scx->link = NULL;
	scx->link_fd = bpf_link_create(bpf_map__fd(ops), 0, ATTACH_SCHEDULER, NULL);
	return scx->link_fd < 0 ? -errno : 0;
}

static int start(struct pvs_scx *scx, const struct pvs_kernel_host *host, struct pvs_log *log)
{
	int err = pvs_kernel_object_open_own("scx", &scx->object, log);

	if (err)
		return err;
	err = prepare(scx, host);
	if (err)
		return pvs_refuse(log, err, "scheduler: it cannot be put together: %s",
				  strerror(-err));
	err = pvs_kernel_object_load(scx->object, log);
	if (err)
		return err;
	err = find_parts(scx);
	if (err)
		return pvs_refuse(log, err, "scheduler: its maps cannot be had: %s",
				  strerror(-err));
	err = attach(scx);
	if (err)
		return pvs_refuse(log, err, "scheduler: the kernel does not take it: %s%s",
				  strerror(-err),
				  err == -EBUSY ? "; another one was loaded meanwhile" : "");
	return 0;
}

int pvs_scx_open(const struct pvs_kernel_host *host, struct pvs_scx **out, struct pvs_log *log)
{
	struct pvs_scx *scx = calloc(1, sizeof(*scx));
	int err;

	*out = NULL;
	if (!scx)
		return -ENOMEM;
	scx->link_fd = -1;
	err = start(scx, host, log);
	if (err) {
		pvs_scx_close(scx);
		return err;
	}
	*out = scx;
	return 0;
}

void pvs_scx_close(struct pvs_scx *scx)
{
	if (!scx)
		return;
	bpf_link__destroy(scx->link);
	if (scx->link_fd >= 0)
		close(scx->link_fd);
	if (scx->shared)
		munmap(scx->shared, sizeof(*scx->shared));
	bpf_object__close(scx->object);
	free(scx);
}

/* ---- In use ---------------------------------------------------------------------------------- */

bool scx_is_running(const struct pvs_scx *scx)
{
	return !__atomic_load_n(&scx->shared->end_kind, __ATOMIC_ACQUIRE);
}

void pvs_scx_stats(const struct pvs_scx *scx, struct pvs_scx_stats *stats)
{
	*stats = (struct pvs_scx_stats){
		.running = scx_is_running(scx),
		.in_place = __atomic_load_n(&scx->shared->in_place, __ATOMIC_RELAXED),
	};
	if (!stats->running)
		snprintf(stats->end, sizeof(stats->end), "%.*s%s%.*s", SCX_TEXT - 1,
			 scx->shared->end_reason, scx->shared->end_message[0] ? ": " : "",
			 SCX_TEXT - 1, scx->shared->end_message);
}

int scx_thread_add(struct pvs_scx *scx, pid_t tid)
{
	const struct scx_grant none = {0};

	return bpf_map_update_elem(scx->grants, &tid, &none, BPF_NOEXIST);
}

void scx_thread_remove(struct pvs_scx *scx, pid_t tid)
{
	scx_thread_grant(scx, tid, 0, false);
	bpf_map_delete_elem(scx->grants, &tid);
}

static void settle(const struct pvs_scx *scx, pid_t tid, uint64_t word, bool answers)
{
	struct scx_settle what = {.tid = tid, .answers = answers, .word = word};
	LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = &what, .ctx_size_in = sizeof(what));

	bpf_prog_test_run_opts(scx->settle, &run);
}

void scx_thread_grant(const struct pvs_scx *scx, pid_t tid, uint64_t word, bool answers)
{
	/* Of the kernel's next scheduler we are to know nothing. */
	if (!scx_is_running(scx))
		return;
	settle(scx, tid, word, answers);
}

int pvs_scx_favour(struct pvs_scx *scx, pid_t tid)
{
	int err;

	for (unsigned i = 0; i < 2; i++) {
		if (scx->ours[i])
			continue;
		err = scx_thread_add(scx, tid);
		if (err)
			return err;
		scx->ours[i] = tid;
		scx_thread_grant(scx, tid, grant_of_prio(FAVOURED), false);
		return 0;
	}
	return -ENOSPC;
}

void scx_grants_drop(const struct pvs_scx *scx)
{
	pid_t tid, *last = NULL;

	while (!bpf_map_get_next_key(scx->grants, last, &tid)) {
		if (tid != scx->ours[0] && tid != scx->ours[1])
			scx_thread_grant(scx, tid, 0, false);
		last = &tid;
	}
}
