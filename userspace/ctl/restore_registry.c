// SPDX-License-Identifier: GPL-2.0
/* restore: the registry, with what was revoked since the backup, whichever of two CAs' lists tell of it. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "ctl/restore.h"
#include "state/state.h"

/* The lists beside and in a CA's directory. */
static int catch_up(struct restoring *r, const struct pki_ca *ca, const char *dir)
{
	struct revoked_caught more;
	int err = revoked_catch_up(ca, dir, &r->registry, true, &more);

	r->caught.revoked += more.revoked;
	r->caught.tokens += more.tokens;
	return err;
}

/* Those of this machine, and those of the backup; the CA is the one that will be there afterwards. */
static int catch_up_all(struct restoring *r)
{
	struct pki_error unused;
	unsigned int burnt;
	char dir[PATH_MAX];
	struct pki_ca ca;
	bool saved;
	int err;

	/* Without a list, too, a token may have been used since. */
	err = store_tokens_burn(&r->registry, INT64_MAX, &burnt);
	r->caught.tokens = burnt;
	if (!err)
		err = store_restored_put(&r->registry, time(NULL));
	snprintf(dir, sizeof(dir), "%.*s/ca", PATH_MAX - 4, r->work);
	saved = !pki_ca_load(dir, false, NULL, &ca, &unused);
	if (err || (!saved && pki_ca_load(r->c.ca, false, NULL, &ca, &unused)))
		return err;
	err = catch_up(r, &ca, r->c.ca);
	if (!err && saved)
		err = catch_up(r, &ca, dir);
	pki_ca_free(&ca);
	return err;
}

/**
 * restore_stage_registry - put the registry together, beside its place
 * @r: not yet put in place
 */
bool restore_stage_registry(struct restoring *r)
{
	char path[PATH_MAX];

	if (!backup_find(&r->b, "registry.db"))
		return true;
	if (!backup_path(path, sizeof(path), r->work, "registry.db") || !backup_make_parents(r->c.registry, 0700))
		return false;
	if (store_stage(&r->registry, path, r->c.registry, r->staged, sizeof(r->staged)) ||
	    store_open(&r->registry, r->staged, false)) {
		store_unstage(r->staged);
		r->staged[0] = 0;
		return complain(r->c.registry, r->registry.error), false;
	}
	return !catch_up_all(r) || (complain(r->c.registry, r->registry.error), false);
}

/**
 * restore_put_registry - put it in the place of what is there, in one transaction
 * @r: everything else is in place
 */
bool restore_put_registry(struct restoring *r)
{
	if (!r->staged[0] || !store_replace(&r->registry, r->c.registry, r->kept, sizeof(r->kept)))
		return true;
	complain(r->c.registry, r->registry.error);
	return false;
}

/** restore_drop_registry - the one that was put together is of no more use */
void restore_drop_registry(struct restoring *r)
{
	if (!r->staged[0])
		return;
	store_close(&r->registry);
	store_unstage(r->staged);
	r->staged[0] = 0;
}
