#!/usr/bin/env bash
# Build the image of all services with its contents (SBOM) and provenance, and push it.
#   scripts/release/push_image.sh IMAGE TAG
# IMAGE is its name in a registry, such as ghcr.io/owner/reviewlens, and TAG such as v1.2.0. Needs docker with
# buildx. With GHCR_TOKEN it logs in to GitHub's registry first; with DOCKER_USERNAME and DOCKER_PASSWORD it
# also pushes to Docker Hub, with the same digest. With SIGN=yes, cosign signs that digest in both without a
# key, with the identity of the workflow. Prints the digest, and in a workflow sets the outputs `name` and
# `digest`.
set -euo pipefail
cd "$(dirname "$0")/../.."

name=${1,,} # names in registries are in lower case
tag=$2
version=${tag#v}
copy=""

if [ -n "${GHCR_TOKEN:-}" ]; then
  docker login ghcr.io --username "$GITHUB_ACTOR" --password-stdin <<< "$GHCR_TOKEN" >&2
fi
if [ -n "${DOCKER_USERNAME:-}" ] && [ -n "${DOCKER_PASSWORD:-}" ]; then
  docker login --username "$DOCKER_USERNAME" --password-stdin <<< "$DOCKER_PASSWORD" >&2
  copy=docker.io/${DOCKER_USERNAME,,}/reviewlens
fi

docker buildx inspect reviewlens > /dev/null 2>&1 \
  || docker buildx create --name reviewlens --driver docker-container > /dev/null
mkdir -p build
docker buildx build --builder reviewlens --file deploy/Dockerfile --target services \
  --platform linux/amd64 --sbom=true --provenance=mode=max \
  --label "org.opencontainers.image.version=$version" \
  --label "org.opencontainers.image.revision=$(git rev-parse HEAD)" \
  --label "org.opencontainers.image.licenses=MIT" \
  --tag "$name:$version" --metadata-file build/image.json --push . >&2
digest=$(python3 -c 'import json; print(json.load(open("build/image.json"))["containerimage.digest"])')
if [ -n "$copy" ]; then
  docker buildx imagetools create --tag "$copy:$version" "$name@$digest" >&2
fi
if [ "${SIGN:-}" = yes ]; then
  cosign sign --yes "$name@$digest" ${copy:+"$copy@$digest"} >&2
fi
printf '%s@%s\n' "$name" "$digest"
if [ -n "${GITHUB_OUTPUT:-}" ]; then
  printf 'name=%s\ndigest=%s\n' "$name" "$digest" >> "$GITHUB_OUTPUT"
fi
