# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The channel of paravirtual scheduling from end to end, seen from the host: a guest's hint, the
policy's decision, how the vCPU's thread is scheduled then, and that its baseline comes back."""

import os

import threads
from tap import eventually, expect, equal

NICE = os.nice(0)  # QEMU has ours
CPU = 1  # whose hints are given by hand; the guest's agent keeps 0 busy


def attr(vm):
    return threads.get_attr(vm.vcpu_tids()[CPU])


def plain(vm):
    now = attr(vm)
    return (now.class_name, now.nice) == ("other", NICE)


def boosted(vm):
    now = attr(vm)
    return now.class_name == "fifo" or now.nice < NICE


def ask(vm):
    """Hints that the vCPU runs a real-time task."""
    vm.guest.sh(f"pvschedctl hint intent class=rt prio=50 --cpu {CPU}")


def ask_for_sleeper(vm):
    """Hints that a real-time task sleeps on the vCPU: its boost has no end but a decision."""
    vm.guest.sh(f"pvschedctl hint intent class=idle pending=rt-waiter --cpu {CPU}")


def calm(vm):
    vm.guest.sh(f"pvschedctl hint reset --cpu {CPU}")


def check_negotiated(vm):
    """guest and device agree, and the device says what it hears and can do"""
    vm.device.set_policy("none", {})
    status = vm.device.status()
    expect("driver-ok" in status["status"], f"status is {status['status']}")
    expect("intent" in status["features"], f"features are {status['features']}")
    expect("tick" in status["sources"], f"sources are {status['sources']}")
    equal([v["thread_id"] for v in vm.device.vcpus()], vm.vcpu_tids(), "vCPU threads")


def check_hint_to_thread(vm):
    """a hint becomes a decision, the decision the thread's scheduling; its end takes it back"""
    expect(plain(vm), f"before: {attr(vm)}")
    vm.device.set_policy("boost", {"fifo": 0})
    ask(vm)
    eventually(lambda: boosted(vm), "the vCPU thread is boosted")
    expect(attr(vm).nice < 0, f"without FIFO the boost is a nice: {attr(vm)}")
    calm(vm)
    eventually(lambda: plain(vm), "the baseline is back")
    expect(vm.device.stats()[CPU]["applied"] > 0, "the device counted no decision")


def check_none_does_nothing(vm):
    """the policy none lets a hint be"""
    vm.device.set_policy("none", {})
    ask(vm)
    before = vm.device.stats()[CPU]["event_tick"]
    eventually(lambda: vm.device.stats()[CPU]["event_tick"] > before + 20, "ticks")
    expect(plain(vm), f"the thread was changed: {attr(vm)}")
    calm(vm)


def check_hot_swap(vm):
    """policies are exchanged under load, and each leaves nothing behind"""
    names = ("boost", "lock-holder", "deadline", "fair-budget", "none")
    vm.guest.sh("pvschedctl load publisher")
    load = vm.guest.start("hackbench -p -g 1 -f 4 -l 1000000 >/dev/null 2>&1")
    try:
        for _ in range(4):
            for name in names:
                vm.device.set_policy(name, {})
                equal(vm.device.status()["policy"]["name"], name, "the policy in place")
        expect(not vm.device.status()["policy"]["failed"], "a policy failed")
    finally:
        vm.guest.sh("pkill hackbench; true")
        vm.guest.finish(load)
        vm.guest.sh("pvschedctl unload publisher")
    eventually(lambda: plain(vm), "the baseline is back with the policy none")


def check_bad_policy(vm):
    """a policy that does not exist is refused, and the one in place stays"""
    import device
    vm.device.set_policy("boost", {})
    try:
        vm.device.set_policy("no-such-policy", {})
    except device.DeviceError as why:
        expect("no-such-policy" in str(why), f"the refusal says: {why}")
    else:
        raise AssertionError("it was taken")
    equal(vm.device.status()["policy"]["name"], "boost", "the policy in place")


def check_reset(vm):
    """a reset of the device mid-boost brings the baseline back"""
    vm.device.set_policy("boost", {})
    ask(vm)
    eventually(lambda: boosted(vm), "the vCPU thread is boosted")
    vm.guest.sh("pvschedctl renegotiate")
    eventually(lambda: plain(vm), "the baseline is back")
    vm.device.set_policy("none", {})


def hands_over(vm, put_none):
    """With the policy boost in place: `put_none(handover)` has none follow it, and then itself."""
    calm(vm)
    ask_for_sleeper(vm)
    eventually(lambda: boosted(vm), "the vCPU thread is boosted")
    put_none(True)
    expect(boosted(vm), f"none was to take over: {attr(vm)}")
    put_none(False)
    eventually(lambda: plain(vm), "the baseline is back")
    calm(vm)


CHECKS = (check_negotiated, check_hint_to_thread, check_none_does_nothing, check_hot_swap,
          check_bad_policy, check_reset)
