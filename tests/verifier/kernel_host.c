// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/syscall.h>
#include <linux/capability.h>
#include <bpf/bpf.h>
#include "kernel_host.h"

/* Newer than some <linux/capability.h>. */
#define CAP_PERFMON_ 38
#define CAP_BPF_     39

static const struct {
	const char *text; /* in what the kernel says last */
	const char *why;
} classes[] = {
	{"pointer -= pointer prohibited", "a packet's length is not an address"},
	{"prohibited for !root",
	 "guards against speculation, which are not the verifier's here, and "
	 "variable stack offsets, which we follow"},
	{"unbounded min value", "we know more of moduli and quotients"},
	{"infinite loop detected", "the same: its loop is ours with a known end"},
	{"too large", "fewer paths cover more of ours"},
	{"is too complex", "the same"},
	{"map_value_or_null", "constant keys in the upper half of a stack slot"},
	{"invalid mem access 'scalar'", "a branch that we know dead"},
	{"unreachable insn", "code that nothing reaches is a trap here"},
	{"arg#2 arg#3 memory, len pair", "a slice's buffer is filled before it can be read"},
};

#define CLASSES (sizeof(classes) / sizeof(classes[0]))

int kernel_class_of(const char *text)
{
	size_t length = strlen(text);
	const char *end = length > 3000 ? text + length - 3000 : text;

	for (size_t i = 0; i < CLASSES; i++) {
		if (strstr(end, classes[i].text))
			return (int)i;
	}
	return -1;
}

uint32_t kernel_refused_insn(const char *text)
{
	uint32_t last = UINT32_MAX;

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		char *end;
		unsigned long number;

		line += *line == '\n';
		number = strtoul(line, &end, 10);
		if (end != line && strncmp(end, ": (", 3) == 0)
			last = (uint32_t)number;
	}
	return last;
}

size_t kernel_classes(void)
{
	return CLASSES;
}

const char *kernel_class_text(size_t class)
{
	return classes[class].text;
}

const char *kernel_class_why(size_t class)
{
	return classes[class].why;
}

const char *kernel_last_words(const char *text)
{
	size_t length = strlen(text);

	return length > 300 ? text + length - 300 : text;
}

int kernel_host_load(const struct bpf_insn *insns, uint32_t n, char *text, uint32_t size)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .log_buf = text, .log_size = size, .log_level = 1);
	int fd;

	text[0] = '\0';
	/* First without a log: one that overflows counts as a refusal. */
	fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "sluice_test", "GPL", insns, n, NULL);
	if (fd < 0)
		bpf_prog_load(BPF_PROG_TYPE_XDP, "sluice_test", "GPL", insns, n, &opts);
	return fd < 0 ? -1 : fd;
}

bool kernel_host_run(int fd, uint8_t *frame, uint32_t size, uint32_t room, uint32_t *length,
		     uint32_t *retval)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = size, .repeat = 1);
	uint8_t *out = calloc(1, room);
	bool ran;

	opts.data_out = out;
	opts.data_size_out = room;
	ran = out && bpf_prog_test_run_opts(fd, &opts) == 0;
	if (ran) {
		memcpy(frame, out, opts.data_size_out);
		*length = opts.data_size_out;
		*retval = opts.retval;
	}
	free(out);
	return ran;
}

static int set_capabilities(bool trusted)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{0}};
	uint64_t keep = UINT64_C(1) << CAP_NET_ADMIN | UINT64_C(1) << CAP_BPF_;
	uint64_t most = keep | UINT64_C(1) << CAP_PERFMON_;

	for (unsigned i = 0; i < 2; i++) {
		data[i].effective = (uint32_t)((trusted ? most : keep) >> 32 * i);
		data[i].permitted = (uint32_t)(most >> 32 * i);
	}
	return (int)syscall(SYS_capset, &header, data);
}

void kernel_host_trust(bool trusted)
{
	if (set_capabilities(trusted))
		abort();
}

bool kernel_host_prepare(void)
{
	/* A kernel that does not know the newer instructions would refuse for that alone. */
	static const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 1},
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 0, .off = 8},
		{.code = BPF_JMP | BPF_EXIT},
	};
	char text[512];
	int fd = set_capabilities(false) ? -1 : kernel_host_load(insns, 3, text, sizeof(text));

	if (fd < 0) {
		puts("1..0 # SKIP the host's kernel takes no XDP programs from here, or is older "
		     "than 6.6");
		return false;
	}
	close(fd);
	return true;
}
