# SPDX-License-Identifier: GPL-2.0
# The packages on a Debian with systemd as PID 1, in virtual machines: the scripts of this directory.
SUITE ?= bookworm
# The longest first, as two run at a time. SCRIPT-SUITE runs SCRIPT.sh SUITE.
SYSTEM := traffic-bookworm kernels-bookworm traffic-trixie bare-trixie run-trixie bare-bookworm run-bookworm autopkgtest-bookworm

.PHONY: system system-long deb-trixie $(SYSTEM)
$(SYSTEM): %:
	@tests/run.sh $* tests/system/$(subst -,.sh ,$*)

deb-trixie:
	@tests/log.sh "building Debian packages on Debian 13" tests/packages/trixie.sh

system: deb $(if $(filter trixie,$(SUITE)),deb-trixie) deps-system
	@$(MAKE) --no-print-directory run-$(SUITE)
	@tests/tally.sh run-$(SUITE)

system-long: deb deb-trixie deps-system
	@printf '%s\n' $(SYSTEM) | WHOLE=1 xargs -P 2 -I{} $(MAKE) --no-print-directory {}
	@tests/tally.sh $(SYSTEM)
