// SPDX-License-Identifier: GPL-2.0
/*
 * load DIR OPERATIONS DEVICES BARE FEW MANY NGINX: enrol, check in, ask for firmware and download it, one device
 * after the other, and tell what the servers' processes have used meanwhile. BARE, FEW, MANY and NGINX are
 * PORT:PID[,PID...]: the processes whose time counts. FEW and MANY answer EST at PORT and check-ins at PORT + 1;
 * they know BENCH_FEW devices, and DEVICES.
 *
 * The cases take turns in rounds, so that what else the machine does falls on all of them alike: in each, there
 * are TURN operations of every kind, and a download. Prints `RESULT server case operations nanoseconds...`, a
 * figure for each process.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device/message.h"
#include "identities.h"
#include "pki/pki.h"
#include "store/store.h"

#define PROCESSES	3
#define TURN		100	/* operations of one case, then it is another's turn */
#define STRIDE		7919	/* a prime: how the many devices take turns */
#define QUIET		15	/* milliseconds, and then nothing follows; check-ins are written down after 10 */
#define LISTS		10	/* revocation lists that are asked for */
#define ANSWER_MAX	(1 << 20)

enum what { BARE, CHECKIN, RENEW, ENROLL, POLL, DOWNLOAD, LIST, CASES };

static const char * const case_names[CASES] = {
	"bare", "checkin", "renew", "enroll", "poll", "download", "crl",
};

/**
 * struct server - one that is measured
 * @name: of its figures
 * @devices: that it knows
 * @image: path of the release
 * @port: of EST; check-ins are at the next
 * @pid: its processes
 * @n: how many
 * @store: its registry, for tokens
 * @newest: certificate that it gave each device, or NULL; older ones are superseded after a few
 * @next: device
 * @operations: by case
 * @used: nanoseconds, by case and process
 */
struct server {
	const char *name;
	uint32_t devices;
	const char *image;
	uint16_t port;
	pid_t pid[PROCESSES];
	unsigned int n;
	struct store store;
	X509 **newest;
	uint32_t next;
	uint64_t operations[CASES];
	uint64_t used[CASES][PROCESSES];
};

/**
 * struct device - a client
 * @cert: what it has
 * @key: likewise
 * @number: which one
 * @id: both as DER
 * @token: its secret
 */
struct device {
	X509 *cert;
	EVP_PKEY *key;
	uint32_t number;
	struct identity id;
	char token[STORE_TOKEN_LEN];
};

static SSL_CTX *tls;
static FILE *identities;
static const char *image;
static char answer[ANSWER_MAX];

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fputs("load: ", stderr);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	ERR_print_errors_fp(stderr);
	exit(1);
}

/* As @s knows it. */
static void device_load(const struct server *s, struct device *d, uint32_t number)
{
	const unsigned char *cert = d->id.cert, *key = d->id.key;

	d->number = number;
	if (fseek(identities, (long)number * (long)sizeof(d->id), SEEK_SET) ||
	    fread(&d->id, sizeof(d->id), 1, identities) != 1)
		die("device %u has no identity", number);
	if (s->newest[number] && X509_up_ref(s->newest[number]))
		d->cert = s->newest[number];
	else
		d->cert = d2i_X509(NULL, &cert, d->id.cert_len);
	d->key = d2i_AutoPrivateKey(NULL, &key, d->id.key_len);
	if (!d->cert || !d->key)
		die("the identity of device %u cannot be read", number);
}

static void device_free(struct device *d)
{
	X509_free(d->cert);
	EVP_PKEY_free(d->key);
}

/* From the device's own address. */
static int dial(const struct device *d, uint16_t port)
{
	struct sockaddr_in from = { .sin_family = AF_INET }, to = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	from.sin_addr.s_addr = htonl(0x7f000000 | bench_number(d->number));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons(port);
	if (bind(fd, (struct sockaddr *)&from, sizeof(from)) || connect(fd, (struct sockaddr *)&to, sizeof(to)))
		die("port %u: %s", port, strerror(errno));
	return fd;
}

static SSL *meet_with(const struct device *d, uint16_t port, bool certificate, const char *ciphers)
{
	SSL *ssl = SSL_new(tls);

	if (!ssl || (ciphers && !SSL_set_ciphersuites(ssl, ciphers)) || !SSL_set_fd(ssl, dial(d, port)))
		die("no memory");
	if (certificate && (SSL_use_certificate(ssl, d->cert) != 1 || SSL_use_PrivateKey(ssl, d->key) != 1))
		die("device %u cannot use its certificate", d->number);
	if (SSL_connect(ssl) != 1)
		die("port %u: no handshake", port);
	return ssl;
}

static SSL *meet(const struct device *d, uint16_t port, bool certificate)
{
	return meet_with(d, port, certificate, NULL);
}

static void part(SSL *ssl)
{
	int fd = SSL_get_fd(ssl);

	SSL_shutdown(ssl);
	SSL_free(ssl);
	close(fd);
}

/* To its end, or to that of an HTTP answer's body. */
static void hear(SSL *ssl)
{
	size_t len = 0, want = sizeof(answer) - 1;
	const char *body, *size;
	int n;

	while (len < want && (n = SSL_read(ssl, answer + len, (int)(want - len))) > 0) {
		len += n;
		answer[len] = 0;
		body = strstr(answer, "\r\n\r\n");
		size = strcasestr(answer, "\r\nContent-Length:");
		if (body && size && size < body)
			want = body + 4 - answer + strtoul(size + 17, NULL, 10);
		if (want >= sizeof(answer))
			die("too long an answer");
	}
}

static void do_bare(const struct device *d, uint16_t port)
{
	SSL *ssl = meet(d, port, true);
	int fd = SSL_get_fd(ssl);

	hear(ssl);
	SSL_free(ssl);
	close(fd);
	ERR_clear_error();
}

static void do_checkin(const struct device *d, uint16_t port)
{
	static const char line[] = "Hello Secure IoT Server\n";
	SSL *ssl = meet(d, port + 1, true);

	if (SSL_write(ssl, line, sizeof(line) - 1) <= 0)
		die("a check-in is cut off");
	hear(ssl);
	if (strcmp(answer, "Welcome IoT Device\n"))
		die("a check-in is answered by: %s", answer);
	part(ssl);
}

static void request(SSL *ssl, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void request(SSL *ssl, const char *fmt, ...)
{
	char text[16384];
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (len <= 0 || (size_t)len >= sizeof(text) || SSL_write(ssl, text, len) != len)
		die("a request is cut off");
	hear(ssl);
	if (strncmp(answer, "HTTP/1.1 200 ", 13))
		die("a request is answered by: %s", answer);
}

/* What a device has from now on: the certificate for its key, of those in the last answer. */
static void keep_newest(const struct server *s, const struct device *d)
{
	const char *why, *body = strstr(answer, "\r\n\r\n") + 4;
	STACK_OF(X509) *certs = est_certs_parse(body, strlen(body), &why);
	int i;

	if (!certs)
		die("a certificate cannot be read: %s", why);
	for (i = 0; i < sk_X509_num(certs) && !X509_check_private_key(sk_X509_value(certs, i), d->key); i++)
		;
	if (i == sk_X509_num(certs))
		die("device %u is given another's certificate", d->number);
	X509_free(s->newest[d->number]);
	s->newest[d->number] = sk_X509_delete(certs, i);
	sk_X509_pop_free(certs, X509_free);
	ERR_clear_error();
}

static void do_est(const struct device *d, const struct server *s, bool token)
{
	char login[128], basic[256] = "", csr[4096], name[64];
	uint8_t *der = NULL;
	size_t len;
	SSL *ssl;

	bench_name(d->number, name);
	if (pki_csr_new(d->key, name, NULL, &der, &len) || len > 2048)
		die("device %u has no request", d->number);
	EVP_EncodeBlock((unsigned char *)csr, der, (int)len);
	OPENSSL_free(der);
	if (token) {
		snprintf(login, sizeof(login), "%s:%s", name, d->token);
		strcpy(basic, "Authorization: Basic ");
		EVP_EncodeBlock((unsigned char *)basic + strlen(basic), (unsigned char *)login,
				(int)strlen(login));
		strcat(basic, "\r\n");
	}
	ssl = meet(d, s->port, !token);
	request(ssl, "POST /.well-known/est/%s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s"
		"Content-Type: application/pkcs10\r\nContent-Length: %zu\r\n\r\n%s",
		token ? "simpleenroll" : "simplereenroll", basic, strlen(csr), csr);
	part(ssl);
	keep_newest(s, d);
}

static void do_list(const struct device *d, uint16_t port)
{
	SSL *ssl = meet(d, port, false);

	request(ssl, "GET /cordon/v1/crl HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
	part(ssl);
}

static void do_poll(const struct device *d, uint16_t port)
{
	SSL *ssl = meet(d, port, true);
	char name[64];

	bench_name(d->number, name);
	request(ssl, "GET /default/controller/v1/%s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", name);
	part(ssl);
}

/* Byte for byte; with one cipher, whichever the server would rather have. */
static void do_download(const struct device *d, const struct server *s)
{
	SSL *ssl = meet_with(d, s->port, true, "TLS_AES_128_GCM_SHA256");
	size_t len = 0, at;
	char *body = NULL;
	int n;

	SSL_set_read_ahead(ssl, 1);
	n = snprintf(answer, sizeof(answer), "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", s->image);
	if (SSL_write(ssl, answer, n) != n)
		die("a request is cut off");
	while (!body && len < sizeof(answer) - 1 && (n = SSL_read(ssl, answer + len, sizeof(answer) - 1 - len)) > 0) {
		len += n;
		answer[len] = 0;
		body = strstr(answer, "\r\n\r\n");
	}
	if (!body || strncmp(answer, "HTTP/1.1 200 ", 13))
		die("%s: a download is answered by: %.300s", s->name, answer);
	body += 4;
	for (at = 0, len -= body - answer; ; at += len, len = n, body = answer) {
		if (len > BENCH_IMAGE - at || memcmp(image + at, body, len))
			die("%s: what is downloaded differs behind byte %zu", s->name, at);
		if (at + len == BENCH_IMAGE)
			break;
		n = SSL_read(ssl, answer, sizeof(answer));
		if (n <= 0)
			die("%s: a download ends after %zu bytes", s->name, at + len);
	}
	part(ssl);
}

static void do_one(enum what what, const struct device *d, const struct server *s)
{
	if (what == BARE)
		do_bare(d, s->port);
	else if (what == CHECKIN)
		do_checkin(d, s->port);
	else if (what == LIST)
		do_list(d, s->port);
	else if (what == POLL)
		do_poll(d, s->port);
	else if (what == DOWNLOAD)
		do_download(d, s);
	else
		do_est(d, s, what == ENROLL);
}

/* By the scheduler's own account, in nanoseconds; a process that runs is counted up to now. */
static uint64_t used(pid_t pid)
{
	struct timespec t;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t))
		die("process %d is gone", pid);
	return (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Nothing is left to do for them: what follows an answer, if only a moment later, belongs to it. */
static void read_idle(const struct server *s, uint64_t out[PROCESSES])
{
	uint64_t before[PROCESSES];
	unsigned int i, still;

	for (i = 0; i < s->n; i++)
		out[i] = used(s->pid[i]);
	do {
		memcpy(before, out, sizeof(before));
		poll(NULL, 0, QUIET);
		for (i = still = 0; i < s->n; i++) {
			out[i] = used(s->pid[i]);
			still += out[i] == before[i];
		}
	} while (still < s->n);
}

static void give_token(struct store *s, struct device *d)
{
	char name[64];
	uint8_t mac[6];

	bench_name(d->number, name);
	bench_mac(d->number, mac);
	if (store_token_new(s, name, mac, NULL, 3600, false, time(NULL), d->token, sizeof(d->token)))
		die("%s: %s", name, s->error);
}

/* The next devices, and tokens for them. */
static void prepare(struct server *s, struct device *d, unsigned int n, bool tokens)
{
	unsigned int i;

	if (tokens && store_begin(&s->store, true))
		die("%s", s->store.error);
	for (i = 0; i < n; i++) {
		s->next = (s->next + STRIDE) % s->devices;
		device_load(s, &d[i], s->next);
		if (tokens)
			give_token(&s->store, &d[i]);
	}
	if (tokens && store_commit(&s->store))
		die("%s", s->store.error);
}

static void measure(struct server *s, enum what what, const struct device *d, unsigned int n)
{
	uint64_t from[PROCESSES], to[PROCESSES];
	unsigned int i;

	read_idle(s, from);
	for (i = 0; i < n; i++)
		do_one(what, &d[i], s);
	read_idle(s, to);
	for (i = 0; i < s->n; i++)
		s->used[what][i] += to[i] - from[i];
	s->operations[what] += n;
}

static void turn(struct server *s, enum what what, unsigned int n)
{
	static struct device d[TURN];
	unsigned int i, part;

	for (; n; n -= part) {
		/* A device has one token at a time. */
		part = what == ENROLL && n > s->devices ? s->devices : n;
		prepare(s, d, part, what == ENROLL);
		measure(s, what, d, part);
		for (i = 0; i < part; i++)
			device_free(&d[i]);
	}
}

static void download(struct server *s)
{
	struct device d;

	device_load(s, &d, 0);
	measure(s, DOWNLOAD, &d, 1);
	device_free(&d);
}

/* All devices but a few lose their certificates, then one more before each list. */
static void lists(struct server *s)
{
	struct device d;
	uint8_t serial[PKI_SERIAL_LEN];
	uint32_t i;

	if (store_begin(&s->store, false))
		die("%s", s->store.error);
	for (i = 0; i < s->devices; i++) {
		device_load(s, &d, i);
		if (pki_serial(d.cert, serial) || store_cert_revoke(&s->store, serial, time(NULL), 4))
			die("%s", s->store.error);
		if (i + LISTS >= s->devices) {
			if (store_commit(&s->store))
				die("%s", s->store.error);
			measure(s, LIST, &d, 1);
			if (store_begin(&s->store, false))
				die("%s", s->store.error);
		}
		device_free(&d);
	}
	store_rollback(&s->store);
}

static void parse_server(struct server *s, const char *text, const char *dir)
{
	char path[512], *end;

	s->port = strtoul(text, &end, 10);
	while (*end == (s->n ? ',' : ':') && s->n < PROCESSES)
		s->pid[s->n++] = (pid_t)strtol(end + 1, &end, 10);
	if (!s->n || *end)
		die("not a server: %s", text);
	snprintf(path, sizeof(path), "%s/%s/registry.db", dir, s->name);
	if (s->devices > 1 && store_open(&s->store, path, false))
		die("%s", s->store.error);
}

static void expect(struct server *s)
{
	s->newest = calloc(s->devices, sizeof(*s->newest));
	if (!s->newest)
		die("no memory");
}

static void report(const struct server *s)
{
	unsigned int what, i;

	for (what = 0; what < CASES; what++) {
		if (!s->operations[what])
			continue;
		printf("RESULT %s %s %lu", s->name, case_names[what], (unsigned long)s->operations[what]);
		for (i = 0; i < s->n; i++)
			printf(" %lu", (unsigned long)(s->used[what][i] / s->operations[what]));
		putchar('\n');
	}
}

static void open_all(const char *dir)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/identities", dir);
	identities = fopen(path, "re");
	tls = SSL_CTX_new(TLS_client_method());
	snprintf(path, sizeof(path), "%s/ca/root.crt", dir);
	if (!identities || !tls || SSL_CTX_load_verify_file(tls, path) != 1)
		die("%s: cannot be read", path);
	snprintf(path, sizeof(path), "%s/image", dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	image = fd < 0 ? MAP_FAILED : mmap(NULL, BENCH_IMAGE, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (image == MAP_FAILED)
		die("%s: cannot be read", path);
	close(fd);
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
}

int main(int argc, char **argv)
{
	struct server bare = { .name = "bare", .devices = 1 }, few = { .name = "few", .devices = BENCH_FEW };
	struct server many = { .name = "many" }, nginx = { .name = "nginx", .devices = 1, .image = "/image" };
	char name[64], path[128];
	unsigned int operations, done, n;

	if (argc != 8)
		die("load DIR OPERATIONS DEVICES BARE FEW MANY NGINX");
	signal(SIGPIPE, SIG_IGN);
	open_all(argv[1]);
	operations = strtoul(argv[2], NULL, 10);
	many.devices = strtoul(argv[3], NULL, 10);
	if (many.devices < BENCH_FEW)
		die("at least %d devices", BENCH_FEW);
	parse_server(&bare, argv[4], argv[1]);
	parse_server(&few, argv[5], argv[1]);
	parse_server(&many, argv[6], argv[1]);
	parse_server(&nginx, argv[7], argv[1]);
	bare.devices = many.devices;
	expect(&bare);
	expect(&few);
	expect(&many);
	expect(&nginx);
	bench_name(0, name);
	snprintf(path, sizeof(path), "/default/controller/v1/%s/softwaremodules/1/artifacts/image", name);
	few.image = path;
	for (done = 0; done < operations; done += n) {
		n = operations - done < TURN ? operations - done : TURN;
		turn(&bare, BARE, n);
		turn(&few, CHECKIN, n);
		turn(&many, CHECKIN, n);
		turn(&few, RENEW, n);
		turn(&many, RENEW, n);
		turn(&few, ENROLL, n);
		turn(&many, ENROLL, n);
		turn(&few, POLL, n);
		turn(&many, POLL, n);
		download(&nginx);
		download(&few);
	}
	lists(&many);
	report(&bare);
	report(&few);
	report(&many);
	report(&nginx);
	return 0;
}
