// SPDX-License-Identifier: GPL-2.0
/* Pages: what is on them, and that what devices say of themselves is text there and nothing else. */
#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "page/html.h"
#include "page/page.h"
#include "tap.h"

#define NOW	1800000000
#define MAC	"02:00:00:00:00:01"

static const char facts[] =
	"INSERT INTO live.meta VALUES ('sampled', 1799999990), ('generation', 42), ('mode', 'enforce'), ('in_force', 1),"
	" ('applied_at', 1799990000), ('applied_by', 'anna');"
	"INSERT INTO device VALUES (1, '" MAC "', 'lamp', 'iot', 1799000000, 1799999000), (2, '02:00:00:00:00:02', 'gone', 'iot',"
	" 1799990000, 1799995000);"
	"INSERT INTO live.now(id, mac, name, segment, effective, state, since, why, listed, model, ports, addresses, authentication,"
	" encryption, firmware, lease_until, lease_port, certificate, certificate_end, version, hostname, vendor_class, parameters,"
	" first, last, destinations, rx_packets, rx_bytes, denied, anomalies) VALUES (1, '" MAC "', 'lamp', 'iot', 'quarantine',"
	" 'quarantined', 1799999500, 'a scan it was', 1, 'acme-t1', 'lan7', 'auto', 'certificate', 'TLS1.3', 1, 1800001000, 'lan7',"
	" 'c0ffee', 1800500000, '1.4.2', 'lamp.local', 'udhcp', '1,3,6', 1799000000, 1799999000, 17, 12345, 5000000, 77, 88);"
	"INSERT INTO live.binding VALUES ('10.0.20.11', 1, 'dhcp', 1800002000), ('fd00::11', 1, 'policy', NULL);"
	"INSERT INTO live.now_anomaly VALUES (1, 'scan', 66);"
	"INSERT INTO live.total_anomaly VALUES ('unknown_device', 9);"
	"INSERT INTO live.segment VALUES (0, 'gateway', 0, 0, 0, 0), (1, 'iot', 2, 0, 0, 5), (2, 'plant', 0, 0, 0, 0),"
	" (3, 'wan', 0, 0, 0, 0);"
	"INSERT INTO live.rule VALUES (0, 'iot', 'wan', 'tcp/8883', 0, 0, 1799999000), (1, 'iot', 'plant', 'tcp/502', 1, 1, NULL),"
	" (2, 'plant', 'iot', 'udp/161', 0, 0, 1799000000);"
	"INSERT INTO live.interface VALUES ('lan7', 1, 1, 'port', NULL), ('lan8', 0, 0, 'port', NULL),"
	" ('tap9', 1, 1, 'unlisted', 'in neither list'), ('lo', 1, 0, 'loopback', NULL);"
	"INSERT INTO device VALUES (0, '', 'unknown devices', '', 1799999000, 1799999900);"
	"INSERT INTO episode(id, device, kind, first, last, count) VALUES (7, 0, 'unknown_device', 1799990000, 1799990001, 9);"
	"INSERT INTO live.certificate VALUES ('c0ffee', 'lamp', 'device', 1800500000), ('facade', 'far', 'device', 1900000000);"
	"INSERT INTO live.rollout VALUES (1, 'acme-t1', '1.5.0', 'running', 25, 40, 30, 2, 1799900000);"
	"INSERT INTO episode(id, device, kind, first, last, count, source, destination, protocol, dport, server, interface) VALUES"
	" (5, 1, 'scan', 1799999800, 1799999900, 104, '10.0.20.11', '10.9.9.9', 6, 23, 'x.example', 'lan7');"
	"INSERT INTO episode(id, device, kind, first, last, count, acknowledged, acknowledged_by) VALUES"
	" (6, 1, 'plaintext', 1799990000, 1799990010, 3, 1799991000, 'bob');"
	"INSERT INTO denial VALUES (1, 'segment_violation', '10.0.20.11', '10.9.9.9', 6, 445, 'iot', 'plant',"
	" '{from: iot, to: plant, allow: [tcp/445]}', 1799999000, 1799999100, 31);"
	"INSERT INTO state VALUES (1, 1799999500, 'quarantined', 'quarantine', 'a scan it was');"
	"INSERT INTO applied VALUES (1799990000, 42, 'enforce', 'anna', '+ device lamp' || char(10) || '- device old');"
	"INSERT INTO peer VALUES (1, '10.0.20.12', 6, 502, 1, 2, 'iot', 1799990000, 1799999000, 4321),"
	" (1, '198.51.100.7', 17, 123, 0, NULL, 'wan', 1799990000, 1799999000, 2);"
	"INSERT INTO minute(device, at, rx_bytes, tx_bytes, denied, anomalies) VALUES (1, 1799999400, 4000, 2000, 3, 1),"
	" (1, 1799999460, 1000, 0, 0, 0);"
	"INSERT INTO day(device, at, rx_bytes) VALUES (1, 1799971200, 9000000);";

static char dir[] = "/tmp/page-test-XXXXXX";
static struct history write_h, h;

static void run(const char *sql)
{
	char *error = NULL;

	if (sqlite3_exec(write_h.db, sql, NULL, NULL, &error))
		printf("# %s\n", error);
	sqlite3_free(error);
}

static struct page_reply ask_as(const char *path, const char *query, const char *operator_name, time_t now)
{
	struct page_request q = { .path = path, .query = query, .operator_name = operator_name,
				  .token = operator_name ? "t0k\"en" : NULL, .now = now };
	struct page_reply reply = { 0 };

	if (page_answer(&h, &q, &reply))
		printf("# %s: no answer\n", path);
	return reply;
}

static bool has(const struct page_reply *reply, const char *text)
{
	return reply->body && memmem(reply->body, reply->len, text, strlen(text));
}

/* A page has each of its facts; the list ends with NULL. */
static void shows(const char *path, const char *query, const char * const *list)
{
	struct page_reply reply = ask_as(path, query, NULL, NOW);

	ok(reply.status == 200 && !strcmp(reply.type, "text/html; charset=utf-8"), "%s: is a page", path);
	for (; *list; list++)
		ok(has(&reply, *list), "%s%s%s: has %s", path, query ? "?" : "", query ? query : "", *list);
	free(reply.body);
}

static void lacks(const char *path, const char *query, const char *text)
{
	struct page_reply reply = ask_as(path, query, NULL, NOW);

	ok(reply.status == 200 && !has(&reply, text), "%s%s%s: has no %s", path, query ? "?" : "", query ? query : "", text);
	free(reply.body);
}

static void answers(const char *path, const char *query, int status)
{
	struct page_reply reply = ask_as(path, query, NULL, NOW);

	ok(reply.status == status && reply.len, "%s%s%s: %d", path, query ? "?" : "", query ? query : "", status);
	free(reply.body);
}

static void test_facts(void)
{
	shows("/", NULL, (const char *[]){ "GUARDED", "generation 42", "anna", ">1</span> <span class=\"state state-quarantined\">",
		"packets came from devices", "<code>scan</code>", "10.9.9.9", "lan8</bdi></strong> (port) is missing",
		"is closed: in neither list", "c0ffee", "+ device lamp", "- device old", "1 device became",
		"1 device was seen for the first time", "1 episode goes on", "1 episode of <code>plaintext</code>", NULL });
	lacks("/", NULL, "facade");
	lacks("/", NULL, "<bdi>lo</bdi>");
	lacks("/events", NULL, "href=\"/device/\"");
	shows("/devices", NULL, (const char *[]){ "lamp", "/device/" MAC, "iot, now quarantine", "acme-t1", "1 device<", NULL });
	shows("/device/" MAC, NULL, (const char *[]){ "<h1><bdi>lamp</bdi></h1>", "a scan it was", "held in <strong>quarantine",
		"certificate</bdi>", "TLS1.3", "c0ffee", "1.4.2", "lamp.local", "udhcp", "1,3,6", "lan7", "10.0.20.11", "fd00::11",
		"always", "5.0&nbsp;MB", "445", "{from: iot, to: plant, allow: [tcp/445]}", "tcp/502", "198.51.100.7", "the other",
		"<a href=\"/device/02:00:00:00:00:02\"><bdi>gone</bdi></a>", "by <bdi>bob</bdi>", "<polyline", "5.0&nbsp;kB", NULL });
	shows("/device/" MAC, "span=year", (const char *[]){ "9.0&nbsp;MB", NULL });
	shows("/device/02:00:00:00:00:02", NULL, (const char *[]){ "gone", "neither in the policy nor behind a port", NULL });
	shows("/policy", NULL, (const char *[]){ "use-day\"><a href=\"#rule-0\">used", "use-never\"><a href=\"#rule-1\">never",
		"use-once\"><a href=\"#rule-2\">earlier", "use-closed\"><span>closed", "use-closed\"><span>inside", "use-without\"><span>passes", "use-without\"><span>services", "tcp/8883", "plaintext, related", NULL });
	shows("/events", NULL, (const char *[]){ "data-key=\"anomaly-5-0\"", "data-key=\"state-1-1799999500\"",
		"data-key=\"policy-42-1799990000\"", "<bdi>unknown devices</bdi>", NULL });
	lacks("/events", "what=state", "data-key=\"anomaly");
	lacks("/events", "what=state", "id=\"live\"");
	shows("/firmware", NULL, (const char *[]){ "acme-t1", "1.5.0", "running", "25&nbsp;%", "value=\"30\"", NULL });
}

static void test_filter(void)
{
	shows("/devices", "q=LAMP", (const char *[]){ "/device/" MAC, "value=\"LAMP\"", NULL });
	shows("/devices", "q=0.20.11", (const char *[]){ "/device/" MAC, NULL });
	shows("/devices", "q=&state=quarantined&segment=iot&sort=denied&order=desc", (const char *[]){ "/device/" MAC,
		"aria-sort=\"descending\"", "<option selected>quarantined</option>", NULL });
	lacks("/devices", "q=%25x", "/device/" MAC);
	lacks("/devices", "q=%5F", "/device/" MAC);
	lacks("/devices", "state=active", "/device/" MAC);
	lacks("/devices", "segment=wan", "/device/" MAC);
	lacks("/devices", "page=2", "/device/" MAC);
	answers("/devices", "sort=id;DROP", 200);
	answers("/devices", "q=%00", 400);
	answers("/devices", "q=%zz", 400);
	answers("/devices", "q=%4", 400);
	answers("/devices", "page=-1", 400);
	answers("/devices", "page=1x", 400);
	answers("/devices", "page=99999999999999999999", 400);
	answers("/events", "at=x", 400);
	answers("/device/" MAC, "span=century", 400);
	answers("/data/device/" MAC ".json", "span=century", 400);
	answers("/data/device/02:00:00:00:00:99.json", NULL, 404);
	answers("/device/02:00:00:00:00:99", NULL, 404);
	answers("/device/" MAC "x", NULL, 404);
	answers("/device/lamp", NULL, 404);
	answers("/../etc/passwd", NULL, 404);
	answers("", NULL, 404);
}

static void test_data(void)
{
	struct page_reply reply = ask_as("/data/device/" MAC ".json", "span=day", NULL, NOW);

	ok(!strcmp(reply.type, "application/json") && has(&reply, "{\"step\":300,\"rows\":[["), "numbers of a plot are JSON");
	ok(has(&reply, "[1799999400,5000,2000,3,1]"), "minutes of a step are added up");
	free(reply.body);
}

static void test_operator(void)
{
	struct page_reply none = ask_as("/device/" MAC, NULL, NULL, NOW), some = ask_as("/device/" MAC, NULL, "an<na", NOW);

	ok(!has(&none, "<form class=\"act\""), "who may only look gets no form that acts");
	ok(has(&some, "action=\"/device/" MAC "/release\""), "an operator may release a device that is quarantined");
	ok(!has(&some, "action=\"/device/" MAC "/quarantine\""), "and not quarantine it once more");
	ok(has(&some, "action=\"/episode/5/acknowledge\"") && has(&some, "name=\"back\" value=\"/device/" MAC "\""),
	   "an operator may acknowledge an episode");
	ok(!has(&some, "/episode/6/acknowledge"), "and not one that is acknowledged");
	ok(has(&some, "name=\"token\" value=\"t0k&#34;en\""), "a form holds the token, escaped");
	ok(has(&some, "an&lt;na"), "a page says who its reader is");
	free(none.body);
	free(some.body);
	none = ask_as("/events", NULL, NULL, NOW);
	some = ask_as("/events", NULL, "anna", NOW);
	ok(!has(&none, "<template") && has(&some, "<template id=\"acknowledge\"><form"), "so may he with episodes to come");
	free(none.body);
	free(some.body);
}

static void test_age(void)
{
	struct page_reply reply = ask_as("/policy", NULL, NULL, NOW);

	ok(!has(&reply, "class=\"stale\""), "a sample of 10 s is not old");
	free(reply.body);
	reply = ask_as("/policy", NULL, NULL, NOW + 600);
	ok(has(&reply, "class=\"stale\"") && has(&reply, "10 min ago"), "one of 10 minutes is, and its age is said");
	free(reply.body);
	reply = ask_as("/nowhere", NULL, NULL, NOW + 600);
	ok(reply.status == 404 && has(&reply, "class=\"stale\""), "on a page of an error, too");
	free(reply.body);
	run("DELETE FROM live.meta WHERE key = 'sampled'");
	reply = ask_as("/", NULL, NULL, NOW);
	ok(has(&reply, "Nothing has been sampled yet"), "that there is none is said");
	free(reply.body);
	run("INSERT INTO live.meta VALUES ('sampled', 1799999990)");
}

static void test_guard(void)
{
	static const struct {
		const char *sql, *word;
	} cases[] = {
		{ "UPDATE live.meta SET value = 'observe' WHERE key = 'mode'", "OBSERVING" },
		{ "UPDATE live.meta SET value = 0 WHERE key = 'in_force'", "<strong>OPEN" },
		{ "INSERT INTO live.meta VALUES ('lockdown', 1)", "LOCKED" },
		{ "INSERT INTO live.meta VALUES ('module', NULL)", "NO MODULE" },
	};
	struct page_reply reply;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		run(cases[i].sql);
		reply = ask_as("/", NULL, NULL, NOW);
		ok(has(&reply, cases[i].word), "the overview says %s", cases[i].word);
		free(reply.body);
	}
	run("UPDATE live.meta SET value = 'enforce' WHERE key = 'mode'; UPDATE live.meta SET value = 1 WHERE key = 'in_force';"
	    "DELETE FROM live.meta WHERE key IN ('lockdown', 'module')");
}

static void test_events(void)
{
	struct page_cursor cursor = { .at = 1799999500 };
	struct page_reply reply;

	ok(!page_events_since(&h, &cursor, NOW, &reply) && has(&reply, "id: 1799999500\nevent: row\ndata: <tr data-key=\"state-1-"),
	   "events since a time, that second's too");
	ok(has(&reply, "id: 1799999900\nevent: row\ndata: <tr data-key=\"anomaly-5-0\"") && !has(&reply, "anomaly-6-0"),
	   "and none from before it");
	ok(reply.len > 2 && !memcmp(reply.body + reply.len - 2, "\n\n", 2), "each ends with an empty line");
	free(reply.body);
	ok(!page_events_since(&h, &cursor, NOW, &reply) && !reply.len, "then there are none");
	run("INSERT INTO state VALUES (2, 1799999900, 'active', 'iot', 'checked' || char(10, 10) || 'id: 1')");
	ok(!page_events_since(&h, &cursor, NOW, &reply) && has(&reply, "state-2-1799999900"), "one more of the same second is told");
	ok(!has(&reply, "checked\n") && has(&reply, "checked  id: 1"), "no text ends an event's line");
	free(reply.body);
	run("UPDATE episode SET last = 1799999950, count = 105 WHERE id = 5");
	ok(!page_events_since(&h, &cursor, NOW, &reply) && has(&reply, "anomaly-5-0") && has(&reply, "105 times"),
	   "an episode that goes on is told again");
	free(reply.body);
}

/* More than a page of one second's events: each is on one page. */
static void test_paging(void)
{
	struct page_reply reply;
	unsigned int seen = 0;
	char query[128] = "what=state", *next, key[64];
	int i, pages = 0;

	run("BEGIN; DELETE FROM state;"
	    "WITH RECURSIVE n(i) AS (VALUES(10) UNION ALL SELECT i + 1 FROM n WHERE i < 260) INSERT INTO device SELECT i,"
	    " printf('02:00:00:00:01:%02x', i - 10), 'many', 'iot', 1, 1 FROM n;"
	    "INSERT INTO state SELECT id, 1799999000, 'active', 'iot', NULL FROM device WHERE id >= 10; COMMIT");
	do {
		reply = ask_as("/events", query, NULL, NOW);
		for (i = 10; i <= 260; i++) {
			snprintf(key, sizeof(key), "data-key=\"state-%d-", i);
			seen += has(&reply, key);
		}
		next = reply.body ? strstr(reply.body, "&amp;at=") : NULL;
		if (next)
			snprintf(query, sizeof(query), "what=state&at=1799999000&skip=%d", atoi(strstr(next, "skip=") + 5));
		free(reply.body);
	} while (next && ++pages < 9);
	ok(seen == 251 && pages == 2, "251 events of one second: %u on %d pages and the last", seen, pages);
}

static const char * const hostile[] = {
	"<script>alert(1)</script>", "\"><img src=x onerror=alert(2)>", "' onmouseover='alert(3)' x='", "</td></table><svg/onload=x>",
	"a\x01\x1b[31m\x7f\xc2\x9b", "abc\xe2\x80\xae" "gpj\xe2\x81\xa6x\xe2\x80\x8b\xef\xbb\xbf", "\xff\xfe\xc0\xaf\xed\xa0\x80" "bad",
	"%s%n%5000d", "&lt;b&gt;", "`x`",
};

/* Bytes that may be in a page: no control character but the line's end, and UTF-8. */
static bool clean(const struct page_reply *reply)
{
	size_t i;

	for (i = 0; i < reply->len; i++)
		if (((unsigned char)reply->body[i] < 0x20 && reply->body[i] != '\n') || reply->body[i] == 0x7f)
			return false;
	for (i = 0; i + 2 < reply->len; i++)
		if (!memcmp(reply->body + i, "\xe2\x80\xae", 3) || !memcmp(reply->body + i, "\xe2\x81\xa6", 3) ||
		    !memcmp(reply->body + i, "\xc2\x9b", 2))
			return false;
	return !memchr(reply->body, 0xff, reply->len) && !memchr(reply->body, 0xc0, reply->len);
}

static void set_all(const char *text, size_t len)
{
	static const char * const updates[] = {
		"UPDATE device SET name = ?1, segment = ?1 WHERE id < 10",
		"UPDATE live.now SET name = ?1, hostname = ?1, vendor_class = ?1, parameters = ?1, model = ?1, version = ?1, why = ?1,"
		" ports = ?1, addresses = ?1, lease_port = ?1, certificate = ?1, state = ?1, segment = ?1, effective = ?1",
		"UPDATE episode SET kind = ?1, source = ?1, destination = ?1, server = ?1, tls = ?1, interface = ?1, ports = ?1, action = ?1,"
		" acknowledged_by = ?1",
		"UPDATE denial SET kind = ?1, source = ?1, destination = ?1, from_segment = ?1, to_segment = ?1, rule = ?1",
		"UPDATE state SET state = ?1, segment = ?1, why = ?1", "UPDATE applied SET mode = ?1, who = ?1, changes = ?1",
		"UPDATE OR IGNORE peer SET peer = ?1 || device || other, segment = ?1", "UPDATE OR IGNORE live.segment SET name = ?1 WHERE id = 1",
		"UPDATE live.rule SET from_segment = ?1, to_segment = ?1, matches = ?1", "UPDATE live.interface SET role = ?1, closed = ?1",
		"UPDATE live.certificate SET name = ?1, kind = ?1", "UPDATE live.rollout SET model = ?1, version = ?1, state = ?1",
		"UPDATE live.meta SET value = ?1 WHERE key IN ('mode', 'applied_by')",
		"UPDATE live.binding SET origin = ?1", "UPDATE live.now_anomaly SET kind = ?1",
	};
	sqlite3_stmt *stmt;
	size_t i;

	for (i = 0; i < sizeof(updates) / sizeof(*updates); i++) {
		if (sqlite3_prepare_v2(write_h.db, updates[i], -1, &stmt, NULL))
			printf("# %s\n", sqlite3_errmsg(write_h.db));
		sqlite3_bind_text(stmt, 1, text, (int)len, SQLITE_STATIC);
		if (sqlite3_step(stmt) != SQLITE_DONE)
			printf("# %s\n", sqlite3_errmsg(write_h.db));
		sqlite3_finalize(stmt);
	}
}

static void test_hostile(void)
{
	static const char * const paths[] = { "/", "/devices", "/device/" MAC, "/device/02:00:00:00:00:02", "/policy", "/events",
					      "/firmware" };
	struct page_cursor cursor = { 0 };
	struct page_reply reply;
	size_t i, k;
	char *text;

	for (i = 0; i < sizeof(hostile) / sizeof(*hostile); i++) {
		set_all(hostile[i], strlen(hostile[i]));
		for (k = 0; k < sizeof(paths) / sizeof(*paths); k++) {
			reply = ask_as(paths[k], NULL, hostile[i], NOW);
			ok(reply.status == 200 && clean(&reply) && !has(&reply, "<script>") && !has(&reply, "<img") &&
			   !has(&reply, "<svg/") && !has(&reply, "' onmouse") && !has(&reply, "</td></table><"),
			   "%s: hostile text %zu is only text", paths[k], i);
			free(reply.body);
		}
		cursor.at = 0;
		ok(!page_events_since(&h, &cursor, NOW, &reply) && reply.len && clean(&reply) && !has(&reply, "<script>"),
		   "events: hostile text %zu is only text", i);
		free(reply.body);
		reply = ask_as("/nowhere", hostile[i], hostile[i], NOW);
		ok(reply.status == 404 && clean(&reply) && !has(&reply, "<script>"), "an error: hostile text %zu is only text", i);
		free(reply.body);
	}
	text = malloc(100000);
	memset(text, 'x', 100000);
	set_all(text, 100000);
	free(text);
	for (k = 0; k < sizeof(paths) / sizeof(*paths); k++) {
		reply = ask_as(paths[k], NULL, NULL, NOW);
		ok(reply.status == 200 && reply.len < 900000, "%s: a long text does not make a long page: %zu", paths[k], reply.len);
		free(reply.body);
	}
	reply = ask_as("/devices", "q=%3Cscript%3E%22%27&state=%22%3E%3Cb&sort=%3Cb%3E&segment=%FF", NULL, NOW);
	ok(reply.status == 200 && clean(&reply) && !has(&reply, "<script>\"") && !has(&reply, "\"><b<") && has(&reply, "&#34;&gt;&lt;b</option>") && !has(&reply, "<b>"),
	   "what a query says is only text");
	free(reply.body);
}

static void test_html(void)
{
	static const char format[] = "%x";
	struct html o = { 0 };

	html(&o, "%s|%d|%u|%zu|%ld|%lld|%%", "<&>\"'`", -1, 2U, (size_t)3, -4L, 5LL);
	ok(!o.err && !strcmp(o.body, "&lt;&amp;&gt;&#34;&#39;&#96;|-1|2|3|-4|5|%"), "html: escapes strings, writes numbers");
	free(o.body);
	memset(&o, 0, sizeof(o));
	html(&o, format, 1);
	ok(o.err == -EINVAL, "html: a conversion that it does not know is an error");
	free(o.body);
	memset(&o, 0, sizeof(o));
	while (!o.err)
		html(&o, "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789");
	ok(o.err == -E2BIG && o.len <= HTML_MAX, "html: a page has an end");
	free(o.body);
}

static void test_assets(void)
{
	static const char * const paths[] = { "/page.css", "/page.js", "/icon.svg" };
	char path[64];
	FILE *file;
	size_t i;

	for (i = 0; i < 3; i++)
		answers(paths[i], NULL, 200);
	answers("/js/dygraph.js", NULL, 404);
	ok(page_assets_load("/nowhere") == -ENOENT, "dygraphs that is not there is an error");
	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/dygraph.min.%s", dir, i ? "css" : "js");
		file = fopen(path, "w");
		if (file) {
			fputs("dygraphs", file);
			fclose(file);
		}
	}
	ok(!page_assets_load(dir), "dygraphs is read");
	shows("/", NULL, (const char *[]){ "src=\"/js/dygraph.js\"", NULL });
	answers("/js/dygraph.js", NULL, 200);
	answers("/js/dygraph.css", NULL, 200);
	page_assets_unload();
	lacks("/", NULL, "src=\"/js/dygraph.js\"");
	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/dygraph.min.%s", dir, i ? "css" : "js");
		unlink(path);
	}
}

/* A rule of many matches is shown whole; a page that has no end is not shown at all. */
static void test_long(void)
{
	struct page_reply reply;

	run("UPDATE live.segment SET name = 'iot' WHERE id = 1; DELETE FROM live.rule;"
	    "INSERT INTO live.rule VALUES (0, 'iot', 'wan', replace(hex(zeroblob(300)), '00', 'tcp/443, ') || 'udp/99', 0, 0, 1)");
	shows("/policy", NULL, (const char *[]){ "udp/99", NULL });
	run("WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 4000) INSERT INTO live.rule SELECT i, 'iot',"
	    " 'wan', replace(hex(zeroblob(300)), '00', 'tcp/443, '), 0, 0, 1 FROM n");
	reply = ask_as("/policy", NULL, NULL, NOW);
	ok(reply.status == 500 && has(&reply, "too long to show") && reply.len < 10000, "a page that would be too long says so");
	free(reply.body);
}

static void test_broken(void)
{
	struct page_reply reply;

	run("DROP TABLE live.meta");
	reply = ask_as("/", NULL, NULL, NOW);
	ok(reply.status == 503 && has(&reply, "cannot be read") && !has(&reply, "class=\"stale\""), "a database that cannot be read is said, with 503");
	free(reply.body);
	reply = ask_as("/page.css", NULL, NULL, NOW);
	ok(reply.status == 200, "what needs none is there all the same");
	free(reply.body);
}

int main(void)
{
	char path[64];

	setenv("TZ", "UTC", 1);
	if (!mkdtemp(dir) || history_create(&write_h, dir, dir))
		return 1;
	run(facts);
	if (history_open(&h, dir, dir))
		return 1;
	test_html();
	test_facts();
	test_filter();
	test_data();
	test_operator();
	test_age();
	test_guard();
	test_assets();
	test_events();
	test_hostile();
	test_paging();
	test_long();
	test_broken();
	history_close(&h);
	history_close(&write_h);
	snprintf(path, sizeof(path), "%s/" HISTORY_FILE, dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/" HISTORY_LIVE_FILE, dir);
	unlink(path);
	rmdir(dir);
	return tap_done();
}
