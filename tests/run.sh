#!/usr/bin/env bash
# Installs what is missing, builds a preset with all cores, and runs its tests.
# usage: run.sh [--preset NAME] [arguments of ctest]     NAME: release (default), dev, asan, tsan
# Exit status: ctest's; 1 when the tests pass but leave a process behind.
set -euo pipefail

preset=release
if [[ "${1:-}" == --preset ]]; then
  preset="${2:?run.sh: --preset needs the name of a preset in CMakePresets.json}"
  shift 2
fi
top="$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")"
build="$top/build/$preset"

# What the tests start inherits this mark, which finds what they leave, whatever its name or parent.
TROUPE_TEST_RUN="$(date +%s%N)-$$"
export TROUPE_TEST_RUN
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_stack_use_after_return=1}"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1}"
export TSAN_OPTIONS="${TSAN_OPTIONS:-halt_on_error=1 second_deadlock_stack=1}"

marked_pids() {
  local process
  for process in /proc/[0-9]*; do
    ! grep -qzxF "TROUPE_TEST_RUN=$TROUPE_TEST_RUN" "$process/environ" 2>/dev/null || echo "${process#/proc/}"
  done
}

# Fails when a process outlives the tests by more than a moment; ends such processes.
leave_nothing_running() {
  local pid pids=()
  for _ in {1..20}; do
    mapfile -t pids < <(marked_pids)
    ((${#pids[@]} > 0)) || return 0
    sleep 0.1
  done
  for pid in "${pids[@]}"; do
    echo "run.sh: left behind by the tests: pid $pid: $(tr '\0' ' ' <"/proc/$pid/cmdline")" >&2
    kill -KILL "$pid" || true
  done
  return 1
}

"$top/deploy/install-deps.sh"
(cd "$top" && cmake --preset "$preset" -Wno-dev >/dev/null)
cmake --build "$build"

status=0
ctest --test-dir "$build" --parallel 2 --output-on-failure "$@" || status=$?

if ! leave_nothing_running && ((status == 0)); then status=1; fi
exit "$status"
