#!/usr/bin/env bash
# Build the wheel of the current commit: the same commit gives the same bytes.
#
#     scripts/release/build_wheel.sh PYTHON FOLDER
#
# PYTHON has the packages of the extra `dev`. Files that are not committed are left out.
set -euo pipefail

python=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
mkdir -p "$2"
folder=$(cd "$2" && pwd)
cd "$(dirname "$0")/../.."
source=$(mktemp -d)
trap 'rm -rf "$source"' EXIT
umask 022 # a wheel contains the modes of its files
git archive HEAD | tar -x -C "$source"
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) PYTHONHASHSEED=0 \
  "$python" -m build --quiet --wheel --no-isolation --outdir "$folder" "$source" >&2
cd "$folder"
sha256sum reviewlens-*.whl
