# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Tests of paravirtual scheduling with a guest: three boots for the channel, with the device alone,
under a manager and with a policy in the host's kernel, and a short experiment. Prints TAP."""

import sys
from contextlib import ExitStack
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(Path(__file__).resolve().parent), str(TOP / "host-tools/pvsched"),
                str(TOP / "host-tools/lab")]

import checks_pvsched_host  # noqa: E402
import checks_pvsched_live  # noqa: E402
import checks_pvsched_manager  # noqa: E402
import checks_pvsched_run  # noqa: E402
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


def with_machine(tap, name, checks, managed, device=None):
    """Boot once, make all `checks`; a machine that does not boot fails them."""
    with ExitStack() as stack:
        made = []

        def boot():
            if managed:
                made.append(stack.enter_context(Manager({})))
            spec = Spec(name="vm0", device=device or {})
            try:
                machine = stack.enter_context(Machine(spec, made[0] if managed else None))
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


def main():
    tap = Tap()
    with_machine(tap, "channel", checks_pvsched_host.CHECKS, managed=False)
    with_machine(tap, "manager", checks_pvsched_manager.CHECKS, managed=True)
    with_machine(tap, "live", checks_pvsched_live.CHECKS, managed=False,
                 device={"policy-host": "live"})
    for check in checks_pvsched_run.CHECKS:
        tap.check(f"experiment: {title(check)}", check)
    tap.finish()


if __name__ == "__main__":
    main()
