// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * The verifier's frame: passes over the program's graph, exploration path by path, once more with
 * paths joined if that was too much, and the depth of stack that calls add up to.
 *
 * Refusals name the instruction, what is wrong, what the register holds, what would be accepted,
 * the line of source and the jumps that led there.
 */
#include <stdarg.h>
#include "verifier/flow.h"

#define PATH_SHOWN 16u

/* Instructions (and work that counts as much) of the attempts; see explore(). */
#define EASY_INSNS   100000u
#define JOINED_INSNS 300000u

/* ---- Refusals ------------------------------------------------------------------------------ */

static void log_path(struct bpfe_vf *vf)
{
	const struct bpfe_path *shown[PATH_SHOWN];
	const struct bpfe_path *node = vf->path;
	uint32_t n = 0;

	while (node && n < PATH_SHOWN) {
		shown[n++] = node;
		node = node->prev;
	}
	bpfe_log(vf->log, "    path:%s", node ? " ..." : " 0");
	while (n--)
		bpfe_log(vf->log, " %u->%u", shown[n]->insn, shown[n]->next);
	bpfe_log(vf->log, "\n");
}

static void log_details(struct bpfe_vf *vf, int regno, const char *accepted)
{
	const struct bpfe_image *image = vf->image;
	const char *line = NULL;
	char reg[BPFE_REG_TEXT];

	if (regno >= 0 && vf->cur) {
		bpfe_reg_print(vf, &bpfe_top(vf->cur)->regs[regno], reg, sizeof(reg));
		bpfe_log(vf->log, "    R%d=%s\n", regno, reg);
	}
	if (accepted)
		bpfe_log(vf->log, "    accepted: %s\n", accepted);
	if (image->source_line)
		line = image->source_line(image->source_opaque, vf->pc);
	if (line)
		bpfe_log(vf->log, "    source: %s\n", line);
	log_path(vf);
}

static int refuse(struct bpfe_vf *vf, int err, enum bpfe_reason reason, int regno,
		  const char *accepted, const char *fmt, va_list args)
{
	const struct bpfe_image *image = vf->image;
	char insn[128], message[512];

	vsnprintf(message, sizeof(message), fmt, args);
	if (!bpfe_disasm(&image->insns[vf->pc], image->n_insns - vf->pc, insn, sizeof(insn)))
		snprintf(insn, sizeof(insn), "?");
	if (vf->joining && err == -EACCES) {
		err = -E2BIG;
		bpfe_refuse(vf->log, err, BPFE_TOO_COMPLEX, vf->pc,
			    "too complex to follow path by path (limit %u instructions), and with "
			    "paths joined:",
			    BPFE_VF_BUDGET);
	}
	err = bpfe_refuse(vf->log, err, reason, vf->pc, "%u: (%s) %s", vf->pc, insn, message);
	log_details(vf, regno, accepted);
	return err;
}

int bpfe_vf_refuse(struct bpfe_vf *vf, enum bpfe_reason reason, int regno, const char *accepted,
		   const char *fmt, ...)
{
	va_list args;
	int err;

	va_start(args, fmt);
	err = refuse(vf, -EACCES, reason, regno, accepted, fmt, args);
	va_end(args);
	return err;
}

int bpfe_vf_refuse_err(struct bpfe_vf *vf, int err, enum bpfe_reason reason, const char *accepted,
		       const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	err = refuse(vf, err, reason, -1, accepted, fmt, args);
	va_end(args);
	return err;
}

/* The first attempt says nothing: the second may do. */
int bpfe_vf_too_complex(struct bpfe_vf *vf)
{
	vf->exhausted = true;
	if (vf->attempts_left)
		return -E2BIG;
	return bpfe_vf_refuse_err(vf, -E2BIG, BPFE_TOO_COMPLEX,
				  "fewer paths: simpler conditions, smaller loop bounds",
				  "verification took more than %u instructions, path by path and "
				  "with paths joined",
				  BPFE_VF_BUDGET);
}

int bpfe_vf_no_memory(struct bpfe_vf *vf)
{
	/* At our own limit the program is too complex; below it, the host is out of memory. */
	if (vf->bytes > BPFE_VF_MEMORY / 2)
		return bpfe_vf_too_complex(vf);
	return bpfe_vf_refuse_err(vf, -ENOMEM, BPFE_NO_MEMORY, NULL,
				  "the host has no memory for verification");
}

/* ---- Entry --------------------------------------------------------------------------------- */

/* What one attempt found does not count for the next. */
static void forget(struct bpfe_vf *vf)
{
	struct bpfe_image *image = vf->image;

	for (uint32_t i = 0; i < image->n_insns; i++) {
		image->aux[i].seen = false;
		image->aux[i].ctx_field = BPFE_CTX_NONE;
		image->aux[i].mem_kind = BPFE_MEM_NONE;
	}
	for (uint32_t f = 0; f < image->n_subprogs; f++) {
		image->subprogs[f].stack_bytes = 0;
		image->subprogs[f].has_tail_call = false;
	}
	image->max_packet_offset = 0;
	image->has_tail_call = false;
	bpfe_facts_forget(image);
	bpfe_flow_forget_calls(vf);
}

static int attempt(struct bpfe_vf *vf, uint64_t insns, bool joining)
{
	int err;

	forget(vf);
	vf->joining = joining;
	vf->endless = joining;
	vf->exhausted = false;
	vf->work = 0;
	vf->budget = insns * BPFE_VF_STEP;
	err = bpfe_explore(vf);
	vf->joining = false;
	return err;
}

/* The second attempt and, if need be, the third. */
static int explore_hard(struct bpfe_vf *vf)
{
	char text[2048] = "";
	struct bpfe_log *log = vf->log, joined = {.buf = text, .size = sizeof(text)};
	int err;

	if (log && log->level >= 1)
		bpfe_log(log, "not easy to follow path by path, joining paths\n");
	vf->log = &joined;
	vf->attempts_left = 1;
	err = attempt(vf, JOINED_INSNS, true);
	vf->log = log;
	if (err == -E2BIG) {
		vf->attempts_left = joined.reason ? 1 : 0;
		err = attempt(vf, BPFE_VF_BUDGET, false);
		if (err != -E2BIG || !vf->exhausted || !joined.reason)
			return err;
	}
	/* The refusal is a line already, and becomes one again. */
	if (err)
		bpfe_refuse(log, err, joined.reason, joined.insn, "%.*s",
			    joined.len ? (int)joined.len - 1 : 0, text);
	return err;
}

/* What was said since @before is not so. */
static void take_back(struct bpfe_log *log, const struct bpfe_log *before)
{
	if (!log)
		return;
	*log = *before;
	if (log->buf && log->len < log->size)
		log->buf[log->len] = '\0';
}

/*
 * Path by path, as long as that is easy; then joined, which is quick; and if that forgets too much,
 * path by path again as far as Linux would go. What joining had to say is said if all fails.
 */
static int explore(struct bpfe_vf *vf)
{
	const struct bpfe_log before = vf->log ? *vf->log : (struct bpfe_log){0};
	int err;

	vf->attempts_left = 2;
	vf->forgetful = true;
	err = attempt(vf, EASY_INSNS, false);
	vf->forgetful = false;
	if (err == -EACCES && vf->forgot) {
		take_back(vf->log, &before);
		err = attempt(vf, EASY_INSNS, false);
	}
	return err == -E2BIG && vf->exhausted ? explore_hard(vf) : err;
}

static int verify(struct bpfe_vf *vf)
{
	int err = bpfe_flow_build(vf);

	if (err)
		return err;
	vf->points = calloc(vf->image->n_insns, sizeof(*vf->points));
	if (!vf->points)
		return bpfe_vf_no_memory(vf);
	err = explore(vf);
	if (!err)
		err = bpfe_check_stack_depth(vf);
	if (err)
		return err;
	bpfe_facts_finish(vf->image);
	vf->image->longest_run = bpfe_longest_run(vf);
	return 0;
}

int bpfe_verify(struct bpfe_image *image, struct bpfe_log *log)
{
	struct bpfe_vf vf = {.image = image, .log = log};
	int err;

	bpfe_vf_memory_begin(&vf);
	err = verify(&vf);
	free(vf.points);
	bpfe_vf_memory_end(&vf);
	bpfe_flow_free(vf.flow);
	image->states = vf.states;
	image->insns_verified = vf.processed;
	image->peak_bytes = vf.peak;
	if (!err && log && log->level >= 1)
		bpfe_log(log,
			 "processed %llu insns (limit %u) states %u peak_memory %llu KiB stack "
			 "depth "
			 "%u max_packet_offset %u\n",
			 (unsigned long long)vf.processed, BPFE_VF_BUDGET, vf.states,
			 (unsigned long long)vf.peak / 1024, image->stack_bytes,
			 image->max_packet_offset);
	return err;
}
