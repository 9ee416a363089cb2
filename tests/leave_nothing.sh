#!/usr/bin/env bash
# Runs a command, and fails when a process that it started, or shared memory, stays behind; ends such processes.
# usage: leave_nothing.sh COMMAND...
# Exit status: the command's; 1 when that is 0 and something stays.
set -euo pipefail

# A name in /dev/shm does not say who made it, so the command gets a /dev/shm that nobody else uses.
if [[ "${1:-}" != --own-memory ]]; then
  own=(unshare --mount)
  # Who is not root may mount in a user namespace, and should have no more rights afterwards than before.
  ((EUID == 0)) || own+=(--user --map-current-user --keep-caps)
  mount="mount -t tmpfs tmpfs /dev/shm"
  if "${own[@]}" $mount 2>/dev/null; then
    exec "${own[@]}" sh -c "$mount && exec setpriv --inh-caps=-all --ambient-caps=-all \"\$@\"" sh \
      "${BASH_SOURCE[0]}" --own-memory "$@"
  fi
  echo "leave_nothing.sh: this system lets nobody mount, so shared memory that stays behind is not seen" >&2
else
  own_memory=1
  shift
fi

# What the command starts inherits this mark, which finds what it leaves, whatever its name or parent.
TROUPE_TEST_RUN="$(date +%s%N)-$$"
export TROUPE_TEST_RUN

marked_pids() {
  local process
  for process in /proc/[0-9]*; do
    ! grep -qzxF "TROUPE_TEST_RUN=$TROUPE_TEST_RUN" "$process/environ" 2>/dev/null || echo "${process#/proc/}"
  done
}

# Fails when a process outlives the command by more than a moment; ends such processes.
no_process_stays() {
  local pid pids=()
  for _ in {1..20}; do
    mapfile -t pids < <(marked_pids)
    ((${#pids[@]} > 0)) || return 0
    sleep 0.1
  done
  for pid in "${pids[@]}"; do
    echo "leave_nothing.sh: left behind: pid $pid: $(tr '\0' ' ' <"/proc/$pid/cmdline")" >&2
    kill -KILL "$pid" || true
  done
  return 1
}

no_memory_stays() {
  local names
  [[ -n "${own_memory:-}" ]] || return 0
  names="$(ls -A /dev/shm)"
  [[ -n "$names" ]] || return 0
  echo "leave_nothing.sh: left behind in /dev/shm:" $names >&2
  return 1
}

status=0
"$@" || status=$?

left=0
no_process_stays || left=1
no_memory_stays || left=1
exit $((status != 0 ? status : left))
