#!/usr/bin/env python3
"""Shows that check_commands.py finds the commands of a page, and takes them apart as a shell does."""
import sys
import unittest

sys.dont_write_bytecode = True
import check_commands  # noqa: E402  (after the line that keeps it from writing into the source tree)


class CheckCommands(unittest.TestCase):
    def commands(self, text):
        return list(check_commands.commands_of_page(f"text\n\n```bash\n{text}\n```\n"))

    def test_takes_a_line_apart(self):
        self.assertEqual(self.commands("troupe start --resources '{\"disk\": 2}'   # a comment"),
                         [["start", "--resources", '{"disk": 2}']])

    def test_leaves_out_what_a_command_runs(self):
        self.assertEqual(self.commands("A=b troupe submit --no-wait -- ./x --bogus"), [["submit", "--no-wait"]])

    def test_leaves_out_descriptions(self):
        self.assertEqual(list(check_commands.commands_of("Examples:\n  troupe stop --all   all of them\n")),
                         [["stop", "--all"]])

    def test_passes_over_other_programs_and_other_blocks(self):
        self.assertEqual(self.commands("ls\ntroupe-head --port 1\ntroupe microbenchmark --filter x"), [])
        self.assertEqual(list(check_commands.commands_of_page("```\ntroupe x\n```\n")), [])


if __name__ == "__main__":
    unittest.main()
