# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What the publisher says of interrupts, softirqs and the kernel's locks while they happen: another
program looks at the page in the midst of each. In the machine of checks_pvsched."""

import json

from checks_pvsched import compile_object, ctl, ctl_json
from tap import equal, eventually, expect

DIR = "/sys/fs/bpf/pub_observer"

# Two that write into a pipe want its mutex most of the time, and so does who reads.
CONTEND = ("exec 2>/dev/null; "
           "(taskset -c 0 dd if=/dev/zero bs=64k & taskset -c 1 dd if=/dev/zero bs=64k) | "
           "taskset -c 2 dd of=/dev/null bs=64k")


class Observed:
    """A context: publisher and observer are loaded, in this order."""

    def __init__(self, vm, options):
        self.vm, self.options = vm, options

    def __enter__(self):
        ctl(self.vm, f"load publisher {self.options}")
        obj = compile_object(self.vm, "pub_observer")
        self.vm.guest.sh(f"bpftool prog loadall {obj} {DIR} autoattach")
        return self

    def __exit__(self, *why):
        self.vm.guest.sh(f"rm -r {DIR}")
        ctl(self.vm, "unload publisher")

    def seen(self):
        dump = json.loads(self.vm.guest.sh("bpftool -j map dump name pub_obse.bss"))
        return dump[0]["formatted"]["value"][".bss"][0]["seen"]

    def wait_for(self, *names):
        """Until each was counted."""
        counts = {}

        def counted():
            counts.update(self.seen())
            return all(counts[name] for name in names)
        try:
            eventually(counted, f"{' and '.join(names)} are counted")
        except AssertionError as why:
            raise AssertionError(f"{why}: {counts}") from None
        return counts


def interrupts_are_told(vm):
    """publisher: an interrupt and a softirq are on the page while they last, and no longer"""
    with Observed(vm, "hints=class,irq,softirq") as observed:
        counts = observed.wait_for("irq_in", "irq_out", "softirq_in", "softirq_out")
        otherwise = ("irq_in_missed", "irq_out_left", "softirq_in_missed", "softirq_out_left")
        equal({name: counts[name] for name in otherwise}, dict.fromkeys(otherwise, 0),
              "events that found the page otherwise")


def interrupts_are_not_told(vm):
    """publisher: without irq and softirq among the hints, they are not on the page"""
    with Observed(vm, "hints=class") as observed:
        counts = observed.wait_for("irq_in_missed", "softirq_in_missed")
        equal((counts["irq_in"], counts["softirq_in"]), (0, 0), "events that found themselves told")


def lock_waits_are_told(vm):
    """publisher: who spins for a mutex says for whose vCPU, whose page says that it holds a lock"""
    with Observed(vm, "hints=class,rt,deadline,irq,softirq,lock,user") as observed:
        job = vm.guest.start(f"exec timeout 30 sh -c '{CONTEND}'")
        try:
            observed.wait_for("mutex_wait", "owner_marked", "wait_over")
            counters = ctl_json(vm, "list")[0]["counters"]
            expect(counters["spins"] >= counters["spins with a known owner"] > 0,
                   f"counters are {counters}")
        finally:
            vm.guest.run("pkill -x dd")
            vm.guest.finish(job)


CHECKS = (interrupts_are_told, interrupts_are_not_told, lock_waits_are_told)
