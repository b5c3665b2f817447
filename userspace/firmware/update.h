/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device's side of an update: what it remembers, what it fetches, what it runs.
 *
 * DOC: what lies in the directory
 *
 * state.json		which offer was accepted last, and how far it has come; replaced at one stroke
 * part-SHA256		what has come of the artifact; kept over whatever breaks off, and continued
 * artifact/FILE	the artifact, whole and verified: nothing else is ever put there
 *
 * The directory and all in it are their owner's alone; whoever updates holds a lock on the directory.
 */
#ifndef CORDON_FIRMWARE_UPDATE_H
#define CORDON_FIRMWARE_UPDATE_H

#include "device/client.h"
#include "firmware/manifest.h"

#define UPDATE_DETAIL_LEN	256	/* terminated */

/** enum update_phase - how far the last offer has come; words in state.c */
enum update_phase {
	UPDATE_IDLE,
	UPDATE_ACCEPTED,	/* its artifact is on its way */
	UPDATE_INSTALLING,	/* the installer was started, and how it ended is not known */
	UPDATE_SUCCEEDED,
	UPDATE_FAILED,
};

/**
 * struct update_state - what a device remembers
 * @issued: of the last manifest that was accepted
 * @action: number of the last offer; 0, none
 * @version: of it
 * @phase: of it
 * @detail: why it failed
 * @reported: the server knows that it is UPDATE_SUCCEEDED or UPDATE_FAILED
 * @installed: version that was installed last, or empty
 */
struct update_state {
	int64_t issued;
	int64_t action;
	char version[FIRMWARE_VERSION_LEN];
	enum update_phase phase;
	char detail[UPDATE_DETAIL_LEN];
	bool reported;
	char installed[FIRMWARE_VERSION_LEN];
};

/* state.c: 0, or -errno with err. */
int update_dir_open(const char *dir, struct pki_error *err);	/* locked; close() */
int update_state_load(const char *dir, struct update_state *out, struct pki_error *err);
int update_state_save(const char *dir, const struct update_state *state, struct pki_error *err);

/** enum update_result - what came of asking the server */
enum update_result {
	UPDATE_DONE,
	UPDATE_NOTHING,		/* to do */
	UPDATE_LATER,		/* try again some other time: est.error says why */
	UPDATE_BAD,		/* trying again would not help: est.error says why */
	UPDATE_WITHDRAWN,	/* the server took the offer back */
};

/**
 * struct update_offer - an offer as it came
 * @json: the manifest; free()
 * @len: of @json
 * @der: its signature; free()
 * @der_len: of @der
 */
struct update_offer {
	char *json;
	size_t len;
	uint8_t *der;
	size_t der_len;
};

/* ask.c */
enum update_result update_ask_signature(struct est *e, const char *url, uint8_t **der, size_t *len);	/* free() */
enum update_result update_ask(struct est *e, struct update_offer *out);
enum update_result update_tell(struct est *e, int64_t action, const char *result, const char *version,
			       const char *detail);

/**
 * struct update_download - an artifact on its way
 * @est: the server
 * @dir: of the state
 * @m: the offer
 * @vendor: certificates of which one must have signed the artifact as well; NULL, the offer suffices
 * @progress: told how many bytes there are, now and then; or NULL
 * @retry: told why it did not go on, and when it will; or NULL
 * @arg: for both
 */
struct update_download {
	struct est *est;
	const char *dir;
	const struct firmware_manifest *m;
	STACK_OF(X509) *vendor;
	void (*progress)(void *arg, uint64_t have, uint64_t all);
	void (*retry)(void *arg, const char *why, long seconds);
	void *arg;
};

/* download.c: DIR/artifact/FILE is there and verified; path: free(). Else est.error. */
enum update_result update_download(const struct update_download *d, char **path);
int update_artifact_remove(const char *dir);

/*
 * install.c: run words with the artifact's path behind them, without a shell; state becomes UPDATE_SUCCEEDED or
 * UPDATE_FAILED on the disk, even if the caller is killed meanwhile. quiet: its output goes to standard error.
 */
int update_install(const char *dir, char *const words[], const char *path, struct update_state *state, bool quiet,
		   struct pki_error *err);

#endif
