# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What each instruction of RFC 9669 computes, on Python's integers, and its bytes and text.

Written from the RFC alone, so that it can disagree with the engine. Text is as the kernel's
disassembler has it."""

import struct

U64, U32 = (1 << 64) - 1, (1 << 32) - 1

# Classes, sources and modes (RFC 9669, sections 3 and 5)
LD, LDX, ST, STX, ALU, JMP, JMP32, ALU64 = range(8)
K, X = 0x00, 0x08
MEM, MEMSX, ATOMIC = 0x60, 0x80, 0xC0
SIZES = {8: 0x10, 16: 0x08, 32: 0x00, 64: 0x18}


def signed(value, bits):
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def insn(code, dst=0, src=0, off=0, imm=0):
    return struct.pack("<BBhI", code, src << 4 | dst, off, imm & U32)


def shown(value):
    """An immediate as the disassembler prints it: 32 bits, signed."""
    return str(signed(value, 32))


class Program:
    """Instructions with their text, one line each."""

    def __init__(self):
        self.lines = []

    def add(self, code, text):
        self.lines.append((code, text))

    def load(self, reg, value):
        value &= U64
        low, high = value & U32, value >> 32
        code = insn(0x18, reg, imm=low) + insn(0, imm=high)
        self.add(code, f"r{reg} = 0x{value:x}")

    def move(self, dst, src):
        self.add(insn(ALU64 | X | 0xB0, dst, src), f"r{dst} = r{src}")

    def exit(self):
        self.add(insn(JMP | 0x90), "exit")

    def slots(self):
        return sum(len(code) // 8 for code, _ in self.lines)


# --- arithmetic (section 4.1) ---------------------------------------------------------------


def divide(a, b, bits):
    return a // b if b else 0


def modulo(a, b, bits):
    return a % b if b else a


def divide_signed(a, b, bits):
    a, b = signed(a, bits), signed(b, bits)
    if b == 0:
        return 0
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def modulo_signed(a, b, bits):
    a, b = signed(a, bits), signed(b, bits)
    if b == 0:
        return a
    rest = abs(a) % abs(b)
    return -rest if a < 0 else rest


# name: operation code, offset, text, function of unsigned a and b, section
ALU_OPS = {
    "add": (0x00, 0, "+=", lambda a, b, bits: a + b),
    "sub": (0x10, 0, "-=", lambda a, b, bits: a - b),
    "mul": (0x20, 0, "*=", lambda a, b, bits: a * b),
    "div": (0x30, 0, "/=", divide),
    "sdiv": (0x30, 1, "s/=", divide_signed),
    "or": (0x40, 0, "|=", lambda a, b, bits: a | b),
    "and": (0x50, 0, "&=", lambda a, b, bits: a & b),
    "lsh": (0x60, 0, "<<=", lambda a, b, bits: a << (b % bits)),
    "rsh": (0x70, 0, ">>=", lambda a, b, bits: a >> (b % bits)),
    "mod": (0x90, 0, "%=", modulo),
    "smod": (0x90, 1, "s%=", modulo_signed),
    "xor": (0xA0, 0, "^=", lambda a, b, bits: a ^ b),
    "mov": (0xB0, 0, "=", lambda a, b, bits: b),
    "arsh": (0xC0, 0, "s>>=", lambda a, b, bits: signed(a, bits) >> (b % bits)),
}


def alu(name, bits, a, b):
    """dst after `dst OP= src`: the 32-bit form takes the low halves and clears the upper one."""
    mask = (1 << bits) - 1
    return ALU_OPS[name][3](a & mask, b & mask, bits) & mask


def swap_bytes(value, bits):
    value &= (1 << bits) - 1
    return int.from_bytes(value.to_bytes(bits // 8, "little"), "big")


# --- jumps (section 4.3) --------------------------------------------------------------------

# name: operation code, text, is it signed, condition
JUMP_OPS = {
    "jeq": (0x10, "==", False, lambda a, b: a == b),
    "jgt": (0x20, ">", False, lambda a, b: a > b),
    "jge": (0x30, ">=", False, lambda a, b: a >= b),
    "jset": (0x40, "&", False, lambda a, b: a & b != 0),
    "jne": (0x50, "!=", False, lambda a, b: a != b),
    "jsgt": (0x60, "s>", True, lambda a, b: a > b),
    "jsge": (0x70, "s>=", True, lambda a, b: a >= b),
    "jlt": (0xA0, "<", False, lambda a, b: a < b),
    "jle": (0xB0, "<=", False, lambda a, b: a <= b),
    "jslt": (0xC0, "s<", True, lambda a, b: a < b),
    "jsle": (0xD0, "s<=", True, lambda a, b: a <= b),
}


def taken(name, bits, a, b):
    _, _, is_signed, condition = JUMP_OPS[name]
    mask = (1 << bits) - 1
    a, b = a & mask, b & mask
    if is_signed:
        a, b = signed(a, bits), signed(b, bits)
    return condition(a, b)


# --- atomics (section 5.3) ------------------------------------------------------------------

# name: imm without the fetch flag, text, function of the old value and the source
ATOMIC_OPS = {
    "add": (0x00, "add", "+=", lambda old, src: old + src),
    "or": (0x40, "or", "|=", lambda old, src: old | src),
    "and": (0x50, "and", "&=", lambda old, src: old & src),
    "xor": (0xA0, "xor", "^=", lambda old, src: old ^ src),
}
FETCH, XCHG, CMPXCHG = 0x01, 0xE1, 0xF1
LOAD_ACQUIRE, STORE_RELEASE = 0x100, 0x110
