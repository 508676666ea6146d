# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Tests in a guest: one boot for each kernel serves all checks. Prints TAP."""

import argparse
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(Path(__file__).resolve().parent), str(TOP / "host-tools/lab"),
                str(TOP / "host-tools/pvsched")]

import checks_link
import checks_offload
import checks_programs
import checks_publisher
import checks_pvsched
import checks_pvsched_ctl
import checks_pvsched_kfuncs
import checks_pvsched_kicks
import checks_robust
from programs import compile_example
from tap import Tap
from vm import Vm, environment

GROUPS = (checks_link, checks_offload, checks_robust)
PVSCHED = (checks_pvsched, checks_pvsched_kfuncs, checks_pvsched_ctl, checks_programs,
           checks_publisher, checks_pvsched_kicks)


def run_kernel(tap, kernel):
    """Boot `kernel` and make every check; a check that leaves a dead guest fails the rest."""
    vm = None

    def boot():
        nonlocal vm
        vm = Vm(kernel)

    if not tap.check(f"{kernel}: guest boots", boot):
        return
    try:
        for name in ("xdp_firewall", "xdp_pass_count", "xdp_reflect", "xdp_vlan", "xdp_refused"):
            obj, _ = compile_example(name, vm.dir)
            vm.guest.put(f"/root/{obj.name}", obj.read_bytes())
        before = tap.failed
        for group in GROUPS:
            for check in group.CHECKS:
                tap.check(f"{kernel}: {check.__doc__.splitlines()[0]}", check, vm)
        if tap.failed > before:
            print("\n".join("# " + line for line in vm.tails().splitlines()))
    finally:
        vm.close()


def run_pvsched(tap, kernel):
    """A machine of its own: vCPUs come and go, and no traffic is to wait for them."""
    vm = None

    def boot():
        nonlocal vm
        vm = Vm(kernel, **checks_pvsched.machine(environment(kernel)["SLUICE_QEMU"]))

    if not tap.check(f"{kernel}: guest with sluice-pvsched boots", boot):
        return
    try:
        before = tap.failed
        for group in PVSCHED:
            for check in group.CHECKS:
                tap.check(f"{kernel}: {check.__doc__.splitlines()[0]}", check, vm)
        if tap.failed > before:
            print("\n".join("# " + line for line in vm.tails().splitlines()))
    finally:
        vm.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kernel", action="append", choices=("7.2", "6.12"),
                        help="only this kernel (may be repeated; default both)")
    parser.add_argument("--only", choices=("nic", "pvsched"), help="only these checks")
    parser.add_argument("--long", action="store_true", help="ten boots of each kernel")
    args = parser.parse_args()
    tap = Tap()
    for kernel in args.kernel or ("7.2", "6.12"):
        for _ in range(10 if args.long else 1):
            if args.only != "pvsched":
                run_kernel(tap, kernel)
            if args.only != "nic":
                run_pvsched(tap, kernel)
    tap.finish()


if __name__ == "__main__":
    main()
