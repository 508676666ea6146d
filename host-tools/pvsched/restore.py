# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Does the baseline come back? A vCPU is boosted by a hint, then something goes wrong."""

import random
import time

import scenario as scenarios
import threads
from device import Manager
from machine import Machine

CPU = 1
TRIES, RANDOM_HINTS = 5, 200
CLASSES = ("idle", "batch", "normal", "rt", "deadline")


def how(machine):
    attr = threads.get_attr(machine.vcpu_tids()[CPU])
    return attr.class_name, attr.nice


def becomes(machine, wanted, timeout=20):
    """Wait until the vCPU's thread is boosted (or not)."""
    deadline = time.monotonic() + timeout
    while (how(machine) != ("other", 0)) != wanted:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def ask(machine):
    machine.guest.sh(f"pvschedctl hint reset --cpu {CPU}; "
                     f"pvschedctl hint intent class=rt prio=50 --cpu {CPU}")
    return becomes(machine, True)


def after_reset(machine):
    """Resets of the device, each mid-boost."""
    good = 0
    for _ in range(TRIES):
        boosted = ask(machine)
        machine.guest.sh("pvschedctl renegotiate")
        good += boosted and becomes(machine, False)
    return "reset of the device", f"{good} of {TRIES} times", good == TRIES


def after_noise(machine, seed=1):
    """Random hints, then none."""
    draw = random.Random(seed)
    lines = []
    for _ in range(RANDOM_HINTS):
        lines.append(f"pvschedctl hint intent class={draw.choice(CLASSES)} "
                     f"nice={draw.randrange(-20, 20)} prio={draw.randrange(100)} --cpu {CPU}")
    machine.guest.run("\n".join(lines))
    machine.guest.sh(f"pvschedctl hint reset --cpu {CPU}")
    good = becomes(machine, False)
    return f"{RANDOM_HINTS} random hints", "back" if good else f"still {how(machine)}", good


def after_kill(machine, manager):
    """kill -9 of the manager, mid-boost."""
    manager.set_policy("boost", {})
    deadline = time.monotonic() + 20
    while not manager.vcpus(machine.proc.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    boosted = ask(machine)
    manager.kill()
    good = boosted and becomes(machine, False)
    return "kill -9 of the manager", "back" if good else f"still {how(machine)}", good


def tries():
    """(what, what came of it, whether the baseline is back) of each."""
    found = []
    with Machine(scenarios.Machine(name="vm0")) as machine:
        machine.set_module(True)
        machine.device.set_policy("boost", {})
        found += [after_reset(machine), after_noise(machine)]
    with Manager({}) as manager, Machine(scenarios.Machine(name="vm0"), manager) as machine:
        machine.set_module(True)
        found.append(after_kill(machine, manager))
    return found
