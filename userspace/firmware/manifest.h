/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a device without hawkBit is offered, and what it answers. All by mutual TLS 1.3, port 8443.
 *
 * GET /cordon/v1/firmware
 *	204: nothing for this device.
 *	200: application/json, the manifest: one object without objects or arrays in it.
 *		{"device": NAME, "action": N, "model": M, "version": V, "file": NAME, "size": BYTES,
 *		 "sha256": 64 hex digits in lower case, "url": PATH, "notes": TEXT, "issued": T, "expires": T}
 *	PATH begins with one '/' and is on the same server, T are seconds since 1970. More members may follow.
 *	'$' and '`' stand as \u0024 and \u0060, so that a shell that is given the text runs nothing in it.
 *	The field Cordon-Signature of the answer is a detached CMS over the content, byte by byte as it is sent,
 *	its content type (RFC 5652, 5.3) PKI_OFFER_OID, so that it is no signature over an artifact,
 *	by a certificate for code signing of the gateway's CA, the issuing certificate within: DER in base64, on
 *	one line. So the right artifact cannot be offered to the wrong model or device, and, as it expires and
 *	devices remember the last one's "issued", an old offer cannot be repeated. It covers the artifact by its
 *	SHA-256; a vendor's own signature over the artifact was checked when it was added to the gateway, and a
 *	device that knows the vendor's certificate checks it again.
 *
 * GET PATH
 *	The artifact, with Content-Length, Range and If-Range. ETag is the SHA-256 in hex, in quotes. No redirect.
 *
 * GET PATH.p7s
 *	The signature over the artifact that it was added to the gateway with: a detached CMS, DER. 404: there is none.
 *
 * POST /cordon/v1/firmware/N	N is "action"
 *	application/json: {"result": "running"|"success"|"failure", "version": V, "detail": TEXT}
 *	"running" comes before the first byte of the artifact is asked for, and more than once where a download
 *	goes on later; "detail" is at most 255 bytes of printable ASCII, or not there. What is sent again because
 *	the answer was lost is answered like the first time.
 *	204: noted. 404: no such action of this device. 409: the offer was taken back; to "running" and "failure"
 *	the device stops (and CANCELING is CANCELED), a success counts all the same.
 */
#ifndef CORDON_FIRMWARE_MANIFEST_H
#define CORDON_FIRMWARE_MANIFEST_H

#include "firmware/firmware.h"

#define MANIFEST_PATH		"/cordon/v1/firmware"
#define MANIFEST_FIELD		"Cordon-Signature"
#define MANIFEST_LIFE		3600	/* seconds that a server gives it */
#define MANIFEST_LIFE_MAX	86400	/* that a device takes */
#define MANIFEST_SKEW		300	/* that a device's clock may be behind */
#define MANIFEST_URL_LEN	512	/* terminated */
#define MANIFEST_MAX		16384	/* bytes */
#define MANIFEST_SIGNATURE_MAX	8192	/* bytes of DER */

/**
 * struct firmware_manifest - an offer
 * @device: to whom
 * @action: number of the offer
 * @model: of @device
 * @version: valid
 * @file: valid name, no path
 * @size: of the artifact, bytes
 * @sha256: of the artifact
 * @url: path on the same server
 * @notes: for people
 * @issued: seconds since 1970
 * @expires: likewise
 */
struct firmware_manifest {
	char device[PKI_NAME_LEN];
	int64_t action;
	char model[FIRMWARE_MODEL_LEN];
	char version[FIRMWARE_VERSION_LEN];
	char file[FIRMWARE_FILE_LEN];
	uint64_t size;
	uint8_t sha256[32];
	char url[MANIFEST_URL_LEN];
	char notes[FIRMWARE_NOTES_LEN];
	int64_t issued;
	int64_t expires;
};

/**
 * struct firmware_self - what a device knows of itself
 * @device: name, as its certificate has it
 * @model: which it is
 * @version: it runs; NULL, unknown
 * @issued: of the last manifest that it accepted; 0, none
 */
struct firmware_self {
	const char *device;
	const char *model;
	const char *version;
	int64_t issued;
};

/* The server's side: JSON, free(). NULL: no memory. What is in it must be valid. pki_cms_sign_buf() signs it. */
char *firmware_manifest_text(const struct firmware_manifest *m, size_t *len);
/* Whoever signs: is it the text of an offer of now, and of no use to a shell. 0, or -EINVAL with err. */
int firmware_manifest_judge(const char *json, size_t len, time_t now, struct pki_error *err);
/*
 * The device's side. Whether it is signed, then what it says. 0, or with err: as pki_cms_verify(); -EINVAL, it
 * is signed and no manifest.
 */
int firmware_manifest_open(const char *json, size_t len, const uint8_t *der, size_t der_len, STACK_OF(X509) *anchors,
			   time_t now, struct firmware_manifest *out, struct pki_error *err);
/*
 * Is it for this device, now. 0, or with err: -EALREADY, that version runs; -EPERM, for another device or model,
 * or an older version; -ESTALE, expired, of the future, or older than the last.
 */
int firmware_manifest_check(const struct firmware_manifest *m, const struct firmware_self *self, time_t now,
			    struct pki_error *err);

#endif
