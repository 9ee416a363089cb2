#!/usr/bin/env bash
# What leave_nothing.sh says of commands that leave something, and of those that do not.
set -euo pipefail

run="$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/leave_nothing.sh"

# usage: expect STATUS TEXT COMMAND...   the exit status of leave_nothing.sh, and what it prints
expect() {
  local want="$1" text="$2" status=0 output
  shift 2
  output="$("$run" "$@" 2>&1)" || status=$?
  [[ "$status" == "$want" && "$output" == *"$text"* ]] && return
  echo "leave_nothing.sh $*: status $status instead of $want, or not '$text' in: $output" >&2
  exit 1
}

expect 0 "" true
expect 3 "" sh -c 'exit 3'
expect 0 "" sh -c 'sleep 0.2 >/dev/null 2>&1 &'
expect 1 "left behind: pid" sh -c 'sleep 60 >/dev/null 2>&1 &'
expect 3 "left behind: pid" sh -c 'sleep 60 >/dev/null 2>&1 & exit 3'
if "$run" true 2>&1 | grep -q "lets nobody mount"; then exit 0; fi
expect 1 "left behind in /dev/shm: troupe-test-x" touch /dev/shm/troupe-test-x
expect 3 "left behind in /dev/shm: troupe-test-x" sh -c 'touch /dev/shm/troupe-test-x; exit 3'
expect 0 "" sh -c 'touch /dev/shm/troupe-test-x && rm /dev/shm/troupe-test-x'
