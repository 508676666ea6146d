# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The ten claims: what each says, what measures it, and what came of it last. Figures are kept in
$XDG_STATE_HOME/sluice/claims.json with the machine they were measured on."""

import json
import os
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Claim:
    number: int
    title: str
    target: str
    scenarios: tuple = ()  # names of scenarios that measure it; two claims may share one
    programs: str = ""     # what measures it that is no scenario
    needs: str = ""        # what a machine must have to show it at all

    def how(self):
        """What measures it, in words."""
        kind = "scenarios " if len(self.scenarios) > 1 else "scenario "
        return "; ".join([kind + ", ".join(self.scenarios)] * bool(self.scenarios)
                         + [self.programs] * bool(self.programs))

    def command(self):
        return f"./sluice pvsched claim {self.number}"


# The one list of them: what runs each (claim_runs), what `list` says, docs/pvsched/claims.md.
CLAIMS = (
    Claim(1, "a hint costs next to nothing",
          "publishing ≤ 30 ns median in the guest and no exit; reading it on the host ≤ 30 ns",
          programs="pvschedctl bench in a guest, pvs_hint_bench on the host",
          needs="nanoseconds in the guest take KVM; under TCG its instructions are counted"),
    Claim(2, "no torn snapshot", "10⁸ updates from racing writers: 0 torn",
          programs="pvs_torn on the host"),
    Claim(3, "loaded but idle costs nothing",
          "upper 95 % bound ≤ 2 % on hackbench and on schbench's pattern, < 1 % in instructions",
          scenarios=("claim-3-idle-cost", "claim-3-idle-wake"),
          needs="instructions are counted under TCG"),
    Claim(4, "a guest's real-time task wakes up in time",
          "cyclictest at 2:1: p99.9 ≥ 5× better than default, ≤ 2× static FIFO",
          scenarios=("claim-4-wakeup",), needs="FIFO: CAP_SYS_NICE, or a limit of rtprio"),
    Claim(5, "and the host's other load keeps its share", "≥ 90 % of its fair share, same run",
          scenarios=("claim-4-wakeup",), needs="FIFO: CAP_SYS_NICE, or a limit of rtprio"),
    Claim(6, "a guest that always asks for boost gains nothing for long",
          "victims' share within 5 % of baseline once its budget is spent",
          scenarios=("claim-6-greedy",)),
    Claim(7, "lock holders are not preempted",
          "lock-holder preemptions −80 %, lock throughput +10 % at 2:1",
          scenarios=("claim-7-lock-holder",),
          needs="run and stop of vCPU threads at once: tracing BPF, as root"),
    Claim(8, "a guest scheduler that sees the host's state beats one that sees steal time",
          "p99 −30 % on unevenly loaded host CPUs", scenarios=("claim-8-host-state",),
          needs="Linux 7.2 in the guest (sched_ext); KVM for its own steal time"),
    Claim(9, "one policy object, two hosts, same decisions",
          "10⁶ replayed events: identical in Sluice's engine and in the host's kernel",
          programs="sluice-pvsched compare on the host", needs="bpf(), as root"),
    Claim(10, "it works without privilege, and the baseline always returns",
          "slice only: p99 ≥ 1.5× better; fuzzed pages, kill −9 and reset restore the baseline",
          scenarios=("claim-10-unprivileged",),
          programs="a guest that resets its device and writes random bytes into its page, and a "
                   "manager that is killed, mid-boost"),
)


@dataclass
class Part:
    """One figure of a claim, held against its target. met: None where this machine cannot show it."""
    name: str
    figure: str
    target: str
    met: bool
    values: dict = field(default_factory=dict)


@dataclass
class Outcome:
    parts: list
    machine: dict
    note: str = ""

    @property
    def met(self):
        """False if a part is not; None if none is but some cannot be shown here."""
        if any(part.met is False for part in self.parts):
            return False
        return None if any(part.met is None for part in self.parts) else True


class Unable(Exception):
    """This machine cannot measure the claim at all; the text says why and what would."""


# ---- the last figures ----

def state_file():
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    return Path(base) / "sluice/claims.json"


def recall():
    """Last figures by the claim's number as text; empty if there are none or they are not ours."""
    try:
        found = json.loads(state_file().read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def remember(claim, outcome, quick):
    """A quick look does not take a whole measurement's place."""
    last = recall()
    old = last.get(str(claim.number), {})
    if quick and old.get("parts") and not old["quick"]:
        old.pop("unable", None)
        _keep(last, claim, old)
    else:
        _keep(last, claim, as_json(claim, outcome, quick))


def remember_unable(claim, why, quick, machine):
    """Beside a measurement there may be: that stays the last figure."""
    last = recall()
    entry = last.get(str(claim.number)) or as_json(claim, Outcome([], machine), quick)
    if not entry["parts"]:
        entry["met"] = None
    _keep(last, claim, entry | {"unable": {"why": str(why), "machine": machine}})


def _keep(last, claim, entry):
    path = state_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    last[str(claim.number)] = entry
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as new:
        json.dump(last, new, indent=1)
        new.write("\n")
    os.replace(new.name, path)


def as_json(claim, outcome, quick):
    return {"claim": claim.number, "title": claim.title, "target": claim.target,
            "met": outcome.met, "quick": quick, "note": outcome.note, "machine": outcome.machine,
            "parts": [vars(part) for part in outcome.parts]}


# ---- for people ----

MET = {True: "met", False: "NOT met", None: "cannot be shown here"}


def place(machine):
    """One line: where something was measured."""
    accelerator = machine.get("accelerator", "none")
    accelerator = "no guest" if accelerator == "none" else accelerator.upper()
    load = machine.get("load_before")  # of a scenario's: other work has its part in latencies
    return (f"{accelerator}, host Linux {machine.get('host_kernel')}, {machine.get('host_cpus')} "
            f"cores, {machine.get('date')}, {machine.get('commit')}"
            + (f", load {load} before" if load else ""))


def when(entry):
    """A measurement's machine, and that it was a short one."""
    return place(entry["machine"]) + (", --quick" if entry["quick"] else "")


def show(as_json_text):
    """`claims`. Returns the exit status."""
    last = recall()
    if as_json_text:
        print(json.dumps([{"claim": c.number, "title": c.title, "target": c.target,
                           "needs": c.needs, "scenarios": c.scenarios, "programs": c.programs,
                           "command": c.command(), "last": last.get(str(c.number))}
                          for c in CLAIMS]))
        return 0
    for claim in CLAIMS:
        print(f"{claim.number:2}  {claim.title}")
        print(f"    target: {claim.target}")
        if claim.needs:
            print(f"    needs: {claim.needs}")
        print(f"    measured by: {claim.how()}")
        _show_last(last.get(str(claim.number)) or {})
        print(f"    {claim.command()}")
    print(f"{PAGE} has the figures that this version was shipped with")
    return 0


def _show_last(entry):
    for part in entry.get("parts", ()):
        print(f"    {MET[part['met']]}: {part['name']}: {part['figure']}")
    if entry.get("parts"):
        print(f"    on: {when(entry)}")
    if entry.get("note"):
        print(f"    note: {entry['note']}")
    if unable := entry.get("unable"):
        print(f"    this machine cannot show it: {unable['why']}")
        print(f"    on: {place(unable['machine'])}")
    elif not entry:
        print("    not measured on this machine yet")


def show_outcome(claim, outcome):
    print(f"claim {claim.number}: {claim.title}")
    for part in outcome.parts:
        print(f"  {part.name}: {part.figure}")
        print(f"    target {part.target}: {MET[part.met]}")
    print(f"  on: {place(outcome.machine)}")
    if outcome.note:
        print(f"  note: {outcome.note}")


# ---- the page in the docs ----

PAGE = "docs/pvsched/claims.md"
HEAD = """# Claims

What paravirtual scheduling is said to do here: the ten claims, the target of each, what measures
it, and what came of it last. `./sluice pvsched claim N` measures one where you are, `./sluice
pvsched claims` lists them with the figures of your machine. This page is what `./sluice pvsched
claims --markdown` prints. A latency under TCG is evidence about the channel and the policy, not
about KVM; [experiments.md](experiments.md) tells how figures are taken.
"""


def page(last):
    """PAGE, with the figures of `last`, as recall() gives them."""
    sections = [head_of(c) + figures_of(last.get(str(c.number)) or {}) for c in CLAIMS]
    return "\n".join([HEAD, *("\n".join(lines) for lines in sections)]).rstrip("\n") + "\n"


def head_of(claim):
    """What of a claim's section does not depend on figures."""
    lines = [f"## {claim.number}. {claim.title[0].upper()}{claim.title[1:]}", "",
             f"- Target: {claim.target}", f"- Measured by: {claim.how()}; `{claim.command()}`"]
    return [*lines, *[f"- Needs: {claim.needs}"] * bool(claim.needs), ""]


def figures_of(entry):
    lines = []
    if entry.get("parts"):
        lines += ["| figure | | target | |", "|---|---|---|---|"]
        lines += [f"| {p['name']} | {p['figure']} | {p['target']} | {MET[p['met']]} |"
                  for p in entry["parts"]]
        lines += ["", f"Measured: {when(entry)}.", ""]
    if unable := entry.get("unable"):
        lines += [f"It could not be shown: {unable['why']}. Tried: {place(unable['machine'])}.",
                  ""]
    return lines or ["Not measured yet.", ""]


# ---- measuring one ----

def measure(number, quick, check, as_json_text, out):
    """`claim N`. Returns the exit status: 0 if it could be measured, 1 if not, or with `check` if it
    is not met."""
    from claim_runs import RUNS, here
    claim = CLAIMS[number - 1]
    with ExitStack() as stack:
        folder = out or Path(stack.enter_context(tempfile.TemporaryDirectory(
            prefix="sluice-claim-")))
        try:
            outcomes = RUNS[number](quick, folder)
        except Unable as why:
            print(f"sluice pvsched claim {number}: this machine cannot show it: {why}",
                  file=sys.stderr)
            # Where one run is for two claims, of both.
            for same in (c for c in CLAIMS if RUNS[c.number] is RUNS[number]):
                remember_unable(same, why, quick, here())
            return 1
    outcome = outcomes[number]
    if as_json_text:
        print(json.dumps(as_json(claim, outcome, quick)))
    else:
        show_outcome(claim, outcome)
    # Last: minutes of measuring are not lost where nothing can be kept.
    for answered, found in outcomes.items():
        remember(CLAIMS[answered - 1], found, quick)
    return 1 if check and outcome.met is not True else 0
