// SPDX-License-Identifier: GPL-2.0
/* Names that the kernel holds, for who completes them. Where it holds none, or may not be asked, there are none. */
#include <net/if.h>
#include <string.h>

#include "ctl/complete.h"
#include "ctl/ctl.h"

#define MOST 2000	/* names that a shell is told */

struct objects {
	const char *now;
	unsigned int n;
};

/* Interfaces have any names; a shell shows what is offered on the terminal. */
static bool is_shown(const char *name)
{
	for (; *name; name++)
		if (*name <= ' ' || *name > '~')
			return false;
	return true;
}

static void offer(struct objects *o, const char *name, const char *text)
{
	struct word about = { text, strlen(text) };

	if (!is_shown(name) || strncmp(name, o->now, strlen(o->now)))
		return;
	o->n++;
	complete_offer(o->now, &(struct word){ name, strlen(name) }, &about);
}

static int offer_device(const struct cnl_device *device, void *arg)
{
	struct objects *o = arg;

	offer(o, device->def.name, device->segment);
	return o->n >= MOST;
}

static int offer_segment(const struct cnl_segment *segment, void *arg)
{
	struct objects *o = arg;

	offer(o, segment->def.name, "segment");
	return o->n >= MOST;
}

static void offer_interfaces(struct objects *o)
{
	struct if_nameindex *all = if_nameindex(), *i;

	for (i = all; i && i->if_index; i++)
		offer(o, i->if_name, "interface");
	if (all)
		if_freenameindex(all);
}

static void offer_protocols(struct objects *o)
{
	static const char * const usual[] = { "tcp", "udp", "icmp", "icmp6", "arp", "nd" };
	size_t i;

	for (i = 0; i < sizeof(usual) / sizeof(*usual); i++)
		offer(o, usual[i], "protocol");
}

static bool stands_for(const struct word *value, const char *what)
{
	return memmem(value->text, value->len, what, strlen(what));
}

/**
 * complete_objects - offer what a word of the help stands for
 * @now: what was begun
 * @value: the word: DEVICE, SEGMENT, ...
 */
void complete_objects(const char *now, const struct word *value)
{
	bool who = stands_for(value, "WHO"), devices = who || stands_for(value, "DEVICE") || stands_for(value, "NAME|MAC");
	bool segments = who || stands_for(value, "SEGMENT");
	struct objects o = { .now = now };
	struct cnl nl;
	u32 kind;

	if (stands_for(value, "INTERFACE") || stands_for(value, "PORT,"))
		offer_interfaces(&o);
	if (word_is(value, "PROTO"))
		offer_protocols(&o);
	for (kind = 0; word_is(value, "KIND") && kind < CORDON_KINDS; kind++)
		offer(&o, policy_kind_name(kind), "anomaly");
	if (who)
		offer(&o, "gateway", "this machine");
	if ((!devices && !segments) || cnl_open(&nl))
		return;
	if (segments)
		cnl_segment_each(&nl, offer_segment, &o);
	if (devices)
		cnl_device_each(&nl, offer_device, &o);
	cnl_close(&nl);
}
