# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Virtual machines under the manager: one policy and one cap for all, and what happens when one of
them, or the manager, is killed. The second machine is booted by a check of its own."""

import subprocess

from checks_pvsched_host import CPU, ask, ask_for_sleeper, attr, boosted, calm, hands_over, plain
from machine import Machine
from scenario import Machine as Spec
from tap import equal, eventually, expect

# Who is killed and who shares a cap is of interest here, not what a budget has left.
OPTIONS = {"boost-budget": 10000, "boost-refill": 100}
POOL = ["--pool-boosted=1", "--pool-budget=10000", "--pool-refill=100"]


def connected(manager, vm):
    return bool(manager.vcpus(vm.proc.pid))


def refusals(manager, vm):
    """How often the vCPU was refused as one too many."""
    return manager.vcpus(vm.proc.pid)[CPU]["rejects"]["concurrent"]


def is_refused(manager, vm):
    """It asks, and is told that as many are boosted as may be."""
    before = refusals(manager, vm)
    ask_for_sleeper(vm)
    eventually(lambda: refusals(manager, vm) > before, "the vCPU is refused")
    expect(plain(vm), f"refused, and boosted: {attr(vm)}")


def check_policy_of_the_manager(vm, manager):
    """the manager's policy boosts the vCPU thread of a QEMU"""
    eventually(lambda: connected(manager, vm), "QEMU is connected")
    manager.set_policy("boost", {})
    ask(vm)
    eventually(lambda: boosted(vm), "the vCPU thread is boosted")


def check_handover(vm, manager):
    """`policy set --handover` leaves a boost to the next policy, without it the boost goes"""
    def put_none(handover):
        subprocess.run([manager.program, "policy", "set", "none", "--socket", manager.path,
                        *(["--handover"] if handover else [])], check=True)
        equal(manager.status()["policy"]["name"], "none", "the policy in place")

    hands_over(vm, put_none)


def check_second_machine(vm, manager):
    """a second QEMU is told from the first, and boosted by the same policy"""
    vm.successor = there = Machine(Spec(name="vm1"), manager)
    there.set_module(True)
    eventually(lambda: connected(manager, there), "the second QEMU is connected")
    for one in (vm, there):
        equal([v["tid"] for v in manager.vcpus(one.proc.pid)], one.vcpu_tids(),
              f"vCPU threads of {one.spec.name}")
    manager.set_policy("boost", {})
    ask_for_sleeper(there)
    eventually(lambda: boosted(there), "the second machine's vCPU thread is boosted")
    expect(plain(vm), f"the first machine's vCPU thread, which asks for nothing: {attr(vm)}")
    ask_for_sleeper(vm)
    eventually(lambda: boosted(vm), "the first machine's, too")


def check_kill(vm, manager):
    """kill -9 of the manager mid-boost: both have their baseline, the guests go on"""
    for one in (vm, vm.successor):
        expect(boosted(one), f"no boost of {one.spec.name} to begin with: {attr(one)}")
    manager.kill()
    for one in (vm, vm.successor):
        eventually(lambda one=one: plain(one), f"the baseline of {one.spec.name} is back")
        calm(one)


def check_again(vm, manager):
    """a new manager is found by itself, and boosts again"""
    manager.words += POOL
    manager.start()
    for one in (vm, vm.successor):
        eventually(lambda one=one: connected(manager, one), f"{one.spec.name} is connected again")
    manager.set_policy("boost", {})
    ask_for_sleeper(vm)
    eventually(lambda: boosted(vm), "the vCPU thread is boosted")


def check_cap_is_shared(vm, manager):
    """one vCPU of all machines may be boosted: who asks second is refused till the first is calm"""
    there = vm.successor
    is_refused(manager, there)
    expect(boosted(vm), f"the first one's boost is gone: {attr(vm)}")
    calm(vm)
    eventually(lambda: plain(vm), "the first one's baseline is back")
    eventually(lambda: boosted(there), "the second one's ask is granted")
    is_refused(manager, vm)


def check_killed_machine(vm, manager):
    """kill -9 of the QEMU that is boosted leaves its boost to the other"""
    there = vm.successor
    expect(boosted(there), f"no boost to begin with: {attr(there)}")
    there.proc.kill()
    there.proc.wait()
    eventually(lambda: boosted(vm), "the vCPU thread that was refused is boosted")
    equal([one["pid"] for one in manager.status()["vms"]], [vm.proc.pid], "machines connected")
    calm(vm)
    eventually(lambda: plain(vm), "the baseline is back")


CHECKS = (check_policy_of_the_manager, check_handover, check_second_machine, check_kill,
          check_again, check_cap_is_shared, check_killed_machine)
