# SPDX-License-Identifier: GPL-2.0
# The people's build. The kernel's build reads Kbuild.
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
SHELL := /bin/bash

VERSION := 0.1.0
BUILD   := $(CURDIR)/build
export BUILD
# What is slow to make and the same for every checkout (test kernels) lives here.
CORDON_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/cordon
export CORDON_CACHE

KDIR ?= /lib/modules/$(shell uname -r)/build

include userspace/userspace.mk
include tests/vm/vm.mk
include tests/kunit/kunit.mk
include tests/lint/lint.mk
include tests/bench/bench.mk
include tests/fuzz/fuzz.mk
include tests/serve/serve.mk
include tests/fleet/fleet.mk
include tests/rig/rig.mk
include tests/page/page.mk tests/metrics/metrics.mk
include tests/cross/cross.mk
include tests/system/system.mk

.PHONY: all help module install uninstall check torture unit bench bench-compare bench-trace clean userspace-quiet test-tools
.PHONY: pictures picture-policy picture-page
all: deps-build userspace module

help:
	@sed -n 's/^# help: //p' Makefile

# help: make              cordonctl, and the module for KDIR (default: the running kernel)
# help: make install      both, with manual pages, units and an example policy (DESTDIR, PREFIX)
# help: make uninstall    remove them again; what is yours in /etc and /var/lib/cordon stays
# help: make device       cordonctl for a device: enroll, renew, checkin, update; build/device/cordonctl
# help:                   (CC= SYSROOT= for another machine, STATIC=1 without libraries: tests/cross/sysroot.sh has both)
# help: make deb          Debian packages: cordon-dkms, cordonctl, cordon-fleet, cordon-device; in build/deb
# help: make demo         see it work, in a virtual machine
# help: make check        run all tests
# help: make system       the packages on a Debian with systemd: installed, used, rebooted, upgraded, purged (6 minutes;
# help:                   SUITE=trixie)
# help: make system-long  that on Debian 12 and 13; whether a packet comes through while the gateway is installed, rebooted,
# help:                   upgraded, without its module; and a kernel upgrade with DKMS (an hour; part of make torture)
# help: make vm SCRIPT=…  run a script in the virtual machine (KERNEL=6.1|6.12|7.3|6.1-arm64 CPUS= ICOUNT=1 ARGS=)
# help: make torture      the long forms: all scenarios on all kernels, 65,536 devices, 500 connections on the bad line, 300 kills,
# help:                   the power cut 50 times
# help: make cross        a device's cordonctl for arm64, armhf and musl, under qemu-user; the library on 32 bits
# help: make arm64        a gateway of arm64, in a virtual machine (SCENARIOS="segments door lease")
# help: make deb-arm64    the packages for arm64, in build/deb-arm64, and the same scenarios with what they install
# help: make fuzz         fuzz the readers of what devices send (SECONDS=60 each)
# help: make bench        what a packet costs, beside nftables and eBPF, and what an enrolment
# help: make bench-trace  which functions a packet's instructions are spent in, and the cache lines it touches
# help: make bench-compare BASE=…  what a packet costs, in another revision and here, and the difference
# help: make bench-fleet  what 200 gateways and 1,000,000 devices ask of etcd (6 minutes)
# help: make pictures     draw those of README.md and Documentation anew
# help: make lint, unit, kunit, sanitize, interop, spec, clean

module:
	@[ -e $(KDIR)/Makefile ] || { echo "module: no kernel headers in $(KDIR): install linux-headers-$$(uname -r), or say KDIR=" >&2; exit 1; }
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

# A kernel that came as a package has left its signing key and System.map at home: no alarm about either.
MODULES_INSTALL = $(MAKE) --no-print-directory -C $(KDIR) M=$(CURDIR) INSTALL_MOD_PATH=$(DESTDIR) INSTALL_MOD_STRIP=1 \
	$(if $(wildcard $(KDIR)/certs/signing_key.x509),,CONFIG_MODULE_SIG_ALL=) cmd_depmod=: modules_install

# Below DESTDIR the index of modules is not ours to write.
install: module userspace install-userspace
	$(MODULES_INSTALL)
	@[ -n "$(DESTDIR)" ] || depmod -a "$$(modinfo -F vermagic ./cordon.ko | cut -d ' ' -f 1)"

# The module of every kernel that it was installed for; one that is loaded stays so. What DKMS has built is DKMS's.
uninstall: uninstall-userspace
	@for dir in $(DESTDIR)/lib/modules/*/updates $(DESTDIR)/lib/modules/*/extra; do \
		ls "$$dir"/cordon.ko* >/dev/null 2>&1 || continue; \
		rm -f "$$dir"/cordon.ko*; \
		[ -n "$(DESTDIR)" ] || depmod -a "$$(basename "$$(dirname "$$dir")")"; \
	done

deps-%:
	@tests/deps.sh $*

userspace-quiet: deps-build
	@tests/log.sh "building cordonctl" $(MAKE) --no-print-directory userspace

# The rings; each prints TAP. Those of PAIRED keep one processor busy, so they run two at a time, the longest first.
FIRST  := prepare build lint serve
PAIRED := scenarios-1 scenarios-2 sanitize linux-6.12 linux-7.3 unit page etcd fleet chaos bench harness kunit packages
RINGS  := $(FIRST) $(PAIRED)

ring-prepare   := tests/prepare.sh
ring-build     := tests/build.sh
ring-lint      := tests/lint/run.sh
ring-unit      := tests/unit/run.sh
ring-page      := tests/page/run.sh
ring-serve     := tests/serve/run.sh
ring-etcd      := tests/etcd/run.sh
ring-fleet     := tests/fleet/run.sh
ring-chaos     := tests/rig/chaos.sh
ring-kunit     := tests/kunit/run.sh
ring-sanitize  := tests/kunit/sanitize.sh
ring-harness   := tests/vm/selftest.sh
ring-bench     := tests/bench/check.sh
ring-packages  := tests/packages/run.sh
ring-scenarios-1 := tests/vm/scenarios.sh 6.1 1/2
ring-scenarios-2 := tests/vm/scenarios.sh 6.1 2/2
ring-linux-6.12 := tests/vm/scenarios.sh 6.12
ring-linux-7.3 := tests/vm/scenarios.sh 7.3

.PHONY: $(RINGS:%=ring-%)
$(RINGS:%=ring-%): ring-%:
	@tests/run.sh $* $(ring-$*)

# Nothing may keep the sum from being printed: what is missing is installed by the first ring.
check:
	@rm -rf $(BUILD)/results
	@for ring in $(FIRST); do $(MAKE) --no-print-directory ring-$$ring; done
	@printf '%s\n' $(PAIRED) | WHOLE=1 xargs -P 2 -I{} $(MAKE) --no-print-directory ring-{}
	@tests/tally.sh $(RINGS)

torture: vm-ready
	@TORTURE=1 tests/vm/scenarios.sh 6.1 reload scale explain neighbours late
	@TORTURE=1 tests/vm/scenarios.sh 6.12
	@TORTURE=1 tests/vm/scenarios.sh 7.3
	@tests/vm/vm.sh -k 6.1 -t 1500 tests/scenarios/loss.sh 500
	@tests/vm/powercut.sh
	@$(MAKE) --no-print-directory unit >/dev/null; TORTURE=1 $(BUILD)/unit/test_change
	@KILLS=300 tests/serve/run.sh crash
	@KILLS=400 tests/serve/run.sh backup
	@TORTURE=1 tests/rig/chaos.sh
	@TORTURE=1 tests/packages/run.sh
	@tests/packages/piuparts.sh bookworm
	@tests/packages/piuparts.sh trixie
	@$(MAKE) --no-print-directory cross arm64 deb-arm64 system-long

unit: deps-build deps-unit
	@tests/unit/run.sh

bench: userspace-quiet deps-vm deps-bench test-tools
	@tests/bench/run.sh
	@tests/bench/serve.sh

bench-trace: userspace-quiet deps-vm test-tools
	@tests/bench/trace/run.sh

bench-compare: userspace-quiet deps-vm deps-bench test-tools
	@tests/bench/compare.sh $(BASE)

# The same bytes each time: tests/unit/test_draw.sh holds the one that is checked in against README.md's policy.
PICTURES := Documentation/pictures
pictures: picture-policy picture-page

picture-policy: userspace-quiet
	@mkdir -p $(PICTURES)
	@sed -n '/^```yaml/,/^```/{/^```/d;p}' README.md | $(BUILD)/cordonctl policy draw - >$(PICTURES)/policy.svg.new
	@mv $(PICTURES)/policy.svg.new $(PICTURES)/policy.svg

picture-page:
	@mkdir -p $(PICTURES)
	@tests/page/picture.sh $(PICTURES)/page.png

clean:
	rm -rf $(BUILD)
	find . -path ./.git -prune -o \( -name '*.o' -o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' -o -name '.*.cmd' \
		-o -name modules.order -o -name Module.symvers \) -print0 | xargs -0r rm -f
