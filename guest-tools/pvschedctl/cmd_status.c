// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * status, features, clock, renegotiate: what was negotiated.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "ctl.h"

struct status_options {
	bool json, now;
};

static error_t status_parse(int key, char *arg, struct argp_state *state)
{
	struct status_options *options = state->input;

	switch (key) {
	case 'j':
		options->json = true;
		return 0;
	case 'm':
		options->now = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s': no arguments are taken", arg);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option status_argp_options[] = {{"json", 'j', NULL, 0, "JSON", 0}, {0}};

static const struct argp_option clock_argp_options[] = {
	{"json", 'j', NULL, 0, "JSON", 0},
	{"measure", 'm', NULL, 0, "measure now, not when it was last due", 0},
	{0}};

/* ---- status -----------------------------------------------------------------------------------
 */

#define PUT_INT(object, key, value) \
	json_object_object_add(object, key, json_object_new_int64(value))
#define PUT_TEXT(object, key, value) \
	json_object_object_add(object, key, json_object_new_string(value))

static void status_json(const struct pvs_info *info)
{
	struct json_object *o = json_object_new_object();
	char version[24];

	snprintf(version, sizeof(version), "%u.%u", info->version >> 16, info->version & 0xffff);
	json_object_object_add(o, "connected", json_object_new_boolean(info->connected));
	PUT_TEXT(o, "version", version);
	json_object_object_add(o, "features", name_json(ctl_features, info->features));
	json_object_object_add(o, "offered", name_json(ctl_features, info->offered));
	json_object_object_add(o, "status", name_json(ctl_status, info->status));
	PUT_TEXT(o, "result", name_of(ctl_results, info->result));
	PUT_INT(o, "generation", info->generation);
	PUT_INT(o, "negotiations", info->negotiations);
	PUT_INT(o, "vcpus", info->n_vcpus);
	PUT_INT(o, "vectors", info->n_vectors);
	PUT_TEXT(o, "pages", name_of(ctl_wheres, info->where));
	PUT_TEXT(o, "guest-memory", name_of(ctl_memtypes, info->guest_type));
	PUT_TEXT(o, "host-memory", name_of(ctl_memtypes, info->host_type));
	PUT_TEXT(o, "policy", info->policy);
	PUT_INT(o, "policy-serial", info->policy_serial);
	json_object_object_add(o, "sources", name_json(ctl_sources, info->sources));
	json_object_object_add(o, "actuators", name_json(ctl_actuators, info->actuators));
	PUT_INT(o, "bad-access", info->bad_access);
	ctl_print_json(o);
}

static void status_text(const struct pvs_info *info)
{
	char text[256];

	printf("channel     %s, protocol %u.%u, generation %u, negotiated %u time%s\n",
	       info->connected ? "connected" : "not connected", info->version >> 16,
	       info->version & 0xffff, info->generation, info->negotiations,
	       info->negotiations == 1 ? "" : "s");
	printf("status      %s; %s\n", name_join(ctl_status, info->status, ' ', text, sizeof(text)),
	       name_of(ctl_results, info->result));
	printf("features    %s\n",
	       name_join(ctl_features, info->features, ' ', text, sizeof(text)));
	printf("vCPUs       %u, %u interrupt vectors\n", info->n_vcpus, info->n_vectors);
	printf("pages       in %s, guest's %s, host's %s\n", name_of(ctl_wheres, info->where),
	       name_of(ctl_memtypes, info->guest_type), name_of(ctl_memtypes, info->host_type));
	printf("policy      %s, serial %u\n", info->policy[0] ? info->policy : "-",
	       info->policy_serial);
	printf("it hears    %s\n", name_join(ctl_sources, info->sources, ' ', text, sizeof(text)));
	printf("it can      %s\n",
	       name_join(ctl_actuators, info->actuators, ' ', text, sizeof(text)));
	printf("clock       guest's is host's %+" PRId64 " ns, within %u ns\n",
	       (int64_t)info->clock_offset, info->clock_error);
}

int cmd_status(int argc, char **argv)
{
	static const struct argp argp = {status_argp_options,
					 status_parse,
					 NULL,
					 "What was negotiated with the host.",
					 0,
					 0,
					 0};
	struct status_options options = {0};
	struct ctl_chan chan;
	int code;

	if (!ctl_parse(&argp, argc, argv, &options, &code))
		return code;
	if (!chan_open(&chan))
		return CTL_FAILED;
	if (options.json)
		status_json(&chan.info);
	else
		status_text(&chan.info);
	/* A script asks by the exit code. */
	code = chan.info.connected ? CTL_OK : CTL_FAILED;
	chan_close(&chan);
	return code;
}

/* ---- features ---------------------------------------------------------------------------------
 */

static void features_json(const struct pvs_info *info)
{
	struct json_object *all = json_object_new_array();

	for (const struct ctl_name *f = ctl_features; f->name; f++) {
		struct json_object *o = json_object_new_object();

		PUT_TEXT(o, "name", f->name);
		PUT_INT(o, "bit", __builtin_ctzll(f->value));
		json_object_object_add(o, "offered",
				       json_object_new_boolean(!!(info->offered & f->value)));
		json_object_object_add(o, "used",
				       json_object_new_boolean(!!(info->features & f->value)));
		PUT_TEXT(o, "meaning", f->meaning);
		json_object_array_add(all, o);
	}
	ctl_print_json(all);
}

int cmd_features(int argc, char **argv)
{
	static const struct argp argp = {
		status_argp_options,
		status_parse,
		NULL,
		"Each feature of the protocol: offered by the host, in use.",
		0,
		0,
		0};
	struct status_options options = {0};
	struct ctl_chan chan;
	int code;

	if (!ctl_parse(&argp, argc, argv, &options, &code))
		return code;
	if (!chan_open(&chan))
		return CTL_FAILED;
	if (options.json) {
		features_json(&chan.info);
	} else {
		printf("%-14s %-8s %-6s %s\n", "FEATURE", "OFFERED", "USED", "MEANING");
		for (const struct ctl_name *f = ctl_features; f->name; f++)
			printf("%-14s %-8s %-6s %s\n", f->name,
			       chan.info.offered & f->value ? "yes" : "no",
			       chan.info.features & f->value ? "yes" : "no", f->meaning);
	}
	chan_close(&chan);
	return CTL_OK;
}

/* ---- clock, renegotiate -----------------------------------------------------------------------
 */

int cmd_clock(int argc, char **argv)
{
	static const struct argp argp = {clock_argp_options,
					 status_parse,
					 NULL,
					 "The guest's CLOCK_MONOTONIC against the host's.",
					 0,
					 0,
					 0};
	struct status_options options = {0};
	struct json_object *o;
	struct ctl_chan chan;
	int code;

	if (!ctl_parse(&argp, argc, argv, &options, &code))
		return code;
	if (!chan_open(&chan))
		return CTL_FAILED;
	if (options.now && (ioctl(chan.fd, PVS_IOC_CLOCK) < 0 || !chan_refresh(&chan))) {
		code = ctl_fail(CTL_FAILED, "cannot measure: %s; see pvschedctl status",
				strerror(errno));
	} else if (options.json) {
		o = json_object_new_object();
		PUT_INT(o, "offset-ns", chan.info.clock_offset);
		PUT_INT(o, "error-ns", chan.info.clock_error);
		PUT_INT(o, "measured-at-ns", chan.info.clock_at);
		ctl_print_json(o);
		code = CTL_OK;
	} else {
		printf("offset %+" PRId64
		       " ns (guest minus host), within %u ns, measured at %" PRIu64 " ns\n",
		       (int64_t)chan.info.clock_offset, chan.info.clock_error,
		       (uint64_t)chan.info.clock_at);
		code = CTL_OK;
	}
	chan_close(&chan);
	return code;
}

int cmd_renegotiate(int argc, char **argv)
{
	static const struct argp argp = {
		NULL, status_parse, NULL, "Reset the device and negotiate anew.", 0, 0, 0};
	struct status_options options = {0};
	struct ctl_chan chan;
	int code;

	if (!ctl_parse(&argp, argc, argv, &options, &code))
		return code;
	if (!chan_open(&chan))
		return CTL_FAILED;
	code = CTL_OK;
	if (ioctl(chan.fd, PVS_IOC_RENEGOTIATE) < 0)
		code = ctl_fail(CTL_FAILED, "the device refuses (%s); the reason is in: dmesg",
				strerror(errno));
	chan_close(&chan);
	return code;
}
