# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Tests of paravirtual scheduling with a guest: three boots for the channel, with the device alone,
under a manager and with a policy in the host's kernel, one for the sched_ext scheduler, and a short
experiment. Prints TAP. `--only PART` (channel, manager, live, sched_ext, experiment) makes that part
alone."""

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(Path(__file__).resolve().parent), str(TOP / "host-tools/pvsched"),
                str(TOP / "host-tools/lab")]

import checks_pvsched_host  # noqa: E402
import checks_pvsched_kicks  # noqa: E402
import checks_pvsched_life  # noqa: E402
import checks_pvsched_live  # noqa: E402
import checks_pvsched_manager  # noqa: E402
import checks_pvsched_run  # noqa: E402
import checks_pvsched_sched_ext  # noqa: E402
import checks_pvsched_scx  # noqa: E402
from device import Manager  # noqa: E402
from machine import Machine, MachineError  # noqa: E402
from scenario import Machine as Spec  # noqa: E402
from tap import Skip, Tap  # noqa: E402


def title(check):
    return check.__doc__.splitlines()[0]


def skip_without_bpf(why):
    """The device says what the host does not permit; any other reason is a failure."""
    for line in str(why).splitlines():
        if "policy-host=live: " in line:
            raise Skip(line.rsplit("policy-host=live: ", 1)[1]) from None


def with_machine(tap, name, checks, managed=None, device=None):
    """Boot once, make all `checks`; a machine that does not boot fails them. `managed`: under a
    manager with these options."""
    with ExitStack() as stack:
        made = []

        def boot():
            if managed is not None:
                made.append(stack.enter_context(Manager(managed)))
            spec = Spec(name="vm0", device=device or {})
            try:
                machine = stack.enter_context(Machine(spec, made[0] if made else None))
            except MachineError as why:
                skip_without_bpf(why)
                raise
            machine.set_module(True)
            made.insert(0, machine)
        if not tap.check(f"{name}: the guest boots", boot) or not made:
            return
        before = tap.failed
        for check in checks:
            tap.check(f"{name}: {title(check)}", check, *made)
        if tap.failed > before:
            print("\n".join("# " + line for line in made[0].tails().splitlines()))


def channel(tap):
    """A guest from its boot to kill -9, with the guard and, where there may be one, a cgroup."""
    cgroup = checks_pvsched_life.cgroup()
    try:
        checks = (checks_pvsched_host.CHECKS + checks_pvsched_kicks.SHARED_CACHE
                  + checks_pvsched_scx.CHECKS + checks_pvsched_life.CHECKS)
        with_machine(tap, "channel", checks,
                     device={"guard": True} | ({"cgroup": cgroup} if cgroup else {}))
    finally:
        if cgroup:
            tap.check("channel: nothing is left in its cgroup",
                      checks_pvsched_life.remove_cgroup, cgroup)


def manager(tap):
    with_machine(tap, "manager", checks_pvsched_manager.CHECKS,
                 managed=checks_pvsched_manager.OPTIONS)


def live(tap):
    with_machine(tap, "live", checks_pvsched_live.CHECKS, device={"policy-host": "live"})


def sched_ext(tap):
    checks_pvsched_sched_ext.check(tap)


def experiment(tap):
    for check in checks_pvsched_run.CHECKS:
        tap.check(f"experiment: {title(check)}", check)


PARTS = {part.__name__: part for part in (channel, manager, live, sched_ext, experiment)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=PARTS, help="make this part alone")
    args = parser.parse_args()
    tap = Tap()
    for name, part in PARTS.items():
        if args.only in (None, name):
            part(tap)
    tap.finish()


if __name__ == "__main__":
    main()
