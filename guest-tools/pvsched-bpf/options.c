/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Options of a program from text. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "progs.h"

/* The place of the @len characters at @word in @values, -1. */
static int word_index(const char *const *values, const char *word, size_t len)
{
	for (int i = 0; values[i]; i++) {
		if (strlen(values[i]) == len && !memcmp(values[i], word, len))
			return i;
	}
	return -1;
}

/* "a, b or c" */
static const char *words(const char *const *values, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (int i = 0; values[i] && len < size; i++)
		len += snprintf(buf + len, size - len, "%s%s", i ? ", " : "", values[i]);
	return buf;
}

static int parse_number(const struct pvs_prog_option *option, const char *text, uint64_t *value,
			struct pvs_progs_log *log)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || *value < option->min ||
	    *value > option->max)
		return progs_refuse(log, -EINVAL, "%s=%s: a number from %llu to %llu is accepted",
				    option->name, text, (unsigned long long)option->min,
				    (unsigned long long)option->max);
	return 0;
}

static int parse_list(const struct pvs_prog_option *option, const char *text, uint64_t *value,
		      struct pvs_progs_log *log)
{
	char known[256];

	*value = 0;
	if (!strcmp(text, "none"))
		return 0;
	while (*text) {
		size_t len = strcspn(text, ",");
		int index = word_index(option->values, text, len);

		if (index < 0)
			return progs_refuse(log, -EINVAL,
					    "%s: there is no '%.*s'; accepted are none, or of %s, "
					    "separated by commas",
					    option->name, (int)len, text,
					    words(option->values, known, sizeof(known)));
		*value |= 1ull << index;
		text += len + (text[len] == ',');
	}
	return 0;
}

static int parse_word(const struct pvs_prog_option *option, const char *const *values,
		      const char *text, uint64_t *value, struct pvs_progs_log *log)
{
	int index = word_index(values, text, strlen(text));
	char known[256];

	if (index < 0)
		return progs_refuse(log, -EINVAL, "%s=%s: accepted are %s", option->name, text,
				    words(values, known, sizeof(known)));
	*value = index;
	return 0;
}

static int parse_value(const struct pvs_prog_option *option, const char *text, uint64_t *value,
		       struct pvs_progs_log *log)
{
	static const char *const switches[] = {"off", "on", NULL};

	switch (option->type) {
	case PVS_OPTION_BOOL:
		return parse_word(option, switches, text, value, log);
	case PVS_OPTION_NUMBER:
		return parse_number(option, text, value, log);
	case PVS_OPTION_LIST:
		return parse_list(option, text, value, log);
	case PVS_OPTION_WORD:
		return parse_word(option, option->values, text, value, log);
	}
	return -EINVAL;
}

static int parse_setting(const struct pvs_prog *prog, const char *setting,
			 struct prog_settings *out, struct pvs_progs_log *log)
{
	size_t len = strcspn(setting, "=");

	if (!setting[len])
		return progs_refuse(log, -EINVAL, "'%s': a setting is OPTION=VALUE", setting);
	for (int i = 0; prog->options[i].name; i++) {
		const struct pvs_prog_option *option = &prog->options[i];

		if (strlen(option->name) == len && !memcmp(option->name, setting, len))
			return parse_value(option, setting + len + 1, &out->value[i], log);
	}
	progs_log(log, "%s has no option '%.*s'; it has:", prog->name, (int)len, setting);
	for (int i = 0; prog->options[i].name; i++)
		progs_log(log, "  %s (%s): %s", prog->options[i].name, prog->options[i].preset,
			  prog->options[i].help);
	return -EINVAL;
}

int progs_options(const struct pvs_prog *prog, const char *const *settings,
		  struct prog_settings *out, struct pvs_progs_log *log)
{
	int err = 0;

	memset(out, 0, sizeof(*out));
	for (int i = 0; !err && prog->options[i].name; i++)
		err = parse_value(&prog->options[i], prog->options[i].preset, &out->value[i], log);
	for (int i = 0; !err && settings && settings[i]; i++)
		err = parse_setting(prog, settings[i], out, log);
	return err;
}
