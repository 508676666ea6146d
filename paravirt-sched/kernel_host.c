/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A VM's part in the host's kernel: kernel/host.bpf.c, its maps, and the policy in it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "kernel_access.h"
#include "kernel_host.h"
#include "kernel_splice.h"
#include "kernel/host.h"
#include "latency.h"
#include "pvs_kernel.h"

#define VERIFIER_LOG_SIZE (1u << 20)

struct pvs_kernel_program {
	int program, link;         /* -1: none */
	uint32_t serial;           /* 0: without a policy */
	struct pvs_policy *policy; /* a reference; its maps are in the program */
};

struct pvs_kernel_host {
	uint32_t vm, n_vcpus;
	bool scheduled;
	struct bpf_object *object; /* the program as libbpf relocated it, and the maps */
	const struct bpf_program *program;
	int switch_type; /* of sched_switch in the kernel's BTF */
	int pages_fd, told_fd, seen_fd, threads_fd, events_fd;
	struct pvs_guest_page *pages;
	size_t pages_size, told_size;
	struct host_told *told;
	struct host_globals *globals;
	pid_t *tids;                     /* by vCPU, 0: none */
	struct pvs_kernel_program *bare; /* without a policy, always attached */
	uint32_t last_serial;            /* atomic */

	struct ring_buffer *ring;
	void (*fn)(void *opaque, const struct pvs_kernel_event *event);
	void *opaque;
	struct pvs_kernel_stats stats;
	struct pvs_latency latency;
};

/* ---- Maps ------------------------------------------------------------------------------------ */

static size_t whole_pages(size_t size)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (size + page - 1) / page * page;
}

/* A power of two, as a PCI BAR's size is one. */
static uint32_t n_pages(const struct pvs_kernel_host *host)
{
	uint32_t n = 1;

	while (n < host->n_vcpus + PVS_OPAQUE_PAGES)
		n *= 2;
	return n;
}

static int size_maps(const struct pvs_kernel_host *host)
{
	static const char *const per_vcpu[] = {"told_of", "seen_of"};
	struct bpf_map *map = bpf_object__find_map_by_name(host->object, "pages");
	int err;

	if (!map)
		return -EINVAL;
	err = bpf_map__set_max_entries(map, n_pages(host));
	for (size_t i = 0; i < 2 && !err; i++) {
		map = bpf_object__find_map_by_name(host->object, per_vcpu[i]);
		err = map ? bpf_map__set_max_entries(map, host->n_vcpus) : -EINVAL;
	}
	return err;
}

static void *map_memory(int fd, size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static int find_maps(struct pvs_kernel_host *host)
{
	host->pages_fd = bpf_object__find_map_fd_by_name(host->object, "pages");
	host->told_fd = bpf_object__find_map_fd_by_name(host->object, "told_of");
	host->seen_fd = bpf_object__find_map_fd_by_name(host->object, "seen_of");
	host->threads_fd = bpf_object__find_map_fd_by_name(host->object, "threads");
	host->events_fd = bpf_object__find_map_fd_by_name(host->object, "events");
	host->globals = pvs_kernel_object_globals(host->object, sizeof(*host->globals));
	if (host->pages_fd < 0 || host->told_fd < 0 || host->seen_fd < 0 || host->threads_fd < 0 ||
	    host->events_fd < 0 || !host->globals)
		return -EINVAL;
	host->pages_size = n_pages(host) * sizeof(struct pvs_guest_page);
	host->told_size = whole_pages(host->n_vcpus * sizeof(struct host_told));
	host->pages = map_memory(host->pages_fd, host->pages_size);
	host->told = map_memory(host->told_fd, host->told_size);
	return host->pages && host->told ? 0 : -ENOMEM;
}

/* ---- Programs -------------------------------------------------------------------------------- */

void pvs_kernel_program_free(struct pvs_kernel_program *program)
{
	if (!program)
		return;
	if (program->link >= 0)
		close(program->link);
	if (program->program >= 0)
		close(program->program);
	pvs_policy_put(program->policy);
	free(program);
}

static int load_spliced(const struct pvs_kernel_host *host, const struct splice *splice,
			const char *license, struct pvs_log *log)
{
	char *text = calloc(1, VERIFIER_LOG_SIZE);
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_RAW_TP,
		    .attach_btf_id = (uint32_t)host->switch_type,
		    .prog_btf_fd = (uint32_t)btf__fd(splice->types), .func_info = splice->funcs,
		    .func_info_cnt = splice->n_funcs, .func_info_rec_size = sizeof(*splice->funcs));
	int fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "pvs_host", license, splice->insns,
			       splice->n_insns, &options);

	/* Once more, to hear why. */
	if (fd < 0 && text) {
		options.log_buf = text;
		options.log_size = VERIFIER_LOG_SIZE;
		options.log_level = 1;
		fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "pvs_host", license, splice->insns,
				   splice->n_insns, &options);
	}
	if (fd < 0)
		pvs_log(log, "%s", text ? pvs_kernel_verifier_end(text) : "");
	free(text);
	return fd;
}

static int load_program(const struct pvs_kernel_host *host, struct pvs_kernel_program *program,
			struct pvs_log *log)
{
	const struct pvs_policy *policy = program->policy;
	const char *license = policy ? bpfe_object_license(policy->object) : "Dual BSD/GPL";
	struct splice splice;
	int err;

	err = splice_make(&splice, bpf_program__insns(host->program),
			  bpf_program__insn_cnt(host->program), policy, program->serial);
	if (err)
		pvs_refuse(log, err, "the kernel's program cannot be put together: %s",
			   strerror(-err));
	else
		err = program->program = load_spliced(host, &splice, license, log);
	splice_free(&splice);
	if (err < 0)
		return pvs_kernel_refuse(log, err, policy ? policy->name : "host");
	program->link = bpf_raw_tracepoint_open(NULL, program->program);
	return program->link < 0 ? pvs_kernel_refuse(log, -errno, "attach to sched_switch") : 0;
}

/* Load program number @serial with @policy in it and attach it; it does nothing yet. */
static int make_program(const struct pvs_kernel_host *host, struct pvs_policy *policy,
			uint32_t serial, struct pvs_kernel_program **out, struct pvs_log *log)
{
	struct pvs_kernel_program *program = malloc(sizeof(*program));
	int err;

	if (!program)
		return -ENOMEM;
	*program = (struct pvs_kernel_program){
		.program = -1, .link = -1, .serial = serial, .policy = pvs_policy_get(policy)};
	err = load_program(host, program, log);
	if (err) {
		pvs_kernel_program_free(program);
		return err;
	}
	*out = program;
	return 0;
}

/* As the kernel's license_is_gpl_compatible(), from whose list these are. */
static bool is_gpl_compatible(const char *license)
{
	static const char *const accepted[] = {
		"GPL",          "GPL v2",       "GPL and additional rights",
		"Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"};

	for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++)
		if (!strcmp(license, accepted[i]))
			return true;
	return false;
}

static int check_policy(const struct pvs_policy *policy, struct pvs_log *log)
{
	const char *license;

	if (policy->ops != &pvs_policy_kernel_ops)
		return pvs_refuse(log, -EINVAL,
				  "policy '%s' is loaded for the host %s; the kernel asks one that "
				  "is loaded for the host kernel",
				  policy->name, policy->ops->name);
	license = bpfe_object_license(policy->object);
	if (!is_gpl_compatible(license))
		return pvs_refuse(
			log, -EACCES,
			"policy '%s' has the license '%s' (section license); programs at "
			"a tracepoint must be compatible with the GPL: \"Dual BSD/GPL\" is",
			policy->name, license);
	return 0;
}

int pvs_kernel_program_load(struct pvs_kernel_host *host, struct pvs_policy *policy,
			    struct pvs_kernel_program **program, struct pvs_log *log)
{
	const uint32_t serial = __atomic_add_fetch(&host->last_serial, 1, __ATOMIC_RELAXED);
	const int err = check_policy(policy, log);

	*program = NULL;
	return err ? err : make_program(host, policy, serial, program, log);
}

void pvs_kernel_host_use(struct pvs_kernel_host *host, const struct pvs_kernel_program *program)
{
	__atomic_store_n(&host->globals->active_serial, program ? program->serial : 0,
			 __ATOMIC_SEQ_CST);
}

/* ---- Events ---------------------------------------------------------------------------------- */

static int32_t verdict_of(int32_t verdict)
{
	return verdict == PVS_KEEP || verdict == PVS_APPLY || verdict == PVS_BASELINE ? verdict
										      : -ERANGE;
}

static pid_t tid_of(const struct pvs_kernel_host *host, uint32_t vcpu)
{
	return vcpu < host->n_vcpus ? host->tids[vcpu] : 0;
}

static int on_event(void *opaque, void *data, size_t size)
{
	struct pvs_kernel_host *host = opaque;
	const struct host_event *head = data;
	const struct host_decision *decision = head->kind == HOST_DECISION ? data : NULL;
	const struct pvs_kernel_event event = {
		.at = {.ns = head->ns,
		       .tid = head->tid,
		       .vm = host->vm,
		       .vcpu = head->vcpu,
		       .cpu = head->cpu,
		       .event = head->event},
		.ctx = decision ? &decision->ctx : NULL,
		.verdict = decision ? verdict_of(head->verdict) : PVS_KEEP,
		.asked = head->serial != 0,
		.answered_ns =
			decision && !head->again && !head->granted ? decision->answered_ns : 0,
		.granted = decision ? head->granted : 0,
		.granted_tid = decision ? tid_of(host, decision->ctx.out.target) : 0,
	};

	host->stats.switches += head->event != PVS_EVENT_HINT;
	host->stats.decisions += decision != NULL;
	host->fn(host->opaque, &event);
	return 0;
}

unsigned pvs_kernel_host_take(struct pvs_kernel_host *host,
			      void (*fn)(void *opaque, const struct pvs_kernel_event *event),
			      void *opaque)
{
	int taken;

	host->fn = fn;
	host->opaque = opaque;
	taken = ring_buffer__consume(host->ring);
	return taken > 0 ? (unsigned)taken : 0;
}

void pvs_kernel_host_applied(struct pvs_kernel_host *host, uint64_t answered_ns, uint64_t now)
{
	pvs_latency_add(&host->latency, now > answered_ns ? now - answered_ns : 0);
}

void pvs_kernel_host_stats(const struct pvs_kernel_host *host, struct pvs_kernel_stats *stats)
{
	*stats = host->stats;
	stats->lost = __atomic_load_n(&host->globals->lost, __ATOMIC_RELAXED);
	stats->latency_count = host->latency.count;
	stats->latency_p50 = pvs_latency_quantile(&host->latency, 500);
	stats->latency_p99 = pvs_latency_quantile(&host->latency, 990);
	stats->latency_max = host->latency.max;
}

/* ---- vCPUs ----------------------------------------------------------------------------------- */

/* Nothing was seen of @vcpu yet. */
static int forget(const struct pvs_kernel_host *host, uint32_t vcpu)
{
	const struct bpf_map *map = bpf_object__find_map_by_name(host->object, "seen_of");
	void *nothing = calloc(1, bpf_map__value_size(map));
	const int err =
		nothing ? bpf_map_update_elem(host->seen_fd, &vcpu, nothing, BPF_ANY) : -ENOMEM;

	free(nothing);
	return err;
}

int pvs_kernel_host_add(struct pvs_kernel_host *host, uint32_t vcpu, pid_t tid)
{
	int err;

	if (vcpu >= host->n_vcpus)
		return -EINVAL;
	if (host->tids[vcpu])
		return -EBUSY;
	err = forget(host, vcpu);
	if (!err)
		err = bpf_map_update_elem(host->threads_fd, &tid, &vcpu, BPF_NOEXIST);
	if (err)
		return err;
	host->tids[vcpu] = tid;
	__atomic_store_n(&host->told[vcpu].tid, tid, __ATOMIC_RELAXED);
	return 0;
}

void pvs_kernel_host_remove(struct pvs_kernel_host *host, uint32_t vcpu)
{
	if (vcpu >= host->n_vcpus || !host->tids[vcpu])
		return;
	bpf_map_delete_elem(host->threads_fd, &host->tids[vcpu]);
	host->tids[vcpu] = 0;
	__atomic_store_n(&host->told[vcpu].tid, 0, __ATOMIC_RELAXED);
}

void pvs_kernel_host_tell(struct pvs_kernel_host *host, uint32_t vcpu,
			  const struct pvs_kernel_told *told)
{
	struct host_told *to = &host->told[vcpu];

	/* The rest is found out, or answered, there. */
	memcpy(&to->ctx, &told->ctx, offsetof(struct pvs_ctx, opaque));
	to->clock_offset = told->clock_offset;
	to->limits.nice_min = told->nice_min;
	to->limits.base_nice = told->base_nice;
	to->limits.throttled = (told->cs_throttled ? IN_PLACE_NO_CS : 0) |
			       (told->boost_throttled ? IN_PLACE_NO_BOOST : 0);
	__atomic_store_n(&host->globals->vm_boosted, told->ctx.vm_boosted, __ATOMIC_RELAXED);
	__atomic_store_n(&to->active, told->active, __ATOMIC_RELEASE);
}

struct pvs_guest_page *pvs_kernel_host_pages(const struct pvs_kernel_host *host)
{
	return host->pages;
}

int pvs_kernel_host_pages_fd(const struct pvs_kernel_host *host)
{
	return host->pages_fd;
}

size_t pvs_kernel_host_pages_size(const struct pvs_kernel_host *host)
{
	return host->pages_size;
}

int pvs_kernel_host_map(const struct pvs_kernel_host *host, const char *name)
{
	return bpf_object__find_map_fd_by_name(host->object, name);
}

int pvs_kernel_host_fd(const struct pvs_kernel_host *host)
{
	return host->events_fd;
}

/* ---- Life ------------------------------------------------------------------------------------ */

static int load(struct pvs_kernel_host *host, struct pvs_log *log)
{
	const uint32_t has_scheduler = host->scheduled;
	int err = pvs_kernel_can_trace(log);

	if (!err && host->scheduled)
		err = pvs_kernel_can_schedule(log);
	if (!err)
		err = pvs_kernel_object_open_own("host", &host->object, log);
	if (!err)
		err = pvs_kernel_object_set(host->object, &has_scheduler, sizeof(has_scheduler));
	if (!err)
		err = size_maps(host);
	if (!err)
		err = pvs_kernel_object_load(host->object, log);
	if (err)
		return err;
	host->program = bpf_object__find_program_by_name(host->object, "on_switch");
	host->switch_type = libbpf_find_vmlinux_btf_id("sched_switch", BPF_TRACE_RAW_TP);
	if (!host->program || host->switch_type < 0)
		return pvs_refuse(log, -ENOTSUP, "host: this kernel's BTF has no sched_switch");
	return 0;
}

static int start(struct pvs_kernel_host *host, struct pvs_log *log)
{
	int err = find_maps(host);

	if (err)
		return pvs_refuse(log, err, "host: its maps cannot be had: %s", strerror(-err));
	host->ring = ring_buffer__new(host->events_fd, on_event, host, NULL);
	if (!host->ring)
		return pvs_refuse(log, -errno, "host: its ring cannot be mapped: %s",
				  strerror(errno));
	return make_program(host, NULL, 0, &host->bare, log);
}

int pvs_kernel_host_create(uint32_t vm, uint32_t n_vcpus, bool scheduled,
			   struct pvs_kernel_host **out, struct pvs_log *log)
{
	struct pvs_kernel_host *host;
	int err;

	*out = NULL;
	if (!n_vcpus || n_vcpus > PVS_MAX_VCPUS)
		return pvs_refuse(log, -EINVAL, "host: %u vCPUs; 1 to %u are accepted", n_vcpus,
				  PVS_MAX_VCPUS);
	host = calloc(1, sizeof(*host));
	if (!host)
		return -ENOMEM;
	host->vm = vm;
	host->n_vcpus = n_vcpus;
	host->scheduled = scheduled;
	host->tids = calloc(n_vcpus, sizeof(*host->tids));
	err = host->tids ? load(host, log) : -ENOMEM;
	if (!err)
		err = start(host, log);
	if (err) {
		pvs_kernel_host_destroy(host);
		return err;
	}
	*out = host;
	return 0;
}

void pvs_kernel_host_destroy(struct pvs_kernel_host *host)
{
	if (!host)
		return;
	pvs_kernel_program_free(host->bare);
	ring_buffer__free(host->ring);
	if (host->pages)
		munmap(host->pages, host->pages_size);
	if (host->told)
		munmap(host->told, host->told_size);
	if (host->globals)
		munmap(host->globals, sizeof(*host->globals));
	bpf_object__close(host->object);
	free(host->tids);
	free(host);
}
