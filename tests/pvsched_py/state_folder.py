# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Tests that remember figures do so in a folder of their own."""

import os
import tempfile
import unittest
from unittest import mock


class InStateFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        patch = mock.patch.dict(os.environ, {"XDG_STATE_HOME": folder.name})
        patch.start()
        self.addCleanup(patch.stop)
