/* SPDX-License-Identifier: GPL-2.0 */
/* What vendors ship, and what worms try first. */
#ifndef CORDON_SECRET_WORDS_H
#define CORDON_SECRET_WORDS_H

#include <stddef.h>

/* Compared after leet is undone on both sides; a secret made of nothing else is refused. */
static const char * const secret_words[] = {
	/* what anybody thinks of */
	"admin", "administrator", "root", "toor", "user", "guest", "support", "service", "tech",
	"operator", "manager", "supervisor", "master", "super", "superuser", "sysadmin", "test",
	"testing", "demo", "default", "defaultpassword", "password", "passwort", "passwd", "passw",
	"pass", "pwd", "passphrase", "secret", "geheim", "changeme", "change", "changeit",
	"welcome", "letmein", "login", "logon", "access", "private", "public", "temp", "temporary",
	"initial", "install", "setup", "config", "system", "server", "gateway", "router", "switch",
	"camera", "sensor", "device", "iot", "network", "internet", "wireless", "wifi", "security",
	"secure", "monkey", "dragon", "iloveyou", "sunshine", "princess", "football", "baseball",
	"shadow", "trustno", "hello", "whatever", "qwerty", "qwertz", "azerty", "asdf", "zxcv",
	"abc", "abcd", "xyz", "my", "the", "is", "me", "new", "your", "this", "it", "please",
	"company", "home", "office", "local", "factory", "backup", "oracle", "database",
	"mosquitto", "mqtt", "modbus", "scada", "plc", "enroll", "enrol", "token", "cordon",
	"123", "1234", "12345", "123456", "1234567", "12345678", "123456789", "1234567890",
	"111", "1111", "111111", "000", "0000", "000000", "666666", "888888", "54321", "654321",
	/* Mirai's list and its descendants' */
	"xc3511", "vizxv", "xmhdipc", "juantech", "klv123", "klv1234", "Zte521", "hi3518", "jvbzd",
	"anko", "zlxx", "7ujMko0vizxv", "7ujMko0admin", "ikwb", "dreambox", "realtek", "meinsm",
	"fucker", "mother", "ubnt", "smcadmin", "hunt5759", "tlJwpbo6", "S2fGqNFs", "OxhlwSG8",
	"GM8182", "cat1029", "xmhdpc", "tsgoingon", "antslq", "zhongxing", "telecomadmin",
	"nE7jA%5m", "grouter", "hslwificam", "20080826", "aquario", "h3c", "huawei", "epicrouter",
	/* platforms and vendors */
	"raspberry", "raspberrypi", "raspi", "pi", "arduino", "beaglebone", "temppwd", "debian",
	"ubuntu", "linux", "openwrt", "ddwrt", "alpine", "busybox", "cisco", "netgear", "linksys",
	"dlink", "tplink", "zyxel", "zte", "asus", "belkin", "ubiquiti", "mikrotik", "motorola",
	"hikvision", "dahua", "axis", "foscam", "reolink", "samsung", "sonos", "philips", "hue",
	"siemens", "schneider", "honeywell", "bosch", "abb", "rockwell", "moxa", "wago", "beckhoff",
	"tasmota", "esp8266", "esp32", "espressif", "shelly", "tuya", "xiaomi", "calvin", "alpine",
	"synology", "qnap", "fritzbox", "speedport", "easybox",
	NULL
};

#endif
