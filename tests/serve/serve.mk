# SPDX-License-Identifier: GPL-2.0
# The server with a kernel of straw (tests/serve/fake_nl.c), for the tests that need devices and no module; and the
# same with a front that lies (tests/serve/liar.c), or an agent (forger.c). sandbox enters agent's, and looks around; history
# makes an empty one for the page; replica is cordon-fleet to the registry.
SERVE_FAKE := cnl_open cnl_close cnl_summary cnl_segment_each cnl_device_each cnl_device_set cnl_binding_get \
	cnl_checkin cnl_lease_end cnl_interfaces cnl_fetch cnl_device_get cnl_bindings

.PHONY: serve-programs
serve-programs: $(BUILD)/serve/cordonctl $(BUILD)/serve/liar $(BUILD)/serve/forger $(BUILD)/serve/sandbox $(BUILD)/serve/history $(BUILD)/serve/replica $(BUILD)/serve/die.so $(BUILD)/serve/clock.so

$(BUILD)/serve/die.so $(BUILD)/serve/clock.so: $(BUILD)/serve/%.so: tests/serve/%.c
	@mkdir -p $(@D)
	$(CC) $(US_CFLAGS) $(US_HARDEN) -fPIC -shared -o $@ $<

$(BUILD)/serve/cordonctl: $(US_OBJ) $(BUILD)/obj/tests/serve/fake_nl.o
	@mkdir -p $(@D)
	$(CC) $(US_LDFLAGS) $(LDFLAGS) $(SERVE_FAKE:%=-Wl,--wrap=%) -o $@ $^ $(US_PKG_LIBS)

$(BUILD)/serve/liar: $(US_OBJ) $(BUILD)/obj/tests/serve/fake_nl.o $(BUILD)/obj/tests/serve/liar.o
	@mkdir -p $(@D)
	$(CC) $(US_LDFLAGS) $(LDFLAGS) $(SERVE_FAKE:%=-Wl,--wrap=%) -Wl,--wrap=serve_front -o $@ $^ $(US_PKG_LIBS)

$(BUILD)/serve/forger: $(US_OBJ) $(BUILD)/obj/tests/serve/forger.o
	@mkdir -p $(@D)
	$(CC) $(US_LDFLAGS) $(LDFLAGS) -Wl,--wrap=serve_front -Wl,--wrap=serve_agent -o $@ $^ $(US_PKG_LIBS)

$(BUILD)/serve/sandbox: $(filter $(BUILD)/obj/userspace/priv/%,$(US_OBJ)) $(BUILD)/obj/tests/serve/sandbox.o
	@mkdir -p $(@D)
	$(CC) $(US_LDFLAGS) $(LDFLAGS) -o $@ $^ $(US_PKG_LIBS)

$(BUILD)/serve/history: $(filter-out $(BUILD)/obj/userspace/ctl/main.o,$(US_OBJ)) $(BUILD)/obj/tests/serve/history.o
	@mkdir -p $(@D)
	$(CC) $(US_LDFLAGS) $(LDFLAGS) -o $@ $^ $(US_PKG_LIBS)

$(BUILD)/serve/replica: $(filter-out $(BUILD)/obj/userspace/ctl/main.o,$(US_OBJ)) $(BUILD)/obj/tests/serve/replica.o
	@mkdir -p $(@D)
	$(CC) $(US_LDFLAGS) $(LDFLAGS) -o $@ $^ $(US_PKG_LIBS)

-include $(patsubst %,$(BUILD)/obj/tests/serve/%.d,fake_nl liar forger sandbox history replica)
