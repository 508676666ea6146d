# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Kicks of the publisher, from what each is for: a task or a lock on a vCPU that the host does not
run, and a boost that has lost its reason."""

import json
from contextlib import contextmanager

from checks_pvsched_host import CPU
from checks_pvsched_scx import Starved
from tap import Skip, eventually

# A real-time task of CPU 1 that another CPU wakes a hundred times a second.
WOKEN = f"""mkfifo /run/kick
chrt -f 10 taskset -c {CPU} sh -c 'while read -r x; do :; done' </run/kick &
exec taskset -c 0 sh -c 'while echo x; do sleep 0.01; done' >/run/kick"""

# A pipe's mutex, which its writers hold most of the time: one on each CPU.
LOCKED = f"""exec 2>/dev/null
(taskset -c {CPU} dd if=/dev/zero bs=64k & taskset -c 0 dd if=/dev/zero bs=64k) |
taskset -c 0 dd of=/dev/null bs=64k"""

BUSY = f"exec taskset -c {CPU} sh -c 'while :; do :; done'"

# A real-time task that runs for a tenth of the time.
PERIODIC = f"exec taskset -c {CPU} pvs-audio -p 50000 -w 5000 -d 60 --hints off"


@contextmanager
def runs(vm, *scripts):
    """Scripts in the guest, each with its children in a session of its own; killed at the end."""
    jobs = []
    try:
        for i, script in enumerate(scripts):
            vm.guest.put(f"/run/kick{i}.sh", script.encode())
            jobs.append(vm.guest.start(f"exec setsid sh -c 'echo $$ >/run/kick{i}.pid; "
                                       f". /run/kick{i}.sh'"))
        yield
    finally:
        for i, job in enumerate(jobs):
            vm.guest.run(f"pkill -KILL -s $(cat /run/kick{i}.pid)")
            vm.guest.finish(job)
        vm.guest.run("rm -f /run/kick*")


@contextmanager
def publisher(vm, options):
    vm.guest.sh(f"pvschedctl load publisher {options}")
    try:
        yield
    finally:
        vm.guest.sh("pvschedctl unload publisher")


def counter(vm, name):
    return json.loads(vm.guest.sh("pvschedctl list -j"))[0]["counters"][name]


def pending(vm):
    return json.loads(vm.guest.sh(f"pvschedctl show -j -v {CPU}"))[0]["guest"]["pending"]


def device(vm, how, name, **value):
    return vm.qmp.cmd(f"qom-{how}", path="/machine/peripheral/pvs0", property=name, **value)


def thread(vm):
    cpus = {cpu["cpu-index"]: cpu["thread-id"] for cpu in vm.qmp.cmd("query-cpus-fast")}
    return cpus[CPU]


def stopped_vcpu_is_kicked(vm, scripts, option, name, flag=None):
    """`scripts` have the publisher kick the vCPU while the host has it wait, and mark its page with
    `flag`, which lasts until it runs."""
    device(vm, "set", "policy", value="none")
    if "switch" not in device(vm, "get", "status")["sources"]:
        raise Skip("the host does not permit tracing BPF: a preemption is not seen")
    with publisher(vm, option), runs(vm, *scripts):
        with Starved(thread(vm)):
            eventually(lambda: counter(vm, name) > 0, name, 60)
            if flag:
                eventually(lambda: flag in pending(vm), f"its page says {flag}", 60)


def check_wakeup(vm):
    """publisher: a task that wakes on a stopped vCPU is on its page, and the host is kicked"""
    stopped_vcpu_is_kicked(vm, (BUSY, WOKEN), "kick=wakeup", "kicks for wake-ups", "rt-waiter")


def check_lock(vm):
    """publisher: a stopped vCPU that holds a mutex is kicked by who spins for it"""
    # The mark lasts as long as somebody spins: checks_publisher.py sees it with a program of its own.
    stopped_vcpu_is_kicked(vm, (LOCKED,), "hints=class,lock kick=lock", "kicks for locks")


def check_deboost(vm):
    """publisher: a vCPU whose boost has lost its reason is kicked for that"""
    device(vm, "set", "policy", value="boost")
    try:
        with publisher(vm, "kick=deboost"), runs(vm, BUSY, PERIODIC):
            eventually(lambda: counter(vm, "kicks for deboosts") > 0, "kicks for deboosts", 60)
    finally:
        device(vm, "set", "policy", value="none")


# Where CPUs share no cache, Linux has a wake-up done by the one it is for, which then is not
# stopped: this takes a machine whose CPUs do.
SHARED_CACHE = (check_wakeup,)
CHECKS = (check_lock, check_deboost)
