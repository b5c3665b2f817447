/* SPDX-License-Identifier: GPL-2.0 */
/* IEEE 802.1X by hostapd (the authenticator) and FreeRADIUS (who checks the certificate). */
#ifndef CORDON_EAPOL_H
#define CORDON_EAPOL_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pki/pki.h"

#define EAPOL_CONTROL_DIR	"/run/hostapd"
#define EAPOL_DIR		"/etc/cordon/8021x"
#define EAPOL_REPLY_MAX		4096	/* bytes of a reply or an event, as hostapd's own */
#define EAPOL_HEARD_MAX		64
#define EAPOL_TOKEN_DIGITS	32	/* 128 bits, in hexadecimal */
#define EAPOL_TOKEN_LEN		(EAPOL_TOKEN_DIGITS + 1)
#define EAPOL_USER_LEN		254	/* of RADIUS' User-Name, terminated */

/**
 * struct eapol_session - what hostapd says of a station
 * @mac: of its frames
 * @authorized: hostapd's port is open for it; during a re-authentication, still
 * @authenticated: and no authentication is under way: @user is that of the last one that succeeded
 * @successes: how many authentications of this session did
 * @period: seconds from one to the next; 0, there is none
 * @user: User-Name of the RADIUS server's answer, or, if that has none, what the station calls itself
 */
struct eapol_session {
	uint8_t mac[6];
	bool authorized;
	bool authenticated;
	uint32_t successes;
	uint32_t period;
	char user[EAPOL_USER_LEN];
};

/** enum eapol_event - what has become of a session */
enum eapol_event {
	EAPOL_CHANGED,		/* it began, or was authenticated anew */
	EAPOL_ENDED,
};

/* session.c */
int eapol_session_parse(const char *text, struct eapol_session *out);
int eapol_event_parse(const char *text, uint8_t mac[6]);
bool eapol_token_is_valid(const char *token);
int eapol_token_read(const char *path, char token[EAPOL_TOKEN_LEN]);
int eapol_serial(const struct eapol_session *s, const char *token, uint8_t serial[PKI_SERIAL_LEN]);

/** struct eapol_heard - an event: EAPOL_CHANGED or EAPOL_ENDED, and of whom */
struct eapol_heard {
	int what;
	uint8_t mac[6];
};

/**
 * struct eapol_control - hostapd, of one interface
 * @port: the interface
 * @commands: a socket for requests and their replies; -1, there is none
 * @events: one for what it tells unasked
 * @heard: events that came while a reply was awaited, in their order
 * @n_heard: how many
 * @missed: there were more
 */
struct eapol_control {
	char port[IF_NAMESIZE];
	int commands;
	int events;
	struct eapol_heard heard[EAPOL_HEARD_MAX];
	size_t n_heard;
	bool missed;
};

/* control.c */
int eapol_control_open(struct eapol_control *c, const char *dir, const char *port);
void eapol_control_close(struct eapol_control *c);
int eapol_control_ask(struct eapol_control *c, const char *command, char reply[EAPOL_REPLY_MAX]);
int eapol_control_event(struct eapol_control *c, uint8_t mac[6]);

/* config.c: the files, as text; NULL, no memory. free() it, after explicit_bzero(). */
char *eapol_hostapd_conf(const char *port, const char *secret);
char *eapol_radiusd_conf(const char *dir, const char *secret, const char *token);

#endif
