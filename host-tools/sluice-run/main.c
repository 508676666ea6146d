// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * sluice-run: run an XDP program in the NIC model over a capture, with no virtual machine.
 */
#include "capture.h"
#include "error.h"
#include "guest.h"
#include "ip_batch.h"
#include "maps.h"
#include "pcapng.h"
#include "program.h"
#include "report.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>

#define PROGRAM_ID 1 /* what the NIC calls the program in its events */

enum exit_code {
	EXIT_FINE = 0,
	EXIT_REFUSED = 1,
	EXIT_USAGE = 2
};

struct options {
	char **files; /* PROG.o unless there is a filter, IN.pcap */
	char *filter;
	char *output;
	char *program;
	char **presets;
	char **globals;
	char *routes;
	int queue;
	int repeat;
	gboolean json;
	gboolean verbose;
	struct engine_options engine;
};

static const char summary[] =
	"Run the XDP program of PROG.o, or a filter, in the Sluice NIC model over the frames of a\n"
	"capture, and print the verdicts, what the NIC counted and what the maps hold.";

static const char description[] =
	"KEY and VALUE are an integer (8 bytes at most), an IP address (4 or 16 bytes, IPv4 as\n"
	"::ffff:a.b.c.d in 16) or hex: and two digits for each byte.\n"
	"\n"
	"Exit status: 0 all frames ran; 1 program or capture refused; 2 wrong usage.\n"
	"\n"
	"Example, with one source blocked:\n"
	"  sluice-run -m blocked:198.18.0.7=0 -w out.pcapng xdp_firewall.bpf.o in.pcap\n"
	"  sluice-run --filter \"udp port 53\" -w out.pcapng in.pcap\n";

static gboolean usage_error(GError **error, const char *text)
{
	g_set_error(error, TOOL_ERROR, TOOL_ERROR_USAGE, "%s; see sluice-run --help", text);
	return FALSE;
}

static gboolean parse_options(struct options *o, int argc, char **argv, GError **error)
{
	const GOptionEntry entries[] = {
		{"write", 'w', 0, G_OPTION_ARG_FILENAME, &o->output,
		 "Write delivered and transmitted frames with their verdicts to FILE (pcapng)",
		 "FILE"},
		{"program", 'p', 0, G_OPTION_ARG_STRING, &o->program,
		 "Program to run when the object has several", "NAME"},
		{"filter", 'f', 0, G_OPTION_ARG_STRING, &o->filter,
		 "Instead of PROG.o, pass the frames that match this libpcap expression and drop "
		 "all others",
		 "EXPRESSION"},
		{"map", 'm', 0, G_OPTION_ARG_STRING_ARRAY, &o->presets,
		 "Set an element of a map before the run; may be repeated", "NAME:KEY=VALUE"},
		{"global", 'g', 0, G_OPTION_ARG_STRING_ARRAY, &o->globals,
		 "Set a global variable before the program is verified; may be repeated",
		 "NAME=VALUE"},
		{"routes", 'R', 0, G_OPTION_ARG_FILENAME, &o->routes,
		 "Fill the table that bpf_fib_lookup() asks from FILE: link, route and neigh "
		 "commands as for ip -batch, with device numbers for names",
		 "FILE"},
		{"queue", 'q', 0, G_OPTION_ARG_INT, &o->queue,
		 "Receive queue the frames go to (default 0)", "N"},
		{"repeat", 'r', 0, G_OPTION_ARG_INT, &o->repeat,
		 "Go N times over the capture; only the first is written (default 1)", "N"},
		{"json", 'j', 0, G_OPTION_ARG_NONE, &o->json, "Print JSON", NULL},
		{"verbose", 'v', 0, G_OPTION_ARG_NONE, &o->verbose,
		 "Print the verifier's log to standard error", NULL},
		ENGINE_OPTION(&o->engine),
		HARDEN_OPTION(&o->engine),
		CHECKED_OPTION(&o->engine),
		{G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &o->files, NULL,
		 "PROG.o IN.pcap, or --filter EXPRESSION IN.pcap"},
		{0},
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	guint n;

	g_option_context_set_summary(context, summary);
	g_option_context_set_description(context, description);
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, error))
		return FALSE;
	n = o->files ? g_strv_length(o->files) : 0;
	if (o->filter && (o->program || o->presets || o->globals))
		return usage_error(error,
				   "--program, --map and --global need PROG.o, not --filter");
	if (n != (o->filter ? 1 : 2))
		return usage_error(error, o->filter ? "expected IN.pcap after --filter"
						    : "expected PROG.o and IN.pcap");
	if (o->queue < 0 || o->queue >= SLUICE_MAX_QUEUES)
		return usage_error(error, "--queue is out of range (0 to 31)");
	if (o->repeat < 1)
		return usage_error(error, "--repeat must be at least 1");
	return engine_options_parse(&o->engine, "sluice-run", error);
}

/* Path of the capture. */
static const char *input(const struct options *o)
{
	return o->files[o->filter ? 0 : 1];
}

static void options_clear(struct options *o)
{
	g_strfreev(o->files);
	g_strfreev(o->presets);
	g_strfreev(o->globals);
	g_free(o->routes);
	g_free(o->filter);
	g_free(o->output);
	g_free(o->program);
	engine_options_clear(&o->engine);
}

/* ---- The run -------------------------------------------------------------------------------- */

struct run {
	const struct options *options;
	const struct capture *capture;
	struct guest *guest;
	struct pcapng *output; /* NULL: nothing is written */
	struct report *report;
};

static void write_frame(struct run *run, unsigned index, const struct guest_frame *frame)
{
	gboolean redirected = frame->redirect.kind != NIC_REDIRECT_NOT;
	gboolean out_again = frame->outcome != NIC_RX_DELIVERED;
	enum xdp_action action = redirected ? XDP_REDIRECT : out_again ? XDP_TX : XDP_PASS;
	g_autofree char *comment = g_strdup_printf("frame %u: XDP_%s", index + 1,
						   redirected  ? "REDIRECT"
						   : out_again ? "TX"
							       : "PASS");
	const struct pcapng_frame out = {
		.time_ns = capture_frame(run->capture, index)->time_ns,
		.data = frame->data,
		.len = frame->len,
		.outbound = out_again,
		.queue = (int)frame->queue,
		.xdp_action = action,
		.comment = comment,
	};

	pcapng_write(run->output, &out);
}

/* Feed the capture once, its times shifted by @shift_ns to keep the device's clock going. */
static gboolean feed(struct run *run, gboolean write, uint64_t shift_ns, GError **error)
{
	for (unsigned i = 0; i < run->capture->frames->len; i++) {
		const struct capture_frame *in = capture_frame(run->capture, i);
		struct guest_frame out;

		if (!guest_receive(run->guest, capture_data(run->capture, i), in->len,
				   in->time_ns + shift_ns, &out, error)) {
			g_prefix_error(error, "frame %u: ", i + 1);
			return FALSE;
		}
		run->report->frames++;
		run->report->elapsed_ns += out.elapsed_ns;
		streams_collect(&run->report->streams);
		redirects_count(&run->report->redirects, &out.redirect);
		if (write && out.data)
			write_frame(run, i, &out);
	}
	return TRUE;
}

static gboolean feed_all(struct run *run, GError **error)
{
	unsigned n = run->capture->frames->len;
	uint64_t span = 0;

	if (n)
		span = capture_frame(run->capture, n - 1)->time_ns -
		       capture_frame(run->capture, 0)->time_ns;
	for (int i = 0; i < run->options->repeat; i++) {
		if (!feed(run, run->output && !i, i * span, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean run_frames(struct run *run, GError **error)
{
	const struct options *o = run->options;
	gboolean ok;

	if (o->output) {
		run->output = pcapng_create(o->output, "sluice-run", "sl0", error);
		if (!run->output)
			return FALSE;
	}
	ok = feed_all(run, error);
	if (run->output)
		ok &= pcapng_close(run->output, ok ? error : NULL);
	return ok;
}

static gboolean check_balance(const struct report *report, GError **error)
{
	const char *why;

	if (nic_port_stats_balance(report->stats, &why))
		return TRUE;
	g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED,
		    "the NIC model lost count (%s); this is a defect of Sluice", why);
	return FALSE;
}

static gboolean run_in_nic(const struct options *o, const struct program *program,
			   const struct capture *capture, const struct bpfe_fib *fib,
			   GError **error)
{
	struct report report = {.program = program, .capture = input(o)};
	struct run run = {.options = o, .capture = capture, .report = &report};
	gboolean ok = FALSE;
	int ret;

	run.guest = guest_create(o->queue, error);
	if (!run.guest)
		return FALSE;
	nic_set_fib(guest_nic(run.guest), fib);
	streams_open(&report.streams, program);
	ret = nic_set_program(guest_nic(run.guest), 0, program->loaded, PROGRAM_ID);
	if (ret)
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED,
			    "the NIC model does not take the program: %s", g_strerror(-ret));
	else
		ok = run_frames(&run, error);
	if (ok) {
		nic_port_stats(guest_nic(run.guest), 0, report.stats);
		ok = check_balance(&report, error);
	}
	if (ok)
		(o->json ? report_json : report_table)(&report);
	redirects_clear(&report.redirects);
	streams_close(&report.streams);
	guest_free(run.guest);
	return ok;
}

static gboolean set_globals(void *opaque, struct bpfe_object *object, GError **error)
{
	const struct options *o = opaque;
	gboolean ok = TRUE;

	for (char **preset = o->globals; ok && preset && *preset; preset++)
		ok = globals_preset(object, *preset, error);
	return ok;
}

/* Links, routes and neighbours the table has room for. */
#define MAX_LINKS  256u
#define MAX_ROUTES 65536u

/* As run_in_nic(), with the forwarding table filled, if there is to be one. */
static gboolean run_with_routes(const struct options *o, const struct program *program,
				const struct capture *capture, GError **error)
{
	struct bpfe_fib *fib = NULL;
	gboolean ok;

	if (o->routes) {
		fib = bpfe_fib_new(MAX_LINKS, MAX_ROUTES, NULL);
		if (!fib) {
			g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED,
				    "no memory for the forwarding table");
			return FALSE;
		}
	}
	ok = !fib || ip_batch_read(fib, o->routes, error);
	if (ok)
		ok = run_in_nic(o, program, capture, fib, error);
	bpfe_fib_free(fib);
	return ok;
}

static gboolean run_program(struct options *o, const struct capture *capture, GError **error)
{
	struct program *program =
		o->filter ? program_open_filter(o->filter, &o->engine, o->verbose, error)
			  : program_open_prepared(o->files[0], o->program, &o->engine, o->verbose,
						  set_globals, o, error);
	gboolean ok = program != NULL;

	if (ok && o->verbose)
		g_printerr("%s", program->log);
	for (char **preset = o->presets; ok && preset && *preset; preset++)
		ok = maps_preset(program->file->object, program->maps, *preset, error);
	if (ok)
		ok = run_with_routes(o, program, capture, error);
	program_close(program);
	return ok;
}

static gboolean run(struct options *o, int argc, char **argv, GError **error)
{
	struct capture *capture;
	gboolean ok;

	if (!parse_options(o, argc, argv, error))
		return FALSE;
	capture = capture_read(input(o), error);
	if (!capture)
		return FALSE;
	bpfe_thread_register();
	ok = run_program(o, capture, error);
	bpfe_thread_unregister();
	bpfe_rcu_barrier();
	capture_free(capture);
	return ok;
}

int main(int argc, char **argv)
{
	struct options options = {.repeat = 1};
	g_autoptr(GError) error = NULL;
	enum exit_code code = EXIT_FINE;

	libbpf_set_print(NULL); /* what matters is said by this program */
	if (!run(&options, argc, argv, &error)) {
		code = g_error_matches(error, TOOL_ERROR, TOOL_ERROR_FAILED) ? EXIT_REFUSED
									     : EXIT_USAGE;
		fprintf(stderr, "sluice-run: %s\n", error->message);
	}
	options_clear(&options);
	if (fflush(stdout) || ferror(stdout)) {
		perror("sluice-run: standard output");
		code = EXIT_REFUSED;
	}
	return code;
}
