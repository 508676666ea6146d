# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The folder of an experiment: what is refused, which record is whose; whose a figure is."""

import json
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from types import SimpleNamespace as Thing
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent))

import analysis  # noqa: E402
import device  # noqa: E402
import experiment  # noqa: E402
import made_up  # noqa: E402
import measure  # noqa: E402
import scenario  # noqa: E402
import trace  # noqa: E402

TOP = Path(__file__).resolve().parents[2]


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "out"

    def refused(self, words):
        with self.assertRaises(experiment.UsedFolder) as caught:
            experiment.refuse_used(self.path)
        self.assertEqual(str(caught.exception), f"{self.path} {words}; name another with --out, "
                                                "or remove it")

    def test_absent_and_empty_are_taken(self):
        experiment.refuse_used(self.path)
        self.path.mkdir()
        experiment.refuse_used(self.path)

    def test_an_experiment_is_kept(self):
        (self.path / "records").mkdir(parents=True)
        (self.path / "result.json").write_text("{}")
        self.refused("holds an experiment (records, result.json)")

    def test_files_of_others_are_kept(self):
        self.path.mkdir()
        for name in "abcde":
            (self.path / name).touch()
        self.refused("is not empty (a, b, c, d, ...)")

    def test_a_file(self):
        self.path.touch()
        self.refused("is not a folder")

    def test_before_anything_is_started(self):
        self.path.mkdir()
        (self.path / "x").touch()
        done = subprocess.run([sys.executable, TOP / "host-tools/pvsched/main.py", "--check-only",
                               "run", "audio", "--out", self.path], check=False,
                              capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr),
                         (1, f"sluice pvsched run: {self.path} is not empty (x); name another with "
                             "--out, or remove it\n"))


    def fails(self, why, measured):
        with self.assertRaises(type(why)) as caught, experiment.folder_for(self.path):
            if measured:
                (self.path / "result.json").touch()
            raise why
        return str(caught.exception)

    def test_nothing_measured_leaves_nothing(self):
        self.fails(RuntimeError("why"), measured=False)
        self.assertFalse(self.path.exists())
        self.path.mkdir()  # one that was there stays there
        self.assertEqual(self.fails(experiment.Interrupted("SIGINT"), measured=False), "SIGINT")
        self.assertEqual(list(self.path.iterdir()), [])

    def test_what_was_measured_is_kept(self):
        self.assertEqual(self.fails(experiment.Interrupted("SIGINT"), measured=True),
                         f"SIGINT; ./sluice pvsched report {self.path} makes a report of what was "
                         "measured until then")
        self.assertTrue((self.path / "result.json").exists())

    def test_what_was_measured_is_gone_by_then(self):
        why = experiment.Interrupted("SIGINT")
        self.fails(why, measured=True)
        shutil.rmtree(self.path)
        self.assertEqual(str(why), "SIGINT")

    def test_a_signal_is_no_failure_of_what_it_meets(self):
        self.assertFalse(issubclass(experiment.Interrupted, Exception))


class Output(unittest.TestCase):
    def test_who_reads_it_may_stop(self):
        with subprocess.Popen([sys.executable, TOP / "host-tools/pvsched/main.py", "list"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as listing:
            listing.stdout.close()  # before it has written anything
            self.assertEqual((listing.stderr.read(), listing.wait()), (b"", 0))


class Records(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name)
        (self.path / "records").mkdir()

    def result(self, names, manager=None):
        (self.path / "result.json").write_text(json.dumps(
            {"scenario": {"vm": [{"name": n} for n in names], "manager": manager}, "machine": {},
             "measurements": []}))

    def record(self, arm, number, vm, *parts):
        experiment.record_file(self.path, arm, number, vm).write_bytes(
            made_up.header() + b"".join(parts))

    def traced(self, arm, number):
        """(process, what) of each policy in the trace."""
        out = experiment.trace_folder(self.path, arm, number, self.path / "trace.json")
        events = json.loads(out.read_text())["traceEvents"]
        names = {e["pid"]: e["args"]["name"] for e in events if e["name"] == "process_name"}
        return [(names[e["pid"]], e["name"]) for e in events if e["ph"] == "i"]

    def test_an_arm_whose_name_begins_as_anothers(self):
        self.result(["vm0", "1-vm0"])
        self.record("x", 1, "vm0", made_up.policy(1, "right"))
        self.record("x", 1, "1-vm0", made_up.policy(2, "too"))
        self.record("x-1", 1, "vm0", made_up.policy(3, "wrong"))
        self.record("x", 11, "vm0", made_up.policy(4, "wrong"))
        self.assertEqual(self.traced("x", 1), [("vm0", "policy right"), ("1-vm0", "policy too")])
        self.assertEqual(self.traced("x-1", 1), [("vm0", "policy wrong")])

    def test_one_record_of_a_manager(self):
        self.result(["rt", "batch"], manager={})
        self.record("x", 0, "manager", made_up.policy(1, "p"), made_up.policy(2, "p", vm=1))
        self.assertEqual(self.traced("x", 0), [("rt", "policy p"), ("batch", "policy p")])

    def test_none(self):
        self.result(["vm0"])
        with self.assertRaises(trace.TraceError) as caught:
            self.traced("x", 1)
        self.assertEqual(str(caught.exception),
                         f"{self.path}/records has no record of arm x, round 1; record = true in "
                         "the scenario makes them, for arms with a policy")

    def test_another_one(self):
        self.result(["vm0"])
        self.record("x", 3, "vm0")
        with self.assertRaises(trace.TraceError) as caught:
            self.traced("x", 4)
        self.assertEqual(str(caught.exception),
                         f"{self.path}/records has no record of arm x, round 4; it has x_3_vm0.pvsr "
                         "(ARM_ROUND_VM, rounds from 0)")


def machine(name, *tids):
    return Thing(spec=Thing(name=name), vcpu_tids=lambda: list(tids))


class LocalGuest:
    """A guest whose shell is this host's, `sh` as there."""

    @staticmethod
    def run(command, timeout):
        done = subprocess.run(["sh", "-c", command], timeout=timeout, check=False, text=True,
                              capture_output=True)
        return Thing(rc=done.returncode, out=done.stdout, err=done.stderr)

    sh = run


class Warm(unittest.TestCase):
    def test_what_says_so_runs_before_it_is_measured(self):
        """The guest notes which program is started, with the seconds that it is to run."""
        started = []
        guest = Thing(start=lambda line: started.append(line) or 1,
                      finish=lambda pid, timeout: Thing(rc=0, out="", err=""))
        works = [scenario.Workload("shell", command="a {seconds}", warm=True),
                 scenario.Workload("shell", command="b {seconds}")]
        spec = Thing(workload=works, name="vm0", cpus=1)
        work = measure.GuestWork([Thing(spec=spec, guest=guest)], 5, 2)
        work.warm_up()
        self.assertEqual(["a 2" in line for line in started], [True])
        work.run()
        self.assertEqual(["a 5" in line for line in started], [False, True, False])
        self.assertEqual(["b 5" in line for line in started], [False, False, True])


class Loads(unittest.TestCase):
    def test_nothing_of_a_load_is_left(self):
        with tempfile.TemporaryDirectory() as folder:
            pids = Path(folder) / "pids"
            load = scenario.Workload("shell", measure=False,
                                     command=f"sleep 300 & echo $! >>{pids}; echo $$ >>{pids}; wait")
            spec = Thing(workload=[load], name="vm0", cpus=1)
            with mock.patch.object(measure, "LOADS", f"{folder}/groups"):
                work = measure.GuestWork([Thing(spec=spec, guest=LocalGuest)], 1, 0)
                work.start_loads()
                deadline = time.monotonic() + 20
                while not pids.exists() or len(pids.read_text().split()) < 2:
                    self.assertLess(time.monotonic(), deadline)
                self.assertEqual(work.stop_loads(), [])
            for pid in map(int, pids.read_text().split()):
                while self.runs(pid):
                    self.assertLess(time.monotonic(), deadline, f"process {pid} still runs")
            self.assertFalse((Path(folder) / "groups").exists())

    @staticmethod
    def runs(pid):
        try:
            return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return False


class Qmp:
    """A device that is only its properties."""

    def __init__(self, **properties):
        self.properties = properties

    def cmd(self, name, path, property, value=None):
        if name == "qom-get":
            return self.properties[property]
        self.properties[property] = value


class Steal(unittest.TestCase):
    """What the guest knows of its waiting."""

    STAT = "cpu  10 0 20 60 0 0 5 5 7 0\n"

    def times(self, pages):
        guest = Thing(sh=lambda command, timeout: self.STAT + pages)
        return measure.guest_times(Thing(guest=guest))

    def test_what_the_guest_prints(self):
        pages = json.dumps([{"vcpu": 0, "host": {"steal-ns": 3, "host-ns": 70, "run-ns": 1}},
                            {"vcpu": 1, "host": {"steal-ns": 4, "host-ns": 71, "run-ns": 2}}])
        self.assertEqual(self.times(pages), {"kernel": (5, 100), "pages": {0: (3, 70), 1: (4, 71)}})
        self.assertEqual(self.times(""), {"kernel": (5, 100), "pages": {}})

    @staticmethod
    def figures(kernels, *guests):
        """Of guests as (before, after), each ((steal, all), {vCPU: (steal, time)})."""
        def side(n):
            return Thing(guests=[{"kernel": g[n][0], "pages": g[n][1]} for g in guests])
        return measure.steal_figures(side(0), side(1), kernels)

    def test_figures(self):
        one = ((0, 100), {0: (0, 1000), 1: (0, 1000)}), ((20, 200), {0: (100, 2000), 1: (0, 2000)})
        two = ((5, 100), {0: (7, 1000)}), ((5, 200), {0: (1007, 3000)})
        self.assertEqual(self.figures(True, one), {"guest_steal": 0.2, "page_steal": 0.05})
        self.assertEqual(self.figures(True, one, two), {"guest_steal": 0.1, "page_steal": 0.275})

    def test_what_cannot_be_seen_is_no_figure(self):
        """A kernel without a steal clock, a page that nobody wrote, a guest without the driver."""
        still = ((0, 100), {0: (9, 1000)}), ((0, 200), {0: (9, 1000)})
        self.assertEqual(self.figures(False, still), {})
        self.assertEqual(self.figures(True, still), {"guest_steal": 0.0})
        self.assertEqual(self.figures(True, (((0, 1), {}), ((1, 3), {}))), {"guest_steal": 0.5})
        began_anew = ((0, 100), {0: (9, 1000)}), ((0, 200), {0: (1, 2000)})
        self.assertEqual(self.figures(False, began_anew), {})


class Whose(unittest.TestCase):
    def test_one_program(self):
        self.assertEqual(measure.prefixes([(machine("a"), scenario.Workload("shell"))]), [""])

    def test_several_machines_and_programs(self):
        a, b = machine("a"), machine("b")
        shell, lock = scenario.Workload("shell"), scenario.Workload("pvs-lock")
        self.assertEqual(measure.prefixes([(a, shell), (b, shell), (b, lock), (b, shell)]),
                         ["a/", "b/shell 1/", "b/", "b/shell 2/"])

    def test_each_machines_share(self):
        a, b = machine("a", 11), machine("b", 12)
        before = Thing(at=0, vcpus={11: (0, 0), 12: (0, 0)}, device=[[{}], [{}]])
        after = Thing(at=1000, vcpus={11: (900, 50), 12: (100, 800)}, sources=[set(), set()],
                      device=[[{"boost_ns": 500}], [{"boost_ns": 0}]])
        figures = measure.each_machines_figures(before, after, [a, b])
        self.assertEqual({k: v for k, v in figures.items() if "vcpu" in k or "boost" in k},
                         {"a/vcpu_run": 0.9, "a/vcpu_wait": 0.05, "a/boost_residency": 0.5,
                          "b/vcpu_run": 0.1, "b/vcpu_wait": 0.8, "b/boost_residency": 0.0})
        self.assertEqual(measure.each_machines_figures(before, after, [a]), {})

    def test_preemptions_are_counted_where_they_are_seen(self):
        """A device that does not hear of switches has the counter at 0, which is no figure."""
        def figures(*sources):
            before = Thing(at=0, device=[[{"preempted_in_cs": 1}] for _ in sources])
            after = Thing(at=2 * 10**9, device=[[{"preempted_in_cs": 5}] for _ in sources],
                          sources=list(sources))
            return measure.device_figures(before, after)
        self.assertEqual(figures({"tick", "switch"})["preempted_in_cs"], 2.0)
        self.assertNotIn("preempted_in_cs", figures({"tick", "schedstat"}))
        self.assertNotIn("preempted_in_cs", figures({"switch"}, {"tick"}))
        self.assertIn("applied", figures({"tick"}))

    def test_sources_are_those_of_who_decides(self):
        qmp = Qmp(status={"sources": ["tick", "switch"]}, ceiling="")
        self.assertEqual(device.Device(qmp, 7).sources(), {"tick", "switch"})
        manager = Thing(vm={7: {"sources": ["kick"]}, 8: {}}.get)
        self.assertEqual(device.Device(qmp, 7, manager).sources(), {"kick"})
        self.assertEqual(device.Device(qmp, 8, manager).sources(), set())

    def test_an_arm_without_a_ceiling_has_its_machines(self):
        qmp = Qmp(ceiling="slice,fifo")
        found = device.Device(qmp, 7)
        for ceiling, wanted in ((["nice-down"], "nice-down"), ([], "slice,fifo")):
            found.set_policy("boost", {}, ceiling)
            self.assertEqual(qmp.properties["ceiling"], wanted)

    def test_what_is_not_seen_is_noted(self):
        def notes(*sources):
            spec = Thing(name="vm0")
            machines = [Thing(spec=spec, accelerator=lambda: "tcg", facts=lambda: "7.2",
                              device=Thing(notes=list, sources=lambda: set(sources)))]
            trial = experiment.Experiment(scenario.load(scenario.find("tiny")), None)
            trial.machines = machines
            trial._notes()
            return [note for note in trial.notes if "vm0" in note]
        self.assertEqual(notes("tick", "switch"), [])
        self.assertEqual(notes("tick"), [
            "vm0: preemptions in a critical section or with a lock held are not counted: the "
            'device does not hear of run and stop of vCPU threads (source "switch")'])

    def test_title(self):
        found = analysis.figure("a/latency_us")
        self.assertEqual((found.title, found.unit, found.better), ("a: wake-up latency", "us", -1))
