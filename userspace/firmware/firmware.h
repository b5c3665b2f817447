/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Firmware: versions, signed releases, the store of their files, and who is offered what.
 *
 * A release is a file (artifact) for a model, in a version, with a detached CMS signature over the file.
 * Artifacts lie below FIRMWARE_DIR, named by their SHA-256 in hex, the signature beside it as NAME.p7s;
 * everything else about a release is in the registry. A file that the registry does not know is an orphan:
 * nobody is offered it, and the next firmware_dir_sweep() removes it.
 */
#ifndef CORDON_FIRMWARE_H
#define CORDON_FIRMWARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "pki/pki.h"

#define FIRMWARE_DIR		"/var/lib/cordon/firmware"
#define FIRMWARE_VERSION_LEN	64	/* terminated */
#define FIRMWARE_MODEL_LEN	32	/* terminated; a name as in the policy */
#define FIRMWARE_FILE_LEN	128	/* file name as the device sees it, terminated; no path */
#define FIRMWARE_NOTES_LEN	1024	/* terminated */
#define FIRMWARE_SIGNATURE_MAX	PKI_CMS_MAX	/* bytes of a CMS signature */
#define FIRMWARE_SIZE_MAX	(4ULL << 30)	/* bytes of an artifact */
#define FIRMWARE_FLOORS		8	/* that a model's floor is remembered to have had before */
#define FIRMWARE_FAILURES	5	/* that stop a roll-out, unless the operator says otherwise */

/*
 * version.c: dotted numbers with pre-release tags, ordered as by Semantic Versioning 2.0.0, 11. There may be
 * any number of numbers, of any length, with leading zeros; those that are missing are 0.
 */
bool firmware_version_is_valid(const char *version);
int firmware_version_compare(const char *a, const char *b);	/* < 0, 0, > 0; both valid */
bool firmware_model_is_valid(const char *model);		/* as a device's in the policy */
bool firmware_file_is_valid(const char *file);			/* a name that can stand in a URL, no path */

/** struct firmware_hashes - as DDI and the manifest give them */
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
 * @failures: since it was added, or resumed last
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
	unsigned int failures;
};

/** enum firmware_action_state - what became of an offer; the first three are open */
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
 * @release: what is offered; it may be gone since
 * @version: of that release
 * @state: enum firmware_action_state
 * @offered: seconds since 1970
 * @changed: last feedback
 * @detail: last words of the device
 */
struct firmware_action {
	int64_t id;
	char device[PKI_NAME_LEN];
	int64_t release;
	char version[FIRMWARE_VERSION_LEN];
	enum firmware_action_state state;
	time_t offered;
	time_t changed;
	char detail[256];
};

/** struct firmware_step - a version that was once the floor, and since when all below it are too old */
struct firmware_step {
	char version[FIRMWARE_VERSION_LEN];
	time_t since;
};

/**
 * struct firmware_floor - the oldest version of a model that may talk to anybody but its update
 * @model: whose
 * @version: valid
 * @since: when it became the floor: the grace of those that it caught begins here
 * @older: lower floors that the model had before, highest first: who was below one of those already gets no
 *	second grace because the floor was raised
 * @n_older: how many
 */
struct firmware_floor {
	char model[FIRMWARE_MODEL_LEN];
	char version[FIRMWARE_VERSION_LEN];
	time_t since;
	struct firmware_step older[FIRMWARE_FLOORS];
	size_t n_older;
};

/*
 * rollout.c, pure. The devices of a model stand in a circle; a roll-out begins at a place of its own and
 * goes round: whoever is in at 20 % is in at 30 %, and which ones are first differs from release to release.
 * Who is offered it is store_offer()'s to say: of 100 devices exactly 20 at 20 %, however many come later.
 */
int64_t firmware_place(const char *device);		/* of a device in the circle; never negative */
int64_t firmware_place_first(int64_t release);		/* where its roll-out begins */
unsigned int firmware_share(unsigned int devices, unsigned int percent);	/* rounded up */
/*
 * Is a device outdated: below the floor (never having told its version, or one that is none, counts as
 * below), and the grace that began with the floor that caught it is over. floor NULL: there is none.
 * *until: when the answer changes by itself, or 0; may be NULL.
 */
bool firmware_is_outdated(const struct firmware_floor *floor, const char *version, uint32_t grace, time_t now,
			  time_t *until);

/*
 * file.c: artifacts by hash. Streamed, never whole in memory; the file is there, verified and durable, or
 * it is not there. dir is FIRMWARE_DIR unless a test says otherwise. 0, or -errno with err.
 */
/*
 * The directory, made where it is missing, readable by group (-1: whatever it has), locked: whoever adds or
 * removes holds it. A descriptor; close() unlocks. -errno with err.
 */
int firmware_dir_lock(const char *dir, gid_t group, struct pki_error *err);
/* Locked: what nobody needs is removed, and what somebody left half-written. needed: 1, 0 or -errno, which ends it. */
int firmware_dir_sweep(const char *dir, int (*needed)(const uint8_t sha256[32], void *arg), void *arg);
/* Of a regular file, from its beginning. */
int firmware_file_add(const char *dir, int from, uint64_t *size, struct firmware_hashes *out, struct pki_error *err);
int firmware_file_open(const char *dir, const uint8_t sha256[32]);	/* fd or -errno */
int firmware_file_remove(const char *dir, const uint8_t sha256[32]);	/* signature too */
int firmware_signature_put(const char *dir, const uint8_t sha256[32], const uint8_t *der, size_t len,
			   struct pki_error *err);
int firmware_signature_get(const char *dir, const uint8_t sha256[32], uint8_t **der, size_t *len);	/* free() */

/* What devices without hawkBit are offered, and what they say: manifest.h. */
/* Signatures: pki_cms_sign() and pki_cms_verify() of pki/pki.h. */

#endif
