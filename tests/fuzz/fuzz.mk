# SPDX-License-Identifier: GPL-2.0
.PHONY: fuzz

SECONDS ?= 60

fuzz: deps-fuzz
	@tests/fuzz/run.sh $(SECONDS)
