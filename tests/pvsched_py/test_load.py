# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Background load: where it runs, that it stops, and what is refused."""

import os
import time
import unittest

import load
import scenario
import threads


def spinning(spinner, at_least_ns):
    """Wait until it got that much CPU time; False after ten seconds."""
    start, deadline = spinner.run_ns(), time.monotonic() + 10
    while spinner.run_ns() - start < at_least_ns:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


class Spinners(unittest.TestCase):
    def setUp(self):
        self.cpu = max(os.sched_getaffinity(0))

    def background(self, **keys):
        found = load.Background([scenario.Background(cpus=[self.cpu], **keys)])
        self.addCleanup(found.close)
        return found

    def test_runs_on_its_cpu_with_its_nice_in_our_session(self):
        background = self.background(nice=5)
        pid = background.spinners[0].proc.pid
        self.assertEqual(os.sched_getaffinity(pid), {self.cpu})
        self.assertEqual(threads.get_attr(pid).nice, 5)
        self.assertEqual(os.getsid(pid), os.getsid(0))

    def test_resumes_and_ends(self):
        background = self.background()
        spinner = background.spinners[0]
        background.resume()
        self.assertTrue(spinning(spinner, 10_000_000))
        background.close()
        self.assertFalse(spinner.alive())
        self.assertEqual(background.spinners, [])

    def test_paused_gets_nothing(self):
        background = self.background()
        spinner = background.spinners[0]
        background.resume()
        self.assertTrue(spinning(spinner, 1_000_000))
        background.pause()
        state = ""
        while state != "T":
            with open(f"/proc/{spinner.proc.pid}/stat", encoding="ascii") as stat:
                state = stat.read().rpartition(")")[2].split()[0]
        before = spinner.run_ns()
        time.sleep(0.05)
        self.assertEqual(spinner.run_ns(), before)

    def test_class_idle(self):
        background = self.background(sched="idle")
        self.assertEqual(threads.get_attr(background.spinners[0].proc.pid).class_name, "idle")

    def test_a_cpu_that_is_not_ours(self):
        with self.assertRaises(load.LoadError) as caught:
            load.Background([scenario.Background(cpus=[4000])])
        self.assertIn("background load on host CPU 4000, but this process may use only",
                      str(caught.exception))

    def test_dead_load_is_noticed(self):
        background = self.background()
        background.spinners[0].proc.kill()
        background.spinners[0].proc.wait()
        with self.assertRaises(load.LoadError) as caught:
            background.resume()
        self.assertEqual(str(caught.exception),
                         f"background load on host CPU {self.cpu} ended by itself")
