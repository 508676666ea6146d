// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Reading a policy's object: its callbacks, its name and its version. */
#include <bpf/btf.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy_internal.h"

#define CALLBACK_PREFIX "pvsched/"

const char *const pvs_event_names[PVS_EVENT_MAX] = {
	[PVS_EVENT_INIT] = "init",           [PVS_EVENT_VCPU_RUN] = "vcpu_run",
	[PVS_EVENT_VCPU_STOP] = "vcpu_stop", [PVS_EVENT_HALT] = "halt",
	[PVS_EVENT_KICK] = "kick",           [PVS_EVENT_HINT] = "hint",
	[PVS_EVENT_TICK] = "tick",           [PVS_EVENT_EXIT] = "exit",
};

#define CALLBACKS_TEXT "init, vcpu_run, vcpu_stop, halt, kick, hint, tick, exit"

const char *pvs_event_name(uint32_t event)
{
	return event < PVS_EVENT_MAX ? pvs_event_names[event] : NULL;
}

/* PVS_EVENT_MAX: no callback is called so. */
static uint32_t event_of(const char *name)
{
	uint32_t event = 0;

	while (event < PVS_EVENT_MAX && strcmp(name, pvs_event_names[event]))
		event++;
	return event;
}

static int find_callback(struct pvs_policy *policy, uint32_t i, struct pvs_log *log)
{
	const char *section = bpfe_object_program_section(policy->object, i);
	const char *function = bpfe_object_program_name(policy->object, i);
	const size_t prefix = strlen(CALLBACK_PREFIX);
	uint32_t event;

	if (strncmp(section, CALLBACK_PREFIX, prefix))
		return pvs_refuse(log, -EINVAL,
				  "policy '%s': function '%s' is in section %s; a policy has its "
				  "callbacks in sections " CALLBACK_PREFIX "CALLBACK, with "
				  "CALLBACK one of " CALLBACKS_TEXT,
				  policy->name, function, section);
	event = event_of(section + prefix);
	if (event == PVS_EVENT_MAX)
		return pvs_refuse(log, -EINVAL,
				  "policy '%s': no callback is called '%s' (function '%s'); there "
				  "are " CALLBACKS_TEXT,
				  policy->name, section + prefix, function);
	if (policy->program[event] >= 0)
		return pvs_refuse(
			log, -EINVAL,
			"policy '%s': '%s' and '%s' are both callback %s; one is accepted",
			policy->name,
			bpfe_object_program_name(policy->object, policy->program[event]), function,
			pvs_event_names[event]);
	policy->program[event] = (int32_t)i;
	return 0;
}

static int find_callbacks(struct pvs_policy *policy, struct pvs_log *log)
{
	uint32_t n = bpfe_object_n_programs(policy->object);
	int ret = 0;

	for (uint32_t event = 0; event < PVS_EVENT_MAX; event++)
		policy->program[event] = -1;
	if (!n)
		return pvs_refuse(
			log, -EINVAL,
			"policy '%s' has no callbacks; a policy has at least one function "
			"in a section " CALLBACK_PREFIX "CALLBACK, with CALLBACK one "
			"of " CALLBACKS_TEXT,
			policy->name);
	for (uint32_t i = 0; i < n && !ret; i++)
		ret = find_callback(policy, i, log);
	return ret;
}

/* ---- Name and version ----------------------------------------------------------------------- */

/* What a file is called without folders and endings. */
static void name_by_file(struct pvs_policy *policy, const char *file)
{
	const char *slash = strrchr(file, '/');
	size_t n;

	file = slash ? slash + 1 : file;
	n = strcspn(file, ".");
	if (n > PVS_NAME_LEN - 1)
		n = PVS_NAME_LEN - 1;
	memcpy(policy->name, file, n);
	policy->name[n] = '\0';
}

static bool is_name(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (!isalnum((unsigned char)text[i]) && !strchr("-_.", text[i]))
			return false;
	}
	return length > 0;
}

static int read_name(struct pvs_policy *policy, struct pvs_log *log)
{
	size_t size = 0, length;
	const char *text = bpfe_object_global(policy->object, "pvs_policy_name", &size);

	if (!text)
		return 0;
	length = strnlen(text, size);
	if (length >= PVS_NAME_LEN || !is_name(text, length))
		return pvs_refuse(log, -EINVAL,
				  "policy '%s': pvs_policy_name is not a name of 1 to %d letters, "
				  "digits, '-', '_' and '.'",
				  policy->name, PVS_NAME_LEN - 1);
	memcpy(policy->name, text, length);
	policy->name[length] = '\0';
	return 0;
}

static int read_version(struct pvs_policy *policy, struct pvs_log *log)
{
	size_t size = 0;
	const void *bytes = bpfe_object_global(policy->object, "pvs_policy_version", &size);

	if (!bytes)
		return 0;
	if (size != sizeof(policy->version))
		return pvs_refuse(log, -EINVAL,
				  "policy '%s': pvs_policy_version has %zu bytes; an unsigned int "
				  "of %zu is accepted",
				  policy->name, size, sizeof(policy->version));
	memcpy(&policy->version, bytes, sizeof(policy->version));
	return 0;
}

/* ---- What it was compiled against -------------------------------------------------------------
 */

/*
 * Fields of a context of another size are elsewhere, and both verifiers would be content: what
 * counts is that accesses stay within. An object without BTF does not say.
 */
static int check_context(const struct pvs_policy *policy, struct pvs_log *log)
{
	uint32_t key, value;
	const struct btf *types = bpfe_object_map_types(policy->object, 0, &key, &value);
	const int id = types ? btf__find_by_name_kind(types, "pvs_ctx", BTF_KIND_STRUCT) : -ENOENT;
	const uint32_t size = id > 0 ? btf__type_by_id(types, (uint32_t)id)->size : 0;

	if (id <= 0 || size == sizeof(struct pvs_ctx))
		return 0;
	return pvs_refuse(log, -EINVAL,
			  "policy '%s' was compiled for another policy ABI: its struct pvs_ctx has "
			  "%u bytes, that of ABI %d has %zu; recompile it with the header "
			  "sluice/pvsched_policy.h of here",
			  policy->name, size, PVS_POLICY_ABI, sizeof(struct pvs_ctx));
}

/* --------------------------------------------------------------------------------------------- */

static int open_object(struct pvs_policy *policy, struct pvs_log *log)
{
	char text[1024] = "";
	struct bpfe_log why = {.buf = text, .size = sizeof(text)};
	int ret = bpfe_object_open(policy->image, policy->image_size, &policy->object, &why);

	if (ret) {
		pvs_log(log, "policy '%s' is no BPF object that can be read:\n%s", policy->name,
			text);
		return ret;
	}
	return 0;
}

int pvs_policy_read(struct pvs_policy *policy, const char *file,
		    const struct pvs_policy_options *options, struct pvs_log *log)
{
	int ret;

	name_by_file(policy, file);
	ret = open_object(policy, log);
	if (!ret)
		ret = read_name(policy, log);
	if (!ret)
		ret = read_version(policy, log);
	if (!ret)
		ret = check_context(policy, log);
	if (!ret)
		ret = find_callbacks(policy, log);
	if (!ret)
		ret = pvs_tunables_find(policy, log);
	if (!ret)
		ret = pvs_tunables_set(policy, options, log);
	return ret;
}
