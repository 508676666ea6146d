# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Tests of paravirtual scheduling with a guest: two boots for the channel, with the device alone and
under a manager, and a short experiment. Prints TAP."""

import sys
from contextlib import ExitStack
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(Path(__file__).resolve().parent), str(TOP / "host-tools/pvsched"),
                str(TOP / "host-tools/lab")]

import checks_pvsched_host  # noqa: E402
import checks_pvsched_manager  # noqa: E402
import checks_pvsched_run  # noqa: E402
from device import Manager  # noqa: E402
from machine import Machine  # noqa: E402
from scenario import Machine as Spec  # noqa: E402
from tap import Tap  # noqa: E402


def title(check):
    return check.__doc__.splitlines()[0]


def with_machine(tap, name, checks, managed):
    """Boot once, make all `checks`; a machine that does not boot fails them."""
    with ExitStack() as stack:
        made = []

        def boot():
            if managed:
                made.append(stack.enter_context(Manager({})))
            machine = stack.enter_context(Machine(Spec(name="vm0"), made[0] if managed else None))
            machine.set_module(True)
            made.insert(0, machine)
        if not tap.check(f"{name}: the guest boots", boot):
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
    for check in checks_pvsched_run.CHECKS:
        tap.check(f"experiment: {title(check)}", check)
    tap.finish()


if __name__ == "__main__":
    main()
