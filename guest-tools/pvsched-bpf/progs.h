/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Inside of libpvs_progs.a: a program's row, and what the loaders of programs share. */
#ifndef PROGS_H
#define PROGS_H

#include <bpf/libbpf.h>

#include "pvs_progs.h"

#define PROG_OPTIONS_MAX 8

/* Settings by the option's place in the table: 0 or 1, a number, a bit for each word of the list
 * in the order of `values`, or the place of the word. */
struct prog_settings {
	uint64_t value[PROG_OPTIONS_MAX];
};

struct prog {
	struct pvs_prog about;
	/* Load, attach, and pin below @dir, which is empty. What is left in @dir after an error is
	 * taken away by the caller. */
	int (*load)(const char *dir, const struct prog_settings *settings,
		    struct pvs_progs_log *log);
	/* Everything below @dir is detached by the caller; then this clears up. May be NULL. */
	int (*after)(struct pvs_progs_log *log);
	/* alive, counters. */
	void (*state)(const char *dir, struct pvs_prog_state *state);
};

extern const struct prog prog_publisher;
#ifdef HAVE_SCX
extern const struct prog prog_scx_pvs;
#endif

void progs_log(struct pvs_progs_log *log, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Append a line and return @err. */
int progs_refuse(struct pvs_progs_log *log, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* @settings as text ("OPTION=VALUE", ends with NULL) over the presets. -EINVAL. */
int progs_options(const struct pvs_prog *prog, const char *const *settings,
		  struct prog_settings *out, struct pvs_progs_log *log);

/* What libbpf and the verifier say goes into @log until the next call. NULL: nowhere. */
void progs_catch(struct pvs_progs_log *log);
/* Load @object; an error is put in words. */
int progs_load_object(struct bpf_object *object, struct pvs_progs_log *log);
/* Attach @prog and pin its link below @dir. */
int progs_attach(struct bpf_program *prog, const char *dir, struct pvs_progs_log *log);
int progs_pin_map(struct bpf_map *map, const char *dir, const char *name,
		  struct pvs_progs_log *log);
/* The value of the only element of the pinned map @name, malloc()ed; NULL. */
void *progs_read_map(const char *dir, const char *name, size_t size);

#define PROGS_LINKS_MAX 16

/* What has to be gone before a program has ended: the kernel lets go of a link some time after its
 * last file is removed. */
struct progs_ends {
	uint32_t n;
	uint32_t link[PROGS_LINKS_MAX], prog[PROGS_LINKS_MAX], map[PROGS_LINKS_MAX];
};
void progs_ends_note(const char *dir, struct progs_ends *ends);
/* -ETIMEDOUT: something else holds a link or its program. */
int progs_ends_wait(const struct progs_ends *ends, struct pvs_progs_log *log);

/* The module has a device, and they agreed. -ENODEV, -EPERM. */
int progs_channel_check(struct pvs_progs_log *log);
/* No page says anything any more. A device that is gone is no error. */
int progs_channel_reset(struct pvs_progs_log *log);

#endif
