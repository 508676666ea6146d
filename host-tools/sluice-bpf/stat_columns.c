// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "stat_columns.h"
#include "bpf.h"

#include <errno.h>
#include <string.h>

const struct stat_column stat_columns[] = {
	{"file", "File", offsetof(struct stat_row, file), FALSE},
	{"prog", "Program", offsetof(struct stat_row, program), FALSE},
	{"verdict", "Verdict", offsetof(struct stat_row, verdict), FALSE},
	{"reason", "Reason", offsetof(struct stat_row, reason), FALSE},
	{"duration", "Duration (us)", offsetof(struct stat_row, duration_us), TRUE},
	{"insns", "Insns", offsetof(struct stat_row, insns), TRUE},
	{"states", "States", offsetof(struct stat_row, states), TRUE},
	{"size", "Program size", offsetof(struct stat_row, size), TRUE},
	{"memory", "Peak memory (KiB)", offsetof(struct stat_row, peak_kib), TRUE},
	{"stack", "Stack (bytes)", offsetof(struct stat_row, stack), TRUE},
	{"jited_size", "Jited size", offsetof(struct stat_row, jited_size), TRUE},
	{"compile", "Compile (us)", offsetof(struct stat_row, compile_us), TRUE},
};
const unsigned n_stat_columns = G_N_ELEMENTS(stat_columns);

static const struct stat_column *find_column(const char *name, size_t len)
{
	for (unsigned i = 0; i < n_stat_columns; i++) {
		if (strlen(stat_columns[i].name) == len &&
		    !strncmp(stat_columns[i].name, name, len))
			return &stat_columns[i];
	}
	return NULL;
}

static void unknown_column(const char *option, const char *name, size_t len, GError **error)
{
	g_autoptr(GString) known = g_string_new(NULL);

	for (unsigned i = 0; i < n_stat_columns; i++)
		g_string_append_printf(known, "%s%s", i ? ", " : "", stat_columns[i].name);
	usage_error(error, "stat", "%s: no column '%.*s'; the columns are: %s", option, (int)len,
		    name, known->str);
}

/* ---- Sorting -------------------------------------------------------------------------------- */

struct sort_key {
	const struct stat_column *column;
	gboolean falls;
};

static gboolean parse_key(const char *text, struct sort_key *key, GError **error)
{
	size_t len = strcspn(text, ":");

	key->column = find_column(text, len);
	if (!key->column) {
		unknown_column("--sort", text, len, error);
		return FALSE;
	}
	key->falls = key->column->number;
	if (!strcmp(text + len, ":asc"))
		key->falls = FALSE;
	else if (!strcmp(text + len, ":desc"))
		key->falls = TRUE;
	else if (text[len])
		return usage_error(error, "stat", "--sort %s: the order is asc or desc", text);
	return TRUE;
}

static gint compare(gconstpointer a, gconstpointer b, gpointer opaque)
{
	const struct stat_row *x = a, *y = b;
	const GArray *keys = opaque;

	for (guint i = 0; i < keys->len; i++) {
		const struct sort_key *key = &g_array_index(keys, struct sort_key, i);
		gint order;

		if (key->column->number) {
			uint64_t p = stat_number(x, key->column), q = stat_number(y, key->column);

			order = p < q ? -1 : p > q;
		} else {
			order = strcmp(stat_text(x, key->column), stat_text(y, key->column));
		}
		if (order)
			return key->falls ? -order : order;
	}
	return 0;
}

gboolean stat_sort(GArray *rows, const char *spec, GError **error)
{
	g_autoptr(GArray) keys = g_array_new(FALSE, FALSE, sizeof(struct sort_key));
	g_auto(GStrv) items = g_strsplit(spec, ",", -1);

	for (char **item = items; *item; item++) {
		struct sort_key key;

		if (!parse_key(*item, &key, error))
			return FALSE;
		g_array_append_val(keys, key);
	}
	g_array_sort_with_data(rows, compare, keys);
	return TRUE;
}

/* ---- Filtering ------------------------------------------------------------------------------ */

static gboolean holds(const char *op, int order)
{
	switch (op[0]) {
	case '=':
		return order == 0;
	case '!':
		return order != 0;
	case '<':
		return order < 0 || (order == 0 && op[1] == '=');
	default:
		return order > 0 || (order == 0 && op[1] == '=');
	}
}

static gboolean filter_column(const struct stat_row *row, const char *filter, size_t name,
			      size_t op, gboolean *passes, GError **error)
{
	const struct stat_column *column = find_column(filter, name);
	const char *value = filter + name + op;
	int order;

	if (!column) {
		unknown_column("--filter", filter, name, error);
		return FALSE;
	}
	if (column->number) {
		uint64_t has = stat_number(row, column), wanted;
		char *end;

		errno = 0;
		wanted = g_ascii_strtoull(value, &end, 0);
		if (errno || !g_ascii_isdigit(*value) || *end)
			return usage_error(error, "stat", "--filter %s: '%s' is not a number",
					   filter, value);
		order = has < wanted ? -1 : has > wanted;
	} else {
		order = strcmp(stat_text(row, column), value);
	}
	*passes = holds(filter + name, order);
	return TRUE;
}

gboolean stat_filter(const struct stat_row *row, const char *filter, gboolean *passes,
		     GError **error)
{
	gboolean not = filter[0] == '!';
	size_t name = strcspn(filter + not, "=!<>") + not;
	size_t op = strspn(filter + name, "=!<>");
	g_autofree char *path = NULL;

	if (op > 2 || (op == 2 && filter[name + 1] != '=') || (op == 1 && filter[name] == '!'))
		return usage_error(error, "stat",
				   "--filter %s: compare with one of = != < <= > >=", filter);
	if (op && !not)
		return filter_column(row, filter, name, op, passes, error);
	path = g_strdup_printf("%s/%s", row->file, row->program);
	*passes = (g_pattern_match_simple(filter + not, path) ||
		   g_pattern_match_simple(filter + not, row->program)) != not;
	return TRUE;
}
