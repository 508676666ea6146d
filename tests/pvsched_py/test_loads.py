# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Loads in a guest end with the measurement: the guest's shell script, run by this host's dash."""

import subprocess
import tempfile
import unittest
from pathlib import Path

from measure import STOP_LOADS


class StopLoads(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.list = Path(folder.name) / "loads"

    def load(self, line):
        """A load as GuestWork starts it: a session, whose workers are in its process group."""
        load = subprocess.Popen(["sh", "-c", line], start_new_session=True, stdout=subprocess.PIPE,
                                text=True)
        self.addCleanup(load.stdout.close)
        self.addCleanup(load.wait)
        self.addCleanup(load.kill)
        return load

    def stop(self, *loads):
        self.list.write_text("".join(f"{load.pid}\n" for load in loads))
        return subprocess.Popen(["sh", "-c", STOP_LOADS, self.list], stdout=subprocess.PIPE, text=True)

    def test_a_load_ends_with_its_workers(self):
        load = self.load("sleep 1000 & echo started; wait")
        self.assertEqual(load.stdout.readline(), "started\n")
        stopping = self.stop(load)
        # Its pipe has an end when the last of the group is gone.
        self.assertEqual(load.stdout.read(), "")
        self.assertEqual(load.wait(), -9)
        self.assertEqual(stopping.communicate()[0], "")
        self.assertEqual(stopping.returncode, 0)
        self.assertFalse(self.list.exists())

    def test_one_that_ended_by_itself_is_told(self):
        load = self.load("exit 2")
        load.wait()
        stopping = self.stop(load)
        self.assertEqual(stopping.communicate()[0], "it ended by itself\n")
        self.assertEqual(stopping.returncode, 1)


if __name__ == "__main__":
    unittest.main()
