# SPDX-License-Identifier: GPL-2.0
# The packages on a Debian with systemd as PID 1, in virtual machines: the scripts of this directory, two at a time.
.PHONY: system

SUITE  ?= bookworm
SYSTEM := traffic run

system: deb deps-system
	@printf '%s\n' $(SYSTEM) | WHOLE=1 xargs -P 2 -I{} tests/run.sh system-{} tests/system/{}.sh $(SUITE)
	@tests/tally.sh $(SYSTEM:%=system-%)
