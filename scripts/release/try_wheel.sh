#!/usr/bin/env bash
# Build the wheel twice, compare the bytes, install it into a fresh environment and run the demo.
#
#     scripts/release/try_wheel.sh PYTHON
#
# Needs pip's index or cache. The demo runs far from this checkout, in an empty folder.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for name in first second; do
  "$root/scripts/release/build_wheel.sh" "$1" "$folder/$name" > "$folder/$name.sha256"
done
cmp "$folder/first.sha256" "$folder/second.sha256"
cat "$folder/first.sha256"
"$1" -m venv "$folder/venv"
wheel=$(echo "$folder"/first/*.whl)
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile \
  --constraint "$root/constraints.txt" "reviewlens[local] @ file://$wheel"
mkdir "$folder/empty"
cd "$folder/empty"
"$folder/venv/bin/reviewlens" demo --once
echo "The wheel works."
