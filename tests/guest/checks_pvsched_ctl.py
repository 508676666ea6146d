# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""pvschedctl's views: features, and top, which is live. In the machine of checks_pvsched."""

import json
import re

from checks_programs import BUSY, Running
from checks_pvsched import ctl, ctl_json, refused, reset_hints
from tap import equal, eventually, expect

FEATURES = ["intent", "cs", "deadline", "lock", "state", "capacity", "ring", "ticket",
            "kick-deboost", "opaque", "guest-ram"]
HEAD = ["vCPU", "CPU", "CLASS", "NICE", "PRIO", "PENDING", "CRITICAL", "WAITS", "FOR", "HOST",
        "BOOST", "RUN%", "STL%", "CAP", "REJECT", "RING"]
RUN, STEAL = 10, 11  # fields of a line


def features_are_listed(vm):
    """pvschedctl: features, in words and JSON: bit, offered, used and what each means"""
    status, rows = ctl_json(vm, "status"), ctl_json(vm, "features")
    equal([(row["name"], row["bit"]) for row in rows],
          [(name, bit) for bit, name in enumerate(FEATURES)], "names and bits")
    equal([row["name"] for row in rows if row["offered"]], status["offered"], "offered")
    equal([row["name"] for row in rows if row["used"]], status["features"], "used")
    said = {True: "yes", False: "no"}
    lines = [line.split(None, 3) for line in ctl(vm, "features").splitlines()]
    equal(lines[0], ["FEATURE", "OFFERED", "USED", "MEANING"], "head")
    equal(lines[1:], [[row["name"], said[row["offered"]], said[row["used"]], row["meaning"]]
                      for row in rows], "lines")
    refused(vm, "features intent", 2, "'intent': no arguments are taken")


def readings(vm, command):
    """What `top` prints as text: for each reading its first line and the fields of the others."""
    found = []
    for line in ctl(vm, command).splitlines():
        if line.startswith("policy "):
            found.append((line, []))
        else:
            found[-1][1].append(line.replace("|", " ").split())
    return found


def top_prints_readings(vm):
    """pvschedctl: top prints as many readings as it is asked for, without a terminal's codes"""
    reset_hints(vm)
    for hint in ("intent class=rt nice=-5 prio=50 pending=lock,rt-waiter", "enter why=lock",
                 "wait cpu=2 reason=spinlock"):
        ctl(vm, f"hint -c 1 {hint}")
    status = ctl_json(vm, "status")
    found = readings(vm, "top -n 3 -d 0.01")
    equal([first for first, _ in found],
          [f"policy {status['policy'] or '-'} {status['policy-serial']}, generation "
           f"{status['generation']}, pages in {status['pages']}, {status['guest-memory']}"] * 3,
          "first lines")
    for _, lines in found:
        equal(lines[0], HEAD, "head")
        equal([line[:2] for line in lines[1:]], [["0", "0"], ["1", "1"], ["3", "2"]],
              "vCPUs and CPUs")
        equal(lines[2][2:8], ["rt", "-5", "50", "lock,rt-waiter", "1:lock", "3:spinlock"],
              "hints of vCPU 1")
    equal({(line[RUN], line[STEAL]) for line in found[0][1][1:]}, {("-", "-")},
          "shares before there is a second reading")
    equal([line[0] for line in readings(vm, "top -n 1 -v 3")[0][1][1:]], ["3"], "with -v")
    refused(vm, "top -d 0", 2, "--delay 0: seconds from 0.01 to 3600 are wanted")
    refused(vm, "top -n 1 -v 4", 1, "there is no vCPU 4: there are 4")
    reset_hints(vm)


def top_has_shares(vm):
    """pvschedctl: top tells what share of the time between two readings a vCPU ran and waited"""
    vm.qmp.cmd("qom-set", path="/machine/peripheral/pvs0", property="policy", value="boost")
    line = []

    def known():
        line[:] = readings(vm, "top -n 2 -d 0.2 -v 1")[1][1][1]
        return "-" not in (line[RUN], line[STEAL])
    try:
        with Running(vm, f"sh -c '{BUSY}'"):
            eventually(known, "the second reading has shares")
        for field in (RUN, STEAL):
            expect(re.fullmatch(r"\d+\.\d", line[field]), f"{HEAD[field + 1]} is {line[field]}")
        expect(float(line[RUN]) > 0, f"a busy vCPU did not run: {line}")
    finally:
        vm.qmp.cmd("qom-set", path="/machine/peripheral/pvs0", property="policy", value="none")


def top_is_live(vm):
    """pvschedctl: top -j has a line for each reading, follows a hint, and ends when interrupted"""
    def last():
        """The last whole line."""
        lines = vm.guest.sh("cat /run/top").split("\n")[:-1]
        return json.loads(lines[-1])[0] if lines else {"guest": {"class": None}}

    job = vm.guest.start("echo $$ >/run/top.pid; exec pvschedctl top -j -v 1 -d 0.05 >/run/top")
    try:
        for name in ("rt", "batch"):
            ctl(vm, f"hint -c 1 intent class={name}")
            eventually(lambda n=name: last()["guest"]["class"] == n, f"top shows {name}")
    finally:
        vm.guest.run("kill -INT $(cat /run/top.pid)")
        result = vm.guest.finish(job)
    equal(result.rc, 0, f"exit code ({result.err.strip()})")
    lines = [json.loads(line) for line in vm.guest.sh("cat /run/top").splitlines()]
    equal({tuple(v["vcpu"] for v in line) for line in lines}, {(1,)}, "vCPUs of each line")
    reset_hints(vm)


CHECKS = (features_are_listed, top_prints_readings, top_has_shares, top_is_live)
