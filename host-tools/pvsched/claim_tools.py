# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Claims that are measured by programs rather than by scenarios."""

import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import scenario as scenarios
from claims import Outcome, Part, Unable
from machine import Machine, describe
from vm import environment, kvm_works

GUEST_NS, HOST_NS = 30, 30
# 30 ns at 3 GHz, if each cycle ends no more than one instruction: a CPU of today ends several.
GUEST_INSTRUCTIONS = 90


def accelerator():
    env = environment("7.2")
    return "kvm" if kvm_works(env["SLUICE_QEMU"]) else "tcg"


def build_file(*parts):
    """A program that set-up built with our libraries. Unable: it is not there."""
    path = Path(environment("7.2")["SLUICE_BUILD"]).joinpath(*parts)
    if not path.exists():
        raise Unable(f"{path.name} is not built; ./sluice setup builds it")
    return path


def run_json(argv, timeout=110):
    """What a program prints, as JSON. Unable: it fails, or takes longer than `timeout` seconds."""
    try:
        done = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        raise Unable(f"{Path(argv[0]).name} did not end within {timeout} s; this machine is too busy "
                     "or too slow") from None
    if done.returncode:
        raise Unable(f"{Path(argv[0]).name} ended with {done.returncode}: "
                     f"{(done.stderr or done.stdout).strip()[-500:]}")
    return json.loads(done.stdout)


# ---- 1: what a hint costs ----

def bench_instructions(machine, hint, rounds):
    """Guest instructions a round of `pvschedctl bench` takes, of one hint or the loop alone."""
    totals = []
    for count in (rounds, 4 * rounds):
        before = machine.insns.read()[1].total
        machine.guest.sh(f"taskset -c 1 pvschedctl bench --cpu 1 --only {hint} --rounds {count}")
        totals.append(machine.insns.read()[1].total - before)
    return (totals[1] - totals[0]) / (3 * rounds)


def guest_instructions(machine, hint, loops, rounds):
    """Of one hint: a round is its batch and an empty batch, both of which have the loop."""
    loop = bench_instructions(machine, "loop", rounds)
    return (bench_instructions(machine, hint, rounds) - 2 * loop) / loops


def guest_parts(machine, quick):
    bench = json.loads(machine.guest.sh("pvschedctl bench --cpu 1 --json"))
    ns = bench["hints"]["intent"]["median-ns"]
    store = bench["hints"]["page"]["median-ns"]
    if machine.accelerator() == "kvm":
        return [Part("publishing in the guest, kfunc, median", f"{ns:.1f} ns (a store to the page by "
                     f"a BPF program {store:.1f} ns)", f"≤ {GUEST_NS} ns", ns <= GUEST_NS)]
    rounds = 300 if quick else 1500
    kfunc = guest_instructions(machine, "intent", bench["loops"], rounds)
    return [Part("publishing in the guest, kfunc", f"{kfunc:.0f} instructions (emulated: {ns:.1f} ns, "
                 f"a store to the page by a BPF program {store:.1f} ns)",
                 f"≤ {GUEST_INSTRUCTIONS} instructions: {GUEST_NS} ns at 3 GHz and one a cycle",
                 kfunc <= GUEST_INSTRUCTIONS, {"instructions": kfunc, "emulated_ns": ns})]


def exits_part(machine):
    """Hints are stores to memory: where it lies, and what an exit (a kick) takes beside a hint."""
    bench = json.loads(machine.guest.sh("pvschedctl bench --cpu 1 --json"))["hints"]
    hint, kick = bench["intent"]["median-ns"], bench["kick"]["median-ns"]
    where = re.search(r"^pages\s+in (\w+)", machine.guest.sh("pvschedctl status"), re.M)
    tree = machine.qmp.hmp("info mtree -f")
    memory = bool(where) and (where[1] == "ram" or bool(re.search(r"ram\): pvsched-guest", tree)))
    return Part("no exit", f"the pages are {'memory' if memory else 'not memory'} (in "
                f"{where[1] if where else '?'}); a hint takes {hint:.0f} ns, one exit, a kick, "
                f"{kick:.0f} ns", "pages are memory, and a hint takes less than half of an exit",
                memory and hint < kick / 2, {"hint_ns": hint, "kick_ns": kick})


def host_parts(quick):
    program = build_file("tests", "bench", "pvs", "pvs_hint_bench")
    found = run_json([program, "--json"])
    ns, (instructions, counted) = found["read_ns"], callgrind_read(program)
    return [Part("reading all hints of a page on the host, median", f"{ns:.1f} ns, of the intent "
                 f"alone {found['read_intent_ns']:.1f} ns; {counted}", f"≤ {HOST_NS} ns",
                 ns <= HOST_NS, found | {"read_instructions": instructions})]


def callgrind_read(program):
    """Instructions a read takes, as valgrind counts them, and the same in words; None: why not."""
    if not shutil.which("valgrind"):
        return None, "its instructions are not counted: no valgrind here (its package's name)"
    totals = []
    with tempfile.TemporaryDirectory() as folder:
        for reads in (20000, 120000):
            done = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out",
                                   str(program), "--reads", str(reads)], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True, check=False)
            found = re.search(r"Collected : (\d+)", done.stderr)
            if not found:
                return None, ("its instructions are not counted: valgrind ended with "
                              f"{done.returncode}")
            totals.append(int(found[1]))
    each = (totals[1] - totals[0]) / 100000
    return each, f"{each:.0f} instructions (callgrind)"


def hint_cost(quick, folder):
    spec = scenarios.Machine(name="vm0", cpus=2, count_instructions=accelerator() == "tcg")
    with Machine(spec) as machine:
        machine.set_module(True)
        parts = guest_parts(machine, quick)
        parts.append(exits_part(machine))
        where = describe(machine.accelerator())
    parts += host_parts(quick)
    return {1: Outcome(parts, where)}


# ---- 2: torn snapshots ----

def torn(quick, folder):
    updates = 10**7 if quick else 10**8
    found = run_json([build_file("tests", "bench", "pvs", "pvs_torn"), "--json",
                      "--writers", "2", "--updates", str(updates)])
    clean = found["torn"] == 0 and found["malformed"] == 0 and found["changed"] > 0
    enough = found["updates"] >= 10**8
    parts = [Part("torn snapshots", f"{found['torn']} of {found['snapshots']:,} taken during "
                  f"{found['updates']:,} updates by {found['writers']} writers ({found['changed']:,} "
                  "saw something new)", "0 during 10⁸ updates",
                  clean and (enough or None), found)]
    return {2: Outcome(parts, describe("none"))}


# ---- 9: the same decisions in both hosts ----

POLICIES = ("boost", "deadline", "lock-holder", "fair-budget")


def compare(quick, folder):
    """Every built-in policy that decides anything."""
    tool = build_file("host-tools", "sluice-pvsched", "sluice-pvsched")
    events, parts = 10**5 if quick else 10**6, []
    for policy in POLICIES:
        found = run_json([tool, "compare", policy, "--json", "--events", str(events)])
        kernel = next(h for h in found["hosts"] if h["host"] == "kernel")
        if kernel["state"] not in ("identical", "different"):
            raise Unable(f"the host's kernel does not run policies: {kernel.get('reason')}")
        equal, total = kernel["equal"], kernel["decisions"]
        whole = equal == total == found["events"]
        parts.append(Part(policy, f"{equal:,} of {total:,} decisions are the same (a run takes "
                          f"{kernel['ns_per_run']:.0f} ns in the kernel, system call included)",
                          "all of 10⁶", whole and (total >= 10**6 or None)))
    return {9: Outcome(parts, describe("none"))}


# ---- 10: the baseline comes back ----

def restore_parts():
    """With the privilege there is: a boost mid-way, then a reset of the device, random bytes in
    the vCPU's page, a killed manager."""
    import restore
    return [Part(name, text, "the baseline is back", good) for name, text, good in restore.tries()]
