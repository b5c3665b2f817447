// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/cordon.yaml */
/* YNL-GEN kernel source */
/* To regenerate run: make spec */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink_gen.h"

#include <uapi/linux/cordon.h>

/* Integer value ranges */
static struct netlink_range_validation cordon_a_confirm_range = {
	.min	= 1ULL,
	.max	= 86400ULL,
};

static struct netlink_range_validation cordon_a_segment_lease_range = {
	.min	= 1ULL,
	.max	= 31536000ULL,
};

static struct netlink_range_validation cordon_a_segment_firmware_grace_range = {
	.max	= 31536000ULL,
};

static struct netlink_range_validation cordon_a_segment_firmware_postpone_range = {
	.max	= 31536000ULL,
};

static struct netlink_range_validation cordon_a_limit_window_range = {
	.min	= 1ULL,
	.max	= 86400ULL,
};

static struct netlink_range_validation cordon_a_limit_learn_range = {
	.min	= 60ULL,
	.max	= 7776000ULL,
};

static struct netlink_range_validation cordon_a_match_low_range = {
	.max	= 65535ULL,
};

static struct netlink_range_validation cordon_a_match_high_range = {
	.max	= 65535ULL,
};

static struct netlink_range_validation cordon_a_device_lease_range = {
	.max	= 31536000ULL,
};

static struct netlink_range_validation cordon_a_binding_lease_range = {
	.max	= 31536000ULL,
};

static struct netlink_range_validation cordon_a_destinations_learning_range = {
	.max	= 7776000ULL,
};

/* Common nested types */
const struct nla_policy cordon_binding_nl_policy[CORDON_A_BINDING_LEASE + 1] = {
	[CORDON_A_BINDING_ADDRESS] = { .type = NLA_BINARY, .len = 16, },
	[CORDON_A_BINDING_MAC] = NLA_POLICY_EXACT_LEN(6),
	[CORDON_A_BINDING_NAME] = { .type = NLA_NUL_STRING, },
	[CORDON_A_BINDING_PORT] = { .type = NLA_STRING, },
	[CORDON_A_BINDING_ORIGIN] = NLA_POLICY_MAX(NLA_U32, 3),
	[CORDON_A_BINDING_LEASE] = NLA_POLICY_FULL_RANGE(NLA_U32, &cordon_a_binding_lease_range),
};

const struct nla_policy cordon_binding_input_nl_policy[CORDON_A_BINDING_LEASE + 1] = {
	[CORDON_A_BINDING_ADDRESS] = { .type = NLA_BINARY, .len = 16, },
	[CORDON_A_BINDING_MAC] = NLA_POLICY_EXACT_LEN(6),
	[CORDON_A_BINDING_NAME] = { .type = NLA_NUL_STRING, },
	[CORDON_A_BINDING_ORIGIN] = NLA_POLICY_MAX(NLA_U32, 3),
	[CORDON_A_BINDING_LEASE] = NLA_POLICY_FULL_RANGE(NLA_U32, &cordon_a_binding_lease_range),
};

const struct nla_policy cordon_count_nl_policy[CORDON_A_COUNT_PAD + 1] = {
	[CORDON_A_COUNT_KIND] = NLA_POLICY_MAX(NLA_U32, 18),
	[CORDON_A_COUNT_COUNT] = { .type = NLA_U64, },
};

const struct nla_policy cordon_destinations_nl_policy[CORDON_A_DESTINATIONS_LEARNING + 1] = {
	[CORDON_A_DESTINATIONS_MAC] = NLA_POLICY_EXACT_LEN(6),
	[CORDON_A_DESTINATIONS_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[CORDON_A_DESTINATIONS_KEY] = NLA_POLICY_EXACT_LEN(16),
	[CORDON_A_DESTINATIONS_HASHES] = { .type = NLA_BINARY, .len = 640, },
	[CORDON_A_DESTINATIONS_LEARNING] = NLA_POLICY_FULL_RANGE(NLA_U32, &cordon_a_destinations_learning_range),
};

const struct nla_policy cordon_device_nl_policy[CORDON_A_DEVICE_LEARNING + 1] = {
	[CORDON_A_DEVICE_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[CORDON_A_DEVICE_MAC] = NLA_POLICY_EXACT_LEN(6),
	[CORDON_A_DEVICE_SEGMENT] = { .type = NLA_NUL_STRING, .len = 31, },
	[CORDON_A_DEVICE_ADDRESS] = { .type = NLA_BINARY, .len = 16, },
	[CORDON_A_DEVICE_PORT] = { .type = NLA_STRING, .len = 15, },
	[CORDON_A_DEVICE_AUTHENTICATION] = NLA_POLICY_MAX(NLA_U32, 1),
	[CORDON_A_DEVICE_ENCRYPTION] = NLA_POLICY_MAX(NLA_U32, 2),
	[CORDON_A_DEVICE_FIRMWARE_AUTO_UPDATE] = NLA_POLICY_MAX(NLA_U32, 1),
	[CORDON_A_DEVICE_MODEL] = { .type = NLA_NUL_STRING, .len = 31, },
	[CORDON_A_DEVICE_STATE] = NLA_POLICY_MAX(NLA_U32, 4),
	[CORDON_A_DEVICE_EFFECTIVE_SEGMENT] = { .type = NLA_NUL_STRING, },
	[CORDON_A_DEVICE_LEASE] = NLA_POLICY_FULL_RANGE(NLA_U32, &cordon_a_device_lease_range),
	[CORDON_A_DEVICE_STATS] = NLA_POLICY_NESTED(cordon_stats_nl_policy),
	[CORDON_A_DEVICE_CERTIFICATE] = NLA_POLICY_EXACT_LEN(32),
	[CORDON_A_DEVICE_OUTDATED] = NLA_POLICY_MAX(NLA_U32, 1),
	[CORDON_A_DEVICE_LEASE_PORT] = { .type = NLA_NUL_STRING, .len = 15, },
	[CORDON_A_DEVICE_LEARN] = NLA_POLICY_MAX(NLA_U32, 2),
	[CORDON_A_DEVICE_UNLISTED] = { .type = NLA_U32, },
	[CORDON_A_DEVICE_FIRST_SEEN] = { .type = NLA_U32, },
	[CORDON_A_DEVICE_LAST_SEEN] = { .type = NLA_U32, },
	[CORDON_A_DEVICE_HOSTNAME] = { .type = NLA_BINARY, .len = 64, },
	[CORDON_A_DEVICE_VENDOR_CLASS] = { .type = NLA_BINARY, .len = 64, },
	[CORDON_A_DEVICE_PARAMETERS] = { .type = NLA_BINARY, .len = 64, },
	[CORDON_A_DEVICE_ROAM] = NLA_POLICY_MAX(NLA_U32, 1),
	[CORDON_A_DEVICE_VLAN] = NLA_POLICY_MAX(NLA_U32, 4094),
	[CORDON_A_DEVICE_DESTINATIONS] = { .type = NLA_U32, },
	[CORDON_A_DEVICE_LEARNING] = { .type = NLA_U32, },
};

const struct nla_policy cordon_device_id_nl_policy[CORDON_A_DEVICE_MAC + 1] = {
	[CORDON_A_DEVICE_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[CORDON_A_DEVICE_MAC] = NLA_POLICY_EXACT_LEN(6),
};

const struct nla_policy cordon_device_input_nl_policy[CORDON_A_DEVICE_VLAN + 1] = {
	[CORDON_A_DEVICE_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[CORDON_A_DEVICE_MAC] = NLA_POLICY_EXACT_LEN(6),
	[CORDON_A_DEVICE_SEGMENT] = { .type = NLA_NUL_STRING, .len = 31, },
	[CORDON_A_DEVICE_ADDRESS] = { .type = NLA_BINARY, .len = 16, },
	[CORDON_A_DEVICE_PORT] = { .type = NLA_STRING, .len = 15, },
	[CORDON_A_DEVICE_AUTHENTICATION] = NLA_POLICY_MAX(NLA_U32, 1),
	[CORDON_A_DEVICE_ENCRYPTION] = NLA_POLICY_MAX(NLA_U32, 2),
	[CORDON_A_DEVICE_FIRMWARE_AUTO_UPDATE] = NLA_POLICY_MAX(NLA_U32, 1),
	[CORDON_A_DEVICE_MODEL] = { .type = NLA_NUL_STRING, .len = 31, },
	[CORDON_A_DEVICE_STATE] = NLA_POLICY_MAX(NLA_U32, 4),
	[CORDON_A_DEVICE_LEASE] = NLA_POLICY_FULL_RANGE(NLA_U32, &cordon_a_device_lease_range),
	[CORDON_A_DEVICE_CERTIFICATE] = NLA_POLICY_EXACT_LEN(32),
	[CORDON_A_DEVICE_OUTDATED] = NLA_POLICY_MAX(NLA_U32, 1),
	[CORDON_A_DEVICE_LEASE_PORT] = { .type = NLA_NUL_STRING, .len = 15, },
	[CORDON_A_DEVICE_LEARN] = NLA_POLICY_MAX(NLA_U32, 2),
	[CORDON_A_DEVICE_ROAM] = NLA_POLICY_MAX(NLA_U32, 1),
	[CORDON_A_DEVICE_VLAN] = NLA_POLICY_MAX(NLA_U32, 4094),
};

const struct nla_policy cordon_interface_nl_policy[CORDON_A_INTERFACE_UP + 1] = {
	[CORDON_A_INTERFACE_NAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[CORDON_A_INTERFACE_IFINDEX] = { .type = NLA_U32, },
	[CORDON_A_INTERFACE_ROLE] = NLA_POLICY_MAX(NLA_U32, 4),
	[CORDON_A_INTERFACE_LISTED] = NLA_POLICY_MAX(NLA_U32, 4),
	[CORDON_A_INTERFACE_NAMED_BY] = { .type = NLA_NUL_STRING, },
	[CORDON_A_INTERFACE_CLOSED] = NLA_POLICY_MAX(NLA_U32, 8),
	[CORDON_A_INTERFACE_OTHER] = { .type = NLA_NUL_STRING, },
	[CORDON_A_INTERFACE_UP] = { .type = NLA_U32, },
};

const struct nla_policy cordon_limit_nl_policy[CORDON_A_LIMIT_LEARN + 1] = {
	[CORDON_A_LIMIT_KIND] = NLA_POLICY_MAX(NLA_U32, 18),
	[CORDON_A_LIMIT_COUNT] = NLA_POLICY_MIN(NLA_U32, 1),
	[CORDON_A_LIMIT_WINDOW] = NLA_POLICY_FULL_RANGE(NLA_U32, &cordon_a_limit_window_range),
	[CORDON_A_LIMIT_ACTION] = NLA_POLICY_MAX(NLA_U32, 2),
	[CORDON_A_LIMIT_LEARN] = NLA_POLICY_FULL_RANGE(NLA_U32, &cordon_a_limit_learn_range),
};

const struct nla_policy cordon_match_nl_policy[CORDON_A_MATCH_HIGH + 1] = {
	[CORDON_A_MATCH_PROTOCOL] = NLA_POLICY_RANGE(NLA_U32, 1, 255),
	[CORDON_A_MATCH_LOW] = NLA_POLICY_FULL_RANGE(NLA_U32, &cordon_a_match_low_range),
	[CORDON_A_MATCH_HIGH] = NLA_POLICY_FULL_RANGE(NLA_U32, &cordon_a_match_high_range),
};

const struct nla_policy cordon_network_nl_policy[CORDON_A_NETWORK_SEGMENT + 1] = {
	[CORDON_A_NETWORK_ADDRESS] = { .type = NLA_BINARY, .len = 16, },
	[CORDON_A_NETWORK_PREFIX_LEN] = NLA_POLICY_MAX(NLA_U32, 128),
	[CORDON_A_NETWORK_SEGMENT] = { .type = NLA_NUL_STRING, .len = 31, },
};

const struct nla_policy cordon_port_nl_policy[CORDON_A_PORT_IFINDEX + 1] = {
	[CORDON_A_PORT_NAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[CORDON_A_PORT_IFINDEX] = { .type = NLA_U32, },
};

const struct nla_policy cordon_port_input_nl_policy[CORDON_A_PORT_NAME + 1] = {
	[CORDON_A_PORT_NAME] = { .type = NLA_NUL_STRING, .len = 15, },
};

const struct nla_policy cordon_rule_nl_policy[CORDON_A_RULE_USED + 1] = {
	[CORDON_A_RULE_FROM] = { .type = NLA_NUL_STRING, .len = 31, },
	[CORDON_A_RULE_TO] = { .type = NLA_NUL_STRING, .len = 31, },
	[CORDON_A_RULE_MATCH] = NLA_POLICY_NESTED(cordon_match_nl_policy),
	[CORDON_A_RULE_PLAINTEXT] = NLA_POLICY_MAX(NLA_U32, 1),
	[CORDON_A_RULE_INDEX] = { .type = NLA_U32, },
	[CORDON_A_RULE_RELATED] = NLA_POLICY_MAX(NLA_U32, 1),
	[CORDON_A_RULE_USED] = { .type = NLA_U32, },
};

const struct nla_policy cordon_rule_input_nl_policy[CORDON_A_RULE_RELATED + 1] = {
	[CORDON_A_RULE_FROM] = { .type = NLA_NUL_STRING, .len = 31, },
	[CORDON_A_RULE_TO] = { .type = NLA_NUL_STRING, .len = 31, },
	[CORDON_A_RULE_MATCH] = NLA_POLICY_NESTED(cordon_match_nl_policy),
	[CORDON_A_RULE_PLAINTEXT] = NLA_POLICY_MAX(NLA_U32, 1),
	[CORDON_A_RULE_RELATED] = NLA_POLICY_MAX(NLA_U32, 1),
};

const struct nla_policy cordon_segment_nl_policy[CORDON_A_SEGMENT_INTERFACE + 1] = {
	[CORDON_A_SEGMENT_NAME] = { .type = NLA_NUL_STRING, .len = 31, },
	[CORDON_A_SEGMENT_ID] = { .type = NLA_U32, },
	[CORDON_A_SEGMENT_AUTHENTICATION] = NLA_POLICY_MAX(NLA_U32, 1),
	[CORDON_A_SEGMENT_ENCRYPTION] = NLA_POLICY_MAX(NLA_U32, 2),
	[CORDON_A_SEGMENT_FIRMWARE_AUTO_UPDATE] = NLA_POLICY_MAX(NLA_U32, 1),
	[CORDON_A_SEGMENT_ISOLATE] = NLA_POLICY_MAX(NLA_U32, 1),
	[CORDON_A_SEGMENT_LEASE] = NLA_POLICY_FULL_RANGE(NLA_U32, &cordon_a_segment_lease_range),
	[CORDON_A_SEGMENT_LIMIT] = NLA_POLICY_NESTED(cordon_limit_nl_policy),
	[CORDON_A_SEGMENT_DEVICES] = { .type = NLA_U32, },
	[CORDON_A_SEGMENT_PACKETS] = { .type = NLA_U64, },
	[CORDON_A_SEGMENT_BYTES] = { .type = NLA_U64, },
	[CORDON_A_SEGMENT_DENIED] = { .type = NLA_U64, },
	[CORDON_A_SEGMENT_FIRMWARE_GRACE] = NLA_POLICY_FULL_RANGE(NLA_U32, &cordon_a_segment_firmware_grace_range),
	[CORDON_A_SEGMENT_FIRMWARE_POSTPONE] = NLA_POLICY_FULL_RANGE(NLA_U32, &cordon_a_segment_firmware_postpone_range),
	[CORDON_A_SEGMENT_INTERFACE] = { .type = NLA_STRING, .len = 15, },
};

const struct nla_policy cordon_segment_input_nl_policy[CORDON_A_SEGMENT_INTERFACE + 1] = {
	[CORDON_A_SEGMENT_NAME] = { .type = NLA_NUL_STRING, .len = 31, },
	[CORDON_A_SEGMENT_AUTHENTICATION] = NLA_POLICY_MAX(NLA_U32, 1),
	[CORDON_A_SEGMENT_ENCRYPTION] = NLA_POLICY_MAX(NLA_U32, 2),
	[CORDON_A_SEGMENT_FIRMWARE_AUTO_UPDATE] = NLA_POLICY_MAX(NLA_U32, 1),
	[CORDON_A_SEGMENT_ISOLATE] = NLA_POLICY_MAX(NLA_U32, 1),
	[CORDON_A_SEGMENT_LEASE] = NLA_POLICY_FULL_RANGE(NLA_U32, &cordon_a_segment_lease_range),
	[CORDON_A_SEGMENT_LIMIT] = NLA_POLICY_NESTED(cordon_limit_nl_policy),
	[CORDON_A_SEGMENT_FIRMWARE_GRACE] = NLA_POLICY_FULL_RANGE(NLA_U32, &cordon_a_segment_firmware_grace_range),
	[CORDON_A_SEGMENT_FIRMWARE_POSTPONE] = NLA_POLICY_FULL_RANGE(NLA_U32, &cordon_a_segment_firmware_postpone_range),
	[CORDON_A_SEGMENT_INTERFACE] = { .type = NLA_STRING, .len = 15, },
};

const struct nla_policy cordon_stats_nl_policy[CORDON_A_STATS_PAD + 1] = {
	[CORDON_A_STATS_RX_PACKETS] = { .type = NLA_U64, },
	[CORDON_A_STATS_RX_BYTES] = { .type = NLA_U64, },
	[CORDON_A_STATS_TX_PACKETS] = { .type = NLA_U64, },
	[CORDON_A_STATS_TX_BYTES] = { .type = NLA_U64, },
	[CORDON_A_STATS_DENIED] = { .type = NLA_U64, },
	[CORDON_A_STATS_ANOMALY] = NLA_POLICY_NESTED(cordon_count_nl_policy),
};

const struct nla_policy cordon_uplink_nl_policy[CORDON_A_UPLINK_NAME + 1] = {
	[CORDON_A_UPLINK_NAME] = { .type = NLA_NUL_STRING, .len = 15, },
};

const struct nla_policy cordon_uplink_input_nl_policy[CORDON_A_UPLINK_NAME + 1] = {
	[CORDON_A_UPLINK_NAME] = { .type = NLA_NUL_STRING, .len = 15, },
};

/* CORDON_CMD_POLICY_GET - do */
static const struct nla_policy cordon_policy_get_nl_policy[CORDON_A_GENERATION + 1] = {
	[CORDON_A_GENERATION] = { .type = NLA_U32, },
};

/* CORDON_CMD_BEGIN - do */
static const struct nla_policy cordon_begin_nl_policy[CORDON_A_GENERATION + 1] = {
	[CORDON_A_GENERATION] = { .type = NLA_U32, },
};

/* CORDON_CMD_STAGE - do */
static const struct nla_policy cordon_stage_nl_policy[CORDON_A_DESTINATIONS + 1] = {
	[CORDON_A_MODE] = NLA_POLICY_MAX(NLA_U32, 1),
	[CORDON_A_PORT] = NLA_POLICY_NESTED(cordon_port_input_nl_policy),
	[CORDON_A_SEGMENT] = NLA_POLICY_NESTED(cordon_segment_input_nl_policy),
	[CORDON_A_NETWORK] = NLA_POLICY_NESTED(cordon_network_nl_policy),
	[CORDON_A_RULE] = NLA_POLICY_NESTED(cordon_rule_input_nl_policy),
	[CORDON_A_DEVICE] = NLA_POLICY_NESTED(cordon_device_input_nl_policy),
	[CORDON_A_UPLINK] = NLA_POLICY_NESTED(cordon_uplink_input_nl_policy),
	[CORDON_A_BINDING] = NLA_POLICY_NESTED(cordon_binding_input_nl_policy),
	[CORDON_A_DHCP_SERVER] = { .type = NLA_BINARY, .len = 16, },
	[CORDON_A_UNKNOWN] = { .type = NLA_NUL_STRING, .len = 31, },
	[CORDON_A_DESTINATIONS] = NLA_POLICY_NESTED(cordon_destinations_nl_policy),
};

/* CORDON_CMD_COMMIT - do */
static const struct nla_policy cordon_commit_nl_policy[CORDON_A_CONFIRM + 1] = {
	[CORDON_A_CONFIRM] = NLA_POLICY_FULL_RANGE(NLA_U32, &cordon_a_confirm_range),
};

/* CORDON_CMD_ABORT - do */
static const struct nla_policy cordon_abort_nl_policy[CORDON_A_GENERATION + 1] = {
	[CORDON_A_GENERATION] = { .type = NLA_U32, },
};

/* CORDON_CMD_CONFIRM - do */
static const struct nla_policy cordon_confirm_nl_policy[CORDON_A_GENERATION + 1] = {
	[CORDON_A_GENERATION] = { .type = NLA_U32, },
};

/* CORDON_CMD_PORT_GET - do */
static const struct nla_policy cordon_port_get_nl_policy[CORDON_A_PORT + 1] = {
	[CORDON_A_PORT] = NLA_POLICY_NESTED(cordon_port_nl_policy),
};

/* CORDON_CMD_SEGMENT_GET - do */
static const struct nla_policy cordon_segment_get_nl_policy[CORDON_A_SEGMENT + 1] = {
	[CORDON_A_SEGMENT] = NLA_POLICY_NESTED(cordon_segment_nl_policy),
};

/* CORDON_CMD_NETWORK_GET - do */
static const struct nla_policy cordon_network_get_nl_policy[CORDON_A_NETWORK + 1] = {
	[CORDON_A_NETWORK] = NLA_POLICY_NESTED(cordon_network_nl_policy),
};

/* CORDON_CMD_RULE_GET - do */
static const struct nla_policy cordon_rule_get_nl_policy[CORDON_A_RULE + 1] = {
	[CORDON_A_RULE] = NLA_POLICY_NESTED(cordon_rule_nl_policy),
};

/* CORDON_CMD_DEVICE_GET - do */
static const struct nla_policy cordon_device_get_nl_policy[CORDON_A_DEVICE + 1] = {
	[CORDON_A_DEVICE] = NLA_POLICY_NESTED(cordon_device_nl_policy),
};

/* CORDON_CMD_DEVICE_NEW - do */
static const struct nla_policy cordon_device_new_nl_policy[CORDON_A_DEVICE + 1] = {
	[CORDON_A_DEVICE] = NLA_POLICY_NESTED(cordon_device_nl_policy),
};

/* CORDON_CMD_DEVICE_SET - do */
static const struct nla_policy cordon_device_set_nl_policy[CORDON_A_DEVICE + 1] = {
	[CORDON_A_DEVICE] = NLA_POLICY_NESTED(cordon_device_nl_policy),
};

/* CORDON_CMD_DEVICE_DEL - do */
static const struct nla_policy cordon_device_del_nl_policy[CORDON_A_DEVICE + 1] = {
	[CORDON_A_DEVICE] = NLA_POLICY_NESTED(cordon_device_id_nl_policy),
};

/* CORDON_CMD_BINDING_GET - do */
static const struct nla_policy cordon_binding_get_nl_policy[CORDON_A_BINDING + 1] = {
	[CORDON_A_BINDING] = NLA_POLICY_NESTED(cordon_binding_nl_policy),
};

/* CORDON_CMD_CHECKIN - do */
static const struct nla_policy cordon_checkin_nl_policy[CORDON_A_DEVICE + 1] = {
	[CORDON_A_PORT] = NLA_POLICY_NESTED(cordon_port_nl_policy),
	[CORDON_A_DEVICE] = NLA_POLICY_NESTED(cordon_device_nl_policy),
};

/* CORDON_CMD_UPLINK_GET - do */
static const struct nla_policy cordon_uplink_get_nl_policy[CORDON_A_UPLINK + 1] = {
	[CORDON_A_UPLINK] = NLA_POLICY_NESTED(cordon_uplink_nl_policy),
};

/* CORDON_CMD_INTERFACE_GET - do */
static const struct nla_policy cordon_interface_get_nl_policy[CORDON_A_INTERFACE + 1] = {
	[CORDON_A_INTERFACE] = NLA_POLICY_NESTED(cordon_interface_nl_policy),
};

/* CORDON_CMD_BINDING_SET - do */
static const struct nla_policy cordon_binding_set_nl_policy[CORDON_A_BINDING + 1] = {
	[CORDON_A_BINDING] = NLA_POLICY_NESTED(cordon_binding_input_nl_policy),
};

/* CORDON_CMD_BINDING_DEL - do */
static const struct nla_policy cordon_binding_del_nl_policy[CORDON_A_BINDING + 1] = {
	[CORDON_A_BINDING] = NLA_POLICY_NESTED(cordon_binding_input_nl_policy),
};

/* CORDON_CMD_DESTINATIONS_GET - do */
static const struct nla_policy cordon_destinations_get_nl_policy[CORDON_A_DESTINATIONS + 1] = {
	[CORDON_A_DESTINATIONS] = NLA_POLICY_NESTED(cordon_destinations_nl_policy),
};

/* CORDON_CMD_DESTINATIONS_SET - do */
static const struct nla_policy cordon_destinations_set_nl_policy[CORDON_A_DESTINATIONS + 1] = {
	[CORDON_A_DESTINATIONS] = NLA_POLICY_NESTED(cordon_destinations_nl_policy),
};

/* Ops table for cordon */
static const struct genl_ops cordon_nl_ops[] = {
	{
		.cmd		= CORDON_CMD_POLICY_GET,
		.doit		= cordon_nl_policy_get_doit,
		.policy		= cordon_policy_get_nl_policy,
		.maxattr	= CORDON_A_GENERATION,
	},
	{
		.cmd		= CORDON_CMD_BEGIN,
		.doit		= cordon_nl_begin_doit,
		.policy		= cordon_begin_nl_policy,
		.maxattr	= CORDON_A_GENERATION,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= CORDON_CMD_STAGE,
		.doit		= cordon_nl_stage_doit,
		.policy		= cordon_stage_nl_policy,
		.maxattr	= CORDON_A_DESTINATIONS,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= CORDON_CMD_COMMIT,
		.doit		= cordon_nl_commit_doit,
		.policy		= cordon_commit_nl_policy,
		.maxattr	= CORDON_A_CONFIRM,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= CORDON_CMD_ABORT,
		.doit		= cordon_nl_abort_doit,
		.policy		= cordon_abort_nl_policy,
		.maxattr	= CORDON_A_GENERATION,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= CORDON_CMD_CONFIRM,
		.doit		= cordon_nl_confirm_doit,
		.policy		= cordon_confirm_nl_policy,
		.maxattr	= CORDON_A_GENERATION,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= CORDON_CMD_PORT_GET,
		.doit		= cordon_nl_port_get_doit,
		.dumpit		= cordon_nl_port_get_dumpit,
		.policy		= cordon_port_get_nl_policy,
		.maxattr	= CORDON_A_PORT,
	},
	{
		.cmd		= CORDON_CMD_SEGMENT_GET,
		.doit		= cordon_nl_segment_get_doit,
		.dumpit		= cordon_nl_segment_get_dumpit,
		.policy		= cordon_segment_get_nl_policy,
		.maxattr	= CORDON_A_SEGMENT,
	},
	{
		.cmd		= CORDON_CMD_NETWORK_GET,
		.doit		= cordon_nl_network_get_doit,
		.dumpit		= cordon_nl_network_get_dumpit,
		.policy		= cordon_network_get_nl_policy,
		.maxattr	= CORDON_A_NETWORK,
	},
	{
		.cmd		= CORDON_CMD_RULE_GET,
		.doit		= cordon_nl_rule_get_doit,
		.dumpit		= cordon_nl_rule_get_dumpit,
		.policy		= cordon_rule_get_nl_policy,
		.maxattr	= CORDON_A_RULE,
	},
	{
		.cmd		= CORDON_CMD_DEVICE_GET,
		.doit		= cordon_nl_device_get_doit,
		.dumpit		= cordon_nl_device_get_dumpit,
		.policy		= cordon_device_get_nl_policy,
		.maxattr	= CORDON_A_DEVICE,
	},
	{
		.cmd		= CORDON_CMD_DEVICE_NEW,
		.doit		= cordon_nl_device_new_doit,
		.policy		= cordon_device_new_nl_policy,
		.maxattr	= CORDON_A_DEVICE,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= CORDON_CMD_DEVICE_SET,
		.doit		= cordon_nl_device_set_doit,
		.policy		= cordon_device_set_nl_policy,
		.maxattr	= CORDON_A_DEVICE,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= CORDON_CMD_DEVICE_DEL,
		.doit		= cordon_nl_device_del_doit,
		.policy		= cordon_device_del_nl_policy,
		.maxattr	= CORDON_A_DEVICE,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= CORDON_CMD_BINDING_GET,
		.doit		= cordon_nl_binding_get_doit,
		.dumpit		= cordon_nl_binding_get_dumpit,
		.policy		= cordon_binding_get_nl_policy,
		.maxattr	= CORDON_A_BINDING,
	},
	{
		.cmd		= CORDON_CMD_CHECKIN,
		.doit		= cordon_nl_checkin_doit,
		.policy		= cordon_checkin_nl_policy,
		.maxattr	= CORDON_A_DEVICE,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= CORDON_CMD_UPLINK_GET,
		.doit		= cordon_nl_uplink_get_doit,
		.dumpit		= cordon_nl_uplink_get_dumpit,
		.policy		= cordon_uplink_get_nl_policy,
		.maxattr	= CORDON_A_UPLINK,
	},
	{
		.cmd		= CORDON_CMD_INTERFACE_GET,
		.doit		= cordon_nl_interface_get_doit,
		.dumpit		= cordon_nl_interface_get_dumpit,
		.policy		= cordon_interface_get_nl_policy,
		.maxattr	= CORDON_A_INTERFACE,
	},
	{
		.cmd		= CORDON_CMD_BINDING_SET,
		.doit		= cordon_nl_binding_set_doit,
		.policy		= cordon_binding_set_nl_policy,
		.maxattr	= CORDON_A_BINDING,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= CORDON_CMD_BINDING_DEL,
		.doit		= cordon_nl_binding_del_doit,
		.policy		= cordon_binding_del_nl_policy,
		.maxattr	= CORDON_A_BINDING,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= CORDON_CMD_DESTINATIONS_GET,
		.doit		= cordon_nl_destinations_get_doit,
		.dumpit		= cordon_nl_destinations_get_dumpit,
		.policy		= cordon_destinations_get_nl_policy,
		.maxattr	= CORDON_A_DESTINATIONS,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= CORDON_CMD_DESTINATIONS_SET,
		.doit		= cordon_nl_destinations_set_doit,
		.policy		= cordon_destinations_set_nl_policy,
		.maxattr	= CORDON_A_DESTINATIONS,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
};

static const struct genl_multicast_group cordon_nl_mcgrps[] = {
	[CORDON_NLGRP_EVENTS] = { "events", GENL_MCAST_CAP_NET_ADMIN, },
};

struct genl_family cordon_nl_family __ro_after_init = {
	.name		= CORDON_FAMILY_NAME,
	.version	= CORDON_FAMILY_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.ops		= cordon_nl_ops,
	.n_ops		= ARRAY_SIZE(cordon_nl_ops),
	.mcgrps		= cordon_nl_mcgrps,
	.n_mcgrps	= ARRAY_SIZE(cordon_nl_mcgrps),
};
