/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A classic program converted, accepted and run, against libpcap's interpreter. No cmocka here: the
 * fuzz target uses it too. */
#ifndef TEST_CLASSIC_COMPARE_H
#define TEST_CLASSIC_COMPARE_H

#include <stdbool.h>
#include "bpf_classic.h"

enum compare_outcome {
	COMPARE_REFUSED,      /* by the validator, which says why */
	COMPARE_NOT_ACCEPTED, /* by the verifier: a defect */
	COMPARE_ABORTED,      /* the run was cut short: a defect */
	COMPARE_DIFFERENT,    /* a defect */
	COMPARE_SAME,
};

struct compare {
	struct bpfe_program *prog;
	const struct sock_filter *insns;
	char why[4096];
};

/* Convert and load; COMPARE_SAME if that worked. compare_end() afterwards in any case. */
enum compare_outcome compare_begin(struct compare *c, const struct sock_filter *insns, uint32_t n,
				   uint32_t load_flags);

/* Run over a frame of up to 65535 bytes. @value gets what the filter returns. */
enum compare_outcome compare_run(struct compare *c, const void *frame, uint32_t len,
				 uint32_t *value);
void compare_end(struct compare *c);

/* The converted program over a frame alone, with these numbers of interface and queue. */
struct bpfe_result compare_run_alone(const struct bpfe_program *prog, const void *frame,
				     uint32_t len, uint32_t ifindex, uint32_t queue);

/* Does it load what libpcap's interpreter does not know? */
bool compare_has_ancillary(const struct sock_filter *insns, uint32_t n);

#endif
