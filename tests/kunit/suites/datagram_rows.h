/* SPDX-License-Identifier: GPL-2.0 */
/* What every rule about DTLS and QUIC comes to: flows, and the verdict on each datagram. */
#ifndef DATAGRAM_ROWS_H
#define DATAGRAM_ROWS_H

#include "tls_flow.h"

/* Verdicts by their first letters, of enum cordon_tls_verdict; malformed is x, plaintext t. */
#define LETTERS "maptdx"

struct datagram_row {
	const char *name;
	u8 demand;		/* 0, QUIC */
	const char *flow;
	const char *verdicts;
};

#define DTLS2	CORDON_ENCRYPTION_TLS1_2
#define DTLS3	CORDON_ENCRYPTION_TLS1_3

#define RECORD(body)	"16fefd 0000 000000000001 (" body ")"
#define DCHM(n, rest)	"01[" n "fefd R <>" rest "]"
#define DSHM(n, rest)	"02[" n "fefd R <>" rest "]"
#define DCH(n, ext)	"C" RECORD(DCHM(n, "<> (1301c02b) <00> (" ext ")"))
#define DSH(n, ext)	"S" RECORD(DSHM(n, "1301 00 (" ext ")"))
#define DSH12(n)	"S" RECORD(DSHM(n, "c02b 00"))
#define DHRR(n)		"S" RECORD("02[" n "fefd Q <> 1301 00 (002b(fefc))]")
#define HVR		"S 16feff 0000 000000000000 (03[0 feff <%14:c0>])"
#define O13		"002b(<fefc>)"
#define O1312		"002b(<fefcfefd>)"
#define D13		"002b(fefc)"

static const struct datagram_row dtls_rows[] = {
	{ "1.2", DTLS2, DCH("0", "") DSH12("0"), "mp" },
	{ "1.2, without extensions", DTLS2, "C" RECORD(DCHM("0", "<> (c02b) <00>")) DSH12("0"), "mp" },
	{ "1.2, demanded 1.3", DTLS3, DCH("0", "") DSH12("0"), "dd" },
	{ "1.2, with cookie", DTLS2, DCH("0", "") HVR DCH("1", "") DSH12("1"), "mmmp" },
	{ "1.2, with cookie, all twice", DTLS2, DCH("0", "") DCH("0", "") HVR HVR DCH("1", "")
	  DCH("1", "") DSH12("1") DSH12("1"), "mmmmmmpp" },
	{ "cookie, demanded 1.3", DTLS3, DCH("0", O1312) HVR, "md" },
	{ "cookie, then 1.3", DTLS2, DCH("0", O1312) HVR DCH("1", O1312) DSH("1", D13), "mmmx" },
	{ "two cookies", DTLS2, DCH("0", "") HVR DCH("1", "")
	  "S" RECORD("03[1 feff <c0>]"), "mmmx" },
	{ "cookie longer than its message", DTLS2, DCH("0", "") "S" RECORD("03[0 feff 05c0]"), "mx" },
	{ "1.3", DTLS3, DCH("0", O13) DSH("0", D13), "mp" },
	{ "1.3 for 1.2", DTLS2, DCH("0", O1312) DSH("0", D13), "mp" },
	{ "1.3, both offered", DTLS3, DCH("0", O1312) DSH("0", D13), "mp" },
	{ "1.2 selected", DTLS3, DCH("0", O1312) DSH12("0"), "md" },
	{ "1.2 selected for 1.2", DTLS2, DCH("0", O1312) DSH12("0"), "mp" },
	{ "1.2 selected, sentinel", DTLS2, DCH("0", O1312) "S" RECORD("02[0 fefd D <> c02b 00]"), "md" },
	{ "1.0 selected", DTLS2, DCH("0", "") "S" RECORD("02[0 feff R <> 002f 00]"), "md" },
	{ "1.0 offered", DTLS2, "C" RECORD("01[0 feff R <> <> (002f) <00>]"), "d" },
	{ "TLS's number for 1.3 offered", DTLS3, DCH("0", "002b(<0304>)"), "d" },
	{ "TLS's number for 1.3 selected", DTLS3, DCH("0", O13) DSH("0", "002b(0304)"), "mx" },
	{ "TLS's number in the hello", DTLS2, "C" RECORD("01[0 0303 R <> <> (002f) <00>]"), "x" },
	{ "1.3, retry", DTLS3, DCH("0", O13) DHRR("0") DCH("1", O13) DSH("1", D13), "mmmp" },
	{ "1.3, retry, all twice", DTLS3, DCH("0", O13) DCH("0", O13) DHRR("0") DHRR("0") DCH("0", O13)
	  DCH("1", O13) DHRR("0") DCH("1", O13) DSH("1", D13), "mmmmmmmmp" },
	{ "retry, then another hello in its place", DTLS3, DCH("0", O1312) DHRR("0") DSH12("0"), "mma" },
	{ "two retries", DTLS3, DCH("0", O13) DHRR("0") DCH("1", O13) DHRR("1"), "mmmx" },
	{ "1.3, what follows is encrypted", DTLS3, DCH("0", O13) DSH("0", D13) "2f00 0010 %10:aa",
	  "mp" },
	{ "encrypted before the hello", DTLS3, DCH("0", O13) "S 2f00 0010 %10:aa" DSH("0", D13), "map" },
	{ "Certificate before the hello", DTLS2, DCH("0", "") "S" RECORD("0b[1 000000]") DSH12("0"),
	  "map" },
	{ "Certificate in the hello's record", DTLS2, DCH("0", "")
	  "S" RECORD(DSHM("0", "c02b 00") "0b[1 000000]"), "mp" },
	{ "message in 1.3's hello's record", DTLS3, DCH("0", O13)
	  "S" RECORD(DSHM("0", "1301 00 (" D13 ")") "08[1 0000]"), "mx" },
	{ "Finished before the hello", DTLS2, DCH("0", "") "S 16fefd 0001 000000000000 (%20:00)"
	  DSH12("0"), "map" },
	{ "hello in two fragments", DTLS3,
	  "C" RECORD("01 000033 0000 000000 000022 fefd R")
	  "C" RECORD("01 000033 0000 000022 000011 00 00 (1301) <00> (" O13 ")") DSH("0", D13), "mmp" },
	{ "fragments in one record", DTLS3,
	  "C" RECORD("01 000033 0000 000000 000022 fefd R"
		     "01 000033 0000 000022 000011 00 00 (1301) <00> (" O13 ")") DSH("0", D13), "mp" },
	{ "second fragment first", DTLS3,
	  "C" RECORD("01 000033 0000 000022 000011 00 00 (1301) <00> (" O13 ")")
	  "C" RECORD("01 000033 0000 000000 000022 fefd R")
	  "C" RECORD("01 000033 0000 000022 000011 00 00 (1301) <00> (" O13 ")") DSH("0", D13), "ammp" },
	{ "hello in a datagram that is dropped", DTLS3, DCH("0", O13) "17fefd 0000 000000000000 (aa)"
	  DSH("0", D13), "ax" },
	{ "fragments overlap", DTLS3,
	  "C" RECORD("01 000033 0000 000000 000022 fefd R")
	  "C" RECORD("01 000033 0000 000000 000022 fefd R")
	  "C" RECORD("01 000033 0000 000020 000013 5a5a 00 00 (1301) <00> (" O13 ")") DSH("0", D13),
	  "mmmp" },
	{ "fragments of different messages", DTLS3,
	  "C" RECORD("01 000033 0000 000000 000022 fefd R")
	  "C" RECORD("01 000034 0000 000022 000011 00 00 (1301) <00> (" O13 ")"), "mx" },
	{ "fragment beyond its message", DTLS3, "C" RECORD("01 000033 0000 000030 000004 00000000"),
	  "x" },
	{ "fragment beyond its record", DTLS3, "C" RECORD("01 000033 0000 000000 000022 fefd"), "x" },
	{ "fragment of 0 bytes", DTLS3, "C" RECORD("01 000033 0000 000000 000000"), "x" },
	{ "half a fragment's header", DTLS3, "C" RECORD("01 000033 0000"), "x" },
	{ "ServerHello in fragments", DTLS2, DCH("0", "")
	  "S" RECORD("02 000026 0000 000000 000022 fefd R"), "ma" },
	{ "ServerHello first", DTLS2, DSH12("0"), "x" },
	{ "second hello, not asked for", DTLS3, DCH("0", O13) DCH("1", O13), "mx" },
	{ "the client's Certificate", DTLS2, DCH("0", "") "C" RECORD("0b[1 000000]"), "mx" },
	{ "ServerHello with data behind", DTLS3, DCH("0", O13)
	  "S" RECORD("02[0 fefd R <> 1301 00 (" D13 ") 00]"), "mx" },
	{ "alert, acknowledgement", DTLS3, DCH("0", O13) "S 15fefd 0000 000000000000 (0228)"
	  "S 1afefd 0000 000000000000 (0010%10:00)" DSH("0", D13), "mmmp" },
	{ "alert of three bytes", DTLS3, DCH("0", O13) "S 15fefd 0000 000000000000 (022800)", "ma" },
	{ "data", DTLS3, DCH("0", O13) "C 17fefd 0000 000000000000 (aa)", "ma" },
	{ "data first", DTLS3, "C 17fefd 0001 000000000000 (aa)" DCH("0", O13), "am" },
	{ "record longer than its datagram", DTLS3, DCH("0", O13) "C 16fefd 0000 000000000000 0002 01",
	  "ma" },
	{ "record of 0 bytes", DTLS3, DCH("0", O13) "C 16fefd 0000 000000000000 ()", "ma" },
	{ "CoAP", DTLS2, "C 40011234b3666f6f", "t" },
	{ "nothing", DTLS2, "C", "t" },
	{ "CoAP for an answer", DTLS2, DCH("0", "") "S 60451234c0", "mt" },
	{ "TLS", DTLS2, "C 160301(01{0303 R <> (1301) <00>})", "t" },
};

#define ID8		"<%8:bb>"
#define QINIT		"C c3 00000001 <%8:aa>" ID8 "00 4496 %496:00"
#define QINIT2		"C d3 6b3343cf <%8:aa>" ID8 "00 4496 %496:00"
#define QANSWER		"S c3 00000001" ID8 "<%4:cc> 00 14 %14:00"

static const struct datagram_row quic_rows[] = {
	{ "version 1", 0, QINIT QANSWER, "mp" },
	{ "version 1, hello in two datagrams", 0, QINIT QINIT QANSWER, "mmp" },
	{ "version 2", 0, QINIT2 "S d3 6b3343cf" ID8 "<%4:cc> 00 14 %14:00", "mp" },
	{ "version 2 for 1", 0, QINIT "S d3 6b3343cf" ID8 "<%4:cc> 00 14 %14:00", "mp" },
	{ "the server's Handshake first", 0, QINIT "S e3 00000001" ID8 "<%4:cc> 14 %14:00", "mp" },
	{ "retry", 0, QINIT "S f3 00000001" ID8 "<%4:cc> %20:dd C c3 00000001 <%4:cc>" ID8
	  "10%10:dd 448a %48a:00" QANSWER, "mmmp" },
	{ "retry without a token", 0, QINIT "S f3 00000001" ID8 "<%4:cc> %10:dd", "ma" },
	{ "early data", 0, QINIT "C d3 00000001 <%8:aa>" ID8 "40ff %ff:00" QANSWER, "mmp" },
	{ "early data first", 0, "C d3 00000001 <%8:aa>" ID8 "4496 %496:00", "t" },
	{ "version negotiation", 0, "C c3 1a2a3a4a <%8:aa>" ID8 "%4a0:00 S 80 00000000" ID8
	  "<%8:aa> 00000001" QINIT QANSWER, "mmmp" },
	{ "version negotiation without versions", 0, QINIT "S 80 00000000" ID8 "<%8:aa>", "ma" },
	{ "draft 29", 0, "C c3 ff00001d <%8:aa>" ID8 "00 4496 %496:00", "d" },
	{ "draft 29 selected", 0, QINIT "S c3 ff00001d" ID8 "<%4:cc> 00 14 %14:00", "md" },
	{ "another version", 0, "C c3 51303530 <%8:aa>" ID8 "00 4496 %496:00", "t" },
	{ "another version selected", 0, QINIT "S c3 51303530" ID8 "<%4:cc> 00 14 %14:00", "mx" },
	{ "version 0 from the client", 0, "C c3 00000000 <%8:aa>" ID8 "00 4496 %496:00", "t" },
	{ "1,199 bytes", 0, "C c3 00000001 <%8:aa>" ID8 "00 4495 %495:00", "t" },
	{ "1,199 bytes later", 0, QINIT "C c3 00000001 <%8:aa>" ID8 "00 4495 %495:00", "ma" },
	{ "without the fixed bit", 0, "C 83 00000001 <%8:aa>" ID8 "00 4496 %496:00", "t" },
	{ "without the fixed bit, by an earlier token", 0, "C 83 00000001 <%8:aa>" ID8
	  "10%10:dd 4486 %486:00" QANSWER, "mp" },
	{ "without the fixed bit, in a reserved version", 0, "C 83 1a2a3a4a <%8:aa>" ID8 "%4a0:00", "t" },
	{ "without the fixed bit, early data", 0, QINIT "C 93 00000001 <%8:aa>" ID8 "40ff %ff:00" QANSWER,
	  "mmp" },
	{ "answer without the fixed bit", 0, QINIT "S 83 00000001" ID8 "<%4:cc> 00 14 %14:00", "mp" },
	{ "answer without the fixed bit, version 2", 0, QINIT2 "S 93 6b3343cf" ID8 "<%4:cc> 00 14 %14:00",
	  "mp" },
	{ "retry without the fixed bit", 0, QINIT "S b3 00000001" ID8 "<%4:cc> %20:dd", "mm" },
	{ "short header without the fixed bit for an answer", 0, QINIT "S 03 %ff:00" QANSWER, "map" },
	{ "connection id of 21 bytes", 0, "C c3 00000001 <%15:aa>" ID8 "00 4489 %489:00", "t" },
	{ "connection id of 7 bytes", 0, "C c3 00000001 <%7:aa>" ID8 "00 4497 %497:00", "t" },
	{ "no connection id of its own", 0, "C c3 00000001 <%8:aa> <> 00 449e %49e:00"
	  "S c3 00000001 <> <%4:cc> 00 14 %14:00", "mp" },
	{ "token beyond the datagram", 0, "C c3 00000001 <%8:aa>" ID8 "5000 %496:00", "t" },
	{ "length beyond the datagram", 0, "C c3 00000001 <%8:aa>" ID8 "00 4497 %496:00", "t" },
	{ "length of 19 bytes", 0, "C c3 00000001 <%8:aa>" ID8 "00 13 %497:00", "t" },
	{ "short header first", 0, "C 43 %4af:00", "t" },
	{ "short header before the answer", 0, QINIT "C 43 %ff:00", "ma" },
	{ "answer to another", 0, QINIT "S c3 00000001 <%8:bc> <%4:cc> 00 14 %14:00" QANSWER, "map" },
	{ "short header for an answer", 0, QINIT "S 43 %ff:00" QANSWER, "map" },
	{ "plaintext for an answer", 0, QINIT "S 32323020", "mt" },
	{ "nothing for an answer", 0, QINIT "S", "mt" },
	{ "server first", 0, QANSWER, "t" },
	{ "half a version", 0, "C c30000", "t" },
	{ "nothing", 0, "C", "t" },
	{ "CoAP", 0, "C 40011234b3666f6f", "t" },
};

#define DTLS_ROWS (sizeof(dtls_rows) / sizeof(dtls_rows[0]))
#define QUIC_ROWS (sizeof(quic_rows) / sizeof(quic_rows[0]))

/* Replay @f: what was said of each datagram, in letters, as many as fit @size. */
static inline void datagram_replay(const struct flow *f, u8 demand, char *said, u32 size)
{
	enum cordon_tls_verdict v;
	struct cordon_dtls d;
	struct cordon_quic q;
	u32 at = 0, i;

	cordon_dtls_init(&d, demand);
	cordon_quic_init(&q);
	for (i = 0; i < f->pieces && i < size - 1; i++) {
		v = demand ? cordon_dtls_read(&d, f->client[i], f->bytes + at, f->end[i] - at) :
			     cordon_quic_read(&q, f->client[i], f->bytes + at, f->end[i] - at);
		at = f->end[i];
		said[i] = LETTERS[v];
	}
	said[i] = 0;
}

#endif
