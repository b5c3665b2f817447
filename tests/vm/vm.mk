# SPDX-License-Identifier: GPL-2.0
KERNEL ?= 6.1
CPUS   ?= 2
TIMEOUT ?= 600
MEM    ?= 2048

.PHONY: vm vm-ready demo interop

# make vm SCRIPT=path [ARGS=…] [KERNEL=6.1|6.12|7.3|6.1-arm64] [CPUS=2] [ICOUNT=1] [MEM=2048] [TIMEOUT=600]
vm: vm-ready
	@tests/vm/vm.sh -k $(KERNEL) -c $(CPUS) -m $(MEM) -t $(TIMEOUT) $(if $(filter-out 0,$(ICOUNT)),-i) '$(SCRIPT)' $(ARGS)

vm-ready: deps-vm userspace-quiet test-tools $(if $(filter %-arm64,$(KERNEL)),arm64-ready)
	@tests/log.sh "building the module for $(KERNEL)" tests/vm/build.sh $(KERNEL)

demo: override KERNEL = 6.1
demo: vm-ready
	@tests/vm/vm.sh -k 6.1 -t 600 tests/demo/demo.sh

# Clients that nobody here wrote: curl, OpenSSL, strongSwan, Python.
interop: vm-ready
	@tests/vm/scenarios.sh 6.1 enrol

# What scenarios run beside cordonctl: traffic, commits without end, check-ins.
TEST_TOOLS := $(BUILD)/probe $(BUILD)/handshake $(BUILD)/swap $(BUILD)/checkin $(BUILD)/rebind $(BUILD)/flip \
	$(BUILD)/enter
test-tools: $(TEST_TOOLS)

$(TEST_TOOLS): | deps-build

# Without libraries, where that can be: these start again and again, in an emulator.
$(BUILD)/probe $(BUILD)/enter $(BUILD)/handshake: $(BUILD)/%: tests/probe/%.c
	@mkdir -p $(@D)
	@$(CC) -std=gnu11 -O2 -Wall -Wextra -Werror $(if $(filter /%,$(shell $(CC) -print-file-name=libc.a)),-static) -o $@ $<

# With cordonctl's own objects, of those rooms that know the kernel.
$(BUILD)/rebind $(BUILD)/flip: tests/probe/step.c tests/probe/step.h
$(BUILD)/swap $(BUILD)/checkin $(BUILD)/rebind $(BUILD)/flip: $(BUILD)/%: tests/probe/%.c $(BUILD)/cordonctl
	@$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -Iinclude/uapi -Iuserspace $(shell $(US_PKG_CONFIG) --cflags libnl-genl-3.0) \
		-o $@ $(filter tests/probe/%.c,$^) $(filter $(BUILD)/obj/userspace/lib/% $(BUILD)/obj/userspace/nl/% $(BUILD)/obj/kernel/core/%,$(US_OBJ)) \
		$(US_PKG_LIBS)
