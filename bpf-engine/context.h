/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What a program finds at its context pointer: struct xdp_md, or struct __sk_buff of a tc program.
 * Neither exists in memory. The verifier holds accesses against this table; the translator turns
 * them into accesses to struct bpfe_xdp_buff and computed values.
 */
#ifndef BPFE_CONTEXT_H
#define BPFE_CONTEXT_H

#include "internal.h"

/* Where a field's value comes from. */
enum bpfe_ctx_source {
	BPFE_CTX_FROM_POINTER, /* a pointer of struct bpfe_xdp_buff, 32-bit offset to the program */
	BPFE_CTX_FROM_U32,     /* a uint32_t of it, or several in a row */
	BPFE_CTX_COMPUTED,
};

enum {
	BPFE_CTX_NARROW = 1, /* aligned parts may be loaded */
	BPFE_CTX_WRITE = 2,  /* may be stored to, whole */
	BPFE_CTX_MASKED = 4, /* Linux keeps fewer bits than the field has */
	BPFE_CTX_ANY = 8,    /* aligned accesses of 1, 2, 4, 8 bytes inside, loads and stores */
};

struct bpfe_ctx_row {
	const char *name;
	uint8_t field;  /* enum bpfe_ctx_field */
	uint8_t source; /* enum bpfe_ctx_source */
	uint8_t access; /* set of BPFE_CTX_NARROW... */
	uint16_t off;   /* of the field in the context, bytes */
	uint16_t size;
	uint16_t at; /* offset in struct bpfe_xdp_buff, unless computed */
};

/* The field that byte @off of the context of a @type program belongs to; NULL: none. */
const struct bpfe_ctx_row *bpfe_ctx_row_at(uint32_t type, int64_t off);

/* Row of a field in the context of a @type program; NULL: it has none. */
const struct bpfe_ctx_row *bpfe_ctx_row(uint32_t type, uint8_t field);

/* May a program access @size bytes (1, 2, 4, 8) at byte @off, which lies in @row? */
bool bpfe_ctx_allowed(const struct bpfe_ctx_row *row, int64_t off, unsigned size, bool write);

/* skb->protocol of a frame as it arrived: its EtherType in network byte order, 0 if it has none. */
uint32_t bpfe_ctx_protocol(const struct bpfe_xdp_buff *xdp);

/*
 * Load @size bytes beginning with byte @byte of field @field, which is no pointer, for a run over
 * @xdp whose frame arrived with @protocol. Zero-extended.
 */
uint64_t bpfe_ctx_load(const struct bpfe_xdp_buff *xdp, uint32_t protocol, uint8_t field,
		       unsigned byte, unsigned size);

/* Store the low @size bytes of @value there; fields and sizes as bpfe_ctx_allowed() has it. */
void bpfe_ctx_store(struct bpfe_xdp_buff *xdp, uint8_t field, unsigned byte, unsigned size,
		    uint64_t value);

#endif
