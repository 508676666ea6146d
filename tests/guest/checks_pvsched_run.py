# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""`./sluice pvsched run` as a person calls it: its report, its trace, and how it ends."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import threads
import trace
from tap import expect, equal

TOP = Path(__file__).resolve().parents[2]
MAIN = [sys.executable, str(TOP / "host-tools/pvsched/main.py")]


def children(pid):
    """Processes below `pid`, by /proc."""
    found = []
    for tid in threads.tasks(pid):
        for child in Path(f"/proc/{pid}/task/{tid}/children").read_text().split():
            found += [int(child), *children(int(child))]
    return found


def alive(pid):
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def check_run():
    """a tiny scenario leaves a report with both arms and a valid trace"""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([*MAIN, "run", "tiny", "--rounds", "1", "--duration", "1", "--json",
                               "--quiet", "--out", folder], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=150, check=False)
        expect(not done.returncode, f"it ended with {done.returncode}: {done.stderr[-2000:]}")
        summary = json.loads(done.stdout)
        equal(summary["arms"], ["default", "boost"], "arms")
        for arm in summary["arms"]:
            for key in ("latency_us.p99", "victim_share", "vcpu_wait", "boost_residency"):
                expect(summary["figures"][key]["arms"][arm]["value"] is not None, f"no {key}, {arm}")
            expect(summary["distributions"]["latency_us"][arm]["samples"] > 500, f"samples, {arm}")
        saved = json.loads((Path(folder) / "report.json").read_text())
        equal(saved["figures"].keys(), summary["figures"].keys(), "figures of report.json")
        page = (Path(folder) / "report.html").read_text()
        expect(page.rstrip().endswith("</html>") and "<svg" in page, "report.html is whole")
        document = json.loads((Path(folder) / "trace.json").read_text())
        trace.validate(document)
        names = {e["args"]["name"] for e in document["traceEvents"] if e["ph"] == "M"}
        expect("vCPU 0 runs" in names, f"the trace's tracks are {sorted(names)}")


def check_signal():
    """a signal to its process group, again and again, as Ctrl-C: exit status 1, and nothing of it still runs"""
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.Popen([*MAIN, "run", "tiny", "--duration", "30", "--out", folder],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                               process_group=0)
        for line in run.stderr:
            if line.startswith("[1/"):
                break
        deadline = time.monotonic() + 60
        while len(children(run.pid)) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        below = children(run.pid)
        expect(len(below) >= 3, "QEMU and two spinners run")
        while run.poll() is None:
            os.killpg(run.pid, signal.SIGINT)
            time.sleep(0.05)
        rest = run.stderr.read()
        equal(run.wait(60), 1, f"exit status, after {rest[-1000:]}")
        expect("SIGINT" in rest, f"it says {rest[-1000:]}")
        equal([pid for pid in below if alive(pid)], [], "processes that are left")


CHECKS = (check_run, check_signal)
