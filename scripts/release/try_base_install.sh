#!/usr/bin/env bash
# Install the package without extras into a fresh environment and try it. Needs pip's index or cache.
#
#     scripts/release/try_base_install.sh [API_URL]
#
# With the URL of a running API it also sends requests.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  -c "$root/constraints.txt" "$root"
cd "$folder"
"$folder/venv/bin/pip" list --disable-pip-version-check
"$folder/venv/bin/python" -c "import reviewlens.models; from reviewlens import AsyncClient, Client"
reviewlens=$folder/venv/bin/reviewlens
"$reviewlens" --help > /dev/null
for command in up demo reset doctor adapt models env; do
  status=0
  message=$("$reviewlens" "$command" 2>&1) || status=$?
  [[ $status == 2 && $message == *"reviewlens[local]"* ]] || { echo "$command: $message"; exit 1; }
done
if [[ $# -gt 0 ]]; then
  "$reviewlens" status --api-url "$1"
  "$reviewlens" analyze "The hinge snapped after three weeks." --api-url "$1"
  "$reviewlens" search "hinge broke" --top-k 3 --api-url "$1"
fi
echo "The base installation works."
