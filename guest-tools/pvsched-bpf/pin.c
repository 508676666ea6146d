/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What the loaders of programs share: libbpf's words, links and maps as files. */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "progs.h"

static struct pvs_progs_log *catcher;

static void log_text(struct pvs_progs_log *log, const char *fmt, va_list args)
{
	size_t room;
	int n;

	if (!log)
		return;
	if (log->len && log->len < sizeof(log->text) - 1)
		log->text[log->len++] = '\n';
	room = sizeof(log->text) - log->len;
	n = vsnprintf(log->text + log->len, room, fmt, args);
	if (n > 0)
		log->len += (size_t)n < room ? (size_t)n : room - 1;
	while (log->len && log->text[log->len - 1] == '\n')
		log->len--;
	log->text[log->len] = '\0';
}

void progs_log(struct pvs_progs_log *log, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_text(log, fmt, args);
	va_end(args);
}

int progs_refuse(struct pvs_progs_log *log, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_text(log, fmt, args);
	va_end(args);
	return err;
}

static int print_libbpf(enum libbpf_print_level level, const char *fmt, va_list args)
{
	if (level == LIBBPF_WARN)
		log_text(catcher, fmt, args);
	return 0;
}

void progs_catch(struct pvs_progs_log *log)
{
	catcher = log;
	libbpf_set_print(print_libbpf);
}

int progs_load_object(struct bpf_object *object, struct pvs_progs_log *log)
{
	int err = bpf_object__load(object);

	if (err == -EPERM)
		return progs_refuse(log, err,
				    "the kernel lets only root (CAP_BPF and CAP_PERFMON) load "
				    "these programs");
	/* The verifier says "invalid argument" for most of what it refuses. */
	if (err)
		return progs_refuse(log, err == -EINVAL ? -EACCES : err,
				    "the kernel's verifier refused a program: %s", strerror(-err));
	return 0;
}

int progs_attach(struct bpf_program *prog, const char *dir, struct pvs_progs_log *log)
{
	struct bpf_link *link = bpf_program__attach(prog);
	char path[PATH_MAX];
	int err;

	if (!link) {
		err = -errno;
		return progs_refuse(log, err, "cannot attach %s to %s: %s", bpf_program__name(prog),
				    bpf_program__section_name(prog), strerror(-err));
	}
	snprintf(path, sizeof(path), "%s/link_%s", dir, bpf_program__name(prog));
	err = bpf_link__pin(link, path);
	if (err)
		progs_log(log, "cannot pin %s: %s", path, strerror(-err));
	bpf_link__destroy(link);
	return err;
}

int progs_pin_map(struct bpf_map *map, const char *dir, const char *name, struct pvs_progs_log *log)
{
	char path[PATH_MAX];
	int err;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	err = bpf_map__pin(map, path);
	return err ? progs_refuse(log, err, "cannot pin %s: %s", path, strerror(-err)) : 0;
}

void *progs_read_map(const char *dir, const char *name, size_t size)
{
	char path[PATH_MAX];
	uint32_t zero = 0;
	void *value;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return NULL;
	value = calloc(1, size);
	if (value && bpf_map_lookup_elem(fd, &zero, value)) {
		free(value);
		value = NULL;
	}
	close(fd);
	return value;
}
