#!/usr/bin/env bash
# Builds the image with buildah, where there is no Docker engine. Needs root, buildah and, where no
# registry can be reached, debootstrap: the base is made of the distribution's own packages then.
#
#   docker/build-image.sh [TAG]
#
# IMAGE_BUILD_ARGS: more arguments for `buildah build`, such as --volume for pip's configuration.
set -euo pipefail

tag=${1:-newsapi-dagster}
context=$(cd "$(dirname "$0")/.." && pwd)
base=$(sed -n 's/^ARG PYTHON_IMAGE=//p' "$context/Dockerfile")
own_base=localhost/$base

# Without the kernel's overlay mounts, which containers often don't have.
export STORAGE_DRIVER=${STORAGE_DRIVER:-vfs} BUILDAH_ISOLATION=${BUILDAH_ISOLATION:-chroot}

make_base() {
  local folder
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' RETURN
  debootstrap --variant=minbase --include=python3,python3-venv,python3-pip,ca-certificates \
    bookworm "$folder/root" >"$folder/log" 2>&1 || { tail -5 "$folder/log" >&2; return 1; }
  ln -s python3 "$folder/root/usr/bin/python"
  # Debian's mark that pip must not install, which the official image doesn't have.
  rm -f "$folder"/root/usr/lib/python3*/EXTERNALLY-MANAGED
  rm -rf "$folder"/root/var/cache/apt/* "$folder"/root/var/lib/apt/lists/*
  local container
  container=$(buildah from scratch)
  buildah add --quiet "$container" "$folder/root" / >/dev/null
  buildah config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
  buildah commit --quiet --rm "$container" "$own_base" >/dev/null
}

if timeout 120 buildah pull --quiet "docker.io/library/$base" >/dev/null 2>&1; then
  used=docker.io/library/$base
elif buildah inspect --type image "$own_base" >/dev/null 2>&1; then
  used=$own_base
else
  echo "The registry can't be reached: making $own_base of Debian's packages"
  make_base
  used=$own_base
fi

# shellcheck disable=SC2086  # several arguments
buildah build --quiet --layers --pull=never --network host --format docker \
  --build-arg PYTHON_IMAGE="$used" ${IMAGE_BUILD_ARGS:-} --tag "$tag" "$context"
