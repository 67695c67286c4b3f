#!/usr/bin/env bash
# Install Chromium for the browser tests unless it is already installed.
#   scripts/install_chromium.sh [PYTHON with playwright]
set -euo pipefail
python=${1:-python3}

has_chromium() {
  for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null && return 0
  done
  # `playwright install` uses its own location
  "$python" - 2>/dev/null <<'PY'
import os, sys
from playwright.sync_api import sync_playwright
with sync_playwright() as started:
    sys.exit(0 if os.path.exists(started.chromium.executable_path) else 1)
PY
}

has_chromium && exit 0
root=""
if [ "$(id -u)" -ne 0 ] && command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
  root="sudo -n"
fi
if command -v apt-get >/dev/null && { [ "$(id -u)" -eq 0 ] || [ -n "$root" ]; }; then
  echo "Installing Chromium from the distribution …" >&2
  if $root apt-get install -y --no-install-recommends chromium >/dev/null 2>&1 || {
    $root apt-get update >/dev/null 2>&1 &&
      $root apt-get install -y --no-install-recommends chromium >/dev/null 2>&1
  }; then
    has_chromium && exit 0
  fi
fi
echo "Installing Chromium with playwright …" >&2
"$python" -m playwright install chromium
