/* SPDX-License-Identifier: GPL-2.0 */
/* The machine as it is: its interfaces, routes, neighbours, and the leases that its DHCP servers gave. */
#ifndef CORDON_HOST_FACTS_H
#define CORDON_HOST_FACTS_H

#include "lib/policy.h"
#include "lib/rtnl.h"

#define HOST_LEASES_MAX	4096	/* more are not read */
#define HOST_LINKS_MAX	1024
#define HOST_SEEN_MAX	65536	/* where there are more, nothing is known */

/** enum host_kind - what an interface is, as far as it matters to a policy */
enum host_kind { HOST_PLAIN, HOST_LOOPBACK, HOST_BRIDGE, HOST_VLAN, HOST_PPP, HOST_TUNNEL };

/**
 * struct host_link - an interface
 * @name: its name, which may hold any byte but a blank and a slash
 * @index: its number; 0, not known
 * @kind: what it is
 * @made: Docker, libvirt or the like made it for containers or guests
 * @leads_out: a default route goes by it
 * @master: what it is in, a bridge for one; or empty
 * @below: of a VLAN, what it lies on; or empty
 * @vlan: its number; 0, not known
 * @filters: it is a bridge that filters VLANs
 * @provider: its tags are those of 802.1ad
 * @pvid: of a bridge that filters them and of its members, the VLAN of untagged frames; 0, none, or not known
 * @in_vlan: likewise, a bit for each VLAN that it is in
 */
struct host_link {
	char name[CORDON_IFNAME_LEN];
	int index;
	enum host_kind kind;
	bool made;
	bool leads_out;
	char master[CORDON_IFNAME_LEN];
	char below[CORDON_IFNAME_LEN];
	u16 vlan;
	bool filters;
	bool provider;
	u16 pvid;
	u8 in_vlan[RTNL_VLANS_LEN];
};

/**
 * struct host_seen - where a bridge has learned a MAC
 * @mac: the MAC
 * @link: the member, a place in the list
 * @vlan: in which VLAN; 0, the bridge does not filter them
 */
struct host_seen {
	u8 mac[6];
	u32 link;
	u16 vlan;
};

/**
 * struct host_route - where a network is
 * @net: network
 * @link: by which interface, a place in the list
 * @direct: on its link, not behind a router
 */
struct host_route {
	struct cordon_network_def net;
	u32 link;
	bool direct;
};

/**
 * struct host_lease - an address and who has it
 * @addr: address
 * @mac: whose
 * @until: seconds since 1970; 0, it has no end
 * @name: as the device calls itself, if that may be a device's name; else empty
 */
struct host_lease {
	struct cordon_addr addr;
	u8 mac[6];
	int64_t until;
	char name[CORDON_DEVICE_NAME_LEN];
};

/**
 * struct host_facts - all of it
 * @links: interfaces, by name
 * @n_links: how many
 * @routes: of the main table
 * @n_routes: how many
 * @leases: of DHCP
 * @n_leases: how many
 * @neighbours: of ARP; without names or ends
 * @n_neighbours: how many
 * @seen: by bridges
 * @n_seen: how many
 * @asked: @seen, and the VLANs of bridges and members, are known
 * @more_leases: there were more than HOST_LEASES_MAX
 * @lease_file: that the last one was read from, or empty
 */
struct host_facts {
	struct host_link *links;
	u32 n_links;
	struct host_route *routes;
	u32 n_routes;
	struct host_lease *leases;
	u32 n_leases;
	struct host_lease *neighbours;
	u32 n_neighbours;
	struct host_seen *seen;
	u32 n_seen;
	bool asked;
	bool more_leases;
	char lease_file[512];
};

int host_facts_read(const char *root, struct host_facts *out);
void host_facts_free(struct host_facts *f);
const struct host_link *host_find_link(const struct host_facts *f, const char *name);
const struct host_link *host_find_route(const struct host_facts *f, const struct cordon_addr *to);
const char *host_clean(const char *name, char out[CORDON_IFNAME_LEN]);
const u8 *host_find_mac(const struct host_facts *f, const struct cordon_addr *addr);

/* bridge.c */
int host_bridges_take(struct host_facts *f, const void *message, size_t len);
void host_bridges_read(struct host_facts *f);

/* lease.c */
int host_leases_read(const char *path, time_t now, struct host_facts *f);
int host_leases_known(const char *root, time_t now, struct host_facts *f);

#endif
