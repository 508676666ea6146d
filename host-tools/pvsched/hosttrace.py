# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""ftrace of the host's scheduler while something is measured, in an instance of its own: what ran on
each host CPU, the background included, for the trace."""

import os
import shutil
from pathlib import Path

TRACEFS = Path("/sys/kernel/tracing")
BUFFER_KB = 16384  # for each CPU


class HostTrace:
    """A context that leaves the trace in `path`; where ftrace may not be had, a note says so."""

    def __init__(self, path, notes):
        self.path, self.notes = path, notes
        self.instance = TRACEFS / "instances" / f"sluice-{os.getpid()}"

    def __enter__(self):
        try:
            self.instance.mkdir()
            self._write("trace_clock", "mono")
            self._write("buffer_size_kb", str(BUFFER_KB))
            self._write("events/sched/sched_switch/enable", "1")
        except OSError as why:
            note = f"no trace of the host's CPUs: {why}; it takes root and tracefs at {TRACEFS}"
            if note not in self.notes:
                self.notes.append(note)
            self._remove()
            self.instance = None
        return self

    def _write(self, name, text):
        (self.instance / name).write_text(text)

    def _remove(self):
        try:
            self.instance.rmdir()
        except OSError:
            pass

    def __exit__(self, *exc):
        if not self.instance:
            return
        try:
            self._write("tracing_on", "0")
            with open(self.instance / "trace", "rb") as source, open(self.path, "wb") as out:
                shutil.copyfileobj(source, out)
        finally:
            self._remove()
