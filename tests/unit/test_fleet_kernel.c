// SPDX-License-Identifier: GPL-2.0
/* Quarantine between the kernel and the registry of a fleet, and leases of revoked certificates: both are of straw. */
#include "fleet_kernel.h"

static void test_both_ways(void)
{
	reset();
	begin();
	here(0, true);
	ok(pokes == 1, "who tells the fleet is woken");
	ok(registry.marks[0] && registry.notes == 1 && !strcmp(registry.why, "by the gateway gw"),
	   "a quarantine of the kernel's becomes a mark, with who made it");
	here(0, true);
	turn();
	ok(registry.notes == 1, "and is said once");
	here(0, false);
	ok(!registry.marks[0] && registry.notes == 2, "a release here is one for the fleet");
	turn();
	ok(!devices[0].quarantined, "and stays");
	everywhere(1, true);
	hear_all();
	turn();
	ok(devices[1].quarantined && registry.marks[1] && registry.notes == 2, "a mark is set in the kernel, and not said again");
	devices[1].outdated = true;
	everywhere(1, false);
	hear_all();
	turn();
	ok(!devices[1].quarantined && !registry.marks[1] && registry.notes == 2, "it goes, and is not said again");
	ok(devices[1].outdated, "what is known of the firmware stays");
	kernel.sets = 0;
	everywhere(1, false);
	ok(!kernel.sets, "a device that is in no quarantine is left alone");
	here(0, true);
	ok(registry.marks[0], "a device may be held again");
}

static void test_races(void)
{
	reset();
	begin();
	tell_device(&devices[0]);
	everywhere(0, true);
	hear_all();
	turn();
	ok(devices[0].quarantined && registry.marks[0] && !registry.notes, "an event from before the mark is no release");
	devices[0].quarantined = false;
	kernel_tick(fleet.kernel);
	kernel_tick(fleet.kernel);
	kernel_tick(fleet.kernel);
	kernel_tick(fleet.kernel);
	kernel_tick(fleet.kernel);
	ok(!devices[0].quarantined, "a look leaves a release to its event");
	tell_device(&devices[0]);
	hear_all();
	ok(!registry.marks[0] && registry.notes == 1, "which comes");
	devices[0].quarantined = true;
	everywhere(0, false);
	ok(devices[0].quarantined, "the end of an older quarantine is not that of one whose event is to come");
	tell_device(&devices[0]);
	hear_all();
	ok(registry.marks[0], "which becomes a mark");
	here(0, false);
	devices[1].unlisted = true;
	here(1, true);
	turn();
	ok(!registry.marks[1], "who borrows an address that no policy here lists holds nobody elsewhere");
	everywhere(1, true);
	hear_all();
	ok(devices[1].quarantined, "but is held for the fleet");
	registry.fail = -EIO;
	here(2, true);
	ok(!registry.marks[2], "the registry takes no mark");
	registry.fail = 0;
	fleet_kernel_agree(&fleet);
	turn();
	ok(registry.marks[2], "it is tried again");
	registry.fail = -EIO;
	here(2, false);
	registry.fail = 0;
	ok(registry.marks[2], "nor the end of one");
	fleet_kernel_agree(&fleet);
	turn();
	ok(devices[2].quarantined, "then it is held: doubt closes");
	here(2, false);
	kernel.set = -EIO;
	everywhere(2, true);
	tell_device(&devices[2]);
	hear_all();
	ok(registry.marks[2], "a mark that the kernel does not take is not released by what it tells");
}

static void test_begin(void)
{
	reset();
	registry.marks[0] = registry.marks[3] = true;
	devices[1].quarantined = true;
	devices[2].quarantined = devices[2].unlisted = true;
	begin();
	turn();
	ok(devices[0].quarantined, "a mark wins over a kernel that was just booted");
	ok(registry.marks[1] && registry.notes == 1, "what the kernel holds becomes a mark");
	ok(!registry.marks[2], "but a device that no policy lists");
	devices[3].there = true;
	tell_policy();
	turn();
	ok(devices[3].quarantined && registry.notes == 1, "a device that another policy lists is taken up");
	devices[0].quarantined = false;
	tell_policy();
	turn();
	ok(devices[0].quarantined, "what a policy has made anew is held");
	registry.marks[0] = false;
	fleet_kernel_agree(&fleet);
	turn();
	ok(!devices[0].quarantined && registry.notes == 1, "a mark that went with a list is none of the kernel's");
	registry.marks[1] = false;
	registry.read_fail = -EIO;
	registry.marks[0] = true;
	fleet_kernel_agree(&fleet);
	turn();
	ok(devices[1].quarantined && !devices[0].quarantined, "a registry that cannot be read says nothing");
	registry.read_fail = 0;
	turn();
	ok(!devices[1].quarantined && devices[0].quarantined, "until it can");
}

static void test_module(void)
{
	uint8_t mac[6], fingerprint[32] = { 7 };
	struct timeval next, now;
	unsigned int i;

	mac_of(2, mac);
	reset();
	kernel.absent = true;
	begin();
	ok(!fleet.connected, "there is no module");
	everywhere(0, true);
	devices[1].quarantined = true;
	everywhere(1, false);
	devices[2] = (struct device){ .there = true, .certified = true, .lease = 60, .certificate = 7 };
	registry.revoked[7] = true;
	fleet_kernel_revoked(&fleet, mac, fingerprint);
	ok(fleet_kernel_end_lease(&fleet, mac) == -ENOTCONN, "without it nobody's lease can be ended");
	for (i = 0; i < 10; i++)
		kernel_tick(fleet.kernel);
	ok(event_pending(fleet.kernel->tick, EV_TIMEOUT, &next) && !event_base_gettimeofday_cached(fleet.base, &now) &&
	   next.tv_sec <= now.tv_sec + 2, "it is looked for every second, however long it is not there");
	kernel.absent = false;
	turn();
	ok(devices[0].quarantined, "when it is there it is told what it missed: a mark");
	ok(!devices[1].quarantined && !registry.notes, "the end of one");
	ok(!devices[2].lease, "a revocation");
	kernel.absent = true;
	turn();
	ok(!fleet.connected, "it is unloaded");
	kernel.absent = false;
	devices[0].quarantined = false;
	turn();
	ok(devices[0].quarantined, "and loaded, without what it knew");
	devices[1].quarantined = true;
	devices[0].quarantined = false;
	kernel.lost = true;
	kernel_hear(fleet.kernel);
	turn();
	ok(registry.marks[1] && devices[0].quarantined, "events are lost: its quarantines count, its releases do not");
	kernel.set = -EIO;
	everywhere(2, true);
	kernel.set = 0;
	turn();
	ok(devices[2].quarantined, "what it does not take is tried again");
	kernel.set = -EIO;
	everywhere(2, false);
	kernel.set = 0;
	turn();
	ok(!devices[2].quarantined && !registry.marks[2], "likewise an end");
}

static void test_revoked(void)
{
	uint8_t mac[6], fingerprint[32] = { 7 };
	struct fleet_lease lease;
	unsigned int i;

	reset();
	devices[0] = (struct device){ .there = true, .certified = true, .lease = 60, .certificate = 7 };
	devices[1] = (struct device){ .there = true, .certified = true, .lease = 60, .certificate = 8 };
	devices[2] = (struct device){ .there = true, .certified = true, .lease = 60, .certificate = 9 };
	devices[3] = (struct device){ .there = true, .lease = 60 };
	begin();
	ok(holder.looks && holder.n == 4, "who gives leases to whom is told of all, in order");
	mac_of(1, mac);
	fleet_kernel_revoked(&fleet, mac, fingerprint);
	ok(devices[1].lease, "another certificate's lease stays");
	mac_of(0, mac);
	ok(!fleet_kernel_lease(&fleet, mac, &lease) && lease.certified && lease.left == 60, "there is a lease");
	fleet_kernel_revoked(&fleet, mac, fingerprint);
	ok(!devices[0].lease && fleet_kernel_lease(&fleet, mac, &lease) == -ENOENT, "a revoked certificate's ends at once");
	holder.ended = 0;
	hear_all();
	ok(holder.ended == 1, "which is heard");
	mac_of(77, mac);
	fleet_kernel_revoked(&fleet, mac, fingerprint);
	ok(!fleet.kernel->agree, "a device that is in no policy has none");
	memset(mac, 0, 6);
	for (i = 200; i < 250; i++)
		registry.revoked[i] = true;
	registry.revoked[8] = registry.revoked[3] = true;
	fingerprint[0] = 8;
	fleet_kernel_revoked(&fleet, mac, fingerprint);
	turn();
	ok(!devices[1].lease && devices[2].lease, "whose device is not known is found by the certificate");
	registry.someone = registry.expelled[9] = true;
	fleet_kernel_agree(&fleet);
	turn();
	ok(!devices[2].lease && devices[3].lease, "what an expelled gateway has issued ends");
	devices[3].certified = true;
	devices[3].certificate = 9;
	fleet_kernel_agree(&fleet);
	turn();
	ok(!devices[3].lease, "also where the registry knows the device by another name");
	devices[0] = (struct device){ .there = true, .certified = true, .lease = 60, .certificate = 7 };
	tell_device(&devices[0]);
	hear_all();
	ok(holder.leased == 1, "a lease by a certificate is told");
	kernel.each = -EAGAIN;
	registry.revoked[7] = true;
	fleet_kernel_agree(&fleet);
	turn();
	ok(devices[0].lease, "the policy changes meanwhile");
	kernel.each = 0;
	turn();
	ok(!devices[0].lease, "it is compared again");
}

int main(void)
{
	base = event_base_new();
	strcpy(config.fleet.gateway, "gw");
	fleet.config = &config;
	fleet.base = base;
	test_both_ways();
	test_races();
	test_begin();
	test_module();
	test_revoked();
	fleet_kernel_end(&fleet);
	event_base_free(base);
	return tap_done();
}
