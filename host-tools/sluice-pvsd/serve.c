/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* sluice-pvsd OPTIONS: be the manager, until SIGTERM. */
#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pvsd.h"

#define LOG_BYTES        8192
#define DEFAULT_PRIO_MAX 10 /* as pvs_limits_default() */
/* Longer than any VM's, and much longer than the beats are apart. */
#define GUARD_WATCHDOG_NS 2000000000ull
#define MS                1000000ull
#define US                1000ull
#define PPM               10000.0 /* of one percent */

enum when {
	AUTO,
	ON,
	OFF
};

struct options {
	const char *policy, *record;
	struct pvs_server_config server;
	struct pvsd_tunables tunables;
	struct pvs_linux_options actuator;
	uint32_t pool_boosted, pool_refill_ppm;
	uint64_t pool_budget_ns;
	enum when switches;
	bool fifo, deadline, quiet;
};

enum option_key {
	KEY_SET = 256,
	KEY_MODE,
	KEY_CS_BUDGET,
	KEY_BOOST_BUDGET,
	KEY_CS_REFILL,
	KEY_BOOST_REFILL,
	KEY_MAX_BOOSTED,
	KEY_POOL_BOOSTED,
	KEY_POOL_BUDGET,
	KEY_POOL_REFILL,
	KEY_NICE_MIN,
	KEY_PRIO_MAX,
	KEY_TICK,
	KEY_KICKS,
	KEY_FIFO,
	KEY_DEADLINE,
	KEY_CGROUP,
	KEY_NO_GUARD,
	KEY_RECORD,
	KEY_RECORD_LIMIT,
	KEY_SWITCHES,
	KEY_HOST
};

static const struct argp_option argp_options[] = {
	{"policy", 'p', "NAME", 0, "Policy: a built-in one or an object file (default: none)", 0},
	{"set", KEY_SET, "NAME=VALUE", 0, "Set a tunable of the policy; may be repeated", 0},
	{"policy-host", KEY_HOST, "HOST", 0,
	 "Who runs it: engine (Sluice's, the default) or kernel (the host's BPF)", 0},
	{"socket", 's', "PATH", 0, "Where clients connect (default: " PVSD_SOCKET ")", 0},
	{"mode", KEY_MODE, "OCTAL", 0, "The socket's permissions (default: 0660)", 0},
	{0, 0, 0, 0, "What each VM gets at most:", 1},
	{"cs-budget", KEY_CS_BUDGET, "MS", 0, "Short budget of a vCPU (default: 2)", 1},
	{"cs-refill", KEY_CS_REFILL, "PERCENT", 0, "...and its refill (default: 2)", 1},
	{"boost-budget", KEY_BOOST_BUDGET, "MS", 0, "Other budget of a vCPU (default: 500)", 1},
	{"boost-refill", KEY_BOOST_REFILL, "PERCENT", 0, "...and its refill (default: 3)", 1},
	{"max-boosted", KEY_MAX_BOOSTED, "N", 0,
	 "vCPUs boosted at once (default: half of the VM's)", 1},
	{"nice-min", KEY_NICE_MIN, "NICE", 0, "Lowest nice given (default: -20)", 1},
	{"fifo", KEY_FIFO, 0, 0, "Policies may use SCHED_FIFO", 1},
	{"prio-max", KEY_PRIO_MAX, "PRIO", 0, "...up to this priority (default: 10)", 1},
	{"deadline", KEY_DEADLINE, 0, 0, "Policies may use SCHED_DEADLINE", 1},
	{"tick-us", KEY_TICK, "US", 0, "Shortest tick (default: 1000)", 1},
	{"kicks", KEY_KICKS, "N", 0, "Kicks and doorbells a second and vCPU (default: 20000)", 1},
	{0, 0, 0, 0, "What all VMs share; without any of these each has its own only:", 2},
	{"pool-boosted", KEY_POOL_BOOSTED, "N", 0, "vCPUs boosted at once, of all VMs", 2},
	{"pool-budget", KEY_POOL_BUDGET, "MS", 0, "Budget (default: 500)", 2},
	{"pool-refill", KEY_POOL_REFILL, "PERCENT", 0, "...and its refill (default: 10)", 2},
	{0, 0, 0, 0, "Means:", 3},
	{"cgroup", KEY_CGROUP, "PATH", 0, "cgroup under which vCPU threads may be put, for weights",
	 3},
	{"no-guard", KEY_NO_GUARD, 0, 0,
	 "No crash guard: a manager that is killed leaves boosts behind", 3},
	{"switch-events", KEY_SWITCHES, "WHEN", 0,
	 "Hear of each switch of a vCPU thread, by BPF: auto (default), on or off", 3},
	{"record", KEY_RECORD, "FILE", 0, "Write all decisions to FILE", 3},
	{"record-limit", KEY_RECORD_LIMIT, "BYTES", 0,
	 "...of so many bytes at most, with K, M, G or T; 0: of any size (default: 1G)", 3},
	{"quiet", 'q', 0, 0, "Say nothing of clients that come and go", 3},
	PVSD_HELP_OPTION,
	{0},
};

static double parse_number(struct argp_state *state, const char *text, double least, double most,
			   const char *what)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value >= least && value <= most))
		argp_error(state, "%s: '%s' is not a number from %.10g to %.10g", what, text, least,
			   most);
	return value;
}

static error_t parse_budget(int key, const char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	struct pvs_limits *limits = &o->server.limits;

	switch (key) {
	case KEY_CS_BUDGET:
		limits->cs_budget_ns =
			(uint64_t)(parse_number(state, arg, 0.001, 1e6, "--cs-budget") * MS);
		return 0;
	case KEY_BOOST_BUDGET:
		limits->boost_budget_ns =
			(uint64_t)(parse_number(state, arg, 0.001, 1e6, "--boost-budget") * MS);
		return 0;
	case KEY_CS_REFILL:
		limits->cs_refill_ppm =
			(uint32_t)(parse_number(state, arg, 0.0001, 100, "--cs-refill") * PPM);
		return 0;
	case KEY_BOOST_REFILL:
		limits->boost_refill_ppm =
			(uint32_t)(parse_number(state, arg, 0.0001, 100, "--boost-refill") * PPM);
		return 0;
	case KEY_POOL_BUDGET:
		o->pool_budget_ns =
			(uint64_t)(parse_number(state, arg, 0.001, 1e6, "--pool-budget") * MS);
		return 0;
	case KEY_POOL_REFILL:
		o->pool_refill_ppm =
			(uint32_t)(parse_number(state, arg, 0.0001, 100, "--pool-refill") * PPM);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_limit(int key, const char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	struct pvs_limits *limits = &o->server.limits;

	switch (key) {
	case KEY_MAX_BOOSTED:
		limits->max_boosted =
			(uint32_t)parse_number(state, arg, 1, PVS_MAX_VCPUS, "--max-boosted");
		return 0;
	case KEY_POOL_BOOSTED:
		o->pool_boosted = (uint32_t)parse_number(state, arg, 1, 1e6, "--pool-boosted");
		return 0;
	case KEY_NICE_MIN:
		limits->nice_min = (int32_t)parse_number(state, arg, -20, 19, "--nice-min");
		limits->has_nice_min = true;
		return 0;
	case KEY_PRIO_MAX:
		limits->prio_max = (uint32_t)parse_number(state, arg, 1, 98, "--prio-max");
		return 0;
	case KEY_TICK:
		limits->tick_ns = (uint64_t)(parse_number(state, arg, 50, 1e6, "--tick-us") * US);
		return 0;
	case KEY_KICKS:
		limits->kicks_per_s = (uint32_t)parse_number(state, arg, 1, 1e7, "--kicks");
		return 0;
	case KEY_FIFO:
		o->fifo = true;
		return 0;
	case KEY_DEADLINE:
		o->deadline = true;
		return 0;
	default:
		return parse_budget(key, arg, state);
	}
}

static int parse_word(struct argp_state *state, const char *arg, const char *option,
		      const char *const *words)
{
	int i;

	for (i = 0; words[i]; i++)
		if (strcmp(arg, words[i]) == 0)
			return i;
	argp_error(state, "%s: '%s' is none of its values; see --help", option, arg);
	return 0;
}

/* A whole number, and what it is to be multiplied with. */
static uint64_t parse_size(struct argp_state *state, const char *arg)
{
	static const char units[] = "KMGT";
	const char *unit;
	char *end;
	uint64_t size;
	unsigned shift = 0;

	errno = 0;
	size = strtoull(arg, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	if (unit) {
		shift = 10 * (unsigned)(unit - units + 1);
		end++;
	}
	if (end == arg || *arg < '0' || *arg > '9' || *end || errno || size > UINT64_MAX >> shift ||
	    (size && size << shift < PVS_RECORD_LEAST))
		argp_error(state,
			   "--record-limit: '%s' is neither 0 nor at least %u bytes, as 100M or 2G",
			   arg, PVS_RECORD_LEAST);
	return size << shift;
}

static unsigned parse_mode(struct argp_state *state, const char *arg)
{
	char *end;
	unsigned long mode = strtoul(arg, &end, 8);

	if (end == arg || *end || mode == 0 || mode > 0777)
		argp_error(state, "--mode: '%s' is not an octal number from 1 to 777", arg);
	return (unsigned)mode;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	static const char *const whens[] = {"auto", "on", "off", NULL};
	static const char *const hosts[] = {"engine", "kernel", NULL};
	struct options *o = state->input;

	switch (key) {
	case 'p':
		o->policy = arg;
		return 0;
	case 's':
		o->server.path = arg;
		return 0;
	case 'q':
		o->quiet = true;
		return 0;
	case 'h':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		return 0;
	case KEY_SET:
		if (!pvsd_tunable(&o->tunables, arg))
			argp_error(state, "--set: '%s' is not NAME=INTEGER", arg);
		return 0;
	case KEY_MODE:
		o->server.mode = parse_mode(state, arg);
		return 0;
	case KEY_CGROUP:
		o->actuator.cgroup = arg;
		return 0;
	case KEY_NO_GUARD:
		o->actuator.guard = false;
		return 0;
	case KEY_RECORD:
		o->record = arg;
		return 0;
	case KEY_RECORD_LIMIT:
		o->server.record_limit = parse_size(state, arg);
		return 0;
	case KEY_SWITCHES:
		o->switches = (enum when)parse_word(state, arg, "--switch-events", whens);
		return 0;
	case KEY_HOST:
		o->server.policy_options.host =
			(enum pvs_policy_host)parse_word(state, arg, "--policy-host", hosts);
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' is no command; status, policy and record are", arg);
		return 0;
	default:
		return parse_limit(key, arg, state);
	}
}

/* ---- While it serves ------------------------------------------------------------------------- */

static struct pvs_server *running; /* for the signal handler */

static void on_signal(int number)
{
	pvs_server_stop(running);
}

static void stop_on(int number)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigemptyset(&action.sa_mask);
	sigaction(number, &action, NULL);
}

static void print_line(void *opaque, const char *line)
{
	const struct options *o = opaque;

	if (!o->quiet)
		fprintf(stderr, "sluice-pvsd: %s\n", line);
}

static bool is_guarded(void *opaque)
{
	const struct options *o = opaque;

	return pvs_actuator_linux_guarded(&o->server.actuator);
}

static void beat(void *opaque)
{
	const struct options *o = opaque;

	pvs_actuator_linux_beat(&o->server.actuator);
}

/* ---- What it consists of --------------------------------------------------------------------- */

static void print_log(struct pvs_log *log)
{
	char *line = log->buf, *end;

	while (*line) {
		end = line + strcspn(line, "\n");
		fprintf(stderr, "sluice-pvsd: %.*s\n", (int)(end - line), line);
		line = *end ? end + 1 : end;
	}
	log->len = 0;
	log->buf[0] = '\0';
}

static uint32_t ceiling(const struct options *o)
{
	return (PVS_ACT_ALL & ~(PVS_ACT_FIFO | PVS_ACT_DEADLINE)) | (o->fifo ? PVS_ACT_FIFO : 0) |
	       (o->deadline ? PVS_ACT_DEADLINE : 0);
}

/* Within what this process may do. What it may not do at all a policy is told otherwise. */
static void set_limits(struct options *o, uint32_t works)
{
	struct pvs_limits *limits = &o->server.limits;
	int nice_min = pvs_actuator_linux_nice_min(&o->server.actuator);
	unsigned prio_max = pvs_actuator_linux_prio_max(&o->server.actuator);

	if ((works & PVS_ACT_NICE_DOWN) && (!limits->has_nice_min || limits->nice_min < nice_min)) {
		limits->nice_min = nice_min;
		limits->has_nice_min = true;
	}
	if (prio_max && (limits->prio_max ? limits->prio_max : DEFAULT_PRIO_MAX) > prio_max)
		limits->prio_max = prio_max;
}

static int open_actuator(struct options *o, struct pvs_log *log)
{
	struct pvs_actuator *actuator = &o->server.actuator;
	int ret = pvs_actuator_linux(&o->actuator, actuator, log);

	if (ret < 0)
		return ret;
	o->server.limits.ceiling = ceiling(o);
	set_limits(o, actuator->ops->probe(actuator->opaque, ceiling(o), log));
	print_log(log);
	return 0;
}

static int open_policy(struct options *o, struct pvs_log *log)
{
	struct pvs_policy_options options = o->server.policy_options;

	options.tunables = o->tunables.list;
	options.n_tunables = o->tunables.n;
	if (!o->policy && o->tunables.n)
		return pvs_refuse(log, -EINVAL, "--set needs --policy");
	return pvs_policy_open(o->policy ? o->policy : "none", &options, &o->server.policy, log);
}

/* auto: without the permission there are ticks and kicks. */
static int open_switches(struct options *o, struct pvs_log *log)
{
	int ret;

	if (o->switches == OFF)
		return 0;
	ret = pvs_switches_open(&o->server.switches, log);
	if (ret < 0 && o->switches == AUTO) {
		print_log(log);
		o->server.switches = NULL;
		return 0;
	}
	return ret;
}

static int open_pool(struct options *o)
{
	if (!o->pool_boosted && !o->pool_budget_ns && !o->pool_refill_ppm)
		return 0;
	o->server.pool =
		pvs_pool_create(o->pool_boosted, o->pool_budget_ns ? o->pool_budget_ns : 500 * MS,
				o->pool_refill_ppm ? o->pool_refill_ppm : 100000);
	return o->server.pool ? 0 : -ENOMEM;
}

/* In a thread of the record's. */
static void record_is_full(void *opaque)
{
	const struct options *o = opaque;

	fprintf(stderr, "sluice-pvsd: record %s has ended: it reached --record-limit, %llu bytes\n",
		o->record, (unsigned long long)o->server.record_limit);
}

static int open_record(struct options *o, struct pvs_log *log)
{
	int ret = pvs_record_create(o->record, &o->server.record, log);

	if (ret == 0 && o->server.record_limit)
		ret = pvs_record_limit(o->server.record, o->server.record_limit, record_is_full, o);
	return ret;
}

static int open_all(struct options *o, struct pvs_log *log)
{
	int ret = open_policy(o, log);

	if (ret == 0)
		ret = open_actuator(o, log);
	if (ret == 0)
		ret = open_switches(o, log);
	if (ret == 0)
		ret = open_pool(o);
	if (ret == 0 && o->record)
		ret = open_record(o, log);
	return ret;
}

static int close_all(struct options *o)
{
	int ret = 0;

	if (o->server.record)
		ret = pvs_record_close(o->server.record);
	if (o->server.pool)
		pvs_pool_destroy(o->server.pool);
	if (o->server.switches)
		pvs_switches_close(o->server.switches);
	if (o->server.policy)
		pvs_policy_put(o->server.policy);
	if (o->server.actuator.ops)
		pvs_actuator_linux_close(&o->server.actuator);
	return ret;
}

static int serve(struct options *o, struct pvs_log *log)
{
	int ret = pvs_server_create(&o->server, &running, log);

	if (ret < 0)
		return ret;
	stop_on(SIGTERM);
	stop_on(SIGINT);
	signal(SIGPIPE, SIG_IGN);
	print_line(o, "ready");
	ret = pvs_server_run(running);
	/* A second signal does not stop what restores. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	pvs_server_destroy(running);
	return ret;
}

int pvsd_serve(int argc, char **argv)
{
	static const struct argp argp = {
		.options = argp_options,
		.parser = parse,
		.doc = "Decide, by one policy and within one budget, how the vCPU threads of "
		       "several QEMUs are scheduled. Runs in the foreground until SIGTERM; then, "
		       "or when killed, all threads are scheduled as they were.\n\nOther "
		       "commands: sluice-pvsd status, policy and record; each has --help."
		       "\v"
		       "Exit status: 0 it was asked to end; 1 it could not serve; 2 wrong usage.",
	};
	struct options o = {
		.server.path = PVSD_SOCKET,
		.actuator = {.guard = true, .watchdog_ns = GUARD_WATCHDOG_NS},
		.server.record_limit = PVS_RECORD_DEFAULT,
	};
	char text[LOG_BYTES] = "";
	struct pvs_log log = {.buf = text, .size = sizeof(text)};
	bool explained;
	int ret, closed;

	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	o.server.log = print_line;
	o.server.guarded = is_guarded;
	o.server.beat = beat;
	o.server.opaque = &o;
	ret = open_all(&o, &log);
	if (ret == 0)
		ret = serve(&o, &log);
	explained = text[0];
	print_log(&log);
	closed = close_all(&o);
	if (closed < 0)
		fprintf(stderr, "sluice-pvsd: %s: not all of the record was written\n", o.record);
	if (ret < 0 && !explained)
		fprintf(stderr, "sluice-pvsd: %s\n", strerror(-ret));
	return ret < 0 || closed < 0 ? EXIT_REFUSED : EXIT_FINE;
}
