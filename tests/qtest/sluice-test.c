/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of sluice-nic through QEMU: PCI, guest memory, interrupts, wire, QMP. */
#include "qemu/osdep.h"
#include "sluice.h"

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	/* A backend's socket may close under us in the unplug tests; that is not ours to die of. */
	signal(SIGPIPE, SIG_IGN);
	sluice_add_register_tests();
	sluice_add_admin_tests();
	sluice_add_traffic_tests();
	sluice_add_program_tests();
	sluice_add_hostile_tests();
	sluice_add_lifecycle_tests();
	sluice_add_migration_tests();
	sluice_add_random_tests();
	return g_test_run();
}
