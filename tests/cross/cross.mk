# SPDX-License-Identifier: GPL-2.0
# Other machines than this one.
.PHONY: cross arm64 arm64-ready deb-arm64

# A device's cordonctl for arm64, armhf and musl, under qemu-user, and the gateway's on 32 bits.
cross: deps-build deps-vm deps-cross
	@tests/cross/run.sh

# A gateway of arm64: SCENARIOS= of tests/scenarios, in a virtual machine.
SCENARIOS ?= segments door lease
arm64: arm64-ready
	@tests/vm/scenarios.sh 6.1-arm64 $(SCENARIOS)

# The same with what the packages for arm64 have.
deb-arm64: arm64-ready deps-deb
	@tests/packages/arm64.sh $(SCENARIOS)

arm64-ready: deps-build deps-vm deps-cross deps-arm64
	@tests/log.sh "building cordonctl for arm64" $(MAKE) --no-print-directory BUILD=$(BUILD)/arm64 \
		CC=aarch64-linux-gnu-gcc SYSROOT="$$(tests/cross/sysroot.sh arm64)" userspace test-tools

# What the unit tests link, without sanitizers: no other machine's are here.
$(BUILD)/libcordon.a: $(LIB_SRC:%.c=$(BUILD)/obj/%.o)
	rm -f $@
	$(AR) rcs $@ $^
