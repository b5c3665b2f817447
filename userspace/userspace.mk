# SPDX-License-Identifier: GPL-2.0
# cordonctl, and the library that the unit tests link.
PREFIX ?= /usr/local

# For another machine: CC=, and SYSROOT= where its headers and libraries are (tests/cross/sysroot.sh makes one), or
# PKG_CONFIG= where they are installed beside this one's own.
PKG_CONFIG ?= pkg-config
ifneq ($(SYSROOT),)
override CC := $(CC) --sysroot=$(SYSROOT)
US_PKG_ENV = PKG_CONFIG_SYSROOT_DIR=$(SYSROOT) \
	PKG_CONFIG_LIBDIR=$(SYSROOT)/usr/lib/$(MACHINE)/pkgconfig:$(SYSROOT)/usr/share/pkgconfig
endif
MACHINE = $(eval MACHINE := $$(shell $(CC) -dumpmachine))$(MACHINE)
US_PKG_CONFIG = $(US_PKG_ENV) $(PKG_CONFIG) $(if $(filter 1,$(STATIC)),--static)

# cordon-fleet alone uses etcd: libcurl brings twenty libraries. What asks it is cordonctl's, too.
FLEET_ONLY := $(wildcard userspace/etcd/*.c) $(filter-out userspace/fleet/ask.c,$(wildcard userspace/fleet/*.c))
US_SRC  := $(filter-out $(FLEET_ONLY),$(wildcard userspace/*/*.c userspace/serve/*/*.c kernel/core/*.c))
LIB_SRC := $(wildcard $(patsubst %,userspace/%/*.c,lib pki store device tls firmware host state backup event audit eapol history draw metrics page notify etcd) kernel/core/*.c) \
	$(wildcard userspace/fleet/hand*.c userspace/fleet/policy*.c) userspace/priv/channel.c \
	userspace/serve/common/message.c userspace/serve/front/range.c userspace/serve/agent/tries.c \
	userspace/serve/signer/limits.c userspace/serve/common/config.c userspace/serve/common/counters.c userspace/serve/common/ocsp.c \
	$(patsubst %,userspace/fleet/%.c,macs kernel agree holder hold release moved turn)
US_OBJ  := $(US_SRC:%.c=$(BUILD)/obj/%.o)
FLEET_OBJ := $(FLEET_ONLY:%.c=$(BUILD)/obj/%.o)
LIB_ASAN_OBJ := $(LIB_SRC:%.c=$(BUILD)/asan/%.o)

# Asked once, and only by a recipe that needs them: `make demo` installs what is missing first.
US_PKGS := libnl-3.0 libnl-genl-3.0 libnl-nf-3.0 yaml-0.1 jansson libkmod libssl libcrypto sqlite3 pwquality \
	libevent_core libevent_extra libevent_openssl libseccomp libcap-ng
US_PKG_CFLAGS = $(eval US_PKG_CFLAGS := $$(shell $(US_PKG_CONFIG) --cflags $(US_PKGS)))$(US_PKG_CFLAGS)
FLEET_PKG_LIBS = $(eval FLEET_PKG_LIBS := $$(shell $(US_PKG_CONFIG) --libs libcurl))$(FLEET_PKG_LIBS)
US_PKG_LIBS = $(eval US_PKG_LIBS := $$(shell $(US_PKG_CONFIG) --libs $(US_PKGS)) -lm)$(US_PKG_LIBS)

US_CFLAGS := -std=gnu11 -Wall -Wextra -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Iinclude/uapi -Iuserspace \
	-DOPENSSL_NO_DEPRECATED -DCORDON_VERSION='"$(VERSION)"' \
	$(if $(filter 1,$(WERROR)),-Werror)
US_HARDEN = -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection \
	$(if $(filter x86_64-%,$(MACHINE)),-fcf-protection) \
	$(if $(filter aarch64-%,$(MACHINE)),-mbranch-protection=standard) -fPIE
US_LDFLAGS := -pie -Wl,-z,relro,-z,now
# STATIC=1: a device's needs no library; position-independent where the C library can (musl-gcc, and armhf, cannot).
STATIC_PIE = $(and $(filter-out %musl-gcc,$(firstword $(CC))),$(filter /%,$(shell $(CC) -print-file-name=rcrt1.o)))
DEVICE_LDFLAGS = $(if $(filter 1,$(STATIC)),$(if $(STATIC_PIE),-static-pie,-static -no-pie),-pie) -Wl,-z,relro,-z,now
US_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer -g -O1 -Werror

# What a device runs needs OpenSSL and the C library, nothing else.
DEVICE_SRC := $(patsubst %,userspace/ctl/%.c,main command help complete words remote cmd_enroll cmd_renew cmd_checkin cmd_update) \
	$(filter-out userspace/pki/ca_%.c,$(wildcard $(patsubst %,userspace/%/*.c,device tls pki))) \
	$(patsubst %,userspace/firmware/%.c,ask download install manifest state version) \
	userspace/lib/file.c userspace/lib/protocol.c userspace/lib/suggest.c userspace/lib/text.c userspace/lib/utf8.c kernel/core/names.c
DEVICE_ASAN_OBJ := $(patsubst %.c,$(BUILD)/asan/device/%.o,$(filter userspace/ctl/%,$(DEVICE_SRC)))
DEVICE_OBJ := $(DEVICE_SRC:%.c=$(BUILD)/device/obj/%.o)
DEVICE_PKG_CFLAGS = $(eval DEVICE_PKG_CFLAGS := $$(shell $(US_PKG_CONFIG) --cflags libssl libcrypto))$(DEVICE_PKG_CFLAGS)
DEVICE_PKG_LIBS = $(eval DEVICE_PKG_LIBS := $$(shell $(US_PKG_CONFIG) --libs libssl libcrypto))$(DEVICE_PKG_LIBS)

.PHONY: userspace device deb install-userspace install-device install-fleet uninstall-userspace build/asan/libcordon.a build/asan/cordonctl
userspace: $(BUILD)/cordonctl $(BUILD)/cordon-fleet
device: $(BUILD)/device/cordonctl

# What another compiler made is made again.
.PHONY: compiler device-openssl
$(BUILD)/compiler $(BUILD)/device/compiler: compiler
	@mkdir -p $(@D)
	@echo '$(CC) $(MACHINE) $(STATIC)' | cmp -s - $@ || echo '$(CC) $(MACHINE) $(STATIC)' >$@

$(BUILD)/device/compiler: device-openssl
device-openssl:
	@echo '#include <openssl/ssl.h>' | $(CC) $(DEVICE_PKG_CFLAGS) $(CFLAGS) -E -o /dev/null - 2>/dev/null || { \
		echo "device: $(firstword $(CC)) finds no OpenSSL for $(MACHINE): install libssl-dev, or say SYSROOT=," \
			"see Documentation/devices.md" >&2; exit 1; }

$(BUILD)/cordonctl: $(US_OBJ)
	$(CC) $(US_LDFLAGS) $(LDFLAGS) -o $@ $(US_OBJ) $(US_PKG_LIBS)

# Of what cordonctl has, cordon-fleet takes what it needs.
$(BUILD)/obj/libcordon.a: $(filter-out $(BUILD)/obj/userspace/ctl/%,$(US_OBJ))
	rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/cordon-fleet: $(FLEET_OBJ) $(BUILD)/obj/libcordon.a
	$(CC) $(US_LDFLAGS) -Wl,--as-needed $(LDFLAGS) -o $@ $^ $(US_PKG_LIBS) $(FLEET_PKG_LIBS)

$(BUILD)/obj/%.o: %.c $(BUILD)/compiler
	@mkdir -p $(@D)
	$(CC) $(US_CFLAGS) $(US_HARDEN) $(US_PKG_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/device/cordonctl: $(DEVICE_OBJ)
	$(CC) $(DEVICE_LDFLAGS) -Wl,--gc-sections,--as-needed $(LDFLAGS) -o $@ $(DEVICE_OBJ) $(DEVICE_PKG_LIBS)

$(BUILD)/device/obj/%.o: %.c $(BUILD)/device/compiler
	@mkdir -p $(@D)
	$(CC) $(US_CFLAGS) $(US_HARDEN) -Os -ffunction-sections -fdata-sections -DCORDON_DEVICE \
		$(DEVICE_PKG_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# What is built into a page, as assembly includes it, which no compiler's list of files names.
$(BUILD)/obj/userspace/page/assets.o $(BUILD)/asan/userspace/page/assets.o: $(wildcard userspace/page/assets/*)

# By their short names, too, whatever BUILD is.
build/asan/libcordon.a: $(BUILD)/asan/libcordon.a
build/asan/cordonctl: $(BUILD)/asan/cordonctl

$(BUILD)/asan/libcordon.a: $(LIB_ASAN_OBJ)
	rm -f $@
	$(AR) rcs $@ $(LIB_ASAN_OBJ)

$(BUILD)/asan/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(US_CFLAGS) $(US_SANITIZE) $(US_PKG_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/asan/cordonctl: $(DEVICE_ASAN_OBJ) $(BUILD)/asan/libcordon.a
	$(CC) $(US_SANITIZE) -o $@ $^ $(DEVICE_PKG_LIBS)

$(BUILD)/asan/device/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(US_CFLAGS) $(US_SANITIZE) -DCORDON_DEVICE $(DEVICE_PKG_CFLAGS) -MMD -MP -c -o $@ $<

# Where what the list says goes: also SBINDIR, MANDIR, DATADIR, LIBDIR, UNITDIR and SYSCONFDIR.
install-userspace: userspace
	@DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' userspace/packaging/install.sh install

install-device: device
	@DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' userspace/packaging/install.sh install device

# Beside the others: a program that needs libcurl.
install-fleet: userspace
	@DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' userspace/packaging/install.sh install fleet

uninstall-userspace:
	@DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' userspace/packaging/install.sh uninstall

-include $(US_OBJ:.o=.d) $(FLEET_OBJ:.o=.d) $(DEVICE_OBJ:.o=.d) $(DEVICE_ASAN_OBJ:.o=.d) $(LIB_ASAN_OBJ:.o=.d)

# In a tree of their own: build/deb/*.deb, and the source package.
deb: deps-deb
	@tests/log.sh "building Debian packages" userspace/packaging/deb.sh $(BUILD)/deb
	@ls $(BUILD)/deb/*.deb
