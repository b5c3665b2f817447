// SPDX-License-Identifier: GPL-2.0
/*
 * replica REGISTRY join NAME | hold MAC 0|1 | heard TIME | refused 0|1 | apply KEY REVISION VALUE: what cordon-fleet
 * does to the registry, for tests of agent that have another one in its place.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/policy.h"
#include "store/fleet.h"

static int apply(struct store *s, char **words)
{
	struct store_fleet_effect effect;
	int err = store_begin(s, true);

	if (err)
		return err;
	err = store_fleet_apply(s, words[0], words[2], strlen(words[2]), strtoll(words[1], NULL, 10), &effect);
	if (!err)
		return store_commit(s);
	store_rollback(s);
	return err;
}

static int put(struct store *s, const char *what, const char *value)
{
	struct store_fleet f;
	int err = store_fleet_get(s, &f);

	if (err)
		return err;
	if (!strcmp(what, "heard"))
		f.heard = strtoll(value, NULL, 10);
	else
		f.refused = *value == '1';
	return store_fleet_put(s, &f);
}

int main(int argc, char **argv)
{
	struct store s = { .db = NULL };
	uint8_t mac[6];
	int err;

	if (argc < 4)
		return 2;
	err = store_open(&s, argv[1], true);
	if (!err && !strcmp(argv[2], "join"))
		err = store_fleet_join(&s, argv[3]);
	else if (!err && !strcmp(argv[2], "hold") && argc == 5)
		err = policy_mac_parse(argv[3], mac) ? -EINVAL : store_fleet_hold(&s, mac, *argv[4] == '1');
	else if (!err && !strcmp(argv[2], "apply") && argc == 6)
		err = apply(&s, argv + 3);
	else if (!err)
		err = put(&s, argv[2], argv[3]);
	if (err)
		fprintf(stderr, "%s: %s\n", strerror(-err), s.error);
	store_close(&s);
	return !!err;
}
