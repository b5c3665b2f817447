# SPDX-License-Identifier: GPL-2.0
# cordon-fleet under ASan, without its sandbox: LeakSanitizer needs what that takes. With it, it is build/cordon-fleet.
FLEET_ASAN_SRC := $(filter-out $(LIB_SRC),$(FLEET_ONLY) $(wildcard $(patsubst %,userspace/%/*.c,nl priv serve/common))) tests/fleet/open.c

.PHONY: fleet-asan
fleet-asan: $(BUILD)/fleet/cordon-fleet $(BUILD)/cordon-fleet $(BUILD)/cordonctl

$(BUILD)/fleet/cordon-fleet: $(FLEET_ASAN_SRC:%.c=$(BUILD)/asan/%.o) $(BUILD)/asan/libcordon.a
	@mkdir -p $(@D)
	$(CC) $(US_SANITIZE) -Wl,--wrap=priv_enter -Wl,--as-needed -o $@ $^ $(US_PKG_LIBS) $(FLEET_PKG_LIBS)

-include $(FLEET_ASAN_SRC:%.c=$(BUILD)/asan/%.d)
