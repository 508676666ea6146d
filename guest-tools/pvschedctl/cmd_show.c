// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * show and top: hints and host state of each vCPU.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "view.h"

struct show_options {
	bool json, live;
	double delay;   /* seconds */
	uint64_t count; /* 0: until interrupted */
	int64_t vcpu;   /* -1: all */
};

static volatile sig_atomic_t show_over;

static void show_stop(int signal)
{
	show_over = signal;
}

static error_t show_parse(int key, char *arg, struct argp_state *state)
{
	struct show_options *options = state->input;
	uint64_t number;
	char *end;

	switch (key) {
	case 'j':
		options->json = true;
		return 0;
	case 'v':
		if (!ctl_number(arg, PVS_MAX_VCPUS - 1, &number))
			argp_error(state, "--vcpu %s: a number below %u is wanted", arg,
				   PVS_MAX_VCPUS);
		options->vcpu = number;
		return 0;
	case 'd':
		options->delay = strtod(arg, &end);
		if (*end || !(options->delay >= 0.01 && options->delay <= 3600))
			argp_error(state, "--delay %s: seconds from 0.01 to 3600 are wanted", arg);
		return 0;
	case 'n':
		if (!ctl_number(arg, UINT32_MAX, &options->count))
			argp_error(state, "--count %s: a number is wanted", arg);
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s': no arguments are taken", arg);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* ---- One reading of all vCPUs ------------------------------------------------------------------
 */

struct reading {
	struct ctl_chan *chan;
	struct vcpu_view *views; /* info.n_vcpus of them */
};

static void show_read(void *opaque)
{
	struct reading *reading = opaque;

	for (uint32_t v = 0; v < reading->chan->info.n_vcpus; v++)
		view_read(reading->chan, v, &reading->views[v]);
}

static bool show_wanted(const struct show_options *options, const struct vcpu_view *view)
{
	if (options->vcpu >= 0)
		return options->vcpu == view->vcpu;
	/* Those that may be plugged one day say nothing. */
	return view->cpu >= 0 || view->state_flags & PVS_STATE_PRESENT;
}

static void show_json(const struct show_options *options, const struct reading *reading)
{
	struct json_object *all = json_object_new_array();

	for (uint32_t v = 0; v < reading->chan->info.n_vcpus; v++)
		if (show_wanted(options, &reading->views[v]))
			json_object_array_add(all, view_json(&reading->views[v]));
	if (!options->live) {
		ctl_print_json(all);
		return;
	}
	/* One line a reading. */
	puts(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PLAIN));
	fflush(stdout);
	json_object_put(all);
}

static void show_text(const struct show_options *options, const struct reading *now,
		      const struct reading *before)
{
	const struct pvs_info *info = &now->chan->info;

	if (options->live && isatty(STDOUT_FILENO))
		fputs("\033[H\033[2J", stdout);
	if (options->live)
		printf("policy %s %u, generation %u, pages in %s, %s\n",
		       info->policy[0] ? info->policy : "-", info->policy_serial, info->generation,
		       name_of(ctl_wheres, info->where), name_of(ctl_memtypes, info->guest_type));
	view_print_head();
	for (uint32_t v = 0; v < info->n_vcpus; v++)
		if (show_wanted(options, &now->views[v]))
			view_print(&now->views[v], before ? &before->views[v] : NULL);
	fflush(stdout);
}

static void show_wait(double delay)
{
	struct timespec time = {.tv_sec = (time_t)delay,
				.tv_nsec = (long)((delay - (double)(time_t)delay) * 1e9)};

	nanosleep(&time, NULL);
}

/* Between readings the device may have been reset: then there are other pages, or soon. */
static bool show_take(struct ctl_chan *chan, struct reading *reading)
{
	if (!chan_refresh(chan))
		return false;
	if (chan_guarded(show_read, reading))
		memset(reading->views, 0, chan->info.n_vcpus * sizeof(*reading->views));
	return true;
}

static int show_loop(const struct show_options *options, struct ctl_chan *chan)
{
	uint32_t n = chan->info.n_vcpus;
	struct vcpu_view *views = calloc(2 * (size_t)n, sizeof(*views));
	struct reading readings[2] = {{chan, views}, {chan, views ? views + n : NULL}};
	int code = CTL_OK;

	if (!views)
		return ctl_fail(CTL_FAILED, "out of memory");
	for (uint64_t i = 0; !show_over && (!options->count || i < options->count); i++) {
		if (i)
			show_wait(options->delay);
		if (show_over)
			break;
		if (!show_take(chan, &readings[i & 1])) {
			code = CTL_FAILED;
			break;
		}
		if (options->json)
			show_json(options, &readings[i & 1]);
		else
			show_text(options, &readings[i & 1], i ? &readings[~i & 1] : NULL);
	}
	free(views);
	return code;
}

static int show_run(const struct argp *argp, struct show_options *options, int argc, char **argv)
{
	struct ctl_chan chan;
	int code;

	if (!ctl_parse(argp, argc, argv, options, &code))
		return code;
	if (!chan_open(&chan))
		return CTL_FAILED;
	code = CTL_FAILED;
	if (options->vcpu >= (int64_t)chan.info.n_vcpus)
		ctl_fail(0, "there is no vCPU %lld: there are %u", (long long)options->vcpu,
			 chan.info.n_vcpus);
	else if (chan_map(&chan, false))
		code = show_loop(options, &chan);
	chan_close(&chan);
	return code;
}

int cmd_show(int argc, char **argv)
{
	static const struct argp_option argp_options[] = {
		{"json", 'j', NULL, 0, "JSON", 0}, {"vcpu", 'v', "N", 0, "only this one", 0}, {0}};
	static const struct argp argp = {argp_options,
					 show_parse,
					 NULL,
					 "Hints and host state of each vCPU, once.",
					 0,
					 0,
					 0};
	struct show_options options = {.count = 1, .vcpu = -1};

	return show_run(&argp, &options, argc, argv);
}

int cmd_top(int argc, char **argv)
{
	static const struct argp_option argp_options[] = {
		{"json", 'j', NULL, 0, "JSON, a line for each reading", 0},
		{"vcpu", 'v', "N", 0, "only this one", 0},
		{"delay", 'd', "SECONDS", 0, "between readings (1)", 0},
		{"count", 'n', "N", 0, "end after so many readings", 0},
		{0}};
	static const struct argp argp = {argp_options,
					 show_parse,
					 NULL,
					 "Hints and host state of each vCPU, live.",
					 0,
					 0,
					 0};
	struct show_options options = {.live = true, .delay = 1, .vcpu = -1};
	struct sigaction action = {.sa_handler = show_stop};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	return show_run(&argp, &options, argc, argv);
}
