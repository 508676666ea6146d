# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What is compared: an arm is put in force on running machines and taken back."""

import random
from dataclasses import replace

import threads
from device import DeviceError


class ArmError(Exception):
    """An arm that cannot be put in force here; the text says why."""


def order(arms, rounds, seed, kind="abba"):
    """
    (round, arm) in the order in which they are measured. "abba": a seeded order in even rounds, and
    the same backwards in odd ones, so that what drifts with time meets all arms alike; "random": a
    new order in each round.
    """
    draw = random.Random(seed)
    plan, last = [], []
    for number in range(rounds):
        if kind == "abba" and number % 2:
            names = last[::-1]
        else:
            names = list(arms)
            draw.shuffle(names)
        plan += [(number, arm) for arm in names]
        last = names
    return plan


def try_policies(arms, machines):
    """Put each arm's policy in place once, before anything is measured: one that is refused is not to
    cost the rounds before its turn. ArmError."""
    for arm in arms:
        if arm.policy == "none" and not arm.tunables:
            continue
        for machine in machines:
            try:
                machine.device.set_policy(arm.policy, arm.tunables, arm.ceiling)
            except DeviceError as why:
                raise ArmError(f'arm "{arm.name}": {why}') from None
            machine.device.set_policy("none", {})


class ArmInForce:
    """A context: the arm holds inside of it."""

    def __init__(self, arm, machines):
        self.arm, self.machines = arm, machines
        self.saved = threads.Saved()

    def __enter__(self):
        try:
            for machine in self.machines:
                self._guest(machine)
                machine.device.set_policy(self.arm.policy, self.arm.tunables, self.arm.ceiling)
                if self.arm.static:
                    self._static(machine)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _guest(self, machine):
        arm, spec = self.arm, machine.spec
        module = spec.module if arm.module is None else arm.module
        programs = spec.programs if arm.programs is None else arm.programs
        if not module:
            machine.set_programs([])
        machine.set_module(module)
        machine.set_programs(programs if module else [])

    def _static(self, machine):
        """The threads' class themselves: what a policy is measured against. The main loop, which
        brings timers, goes before the vCPUs."""
        for tid in machine.vcpu_tids():
            self._fifo(tid, self.arm.priority)
        for tid in machine.other_tids():
            self._fifo(tid, min(self.arm.priority + 1, 99))

    def _fifo(self, tid, priority):
        try:
            self.saved.take(tid)
            threads.set_attr(tid, replace(threads.get_attr(tid), nice=0, runtime=0,
                                          policy=threads.CLASS_NUMBERS["fifo"], priority=priority))
        except PermissionError:
            raise ArmError(f'arm "{self.arm.name}": SCHED_FIFO is not permitted; run as root, or '
                           'with CAP_SYS_NICE, or raise the limit of "rtprio"') from None
        except ProcessLookupError:
            pass  # a worker thread of QEMU that has just ended

    def __exit__(self, *exc):
        self.saved.restore()
        if self.arm.policy != "none":
            for machine in self.machines:
                machine.device.set_policy("none", {})
