/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's family, as Documentation/netlink/specs/cordon.yaml describes it. */
#ifndef CORDON_NL_H
#define CORDON_NL_H

#include <netlink/netlink.h>
#include <netlink/genl/genl.h>

#include "lib/policy.h"
#include "../../kernel/core/limits.h"

#define CNL_ERROR_LEN 256
#define CNL_KEY_LEN 16	/* of the hash of destinations */

/**
 * struct cnl - a connection to the kernel's family
 * @sock: requests go over it
 * @family: number of the family
 * @error: a sentence about what went wrong last, never empty after a failure
 */
struct cnl {
	struct nl_sock *sock;
	int family;
	char error[CNL_ERROR_LEN];
};

/** struct cnl_stats - counters of a device, or a namespace's totals */
struct cnl_stats {
	u64 rx_packets;
	u64 rx_bytes;
	u64 tx_packets;
	u64 tx_bytes;
	u64 denied;
	u64 anomalies[CORDON_KINDS];
};

/**
 * struct cnl_summary - what is in force
 * @generation: 0, nothing was ever committed
 * @mode: enum cordon_mode
 * @awaiting: it must be confirmed, within @confirm seconds
 * @confirm: seconds left
 * @in_force: a policy is; not before the first commit, nor after the roll-back of a first policy
 * @lockdown: the module was loaded with lockdown=1
 * @ports: how many
 * @uplinks: how many
 * @segments: how many, built-in ones included
 * @networks: how many
 * @rules: how many
 * @devices: how many it lists
 * @unknown: segment of devices that it does not list; empty, they are denied
 * @stats: totals of the namespace
 */
struct cnl_summary {
	u32 generation;
	u32 mode;
	bool in_force;
	bool awaiting;
	u32 confirm;
	u32 lockdown;
	u32 ports;
	u32 uplinks;
	u32 segments;
	u32 networks;
	u32 rules;
	u32 devices;
	char unknown[CORDON_NAME_LEN];
	struct cnl_stats stats;
};

/**
 * struct cnl_sighting - what is known of a device that no policy lists
 * @first: seconds since it was seen first
 * @last: likewise, last
 * @hostname: as it told a server of DHCP; what is not printable is a question mark
 * @vendor_class: likewise
 * @parameters: options that it asked for, as numbers between commas
 */
struct cnl_sighting {
	u32 first;
	u32 last;
	char hostname[65];
	char vendor_class[65];
	char parameters[64 * 4 + 1];
};

/**
 * struct cnl_ports - the ports that a device is tied to, by name
 * @n: how many; 0, it may be behind any
 * @name: they
 */
struct cnl_ports {
	u32 n;
	char name[CORDON_MAX_DEVICE_PORTS][CORDON_IFNAME_LEN];
};

/**
 * struct cnl_device - a device as the kernel has it
 * @def: what the policy says of it; @def.segment, @def.port and @def.also are not set here
 * @addresses: the first @def.n count
 * @segment: name
 * @ports: where it may be
 * @state: enum cordon_state
 * @effective_segment: name
 * @lease: seconds left
 * @outdated: its firmware was found to be too old, whatever its state
 * @has_certificate: a check-in gave the lease
 * @certificate: SHA-256 of the certificate that it was made with
 * @lease_port: name of the port that the lease is bound to, or empty
 * @sighting: of one with @def.unlisted
 * @has_destinations: its segment has a limit for new_destination
 * @destinations: how many are known; at CORDON_DESTINATIONS_MAX no more are learned
 * @has_learning: it has opened something; else its destinations wait to be learned
 * @learning: seconds for which they will still be learned; 0, that is over
 * @stats: its counters
 */
struct cnl_device {
	struct cordon_device_def def;
	struct cordon_addr addresses[CORDON_MAX_DEVICE_ADDRESSES];
	char segment[CORDON_NAME_LEN];
	struct cnl_ports ports;
	u32 state;
	char effective_segment[CORDON_NAME_LEN];
	u32 lease;
	bool outdated;
	bool has_certificate;
	u8 certificate[CORDON_CERTIFICATE_LEN];
	char lease_port[CORDON_IFNAME_LEN];
	struct cnl_sighting sighting;
	bool has_destinations;
	u32 destinations;
	bool has_learning;
	u32 learning;
	struct cnl_stats stats;
};

/**
 * struct cnl_start - how a device begins that the kernel does not know yet
 * @quarantined: it is quarantined
 * @outdated: its firmware is too old
 * @leased: it has a lease of @lease seconds; of 0, one that has ended
 * @lease: seconds
 * @lease_port: the port that the lease is bound to, or empty
 * @has_certificate: a check-in gave the lease
 * @certificate: SHA-256 of the certificate that it was made with
 */
struct cnl_start {
	bool quarantined;
	bool outdated;
	bool leased;
	u32 lease;
	char lease_port[CORDON_IFNAME_LEN];
	bool has_certificate;
	u8 certificate[CORDON_CERTIFICATE_LEN];
};

/**
 * struct cnl_binding - an address and the device that has it
 * @addr: the address
 * @mac: of the device
 * @name: of the device
 * @ports: that the device is tied to
 * @vlan: of those, in which the device is; 0, none that the policy gives it. The kernel does not tell it here: whoever
 *	wants it takes it from the device
 * @origin: enum cordon_origin
 * @ends: it does, in @lease seconds
 * @lease: seconds; in an event 0, it has ended
 */
struct cnl_binding {
	struct cordon_addr addr;
	u8 mac[6];
	char name[CORDON_DEVICE_NAME_LEN];
	struct cnl_ports ports;
	u16 vlan;
	u32 origin;
	bool ends;
	u32 lease;
};

/**
 * struct cnl_bindings - many of them
 * @list: the bindings
 * @n: how many
 * @learned: those that the policy gives are left out
 */
struct cnl_bindings {
	struct cnl_binding *list;
	u32 n;
	bool learned;
};

/**
 * struct cnl_destinations - where a device has been
 * @mac: of the device
 * @name: of the device
 * @key: of the hash
 * @n: how many destinations
 * @hashes: of them, four bytes each, in network order
 * @has_learning: learning has begun
 * @learning: seconds for which it goes on; 0, it is over
 */
struct cnl_destinations {
	u8 mac[6];
	char name[CORDON_DEVICE_NAME_LEN];
	u8 key[CNL_KEY_LEN];
	u32 n;
	u8 hashes[CORDON_DESTINATIONS_MAX][4];
	bool has_learning;
	u32 learning;
};

/**
 * struct cnl_destinations_list - those of many devices
 * @list: them
 * @n: how many
 */
struct cnl_destinations_list {
	struct cnl_destinations *list;
	u32 n;
};

/**
 * struct cnl_begin - what a new policy begins with
 * @starts: how those of its devices begin that the kernel does not know, one for each; or NULL
 * @bindings: addresses that were learned before
 * @n_bindings: how many
 * @destinations: where devices had been
 * @n_destinations: of how many devices
 */
struct cnl_begin {
	struct cnl_start *starts;
	struct cnl_binding *bindings;
	u32 n_bindings;
	struct cnl_destinations *destinations;
	u32 n_destinations;
};

/** struct cnl_segment - a segment as the kernel has it */
struct cnl_segment {
	struct cordon_segment_def def;
	u32 id;
	u32 devices;
	u64 packets;
	u64 bytes;
	u64 denied;
};

/**
 * struct cnl_rule_use - when a rule last let a connection begin
 * @ever: it did, since rules or segments were last changed
 * @ago: seconds since then
 */
struct cnl_rule_use {
	bool ever;
	u32 ago;
};

/**
 * struct cnl_runtime - what is known besides the policy
 * @devices: beside policy.draft.devices, one for each
 * @segments: beside policy.draft.segments, one for each
 * @rules: beside policy.draft.rules, one for each
 */
struct cnl_runtime {
	struct cnl_device *devices;
	struct cnl_segment *segments;
	struct cnl_rule_use *rules;
};

/**
 * struct cnl_change - a change of one device; what is not set stays
 * @name: whom, or with @mac given the new name; NULL
 * @mac: whom; NULL
 * @segment: name; NULL
 * @ports: names that replace the present ones, or a single empty one for any
 * @n_ports: how many; 0
 * @model: NULL
 * @addresses: replace the present ones; NULL
 * @n_addresses: how many
 * @learn: enum cordon_learn; -1
 * @roam: 0, 1, or -1
 * @vlan: of its port; 0, that of untagged frames; -1
 * @authentication: -1
 * @encryption: -1
 * @firmware: -1
 * @state: enum cordon_state; -1
 * @lease: seconds; -1
 * @outdated: 1, its firmware is too old, 0, it is not; neither touches a quarantine; -1
 * @certificate: with a lease of 0, only if this one gave it; NULL
 */
struct cnl_change {
	const char *name;
	const u8 *mac;
	const char *segment;
	const char *ports[CORDON_MAX_DEVICE_PORTS];
	u32 n_ports;
	const char *model;
	const struct cordon_addr *addresses;
	u32 n_addresses;
	int learn;
	int roam;
	int vlan;
	int authentication;
	int encryption;
	int firmware;
	int state;
	int64_t lease;
	int outdated;
	const u8 *certificate;
};

#define CNL_CHANGE_NONE { .learn = -1, .roam = -1, .vlan = -1, .authentication = -1, .encryption = -1, .firmware = -1, \
			 .state = -1, .lease = -1, .outdated = -1 }

/**
 * struct cnl_interface - a network interface, or one that the policy names and that is not there
 * @name: its name
 * @ifindex: its index; 0, it is not there
 * @role: enum cordon_role, what it is to packets
 * @listed: enum cordon_role, what its name alone makes of it
 * @closed: enum cordon_closed
 * @up: it is up
 * @named_by: name or pattern of the policy that lists it, or empty
 * @other: interface that explains what it is, or empty
 */
struct cnl_interface {
	char name[CORDON_IFNAME_LEN];
	u32 ifindex;
	u32 role;
	u32 listed;
	u32 closed;
	bool up;
	char named_by[CORDON_IFNAME_LEN];
	char other[CORDON_IFNAME_LEN];
};

/** struct cnl_interfaces - all of them */
struct cnl_interfaces {
	struct cnl_interface *list;
	u32 n;
};

/** struct cnl_event - what the multicast group tells */
struct cnl_event {
	u8 cmd;		/* CORDON_CMD_POLICY_NTF, _DEVICE_NTF, _ANOMALY_NTF, _INTERFACE_NTF, _BINDING_NTF */
	struct cnl_summary summary;
	struct cnl_device device;
	struct cnl_binding binding;
	struct cnl_interface interface;
	struct {
		u32 kind;
		bool has_mac;
		u8 mac[6];
		char name[CORDON_DEVICE_NAME_LEN];
		u32 ifindex;
		struct cordon_addr source, destination;
		u32 protocol, dport, suppressed, denied;
		int action;	/* -1, none */
		char server[CORDON_TLS_NAME_LEN + 1];
		u32 tls_offered, tls_selected;	/* as on the wire; 0, none */
		struct cnl_ports ports;	/* that the device is tied to; none, not told */
	} anomaly;
};

/**
 * struct cnl_listener - who hears events
 * @event: told of each; whatever but 0 ends it
 * @arg: for @event
 * @stop: what it returned
 */
struct cnl_listener {
	int (*event)(const struct cnl_event *event, void *arg);
	void *arg;
	int stop;
};

/*
 * Every function returns 0, or -errno with a sentence in nl->error. None but cnl_open() opens a
 * file or a socket: a process may give up both when it is connected.
 */
int cnl_open(struct cnl *nl);
void cnl_close(struct cnl *nl);
int cnl_summary(struct cnl *nl, struct cnl_summary *out);
int cnl_commit(struct cnl *nl, const struct policy *p, const struct cnl_begin *begin, u32 generation,
	       u32 confirm, u32 *committed, void (*progress)(u32 done, u32 all));
int cnl_confirm(struct cnl *nl, u32 *generation);
int cnl_fetch(struct cnl *nl, struct policy **out, struct cnl_runtime *runtime);
void cnl_runtime_free(struct cnl_runtime *runtime);
int cnl_interfaces(struct cnl *nl, struct cnl_interfaces *out);
void cnl_interfaces_free(struct cnl_interfaces *all);
int cnl_segment_each(struct cnl *nl, int (*each)(const struct cnl_segment *segment, void *arg), void *arg);
int cnl_device_get(struct cnl *nl, const char *name, const u8 *mac, struct cnl_device *out);
int cnl_device_new(struct cnl *nl, const struct cnl_change *change, struct cnl_device *out);
int cnl_device_set(struct cnl *nl, const struct cnl_change *change, struct cnl_device *out);
int cnl_device_del(struct cnl *nl, const char *name, const u8 *mac);
int cnl_device_each(struct cnl *nl, int (*each)(const struct cnl_device *device, void *arg), void *arg);
int cnl_checkin(struct cnl *nl, const u8 mac[6], const struct cordon_addr *peer, u32 ifindex,
		const u8 certificate[CORDON_CERTIFICATE_LEN], struct cnl_device *out);
int cnl_lease_end(struct cnl *nl, const u8 mac[6], const u8 certificate[CORDON_CERTIFICATE_LEN],
		  struct cnl_device *out);
int cnl_binding_get(struct cnl *nl, const struct cordon_addr *addr, struct cnl_binding *out);
int cnl_binding_set(struct cnl *nl, const struct cnl_binding *b, struct cnl_binding *out);
int cnl_binding_del(struct cnl *nl, const struct cordon_addr *addr);
int cnl_bindings(struct cnl *nl, bool learned, struct cnl_bindings *out);
void cnl_bindings_free(struct cnl_bindings *all);
int cnl_destinations(struct cnl *nl, struct cnl_destinations_list *out);
void cnl_destinations_free(struct cnl_destinations_list *all);
int cnl_destinations_set(struct cnl *nl, const struct cnl_destinations *d);
int cnl_destinations_anew(struct cnl *nl, const char *name, const u8 *mac);
int cnl_listen(struct cnl *nl, int (*event)(const struct cnl_event *event, void *arg), void *arg);
int cnl_join(struct cnl *nl, struct cnl_listener *listener);
int cnl_hear(struct cnl *nl);

/* For the other files in this folder. */
struct nl_msg *cnl_message(struct cnl *nl, u8 cmd, int flags);
int cnl_talk(struct cnl *nl, struct nl_msg *msg,
	    int (*reply)(struct nlattr **tb, void *arg), void *arg);
int cnl_talk_each(struct cnl *nl, struct nl_msg *msg,
		  int (*each)(struct nlattr *attr, void *arg), void *arg);
int cnl_read_ports(struct nlattr *nest, int type, struct cnl_ports *out);
int cnl_read_device(struct nlattr *nest, struct cnl_device *out);
int cnl_read_binding(struct nlattr *nest, struct cnl_binding *out);
int cnl_put_binding(struct nl_msg *msg, const struct cnl_binding *b);
int cnl_put_destinations(struct nl_msg *msg, const struct cnl_destinations *d);
int cnl_read_interface(struct nlattr *nest, struct cnl_interface *out);
int cnl_read_summary(struct nlattr **tb, struct cnl_summary *out);
int cnl_put_addr(struct nl_msg *msg, int type, const struct cordon_addr *a);
int cnl_read_addr(struct nlattr *attr, struct cordon_addr *out);

#endif
