# SPDX-License-Identifier: GPL-2.0
# The people's build. The kernel's build reads Kbuild.
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
SHELL := /bin/bash

VERSION := 0.1.0
BUILD   := $(CURDIR)/build
# What is slow to make and the same for every checkout (test kernels) lives here.
CORDON_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/cordon
export CORDON_CACHE

KDIR ?= /lib/modules/$(shell uname -r)/build

include userspace/userspace.mk
include tests/vm/vm.mk
include tests/kunit/kunit.mk
include tests/lint/lint.mk

.PHONY: all module clean
all: userspace module

module:
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

clean:
	rm -rf $(BUILD)
	find . -path ./.git -prune -o \( -name '*.o' -o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' -o -name '.*.cmd' \
		-o -name modules.order -o -name Module.symvers \) -print0 | xargs -0r rm -f
