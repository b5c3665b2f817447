# SPDX-License-Identifier: GPL-2.0
# The server with a kernel of straw (tests/serve/fake_nl.c), for the tests that need devices and no module.
SERVE_FAKE := cnl_open cnl_close cnl_summary cnl_segment_each cnl_device_each cnl_device_set cnl_binding_get \
	cnl_checkin cnl_lease_end cnl_interfaces cnl_fetch

.PHONY: serve-programs
serve-programs: $(BUILD)/serve/cordonctl $(BUILD)/serve/die.so

$(BUILD)/serve/die.so: tests/serve/die.c
	@mkdir -p $(@D)
	$(CC) $(US_CFLAGS) $(US_HARDEN) -fPIC -shared -o $@ $<

$(BUILD)/serve/cordonctl: $(US_OBJ) $(BUILD)/obj/tests/serve/fake_nl.o
	@mkdir -p $(@D)
	$(CC) $(US_LDFLAGS) $(LDFLAGS) $(SERVE_FAKE:%=-Wl,--wrap=%) -o $@ $^ $(US_PKG_LIBS)

-include $(BUILD)/obj/tests/serve/fake_nl.d
