/* SPDX-License-Identifier: GPL-2.0 */
/* Every cap, in one place. */
#ifndef _CORDON_LIMITS_H
#define _CORDON_LIMITS_H

#define CORDON_MAX_PORTS		256
#define CORDON_MAX_UPLINKS		256
#define CORDON_MAX_INTERFACES		1024	/* named by all segments together */
#define CORDON_MAX_SEGMENTS		2048	/* built-in ones included */
#define CORDON_MAX_NETWORKS		8192
#define CORDON_MAX_RULES		65536
#define CORDON_MAX_RULE_MATCHES		96	/* of one rule; they fit one netlink message */
#define CORDON_MAX_MATCHES		1048576	/* of all rules together */
#define CORDON_MAX_DEVICES		262144
#define CORDON_MAX_DEVICE_ADDRESSES	16
#define CORDON_MAX_DEVICE_PORTS		4	/* that one device is tied to */
#define CORDON_MAX_VLAN			4094	/* IEEE 802.1Q, 9.6 */
#define CORDON_MIN_SPARE		64	/* places kept free for single changes: */
#define CORDON_MAX_SPARE		8192	/* an eighth of the devices, within these */
#define CORDON_SPARE_ADDRESSES		4	/* of each of them */
#define CORDON_LEARN_ADDRESSES		4	/* more, where a device's are learned */
#define CORDON_MAX_UNLISTED		1024	/* devices that no policy lists */
#define CORDON_MAX_SERVERS		16	/* of DHCP, besides the gateway */
#define CORDON_MAX_WIDE			131072	/* devices that have learned much */
#define CORDON_MAX_PLACES		(CORDON_MAX_DEVICES + CORDON_MAX_SPARE + \
					 CORDON_MAX_UNLISTED + CORDON_MAX_WIDE)
#define CORDON_MAX_TRANSACTIONS		16	/* open in one namespace */
#define CORDON_MAX_TARGETS		10000	/* in a limit for scan, see sketch.h */
#define CORDON_MAX_KNOWN		160	/* destinations of a device, see known.h */

/* In a network namespace that does not belong to the initial user namespace. */
#define CORDON_SMALL_PORTS		16
#define CORDON_SMALL_UPLINKS		16
#define CORDON_SMALL_INTERFACES		64
#define CORDON_SMALL_SEGMENTS		64
#define CORDON_SMALL_NETWORKS		512
#define CORDON_SMALL_RULES		1024
#define CORDON_SMALL_MATCHES		4096
#define CORDON_SMALL_DEVICES		1024
#define CORDON_SMALL_UNLISTED		64
#define CORDON_SMALL_TRANSACTIONS	2

#define CORDON_MAX_PROBES		256	/* steps in a table that is half full */
#define CORDON_MAX_KEYS			8	/* tried until nothing takes more steps */

#define CORDON_IFNAME_LEN		16	/* NUL included, as IFNAMSIZ */
#define CORDON_NAME_LEN			32	/* segment, model; NUL included */
#define CORDON_DEVICE_NAME_LEN		64	/* NUL included */

#define CORDON_DHCP_TEXT_LEN		64	/* of what a client says of itself; no NUL */

#define CORDON_CERTIFICATE_LEN		32	/* SHA-256 */

#define CORDON_DEFAULT_LEASE		3600	/* seconds */
#define CORDON_MAX_LEASE		31536000

#define CORDON_DEFAULT_GRACE		604800	/* seconds; of firmware that is too old */
#define CORDON_DEFAULT_POSTPONE		86400	/* seconds; of an update */
#define CORDON_MAX_GRACE		31536000	/* of both */

#define CORDON_DEFAULT_LEARN		604800	/* seconds; of a device's destinations */
#define CORDON_MIN_LEARN		60
#define CORDON_MAX_LEARN		7776000

#define CORDON_TLS_NAME_LEN		64	/* of a server's name, for reports; no NUL */
#define CORDON_TLS_MAX_EARLY		65536	/* bytes that a client may send before an answer */
#define CORDON_TLS_STATE_SIZE		152	/* bytes for a connection that is being read */

#endif
