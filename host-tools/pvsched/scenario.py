# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Scenario files: what an experiment consists of. TOML, checked key by key; a refusal names the
file, the line, the key, and what would be accepted. docs/pvsched/experiments.md explains them."""

import os
import re
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path

from claims import CLAIMS

TOP = Path(__file__).resolve().parents[2]
SCENARIOS = TOP / "scenarios"

CLASSES = ("other", "batch", "idle", "fifo", "deadline")
LOAD_CLASSES = ("other", "batch", "idle")
KERNELS = ("7.2", "6.12")
WORKLOADS = ("cyclictest", "hackbench", "schbench", "stress-ng", "pvs-lock", "pvs-audio",
             "pvs-wake", "shell")
PUT_AT = re.compile(r"^\s*(\[\[?)\s*([A-Za-z0-9_.\-]+)\s*\]\]?")
KEY_AT = re.compile(r"^\s*([A-Za-z0-9_\-]+)\s*=")


class ScenarioError(Exception):
    """A scenario file that cannot be used; the text says where, why, and what would do."""


# ---- where a key stands: tomllib does not say ----

def key_lines(text):
    """Line of each table and key: a dictionary from paths such as ("vm", 0, "cpus")."""
    lines, here, counts = {}, (), {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := PUT_AT.match(line):
            here = _table_path(header[2].split("."), header[1] == "[[", counts)
            lines.setdefault(here, number)
        elif key := KEY_AT.match(line):
            lines.setdefault((*here, key[1]), number)
    return lines


def _table_path(names, is_array, counts):
    """The path of a table's header; `counts` has how many of each array of tables were seen."""
    path = ()
    for depth, name in enumerate(names):
        path = (*path, name)
        if is_array and depth == len(names) - 1:
            counts[path] = counts.get(path, -1) + 1
            for below in [p for p in counts if len(p) > len(path) and p[:len(path)] == path]:
                del counts[below]
        if path in counts:
            path = (*path, counts[path])
    return path


# ---- what keys there are ----

@dataclass
class Workload:
    """A program that runs in the guest."""
    kind: str
    args: str = ""          # appended to the program's own options
    measure: bool = True    # false: it only makes load, its figures are not looked at
    warm: bool = False      # runs in the warm-up too: what it leaves in caches is there then
    interval_us: int = 1000  # cyclictest, pvs-audio: the period
    priority: int = 80      # cyclictest, pvs-audio: SCHED_FIFO priority in the guest, 0: none
    threads: int = 0        # 0: one for each vCPU
    command: str = ""       # kind "shell": what sh -c runs


@dataclass
class Machine:
    """A virtual machine."""
    name: str = ""
    cpus: int = 2
    memory: int = 512                # MB
    kernel: str = "7.2"
    pin: list = field(default_factory=list)        # host CPUs of each vCPU thread
    main_loop: list = field(default_factory=list)  # host CPUs of QEMU's other threads
    device: dict = field(default_factory=dict)     # properties of sluice-pvsched
    programs: list = field(default_factory=list)   # what pvschedctl loads, with its options
    module: bool = True              # load sluice_pvsched.ko
    privileged: bool = True          # false: QEMU runs without any capability
    count_instructions: bool = False  # TCG: load the counting plugin
    workload: list = field(default_factory=list)


@dataclass
class Background:
    """Load on the host that competes with the vCPUs."""
    kind: str = "spin"
    cpus: list = field(default_factory=list)  # host CPUs; empty: all
    per_cpu: int = 1
    nice: int = 0
    sched: str = "other"
    victim: bool = True   # its share is one of the figures
    args: str = ""        # kind "stress-ng": its options


@dataclass
class Arm:
    """One of the things compared."""
    name: str
    policy: str = "none"
    tunables: dict = field(default_factory=dict)
    ceiling: list = field(default_factory=list)  # actuators it may use; empty: its machine's own
    static: str = ""       # give the vCPU threads this class themselves: "fifo"
    priority: int = 1      # of static = "fifo"
    programs: list = None  # as the machine's, for this arm alone
    module: bool = None
    reference: bool = False  # others are compared with this arm


@dataclass
class Scenario:
    path: Path
    name: str
    description: str
    rounds: int = 4
    duration: float = 8.0  # seconds measured for each arm and round
    warmup: float = 1.0    # seconds the load runs before
    seed: int = 1
    order: str = "abba"
    claim: list = field(default_factory=list)  # of the claims, those that it measures
    record: bool = True
    host_trace: bool = False  # ftrace of the host's scheduler, if it may be had
    manager: dict = None   # options of sluice-pvsd: all machines under one; absent: none
    vm: list = field(default_factory=list)
    background: list = field(default_factory=list)
    arm: list = field(default_factory=list)


def number(low, high):
    def check(value):
        return isinstance(value, (int, float)) and not isinstance(value, bool) \
            and low <= value <= high
    return check, f"a number from {low} to {high}"


def whole(low, high):
    def check(value):
        return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
    return check, f"a whole number from {low} to {high}"


def one_of(*names):
    return (lambda value: value in names), "one of " + ", ".join(f'"{n}"' for n in names)


def _is_cpu(value):
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 4096


def _is_cpus(value):
    return isinstance(value, list) and all(_is_cpu(cpu) for cpu in value)


TEXT = (lambda value: isinstance(value, str)), 'a string in quotes, such as "text"'
NAME = ((lambda value: isinstance(value, str) and re.fullmatch(r"[a-z0-9][a-z0-9+.\-]*", value)),
        'a name of lower-case letters, digits, "-", "+" and "."')
BOOL = (lambda value: isinstance(value, bool)), "true or false"
CPUS = _is_cpus, "a list of host CPUs, such as [0, 1]"
PIN = ((lambda value: isinstance(value, list) and
        all(_is_cpu(c) or (_is_cpus(c) and c) for c in value)),
       "a list with a host CPU, or a list of them, for each vCPU, such as [0, 1]")
TEXTS = ((lambda value: isinstance(value, list) and all(isinstance(v, str) for v in value)),
         'a list of strings, such as ["publisher"]')
PROPERTIES = ((lambda value: isinstance(value, dict) and all(
    isinstance(v, (int, str, bool)) for v in value.values())),
    'a table of properties, such as { policy = "boost" }')
TUNABLES = ((lambda value: isinstance(value, dict) and all(
    isinstance(v, int) and not isinstance(v, bool) for v in value.values())),
    "a table of whole numbers, such as { hold_us = 500 }")

ACTUATORS = ("nice-up", "nice-down", "slice", "fifo", "deadline", "affinity", "weight")
CEILING = ((lambda value: isinstance(value, list) and all(v in ACTUATORS for v in value)),
           "a list of actuators, of: " + ", ".join(ACTUATORS))

CLAIM_NUMBERS = ((lambda value: all(whole(1, 10)[0](n) for n in _listed(value)) and value != []),
                 "the number of a claim, from 1 to 10, or a list of them")


def _listed(value):
    return value if isinstance(value, list) else [value]


RULES = {
    Scenario: {"description": TEXT, "rounds": whole(1, 1000), "duration": number(0.2, 3600),
               "warmup": number(0, 600), "seed": whole(0, 2**32 - 1),
               "order": one_of("abba", "random"), "claim": CLAIM_NUMBERS, "record": BOOL,
               "host_trace": BOOL, "manager": PROPERTIES},
    Machine: {"name": NAME, "cpus": whole(1, 64), "memory": whole(128, 65536),
              "kernel": one_of(*KERNELS), "pin": PIN, "main_loop": CPUS, "device": PROPERTIES,
              "programs": TEXTS, "module": BOOL, "privileged": BOOL, "count_instructions": BOOL},
    Workload: {"kind": one_of(*WORKLOADS), "args": TEXT, "measure": BOOL, "warm": BOOL,
               "interval_us": whole(50, 10**6), "priority": whole(0, 99), "threads": whole(0, 256),
               "command": TEXT},
    Background: {"kind": one_of("spin", "stress-ng"), "cpus": CPUS, "per_cpu": whole(1, 64),
                 "nice": whole(-20, 19), "sched": one_of(*LOAD_CLASSES), "victim": BOOL,
                 "args": TEXT},
    Arm: {"name": NAME, "policy": TEXT, "tunables": TUNABLES, "ceiling": CEILING,
          "static": one_of("fifo"), "priority": whole(1, 99), "programs": TEXTS, "module": BOOL,
          "reference": BOOL},
}
TABLES = {Scenario: {"vm": Machine, "background": Background, "arm": Arm},
          Machine: {"workload": Workload}}
REQUIRED = {Scenario: ("description",), Workload: ("kind",), Arm: ("name",)}


# ---- reading one ----

class Reader:
    """Turns a file's tables into the classes above."""

    def __init__(self, path, text):
        self.path, self.lines = path, key_lines(text)

    def refuse(self, path, why):
        line = next((self.lines[path[:n]] for n in range(len(path), 0, -1)
                     if path[:n] in self.lines), 1)
        shown = ".".join(str(p) for p in path if not isinstance(p, int)) or "the file"
        raise ScenarioError(f"{self.path}:{line}: {shown}: {why}")

    def table(self, kind, values, path, given):
        """An object of `kind`; `given` has attributes that are not keys of the file."""
        rules, tables = RULES[kind], TABLES.get(kind, {})
        for key, value in values.items():
            here = (*path, key)
            if key in tables:
                if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
                    name = ".".join([p for p in here if isinstance(p, str)])
                    self.refuse(here, f"is an array of tables: write [[{name}]]")
                given[key] = [self.table(tables[key], v, (*here, i), {})
                              for i, v in enumerate(value)]
            elif key not in rules:
                known = ", ".join([*rules, *tables])
                self.refuse(here, f"there is no such key here; the keys are: {known}")
            else:
                self.check(rules[key], value, here)
                given[key] = value
        for key in REQUIRED.get(kind, ()):
            if key not in values:
                self.refuse(path, f'the key "{key}" is missing; it takes {rules[key][1]}')
        return kind(**given)

    def check(self, rule, value, path):
        test, wanted = rule
        if not test(value):
            self.refuse(path, f"got {value!r}, expected {wanted}")


def load(path):
    """Read and check a scenario file. ScenarioError."""
    path = Path(path)
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as why:
        why = why.strerror if isinstance(why, OSError) else why
        raise ScenarioError(f"{path}: cannot be read: {why}; ./sluice pvsched list "
                            "names the scenarios there are") from None
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as why:
        raise ScenarioError(f"{path}: not TOML: {why}") from None
    reader = Reader(path, text)
    scenario = reader.table(Scenario, values, (), {"path": path, "name": path.stem})
    _whole_checks(reader, scenario)
    return scenario


def _whole_checks(reader, scenario):
    """What concerns more than one key."""
    scenario.claim = _listed(scenario.claim)
    if not scenario.vm:
        reader.refuse((), "it has no virtual machine; write at least [[vm]]")
    if not scenario.arm:
        reader.refuse((), 'it has no arms; write for example [[arm]] with name = "default"')
    _unique(reader, "arm", scenario.arm)
    for index, vm in enumerate(scenario.vm):
        vm.name = vm.name or f"vm{index}"
        if vm.pin and len(vm.pin) != vm.cpus:
            reader.refuse(("vm", index, "pin"), f"has {len(vm.pin)} entries for {vm.cpus} vCPUs; "
                          "it needs one for each")
        vm.pin = [[cpus] if isinstance(cpus, int) else cpus for cpus in vm.pin]
        for number_, workload in enumerate(vm.workload):
            if (workload.kind == "shell") != bool(workload.command):
                reader.refuse(("vm", index, "workload", number_),
                              'kind = "shell" and command = "..." go together')
    _unique(reader, "vm", scenario.vm)
    references = [index for index, arm in enumerate(scenario.arm) if arm.reference]
    if len(references) > 1:
        reader.refuse(("arm", references[1], "reference"), "a second arm with reference = true; take it from all but one")
    if not references:
        scenario.arm[0].reference = True
    for index, arm in enumerate(scenario.arm):
        if arm.static and arm.policy != "none":
            reader.refuse(("arm", index, "static"), f'goes with policy = "none" only: the policy '
                          f'"{arm.policy}" would change the same threads')
        if arm.ceiling and scenario.manager is not None:
            reader.refuse(("arm", index, "ceiling"),
                          "is the same in all arms under a manager: write "
                          'device = { ceiling = "slice,fifo" } in [[vm]] instead, and for fifo '
                          "or deadline also fifo = true or deadline = true in [manager]")


def override(scenario, **values):
    """Give keys of a scenario other values, checked as in a file. ScenarioError."""
    for key, value in values.items():
        test, wanted = RULES[Scenario][key]
        if not test(value):
            raise ScenarioError(f"--{key} {value}: expected {wanted}")
        setattr(scenario, key, value)


def fits(scenario, here):
    """Refuse a scenario that names host CPUs other than those of `here`. ScenarioError."""
    named = [(f"vm.pin of {vm.name}", cpu) for vm in scenario.vm for cpus in vm.pin for cpu in cpus]
    named += [(f"vm.main_loop of {vm.name}", cpu) for vm in scenario.vm for cpu in vm.main_loop]
    named += [("background.cpus", cpu) for load_ in scenario.background for cpu in load_.cpus]
    for where, cpu in named:
        if cpu not in here:
            raise ScenarioError(f"{scenario.path}: {where}: host CPU {cpu}, but this process may use "
                                f"only {', '.join(map(str, sorted(here)))}; name one of them")


def overcommit(scenario, here):
    """How many vCPUs and background tasks want each host CPU that has vCPUs, in words: "2:1". One
    that may use several counts for its part on each; without a pin it may use all of `here`."""
    wanted, guests = dict.fromkeys(here, 0), set()
    for vm in scenario.vm:
        for cpus in vm.pin or [sorted(here)] * vm.cpus:
            guests |= set(cpus)
            for cpu in cpus:
                wanted[cpu] = wanted.get(cpu, 0) + 1 / len(cpus)
    for load_ in scenario.background:
        for cpu in load_.cpus or here:
            wanted[cpu] = wanted.get(cpu, 0) + load_.per_cpu
    ratios = {cpu: f"{round(wanted[cpu], 2):g}:1" for cpu in sorted(guests)}
    if len(set(ratios.values())) == 1:
        return next(iter(ratios.values()))
    return ", ".join(f"{ratio} on host CPU {cpu}" for cpu, ratio in ratios.items())


def _unique(reader, table, items):
    seen = set()
    for index, item in enumerate(items):
        if item.name in seen:
            reader.refuse((table, index, "name"), f'"{item.name}" stands twice; give each its own')
        seen.add(item.name)


def find(name):
    """The file of a scenario given by its path or by its name in scenarios/."""
    path = Path(name)
    if path.suffix == ".toml" or os.sep in name:
        return path
    if (known := SCENARIOS / f"{name}.toml").exists():
        return known
    for claim in CLAIMS:
        if name == f"claim-{claim.number}":
            raise ScenarioError(f"no scenario is called {name}; claim {claim.number} is measured "
                                f"by: {claim.how()}; the command is: {claim.command()}")
    raise ScenarioError(f"no scenario is called {name}; there are "
                        f"{', '.join(path.stem for path in _known())}, or name a file: {name}.toml")


def _known():
    return sorted(SCENARIOS.glob("*.toml"), key=_by_number)


def all_scenarios():
    """(path, Scenario or ScenarioError) of each file in scenarios/."""
    for path in _known():
        try:
            yield path, load(path)
        except ScenarioError as why:
            yield path, why


def _by_number(path):
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", path.name)]


def as_dict(item):
    """For the report: a scenario's keys and values, tables as lists."""
    if isinstance(item, list):
        return [as_dict(i) for i in item]
    if hasattr(item, "__dataclass_fields__"):
        return {f.name: as_dict(getattr(item, f.name)) for f in fields(item)}
    return str(item) if isinstance(item, Path) else item
