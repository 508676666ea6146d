# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""`./sluice pvsched`: experiments with paravirtual scheduling, their reports and traces, and the
claims with the commands that measure them."""

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1] / "lab")]

import scenario as scenarios  # noqa: E402

OK, FAILED, USAGE = 0, 1, 2
PLAN = """verbs of the C tools, see their own --help:
  policy, replay, compare, record, gen   sluice-pvsched(1): policies and records, with no VM
  manager                           sluice-pvsd(1): one policy and one budget for several VMs"""


def positive(text):
    value = float(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not more than 0")
    return value


def parser():
    top = argparse.ArgumentParser(prog="./sluice pvsched", description=__doc__, epilog=PLAN,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--check-only", action="store_true",
                     help="look at the arguments and the scenario, start nothing")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")

    run = verbs.add_parser("run", help="run a scenario, compare its arms, write a report")
    run.add_argument("scenario", metavar="SCENARIO", help="a name that `list` prints, or a file")
    run.add_argument("--rounds", type=int, help="instead of the scenario's")
    run.add_argument("--duration", type=positive, metavar="S", help="seconds measured each time")
    run.add_argument("--warmup", type=float, metavar="S", help="seconds of load before")
    run.add_argument("--seed", type=int, help="of the order of arms and of the bootstrap")
    run.add_argument("--out", type=Path, metavar="DIR", help="default: pvsched-NAME-DATE here")
    run.add_argument("--arm", action="append", metavar="NAME", help="only this arm (repeatable)")
    run.add_argument("-j", "--json", action="store_true", help="print the summary as JSON")
    run.add_argument("-q", "--quiet", action="store_true", help="no progress")

    lister = verbs.add_parser("list", help="the scenarios, and the claims that programs measure")
    lister.add_argument("-j", "--json", action="store_true")

    report = verbs.add_parser("report", help="write an experiment's report again")
    report.add_argument("folder", type=Path, metavar="DIR")
    report.add_argument("-j", "--json", action="store_true", help="print the summary as JSON")

    trace = verbs.add_parser("trace", help="a trace for ui.perfetto.dev")
    trace.add_argument("source", type=Path, metavar="DIR|RECORD",
                       help="an experiment's folder, or a record")
    trace.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    trace.add_argument("--arm", help="of a folder: this arm (default: the last with a policy)")
    trace.add_argument("--round", type=int, help="of a folder: this round, from 0 (default: the last)")

    claims = verbs.add_parser("claims", help="the ten claims, their targets and last figures")
    claims.add_argument("-j", "--json", action="store_true")
    claims.add_argument("--markdown", action="store_true", help="as docs/pvsched/claims.md")

    claim = verbs.add_parser("claim", help="measure a claim here")
    claim.add_argument("number", type=int, choices=range(1, 11), metavar="N")
    claim.add_argument("--quick", action="store_true", help="shorter, for a first look")
    claim.add_argument("--check", action="store_true", help="exit status 1 if it is not met")
    claim.add_argument("--out", type=Path, metavar="DIR", help="keep the experiment's report here")
    claim.add_argument("-j", "--json", action="store_true")
    return top


def planned(args):
    """What `run` would run: a scenario that this host can run, and options. ScenarioError."""
    import experiment
    scenario = scenarios.load(scenarios.find(args.scenario))
    out = args.out or Path(f"pvsched-{scenario.name}-{time.strftime('%Y%m%d-%H%M%S')}")
    options = experiment.Options(out, args.rounds, args.duration, args.warmup, args.seed, args.arm,
                                 args.quiet)
    experiment.refuse_used(out)
    return experiment.override(scenario, options), options


def do_run(args):
    import experiment
    scenario, options = planned(args)
    out = options.out
    summary = experiment.run(scenario, options)
    show_summary(args, summary)
    if not args.json:
        print(f"\nreport: {out}/report.html  {out}/report.json")
    return OK


def show_summary(args, summary):
    import analysis
    import report
    if args.json:
        print(json.dumps(summary))
    else:
        print("\n".join(analysis.table_lines(summary)))
        print(analysis.footnote(summary))
        if summary["overcommit"]:
            print(report.OVERCOMMIT + summary["overcommit"])
        for doubt in report.doubts(summary):
            print(doubt)


def do_list(args):
    rows, status = [], OK
    for path, found in scenarios.all_scenarios():
        if isinstance(found, scenarios.ScenarioError):
            print(found, file=sys.stderr)
            status = FAILED
        else:
            rows.append({"name": path.stem, "description": found.description, "file": str(path),
                         "arms": [arm.name for arm in found.arm], "rounds": found.rounds,
                         "duration": found.duration, "claims": found.claim,
                         "overcommit": scenarios.overcommit(found, os.sched_getaffinity(0))})
    if args.json:
        print(json.dumps({"scenarios": rows, "claims_by_programs": by_programs()}))
        return status
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        print(f"{row['name'].ljust(width)}  {row['description']}")
        many = "claims" if len(row["claims"]) > 1 else "claim"
        of = f"; {many} {', '.join(map(str, row['claims']))}" if row["claims"] else ""
        print(f"{' ' * width}  arms: {', '.join(row['arms'])}; {row['rounds']} rounds of "
              f"{row['duration']:g} s each; overcommit {row['overcommit']}{of}")
    print("\nclaims that programs measure, not scenarios:")
    for row in by_programs():
        print(f"{row['command']}  {row['title']}: {row['programs']}")
    return status


def by_programs():
    """Claims for which there is no scenario."""
    import claims
    return [{"claim": c.number, "title": c.title, "programs": c.programs, "command": c.command()}
            for c in claims.CLAIMS if not c.scenarios]


def do_report(args):
    import report
    summary = report.write(args.folder)
    show_summary(args, summary)
    return OK


def do_trace(args):
    import experiment
    import record
    import report
    import trace
    if args.source.is_dir():
        scenario = report.read_result(args.source)["scenario"]
        arm = args.arm or next((a["name"] for a in reversed(scenario["arm"])
                                if a["policy"] != "none"), scenario["arm"][-1]["name"])
        number = scenario["rounds"] - 1 if args.round is None else args.round
        experiment.trace_folder(args.source, arm, number, args.output)
    else:
        trace.write(args.output, trace.build(record.read(args.source)))
    print(f"{args.output}: open it at https://ui.perfetto.dev")
    return OK


def do_claims(args):
    import claims
    if args.markdown:
        print(claims.page(claims.recall()), end="")
        return OK
    return claims.show(args.json)


def do_claim(args):
    import claims
    import experiment
    for number in experiment.ENDS:
        signal.signal(number, experiment.stop)
    return claims.measure(args.number, args.quick, args.check, args.json, args.out)


VERBS = {"run": do_run, "list": do_list, "report": do_report, "trace": do_trace,
         "claims": do_claims, "claim": do_claim}


def expected_errors():
    """What is said in one line: everything else is a defect and shows its traceback."""
    import arms
    import device
    import experiment
    import guest
    import insns
    import load
    import machine
    import qmp
    import record
    import report
    import trace
    import workloads
    return (scenarios.ScenarioError, arms.ArmError, device.DeviceError, guest.GuestError,
            insns.NotCounting, load.LoadError, machine.MachineError, qmp.QmpError,
            record.RecordError, report.NoResult, trace.TraceError, workloads.WorkloadError,
            experiment.Interrupted, experiment.UsedFolder, OSError)


def check(args):
    if args.verb == "run":
        planned(args)
    return OK


def main():
    args = parser().parse_args()
    try:
        status = check(args) if args.check_only else VERBS[args.verb](args)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # who read it has seen enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except expected_errors() as why:
        print(f"sluice pvsched {args.verb}: {why}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
