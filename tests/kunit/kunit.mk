# SPDX-License-Identifier: GPL-2.0
.PHONY: kunit sanitize

kunit:
	tests/kunit/run.sh

# The scenarios that ask for it, on the sanitizer kernel.
sanitize: userspace
	tests/kunit/sanitize.sh
