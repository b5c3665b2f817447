# SPDX-License-Identifier: GPL-2.0
# cordon-fleet with a kernel of straw, for tests/rig/chaos.sh.
FLEET_FAKE := $(SERVE_FAKE) cnl_join cnl_hear nl_socket_set_nonblocking nl_socket_get_fd

.PHONY: rig-programs bench-fleet
rig-programs: $(BUILD)/serve/cordon-fleet

$(BUILD)/serve/cordon-fleet: $(FLEET_OBJ) $(BUILD)/obj/tests/serve/fake_nl.o $(BUILD)/obj/tests/rig/straw.o \
		$(BUILD)/obj/libcordon.a
	@mkdir -p $(@D)
	$(CC) $(US_LDFLAGS) $(LDFLAGS) $(FLEET_FAKE:%=-Wl,--wrap=%) -o $@ $^ $(US_PKG_LIBS) $(FLEET_PKG_LIBS)

# What a fleet asks of etcd, measured: some 15 minutes.
bench-fleet: deps-build
	@tests/rig/simulate.sh

-include $(BUILD)/obj/tests/rig/straw.d
