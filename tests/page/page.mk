# SPDX-License-Identifier: GPL-2.0
# The pages in a browser, and what they cost.
PAGE_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard userspace/page/*.c userspace/history/view*.c userspace/lib/*.c kernel/core/*.c) \
	userspace/history/schema.c)

.PHONY: page-server
page-server: $(BUILD)/page/page-server $(BUILD)/page/page-cost

$(BUILD)/page/page-server $(BUILD)/page/page-cost: $(BUILD)/page/%: $(BUILD)/obj/tests/page/%.o $(PAGE_OBJ)
	@mkdir -p $(@D)
	$(CC) $(US_LDFLAGS) $(LDFLAGS) -o $@ $^ $(US_PKG_LIBS)

-include $(patsubst %,$(BUILD)/obj/tests/page/%.d,page-server page-cost)
