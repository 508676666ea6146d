/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The firmware over the model guest, with a driver's half of the registers and the admin rings.
 * Helpers that can only fail by a fault of the device assert; what a test is about it looks at
 * itself.
 */
#ifndef FW_GUEST_H
#define FW_GUEST_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <firmware.h>

#include "insn.h"
#include "model_guest.h"

#define FWG_RING   16u
#define FWG_DATA   (2u << 20) /* bytes of guest memory for an attribute list */
#define FWG_RESP   (256u << 10)
#define FWG_VECTOR 2u

struct fw_guest {
	struct model_guest *g;
	struct fw *fw;
	uint64_t asq, acq, evq;
	uint32_t asq_size, acq_size, evq_size; /* as fwg_boot() sets them */
	uint16_t asq_tail;
	uint32_t acq_head, evq_head;

	/* The command under construction. */
	struct sluice_cmd cmd;
	uint64_t data, resp;
	uint16_t next_tag;

	bool objects;
	unsigned objects_calls;
};

struct fw_guest *fwg_new(const struct fw_limits *limits);
void fwg_free(struct fw_guest *f);

/* For cmocka: a booted device with default limits as *state, and its end. */
int fwg_setup(void **state);
int fwg_teardown(void **state);

uint32_t fwg_read(struct fw_guest *f, uint64_t reg);
uint64_t fwg_read64(struct fw_guest *f, uint64_t reg);
void fwg_write(struct fw_guest *f, uint64_t reg, uint32_t value);
void fwg_write64(struct fw_guest *f, uint64_t reg, uint64_t value); /* two halves */

/* Accept all features, set up the rings with the sizes in @f, enable; no assertion. */
void fwg_boot(struct fw_guest *f);
void fwg_configure(struct fw_guest *f);

/* ---- Commands ----------------------------------------------------------------------------- */

/* Begin a command: zero but for opcode and a new tag, FWG_RESP bytes of room for the response. */
struct sluice_cmd *fwg_begin(struct fw_guest *f, uint16_t opcode);

/* Arguments, @size bytes. */
void fwg_args(struct fw_guest *f, const void *args, size_t size);

/* Append an attribute, padded. */
void fwg_attr(struct fw_guest *f, uint16_t type, const void *payload, uint32_t len);

/* Where the attribute list and the response lie in guest memory. */
uint8_t *fwg_data(struct fw_guest *f);
void *fwg_resp(struct fw_guest *f);

/* Put the command on the ring; ring the doorbell; take a completion if there is one. */
void fwg_put(struct fw_guest *f);
void fwg_ring(struct fw_guest *f);
bool fwg_poll(struct fw_guest *f, struct sluice_cmd_cpl *cpl);

/* All three, waiting for the worker. Asserts that one completion with the command's tag comes. */
struct sluice_cmd_cpl fwg_run(struct fw_guest *f);

/* As fwg_run(), and asserts the status and the detail. Returns the result. */
uint64_t fwg_expect(struct fw_guest *f, uint16_t status, uint32_t detail);

/* Take the next event. */
bool fwg_poll_event(struct fw_guest *f, struct sluice_event *event);

/* ---- Often used --------------------------------------------------------------------------- */

uint32_t fwg_map(struct fw_guest *f, uint32_t type, uint32_t key_size, uint32_t value_size,
		 uint32_t max_entries);
uint16_t fwg_map_update(struct fw_guest *f, uint32_t map, const void *key, uint32_t key_size,
			const void *value, uint32_t value_size, uint64_t flags);
void fwg_begin_map(struct fw_guest *f, uint16_t opcode, uint32_t map);
void fwg_begin_prog(struct fw_guest *f, uint16_t opcode, uint32_t prog, uint32_t expected,
		    uint32_t flags);
void fwg_begin_load(struct fw_guest *f, const struct bpf_insn *insns, uint32_t n);
uint32_t fwg_load(struct fw_guest *f, const struct bpf_insn *insns, uint32_t n);

/* Programs: return @verdict; look up key 0 of array @map and return PASS when it is there. */
uint32_t fwg_load_verdict(struct fw_guest *f, uint32_t verdict);
uint32_t fwg_load_lookup(struct fw_guest *f, uint32_t map);

#define FWG_N(array) ((uint32_t)(sizeof(array) / sizeof((array)[0])))

#define FWG_TEST(name) cmocka_unit_test_setup_teardown(name, fwg_setup, fwg_teardown)

#endif
