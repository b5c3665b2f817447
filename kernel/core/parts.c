// SPDX-License-Identifier: GPL-2.0
/* Which bytes of a datagram have come in fragments, to tell one that overlaps others. */
#include "parts.h"

static bool is_of(const struct cordon_datagram *d, const struct cordon_part *part)
{
	return d->state != CORDON_PARTS_FREE && d->id == part->id && d->where == part->where &&
	       cordon_addr_equal(&d->src, &part->src) && cordon_addr_equal(&d->dst, &part->dst);
}

/* The place of a datagram; if there is none, one for it, for which the oldest may have to go. */
static struct cordon_datagram *find(struct cordon_parts *parts, const struct cordon_key *key,
				    const struct cordon_part *part, u32 now, u32 limit)
{
	u64 hash = cordon_siphash_two(key, part->src.hi ^ part->dst.lo ^ part->id,
				      part->src.lo ^ part->dst.hi ^ part->where);
	struct cordon_datagram *set = parts->set[hash % CORDON_PARTS_SETS], *oldest = set;
	u32 i;

	for (i = 0; i < CORDON_PARTS_WAYS; i++) {
		if (set[i].state != CORDON_PARTS_FREE && now - set[i].began >= limit)
			set[i].state = CORDON_PARTS_FREE;
		if (is_of(&set[i], part))
			return &set[i];
		if (oldest->state != CORDON_PARTS_FREE &&
		    (set[i].state == CORDON_PARTS_FREE ||
		     now - set[i].began > now - oldest->began))
			oldest = &set[i];
	}
	*oldest = (struct cordon_datagram){
		.src = part->src, .dst = part->dst, .id = part->id, .where = part->where,
		.began = now, .state = CORDON_PARTS_HELD,
	};
	return oldest;
}

/* Its end is another than the one that was said, or lies before what has come. */
static bool contradicts_end(const struct cordon_datagram *d, const struct cordon_part *part)
{
	if (d->end)
		return part->to > d->end || (part->last && part->to != d->end);
	return part->last && d->n && d->run[d->n - 1].to > part->to;
}

/* Take a run out, or make room for one, at a place. */
static void shift(struct cordon_datagram *d, u32 at, bool room)
{
	u32 i;

	if (room) {
		for (i = d->n++; i > at; i--)
			d->run[i] = d->run[i - 1];
		return;
	}
	for (i = at + 1; i < d->n; i++)
		d->run[i - 1] = d->run[i];
	d->n--;
}

/* The bytes of a fragment, none of which came before: between the run before @at and that one. */
static void add(struct cordon_datagram *d, const struct cordon_part *part, u32 at)
{
	const bool before = at && d->run[at - 1].to == part->from;
	const bool behind = at < d->n && d->run[at].from == part->to;

	if (before && behind) {
		d->run[at - 1].to = d->run[at].to;
		shift(d, at, false);
	} else if (before) {
		d->run[at - 1].to = part->to;
	} else if (behind) {
		d->run[at].from = part->from;
	} else if (d->n < CORDON_PARTS_RUNS) {
		shift(d, at, true);
		d->run[at] = (struct cordon_run){ part->from, part->to };
	} else {
		d->state = CORDON_PARTS_UNKNOWN;
	}
}

/**
 * cordon_parts_overlap - a fragment comes: it overlaps others of its datagram, or some did before
 * @parts: what has come of datagrams; written to by nobody else meanwhile
 * @key: random, which of them share a set
 * @part: the fragment
 * @now: in ticks
 * @limit: for so many ticks those of a datagram may come
 *
 * As Linux does when it puts datagrams together: one that repeats bytes that have come is no
 * overlap, but a copy; one that has some of them, and others, is (RFC 5722), and so is one that
 * contradicts where the datagram ends. A datagram is forgotten when all of it has come, or too
 * many others are on their way: then an overlap is not told. One that is whole in a single fragment
 * has no part in any other, whatever its number (RFC 6946).
 */
bool cordon_parts_overlap(struct cordon_parts *parts, const struct cordon_key *key,
			  const struct cordon_part *part, u32 now, u32 limit)
{
	struct cordon_datagram *d;
	u32 at;

	if (!part->from && part->last)
		return false;
	d = find(parts, key, part, now, limit);
	if (d->state == CORDON_PARTS_BAD)
		return true;
	if (d->state == CORDON_PARTS_UNKNOWN || part->from >= part->to)
		return false;
	for (at = 0; at < d->n && d->run[at].to <= part->from; at++)
		;
	if (contradicts_end(d, part))
		goto overlap;
	if (part->last)
		d->end = part->to;
	if (at < d->n && d->run[at].from < part->to) {
		if (d->run[at].from > part->from || d->run[at].to < part->to)
			goto overlap;
		return false;
	}
	add(d, part, at);
	if (d->n == 1 && !d->run[0].from && d->run[0].to == d->end)
		d->state = CORDON_PARTS_FREE;
	return false;
overlap:
	d->state = CORDON_PARTS_BAD;
	return true;
}
