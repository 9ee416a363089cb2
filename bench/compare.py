#!/usr/bin/env python3
"""Measures two builds in turns in one session, and says of each row how they compare.

usage: compare.py BEFORE AFTER [--rounds 5] [--seconds 2] [--filter REGEX] [--save FILE] [--tolerance 0.03]

BEFORE and AFTER are build folders or prefixes, with bin/troupe-microbenchmark in them. A round measures both, each second
round in the other order, so that a machine that slows down slows both. Printed are the medians of the rounds, and the
median, the smallest and the largest of the rounds' ratios AFTER / BEFORE.

A row is slower when the medians say so by more than the tolerance and no round says otherwise. With five rounds that
happens to an unchanged row by chance about once in 32 times, so repeat what is slower with --filter and more rounds
before believing it. `memcpy_gigabytes` and `fork` are the machine's, not Troupe's: what they lose is noise.

Exit status: 0 when no row is slower, 1 when one is, 2 when something could not be measured.
"""
import argparse
import json
import os
import pathlib
import re
import shlex
import statistics
import subprocess
import sys
import tempfile


def measure(build, options):
    """{row: figures} of one run of the microbenchmark of `build`, on a cluster of its own."""
    program = pathlib.Path(build, "bin", "troupe-microbenchmark").resolve()
    environment = {name: value for name, value in os.environ.items() if name not in ("TROUPE_ADDRESS", "TROUPE_HOME")}
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder, "figures.json")
        command = [program, "--json", output, "--seconds", str(options.seconds), "--filter", options.filter]
        try:
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
            return {figure["name"]: figure for figure in json.loads(output.read_text())}
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            print(f"compare: {program} did not measure: {error}", file=sys.stderr)
            sys.exit(2)


def measure_in_turns(before, after, options):
    """[(figures of before, figures of after)], one for each round."""
    rounds = []
    for number in range(options.rounds):
        builds = (before, after) if number % 2 == 0 else (after, before)
        figures = [measure(build, options) for build in builds]
        rounds.append(tuple(figures if number % 2 == 0 else reversed(figures)))
        print(f"round {number + 1} of {options.rounds} done", file=sys.stderr)
    return rounds


def compare(rounds, tolerance):
    """[(row, unit, before, after, ratio, smallest, largest, is_slower)], of the rows that both have."""
    rows = []
    for name, figure in rounds[0][0].items():
        if not all(name in build for pair in rounds for build in pair):
            continue
        values = [(before[name]["value"], after[name]["value"]) for before, after in rounds]
        ratios = [after / before for before, after in values]
        ratio = statistics.median(ratios)
        rows.append((name, figure["unit"], statistics.median(before for before, _ in values),
                     statistics.median(after for _, after in values), ratio, min(ratios), max(ratios),
                     ratio < 1 - tolerance and max(ratios) < 1))
    return rows


def print_rows(rows):
    print(f"{'row':<30} {'before':>12} {'after':>12}  {'unit':<14} {'ratio':>6}  {'of the rounds':>13}")
    for name, unit, before, after, ratio, smallest, largest, is_slower in rows:
        print(f"{name:<30} {before:>12.6g} {after:>12.6g}  {unit:<14} {ratio:>6.2f}  {smallest:>5.2f} - {largest:<5.2f}"
              f"{'  SLOWER' if is_slower else ''}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before")
    parser.add_argument("after")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2, help="for each row of each round")
    parser.add_argument("--filter", default="", help="only rows that match this regular expression")
    parser.add_argument("--tolerance", type=float, default=0.03)
    parser.add_argument("--save", type=pathlib.Path, help="write all figures of all rounds to this file")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds: at least 1")
    re.compile(options.filter)
    rounds = measure_in_turns(options.before, options.after, options)
    if options.save:
        saved = {"command": shlex.join(["bench/compare.py", *sys.argv[1:]]),
                 "rounds": [{"before": list(before.values()), "after": list(after.values())}
                            for before, after in rounds]}
        options.save.write_text(json.dumps(saved, indent=1) + "\n")
    rows = compare(rounds, options.tolerance)
    print_rows(rows)
    return 1 if any(row[-1] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
