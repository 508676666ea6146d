/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of sluice-pvsched through QEMU: PCI, registers, pages, interrupts, migration, QMP. */
#include "qemu/osdep.h"
#include "sluice-pvs.h"

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	pvs_add_register_tests();
	pvs_add_policy_tests();
	pvs_add_lifecycle_tests();
	pvs_add_many_tests();
	pvs_add_migration_tests();
	pvs_add_random_tests();
	pvs_add_watchdog_tests();
	return g_test_run();
}
