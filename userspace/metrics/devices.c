// SPDX-License-Identifier: GPL-2.0
/* A series for each device. A family's series stand together, so all devices are read first. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "history/gauge.h"
#include "metrics/metrics.h"

/* What is kept of a device: labels, and the figures by the order of families below. */
enum { RX_PACKETS, RX_BYTES, TX_PACKETS, TX_BYTES, DENIED, DESTINATIONS, LEASE, BINDINGS, FIGURES };

static const enum metrics_family families[FIGURES] = {
	METRICS_DEVICE_RX_PACKETS, METRICS_DEVICE_RX_BYTES, METRICS_DEVICE_TX_PACKETS, METRICS_DEVICE_TX_BYTES,
	METRICS_DEVICE_DENIED, METRICS_DEVICE_DESTINATIONS, METRICS_DEVICE_LEASE, METRICS_DEVICE_BINDINGS,
};

/** struct kept - a device; labels: where in struct devices' text, and behind them those with its state */
struct kept {
	size_t labels;
	size_t with_state;
	long long figures[FIGURES];
};

/** struct devices - all of them, and their labels one after the other */
struct devices {
	struct kept *list;
	size_t n;
	size_t room;
	char *text;
	size_t len;
	size_t size;
	time_t now;
};

static int make_room(struct devices *all)
{
	void *grown;

	if (all->n == all->room) {
		all->room = all->room ? 2 * all->room : 256;
		grown = reallocarray(all->list, all->room, sizeof(*all->list));
		if (!grown)
			return -ENOMEM;
		all->list = grown;
	}
	if (all->size - all->len < 2 * METRICS_LABELS_LEN) {
		all->size = 2 * all->size + 4 * METRICS_LABELS_LEN;
		grown = realloc(all->text, all->size);
		if (!grown)
			return -ENOMEM;
		all->text = grown;
	}
	return 0;
}

static size_t keep_text(struct devices *all, const struct metrics_labels *l)
{
	size_t at = all->len;

	memcpy(all->text + at, l->text, l->len + 1);
	all->len += l->len + 1;
	return at;
}

static int keep(const struct gauge_device *d, void *arg)
{
	struct devices *all = arg;
	struct metrics_labels l = { .len = 0 };
	struct kept *k;

	if (make_room(all))
		return -ENOMEM;
	k = &all->list[all->n++];
	metrics_label(&l, "device", d->name);
	metrics_label(&l, "mac", d->mac);
	metrics_label(&l, "segment", d->segment);
	k->labels = keep_text(all, &l);
	metrics_label(&l, "state", d->state);
	k->with_state = keep_text(all, &l);
	k->figures[RX_PACKETS] = d->rx_packets;
	k->figures[RX_BYTES] = d->rx_bytes;
	k->figures[TX_PACKETS] = d->tx_packets;
	k->figures[TX_BYTES] = d->tx_bytes;
	k->figures[DENIED] = d->denied;
	k->figures[DESTINATIONS] = d->destinations;
	k->figures[LEASE] = d->lease_until > all->now ? d->lease_until - all->now : 0;
	k->figures[BINDINGS] = d->bindings;
	return 0;
}

static void tell(struct metrics_out *o, const struct devices *all)
{
	size_t i, f;

	for (f = 0; f < FIGURES; f++) {
		metrics_begin(o, families[f]);
		for (i = 0; i < all->n; i++)
			if (all->list[i].figures[f] >= 0)
				metrics_value(o, all->text + all->list[i].labels, all->list[i].figures[f]);
	}
	metrics_begin(o, METRICS_DEVICE_STATE);
	for (i = 0; i < all->n; i++)
		metrics_value(o, all->text + all->list[i].with_state, 1);
}

/**
 * metrics_devices - the devices' families
 * @o: where to
 * @h: the history
 * @now: seconds since 1970
 *
 * Return: 0; -errno, with a sentence in @h->error.
 */
int metrics_devices(struct metrics_out *o, struct history *h, time_t now)
{
	struct devices all = { .now = now };
	int ret = history_gauge_devices(h, keep, &all);

	if (!ret)
		tell(o, &all);
	if (ret == -ENOMEM)
		snprintf(h->error, sizeof(h->error), "metrics: out of memory");
	free(all.list);
	free(all.text);
	if (!ret)
		ret = metrics_gauge(o, h, METRICS_DEVICE_ANOMALIES, GAUGE_DEVICE_ANOMALIES, now);
	if (!ret)
		ret = metrics_gauge(o, h, METRICS_DEVICE_EPISODES, GAUGE_DEVICE_EPISODES, now);
	return ret;
}
