// SPDX-License-Identifier: GPL-2.0
/* all/release/MODEL/VERSION. */
#include <errno.h>
#include <string.h>

#include "store/fleet_db.h"

/** db_fleet_release_value - as it came */
int db_fleet_release_value(struct store *s, const struct fleet_key *k, char **out, size_t *len)
{
	char key[STORE_KEY_LEN];

	snprintf(key, sizeof(key), "all/release/%s/%s", k->name, k->version);
	return db_fleet_text_get(s, key, out, len);
}

/** db_fleet_release_apply - kept as it is */
int db_fleet_release_apply(struct store *s, struct fleet_in *in)
{
	return in->value ? db_fleet_wait(s, in) : db_fleet_text_drop(s, in->key);
}
