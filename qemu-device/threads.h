/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_NET_SLUICE_THREADS_H
#define HW_NET_SLUICE_THREADS_H

/* Register the calling thread with the engine, until it ends. No more than a test when it is. */
void sluice_thread_register(void);

#endif
