/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The compiler on a host that it does not know: there is none. */
#include <errno.h>
#include "jit/jit.h"

int bpfe_jit_available(struct bpfe_log *log)
{
	return bpfe_refuse(log, -EOPNOTSUPP, BPFE_BAD_ENCODING, 0,
			   "programs are compiled for x86-64 only");
}

int bpfe_jit_compile(const struct bpfe_image *image, const struct jit_options *options,
		     const char *name, struct bpfe_jit **jit, struct bpfe_log *log)
{
	return bpfe_jit_available(log);
}

void bpfe_jit_free(struct bpfe_jit *jit)
{
}

struct bpfe_result bpfe_jit_run(const struct bpfe_program *prog, struct bpfe_xdp_buff *xdp,
				uint64_t r1, uint64_t r2)
{
	return (struct bpfe_result){.abort = BPFE_ABORT_TRAP};
}
