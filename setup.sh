#!/usr/bin/env bash
# Start all services with Docker Compose: check what is there, make secrets and .env, build and start.
#   ./setup.sh            checks, builds and starts; run it again after an update
#   ./setup.sh --check    only checks what this machine has
#   ./setup.sh --files    only makes the folder .compose/ and .env
#   ./setup.sh --gpu      as the first, with trainings on a GPU
# Nothing that exists is replaced: the secrets stay the same, as the data need them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
umask 077

SECRETS=.compose
MIN_MEMORY_MIB=4096
MIN_DISK_MIB=10240
COMPOSE_FILES=(-f docker-compose.yml)
problems=0

say() { printf '%s\n' "$*"; }
missing() {
  problems=$((problems + 1))
  printf 'missing: %s\n' "$*" >&2
}
random_hex() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }
setting() { # setting NAME DEFAULT: the value in the environment, else in .env
  local value=${!1:-}
  if [ -z "$value" ] && [ -f .env ]; then
    value=$(sed -n "s/^$1=//p" .env | tail -n 1)
  fi
  printf '%s' "${value:-$2}"
}

write() { # write NAME: standard input becomes a file that containers can read, unless it exists
  local path=$SECRETS/$1
  if [ -e "$path" ]; then
    cat > /dev/null
    return
  fi
  cat > "$path.new"
  chmod 444 "$path.new" # the folder is closed; users of containers are others than ours
  mv "$path.new" "$path"
}

make_files() {
  mkdir -p "$SECRETS"
  chmod 700 "$SECRETS"
  random_hex 18 | write database_password
  printf '{"host": "postgres", "port": 5432, "username": "reviewlens", "password": "%s", "dbname": "reviewlens"}\n' \
    "$(cat "$SECRETS/database_password")" | write database.json
  printf '{"key": "%s"}\n' "$(random_hex 32)" | write reviewer_key.json
  printf '[default]\naws_access_key_id = LOCAL%s\naws_secret_access_key = %s\n' \
    "$(random_hex 8 | cut -c1-15 | tr '[:lower:]' '[:upper:]')" "$(random_hex 20)" | write aws_credentials
  if [ ! -e .env ]; then
    cat > .env << 'SETTINGS'
# Settings of docker-compose.yml; a line without # changes one. Secrets are in the folder .compose/.
#API_PORT=8080
#AWS_PORT=4566
#LOG_LEVEL=INFO
#PICTURE_HOSTS=images.example.com
#PYTHON_IMAGE=python:3.12-slim-trixie@sha256:…
#GPUS=1
SETTINGS
    chmod 600 .env
  fi
  say "Secrets are in $SECRETS/ and settings in .env."
}

check_docker() {
  if ! command -v docker > /dev/null; then
    missing "docker. Install Docker Engine 25 or newer: https://docs.docker.com/engine/install/"
    return
  fi
  if ! docker compose version > /dev/null 2>&1; then
    missing "the compose plugin of docker, version 2.24 or newer (the old docker-compose 1 does not do)."
  else
    local version
    version=$(docker compose version --short 2> /dev/null)
    if ! newer_than "${version#v}" 2 24; then
      missing "docker compose 2.24 or newer; this is $version."
    fi
  fi
  if ! docker info > /dev/null 2>&1; then
    missing "a Docker engine that answers this account: start it, or add the account to the group docker."
  fi
}

newer_than() { # newer_than VERSION MAJOR MINOR
  local major=${1%%.*} rest=${1#*.}
  local minor=${rest%%.*}
  [[ $major =~ ^[0-9]+$ && $minor =~ ^[0-9]+$ ]] || return 1
  [ "$major" -gt "$2" ] || { [ "$major" -eq "$2" ] && [ "$minor" -ge "$3" ]; }
}

check_machine() {
  local memory disk
  if [ -r /proc/meminfo ]; then
    memory=$(awk '/^MemAvailable:/ {print int($2 / 1024)}' /proc/meminfo)
    if [ "$memory" -lt "$MIN_MEMORY_MIB" ]; then
      missing "memory: $memory MiB are available, the services need $MIN_MEMORY_MIB MiB."
    fi
  fi
  disk=$(df -Pm . | awk 'NR == 2 {print $4}')
  if [ "$disk" -lt "$MIN_DISK_MIB" ]; then
    missing "space on the disk: $disk MiB are free, image and data need $MIN_DISK_MIB MiB."
  fi
}

check_ports() {
  # ports that our own containers have are no problem
  if docker compose "${COMPOSE_FILES[@]}" ps --quiet proxy 2> /dev/null | grep -q .; then
    return
  fi
  local port
  for port in "$(setting API_PORT 8080)" "$(setting AWS_PORT 4566)" 9001 8002 8003 8004 8005 8006 8007; do
    if (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null; then
      missing "port $port: another program uses it. Stop that, or set API_PORT or AWS_PORT in .env if it is one of these."
    fi
  done
}

check_gpu() {
  if ! command -v nvidia-smi > /dev/null; then
    missing "nvidia-smi: install the NVIDIA driver and its container toolkit, or leave --gpu out."
  fi
  if [ ! -f .data/train.parquet ]; then
    missing ".data/train.parquet: make it with scripts/model/prepare_training_data.py (docs/model.md)."
  fi
}

check() {
  check_docker
  check_machine
  check_ports
  case " ${COMPOSE_FILES[*]} " in *gpu*) check_gpu ;; esac
  if [ "$problems" -gt 0 ]; then
    say "Nothing was started." >&2
    exit 1
  fi
  say "This machine has what the services need."
}

start() {
  make_files
  docker compose "${COMPOSE_FILES[@]}" build
  docker compose "${COMPOSE_FILES[@]}" up --detach --wait
  say "The API is at http://127.0.0.1:$(setting API_PORT 8080), the page at http://127.0.0.1:8006."
  say "Stop everything with: docker compose down. The data stay in volumes."
}

case ${1:-} in
  --check) check ;;
  --files) make_files ;;
  --gpu)
    COMPOSE_FILES+=(-f docker-compose.gpu.yml)
    check
    start
    ;;
  "")
    check
    start
    ;;
  *)
    sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit 2
    ;;
esac
