#!/usr/bin/env python3
"""Tests of bench/compare.py and bench/measure.py, with programs in place of the microbenchmark."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
BENCH = pathlib.Path(sys.argv.pop(1)) / "bench"
sys.path.insert(0, str(BENCH))
import measure  # noqa: E402

# Writes the figures of its next run, one line of `rates` for each: "row=value row=value".
PROGRAM = """#!/usr/bin/env python3
import json, pathlib, sys
rates = pathlib.Path(__file__).parent / "rates"
first, *more = rates.read_text().splitlines()
rates.write_text("\\n".join(more))
figures = [dict(name=name, unit="calls/s", value=float(value), p50_us=1e6 / float(value), p99_us=2e6 / float(value))
           for name, value in (pair.split("=") for pair in first.split())]
pathlib.Path(sys.argv[sys.argv.index("--json") + 1]).write_text(json.dumps(figures))
"""


class BenchTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def build(self, name, *runs):
        folder = self.root / name / "bin"
        folder.mkdir(parents=True)
        (folder / "rates").write_text("\n".join(runs))
        program = folder / "troupe-microbenchmark"
        program.write_text(PROGRAM)
        program.chmod(0o755)
        return folder.parent

    def compare(self, before, after, *flags):
        return subprocess.run([sys.executable, BENCH / "compare.py", before, after, *flags], capture_output=True, text=True)

    def test_says_which_row_is_slower(self):
        before = self.build("before", *["calls=100 tasks=50"] * 3)
        after = self.build("after", *["calls=80 tasks=51"] * 3)
        result = self.compare(before, after, "--rounds", "3")
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertRegex(result.stdout, r"calls +100 +80 .* 0\.80 .*SLOWER")
        self.assertNotRegex(result.stdout, r"tasks.*SLOWER")

    def test_takes_rounds_that_disagree_for_noise(self):
        before = self.build("before", "calls=100", "calls=100", "calls=100")
        after = self.build("after", "calls=80", "calls=101", "calls=80")
        self.assertEqual(self.compare(before, after, "--rounds", "3").returncode, 0)

    def test_takes_less_than_the_tolerance_for_noise(self):
        before = self.build("before", *["calls=100"] * 3)
        after = self.build("after", *["calls=98"] * 3)
        self.assertEqual(self.compare(before, after, "--rounds", "3").returncode, 0)

    def test_compares_each_round_with_its_own_turn(self):
        # The machine slows down; both builds are equal in each round, whichever comes first.
        before = self.build("before", "calls=100", "calls=50", "calls=25")
        after = self.build("after", "calls=100", "calls=50", "calls=25")
        result = self.compare(before, after, "--rounds", "3")
        self.assertEqual(result.returncode, 0)
        self.assertRegex(result.stdout, r"calls .* 1\.00 +1\.00 - 1\.00")

    def test_says_when_nothing_was_measured(self):
        result = self.compare(self.root, self.root)
        self.assertEqual(result.returncode, 2)
        self.assertIn("did not measure", result.stderr)

    def test_keeps_the_raw_figures(self):
        before = self.build("before", "calls=100")
        after = self.build("after", "calls=80")
        self.compare(before, after, "--rounds", "1", "--save", self.root / "saved.json")
        saved = json.loads((self.root / "saved.json").read_text())
        self.assertEqual(saved["rounds"][0]["after"][0]["value"], 80)
        self.assertIn("--rounds 1", saved["command"])

    def test_makes_the_table_from_the_medians(self):
        build = self.build("build", "calls=1200000 fork=1500", "calls=1234567 fork=1400", "calls=1300000 fork=1300")
        output = self.root / "results" / "file.json"
        printed = subprocess.run([sys.executable, BENCH / "measure.py", build, output, "--runs", "3"],
                                 capture_output=True, text=True, check=True).stdout
        self.assertIn("| `calls` | 1 230 000/s | 0.81 µs | 1.62 µs |", printed)
        self.assertIn("| *limit:* `fork` | 1 400/s | 714 µs |", printed)
        saved = json.loads(output.read_text())
        self.assertEqual(len(saved["runs"]), 3)
        self.assertTrue(saved["commit"] and saved["processor"])
        again = subprocess.run([sys.executable, BENCH / "measure.py", "--table", output],
                               capture_output=True, text=True, check=True).stdout
        self.assertEqual(again, printed)

    def test_rounds_to_three_digits(self):
        for value, text in ((1234567, "1 230 000"), (15900.4, "15 900"), (999, "999"), (25.12, "25.1"), (0.0401, "0.0401")):
            self.assertEqual(measure.readable(value), text)


if __name__ == "__main__":
    unittest.main()
