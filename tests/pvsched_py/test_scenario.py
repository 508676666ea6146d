# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Scenario files: what is read, and what is refused with which words."""

import tempfile
import tomllib
import unittest
from pathlib import Path
from types import SimpleNamespace as Thing

import scenario

WHOLE = """description = "two arms"
rounds = 3

[[vm]]
cpus = 2
pin = [0, [0, 1]]

[[vm.workload]]
kind = "cyclictest"
interval_us = 2000

[[vm.workload]]
kind = "stress-ng"
measure = false

[[background]]
cpus = [0, 1]

[[arm]]
name = "default"

[[arm]]
name = "boost"
policy = "boost"
tunables = { hold_us = 500 }
"""


class Reading(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = Path(self.folder.name) / "some.toml"

    def load(self, text):
        self.path.write_text(text)
        return scenario.load(self.path)

    def refused(self, text, wanted):
        with self.assertRaises(scenario.ScenarioError) as caught:
            self.load(text)
        self.assertEqual(str(caught.exception), f"{self.path}:{wanted}")

    def test_whole(self):
        found = self.load(WHOLE)
        self.assertEqual((found.name, found.rounds, found.duration), ("some", 3, 8.0))
        self.assertEqual([w.kind for w in found.vm[0].workload], ["cyclictest", "stress-ng"])
        self.assertEqual(found.vm[0].pin, [[0], [0, 1]])
        self.assertEqual(found.vm[0].name, "vm0")
        self.assertEqual(found.background[0].cpus, [0, 1])
        self.assertEqual(found.arm[1].tunables, {"hold_us": 500})

    def test_first_arm_is_the_reference_unless_said(self):
        self.assertEqual([a.reference for a in self.load(WHOLE).arm], [True, False])
        self.assertEqual([a.reference for a in self.load(WHOLE + "reference = true\n").arm],
                         [False, True])

    def test_unknown_key_names_its_line_and_the_keys(self):
        self.refused(WHOLE.replace("cpus = 2", "cores = 2"),
                     "5: vm.cores: there is no such key here; the keys are: name, cpus, memory, "
                     "kernel, pin, main_loop, device, programs, module, privileged, "
                     "count_instructions, workload")

    def test_wrong_type_says_what_is_expected(self):
        self.refused(WHOLE.replace("cpus = 2", 'cpus = "2"'),
                     "5: vm.cpus: got '2', expected a whole number from 1 to 64")

    def test_true_is_no_number(self):
        self.refused(WHOLE.replace("cpus = 2", "cpus = true"),
                     "5: vm.cpus: got True, expected a whole number from 1 to 64")

    def test_key_of_the_second_of_two_tables(self):
        self.refused(WHOLE.replace('kind = "stress-ng"', 'kind = "stress"'),
                     "13: vm.workload.kind: got 'stress', expected one of \"cyclictest\", "
                     '"hackbench", "schbench", "stress-ng", "pvs-lock", "pvs-audio", "pvs-wake", "shell"')

    def test_missing_key(self):
        self.refused(WHOLE.replace('name = "boost"\n', ""),
                     '22: arm: the key "name" is missing; it takes a name of lower-case letters, '
                     'digits, "-", "+" and "."')

    def test_missing_description(self):
        self.refused(WHOLE.replace('description = "two arms"', ""),
                     '1: the file: the key "description" is missing; it takes a string in quotes, '
                     'such as "text"')

    def test_one_table_where_several_may_be(self):
        self.refused(WHOLE.replace("[[vm]]", "[vm]").replace("[[vm.workload]]", "[[vm.load]]"),
                     "4: vm: is an array of tables: write [[vm]]")

    def test_pin_of_another_number_of_vcpus(self):
        self.refused(WHOLE.replace("pin = [0, [0, 1]]", "pin = [0]"),
                     "6: vm.pin: has 1 entries for 2 vCPUs; it needs one for each")

    def test_same_name_twice(self):
        self.refused(WHOLE.replace('name = "boost"', 'name = "default"'),
                     '23: arm.name: "default" stands twice; give each its own')

    def test_two_references(self):
        text = WHOLE.replace('name = "default"', 'name = "default"\nreference = true')
        self.refused(text + "reference = true\n",
                     "27: arm.reference: a second arm with reference = true; take it from all but one")

    def test_no_machine(self):
        self.refused('description = "x"\n[[arm]]\nname = "a"\n',
                     "1: the file: it has no virtual machine; write at least [[vm]]")

    def test_static_class_beside_a_policy(self):
        self.refused(WHOLE + 'static = "fifo"\n',
                     '26: arm.static: goes with policy = "none" only: the policy "boost" would '
                     "change the same threads")

    def test_ceiling_of_an_arm_under_a_manager(self):
        text = WHOLE + 'ceiling = ["slice"]\n'
        self.assertEqual(self.load(text).arm[1].ceiling, ["slice"])
        self.refused(text.replace("[[vm]]", "[manager]\n\n[[vm]]"),
                     "28: arm.ceiling: is the same in all arms under a manager: write "
                     'device = { ceiling = "slice,fifo" } in [[vm]] instead, and for fifo or '
                     "deadline also fifo = true or deadline = true in [manager]")

    def test_claims(self):
        for text, claims in (("", []), ("claim = 4\n", [4]), ("claim = [4, 5]\n", [4, 5])):
            self.assertEqual(self.load(text + WHOLE).claim, claims)
        for bad in ("0", "[4, 11]", '"4"', "[]", "true"):
            self.refused(f"claim = {bad}\n" + WHOLE,
                         f"1: claim: got {tomllib.loads(f'x = {bad}')['x']!r}, expected the number "
                         "of a claim, from 1 to 10, or a list of them")

    def test_not_toml(self):
        with self.assertRaises(scenario.ScenarioError) as caught:
            self.load("rounds = \n")
        self.assertEqual(str(caught.exception),
                         f"{self.path}: not TOML: Invalid value (at line 1, column 10)")

    def test_pin_to_no_cpu(self):
        self.refused(WHOLE.replace("[0, [0, 1]]", "[0, []]"),
                     "6: vm.pin: got [0, []], expected a list with a host CPU, or a list of them, for "
                     "each vCPU, such as [0, 1]")

    def test_nested_too_deep(self):
        with self.assertRaises(scenario.ScenarioError) as caught:
            self.load("a = " + "[" * 5000)
        self.assertIn(f"{self.path}: not TOML: ", str(caught.exception))

    def test_options_are_checked_as_keys(self):
        found = self.load(WHOLE)
        scenario.override(found, rounds=2, seed=7)
        self.assertEqual((found.rounds, found.seed, found.duration), (2, 7, 8.0))
        for key, value, wanted in (("rounds", 0, "a whole number from 1 to 1000"),
                                   ("seed", -1, "a whole number from 0 to 4294967295"),
                                   ("duration", float("nan"), "a number from 0.2 to 3600"),
                                   ("warmup", -1.0, "a number from 0 to 600")):
            with self.assertRaises(scenario.ScenarioError) as caught:
                scenario.override(found, **{key: value})
            self.assertEqual(str(caught.exception), f"--{key} {value}: expected {wanted}")

    def test_host_cpus_that_are_not_there(self):
        found = self.load(WHOLE)
        scenario.fits(found, {0, 1, 2})
        for here, where in (({0}, "vm.pin of vm0"), ({1}, "vm.pin of vm0")):
            with self.assertRaises(scenario.ScenarioError) as caught:
                scenario.fits(found, here)
            cpu, only = (1, 0) if here == {0} else (0, 1)
            self.assertEqual(str(caught.exception),
                             f"{self.path}: {where}: host CPU {cpu}, but this process may use only "
                             f"{only}; name one of them")
        found.vm[0].pin = []
        with self.assertRaises(scenario.ScenarioError) as caught:
            scenario.fits(found, {0})
        self.assertIn("background.cpus: host CPU 1,", str(caught.exception))

    def test_absent_file(self):
        with self.assertRaises(scenario.ScenarioError) as caught:
            scenario.load(self.path)
        self.assertEqual(str(caught.exception),
                         f"{self.path}: cannot be read: No such file or directory; ./sluice pvsched "
                         "list names the scenarios there are")


class Overcommit(unittest.TestCase):
    @staticmethod
    def words(pins, load=(), here=(0, 1)):
        """Machines by their pins, or by how many vCPUs they have; background by (CPUs, per_cpu)."""
        machines = [scenario.Machine(cpus=pin) if isinstance(pin, int) else
                    scenario.Machine(cpus=len(pin), pin=pin) for pin in pins]
        background = [scenario.Background(cpus=cpus, per_cpu=n) for cpus, n in load]
        return scenario.overcommit(Thing(vm=machines, background=background), set(here))

    def test_pins_and_background(self):
        self.assertEqual(self.words([[[0], [1]]]), "1:1")
        self.assertEqual(self.words([[[0], [1]]], [([0, 1], 1)]), "2:1")
        self.assertEqual(self.words([[[0], [1]]], [([], 2)]), "3:1")
        self.assertEqual(self.words([[[0], [1]], [[0], [1]]]), "2:1")

    def test_uneven(self):
        self.assertEqual(self.words([[[0], [1]]], [([0], 3)]),
                         "4:1 on host CPU 0, 1:1 on host CPU 1")

    def test_several_cpus(self):
        self.assertEqual(self.words([[[0, 1], [0, 1], [0, 1]]]), "1.5:1")
        self.assertEqual(self.words([2], here=(0, 1, 2)), "0.67:1")

    def test_a_cpu_without_vcpus_is_nobodys_contest(self):
        self.assertEqual(self.words([[[0]]], [([0, 1], 1)]), "2:1")


class Naming(unittest.TestCase):
    def test_by_name_and_by_file(self):
        self.assertEqual(scenario.find("tiny"), scenario.SCENARIOS / "tiny.toml")
        self.assertEqual(scenario.find("./tiny"), Path("tiny"))
        self.assertEqual(scenario.find("my.toml"), Path("my.toml"))

    def test_no_such_name(self):
        with self.assertRaises(scenario.ScenarioError) as caught:
            scenario.find("tinny")
        text = str(caught.exception)
        self.assertTrue(text.startswith("no scenario is called tinny; there are "), text)
        self.assertTrue(text.endswith(", tiny, two-vms, or name a file: tinny.toml"), text)


    def test_a_claims_number_is_no_scenario(self):
        for number, how in ((1, "pvschedctl bench in a guest, pvs_hint_bench on the host"),
                            (5, "scenario claim-4-wakeup")):
            with self.assertRaises(scenario.ScenarioError) as caught:
                scenario.find(f"claim-{number}")
            self.assertEqual(str(caught.exception),
                             f"no scenario is called claim-{number}; claim {number} is measured "
                             f"by: {how}; the command is: ./sluice pvsched claim {number}")


class Shipped(unittest.TestCase):
    def test_every_shipped_scenario_is_good(self):
        found = list(scenario.all_scenarios())
        self.assertGreater(len(found), 0)
        for path, what in found:
            self.assertIsInstance(what, scenario.Scenario, f"{path}: {what}")

    def test_a_scenario_named_after_a_claim_says_so(self):
        for path, what in scenario.all_scenarios():
            if path.name.startswith("claim-"):
                self.assertIn(int(path.name.split("-")[1]), what.claim, path.name)
