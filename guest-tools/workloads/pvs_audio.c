/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * pvs-audio: a task that does a fixed amount of work in each period, as one does that fills a sound
 * card's buffer, and counts the periods it did not make.
 */
#include <argp.h>
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "options.h"
#include "period.h"
#include "pvs_self.h"
#include "random.h"
#include "report.h"
#include "work.h"

static const char *const policies[] = {"fifo", "deadline", "other", NULL};
enum {
	POLICY_FIFO,
	POLICY_DEADLINE,
	POLICY_OTHER
};
static const char *const hints[] = {"auto", "on", "off", NULL};
enum {
	HINTS_AUTO,
	HINTS_ON,
	HINTS_OFF
};

struct options {
	uint64_t duration_ns, period_ns, deadline_ns, runtime_ns, work_ns, seed, rate;
	unsigned spread;
	int policy, priority, hints, cpu;
	bool json;
};

#define POLICY_NUMBER_DEADLINE 6 /* SCHED_DEADLINE, which some C libraries do not name... */

/* ...and sched_setattr(2)'s structure, as far as all kernels have it. */
struct task_attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

/* ---- The task ------------------------------------------------------------------------------- */

static int set_policy(const struct options *options)
{
	struct task_attr attr = {.size = sizeof(attr)};

	if (options->policy == POLICY_OTHER)
		return 0;
	if (options->policy == POLICY_FIFO) {
		attr.policy = SCHED_FIFO;
		attr.priority = (uint32_t)options->priority;
	} else {
		attr.policy = POLICY_NUMBER_DEADLINE;
		attr.runtime = options->runtime_ns;
		attr.deadline = options->deadline_ns;
		attr.period = options->period_ns;
	}
	return syscall(SYS_sched_setattr, 0, &attr, 0) ? -errno : 0;
}

static int set_cpu(int cpu)
{
	cpu_set_t set;

	if (cpu < 0)
		return 0;
	CPU_ZERO(&set);
	CPU_SET((unsigned)cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

static void sleep_until(uint64_t when)
{
	const struct timespec time = {.tv_sec = (time_t)(when / 1000000000),
				      .tv_nsec = (long)(when % 1000000000)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR)
		;
}

static void run(const struct options *options, struct period *period)
{
	uint64_t random = options->seed, rounds = options->work_ns * options->rate / 1000;
	uint64_t begin = clock_ns(), woke;

	period_init(period, options->period_ns, options->deadline_ns, begin + options->period_ns);
	while (period->start < begin + options->duration_ns) {
		sleep_until(period->start);
		woke = clock_ns();
		work(random_around(&random, rounds, options->spread));
		period_done(period, woke, clock_ns());
	}
}

/* ---- Report --------------------------------------------------------------------------------- */

static void print_json(const struct options *options, const struct period *period, bool hinted)
{
	struct json_object *root = json_object_new_object();
	uint64_t periods = period->done + period->skipped;

	json_object_object_add(root, "workload", json_object_new_string("pvs-audio"));
	json_object_object_add(root, "policy", json_object_new_string(policies[options->policy]));
	report_add(root, "seed", options->seed);
	report_add(root, "period_ns", options->period_ns);
	report_add(root, "deadline_ns", options->deadline_ns);
	report_add(root, "work_ns", options->work_ns);
	report_add(root, "rounds_per_us", options->rate);
	json_object_object_add(root, "hinted", json_object_new_boolean(hinted));
	report_add(root, "periods", periods);
	report_add(root, "missed", period->missed);
	report_add(root, "skipped", period->skipped);
	json_object_object_add(
		root, "missed_ratio",
		json_object_new_double(periods ? (double)period->missed / (double)periods : 0));
	report_histogram(root, "wakeup", &period->wakeup);
	report_histogram(root, "response", &period->response);
	report_print(root);
}

static void print_text(const struct options *options, const struct period *period, bool hinted)
{
	printf("%s, period %.3f ms, work %.3f ms, %s hints, seed %llu\n", policies[options->policy],
	       (double)options->period_ns / 1e6, (double)options->work_ns / 1e6,
	       hinted ? "with" : "without", (unsigned long long)options->seed);
	printf("%llu periods, %llu missed (of them %llu skipped)\n",
	       (unsigned long long)(period->done + period->skipped),
	       (unsigned long long)period->missed, (unsigned long long)period->skipped);
	report_line("wake-up", &period->wakeup);
	report_line("response", &period->response);
}

/* ---- Command line --------------------------------------------------------------------------- */

enum {
	OPT_RATE = 1000,
	OPT_HINTS,
	OPT_SPREAD,
	OPT_CPU,
	OPT_DEADLINE,
	OPT_RUNTIME
};

static const struct argp_option argp_options[] = {
	{"period-us", 'p', "US", 0, "length of a period (default 5333: 256 samples of 48 kHz)", 0},
	{"work-us", 'w', "US", 0, "work in each period (default 500)", 0},
	{"deadline-us", OPT_DEADLINE, "US", 0,
	 "within this of its start a period's work is to be done (default: the period)", 0},
	{"runtime-us", OPT_RUNTIME, "US", 0,
	 "what it says it needs, to the kernel and the host (default: twice the work, at most the "
	 "deadline)",
	 0},
	{"spread", OPT_SPREAD, "PERCENT", 0, "by how much work varies, evenly (default 20)", 0},
	{"policy", 'P', "POLICY", 0, "fifo (default), deadline or other", 0},
	{"priority", 'r', "N", 0, "for fifo (default 80); 0: policy other", 0},
	{"cpu", OPT_CPU, "N", 0, "run on this CPU; not with deadline", 0},
	{"seconds", 'd', "SECONDS", 0, "how long to run (default 5)", 0},
	{"duration", 0, NULL, OPTION_ALIAS, NULL, 0},
	{"seed", 's', "N", 0, "for the amounts of work (default 1)", 0},
	{"rate", OPT_RATE, "N", 0,
	 "rounds of work in a microsecond (default: measured at the start); give it so that runs "
	 "do the same work",
	 0},
	{"hints", OPT_HINTS, "WHEN", 0,
	 "tell the host the deadline: auto (default: if the publisher is loaded), on (else fail), "
	 "off",
	 0},
	{"json", 'j', NULL, 0, "print JSON", 0},
	{0}};

static error_t parse_task(int key, char *arg, struct options *options)
{
	switch (key) {
	case 'p':
		options->period_ns = option_number("period-us", arg, 100, 1000000) * 1000;
		break;
	case 'w':
		options->work_ns = option_number("work-us", arg, 0, 1000000) * 1000;
		break;
	case OPT_DEADLINE:
		options->deadline_ns = option_number("deadline-us", arg, 1, 1000000) * 1000;
		break;
	case OPT_RUNTIME:
		options->runtime_ns = option_number("runtime-us", arg, 1, 1000000) * 1000;
		break;
	case OPT_SPREAD:
		options->spread = (unsigned)option_number("spread", arg, 0, 100);
		break;
	case 'P':
		options->policy = option_word("policy", arg, policies);
		break;
	case 'r':
		options->priority = (int)option_number("priority", arg, 0, 99);
		if (!options->priority)
			options->policy = POLICY_OTHER;
		break;
	case OPT_CPU:
		options->cpu = (int)option_number("cpu", arg, 0, CPU_SETSIZE - 1);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'd':
		options->duration_ns = option_seconds("seconds", arg);
		break;
	case 's':
		options->seed = option_number("seed", arg, 0, UINT64_MAX);
		break;
	case 'j':
		options->json = true;
		break;
	case OPT_RATE:
		options->rate = option_number("rate", arg, 1, 1000000);
		break;
	case OPT_HINTS:
		options->hints = option_word("hints", arg, hints);
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "there is nothing to do with '%s'", arg);
		break;
	default:
		return parse_task(key, arg, options);
	}
	return 0;
}

/* What was not given follows from what was. */
static void complete(struct options *options)
{
	if (!options->deadline_ns)
		options->deadline_ns = options->period_ns;
	if (!options->runtime_ns) {
		options->runtime_ns = options->work_ns ? 2 * options->work_ns : 100000;
		if (options->runtime_ns > options->deadline_ns)
			options->runtime_ns = options->deadline_ns;
	}
	if (options->deadline_ns > options->period_ns ||
	    options->runtime_ns > options->deadline_ns) {
		fputs("pvs-audio: runtime, deadline and period must not shrink in this order\n",
		      stderr);
		exit(2);
	}
	if (!options->rate)
		options->rate = work_rate();
}

/* Whether the host is told. Ends the program if it must be and cannot. */
static bool tell(const struct options *options, struct pvs_self **self,
		 struct pvs_self_thread *thread)
{
	int err;

	if (options->hints == HINTS_OFF)
		return false;
	err = pvs_self_open(self);
	if (!err)
		err = pvs_self_add(*self, thread);
	if (err && options->hints == HINTS_ON) {
		fprintf(stderr, "pvs-audio: no hints: %s; load the publisher first\n",
			strerror(-err));
		exit(1);
	}
	if (!err)
		pvs_self_deadline(thread, options->runtime_ns, options->deadline_ns,
				  options->period_ns);
	return !err;
}

int main(int argc, char **argv)
{
	const struct argp argp = {.options = argp_options,
				  .parser = parse,
				  .doc = "A task of periods: its missed deadlines, and how late it "
					 "wakes."};
	struct options options = {.duration_ns = 5000000000ull,
				  .period_ns = 5333000,
				  .work_ns = 500000,
				  .spread = 20,
				  .priority = 80,
				  .cpu = -1,
				  .seed = 1};
	struct pvs_self_thread thread = {0};
	static struct period period;
	struct pvs_self *self = NULL;
	bool hinted;
	int err;

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	complete(&options);
	hinted = tell(&options, &self, &thread);
	mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
	err = set_cpu(options.cpu);
	if (!err)
		err = set_policy(&options);
	if (err) {
		fprintf(stderr, "pvs-audio: cannot have policy %s: %s%s\n",
			policies[options.policy], strerror(-err),
			err == -EPERM ? "; it needs root, or ask for --policy other" : "");
		return 1;
	}
	run(&options, &period);
	pvs_self_remove(&thread);
	(options.json ? print_json : print_text)(&options, &period, hinted);
	if (self)
		pvs_self_close(self);
	return 0;
}
