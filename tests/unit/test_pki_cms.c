// SPDX-License-Identifier: GPL-2.0
/* Signatures over firmware: ours, those of openssl(1), and what is refused, with which words. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../userspace/lib/file.h"
#include "../../userspace/pki/pki.h"
#include "tap.h"
#include "tree.h"

#define DAY	86400
#define CONTENT	"firmware \r\n\n1.1\0 with a NUL, and both ends of line\n"
#define SIZE	(sizeof(CONTENT) - 1)

static const uint8_t mac[6] = { 2, 0, 0, 0, 1, 1 };
static char base[128];
static time_t now;

static char *path(const char *name)
{
	static char out[16][256];
	static int n;

	n = (n + 1) % 16;
	snprintf(out[n], sizeof(out[n]), "%s/%s", base, name);
	return out[n];
}

/* Somebody who signs: certificate and key. */
struct signer {
	X509 *cert;
	EVP_PKEY *key;
};

static struct signer certified(const struct pki_ca *ca, enum pki_kind kind, enum pki_key type, time_t from, time_t to)
{
	static const char *const names[] = { "gw.example" };
	struct signer s = { .key = pki_key_new(type) };
	X509_PUBKEY *pub = pki_key_public(s.key);
	struct pki_error err = { "" };
	uint8_t serial[PKI_SERIAL_LEN];
	struct pki_profile p = { .kind = kind, .name = "signer-1", .mac = mac, .names = names, .n_names = 1,
				 .serial = serial, .not_before = from, .not_after = to };
	unsigned char *der = NULL;
	X509 *cert;
	int len;

	pki_serial_new(serial);
	cert = pki_issue(ca, pub, &p, &err);
	len = i2d_X509(cert, &der);
	s.cert = pki_cert_parse(der, len, &err);
	OPENSSL_free(der);
	X509_free(cert);
	X509_PUBKEY_free(pub);
	return s;
}

static void add(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	X509_add_ext(cert, ext, -1);
	X509_EXTENSION_free(ext);
}

/* As vendors have them: by OpenSSL alone. issuer NULL: by itself. */
static struct signer vendor(EVP_PKEY *key, const struct signer *issuer, const char *cn, const char *constraints,
			    const char *usage, const char *purpose, const EVP_MD *md)
{
	struct signer s = { .cert = X509_new(), .key = key };

	X509_set_version(s.cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(s.cert), 7);
	X509_time_adj(X509_getm_notBefore(s.cert), -60, &now);
	X509_time_adj_ex(X509_getm_notAfter(s.cert), 30, 0, &now);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(s.cert), "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1,
				   -1, 0);
	X509_set_issuer_name(s.cert, X509_get_subject_name(issuer ? issuer->cert : s.cert));
	X509_set_pubkey(s.cert, key);
	if (constraints)
		add(s.cert, NID_basic_constraints, constraints);
	if (usage)
		add(s.cert, NID_key_usage, usage);
	if (purpose)
		add(s.cert, NID_ext_key_usage, purpose);
	X509_sign(s.cert, issuer ? issuer->key : key, md);
	return s;
}

static void drop(struct signer *s)
{
	X509_free(s->cert);
	EVP_PKEY_free(s->key);
}

static STACK_OF(X509) *list(X509 *a, X509 *b)
{
	STACK_OF(X509) *out = sk_X509_new_null();

	if (a)
		sk_X509_push(out, a);
	if (b)
		sk_X509_push(out, b);
	return out;
}

static int with_content(const void *data, size_t len)
{
	int fd = open(path("content"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (write(fd, data, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET))
		abort();
	return fd;
}

/* By OpenSSL, with whatever a signature may be made of. */
static size_t foreign(const struct signer *a, const struct signer *b, const EVP_MD *md, unsigned int flags,
		      uint8_t **der)
{
	BIO *content = BIO_new_mem_buf(CONTENT, SIZE);
	CMS_ContentInfo *cms;
	int len;

	flags |= CMS_BINARY;
	cms = CMS_sign(NULL, NULL, NULL, NULL, flags | CMS_PARTIAL);
	CMS_add1_signer(cms, a->cert, a->key, md, flags);
	if (b)
		CMS_add1_signer(cms, b->cert, b->key, md, flags);
	CMS_final(cms, content, NULL, flags);
	*der = NULL;
	len = i2d_CMS_ContentInfo(cms, der);
	CMS_ContentInfo_free(cms);
	BIO_free(content);
	ERR_clear_error();
	return len;
}

static void expect(const char *what, const uint8_t *der, size_t len, const void *content, size_t size,
		   STACK_OF(X509) *anchors, time_t when, int wanted, const char *words)
{
	char signer[128] = "untouched";
	struct pki_error err = { "" };
	int fd = with_content(content, size), got, buf;

	got = pki_cms_verify(der, len, fd, anchors, when, signer, sizeof(signer), &err);
	ok(got == wanted && !strcmp(err.text, words) && !ERR_peek_error() &&
	   (!got || !strcmp(signer, "untouched")), "verify: %s%s%s", what, words[0] ? ": " : "", words);
	if (got != wanted || strcmp(err.text, words))
		printf("# %d, '%s', '%s'\n", got, err.text, signer);
	buf = pki_cms_verify_buf(PKI_CONTENT_FILE, der, len, content, size, anchors, when, NULL, 0, &err);
	if (buf != got)
		ok(false, "verify: in memory the verdict is %d", buf);
	close(fd);
}

static void test_ours(const struct pki_ca *ca, enum pki_key type)
{
	struct signer s = certified(ca, PKI_CODE, type, now, now + DAY);
	STACK_OF(X509) *chain = list(ca->issuing, NULL), *anchors = list(ca->root, NULL);
	struct pki_error err = { "" };
	uint8_t *der = NULL, *again = NULL;
	char name[64], longer[SIZE + 1];
	size_t len = 0, n = 0;
	int fd = with_content(CONTENT, SIZE);

	ok(!pki_cms_sign(s.cert, s.key, chain, fd, &der, &len, &err), "sign: key of kind %d: %s", type, err.text);
	ok(!pki_cms_sign_buf(PKI_CONTENT_FILE, s.cert, s.key, chain, CONTENT, SIZE, &again, &n, &err), "sign_buf: %s", err.text);
	lseek(fd, 0, SEEK_SET);
	ok(!pki_cms_verify(again, n, fd, anchors, now, name, sizeof(name), &err) && !strcmp(name, "CN=signer-1"),
	   "verify: the signer is told: %s", name);
	lseek(fd, 0, SEEK_SET);
	ok(!pki_cms_verify(der, len, fd, anchors, now, name, 5, &err) && !strcmp(name, "CN=s"),
	   "verify: the signer is cut to fit");
	close(fd);
	expect("ours", der, len, CONTENT, SIZE, anchors, now, 0, "");
	memcpy(longer, CONTENT, SIZE);
	longer[SIZE] = '\n';
	expect("a byte more", der, len, longer, SIZE + 1, anchors, now, -EBADMSG,
	       "the signature is not over this content");
	expect("a byte less", der, len, CONTENT, SIZE - 1, anchors, now, -EBADMSG,
	       "the signature is not over this content");
	longer[9] ^= 1;
	expect("a bit turned", der, len, longer, SIZE, anchors, now, -EBADMSG, "the signature is not over this content");
	expect("nothing", der, len, "", 0, anchors, now, -EBADMSG, "the signature is not over this content");
	OPENSSL_free(der);
	OPENSSL_free(again);
	sk_X509_free(chain);
	sk_X509_free(anchors);
	drop(&s);
}

static void test_sign_refused(const struct pki_ca *ca)
{
	struct signer code = certified(ca, PKI_CODE, PKI_P256, now, now + DAY);
	struct signer device = certified(ca, PKI_DEVICE, PKI_P256, now, now + DAY);
	struct signer ed = certified(ca, PKI_CODE, PKI_ED25519, now, now + DAY);
	int dir = open(base, O_RDONLY | O_CLOEXEC);
	struct pki_error err = { "" };
	uint8_t *der = NULL;
	size_t len = 7;

	ok(pki_cms_sign_buf(PKI_CONTENT_FILE, device.cert, device.key, NULL, "x", 1, &der, &len, &err) == -EPERM &&
	   !strcmp(err.text, "the certificate is not for code signing (RFC 5280, 4.2.1.12)"), "sign: %s", err.text);
	ok(pki_cms_sign_buf(PKI_CONTENT_FILE, code.cert, device.key, NULL, "x", 1, &der, &len, &err) == -EPERM &&
	   !strcmp(err.text, "the key is not that of the certificate"), "sign: %s", err.text);
	ok(pki_cms_sign_buf(PKI_CONTENT_FILE, ed.cert, ed.key, NULL, "x", 1, &der, &len, &err) == -EPERM &&
	   !strcmp(err.text, "key of kind ED25519: sign with P-256, P-384 or RSA"), "sign: %s", err.text);
	ok(pki_cms_sign(code.cert, code.key, NULL, dir, &der, &len, &err) == -EISDIR &&
	   !strcmp(err.text, "cannot be read: Is a directory"), "sign: what %s", err.text);
	ok(!der && len == 7 && !ERR_peek_error(), "sign: nothing moved");
	ok(!pki_cms_sign_buf(PKI_CONTENT_FILE, code.cert, code.key, NULL, "x", 1, &der, &len, &err), "sign: control");
	ok(pki_cms_verify(der, len, dir, ca->others, now, NULL, 0, &err) == -EPERM, "verify: foreign before it is read");
	sk_X509_push(ca->others, code.cert);
	ok(pki_cms_verify(der, len, dir, ca->others, now, NULL, 0, &err) == -EISDIR &&
	   !strcmp(err.text, "cannot be read: Is a directory"), "verify: what %s", err.text);
	sk_X509_pop(ca->others);
	OPENSSL_free(der);
	close(dir);
	drop(&code);
	drop(&device);
	drop(&ed);
}

static void test_trust(const struct pki_ca *ca, const struct pki_ca *stranger)
{
	struct signer code = certified(ca, PKI_CODE, PKI_P256, now, now + DAY);
	struct signer device = certified(ca, PKI_DEVICE, PKI_P256, now, now + DAY);
	struct signer server = certified(ca, PKI_SERVER, PKI_P256, now, now + DAY);
	STACK_OF(X509) *root = list(ca->root, ca->issuing), *self = list(code.cert, NULL), *none = list(NULL, NULL);
	STACK_OF(X509) *other = list(stranger->root, stranger->issuing), *issuing = list(ca->issuing, NULL);
	char words[256], day[16];
	struct tm tm;
	uint8_t *der;
	size_t len;

	len = foreign(&code, NULL, EVP_sha256(), CMS_DETACHED, &der);
	expect("root and issuing trusted", der, len, CONTENT, SIZE, root, now, 0, "");
	expect("issuing trusted alone", der, len, CONTENT, SIZE, issuing, now, 0, "");
	expect("the signer itself trusted", der, len, CONTENT, SIZE, self, now, 0, "");
	expect("another CA trusted", der, len, CONTENT, SIZE, other, now, -EPERM,
	       "foreign: no trusted certificate leads to the signer's (unable to get local issuer certificate)");
	expect("nobody trusted", der, len, CONTENT, SIZE, none, now, -EPERM,
	       "foreign: no trusted certificate leads to the signer's (unable to get local issuer certificate)");
	gmtime_r(&(time_t){ now + DAY }, &tm);
	strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	snprintf(words, sizeof(words), "the signer's certificate expired %s", day);
	expect("a day late", der, len, CONTENT, SIZE, root, now + DAY + 1, -EKEYEXPIRED, words);
	expect("a day late, and itself trusted", der, len, CONTENT, SIZE, self, now + DAY + 1, -EKEYEXPIRED, words);
	gmtime_r(&now, &tm);
	strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	snprintf(words, sizeof(words), "the signer's certificate is not yet valid: from %s", day);
	expect("a minute early", der, len, CONTENT, SIZE, root, now - 60, -EKEYEXPIRED, words);
	OPENSSL_free(der);
	len = foreign(&code, NULL, EVP_sha256(), CMS_DETACHED | CMS_NOCERTS, &der);
	expect("without the certificate, itself trusted", der, len, CONTENT, SIZE, self, now, 0, "");
	expect("without the certificate", der, len, CONTENT, SIZE, root, now, -EPERM,
	       "foreign: the signer's certificate is not there");
	OPENSSL_free(der);
	len = foreign(&device, NULL, EVP_sha256(), CMS_DETACHED, &der);
	expect("by a device", der, len, CONTENT, SIZE, root, now, -EPERM,
	       "the signer's certificate is not for code signing (RFC 5280, 4.2.1.12)");
	OPENSSL_free(der);
	len = foreign(&server, NULL, EVP_sha256(), CMS_DETACHED, &der);
	expect("by the server", der, len, CONTENT, SIZE, root, now, -EPERM,
	       "the signer's certificate is not for code signing (RFC 5280, 4.2.1.12)");
	OPENSSL_free(der);
	sk_X509_free(root);
	sk_X509_free(self);
	sk_X509_free(none);
	sk_X509_free(other);
	sk_X509_free(issuing);
	drop(&code);
	drop(&device);
	drop(&server);
}

static void test_form(const struct pki_ca *ca)
{
	struct signer code = certified(ca, PKI_CODE, PKI_P256, now, now + DAY);
	struct signer second = certified(ca, PKI_CODE, PKI_P384, now, now + DAY);
	struct signer rsa = vendor(EVP_RSA_gen(2048), NULL, "rsa", NULL, NULL, "codeSigning", EVP_sha256());
	STACK_OF(X509) *root = list(ca->root, rsa.cert);
	X509 *certs[] = { ca->root };
	uint8_t *der, *big;
	size_t len, i, refused = 0;

	sk_X509_push(root, ca->issuing);
	len = foreign(&code, NULL, EVP_sha512(), CMS_DETACHED, &der);
	expect("SHA-512", der, len, CONTENT, SIZE, root, now, 0, "");
	big = calloc(1, PKI_CMS_MAX + 1);
	memcpy(big, der, len);
	expect("a byte behind", big, len + 1, CONTENT, SIZE, root, now, -EBADMSG, "1 bytes behind the signature");
	expect("too much", big, PKI_CMS_MAX + 1, CONTENT, SIZE, root, now, -EBADMSG,
	       "signature of 65537 bytes: at most 65536");
	for (i = 0; i < len; i++) {
		struct pki_error err;

		refused += !!pki_cms_verify_buf(PKI_CONTENT_FILE, der, i, CONTENT, SIZE, root, now, NULL, 0, &err);
	}
	ok(refused == len, "verify: cut at any of %zu places", len);
	for (i = 0; i < len; i++) {
		struct pki_error err;

		memcpy(big, der, len);
		big[i] ^= 0x55;
		/* what is not signed may change: certificates that nobody needs, and the like */
		pki_cms_verify_buf(PKI_CONTENT_FILE, big, len, CONTENT, SIZE, root, now, NULL, 0, &err);
	}
	ok(!ERR_peek_error(), "verify: a byte turned at any of %zu places does no harm", len);
	free(big);
	OPENSSL_free(der);
	len = foreign(&code, NULL, EVP_sha256(), 0, &der);
	expect("its own content", der, len, CONTENT, SIZE, root, now, -EBADMSG,
	       "the signature brings its own content: a detached one is wanted (RFC 5652, 5.2)");
	OPENSSL_free(der);
	len = foreign(&code, &second, EVP_sha256(), CMS_DETACHED, &der);
	expect("two", der, len, CONTENT, SIZE, root, now, -EPERM, "2 signers: one is wanted");
	OPENSSL_free(der);
	len = foreign(&code, NULL, EVP_sha1(), CMS_DETACHED, &der);
	expect("SHA-1", der, len, CONTENT, SIZE, root, now, -EPERM, "digest sha1: SHA-256 or better is wanted");
	OPENSSL_free(der);
	len = foreign(&rsa, NULL, EVP_md5(), CMS_DETACHED, &der);
	expect("MD5", der, len, CONTENT, SIZE, root, now, -EPERM, "digest md5: SHA-256 or better is wanted");
	OPENSSL_free(der);
	len = foreign(&code, NULL, EVP_sha256(), CMS_DETACHED | CMS_NOATTR, &der);
	expect("no attributes", der, len, CONTENT, SIZE, root, now, -EPERM, "no signed attributes (RFC 5652, 5.3)");
	OPENSSL_free(der);
	pki_certs_only(certs, 1, &der, &len);
	expect("nobody", der, len, CONTENT, SIZE, root, now, -EBADMSG, "0 signers: one is wanted");
	OPENSSL_free(der);
	expect("no CMS", (const uint8_t *)CONTENT, SIZE, CONTENT, SIZE, root, now, -EBADMSG,
	       "not a CMS signature in DER (RFC 5652, 3)");
	expect("an empty one", (const uint8_t *)"", 0, CONTENT, SIZE, root, now, -EBADMSG,
	       "not a CMS signature in DER (RFC 5652, 3)");
	sk_X509_free(root);
	drop(&code);
	drop(&second);
	drop(&rsa);
}

/* What is not of our CA. */
static void test_vendor(void)
{
	static const struct {
		const char *what;
		unsigned int bits;	/* 0: P-256 */
		const char *ca_purpose;
		const char *usage;
		const char *purpose;
		const char *md;
		int wanted;
		const char *words;
	} rows[] = {
		{ "RSA", 2048, NULL, "digitalSignature", "codeSigning", "SHA256", 0, "" },
		{ "no keyUsage", 0, NULL, NULL, "codeSigning", "SHA256", 0, "" },
		{ "issuer for code signing", 0, "codeSigning", NULL, "codeSigning", "SHA256", 0, "" },
		{ "issuer for servers", 0, "serverAuth", NULL, "codeSigning", "SHA256", -EPERM,
		  "the signer's issuer may not issue for code signing (RFC 5280, 4.2.1.12)" },
		{ "no purpose", 0, NULL, NULL, NULL, "SHA256", -EPERM,
		  "the signer's certificate is not for code signing (RFC 5280, 4.2.1.12)" },
		{ "any purpose", 0, NULL, NULL, "anyExtendedKeyUsage", "SHA256", -EPERM,
		  "the signer's certificate is not for code signing (RFC 5280, 4.2.1.12)" },
		{ "e-mail", 0, NULL, NULL, "emailProtection", "SHA256", -EPERM,
		  "the signer's certificate is not for code signing (RFC 5280, 4.2.1.12)" },
		{ "no signatures", 0, NULL, "keyAgreement", "codeSigning", "SHA256", -EPERM,
		  "the signer's certificate is not for code signing (RFC 5280, 4.2.1.12)" },
		{ "RSA with 1024 bit", 1024, NULL, NULL, "codeSigning", "SHA256", -EPERM,
		  "foreign: no trusted certificate leads to the signer's (EE certificate key too weak)" },
		{ "certified with SHA-1", 0, NULL, NULL, "codeSigning", "SHA1", -EPERM,
		  "foreign: no trusted certificate leads to the signer's (CA signature digest algorithm too weak)" },
	};
	struct signer root, middle, leaf, false_ca;
	STACK_OF(X509) *anchors, *chain;
	struct pki_error err;
	uint8_t *der;
	size_t i, len;

	root = vendor(pki_key_new(PKI_P256), NULL, "root", "critical,CA:TRUE", "keyCertSign", NULL, EVP_sha256());
	anchors = list(root.cert, NULL);
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const EVP_MD *md = EVP_get_digestbyname(rows[i].md);

		middle = vendor(pki_key_new(PKI_P256), &root, "middle", "critical,CA:TRUE", "keyCertSign",
				rows[i].ca_purpose, md);
		leaf = vendor(rows[i].bits ? EVP_RSA_gen(rows[i].bits) : pki_key_new(PKI_P256), &middle, "leaf", NULL,
			      rows[i].usage, rows[i].purpose, md);
		chain = list(middle.cert, NULL);
		der = NULL;
		if (pki_cms_sign_buf(PKI_CONTENT_FILE, leaf.cert, leaf.key, chain, CONTENT, SIZE, &der, &len, &err)) {
			BIO *content = BIO_new_mem_buf(CONTENT, SIZE);
			CMS_ContentInfo *cms = CMS_sign(leaf.cert, leaf.key, chain, content, CMS_BINARY | CMS_DETACHED);

			len = i2d_CMS_ContentInfo(cms, &der);
			CMS_ContentInfo_free(cms);
			BIO_free(content);
		}
		expect(rows[i].what, der, len, CONTENT, SIZE, anchors, now, rows[i].wanted, rows[i].words);
		OPENSSL_free(der);
		sk_X509_free(chain);
		drop(&leaf);
		drop(&middle);
	}
	false_ca = vendor(pki_key_new(PKI_P256), &root, "false", "CA:FALSE", "digitalSignature", "codeSigning",
			  EVP_sha256());
	leaf = vendor(pki_key_new(PKI_P256), &false_ca, "a,b\n\033[2J\xc3\xa4", NULL, "digitalSignature", "codeSigning",
		      EVP_sha256());
	chain = list(false_ca.cert, NULL);
	pki_cms_sign_buf(PKI_CONTENT_FILE, leaf.cert, leaf.key, chain, CONTENT, SIZE, &der, &len, &err);
	expect("issued by somebody who is no CA", der, len, CONTENT, SIZE, anchors, now, -EPERM,
	       "foreign: no trusted certificate leads to the signer's (invalid CA certificate)");
	sk_X509_push(anchors, leaf.cert);
	{
		char name[64] = "";

		ok(!pki_cms_verify_buf(PKI_CONTENT_FILE, der, len, CONTENT, SIZE, anchors, now, name, sizeof(name), &err) &&
		   !strcmp(name, "CN=a\\,b\\0A\\1B[2J\\C3\\A4"), "verify: the signer's name is printable: %s", name);
	}
	OPENSSL_free(der);
	sk_X509_free(chain);
	sk_X509_free(anchors);
	drop(&leaf);
	drop(&false_ca);
	drop(&root);
}

/* No shell: arguments as they are. */
static bool openssl(const char *const argv[])
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, 1);
		dup2(null, 2);
		execvp("openssl", (char *const *)argv);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return !status;
}

static void write_pem(const char *name, X509 *cert, EVP_PKEY *key)
{
	FILE *file = fopen(path(name), "w");

	if (cert)
		PEM_write_X509(file, cert);
	if (key)
		PEM_write_PKCS8PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
	fclose(file);
}

static void test_openssl(const struct pki_ca *ca)
{
	const char *content = path("content"), *ours = path("ours.p7s"), *theirs = path("theirs.p7s");
	const char *cert = path("code.crt"), *key = path("code.key"), *root = path("root.crt");
	const char *issuing = path("issuing.crt");
	const char *const check[] = { "openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", ours, "-content",
				      content, "-CAfile", root, "-purpose", "any", "-out", "/dev/null", NULL };
	const char *const sign[] = { "openssl", "cms", "-sign", "-binary", "-outform", "DER", "-in", content, "-signer",
				     cert, "-inkey", key, "-certfile", issuing, "-nosmimecap", "-out", theirs, NULL };
	const char *const keyid[] = { "openssl", "cms", "-sign", "-binary", "-keyid", "-md", "sha512", "-outform", "DER",
				      "-in", content, "-signer", cert, "-inkey", key, "-certfile", issuing, "-out", theirs,
				      NULL };
	struct signer code = certified(ca, PKI_CODE, PKI_P256, now, now + DAY);
	STACK_OF(X509) *chain = list(ca->issuing, NULL), *anchors = list(ca->root, NULL);
	struct pki_error err = { "" };
	uint8_t *der = NULL;
	char *read = NULL;
	size_t len;

	close(with_content(CONTENT, SIZE));
	write_pem("code.crt", code.cert, NULL);
	write_pem("code.key", NULL, code.key);
	write_pem("root.crt", ca->root, NULL);
	write_pem("issuing.crt", ca->issuing, NULL);
	pki_cms_sign_buf(PKI_CONTENT_FILE, code.cert, code.key, chain, CONTENT, SIZE, &der, &len, &err);
	file_write(ours, der, len, 0600);
	ok(openssl(check), "openssl cms -verify takes ours");
	close(with_content("other", 5));
	ok(!openssl(check), "openssl cms -verify refuses ours over something else");
	close(with_content(CONTENT, SIZE));
	ok(openssl(sign) && !file_read(theirs, PKI_CMS_MAX, &read, &len), "openssl cms -sign");
	expect("openssl cms -sign", (uint8_t *)read, len, CONTENT, SIZE, anchors, now, 0, "");
	free(read);
	read = NULL;
	ok(openssl(keyid) && !file_read(theirs, PKI_CMS_MAX, &read, &len), "openssl cms -sign -keyid -md sha512");
	expect("openssl cms -sign -keyid -md sha512", (uint8_t *)read, len, CONTENT, SIZE, anchors, now, 0, "");
	free(read);
	OPENSSL_free(der);
	sk_X509_free(chain);
	sk_X509_free(anchors);
	drop(&code);
}

/* As `openssl req -x509` makes them: CAs, which sign themselves what they mean to. */
static void test_self_signed(void)
{
	static const struct {
		const char *usage;
		int wanted;
		const char *words;
	} rows[] = {
		{ NULL, 0, "" }, { "digitalSignature,keyCertSign", 0, "" },
		{ "keyCertSign", -EPERM, "the signer's certificate is not for code signing (RFC 5280, 4.2.1.12)" },
	};
	size_t i, len;
	uint8_t *der;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct signer s = vendor(pki_key_new(PKI_P256), NULL, "self", "critical,CA:TRUE", rows[i].usage,
					 "codeSigning", EVP_sha256());
		STACK_OF(X509) *self = list(s.cert, NULL);

		len = foreign(&s, NULL, EVP_sha256(), CMS_DETACHED, &der);
		expect("a CA itself", der, len, CONTENT, SIZE, self, now, rows[i].wanted, rows[i].words);
		OPENSSL_free(der);
		sk_X509_free(self);
		drop(&s);
	}
}

static void test_code(const struct pki_ca *ca, const struct pki_ca *stranger)
{
	struct signer code = certified(ca, PKI_CODE, PKI_P256, now, now + DAY), got = { };
	struct signer device = certified(ca, PKI_DEVICE, PKI_P256, now, now + DAY);
	struct signer foreigner = certified(stranger, PKI_CODE, PKI_P256, now, now + DAY);
	struct pki_error err = { "" };
	struct stat st;

	ok(pki_code_load(path("ca"), NULL, &got.cert, &got.key, &err) == -ENOENT && !got.cert, "code_load: %s", err.text);
	ok(!pki_code_save(path("ca"), "sesame", code.cert, code.key, &err) && !stat(path("ca/code.pem"), &st) &&
	   (st.st_mode & 0777) == 0600, "code_save: %s", err.text);
	ok(pki_code_load(path("ca"), NULL, &got.cert, &got.key, &err) == -ENOKEY, "code_load: %s", err.text);
	ok(pki_code_load(path("ca"), "open", &got.cert, &got.key, &err) == -EKEYREJECTED && !got.key,
	   "code_load: %s", err.text);
	ok(!pki_code_load(path("ca"), "sesame", &got.cert, &got.key, &err) && !X509_cmp(got.cert, code.cert) &&
	   EVP_PKEY_eq(got.key, code.key) == 1, "code_load: with its passphrase");
	drop(&got);
	got = (struct signer){ };
	ok(!pki_code_save(path("ca"), NULL, code.cert, device.key, &err) &&
	   pki_code_load(path("ca"), NULL, &got.cert, &got.key, &err) == -EINVAL && !got.cert && !got.key,
	   "code_load: %s", err.text);
	ok(pki_code_is_good(ca, code.cert, now, now + DAY), "code_is_good: until its end");
	ok(!pki_code_is_good(ca, code.cert, now, now + DAY + 1), "code_is_good: not a second longer");
	ok(!pki_code_is_good(ca, code.cert, now - 1, now), "code_is_good: not before it begins");
	ok(!pki_code_is_good(ca, device.cert, now, now), "code_is_good: not a device's");
	ok(!pki_code_is_good(ca, foreigner.cert, now, now), "code_is_good: not of another CA of the same name");
	drop(&code);
	drop(&device);
	drop(&foreigner);
}

int main(void)
{
	struct pki_ca_plan plan = { .name = "test", .key = PKI_P256 };
	struct pki_error err = { "" };
	struct pki_ca ca, stranger;

	now = time(NULL);
	plan.now = now - DAY;
	snprintf(base, sizeof(base), "%s/cms.XXXXXX", getenv("CORDON_UNIT") ? getenv("CORDON_UNIT") : "/tmp");
	if (!mkdtemp(base))
		return 1;
	if (pki_ca_make(path("ca"), &plan, &err) || pki_ca_load(path("ca"), true, NULL, &ca, &err) ||
	    pki_ca_make(path("stranger"), &plan, &err) || pki_ca_load(path("stranger"), true, NULL, &stranger, &err)) {
		printf("Bail out! %s\n", err.text);
		return 1;
	}
	test_ours(&ca, PKI_P256);
	test_ours(&ca, PKI_P384);
	test_sign_refused(&ca);
	test_trust(&ca, &stranger);
	test_form(&ca);
	test_vendor();
	test_self_signed();
	test_code(&ca, &stranger);
	test_openssl(&ca);
	pki_ca_free(&ca);
	pki_ca_free(&stranger);
	tree_remove(base);
	return tap_done();
}
