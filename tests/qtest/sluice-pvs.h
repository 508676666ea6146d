/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A driver for sluice-pvsched in the manner of libqos: bring-up, registers, pages. Every wait ends
 * with the condition, or fails the test after PVS_PATIENCE.
 */
#ifndef TESTS_QTEST_SLUICE_PVS_H
#define TESTS_QTEST_SLUICE_PVS_H

#include "libqtest.h"
#include "libqos/pci.h"
#include "qobject/qdict.h"

#include <sluice/pvsched.h>

#define PVS_PATIENCE (30 * G_USEC_PER_SEC)

#define PVS_STATUS_UP \
	(PVS_STATUS_ACKNOWLEDGE | PVS_STATUS_DRIVER | PVS_STATUS_FEATURES_OK | PVS_STATUS_DRIVER_OK)

typedef struct QPvs {
	QTestState *qts;
	QPCIBus *bus;
	QPCIDevice *pci;
	QPCIBar regs, guest, host;
	uint64_t msi; /* 4 bytes of guest memory for each vector */
	uint32_t n_vectors;
} QPvs;

typedef struct QPvsOptions {
	const char *machine; /* NULL: q35 */
	const char *smp;     /* NULL: 2 */
	const char *before;  /* arguments that have to precede the device's */
	const char *where;   /* NULL: addr=4 */
	const char *props;
	const char *args;
	bool incoming;
} QPvsOptions;

/* Start QEMU with a device "pvs0" in slot 4, its BARs mapped and MSI-X on. */
QPvs *pvs_start(const char *props, const char *args);
QPvs *pvs_start_with(const QPvsOptions *options);
void pvs_stop(QPvs *s);
/* BARs and MSI-X of s->pci, which the caller found behind a bridge. */
void pvs_map(QPvs *s);
/* What pvs_start() did and the guest still has after a migration from @from. */
void pvs_adopt(QPvs *s, const QPvs *from);

uint32_t pvs_reg(QPvs *s, uint64_t offset);
uint64_t pvs_reg64(QPvs *s, uint64_t offset);
void pvs_reg_set(QPvs *s, uint64_t offset, uint32_t value);
void pvs_reg64_set(QPvs *s, uint64_t offset, uint64_t value);

/* Reset, then negotiate @features up to DRIVER_OK, which must succeed. */
void pvs_bring_up(QPvs *s, uint64_t features);
void pvs_assert_status(QPvs *s, uint32_t status, enum pvs_result result);

/* Fields of the pages of vCPU @v by their offset. */
uint64_t pvs_guest_get(QPvs *s, unsigned v, size_t offset);
void pvs_guest_set(QPvs *s, unsigned v, size_t offset, uint64_t value);
uint64_t pvs_host_get(QPvs *s, unsigned v, size_t offset);

/* Was @vector raised since the last call? Forgets it. */
bool pvs_interrupted(QPvs *s, unsigned vector);
void pvs_wait_interrupt(QPvs *s, unsigned vector);

/* A counter of the property vcpus. */
uint64_t pvs_vcpu_stat(QPvs *s, unsigned v, const char *name);
void pvs_qom_set(QPvs *s, const char *property, const char *value);
/* It must be refused, in these words. */
void pvs_qom_set_refused(QPvs *s, const char *property, const char *value, const char *want);

/* QMP answers: the process is alive and its main loop turns. */
void pvs_assert_alive(QPvs *s);

void pvs_add_register_tests(void);
void pvs_add_policy_tests(void);
void pvs_add_lifecycle_tests(void);
void pvs_add_many_tests(void);
void pvs_add_migration_tests(void);
void pvs_add_random_tests(void);
void pvs_add_watchdog_tests(void);

#endif
