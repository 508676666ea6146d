// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* sluice-pvsched record dump. */
#include <inttypes.h>
#include <pvs_replay.h>
#include <stdio.h>

#include "dump.h"
#include "pvsched.h"

struct dump {
	const char *file;
	uint64_t max, n; /* entries to print; 0: all */
	bool json;
};

static error_t parse_dump(int key, char *arg, struct argp_state *state)
{
	struct dump *args = state->input;

	switch (key) {
	case 'j':
		args->json = true;
		return 0;
	case 'n':
		args->max = parse_number(state, "number", arg, 1, UINT64_MAX);
		return 0;
	case ARGP_KEY_ARG:
		if (args->file)
			argp_error(state, "'%s' is one argument too many", arg);
		args->file = arg;
		return 0;
	case ARGP_KEY_END:
		if (!args->file)
			argp_error(state, "which record?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void print_set(const struct pvs_decision *out)
{
	for (size_t i = 0; i < DUMP_SETS; i++) {
		if (out->set & 1u << i)
			printf(" %s", dump_set_names[i]);
	}
}

static void print_out(const struct pvs_decision *out)
{
	print_set(out);
	printf(" (boost %s, target %u", pvs_boost_name(out->boost), out->target);
	if (out->set & PVS_SET_NICE)
		printf(", nice %d", out->nice);
	if (out->set & PVS_SET_SLICE)
		printf(", slice %" PRIu64 " ns", (uint64_t)out->slice_ns);
	if (out->set & PVS_SET_FIFO)
		printf(", priority %u", out->prio);
	if (out->set & PVS_SET_DEADLINE)
		printf(", %" PRIu64 "/%" PRIu64 "/%" PRIu64 " ns", (uint64_t)out->dl_runtime,
		       (uint64_t)out->dl_deadline, (uint64_t)out->dl_period);
	printf(", hold %" PRIu64 " ns)", (uint64_t)out->hold_ns);
}

/* Up to the last word that is not 0; nothing if all are. */
static void print_opaque(const char *what, const __u64 *words)
{
	size_t n = PVS_OPAQUE_WORDS;

	while (n && !words[n - 1])
		n--;
	if (n)
		printf("%s", what);
	for (size_t i = 0; i < n; i++)
		printf(" %#" PRIx64, (uint64_t)words[i]);
}

static void print_decision(const struct pvs_record_decision *d)
{
	const struct pvs_ctx *ctx = &d->ctx;
	const char *event = pvs_event_name(ctx->event);

	printf("vcpu %u %s: class %s, pending %#x, cs %#x, boost %s: %s", ctx->vcpu,
	       event ? event : "?", pvs_class_name(ctx->class), ctx->pending, ctx->cs,
	       pvs_boost_name(ctx->boost), pvs_verdict_name(d->verdict));
	if (d->verdict == PVS_APPLY)
		print_out(&ctx->out);
	print_opaque(", opaque", ctx->opaque);
	if (ctx->out.set & PVS_SET_OPAQUE)
		print_opaque(", publishes", ctx->out.opaque);
	if (d->reject)
		printf(", rejected: %s", reject_name(d->reject));
	if (d->effect_ns)
		printf(", %u ns", d->effect_ns);
	putchar('\n');
}

static void print_entry(const struct pvs_record_entry *e)
{
	printf("%" PRIu64 " vm %u ", e->ns, e->vm);
	switch (e->kind) {
	case PVS_RECORD_DECISION:
		print_decision(&e->decision);
		break;
	case PVS_RECORD_RING:
		printf("vcpu %u ring: type %u, arg %#x at %" PRIu64 " of the guest\n", e->ring.vcpu,
		       e->ring.entry.type, e->ring.entry.arg, (uint64_t)e->ring.entry.ts);
		break;
	case PVS_RECORD_SWITCH:
		printf("vcpu %u switch: %s on cpu %u\n", e->sched.vcpu,
		       pvs_event_name(e->sched.event) ? pvs_event_name(e->sched.event) : "?",
		       e->sched.cpu);
		break;
	case PVS_RECORD_CLOCK:
		printf("clock: guest minus host %" PRId64 " ns\n", e->clock_offset_ns);
		break;
	case PVS_RECORD_POLICY:
		printf("policy: %.*s version %u\n", PVS_NAME_LEN, e->policy.name,
		       e->policy.version);
		break;
	case PVS_RECORD_FULL:
		printf("full: what came later found the file at its limit, %" PRIu64 " bytes\n",
		       e->limit);
		break;
	default:
		printf("end: %" PRIu64 " entries were lost\n", e->lost);
		break;
	}
}

static int dump_entry(void *opaque, const struct pvs_record_entry *entry)
{
	struct dump *args = opaque;

	if (args->json)
		print_entry_json(entry);
	else
		print_entry(entry);
	return ++args->n == args->max;
}

int cmd_record_dump(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"json", 'j', NULL, 0, "Print JSON, one object in each line", 0},
		{"number", 'n', "N", 0, "Print the first N entries", 0},
		{0},
	};
	static const struct argp argp = {
		options, parse_dump, "RECORD", "Print the entries of a record.", NULL, NULL, NULL};
	char text[1024] = "";
	struct pvs_log log = {.buf = text, .size = sizeof(text)};
	struct dump args = {0};

	parse(&argp, argc, argv, &args);
	if (pvs_record_read(args.file, dump_entry, &args, &log) >= 0)
		return EXIT_FINE;
	fprintf(stderr, "sluice-pvsched: %s", text);
	return EXIT_FAILED;
}
