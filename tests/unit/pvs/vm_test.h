/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* One VM for all of a file's tests, new in each of them. */
#ifndef PVS_TEST_VM_TEST_H
#define PVS_TEST_VM_TEST_H

#include "vm_fixture.h"

#define SELF .target = PVS_DOUBLE_SELF

extern struct fixture f;

/* For cmocka: the test starts the VM, with a policy that answers kicks... */
int vm_setup(void **state);
/* ...or whatever happens. */
int vm_setup_all(void **state);
int vm_teardown(void **state);

#endif
