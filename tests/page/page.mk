# SPDX-License-Identifier: GPL-2.0
# The pages in a browser, and what they cost.
PAGE_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard userspace/page/*.c userspace/history/view*.c userspace/lib/*.c kernel/core/*.c) \
	userspace/history/schema.c)

.PHONY: page-server
page-server: $(BUILD)/page/page-server $(BUILD)/page/page-cost

$(BUILD)/page/page-server $(BUILD)/page/page-cost: $(BUILD)/page/%: $(BUILD)/obj/tests/page/%.o $(PAGE_OBJ)
	@mkdir -p $(@D)
	$(CC) $(US_LDFLAGS) $(LDFLAGS) -o $@ $^ $(US_PKG_LIBS)

# What a page costs of processor time, with 10,000 devices and a year behind them.
$(BUILD)/page/history-cost: $(filter-out $(BUILD)/obj/userspace/ctl/main.o,$(US_OBJ)) $(BUILD)/obj/tests/history/cost.o
	@mkdir -p $(@D)
	$(CC) $(US_LDFLAGS) $(LDFLAGS) -o $@ $^ $(US_PKG_LIBS)

.PHONY: bench-page
bench-page: $(BUILD)/page/page-cost $(BUILD)/page/history-cost
	@tests/history/madeup.py $(BUILD)/page/history $(BUILD)/page/live --devices 10000 --days 365
	@$(BUILD)/page/page-cost $(BUILD)/page/history $(BUILD)/page/live
	@$(BUILD)/page/history-cost $(BUILD)/page/history $(BUILD)/page/live 10000 $$(date +%s)
	@rm -r $(BUILD)/page/history $(BUILD)/page/live

-include $(patsubst %,$(BUILD)/obj/tests/page/%.d,page-server page-cost) $(BUILD)/obj/tests/history/cost.d
