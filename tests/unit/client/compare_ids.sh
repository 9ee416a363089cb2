#!/bin/sh
# Builds print_ids.cc with two compilers and compares what it prints: SOURCE_DIR WORK_DIR COMPILER COMPILER.
set -eu
source=$1
work=$2
mkdir -p "$work"
for compiler in "$3" "$4"; do
  "$compiler" -std=c++20 -O0 -I"$source/client/include" -I"$source/common/include" \
    "$source/tests/unit/client/print_ids.cc" "$source/client/api/function_id.cc" "$source/client/api/type_name.cc" \
    -o "$work/print_ids"
  "$work/print_ids" > "$work/$(basename "$compiler").txt"
done
first="$work/$(basename "$3").txt"
# A program that prints nothing agrees with anything.
test "$(wc -l < "$first")" -ge 20
cmp "$first" "$work/$(basename "$4").txt"
