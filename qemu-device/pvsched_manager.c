/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * manager=SOCKET: another process is the loop (sluice-pvsd), for several VMs at once. The client
 * calls back in a thread of its own, which may not wait for the big lock: what it heard is kept
 * here until the main loop looks.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/lockable.h"
#include "qemu/main-loop.h"
#include "qemu/thread.h"
#include "pvsched.h"
#include "trace.h"

struct PvschedManager {
	SluicePvsched *s;
	struct pvs_client *client;
	QEMUBH *bh;
	QemuMutex lock; /* of what follows */
	bool lost, news, connected;
	char policy[PVS_NAME_LEN];
	uint32_t sources, actuators;
	char *warnings;
};

/* ---- In the client's thread ---------------------------------------------------------------- */

static void pvsched_manager_connected(void *opaque, const char *policy, uint32_t sources,
				      uint32_t actuators)
{
	PvschedManager *m = opaque;

	WITH_QEMU_LOCK_GUARD(&m->lock)
	{
		m->connected = m->news = true;
		g_strlcpy(m->policy, policy ?: "", sizeof(m->policy));
		m->sources = sources;
		m->actuators = actuators;
	}
	qemu_bh_schedule(m->bh);
}

static void pvsched_manager_lost(void *opaque)
{
	PvschedManager *m = opaque;

	WITH_QEMU_LOCK_GUARD(&m->lock)
	{
		m->lost = m->news = true;
		m->connected = false;
		m->policy[0] = '\0';
		m->sources = m->actuators = 0;
	}
	qemu_bh_schedule(m->bh);
}

static void pvsched_manager_policy(void *opaque, const char *name, uint32_t version)
{
	PvschedManager *m = opaque;

	WITH_QEMU_LOCK_GUARD(&m->lock)
	{
		m->news = true;
		g_strlcpy(m->policy, name, sizeof(m->policy));
	}
	qemu_bh_schedule(m->bh);
}

static void pvsched_manager_warning(void *opaque, const char *text)
{
	PvschedManager *m = opaque;

	WITH_QEMU_LOCK_GUARD(&m->lock)
	{
		char *old = m->warnings;

		m->warnings = g_strconcat(old ?: "", text, "\n", NULL);
		g_free(old);
	}
	qemu_bh_schedule(m->bh);
}

static void pvsched_manager_notify(void *opaque, uint32_t vector)
{
	PvschedManager *m = opaque;

	pvsched_vector_due(m->s, vector);
}

/* ---- In the main loop ---------------------------------------------------------------------- */

/* A manager that went has restored the baselines, and says nothing to the guest any more. */
static void pvsched_manager_news(void *opaque)
{
	PvschedManager *m = opaque;
	SluicePvsched *s = m->s;
	char policy[PVS_NAME_LEN];
	g_autofree char *warnings = NULL;
	bool lost, news;

	WITH_QEMU_LOCK_GUARD(&m->lock)
	{
		lost = m->lost;
		news = m->news;
		m->lost = m->news = false;
		warnings = g_steal_pointer(&m->warnings);
		memcpy(policy, m->policy, sizeof(policy));
		pvs_regs_set_means(s->regs, m->sources, m->actuators);
	}
	trace_pvsched_manager(pvsched_name(s), lost, policy);
	if (warnings)
		pvsched_note(s, warnings);
	if (lost) {
		warn_report("%s: the manager at %s is gone or does not answer: vCPUs are scheduled "
			    "as they were, the guest has to negotiate again",
			    pvsched_name(s), s->options.manager);
		pvs_regs_renegotiate(s->regs, PVS_RESULT_WATCHDOG);
	}
	if (news) {
		s->swaps++;
		pvs_regs_set_policy(s->regs, policy);
	}
}

bool pvsched_manager_policy_now(SluicePvsched *s, char **policy)
{
	QEMU_LOCK_GUARD(&s->manager->lock);

	*policy = g_strdup(s->manager->policy);
	return s->manager->connected;
}

void pvsched_manager_negotiated(SluicePvsched *s, uint64_t features)
{
	pvs_client_negotiated(s->manager->client, features);
}

void pvsched_manager_clock_offset(SluicePvsched *s, int64_t offset_ns)
{
	pvs_client_set_clock_offset(s->manager->client, offset_ns);
}

void pvsched_manager_vcpu(SluicePvsched *s, uint32_t vcpu, pid_t tid)
{
	g_autofree char *text = NULL;
	int err = 0;

	if (tid)
		err = pvs_client_vcpu_add(s->manager->client, vcpu, tid);
	else
		pvs_client_vcpu_remove(s->manager->client, vcpu);
	if (!err)
		return;
	text = g_strdup_printf("vCPU %u: %s", vcpu, strerror(-err));
	pvsched_note(s, text);
}

void pvsched_manager_service(SluicePvsched *s, pid_t tid)
{
	pvs_client_service_add(s->manager->client, tid);
}

bool pvsched_manager_init(SluicePvsched *s, const struct pvs_limits *limits, Error **errp)
{
	PvschedManager *m = g_new0(PvschedManager, 1);
	g_autofree char *text = g_malloc0(PVSCHED_LOG_SIZE);
	struct pvs_log log = {.buf = text, .size = PVSCHED_LOG_SIZE};
	struct pvs_client_config config = {
		.path = s->options.manager,
		.name = pvsched_name(s),
		.n_vcpus = s->n_vcpus,
		.n_vectors = s->n_vectors,
		.guest_fd = memory_region_get_fd(&s->guest_bar),
		.host_fd = memory_region_get_fd(&s->host_bar),
		.mailbox = s->mailbox,
		.limits = *limits,
		.sources = pvsched_cpus_sources(),
		.connected = pvsched_manager_connected,
		.lost = pvsched_manager_lost,
		.notify = pvsched_manager_notify,
		.policy = pvsched_manager_policy,
		.warning = pvsched_manager_warning,
		.opaque = m,
	};
	int err;

	m->s = s;
	qemu_mutex_init(&m->lock);
	m->bh = qemu_bh_new_guarded(pvsched_manager_news, m, &DEVICE(s)->mem_reentrancy_guard);
	s->manager = m;
	err = pvs_client_create(&config, &m->client, &log);
	if (!err)
		return true;
	m->client = NULL;
	error_setg(errp, "manager=%s: %s", s->options.manager,
		   *text ? g_strchomp(text) : strerror(-err));
	return false;
}

void pvsched_manager_exit(SluicePvsched *s)
{
	PvschedManager *m = s->manager;

	if (!m)
		return;
	if (m->client)
		pvs_client_destroy(m->client);
	qemu_bh_delete(m->bh);
	qemu_mutex_destroy(&m->lock);
	g_free(m->warnings);
	g_free(m);
	s->manager = NULL;
}
