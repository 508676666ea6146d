#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""run.py SLUICE-BPF FOLDER [ENGINE]...: the conformance data through `exec`, as TAP.

A file has cases, each begun by `-- title`: optional `mem BYTES`, one line for each instruction
(`BYTES ; text`, the text what `disasm` must print, or nothing for what is no instruction), and `= R0` or `refused`."""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

INSN = re.compile(r"^((?:[0-9a-f]{2} ?)+); ?(.*)$")


class Case:
    def __init__(self, file, title):
        self.name = f"{file}: {title}"
        self.memory, self.lines, self.expected = None, [], None

    def code(self):
        return " ".join(code for code, _ in self.lines)


def parse(path):
    cases = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        match = INSN.match(line)
        if line.startswith("-- "):
            cases.append(Case(path.stem, line[3:]))
        elif line.startswith("mem "):
            cases[-1].memory = line[4:]
        elif match:
            cases[-1].lines.append((match[1].strip(), match[2]))
        elif line.startswith("= ") or line == "refused":
            cases[-1].expected = line[2:] if line.startswith("= ") else None
        else:
            raise SystemExit(f"{path}:{number}: not understood: {line}")
    return cases


def call(tool, arguments, text):
    return subprocess.run([tool, *arguments], input=text, capture_output=True, text=True, timeout=120, check=False)


def run_case(tool, case, engine):
    """None, or what is wrong."""
    arguments = ["exec", *([case.memory] if case.memory else []), "--engine", engine]
    done = call(tool, arguments, case.code())
    if case.expected is None:
        if done.returncode == 1 and done.stdout == "" and done.stderr.startswith("sluice-bpf: the program is refused: "):
            return None
        return f"should be refused; status {done.returncode}, {done.stdout.strip()} {done.stderr.strip()}"
    if (done.returncode, done.stdout, done.stderr) == (0, case.expected + "\n", ""):
        return None
    return f"expected {case.expected}; status {done.returncode}, {done.stdout.strip()} {done.stderr.strip()}"


def run_text(tool, cases):
    """The disassembler prints the text a file's cases have, at the right slots."""
    expected, slot = [], 0
    for code, text in [line for case in cases for line in case.lines]:
        expected.append(f"{slot:4}: ({code[:2]}) {text or 'not an instruction'}")
        slot += len(code.split()) // 8
    done = call(tool, ["disasm", "-"], "\n".join(case.code() for case in cases))
    printed = [line for line in done.stdout.splitlines() if not line.startswith("function at ")]
    if (done.returncode, printed) == (0, expected):
        return None
    wrong = [pair for pair in zip(expected, printed) if pair[0] != pair[1]]
    return f"disasm: expected {wrong[0][0]!r}, got {wrong[0][1]!r}" if wrong else f"disasm: {done.stderr.strip()}"


def main():
    tool, folder, engines = sys.argv[1], Path(sys.argv[2]), sys.argv[3:] or ["interp", "checked"]
    files = {path.stem: parse(path) for path in sorted(folder.glob("*.txt"))}
    jobs = []
    for name, cases in files.items():
        if all(text for case in cases for _, text in case.lines):
            jobs.append((f"{name} (disasm)", lambda cases=cases: run_text(tool, cases)))
        for case in cases:
            for engine in engines:
                jobs.append((f"{case.name} ({engine})", lambda c=case, e=engine: run_case(tool, c, e)))
    failed = 0
    print(f"1..{len(jobs)}")
    with ThreadPoolExecutor(2) as pool:
        results = pool.map(lambda job: job[1](), jobs)
        for number, ((name, _), wrong) in enumerate(zip(jobs, results), 1):
            print(f"{'not ok' if wrong else 'ok'} {number} - {name}")
            if wrong:
                print(f"# {wrong}")
                failed += 1
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
