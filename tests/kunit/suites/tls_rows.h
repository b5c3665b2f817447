/* SPDX-License-Identifier: GPL-2.0 */
/* What every rule about TLS comes to: flows, and their verdicts. */
#ifndef TLS_ROWS_H
#define TLS_ROWS_H

#include "tls_flow.h"

struct tls_row {
	const char *name;
	u8 demand;
	const char *flow;
	u8 verdict;
	u16 offered;
	u16 selected;
	const char *host;
};

#define ONE2	CORDON_ENCRYPTION_TLS1_2
#define ONE3	CORDON_ENCRYPTION_TLS1_3
#define MORE	CORDON_TLS_MORE
#define PASS	CORDON_TLS_PASS
#define PLAIN	CORDON_TLS_PLAINTEXT
#define DOWN	CORDON_TLS_DOWNGRADE
#define BAD	CORDON_TLS_MALFORMED

/* Hellos: the whole message, its head and extensions; then in a record, from its sender. */
#define HEAD		"0303 R <> (1301 c02f) <00>"
#define CHM(body)	"01{" body "}"
#define SHM(body)	"02{" body "}"
#define CREC(message)	"C 160301(" message ")"
#define SREC(message)	"S 160303(" message ")"
#define CH(extensions)	CREC(CHM(HEAD "(" extensions ")"))
#define SH(extensions)	SREC(SHM("0303 R <> 1301 00 (" extensions ")"))
#define HRR(extensions)	SREC(SHM("0303 Q <> 1301 00 (" extensions ")"))
#define SH12		SREC(SHM("0303 R <> c02f 00"))

#define V13		"002b(<0304>)"
#define V12		"002b(<0303>)"
#define V1312		"002b(<03040303>)"
#define S13		"002b(0304)"
#define NAME		"0000((00(612e62)))"
#define EARLY		"002a()"
#define PSK		"0029(000102)"
#define CCS		"140303(01)"
#define DATA		"170303(%20:aa)"
#define ALERT		"150303(0228)"

static const struct tls_row tls_rows[] = {
	/* What is demanded, in every shape. */
	{ "1.3", ONE3, CH(V13) SH(S13) "!", PASS, 0x0304, 0x0304, "" },
	{ "1.3 for 1.2", ONE2, CH(V13) SH(S13) "!", PASS, 0x0304, 0x0304, "" },
	{ "1.3, both offered", ONE3, CH(NAME V1312) SH(S13) "!", PASS, 0x0304, 0x0304, "a.b" },
	{ "1.3, old ones offered, too", ONE3, CH("002b(<030103020303 0304>)") SH(S13), PASS, 0x0304,
	  0x0304, "" },
	{ "1.3, GREASE", ONE3, CH("0a0a() 002b(<fafa0304>) dada(00)") SH(S13), PASS, 0x0304, 0x0304,
	  "" },
	{ "1.3, other extensions around", ONE3, CH("0033(%500:11) 000a(0002001d)" V13 "0015(%9:00)")
	  SH("0033(001d(%20:11))" S13 "0029(0000)") "!", PASS, 0x0304, 0x0304, "" },
	{ "1.3, session ids", ONE3, CREC(CHM("0303 R <%20:01> (1301) <00> (" V13 ")"))
	  SREC(SHM("0303 R <%20:01> 1301 00 (" S13 ")")) "!", PASS, 0x0304, 0x0304, "" },
	{ "1.3, record version 0303", ONE3, "C 160303(" CHM(HEAD "(" V13 ")") ")" SH(S13), PASS,
	  0x0304, 0x0304, "" },
	{ "1.3, record version 0302", ONE3, "C 160302(" CHM(HEAD "(" V13 ")") ")" SH(S13), PASS,
	  0x0304, 0x0304, "" },
	{ "1.3, data after the ServerHello", ONE3, CH(V13) SH(S13) "!" CCS DATA "C 00", PASS, 0x0304,
	  0x0304, "" },
	{ "1.3, pre-shared key", ONE3, CH(V13 PSK) SH(S13 "0029(0000)"), PASS, 0x0304, 0x0304, "" },
	{ "1.3, a draft offered, too", ONE3, CH("002b(<7f1c0304>)") SH(S13), PASS, 0x0304, 0x0304,
	  "" },
	{ "1.3, hello in many records", ONE3, "C 160301(01) 160301(00) 160303(00 32 0303 R <> (1301"
	  ") 160303(c02f) <00> (" V13 "))" SH(S13), BAD, 0, 0, "" },
	{ "1.3, hello in three records", ONE3, "C 160301(01) 160301(0000) 160301(34 0303 R <> 0004)"
	  "160301(1301 c02f <00> (" V13 "))" SH(S13), PASS, 0x0304, 0x0304, "" },
	{ "1.3, ServerHello in two records", ONE3, CH(V13) "S 160303(02 00002e 0303) 160303(R <> 1301"
	  " 00 (" S13 "))!", PASS, 0x0304, 0x0304, "" },
	{ "1.2", ONE2, CREC(CHM(HEAD)) SH12 "!", PASS, 0x0303, 0x0303, "" },
	{ "1.2 demanded as 1.3", ONE3, CREC(CHM(HEAD)) "!" SH12, DOWN, 0x0303, 0, "" },
	{ "1.2, both offered", ONE2, CH(V1312) SH12, PASS, 0x0304, 0x0303, "" },
	{ "1.2, both offered, 1.3 demanded", ONE3, CH(V1312) SH12 "!", DOWN, 0x0304, 0x0303, "" },
	{ "1.2, extensions", ONE2, CH(NAME "000b(0100)") SREC(SHM("0303 R <> c02f 00 (ff01(00))")),
	  PASS, 0x0303, 0x0303, "a.b" },
	{ "1.2, empty extensions", ONE2, CH("") SH(""), PASS, 0x0303, 0x0303, "" },
	{ "1.2, Certificate in the ServerHello's record", ONE2, CREC(CHM(HEAD))
	  SREC(SHM("0303 R <> c02f 00") "! 0b{000000}"), PASS, 0x0303, 0x0303, "" },
	{ "1.2, compression", ONE2, CREC(CHM("0303 R <> (c02f) <0100>")) SREC(SHM("0303 R <> c02f 01")),
	  PASS, 0x0303, 0x0303, "" },
	{ "1.2, server warns of the name", ONE2, CREC(CHM(HEAD)) "S 150303(0170)" SH12, PASS, 0x0303,
	  0x0303, "" },
	{ "1.3 demanded, server warns of the name", ONE3, CH(V13) "S 150303(0170)" SH(S13), BAD,
	  0x0304, 0, "" },

	/* Less than what is demanded. */
	{ "1.2 only, listed", ONE3, CH(V12) "!" SH12, DOWN, 0x0303, 0, "" },
	{ "1.2 only, listed, for 1.2", ONE2, CH(V12) SH12, PASS, 0x0303, 0x0303, "" },
	{ "1.1 for 1.2", ONE2, CREC(CHM("0302 R <> (002f) <00>")) "!", DOWN, 0x0302, 0, "" },
	{ "1.1 listed for 1.2", ONE2, CH("002b(<03020301>)") "!", DOWN, 0x0302, 0, "" },
	{ "only drafts offered", ONE3, CH("002b(<7f1c7f17>)") "!", DOWN, 0x7f1c, 0, "" },
	{ "only GREASE offered", ONE3, CH("002b(<0a0a>)") "!", DOWN, 0, 0, "" },
	{ "server selects a draft", ONE3, CH("002b(<7f1c0304>)") SH("002b(7f1c)"), DOWN, 0x0304,
	  0x7f1c, "" },
	{ "server selects 1.2 in supported_versions", ONE3, CH(V1312) SH("002b(0303)"), DOWN, 0x0304,
	  0x0303, "" },
	{ "the same for 1.2", ONE2, CH(V1312) SH("002b(0303)"), BAD, 0x0304, 0x0303, "" },
	{ "server selects 1.1", ONE2, CH(V1312) SREC(SHM("0302 R <> 002f 00")), DOWN, 0x0304, 0x0302,
	  "" },
	{ "server selects 1.0 in a record of its own", ONE2, CREC(CHM(HEAD)) "S 160301(" SHM("0301 R <>"
	  " 002f 00") ")", DOWN, 0x0303, 0x0301, "" },
	{ "SSL 3.0", ONE2, "C 160300 ! (" CHM("0300 R <> (000a) <00>") ")", DOWN, 0, 0, "" },
	{ "sentinel, 1.3 was offered", ONE2, CH(V1312) SREC(SHM("0303 D <> c02f 00")), DOWN, 0x0304,
	  0x0303, "" },
	{ "sentinel, 1.3 was not offered", ONE2, CREC(CHM(HEAD)) SREC(SHM("0303 D <> c02f 00")), PASS,
	  0x0303, 0x0303, "" },
	{ "sentinel of 1.1, 1.3 was offered", ONE2, CH(V1312) SREC(SHM("0303 Z <> c02f 00")), DOWN,
	  0x0304, 0x0303, "" },
	{ "sentinel, 1.3 demanded", ONE3, CH(V1312) SREC(SHM("0303 D <> c02f 00")), DOWN, 0x0304,
	  0x0303, "" },
	{ "sentinel, but 1.3", ONE3, CH(V13) SREC(SHM("0303 D <> 1301 00 (" S13 ")")), PASS, 0x0304,
	  0x0304, "" },
	{ "1.3 without encryption", ONE3, CH(V13) SREC(SHM("0303 R <> c0b4 00 (" S13 ")")), DOWN,
	  0x0304, 0x0304, "" },
	{ "1.2 without encryption", ONE2, CREC(CHM(HEAD)) SREC(SHM("0303 R <> 003b 00")), DOWN, 0x0303,
	  0x0303, "" },
	{ "1.3 in the legacy version", ONE3, CREC(CHM("0304 R <> (1301) <00>")) "!", DOWN, 0x0304, 0,
	  "" },
	{ "1.3 in the server's legacy version", ONE3, CH(V13) SREC(SHM("0304 R <> 1301 00")), DOWN,
	  0x0304, 0x0304, "" },
	{ "the same for 1.2", ONE2, CH(V1312) SREC(SHM("0304 R <> 1301 00")), BAD, 0x0304, 0x0304, "" },

	/* HelloRetryRequest. */
	{ "retry", ONE3, CH(V13) HRR(S13 "0033(001d)") CH(V13) SH(S13) "!", PASS, 0x0304, 0x0304, "" },
	{ "retry, ChangeCipherSpecs", ONE3, CH(V13) HRR(S13) CCS "C" CCS CH(V13) SH(S13), PASS, 0x0304,
	  0x0304, "" },
	{ "retry, the server's ChangeCipherSpec overtaken", ONE3, CH(V13) HRR(S13) CH(V13) "S" CCS
	  SH(S13), PASS, 0x0304, 0x0304, "" },
	{ "retry, cookie", ONE3, CH(V13) HRR(S13 "002c((%20:c0))") CH(V13 "002c((%20:c0))") SH(S13),
	  PASS, 0x0304, 0x0304, "" },
	{ "retry for 1.2", ONE2, CH(V1312) HRR(S13) CH(V1312) SH(S13), PASS, 0x0304, 0x0304, "" },
	{ "retry, then no ServerHello", ONE3, CH(V13) HRR(S13) CH(V13), MORE, 0x0304, 0x0304, "" },
	{ "two retries", ONE3, CH(V13) HRR(S13) CH(V13) HRR(S13) "!", BAD, 0x0304, 0x0304, "" },
	{ "retry to 1.2", ONE3, CH(V1312) HRR(""), DOWN, 0x0304, 0x0303, "" },
	{ "retry to 1.2 for 1.2", ONE2, CH(V1312) HRR(""), BAD, 0x0304, 0x0303, "" },
	{ "retry, then 1.2 offered", ONE3, CH(V1312) HRR(S13) CH(V12) "!", DOWN, 0x0303, 0x0304, "" },
	{ "the same for 1.2", ONE2, CH(V1312) HRR(S13) CH(V12) "!", BAD, 0x0303, 0x0304, "" },
	{ "retry, then 1.2 selected", ONE3, CH(V1312) HRR(S13) CH(V1312) SH12, DOWN, 0x0304, 0x0303,
	  "" },
	{ "the same for 1.2", ONE2, CH(V1312) HRR(S13) CH(V1312) SH12, BAD, 0x0304, 0x0303, "" },
	{ "retry, then a ServerHello without a hello", ONE3, CH(V13) HRR(S13) "S 160303!", BAD, 0x0304,
	  0x0304, "" },
	{ "retry and ServerHello in one record", ONE3, CH(V13) SREC(SHM("0303 Q <> 1301 00 (" S13 ")")
	  "02!"), BAD, 0x0304, 0x0304, "" },
	{ "two hellos without a retry", ONE3, CH(V13) "C 160301!", BAD, 0x0304, 0, "" },
	{ "second hello in the first one's record", ONE3, CREC(CHM(HEAD "(" V13 ")") "01!"), BAD,
	  0x0304, 0, "" },
	{ "a random like a retry's but for its last byte", ONE3, CH(V13) SREC(SHM("0303 cf21ad74e59a61"
	  "11be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339d <> 1301 00 (" S13 ")")), PASS, 0x0304,
	  0x0304, "" },

	/* Early data, ChangeCipherSpec, alerts. */
	{ "early data", ONE3, CH(V13 EARLY PSK) CCS DATA DATA SH(S13), PASS, 0x0304, 0x0304, "" },
	{ "early data, retry", ONE3, CH(V13 EARLY PSK) CCS DATA HRR(S13) "C" DATA CH(V13 PSK) SH(S13),
	  PASS, 0x0304, 0x0304, "" },
	{ "early data, retry, more of it after the hello", ONE3, CH(V13 EARLY PSK) HRR(S13)
	  CH(V13 PSK) "170303!", BAD, 0x0304, 0x0304, "" },
	{ "early data, announced again after a retry", ONE3, CH(V13 EARLY PSK) HRR(S13)
	  CH(V13 EARLY PSK) "!", BAD, 0x0304, 0x0304, "" },
	{ "early data, not announced", ONE3, CH(V13 PSK) "170303!", BAD, 0x0304, 0, "" },
	{ "early data without a key", ONE3, CH(V13 EARLY) "!", BAD, 0x0304, 0, "" },
	{ "early data for 1.2", ONE2, CH(V12 EARLY PSK) "!", BAD, 0x0303, 0, "" },
	{ "early data with a body", ONE3, CH(V13 "002a(00000001)" PSK), BAD, 0, 0, "" },
	{ "early data, as much as may be", ONE3, CH(V13 EARLY PSK) "170303(%4000:aa) 170303(%4000:aa)"
	  "170303(%4000:aa) 170303(%4000:aa)" SH(S13), PASS, 0x0304, 0x0304, "" },
	{ "early data without an end", ONE3, CH(V13 EARLY PSK) "170303(%4000:aa) 170303(%4000:aa)"
	  "170303(%4000:aa) 170303(%4000:aa) 170303(00!00)", BAD, 0x0304, 0, "" },
	{ "key not the last extension", ONE3, CH(PSK V13), BAD, 0, 0, "" },
	{ "ChangeCipherSpec before early data only", ONE3, CH(V13) "140303!", BAD, 0x0304, 0, "" },
	{ "two ChangeCipherSpecs", ONE3, CH(V13) HRR(S13) "C" CCS "140303!", BAD, 0x0304, 0x0304, "" },
	{ "ChangeCipherSpec of 2", ONE3, CH(V13) HRR(S13) "C 140303(02!)", BAD, 0x0304, 0x0304, "" },
	{ "ChangeCipherSpec of two bytes", ONE3, CH(V13) HRR(S13) "C 140303(!0101)", BAD, 0x0304,
	  0x0304, "" },
	{ "server's ChangeCipherSpec before its hello", ONE3, CH(V13) "S 140303!", BAD, 0x0304, 0, "" },
	{ "ChangeCipherSpec within a hello", ONE3, CH(V13) HRR(S13) "C 160303(0100) 140303!(01)", BAD,
	  0x0304, 0x0304, "" },
	{ "server's alert", ONE3, CH(V13) "S" ALERT, MORE, 0x0304, 0, "" },
	{ "server's alert before the hello is whole", ONE3, "C 160301(0100) S" ALERT, MORE, 0, 0, "" },
	{ "a hello after the alert", ONE3, CH(V13) "S" ALERT "160303!", BAD, 0x0304, 0, "" },
	{ "client's alert", ONE3, CH(V13) "C 150303(015a) 150303(0100)", MORE, 0x0304, 0, "" },
	{ "three alerts", ONE3, CH(V13) "C 150303(015a) 150303(0100) 150303!", BAD, 0x0304, 0, "" },
	{ "early data after the client's alert", ONE3, CH(V13 EARLY PSK) ALERT "170303!", BAD, 0x0304,
	  0, "" },
	{ "alert of level 0", ONE3, CH(V13) "S 150303(00!28)", BAD, 0x0304, 0, "" },
	{ "alert of three bytes", ONE3, CH(V13) "S 150303(!022800)", BAD, 0x0304, 0, "" },
	{ "alert within a hello", ONE3, "C 160301(0100) 150301!", BAD, 0, 0, "" },

	/* Not TLS. */
	{ "HTTP", ONE3, "C 47!4554202f20485454502f312e310d0a", PLAIN, 0, 0, "" },
	{ "SSH", ONE3, "C 53!53482d322e302d", PLAIN, 0, 0, "" },
	{ "the server's SSH", ONE3, "S 53!53482d322e302d", PLAIN, 0, 0, "" },
	{ "the server's greeting after half a hello", ONE3, "C 160301(0100) S 32!32300d0a", PLAIN, 0, 0,
	  "" },
	{ "telnet", ONE3, "C ff!fd18fffd20", PLAIN, 0, 0, "" },
	{ "MQTT", ONE3, "C 10!1000044d5154540402003c0004", PLAIN, 0, 0, "" },
	{ "SSL 2.0's hello", ONE2, "C 80!2e010301001500000010", PLAIN, 0, 0, "" },
	{ "DTLS in a stream", ONE2, "C 16fe!fd0000", PLAIN, 0, 0, "" },
	{ "a first byte like TLS's", ONE3, "C 1600!00", PLAIN, 0, 0, "" },
	{ "HTTP for an answer", ONE3, CH(V13) "S 48!545450", PLAIN, 0x0304, 0, "" },
	{ "nothing", ONE3, "C", MORE, 0, 0, "" },

	/* In the wrong order. */
	{ "alert first", ONE3, "C 150301!", BAD, 0, 0, "" },
	{ "data first", ONE3, "C 170303!", BAD, 0, 0, "" },
	{ "ChangeCipherSpec first", ONE3, "C 140303!", BAD, 0, 0, "" },
	{ "ServerHello first", ONE3, "S 160303!", BAD, 0, 0, "" },
	{ "ServerHello before the hello is whole", ONE3, "C 160301(01000041) S 160303!", BAD, 0, 0, "" },
	{ "the client's ServerHello", ONE3, "C 160303(02!)", BAD, 0, 0, "" },
	{ "the server's ClientHello", ONE3, CH(V13) "S 160303(01!)", BAD, 0x0304, 0, "" },
	{ "HelloRequest", ONE2, CREC(CHM(HEAD)) "S 160303(00!)", BAD, 0x0303, 0, "" },
	{ "data for an answer", ONE3, CH(V13) "S 170303!", BAD, 0x0304, 0, "" },
	{ "garbage after the hello", ONE3, CH(V13) "C 47!", BAD, 0x0304, 0, "" },
	{ "heartbeat", ONE3, CH(V13) "C 18!", BAD, 0x0304, 0, "" },
	{ "a record after 1.3's ServerHello begins in its own", ONE3, CH(V13)
	  SREC(SHM("0303 R <> 1301 00 (" S13 ")") "08"), BAD, 0x0304, 0x0304, "" },

	/* Records. */
	{ "record of 0 bytes", ONE3, "C 160301(!)", BAD, 0, 0, "" },
	{ "record of 16,384 bytes", ONE3, "C 160301 4000 01 003ffc", MORE, 0, 0, "" },
	{ "record of 16,385 bytes", ONE3, "C 160301 4001!", BAD, 0, 0, "" },
	{ "early data of 16,640 bytes", ONE3, CH(V13 EARLY PSK) "170303 4100", MORE, 0x0304, 0, "" },
	{ "early data of 16,641 bytes", ONE3, CH(V13 EARLY PSK) "170303 4101!", BAD, 0x0304, 0, "" },
	{ "early data of 0 bytes", ONE3, CH(V13 EARLY PSK) "170303 0000!", BAD, 0x0304, 0, "" },
	{ "record version 0304", ONE3, "C 160304!", BAD, 0, 0, "" },
	{ "record version 0203", ONE3, "C 1602!03", PLAIN, 0, 0, "" },
	{ "later record version 0203", ONE3, "C 160301(0100) 1602!03", BAD, 0, 0, "" },
	{ "later record version 0300", ONE3, "C 160301(0100) 160300!", BAD, 0, 0, "" },

	/* Lengths that contradict one another. */
	{ "hello of 0 bytes", ONE3, CREC("01 000000!"), BAD, 0, 0, "" },
	{ "hello that ends in its session id", ONE3, CREC(CHM("0303 R 20!0000")), BAD, 0, 0, "" },
	{ "session id of 33 bytes", ONE3, CREC(CHM("0303 R 21!%21:00 (1301) <00> (" V13 ")")), BAD, 0, 0,
	  "" },
	{ "no cipher suites", ONE3, CREC(CHM("0303 R <> ()! <00> (" V13 ")")), BAD, 0, 0, "" },
	{ "cipher suites of 3 bytes", ONE3, CREC(CHM("0303 R <> 0003!130113 <00> (" V13 ")")), BAD, 0, 0,
	  "" },
	{ "cipher suites beyond the hello", ONE3, CREC(CHM("0303 R <> fffe!1301 <00> (" V13 ")")), BAD,
	  0, 0, "" },
	{ "no compression methods", ONE3, CREC(CHM("0303 R <> (1301) <>! (" V13 ")")), BAD, 0, 0, "" },
	{ "no compression method 0", ONE2, CREC(CHM("0303 R <> (c02f) <01>!")), BAD, 0, 0, "" },
	{ "1.3 with compression methods", ONE3, CREC(CHM("0303 R <> (1301) <0001> (" V13 ")")) "!", BAD,
	  0x0304, 0, "" },
	{ "1.3 with legacy version 0301", ONE3, CREC(CHM("0301 R <> (1301) <00> (" V13 ")")) "!", BAD,
	  0x0304, 0, "" },
	{ "legacy version 0403", ONE3, CREC(CHM("0403!R <> (1301) <00> (" V13 ")")), BAD, 0, 0, "" },
	{ "half an extension block's length", ONE3, CREC(CHM(HEAD "!00")), BAD, 0, 0, "" },
	{ "extension block too long", ONE3, CREC(CHM(HEAD "0008!" V13)), BAD, 0, 0, "" },
	{ "extension block too short", ONE3, CREC(CHM(HEAD "0006!" V13)), BAD, 0, 0, "" },
	{ "bytes after the extensions", ONE3, CREC(CHM(HEAD "(" V13 ")" "00")), BAD, 0, 0, "" },
	{ "half an extension's type", ONE3, CH(V13 "!00"), BAD, 0, 0, "" },
	{ "half an extension's length", ONE3, CH(V13 "0017!00"), BAD, 0, 0, "" },
	{ "extension beyond the block", ONE3, CH(V13 "0017 0001!"), BAD, 0, 0, "" },
	{ "supported_versions beyond the block", ONE3, CH("002b 0004!02 0304"), BAD, 0, 0, "" },
	{ "supported_versions, list too long", ONE3, CH("002b(04!0304)"), BAD, 0, 0, "" },
	{ "supported_versions, list too short", ONE3, CH("002b(02!03040303)"), BAD, 0, 0, "" },
	{ "supported_versions, odd list", ONE3, CH("002b(<03 0304>)"), BAD, 0, 0, "" },
	{ "supported_versions, empty list", ONE3, CH("002b(<>!)"), BAD, 0, 0, "" },
	{ "supported_versions, empty", ONE3, CH("002b()!"), BAD, 0, 0, "" },
	{ "supported_versions twice", ONE3, CH(V12 "002b!(<0304>)"), BAD, 0, 0, "" },
	{ "server name twice", ONE3, CH(NAME V13 "0000!((00(612e62)))"), BAD, 0, 0, "a.b" },
	{ "server name, empty", ONE3, CH("0000()!" V13), BAD, 0, 0, "" },
	{ "server name, empty list", ONE3, CH("0000(())" V13), BAD, 0, 0, "" },
	{ "server name, list too long", ONE3, CH("0000(0007!00(612e62))" V13), BAD, 0, 0, "" },
	{ "server name, list too short", ONE3, CH("0000(0005!00(612e62))" V13), BAD, 0, 0, "" },
	{ "server name, name beyond the list", ONE3, CH("0000((00 0004!612e62))" V13), BAD, 0, 0, "" },
	{ "server name, name of 0 bytes", ONE3, CH("0000((00()))" V13), BAD, 0, 0, "" },
	{ "server name, of another type", ONE3, CH("0000((01(612e62) 00(612e63)))" V13), MORE, 0x0304, 0,
	  "a.c" },
	{ "server name, unprintable", ONE3, CH("0000((00(61007f)))" V13), MORE, 0x0304, 0, "a??" },
	{ "server name, two", ONE3, CH("0000((00(61)00(62)))" V13), MORE, 0x0304, 0, "a" },
	{ "server name, another after a retry", ONE3, CH(NAME V13) HRR(S13) CH("0000((00(63)))" V13),
	  MORE, 0x0304, 0x0304, "a.b" },
	{ "server name of 65 bytes", ONE3, CH("0000((00(%41:61)))" V13) SH(S13), PASS, 0x0304, 0x0304,
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
	{ "selected version of 3 bytes", ONE3, CH(V13) SH("002b(030400)"), BAD, 0x0304, 0, "" },
	{ "selected version of 1 byte", ONE3, CH(V13) SH("002b(03)"), BAD, 0x0304, 0, "" },
	{ "selected version twice", ONE3, CH(V13) SH(S13 "002b!(0304)"), BAD, 0x0304, 0, "" },
	{ "selected version unknown", ONE3, CH("002b(<03050304>)") SH("002b(0305)"), BAD, 0x0305, 0x0305,
	  "" },
	{ "selected version GREASE", ONE3, CH(V13) SH("002b(0a0a)"), BAD, 0x0304, 0, "" },
	{ "1.3 selected, not offered", ONE2, CH(V12) SH(S13), BAD, 0x0303, 0x0304, "" },
	{ "1.2 selected, not offered", ONE2, CH(V13) SH12, BAD, 0x0304, 0x0303, "" },
	{ "1.3 selected with legacy version 0302", ONE3, CH(V13) SREC(SHM("0302 R <> 1301 00 (" S13 ")")),
	  BAD, 0x0304, 0x0304, "" },
	{ "1.3 selected with compression", ONE3, CH(V13) SREC(SHM("0303 R <> 1301 01 (" S13 ")")), BAD,
	  0x0304, 0x0304, "" },
	{ "ServerHello, session id of 33 bytes", ONE3, CH(V13)
	  SREC(SHM("0303 R 21!%21:00 1301 00 (" S13 ")")), BAD, 0x0304, 0, "" },
	{ "ServerHello, extension block too long", ONE3, CH(V13)
	  SREC(SHM("0303 R <> 1301 00 0007!" S13)), BAD, 0x0304, 0, "" },
	{ "ServerHello that ends in its cipher suite", ONE3, CH(V13) SREC(SHM("0303 R <>!13")), BAD,
	  0x0304, 0, "" },
	{ "ServerHello, extension within another's length", ONE3, CH(V13) SH("0033 0006" S13) "!", DOWN,
	  0x0304, 0x0303, "" },

	/* Size. */
	{ "hello as long as one can be", ONE3, "C 160301 4000 01 020244 0303", MORE, 0, 0, "" },
	{ "hello longer than one can be", ONE3, "C 160301 4000 01 020245!", BAD, 0, 0, "" },
	{ "hello of 16 MiB", ONE3, "C 160301 4000 01 ffffff!", BAD, 0, 0, "" },
	{ "hello of 64 KiB", ONE3, "C 160301 4000 01 00fffc 0303 R 00 (1301) <00> ffd1 0015 ffc6 %3fcd:00"
	  "160301 4000 %4000:00 160301 4000 %4000:00 160301 4000 %3ff9:00" V13 SH(S13), PASS, 0x0304,
	  0x0304, "" },
};

#define TLS_ROWS (sizeof(tls_rows) / sizeof(tls_rows[0]))

#endif
