// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* sluice-bpf disasm and filter: what they print. */
#include "tool.h"

#include <json-c/json.h>
#include <string.h>

#define ARP_LISTING                             \
	"   0: (61) r9 = *(u32 *)(r1 +0)\n"     \
	"   1: (61) r6 = *(u32 *)(r1 +4)\n"     \
	"   2: (b4) w7 = 0\n"                   \
	"   3: (b4) w8 = 0\n"                   \
	"   4: (bf) r3 = r9\n"                  \
	"   5: (07) r3 += 12\n"                 \
	"   6: (bf) r4 = r3\n"                  \
	"   7: (07) r4 += 2\n"                  \
	"   8: (bd) if r4 <= r6 goto pc+2\n"    \
	"   9: (b4) w0 = 1\n"                   \
	"  10: (95) exit\n"                     \
	"  11: (69) r7 = *(u16 *)(r3 +0)\n"     \
	"  12: (dc) r7 = be16 r7\n"             \
	"  13: (16) if w7 == 0x806 goto pc+1\n" \
	"  14: (05) goto pc+2\n"                \
	"  15: (b4) w0 = 2\n"                   \
	"  16: (95) exit\n"                     \
	"  17: (b4) w0 = 1\n"                   \
	"  18: (95) exit\n"

static void listing_of_an_object(void **state)
{
	g_autofree char *path = make_filter(state, "arp.o", "arp");

	expect_output(sluice_bpf("disasm", path), 0,
		      "filter (section xdp, 19 instructions):\n" ARP_LISTING);
	expect_output(sluice_bpf("disasm", "--prog", "filter", "--source", path), 0,
		      "filter (section xdp, 19 instructions):\n" ARP_LISTING);
}

static void source_and_opcodes(void **state)
{
	g_autofree char *path = example("xdp_pass_count");
	struct run run = sluice_bpf("disasm", "--source", "--opcodes", path);

	assert_int_equal(run.status, 0);
	assert_true(g_regex_match_simple(
		"\\Axdp_pass_count \\(section xdp, [0-9]+ instructions\\):\n"
		"; xdp_pass_count.bpf.c:[0-9]+: .*\n"
		"   0: \\([0-9a-f]{2}\\) .*\n       ([0-9a-f]{2} ){7}[0-9a-f]{2}\n",
		run.out, 0, 0));
	assert_true(
		g_regex_match_simple("r1 = map\\[idx:0\\]\n       18 51 ([0-9a-f]{2} ){13}[0-9a-f]"
				     "{2}\n",
				     run.out, 0, 0));
	run_clear(&run);
}

/* One line: the instruction, then offset, bytes and text of machine code, perhaps a source line. */
#define SOURCE  "; xdp_pass_count.bpf.c:[0-9]+: [^\n]*\n"
#define MACHINE " +[0-9a-f]+: [0-9a-f]+ +[a-z.]+[^\n]*\n"
#define SILENT  " *[0-9]+: [^\n]*\n" /* an instruction that nothing of its own was made of */

static void machine_code(void **state)
{
	g_autofree char *path = example("xdp_pass_count");

	expect_match(
		sluice_bpf("disasm", "--jit", "--source", path), 0,
		"xdp_pass_count \\(section xdp, [0-9]+ instructions\\): [0-9]+ bytes of machine "
		"code in [0-9]+ us\n" SOURCE "(" SOURCE "|( *[0-9]+: [^\n]*)?" MACHINE "|" SILENT
		")+");
	expect_match(sluice_bpf("disasm", "--jit", "--harden", "off", "-p", "xdp_pass_count", path),
		     0,
		     "xdp_pass_count \\([^\n]*\n   0: r6 = \\*\\(u32 \\*\\)\\(r1 \\+4\\) +0: "
		     "[0-9a-f]+ +[a-z]+[^\n]*\n(( *[0-9]+: [^\n]*)?" MACHINE "|" SILENT ")+");
}

/* Every instruction is there once at least, and those of the program before all others. */
static void machine_code_is_whole(void **state)
{
	g_autofree char *path = make_filter(state, "arp.o", "arp");
	struct run run = sluice_bpf("disasm", "--jit", "--harden", "off", path);

	assert_int_equal(run.status, 0);
	for (unsigned slot = 0; slot < 19; slot++) {
		g_autofree char *line = g_strdup_printf("\n%4u: ", slot);

		assert_non_null(strstr(run.out, line));
	}
	assert_non_null(strstr(run.out, " ret\n"));
	run_clear(&run);
}

static void machine_code_of_functions(void **state)
{
	g_autofree char *path = g_build_filename(g_getenv("LOADER_OBJECTS"), "calls.bpf.o", NULL);
	struct run run = sluice_bpf("disasm", "--jit", "-p", "calls_both", path);

	assert_int_equal(run.status, 0);
	assert_true(g_regex_match_simple("\n   1: call pc\\+3 [^\n]* call 0x[0-9a-f]+\n", run.out,
					 0, 0));
	for (const char *const *line =
		     (const char *const[]){"\nfunction at 5:\n   5: call pc+5 ",
					   "\nfunction at 8:\n   8: w0 = w1 ",
					   "\nfunction at 11:\n  11: w0 = w1 ", NULL};
	     *line; line++)
		assert_non_null(strstr(run.out, *line));
	run_clear(&run);
}

static void intermediate_form(void **state)
{
	g_autofree char *path = make_filter(state, "arp.o", "arp");

	expect_match(sluice_bpf("disasm", "--lir", "--harden", "off", path), 0,
		     "filter \\(section xdp, 19 instructions\\): [0-9]+ bytes of machine code in "
		     "[0-9]+ us\nb0:\n(b[0-9]+:\n|\t[^\n]+\n)+");
}

static struct json_object *member(struct json_object *json, const char *name)
{
	struct json_object *value;

	assert_true(json_object_object_get_ex(json, name, &value));
	return value;
}

/* Offsets follow from the bytes, and the last instruction ends where the code does. */
static void check_insns(struct json_object *program)
{
	struct json_object *insns = member(program, "insns");
	int64_t offset = 0;

	for (size_t i = 0; i < json_object_array_length(insns); i++) {
		struct json_object *insn = json_object_array_get_idx(insns, i);
		const char *pc = json_object_get_string(member(insn, "pc"));

		assert_int_equal(g_ascii_strtoll(pc, NULL, 16), offset);
		assert_true(json_object_get_string_len(member(insn, "operation")) > 0);
		assert_true(json_object_is_type(member(insn, "operands"), json_type_array));
		offset += (int64_t)json_object_array_length(member(insn, "opcodes"));
	}
	assert_int_equal(offset, json_object_get_int64(member(program, "bytes")));
}

static void machine_code_as_json(void **state)
{
	g_autofree char *path = example("xdp_pass_count");
	struct run run = sluice_bpf("disasm", "--jit", "--lir", "--json", path);
	struct json_object *json = json_tokener_parse(run.out), *program, *first;

	assert_int_equal(run.status, 0);
	assert_non_null(json);
	assert_int_equal(json_object_array_length(json), 1);
	program = json_object_array_get_idx(json, 0);
	assert_string_equal(json_object_get_string(member(program, "name")), "xdp_pass_count");
	assert_string_equal(json_object_get_string(member(program, "section")), "xdp");
	assert_non_null(strstr(json_object_get_string(member(program, "lir")), "b0:\n"));
	check_insns(program);
	first = json_object_array_get_idx(member(program, "insns"), 0);
	assert_string_equal(json_object_get_string(member(first, "bpf")), "r6 = *(u32 *)(r1 +4)");
	assert_int_equal(json_object_get_int(member(first, "slot")), 0);
	assert_true(g_str_has_prefix(json_object_get_string(member(first, "src")),
				     "xdp_pass_count.bpf.c:"));
	json_object_put(json);
	run_clear(&run);
}

/* What the verifier refuses is not compiled either. */
static void machine_code_refused(void **state)
{
	g_autofree char *path = example("xdp_refused");
	struct run run = sluice_bpf("disasm", "--jit", path);
	g_autofree char *prefix =
		g_strdup_printf("sluice-bpf: %s: program xdp_refused is refused:\n", path);

	assert_int_equal(run.status, 1);
	assert_string_equal(run.out, "");
	assert_true(g_str_has_prefix(run.err, prefix));
	run_clear(&run);
}

static void hex(void **state)
{
	expect_output(
		sluice_bpf_input("b7 00 00 00 ff ff ff ff\n9500000000000000", "disasm", "-", NULL),
		0, "   0: (b7) r0 = -1\n   1: (95) exit\n");
	expect_output(sluice_bpf_input("18 01 00 00 78 56 34 12 00 00 00 00 01 00 00 00\n"
				       "85 10 00 00 00 00 00 00 ff 00 00 00 00 00 00 00",
				       "disasm", "--opcodes", "-", NULL),
		      0,
		      "   0: (18) r1 = 0x112345678\n"
		      "       18 01 00 00 78 56 34 12 00 00 00 00 01 00 00 00\n"
		      "   2: (85) call pc+0\n"
		      "       85 10 00 00 00 00 00 00\n"
		      "function at 3:\n"
		      "   3: (ff) not an instruction\n"
		      "       ff 00 00 00 00 00 00 00\n");
}

static void hex_that_is_none(void **state)
{
	expect_error(sluice_bpf_input("", "disasm", "-", NULL), 1,
		     "standard input: 0 bytes; instructions take 8 bytes each");
	expect_error(sluice_bpf_input("95 00 00", "disasm", "-", NULL), 1,
		     "standard input: 3 bytes; instructions take 8 bytes each");
	expect_error(sluice_bpf_input("95 0 0", "disasm", "-", NULL), 1,
		     "standard input: the digit before character 5 has no partner; write two "
		     "digits for each byte, as 0a ff");
	expect_error(sluice_bpf_input("95 0", "disasm", "-", NULL), 1,
		     "standard input: the digit before character 5 has no partner; write two "
		     "digits for each byte, as 0a ff");
	expect_error(sluice_bpf_input("95 zz", "disasm", "-", NULL), 1,
		     "standard input: character 4 ('z') is not a hexadecimal digit; write two "
		     "digits for each byte, as 0a ff");
	expect_error(sluice_bpf_input("\x7f"
				      "ELF",
				      "disasm", "-", NULL),
		     1,
		     "standard input: character 1 is not a hexadecimal digit; write two digits for "
		     "each byte, as 0a ff");
}

static void filter_listings(void **state)
{
	expect_output(sluice_bpf("filter", "arp"), 0, ARP_LISTING);
	expect_output(sluice_bpf("filter", "--cbpf", "arp"), 0,
		      "(000) ldh [12]\n(001) jeq #0x806 jt 2 jf 3\n(002) ret #65535\n"
		      "(003) ret #0\n");
	expect_output(sluice_bpf("filter", "--cbpf", "--disasm", "arp"), 0,
		      "(000) ldh [12]\n(001) jeq #0x806 jt 2 jf 3\n(002) ret #65535\n"
		      "(003) ret #0\n" ARP_LISTING);
	/* several words make one expression, as with tcpdump */
	expect_output(sluice_bpf("filter", "--cbpf", "greater", "9"), 0,
		      "(000) ld #pktlen\n(001) jge #0x9 jt 2 jf 3\n(002) ret #65535\n"
		      "(003) ret #0\n");
	/* another link type has its fields elsewhere */
	expect_output(sluice_bpf("filter", "--cbpf", "--dlt", "RAW", "ip"), 0,
		      "(000) ldb [0]\n(001) and #0xf0\n(002) jeq #0x40 jt 3 jf 4\n"
		      "(003) ret #65535\n(004) ret #0\n");
}

static void filter_errors(void **state)
{
	expect_error(sluice_bpf("filter"), 2, "expected EXPRESSION; see sluice-bpf filter --help");
	expect_error(sluice_bpf("filter", "udp", "prt 53"), 1,
		     "filter 'udp prt 53': can't parse filter expression: syntax error");
	expect_error(sluice_bpf("filter", "--dlt", "PAPER", "ip"), 2,
		     "libpcap knows no link type 'PAPER'; Ethernet is EN10MB");
	expect_error(sluice_bpf("filter", "--match", "maybe", "ip"), 2,
		     "--match: no verdict 'maybe'; these are: pass, drop, tx, aborted; see "
		     "sluice-bpf filter --help");
	expect_error(sluice_bpf("filter", "ip6 protochain 6"), 1,
		     "the filter cannot be converted: instruction 18: jump back by 14; jumps of a "
		     "filter go forward (libpcap's protochain makes a loop, and runs in libpcap "
		     "alone)");
	expect_error(sluice_bpf("filter", "-o", "/dev/null/x", "ip"), 1,
		     "/dev/null/x: cannot be written: Not a directory");
}

static void wrong_usage(void **state)
{
	expect_error(sluice_bpf("disasm"), 2,
		     "expected PROG.o, or - for standard input; see sluice-bpf disasm --help");
	expect_error(sluice_bpf("disasm", "--source", "-"), 2,
		     "--prog and --source need an object file, not -; see sluice-bpf disasm "
		     "--help");
	expect_error(sluice_bpf("disasm", "--jit", "-"), 2,
		     "--jit and --lir need an object file, not -; see sluice-bpf disasm --help");
	expect_error(sluice_bpf("disasm", "--json", "x.o"), 2,
		     "--json and --harden need --jit or --lir; see sluice-bpf disasm --help");
	expect_error(sluice_bpf("disasm", "--jit", "-o", "x.o"), 2,
		     "--opcodes is for instructions; --jit shows the bytes of machine code; see "
		     "sluice-bpf disasm --help");
	expect_error(sluice_bpf("disasm", "--jit", "--harden", "moat", "x.o"), 2,
		     "--harden: 'moat' is none of on, off, blinding, random-start, masks, packet, "
		     "fences; see sluice-bpf disasm --help");
	expect_error(sluice_bpf("sing"), 2, "no subcommand 'sing'; sluice-bpf --help lists them");
}

static void help(void **state)
{
	struct run run = sluice_bpf("--help");

	assert_int_equal(run.status, 0);
	assert_true(g_str_has_prefix(run.out, "Usage: sluice-bpf SUBCOMMAND [OPTION...] ...\n"));
	for (const char *const *name = (const char *const[]){"verify", "disasm", "run", "exec",
							     "filter", "stat", NULL};
	     *name; name++) {
		g_autofree char *line = g_strdup_printf("\n  %-8s ", *name);
		struct run each = sluice_bpf(*name, "--help");

		assert_non_null(strstr(run.out, line));
		assert_int_equal(each.status, 0);
		assert_true(g_str_has_prefix(each.out, "Usage:\n  sluice-bpf "));
		run_clear(&each);
	}
	run_clear(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(listing_of_an_object),
		scratch_test(source_and_opcodes),
#if defined(__x86_64__)
		scratch_test(machine_code),
		scratch_test(machine_code_is_whole),
		scratch_test(machine_code_of_functions),
		scratch_test(intermediate_form),
		scratch_test(machine_code_as_json),
		scratch_test(machine_code_refused),
#endif
		scratch_test(hex),
		scratch_test(hex_that_is_none),
		scratch_test(filter_listings),
		scratch_test(filter_errors),
		scratch_test(wrong_usage),
		scratch_test(help),
	};

	return run_tests_on_objects(tests);
}
