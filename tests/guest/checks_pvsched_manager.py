# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""A virtual machine under the manager: one policy for all, and what happens when it is killed."""

from checks_pvsched_host import ask, attr, boosted, calm, plain
from tap import eventually, expect


def connected(manager, vm):
    return bool(manager.vcpus(vm.proc.pid))


def check_policy_of_the_manager(vm, manager):
    """the manager's policy boosts the vCPU thread of a QEMU"""
    eventually(lambda: connected(manager, vm), "QEMU is connected")
    manager.set_policy("boost", {})
    ask(vm)
    eventually(lambda: boosted(vm), "the vCPU thread is boosted")


def check_kill(vm, manager):
    """kill -9 of the manager mid-boost: the baseline is back, the guest goes on"""
    expect(boosted(vm), f"no boost to begin with: {attr(vm)}")
    manager.kill()
    eventually(lambda: plain(vm), "the baseline is back")
    vm.guest.sh("true")


def check_again(vm, manager):
    """a new manager is found by itself, and boosts again"""
    manager.start()
    eventually(lambda: connected(manager, vm), "QEMU is connected again")
    manager.set_policy("boost", {})
    calm(vm)
    ask(vm)
    eventually(lambda: boosted(vm), "the vCPU thread is boosted")
    calm(vm)
    eventually(lambda: plain(vm), "the baseline is back")


CHECKS = (check_policy_of_the_manager, check_kill, check_again)
