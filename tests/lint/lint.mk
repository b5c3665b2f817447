# SPDX-License-Identifier: GPL-2.0
.PHONY: lint spec

# Generated from the netlink spec, and checked in.
spec:
	tests/spec/regen.sh

lint:
	tests/lint/run.sh
