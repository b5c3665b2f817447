/* SPDX-License-Identifier: GPL-2.0 */
/* A small policy that suites seal, and break in one place each. */
#ifndef _CORDON_TEST_FIXTURE_H
#define _CORDON_TEST_FIXTURE_H

#include <kunit/test.h>
#include <linux/slab.h>

#include "core/decide.h"

#define V4(a, b, c, d) cordon_addr_v4((u32)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define V6(h, l) ((struct cordon_addr){ 0xfd00000000000000ULL + (h), (l) })

enum { IOT = CORDON_BUILTIN_SEGMENTS, OPEN, PLANT, WAN, SEGMENTS };
enum { CAM, LOCK, METER, DEVICES };

/* Two in IOT, which must authenticate and is isolated; one in OPEN, which is neither. */
struct fixture {
	struct cordon_draft draft;
	struct cordon_port_def ports[2];
	struct cordon_segment_def segments[SEGMENTS];
	struct cordon_network_def networks[3];
	struct cordon_rule_def rules[4];
	struct cordon_match matches[6];
	struct cordon_device_def devices[DEVICES];
	struct cordon_addr addresses[5];
};

static inline void fixture_device(struct fixture *f, int i, const char *name, u16 segment,
				  u32 first, u8 n)
{
	struct cordon_device_def *d = &f->devices[i];

	strscpy(d->name, name, sizeof(d->name));
	d->mac[0] = 2;
	d->mac[5] = i + 1;
	d->segment = segment;
	d->first = first;
	d->n = n;
	d->port = CORDON_ANY_PORT;
	d->authentication = CORDON_INHERIT;
	d->encryption = CORDON_INHERIT;
	d->firmware = CORDON_INHERIT;
}

static inline void fixture_segment(struct fixture *f, int i, const char *name)
{
	cordon_segment_def_init(&f->segments[i]);
	strscpy(f->segments[i].name, name, sizeof(f->segments[i].name));
}

static inline struct fixture *fixture_new(struct kunit *test)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	strscpy(f->ports[0].name, "lan0", sizeof(f->ports[0].name));
	strscpy(f->ports[1].name, "lan1", sizeof(f->ports[1].name));
	cordon_draft_builtin(f->segments);
	fixture_segment(f, IOT, "iot");
	f->segments[IOT].authentication = CORDON_AUTHENTICATION_CERTIFICATE;
	fixture_segment(f, OPEN, "open");
	f->segments[OPEN].isolate = 0;
	fixture_segment(f, PLANT, "plant");
	fixture_segment(f, WAN, "wan");
	f->networks[0] = (struct cordon_network_def){ V4(0, 0, 0, 0), WAN, 96 };
	f->networks[1] = (struct cordon_network_def){ { 0, 0 }, WAN, 0 };
	f->networks[2] = (struct cordon_network_def){ V4(10, 0, 50, 0), PLANT, 96 + 24 };
	f->matches[0] = (struct cordon_match){ 6, 443, 443 };
	f->matches[1] = (struct cordon_match){ 17, 400, 500 };
	f->matches[2] = (struct cordon_match){ 6, 440, 450 };
	f->matches[3] = (struct cordon_match){ CORDON_PROTO_ANY, 0, 0 };
	f->matches[4] = (struct cordon_match){ 6, 80, 80 };
	f->matches[5] = (struct cordon_match){ 1, 8, 8 };
	f->rules[0] = (struct cordon_rule_def){ 0, 2, IOT, WAN, 0 };
	f->rules[1] = (struct cordon_rule_def){ 2, 1, IOT, WAN, 1 };
	f->rules[2] = (struct cordon_rule_def){ 3, 1, PLANT, IOT, 1 };
	f->rules[3] = (struct cordon_rule_def){ 4, 2, CORDON_SEGMENT_UPDATE, WAN, 0 };
	fixture_device(f, CAM, "cam", IOT, 0, 2);
	fixture_device(f, LOCK, "lock", IOT, 2, 2);
	fixture_device(f, METER, "meter", OPEN, 4, 1);
	f->devices[CAM].port = 0;
	f->addresses[0] = V4(10, 0, 20, 11);
	f->addresses[1] = V6(0x20, 0x11);
	f->addresses[2] = V4(10, 0, 20, 12);
	f->addresses[3] = V6(0x20, 0x12);
	f->addresses[4] = V4(10, 0, 20, 13);
	f->draft = (struct cordon_draft){
		.n_ports = 2, .ports = f->ports, .n_segments = SEGMENTS, .segments = f->segments,
		.n_networks = 3, .networks = f->networks, .n_rules = 4, .rules = f->rules,
		.n_matches = 6, .matches = f->matches, .n_devices = DEVICES,
		.devices = f->devices, .n_addresses = 5, .addresses = f->addresses,
	};
	return f;
}

static inline int fixture_build(struct kunit *test, const struct fixture *f,
				struct cordon_policy **out, struct cordon_error *err)
{
	const struct cordon_build how = { .key = { { 1, 2 } } };
	void *scratch = kunit_kzalloc(test, cordon_policy_scratch_size(&f->draft), GFP_KERNEL);

	*out = kunit_kzalloc(test, cordon_policy_size(&f->draft), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, scratch);
	KUNIT_ASSERT_NOT_NULL(test, *out);
	return cordon_policy_build(*out, &f->draft, &how, scratch, err);
}

static inline struct cordon_policy *fixture_seal(struct kunit *test, const struct fixture *f)
{
	struct cordon_policy *p;
	struct cordon_error err;

	KUNIT_ASSERT_EQ_MSG(test, fixture_build(test, f, &p, &err), 0, "fault %d object %d index %u",
			    err.fault, err.object, err.index);
	return p;
}

#endif
