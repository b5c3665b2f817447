// SPDX-License-Identifier: GPL-2.0
/* Manufacturers' certificates of devices: what leads to their roots, and which device it is. Its enrolment: tests/serve/idevid.py. */
#include <errno.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../userspace/pki/pki.h"
#include "tap.h"
#include "tree.h"

#define DAY	86400

static char dir[64];

static void must(const char *command)
{
	if (!system(command))
		return;
	printf("Bail out! %s\n", command);
	exit(1);
}

/* A root, one below it, a device, and files that are none. */
static void make(void)
{
	if (chdir(dir))
		exit(1);
	must("openssl ecparam -genkey -name prime256v1 -noout -out key.pem && cp key.pem other.key &&"
	     " openssl ecparam -genkey -name prime256v1 -noout -out root.key &&"
	     " openssl ecparam -genkey -name prime256v1 -noout -out sub.key");
	must("openssl req -x509 -new -key root.key -subj '/CN=Root' -days 30 -out root.pem");
	must("printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n' >ca.ext; printf 'basicConstraints=CA:FALSE\n' >leaf.ext");
	must("openssl req -new -key sub.key -subj '/CN=Sub' | openssl x509 -req -CA root.pem -CAkey root.key -CAcreateserial"
	     " -days 30 -extfile ca.ext -out sub.pem 2>/dev/null");
	must("openssl req -new -key key.pem -subj '/CN=x/serialNumber=SN-1' | openssl x509 -req -CA sub.pem -CAkey sub.key"
	     " -CAcreateserial -days 20 -extfile leaf.ext -out leaf.pem 2>/dev/null");
	must("openssl x509 -in leaf.pem -outform DER -out leaf.der && openssl x509 -in sub.pem -outform DER -out sub.der");
	must("openssl req -x509 -new -key key.pem -subj '/CN=none' -days 30 -out none.pem");
	must("openssl req -x509 -new -key key.pem -subj '/CN=Other' -days 30 -out other.pem");
	must("cat root.pem other.pem >two.pem; for i in 1 2 3 4 5 6 7 8 9; do cat two.pem; done >many.pem");
	must("{ cat root.pem; sed -n '1,/^MI/p' other.pem; } >half.pem; : >empty.pem");
}

static STACK_OF(X509) *load(const char *file, int ret, int n, const char *why)
{
	struct pki_error err = { "" };
	STACK_OF(X509) *roots = NULL;
	int got = pki_vendor_load(file, &roots, &err);

	ok(got == ret && (got ? !roots && strstr(err.text, why) : sk_X509_num(roots) == n), "load: %s: %d: %s", file, got,
	   err.text);
	return roots;
}

static size_t read_file(const char *file, uint8_t *out, size_t size)
{
	FILE *f = fopen(file, "rb");
	size_t len = f ? fread(out, 1, size, f) : 0;

	if (f)
		fclose(f);
	return len;
}

static X509 *read_cert(const char *file)
{
	FILE *f = fopen(file, "r");
	X509 *cert = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;

	if (f)
		fclose(f);
	return cert;
}

static void check_load(void)
{
	sk_X509_pop_free(load("root.pem", 0, 1, ""), X509_free);
	sk_X509_pop_free(load("two.pem", 0, 2, ""), X509_free);
	load("empty.pem", -EINVAL, 0, "no certificate in PEM");
	load("key.pem", -EINVAL, 0, "no certificate in PEM");
	load("half.pem", -EINVAL, 0, "cannot be read");
	load("many.pem", -EINVAL, 0, "more than 16");
	load("nowhere.pem", -ENOENT, 0, "nowhere.pem: No such file");
}

static void check_verify(void)
{
	uint8_t sub[PKI_CERT_MAX], bad[PKI_CERT_MAX];
	STACK_OF(X509) *roots = load("root.pem", 0, 1, ""), *others = load("other.pem", 0, 1, "");
	STACK_OF(X509) *below = load("sub.pem", 0, 1, "");
	size_t len = read_file("sub.der", sub, sizeof(sub)), i, wrong = 0;
	X509 *leaf = read_cert("leaf.pem"), *ca = read_cert("sub.pem");
	struct pki_error err = { "" };
	time_t now = time(NULL);

	ok(!pki_vendor_verify(roots, leaf, sub, len, now, &err), "verify: to its root: %s", err.text);
	ok(!pki_vendor_verify(below, leaf, NULL, 0, now, &err), "verify: to what stands in for a root");
	ok(pki_vendor_verify(roots, leaf, NULL, 0, now, &err) == -EPERM, "verify: without its chain: %s", err.text);
	ok(pki_vendor_verify(others, leaf, sub, len, now, &err) == -EPERM, "verify: another's roots: %s", err.text);
	ok(pki_vendor_verify(roots, leaf, sub, len, now + 25 * DAY, &err) == -EKEYEXPIRED && strstr(err.text, "expired"),
	   "verify: it has ended: %s", err.text);
	ok(pki_vendor_verify(roots, leaf, sub, len, now - DAY, &err) == -EKEYEXPIRED, "verify: it has not begun: %s", err.text);
	ok(pki_vendor_verify(roots, ca, NULL, 0, now, &err) == -EPERM && strstr(err.text, "a CA's"), "verify: a CA: %s", err.text);
	for (i = 1; i < len; i++)
		wrong += pki_vendor_verify(roots, leaf, sub, i, now, &err) != -EINVAL;
	ok(!wrong, "verify: a chain that is cut off at any byte");
	memcpy(bad, sub, len);
	bad[len - 1] ^= 1;
	ok(pki_vendor_verify(roots, leaf, bad, len, now, &err) == -EPERM, "verify: a chain with a wrong signature: %s", err.text);
	ok(!pki_vendor_verify(roots, leaf, sub, len, now, &err), "verify: and again as it should be");
	X509_free(leaf);
	X509_free(ca);
	sk_X509_pop_free(roots, X509_free);
	sk_X509_pop_free(others, X509_free);
	sk_X509_pop_free(below, X509_free);
}

/* Of any bytes, as a manufacturer's tool might write it. */
static X509 *of_serial(const char *bytes, int len)
{
	X509 *cert = X509_new();

	X509_NAME_add_entry_by_NID(X509_get_subject_name(cert), NID_serialNumber, V_ASN1_UTF8STRING, (const uint8_t *)bytes, len,
				   -1, 0);
	return cert;
}

static void check_serial(void)
{
	X509 *leaf = read_cert("leaf.pem"), *none = read_cert("none.pem"), *odd = of_serial("S\xc3\xbc", 3);
	X509 *nul = of_serial("SN-1\0x", 6), *empty = of_serial("", 0), *two = of_serial("SN-1", 4);
	struct pki_error err = { "" };
	char serial[65] = "before", small[4] = "";

	ok(pki_vendor_serial(none, serial, sizeof(serial), &err) == -EINVAL && !strcmp(serial, "before"), "serial: none: %s",
	   err.text);
	ok(pki_vendor_serial(odd, serial, sizeof(serial), &err) == -EINVAL && !serial[0], "serial: not ASCII: %s", err.text);
	ok(pki_vendor_serial(nul, serial, sizeof(serial), &err) == -EINVAL && !serial[0], "serial: a NUL within: %s", err.text);
	ok(pki_vendor_serial(empty, serial, sizeof(serial), &err) == -EINVAL && !serial[0], "serial: empty: %s", err.text);
	X509_NAME_add_entry_by_NID(X509_get_subject_name(two), NID_serialNumber, V_ASN1_UTF8STRING, (uint8_t *)"SN-2", 4, -1, 0);
	ok(pki_vendor_serial(two, serial, sizeof(serial), &err) == -EINVAL && !serial[0], "serial: two: %s", err.text);
	ok(!pki_vendor_serial(leaf, serial, sizeof(serial), &err) && !strcmp(serial, "SN-1"), "serial: of the subject");
	ok(pki_vendor_serial(leaf, small, sizeof(small), &err) == -EINVAL, "serial: no room: %s", err.text);
	X509_free(leaf);
	X509_free(none);
	X509_free(odd);
	X509_free(nul);
	X509_free(empty);
	X509_free(two);
}

int main(void)
{
	snprintf(dir, sizeof(dir), "/tmp/vendor-XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	make();
	check_load();
	check_verify();
	check_serial();
	if (!chdir("/"))
		tree_remove(dir);
	return tap_done();
}
