#!/usr/bin/env bash
# Installs what is missing, builds a preset with all cores, and runs its tests.
# usage: run.sh [--preset NAME] [arguments of ctest]     NAME: release (default), dev, asan, tsan
# Exit status: ctest's; 1 when the tests pass but leave a process or shared memory behind.
set -euo pipefail

preset=release
if [[ "${1:-}" == --preset ]]; then
  preset="${2:?run.sh: --preset needs the name of a preset in CMakePresets.json}"
  shift 2
fi
top="$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")"
build="$top/build/$preset"

export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_stack_use_after_return=1}"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1}"
export TSAN_OPTIONS="${TSAN_OPTIONS:-halt_on_error=1 second_deadlock_stack=1}"

"$top/deploy/install-deps.sh"
(cd "$top" && cmake --preset "$preset" -Wno-dev >/dev/null)
cmake --build "$build"

exec "$top/tests/leave_nothing.sh" ctest --test-dir "$build" --parallel 2 --output-on-failure "$@"
