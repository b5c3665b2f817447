#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# trixie.sh [COMMAND...]: the same packages by the tools of Debian 13, in build/deb-trixie; or another command there, with
# the checkout at /tree and that directory at /out.
set -euo pipefail

# shellcheck source=tests/packages/layer.sh
. "$(dirname "$0")/layer.sh"
layer trixie "$root/build/deb-trixie"
[ $# -gt 0 ] || set -- bash -ec '/tree/userspace/packaging/deb.sh /out && lintian --allow-root --fail-on error,warning /out/*.changes'
in_layer "$@"
