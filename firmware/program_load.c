/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * PROG_LOAD: a job with everything the worker needs (instructions, references to the maps they
 * name, room for the log) goes to the worker, which decodes, verifies and translates; what comes
 * back enters the program table and completes the command.
 */
#include "program_load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "map_table.h"
#include "program_table.h"

struct fw_load {
	struct fw_job job;
	struct fw_command_ref ref;
	uint8_t *data; /* the command's attribute list, with the instructions in it */
	char name[BPFE_NAME_LEN];
	struct bpfe_map_binding *maps; /* a reference to each */
	uint64_t helpers[4];
	struct bpfe_load_attr attr;
	struct bpfe_log log;
	struct bpfe_program *prog;
	int err;
};

/* ---- The job ------------------------------------------------------------------------------ */

static void load_run(struct fw_job *job)
{
	struct fw_load *load = (struct fw_load *)job;

	load->err = bpfe_program_load(&load->attr, &load->prog, &load->log);
}

static void load_free(struct fw_job *job)
{
	struct fw_load *load = (struct fw_load *)job;

	if (load->prog)
		bpfe_program_put(load->prog);
	for (uint32_t i = 0; i < load->attr.n_maps; i++)
		bpfe_map_put(load->maps[i].map);
	free(load->maps);
	free(load->log.buf);
	free(load->data);
	free(load);
}

/* ---- Making it ---------------------------------------------------------------------------- */

static void bind_map(struct fw *fw, struct fw_load *load, bool *bound, uint32_t id)
{
	struct fw_map *map = fw_map_find(&fw->maps, id);
	uint32_t slot = id % fw->maps.capacity;

	/* One that does not exist stays unbound: the engine's refusal names the instruction. */
	if (!map || bound[slot])
		return;
	bound[slot] = true;
	load->maps[load->attr.n_maps++] =
		(struct bpfe_map_binding){.id = id, .map = bpfe_map_get(map->map)};
	map->loads++;
}

/* Bind the maps the instructions name. */
static uint16_t bind_maps(struct fw *fw, struct fw_cmd *cmd, struct fw_load *load)
{
	const struct bpf_insn *insns = load->attr.insns;
	bool *bound = calloc(fw->maps.capacity, sizeof(*bound));

	load->maps = calloc(fw->maps.capacity, sizeof(*load->maps));
	load->attr.maps = load->maps;
	if (!bound || !load->maps) {
		free(bound);
		return fw_refuse(cmd, SLUICE_ST_NO_RESOURCES, 0, "no memory for map references");
	}
	for (uint32_t i = 0; i < load->attr.n_insns; i++) {
		if (insns[i].code != (BPF_LD | BPF_IMM | BPF_DW))
			continue;
		if (insns[i].src_reg == BPF_PSEUDO_MAP_FD ||
		    insns[i].src_reg == BPF_PSEUDO_MAP_VALUE)
			bind_map(fw, load, bound, (uint32_t)insns[i].imm);
		i++;
	}
	free(bound);
	return SLUICE_ST_OK;
}

static struct fw_load *load_new(struct fw *fw, const struct fw_cmd *cmd, uint8_t log_level)
{
	const struct fw_attr *insns = &cmd->attrs[SLUICE_ATTR_INSNS];
	struct fw_load *load = calloc(1, sizeof(*load));

	if (!load)
		return NULL;
	load->log.buf = malloc(FW_MAX_LOG);
	if (!load->log.buf) {
		free(load);
		return NULL;
	}
	load->log.buf[0] = '\0';
	load->log.size = FW_MAX_LOG;
	load->log.level = log_level;
	load->job.run = load_run;
	load->job.free = load_free;
	load->ref = cmd->ref;
	memcpy(load->helpers, fw->helpers, sizeof(load->helpers));
	load->attr = (struct bpfe_load_attr){
		.insns = insns->data,
		.n_insns = insns->len / (uint32_t)sizeof(struct bpf_insn),
		.name = load->name,
		.budget = fw->limits.run_budget,
		.max_insns = fw->limits.max_insns,
		.helpers = load->helpers,
		.flags = fw->limits.count_insns ? BPFE_LOAD_COUNTED : 0,
		.engine = fw->limits.engine,
		.relax = fw->limits.relax,
		.alloc = &fw->program_memory.alloc,
		.cancel = &load->job.cancel,
	};
	return load;
}

/* The maps are not held any more by a load that is over. */
static void release_maps(struct fw *fw, const struct fw_load *load)
{
	for (uint32_t i = 0; i < load->attr.n_maps; i++) {
		struct fw_map *map = fw_map_find(&fw->maps, load->maps[i].id);

		if (map)
			map->loads--;
	}
}

static uint16_t check_room(struct fw *fw, struct fw_cmd *cmd)
{
	if (fw->loads >= fw->limits.load_queue)
		return fw_refuse(cmd, SLUICE_ST_BUSY, 0, "%u program loads are under way already",
				 fw->loads);
	if (fw->programs.count + fw->loads >= fw->programs.capacity)
		return fw_refuse(cmd, SLUICE_ST_NO_RESOURCES, 0, "the program table is full (%u)",
				 fw->programs.capacity);
	return SLUICE_ST_OK;
}

/* Also as text in the response, where the author of the program looks. */
static uint16_t refuse_size(struct fw *fw, struct fw_cmd *cmd, uint32_t n_insns)
{
	char *text;

	fw_refuse(cmd, SLUICE_ST_TOO_BIG, 0, "the program has %u instructions, the device takes %u",
		  n_insns, fw->limits.max_insns);
	text = fw_response(cmd, sizeof(cmd->why) + 1);
	if (text)
		cmd->resp_size = (size_t)snprintf(text, sizeof(cmd->why) + 1, "%s\n", cmd->why) + 1;
	cmd->resp_text = true;
	return SLUICE_ST_TOO_BIG;
}

uint16_t fw_cmd_prog_load(struct fw *fw, struct fw_cmd *cmd)
{
	uint32_t n_insns = cmd->attrs[SLUICE_ATTR_INSNS].len / (uint32_t)sizeof(struct bpf_insn);
	struct sluice_args_prog_load args;
	char name[BPFE_NAME_LEN];
	struct fw_load *load;
	uint16_t status;

	memcpy(&args, cmd->args, sizeof(args));
	if (args.log_level > 2)
		return fw_refuse(cmd, SLUICE_ST_INVALID_ARG, 0, "log level %u, at most 2",
				 args.log_level);
	if (!fw_name_attr(cmd, name))
		return SLUICE_ST_INVALID_ATTR;
	if (n_insns > fw->limits.max_insns)
		return refuse_size(fw, cmd, n_insns);
	status = check_room(fw, cmd);
	if (status)
		return status;
	load = load_new(fw, cmd, (uint8_t)args.log_level);
	if (!load)
		return fw_refuse(cmd, SLUICE_ST_NO_RESOURCES, 0, "no memory for the load");
	memcpy(load->name, name, sizeof(name));
	status = bind_maps(fw, cmd, load);
	if (status) {
		load_free(&load->job);
		return status;
	}
	load->data = cmd->data;
	cmd->data = NULL;
	cmd->pending = true;
	fw->loads++;
	fw_worker_submit(fw->worker, &load->job);
	return SLUICE_ST_OK;
}

/* ---- Taking it up ------------------------------------------------------------------------- */

/* A log that ran full lacks what matters most, which comes last. */
static void finish_log(struct fw_load *load)
{
	struct bpfe_log *log = &load->log;
	char tail[96];
	int len;

	if (!log->truncated || !load->err)
		return;
	len = snprintf(tail, sizeof(tail), "\n... (log cut)\nrefused: %s at instruction %u\n",
		       bpfe_reason_name(log->reason), log->insn);
	memcpy(log->buf + log->size - 1 - len, tail, (size_t)len + 1);
	log->len = log->size - 1;
}

/* The last line of the log: the reason, for the device's log. */
static void log_refusal(struct fw *fw, const struct fw_load *load)
{
	const char *text = load->log.buf;
	size_t end = load->log.len, start;

	while (end && text[end - 1] == '\n')
		end--;
	for (start = end; start && text[start - 1] != '\n'; start--)
		;
	fw_log(fw, load->ref.port, "PROG_LOAD tag %u: program '%s' refused: %.*s", load->ref.tag,
	       load->name, (int)(end - start < 320 ? end - start : 320), text + start);
}

static uint16_t load_status(int err)
{
	switch (err) {
	case -EINVAL:
	case -EACCES:
	case -E2BIG:
	case -EOPNOTSUPP:
		return SLUICE_ST_REFUSED;
	default:
		return fw_status_of_errno(err);
	}
}

/* Keep the program, if the guest could be told of it. */
static void publish(struct fw *fw, struct fw_load *load, struct fw_reply *reply)
{
	struct fw_program *entry;

	if (reply->status)
		return;
	if (fw_program_add(fw, load->prog, &entry)) {
		reply->status = SLUICE_ST_NO_RESOURCES;
		return;
	}
	load->prog = NULL;
	reply->result = entry->id;
}

static void load_complete(struct fw *fw, struct fw_load *load)
{
	struct fw_reply reply = {.status = load_status(load->err), .text = true};

	finish_log(load);
	if (load->err)
		log_refusal(fw, load);
	reply.resp = load->log.buf;
	reply.resp_full = load->log.len + 1;
	fw_reply_send(fw, &load->ref, &reply);
	publish(fw, load, &reply);
	release_maps(fw, load);
	fw_objects_changed(fw);
	fw_reply_complete(fw, &load->ref, &reply);
}

void fw_loads_collect(struct fw *fw)
{
	struct fw_job *job;

	/* A fatal error on the way cancels the others. */
	while (fw->admin.on && (job = fw_worker_take(fw->worker)) != NULL) {
		fw->loads--;
		load_complete(fw, (struct fw_load *)job);
		load_free(job);
	}
}

void fw_loads_cancel(struct fw *fw)
{
	fw_worker_cancel(fw->worker);
	fw->loads = 0;
	for (uint32_t i = 0; i < fw->maps.capacity; i++)
		fw->maps.entries[i].loads = 0;
}
