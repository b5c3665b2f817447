# SPDX-License-Identifier: GPL-2.0
# The programs of the server's benchmark. Its cordonctl is the product's objects with a kernel of straw:
# tests/bench/fake_nl.c.
BENCH := $(BUILD)/bench
FAKE_NL := cnl_open cnl_summary cnl_segment_each cnl_device_each cnl_binding_get cnl_checkin
BENCH_LIB := $(patsubst %.c,$(BUILD)/obj/%.o,$(filter-out userspace/etcd/% userspace/fleet/% userspace/history/% userspace/page/% userspace/metrics/%,$(LIB_SRC)))

.PHONY: bench-programs bench-document

# What make bench has written last, into the manual
bench-document:
	sed -i -e '/^<!-- make bench -->/,/^<!-- end -->/{//!d}' -e '/^<!-- make bench -->/r /dev/stdin' \
		Documentation/performance.md < <(echo '```'; cat $(BUILD)/bench.txt; echo '```')

bench-programs: $(BENCH)/cordonctl $(BENCH)/fill $(BENCH)/load $(BENCH)/bare

$(BENCH)/cordonctl: $(US_OBJ) $(BUILD)/obj/tests/bench/fake_nl.o
	@mkdir -p $(@D)
	$(CC) $(US_LDFLAGS) $(LDFLAGS) $(FAKE_NL:%=-Wl,--wrap=%) -o $@ $^ $(US_PKG_LIBS)

$(BENCH)/fill $(BENCH)/load $(BENCH)/bare: $(BENCH)/%: $(BUILD)/obj/tests/bench/%.o $(BENCH_LIB)
	@mkdir -p $(@D)
	$(CC) $(US_LDFLAGS) $(LDFLAGS) -o $@ $^ $(US_PKG_LIBS)

-include $(patsubst %,$(BUILD)/obj/tests/bench/%.d,fake_nl fill load bare)
