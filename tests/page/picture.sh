#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# picture.sh FILE: the overview, of a made-up history, as README.md shows it.
set -euo pipefail

file=$(realpath "$1")
cd "$(dirname "$0")/../.."
build=${BUILD:-$PWD/build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

. tests/page/prepare.sh

tests/history/madeup.py "$work/history" "$work/live" --devices 12 --days 30 --seed 5
node tests/page/picture.js "$build/page/page-server" "$work/history" "$work/live" "$file"
