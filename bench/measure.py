#!/usr/bin/env python3
"""Measures one build several times, keeps the raw figures, and prints the table of README.md from them.

usage: measure.py BUILD FILE.json [--runs 5] [--seconds 2]    measures, writes the file, prints the table
       measure.py --table FILE.json                          prints the table of a file

The file holds the command, the commit and the machine, and all figures of every run as `troupe microbenchmark --json`
gives them. The table has the medians of the runs. Files that README.md quotes lie in bench/results/.
"""
import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys

import compare

LIMITS = ("ring_round_trip", "ring_rate", "memcpy_gigabytes", "fork", "grpc_unary_echo")


def commit_of(folder):
    """Of the tree that this script lies in; "-dirty" with changes that are not committed."""
    described = subprocess.run(["git", "-C", folder, "describe", "--always", "--dirty", "--exclude=*", "--abbrev=12"],
                               capture_output=True, text=True)
    return described.stdout.strip() or "unknown"


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def readable(value):
    """Three digits that count: 1 210 000, 25.1, 0.04."""
    if value >= 1000:
        digits = len(str(int(value))) - 3
        return f"{round(value, -digits):,.0f}".replace(",", " ")
    return f"{value:.3g}"


def table(saved):
    """The rows of README.md's table: Troupe's, then what the machine can do."""
    figures = {}
    for run in saved["runs"]:
        for figure in run:
            figures.setdefault(figure["name"], []).append(figure)
    lines = ["| row | rate | median | 99 % |", "|---|--:|--:|--:|"]
    for name in sorted(figures, key=lambda name: name in LIMITS):
        def median(field, of=figures[name]):
            return statistics.median(figure[field] for figure in of)
        unit = "GB/s" if figures[name][0]["unit"] == "GB/s" else "/s"
        rate = readable(median("value")) + (" GB/s" if unit == "GB/s" else unit)
        times = ["", ""] if unit == "GB/s" else [f"{readable(median(p))} µs" for p in ("p50_us", "p99_us")]
        label = ("*limit:* " if name in LIMITS else "") + f"`{name}`"
        lines.append(f"| {label} | {rate} | {times[0]} | {times[1]} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", nargs="?")
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--table", action="store_true", help="measure nothing")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2, help="for each row of each run")
    options = parser.parse_args()
    options.filter = ""
    if not options.table:
        if not options.build:
            parser.error("name the build folder to measure")
        runs = [list(compare.measure(options.build, options).values()) for _ in range(options.runs)]
        command = f"bench/measure.py BUILD FILE.json --runs {options.runs} --seconds {options.seconds:g}"
        saved = {"command": command, "commit": commit_of(pathlib.Path(__file__).parent), "processor": processor(),
                 "processors": os.cpu_count(), "runs": runs}
        options.file.parent.mkdir(parents=True, exist_ok=True)
        options.file.write_text(json.dumps(saved, indent=1) + "\n")
    print(table(json.loads(options.file.read_text())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
