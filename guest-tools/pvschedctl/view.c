// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Reading a vCPU's pages and showing them.
 */
#include <inttypes.h>
#include <stdio.h>

#include "view.h"

#define SEQ_TRIES 16

/* One read, whatever the compiler would rather do. */
#define READ(field) __atomic_load_n(&(field), __ATOMIC_ACQUIRE)

static void view_read_guest(const struct pvs_guest_page *page, struct vcpu_view *view)
{
	uint64_t intent = READ(page->intent), cs = READ(page->cs), wait = READ(page->wait);

	view->class = intent & PVS_INTENT_CLASS_MASK;
	view->nice = (int)(intent >> PVS_INTENT_NICE_SHIFT & PVS_INTENT_NICE_MASK) - 20;
	view->prio = intent >> PVS_INTENT_PRIO_SHIFT & PVS_INTENT_PRIO_MASK;
	view->pending = intent >> PVS_INTENT_FLAGS_SHIFT & PVS_INTENT_FLAGS_MASK;
	view->intent_gen = intent >> PVS_INTENT_GEN_SHIFT;
	view->cs = cs & 0xff;
	view->depth = cs >> 8 & 0xffffff;
	view->cs_count = cs >> 32;
	view->dl_runtime = READ(page->dl_runtime);
	view->dl_deadline = READ(page->dl_deadline);
	view->dl_period = READ(page->dl_period);
	view->next_event = READ(page->next_event);
	view->wait_vcpu = (uint32_t)wait;
	view->wait_reason = wait >> 32 & 0xff;
	view->ticket = READ(page->ticket);
	view->ring_head = READ(page->ring_head);
	view->ring_lost = READ(page->ring_lost);
}

/* Line 1, under its seqlock. */
static void view_read_times(const struct pvs_host_page *page, struct vcpu_view *view)
{
	for (int i = 0; i < SEQ_TRIES; i++) {
		uint32_t seq = READ(page->seq);

		view->run_ns = READ(page->run_ns);
		view->steal_ns = READ(page->steal_ns);
		view->last_in = READ(page->last_in);
		view->last_out = READ(page->last_out);
		view->host_ns = READ(page->host_ns);
		view->boost_ns = READ(page->boost_ns);
		if (!(seq & 1) && READ(page->seq) == seq) {
			view->times_torn = false;
			return;
		}
	}
	view->times_torn = true;
}

static void view_read_host(const struct pvs_host_page *page, struct vcpu_view *view)
{
	uint64_t state = READ(page->state), capacity = READ(page->capacity);

	view->run = state & PVS_STATE_RUN_MASK;
	view->boost = state >> PVS_STATE_BOOST_SHIFT & PVS_STATE_BOOST_MASK;
	view->state_flags = state >> PVS_STATE_FLAGS_SHIFT & PVS_STATE_FLAGS_MASK;
	view->state_gen = state >> PVS_STATE_GEN_SHIFT;
	view->capacity = capacity & 0xffff;
	view->avoid = capacity >> 16 & 0xff;
	view->host_cpu = capacity >> 24 & 0xffff;
	view->sibling = capacity >> 40 & 0xffff;
	view->decision = READ(page->decision);
	view->ticket_answered = READ(page->ticket);
	view->reject = READ(page->reject);
	view->ring_tail = READ(page->ring_tail);
	view->budget_cs = READ(page->budget_cs);
	view->budget_boost = READ(page->budget_boost);
	view_read_times(page, view);
}

static int view_cpu_of(const struct ctl_chan *chan, uint32_t vcpu)
{
	for (uint32_t cpu = 0; cpu < chan->info.n_cpus; cpu++)
		if (chan->vcpus[cpu] == (int32_t)vcpu)
			return cpu;
	return -1;
}

void view_read(const struct ctl_chan *chan, uint32_t vcpu, struct vcpu_view *view)
{
	*view = (struct vcpu_view){.cpu = view_cpu_of(chan, vcpu), .vcpu = vcpu};
	view_read_guest(&chan->guest[vcpu], view);
	view_read_host(&chan->host[vcpu], view);
}

/* ---- JSON -------------------------------------------------------------------------------------
 */

static void put_int(struct json_object *o, const char *key, int64_t value)
{
	json_object_object_add(o, key, json_object_new_int64(value));
}

static void put_name(struct json_object *o, const char *key, const struct ctl_name *names,
		     uint64_t value)
{
	json_object_object_add(o, key, json_object_new_string(name_of(names, value)));
}

static struct json_object *view_guest_json(const struct vcpu_view *view)
{
	struct json_object *o = json_object_new_object();

	put_name(o, "class", ctl_classes, view->class);
	put_int(o, "nice", view->nice);
	put_int(o, "prio", view->prio);
	json_object_object_add(o, "pending", name_json(ctl_pending, view->pending));
	put_int(o, "generation", view->intent_gen);
	json_object_object_add(o, "cs", name_json(ctl_cs, view->cs));
	put_int(o, "cs-depth", view->depth);
	put_int(o, "cs-count", view->cs_count);
	put_int(o, "dl-runtime", view->dl_runtime);
	put_int(o, "dl-deadline", view->dl_deadline);
	put_int(o, "dl-period", view->dl_period);
	put_int(o, "next-event", view->next_event);
	put_name(o, "wait", ctl_waits, view->wait_reason);
	put_int(o, "wait-vcpu", (int32_t)view->wait_vcpu);
	put_int(o, "ticket", view->ticket);
	put_int(o, "ring-head", view->ring_head);
	put_int(o, "ring-lost", view->ring_lost);
	return o;
}

static struct json_object *view_host_json(const struct vcpu_view *view)
{
	struct json_object *o = json_object_new_object();

	put_name(o, "run", ctl_runs, view->run);
	put_name(o, "boost", ctl_boosts, view->boost);
	json_object_object_add(o, "flags", name_json(ctl_state_flags, view->state_flags));
	put_int(o, "generation", view->state_gen);
	put_int(o, "run-ns", view->run_ns);
	put_int(o, "steal-ns", view->steal_ns);
	put_int(o, "boost-ns", view->boost_ns);
	put_int(o, "host-ns", view->host_ns);
	put_int(o, "last-in", view->last_in);
	put_int(o, "last-out", view->last_out);
	put_int(o, "capacity", view->capacity);
	put_int(o, "avoid", view->avoid);
	put_int(o, "host-cpu", (int)view->host_cpu - 1);
	put_int(o, "sibling", (int)view->sibling - 1);
	put_int(o, "decision", view->decision);
	put_int(o, "ticket", view->ticket_answered);
	put_name(o, "reject", ctl_rejects, view->reject);
	put_int(o, "ring-tail", view->ring_tail);
	put_int(o, "budget-cs", view->budget_cs);
	put_int(o, "budget-boost", view->budget_boost);
	return o;
}

struct json_object *view_json(const struct vcpu_view *view)
{
	struct json_object *o = json_object_new_object();

	put_int(o, "vcpu", view->vcpu);
	put_int(o, "cpu", view->cpu);
	json_object_object_add(o, "guest", view_guest_json(view));
	json_object_object_add(o, "host", view_host_json(view));
	return o;
}

/* ---- Text -------------------------------------------------------------------------------------
 */

void view_print_head(void)
{
	printf("%4s %4s | %-9s %4s %4s %-18s %-14s %-12s | %-9s %-8s %5s %5s %4s %-10s %5s\n",
	       "vCPU", "CPU", "CLASS", "NICE", "PRIO", "PENDING", "CRITICAL", "WAITS FOR", "HOST",
	       "BOOST", "RUN%", "STL%", "CAP", "REJECT", "RING");
}

/* Hundredths of the time between the two, "-" if it is not known. */
static const char *view_share(uint64_t now, uint64_t then, uint64_t interval, char *text,
			      size_t size)
{
	if (!interval || now < then)
		snprintf(text, size, "-");
	else
		snprintf(text, size, "%.1f", 100.0 * (double)(now - then) / (double)interval);
	return text;
}

void view_print(const struct vcpu_view *view, const struct vcpu_view *before)
{
	char cpu[16] = "-", pending[64], why[48], cs[64] = "-", wait[32] = "-", run[16], steal[16];
	uint64_t interval = 0;

	if (view->cpu >= 0)
		snprintf(cpu, sizeof(cpu), "%d", view->cpu);
	if (view->depth)
		snprintf(cs, sizeof(cs), "%u:%s", view->depth,
			 name_join(ctl_cs, view->cs, ',', why, sizeof(why)));
	if (view->wait_reason && view->wait_vcpu == PVS_WAIT_NOBODY)
		snprintf(wait, sizeof(wait), "?:%s", name_of(ctl_waits, view->wait_reason));
	else if (view->wait_reason)
		snprintf(wait, sizeof(wait), "%u:%s", view->wait_vcpu,
			 name_of(ctl_waits, view->wait_reason));
	if (before && !view->times_torn && !before->times_torn && view->host_ns > before->host_ns)
		interval = view->host_ns - before->host_ns;
	printf("%4u %4s | %-9s %4d %4u %-18s %-14s %-12s | %-9s %-8s %5s %5s %4u %-10s %5d\n",
	       view->vcpu, cpu, name_of(ctl_classes, view->class), view->nice, view->prio,
	       name_join(ctl_pending, view->pending, ',', pending, sizeof(pending)), cs, wait,
	       view->state_flags & PVS_STATE_PRESENT ? name_of(ctl_runs, view->run) : "absent",
	       view->state_flags & PVS_STATE_THROTTLED ? "spent" : name_of(ctl_boosts, view->boost),
	       view_share(view->run_ns, before ? before->run_ns : 0, interval, run, sizeof(run)),
	       view_share(view->steal_ns, before ? before->steal_ns : 0, interval, steal,
			  sizeof(steal)),
	       view->capacity, name_of(ctl_rejects, view->reject),
	       (int)(view->ring_head - view->ring_tail));
}
