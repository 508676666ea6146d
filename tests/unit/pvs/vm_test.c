// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "vm_test.h"

struct fixture f;

int vm_setup(void **state)
{
	memset(&f, 0, sizeof(f));
	return 0;
}

int vm_setup_all(void **state)
{
	vm_setup(state);
	f.policy.callbacks = PVS_DOUBLE_ALL;
	return 0;
}

int vm_teardown(void **state)
{
	vm_end(&f);
	return 0;
}
