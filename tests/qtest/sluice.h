/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A driver for sluice-nic in the manner of libqos: bring-up, admin commands, rings. The tests
 * prepare, push, wait and check; how the device is talked to stands here.
 *
 * Every wait ends with the condition, or fails the test after SLUICE_PATIENCE.
 */
#ifndef TESTS_QTEST_SLUICE_H
#define TESTS_QTEST_SLUICE_H

#include "qemu/bswap.h"
#include "libqtest.h"
#include "libqos/pci.h"
#include "qobject/qdict.h"

#include <linux/bpf.h>
#include <sluice/nic_cmd.h>
#include <sluice/nic_desc.h>
#include <sluice/nic_regs.h>

#define SLUICE_PATIENCE (30 * G_USEC_PER_SEC)

#define SLUICE_RAM_MB     64
#define SLUICE_ADMIN_RING 16
#define SLUICE_RING       16
#define SLUICE_BUFFER     2048
#define SLUICE_HEADROOM   256
#define SLUICE_MTU        3000
#define SLUICE_MAC        "52:54:00:12:34:56"

typedef struct QSluiceRing {
	uint64_t base;
	uint32_t size;
	uint32_t index; /* submission: producer; completion: consumer */
} QSluiceRing;

typedef struct QSluiceQueue {
	QSluiceRing ring;
	QSluiceRing cpl;
	uint64_t buffers; /* SLUICE_BUFFER bytes for each entry */
	unsigned queue;
	unsigned vector;
} QSluiceQueue;

typedef struct QSluice {
	QTestState *qts;
	QPCIBus *bus;
	QPCIDevice *pci;
	QPCIBar regs;
	QPCIBar doorbells;
	uint64_t next_free; /* guest memory, handed out upwards and never taken back */
	QSluiceRing asq, acq, evq;
	uint64_t data, resp; /* one page each for attributes, 64 KiB for responses */
	uint64_t msi;        /* 4 bytes for each vector */
	uint16_t tag;
	int wire; /* our end of the netdev; -1: none */
} QSluice;

/* ---- Life --------------------------------------------------------------------------------- */

/*
 * Start QEMU with a NIC "nic0" whose wire is a datagram socket, a message a frame. @props is
 * appended to -device ("" or ",queues=2"), @args to the command line.
 */
QSluice *sluice_start(const char *props, const char *args);

typedef struct QSluiceOptions {
	const char *machine; /* NULL: q35 */
	const char *before;  /* arguments that have to precede the NIC's */
	const char *netdev;  /* NULL: the datagram socket; else the backend, and no wire */
	const char *props;
	const char *args;
} QSluiceOptions;

QSluice *sluice_start_with(const QSluiceOptions *options);
/* A machine with @args alone; every start goes through here. */
QTestState *sluice_machine(const char *machine, const char *args);
/* Behind a root port, where it can be unplugged; "nic0" is in slot "port0". */
QSluice *sluice_start_hotplug(const char *props, const char *args);
/* Waiting for migrate-incoming; sluice_adopt() takes over what the driver at the source knew. */
QSluice *sluice_start_incoming(const char *props);
void sluice_adopt(QSluice *s, const QSluice *from);
void sluice_stop(QSluice *s);

/* Registers, admin rings, MSI-X; after it commands work. */
void sluice_bring_up(QSluice *s);
/* What bring-up does after a reset: BARs and guest memory are as they were. */
void sluice_admin_init(QSluice *s);
void sluice_negotiate(QSluice *s, uint64_t features);

/* @size bytes of zeroed guest memory, 4 KiB aligned. */
uint64_t sluice_alloc(QSluice *s, size_t size);

/* ---- Registers ---------------------------------------------------------------------------- */

uint32_t sluice_reg(QSluice *s, uint64_t offset);
uint64_t sluice_reg64(QSluice *s, uint64_t offset);
void sluice_reg_set(QSluice *s, uint64_t offset, uint32_t value);
void sluice_reg64_set(QSluice *s, uint64_t offset, uint64_t value);
void sluice_doorbell(QSluice *s, unsigned queue, uint64_t which, uint64_t value);

/* ---- Commands ----------------------------------------------------------------------------- */

typedef struct QSluiceAttrs {
	GByteArray *bytes;
} QSluiceAttrs;

QSluiceAttrs *sluice_attrs(void);
QSluiceAttrs *sluice_attr(QSluiceAttrs *attrs, uint16_t type, const void *data, uint32_t len);

/* Put a command on the ring as it is, doorbell included. */
void sluice_submit(QSluice *s, const struct sluice_cmd *cmd);
/* The next admin completion, waited for. */
struct sluice_cmd_cpl sluice_completion(QSluice *s);
/* Is a completion there? */
bool sluice_completion_ready(QSluice *s);

/*
 * Run a command: @args of @args_len bytes inline, @attrs (consumed, may be NULL), up to @resp_len
 * bytes of response to @resp. Checks tag and phase; the status is the caller's.
 */
struct sluice_cmd_cpl sluice_run(QSluice *s, uint16_t opcode, const void *args, size_t args_len,
				 QSluiceAttrs *attrs, void *resp, uint32_t resp_len);
/* The same, and it must succeed. Returns the result. */
uint64_t sluice_cmd(QSluice *s, uint16_t opcode, const void *args, size_t args_len,
		    QSluiceAttrs *attrs, void *resp, uint32_t resp_len);

/* ---- Ports and queues --------------------------------------------------------------------- */

void sluice_port_up(QSluice *s, uint32_t rx_mode);
uint16_t sluice_queue_op(QSluice *s, uint16_t opcode, uint8_t type, unsigned queue);
struct sluice_resp_queue sluice_queue_query(QSluice *s, uint8_t type, unsigned queue);

/* Created and enabled; a receive queue's buffers are posted by sluice_rx_post(). */
void sluice_rx_create(QSluice *s, QSluiceQueue *q, unsigned queue);
void sluice_tx_create(QSluice *s, QSluiceQueue *q, unsigned queue);
void sluice_queue_config(QSluice *s, QSluiceQueue *q, unsigned queue,
			 struct sluice_queue_config *config);

void sluice_rx_post(QSluice *s, QSluiceQueue *q, unsigned n);
void sluice_rx_post_at(QSluice *s, QSluiceQueue *q, uint64_t addr, uint32_t id);
bool sluice_rx_ready(QSluice *s, QSluiceQueue *q);
/* The next receive completion, waited for; its bytes to @frame (SLUICE_BUFFER) if not NULL. */
struct sluice_rx_cpl sluice_rx_wait(QSluice *s, QSluiceQueue *q, void *frame);
void sluice_cpl_doorbell(QSluice *s, QSluiceQueue *q, uint8_t type, bool arm);

void sluice_tx_desc(QSluice *s, QSluiceQueue *q, const struct sluice_tx_desc *desc);
void sluice_tx_kick(QSluice *s, QSluiceQueue *q);
/* One frame in one descriptor, doorbell included. */
void sluice_tx_frame(QSluice *s, QSluiceQueue *q, const void *frame, uint32_t len);
struct sluice_tx_cpl sluice_tx_wait(QSluice *s, QSluiceQueue *q);

/* Every frame to queue 0. */
void sluice_rss_zero(QSluice *s);

/* Everything traffic needs: port up, receive and transmit queue 0, buffers posted, RSS to 0. */
void sluice_traffic(QSluice *s, QSluiceQueue *rx, QSluiceQueue *tx);

/* ---- Interrupts --------------------------------------------------------------------------- */

/* Was @vector raised since the last call? Forgets it. */
bool sluice_interrupted(QSluice *s, unsigned vector);
void sluice_wait_interrupt(QSluice *s, unsigned vector);

/* ---- The wire ----------------------------------------------------------------------------- */

/* A frame to the NIC's address of @len bytes, its payload counted up from @seed. */
void sluice_make_frame(uint8_t *frame, size_t len, uint8_t seed);
void sluice_wire_send(QSluice *s, const void *frame, size_t len);
/* The next frame the NIC sends, waited for; returns its length. */
size_t sluice_wire_recv(QSluice *s, void *frame, size_t size);
bool sluice_wire_quiet(QSluice *s);

/* ---- Programs ----------------------------------------------------------------------------- */

struct bpf_insn sluice_insn(uint8_t code, uint8_t dst, uint8_t src, int16_t off, int32_t imm);
/* A program that returns @verdict; its id. */
uint32_t sluice_load_verdict(QSluice *s, int verdict);
struct sluice_cmd_cpl sluice_load(QSluice *s, const struct bpf_insn *insns, unsigned n, char *log,
				  uint32_t log_size);
uint16_t sluice_attach(QSluice *s, uint32_t id);
uint16_t sluice_detach(QSluice *s, uint32_t id);
uint32_t sluice_map_create(QSluice *s, uint32_t type, uint32_t key, uint32_t value,
			   uint32_t entries);
struct sluice_cmd_cpl sluice_map_op(QSluice *s, uint16_t opcode, uint32_t map, const void *key,
				    uint32_t key_len, const void *value, uint32_t value_len,
				    void *resp, uint32_t resp_len);

/* ---- Host's view -------------------------------------------------------------------------- */

uint64_t sluice_stat(QSluice *s, const char *name);
void sluice_wait_stat(QSluice *s, const char *name, uint64_t value);
/* The counters' equations hold. */
void sluice_assert_balanced(QSluice *s);
/* QMP answers: the process is alive and its main loop turns. */
void sluice_assert_alive(QSluice *s);

#define sluice_assert_status(cpl, want) g_assert_cmpuint((cpl).status, ==, SLUICE_ST_##want)

/* ---- The suites --------------------------------------------------------------------------- */

void sluice_add_register_tests(void);
void sluice_add_admin_tests(void);
void sluice_add_traffic_tests(void);
void sluice_add_program_tests(void);
void sluice_add_hostile_tests(void);
void sluice_add_lifecycle_tests(void);
void sluice_add_migration_tests(void);
void sluice_add_random_tests(void);

#endif
