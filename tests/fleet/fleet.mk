# SPDX-License-Identifier: GPL-2.0
# cordon-fleet under ASan, without its sandbox: LeakSanitizer needs what that takes. With it, it is build/cordon-fleet.
FLEET_ASAN_SRC := $(filter-out $(LIB_SRC),$(FLEET_ONLY) $(wildcard $(patsubst %,userspace/%/*.c,nl priv serve/common))) \
	tests/fleet/open.c tests/fleet/fake_kernel.c
# The kernel's module is a file; see fake_kernel.c.
FLEET_WRAP := priv_enter cnl_open cnl_close cnl_summary cnl_interfaces cnl_device_each cnl_device_get cnl_device_set \
	cnl_lease_end cnl_join cnl_hear nl_socket_get_fd nl_socket_set_nonblocking

.PHONY: fleet-asan
fleet-asan: $(BUILD)/fleet/cordon-fleet $(BUILD)/cordon-fleet $(BUILD)/cordonctl $(BUILD)/serve/sandbox

$(BUILD)/fleet/cordon-fleet: $(FLEET_ASAN_SRC:%.c=$(BUILD)/asan/%.o) $(BUILD)/asan/libcordon.a
	@mkdir -p $(@D)
	$(CC) $(US_SANITIZE) $(FLEET_WRAP:%=-Wl,--wrap=%) -Wl,--as-needed -o $@ $^ $(US_PKG_LIBS) $(FLEET_PKG_LIBS)

$(BUILD)/asan/userspace/fleet/replica.o: US_SANITIZE += -DFLEET_HOUR=4000

$(BUILD)/asan/userspace/fleet/session.o: US_SANITIZE += -DFLEET_TTL=9

$(BUILD)/asan/userspace/fleet/turn.o: US_SANITIZE += -DFLEET_LISTS=1U

-include $(FLEET_ASAN_SRC:%.c=$(BUILD)/asan/%.d)
