/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Migration through a file: state moves, programs block, a bad stream is refused. */
#include "qemu/osdep.h"
#include <glib/gstdio.h>
#include "qobject/qdict.h"
#include "qobject/qlist.h"
#include "sluice.h"

static char *sluice_stream_path(void)
{
	g_autoptr(GError) err = NULL;
	char *path = NULL;
	int fd = g_file_open_tmp("sluice-qtest-XXXXXX", &path, &err);

	g_assert_no_error(err);
	close(fd);
	return path;
}

static void sluice_wait_migration(QSluice *s, const char *want)
{
	gint64 end = g_get_monotonic_time() + SLUICE_PATIENCE;
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

static void sluice_migrate_out(QSluice *s, const char *path)
{
	g_autofree char *uri = g_strdup_printf("file:%s", path);

	qtest_qmp_assert_success(s->qts, "{'execute': 'migrate', 'arguments': {'uri': %s}}", uri);
	sluice_wait_migration(s, "completed");
}

/* A second NIC that takes up what is in @path; the driver's view is @from's. */
static QSluice *sluice_migrate_in(QSluice *from, const char *props, const char *path)
{
	QSluice *s = sluice_start_incoming(props);
	g_autofree char *uri = g_strdup_printf("file:%s", path);

	qtest_qmp_assert_success(s->qts,
				 "{'execute': 'migrate-incoming', 'arguments': {'uri': %s}}", uri);
	sluice_adopt(s, from);
	return s;
}

static void test_migrate(void)
{
	g_autofree char *path = sluice_stream_path();
	QSluice *from = sluice_start("", ""), *to;
	QSluiceQueue rx, tx;
	uint8_t frame[64], got[SLUICE_BUFFER];
	struct sluice_rx_cpl cpl;
	unsigned i;

	sluice_bring_up(from);
	sluice_traffic(from, &rx, &tx);
	sluice_make_frame(frame, sizeof(frame), 0);
	for (i = 0; i < SLUICE_RING + 3; i++) {
		sluice_wire_send(from, frame, sizeof(frame));
		sluice_rx_wait(from, &rx, NULL);
		sluice_rx_post(from, &rx, 1);
	}
	/* A program that came and went leaves no blocker. */
	i = sluice_load_verdict(from, XDP_PASS);
	sluice_cmd(from, SLUICE_OP_PROG_FREE, &(struct sluice_args_prog){.prog_id = i},
		   sizeof(struct sluice_args_prog), NULL, NULL, 0);
	sluice_migrate_out(from, path);

	to = sluice_migrate_in(from, "", path);
	sluice_wait_migration(to, "completed");
	g_assert_cmphex(sluice_reg(to, SLUICE_REG_STATUS), ==,
			SLUICE_STATUS_READY | SLUICE_STATUS_FEATURES_OK | SLUICE_STATUS_ADMIN_ON);
	g_assert_cmpuint(sluice_stat(to, "rx_delivered_frames"), ==, SLUICE_RING + 3);
	sluice_make_frame(frame, sizeof(frame), 9);
	sluice_cpl_doorbell(to, &rx, SLUICE_QUEUE_RX, true);
	sluice_wire_send(to, frame, sizeof(frame));
	cpl = sluice_rx_wait(to, &rx, got);
	g_assert_cmpmem(got, le16_to_cpu(cpl.length), frame, sizeof(frame));
	sluice_wait_interrupt(to, rx.vector);
	sluice_tx_frame(to, &tx, frame, sizeof(frame));
	/* QEMU announces the NIC at its new place, in frames of its own. */
	while (sluice_wire_recv(to, got, sizeof(got)) != sizeof(frame))
		g_assert_cmphex(got[12] << 8 | got[13], ==, 0x8035);
	g_assert_cmpmem(got, sizeof(frame), frame, sizeof(frame));
	sluice_cmd(to, SLUICE_OP_NOP, NULL, 0, NULL, NULL, 0);
	sluice_assert_balanced(to);
	sluice_stop(to);
	sluice_stop(from);
	g_unlink(path);
}

static void test_blocked(void)
{
	g_autofree char *path = sluice_stream_path();
	g_autofree char *uri = g_strdup_printf("file:%s", path);
	QSluice *s = sluice_start("", "");
	struct sluice_args_map map = {0};
	QDict *answer;

	sluice_bring_up(s);
	map.map_id = cpu_to_le32(sluice_map_create(s, BPF_MAP_TYPE_ARRAY, 4, 4, 1));
	answer = qtest_qmp(s->qts, "{'execute': 'migrate', 'arguments': {'uri': %s}}", uri);
	g_assert(qdict_haskey(answer, "error"));
	g_assert_cmpstr(qdict_get_str(qdict_get_qdict(answer, "error"), "desc"), ==,
			"nic0: programs or maps are loaded in the NIC and cannot move with it yet; "
			"take them out first (ip link set dev DEV xdpoffload off, unpin offloaded "
			"maps)");
	qobject_unref(answer);

	/* The cure the message names. */
	sluice_cmd(s, SLUICE_OP_MAP_FREE, &map, sizeof(map), NULL, NULL, 0);
	sluice_migrate_out(s, path);
	sluice_stop(s);
	g_unlink(path);
}

/* A reset takes the programs away, and the blocker with them. */
static void test_reset_unblocks(void)
{
	g_autofree char *path = sluice_stream_path();
	QSluice *s = sluice_start("", "");

	sluice_bring_up(s);
	sluice_load_verdict(s, XDP_PASS);
	sluice_reg_set(s, SLUICE_REG_RESET, SLUICE_RESET_KEY);
	sluice_migrate_out(s, path);
	sluice_stop(s);
	g_unlink(path);
}

/* Stopped and continued: frames and commands of the pause are taken up after it. */
static void test_stop_cont(void)
{
	QSluice *s = sluice_start("", "");
	QSluiceQueue rx, tx;
	uint8_t frame[64];

	sluice_bring_up(s);
	sluice_traffic(s, &rx, &tx);
	sluice_make_frame(frame, sizeof(frame), 0);
	qtest_qmp_assert_success(s->qts, "{'execute': 'stop'}");
	sluice_wire_send(s, frame, sizeof(frame));
	sluice_assert_alive(s);
	g_assert_cmpuint(sluice_stat(s, "rx_wire_frames"), ==, 0);
	qtest_qmp_assert_success(s->qts, "{'execute': 'cont'}");
	sluice_rx_wait(s, &rx, NULL);
	g_assert_cmpuint(sluice_stat(s, "rx_wire_frames"), ==, 1);
	sluice_cmd(s, SLUICE_OP_NOP, NULL, 0, NULL, NULL, 0);
	sluice_stop(s);
}

/* Into a NIC of another shape: refused, not adapted. */
static void test_other_shape(void)
{
	g_autofree char *path = sluice_stream_path();
	QSluice *from = sluice_start(",queues=4", ""), *to;
	QSluiceQueue rx;

	sluice_bring_up(from);
	sluice_rx_create(from, &rx, 3);
	sluice_migrate_out(from, path);
	to = sluice_migrate_in(from, ",queues=3", path);
	/* The process ends with an error, as QEMU does when an incoming state cannot be loaded. */
	qtest_set_expected_status(to->qts, EXIT_FAILURE);
	qtest_wait_qemu(to->qts);
	sluice_stop(to);
	sluice_stop(from);
	g_unlink(path);
}

static void sluice_run_job(QSluice *s, const char *id)
{
	gint64 end = g_get_monotonic_time() + SLUICE_PATIENCE;
	bool concluded = false;

	while (!concluded) {
		QDict *answer = qtest_qmp(s->qts, "{'execute': 'query-jobs'}");
		QDict *job = qobject_to(QDict, qlist_peek(qdict_get_qlist(answer, "return")));

		g_assert_cmpint(g_get_monotonic_time(), <, end);
		g_assert_cmpstr(qdict_get_str(job, "id"), ==, id);
		concluded = !strcmp(qdict_get_str(job, "status"), "concluded");
		if (concluded)
			g_assert_cmpstr(qdict_get_try_str(job, "error"), ==, NULL);
		qobject_unref(answer);
	}
	qtest_qmp_assert_success(s->qts, "{'execute': 'job-dismiss', 'arguments': {'id': %s}}", id);
}

/* An image for the machine's state; needs no qemu-img. */
static void sluice_add_disk(QSluice *s, const char *path)
{
	qtest_qmp_assert_success(s->qts,
				 "{'execute': 'blockdev-add', 'arguments': {'driver': 'file', "
				 "'node-name': 'file0', 'filename': %s}}",
				 path);
	qtest_qmp_assert_success(s->qts,
				 "{'execute': 'blockdev-create', 'arguments': {'job-id': 'create', "
				 "'options': {'driver': 'qcow2', 'file': 'file0', "
				 "'size': 1048576}}}");
	sluice_run_job(s, "create");
	qtest_qmp_assert_success(s->qts,
				 "{'execute': 'blockdev-add', 'arguments': {'driver': 'qcow2', "
				 "'node-name': 'disk0', 'file': 'file0'}}");
}

static void sluice_snapshot(QSluice *s, const char *command, const char *tag)
{
	qtest_qmp_assert_success(s->qts,
				 "{'execute': %s, 'arguments': {'job-id': 'snapshot', "
				 "'tag': %s, 'vmstate': 'disk0', 'devices': ['disk0']}}",
				 command, tag);
	sluice_run_job(s, "snapshot");
}

/* Back to a snapshot, from a NIC that runs a program it did not have then. */
static void test_snapshot(void)
{
	g_autofree char *path = sluice_stream_path();
	QSluice *s = sluice_start("", "");
	struct sluice_resp_port port;
	QSluiceQueue rx, tx;
	QSluice then;
	QSluiceQueue rx_then;
	uint8_t frame[64];
	unsigned i;

	sluice_add_disk(s, path);
	sluice_bring_up(s);
	sluice_traffic(s, &rx, &tx);
	sluice_make_frame(frame, sizeof(frame), 0);
	sluice_wire_send(s, frame, sizeof(frame));
	sluice_rx_wait(s, &rx, NULL);
	sluice_snapshot(s, "snapshot-save", "then");
	then = *s;
	rx_then = rx;

	g_assert_cmpuint(sluice_attach(s, sluice_load_verdict(s, XDP_DROP)), ==, SLUICE_ST_OK);
	sluice_map_create(s, BPF_MAP_TYPE_HASH, 4, 4, 10);
	for (i = 0; i < 5; i++)
		sluice_wire_send(s, frame, sizeof(frame));
	sluice_wait_stat(s, "rx_xdp_drop", 5);

	sluice_snapshot(s, "snapshot-load", "then");
	*s = then;
	rx = rx_then;
	g_assert_cmpuint(sluice_stat(s, "rx_wire_frames"), ==, 1);
	g_assert_cmpuint(sluice_stat(s, "rx_xdp_drop"), ==, 0);
	sluice_cmd(s, SLUICE_OP_PORT_QUERY, NULL, 0, NULL, &port, sizeof(port));
	g_assert_cmpuint(port.prog_id, ==, 0);
	sluice_wire_send(s, frame, sizeof(frame));
	sluice_rx_wait(s, &rx, NULL);
	sluice_assert_balanced(s);
	/* The blocker went with what it stood for. */
	sluice_snapshot(s, "snapshot-save", "again");
	sluice_stop(s);
	g_unlink(path);
}

void sluice_add_migration_tests(void)
{
	qtest_add_func("/sluice/migration/snapshot", test_snapshot);
	qtest_add_func("/sluice/migration/migrate", test_migrate);
	qtest_add_func("/sluice/migration/blocked", test_blocked);
	qtest_add_func("/sluice/migration/reset-unblocks", test_reset_unblocks);
	qtest_add_func("/sluice/migration/stop-cont", test_stop_cont);
	qtest_add_func("/sluice/migration/other-shape", test_other_shape);
}
