/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Policies that decide in the host's kernel, at switches of real threads: what they see of the
 * pages in the map's memory, what of their answers arrives, and how one takes another's place.
 * Skipped where bpf() does not work.
 */
#include "policy_fixture.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "pvs_kernel.h"
#include "worker.h"

enum {
	VCPUS = 3,
	WAIT_MS = 20000,
	LOOK_MS = 5,
	MAX_HEARD = 4096,
	TICK_NS = 4000000
};

static const uint64_t all_features = (1ull << 11) - 1;

struct heard {
	struct pvs_switch at;
	struct pvs_ctx ctx;
	int verdict;
	bool asked, decided;
	uint64_t answered_ns;
};

static struct pvs_kernel_host *host;
static struct pvs_kernel_program *in_use;
static struct heard heard[MAX_HEARD];
static unsigned n_heard;

static void hear(void *opaque, const struct pvs_kernel_event *event)
{
	struct heard *entry = &heard[n_heard];

	if (n_heard == MAX_HEARD)
		return;
	n_heard++;
	*entry = (struct heard){.at = event->at,
				.verdict = event->verdict,
				.asked = event->asked,
				.decided = event->ctx != NULL,
				.answered_ns = event->answered_ns};
	if (event->ctx)
		entry->ctx = *event->ctx;
}

/* Take what there is. A switch that the policy let pass wakes nobody, so it is looked for. */
static void look(unsigned *waited)
{
	struct pollfd ready = {.fd = pvs_kernel_host_fd(host), .events = POLLIN};

	if (!poll(&ready, 1, LOOK_MS))
		assert_true((*waited += LOOK_MS) < WAIT_MS);
	pvs_kernel_host_take(host, hear, NULL);
	assert_true(n_heard < MAX_HEARD);
}

/* The first event of @vcpu from @from on that is an @event; wait for it. */
static unsigned hear_of(unsigned from, uint32_t vcpu, uint32_t event)
{
	unsigned waited = 0;

	for (;; from++) {
		while (from >= n_heard)
			look(&waited);
		if (heard[from].at.vcpu == vcpu && heard[from].at.event == event)
			return from;
	}
}

/* Its last event, if that is one from @from on. */
static const struct heard *last_of(unsigned from, uint32_t vcpu)
{
	for (unsigned i = n_heard; i > from; i--)
		if (heard[i - 1].at.vcpu == vcpu)
			return &heard[i - 1];
	return NULL;
}

static void tell(uint32_t vcpu, bool active)
{
	struct pvs_kernel_told told = {.ctx = context(PVS_EVENT_INIT, PVS_ACT_ALL),
				       .clock_offset = 1000,
				       .active = active};

	told.ctx.vm = 7;
	told.ctx.vcpu = vcpu;
	told.ctx.n_vcpus = VCPUS;
	told.ctx.features = (uint32_t)all_features;
	told.ctx.ticket = 5;
	told.ctx.budget_cs = 1234;
	told.ctx.tick_ns = TICK_NS;
	pvs_kernel_host_tell(host, vcpu, &told);
}

static int setup(void **state)
{
	char text[4096] = "";
	struct pvs_log log = {.buf = text, .size = sizeof(text)};

	n_heard = 0;
	if (pvs_kernel_host_create(7, VCPUS, false, &host, &log) < 0) {
		fprintf(stderr, "%s", text);
		return -1;
	}
	for (uint32_t v = 0; v < VCPUS; v++)
		tell(v, true);
	return 0;
}

static int set_policy(struct pvs_policy *policy, struct pvs_log *log)
{
	struct pvs_kernel_program *old = in_use, *program = NULL;
	const int err = policy ? pvs_kernel_program_load(host, policy, &program, log) : 0;

	if (err)
		return err;
	pvs_kernel_host_use(host, program);
	in_use = program;
	pvs_kernel_program_free(old);
	return 0;
}

static int teardown(void **state)
{
	set_policy(NULL, NULL);
	pvs_kernel_host_destroy(host);
	return 0;
}

static struct pvs_policy *put_in_place(const char *object, const struct pvs_tunable *mark)
{
	const struct pvs_policy_options options = {
		.host = PVS_HOST_KERNEL, .tunables = mark, .n_tunables = mark ? 1 : 0};
	struct pvs_policy *policy = policy_opened(test_object(object), &options);
	char text[4096] = "";
	struct pvs_log log = {.buf = text, .size = sizeof(text)};

	assert_int_equal(set_policy(policy, &log), 0);
	assert_string_equal(text, "");
	return policy;
}

/* Have a thread that waits be vCPU @vcpu. */
static void begin(struct worker *worker, uint32_t vcpu)
{
	worker_start(worker, false, WORKER_ANY_CPU);
	assert_int_equal(pvs_kernel_host_add(host, vcpu, worker->tid), 0);
}

static void end(struct worker *worker, uint32_t vcpu)
{
	pvs_kernel_host_remove(host, vcpu);
	worker_finish(worker);
}

/*
 * Let it run until it waits for another byte, and return that halt. When it has read the byte, its
 * getting a CPU for that was told; the halt that comes last is then the one after the byte.
 */
static const struct heard *one_halt(struct worker *worker, uint32_t vcpu)
{
	const unsigned from = n_heard;
	const struct heard *last;
	unsigned waited = 0;
	bool has_read;

	worker_go_on(worker);
	do {
		has_read = worker_has_read(worker);
		look(&waited);
		last = last_of(from, vcpu);
	} while (!has_read || !last || last->at.event != PVS_EVENT_HALT);
	return last;
}

/* ---- Pages ----------------------------------------------------------------------------------- */

static void pages_are_the_maps_memory(void **state)
{
	struct pvs_guest_page *pages = pvs_kernel_host_pages(host), *again;
	static const struct pvs_guest_page zero;
	const size_t size = pvs_kernel_host_pages_size(host);

	assert_int_equal(size, (VCPUS + PVS_OPAQUE_PAGES) * PVS_PAGE_STRIDE);
	for (unsigned i = 0; i < VCPUS + PVS_OPAQUE_PAGES; i++)
		assert_memory_equal(&pages[i], &zero, sizeof(zero));
	again = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, pvs_kernel_host_pages_fd(host),
		     0);
	assert_ptr_not_equal(again, MAP_FAILED);
	pages[VCPUS - 1].ticket = 11;
	assert_int_equal(again[VCPUS - 1].ticket, 11);
	munmap(again, size);
}

static void vcpus_and_threads(void **state)
{
	struct pvs_kernel_host *none;
	char text[256] = "";
	struct pvs_log log = {.buf = text, .size = sizeof(text)};
	struct worker worker;

	worker_start(&worker, false, WORKER_ANY_CPU);
	assert_int_equal(pvs_kernel_host_add(host, VCPUS, worker.tid), -EINVAL);
	assert_int_equal(pvs_kernel_host_add(host, 0, worker.tid), 0);
	assert_int_equal(pvs_kernel_host_add(host, 0, worker.tid + 1), -EBUSY);
	assert_int_equal(pvs_kernel_host_add(host, 1, worker.tid), -EEXIST);
	pvs_kernel_host_remove(host, 0);
	pvs_kernel_host_remove(host, 0);
	pvs_kernel_host_remove(host, VCPUS);
	assert_int_equal(pvs_kernel_host_add(host, 1, worker.tid), 0);
	end(&worker, 1);
	assert_int_equal(pvs_kernel_host_create(0, 0, false, &none, &log), -EINVAL);
	assert_null(none);
	assert_string_equal(text, "host: 0 vCPUs; 1 to 4096 are accepted\n");
}

/* ---- Switches and decisions ------------------------------------------------------------------ */

static void without_a_policy(void **state)
{
	const struct heard *halt;
	struct worker worker;

	begin(&worker, 1);
	one_halt(&worker, 1);
	halt = one_halt(&worker, 1);
	assert_false(halt->asked);
	assert_false(halt->decided);
	assert_int_equal(halt->verdict, PVS_KEEP);
	assert_int_equal(halt->at.tid, worker.tid);
	assert_int_equal(halt->at.vm, 7);
	end(&worker, 1);
}

static void policy_sees_and_answers(void **state)
{
	struct pvs_policy *policy = put_in_place("live", NULL);
	struct pvs_guest_page *page = &pvs_kernel_host_pages(host)[2];
	const struct heard *halt;
	struct worker worker;

	begin(&worker, 2);
	one_halt(&worker, 2);
	pvs_guest_set_intent(page, PVS_CLASS_RT, -7, 42, PVS_PENDING_LOCK);
	pvs_guest_set_cs(page, PVS_CS_LOCK, 0);
	pvs_guest_set_deadline(page, 1000, 2000, 3000, 777000);
	pvs_guest_set_wait(page, 1, PVS_WAIT_MUTEX);
	page->ticket = 9;
	halt = one_halt(&worker, 2);
	assert_true(halt->asked && halt->decided);
	assert_int_equal(halt->verdict, PVS_APPLY);
	assert_int_equal(halt->ctx.event, PVS_EVENT_HALT);
	assert_int_equal(halt->ctx.now_ns, halt->at.ns);
	/* What it was told... */
	assert_int_equal(halt->ctx.vm, 7);
	assert_int_equal(halt->ctx.vcpu, 2);
	assert_int_equal(halt->ctx.budget_cs, 1234);
	/* ...what it found in the page... */
	assert_int_equal(halt->ctx.hint_status, PVS_HINT_OK);
	assert_int_equal(halt->ctx.class, PVS_CLASS_RT);
	assert_int_equal(halt->ctx.nice, -7);
	assert_int_equal(halt->ctx.rt_prio, 42);
	assert_int_equal(halt->ctx.pending, PVS_PENDING_LOCK);
	assert_int_equal(halt->ctx.cs, PVS_CS_LOCK);
	assert_int_equal(halt->ctx.cs_count, 1);
	assert_int_equal(halt->ctx.dl_period, 3000);
	assert_int_equal(halt->ctx.next_event, 776000);
	assert_int_equal(halt->ctx.wait_vcpu, 1);
	assert_int_equal(halt->ctx.wait_reason, PVS_WAIT_MUTEX);
	assert_int_equal(halt->ctx.ticket, 9);
	assert_int_equal(halt->ctx.run_state, PVS_RUN_HALTED);
	/* ...and what the policy said. */
	assert_int_equal(halt->ctx.out.set, PVS_SET_SLICE | PVS_SET_NICE);
	assert_int_equal(halt->ctx.out.slice_ns, 1000000);
	assert_int_equal(halt->ctx.out.nice, -PVS_EVENT_HALT);
	assert_int_equal(halt->ctx.out.target, 2);
	assert_int_equal(halt->ctx.out.weight, 3);
	page->ticket = 5; /* is answered */
	assert_int_equal(one_halt(&worker, 2)->ctx.ticket, 0);
	end(&worker, 2);
	pvs_policy_put(policy);
}

/* The guest's line of the vCPU, as the library takes it, and words for the guest with any verdict.
 */
static void opaque_lines(void **state)
{
	struct pvs_policy *policy = put_in_place("opaque", NULL);
	struct pvs_opaque_page *page =
		(struct pvs_opaque_page *)&pvs_kernel_host_pages(host)[VCPUS];
	struct pvs_kernel_told told = {.ctx = context(PVS_EVENT_INIT, PVS_ACT_ALL), .active = true};
	const struct heard *halt;
	struct worker worker;

	begin(&worker, 2);
	one_halt(&worker, 2);
	/* Word 0 is 0: nothing to say, so nobody is told of an answer. */
	page->line[1].word[0] = 1; /* another vCPU's */
	assert_false(one_halt(&worker, 2)->decided);
	for (unsigned verdict = PVS_KEEP; verdict <= PVS_BASELINE; verdict++) {
		for (unsigned i = 0; i < PVS_OPAQUE_WORDS; i++)
			page->line[2].word[i] = 1ull << 60 | i << 8;
		page->line[2].word[1] = verdict;
		one_halt(&worker, 2);
		halt = one_halt(&worker, 2);
		assert_true(halt->decided);
		assert_int_equal(halt->verdict, verdict);
		assert_memory_equal(halt->ctx.opaque, page->line[2].word, sizeof(page->line[2]));
		assert_true(halt->ctx.out.set & PVS_SET_OPAQUE);
		for (unsigned i = 0; i < PVS_OPAQUE_WORDS; i++)
			assert_int_equal(halt->ctx.out.opaque[i], page->line[2].word[7 - i] + i);
		assert_int_equal(halt->ctx.out.hold_ns, verdict == PVS_APPLY ? TICK_NS : 0);
	}
	/* Not negotiated: the line is there, and not looked at. */
	told.ctx.vcpu = 2;
	told.ctx.n_vcpus = VCPUS;
	told.ctx.features = (uint32_t)(all_features & ~PVS_F_OPAQUE);
	pvs_kernel_host_tell(host, 2, &told);
	one_halt(&worker, 2);
	assert_false(one_halt(&worker, 2)->decided);
	end(&worker, 2);
	pvs_policy_put(policy);
}

/* The same words again wake nobody. */
static void same_words_again(void **state)
{
	struct pvs_policy *policy = put_in_place("opaque", NULL);
	struct pvs_opaque_page *page =
		(struct pvs_opaque_page *)&pvs_kernel_host_pages(host)[VCPUS];
	struct pvs_kernel_told told = {.ctx = context(PVS_EVENT_INIT, PVS_ACT_ALL), .active = true};
	struct worker worker;

	/* PVS_KEEP wants nothing of the boost that is in effect. */
	told.ctx.boost = PVS_BOOST_RT;
	told.ctx.n_vcpus = VCPUS;
	told.ctx.features = (uint32_t)all_features;
	pvs_kernel_host_tell(host, 0, &told);
	begin(&worker, 0);
	one_halt(&worker, 0);
	for (uint64_t n = 1; n < 4; n++) {
		unsigned from = n_heard, woke = 0;

		page->line[0].word[0] = n;
		one_halt(&worker, 0);
		assert_int_equal(one_halt(&worker, 0)->verdict, PVS_KEEP);
		for (; from < n_heard; from++)
			woke += heard[from].answered_ns != 0;
		assert_int_equal(woke, 1);
	}
	end(&worker, 0);
	pvs_policy_put(policy);
}

static void same_decision_again(void **state)
{
	struct pvs_policy *policy = put_in_place("live", NULL);
	struct pvs_kernel_told told = {.ctx = context(PVS_EVENT_INIT, PVS_ACT_ALL), .active = true};
	struct worker worker;

	begin(&worker, 0);
	one_halt(&worker, 0);
	/* The boost is in effect: the same again woke nobody. */
	told.ctx.boost = PVS_BOOST_RT;
	pvs_kernel_host_tell(host, 0, &told);
	one_halt(&worker, 0);
	assert_int_equal(one_halt(&worker, 0)->answered_ns, 0);
	/* It is not in effect any more: at the latest when some time went by, it does. */
	told.ctx.boost = PVS_BOOST_NONE;
	pvs_kernel_host_tell(host, 0, &told);
	while (!one_halt(&worker, 0)->answered_ns)
		;
	assert_true(heard[n_heard - 1].answered_ns > heard[n_heard - 1].at.ns);
	end(&worker, 0);
	pvs_policy_put(policy);
}

/* A vCPU that is not active is told of, and its policy is not asked. */
static void inactive_vcpu(void **state)
{
	struct pvs_policy *policy = put_in_place("live", NULL);
	struct worker worker;

	begin(&worker, 0);
	one_halt(&worker, 0);
	tell(0, false);
	assert_false(one_halt(&worker, 0)->asked);
	tell(0, true);
	assert_true(one_halt(&worker, 0)->decided);
	end(&worker, 0);
	pvs_policy_put(policy);
}

static void preempted_with_hints(void **state)
{
	struct pvs_policy *policy = put_in_place("live", NULL);
	struct pvs_guest_page *page = pvs_kernel_host_pages(host);
	const int cpu = worker_some_cpu();
	struct worker workers[2];
	unsigned at = 0;

	for (uint32_t i = 0; i < 2; i++) {
		worker_start(&workers[i], true, cpu);
		assert_int_equal(pvs_kernel_host_add(host, i, workers[i].tid), 0);
	}
	/* Two that want the same CPU: the hints change while they do, and arrive with a stop. */
	for (int nice = -3; nice <= 3; nice++) {
		pvs_guest_set_intent(&page[1], PVS_CLASS_NORMAL, nice, 0, 0);
		do
			at = hear_of(at + 1, 1, PVS_EVENT_VCPU_STOP);
		while (heard[at].ctx.nice != nice || heard[at].ctx.hint_status != PVS_HINT_OK);
		assert_true(heard[at].decided);
		assert_int_equal(heard[at].ctx.run_state, PVS_RUN_PREEMPTED);
		assert_int_equal(heard[at].ctx.state_ns, 0);
		assert_int_equal(heard[at].at.cpu, cpu);
		assert_true(heard[at].ctx.run_ns > 0 || nice == -3); /* first stop: unknown */
	}
	for (uint32_t i = 0; i < 2; i++)
		end(&workers[i], i);
	pvs_policy_put(policy);
}

static void hints_that_changed(void **state)
{
	struct pvs_policy *policy = put_in_place("live_hint", NULL);
	struct pvs_guest_page *page = pvs_kernel_host_pages(host);
	unsigned hint, halt;
	struct worker worker;

	begin(&worker, 0);
	one_halt(&worker, 0);
	/* A writer that never ends: torn. HINT comes before the switch at which it was seen. */
	page->seq = 1;
	hint = n_heard;
	one_halt(&worker, 0);
	hint = hear_of(hint, 0, PVS_EVENT_HINT);
	assert_int_equal(heard[hint].ctx.hint_status, PVS_HINT_TORN);
	assert_int_equal(heard[hint].ctx.hint_age_ns, 0);
	assert_int_equal(heard[hint].verdict, PVS_BASELINE);
	assert_int_equal(heard[hint + 1].at.ns, heard[hint].at.ns);
	assert_int_equal(heard[hint + 1].at.event, PVS_EVENT_VCPU_RUN);
	/* Once: then they are the same, only older. */
	halt = (unsigned)(one_halt(&worker, 0) - heard);
	assert_true(heard[halt].ctx.hint_age_ns == heard[halt].at.ns - heard[hint].at.ns);
	for (unsigned i = hint + 1; i <= halt; i++)
		assert_int_not_equal(heard[i].at.event, PVS_EVENT_HINT);
	page->seq = 2;
	pvs_guest_set_intent(page, PVS_CLASS_NORMAL, 0, 0, 0);
	hint = n_heard;
	one_halt(&worker, 0);
	hint = hear_of(hint, 0, PVS_EVENT_HINT);
	assert_int_equal(heard[hint].ctx.hint_status, PVS_HINT_OK);
	assert_int_equal(heard[hint].verdict, -ERANGE);
	end(&worker, 0);
	pvs_policy_put(policy);
}

/* Any bytes: the kernel takes from a page what the library takes. */
static void reads_pages_as_the_library(void **state)
{
	struct pvs_policy *policy = put_in_place("live", NULL);
	struct pvs_guest_page *page = pvs_kernel_host_pages(host);
	unsigned status[4] = {0};
	struct pvs_hint hint;
	const struct pvs_ctx *ctx;
	struct worker worker;

	srand(1);
	begin(&worker, 0);
	one_halt(&worker, 0);
	for (unsigned i = 0; i < 300; i++) {
		__u64 *const words[] = {&page->intent,      &page->cs,         &page->dl_runtime,
					&page->dl_deadline, &page->next_event, &page->wait};

		pvs_guest_set_intent(page, (enum pvs_class)(i % PVS_CLASS_MAX), 0, i % 100,
				     i % 256);
		pvs_guest_set_deadline(page, 1 + i, 1000, 2000, i);
		pvs_guest_set_wait(page, i % 4, PVS_WAIT_IPI);
		if (i % 2)
			*words[(unsigned)rand() % 6] ^= 1ull << (unsigned)rand() % 64;
		page->seq = i % 16 == 15;
		pvs_hint_read(page, all_features, VCPUS, &hint);
		ctx = &one_halt(&worker, 0)->ctx;
		status[hint.status]++;
		assert_int_equal(ctx->hint_status, hint.status);
		assert_int_equal(ctx->class, hint.class);
		assert_int_equal(ctx->nice, hint.nice);
		assert_int_equal(ctx->rt_prio, hint.rt_prio);
		assert_int_equal(ctx->pending, hint.pending);
		assert_int_equal(ctx->cs, hint.cs);
		assert_int_equal(ctx->cs_count, hint.cs_count);
		assert_int_equal(ctx->dl_runtime, hint.dl_runtime);
		assert_int_equal(ctx->dl_deadline, hint.dl_deadline);
		assert_int_equal(ctx->dl_period, hint.dl_period);
		assert_int_equal(ctx->wait_vcpu, hint.wait_vcpu);
		assert_int_equal(ctx->wait_reason, hint.wait_reason);
	}
	assert_true(status[PVS_HINT_OK] > 50 && status[PVS_HINT_MALFORMED] > 50 &&
		    status[PVS_HINT_TORN] > 10);
	end(&worker, 0);
	pvs_policy_put(policy);
}

/* ---- Policies -------------------------------------------------------------------------------- */

/* Callbacks of the switch and those run from here have the same maps. */
static void state_is_shared(void **state)
{
	struct pvs_policy *policy = put_in_place("live", NULL);
	struct pvs_ctx ctx = context(PVS_EVENT_TICK, 0);
	struct worker worker;

	begin(&worker, 0);
	one_halt(&worker, 0);
	for (unsigned i = 0; i < 5; i++)
		one_halt(&worker, 0);
	ctx.class = PVS_EVENT_HALT;
	assert_int_equal(pvs_policy_run(policy, &ctx), PVS_KEEP);
	assert_int_equal(ctx.out.hold_ns, 6);
	end(&worker, 0);
	pvs_policy_put(policy);
}

static void one_takes_anothers_place(void **state)
{
	const struct pvs_tunable marks[] = {{"mark", 200000}, {"mark", 300000}};
	struct pvs_policy *policy = NULL;
	uint64_t mark = 0;
	struct worker worker;
	unsigned turns = 0;

	begin(&worker, 0);
	one_halt(&worker, 0);
	for (unsigned i = 0; i < 6; i++) {
		pvs_policy_put(policy);
		policy = put_in_place("live", &marks[i % 2]);
		mark = one_halt(&worker, 0)->ctx.out.slice_ns;
		assert_int_equal(mark, marks[i % 2].value);
	}
	assert_int_equal(set_policy(NULL, NULL), 0);
	assert_false(one_halt(&worker, 0)->asked);
	/* No switch was missed or told twice. */
	for (unsigned i = 1; i < n_heard; i++) {
		assert_true((heard[i].at.event == PVS_EVENT_VCPU_RUN) !=
			    (heard[i - 1].at.event == PVS_EVENT_VCPU_RUN));
		turns++;
	}
	assert_true(turns >= 14);
	end(&worker, 0);
	pvs_policy_put(policy);
}

static void refused(void **state)
{
	static char text[1u << 16];
	struct pvs_log log = {.buf = text, .size = sizeof(text)};
	const struct pvs_policy_options in_kernel = {.host = PVS_HOST_KERNEL};
	struct pvs_policy *policy = put_in_place("live", NULL);
	struct pvs_policy *in_engine = policy_opened(test_object("callbacks"), NULL);
	struct pvs_policy *unlicensed = policy_opened(test_object("callbacks"), &in_kernel);
	struct pvs_policy *other = policy_opened(test_object("live_syscall"), &in_kernel);
	struct worker worker;

	assert_int_equal(set_policy(in_engine, &log), -EINVAL);
	assert_string_equal(text, "policy 'callbacks' is loaded for the host engine; the kernel "
				  "asks one that is loaded for the host kernel\n");
	log.len = 0;
	assert_int_equal(set_policy(unlicensed, &log), -EACCES);
	assert_string_equal(text,
			    "policy 'callbacks' has the license '' (section license); programs "
			    "at a tracepoint must be compatible with the GPL: \"Dual BSD/GPL\" "
			    "is\n");
	log.len = 0;
	assert_true(set_policy(other, &log) < 0);
	assert_non_null(strstr(text, "bpf_sys_close"));
	/* The old one stays. */
	begin(&worker, 0);
	one_halt(&worker, 0);
	assert_int_equal(one_halt(&worker, 0)->ctx.out.slice_ns, 1000000);
	end(&worker, 0);
	pvs_policy_put(other);
	pvs_policy_put(unlicensed);
	pvs_policy_put(in_engine);
	pvs_policy_put(policy);
}

static void shipped_policies(void **state)
{
	struct worker worker;

	begin(&worker, 0);
	one_halt(&worker, 0);
	for (const char *const *name = pvs_policy_names(); *name; name++) {
		const struct pvs_policy_options in_kernel = {.host = PVS_HOST_KERNEL};
		struct pvs_policy *policy = policy_opened(*name, &in_kernel);
		char text[4096] = "";
		struct pvs_log log = {.buf = text, .size = sizeof(text)};

		assert_int_equal(set_policy(policy, &log), 0);
		assert_string_equal(text, "");
		assert_true(one_halt(&worker, 0)->asked);
		pvs_policy_put(policy);
	}
	end(&worker, 0);
}

static void statistics(void **state)
{
	struct pvs_policy *policy = put_in_place("live", NULL);
	struct pvs_kernel_stats stats;
	struct worker worker;

	begin(&worker, 0);
	one_halt(&worker, 0);
	one_halt(&worker, 0);
	pvs_kernel_host_applied(host, 1000, 6000);
	pvs_kernel_host_applied(host, 1000, 900);
	pvs_kernel_host_stats(host, &stats);
	assert_int_equal(stats.switches, n_heard);
	assert_true(stats.decisions >= 2);
	assert_int_equal(stats.lost, 0);
	assert_int_equal(stats.latency_count, 2);
	assert_int_equal(stats.latency_p50, 0);
	assert_int_equal(stats.latency_p99, 5000);
	assert_int_equal(stats.latency_max, 5000);
	end(&worker, 0);
	pvs_policy_put(policy);
}

static bool kernel_takes_no_program(void)
{
	static char text[4096];
	struct pvs_log log = {.buf = text, .size = sizeof(text)};
	struct pvs_kernel_host *none;
	const int err = pvs_kernel_host_create(0, 1, false, &none, &log);

	pvs_kernel_host_destroy(none);
	if (err == -EPERM || err == -ENOSYS || err == -ENOTSUP) {
		printf("1..0 # SKIP %s", text);
		return true;
	}
	return false;
}

#define live_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		live_test(pages_are_the_maps_memory),
		live_test(vcpus_and_threads),
		live_test(without_a_policy),
		live_test(policy_sees_and_answers),
		live_test(opaque_lines),
		live_test(same_words_again),
		live_test(same_decision_again),
		live_test(inactive_vcpu),
		live_test(preempted_with_hints),
		live_test(hints_that_changed),
		live_test(reads_pages_as_the_library),
		live_test(state_is_shared),
		live_test(one_takes_anothers_place),
		live_test(refused),
		live_test(shipped_policies),
		live_test(statistics),
	};

	if (policy_tests_begin())
		return 0;
	if (kernel_takes_no_program())
		return policy_tests_end(0);
	return policy_tests_end(cmocka_run_group_tests(tests, NULL, NULL));
}
