/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Commands of sluice-pvsd to a manager that runs: a JSON object in, one out. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "manager/server_internal.h"

#define LOG_BYTES    4096
#define MAX_TUNABLES 64

static struct json_object *add_object(struct json_object *parent, const char *key)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(parent, key, object);
	return object;
}

static struct json_object *add_array(struct json_object *parent, const char *key)
{
	struct json_object *array = json_object_new_array();

	json_object_object_add(parent, key, array);
	return array;
}

static void add_number(struct json_object *object, const char *key, uint64_t value)
{
	json_object_object_add(object, key, json_object_new_uint64(value));
}

static void add_text(struct json_object *object, const char *key, const char *value)
{
	json_object_object_add(object, key, json_object_new_string(value));
}

/* Bits by name; @names ends with NULL. */
static void add_bits(struct json_object *object, const char *key, uint32_t bits,
		     const char *const *names)
{
	struct json_object *array = add_array(object, key);

	for (unsigned i = 0; names[i]; i++)
		if (bits & (1u << i))
			json_object_array_add(array, json_object_new_string(names[i]));
}

static const char *const actuator_names[] = {"nice-up",  "nice-down", "slice",  "fifo",
					     "deadline", "affinity",  "weight", NULL};
static const char *const source_names[] = {"tick",   "kick",   "schedstat", "halt",
					   "switch", "inject", NULL};
static const char *const set_names[] = {"nice",   "slice",    "fifo",  "deadline", "affinity",
					"weight", "capacity", "yield", "service",  NULL};
static const char *const boost_names[PVS_BOOST_MAX] = {"none", "cs",       "irq", "lock",
						       "rt",   "deadline", "fair"};
static const char *const reject_names[PVS_REJECT_MAX] = {
	"none",    "malformed", "torn",    "budget", "concurrent",
	"ceiling", "actuator",  "feature", "policy", "rate"};
static const char *const run_names[PVS_RUN_MAX] = {"unknown", "running", "preempted", "halted"};

/* ---- Status ---------------------------------------------------------------------------------- */

static void add_policy(struct json_object *object, const struct pvs_policy *policy)
{
	struct json_object *at = add_object(object, "policy");
	struct pvs_policy_info info;
	uint64_t runs = 0, ns = 0;

	if (!policy)
		return;
	pvs_policy_info(policy, &info);
	for (int i = 0; i < PVS_EVENT_MAX; i++) {
		runs += info.runs[i];
		ns += info.run_ns[i];
	}
	add_text(at, "name", info.name);
	add_number(at, "version", info.version);
	add_number(at, "runs", runs);
	add_number(at, "run_ns", ns);
	add_number(at, "faults", info.faults);
}

/* As the device's property vcpus has them. */
static void add_counts(struct json_object *at, const struct pvs_vcpu_stats *stats)
{
	struct json_object *events = add_object(at, "events"), *rejects = add_object(at, "rejects");

	for (uint32_t i = 0; i < PVS_EVENT_MAX; i++)
		add_number(events, pvs_event_name(i), stats->events[i]);
	for (uint32_t i = 1; i < PVS_REJECT_MAX; i++)
		add_number(rejects, reject_names[i], stats->rejects[i]);
}

static void add_vcpu(struct json_object *array, uint32_t vcpu, const struct pvs_vcpu_stats *stats)
{
	struct json_object *at = json_object_new_object();

	json_object_array_add(array, at);
	add_number(at, "vcpu", vcpu);
	add_number(at, "tid", (uint64_t)stats->tid);
	add_text(at, "run_state",
		 stats->run_state < PVS_RUN_MAX ? run_names[stats->run_state] : "?");
	add_text(at, "boost", stats->boost < PVS_BOOST_MAX ? boost_names[stats->boost] : "?");
	add_bits(at, "set", stats->set, set_names);
	add_number(at, "decisions", stats->decision);
	add_number(at, "applied", stats->applied);
	add_number(at, "restored", stats->restored);
	add_number(at, "actuator_errors", stats->actuator_errors);
	add_number(at, "actuator_calls", stats->actuator_calls);
	add_number(at, "actuator_ns", stats->actuator_ns);
	add_number(at, "run_ns", stats->run_ns);
	add_number(at, "wait_ns", stats->wait_ns);
	add_number(at, "boost_ns", stats->boost_ns);
	add_number(at, "throttled_ns", stats->throttled_ns);
	add_number(at, "preempted_in_cs", stats->preempted_in_cs);
	add_number(at, "budget_cs_ns", stats->budget_cs);
	add_number(at, "budget_boost_ns", stats->budget_boost);
	add_number(at, "rejected_budget", stats->rejects[PVS_REJECT_BUDGET]);
	add_number(at, "rejected_concurrent", stats->rejects[PVS_REJECT_CONCURRENT]);
	add_number(at, "rate_limited", stats->rate_limited);
	add_counts(at, stats);
}

struct status {
	struct pvs_server *server;
	struct json_object *vms;
};

static void add_vm(struct json_object *array, const struct pvs_session *session)
{
	struct json_object *at = json_object_new_object(), *vcpus;
	struct pvs_vcpu_stats stats;

	json_object_array_add(array, at);
	add_text(at, "name", session->name);
	add_number(at, "vm", session->slot);
	add_number(at, "pid", (uint64_t)session->pid);
	add_number(at, "uid", session->uid);
	add_number(at, "n_vcpus", session->n_vcpus);
	add_number(at, "features", session->features);
	add_bits(at, "sources", pvs_vm_sources(session->vm), source_names);
	add_bits(at, "actuators", pvs_vm_actuators(session->vm), actuator_names);
	vcpus = add_array(at, "vcpus");
	for (uint32_t i = 0; i < session->n_vcpus; i++)
		if (pvs_vm_vcpu_stats(session->vm, i, &stats) == 0 && stats.tid)
			add_vcpu(vcpus, i, &stats);
}

/* In the loop's thread, whose the VMs are. */
static void read_vms(void *opaque)
{
	struct status *status = opaque;

	for (int i = 0; i < PVS_MANAGER_CLIENTS; i++) {
		struct pvs_session *session = status->server->sessions[i];

		if (session && session->vm)
			add_vm(status->vms, session);
	}
}

static bool record_full(const struct pvs_server *server)
{
	const struct pvs_record *record = server->record ? server->record : server->config.record;

	return record && pvs_record_full(record);
}

static void do_status(struct pvs_server *server, struct json_object *reply)
{
	const struct pvs_server_config *config = &server->config;
	struct status status = {.server = server};
	bool guarded = config->guarded && config->guarded(config->opaque);

	add_number(reply, "pid", (uint64_t)getpid());
	add_policy(reply, server->policy);
	json_object_object_add(reply, "guarded", json_object_new_boolean(guarded));
	add_number(reply, "connections", server->served);
	add_number(reply, "refused", server->refused);
	if (config->switches)
		add_number(reply, "switches_lost", pvs_switches_lost(config->switches));
	status.vms = add_array(reply, "vms");
	/* One that is stuck is reported, and not waited for. */
	json_object_object_add(
		reply, "loop_stuck",
		json_object_new_boolean(!pvs_server_call(server, read_vms, &status)));
	json_object_object_add(reply, "record_full", json_object_new_boolean(record_full(server)));
	add_number(reply, "loop_silences", pvs_watchdog_silences(server->watchdog));
}

/* ---- Another policy -------------------------------------------------------------------------- */

static size_t read_tunables(struct json_object *set, struct pvs_tunable *tunables)
{
	size_t n = 0;

	json_object_object_foreach(set, key, value)
	{
		if (n < MAX_TUNABLES)
			tunables[n++] = (struct pvs_tunable){key, json_object_get_int64(value)};
	}
	return n;
}

static void fail(struct json_object *reply, const char *text)
{
	size_t len = strlen(text);

	while (len && text[len - 1] == '\n')
		len--;
	json_object_object_add(reply, "error", json_object_new_string_len(text, (int)len));
}

/* May the asking process change what the manager does? The refusal is in @reply. */
static bool may(const struct pvs_session *session, struct json_object *reply, const char *what)
{
	char text[128];

	if (session->uid == 0 || session->uid == geteuid())
		return true;
	snprintf(text, sizeof(text), "%s: only root and the manager's own user may", what);
	fail(reply, text);
	return false;
}

/* A refusal: what was logged or, where nothing was, what @err is. */
static void fail_logged(struct json_object *reply, const char *text, int err)
{
	fail(reply, text[0] ? text : strerror(-err));
}

/* A string of @command's, or NULL. */
static const char *string_of(struct json_object *command, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(command, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

static void do_policy(struct pvs_server *server, const struct pvs_session *session,
		      struct json_object *command, struct json_object *reply)
{
	struct pvs_policy_options options = server->config.policy_options;
	struct pvs_tunable tunables[MAX_TUNABLES];
	const char *name = string_of(command, "name");
	struct json_object *set, *handover = NULL;
	char text[LOG_BYTES] = "";
	struct pvs_log log = {.buf = text, .size = sizeof(text)};
	struct pvs_policy *policy;
	int ret;

	if (!may(session, reply, "policy set"))
		return;
	if (!name) {
		fail(reply, "policy set: no name");
		return;
	}
	if (json_object_object_get_ex(command, "set", &set) &&
	    json_object_is_type(set, json_type_object)) {
		options.tunables = tunables;
		options.n_tunables = read_tunables(set, tunables);
	}
	ret = pvs_policy_open(name, &options, &policy, &log);
	if (ret < 0) {
		fail_logged(reply, text, ret);
		return;
	}
	json_object_object_get_ex(command, "handover", &handover);
	if (!pvs_server_set_policy(server, policy, json_object_get_boolean(handover))) {
		pvs_policy_put(policy);
		fail(reply, "policy set: the scheduling thread does not answer; the policy stays");
		return;
	}
	pvs_server_log(server, "policy %s, by uid %d", name, (int)session->uid);
	add_policy(reply, policy);
}

/* ---- A record -------------------------------------------------------------------------------- */

/* "file": a path from the root on, or "" for the end of the one that is written. */
static void do_record(struct pvs_server *server, const struct pvs_session *session,
		      struct json_object *command, struct json_object *reply)
{
	char text[LOG_BYTES] = "";
	struct pvs_log log = {.buf = text, .size = sizeof(text)};
	const char *path = string_of(command, "file");
	int ret;

	if (!may(session, reply, "record"))
		return;
	if (!path) {
		fail(reply, "record: no file");
		return;
	}
	ret = pvs_server_set_record(server, path, &log);
	if (ret < 0)
		fail_logged(reply, text, ret);
}

char *pvs_control(struct pvs_server *server, const struct pvs_session *session, const char *text,
		  size_t size)
{
	struct json_object *reply = json_object_new_object();
	struct json_object *command = json_tokener_parse(text);
	const char *verb = string_of(command, "command");
	char *answer;

	if (verb && strcmp(verb, "status") == 0)
		do_status(server, reply);
	else if (verb && strcmp(verb, "policy") == 0)
		do_policy(server, session, command, reply);
	else if (verb && strcmp(verb, "record") == 0)
		do_record(server, session, command, reply);
	else
		fail(reply, "no such command; status, policy and record are known");
	answer = strdup(json_object_to_json_string_ext(reply, JSON_C_TO_STRING_PLAIN));
	json_object_put(command);
	json_object_put(reply);
	return answer;
}
