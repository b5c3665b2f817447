// SPDX-License-Identifier: GPL-2.0
/* device retire: a device goes out of use. The registry first, as check-ins ask it; then the kernel, then the rest. */
#include <errno.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <unistd.h>

#include "ctl/cmd_ca.h"
#include "ctl/policy_cut.h"
#include "ctl/subject.h"

/**
 * struct retirement - what is asked for, and what was done
 * @ca: where the CA and the registry are; why the certificate is revoked
 * @policy: file to take the device out of, or NULL
 * @s: the device
 * @done: by the registry
 * @ended: its lease, if it had one
 * @held: the kernel holds it in quarantine
 * @cut: where the policy file has it
 * @found: it has it
 * @written: and was written without it
 */
struct retirement {
	struct ca_words ca;
	const char *policy;
	struct subject s;
	struct store_retired done;
	bool ended;
	bool held;
	struct policy_cut cut;
	bool found;
	bool written;
};

/* Before anything is done: a file that was named must be one that the device can be taken out of. */
static int find_lines(struct retirement *r)
{
	const char *path = r->policy ? r->policy : POLICY_PATH;
	int err = policy_cut_find(&r->cut, path, r->s.name, r->policy);

	r->found = !err;
	/* It may have been taken out before. */
	if (!err || !r->policy || (err == -ENOENT && !access(path, F_OK)))
		return EXIT_DONE;
	return complain(path, err == -EILSEQ ? "the device does not stand in it so that it can be taken out by itself" :
			err == -EINVAL ? "is no policy: nothing is done" : strerror(-err));
}

static int tell_registry(struct retirement *r)
{
	const u8 *mac = r->s.listed ? r->s.mac : NULL;

	if (!r->s.registry)
		return EXIT_DONE;
	if (store_device_retire(&r->s.store, r->s.name, mac, time(NULL), r->ca.reason, &r->done))
		return complain(r->ca.registry, r->s.store.error);
	return EXIT_DONE;
}

/*
 * A device that needs no certificate is not stopped by the end of its lease: as long as it is listed, it is held. One
 * that is listed by another name has a lease by its MAC all the same.
 */
static int tell_kernel(struct retirement *r)
{
	struct cnl_change change = CNL_CHANGE_NONE;
	struct cnl_device now;
	int err;

	if (!r->s.kernel)
		return EXIT_DONE;
	err = cnl_lease_end(&r->s.nl, r->s.mac, NULL, &now);
	r->ended = !err;
	change.mac = r->s.mac;
	change.state = CORDON_STATE_QUARANTINED;
	if (!err && r->s.listed)
		err = cnl_device_set(&r->s.nl, &change, &now);
	r->held = !err && r->s.listed;
	return err && err != -ENOENT ? complain_nl(&r->s.nl) : EXIT_DONE;
}

static int renew_list(struct retirement *r)
{
	if (!r->done.revoked || !ca_crl_renew(&r->ca, &r->s.store, NULL, NULL))
		return EXIT_DONE;
	fputs("cordonctl: note: its certificate is revoked; 'cordonctl ca crl' renews crl.pem\n", stderr);
	return EXIT_REFUSED;
}

static int write_policy(struct retirement *r)
{
	int err = r->policy && r->found ? policy_texts_write(&r->cut.texts, stderr) : 0;

	r->written = r->policy && r->found && !err;
	return err ? EXIT_REFUSED : EXIT_DONE;
}

/* Its lines, each with two blanks before it. */
static void print_lines(const struct retirement *r)
{
	const char *at = r->cut.texts.list[0].was + r->cut.from, *end = at + r->cut.len, *next;

	for (; at < end; at = next) {
		next = memchr(at, '\n', end - at);
		next = next ? next + 1 : end;
		printf("  %.*s%s", (int)(next - at), at, next[-1] == '\n' ? "" : "\n");
	}
}

static void print_policy(const struct retirement *r)
{
	const char *path = r->found ? r->cut.texts.list[0].path : NULL;

	if (r->written)
		printf("taken out of %s, from line %u on; 'cordonctl apply' puts that in force\n", path, r->cut.line);
	else if (r->found && !r->policy)
		printf("take it out of %s, line %u, and apply that:\n", path, r->cut.line);
	else if (r->found)
		return;
	else if (r->s.listed)
		printf("the policy in force lists it: take it out of its file, and apply that\n");
	if (r->found)
		print_lines(r);
}

static void print_text(const struct retirement *r)
{
	char mac[18];

	printf("%s (%s): retired%s: %u certificate%s revoked", r->s.name, policy_mac_text(r->s.mac, mac),
	       r->done.again ? " before" : "", r->done.revoked, r->done.revoked == 1 ? "" : "s");
	if (r->done.token)
		fputs(", its token is withdrawn", stdout);
	if (r->ended)
		fputs(", its lease has ended", stdout);
	puts(r->held ? ", it is held in quarantine" : "");
	print_policy(r);
}

static json_t *json_retirement(const struct retirement *r)
{
	char mac[18];
	json_t *out = json_pack("{s:s,s:s,s:b,s:I,s:b,s:b}", "device", r->s.name, "mac", policy_mac_text(r->s.mac, mac),
				"again", r->done.again, "revoked", (json_int_t)r->done.revoked,
				"token_withdrawn", r->done.token, "quarantined", r->held);

	if (r->found)
		json_object_set_new(out, "policy", json_pack("{s:o,s:I,s:b}", "file", json_text(r->cut.texts.list[0].path), "line",
							     (json_int_t)r->cut.line, "written", r->written));
	return out;
}

/* All of it, however much of it fails: what is done is done, and what is not is said. Again does the rest. */
static int retire(struct retirement *r)
{
	int ret = find_lines(r), more;

	if (!ret)
		ret = tell_registry(r);
	if (ret)
		return ret;
	ret = tell_kernel(r);
	more = renew_list(r);
	ret = ret ? ret : more;
	more = write_policy(r);
	ret = ret ? ret : more;
	if (r->ca.json)
		json_print(json_retirement(r));
	else
		print_text(r);
	return ret;
}

/* One option; a sentence about what is wrong with it, or NULL. */
static const char *take(struct retirement *r, int option, const char *value)
{
	switch (option) {
	case 'c':
		r->ca.dir = value;
		return NULL;
	case 'r':
		r->ca.registry = value;
		return NULL;
	case 'f':
		r->ca.passphrase_file = value;
		return NULL;
	case 'w':
		r->ca.reason = ca_reason_find(value);
		return r->ca.reason < 0 ? "not a reason of RFC 5280, 5.3.1" : NULL;
	case 'p':
		r->policy = value;
		return strcmp(value, "-") ? NULL : "a file is needed, which is written";
	}
	r->ca.json = true;
	return NULL;
}

/** device_retire - take a device out of use; as struct command's run */
int device_retire(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "policy", required_argument, NULL, 'p' }, { "reason", required_argument, NULL, 'w' },
		{ "ca", required_argument, NULL, 'c' }, { "registry", required_argument, NULL, 'r' },
		{ "passphrase-file", required_argument, NULL, 'f' }, { "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, OPTION_HELP }, { }
	};
	struct retirement r = {
		.ca = { .dir = PKI_CA_DIR, .registry = STORE_PATH, .reason = CRL_REASON_CESSATION_OF_OPERATION },
	};
	const char *problem;
	int o, ret;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP)
			return EXIT_DONE;
		if (o == OPTION_ERROR)
			return EXIT_USAGE;
		problem = take(&r, o, optarg);
		if (problem)
			return usage_error(self, problem, optarg);
	}
	if (argc - optind < 2)
		return usage_error(self, "which device?", NULL);
	if (argc - optind > 2)
		return usage_error(self, "too many words", argv[optind + 2]);
	ret = subject_open(self, &r.s, argv[optind + 1], r.ca.registry, true);
	if (!ret)
		ret = retire(&r);
	policy_texts_free(&r.cut.texts);
	subject_close(&r.s);
	return ret;
}
