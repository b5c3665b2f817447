/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Firmware: versions, signed releases, the store of their files, and who is offered what.
 *
 * A release is a file (artifact) for a model, in a version, with a detached CMS signature over the file.
 * Artifacts lie below FIRMWARE_DIR, named by their SHA-256 in hex, the signature beside it as NAME.p7s;
 * everything else about a release is in the registry.
 */
#ifndef CORDON_FIRMWARE_H
#define CORDON_FIRMWARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "pki/pki.h"

#define FIRMWARE_DIR		"/var/lib/cordon/firmware"
#define FIRMWARE_VERSION_LEN	64	/* terminated */
#define FIRMWARE_MODEL_LEN	32	/* terminated; a name as in the policy */
#define FIRMWARE_FILE_LEN	128	/* file name as the device sees it, terminated; no path */
#define FIRMWARE_NOTES_LEN	1024	/* terminated */
#define FIRMWARE_SIGNATURE_MAX	PKI_CMS_MAX	/* bytes of a CMS signature */
#define FIRMWARE_GRACE		(7 * 86400)	/* seconds, unless the policy says otherwise */
#define FIRMWARE_POSTPONE	86400
#define FIRMWARE_FAILURES	5	/* that stop a roll-out, unless the operator says otherwise */

/* version.c: dotted numbers with pre-release tags, ordered as by Semantic Versioning 2.0.0, 11. */
bool firmware_version_is_valid(const char *version);
int firmware_version_compare(const char *a, const char *b);	/* < 0, 0, > 0; both valid */

/** enum firmware_digest - as DDI and the manifest give them */
struct firmware_hashes {
	uint8_t sha256[32];
	uint8_t sha1[20];
	uint8_t md5[16];
};

/**
 * struct firmware_release - a release, as the registry knows it
 * @id: positive; never used twice
 * @model: of the devices that it fits
 * @version: valid
 * @file: name that devices are given
 * @notes: for people
 * @signer: subject of the certificate that signed it, for people
 * @size: of the artifact, bytes
 * @hashes: of the artifact
 * @added: seconds since 1970
 * @percent: of the model's devices that are offered it, 0..100
 * @paused: nobody is offered it until it is resumed
 * @stopped: as @paused, by failures
 * @stop_after: that many failures stop it; 0, none do
 */
struct firmware_release {
	int64_t id;
	char model[FIRMWARE_MODEL_LEN];
	char version[FIRMWARE_VERSION_LEN];
	char file[FIRMWARE_FILE_LEN];
	char notes[FIRMWARE_NOTES_LEN];
	char signer[PKI_NAME_LEN * 2];
	uint64_t size;
	struct firmware_hashes hashes;
	time_t added;
	unsigned int percent;
	bool paused;
	bool stopped;
	unsigned int stop_after;
};

/** enum firmware_action_state - what became of an offer */
enum firmware_action_state {
	FIRMWARE_OFFERED,
	FIRMWARE_RUNNING,		/* the device said that it is at it */
	FIRMWARE_CANCELING,		/* an operator took it back; the device does not know yet */
	FIRMWARE_CANCELED,
	FIRMWARE_SUCCEEDED,
	FIRMWARE_FAILED,
};

/**
 * struct firmware_action - a release that is offered to a device (DDI: action)
 * @id: positive; never used twice
 * @device: name
 * @release: what is offered
 * @state: enum firmware_action_state
 * @offered: seconds since 1970
 * @changed: last feedback
 * @detail: last words of the device
 */
struct firmware_action {
	int64_t id;
	char device[PKI_NAME_LEN];
	int64_t release;
	enum firmware_action_state state;
	time_t offered;
	time_t changed;
	char detail[256];
};

/** struct firmware_floor - the oldest version of a model that may talk to anybody but its update */
struct firmware_floor {
	char model[FIRMWARE_MODEL_LEN];
	char version[FIRMWARE_VERSION_LEN];
	time_t since;
};

/*
 * rollout.c, pure. The share of a roll-out is stable: a device that is in at 20 % is in at 30 %, and
 * which ones are first differs from release to release.
 */
bool firmware_in_rollout(const char *device, int64_t release, unsigned int percent);
/*
 * Is a device outdated: below the floor (never having told its version counts as below), and the grace
 * that began with the floor is over. floor NULL: there is none. *until: when the answer changes by itself, or 0.
 */
bool firmware_is_outdated(const struct firmware_floor *floor, const char *version, uint32_t grace, time_t now,
			  time_t *until);

/*
 * file.c: artifacts by hash. Streamed, never whole in memory; the file is there, verified and durable, or
 * it is not there. dir is FIRMWARE_DIR unless a test says otherwise. 0, or -errno with err.
 */
int firmware_file_add(const char *dir, int from, uint64_t *size, struct firmware_hashes *out, struct pki_error *err);
int firmware_file_open(const char *dir, const uint8_t sha256[32]);	/* fd or -errno */
int firmware_file_remove(const char *dir, const uint8_t sha256[32]);	/* signature too */
int firmware_signature_put(const char *dir, const uint8_t sha256[32], const uint8_t *der, size_t len,
			   struct pki_error *err);
int firmware_signature_get(const char *dir, const uint8_t sha256[32], uint8_t **der, size_t *len);	/* free() */

/* What devices without hawkBit are offered, and what they say: manifest.h. */
/* Signatures: pki_cms_sign() and pki_cms_verify() of pki/pki.h. */

#endif
