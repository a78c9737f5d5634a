#!/usr/bin/env bash
# `make image`: builds the images of the chart, and brings them to the cluster where one is told how.
#
#   IMAGE_BUILD  a command that is given a tag, options and a folder: `docker build -t`, `podman build -t`,
#                `buildah bud --layers -t`; without it, what of these is there and works
#   IMAGE_LOAD   a command that is given a tag: `docker push`, `kind load docker-image`; nothing by default
#   IMAGE        the name before the tag, with a registry's host where there is one (default: lakehouse)
#   IMAGES       which of them (default: lakehouse lakehouse-superset lakehouse-postgresql)
#   IMAGE_OPTIONS  more options of the build, as --build-arg=BASE=…
set -euo pipefail
cd "$(dirname "$0")/../.."

version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml | head -1)
name=${IMAGE:-lakehouse}
cluster=${LAKEHOUSE_CLUSTER_DIR:-../shared/cluster}/cluster

works() { command -v "$1" > /dev/null && "$@" > /dev/null 2>&1; }
if [ -z "${IMAGE_BUILD:-}" ]; then
    if works docker info; then IMAGE_BUILD="docker build -t"
    elif works podman info; then IMAGE_BUILD="podman build --layers -t"
    elif [ -x "$cluster" ]; then IMAGE_BUILD="$cluster image" IMAGE_LOAD=${IMAGE_LOAD-$cluster load}
    elif works buildah version; then IMAGE_BUILD="buildah bud --layers -t"
    else echo "error: no docker, podman or buildah that works; set IMAGE_BUILD (see $0)" >&2; exit 2; fi
fi

for target in ${IMAGES:-lakehouse lakehouse-superset lakehouse-postgresql}; do
    tag=$name${target#lakehouse}:$version
    started=$(date +%s)
    $IMAGE_BUILD "$tag" --file Containerfile --target "$target" --build-arg "VERSION=$version" ${IMAGE_OPTIONS:-} .
    echo "image: $tag, $(($(date +%s) - started)) s"
    if [ -n "${IMAGE_LOAD:-}" ]; then $IMAGE_LOAD "$tag"; fi
done
