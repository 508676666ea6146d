/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any thread that holds the big lock may come to run a program: the main loop with a frame from a
 * netdev, a vCPU whose other NIC sends to ours. The engine wants each registered, once.
 */
#include "qemu/osdep.h"
#include "qemu/notify.h"
#include "qemu/thread.h"
#include "sluice_nic.h"
#include "threads.h"

static __thread bool sluice_thread_registered;
static __thread Notifier sluice_thread_exit;

static void sluice_thread_unregister(Notifier *notifier, void *data)
{
	bpfe_thread_unregister();
	sluice_thread_registered = false;
}

void sluice_thread_register(void)
{
	if (sluice_thread_registered)
		return;
	bpfe_thread_register();
	sluice_thread_registered = true;
	sluice_thread_exit.notify = sluice_thread_unregister;
	qemu_thread_atexit_add(&sluice_thread_exit);
}
