// SPDX-License-Identifier: GPL-2.0
/* A lease on the word of a certificate: as a check-in's, but that the link and not an address says who it is. */
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "ctl/certified.h"
#include "store/store.h"

static enum certified refuse(struct certified_lease *l, enum certified what, const char *why)
{
	snprintf(l->why, sizeof(l->why), "%s", why);
	return what;
}

/* As the server's agent judges one that came with a check-in. */
static enum certified judge(const struct store_certificate *c, struct certified_lease *l)
{
	char mac[18];

	if (c->state == STORE_REVOKED)
		return refuse(l, CERTIFIED_FOREIGN, "the certificate is revoked");
	if (c->state != STORE_ISSUED && c->state != STORE_DELIVERED)
		return refuse(l, CERTIFIED_FOREIGN, "the registry does not know the certificate");
	if (c->kind != PKI_DEVICE)
		return refuse(l, CERTIFIED_FOREIGN, "the certificate is not a device's");
	if (c->not_after < time(NULL))
		return refuse(l, CERTIFIED_FOREIGN, "the certificate has expired");
	if (memcmp(c->mac, l->mac, sizeof(l->mac))) {
		snprintf(l->why, sizeof(l->why), "the certificate is that of %s, %s", c->name,
			 policy_mac_text(c->mac, mac));
		return CERTIFIED_FOREIGN;
	}
	memcpy(l->fingerprint, c->fingerprint, sizeof(l->fingerprint));
	return CERTIFIED_LEASED;
}

/**
 * certified_check - may a device have a lease on this certificate, as far as the registry knows
 * @registry: its file
 * @l: MAC and serial number; gets fingerprint, or why not
 *
 * Return: CERTIFIED_LEASED, it may.
 */
enum certified certified_check(const char *registry, struct certified_lease *l)
{
	struct store_certificate cert;
	struct store s;
	int err = store_peek(&s, registry);

	if (err)
		return refuse(l, CERTIFIED_NOT_NOW, s.error);
	err = store_cert_get(&s, l->serial, &cert, NULL, NULL);
	if (err && err != -ENOENT)
		refuse(l, CERTIFIED_NOT_NOW, s.error);
	store_close(&s);
	if (err == -ENOENT)
		return refuse(l, CERTIFIED_FOREIGN, "the registry does not know the certificate");
	return err ? CERTIFIED_NOT_NOW : judge(&cert, l);
}

static int check_in(struct certified_lease *l)
{
	unsigned int ifindex = if_nametoindex(l->port);
	struct cnl nl;
	int err;

	/* Without one, the lease would hold on every port. */
	if (!ifindex) {
		snprintf(l->why, sizeof(l->why), "there is no interface %s", l->port);
		return -ENODEV;
	}
	err = cnl_open(&nl);
	if (!err) {
		err = cnl_checkin(&nl, l->mac, NULL, ifindex, l->fingerprint, &l->device);
		cnl_close(&nl);
	}
	if (err)
		snprintf(l->why, sizeof(l->why), "%s", nl.error);
	return err;
}

/**
 * certified_give - have the kernel give a device its segment's lease
 * @registry: its file
 * @l: MAC, serial number and port; gets the rest
 *
 * Who revokes a certificate writes it down, then ends its lease. If that came between the look into the registry and the
 * lease, the second look sees it; if it comes after that look, it finds the lease.
 *
 * Return: CERTIFIED_LEASED, it is given; else why not is in @l, and none of this certificate is left.
 */
enum certified certified_give(const char *registry, struct certified_lease *l)
{
	enum certified what = certified_check(registry, l);
	char why[CERTIFIED_WHY_LEN];

	if (what != CERTIFIED_LEASED)
		return what;
	if (check_in(l))
		return CERTIFIED_NOT_NOW;
	what = certified_check(registry, l);
	if (what != CERTIFIED_LEASED && certified_end(l->mac, l->fingerprint, why))
		snprintf(l->why, sizeof(l->why), "a lease that must end does not: %.200s", why);
	return what;
}

/**
 * certified_end - end a lease that a certificate gave
 * @mac: the device's
 * @fingerprint: SHA-256 of the certificate
 * @why: a sentence, after a failure
 *
 * Return: 0, also if there is none; -errno.
 */
int certified_end(const u8 mac[6], const u8 fingerprint[PKI_FINGERPRINT_LEN], char why[CERTIFIED_WHY_LEN])
{
	struct cnl_device device;
	struct cnl nl;
	int err = cnl_open(&nl);

	if (!err) {
		err = cnl_lease_end(&nl, mac, fingerprint, &device);
		cnl_close(&nl);
	}
	snprintf(why, CERTIFIED_WHY_LEN, "%s", err ? nl.error : "");
	/* What is no device of the policy has none. */
	return err == -ENOENT ? 0 : err;
}
