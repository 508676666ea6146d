/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A manager and front ends, each a process of its own, as they are in earnest. */
#ifndef PVS_TEST_MANAGER_FIXTURE_H
#define PVS_TEST_MANAGER_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "pvs_manager.h"
#include "sched_sys.h"

/* A manager: what it is to be, in memory shared with its process. */
struct manager {
	char directory[64], path[80];
	uint32_t pool_boosted, pool_refill_ppm;
	uint64_t pool_budget_ns; /* 0: no pool */
	struct pvs_limits limits;
	uint64_t watchdog_ns, record_limit;
	bool switches; /* hears of each switch of a vCPU thread */
	enum pvs_policy_host policy_host;
	int error;
	char text[512]; /* why it did not start */
	pid_t pid, held;
};

struct manager *manager_new(void);
/* False: there is no policy, or no permission to boost. It says so, and @manager is gone. */
bool manager_try(struct manager *manager);
/* Skips the test then. A group's set-up cannot skip. */
void manager_start(struct manager *manager);
void manager_signal(struct manager *manager, int number);
void manager_kill(struct manager *manager); /* -9 */
void manager_free(struct manager *manager);
/* Its answer to a command, to be freed. */
void manager_ask(struct manager *manager, const char *command, char **reply);
/* @text is in its status now, or, waiting for it, at last. */
bool manager_says(struct manager *manager, const char *text);
bool manager_comes_to_say(struct manager *manager, const char *text);
/* Stop its scheduling thread, as a debugger does; skips the test where that is not permitted. */
void manager_hold_loop(struct manager *manager);
void manager_release_loop(struct manager *manager);

/* Of one vCPU, each way. */
#define PAGES_SIZE ((1 + PVS_OPAQUE_PAGES) * PVS_PAGE_STRIDE)

/* A front end with one vCPU, as seen from its guest and by its host. */
struct front_end {
	struct manager *manager;
	char name[PVS_NAME_LEN];
	struct pvs_limits limits;
	int guest_fd, host_fd;
	struct pvs_guest_page *guest;
	struct pvs_host_page *host;
	pid_t pid, vcpu;
	struct pvs_sched_attr baseline;
	struct front_end_shared {
		pid_t tid;
		uint32_t spin; /* the vCPU runs; else it sleeps */
		uint32_t connected, lost, policies, notified;
		uint32_t sources, actuators;
		char policy[PVS_NAME_LEN], warning[512], text[512];
		int error; /* of pvs_client_create() */
	} *shared;
};

struct front_end *front_end_start(struct manager *manager, const char *name,
				  const struct pvs_limits *limits);
void front_end_kill(struct front_end *front_end); /* -9 */
/* The guest runs, or no longer runs, a real-time task: it is to be boosted. */
void front_end_ask(struct front_end *front_end, bool boost);
/* Wait until its vCPU is boosted, or as it was; false: it never is. */
bool front_end_boosted(struct front_end *front_end);
bool front_end_baseline(struct front_end *front_end);
/* Wait until the host shows @reject. */
bool front_end_rejected(struct front_end *front_end, enum pvs_reject reject);

#endif
