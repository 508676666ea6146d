/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What a QEMU and the manager say to each other over a Unix SOCK_SEQPACKET socket, one message in
 * each packet, host's byte order: both ends are on one machine. A packet of another size than its
 * type's, of an unknown type or out of order ends the connection.
 *
 * Client                                        Manager
 *   HELLO + memory and descriptors         ->
 *                                          <-   WELCOME, or REFUSED and the end
 *   VCPU_ADD, VCPU_REMOVE, SERVICE_ADD,
 *   NEGOTIATED, CLOCK                      ->
 *                                          <-   POLICY, NOTIFY, WARNING
 *
 * A control tool says CONTROL instead of HELLO and gets one REPLY.
 *
 * Events and hints do not pass here: they are in memory that HELLO hands over.
 */
#ifndef PVS_MANAGER_PROTO_H
#define PVS_MANAGER_PROTO_H

#include <stdint.h>

#include "pvs.h"

#define PVS_PROTO_VERSION 1
#define PVS_PROTO_TEXT    512   /* of a refusal or a warning, with its NUL */
#define PVS_CONTROL_MAX   65536 /* bytes of a command or a reply */

enum pvs_msg_type {
	PVS_MSG_HELLO = 1,
	PVS_MSG_VCPU_ADD,
	PVS_MSG_VCPU_REMOVE,
	PVS_MSG_SERVICE_ADD,
	PVS_MSG_NEGOTIATED,
	PVS_MSG_CLOCK,
	PVS_MSG_CONTROL, /* JSON follows the type's 8 bytes */

	PVS_MSG_WELCOME = 0x100,
	PVS_MSG_REFUSED,
	PVS_MSG_POLICY,
	PVS_MSG_NOTIFY, /* look at pvs_shared.notify */
	PVS_MSG_WARNING,
	PVS_MSG_REPLY, /* JSON follows the type's 8 bytes */
};

/* Descriptors of HELLO, in this order. The memory is memfds, sealed against shrinking. */
enum pvs_hello_fd {
	PVS_FD_GUEST, /* n_vcpus struct pvs_guest_page */
	PVS_FD_HOST,  /* n_vcpus struct pvs_host_page, written by the manager */
	PVS_FD_MAILBOX,
	PVS_FD_MAILBOX_EVENT, /* an eventfd */
	PVS_FD_SHARED,        /* struct pvs_shared, written by the manager */
	PVS_N_FDS
};

/* What must not wait for a reader: bits and a clock, in a memfd of the client's. */
struct pvs_shared {
	uint64_t alive_ns;  /* manager's loop was last alive, CLOCK_MONOTONIC */
	uint64_t notify[2]; /* vectors to raise; who takes them exchanges with 0 */
};

struct pvs_msg_head {
	uint32_t type; /* enum pvs_msg_type */
	uint32_t size; /* of the whole message */
};

struct pvs_msg_limits {
	uint64_t cs_budget_ns, boost_budget_ns, tick_ns, watchdog_ns;
	uint32_t cs_refill_ppm, boost_refill_ppm, max_boosted, ceiling, prio_max, kicks_per_s;
	int32_t nice_min;
	uint32_t has_nice_min;
};

struct pvs_msg {
	struct pvs_msg_head head;
	union {
		struct {
			uint32_t version, n_vcpus, n_vectors, sources;
			char name[PVS_NAME_LEN];
			struct pvs_msg_limits limits;
		} hello;
		struct {
			uint32_t vcpu;
			int32_t tid;
		} vcpu; /* VCPU_ADD, VCPU_REMOVE (tid 0), SERVICE_ADD (vcpu 0) */
		uint64_t features;
		int64_t clock_offset;
		struct {
			uint32_t version, sources, actuators, policy_version;
			char policy[PVS_NAME_LEN];
		} welcome;
		struct {
			int32_t error; /* negative errno */
			char text[PVS_PROTO_TEXT];
		} refused; /* and WARNING */
		struct {
			uint32_t version;
			char name[PVS_NAME_LEN];
		} policy;
	};
};

/* Size of a message of @type, 0: no such type or one of any size. */
uint32_t pvs_msg_size(uint32_t type);

/*
 * Send @msg of @type with @n_fds descriptors; never blocks. -EAGAIN: whoever should read it does
 * not; -EPIPE: nobody is there.
 */
int pvs_msg_send(int sock, struct pvs_msg *msg, enum pvs_msg_type type, const int *fds,
		 unsigned n_fds);
/*
 * Take one message, of a type with a fixed size, and at most PVS_N_FDS descriptors (close on exec,
 * the caller's; @fds may be NULL: none are wanted). Never blocks. Returns 1; 0: the end; -EAGAIN:
 * nothing there; -EPROTO: not a message, or descriptors that are not wanted.
 */
int pvs_msg_receive(int sock, struct pvs_msg *msg, int *fds, unsigned *n_fds);

/* A string of a field of fixed size, made to end within it. */
void pvs_msg_terminate(char *text, size_t size);

void pvs_limits_pack(const struct pvs_limits *limits, struct pvs_msg_limits *msg);
void pvs_limits_unpack(const struct pvs_msg_limits *msg, struct pvs_limits *limits);

/* Connect to the manager at @path. -ENOENT, -ECONNREFUSED, -EACCES, -ENAMETOOLONG. */
int pvs_manager_connect(const char *path);

#endif
