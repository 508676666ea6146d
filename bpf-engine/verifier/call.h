/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * A call of a helper or kfunc while its arguments are checked. Checks come first, argument by
 * argument, and write down here what the call will do; call_helper.c lets it happen afterwards.
 */
#ifndef BPFE_CALL_H
#define BPFE_CALL_H

#include "verifier/verifier.h"

/* Stack that the helper fills: [lo, sure) for certain, up to hi perhaps. */
struct bpfe_fill {
	bool pending;
	uint32_t frame;
	int64_t lo, sure, hi;
};

struct bpfe_call {
	const struct bpfe_helper *helper;
	struct bpfe_reg map;              /* the map argument; BPFE_REG_UNINIT: none yet */
	const struct bpfe_map_attr *attr; /* of that */
	bool key_known;                   /* constant and within the array */
	bool sized;                       /* size is what a BPFE_ARG_CONST_ALLOC said */
	uint32_t size;
	uint32_t release;         /* reference given back; 0: none */
	struct bpfe_reg dynptr;   /* the dynptr argument; BPFE_REG_UNINIT: none yet */
	int dynptr_out;           /* register that points to where a dynptr is made; 0: none */
	struct bpfe_fill fill[5]; /* by argument */
};

/* How a helper uses memory given to it. */
enum bpfe_use {
	BPFE_USE_READ,
	BPFE_USE_FILL,
	BPFE_USE_BOTH,
	BPFE_USE_NONE, /* it must be memory, and stays as it is */
};

/* call_helper.c: argument @regno is not what the helper takes. */
int bpfe_refuse_arg(struct bpfe_vf *vf, enum bpfe_reason reason, int regno, const char *accepted,
		    const struct bpfe_call *call);

/* arg_mem.c: memory of at least @sure and at most @size bytes; sizes; constants; strings. */
int bpfe_check_memory(struct bpfe_vf *vf, int regno, uint64_t sure, uint64_t size,
		      enum bpfe_use use, struct bpfe_call *call);
int bpfe_check_memory_arg(struct bpfe_vf *vf, int regno, struct bpfe_call *call);
int bpfe_check_size_arg(struct bpfe_vf *vf, int regno, struct bpfe_call *call);
int bpfe_check_constant_arg(struct bpfe_vf *vf, int regno, struct bpfe_call *call);
int bpfe_check_string_arg(struct bpfe_vf *vf, int regno, struct bpfe_call *call);

/* arg_map.c: maps, keys, values. map_compat.c: does the helper go with the map? */
int bpfe_check_map_arg(struct bpfe_vf *vf, int regno, struct bpfe_call *call);
int bpfe_check_element_arg(struct bpfe_vf *vf, int regno, uint8_t arg, struct bpfe_call *call);
int bpfe_check_map_type(struct bpfe_vf *vf, int regno, const struct bpfe_call *call);

/* dynptr.c: dynptrs as arguments, and what a call makes of them. */
int bpfe_check_dynptr_arg(struct bpfe_vf *vf, int regno, uint8_t arg, struct bpfe_call *call);
int bpfe_vf_make_dynptr(struct bpfe_vf *vf, const struct bpfe_call *call);
struct bpfe_reg bpfe_vf_slice(struct bpfe_vf *vf, const struct bpfe_call *call);

/* The argument kind without BPFE_ARG_NULLABLE. */
static inline uint8_t bpfe_arg_kind(uint8_t arg)
{
	return arg & (uint8_t)~(BPFE_ARG_NULLABLE | BPFE_ARG_UNSET_OK);
}

#endif
