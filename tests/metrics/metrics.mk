# SPDX-License-Identifier: GPL-2.0
# The exposition by itself, for tests; the list of names; and what is made by it.
METRICS_OBJ := $(foreach d,userspace/metrics userspace/lib kernel/core,$(filter $(BUILD)/obj/$d/%,$(US_OBJ))) \
	$(patsubst %,$(BUILD)/obj/userspace/history/%.o,gauge schema) $(BUILD)/obj/userspace/serve/common/counters.o $(BUILD)/obj/tests/metrics/metrics.o

.PHONY: monitoring build/metrics.names build/metrics/metrics
# By their short names, too, whatever BUILD is.
build/metrics.names: $(BUILD)/metrics.names
build/metrics/metrics: $(BUILD)/metrics/metrics
$(BUILD)/metrics/metrics: $(METRICS_OBJ)
	@mkdir -p $(@D)
	$(CC) $(US_LDFLAGS) $(LDFLAGS) -o $@ $^ $(US_PKG_LIBS)

$(BUILD)/metrics.names: $(BUILD)/metrics/metrics
	$< --names >$@.new
	mv $@.new $@

# What is checked in, anew: after a change of dashboard.yaml.
monitoring: $(BUILD)/metrics.names
	userspace/monitoring/dashboard.py $< userspace/monitoring/dashboard.yaml >$(BUILD)/cordon.dashboard.json
	mv $(BUILD)/cordon.dashboard.json userspace/monitoring/cordon.dashboard.json

-include $(BUILD)/obj/tests/metrics/metrics.d
