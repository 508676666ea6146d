/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Migration through a file, and snapshots: the guest has to negotiate again where it arrives. */
#include "qemu/osdep.h"
#include <glib/gstdio.h>
#include "qobject/qdict.h"
#include "qobject/qlist.h"
#include "sluice-pvs.h"

#define PVS_OFF     ",actuators=off,switch-events=off,policy=boost"
#define PVS_WAITING (PVS_STATUS_ACKNOWLEDGE | PVS_STATUS_DRIVER | PVS_STATUS_RENEGOTIATE)

static char *pvs_stream_path(void)
{
	g_autoptr(GError) err = NULL;
	char *path = NULL;
	int fd = g_file_open_tmp("sluice-pvs-XXXXXX", &path, &err);

	g_assert_no_error(err);
	close(fd);
	return path;
}

static void pvs_wait_migration(QPvs *s, const char *want)
{
	gint64 end = g_get_monotonic_time() + PVS_PATIENCE;
	bool done;

	do {
		QDict *answer = qtest_qmp(s->qts, "{'execute': 'query-migrate'}");
		const char *now = qdict_get_try_str(qdict_get_qdict(answer, "return"), "status");

		g_assert_cmpint(g_get_monotonic_time(), <, end);
		g_assert_cmpstr(now, !=, strcmp(want, "failed") ? "failed" : "completed");
		done = now && !strcmp(now, want);
		qobject_unref(answer);
	} while (!done);
}

static void pvs_migrate_out(QPvs *s, const char *path)
{
	g_autofree char *uri = g_strdup_printf("file:%s", path);

	qtest_qmp_assert_success(s->qts, "{'execute': 'migrate', 'arguments': {'uri': %s}}", uri);
	pvs_wait_migration(s, "completed");
}

static QPvs *pvs_migrate_in(QPvs *from, const char *smp, const char *path)
{
	QPvs *s = pvs_start_with(&(QPvsOptions){.props = PVS_OFF, .smp = smp, .incoming = true});
	g_autofree char *uri = g_strdup_printf("file:%s", path);

	qtest_qmp_assert_success(s->qts,
				 "{'execute': 'migrate-incoming', 'arguments': {'uri': %s}}", uri);
	pvs_adopt(s, from);
	return s;
}

static void pvs_wait_running(QPvs *s)
{
	gint64 end = g_get_monotonic_time() + PVS_PATIENCE;
	bool running;

	do {
		QDict *answer = qtest_qmp(s->qts, "{'execute': 'query-status'}");

		running = qdict_get_bool(qdict_get_qdict(answer, "return"), "running");
		qobject_unref(answer);
		g_assert_cmpint(g_get_monotonic_time(), <, end);
	} while (!running);
}

static void pvs_boost(QPvs *s, unsigned v)
{
	gint64 end = g_get_monotonic_time() + PVS_PATIENCE;

	pvs_guest_set(s, v, 0, PVS_CLASS_RT | 20 << 4 | 5 << 10);
	pvs_reg_set(s, PVS_REG_KICK + 4 * v, 1);
	while ((pvs_host_get(s, v, 0) >> PVS_STATE_BOOST_SHIFT & PVS_STATE_BOOST_MASK) !=
	       PVS_BOOST_RT)
		g_assert_cmpint(g_get_monotonic_time(), <, end);
}

static void test_migrate(void)
{
	g_autofree char *path = pvs_stream_path();
	QPvs *from = pvs_start(PVS_OFF, ""), *to;
	uint32_t generation, serial;

	pvs_bring_up(from, PVS_F_INTENT | PVS_F_STATE);
	pvs_boost(from, 1);
	pvs_guest_set(from, 2, 8, 0x4711);
	generation = pvs_reg(from, PVS_REG_GENERATION);
	serial = pvs_reg(from, PVS_REG_POLICY_SERIAL);
	pvs_migrate_out(from, path);

	to = pvs_migrate_in(from, NULL, path);
	pvs_wait_migration(to, "completed");
	pvs_wait_running(to);
	pvs_assert_status(to, PVS_WAITING, PVS_RESULT_MIGRATED);
	g_assert_cmpuint(pvs_reg(to, PVS_REG_GENERATION), ==, generation + 1);
	g_assert_cmpuint(pvs_reg(to, PVS_REG_POLICY_SERIAL), ==, serial + 1);
	pvs_wait_interrupt(to, PVS_VECTOR_CONFIG);
	/* The guest's pages came along; of the host's is shown what this host knows. */
	g_assert_cmphex(pvs_guest_get(to, 1, 0), ==, PVS_CLASS_RT | 20 << 4 | 5 << 10);
	g_assert_cmphex(pvs_guest_get(to, 2, 8), ==, 0x4711);
	g_assert_cmphex((uint32_t)pvs_host_get(to, 1, 0), ==,
			PVS_STATE_PRESENT << PVS_STATE_FLAGS_SHIFT);
	g_assert_cmphex(pvs_host_get(to, 1, offsetof(struct pvs_host_page, run_ns)), ==, 0);
	/* Not looked at, before the guest says so. */
	pvs_reg_set(to, PVS_REG_KICK + 4, 1);
	g_assert_cmpuint(pvs_vcpu_stat(to, 1, "applied"), ==, 0);
	pvs_reg_set(to, PVS_REG_STATUS, PVS_STATUS_UP);
	pvs_assert_status(to, PVS_STATUS_UP, PVS_RESULT_OK);
	pvs_boost(to, 1);
	pvs_stop(to);
	pvs_stop(from);
	g_unlink(path);
}

/* A machine that may have more vCPUs has other pages. */
static void test_other_shape(void)
{
	g_autofree char *path = pvs_stream_path();
	QPvs *from = pvs_start(PVS_OFF, ""), *to;

	pvs_migrate_out(from, path);
	to = pvs_migrate_in(from, "2,maxcpus=3", path);
	qtest_set_expected_status(to->qts, EXIT_FAILURE);
	qtest_wait_qemu(to->qts);
	pvs_stop(to);
	pvs_stop(from);
	g_unlink(path);
}

/* ---- Snapshots ------------------------------------------------------------------------------ */

static void pvs_run_job(QPvs *s, const char *id)
{
	gint64 end = g_get_monotonic_time() + PVS_PATIENCE;
	bool concluded = false;

	while (!concluded) {
		QDict *answer = qtest_qmp(s->qts, "{'execute': 'query-jobs'}");
		QDict *job = qobject_to(QDict, qlist_peek(qdict_get_qlist(answer, "return")));

		g_assert_cmpint(g_get_monotonic_time(), <, end);
		concluded = !strcmp(qdict_get_str(job, "status"), "concluded");
		if (concluded)
			g_assert_cmpstr(qdict_get_try_str(job, "error"), ==, NULL);
		qobject_unref(answer);
	}
	qtest_qmp_assert_success(s->qts, "{'execute': 'job-dismiss', 'arguments': {'id': %s}}", id);
}

static void pvs_add_disk(QPvs *s, const char *path)
{
	qtest_qmp_assert_success(s->qts,
				 "{'execute': 'blockdev-add', 'arguments': {'driver': 'file', "
				 "'node-name': 'file0', 'filename': %s}}",
				 path);
	qtest_qmp_assert_success(s->qts,
				 "{'execute': 'blockdev-create', 'arguments': {'job-id': 'create', "
				 "'options': {'driver': 'qcow2', 'file': 'file0', "
				 "'size': 1048576}}}");
	pvs_run_job(s, "create");
	qtest_qmp_assert_success(s->qts,
				 "{'execute': 'blockdev-add', 'arguments': {'driver': 'qcow2', "
				 "'node-name': 'disk0', 'file': 'file0'}}");
}

static void pvs_snapshot(QPvs *s, const char *command)
{
	qtest_qmp_assert_success(s->qts,
				 "{'execute': %s, 'arguments': {'job-id': 'snapshot', "
				 "'tag': 'then', 'vmstate': 'disk0', 'devices': ['disk0']}}",
				 command);
	pvs_run_job(s, "snapshot");
}

static void test_snapshot(void)
{
	g_autofree char *path = pvs_stream_path();
	QPvs *s = pvs_start(PVS_OFF, "");
	uint32_t generation;

	pvs_add_disk(s, path);
	pvs_bring_up(s, PVS_F_INTENT | PVS_F_STATE);
	pvs_guest_set(s, 0, 8, 0x1111);
	generation = pvs_reg(s, PVS_REG_GENERATION);
	pvs_snapshot(s, "snapshot-save");
	/* Saving changes nothing for who goes on. */
	pvs_assert_status(s, PVS_STATUS_UP, PVS_RESULT_OK);
	g_assert_cmpuint(pvs_reg(s, PVS_REG_GENERATION), ==, generation);

	pvs_guest_set(s, 0, 8, 0x2222);
	pvs_boost(s, 1);
	pvs_snapshot(s, "snapshot-load");
	pvs_wait_running(s);
	pvs_assert_status(s, PVS_WAITING, PVS_RESULT_MIGRATED);
	g_assert_cmpuint(pvs_reg(s, PVS_REG_GENERATION), ==, generation + 1);
	pvs_wait_interrupt(s, PVS_VECTOR_CONFIG);
	g_assert_cmphex(pvs_guest_get(s, 0, 8), ==, 0x1111);
	g_assert_cmphex(pvs_guest_get(s, 1, 0), ==, 0);
	g_assert_cmphex((uint32_t)pvs_host_get(s, 1, 0), ==,
			PVS_STATE_PRESENT << PVS_STATE_FLAGS_SHIFT);
	pvs_reg_set(s, PVS_REG_STATUS, PVS_STATUS_UP);
	pvs_assert_status(s, PVS_STATUS_UP, PVS_RESULT_OK);
	pvs_stop(s);
	g_unlink(path);
}

void pvs_add_migration_tests(void)
{
	qtest_add_func("/sluice-pvs/migration/migrate", test_migrate);
	qtest_add_func("/sluice-pvs/migration/other-shape", test_other_shape);
	qtest_add_func("/sluice-pvs/migration/snapshot", test_snapshot);
}
