#!/usr/bin/env bash
# Install nginx for the test of docker-compose.yml unless it is already installed.
set -euo pipefail

command -v nginx > /dev/null && exit 0
root=""
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo > /dev/null && sudo -n true 2> /dev/null && root="sudo -n"
fi
if command -v apt-get > /dev/null && { [ "$(id -u)" -eq 0 ] || [ -n "$root" ]; }; then
  echo "Installing nginx from the distribution …" >&2
  # the package would start a server at port 80
  $root apt-get install -y --no-install-recommends nginx-light > /dev/null 2>&1 || {
    $root apt-get update > /dev/null 2>&1 &&
      $root apt-get install -y --no-install-recommends nginx-light > /dev/null 2>&1
  } || true
fi
command -v nginx > /dev/null || {
  echo "nginx is missing: install it (Debian: apt-get install nginx-light)." >&2
  exit 1
}
