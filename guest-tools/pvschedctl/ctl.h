/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * pvschedctl: what its subcommands share.
 */
#ifndef PVSCHEDCTL_H
#define PVSCHEDCTL_H

#include <argp.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pvs_uapi.h"
#include "sluice/pvsched.h"

/* Exit codes. */
enum {
	CTL_OK = 0,
	CTL_FAILED = 1,
	CTL_USAGE = 2,
};

/* A subcommand: argv[0] is its name. Returns an exit code. */
typedef int (*ctl_run)(int argc, char **argv);

int cmd_status(int argc, char **argv);
int cmd_features(int argc, char **argv);
int cmd_clock(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_load(int argc, char **argv);
int cmd_unload(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_hint(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_renegotiate(int argc, char **argv);

/* ---- Messages (main.c) ------------------------------------------------------------------------
 */

/* "pvschedctl: ..." on standard error; returns @code. */
int ctl_fail(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Parse a subcommand's options. False: it was wrong, or --help was asked for: return *code. */
bool ctl_parse(const struct argp *argp, int argc, char **argv, void *input, int *code);

/* Print @object, which is freed, and end the line. */
void ctl_print_json(struct json_object *object);

/* A decimal or 0x number of at most @max; false: it is none. */
bool ctl_number(const char *text, uint64_t max, uint64_t *value);

/* ---- The channel (chan.c) ---------------------------------------------------------------------
 */

struct ctl_chan {
	int fd;
	struct pvs_info info;
	int32_t *vcpus; /* of each CPU, -1: none; info.n_cpus of them */
	const struct pvs_host_page *host;
	struct pvs_guest_page *guest;
};

/* Open the module's device and read what was negotiated. Explains a failure; false. */
bool chan_open(struct ctl_chan *chan);
void chan_close(struct ctl_chan *chan);
/* Read info and vcpus anew. False, explained. */
bool chan_refresh(struct ctl_chan *chan);
/* Map the pages, those of the guest to write if @writable. Needs a connected channel; false,
 * explained. */
bool chan_map(struct ctl_chan *chan, bool writable);
/* Have a hint stored. 0 or -errno. */
int chan_hint(struct ctl_chan *chan, struct pvs_hint_cmd *cmd);

/* Touch shared pages in @fn: true if they went away (the device was reset) before it ended. */
bool chan_guarded(void (*fn)(void *opaque), void *opaque);

/* ---- Names (names.c) --------------------------------------------------------------------------
 */

struct ctl_name {
	uint64_t value; /* a bit, or a number of an enumeration */
	const char *name;
	const char *meaning;
};

/* Each ends with an entry without a name. */
extern const struct ctl_name ctl_features[], ctl_status[], ctl_results[], ctl_sources[],
	ctl_actuators[], ctl_classes[], ctl_pending[], ctl_cs[], ctl_waits[], ctl_ring_types[],
	ctl_runs[], ctl_boosts[], ctl_state_flags[], ctl_rejects[], ctl_notify[], ctl_wheres[],
	ctl_memtypes[];

/* The name of @value in an enumeration, "?" if it has none. */
const char *name_of(const struct ctl_name *names, uint64_t value);
/* The value called @name; false: there is none. */
bool name_value(const struct ctl_name *names, const char *name, uint64_t *value);
/* The bits named in @list, separated by commas ("none": 0), or a number; false: one is unknown. */
bool name_bits(const struct ctl_name *names, const char *list, uint64_t *bits);
/* The bits set in @value, separated by @separator, "-" for none, into @text. */
const char *name_join(const struct ctl_name *names, uint64_t value, char separator, char *text,
		      size_t size);
/* The same as an array. */
struct json_object *name_json(const struct ctl_name *names, uint64_t value);
/* All names, separated by ", ", for messages. */
const char *name_all(const struct ctl_name *names, char *text, size_t size);

#endif
