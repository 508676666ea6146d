# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The guest's scheduler scx_pvs and a vCPU that the host does not run."""

import json
import os

import threads
from checks_pvsched_host import CPU
from load import Spinner
from scenario import Background
from tap import Skip, eventually

# What only the host's word makes it do, as `pvschedctl list` has it.
BY_THE_HOST = ("moved for the host", "pulled from a stopped vCPU")


class Starved:
    """A context: a vCPU thread of nice 19 beside a spinner, on one host CPU: it has a 69th of it and is
    preempted for the rest, so long as it wants to run."""

    def __init__(self, tid):
        self.tid, self.saved = tid, threads.Saved()
        self.spinner = Spinner(Background(), max(os.sched_getaffinity(0)))

    def __enter__(self):
        try:
            self.saved.take(self.tid)
            os.sched_setaffinity(self.tid, {self.spinner.cpu})
            os.setpriority(os.PRIO_PROCESS, self.tid, 19)
            os.setpriority(os.PRIO_PROCESS, self.spinner.proc.pid, 0)
            self.spinner.resume()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc):
        self.spinner.close()
        self.saved.restore()


def counters(vm):
    programs = {p["name"]: p for p in json.loads(vm.guest.sh("pvschedctl list -j"))}
    return programs["scx_pvs"]["counters"]


def check_stopped_vcpu(vm):
    """scx_pvs: tasks keep off a vCPU that the host has preempted, and what waits behind it is taken"""
    if vm.guest.run("test -e /sys/kernel/sched_ext").rc:
        raise Skip("this kernel has no sched_ext")
    vm.device.set_policy("none", {})
    if "switch" not in vm.device.status()["sources"]:
        raise Skip("the host does not permit tracing BPF: a preemption is not seen")
    vm.guest.sh("pvschedctl load scx_pvs host=full")
    try:
        seen = counters(vm)
        before = {name: seen[name] for name in BY_THE_HOST}
        load = vm.guest.start("hackbench -p -g 1 -f 4 -l 1000000 >/dev/null 2>&1")
        with Starved(vm.vcpu_tids()[CPU]):
            eventually(lambda: seen.update(counters(vm)) or
                       all(seen[name] > before[name] for name in BY_THE_HOST),
                       "counters of what is done for the host", 60)
        vm.guest.sh("pkill hackbench")
        vm.guest.finish(load)
    except AssertionError as why:
        raise AssertionError(f"{why}: {seen}, before {before}") from None
    finally:
        vm.guest.sh("pkill hackbench; pvschedctl unload scx_pvs")


CHECKS = (check_stopped_vcpu,)
