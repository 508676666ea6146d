/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * pvs_live_bench POLICY [SECONDS [BURNERS]]: a thread that sleeps 500 us and runs 50 us, as a vCPU
 * whose policy decides in the kernel. Prints how long a decision took to have effect and what the
 * kernel's program costs per switch, with BURNERS spinning threads that compete for its CPU.
 */
#include <bpf_engine.h>
#include <bpf/bpf.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "pvs_kernel.h"

static volatile bool stop;
static volatile pid_t vcpu_tid;
static char text[1u << 16];
static struct pvs_log log_text = {.buf = text, .size = sizeof(text)};

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void pin(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void *vcpu(void *opaque)
{
	const struct timespec nap = {.tv_nsec = 500000};
	uint64_t until;

	pin();
	vcpu_tid = (pid_t)syscall(SYS_gettid);
	while (!stop) {
		until = clock_ns() + 50000;
		while (clock_ns() < until)
			;
		nanosleep(&nap, NULL);
	}
	return NULL;
}

static void *burn(void *opaque)
{
	pin();
	while (!stop)
		;
	return NULL;
}

static void check(int err, const char *what)
{
	if (err >= 0)
		return;
	fprintf(stderr, "%s: %s\n%s", what, strerror(-err), text);
	exit(1);
}

/* What the kernel's programs of that name took, of all that are loaded. */
static void print_program_cost(void)
{
	uint32_t id = 0;

	while (!bpf_prog_get_next_id(id, &id)) {
		const int fd = bpf_prog_get_fd_by_id(id);
		struct bpf_prog_info info = {0};
		uint32_t size = sizeof(info);

		if (fd < 0)
			continue;
		if (!bpf_obj_get_info_by_fd(fd, &info, &size) && !strcmp(info.name, "pvs_host") &&
		    info.run_cnt)
			printf("program %u: %llu switches of the host, %.0f ns each\n", id,
			       (unsigned long long)info.run_cnt,
			       (double)info.run_time_ns / (double)info.run_cnt);
		close(fd);
	}
}

static struct pvs_vm *vm;

static void negotiate(void *opaque)
{
	pvs_vm_negotiated(vm, PVS_F_INTENT | PVS_F_CS, clock_ns());
}

int main(int argc, char **argv)
{
	static struct pvs_host_page host_page;
	const struct pvs_policy_options in_kernel = {.host = PVS_HOST_KERNEL};
	const unsigned seconds = argc > 2 ? (unsigned)atoi(argv[2]) : 5;
	const int burners = argc > 3 ? atoi(argv[3]) : 0;
	struct pvs_vm_config config = {.name = "bench",
				       .n_vcpus = 1,
				       .host = &host_page,
				       .sources = PVS_SRC_SWITCH | PVS_SRC_HALT};
	const struct pvs_linux_options linux_options = {0};
	struct pvs_guest_page *page;
	struct pvs_kernel_stats stats;
	struct pvs_kernel_host *host;
	struct pvs_vcpu_stats v;
	struct pvs_policy *policy;
	struct pvs_live *live;
	struct pvs_loop *loop;
	pthread_t thread;
	int statistics;

	if (argc < 2) {
		fprintf(stderr, "usage: %s POLICY [SECONDS [BURNERS]]\n", argv[0]);
		return 2;
	}
	bpfe_thread_register();
	statistics = bpf_enable_stats(BPF_STATS_RUN_TIME);
	check(pvs_kernel_host_create(0, 1, false, &host, &log_text), "host");
	page = config.guest = pvs_kernel_host_pages(host);
	check(pvs_actuator_linux(&linux_options, &config.actuator, &log_text), "actuator");
	check(pvs_vm_create(&config, &vm, &log_text), "VM");
	pthread_create(&thread, NULL, vcpu, NULL);
	while (!vcpu_tid)
		sched_yield();
	check(pvs_vm_vcpu_add(vm, 0, vcpu_tid, &log_text), "vCPU");
	check(pvs_loop_create("pvs-live", &loop, &log_text), "loop");
	check(pvs_loop_add(loop, vm, NULL, &log_text), "loop");
	check(pvs_live_create(loop, vm, host, false, &live, &log_text), "live");
	check(pvs_kernel_host_add(host, 0, vcpu_tid), "thread");
	pvs_loop_call(loop, negotiate, NULL);
	check(pvs_policy_open(argv[1], &in_kernel, &policy, &log_text), "policy");
	check(pvs_live_set_policy(live, policy, false, &log_text), "policy");
	pvs_policy_put(policy);
	for (int i = 0; i < burners; i++) {
		pthread_t burner;

		pthread_create(&burner, NULL, burn, NULL);
	}
	/* A guest that enters and leaves critical sections. */
	for (uint64_t end = clock_ns() + seconds * 1000000000ull, i = 0; clock_ns() < end; i++) {
		const struct timespec nap = {.tv_nsec = 1000000};

		pvs_guest_set_intent(page, i & 1 ? PVS_CLASS_RT : PVS_CLASS_NORMAL, 0,
				     i & 1 ? 50 : 0, i & 1 ? PVS_PENDING_LOCK : 0);
		nanosleep(&nap, NULL);
	}
	pvs_kernel_host_stats(host, &stats);
	print_program_cost();
	pvs_live_destroy(live);
	pvs_loop_remove(loop, vm);
	pvs_vm_vcpu_stats(vm, 0, &v);
	printf("switches %llu, decisions %llu, lost %llu; applied %llu, restored %llu, actuator "
	       "%.0f ns "
	       "a call\n",
	       (unsigned long long)stats.switches, (unsigned long long)stats.decisions,
	       (unsigned long long)stats.lost, (unsigned long long)v.applied,
	       (unsigned long long)v.restored,
	       v.actuator_calls ? (double)v.actuator_ns / (double)v.actuator_calls : 0);
	printf("decision to effect, us: p50 %.1f, p99 %.1f, max %.1f\n",
	       (double)stats.latency_p50 / 1000, (double)stats.latency_p99 / 1000,
	       (double)stats.latency_max / 1000);
	stop = true;
	pthread_join(thread, NULL);
	pvs_loop_destroy(loop);
	pvs_vm_destroy(vm);
	pvs_actuator_linux_close(&config.actuator);
	pvs_kernel_host_destroy(host);
	if (statistics >= 0)
		close(statistics);
	bpfe_thread_unregister();
	return 0;
}
