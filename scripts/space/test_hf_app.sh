#!/usr/bin/env bash
# Test the Space as Hugging Face runs it: a new environment with its requirements, its own folder,
# an unprivileged user, and nothing from this checkout.
#
#     scripts/space/test_hf_app.sh [--keep FOLDER]
#
# Prints the answer, the time until the Space was ready, and its memory. The installation needs the
# network; --keep stores the Space and its environment in FOLDER and reuses them.
set -euo pipefail
cd "$(dirname "$0")/../.."

python="${PYTHON:-python3.11}"
command -v "$python" > /dev/null || python=python3
folder=''
while (($#)); do
  case "$1" in
    --keep)
      folder="${2:?--keep needs a folder}"
      shift
      ;;
    *) sed -n '2,8s/^# \{0,1\}//p' scripts/space/test_hf_app.sh >&2 && exit 2 ;;
  esac
  shift
done
if [[ ! $folder ]]; then
  folder="$(mktemp -d)"
  trap 'rm -rf "$folder"' EXIT
fi
mkdir -p "$folder"
chmod 755 "$folder" # the Space runs as another user

builder="${BUILDER:-.venv/bin/python}"
[[ -x $builder ]] || builder="$python"
"$builder" scripts/space/build_space.py "$folder/space" > /dev/null
if ! cmp -s "$folder/space/requirements.txt" "$folder/installed.txt"; then
  rm -rf "$folder/venv"
  "$python" -m venv "$folder/venv"
  sdk="$(sed -n 's/^sdk_version: "\(.*\)"$/\1/p' "$folder/space/README.md")"
  # the platform installs its own packages in the same step, so they must be compatible with ours
  "$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    -r "$folder/space/requirements.txt" "gradio[oauth,mcp]==$sdk" spaces \
    "uvicorn>=0.14.0" "websockets>=10.4"
  cp "$folder/space/requirements.txt" "$folder/installed.txt"
fi
"$folder/venv/bin/python" scripts/space/try_space.py "$folder/space"
