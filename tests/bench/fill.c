// SPDX-License-Identifier: GPL-2.0
/*
 * fill DIR DEVICES: a CA, a server's certificate, devices with theirs, a release, and two registries that know
 * all that.
 */
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "identities.h"
#include "lib/file.h"
#include "pki/pki.h"
#include "store/firmware.h"
#include "store/store.h"

#define VALID	(90 * 86400)

static void die(const char *what, const char *why)
{
	fprintf(stderr, "fill: %s: %s\n", what, why);
	exit(1);
}

static X509 *issue(const struct pki_ca *ca, EVP_PKEY *key, struct pki_profile *p, uint8_t *serial)
{
	X509_PUBKEY *pub = pki_key_public(key);
	struct pki_error err = { "no key" };
	X509 *cert = NULL;

	pki_serial_new(serial);
	p->serial = serial;
	p->not_before = time(NULL) - 300;
	p->not_after = time(NULL) + VALID;
	if (pub)
		cert = pki_issue(ca, pub, p, &err);
	if (!cert)
		die(p->name, err.text);
	X509_PUBKEY_free(pub);
	return cert;
}

static void put_file(const char *dir, const char *name, const char *text, size_t len)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (file_write(path, text, len, 0600))
		die(path, "cannot be written");
}

static void make_server(const char *dir, const struct pki_ca *ca)
{
	static const char * const names[] = { "127.0.0.1" };
	struct pki_profile p = { .kind = PKI_SERVER, .name = "bench", .names = names, .n_names = 1 };
	EVP_PKEY *key = pki_key_new(PKI_P256);
	uint8_t serial[PKI_SERIAL_LEN];
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem = NULL, *chain;
	size_t len;
	X509 *cert;

	cert = issue(ca, key, &p, serial);
	if (!PEM_write_bio_X509(bio, cert) || !PEM_write_bio_X509(bio, ca->issuing) ||
	    pki_key_pem(key, NULL, &pem, &len))
		die("server", "no certificate");
	put_file(dir, "server.key", pem, len);
	len = BIO_get_mem_data(bio, &chain);
	put_file(dir, "server.pem", chain, len);
	OPENSSL_free(pem);
	BIO_free(bio);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void register_device(struct store *s, const struct pki_profile *p, const struct identity *id,
			    EVP_PKEY *key, const char *version)
{
	struct store_certificate cert = {
		.kind = p->kind, .not_before = p->not_before, .not_after = p->not_after,
	};

	strcpy(cert.name, p->name);
	memcpy(cert.mac, p->mac, 6);
	memcpy(cert.serial, p->serial, sizeof(cert.serial));
	if (pki_key_id(key, cert.key_id) ||
	    !EVP_Digest(id->cert, id->cert_len, cert.fingerprint, NULL, EVP_sha256(), NULL) ||
	    store_cert_reserve(s, &cert) ||
	    store_cert_issued(s, cert.serial, id->cert, id->cert_len, cert.fingerprint, cert.not_after) ||
	    store_cert_delivered(s, cert.serial) ||
	    store_firmware_report(s, p->name, version, "ddi", time(NULL)))
		die(p->name, s->error);
}

static void make_device(uint32_t i, const struct pki_ca *ca, struct store *few, struct store *many, FILE *out)
{
	const char *version = i ? "1.1" : "1.0";
	struct pki_profile p = { .kind = PKI_DEVICE };
	EVP_PKEY *key = pki_key_new(PKI_P256);
	uint8_t serial[PKI_SERIAL_LEN], mac[6];
	struct identity id = { 0 };
	unsigned char *at;
	char name[64];
	X509 *cert;

	bench_name(i, name);
	bench_mac(i, mac);
	p.name = name;
	p.mac = mac;
	cert = issue(ca, key, &p, serial);
	if (i2d_X509(cert, NULL) > BENCH_DER_MAX || i2d_PrivateKey(key, NULL) > BENCH_DER_MAX)
		die(name, "too long");
	at = id.cert;
	id.cert_len = i2d_X509(cert, &at);
	at = id.key;
	id.key_len = i2d_PrivateKey(key, &at);
	register_device(many, &p, &id, key, version);
	if (i < BENCH_FEW)
		register_device(few, &p, &id, key, version);
	if (fwrite(&id, sizeof(id), 1, out) != 1)
		die("identities", "cannot be written");
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void make_image(const char *dir)
{
	uint8_t *image = malloc(BENCH_IMAGE);

	if (!image || RAND_bytes(image, BENCH_IMAGE) != 1)
		die("image", "no memory");
	put_file(dir, "image", (char *)image, BENCH_IMAGE);
	free(image);
}

static void make_release(struct store *s, const char *dir, const char *name)
{
	struct firmware_release r = {
		.model = BENCH_MODEL, .version = "1.1", .file = "image", .signer = "Bench",
		.added = time(NULL), .percent = 100,
	};
	struct pki_error err = { "cannot be read" };
	char path[512], image[512];
	int fd, locked;

	snprintf(image, sizeof(image), "%s/image", dir);
	snprintf(path, sizeof(path), "%s/%s/firmware", dir, name);
	fd = open(image, O_RDONLY | O_CLOEXEC);
	locked = firmware_dir_lock(path, -1, &err);
	if (fd < 0 || locked < 0 || firmware_file_add(path, fd, &r.size, &r.hashes, &err))
		die(path, err.text);
	close(locked);
	close(fd);
	if (store_release_add(s, &r))
		die(name, s->error);
}

static void open_registry(struct store *s, const char *dir, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s/registry.db", dir, name);
	if (store_open(s, path, true) || store_begin(s, false))
		die(path, s->error);
}

static void close_registry(struct store *s)
{
	if (store_commit(s))
		die("registry", s->error);
	store_close(s);
}

int main(int argc, char **argv)
{
	struct pki_ca_plan plan = { .name = "Bench", .key = PKI_P256, .now = time(NULL) - 3600 };
	uint32_t i, n = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	struct store few, many;
	struct pki_error err;
	struct pki_ca ca;
	char path[512];
	FILE *out;

	if (n < BENCH_FEW)
		die("usage", "fill DIR DEVICES");
	snprintf(path, sizeof(path), "%s/ca", argv[1]);
	if (pki_ca_make(path, &plan, &err) || pki_ca_load(path, true, NULL, &ca, &err))
		die(path, err.text);
	make_server(argv[1], &ca);
	make_image(argv[1]);
	open_registry(&few, argv[1], "few");
	open_registry(&many, argv[1], "many");
	make_release(&few, argv[1], "few");
	make_release(&many, argv[1], "many");
	snprintf(path, sizeof(path), "%s/identities", argv[1]);
	out = fopen(path, "we");
	if (!out)
		die(path, "cannot be written");
	for (i = 0; i < n; i++)
		make_device(i, &ca, &few, &many, out);
	if (fclose(out))
		die(path, "cannot be written");
	close_registry(&few);
	close_registry(&many);
	pki_ca_free(&ca);
	return 0;
}
