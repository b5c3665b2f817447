// SPDX-License-Identifier: GPL-2.0
/* Policies from YAML: what is refused, with which words and where; what is loaded; what differs. */
#include <fcntl.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../userspace/lib/diff.h"
#include "../../userspace/lib/machine.h"
#include "../../userspace/lib/policy.h"
#include "../../userspace/lib/yaml.h"
#include "tap.h"

#define FILE_NAME "policy.yaml"
#define HEAD "version: 1\nports: [lan0]\nsegments: {iot: {}, hard: {authentication: certificate," \
	     " firmware_auto_update: true}, net: {networks: [10.9.0.0/16]}}\n"
#define DEVICE(rest) HEAD "devices:\n- {name: a, mac: 02:00:00:00:00:01, network_segment: iot," \
	     " addresses: [10.0.0.1]" rest "}\n"

#define TIED(rest) "version: 1\nports: [port0, port1, port2, port3, port4]\nsegments: {iot: {}}\n\ndevices:\n" \
	     "- {name: a, mac: 02:00:00:00:00:01, network_segment: iot, addresses: [10.0.0.1]" rest "}\n"

#define LEARNER(rest) HEAD "devices:\n- {name: a, mac: 02:00:00:00:00:01, network_segment: iot, " rest "}\n"

static const char good[] =
	"version: 1\n"
	"mode: observe\n"
	"ports: [lan0, lan1]\n"
	"uplinks: [wan0, \"ppp*\"]\n"
	"segments:\n"
	"  iot_zone:\n"
	"    authentication: certificate\n"
	"    encryption: TLS1.3\n"
	"    firmware_auto_update: true\n"
	"    isolate: false\n"
	"    lease: 15m\n"
	"    firmware: {grace: 0s, postpone: 12h}\n"
	"    anomalies: {spoofed_source: {limit: 100/10s, then: quarantine}}\n"
	"  plant: {networks: [10.0.50.0/24, \"fd00:50::/64\"], interfaces: [plant0, wan0]}\n"
	"  wan: {networks: [0.0.0.0/0, \"::/0\"]}\n"
	"rules:\n"
	"  - {from: iot_zone, to: wan, allow: [tcp/8883, tcp/8000-8100, any]}\n"
	"  - {from: plant, to: iot_zone, allow: [tcp/21, esp, sctp/5060, 200], related: true}\n"
	"  - {from: iot_zone, to: gateway, allow: [udp/*, icmp/echo-request, icmp6/128], plaintext: true}\n"
	"  - {from: quarantine, to: gateway, allow: [tcp/*]}\n"
	"devices:\n"
	"  - name: thermostat-1\n"
	"    mac: 02:00:00:00:01:01\n"
	"    network_segment: iot_zone\n"
	"    addresses: [10.0.20.11, fd00:20::11]\n"
	"    port: lan0\n"
	"    vlan: 4094\n"
	"    model: acme-t1\n"
	"  - {name: pump, mac: 02-00-00-00-01-0A, network_segment: plant, addresses: [10.0.50.2],\n"
	"     authentication: certificate}\n"
	"  - {name: meter, mac: 02:00:00:00:01:0B, network_segment: plant, addresses: auto}\n"
	"dhcp_servers: [10.0.50.2, 10.0.20.11]\n";

struct bad {
	const char *name;
	const char *text;
	const char *message;	/* the first line that is said */
	int faults;
};

static const struct bad bad[] = {
	{ "empty file", "", "1:1: the file says nothing", 1 },
	{ "a list", "- 1\n", "1:1: a policy must be a mapping", 1 },
	{ "no version", "mode: enforce\nuplinks: []\n", "1:1: a policy without 'version'", 1 },
	{ "another version", "version: 2\nuplinks: []\n", "1:10: version must be 1, not '2'", 1 },
	{ "unknown mode", "version: 1\nmode: watch\n",
	  "2:7: mode must be enforce or observe, not 'watch'", 1 },
	{ "unknown key", "version: 1\nfoo: 1\n", "2:1: unknown key 'foo'", 1 },
	{ "misspelt key", "version: 1\nsegmets: {}\n",
	  "2:1: unknown key 'segmets': did you mean 'segments'?", 1 },
	{ "key twice", "version: 1\nports: []\nports: []\n",
	  "3:1: key 'ports' a second time: the first is on line 2", 1 },
	{ "not YAML", "version: [1\n", "2:1: not YAML: did not find expected ',' or ']' "
	  "while parsing a flow sequence", 1 },
	{ "not UTF-8", "version: 1\nmode: \xff\n", "2:7: not YAML: invalid leading UTF-8 octet", 1 },
	{ "second document", "version: 1\nuplinks: []\n---\nversion: 1\n",
	  "3:1: a second document: a policy is one document", 1 },
	{ "anchor and alias", "version: &v 1\nmode: *v\nuplinks: []\n",
	  "1:10: anchor '&v': anchors and aliases are not allowed", 2 },
	{ "tag", "version: !!str 1\nuplinks: []\n",
	  "1:10: tag 'tag:yaml.org,2002:str': tags are not allowed", 1 },
	{ "NUL", "version: \"1\\0\"\nuplinks: []\n", "1:10: a NUL character in a value", 1 },
	{ "too deep", "version: [[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]\n",
	  "1:25: nested too deeply: at most 16 levels", 1 },
	{ "escape sequence", "version: 1\nmode: \"\\e[2Jx\"\n",
	  "2:7: mode must be enforce or observe, not '\\x1b[2Jx'", 1 },
	{ "port no name", "version: 1\nports: [\"a/b\"]\n",
	  "2:9: port 'a/b' is no name of an interface", 1 },
	{ "port twice", "version: 1\nports: [a, a]\n",
	  "2:12: port 'a' a second time: the first is on line 2", 1 },
	{ "ports no list", "version: 1\nports: lan0\n", "2:8: ports must be a list", 1 },
	{ "built-in segment", "version: 1\nsegments: {update: {}}\n",
	  "2:12: segment 'update' is built in: choose another name", 1 },
	{ "segment's name", "version: 1\nsegments: {\"a b\": {}}\n",
	  "2:12: segment 'a b' must be 1 to 31 letters, digits, '_', '-' or '.', "
	  "not beginning with '-' or '.'", 1 },
	{ "segment twice", "version: 1\nsegments:\n  a: {}\n  a: {}\n",
	  "4:3: segment 'a' a second time: the first is on line 3", 1 },
	{ "segment no mapping", "version: 1\nsegments: {a: 1}\n",
	  "2:15: a segment must be a mapping", 1 },
	{ "encryption", "version: 1\nsegments: {a: {encryption: TLS1.1}}\n",
	  "2:28: encryption must be any, TLS1.2 or TLS1.3, not 'TLS1.1'", 1 },
	{ "isolate", "version: 1\nsegments: {a: {isolate: yes}}\n",
	  "2:25: isolate must be false or true, not 'yes'", 1 },
	{ "firmware.grace", "version: 1\nsegments: {a: {firmware: {grace: soon}}}\n",
	  "2:34: grace 'soon' must be a time like 0s, 12h or 7d, at most 365d", 1 },
	{ "firmware.postpone", "version: 1\nsegments:\n a:\n  firmware:\n   postpone: 366d\n",
	  "5:14: postpone '366d' must be a time like 0s, 12h or 7d, at most 365d", 1 },
	{ "firmware: unknown", "version: 1\nsegments: {a: {firmware: {floor: 1d, grace: 1d}}}\n",
	  "2:27: unknown key 'floor'", 1 },
	{ "firmware: no mapping", "version: 1\nsegments: {a: {firmware: true}}\n",
	  "2:26: firmware must be a mapping", 1 },
	{ "lease", "version: 1\nsegments: {a: {lease: 0s}}\n",
	  "2:23: lease '0s' must be a time like 30s, 15m, 1h or 7d, at most 365d", 1 },
	{ "unknown anomaly", "version: 1\nsegments: {a: {anomalies: {scam: {limit: 1/1s, then: count}}}}\n",
	  "2:28: unknown anomaly 'scam': did you mean 'scan'?", 1 },
	{ "limit", "version: 1\nsegments: {a: {anomalies: {unjudged: {limit: 1, then: count}}}}\n",
	  "2:46: limit '1' must be a number and a time, like 100/10s", 1 },
	{ "a limit beyond what a sketch tells",
	  "version: 1\nsegments: {a: {anomalies: {scan: {limit: 10001/1s, then: count}}}}\n",
	  "2:42: limit '10001/1s': at most 10000 targets are told apart", 1 },
	{ "learn, of a kind that learns nothing",
	  "version: 1\nsegments: {a: {anomalies: {rate: {limit: 1/1s, then: count, learn: 7d}}}}\n",
	  "2:68: 'learn' is for new_destination, not for rate", 1 },
	{ "learn, too short", "version: 1\nsegments: {a: {anomalies: {new_destination: {limit: 1/1h, then: event, learn: 59s}}}}\n",
	  "2:79: learn '59s' must be a time like 30m, 24h or 7d, from 1m to 90d", 1 },
	{ "learn, too long", "version: 1\nsegments: {a: {anomalies: {new_destination: {limit: 1/1h, then: event, learn: 91d}}}}\n",
	  "2:79: learn '91d' must be a time like 30m, 24h or 7d, from 1m to 90d", 1 },
	{ "learn, no time", "version: 1\nsegments: {a: {anomalies: {new_destination: {limit: 1/1h, then: event, learn: x}}}}\n",
	  "2:79: learn 'x' must be a time like 30m, 24h or 7d, from 1m to 90d", 1 },
	{ "learn, without a limit", "version: 1\nsegments: {a: {anomalies: {new_destination: {learn: 7d, then: event}}}}\n",
	  "2:45: the limit of an anomaly without 'limit'", 1 },
	{ "host bits", "version: 1\nsegments: {a: {networks: [10.0.50.1/24]}}\n",
	  "2:27: network '10.0.50.1/24' has host bits set: did you mean '10.0.50.0/24'?", 1 },
	{ "host bits, IPv6", "version: 1\nsegments: {a: {networks: [\"fd00::1/64\"]}}\n",
	  "2:27: network 'fd00::1/64' has host bits set: did you mean 'fd00::/64'?", 1 },
	{ "no length", "version: 1\nsegments: {a: {networks: [10.0.50.1]}}\n",
	  "2:27: network '10.0.50.1' must be an address and a length, like 10.0.50.0/24", 1 },
	{ "same network", "version: 1\nsegments:\n a: {networks: [10.0.0.0/8]}\n"
	  " b: {networks: [10.0.0.0/8]}\n",
	  "4:17: network '10.0.0.0/8' a second time: the first is on line 3", 1 },
	{ "rule from gateway", HEAD "rules: [{from: gateway, to: iot, allow: [any]}]\n",
	  "4:16: a rule from gateway: what the gateway opens passes without a rule", 1 },
	{ "rule to unknown", HEAD "rules: [{from: iot, to: iott, allow: [any]}]\n",
	  "4:25: unknown segment 'iott': did you mean 'iot'?", 1 },
	{ "rule without allow", HEAD "rules: [{from: iot, to: net}]\n",
	  "4:9: a rule without 'allow'", 1 },
	{ "rule that allows nothing", HEAD "rules: [{from: iot, to: net, allow: []}]\n",
	  "4:37: a rule that allows nothing", 1 },
	{ "match", HEAD "rules: [{from: iot, to: net, allow: [tcp/65536]}]\n",
	  "4:38: 'tcp/65536' must be like tcp/443, udp/8000-8100, tcp/*, icmp/echo-request, "
	  "icmp6/128, gre, 47 or any", 1 },
	{ "match upside down", HEAD "rules: [{from: iot, to: net, allow: [tcp/2-1]}]\n",
	  "4:38: 'tcp/2-1' must be like tcp/443, udp/8000-8100, tcp/*, icmp/echo-request, "
	  "icmp6/128, gre, 47 or any", 1 },
	{ "misspelt required key", HEAD "devices:\n- {name: a, mac: 02:00:00:00:00:01, "
	  "network_segment: iot, adresses: [10.0.0.1]}\n",
	  "5:59: unknown key 'adresses': did you mean 'addresses'?", 1 },
	{ "auto in a list", LEARNER("addresses: [10.0.0.1, auto]"),
	  "5:81: 'auto' is no address: besides a list, write auto: true in the device", 1 },
	{ "idevid no mapping", DEVICE(", idevid: SN-1"), "5:90: idevid must be a mapping", 1 },
	{ "idevid without its issuer", DEVICE(", idevid: {serial: SN-1}"), "5:90: idevid without 'issuer'", 1 },
	{ "idevid without its serial", DEVICE(", idevid: {issuer: acme}"), "5:90: idevid without 'serial'", 1 },
	{ "idevid of a key that is none", DEVICE(", idevid: {issuer: acme, serial: SN-1, model: x}"),
	  "5:119: unknown key 'model'", 1 },
	{ "idevid's issuer", DEVICE(", idevid: {issuer: Acme Inc, serial: SN-1}"),
	  "5:99: issuer 'Acme Inc' must be 1 to 31 letters, digits, '_', '-' or '.', not beginning with '-' or '.'", 1 },
	{ "idevid's serial, empty", DEVICE(", idevid: {issuer: acme, serial: \"\"}"),
	  "5:113: serial '' must be 1 to 64 printable characters of ASCII, no space first or last", 1 },
	{ "idevid's serial, with a space", DEVICE(", idevid: {issuer: acme, serial: \"SN \"}"),
	  "5:113: serial 'SN ' must be 1 to 64 printable characters of ASCII, no space first or last", 1 },
	{ "idevid's serial, too long", DEVICE(", idevid: {issuer: acme, serial: "
	  "12345678901234567890123456789012345678901234567890123456789012345}"), "5:113: serial "
	  "'12345678901234567890123456789012345678901234567890123456789012345' must be 1 to 64 printable characters of ASCII, "
	  "no space first or last", 1 },
	{ "idevid twice", "version: 1\nuplinks: []\nsegments: {iot: {}}\ndevices:\n"
	  "- {name: a, mac: 02:00:00:00:00:01, network_segment: iot, addresses: auto, idevid: {issuer: acme, serial: SN-1}}\n"
	  "- {name: b, mac: 02:00:00:00:00:02, network_segment: iot, addresses: auto, idevid: {issuer: acme, serial: SN-1}}\n",
	  "6:107: of this issuer, serial 'SN-1' a second time: the first is on line 5", 1 },
	{ "neither addresses nor auto", LEARNER("model: m"), "5:3: a device without 'addresses'", 1 },
	{ "auto: false alone", LEARNER("auto: false"), "5:65: a device without an address", 1 },
	{ "auto: false beside no address", LEARNER("addresses: [], auto: false"),
	  "5:70: a device without an address", 1 },
	{ "addresses: {auto: false}", LEARNER("addresses: {auto: false}"), "5:70: a device without an address", 1 },
	{ "addresses: no list", LEARNER("addresses: 10.0.0.1"), "5:70: addresses must be a list, or auto", 1 },
	{ "addresses: auto, misspelt", LEARNER("addresses: atuo"), "5:70: addresses must be a list, or auto", 1 },
	{ "addresses: an unknown key", LEARNER("addresses: {aut: true}"),
	  "5:71: unknown key 'aut': did you mean 'auto'?", 1 },
	{ "addresses: an empty mapping", LEARNER("addresses: {}"), "5:70: addresses without 'auto'", 1 },
	{ "auto: neither true nor false", LEARNER("auto: yes"), "5:65: auto must be false or true, not 'yes'", 1 },
	{ "auto: a list", LEARNER("auto: [static]"), "5:65: auto must be one value", 1 },
	{ "static: neither true nor false", LEARNER("auto: {static: 1}"),
	  "5:74: static must be false or true, not '1'", 1 },
	{ "auto: an unknown key", LEARNER("addresses: {auto: {statc: true}}"),
	  "5:78: unknown key 'statc': did you mean 'static'?", 1 },
	{ "auto twice", LEARNER("addresses: auto, auto: {static: true}"),
	  "5:82: auto a second time: 'addresses' says it already", 1 },
	{ "misspelt auto", LEARNER("atuo: true"), "5:59: unknown key 'atuo': did you mean 'auto'?", 1 },
	{ "DHCP servers no list", DEVICE("") "dhcp_servers: 10.0.0.1\n", "6:15: dhcp_servers must be a list", 1 },
	{ "a DHCP server that is no address", DEVICE("") "dhcp_servers: [10.0.0.1, dhcp.lan]\n",
	  "6:26: DHCP server 'dhcp.lan' is neither IPv4 nor IPv6", 1 },
	{ "a DHCP server that is no device", DEVICE("") "dhcp_servers: [10.0.0.1, 10.0.0.2]\n",
	  "6:26: DHCP server '10.0.0.2' is no address of a device of this policy; the gateway itself is trusted "
	  "without being listed", 1 },
	{ "a DHCP server, before the devices", "version: 1\ndhcp_servers: [\"fd00::5\"]\n",
	  "2:16: DHCP server 'fd00::5' is no address of a device of this policy; the gateway itself is trusted "
	  "without being listed", 1 },
	{ "a DHCP server twice", DEVICE("") "dhcp_servers: [10.0.0.1, 10.0.0.1]\n",
	  "6:26: DHCP server '10.0.0.1' a second time: the first is on line 6", 1 },
	{ "unknown devices in no segment", DEVICE("") "unknown: nobody\n", "6:10: unknown segment 'nobody'", 1 },
	{ "unknown devices in the gateway", DEVICE("") "unknown: gateway\n", "6:10: no device can be in segment 'gateway'", 1 },
	{ "unknown devices in two segments", DEVICE("") "unknown: [iot]\n", "6:10: unknown must be one value", 1 },
	{ "a VLAN without a port", DEVICE(", vlan: 20"), "5:88: vlan is one of a port's: give the device a port, too", 1 },
	{ "VLAN 0", DEVICE(", port: lan0, vlan: 0"), "5:100: vlan must be a number from 1 to 4094, not '0'", 1 },
	{ "VLAN 4095", DEVICE(", port: lan0, vlan: 4095"), "5:100: vlan must be a number from 1 to 4094, not '4095'", 1 },
	{ "a VLAN that is no number", DEVICE(", port: lan0, vlan: 20x"), "5:100: vlan must be a number from 1 to 4094, not '20x'", 1 },
	{ "two VLANs", DEVICE(", port: lan0, vlan: [20, 30]"), "5:100: vlan must be one value", 1 },
	{ "roam: neither true nor false", DEVICE(", roam: 1"), "5:88: roam must be false or true, not '1'", 1 },
	{ "roam of a segment: neither true nor false", "version: 1\nuplinks: []\nsegments: {iot: {roam: maybe}}\n",
	  "3:24: roam must be false or true, not 'maybe'", 1 },
	{ "roam, and one port", TIED(", port: port0, roam: true"),
	  "6:101: a device that roams is not tied to one port: leave out port, or roam", 1 },
	{ "roam, and a list of one port", TIED(", roam: true, ports: [port0]"),
	  "6:88: a device that roams is not tied to one port: leave out ports, or roam", 1 },
	{ "ports: no list", TIED(", ports: port0"), "6:89: ports must be a list", 1 },
	{ "ports: none", TIED(", ports: []"),
	  "6:89: no port at all: leave 'ports' out, and the device may be behind any", 1 },
	{ "ports: null", TIED(", ports: ~"), "6:89: no port at all: leave 'ports' out, and the device may be behind any", 1 },
	{ "ports: one twice", TIED(", ports: [port0, port1, port0]"), "6:104: port 'port0' a second time", 1 },
	{ "ports: an unknown one", TIED(", ports: [port0, prt1], roam: true"),
	  "6:97: unknown port 'prt1': did you mean 'port1'?", 1 },
	{ "ports: five", TIED(", ports: [port0, port1, port2, port3, port4]"), "6:118: more than 4 ports of one device", 1 },
	{ "ports: a list in the list", TIED(", ports: [port0, [port1]]"), "6:97: port must be one value", 1 },
	{ "port and ports", TIED(", port: port0, ports: [port0, port1]"),
	  "6:102: both 'port' and 'ports': write all of them in 'ports'", 1 },
	{ "all that is wrong with what is learned", DEVICE(", auto: {static: maybe}") "dhcp_servers: [1, 10.0.0.9]\n",
	  "5:97: static must be false or true, not 'maybe'", 3 },
	{ "no address", HEAD "devices:\n- {name: a, mac: 02:00:00:00:00:01, "
	  "network_segment: iot, addresses: []}\n", "5:70: a device without an address", 1 },
	{ "loopback", HEAD "devices:\n- {name: a, mac: 02:00:00:00:00:01, "
	  "network_segment: iot, addresses: [127.0.0.1]}\n",
	  "5:71: address '127.0.0.1' is none that a device can have", 1 },
	{ "mapped address", HEAD "devices:\n- {name: a, mac: 02:00:00:00:00:01, "
	  "network_segment: iot, addresses: [\"::ffff:10.0.0.1\"]}\n",
	  "5:71: address '::ffff:10.0.0.1' is neither IPv4 nor IPv6", 1 },
	{ "same address", DEVICE("") "- {name: b, mac: 02:00:00:00:00:02, network_segment: iot, "
	  "addresses: [10.0.0.1]}\n",
	  "6:71: address '10.0.0.1' a second time: the first is on line 5", 1 },
	{ "same name", DEVICE("") "- {name: a, mac: 02:00:00:00:00:02, network_segment: iot, "
	  "addresses: [10.0.0.2]}\n", "6:10: name 'a' a second time: the first is on line 5", 1 },
	{ "same MAC", DEVICE("") "- {name: b, mac: 02-00-00-00-00-01, network_segment: iot, "
	  "addresses: [10.0.0.2]}\n",
	  "6:18: mac '02-00-00-00-00-01' a second time: the first is on line 5", 1 },
	{ "multicast MAC", HEAD "devices:\n- {name: a, mac: 01:00:00:00:00:01, "
	  "network_segment: iot, addresses: [10.0.0.1]}\n",
	  "5:18: mac '01:00:00:00:00:01' is a multicast one", 1 },
	{ "zero MAC", HEAD "devices:\n- {name: a, mac: 00:00:00:00:00:00, "
	  "network_segment: iot, addresses: [10.0.0.1]}\n",
	  "5:18: mac '00:00:00:00:00:00' is zero", 1 },
	{ "no MAC", HEAD "devices:\n- {name: a, mac: 2:0:0:0:0:1, "
	  "network_segment: iot, addresses: [10.0.0.1]}\n",
	  "5:18: mac '2:0:0:0:0:1' must be like 02:00:00:00:01:01", 1 },
	{ "device in gateway", HEAD "devices:\n- {name: a, mac: 02:00:00:00:00:01, "
	  "network_segment: gateway, addresses: [10.0.0.1]}\n",
	  "5:54: segment gateway is the gateway itself: a device cannot be in it", 1 },
	{ "unknown port", DEVICE(", port: lan1"), "5:88: unknown port 'lan1': did you mean 'lan0'?", 1 },
	{ "looser", HEAD "devices:\n- {name: a, mac: 02:00:00:00:00:01, network_segment: hard, "
	  "addresses: [10.0.0.1], authentication: none}\n",
	  "5:99: authentication 'none' is looser than segment 'hard' demands", 1 },
	{ "protocol without ports", HEAD "rules: [{from: iot, to: net, allow: [esp/5]}]\n",
	  "4:38: 'esp/5': esp has no ports: write 'esp'", 1 },
	{ "likewise, by number", HEAD "rules: [{from: iot, to: net, allow: [47/*]}]\n",
	  "4:38: '47/*': 47 has no ports: write '47'", 1 },
	{ "protocol with ports", HEAD "rules: [{from: iot, to: net, allow: [sctp]}]\n",
	  "4:38: 'sctp': sctp comes with ports: 'sctp/*' for all", 1 },
	{ "protocol with types", HEAD "rules: [{from: iot, to: net, allow: [icmp6]}]\n",
	  "4:38: 'icmp6': icmp6 comes with types: 'icmp6/*' for all", 1 },
	{ "misspelt protocol", HEAD "rules: [{from: iot, to: net, allow: [vrpp]}]\n",
	  "4:38: 'vrpp': unknown protocol 'vrpp': did you mean 'vrrp'?", 1 },
	{ "related", HEAD "rules: [{from: iot, to: net, allow: [any], related: 1}]\n",
	  "4:53: related must be false or true, not '1'", 1 },
	{ "misspelt key of a rule", HEAD "rules: [{from: iot, to: net, allow: [any], relate: true}]\n",
	  "4:44: unknown key 'relate': did you mean 'related'?", 1 },
	{ "uplinks no list", "version: 1\nuplinks: wan0\n", "2:10: uplinks must be a list", 1 },
	{ "uplink no name", "version: 1\nuplinks: [wan0, a:b]\n",
	  "2:17: uplink 'a:b' is no name of an interface", 1 },
	{ "uplink too long", "version: 1\nuplinks: [abcdefghijklmno*]\n",
	  "2:11: uplink 'abcdefghijklmno*' is no name of an interface", 1 },
	{ "uplink twice", "version: 1\nuplinks: [wan0, \"br-*\", wan0]\n",
	  "2:25: uplink 'wan0' a second time: the first is on line 2", 1 },
	{ "uplink that is a port", "version: 1\nuplinks: [lan0]\nports: [lan0]\n",
	  "2:11: uplink 'lan0' is a port of this policy", 1 },
	{ "interfaces without networks", "version: 1\nsegments: {a: {interfaces: [wan0]}}\n",
	  "2:28: interfaces of a segment without networks: they say where its networks are", 1 },
	{ "interface that is a port", "version: 1\nports: [lan0]\nsegments:\n"
	  "  a: {networks: [10.0.0.0/8], interfaces: [lan0]}\n",
	  "4:44: interface 'lan0' is a port of this policy", 1 },
	{ "interface twice", "version: 1\nsegments:\n  a: {networks: [10.0.0.0/8], interfaces: [x, x]}\n",
	  "3:47: interface 'x' a second time in this segment", 1 },
	{ "misspelt interfaces", "version: 1\nsegments: {a: {interface: [wan0]}}\n",
	  "2:16: unknown key 'interface': did you mean 'interfaces'?", 1 },
	{ "several", "version: 1\nmode: a\nports: b\nrules: c\n",
	  "2:7: mode must be enforce or observe, not 'a'", 3 },
};

/* Load a text, given no uplinks if it does not say; *said: what was printed, to be freed. */
static int load(const char *text, size_t size, struct policy **out, char **said)
{
	FILE *file = fopen(FILE_NAME, "w"), *errors;
	size_t len;
	int ret;

	fwrite(text, 1, size, file);
	if (size > 11 && !memcmp(text, "version: 1\n", 11) && !memmem(text, size, "uplinks", 7) &&
	    !memmem(text, size, "uplink:", 7))
		fputs("\nuplinks: []\n", file);
	fclose(file);
	errors = open_memstream(said, &len);
	ret = policy_load(FILE_NAME, out, errors);
	fclose(errors);
	return ret;
}

/* The first line that is no warning; a line of the file and its caret follow each. */
static const char *first_error(char *said)
{
	char *line = said;
	int i;

	while (line && strstr(line, ": warning: ") && strstr(line, ": warning: ") < strchr(line, '\n'))
		for (i = 0; line && i < 3; i++) {
			line = strchr(line, '\n');
			line = line ? line + 1 : NULL;
		}
	if (line && strchr(line, '\n'))
		*strchr(line, '\n') = 0;
	return line ? line : "";
}

static void test_bad(void)
{
	char *said, expected[512];
	struct policy *p;
	const char *got;
	size_t i;
	int n;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		p = (struct policy *)&bad[i];
		n = load(bad[i].text, strlen(bad[i].text), &p, &said);
		got = first_error(said);
		snprintf(expected, sizeof(expected), FILE_NAME ":%s", bad[i].message);
		ok(n == bad[i].faults && !strcmp(got, expected) && p == (struct policy *)&bad[i],
		   "refused: %s", bad[i].name);
		if (strcmp(got, expected) || n != bad[i].faults)
			printf("# expected %d: %s\n# got %d: %s\n", bad[i].faults, expected, n, got);
		free(said);
	}
}

static struct policy *load_good(const char *text)
{
	struct policy *p = NULL;
	char *said;

	if (load(text, strlen(text), &p, &said))
		printf("# %s\n", said);
	free(said);
	return p;
}

/* Manufacturers' certificates: the same serial number of two manufacturers is two devices'. */
/* As it is printed; free() it. */
static char *printed(const struct policy *p)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	policy_print(p, out);
	fclose(out);
	return text;
}

/* Who may go from one gateway of a fleet to another: the kernel does not know, so no difference is about it. */
static void test_roam(void)
{
	static const char yaml[] = "version: 1\nuplinks: []\nsegments: {iot: {roam: true}, fixed: {roam: false}, plain: {}}\ndevices:\n"
		"- {name: a, mac: 02:00:00:00:00:01, network_segment: iot, addresses: auto}\n"
		"- {name: b, mac: 02:00:00:00:00:02, network_segment: iot, addresses: auto, roam: false}\n"
		"- {name: c, mac: 02:00:00:00:00:03, network_segment: iot, addresses: auto, roam: true}\n"
		"- {name: d, mac: 02:00:00:00:00:04, network_segment: fixed, addresses: auto}\n"
		"- {name: e, mac: 02:00:00:00:00:05, network_segment: fixed, addresses: auto, roam: true}\n"
		"- {name: f, mac: 02:00:00:00:00:06, network_segment: plain, addresses: auto, roam: false}\n";
	static const bool roams[] = { true, false, true, false, true, false };
	struct policy *p = load_good(yaml), *again, *bare = load_good(yaml);
	struct policy_diff diff = { .n = 0 };
	bool good = p && p->draft.n_devices == 6;
	char *first, *second;
	u32 i;

	for (i = 0; good && i < 6; i++)
		good = policy_may_roam(p, i) == roams[i];
	ok(good, "roam: a device's own word comes before its segment's");
	first = printed(p);
	again = load_good(first);
	second = printed(again);
	ok(strstr(first, "lease: 1h\n    roam: true\n") && strstr(first, "roam: false}") && !strcmp(first, second),
	   "roam: printed, and read again");
	bare->n_roaming = bare->n_staying = 0;
	ok(!policy_diff(bare, p, &diff) && !diff.n, "roam: no difference to a policy of the kernel");
	policy_forget_places(p);
	ok(policy_may_roam(p, 1) && !policy_may_roam(p, 3), "roam: without the devices' places, the segment's word");
	policy_diff_free(&diff);
	free(first);
	free(second);
	policy_free(p);
	policy_free(again);
	policy_free(bare);
}

static void test_idevid(void)
{
	static const char text[] = "version: 1\nuplinks: []\nsegments: {iot: {}}\ndevices:\n"
		"- {name: a, mac: 02:00:00:00:00:01, network_segment: iot, addresses: auto, idevid: {issuer: acme, serial: 0123}}\n"
		"- {name: b, mac: 02:00:00:00:00:02, network_segment: iot, addresses: auto}\n"
		"- {name: c, mac: 02:00:00:00:00:03, network_segment: iot, addresses: auto, idevid: {issuer: zeta, serial: 0123}}\n"
		"- {name: d, mac: 02:00:00:00:00:04, network_segment: iot, addresses: auto, idevid: {issuer: acme, serial: 'S\"N \\ 1'}}\n";
	struct policy *p = load_good(text);
	const struct policy_idevid *v = p ? p->idevids : NULL;

	ok(p && p->n_idevids == 3 && v[0].device == 0 && v[1].device == 2 && v[2].device == 3 && !strcmp(v[0].issuer, "acme") &&
	   !strcmp(v[1].issuer, "zeta") && !strcmp(v[0].serial, "0123") && !strcmp(v[1].serial, "0123") &&
	   !strcmp(v[2].serial, "S\"N \\ 1"), "idevid: of which devices, by whom, as it stands there");
	policy_free(p);
}

static void test_good(void)
{
	struct policy *p = load_good(good);
	const struct cordon_segment_def *s;
	const struct cordon_draft *d;

	if (!ok(p, "the good policy is loaded"))
		return;
	d = &p->draft;
	s = &d->segments[policy_find_segment(p, "iot_zone")];
	ok(d->mode == CORDON_MODE_OBSERVE && d->n_ports == 2 && d->n_uplinks == 2 && d->n_networks == 4 &&
	   d->n_interfaces == 2 && d->n_rules == 4 && d->n_matches == 11 && d->n_devices == 3 &&
	   d->n_addresses == 3, "all of it is there");
	ok(!strcmp(d->uplinks[0].name, "wan0") && !strcmp(d->uplinks[1].name, "ppp*"), "uplinks");
	ok(!strcmp(d->interfaces[1].name, "wan0") &&
	   d->interfaces[1].segment == policy_find_segment(p, "plant"), "where a segment's networks are");
	ok(d->rules[1].related && !d->rules[1].plaintext && !d->rules[0].related && !d->rules[2].related,
	   "a rule for what is announced");
	ok(d->matches[4].proto == 50 && !d->matches[4].lo && d->matches[4].hi == 65535 &&
	   d->matches[5].proto == 132 && d->matches[5].lo == 5060 && d->matches[6].proto == 200,
	   "protocols by name and number");
	ok(!s->grace && s->postpone == 43200, "a segment's firmware");
	s = &d->segments[policy_find_segment(p, "iot_zone") + 1];
	ok(s->grace == 604800 && s->postpone == 86400, "and what it is unless it is said");
	s--;
	ok(s->lease == 900 && !s->isolate && s->firmware && s->authentication == 1 &&
	   s->encryption == CORDON_ENCRYPTION_TLS1_3, "a segment's fields");
	ok(s->limits[CORDON_KIND_SPOOFED_SOURCE].count == 100 &&
	   s->limits[CORDON_KIND_SPOOFED_SOURCE].window == 10 &&
	   s->limits[CORDON_KIND_SPOOFED_SOURCE].action == CORDON_ACTION_QUARANTINE, "a limit");
	ok(d->devices[0].n == 2 && !d->devices[0].port && !strcmp(d->devices[0].model, "acme-t1") &&
	   d->devices[0].authentication == CORDON_INHERIT, "a device that inherits");
	ok(d->devices[1].mac[5] == 10 && d->devices[1].port == CORDON_ANY_PORT &&
	   d->devices[1].authentication == CORDON_AUTHENTICATION_CERTIFICATE,
	   "a device that demands more");
	ok(policy_find_port(p, "lan1") == 1 && policy_find_port(p, "x") == CORDON_ANY_PORT &&
	   policy_find_segment(p, "x") == CORDON_NO_SEGMENT, "finders");
	policy_free(p);
}

/* Null is an empty list and an empty mapping, wherever one belongs. */
static const struct {
	const char *name;
	const char *text;
} empty[] = {
	{ "every list and mapping", "version: 1\nports:\nsegments:\nrules:\ndevices:\n" },
	{ "comments", "version: 1\nports:\n# - lan0\nsegments:\n# a: {}\nrules:\n# - {}\ndevices:\n# - {}\n" },
	{ "null, in each form", "version: 1\nports: ~\nsegments: null\nrules: Null\ndevices: NULL\n" },
	{ "a segment's body", "version: 1\nsegments:\n  iot_zone:\n  plant:\n" },
	{ "what is in a body", "version: 1\nsegments:\n  a:\n    networks:\n    anomalies:\n    firmware:\n" },
};

static const struct bad not_empty[] = {
	{ "null is no value", "version: 1\nmode:\n", "2:6: mode must be enforce or observe, not ''", 1 },
	{ "quotes make it text", "version: 1\nports: \"\"\n", "2:8: ports must be a list", 1 },
	{ "a rule still allows something", HEAD "rules: [{from: iot, to: net, allow: }]\n",
	  "4:37: a rule that allows nothing", 1 },
	{ "a device still has an address", HEAD "devices:\n- name: a\n  mac: 02:00:00:00:00:01\n"
	  "  network_segment: iot\n  addresses:\n", "8:13: a device without an address", 1 },
	{ "an entry that is null", HEAD "rules:\n-\n", "5:2: a rule without 'from'", 3 },
	{ "a document of comments", "# version: 1\n", "1:1: the file says nothing", 1 },
	{ "UTF-16", "\xff\xfev\x31", NULL, 1 },
};

static void test_empty(void)
{
	struct policy *p;
	char *said;
	size_t i;
	bool good;
	int n;

	for (i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
		p = load_good(empty[i].text);
		ok(p && !p->draft.n_ports && !p->draft.n_networks && !p->draft.n_rules && !p->draft.n_devices,
		   "empty: %s", empty[i].name);
		policy_free(p);
	}
	p = load_good("version: 1\nsegments:\n  null:\n  ~:\n");
	ok(!p, "a key that is null stays the text that it is");
	policy_free(p);
	p = load_good("version: 1\nsegments:\n  null:\n  yes:\n");
	ok(p && policy_find_segment(p, "null") != CORDON_NO_SEGMENT &&
	   policy_find_segment(p, "yes") != CORDON_NO_SEGMENT, "a name stays the text that it is");
	policy_free(p);
	for (i = 0; i < sizeof(not_empty) / sizeof(not_empty[0]); i++) {
		p = NULL;
		n = load(not_empty[i].text, strlen(not_empty[i].text), &p, &said);
		good = n == not_empty[i].faults && !p;
		if (not_empty[i].message)
			good &= !strcmp(first_error(said) + strlen(FILE_NAME ":"), not_empty[i].message);
		else
			good &= !strcmp(said, "cordonctl: " FILE_NAME ": is UTF-16: save it as UTF-8\n");
		if (!ok(good, "not empty: %s", not_empty[i].name))
			printf("# %d: %s\n", n, said);
		free(said);
	}
}

/* @text with another end of each line */
static char *with_ends(const char *before, const char *text, const char *end)
{
	char *out = NULL;
	size_t size;
	FILE *f = open_memstream(&out, &size);

	for (fputs(before, f); *text; text++)
		*text == '\n' ? fputs(end, f) : fputc(*text, f);
	fclose(f);
	return out;
}

/* What editors of other systems write. */
static void test_editors(void)
{
	static const char * const boms[] = { "", "\xef\xbb\xbf" }, * const ends[] = { "\n", "\r\n", "\r" };
	struct policy *p, *same = load_good(good);
	struct policy_diff d = { NULL, 0 };
	char *text, *said;
	size_t i, j;

	for (i = 0; i < 2; i++)
		for (j = 0; j < 3; j++) {
			text = with_ends(boms[i], good, ends[j]);
			p = load_good(text);
			ok(p && !policy_diff(p, same, &d) && !d.n, "%s, lines end with %s",
			   i ? "a byte order mark" : "none", !j ? "LF" : j == 1 ? "CR LF" : "CR");
			policy_diff_free(&d);
			policy_free(p);
			free(text);
			text = with_ends(boms[i], "version: 1\nmode: x # y\nuplinks: []\n", ends[j]);
			ok(load(text, strlen(text), &p, &said) == 1 && !strcmp(said, FILE_NAME
			   ":2:7: mode must be enforce or observe, not 'x'\n    mode: x # y\n          ^\n"),
			   "and the caret stands under the fault");
			free(said);
			free(text);
		}
	text = with_ends("\xef\xbb\xbf", "version: 2\nuplinks: []\n", "\n");
	ok(load(text, strlen(text), &p, &said) == 1 && strstr(said, ":1:10: ") && strstr(said, "\n             ^\n"),
	   "on the first line, too");
	free(said);
	free(text);
	policy_free(same);
}

/* Its absence is told once, with what could stand there. */
static void test_uplinks(void)
{
	static const char text[] = "mode: %s\nversion: 1\nports: [lan0]\nsegments: {a: {interfaces: [%s], "
				   "networks: [10.0.0.0/8]}}\n%s";
	struct if_nameindex *list = if_nameindex();
	char buf[256], *said;
	struct policy *p;
	size_t i;
	int n;

	snprintf(buf, sizeof(buf), text, "enforce", "no-such", "");
	n = load(buf, strlen(buf), &p, &said);
	ok(n == 1 && strstr(said, FILE_NAME ":1:1: uplinks is missing: name the interfaces that are no ports and may "
			    "forward, like uplinks: [") &&
	   strstr(said, "); what is in neither list is closed\n"), "no uplinks: refused");
	for (i = 0; list && list[i].if_index && i < 8; i++)
		ok(strcmp(list[i].if_name, "lo") ? !!strstr(strstr(said, "(this"), list[i].if_name) :
		   !strstr(said, "[lo") && !strstr(said, ", lo"), "interfaces to choose from: %s", list[i].if_name);
	free(said);
	snprintf(buf, sizeof(buf), text, "enforce", "\"*\"", "");
	n = load(buf, strlen(buf), &p, &said);
	ok(n == 1 && strstr(said, "like uplinks: [] (this machine has no other);"), "none is left to choose from");
	free(said);
	snprintf(buf, sizeof(buf), text, "enforce", "no-such", "uplink: [wan0]\n");
	n = load(buf, strlen(buf), &p, &said);
	ok(n == 1 && !strcmp(first_error(said), FILE_NAME ":5:1: unknown key 'uplink': did you mean 'uplinks'?"),
	   "a misspelt key: one fault");
	free(said);
	snprintf(buf, sizeof(buf), text, "enforce", "no-such", "uplinks: []\n");
	n = load(buf, strlen(buf), &p, &said);
	if (ok(!n && !said[0] && !p->draft.n_uplinks, "an empty list is one"))
		policy_free(p);
	free(said);
	snprintf(buf, sizeof(buf), text, "observe", "no-such", "");
	n = load(buf, strlen(buf), &p, &said);
	if (ok(!n && strstr(said, ":1:1: warning: uplinks is missing: ") && strstr(said, " in mode enforce\n"),
	       "to observe: a warning"))
		policy_free(p);
	free(said);
	if_freenameindex(list);
}

/* What this machine lacks. */
static void test_machine(void)
{
	struct policy *p = load_good("version: 1\nports: [lo, no-such0]\nuplinks: [no-such1, \"no-such*\"]\n"
				     "segments: {a: {networks: [10.0.0.0/8], interfaces: [no-such2]}}\n");
	char *said = NULL;
	size_t size;
	FILE *out = open_memstream(&said, &size);

	if (p)
		machine_compare(p, "x.yaml", out);
	fclose(out);
	ok(!strcmp(said, "x.yaml: warning: port 'no-such0': this machine has no such interface\n"
		   "x.yaml: warning: uplink 'no-such1': this machine has no such interface\n"
		   "x.yaml: warning: interface 'no-such2': this machine has no such interface\n"),
	   "interfaces that this machine lacks are told, patterns are not");
	free(said);
	policy_free(p);
}

static void test_warnings(void)
{
	static const char text[] = "version: 1\nsegments:\n"
		" a: {firmware_auto_update: true, anomalies: {unknown_device: {limit: 1/1s, then: count}}}\n"
		" b: {encryption: TLS1.3, anomalies: {unknown_device: {limit: 1/1s, then: count}}}\n"
		" d: {anomalies: {bad_flags: {limit: 1/1s, then: count}, fragment: {limit: 1/1s, then: count}}}\n"
		" e: {anomalies: {scan: {limit: 10000/1s, then: count}, rate: {limit: 10001/1s, then: count}}}\n"
		" c: {encryption: any, firmware_auto_update: true, lease: 1d}\n";
	static const char expected[] =
		FILE_NAME ":3:46: warning: anomaly 'unknown_device': no device is to blame for it\n";
	struct policy *p = NULL;
	char *said, *c;
	int warnings = 0;
	bool first;

	ok(!load(text, strlen(text), &p, &said), "a policy with warnings is loaded");
	first = !strncmp(said, expected, strlen(expected));
	for (c = said; (c = strstr(c, ": warning: ")); c++)
		warnings++;
	ok(first && warnings == 1, "one warning for each kind of thing");
	free(said);
	policy_free(p);
}

/* What is loaded, printed and loaded again; what differs. */
static void test_new_destination(void)
{
	static const char text[] = "version: 1\nuplinks: []\nsegments:\n"
		" a: {anomalies: {new_destination: {limit: 1/1h, learn: 2h, then: quarantine}}}\n"
		" b: {anomalies: {new_destination: {limit: 5/1d, then: event}}}\n"
		" c: {anomalies: {new_destination: {limit: 5/1d, then: event, learn: 1m}, rate: {limit: 1/1s, then: count}}}\n"
		" d: {anomalies: {new_destination: {limit: 5/1d, then: event, learn: 90d}}}\n e: {}\n";
	static const char other[] = "version: 1\nuplinks: []\nsegments:\n"
		" a: {anomalies: {new_destination: {limit: 1/1h, learn: 3h, then: quarantine}}}\n"
		" b: {}\n c: {anomalies: {rate: {limit: 1/1s, then: count}}}\n d: {}\n e: {}\n";
	struct policy *p = load_good(text), *q = load_good(other), *again = NULL;
	const struct cordon_segment_def *s;
	struct policy_diff d = { NULL, 0 };
	char *printed = NULL;
	size_t size;
	FILE *out = open_memstream(&printed, &size);

	if (!ok(p && q, "limits for new_destination are loaded"))
		return;
	s = &p->draft.segments[CORDON_BUILTIN_SEGMENTS];
	ok(s[0].learn == 7200 && s[0].limits[CORDON_KIND_NEW_DESTINATION].action == CORDON_ACTION_QUARANTINE &&
	   s[2].learn == 60 && s[3].learn == CORDON_MAX_LEARN, "with for how long is learned");
	ok(s[1].learn == CORDON_DEFAULT_LEARN && s[4].learn == CORDON_DEFAULT_LEARN, "a week, unless it is said");
	policy_print(p, out);
	fclose(out);
	ok(strstr(printed, "new_destination: {limit: 1/1h, then: quarantine, learn: 2h}") &&
	   strstr(printed, "rate: {limit: 1/1s, then: count}, new_destination: {limit: 5/1d, then: event, learn: 1m}"),
	   "printed: %s", printed);
	again = load_good(printed);
	ok(again && !policy_diff(p, again, &d) && !d.n, "and read again, it is the same");
	policy_diff_free(&d);
	ok(!policy_diff(p, q, &d) && d.n == 4 && !strcmp(d.changes[0].name, "a") &&
	   !strcmp(d.changes[0].before, "new_destination: 1/1h, quarantine, learn 2h") &&
	   !strcmp(d.changes[0].after, "new_destination: 1/1h, quarantine, learn 3h") &&
	   !strcmp(d.changes[1].before, "new_destination: 5/1d, event, learn 7d") && !d.changes[1].after,
	   "another time to learn is a change, and a limit that is gone is one");
	policy_diff_free(&d);
	free(printed);
	policy_free(p);
	policy_free(q);
	policy_free(again);
}

static void test_moved_port(void)
{
	static const char text[] = "version: 1\nsegments:\n"
		" a: {anomalies: {moved_port: {limit: 1/1s, then: quarantine}}}\n"
		" b: {anomalies: {moved_port: {limit: 1/1s, then: event}}}\n";
	static const char expected[] =
		FILE_NAME ":3:50: warning: anomaly 'moved_port': 'quarantine' sends an event only, "
		"as whoever is at another port may bear the device's MAC\n";
	struct policy *p = NULL;
	char *said, *c;

	ok(!load(text, strlen(text), &p, &said), "a limit on moved_port is loaded");
	ok(!strncmp(said, expected, strlen(expected)), "it is told that it quarantines nobody: %s", said);
	c = strstr(said, ": warning: ");
	ok(c && !strstr(c + 1, ": warning: "), "and not of a limit that sends an event");
	free(said);
	policy_free(p);
}

static void test_many(void)
{
	size_t size = 0, i;
	char *text = NULL, *said, *last;
	struct policy *p;
	FILE *out = open_memstream(&text, &size);

	fputs("version: 1\nports:\n", out);
	for (i = 0; i < 250; i++)
		fputs("- a/b\n", out);
	fclose(out);
	ok(load(text, size, &p, &said) == 250, "all faults are counted");
	last = strstr(said, "and 150 more\n");
	ok(last && !last[13], "a hundred are printed");
	free(said);
	free(text);
}

/* HEAD, @count times @each with its number in it, and the rest. */
static int load_repeated(const char *head, const char *each, unsigned int count, const char *rest,
			 struct policy **p, char **said)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	unsigned int i;
	int ret;

	fputs(head, out);
	for (i = 0; i < count; i++)
		fprintf(out, each, i, i >> 8, i & 255);
	fputs(rest, out);
	fclose(out);
	ret = load(text, size, p, said);
	free(text);
	return ret;
}

static const struct {
	const char *name;
	const char *head;
	const char *each;
	const char *rest;
	unsigned int most;
	const char *message;
} caps[] = {
	{ "ports", "version: 1\nports:\n", "- p%u\n", "", CORDON_MAX_PORTS,
	  "259:3: more than 256 ports" },
	{ "segments", "version: 1\nsegments:\n", " s%u: {}\n", "",
	  CORDON_MAX_SEGMENTS - CORDON_BUILTIN_SEGMENTS,
	  "2047:2: more than 2048 segments, the built-in ones included" },
	{ "networks", "version: 1\nsegments: {a: {networks: [\n", "\"fd00:%x::/32\",\n", "]}}\n",
	  CORDON_MAX_NETWORKS, "8195:1: network 'fd00:2000::/32': more than 8192 networks" },
	{ "matches of a rule", HEAD "rules:\n- from: iot\n  to: net\n  allow:\n", "  - tcp/%u\n", "",
	  CORDON_MAX_RULE_MATCHES, "104:5: more than 96 in one rule: make it two" },
	{ "addresses of a device", HEAD "devices:\n- name: a\n  mac: 02:00:00:00:00:01\n"
	  "  network_segment: iot\n  addresses:\n", "  - 10.0.0.%u\n", "",
	  CORDON_MAX_DEVICE_ADDRESSES, "25:5: more than 16 addresses of one device" },
	{ "DHCP servers", HEAD "devices:\n- {name: a, mac: 02:00:00:00:00:01, network_segment: iot, addresses: [10.0.0.0, "
	  "10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4, 10.0.0.5, 10.0.0.6, 10.0.0.7, 10.0.0.8, 10.0.0.9]}\n"
	  "- {name: b, mac: 02:00:00:00:00:02, network_segment: iot, addresses: [10.0.0.10, 10.0.0.11, 10.0.0.12, "
	  "10.0.0.13, 10.0.0.14, 10.0.0.15, 10.0.0.16]}\ndhcp_servers:\n", "- 10.0.0.%u\n", "", CORDON_MAX_SERVERS,
	  "24:3: more than 16 DHCP servers" },
	{ "rules", HEAD "rules:\n", "- {from: iot, to: net, allow: [tcp/%u]}\n", "",
	  CORDON_MAX_RULES, "65541:3: more than 65536 rules" },
};

static void test_caps(void)
{
	char *said, expected[128];
	struct policy *p;
	bool most, more;
	size_t i;

	for (i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		most = !load_repeated(caps[i].head, caps[i].each, caps[i].most, caps[i].rest, &p, &said);
		if (most)
			policy_free(p);
		free(said);
		more = load_repeated(caps[i].head, caps[i].each, caps[i].most + 1, caps[i].rest,
				     &p, &said) == 1;
		snprintf(expected, sizeof(expected), FILE_NAME ":%s", caps[i].message);
		if (!ok(most && more && !strcmp(first_error(said), expected),
			"as many as there may be, and one more: %s", caps[i].name))
			printf("# most %d more %d, %s\n", most, more, said);
		free(said);
	}
	most = !load_repeated(HEAD "devices:\n", "- {name: d%u, mac: 02:00:00:00:%02x:%02x, "
			      "network_segment: iot, addresses: [10.1.%2$u.%3$u]}\n", 65536, "",
			      &p, &said);
	ok(most && p->draft.n_devices == 65536, "65,536 devices");
	if (most)
		policy_free(p);
	free(said);
}

/* A path that cannot be read: one line that says why. */
static void file_error(const char *path, const char *why)
{
	char *said = NULL, expected[128];
	struct policy *p;
	size_t size;
	FILE *errors = open_memstream(&said, &size);
	int n = policy_load(path, &p, errors);

	fclose(errors);
	snprintf(expected, sizeof(expected), "cordonctl: %s: %s\n", path, why);
	ok(n == 1 && !strcmp(said, expected), "%s: %s", path, why);
	free(said);
}

static void test_files(void)
{
	file_error("nowhere.yaml", "No such file or directory");
	file_error(".", "Is a directory");
	if (truncate(FILE_NAME, (128UL << 20) + 1))
		return;
	file_error(FILE_NAME, "larger than 128 MiB");
	unlink(FILE_NAME);
	if (!close(creat(FILE_NAME, 0)) && access(FILE_NAME, R_OK))
		file_error(FILE_NAME, "Permission denied");
	unlink(FILE_NAME);
}

/* However long the line and whatever is in it, it is shown around the caret. */
static void test_line(void)
{
	char text[1024] = "version: 1\nmode: \"\xc3\xa4\t\xe2\x80\xae\" # ", *said, *line, *caret;
	struct policy *p;

	memset(text + strlen(text), 'x', 500);
	ok(load(text, strlen(text), &p, &said) == 1, "a long line with a fault");
	line = strstr(said, "    mode");
	ok(line && strstr(line, "mode: \"\\xc3\\xa4 \\xe2\\x80\\xae\" # xxx"), "unprintable bytes are escaped");
	caret = line ? strchr(line, '\n') : NULL;
	ok(caret && caret - line < 190 && !strcmp(caret, "\n          ^\n"), "the line is bounded");
	free(said);
	snprintf(text, sizeof(text), "version: 1\nports: [%0500d, a/b]\n", 0);
	ok(load(text, strlen(text), &p, &said) == 2, "a fault far to the right");
	line = strstr(said, "a/b]\n");
	caret = strrchr(said, '^');
	ok(line && caret && caret - strrchr(said, '\n') < 180 &&
	   strstr(said, "0, a/b]\n                    "), "is shown, and the caret under it");
	free(said);
}

static const char * const matches[] = {
	"tcp/443", "tcp/8000-8100", "udp/*", "tcp/*", "any", "icmp/echo-request", "icmp/200",
	"icmp6/nd-neighbor-solicit", "icmp6/200", "icmp/*", "icmp6/*", "udp/0-1", "gre", "esp", "ah", "ospf", "vrrp",
	"igmp", "sctp/5060", "sctp/*", "dccp/1-2", "udplite/7", "ipencap", "ipip", "l2tp", "pim", "eigrp", "ipv6",
	"ax.25", "mobility-header", "200", "255",
};
static const char * const no_matches[] = {
	"", "tcp", "tcp/", "tcp/-", "tcp/1-", "tcp/-1", "tcp/65536", "icmp/256", "icmp/1-2", "tcp/ 1",
	"tcp/echo-request", "icmp/nd-redirect", "sctp", "Any", "*", "/", "tcp/99999999999", "tcp/1/2", "0", "256",
	"-1", "1e1", "esp/5", "gre/*", "GRE", "6", "icmp", "ipv6-frag", "mobility-header-and-more",
};
static const char * const networks[] = { "10.0.0.0/8", "0.0.0.0/0", "::/0", "fd00::/64", "::1/128" };
static const char * const no_networks[] = {
	"10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "::/129", "::ffff:0:0/96", "/8", "10.0.0/8", "::/-1",
};
static const char * const durations[] = { "0s", "30s", "15m", "1h", "7d", "90s", "49710d" };
static const char * const no_durations[] = { "", "s", "1", "1w", "-1s", "49711d", "1.5h", "1 s" };

#define EACH(list, text) \
	for (size_t _i = 0; _i < sizeof(list) / sizeof((list)[0]) && ((text) = (list)[_i]); _i++)

static void test_text(void)
{
	struct cordon_network_def n = { 0 };
	char buf[POLICY_ADDR_LEN];
	struct cordon_match m;
	const char *text;
	u32 seconds;
	u8 mac[6];

	EACH(matches, text)
		ok(!policy_match_parse(text, &m) && !strcmp(policy_match_text(&m, buf), text),
		   "match there and back: %s", text);
	EACH(no_matches, text)
		ok(policy_match_parse(text, &m), "no match: '%s'", text);
	EACH(networks, text)
		ok(!policy_network_parse(text, &n) && !strcmp(policy_network_text(&n, buf), text),
		   "network there and back: %s", text);
	EACH(no_networks, text)
		ok(policy_network_parse(text, &n), "no network: '%s'", text);
	EACH(durations, text)
		ok(!policy_duration_parse(text, &seconds) &&
		   (!strcmp(policy_duration_text(seconds, buf), text) || !strcmp(text, "90s")),
		   "duration there and back: %s", text);
	EACH(no_durations, text)
		ok(policy_duration_parse(text, &seconds), "no duration: '%s'", text);
	ok(!policy_match_parse("mdns", &m) && !strcmp(policy_match_text(&m, buf), "udp/5353"), "multicast DNS by its name");
	ok(!policy_match_parse("ssdp", &m) && !strcmp(policy_match_text(&m, buf), "udp/1900"), "and SSDP");
	ok(policy_match_parse("mdns/5353", &m), "which has no port");
	ok(!policy_match_parse("47", &m) && !strcmp(policy_match_text(&m, buf), "gre"), "a number becomes a name");
	ok(!policy_match_parse("6/443", &m) && !strcmp(policy_match_text(&m, buf), "tcp/443"), "with ports, too");
	ok(!policy_match_parse("ipv6-icmp/128", &m) && !strcmp(policy_match_text(&m, buf), "icmp6/echo-request"),
	   "a second name becomes the first");
	ok(!policy_mac_parse("02-aB-00-00-01-fF", mac) &&
	   !strcmp(policy_mac_text(mac, buf), "02:ab:00:00:01:ff"), "MAC there and back");
	ok(policy_mac_parse("02-ab:00:00:01:ff", mac) && policy_mac_parse("02:ab:00:00:01:fg", mac) &&
	   policy_mac_parse("02:ab:00:00:01", mac), "no MACs");
	ok(!policy_hex_parse("02ab000001ff", 6, mac) && !strcmp(policy_hex_text(mac, 6, buf), "02ab000001ff"), "bytes there and back");
	ok(policy_hex_parse("02ab000001f", 6, mac) && policy_hex_parse("02ab000001ff0", 6, mac) &&
	   policy_hex_parse("02ab000001fF", 6, mac) && policy_hex_parse("02ab000001fg", 6, mac) && policy_hex_parse("", 6, mac) &&
	   !strcmp(policy_hex_text(mac, 6, buf), "02ab000001ff"), "no bytes: nothing is written");
}

static void test_error_text(void)
{
	struct cordon_error err = { CORDON_FAULT_DUPLICATE_ADDRESS, CORDON_OBJECT_ADDRESS, 1, 0 };
	struct policy *p = load_good(good);
	struct cordon_policy *sealed;
	char text[200];

	if (!p)
		return;
	policy_error_text(p, &err, text, sizeof(text));
	ok(!strcmp(text, "address 'fd00:20::11': already an address of device 'thermostat-1'"),
	   "a core error in words: %s", text);
	p->draft.devices[1].mac[5] = 1;
	ok(policy_seal(p, &sealed, &err) == -EINVAL, "the core refuses a MAC that comes twice");
	policy_error_text(p, &err, text, sizeof(text));
	ok(!strcmp(text, "device 'pump': the MAC is taken by device 'thermostat-1'"),
	   "and says so: %s", text);
	policy_error_text(p, &err, text, 8);
	ok(strlen(text) == 7, "a short buffer is terminated");
	policy_free(p);
}

static const char * const changes[] = {
	"change mode mode.mode: observe -> enforce",
	"change unknown unknown.unknown: deny -> plant",
	"delete port lan1.-: - -> -",
	"delete uplink ppp*.-: - -> -",
	"add uplink br-*.-: - -> -",
	"change segment plant.interfaces: plant0, wan0 -> -",
	"change segment wan.interfaces: - -> ppp*, wan0",
	"delete rule plant -> iot_zone.-: tcp/21 (related), esp (related), sctp/5060 (related), 200 (related) -> -",
	"change rule iot_zone -> gateway.allow: icmp/echo-request (plaintext), udp/* (plaintext), "
	"icmp6/echo-request (plaintext) -> icmp/echo-request (plaintext), udp/* (plaintext) (related), "
	"icmp6/echo-request (plaintext) (related)",
	"change segment iot_zone.firmware.grace: 0s -> 7d",
	"change segment iot_zone.firmware.postpone: 12h -> 1d",
	"change segment iot_zone.lease: 15m -> 1h",
	"change segment iot_zone.anomalies: spoofed_source: 100/10s, quarantine -> -",
	"add segment new.-: - -> -",
	"change network 10.0.50.0/24.segment: plant -> new",
	"delete network fd00:50::/64.-: - -> -",
	"delete rule quarantine -> gateway.-: tcp/* -> -",
	"change rule iot_zone -> wan.allow: any, tcp/8000-8100, tcp/8883 -> tcp/8883",
	"change device thermostat-2.name: thermostat-1 -> thermostat-2",
	"change device thermostat-2.addresses: 10.0.20.11, fd00:20::11 -> 10.0.20.12",
	"change device thermostat-2.port: lan0 -> -",
	"change device thermostat-2.vlan: 4094 -> -",
	"delete device pump.-: - -> -",
	"change device meter.addresses: auto -> 10.0.50.3, auto-static",
	"delete dhcp_server 10.0.20.11.-: - -> -",
	"delete dhcp_server 10.0.50.2.-: - -> -",
	"add dhcp_server 10.0.20.12.-: - -> -",
};

static const char changed[] =
	"version: 1\n"
	"ports: [lan0]\n"
	"uplinks: [\"br-*\", wan0]\n"
	"segments:\n"
	"  wan: {networks: [\"::/0\", 0.0.0.0/0], interfaces: [wan0, \"ppp*\"]}\n"
	"  new: {networks: [10.0.50.0/24]}\n"
	"  plant: {}\n"
	"  iot_zone: {authentication: certificate, encryption: TLS1.3, firmware_auto_update: true,\n"
	"    isolate: false}\n"
	"rules:\n"
	"  - {from: iot_zone, to: gateway, allow: [icmp6/128, udp/*], plaintext: true, related: true}\n"
	"  - {from: iot_zone, to: wan, allow: [tcp/8883]}\n"
	"  - {from: iot_zone, to: gateway, allow: [icmp/8], plaintext: true}\n"
	"devices:\n"
	"  - {name: thermostat-2, mac: 02:00:00:00:01:01, network_segment: iot_zone,\n"
	"     addresses: [10.0.20.12], model: acme-t1}\n"
	"  - {name: meter, mac: 02:00:00:00:01:0B, network_segment: plant, addresses: [10.0.50.3],\n"
	"     auto: {static: true}}\n"
	"unknown: plant\n"
	"dhcp_servers: [10.0.20.12]\n";

#define OR_DASH(s) ((s) ? (s) : "-")

static void test_diff(void)
{
	static const char * const ops[] = { "add", "delete", "change" };
	struct policy *a = load_good(good), *b = load_good(changed);
	struct policy_diff d = { NULL, 0 };
	size_t i, j, n = sizeof(changes) / sizeof(changes[0]);
	char line[512];
	bool found;

	if (!ok(a && b, "both policies are loaded"))
		return;
	ok(!policy_diff(a, a, &d) && !d.n, "a policy does not differ from itself");
	policy_diff_free(&d);
	ok(!policy_diff(a, b, &d) && d.n == n, "as many changes as were made");
	for (i = 0; i < d.n; i++) {
		const struct policy_change *c = &d.changes[i];

		snprintf(line, sizeof(line), "%s %s %s.%s: %s -> %s", ops[c->op], c->object, c->name,
			 OR_DASH(c->field), OR_DASH(c->before), OR_DASH(c->after));
		for (j = 0, found = false; j < n; j++)
			found |= !strcmp(line, changes[j]);
		ok(found, "%s", line);
	}
	policy_diff_free(&d);
	policy_free(a);
	policy_free(b);
}

/* A device of several ports, the same device of the same ports, and of others. */
static void test_ports(void)
{
	struct policy *p = load_good(TIED(", ports: [port2, port0, port3, port1], vlan: 20, roam: true"));
	struct policy *same = load_good(TIED(", ports: [port0, port1, port2, port3], vlan: 20, roam: true"));
	struct policy *one = load_good(TIED(", ports: [port2]")), *port = load_good(TIED(", port: port2"));
	struct policy_diff d = { NULL, 0 };
	const struct cordon_device_def *v;
	struct cordon_policy *sealed = NULL;
	struct cordon_error err;
	char *first, *second;
	struct policy *again;

	if (!ok(p && same && one && port, "devices of several ports are loaded"))
		return;
	v = p->draft.devices;
	ok(cordon_device_ports(v) == 4 && v->port == 2 && cordon_device_port(v, 3) == 1 && v->vlan == 20 && v->roam,
	   "four of them, in a VLAN, with roam");
	ok(cordon_device_may_be_at(v, 0) && cordon_device_may_be_at(v, 3) && !cordon_device_may_be_at(v, 4) &&
	   !cordon_device_may_be_at(v, CORDON_ANY_PORT), "it may be behind these, and behind no other");
	ok(sizeof(*v) <= 128, "and takes no more than two lines of the cache");
	ok(!policy_seal(p, &sealed, &err), "the core takes it");
	free(sealed);
	p->draft.devices[0].also[2] = 0;
	ok(policy_seal(p, &sealed, &err) == -EINVAL && err.fault == CORDON_FAULT_PORTS, "but not one of them twice");
	p->draft.devices[0].also[2] = 1;
	ok(!policy_diff(p, same, &d) && !d.n, "their order says nothing");
	policy_diff_free(&d);
	ok(!policy_diff(port, one, &d) && !d.n && !one->draft.devices[0].n_also, "a list of one is that one");
	policy_diff_free(&d);
	ok(!policy_diff(one, same, &d) && d.n == 3 && !strcmp(d.changes[0].field, "ports") &&
	   !strcmp(d.changes[0].before, "port2") && !strcmp(d.changes[0].after, "port0, port1, port2, port3"),
	   "what differs is told");
	policy_diff_free(&d);
	first = printed(p);
	again = load_good(first);
	second = again ? printed(again) : NULL;
	ok(again && !strcmp(first, second) && strstr(first, ", ports: [\"port2\", \"port0\", \"port3\", \"port1\"], vlan: 20"),
	   "what was printed is printed the same again");
	free(first);
	free(second);
	policy_free(again);
	policy_free(p);
	policy_free(same);
	policy_free(one);
	policy_free(port);
}

static const char learning[] =
	"version: 1\n"
	"dhcp_servers: [10.0.0.5, \"fd00::5\"]\n"
	"unknown: iot\n"
	"uplinks: []\n"
	"segments: {iot: {}}\n"
	"devices:\n"
	"  - {name: dhcp, mac: 02:00:00:00:00:05, network_segment: iot, addresses: [10.0.0.5, \"fd00::5\"]}\n"
	"  - {name: one, mac: 02:00:00:00:00:01, network_segment: iot, addresses: auto, roam: true}\n"
	"  - {name: two, mac: 02:00:00:00:00:02, network_segment: iot, addresses: {auto: {static: true}}}\n"
	"  - {name: three, mac: 02:00:00:00:00:03, network_segment: iot, addresses: [10.0.0.3], auto: true}\n"
	"  - {name: four, mac: 02:00:00:00:00:04, network_segment: iot, addresses: [10.0.0.4], auto: {static: true}}\n"
	"  - {name: six, mac: 02:00:00:00:00:06, network_segment: iot, auto: true}\n"
	"  - {name: seven, mac: 02:00:00:00:00:07, network_segment: iot, addresses: {auto: true}}\n"
	"  - {name: eight, mac: 02:00:00:00:00:08, network_segment: iot, addresses: [10.0.0.8], auto: false}\n"
	"  - {name: nine, mac: 02:00:00:00:00:09, network_segment: iot, addresses: [], auto: {static: false}}\n";

static const struct {
	u8 learn;
	u8 fixed;
} learners[] = {
	{ CORDON_LEARN_NONE, 2 }, { CORDON_LEARN_AUTO, 0 }, { CORDON_LEARN_AUTO_STATIC, 0 }, { CORDON_LEARN_AUTO, 1 },
	{ CORDON_LEARN_AUTO_STATIC, 1 }, { CORDON_LEARN_AUTO, 0 }, { CORDON_LEARN_AUTO, 0 }, { CORDON_LEARN_NONE, 1 },
	{ CORDON_LEARN_AUTO, 0 },
};

static void test_learning(void)
{
	struct policy *p = load_good(learning), *again;
	struct policy_diff d = { NULL, 0 };
	const struct cordon_device_def *v;
	char *first, *second;
	u32 i;

	if (!ok(p && p->draft.n_devices == 9 && p->draft.n_servers == 2, "devices that learn, and DHCP servers"))
		return;
	for (i = 0; i < p->draft.n_devices; i++) {
		v = &p->draft.devices[i];
		ok(v->learn == learners[i].learn && v->n == learners[i].fixed && cordon_device_fixed(v) == v->n,
		   "%s: %s, and %u of its own", v->name, policy_learn_name(v->learn), v->n);
	}
	first = printed(p);
	again = load_good(first);
	second = again ? printed(again) : NULL;
	ok(again && !strcmp(first, second), "what was printed is printed the same again");
	ok(again && !policy_diff(p, again, &d) && !d.n, "and does not differ");
	ok(p->draft.unknown == p->draft.devices[0].segment && strstr(first, "\nunknown: \"iot\"\n"),
	   "devices that it does not list are held in a segment");
	ok(p->draft.devices[1].roam && !p->draft.devices[2].roam, "one roams");
	ok(strstr(first, "\ndhcp_servers: [\"10.0.0.5\", \"fd00::5\"]\n") && strstr(first, "iot\", addresses: auto, roam: true}") &&
	   strstr(first, "addresses: {auto: {static: true}}}") && strstr(first, "addresses: [\"10.0.0.3\"], auto: true}") &&
	   strstr(first, "addresses: [\"10.0.0.4\"], auto: {static: true}}"), "in the shortest form");
	free(first);
	free(second);
	policy_diff_free(&d);
	policy_free(again);
	policy_free(p);
}

/* All addresses, those of a device after another: "NAME: ADDRESS...; " */
static char *all_addresses(const struct policy *p)
{
	char *text = NULL, addr[POLICY_ADDR_LEN];
	const struct cordon_device_def *v;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	u32 i, j;

	for (i = 0; i < p->draft.n_devices; i++) {
		v = &p->draft.devices[i];
		fprintf(out, "%s:", v->name);
		for (j = 0; j < v->n; j++)
			fprintf(out, " %s", policy_addr_text(&p->draft.addresses[v->first + j], addr));
		fputs("; ", out);
	}
	fclose(out);
	return text;
}

static void test_learned(void)
{
	struct policy_learned list[24] = {
		{ { 2, 0, 0, 0, 0, 3 }, cordon_addr_v4(0x0a000021) }, { { 2, 0, 0, 0, 0, 1 }, cordon_addr_v4(0x0a000012) },
		{ { 2, 0, 0, 0, 0, 1 }, cordon_addr_v4(0x0a000011) },
		{ { 2, 0, 0, 0, 0, 8 }, cordon_addr_v4(0x0a000031) },	/* learns nothing */
		{ { 2, 0, 0, 0, 0, 9 }, cordon_addr_v4(0x0a000005) },	/* another's by the policy */
		{ { 2, 0, 0, 0, 0, 6 }, cordon_addr_v4(0x0a000041) }, { { 2, 0, 0, 0, 0, 7 }, cordon_addr_v4(0x0a000041) },
		{ { 2, 0, 0, 0, 9, 9 }, cordon_addr_v4(0x0a000051) },	/* nobody */
	};
	struct policy *p = load_good(learning), *before = load_good(learning);
	struct policy_diff d = { NULL, 0 };
	struct cordon_policy *sealed;
	struct cordon_error err;
	char *got, *first, *second;
	u32 i;

	if (!p || !before)
		return;
	for (i = 8; i < 24; i++)
		list[i] = (struct policy_learned){ { 2, 0, 0, 0, 0, 4 }, cordon_addr_v4(0x0a000100 + i) };
	ok(!policy_learn(p, list, 24), "what was learned is appended");
	got = all_addresses(p);
	ok(!strcmp(got, "dhcp: 10.0.0.5 fd00::5; one: 10.0.0.17 10.0.0.18; two:; three: 10.0.0.3 10.0.0.33; four: 10.0.0.4 "
		   "10.0.1.8 10.0.1.9 10.0.1.10 10.0.1.11 10.0.1.12 10.0.1.13 10.0.1.14 10.0.1.15 10.0.1.16 10.0.1.17 "
		   "10.0.1.18 10.0.1.19 10.0.1.20 10.0.1.21 10.0.1.22; six:; seven:; eight: 10.0.0.8; nine:; "),
	   "to devices that learn, as much as there may be, and once: %s", got);
	free(got);
	ok(cordon_device_fixed(&p->draft.devices[3]) == 1 && p->draft.devices[3].n == 2, "behind what is fixed");
	ok(!policy_seal(p, &sealed, &err), "it is sealed");
	free(sealed);
	first = printed(before);
	second = printed(p);
	ok(!strcmp(first, second) && !policy_diff(before, p, &d) && !d.n, "and is the same policy");
	free(first);
	free(second);
	policy_diff_free(&d);
	policy_free(p);
	policy_free(before);
}

/* Of 16 addresses of its own none is left to learn; of 15, one is. */
static void test_full(void)
{
	static const char head[] = HEAD "devices:\n- {name: a, mac: 02:00:00:00:00:01, network_segment: iot, auto: true, "
				   "addresses: [\n";
	struct policy *p = NULL;
	char *said = NULL;
	int faults;

	faults = load_repeated(head, "10.0.0.%u,\n", 16, "]}\n", &p, &said);
	ok(!faults && strstr(said, ": warning: 16 addresses are as many as a device may have: none can be learned\n"),
	   "a device with no room to learn is warned of");
	free(said);
	policy_free(p);
	faults = load_repeated(head, "10.0.0.%u,\n", 15, "]}\n", &p, &said);
	ok(!faults && !strstr(said, "none can be learned"), "not one with room for one");
	free(said);
	policy_free(p);
}

static u64 seed = 1;

static u32 next_random(u32 below)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)(seed >> 33) % below;
}

/* Change, drop, double or move a few bytes. */
static size_t mutate(char *text, size_t size, size_t room)
{
	static const char likely[] = "{}[]:,-#&*!|>'\"%@`\n \t0129aft./\xff\x80\xc2";
	u32 i, at, len, to, times = 1 + next_random(2);

	for (i = 0; i < times && size > 16; i++) {
		at = next_random(size);
		len = 1 + next_random(6);
		len = min(len, (u32)(size - at));
		switch (next_random(4)) {
		case 0:
			text[at] = likely[next_random(sizeof(likely) - 1)];
			break;
		case 1:
			memmove(text + at, text + at + len, size - at - len);
			size -= len;
			break;
		case 2:
			if (size + len > room)
				break;
			memmove(text + at + len, text + at, size - at);
			size += len;
			break;
		default:
			to = next_random(size - len + 1);
			memmove(text + to, text + at, len);
		}
	}
	return size;
}

static void test_mutations(void)
{
	char text[2 * sizeof(good)], *said;
	unsigned int i, accepted = 0, wrong = 0;
	struct cordon_policy *sealed;
	struct cordon_error err;
	struct policy *p;
	size_t size;
	int n;

	for (i = 0; i < 2000; i++) {
		memcpy(text, good, sizeof(good) - 1);
		size = mutate(text, sizeof(good) - 1, sizeof(text));
		p = NULL;
		n = load(text, size, &p, &said);
		wrong += n ? !!p || !strstr(said, FILE_NAME ":") : !p;
		free(said);
		if (n || !p)
			continue;
		accepted++;
		if (policy_seal(p, &sealed, &err))
			wrong++;
		else
			free(sealed);
		policy_free(p);
	}
	ok(!wrong && accepted && accepted < 2000,
	   "2000 mutations: none crashes, none is accepted that cannot be sealed");
	printf("# %u accepted\n", accepted);
}

int main(void)
{
	char dir[] = "/tmp/test_policy.XXXXXX";

	if (!mkdtemp(dir) || chdir(dir))
		return 2;
	test_bad();
	test_good();
	test_idevid();
	test_roam();
	test_uplinks();
	test_machine();
	test_empty();
	test_editors();
	test_warnings();
	test_moved_port();
	test_new_destination();
	test_many();
	test_caps();
	test_files();
	test_line();
	test_text();
	test_error_text();
	test_diff();
	test_ports();
	test_learning();
	test_learned();
	test_full();
	test_mutations();
	unlink(FILE_NAME);
	rmdir(dir);
	return tap_done();
}
