# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The guest's BPF programs of paravirtual scheduling and its workloads: what the publisher puts on
a page for what runs, and takes away; that scx_pvs schedules, and gives back. In the machine of
checks_pvsched, after its checks."""

import json
import re

from checks_pvsched import ctl, ctl_json, refused, view
from tap import Skip, equal, eventually, expect

CPU = 1  # has vCPU 1; the tools run elsewhere

BUSY = "while :; do :; done"


def guest(vm, vcpu=CPU):
    return view(vm, vcpu)["guest"]


class Running:
    """A command that runs on CPU 1 for at most 30 s, in a `with` statement."""

    def __init__(self, vm, command):
        self.vm, self.command = vm, command

    def __enter__(self):
        self.vm.guest.sh("rm -f /run/check.pid")
        self.job = self.vm.guest.start(
            f"echo $$ > /run/check.pid; exec timeout 30 taskset -c {CPU} {self.command}")

    def __exit__(self, *why):
        self.vm.guest.run("kill $(cat /run/check.pid)")
        self.vm.guest.finish(self.job)


def shows(vm, what, **want):
    """The page of vCPU 1 comes to have these values."""
    seen = {}

    def compare():
        hints = guest(vm)
        seen.update({key: hints[key.replace("_", "-")] for key in want})
        return seen == want
    try:
        eventually(compare, what)
    except AssertionError as why:
        raise AssertionError(f"{why}; the page has {seen}, expected {want}") from None


def nothing_shown(vm):
    for vcpu in (0, 1, 3):
        hints = guest(vm, vcpu)
        got = {key: hints[key] for key in ("class", "nice", "prio", "pending", "cs", "dl-deadline",
                                           "next-event", "wait")}
        equal(got, {"class": "unknown", "nice": 0, "prio": 0, "pending": [], "cs": [],
                    "dl-deadline": 0, "next-event": 0, "wait": "none"}, f"page of vCPU {vcpu}")


# ---- The publisher --------------------------------------------------------------------------

def publisher_refuses(vm):
    """programs: an option that does not exist, or a wrong value, is refused in words"""
    refused(vm, "load publisher hints=class,colour", 2,
            "hints: there is no 'colour'; accepted are none, or of class, rt, deadline, irq, "
            "softirq, lock, user")
    refused(vm, "load publisher horizon-ms=0", 2,
            "horizon-ms=0: a number from 1 to 60000 is accepted")
    refused(vm, "load publisher speed=1", 2, "publisher has no option 'speed'; it has:")
    refused(vm, "unload publisher", 1, "publisher is not loaded")
    equal(ctl_json(vm, "list"), [], "loaded programs")
    nothing_shown(vm)


def publisher_outlives_its_loader(vm):
    """programs: the publisher works on when pvschedctl has ended"""
    ctl(vm, "load publisher")
    refused(vm, "load publisher", 1, "publisher is loaded; unload it first")
    program = ctl_json(vm, "list")[0]
    equal((program["name"], program["alive"]), ("publisher", True), "program")
    vm.guest.sh("test -e /sys/fs/bpf/sluice-pvsched/publisher/link_on_switch")
    shows(vm, "the idle CPU", **{"class": "idle", "prio": 0, "cs": []})


def class_is_published(vm):
    """programs: class, nice and priority of what runs are on the page"""
    for command, want in (
            (f"nice -n 10 sh -c '{BUSY}'", {"class": "normal", "nice": 10, "prio": 0}),
            (f"chrt -b 0 sh -c '{BUSY}'", {"class": "batch", "nice": 0, "prio": 0}),
            (f"chrt -f 10 sh -c '{BUSY}'", {"class": "rt", "prio": 10})):
        with Running(vm, command):
            shows(vm, command, **want)
    shows(vm, "idle afterwards", **{"class": "idle", "nice": 0, "prio": 0})


def sleeping_task_is_announced(vm):
    """programs: an RT task that sleeps with a timer is told beforehand, and forgotten at its end"""
    with Running(vm, "pvs-audio -p 80000 -w 10 -d 25 --hints off"):
        shows(vm, "asleep", **{"class": "idle", "pending": ["rt-waiter"]})

        first = guest(vm)["next-event"]
        eventually(lambda: guest(vm)["next-event"] > first, "the next event is known")
        equal((guest(vm)["next-event"] - first) % 80000000, 0, "ns beside the period")
    shows(vm, "forgotten", **{"class": "idle", "pending": [], "next_event": 0})


def horizon_is_kept(vm):
    """programs: a timer beyond the horizon is an event, but nobody waits for it yet"""
    ctl(vm, "unload publisher")
    ctl(vm, "load publisher horizon-ms=5")
    with Running(vm, "pvs-audio -p 500000 -w 10 -d 25 --hints off"):
        eventually(lambda: guest(vm)["next-event"] > 0, "the next event is known")
        equal(guest(vm)["pending"], [], "pending")
    ctl(vm, "unload publisher")
    ctl(vm, "load publisher")


def deadline_is_told(vm):
    """programs: a thread's own word about its deadline is on the page of its CPU"""
    with Running(vm, "pvs-audio -p 50000 -w 300 --runtime-us 900 --deadline-us 40000 -d 25 "
                     "--hints on"):
        shows(vm, "deadline", dl_runtime=900000, dl_deadline=40000000, dl_period=50000000)
    shows(vm, "gone with the thread", dl_runtime=0, dl_deadline=0, dl_period=0)


def lock_is_told(vm):
    """programs: a lock of user space shows while it is held, without a system call"""
    with Running(vm, "pvs-lock -n 1 -c 100000 -t 1 -d 25 --hints on"):
        shows(vm, "held", cs=["lock", "explicit"])
        before = guest(vm)["cs-count"]
        eventually(lambda: guest(vm)["cs-count"] > before + 2, "the next sections are counted")
    shows(vm, "released", cs=[])


def lock_goes_with_its_thread(vm):
    """programs: a holder that another task displaces takes its word along, and brings it again"""
    with Running(vm, "pvs-lock -n 1 -c 1000000 -t 1 --spread 0 -d 25 --hints on"):
        shows(vm, "held", cs=["lock", "explicit"])
        job = vm.guest.start(f"echo $$ > /run/other.pid; "
                             f"exec timeout 30 taskset -c {CPU} chrt -f 5 sh -c '{BUSY}'")
        try:
            shows(vm, "displaced", **{"class": "rt", "cs": []})
        finally:
            vm.guest.run("kill $(cat /run/other.pid)")
            vm.guest.finish(job)
        shows(vm, "held again", **{"class": "normal", "cs": ["lock", "explicit"]})


def ring_is_written(vm):
    """programs: switches and wake-ups are put into the ring, if that was asked for"""
    def events():  # a ring that nobody empties loses them
        return guest(vm)["ring-head"] + guest(vm)["ring-lost"]

    before = events()
    vm.guest.sh(f"taskset -c {CPU} sleep 0.01")
    equal(events(), before, "events that nobody asked for")
    ctl(vm, "unload publisher")
    ctl(vm, "load publisher hints=class ring=switch,wakeup")
    vm.guest.sh(f"taskset -c {CPU} sleep 0.01")
    expect(events() > before, "no event in the ring")


def only_what_is_asked(vm):
    """programs: with hints=class nothing else is hooked, or told"""
    with Running(vm, "pvs-audio -p 50000 -w 10 -d 25 --hints off"):
        before = guest(vm)["generation"]
        eventually(lambda: guest(vm)["generation"] > before + 4, "intents are stored")
        equal((guest(vm)["pending"], guest(vm)["next-event"]), ([], 0), "hints")
    hooks = vm.guest.sh("ls /sys/fs/bpf/sluice-pvsched/publisher").split()
    equal(hooks, ["cpus", "link_on_switch", "link_on_wakeup", "user"], "hooks")


def unload_leaves_nothing(vm):
    """programs: after unload no program is left, and the pages say nothing"""
    ctl(vm, "unload publisher")
    nothing_shown(vm)
    equal(ctl_json(vm, "list"), [], "loaded programs")
    left = [prog["name"] for prog in json.loads(vm.guest.sh("bpftool -j prog show"))
            if prog.get("name", "").startswith("on_")]
    equal(left, [], "programs in the kernel")


# ---- The scheduler --------------------------------------------------------------------------

def scheduler_runs(vm):
    """programs: scx_pvs runs hackbench beside the publisher, knowing the host fully or in part"""
    if vm.guest.run("test -e /sys/kernel/sched_ext").rc:
        raise Skip("this kernel has no sched_ext")
    ctl(vm, "load publisher")
    for knowledge in ("full", "steal", "none"):
        ctl(vm, f"load scx_pvs host={knowledge}")
        vm.guest.sh("hackbench -p -g 1 -l 50")
        programs = {p["name"]: p for p in ctl_json(vm, "list")}
        equal(programs["scx_pvs"]["alive"], True, f"scx_pvs with host={knowledge}")
        equal(vm.guest.sh("cat /sys/kernel/sched_ext/root/ops").strip(), "sluice_pvs", "scheduler")
        ctl(vm, "unload scx_pvs")
        equal(vm.guest.sh("cat /sys/kernel/sched_ext/state").strip(), "disabled", "sched_ext")
    ctl(vm, "unload publisher")
    bad = re.findall(r"sched_ext: .*(?:stall|error|aborted).*", vm.guest.sh("dmesg"))
    equal(bad, [], "sched_ext in the kernel's log")


CHECKS = (publisher_refuses, publisher_outlives_its_loader, class_is_published,
          sleeping_task_is_announced, horizon_is_kept, deadline_is_told, lock_is_told,
          lock_goes_with_its_thread, ring_is_written, only_what_is_asked, unload_leaves_nothing,
          scheduler_runs)
