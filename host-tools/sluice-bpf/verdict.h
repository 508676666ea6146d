/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What a run of an XDP program comes to, with its names. */
#ifndef SLUICE_BPF_VERDICT_H
#define SLUICE_BPF_VERDICT_H

#include <bpf_engine.h>

enum verdict {
	VERDICT_ABORTED = XDP_ABORTED,
	VERDICT_DROP = XDP_DROP,
	VERDICT_PASS = XDP_PASS,
	VERDICT_TX = XDP_TX,
	VERDICT_REDIRECT = XDP_REDIRECT,
	VERDICT_OTHER, /* a return value that is no verdict */
};

static inline enum verdict verdict_of(const struct bpfe_result *result)
{
	return result->retval < VERDICT_OTHER ? (enum verdict)result->retval : VERDICT_OTHER;
}

static inline const char *verdict_name(enum verdict verdict)
{
	static const char *const names[] = {"XDP_ABORTED", "XDP_DROP",     "XDP_PASS",
					    "XDP_TX",      "XDP_REDIRECT", "not a verdict"};

	return names[verdict];
}

static inline const char *verdict_abort_text(enum bpfe_abort reason)
{
	static const char *const texts[] = {
		[BPFE_ABORT_NONE] = "not cut short",
		[BPFE_ABORT_BUDGET] = "out of its budget of instructions",
		[BPFE_ABORT_TRAP] = "at code the verifier did not see",
		[BPFE_ABORT_MEMORY] = "about to touch memory that is not its own",
	};

	return (unsigned)reason < sizeof(texts) / sizeof(texts[0]) ? texts[reason] : "cut short";
}

#endif
