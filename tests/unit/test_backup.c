// SPDX-License-Identifier: GPL-2.0
/* A backup whose every bit matters, keys that are encrypted for it, and files that replace others or do not. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/backup.h"
#include "lib/file.h"

#include "tap.h"
#include "tree.h"

static char dir[] = "/tmp/cordon-backup.XXXXXX";

static const char *path(const char *name)
{
	static char buf[4][128];
	static unsigned int n;
	char *out = buf[n++ % 4];

	snprintf(out, sizeof(buf[0]), "%s/%s", dir, name);
	return out;
}

static void put(const char *name, const char *text)
{
	if (file_write(path(name), text, strlen(text), 0640))
		abort();
}

static bool holds(const char *name, const char *want)
{
	char *text;
	size_t len;
	bool same;

	if (file_read(path(name), 65536, &text, &len))
		return false;
	same = !strcmp(text, want);
	free(text);
	return same;
}

static void make(void)
{
	struct backup b;

	put("a", "policy");
	put("b", "");
	put("c", "a root");
	backup_init(&b, 1700000000);
	ok(!backup_add(&b, "policy.yaml", path("a"), false) && !backup_add(&b, "state/state", path("b"), false) &&
	   !backup_add(&b, "ca/root.crt", path("c"), false), "add: in any order: %s", b.error);
	ok(backup_add(&b, "policy.yaml", path("a"), false) == -EINVAL, "add: not twice");
	ok(backup_add(&b, "../x", path("a"), false) == -EINVAL, "add: no other name");
	ok(backup_add(&b, "serve.yaml", path("nowhere"), false) == -ENOENT, "add: no file: %s", b.error);
	ok(backup_add(&b, "serve.yaml", dir, false) == -EINVAL, "add: no directory");
	ok(!backup_write(&b, path("tar")), "write: %s", b.error);
	ok(backup_write(&b, path("tar")) == -EEXIST, "write: over nothing");
	put("a", "POLICY");
	ok(backup_write(&b, path("other")) == -EAGAIN && access(path("other"), F_OK), "write: what changed meanwhile: %s",
	   b.error);
	backup_free(&b);
}

static int check(const char *name)
{
	struct backup b;
	int err = backup_open(&b, path(name));

	if (!err)
		err = backup_check(&b);
	backup_free(&b);
	return err;
}

static void take(void)
{
	struct backup b;
	struct stat st;

	ok(!backup_open(&b, path("tar")) && !backup_check(&b) && b.n == 3 && b.made == 1700000000, "open: %s", b.error);
	ok(!strcmp(b.parts[0].name, "ca/root.crt") && b.version[0], "open: by their names");
	ok(!backup_extract(&b, backup_find(&b, "policy.yaml"), path("out"), true) && holds("out", "policy") &&
	   !stat(path("out"), &st) && (st.st_mode & 07777) == 0640, "extract: contents and mode");
	ok(backup_extract(&b, &b.parts[0], path("out"), true) == -EEXIST && holds("out", "policy"), "extract: over nothing");
	ok(backup_is_same(backup_find(&b, "ca/root.crt"), path("c")), "same: it is");
	ok(!backup_is_same(backup_find(&b, "ca/root.crt"), path("out")), "same: it is not");
	backup_free(&b);
}

/* Nothing waits for the disk. */
static void put_bytes(const char *name, const char *data, size_t len)
{
	FILE *f = fopen(path(name), "w");

	if (!f || fwrite(data, 1, len, f) != len || fclose(f))
		abort();
}

/* Of the whole file. */
static void flip(void)
{
	unsigned int missed = 0, cut = 0;
	char *text;
	size_t len, i;

	if (file_read(path("tar"), 1 << 20, &text, &len))
		abort();
	for (i = 0; i < len; i++) {
		text[i] ^= 1 << (i % 8);
		put_bytes("bad", text, len);
		missed += !check("bad");
		text[i] ^= 1 << (i % 8);
	}
	ok(!missed, "a bit of any of %zu bytes: %u are not seen", len, missed);
	for (i = 0; i < len; i += 7) {
		put_bytes("bad", text, i);
		cut += !check("bad");
	}
	ok(!cut, "cut off anywhere: %u are not seen", cut);
	put_bytes("bad", text, len);
	ok(!check("bad"), "and as it was, it is sound");
	free(text);
}

static void names(void)
{
	static const char * const good[] = { "policy.yaml", "serve.yaml", "state/state", "registry.db", "ca/root.crt",
					     "ca/next/issuing.key", "ca/previous/01-root.crt", "ca.crl~", "firmware/0a.p7s" };
	static const char * const bad[] = { "", "x", "/policy.yaml", "../policy.yaml", "ca", "ca/", "ca/.", "ca/..", "ca/.x",
					    "ca/next", "ca/previous", "ca/next/", "ca/next/../x", "ca/other/x", "firmware/",
					    "firmware/a/b", "firmware/a b", "ca/\xc3\xa4", "state/other", "policy.yaml/" };
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(*good); i++)
		ok(backup_name_is_known(good[i]), "name: %s", good[i]);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ok(!backup_name_is_known(bad[i]), "no name: '%s'", bad[i]);
}

static void keys(void)
{
	char *pem, *both, *sealed, *again, *unused;
	size_t len, n;
	struct pki_error why;
	EVP_PKEY *key = pki_key_new(PKI_P256);

	if (!key || pki_key_pem(key, NULL, &pem, &len))
		abort();
	EVP_PKEY_free(key);
	if (asprintf(&both, "before\n%s-----BEGIN CERTIFICATE-----\nMAo=\n-----END CERTIFICATE-----\n", pem) < 0)
		abort();
	ok(backup_has_key(both) && !backup_has_key("-----BEGIN CERTIFICATE-----\n"), "key: is there one");
	ok(!backup_has_key("-----BEGIN TSS2 PRIVATE KEY-----\nMAA=\n-----END TSS2 PRIVATE KEY-----\n"),
	   "key: what a TPM has wrapped is none");
	ok(!backup_recode_key(both, NULL, "a passphrase", &sealed, &n, &why) && !strstr(sealed, "BEGIN PRIVATE") &&
	   strstr(sealed, "BEGIN ENCRYPTED PRIVATE") && !strncmp(sealed, "before\n", 7), "key: is encrypted");
	ok(!backup_recode_key(sealed, "a passphrase", NULL, &again, &n, &why) && !strcmp(again, both),
	   "key: and back, the rest too");
	OPENSSL_clear_free(again, n);
	ok(backup_recode_key(sealed, "another", NULL, &unused, &n, &why) == -EKEYREJECTED,
	   "key: another passphrase: %s", why.text);
	ok(backup_recode_key(sealed, NULL, NULL, &unused, &n, &why) == -ENOKEY, "key: none: %s", why.text);
	free(both);
	if (asprintf(&both, "%s%s", pem, pem) < 0)
		abort();
	ok(backup_recode_key(both, NULL, "a", &unused, &n, &why) == -EINVAL, "key: two in a file: %s", why.text);
	ok(backup_recode_key("-----BEGIN PRIVATE KEY-----\n", NULL, "a", &unused, &n, &why) == -EINVAL, "key: half of one");
	free(both);
	free(sealed);
	OPENSSL_clear_free(pem, len);
}

static void stage_all(struct places *all)
{
	put("one", "old one");
	put("one.new", "new one");
	put("two.new", "new two");
	mkdir(path("dir"), 0700);
	mkdir(path("dir.new"), 0700);
	put("dir/f", "old f");
	put("dir.new/f", "new f");
	*all = (struct places){ .stamp = "T" };
	ok(!places_add(all, path("one.new"), path("one"), false) && !places_add(all, path("dir.new"), path("dir"), true) &&
	   !places_add(all, path("two.new"), path("two"), false), "places: three");
}

static void places(void)
{
	struct places all;
	char why[256];

	stage_all(&all);
	ok(!places_put(&all, why, sizeof(why)) && holds("one", "new one") && holds("dir/f", "new f") &&
	   holds("two", "new two"), "places: all are put");
	ok(holds("one.before-T", "old one") && holds("dir.before-T/f", "old f"), "places: what was there is kept");
	places_undo(&all);
	ok(holds("one", "old one") && holds("dir/f", "old f") && access(path("two"), F_OK) &&
	   access(path("one.before-T"), F_OK) && access(path("dir.before-T"), F_OK), "places: taken back");
	places_free(&all);
	/* The last of them cannot be put. */
	stage_all(&all);
	unlink(path("two.new"));
	ok(places_put(&all, why, sizeof(why)) == -ENOENT && strstr(why, "/two: "), "places: one fails: %s", why);
	ok(holds("one", "old one") && holds("dir/f", "old f") && access(path("two"), F_OK), "places: all are as they were");
	places_free(&all);
	put("one.before-T", "older one");
	stage_all(&all);
	ok(!places_put(&all, why, sizeof(why)) && holds("one.before-T", "older one") && holds("one.before-T.1", "old one"),
	   "places: what was kept before stays");
	places_free(&all);
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	make();
	take();
	flip();
	names();
	keys();
	places();
	tree_remove(dir);
	return tap_done();
}
