# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""policy-host=live: the policy decides in the host's kernel, which reads the guest's pages itself.
What is seen from outside is as with the engine; where bpf() does not work the device says so, and
these checks are not made."""

from checks_pvsched_host import ask, boosted, calm, hands_over, plain
from tap import equal, eventually, expect


def switches(vm):
    return vm.device.qmp.cmd("qom-get", path="/machine/peripheral/pvs0", property="stats")


def check_pages_are_the_kernels(vm):
    """pages are the kernel's map, so that guest RAM is not offered for them"""
    status = vm.device.status()
    equal(status["policy"]["host"], "live", "the policy's host")
    expect("guest-ram" not in status["features"], f"features are {status['features']}")
    expect({"switch", "halt"} <= set(status["sources"]), f"sources are {status['sources']}")


def check_decided_in_the_kernel(vm):
    """decisions come out of the kernel, take effect, and how long that took is told"""
    vm.device.set_policy("boost", {"fifo": 0})
    before = switches(vm)["live_decisions"]
    ask(vm)
    eventually(lambda: boosted(vm), "the vCPU thread is boosted")
    vm.guest.sh("pvschedctl load publisher")
    vm.guest.sh("cyclictest -q -p 50 -i 2000 -t 2 -D 2")
    vm.guest.sh("pvschedctl unload publisher")
    calm(vm)
    eventually(lambda: plain(vm), "the baseline is back")
    after = switches(vm)
    expect(after["live_decisions"] > before, f"none was decided: {after}")
    expect(0 < after["live_latency_p50_ns"] <= after["live_latency_p99_ns"]
           <= after["live_latency_max_ns"], f"latencies are {after}")
    equal(after["switches_lost"], 0, "switches lost")


def check_handover(vm):
    """with handover a boost stays when the policy goes, without it goes with it"""
    def put_none(handover):
        for name, value in (("handover", handover), ("policy", "none")):
            vm.qmp.cmd("qom-set", path="/machine/peripheral/pvs0", property=name, value=value)

    vm.device.set_policy("boost", {})
    hands_over(vm, put_none)


CHECKS = (check_pages_are_the_kernels, check_decided_in_the_kernel, check_handover)
