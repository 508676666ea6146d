// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * hint: one hint by hand, stored by the CPU it is about.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl.h"

#define TEXT_SIZE 512

/* What a parameter's value is. */
enum param_kind {
	PARAM_NUMBER,
	PARAM_NICE,
	PARAM_NAME, /* of names */
	PARAM_BITS, /* of names */
	PARAM_TIME, /* ns, or with a unit */
	PARAM_IN,   /* the same from now on, 0: never */
	PARAM_CPU,  /* or nobody */
};

struct hint_param {
	const char *name;
	enum param_kind kind;
	const struct ctl_name *names;
	const char *preset; /* NULL: must be given */
};

struct hint_op {
	const char *name;
	enum pvs_hint_op op;
	struct hint_param params[4]; /* in the order of args, the rest without a name */
};

static const struct hint_op hint_ops[] = {
	{"intent",
	 PVS_HINT_INTENT,
	 {{"class", PARAM_NAME, ctl_classes, NULL},
	  {"nice", PARAM_NICE, NULL, "0"},
	  {"prio", PARAM_NUMBER, NULL, "0"},
	  {"pending", PARAM_BITS, ctl_pending, "none"}}},
	{"pending",
	 PVS_HINT_PENDING,
	 {{"set", PARAM_BITS, ctl_pending, "none"}, {"clear", PARAM_BITS, ctl_pending, "none"}}},
	{"enter", PVS_HINT_ENTER, {{"why", PARAM_BITS, ctl_cs, "explicit"}}},
	{"exit", PVS_HINT_EXIT, {{"why", PARAM_BITS, ctl_cs, "explicit"}}},
	{"deadline",
	 PVS_HINT_DEADLINE,
	 {{"runtime", PARAM_TIME, NULL, NULL},
	  {"deadline", PARAM_TIME, NULL, NULL},
	  {"period", PARAM_TIME, NULL, NULL}}},
	{"next-event", PVS_HINT_NEXT_EVENT, {{"in", PARAM_IN, NULL, NULL}}},
	{"wait",
	 PVS_HINT_WAIT,
	 {{"cpu", PARAM_CPU, NULL, "nobody"}, {"reason", PARAM_NAME, ctl_waits, NULL}}},
	{"emit",
	 PVS_HINT_EMIT,
	 {{"type", PARAM_NAME, ctl_ring_types, "mark"}, {"arg", PARAM_NUMBER, NULL, "0"}}},
	{"notify", PVS_HINT_NOTIFY, {{"what", PARAM_BITS, ctl_notify, NULL}}},
	{"doorbell", PVS_HINT_DOORBELL, {{0}}},
	{"kick", PVS_HINT_KICK, {{0}}},
	{"ticket", PVS_HINT_TICKET, {{0}}},
	{"reset", PVS_HINT_RESET, {{0}}},
};

#define N_OPS (sizeof(hint_ops) / sizeof(hint_ops[0]))

/* ---- Values -----------------------------------------------------------------------------------
 */

static bool parse_time(const char *text, uint64_t *ns)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = {{"", 1}, {"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}};
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*ns = strtoull(text, &end, 10);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (!strcmp(end, units[i].unit)) {
			*ns *= units[i].ns;
			return !errno && *ns / units[i].ns <= INT64_MAX / units[i].ns;
		}
	}
	return false;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static bool parse_nice(const char *text, uint64_t *value)
{
	char *end;
	long nice = strtol(text, &end, 10);

	*value = (uint64_t)nice;
	return *text && !*end && nice >= -20 && nice <= 19;
}

static bool parse_value(const struct hint_param *param, const char *text, uint64_t *value)
{
	switch (param->kind) {
	case PARAM_NUMBER:
		return ctl_number(text, UINT32_MAX, value);
	case PARAM_NICE:
		return parse_nice(text, value);
	case PARAM_NAME:
		return name_value(param->names, text, value);
	case PARAM_BITS:
		return name_bits(param->names, text, value);
	case PARAM_TIME:
		return parse_time(text, value);
	case PARAM_IN:
		if (!parse_time(text, value))
			return false;
		if (*value)
			*value += now_ns();
		return true;
	case PARAM_CPU:
		*value = PVS_WAIT_NOBODY;
		return !strcmp(text, "nobody") || ctl_number(text, UINT32_MAX, value);
	}
	return false;
}

static const char *param_wants(const struct hint_param *param, char *text, size_t size)
{
	char names[TEXT_SIZE - 64];

	switch (param->kind) {
	case PARAM_NUMBER:
		return "a number";
	case PARAM_NICE:
		return "-20 to 19";
	case PARAM_NAME:
		snprintf(text, size, "one of %s", name_all(param->names, names, sizeof(names)));
		return text;
	case PARAM_BITS:
		snprintf(text, size, "none, a number, or of %s with commas between",
			 name_all(param->names, names, sizeof(names)));
		return text;
	case PARAM_TIME:
		return "a time, as 1500000, 1500us, 2ms, 1s";
	case PARAM_IN:
		return "a time from now, as 2ms, or 0: not known";
	case PARAM_CPU:
		return "a CPU number, or nobody";
	}
	return "";
}

/* ---- Options ----------------------------------------------------------------------------------
 */

struct hint_options {
	uint64_t cpu, wait_ms;
	bool json;
	const struct hint_op *op;
	struct pvs_hint_cmd cmd;
	unsigned int given; /* params by index */
};

static void parse_op(struct hint_options *options, const char *name, struct argp_state *state)
{
	for (size_t i = 0; i < N_OPS && !options->op; i++)
		if (!strcmp(hint_ops[i].name, name))
			options->op = &hint_ops[i];
	if (!options->op)
		argp_error(state, "there is no hint '%s'", name);
}

static void parse_param(struct hint_options *options, const char *word, struct argp_state *state)
{
	const struct hint_param *params = options->op->params;
	uint64_t value;
	size_t len = strcspn(word, "=");
	char text[TEXT_SIZE];

	for (int i = 0; i < 4 && params[i].name; i++) {
		if (strlen(params[i].name) != len || strncmp(params[i].name, word, len) ||
		    !word[len])
			continue;
		if (!parse_value(&params[i], word + len + 1, &value))
			argp_error(state, "%s: wanted is %s", word,
				   param_wants(&params[i], text, sizeof(text)));
		options->cmd.args[i] = value;
		options->given |= 1u << i;
		return;
	}
	argp_error(state, "hint %s has no parameter '%s'", options->op->name, word);
}

static void parse_end(struct hint_options *options, struct argp_state *state)
{
	const struct hint_param *params;
	uint64_t value;

	if (!options->op)
		argp_error(state, "which hint?");
	params = options->op->params;
	for (int i = 0; i < 4 && params[i].name; i++) {
		if (options->given & 1u << i)
			continue;
		if (!params[i].preset)
			argp_error(state, "hint %s needs %s=", options->op->name, params[i].name);
		parse_value(&params[i], params[i].preset, &value);
		options->cmd.args[i] = value;
	}
	options->cmd.op = options->op->op;
	options->cmd.cpu = (uint32_t)options->cpu;
}

static error_t hint_parse(int key, char *arg, struct argp_state *state)
{
	struct hint_options *options = state->input;

	switch (key) {
	case 'j':
		options->json = true;
		return 0;
	case 'c':
		if (!ctl_number(arg, UINT32_MAX, &options->cpu))
			argp_error(state, "--cpu %s: a number is wanted", arg);
		return 0;
	case 'w':
		if (!ctl_number(arg, 3600000, &options->wait_ms))
			argp_error(state, "--wait %s: milliseconds up to 3600000 are wanted", arg);
		return 0;
	case ARGP_KEY_ARG:
		if (!options->op)
			parse_op(options, arg, state);
		else
			parse_param(options, arg, state);
		return 0;
	case ARGP_KEY_END:
		parse_end(options, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* ---- Tickets ----------------------------------------------------------------------------------
 */

struct ticket {
	const struct pvs_host_page *host;
	uint64_t number;
	bool answered;
	uint32_t reject;
};

static void ticket_look(void *opaque)
{
	struct ticket *ticket = opaque;

	ticket->answered =
		__atomic_load_n(&ticket->host->ticket, __ATOMIC_ACQUIRE) == ticket->number;
	ticket->reject = ticket->host->reject;
}

static int ticket_wait(struct ticket *ticket, uint64_t ms)
{
	const struct timespec pause = {.tv_nsec = 200000};
	uint64_t until = now_ns() + ms * 1000000;

	do {
		if (chan_guarded(ticket_look, ticket))
			return ctl_fail(CTL_FAILED, "the device was reset meanwhile");
		if (ticket->answered)
			return CTL_OK;
		nanosleep(&pause, NULL);
	} while (now_ns() < until);
	return ctl_fail(CTL_FAILED,
			"ticket %" PRIu64 " was not answered within %" PRIu64
			" ms: does the policy decide about this vCPU? see pvschedctl show",
			ticket->number, ms);
}

static int ticket_report(struct ctl_chan *chan, const struct hint_options *options)
{
	struct ticket ticket = {.number = options->cmd.answer};
	struct json_object *o;
	int code = CTL_OK;

	if (options->wait_ms) {
		if (!chan_map(chan, false))
			return CTL_FAILED;
		ticket.host = &chan->host[chan->vcpus[options->cpu]];
		code = ticket_wait(&ticket, options->wait_ms);
	}
	if (options->json) {
		o = json_object_new_object();
		json_object_object_add(o, "ticket", json_object_new_int64((int64_t)ticket.number));
		json_object_object_add(o, "answered", json_object_new_boolean(ticket.answered));
		if (ticket.answered)
			json_object_object_add(
				o, "reject",
				json_object_new_string(name_of(ctl_rejects, ticket.reject)));
		ctl_print_json(o);
	} else {
		printf("ticket %" PRIu64, ticket.number);
		if (ticket.answered && ticket.reject)
			printf(", rejected: %s", name_of(ctl_rejects, ticket.reject));
		else if (ticket.answered)
			printf(", answered, not rejected");
		putchar('\n');
	}
	return code;
}

/* ---- The command ------------------------------------------------------------------------------
 */

static int hint_failed(const struct hint_options *options, int err)
{
	const char *op = options->op->name;
	unsigned int cpu = options->cmd.cpu;

	switch (err) {
	case -ENODEV:
		return ctl_fail(CTL_FAILED,
				"CPU %u has no page: offline, none of the device's vCPUs, or the "
				"channel is not negotiated; see pvschedctl show and status",
				cpu);
	case -ENXIO:
	case -ENOENT:
		return ctl_fail(CTL_FAILED,
				"there is no such CPU, or it is offline: see pvschedctl "
				"show");
	case -EOPNOTSUPP:
		return ctl_fail(CTL_FAILED,
				"the feature that %s needs was not negotiated: see pvschedctl "
				"features",
				op);
	case -EINVAL:
		return ctl_fail(CTL_FAILED,
				"%s refused: a value out of its range, or an exit "
				"without an enter for the same why=",
				op);
	case -ENOSPC:
		return ctl_fail(CTL_FAILED,
				"CPU %u's ring is full: the host has not taken its %u "
				"entries yet; try: pvschedctl hint -c %u doorbell",
				cpu, PVS_RING_ENTRIES, cpu);
	default:
		return ctl_fail(CTL_FAILED, "%s refused: %s", op, strerror(-err));
	}
}

int cmd_hint(int argc, char **argv)
{
	static const struct argp_option argp_options[] = {
		{"cpu", 'c', "N", 0, "the CPU it is about (0)", 0},
		{"wait", 'w', "MS", 0, "ticket: wait for its answer, so long", 0},
		{"json", 'j', NULL, 0, "ticket: JSON", 0},
		{0}};
	static const struct argp argp = {argp_options,
					 hint_parse,
					 "HINT [NAME=VALUE...]",
					 "Store a hint by hand, on the CPU it is about.\v"
					 "  intent class= [nice=] [prio=] [pending=]\n"
					 "  pending [set=] [clear=]\n"
					 "  enter [why=]        exit [why=]\n"
					 "  deadline runtime= deadline= period=\n"
					 "  next-event in=\n"
					 "  wait [cpu=] reason=\n"
					 "  emit [type=] [arg=]\n"
					 "  notify what=\n"
					 "  doorbell, kick, ticket, reset",
					 0,
					 0,
					 0};
	struct hint_options options = {0};
	struct ctl_chan chan;
	int code, err;

	if (!ctl_parse(&argp, argc, argv, &options, &code))
		return code;
	if (!chan_open(&chan))
		return CTL_FAILED;
	err = chan_hint(&chan, &options.cmd);
	if (err)
		code = hint_failed(&options, err);
	else if (options.cmd.op == PVS_HINT_TICKET)
		code = ticket_report(&chan, &options);
	else
		code = CTL_OK;
	chan_close(&chan);
	return code;
}
