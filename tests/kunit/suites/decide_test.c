// SPDX-License-Identifier: GPL-2.0
/* kernel/core/decide.c */
#include "fixture.h"

#define TCP 6
#define UDP 17
#define ICMP6 58
#define IGMP 2
#define LOCAL 0xfe80000000000000ULL
#define EUI64(device) (0x000000fffe000001ULL + (device))	/* of fixture_device()'s MACs */

static struct cordon_flow flow(struct cordon_addr src, u8 proto, u16 sport, u16 dport, u8 hops)
{
	return (struct cordon_flow){
		.src = src, .dst = { 0xff02000000000000ULL, 1 }, .proto = proto,
		.sport = sport, .dport = dport, .hop_limit = hops,
	};
}

static void source_claimed(struct kunit *test, u32 device, u16 port, u64 claim,
			 struct cordon_flow f, u8 reason)
{
	struct cordon_policy *p = fixture_seal(test, fixture_new(test));
	struct cordon_verdict v = cordon_decide_source(p, device, port, claim, &f);

	KUNIT_EXPECT_EQ_MSG(test, v.reason, reason, "device %u proto %u dport %u", device, f.proto,
			    f.dport);
	KUNIT_EXPECT_EQ(test, v.accept,
			reason == CORDON_PASS_SOURCE || reason == CORDON_PASS_CLAIM);
}

static void source(struct kunit *test, u32 device, u16 port, struct cordon_flow f, u8 reason)
{
	source_claimed(test, device, port, 0, f, reason);
}

static void source_by_device_port_and_source(struct kunit *test)
{
	struct cordon_addr own = V4(10, 0, 20, 11), own6 = V6(0x20, 0x11);
	struct cordon_addr neighbour = V4(10, 0, 20, 12), nobody = V6(0x20, 0x99);
	struct cordon_flow broken = flow(own, TCP, 1, 2, 64);

	broken.flags = CORDON_FLOW_MALFORMED;
	source(test, CAM, 0, flow(own, TCP, 1, 2, 64), CORDON_PASS_SOURCE);
	source(test, CAM, 0, flow(own6, UDP, 1, 2, 64), CORDON_PASS_SOURCE);
	source(test, CORDON_NO_DEVICE, 0, flow(own, TCP, 1, 2, 64), CORDON_DENY_UNKNOWN_DEVICE);
	source(test, CAM, 1, flow(own, TCP, 1, 2, 64), CORDON_DENY_MOVED);
	source(test, LOCK, 1, flow(neighbour, TCP, 1, 2, 64), CORDON_PASS_SOURCE);
	source(test, CAM, 0, flow(neighbour, TCP, 1, 2, 64), CORDON_DENY_SPOOFED);
	source(test, CAM, 0, flow(nobody, TCP, 1, 2, 64), CORDON_DENY_SPOOFED);
	source(test, CAM, 0, broken, CORDON_DENY_MALFORMED);
	broken.flags = CORDON_FLOW_BAD_FLAGS;
	source(test, CAM, 0, broken, CORDON_DENY_FLAGS);
	source(test, CAM, 1, broken, CORDON_DENY_MOVED);
	broken.flags = CORDON_FLOW_FRAGMENT | CORDON_FLOW_BAD_PART;
	source(test, CAM, 0, broken, CORDON_DENY_FRAGMENT);
	broken.flags = CORDON_FLOW_FRAGMENT | CORDON_FLOW_LATER;
	source(test, CAM, 0, broken, CORDON_PASS_SOURCE);
	source(test, CORDON_NO_DEVICE, 0, broken, CORDON_DENY_UNKNOWN_DEVICE);
}

/* Of a device of several ports, from each of them and from no other. */
static void source_by_one_of_several_ports(struct kunit *test)
{
	struct cordon_flow own = flow(V4(10, 0, 20, 11), TCP, 1, 2, 64);
	struct fixture *f = fixture_new(test);
	struct cordon_policy *p;
	u16 port;

	f->devices[CAM].port = 1;
	f->devices[CAM].also[0] = 0;
	f->devices[CAM].n_also = 1;
	p = fixture_seal(test, f);
	for (port = 0; port < 4; port++)
		KUNIT_EXPECT_EQ(test, cordon_decide_source(p, CAM, port, 0, &own).reason,
				port < 2 ? CORDON_PASS_SOURCE : CORDON_DENY_MOVED);
	KUNIT_EXPECT_EQ(test, cordon_decide_source(p, CAM, CORDON_ANY_PORT, 0, &own).reason,
			CORDON_DENY_MOVED);
}

/* Of all that six bits can say, PSH aside. */
static void flags_of_tcp_that_stacks_set(struct kunit *test)
{
	enum { F = 1, S = 2, R = 4, P = 8, A = 16, U = 32, E = 64, C = 128 };
	static const u8 sound[] = { S, S | U, S | A, R, R | A, A, A | U, F | A, F | A | U };
	unsigned int flags, i;

	for (flags = 0; flags < 256; flags++) {
		bool wanted = false;

		for (i = 0; i < ARRAY_SIZE(sound); i++)
			wanted |= (flags & ~(P | E | C)) == sound[i];
		KUNIT_EXPECT_EQ_MSG(test, cordon_tcp_flags_are_sound(flags), wanted, "flags %02x",
				    flags);
	}
	KUNIT_EXPECT_TRUE(test, cordon_tcp_flags_are_sound(S | E | C));
	KUNIT_EXPECT_FALSE(test, cordon_tcp_flags_are_sound(F | P | U));
}

static void source_of_dhcp(struct kunit *test)
{
	struct cordon_flow f = flow(V4(0, 0, 0, 0), UDP, 68, 67, 64);

	f.dst = V4(255, 255, 255, 255);
	source(test, CAM, 0, f, CORDON_PASS_SOURCE);
	f.flags = CORDON_FLOW_FRAGMENT;
	source(test, CAM, 0, f, CORDON_DENY_SPOOFED);
	f.flags = 0;
	f.sport = 67;
	source(test, CAM, 0, f, CORDON_DENY_SPOOFED);
	f.sport = 68;
	f.dst = V4(10, 0, 20, 1);
	source(test, CAM, 0, f, CORDON_DENY_SPOOFED);
}

static void source_of_address_detection(struct kunit *test)
{
	struct cordon_addr none = { 0, 0 };
	struct cordon_flow f = flow(none, ICMP6, 0, 135, 255);

	f.target = V6(0x20, 0x11);
	source(test, CAM, 0, f, CORDON_PASS_SOURCE);
	f.target = V6(0x20, 0x12);
	source(test, CAM, 0, f, CORDON_DENY_SPOOFED);
	f.target = V6(0x20, 0x99);
	source(test, CAM, 0, f, CORDON_DENY_SPOOFED);
	f.target = (struct cordon_addr){ LOCAL, 5 };
	source(test, CAM, 0, f, CORDON_PASS_CLAIM);
	source_claimed(test, CAM, 0, 6, f, CORDON_PASS_CLAIM);
	KUNIT_EXPECT_EQ(test, cordon_flow_claim(&f), 5);
	f.target.lo = EUI64(LOCK);
	source(test, CAM, 0, f, CORDON_PASS_SOURCE);
	f.hop_limit = 64;
	source(test, CAM, 0, f, CORDON_DENY_SPOOFED);
	source(test, CAM, 0, flow(none, ICMP6, 0, 143, 1), CORDON_PASS_SOURCE);
	source(test, CAM, 0, flow(none, ICMP6, 0, 136, 255), CORDON_DENY_SPOOFED);
	source(test, CAM, 0, flow(none, UDP, 68, 67, 255), CORDON_DENY_SPOOFED);
}

static void source_of_link_local(struct kunit *test)
{
	struct cordon_addr local = { LOCAL, 0x1234 };
	struct cordon_flow beyond = flow(local, TCP, 1000, 22, 64);

	beyond.dst = V6(0x20, 0x12);
	/* The first one that a device uses is its own from then on, and good for the link. */
	source(test, CAM, 0, flow(local, ICMP6, 0, 135, 255), CORDON_PASS_CLAIM);
	source(test, CAM, 0, flow(local, UDP, 5353, 5353, 255), CORDON_PASS_CLAIM);
	source(test, CAM, 0, beyond, CORDON_DENY_SPOOFED);
	source_claimed(test, CAM, 0, 0x1234, flow(local, UDP, 5353, 5353, 255), CORDON_PASS_SOURCE);
	source_claimed(test, CAM, 0, 0x1234, beyond, CORDON_DENY_SPOOFED);
	/* Another one passes with what keeps up the link, and no more. */
	source_claimed(test, CAM, 0, 5, flow(local, ICMP6, 0, 136, 255), CORDON_PASS_SOURCE);
	source_claimed(test, CAM, 0, 5, flow(local, ICMP6, 0, 133, 255), CORDON_PASS_SOURCE);
	source_claimed(test, CAM, 0, 5, flow(local, UDP, 546, 547, 1), CORDON_PASS_SOURCE);
	source_claimed(test, CAM, 0, 5, flow(local, ICMP6, 0, 134, 255), CORDON_DENY_SPOOFED);
	source_claimed(test, CAM, 0, 5, flow(local, UDP, 547, 546, 1), CORDON_DENY_SPOOFED);
	source_claimed(test, CAM, 0, 5, flow(local, TCP, 1000, 22, 64), CORDON_DENY_SPOOFED);
	/* What is derived from its MAC needs no claim, what is from a neighbour's is never its own. */
	local.lo = EUI64(CAM);
	source_claimed(test, CAM, 0, 5, flow(local, UDP, 5353, 5353, 255), CORDON_PASS_SOURCE);
	local.lo = EUI64(LOCK);
	source(test, CAM, 0, flow(local, UDP, 5353, 5353, 255), CORDON_DENY_SPOOFED);
	source(test, CAM, 0, flow(local, ICMP6, 0, 136, 255), CORDON_DENY_SPOOFED);
	local = (struct cordon_addr){ LOCAL + 1, 0x1234 };
	source(test, CAM, 0, flow(local, UDP, 5353, 5353, 255), CORDON_DENY_SPOOFED);
}

static void state_for_every_posture(struct kunit *test)
{
	struct cordon_policy *p = fixture_seal(test, fixture_new(test));
	int i;

	for (i = 0; i < 16; i++) {
		struct cordon_posture q = { i & 1, i & 2, i & 4, i & 8 };
		u8 want = q.quarantined ? CORDON_STATE_QUARANTINED :
			  !q.leased ? (q.was_leased ? CORDON_STATE_EXPIRED :
				       CORDON_STATE_ONBOARDING) :
			  q.outdated ? CORDON_STATE_OUTDATED : CORDON_STATE_ACTIVE;

		KUNIT_EXPECT_EQ_MSG(test, cordon_device_state(p, CAM, &q), want, "posture %d", i);
		/* One that need not authenticate is never without a lease. */
		want = q.quarantined ? CORDON_STATE_QUARANTINED :
		       q.outdated ? CORDON_STATE_OUTDATED : CORDON_STATE_ACTIVE;
		KUNIT_EXPECT_EQ_MSG(test, cordon_device_state(p, METER, &q), want, "posture %d", i);
	}
	KUNIT_EXPECT_EQ(test, cordon_state_segment(p, CAM, CORDON_STATE_ACTIVE), IOT);
	KUNIT_EXPECT_EQ(test, cordon_state_segment(p, CAM, CORDON_STATE_EXPIRED),
			CORDON_SEGMENT_ONBOARDING);
	KUNIT_EXPECT_EQ(test, cordon_state_segment(p, CAM, CORDON_STATE_OUTDATED),
			CORDON_SEGMENT_UPDATE);
	KUNIT_EXPECT_EQ(test, cordon_state_segment(p, CAM, 99), CORDON_SEGMENT_QUARANTINE);
}

static const struct cordon_posture leased = { .leased = true, .was_leased = true };
static const struct cordon_posture expired = { .was_leased = true };
static const struct cordon_posture quarantined = { .quarantined = true, .leased = true };
static const struct cordon_posture outdated = { .outdated = true, .leased = true };

static struct cordon_end at(const struct cordon_policy *p, u16 segment)
{
	static const struct cordon_addr wan = { 0, CORDON_V4_PREFIX | 0xc0000201 };
	static const struct cordon_addr plant = { 0, CORDON_V4_PREFIX | 0x0a003201 };

	return segment == CORDON_SEGMENT_GATEWAY ? cordon_end_gateway() :
	       cordon_end_address(p, segment == WAN ? &wan : &plant);
}

static void connection(struct kunit *test, const struct cordon_policy *p, struct cordon_end from,
		 struct cordon_end to, u8 proto, u16 port, u8 reason)
{
	struct cordon_verdict v = cordon_decide_connection(p, &from, &to, proto, port);

	KUNIT_EXPECT_EQ_MSG(test, v.reason, reason, "%u -> %u %u/%u", from.segment, to.segment,
			    proto, port);
	KUNIT_EXPECT_EQ(test, v.accept, reason <= CORDON_PASS_GATEWAY);
}

static void connection_by_rule_segment_and_isolation(struct kunit *test)
{
	struct cordon_policy *p = fixture_seal(test, fixture_new(test));
	struct cordon_end cam = cordon_end_device(p, CAM, &leased);
	struct cordon_end lock = cordon_end_device(p, LOCK, &leased);
	struct cordon_end meter = cordon_end_device(p, METER, &leased);
	struct cordon_end wan = at(p, WAN), plant = at(p, PLANT), none = wan;

	none.segment = CORDON_NO_SEGMENT;
	connection(test, p, cam, wan, TCP, 443, CORDON_PASS_RULE);
	connection(test, p, cam, wan, TCP, 439, CORDON_DENY_NO_RULE);
	connection(test, p, wan, cam, TCP, 443, CORDON_DENY_NO_RULE);
	connection(test, p, plant, cam, ICMP6, 1, CORDON_PASS_RULE);
	connection(test, p, cam, plant, TCP, 443, CORDON_DENY_NO_RULE);
	connection(test, p, cam, lock, TCP, 443, CORDON_DENY_ISOLATED);
	connection(test, p, meter, meter, TCP, 443, CORDON_PASS_SEGMENT);
	connection(test, p, wan, wan, TCP, 443, CORDON_PASS_SEGMENT);
	connection(test, p, cam, none, TCP, 443, CORDON_DENY_NO_SEGMENT);
	connection(test, p, none, cam, TCP, 443, CORDON_DENY_NO_SEGMENT);
	connection(test, p, cordon_end_gateway(), cam, TCP, 22, CORDON_PASS_GATEWAY);
	KUNIT_EXPECT_EQ(test, cordon_decide_connection(p, &cam, &none, TCP, 1).kind,
			CORDON_KIND_UNJUDGED);
	KUNIT_EXPECT_EQ(test, cordon_decide_connection(p, &cam, &lock, TCP, 1).kind,
			CORDON_KIND_SEGMENT_VIOLATION);
	KUNIT_EXPECT_FALSE(test, cordon_decide_connection(p, &cam, &wan, UDP, 450).plaintext);
	KUNIT_EXPECT_TRUE(test, cordon_decide_connection(p, &cam, &wan, TCP, 443).plaintext);
}

static void connection_by_state(struct kunit *test)
{
	struct cordon_policy *p = fixture_seal(test, fixture_new(test));
	struct cordon_end wan = at(p, WAN), plant = at(p, PLANT);
	struct cordon_end old = cordon_end_device(p, CAM, &expired);
	struct cordon_end held = cordon_end_device(p, CAM, &quarantined);
	struct cordon_end stale = cordon_end_device(p, CAM, &outdated);

	connection(test, p, old, wan, TCP, 443, CORDON_DENY_UNAUTHENTICATED);
	KUNIT_EXPECT_EQ(test, cordon_decide_connection(p, &old, &wan, TCP, 443).kind,
			CORDON_KIND_UNAUTHENTICATED);
	connection(test, p, held, wan, TCP, 443, CORDON_DENY_NO_RULE);
	connection(test, p, stale, wan, TCP, 443, CORDON_DENY_NO_RULE);
	connection(test, p, stale, wan, TCP, 80, CORDON_PASS_RULE);
	connection(test, p, plant, old, TCP, 502, CORDON_DENY_NO_RULE);
	connection(test, p, plant, held, TCP, 502, CORDON_DENY_NO_RULE);
}

static void connection_of_services(struct kunit *test)
{
	static const struct {
		u8 proto;
		u16 port;
	} open[] = { { UDP, 53 }, { TCP, 53 }, { UDP, 67 }, { UDP, 547 }, { TCP, 8443 },
		     { TCP, 8883 }, { UDP, 123 }, { ICMP6, 133 }, { ICMP6, 143 }, { IGMP, 0x16 },
		     { IGMP, 0x17 }, { IGMP, 0x22 } },
	  closed[] = { { TCP, 22 }, { TCP, 123 }, { TCP, 67 }, { ICMP6, 128 }, { UDP, 8883 },
		       { IGMP, 0x11 } };
	struct fixture *f = fixture_new(test);
	struct cordon_policy *p = fixture_seal(test, f);
	struct cordon_end gw = cordon_end_gateway(), wan = at(p, WAN);
	struct cordon_end new = cordon_end_device(p, CAM, &(struct cordon_posture){});
	struct cordon_end held = cordon_end_device(p, CAM, &quarantined);
	int i;

	for (i = 0; i < ARRAY_SIZE(open); i++) {
		connection(test, p, new, gw, open[i].proto, open[i].port, CORDON_PASS_SERVICE);
		connection(test, p, held, gw, open[i].proto, open[i].port, CORDON_DENY_NO_RULE);
		connection(test, p, wan, gw, open[i].proto, open[i].port, CORDON_DENY_NO_RULE);
		connection(test, p, new, wan, open[i].proto, open[i].port, CORDON_DENY_UNAUTHENTICATED);
	}
	/* A neighbour finds even one that is held, so that the gateway can open something to it. */
	connection(test, p, held, gw, ICMP6, 135, CORDON_PASS_SERVICE);
	connection(test, p, held, gw, ICMP6, 136, CORDON_PASS_SERVICE);
	connection(test, p, new, gw, ICMP6, 136, CORDON_PASS_SERVICE);
	connection(test, p, wan, gw, ICMP6, 136, CORDON_DENY_NO_RULE);
	for (i = 0; i < ARRAY_SIZE(closed); i++)
		connection(test, p, new, gw, closed[i].proto, closed[i].port,
		     CORDON_DENY_UNAUTHENTICATED);

	f->rules[3].from = CORDON_SEGMENT_QUARANTINE;
	p = fixture_seal(test, f);
	held = cordon_end_device(p, CAM, &quarantined);
	connection(test, p, held, wan, TCP, 80, CORDON_PASS_RULE);
	connection(test, p, held, gw, ICMP6, 135, CORDON_PASS_SERVICE);
	connection(test, p, held, gw, UDP, 53, CORDON_DENY_NO_RULE);
}

static void many(struct kunit *test, const struct cordon_policy *p, struct cordon_end from,
		 u32 n, const struct cordon_reach *reach, u16 port, u8 reason)
{
	struct cordon_verdict v = cordon_decide_many(p, &from, reach, n, TCP, port);

	KUNIT_EXPECT_EQ_MSG(test, v.reason, reason, "%u -> %u segments, %u", from.segment, n, port);
	KUNIT_EXPECT_EQ(test, v.accept, reason <= CORDON_PASS_GATEWAY);
}

/* A packet for many passes if it may reach each of them. */
static void many_by_all_that_receive(struct kunit *test)
{
	static const struct cordon_reach both[] = { { IOT }, { WAN } }, open[] = { { OPEN } };
	static const struct cordon_reach strict[] = { { IOT, CORDON_ENCRYPTION_TLS1_2 } };
	static const struct cordon_reach none[] = { { CORDON_NO_SEGMENT } };
	struct fixture *f = fixture_new(test);
	struct cordon_policy *p = fixture_seal(test, f);
	struct cordon_end cam = cordon_end_device(p, CAM, &leased);
	struct cordon_end meter = cordon_end_device(p, METER, &leased);

	many(test, p, cam, 1, both + 1, 443, CORDON_PASS_RULE);
	many(test, p, cam, 1, both + 1, 80, CORDON_DENY_NO_RULE);
	many(test, p, cam, 1, both, 443, CORDON_DENY_ISOLATED);
	many(test, p, cam, 2, both, 443, CORDON_DENY_ISOLATED);
	many(test, p, cam, 0, both, 443, CORDON_DENY_NO_LINK);
	many(test, p, cam, 1, none, 443, CORDON_DENY_NO_SEGMENT);
	many(test, p, at(p, PLANT), 1, both, 502, CORDON_PASS_RULE);
	many(test, p, at(p, PLANT), 2, both, 502, CORDON_DENY_NO_RULE);
	many(test, p, meter, 1, open, 1, CORDON_PASS_SEGMENT);
	/* A device there may demand more than its segment; the rule that lifts it is from IOT. */
	many(test, p, at(p, WAN), 1, strict, 80, CORDON_DENY_NO_RULE);
	many(test, p, at(p, PLANT), 1, strict, 80, CORDON_PASS_RULE);
	f->rules[2].plaintext = 0;
	p = fixture_seal(test, f);
	many(test, p, at(p, PLANT), 1, strict, 80, CORDON_DENY_UNENCRYPTED);
	many(test, p, at(p, PLANT), 1, both, 80, CORDON_PASS_RULE);
	f->rules[2].plaintext = 1;
	/* TLS cannot be what encrypts it. */
	f->segments[IOT].encryption = CORDON_ENCRYPTION_TLS1_3;
	f->rules[1].plaintext = 0;
	p = fixture_seal(test, f);
	many(test, p, cam, 1, both + 1, 443, CORDON_DENY_UNENCRYPTED);
	f->rules[1].plaintext = 1;
	p = fixture_seal(test, f);
	many(test, p, cam, 1, both + 1, 443, CORDON_PASS_RULE);
}

static void blame(struct kunit *test, const struct cordon_policy *p, struct cordon_end from,
		  struct cordon_end to, u16 port, u8 reason)
{
	struct cordon_verdict v = cordon_decide_connection(p, &from, &to, TCP, port);

	KUNIT_EXPECT_FALSE(test, v.accept);
	v = cordon_decide_blame(p, &v, &from, &to, TCP, port);
	KUNIT_EXPECT_EQ_MSG(test, v.reason, reason, "%u -> %u %u", from.segment, to.segment, port);
}

static void blame_by_whose_state_it_is(struct kunit *test)
{
	struct cordon_policy *p = fixture_seal(test, fixture_new(test));
	struct cordon_end held = cordon_end_device(p, CAM, &quarantined);
	struct cordon_end old = cordon_end_device(p, CAM, &expired);
	struct cordon_end cam = cordon_end_device(p, CAM, &leased);
	struct cordon_end plant = at(p, PLANT), wan = at(p, WAN);

	blame(test, p, plant, held, 502, CORDON_DENY_RECEIVER);
	blame(test, p, plant, old, 502, CORDON_DENY_RECEIVER);
	blame(test, p, wan, held, 502, CORDON_DENY_NO_RULE);
	blame(test, p, wan, cam, 502, CORDON_DENY_NO_RULE);
	blame(test, p, old, wan, 443, CORDON_DENY_UNAUTHENTICATED);
	blame(test, p, held, wan, 443, CORDON_DENY_NO_RULE);
}

static void answer_of_whom_the_other_may_open_to(struct kunit *test)
{
	struct cordon_policy *p = fixture_seal(test, fixture_new(test));
	struct cordon_end held = cordon_end_device(p, CAM, &quarantined);
	struct cordon_end cam = cordon_end_device(p, CAM, &leased);
	struct cordon_end plant = at(p, PLANT), wan = at(p, WAN);

	/* The plant may open anything to the camera, the internet nothing. */
	KUNIT_EXPECT_TRUE(test, cordon_decide_answer(p, &cam, &plant, TCP, 502));
	KUNIT_EXPECT_FALSE(test, cordon_decide_answer(p, &cam, &wan, TCP, 502));
	/* Whose answer it is must be in good state; the other end need not be. */
	KUNIT_EXPECT_FALSE(test, cordon_decide_answer(p, &held, &plant, TCP, 502));
	KUNIT_EXPECT_TRUE(test, cordon_decide_answer(p, &wan, &held, TCP, 443));
	KUNIT_EXPECT_FALSE(test, cordon_decide_answer(p, &wan, &held, TCP, 80));
}

/* Who may open something to whom, whichever of the two it is, may ask for his MAC. */
static void neighbours_of_whom_either_may_open_to(struct kunit *test)
{
	struct cordon_policy *p = fixture_seal(test, fixture_new(test));
	static const struct cordon_reach iot[] = { { IOT } }, two[] = { { IOT }, { PLANT } };
	const struct cordon_end held = cordon_end_device(p, CAM, &quarantined);
	const struct cordon_end cam = cordon_end_device(p, CAM, &leased);
	const struct cordon_end meter = cordon_end_device(p, METER, &leased);
	const struct cordon_end plant = at(p, PLANT), nobody = { .segment = CORDON_NO_SEGMENT };

	KUNIT_EXPECT_TRUE(test, cordon_decide_neighbours(p, &plant, &cam));
	KUNIT_EXPECT_TRUE(test, cordon_decide_neighbours(p, &cam, &plant));
	KUNIT_EXPECT_FALSE(test, cordon_decide_neighbours(p, &held, &plant));
	KUNIT_EXPECT_FALSE(test, cordon_decide_neighbours(p, &cam, &meter));
	KUNIT_EXPECT_FALSE(test, cordon_decide_neighbours(p, &cam, &nobody));
	/* In one segment: unless it isolates. */
	KUNIT_EXPECT_TRUE(test, cordon_decide_neighbours(p, &meter, &meter));
	KUNIT_EXPECT_FALSE(test, cordon_decide_neighbours(p, &cam, &cam));
	/* For many it is enough that one of them is such a one. */
	KUNIT_EXPECT_FALSE(test, cordon_decide_near(p, &cam, iot, 1));
	KUNIT_EXPECT_TRUE(test, cordon_decide_near(p, &cam, two, 2));
	KUNIT_EXPECT_FALSE(test, cordon_decide_near(p, &cam, two, 0));
}

static void for_host_is_what_hosts_need(struct kunit *test)
{
	static const struct {
		u8 proto;
		u16 dport;
		bool v4, is;
	} row[] = {
		{ ICMP6, 130, false, true }, { ICMP6, 134, false, true }, { ICMP6, 135, false, true },
		{ ICMP6, 136, false, true }, { ICMP6, 137, false, true }, { ICMP6, 143, false, true },
		{ ICMP6, 128, false, false }, { ICMP6, 133, false, false }, { ICMP6, 138, false, false },
		{ 2, 0x11, true, true }, { UDP, 68, true, true }, { UDP, 546, false, true },
		{ UDP, 546, true, false }, { UDP, 68, false, false }, { TCP, 68, true, false },
	};
	struct cordon_flow f = { 0 };
	int i;

	for (i = 0; i < ARRAY_SIZE(row); i++) {
		f.src = row[i].v4 ? cordon_addr_v4(0x0a000001) : (struct cordon_addr){ 1, 1 };
		f.proto = row[i].proto;
		f.dport = row[i].dport;
		KUNIT_EXPECT_EQ_MSG(test, cordon_flow_is_for_host(&f), row[i].is, "row %d", i);
	}
}

static void encryption(struct kunit *test, const struct cordon_policy *p, struct cordon_end from,
		       struct cordon_end to, u8 proto, u16 port, u8 demand)
{
	struct cordon_verdict v = cordon_decide_connection(p, &from, &to, proto, port);

	KUNIT_EXPECT_TRUE(test, v.accept);
	KUNIT_EXPECT_EQ_MSG(test, cordon_decide_encryption(p, &v, &from, &to), demand,
			    "%u -> %u %u/%u", from.segment, to.segment, proto, port);
}

static void encryption_by_ends_and_rule(struct kunit *test)
{
	struct fixture *f = fixture_new(test);
	struct cordon_end cam, old, wan, meter;
	struct cordon_policy *p;

	f->segments[IOT].encryption = CORDON_ENCRYPTION_TLS1_2;
	f->segments[OPEN].encryption = CORDON_ENCRYPTION_TLS1_3;
	f->rules[2].to = OPEN;
	f->rules[2].plaintext = 0;
	p = fixture_seal(test, f);
	cam = cordon_end_device(p, CAM, &leased);
	old = cordon_end_device(p, CAM, &outdated);
	meter = cordon_end_device(p, METER, &leased);
	wan = at(p, WAN);
	encryption(test, p, cam, wan, UDP, 450, CORDON_ENCRYPTION_TLS1_2);
	encryption(test, p, cam, wan, TCP, 443, CORDON_ENCRYPTION_ANY);	/* the rule lifts it */
	encryption(test, p, old, wan, TCP, 80, CORDON_ENCRYPTION_ANY);	/* not its segment's */
	encryption(test, p, at(p, PLANT), meter, TCP, 502, CORDON_ENCRYPTION_TLS1_3);
	encryption(test, p, meter, meter, TCP, 1, CORDON_ENCRYPTION_TLS1_3);
	encryption(test, p, wan, wan, TCP, 1, CORDON_ENCRYPTION_ANY);
	encryption(test, p, cam, cordon_end_gateway(), UDP, 53, CORDON_ENCRYPTION_ANY);
	encryption(test, p, cordon_end_gateway(), cam, TCP, 22, CORDON_ENCRYPTION_ANY);
	f->devices[CAM].encryption = CORDON_ENCRYPTION_TLS1_3;
	p = fixture_seal(test, f);
	encryption(test, p, cam, wan, UDP, 450, CORDON_ENCRYPTION_TLS1_3);
	encryption(test, p, old, wan, TCP, 80, CORDON_ENCRYPTION_TLS1_3);
}

static void stamp_of_what_no_packet_changes(struct kunit *test)
{
	struct cordon_end cam = { CAM, 5, CORDON_STATE_ACTIVE }, out = { CORDON_NO_DEVICE, 6, 0 };
	struct cordon_end held = { CAM, CORDON_SEGMENT_QUARANTINE, CORDON_STATE_QUARANTINED };
	struct cordon_flow f = flow(V4(10, 0, 20, 11), TCP, 1, 2, 64);

	f.dst = V4(198, 51, 100, 7);
	KUNIT_EXPECT_TRUE(test, cordon_decide_may_stamp(&f, &cam, &out));
	KUNIT_EXPECT_TRUE(test, cordon_decide_may_stamp(&f, &out, &cam));
	KUNIT_EXPECT_FALSE(test, cordon_decide_may_stamp(&f, &held, &out));
	KUNIT_EXPECT_FALSE(test, cordon_decide_may_stamp(&f, &out, &held));
	f.proto = IGMP;
	KUNIT_EXPECT_FALSE(test, cordon_decide_may_stamp(&f, &cam, &out));
	f.proto = UDP;
	f.src = (struct cordon_addr){ LOCAL, 1 };
	KUNIT_EXPECT_FALSE(test, cordon_decide_may_stamp(&f, &cam, &out));
	f.src = (struct cordon_addr){ 0, 0 };
	KUNIT_EXPECT_FALSE(test, cordon_decide_may_stamp(&f, &cam, &out));
}

static struct kunit_case decide_cases[] = {
	KUNIT_CASE(source_by_device_port_and_source),
	KUNIT_CASE(source_by_one_of_several_ports),
	KUNIT_CASE(flags_of_tcp_that_stacks_set),
	KUNIT_CASE(source_of_dhcp),
	KUNIT_CASE(source_of_address_detection),
	KUNIT_CASE(source_of_link_local),
	KUNIT_CASE(state_for_every_posture),
	KUNIT_CASE(connection_by_rule_segment_and_isolation),
	KUNIT_CASE(connection_by_state),
	KUNIT_CASE(connection_of_services),
	KUNIT_CASE(many_by_all_that_receive),
	KUNIT_CASE(blame_by_whose_state_it_is),
	KUNIT_CASE(answer_of_whom_the_other_may_open_to),
	KUNIT_CASE(neighbours_of_whom_either_may_open_to),
	KUNIT_CASE(for_host_is_what_hosts_need),
	KUNIT_CASE(encryption_by_ends_and_rule),
	KUNIT_CASE(stamp_of_what_no_packet_changes),
	{}
};

static struct kunit_suite decide_suite = { .name = "decide", .test_cases = decide_cases };
kunit_test_suite(decide_suite);
