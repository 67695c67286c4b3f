#!/usr/bin/env bash
# Deploy the page to a Hugging Face Space.
#
#     HF_TOKEN=… HF_USERNAME=… scripts/space/deploy_to_hf.sh [--name NAME] [--private]
#     scripts/space/deploy_to_hf.sh --dry-run
#
# A dry run needs neither a token nor the network: it lists the files to upload with their sizes.
set -euo pipefail
cd "$(dirname "$0")/../.."

usage() { sed -n '2,7s/^# \{0,1\}//p' scripts/space/deploy_to_hf.sh; }

name=reviewlens dry_run='' private=()
while (($#)); do
  case "$1" in
    --dry-run) dry_run=1 ;;
    --private) private=(--private) ;;
    --name)
      name="${2:-}"
      shift
      ;;
    -h | --help) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
  shift
done
[[ $name =~ ^[A-Za-z0-9][A-Za-z0-9._-]{0,95}$ ]] || {
  echo "--name: letters, digits, dots, dashes and underscores are allowed" >&2
  exit 2
}

python="${PYTHON:-.venv/bin/python}"
[[ -x $python ]] || python=python3

if [[ $dry_run ]]; then
  echo "Files to upload to https://huggingface.co/spaces/${HF_USERNAME:-<HF_USERNAME>}/$name:"
  exec "$python" scripts/space/build_space.py --list
fi

: "${HF_TOKEN:?is not set: a token of your account with write access is required}"
: "${HF_USERNAME:?is not set: the account that owns the Space}"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"$python" scripts/space/build_space.py "$folder/space" > /dev/null
"$python" scripts/space/upload_space.py "$folder/space" --repo "$HF_USERNAME/$name" "${private[@]}"
