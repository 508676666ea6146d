// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * sluice-bpf run: a program over one frame or over a capture, by the engine alone. What the NIC
 * around it does is what sluice-run shows.
 */
#include "bpf.h"
#include "capture.h"
#include "error.h"
#include "hex.h"
#include "pcapng.h"
#include "program.h"
#include "verdict.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define MAX_FRAME 65535u /* as the NIC takes it */
#define TAILROOM  320u

struct options {
	char **files;
	char *program;
	char *frame;
	char *output;
	int repeat;
	gboolean verbose;
	struct engine_options engine;
};

/* A program at work. */
struct runner {
	const struct options *options;
	struct program *program;
	struct bpfe_xdp_buff xdp;
	uint8_t *memory; /* headroom, frame, tailroom */
	struct pcapng *output;
	uint64_t verdicts[VERDICT_OTHER + 1];
	uint64_t frames, insns, elapsed_ns;
};

static uint64_t wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- One frame ------------------------------------------------------------------------------ */

/* What a program prints. It may be anybody's, and the terminal is the user's. */
static void trace(void *opaque, uint32_t cpu, const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		fputc(g_ascii_isprint(line[i]) ? line[i] : '?', stderr);
	fputc('\n', stderr);
}

/* Interface 1, where frames come in, is an Ethernet port as it usually is. */
static uint32_t mtu(void *opaque, uint32_t ifindex)
{
	return ifindex == 1 ? 1500 : 0;
}

static const struct bpfe_host host = {.trace = trace, .mtu = mtu};

/* Each run begins with the frame as it came, and nothing else in memory. */
static void place_frame(struct runner *r, const void *frame, uint32_t len, uint64_t time_ns)
{
	size_t size = BPFE_HEADROOM + len + TAILROOM;

	memset(r->memory, 0, size);
	memcpy(r->memory + BPFE_HEADROOM, frame, len);
	r->xdp = (struct bpfe_xdp_buff){
		.hard_start = r->memory,
		.data_meta = r->memory + BPFE_HEADROOM,
		.data = r->memory + BPFE_HEADROOM,
		.data_end = r->memory + BPFE_HEADROOM + len,
		.hard_end = r->memory + size,
		.ingress_ifindex = 1,
		.now_ns = time_ns,
		.host = &host,
	};
}

static struct bpfe_result run_frame(struct runner *r, const void *frame, uint32_t len,
				    uint64_t time_ns)
{
	struct bpfe_result result;
	uint64_t begin;

	place_frame(r, frame, len, time_ns);
	begin = wall_ns();
	bpfe_rcu_read_lock();
	result = bpfe_run(r->program->loaded, &r->xdp);
	bpfe_rcu_read_unlock();
	r->elapsed_ns += wall_ns() - begin;
	r->frames++;
	r->insns += result.insns;
	r->verdicts[verdict_of(&result)]++;
	return result;
}

static void print_result(const struct bpfe_result *result)
{
	printf("%s, return value %u, %" PRIu64 " instructions", verdict_name(verdict_of(result)),
	       result->retval, result->insns);
	if (result->abort)
		printf(", %s at instruction %u", verdict_abort_text(result->abort),
		       result->abort_insn);
	putchar('\n');
}

static uint32_t frame_len(const struct bpfe_xdp_buff *xdp)
{
	return (uint32_t)(xdp->data_end - xdp->data);
}

static void print_bytes(const char *what, const uint8_t *from, const uint8_t *to)
{
	g_autofree char *text = hex_format(from, (size_t)(to - from), " ");

	printf("%s, %zu bytes: %s\n", what, (size_t)(to - from), text);
}

static gboolean run_given_frame(struct runner *r, GError **error)
{
	const struct options *o = r->options;
	g_autoptr(GByteArray) frame = hex_parse("--frame", o->frame, error);
	struct bpfe_result result = {0};

	if (!frame)
		return FALSE;
	if (!frame->len || frame->len > MAX_FRAME)
		return usage_error(error, "run", "--frame: %u bytes; a frame has 1 to %u",
				   frame->len, MAX_FRAME);
	for (int i = 0; i < o->repeat; i++)
		result = run_frame(r, frame->data, frame->len, 0);
	print_result(&result);
	if (r->xdp.data_meta < r->xdp.data)
		print_bytes("metadata", r->xdp.data_meta, r->xdp.data);
	print_bytes("frame", r->xdp.data, r->xdp.data_end);
	if (o->repeat > 1)
		printf("%d runs, %.0f ns each\n", o->repeat,
		       (double)r->elapsed_ns / (double)o->repeat);
	return TRUE;
}

/* ---- A capture ------------------------------------------------------------------------------ */

static void write_frame(struct runner *r, const struct capture_frame *in, unsigned number,
			enum verdict verdict)
{
	g_autofree char *comment = g_strdup_printf("frame %u: %s", number, verdict_name(verdict));
	const struct pcapng_frame out = {
		.time_ns = in->time_ns,
		.data = r->xdp.data,
		.len = frame_len(&r->xdp),
		.outbound = verdict != VERDICT_PASS,
		.xdp_action = (uint64_t)verdict,
		.comment = comment,
	};

	pcapng_write(r->output, &out);
}

static gboolean leaves(enum verdict verdict)
{
	return verdict == VERDICT_PASS || verdict == VERDICT_TX || verdict == VERDICT_REDIRECT;
}

static gboolean run_pass(struct runner *r, const struct capture *capture, gboolean first,
			 GError **error)
{
	for (unsigned i = 0; i < capture->frames->len; i++) {
		const struct capture_frame *in = capture_frame(capture, i);
		struct bpfe_result result;

		if (in->len > MAX_FRAME) {
			g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED,
				    "frame %u has %u bytes; a frame has %u at most", i + 1, in->len,
				    MAX_FRAME);
			return FALSE;
		}
		result = run_frame(r, capture_data(capture, i), in->len, in->time_ns);
		if (first && r->output && leaves(verdict_of(&result)))
			write_frame(r, in, i + 1, verdict_of(&result));
		if (first && r->options->verbose) {
			printf("%6u: %u bytes: ", i + 1, in->len);
			print_result(&result);
		}
	}
	return TRUE;
}

static void print_counts(const struct runner *r)
{
	double frames = r->frames ? (double)r->frames : 1.0;

	printf("%" PRIu64 " frames, %.1f instructions and %.0f ns a frame\n", r->frames,
	       (double)r->insns / frames, (double)r->elapsed_ns / frames);
	for (int v = 0; v <= VERDICT_OTHER; v++) {
		if (r->verdicts[v])
			printf("  %-13s %12" PRIu64 "\n", verdict_name(v), r->verdicts[v]);
	}
}

static gboolean run_capture(struct runner *r, GError **error)
{
	const struct options *o = r->options;
	struct capture *capture = capture_read(o->files[1], error);
	gboolean ok = capture != NULL;

	if (ok && o->output) {
		r->output = pcapng_create(o->output, "sluice-bpf run", "sl0", error);
		ok = r->output != NULL;
	}
	for (int i = 0; ok && i < o->repeat; i++)
		ok = run_pass(r, capture, !i, error);
	if (r->output)
		ok &= pcapng_close(r->output, ok ? error : NULL);
	capture_free(capture);
	if (ok)
		print_counts(r);
	return ok;
}

/* ---- The command ---------------------------------------------------------------------------- */

static gboolean parse(struct options *o, int argc, char **argv, GError **error)
{
	const GOptionEntry entries[] = {
		{"prog", 'p', 0, G_OPTION_ARG_STRING, &o->program,
		 "Program to run when the object has several", "NAME"},
		{"frame", 'f', 0, G_OPTION_ARG_STRING, &o->frame,
		 "Run over this frame, and print what became of it", "HEX"},
		{"write", 'w', 0, G_OPTION_ARG_FILENAME, &o->output,
		 "Write the frames that are passed on to FILE (pcapng)", "FILE"},
		{"repeat", 'r', 0, G_OPTION_ARG_INT, &o->repeat, "Run N times (default 1)", "N"},
		{"verbose", 'v', 0, G_OPTION_ARG_NONE, &o->verbose,
		 "Print a line for each frame of the capture", NULL},
		ENGINE_OPTION(&o->engine),
		HARDEN_OPTION(&o->engine),
		CHECKED_OPTION(&o->engine),
		{0},
	};
	guint n;

	if (!parse_options("run", "PROG.o [IN.pcap]",
			   "Run a program over the frames of a capture, or over one frame given "
			   "as hex.\n"
			   "Exit status: 0 all frames ran; 1 program or capture refused; 2 wrong "
			   "usage.",
			   entries, argc, argv, &o->files, error))
		return FALSE;
	n = o->files ? g_strv_length(o->files) : 0;
	if (n != (o->frame ? 1 : 2))
		return usage_error(error, "run",
				   "expected PROG.o and IN.pcap, or PROG.o and --frame HEX");
	if (o->frame && o->output)
		return usage_error(error, "run", "--write needs a capture");
	if (o->repeat < 1)
		return usage_error(error, "run", "--repeat must be at least 1");
	if (!engine_options_parse(&o->engine, "sluice-bpf run", error))
		return FALSE;
	/* How many instructions there were is part of the answer, whatever ran them. */
	o->engine.flags |= BPFE_LOAD_COUNTED;
	return TRUE;
}

static gboolean run_program(const struct options *o, GError **error)
{
	struct runner runner = {.options = o};
	gboolean ok;

	runner.program = program_open(o->files[0], o->program, &o->engine, FALSE, error);
	if (!runner.program)
		return FALSE;
	runner.memory = g_malloc0(BPFE_HEADROOM + MAX_FRAME + TAILROOM);
	ok = o->frame ? run_given_frame(&runner, error) : run_capture(&runner, error);
	g_free(runner.memory);
	program_close(runner.program);
	return ok;
}

int cmd_run(int argc, char **argv, GError **error)
{
	struct options options = {.repeat = 1};
	int code = EXIT_FINE;

	if (!parse(&options, argc, argv, error))
		code = EXIT_USAGE;
	else if (!run_program(&options, error))
		code = EXIT_REFUSED;
	g_strfreev(options.files);
	g_free(options.program);
	g_free(options.frame);
	g_free(options.output);
	engine_options_clear(&options.engine);
	return code;
}
