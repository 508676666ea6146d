/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "ip_batch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/ether.h>
#include "error.h"

#define MAX_WORDS 32u

struct line {
	const char *file;
	unsigned number;
	const char *words[MAX_WORDS + 1]; /* NULL after the last */
	unsigned next;
	int family; /* given by -4 or -6, or 0 */
	GError **error;
};

struct address {
	int family;
	uint8_t bytes[16];
	unsigned prefix_len;
};

static int fail(const struct line *line, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(const struct line *line, int err, const char *fmt, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, fmt);
	text = g_strdup_vprintf(fmt, args);
	va_end(args);
	g_set_error(line->error, TOOL_ERROR, TOOL_ERROR_FAILED, "%s:%u: %s", line->file,
		    line->number, text);
	return err;
}

/* ---- Words ---------------------------------------------------------------------------------- */

static const char *peek(const struct line *line)
{
	return line->words[line->next];
}

static bool take(struct line *line, const char *word)
{
	if (!peek(line) || strcmp(peek(line), word))
		return false;
	line->next++;
	return true;
}

/* The word after @keyword, which was just taken; NULL and a message if the line ends. */
static const char *value_of(struct line *line, const char *keyword)
{
	if (peek(line))
		return line->words[line->next++];
	fail(line, 0, "'%s' needs a value", keyword);
	return NULL;
}

static int number_of(struct line *line, const char *keyword, uint32_t *number)
{
	const char *word = value_of(line, keyword);
	unsigned long value;
	char *end;

	if (!word)
		return -EINVAL;
	errno = 0;
	value = strtoul(word, &end, 10);
	if (errno || *end || end == word || word[0] == '-' || value > UINT32_MAX)
		return fail(line, -EINVAL, "'%s' needs a number, not '%s'", keyword, word);
	*number = (uint32_t)value;
	return 0;
}

/* Of what ether_aton_r() took, which pays no heed to what follows the sixth byte. */
static bool ends_with_mac(const char *word)
{
	size_t digits;

	for (unsigned byte = 0; byte < 5; byte++)
		word = strchr(word, ':') + 1;
	digits = strspn(word, "0123456789abcdefABCDEF");
	return digits <= 2 && !word[digits];
}

static int mac_of(struct line *line, const char *keyword, uint8_t mac[6])
{
	const char *word = value_of(line, keyword);
	struct ether_addr address;

	if (!word)
		return -EINVAL;
	if (!ether_aton_r(word, &address) || !ends_with_mac(word))
		return fail(line, -EINVAL, "'%s' needs a MAC address, not '%s'", keyword, word);
	memcpy(mac, address.ether_addr_octet, 6);
	return 0;
}

static int parse_address(struct line *line, const char *word, struct address *address)
{
	int family = strchr(word, ':') ? AF_INET6 : AF_INET;

	address->family = family;
	address->prefix_len = family == AF_INET ? 32 : 128;
	if (inet_pton(family, word, address->bytes) != 1)
		return fail(line, -EINVAL, "'%s' is not an IP address", word);
	if (line->family && line->family != family)
		return fail(line, -EINVAL, "'%s' is not of the family that was asked for", word);
	return 0;
}

/* ADDRESS, ADDRESS/LENGTH or default. */
static int parse_prefix(struct line *line, const char *word, struct address *address)
{
	char text[INET6_ADDRSTRLEN + 4];
	unsigned long len;
	char *slash, *end;
	int err;

	memset(address, 0, sizeof(*address));
	if (!strcmp(word, "default")) {
		address->family = line->family ? line->family : AF_INET;
		return 0;
	}
	if (strlen(word) >= sizeof(text))
		return fail(line, -EINVAL, "'%s' is not an IP prefix", word);
	strcpy(text, word);
	slash = strchr(text, '/');
	if (slash)
		*slash = '\0';
	err = parse_address(line, text, address);
	if (err || !slash)
		return err;
	len = strtoul(slash + 1, &end, 10);
	if (*end || end == slash + 1 || len > address->prefix_len)
		return fail(line, -EINVAL, "'%s' has a prefix length that is not 0 to %u", word,
			    address->prefix_len);
	address->prefix_len = (unsigned)len;
	return 0;
}

static int expect_end(const struct line *line)
{
	if (!peek(line))
		return 0;
	return fail(line, -EINVAL, "'%s' was not expected here", peek(line));
}

/* What add, replace and del have in common: is it a removal? Negative if it is none of them. */
static int take_action(struct line *line)
{
	if (take(line, "add") || take(line, "replace"))
		return false;
	if (take(line, "del"))
		return true;
	return fail(line, -EINVAL, "add, replace or del was expected%s%s",
		    peek(line) ? ", not " : "", peek(line) ? peek(line) : "");
}

/* ---- Commands ------------------------------------------------------------------------------- */

static int link_option(struct line *line, struct bpfe_fib_link *link)
{
	const char *word;

	if (take(line, "mtu"))
		return number_of(line, "mtu", &link->mtu);
	if (take(line, "address"))
		return mac_of(line, "address", link->mac);
	if (take(line, "up"))
		return 0;
	if (!take(line, "forwarding"))
		return expect_end(line);
	word = value_of(line, "forwarding");
	if (!word || (strcmp(word, "on") && strcmp(word, "off")))
		return fail(line, -EINVAL, "'forwarding' is on or off");
	link->forwarding = !strcmp(word, "on");
	return 0;
}

static int link_command(struct bpfe_fib *fib, struct line *line)
{
	struct bpfe_fib_link link = {.mtu = 1500, .forwarding = true};
	uint32_t ifindex = 0;
	int err;

	if (!take(line, "set"))
		return fail(line, -EINVAL, "link knows only: link set dev N ...");
	take(line, "dev");
	err = number_of(line, "dev", &ifindex);
	while (!err && peek(line))
		err = link_option(line, &link);
	if (err)
		return err;
	err = bpfe_fib_set_link(fib, ifindex, &link);
	return err ? fail(line, err, "link %u: %s", ifindex, strerror(-err)) : 0;
}

static uint8_t take_kind(struct line *line)
{
	static const char *const kinds[] = {
		[BPFE_FIB_UNICAST] = "unicast",     [BPFE_FIB_LOCAL] = "local",
		[BPFE_FIB_BLACKHOLE] = "blackhole", [BPFE_FIB_UNREACHABLE] = "unreachable",
		[BPFE_FIB_PROHIBIT] = "prohibit",
	};

	for (uint8_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
		if (take(line, kinds[kind]))
			return kind;
	}
	return BPFE_FIB_UNICAST;
}

static int route_option(struct line *line, struct bpfe_fib_route *route)
{
	struct address gateway;
	const char *word;
	int err;

	if (take(line, "dev"))
		return number_of(line, "dev", &route->ifindex);
	if (take(line, "mtu"))
		return number_of(line, "mtu", &route->mtu);
	if (take(line, "metric"))
		return number_of(line, "metric", &route->metric);
	if (!take(line, "via"))
		return expect_end(line);
	word = value_of(line, "via");
	err = word ? parse_address(line, word, &gateway) : -EINVAL;
	if (err)
		return err;
	route->gateway_family = (uint8_t)gateway.family;
	memcpy(route->gateway, gateway.bytes, sizeof(route->gateway));
	return 0;
}

static int route_command(struct bpfe_fib *fib, struct line *line)
{
	struct bpfe_fib_route route = {0};
	struct address dst;
	const char *word;
	int removal = take_action(line);
	int err;

	if (removal < 0)
		return removal;
	route.kind = take_kind(line);
	word = value_of(line, "route");
	err = word ? parse_prefix(line, word, &dst) : -EINVAL;
	while (!err && peek(line))
		err = route_option(line, &route);
	if (err)
		return err;
	if (!removal && route.kind == BPFE_FIB_UNICAST && !route.ifindex)
		return fail(line, -EINVAL, "route to %s needs: dev N", word);
	err = bpfe_fib_set_route(fib, dst.family, dst.bytes, dst.prefix_len,
				 removal ? NULL : &route);
	return err ? fail(line, err, "route to %s: %s", word, strerror(-err)) : 0;
}

static int neigh_command(struct bpfe_fib *fib, struct line *line)
{
	int removal = take_action(line), err;
	struct address address;
	uint32_t ifindex = 0;
	uint8_t mac[6] = {0};
	const char *word;

	if (removal < 0)
		return removal;
	word = value_of(line, "neigh");
	err = word ? parse_address(line, word, &address) : -EINVAL;
	while (!err && peek(line)) {
		if (take(line, "dev"))
			err = number_of(line, "dev", &ifindex);
		else if (take(line, "lladdr"))
			err = mac_of(line, "lladdr", mac);
		else
			err = expect_end(line);
	}
	if (err)
		return err;
	if (!ifindex)
		return fail(line, -EINVAL, "neigh %s needs: dev N", word);
	err = bpfe_fib_set_neighbour(fib, ifindex, address.family, address.bytes,
				     removal ? NULL : mac);
	return err ? fail(line, err, "neigh %s: %s", word, strerror(-err)) : 0;
}

/* ---- The file ------------------------------------------------------------------------------- */

static int split(struct line *line, char *text)
{
	char *rest = NULL;
	unsigned n = 0;

	text[strcspn(text, "#\r")] = '\0';
	for (char *word = strtok_r(text, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest)) {
		if (n == MAX_WORDS)
			return fail(line, -EINVAL, "more than %u words", MAX_WORDS);
		line->words[n++] = word;
	}
	line->words[n] = NULL;
	return 0;
}

static int carry_out(struct bpfe_fib *fib, struct line *line)
{
	if (take(line, "-6"))
		line->family = AF_INET6;
	else if (take(line, "-4"))
		line->family = AF_INET;
	if (!peek(line))
		return 0;
	if (take(line, "link"))
		return link_command(fib, line);
	if (take(line, "route"))
		return route_command(fib, line);
	if (take(line, "neigh"))
		return neigh_command(fib, line);
	return fail(line, -EINVAL, "link, route or neigh was expected, not '%s'", peek(line));
}

gboolean ip_batch_read(struct bpfe_fib *fib, const char *path, GError **error)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	gsize size;

	if (!g_file_get_contents(path, &text, &size, error))
		return FALSE;
	/* What follows would be passed over in silence. */
	if (strlen(text) != size) {
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED,
			    "%s: byte %zu is 0; commands in text were expected", path,
			    strlen(text));
		return FALSE;
	}
	lines = g_strsplit(text, "\n", -1);
	for (unsigned i = 0; lines[i]; i++) {
		struct line line = {.file = path, .number = i + 1, .error = error};

		if (split(&line, lines[i]) || carry_out(fib, &line))
			return FALSE;
	}
	return TRUE;
}
