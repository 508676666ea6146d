#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""generate.py [--check] FOLDER: the conformance data, one file for each instruction, from model.py;
with --check nothing is written, and the exit status says whether FOLDER has just that.

The files are kept in the repository, so that what is expected changes only where someone sees it."""

import sys
from pathlib import Path

import model as m
from model import ALU, ALU64, ATOMIC, JMP, JMP32, K, LDX, MEM, MEMSX, SIZES, ST, STX, U32, U64, X, insn


class File:
    def __init__(self, name, about):
        self.name, self.parts = name, [f"# {name}: {about}"]

    def case(self, title, program, r0, memory=None):
        part = [f"-- {title}"]
        if memory is not None:
            part.append("mem " + memory.hex(" "))
        for code, text in program.lines:
            part.append(f"{code.hex(' ')} ; {text}")
        part.append(f"= 0x{r0 & U64:x}")
        self.parts.append("\n".join(part))

    def refused(self, title, program, memory=None):
        part = [f"-- {title}"]
        if memory is not None:
            part.append("mem " + memory.hex(" "))
        part += [f"{code.hex(' ')} ; {text}" for code, text in program.lines]
        part.append("refused")
        self.parts.append("\n".join(part))

    def text(self):
        return "\n\n".join(self.parts) + "\n"


# --- arithmetic -----------------------------------------------------------------------------

PAIRS = [
    (0, 0), (U64, 1), (1 << 63, U64), (0x123456789ABCDEF0, 0xFEDCBA9876543210),
    (0xFFFFFFFF80000000, 0x1FFFFFFFF), (0x8000000080000007, 0x1F0000003F),
]
IMMEDIATES = [(0x123456789ABCDEF0, 0x1234), (0x80000000FFFFFFFF, -1), (1 << 63, -(1 << 31))]
SHIFTS = {32: [0, 1, 31], 64: [0, 1, 31, 32, 63]}


def letter(bits):
    return "r" if bits == 64 else "w"


def immediates(name, bits):
    if name in ("lsh", "rsh", "arsh"):
        return [(0xFEDCBA9876543211, shift) for shift in SHIFTS[bits]]
    return IMMEDIATES


def alu_file(name, bits):
    code, off, text, _ = m.ALU_OPS[name]
    out = File(f"{name}{bits}", f"dst {text} src or imm, {bits} bits (RFC 9669, 4.1)")
    klass, r = (ALU64 if bits == 64 else ALU), letter(bits)
    for a, b in PAIRS:
        p = m.Program()
        p.load(1, a)
        p.load(2, b)
        p.add(insn(klass | X | code, 1, 2, off), f"{r}1 {text} {r}2")
        p.move(0, 1)
        p.exit()
        out.case(f"register, 0x{a:x} and 0x{b:x}", p, m.alu(name, bits, a, b))
    for a, imm in immediates(name, bits):
        p = m.Program()
        p.load(0, a)
        p.add(insn(klass | K | code, 0, 0, off, imm), f"{r}0 {text} {m.shown(imm)}")
        p.exit()
        out.case(f"immediate, 0x{a:x} and {imm}", p, m.alu(name, bits, a, imm))
    same_register(out, name, bits, klass | X | code, off, f"{r}0 {text} {r}0")
    return out


def same_register(out, name, bits, code, off, text):
    value = 0xFEDCBA987654321F
    p = m.Program()
    p.load(0, value)
    p.add(insn(code, 0, 0, off), text)
    p.exit()
    out.case("a register with itself", p, m.alu(name, bits, value, value))


def unary_case(out, value, code, text, r0):
    p = m.Program()
    p.load(1, value)
    p.add(code, text)
    p.move(0, 1)
    p.exit()
    out.case(f"of 0x{value:x}", p, r0)


VALUES = [1, 0x80, 0x8000, 0x80000000, 0x0123456789ABCDEF, 1 << 63]


def neg_file(bits):
    out = File(f"neg{bits}", f"dst = -dst, {bits} bits (RFC 9669, 4.1)")
    klass, r = (ALU64 if bits == 64 else ALU), letter(bits)
    for value in VALUES:
        unary_case(out, value, insn(klass | 0x80, 1), f"{r}1 = -{r}1", -value & ((1 << bits) - 1))
    return out


def movsx_file(bits, from_bits):
    out = File(f"movsx{from_bits}to{bits}", f"dst = (s{from_bits})src, {bits} bits (RFC 9669, 4.1)")
    klass, r = (ALU64 if bits == 64 else ALU), letter(bits)
    for value in VALUES:
        code = insn(klass | X | 0xB0, 1, 1, from_bits)
        unary_case(out, value, code, f"{r}1 = (s{from_bits}){r}1", m.signed(value, from_bits) & ((1 << bits) - 1))
    return out


def swap_file(name, code, bits, function):
    out = File(f"{name}{bits}", f"byte order, {bits} bits of dst, the rest cleared (RFC 9669, 4.2)")
    for value in VALUES:
        unary_case(out, value, insn(code, 1, 0, 0, bits), f"r1 = {name}{bits} r1", function(value, bits))
    return out


def little(value, bits):
    return value & ((1 << bits) - 1)


def arithmetic_files():
    for name in m.ALU_OPS:
        for bits in (64, 32):
            yield alu_file(name, bits)
    for bits in (64, 32):
        yield neg_file(bits)
    for bits, from_bits in ((64, 8), (64, 16), (64, 32), (32, 8), (32, 16)):
        yield movsx_file(bits, from_bits)
    for bits in (16, 32, 64):
        yield swap_file("le", ALU | 0xD0, bits, little)
        yield swap_file("be", ALU | X | 0xD0, bits, m.swap_bytes)
        yield swap_file("bswap", ALU64 | 0xD0, bits, m.swap_bytes)


# --- jumps ----------------------------------------------------------------------------------

COMPARED = [(0, 0), (1, 2), (2, 1), (U64, 1), (1, U64), (U64, U64), (1 << 63, (1 << 63) - 1),
            (0x80000000, 0x7FFFFFFF), (0x100000001, 1), (1, 0x100000001), (0xFFFFFFFF, U64), (0xF0, 0x0F), (0xF0, 0x10)]
COMPARED_K = [(0, 0), (1, 2), (2, 1), (U64, 1), (1, -1), (U64, -1), (1 << 63, 0x7FFFFFFF), (0x80000000, -(1 << 31)),
              (0xFFFFFFFF80000000, -(1 << 31)), (0x100000001, 1), (0xFFFFFFFF, -1), (0xF0, 0x0F), (0xF0, 0x10)]


def jump_case(out, name, bits, pairs, by_register):
    """Bit i of r0 says whether comparison i jumped."""
    code, text, _, _ = m.JUMP_OPS[name]
    klass, r = (JMP if bits == 64 else JMP32), letter(bits)
    p, r0 = m.Program(), 0
    p.load(0, 0)
    for i, (a, b) in enumerate(pairs):
        p.load(1, a)
        if by_register:
            p.load(2, b)
            p.add(insn(klass | X | code, 1, 2, 1), f"if {r}1 {text} {r}2 goto pc+1")
        else:
            p.add(insn(klass | K | code, 1, 0, 1, b), f"if {r}1 {text} 0x{b & U32:x} goto pc+1")
        p.add(insn(JMP, off=1), "goto pc+1")
        p.add(insn(ALU64 | K | 0x40, 0, imm=1 << i), f"r0 |= {1 << i}")
        r0 |= m.taken(name, bits, a, b) << i
    p.exit()
    out.case("register" if by_register else "immediate", p, r0)


def jump_file(name, bits):
    text = m.JUMP_OPS[name][1]
    out = File(f"{name}{bits}", f"if dst {text} src or imm goto, {bits} bits (RFC 9669, 4.3)")
    jump_case(out, name, bits, COMPARED, True)
    jump_case(out, name, bits, COMPARED_K, False)
    return out


def goto_file(name, klass, word):
    """Over an instruction, onto the next one, and back once."""
    def jump(distance):
        if klass == JMP:
            return insn(JMP, off=distance), f"{word} pc{distance:+d}"
        return insn(JMP32, imm=distance), f"{word} pc{distance:+d}"

    out = File(name, "goto, unconditional (RFC 9669, 4.3)")
    p = m.Program()
    p.add(insn(ALU64 | 0xB0, 0, imm=1), "r0 = 1")
    p.add(*jump(1))
    p.add(insn(ALU64 | 0xB0, 0, imm=2), "r0 = 2")
    p.exit()
    out.case("forward", p, 1)
    p = m.Program()
    p.add(insn(ALU64 | 0xB0, 0, imm=7), "r0 = 7")
    p.add(*jump(0))
    p.exit()
    out.case("to the next instruction", p, 7)
    p = m.Program()
    p.add(insn(ALU64 | 0xB0, 0, imm=1), "r0 = 1")
    p.add(*jump(2))
    p.add(insn(ALU64, 0, imm=4), "r0 += 4")
    p.exit()
    p.add(insn(ALU64, 0, imm=2), "r0 += 2")
    p.add(*jump(-4))
    out.case("back", p, 7)
    return out


def call_files():
    out = File("call-local", "call of a function of the program (RFC 9669, 4.3.2)")
    p = m.Program()
    p.load(1, 3)
    p.load(6, 100)
    p.add(insn(JMP | 0x80, src=1, imm=2), "call pc+2")
    p.add(insn(ALU64 | X, 0, 6), "r0 += r6")
    p.exit()
    p.move(0, 1)
    p.add(insn(ALU64 | 0xB0, 6, imm=1), "r6 = 1")
    p.exit()
    out.case("arguments go in, r0 comes back, r6 to r9 are kept", p, 103)
    p = m.Program()
    p.add(insn(ST | MEM | SIZES[64], 10, off=-8, imm=5), "*(u64 *)(r10 -8) = 5")
    p.add(insn(JMP | 0x80, src=1, imm=3), "call pc+3")
    p.add(insn(LDX | MEM | SIZES[64], 1, 10, -8), "r1 = *(u64 *)(r10 -8)")
    p.add(insn(ALU64 | X, 0, 1), "r0 += r1")
    p.exit()
    p.add(insn(ST | MEM | SIZES[64], 10, off=-8, imm=70), "*(u64 *)(r10 -8) = 70")
    p.add(insn(LDX | MEM | SIZES[64], 0, 10, -8), "r0 = *(u64 *)(r10 -8)")
    p.exit()
    out.case("each function has a stack of its own", p, 75)
    yield out
    out = File("exit", "exit (RFC 9669, 4.3)")
    p = m.Program()
    p.load(0, 0xFEDCBA9876543210)
    p.exit()
    p.add(insn(ALU64 | 0xB0, 0, imm=1), "r0 = 1")
    p.exit()
    out.case("in the middle, with 64 bits", p, 0xFEDCBA9876543210)
    yield out


def jump_files():
    for name in m.JUMP_OPS:
        for bits in (64, 32):
            yield jump_file(name, bits)
    yield goto_file("ja", JMP, "goto")
    yield goto_file("gotol", JMP32, "gotol")
    yield from call_files()


# --- memory ---------------------------------------------------------------------------------

MEMORY = bytes(range(0xF0, 0x100)) + bytes(range(0x70, 0x80))


def load_files():
    for bits in (8, 16, 32, 64):
        out = File(f"ldx{bits}", f"dst = *(u{bits} *)(src + off) (RFC 9669, 5.1)")
        for off in (0, 3, 32 - bits // 8):
            p = m.Program()
            p.load(0, U64)
            p.add(insn(LDX | MEM | SIZES[bits], 0, 1, off), f"r0 = *(u{bits} *)(r1 {off:+d})")
            p.exit()
            out.case(f"at {off}", p, int.from_bytes(MEMORY[off:off + bits // 8], "little"), MEMORY)
        p = m.Program()
        p.add(insn(LDX | MEM | SIZES[bits], 1, 1, 8), f"r1 = *(u{bits} *)(r1 +8)")
        p.move(0, 1)
        p.exit()
        out.case("into the address's register", p, int.from_bytes(MEMORY[8:8 + bits // 8], "little"), MEMORY)
        p = m.Program()
        past = 33 - bits // 8
        p.add(insn(LDX | MEM | SIZES[bits], 0, 1, past), f"r0 = *(u{bits} *)(r1 {past:+d})")
        p.exit()
        out.refused("one byte beyond the end", p, MEMORY)
        yield out
    for bits in (8, 16, 32):
        out = File(f"ldsx{bits}", f"dst = *(s{bits} *)(src + off), sign-extended (RFC 9669, 5.2)")
        for off in (0, 16, 32 - bits // 8):
            p = m.Program()
            p.add(insn(LDX | MEMSX | SIZES[bits], 0, 1, off), f"r0 = *(s{bits} *)(r1 {off:+d})")
            p.exit()
            value = int.from_bytes(MEMORY[off:off + bits // 8], "little", signed=True)
            out.case(f"at {off}", p, value, MEMORY)
        yield out


def read_back(p, off=0):
    p.add(insn(LDX | MEM | SIZES[64], 0, 1, off), f"r0 = *(u64 *)(r1 {off:+d})")
    p.exit()


def store_files():
    for bits in (8, 16, 32, 64):
        size = bits // 8
        for by_register in (False, True):
            name = f"{'stx' if by_register else 'st'}{bits}"
            what = "src" if by_register else "imm"
            out = File(name, f"*(u{bits} *)(dst + off) = {what} (RFC 9669, 5.1)")
            for value, off in ((0x1234, 0), (-2, 0), (0x7FFFFFFF, 8 - size), (-(1 << 31), 0)):
                memory = bytearray(MEMORY)
                memory[off:off + size] = (value & ((1 << bits) - 1)).to_bytes(size, "little")
                p = m.Program()
                if by_register:
                    value = value & U64 ^ 0x0F0F000000000000
                    memory[off:off + size] = (value & ((1 << bits) - 1)).to_bytes(size, "little")
                    p.load(2, value)
                    p.add(insn(STX | MEM | SIZES[bits], 1, 2, off), f"*(u{bits} *)(r1 {off:+d}) = r2")
                else:
                    code = insn(ST | MEM | SIZES[bits], 1, off=off, imm=value)
                    p.add(code, f"*(u{bits} *)(r1 {off:+d}) = {value}")
                read_back(p)
                out.case(f"{value} at {off}, its neighbours stay", p, int.from_bytes(memory[:8], "little"), MEMORY)
            yield out


def constant_file():
    out = File("lddw", "dst = imm64 (RFC 9669, 5.4)")
    for value in (0, 1, 0xFFFFFFFF, 0x80000000, 0x100000000, 1 << 63, U64, 0x0123456789ABCDEF):
        p = m.Program()
        p.load(0, value)
        p.exit()
        out.case(f"0x{value:x}", p, value)
    p = m.Program()
    p.add(insn(JMP, off=1), "goto pc+1")
    p.load(0, 0)
    p.exit()
    out.refused("a jump into its second half", p)
    return out


def length_file():
    out = File("arguments", "r1 points to the memory, r2 is its length, r10 to a stack")
    p = m.Program()
    p.move(0, 2)
    p.exit()
    out.case("length", p, 32, MEMORY)
    p = m.Program()
    p.move(0, 2)
    p.exit()
    out.case("no memory", p, 0)
    p = m.Program()
    p.add(insn(ST | MEM | SIZES[64], 10, off=-512, imm=9), "*(u64 *)(r10 -512) = 9")
    p.add(insn(LDX | MEM | SIZES[64], 0, 10, -512), "r0 = *(u64 *)(r10 -512)")
    p.exit()
    out.case("the stack has 512 bytes", p, 9)
    p = m.Program()
    p.add(insn(ST | MEM | SIZES[64], 10, off=-520, imm=9), "*(u64 *)(r10 -520) = 9")
    p.add(insn(ALU64 | 0xB0, 0), "r0 = 0")
    p.exit()
    out.refused("and no more", p)
    p = m.Program()
    p.add(insn(STX | MEM | SIZES[64], 1, 10), "*(u64 *)(r1 +0) = r10")
    p.add(insn(ALU64 | 0xB0, 0), "r0 = 0")
    p.exit()
    out.refused("no address comes out through memory", p, MEMORY)
    p = m.Program()
    p.move(0, 1)
    p.exit()
    out.refused("nor through r0", p, MEMORY)
    return out


# --- atomics --------------------------------------------------------------------------------

ATOMIC_PAIRS = [(U64, 1), (0x0123456789ABCDEF, 0xFEDCBA9876543210), (0xFFFFFFFF, 0x80000001)]


def atomic_case(out, bits, old, source, code_imm, text, new, fetched):
    """r0 = what is left in memory, xor what came back if something does."""
    mask, memory = (1 << bits) - 1, (old & U64).to_bytes(8, "little")
    p = m.Program()
    p.load(2, source)
    p.add(insn(STX | ATOMIC | SIZES[bits], 1, 2, 0, code_imm), text)
    p.add(insn(LDX | MEM | SIZES[64], 0, 1, 0), "r0 = *(u64 *)(r1 +0)")
    left = (old & U64 & ~mask) | (new & mask)
    if fetched is not None:
        p.add(insn(ALU64 | X | 0xA0, 0, 2), "r0 ^= r2")
        left ^= fetched & mask
    p.exit()
    out.case(f"0x{old:x} and 0x{source:x}", p, left, memory)


def atomic_files():
    for bits in (64, 32):
        mask, u, a64 = (1 << bits) - 1, f"u{bits}", "64" if bits == 64 else ""
        for name, (imm, word, op, function) in m.ATOMIC_OPS.items():
            plain = File(f"atomic-{name}{bits}", f"*({u} *)(dst + off) {op} src (RFC 9669, 5.3)")
            fetch = File(f"atomic-fetch-{name}{bits}", f"the same, and src = the old value (RFC 9669, 5.3)")
            for old, source in ATOMIC_PAIRS:
                new = function(old & mask, source & mask) & mask
                atomic_case(plain, bits, old, source, imm, f"lock *({u} *)(r1 +0) {op} r2", new, None)
                atomic_case(fetch, bits, old, source, imm | m.FETCH,
                            f"r2 = atomic{a64}_fetch_{word}(({u} *)(r1 +0), r2)", new, old)
            yield plain
            yield fetch
        out = File(f"atomic-xchg{bits}", "exchange of src and memory (RFC 9669, 5.3)")
        for old, source in ATOMIC_PAIRS:
            atomic_case(out, bits, old, source, m.XCHG, f"r2 = atomic{a64}_xchg(({u} *)(r1 +0), r2)", source, old)
        yield out
        yield compare_file(bits, u, a64)


def compare_file(bits, u, a64):
    out = File(f"atomic-cmpxchg{bits}", "src is stored if memory equals r0; r0 = the old value (RFC 9669, 5.3)")
    mask = (1 << bits) - 1
    for old, expected in ((5, 5), (5, 6), (0x100000005, 5), (0xFFFFFFFF00000005, 0x1234567800000005)):
        source = 0xAABBCCDD11223344
        equal = old & mask == expected & mask
        for what in ("memory", "r0"):
            p = m.Program()
            p.load(0, expected)
            p.load(2, source)
            code = insn(STX | ATOMIC | SIZES[bits], 1, 2, 0, m.CMPXCHG)
            p.add(code, f"r0 = atomic{a64}_cmpxchg(({u} *)(r1 +0), r0, r2)")
            if what == "memory":
                p.add(insn(LDX | MEM | SIZES[64], 0, 1, 0), "r0 = *(u64 *)(r1 +0)")
                r0 = (old & ~mask & U64) | ((source if equal else old) & mask)
            else:
                r0 = old & mask
            p.exit()
            out.case(f"0x{old:x} where 0x{expected:x} is expected: {what}", p, r0, (old & U64).to_bytes(8, "little"))
    return out


def ordered_files():
    """Beyond the RFC, as Linux has them."""
    for bits in (8, 16, 32, 64):
        r, mask = letter(bits), (1 << bits) - 1
        out = File(f"load-acquire{bits}", f"dst = *(u{bits} *)(src + off), no later access before it (beyond RFC 9669)")
        for off in (0, 8):
            p = m.Program()
            p.load(0, U64)
            code = insn(STX | ATOMIC | SIZES[bits], 0, 1, off, m.LOAD_ACQUIRE)
            p.add(code, f"{r}0 = load_acquire((u{bits} *)(r1 {off:+d}))")
            p.exit()
            out.case(f"at {off}", p, int.from_bytes(MEMORY[off:off + bits // 8], "little"), MEMORY)
        yield out
        out = File(f"store-release{bits}", f"*(u{bits} *)(dst + off) = src, no earlier access after it (beyond RFC 9669)")
        old, value = int.from_bytes(MEMORY[:8], "little"), 0x0123456789ABCDEF
        p = m.Program()
        p.load(2, value)
        code = insn(STX | ATOMIC | SIZES[bits], 1, 2, 0, m.STORE_RELEASE)
        p.add(code, f"store_release((u{bits} *)(r1 +0), {r}2)")
        read_back(p)
        out.case("its neighbours stay", p, (old & ~mask) | (value & mask), MEMORY)
        yield out


# --- what must be refused -------------------------------------------------------------------


def reserved_file():
    """Every field an instruction does not use must be zero (RFC 9669, 3)."""
    out = File("reserved", "fields that an instruction does not use must be zero (RFC 9669, 3)")
    for title, code in (
        ("src of an immediate form", insn(ALU64 | K, 0, 1, 0, 1)),
        ("imm of a register form", insn(ALU64 | X, 0, 0, 0, 1)),
        ("off of an addition", insn(ALU64 | K, 0, 0, 1, 1)),
        ("off 2 of a division", insn(ALU64 | K | 0x30, 0, 0, 2, 1)),
        ("off 3 of a move", insn(ALU64 | X | 0xB0, 0, 0, 3)),
        ("imm of a negation", insn(ALU64 | 0x80, 0, 0, 0, 1)),
        ("a byte swap of 24 bits", insn(ALU64 | 0xD0, 0, 0, 0, 24)),
        ("dst of a goto", insn(JMP, 1)),
        ("imm of a goto", insn(JMP, 0, 0, 0, 1)),
        ("off of a gotol", insn(JMP32, 0, 0, 1)),
        ("imm of an exit", insn(JMP | 0x90, 0, 0, 0, 1)),
        ("imm of a load", insn(LDX | MEM, 0, 10, -8, 1)),
        ("src of a store of an immediate", insn(ST | MEM, 10, 1, -8)),
        ("an atomic of 16 bits", insn(STX | ATOMIC | SIZES[16], 10, 0, -8)),
        ("an atomic that does not exist", insn(STX | ATOMIC, 10, 0, -8, 0x20)),
        ("register 11 as dst", insn(ALU64 | K | 0xB0, 11)),
        ("register 11 as src", insn(ALU64 | X | 0xB0, 0, 11)),
        ("an opcode that does not exist", insn(0xFF)),
    ):
        p = m.Program()
        p.add(insn(ST | MEM | SIZES[64], 10, off=-8), "*(u64 *)(r10 -8) = 0")
        p.add(insn(ALU64 | 0xB0, 0), "r0 = 0")
        p.add(code, "")
        p.exit()
        out.refused(title, p)
    return out


def main():
    check, folder = sys.argv[1] == "--check", Path(sys.argv[-1])
    files = [*arithmetic_files(), *jump_files(), *load_files(), *store_files(), constant_file(), length_file(),
             *atomic_files(), *ordered_files(), reserved_file()]
    wanted = {f"{file.name}.txt": file.text() for file in files}
    found = {path.name: path.read_text() for path in folder.glob("*.txt")}
    if check:
        for name in sorted(wanted.keys() | found.keys()):
            if wanted.get(name) != found.get(name):
                print(f"{name} is not as generated; write it with generate.py {folder}", file=sys.stderr)
        sys.exit(wanted != found)
    for name in found.keys() - wanted.keys():
        (folder / name).unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    main()
