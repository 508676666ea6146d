/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* kill -9 of the process that boosted others' threads: they have their baseline again. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "actuator_linux.h"
#include "process_double.h"

#define CGROUP_V1 "/sys/fs/cgroup/cpu"

/* What the process that is killed does, in memory that it shares with the test. */
struct booster {
	pid_t victim;
	bool as_nobody, in_cgroup;
	struct pvs_sched sched;
	uint32_t works;
	int error; /* of apply */
	bool guarded;
};

/* As what is boosted: a process, by its only thread. */
struct victim {
	pid_t pid;
	struct pvs_sched_attr attr;
	uint64_t affinity[PVS_CPU_WORDS];
	char cgroup[PVS_CGROUP_PATH];
};

static void boost_and_wait(void *opaque, int ready)
{
	struct booster *booster = opaque;
	struct pvs_linux_options options = {.guard = true,
					    .cgroup = booster->in_cgroup ? CGROUP_V1 : NULL};
	struct pvs_actuator actuator;
	void *thread;

	if (booster->as_nobody)
		become_nobody();
	booster->error = pvs_actuator_linux(&options, &actuator, NULL);
	if (booster->error == 0) {
		booster->works = actuator.ops->probe(actuator.opaque, PVS_ACT_ALL, NULL);
		booster->error = actuator.ops->capture(actuator.opaque, booster->victim, &thread);
	}
	if (booster->error == 0) {
		booster->error = actuator.ops->apply(actuator.opaque, thread, &booster->sched);
		booster->guarded = pvs_actuator_linux_guarded(&actuator);
	}
	process_ready(ready);
	while (true)
		pause();
}

static void idle_nobody(void *opaque, int ready)
{
	become_nobody();
	idle_process(opaque, ready);
}

static void read_victim(struct victim *victim)
{
	const struct pvs_cgroup cgroup = {.root = CGROUP_V1};

	assert_int_equal(pvs_sys_getattr(victim->pid, &victim->attr), 0);
	assert_int_equal(pvs_sys_getaffinity(victim->pid, victim->affinity), 0);
	if (pvs_cgroup_home(&cgroup, victim->pid, victim->cgroup, sizeof(victim->cgroup)) < 0)
		victim->cgroup[0] = '\0';
}

static bool is_as_before(void *opaque)
{
	const struct victim *before = opaque;
	struct victim now;

	memset(&now, 0, sizeof(now));
	now.pid = before->pid;
	read_victim(&now);
	return memcmp(&now, before, sizeof(now)) == 0;
}

static struct booster *booster_new(struct victim *victim, bool as_nobody)
{
	struct booster *booster = mmap(NULL, sizeof(*booster), PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(booster, MAP_FAILED);
	memset(victim, 0, sizeof(*victim));
	victim->pid = process_start(as_nobody ? idle_nobody : idle_process, NULL);
	read_victim(victim);
	booster->victim = victim->pid;
	booster->as_nobody = as_nobody;
	return booster;
}

static void end(struct booster *booster, struct victim *victim)
{
	process_kill(victim->pid);
	munmap(booster, sizeof(*booster));
}

static void test_kill_mid_boost(void **state)
{
	struct victim victim;
	struct booster *booster = booster_new(&victim, false);
	struct pvs_sched_attr attr;
	uint64_t mask[PVS_CPU_WORDS];
	pid_t pid;

	booster->sched = (struct pvs_sched){.set = PVS_SET_FIFO | PVS_SET_AFFINITY, .prio = 2};
	booster->sched.affinity = victim.affinity[0] & -victim.affinity[0];
	pid = process_start(boost_and_wait, booster);
	if (booster->error == -EPERM && !(booster->works & PVS_ACT_FIFO)) {
		process_kill(pid);
		end(booster, &victim);
		print_message("FIFO is not permitted here\n");
		skip();
	}
	assert_int_equal(booster->error, 0);
	assert_true(booster->guarded);
	assert_int_equal(pvs_sys_getattr(victim.pid, &attr), 0);
	assert_int_equal(attr.policy, PVS_SCHED_FIFO);
	assert_int_equal(pvs_sys_getaffinity(victim.pid, mask), 0);
	assert_int_equal(mask[0], booster->sched.affinity);
	process_kill(pid);
	assert_true(wait_for(is_as_before, &victim));
	end(booster, &victim);
}

/* The guard where nobody may run it, as the folder it was built in may be a user's own. Sets
 * SLUICE_PVS_GUARD to @path, a template of mkstemp(). */
static void copy_guard(char *path)
{
	const int in = open(getenv("SLUICE_PVS_GUARD"), O_RDONLY | O_CLOEXEC), out = mkstemp(path);
	struct stat st;

	assert_true(in >= 0 && out >= 0);
	assert_int_equal(fstat(in, &st), 0);
	while (lseek(in, 0, SEEK_CUR) < st.st_size)
		assert_true(sendfile(out, in, NULL, (size_t)st.st_size) > 0);
	assert_int_equal(fchmod(out, 0755), 0);
	close(in);
	close(out); /* or it could not be executed */
	setenv("SLUICE_PVS_GUARD", path, 1);
}

/* All of it belongs to a user without privilege. */
static void test_kill_unprivileged(void **state)
{
	char path[] = "/tmp/sluice-pvs-guard-XXXXXX", saved[512];
	struct victim victim;
	struct booster *booster;
	struct pvs_sched_attr attr;
	pid_t pid;

	if (geteuid() != 0) {
		print_message("needs root, to become nobody\n");
		skip();
	}
	snprintf(saved, sizeof(saved), "%s", getenv("SLUICE_PVS_GUARD"));
	copy_guard(path);
	booster = booster_new(&victim, true);
	booster->sched = (struct pvs_sched){.set = PVS_SET_SLICE, .slice_ns = 4400000};
	pid = process_start(boost_and_wait, booster);
	unlink(path);
	setenv("SLUICE_PVS_GUARD", saved, 1);
	assert_int_equal(booster->error, 0);
	assert_true(booster->guarded);
	assert_int_equal(pvs_sys_getattr(victim.pid, &attr), 0);
	assert_int_equal(attr.runtime, booster->works & PVS_ACT_SLICE ? 4400000 : 0);
	process_kill(pid);
	assert_true(wait_for(is_as_before, &victim));
	end(booster, &victim);
}

static bool cgroup_gone(void *opaque)
{
	struct stat st;

	return stat(opaque, &st) < 0 && errno == ENOENT;
}

/* With a weight for @victim, whose cgroup is made for it. */
static struct booster *booster_in_cgroup(struct victim *victim)
{
	struct booster *booster;

	if (access(CGROUP_V1 "/cpu.shares", W_OK) < 0) {
		print_message("no cgroup v1 with cpu.shares that may be written at " CGROUP_V1
			      "\n");
		skip();
	}
	booster = booster_new(victim, false);
	booster->in_cgroup = true;
	booster->sched = (struct pvs_sched){.set = PVS_SET_WEIGHT, .weight = 300};
	return booster;
}

static void test_kill_in_cgroup(void **state)
{
	char own[PVS_CGROUP_PATH], shares[PVS_CGROUP_PATH + 16], text[16] = "";
	struct victim victim, now;
	struct booster *booster;
	FILE *file;
	pid_t pid;

	booster = booster_in_cgroup(&victim);
	pid = process_start(boost_and_wait, booster);
	assert_int_equal(booster->error, 0);
	assert_true(booster->works & PVS_ACT_WEIGHT);
	now = victim;
	read_victim(&now);
	snprintf(own, sizeof(own), CGROUP_V1 "/sluice-%d", (int)victim.pid);
	snprintf(shares, sizeof(shares), "%s/tasks", own);
	assert_string_equal(now.cgroup, shares);
	snprintf(shares, sizeof(shares), "%s/cpu.shares", own);
	file = fopen(shares, "re");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	assert_string_equal(text, "3072\n");
	process_kill(pid);
	assert_true(wait_for(is_as_before, &victim));
	assert_true(wait_for(cgroup_gone, own));
	end(booster, &victim);
}

/* The victim ends first: nobody else gets what was its, and its cgroup goes. */
static void test_victim_gone(void **state)
{
	char own[PVS_CGROUP_PATH];
	struct victim victim;
	struct booster *booster;
	pid_t pid;

	booster = booster_in_cgroup(&victim);
	pid = process_start(boost_and_wait, booster);
	assert_int_equal(booster->error, 0);
	snprintf(own, sizeof(own), CGROUP_V1 "/sluice-%d", (int)victim.pid);
	assert_false(cgroup_gone(own));
	process_kill(victim.pid);
	process_kill(pid);
	assert_true(wait_for(cgroup_gone, own));
	munmap(booster, sizeof(*booster));
}

/* Have @pid in @own, as a thread is in it that exits: neither can be put back by who made it. */
static pid_t squat(const char *own)
{
	const pid_t pid = process_start(idle_process, NULL);
	char path[PVS_CGROUP_PATH + 16];

	snprintf(path, sizeof(path), "%s/tasks", own);
	assert_int_equal(pvs_cgroup_put(path, pid), 0);
	return pid;
}

/* The process's end is known before its threads have left their cgroups: the guard stays. */
static void test_kill_while_exiting(void **state)
{
	char own[PVS_CGROUP_PATH];
	struct victim victim;
	struct booster *booster;
	pid_t pid, exiting;

	booster = booster_in_cgroup(&victim);
	pid = process_start(boost_and_wait, booster);
	assert_int_equal(booster->error, 0);
	snprintf(own, sizeof(own), CGROUP_V1 "/sluice-%d", (int)victim.pid);
	exiting = squat(own);
	process_kill(pid);
	assert_true(wait_for(is_as_before, &victim));
	assert_false(cgroup_gone(own));
	process_kill(exiting);
	assert_true(wait_for(cgroup_gone, own));
	end(booster, &victim);
}

struct releaser {
	char own[PVS_CGROUP_PATH]; /* first: also what cgroup_gone() takes */
	const struct pvs_actuator *actuator;
};

static bool gone_by_beat(void *opaque)
{
	const struct releaser *releaser = opaque;

	pvs_actuator_linux_beat(releaser->actuator);
	return cgroup_gone(opaque);
}

/* A manager lives on: it removes what was busy when the thread was released, at its next beat, and
 * what is busy at its own end is left to the guard. */
static void test_release_while_exiting(void **state)
{
	struct pvs_linux_options options = {.guard = true, .cgroup = CGROUP_V1};
	struct pvs_actuator actuator;
	struct victim victim;
	struct booster *booster = booster_in_cgroup(&victim);
	struct releaser releaser = {.actuator = &actuator};
	char *own = releaser.own;
	pid_t exiting;
	void *thread;

	snprintf(own, sizeof(releaser.own), CGROUP_V1 "/sluice-%d", (int)victim.pid);
	assert_int_equal(pvs_actuator_linux(&options, &actuator, NULL), 0);
	for (int at_end = 0; at_end < 2; at_end++) {
		assert_int_equal(actuator.ops->capture(actuator.opaque, victim.pid, &thread), 0);
		assert_int_equal(actuator.ops->apply(actuator.opaque, thread, &booster->sched), 0);
		exiting = squat(own);
		actuator.ops->release(actuator.opaque, thread);
		assert_true(is_as_before(&victim));
		pvs_actuator_linux_beat(&actuator);
		assert_false(cgroup_gone(own));
		if (at_end)
			pvs_actuator_linux_close(&actuator);
		process_kill(exiting);
		assert_true(wait_for(at_end ? cgroup_gone : gone_by_beat, &releaser));
	}
	end(booster, &victim);
}

/* In order: nothing is left to the guard, which ends. */
static void test_close(void **state)
{
	struct pvs_linux_options options = {.guard = true};
	struct pvs_sched sched = {.set = PVS_SET_SLICE, .slice_ns = 4400000};
	struct pvs_actuator actuator;
	struct victim victim = {0};
	void *thread;

	victim.pid = process_start(idle_process, NULL);
	read_victim(&victim);
	assert_int_equal(pvs_actuator_linux(&options, &actuator, NULL), 0);
	assert_true(pvs_actuator_linux_guarded(&actuator));
	assert_int_equal(actuator.ops->capture(actuator.opaque, victim.pid, &thread), 0);
	assert_int_equal(actuator.ops->apply(actuator.opaque, thread, &sched), 0);
	actuator.ops->release(actuator.opaque, thread);
	assert_true(is_as_before(&victim));
	pvs_actuator_linux_close(&actuator);
	process_kill(victim.pid);
}

static void test_no_program(void **state)
{
	struct pvs_linux_options options = {.guard = true};
	const char *program = getenv("SLUICE_PVS_GUARD");
	struct pvs_actuator actuator;
	char saved[512], text[256] = "";
	struct pvs_log log = {.buf = text, .size = sizeof(text)};

	assert_non_null(program);
	snprintf(saved, sizeof(saved), "%s", program);
	setenv("SLUICE_PVS_GUARD", "/nonexistent", 1);
	assert_int_equal(pvs_actuator_linux(&options, &actuator, &log), -ENOENT);
	assert_string_equal(text, "crash guard: $SLUICE_PVS_GUARD, /nonexistent: No such file or "
				  "directory\n");
	setenv("SLUICE_PVS_GUARD", "/bin/false", 1);
	log.len = 0;
	assert_int_equal(pvs_actuator_linux(&options, &actuator, &log), -EPIPE);
	assert_string_equal(text, "crash guard: /bin/false did not become ready: Broken pipe\n");
	setenv("SLUICE_PVS_GUARD", saved, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kill_mid_boost),
		cmocka_unit_test(test_kill_unprivileged),
		cmocka_unit_test(test_kill_in_cgroup),
		cmocka_unit_test(test_victim_gone),
		cmocka_unit_test(test_kill_while_exiting),
		cmocka_unit_test(test_release_while_exiting),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_no_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
