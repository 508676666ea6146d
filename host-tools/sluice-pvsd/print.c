/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A manager's status as tables. */
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>

#include "pvsd.h"

#define MS 1e6

static const char *text_of(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) ? json_object_get_string(value) : "-";
}

static uint64_t number_of(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) ? json_object_get_uint64(value) : 0;
}

static void print_words(struct json_object *object, const char *key)
{
	struct json_object *array;

	if (!json_object_object_get_ex(object, key, &array))
		return;
	for (size_t i = 0; i < json_object_array_length(array); i++)
		printf(" %s", json_object_get_string(json_object_array_get_idx(array, i)));
}

static void print_vcpu(struct json_object *vcpu)
{
	printf("  %5" PRIu64 " %8" PRIu64 "  %-9s %-8s %9" PRIu64 " %9" PRIu64 " %10.1f %9.1f "
	       "%9.1f %9.2f %9.1f\n",
	       number_of(vcpu, "vcpu"), number_of(vcpu, "tid"), text_of(vcpu, "run_state"),
	       text_of(vcpu, "boost"), number_of(vcpu, "applied"), number_of(vcpu, "restored"),
	       (double)number_of(vcpu, "run_ns") / MS, (double)number_of(vcpu, "wait_ns") / MS,
	       (double)number_of(vcpu, "boost_ns") / MS,
	       (double)number_of(vcpu, "budget_cs_ns") / MS,
	       (double)number_of(vcpu, "budget_boost_ns") / MS);
}

static void print_vm(struct json_object *vm)
{
	struct json_object *vcpus;

	printf("\n%s: VM %" PRIu64 ", pid %" PRIu64 ", uid %" PRIu64 ", %" PRIu64
	       " vCPUs, features 0x%" PRIx64 "\n  hears",
	       text_of(vm, "name"), number_of(vm, "vm"), number_of(vm, "pid"), number_of(vm, "uid"),
	       number_of(vm, "n_vcpus"), number_of(vm, "features"));
	print_words(vm, "sources");
	printf("; can");
	print_words(vm, "actuators");
	printf("\n");
	if (!json_object_object_get_ex(vm, "vcpus", &vcpus) || json_object_array_length(vcpus) == 0)
		return;
	printf("  %5s %8s  %-9s %-8s %9s %9s %10s %9s %9s %9s %9s\n", "vCPU", "thread", "state",
	       "boost", "applied", "restored", "run ms", "wait ms", "boost ms", "cs left",
	       "left ms");
	for (size_t i = 0; i < json_object_array_length(vcpus); i++)
		print_vcpu(json_object_array_get_idx(vcpus, i));
}

void pvsd_print_status(struct json_object *status)
{
	struct json_object *policy = NULL, *vms = NULL, *guarded = NULL, *stuck = NULL;

	json_object_object_get_ex(status, "policy", &policy);
	json_object_object_get_ex(status, "guarded", &guarded);
	printf("policy %s version %" PRIu64 ": %" PRIu64 " runs, %.3f ms, %" PRIu64 " faults\n",
	       text_of(policy, "name"), number_of(policy, "version"), number_of(policy, "runs"),
	       (double)number_of(policy, "run_ns") / MS, number_of(policy, "faults"));
	printf("manager %" PRIu64 ", crash guard %s, %" PRIu64 " connections, %" PRIu64
	       " refused\n",
	       number_of(status, "pid"), json_object_get_boolean(guarded) ? "there" : "missing",
	       number_of(status, "connections"), number_of(status, "refused"));
	json_object_object_get_ex(status, "loop_stuck", &stuck);
	if (json_object_get_boolean(stuck))
		printf("the scheduling thread does not answer; all threads are scheduled as they "
		       "were\n");
	if (!json_object_object_get_ex(status, "vms", &vms))
		return;
	for (size_t i = 0; i < json_object_array_length(vms); i++)
		print_vm(json_object_array_get_idx(vms, i));
}
