#!/usr/bin/env bash
# Installs what is missing of packages.txt on Debian 12.
# usage: install-deps.sh [--build-only]     --build-only leaves out what only the checkers and sanitizers need
set -euo pipefail

die() { echo "install-deps: $*" >&2; exit 1; }

wanted='build|check'
case "${1:-}" in
  '') ;;
  --build-only) wanted='build' ;;
  *) die "unknown argument '$1'; usage: install-deps.sh [--build-only]" ;;
esac
list="$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/packages.txt"

wanted_lines() { grep -E "^($wanted) " "$list"; }

is_debian_12() {
  grep -qx 'ID=debian' /etc/os-release 2>/dev/null && grep -qx 'VERSION_ID="12"' /etc/os-release
}

# Debian's package database answers in milliseconds, so that a second run costs nothing.
missing_packages() {
  local package installed
  installed="$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' | grep '^installed ' | cut -d' ' -f2 | sort -u)"
  while read -r _ package _; do
    grep -qxF "$package" <<<"$installed" || echo "$package"
  done < <(wanted_lines)
}

has_probe() {
  case "$1" in
    '<'*) g++ -std=c++20 -E -x c++ - <<<"#include $1" >/dev/null 2>&1 ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

missing_probes() {
  local package probe
  while read -r _ package probe; do
    has_probe "$probe" || echo "$package"
  done < <(wanted_lines)
}

if ! is_debian_12; then
  mapfile -t missing < <(missing_probes)
  ((${#missing[@]} == 0)) && exit 0
  die "this is not Debian 12, and these are missing (Debian's names): ${missing[*]}. Install them yourself, or use Debian 12."
fi

mapfile -t missing < <(missing_packages)
((${#missing[@]} == 0)) && exit 0

as_root=()
if ((EUID != 0)); then
  command -v sudo >/dev/null ||
    die "neither root nor sudo here; as root, run: apt-get update && apt-get install -y ${missing[*]}"
  as_root=(sudo)
fi
echo "install-deps: installing ${missing[*]}"
"${as_root[@]}" apt-get update -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
