// SPDX-License-Identifier: GPL-2.0
/* The files that hostapd and FreeRADIUS are started with. */
#include <stdarg.h>
#include <stdio.h>

#include "eapol/eapol.h"

#define RADIUS_PORT	18120	/* not 1812: a FreeRADIUS that is there for others keeps that */

static const char hostapd_conf[] =
	"# 802.1X on a wired port: cordonctl(8), 802.1X. Made by 'cordonctl ca export --hostapd', which replaces it.\n"
	"interface=%s\n"
	"driver=wired\n"
	"ctrl_interface=" EAPOL_CONTROL_DIR "\n"
	"ctrl_interface_group=0\n"
	"logger_syslog=-1\n"
	"logger_syslog_level=2\n"
	"logger_stdout=-1\n"
	"logger_stdout_level=2\n"
	"\n"
	"ieee8021x=1\n"
	"eapol_version=2\n"
	"# Devices send to 01:80:c2:00:00:03; answers go there, too. A bridge does not pass that on.\n"
	"use_pae_group_addr=1\n"
	"# Seconds until a device must prove itself again. Shorter than the lease of every segment whose devices are here:\n"
	"# a lease lasts as its segment says, and is renewed by this.\n"
	"eap_reauth_period=1800\n"
	"\n"
	"# FreeRADIUS checks certificates. hostapd's own EAP server would, too, but tells nobody whose it was.\n"
	"eap_server=0\n"
	"own_ip_addr=127.0.0.1\n"
	"nas_identifier=cordon\n"
	"auth_server_addr=127.0.0.1\n"
	"auth_server_port=%d\n"
	"auth_server_shared_secret=%s\n";

/* FreeRADIUS expands what stands in braces; in printf's text, %% is its %. */
static const char radiusd_conf[] =
	"# Who checks the certificates of 802.1X: cordonctl(8), 802.1X. FreeRADIUS 3; made by 'cordonctl ca export --hostapd',\n"
	"# which replaces it. It hears this machine alone, takes EAP-TLS alone, and answers with the certificate's serial number.\n"
	"name = freeradius\n"
	"prefix = /usr\n"
	"sysconfdir = /etc\n"
	"localstatedir = /var\n"
	"logdir = /var/log/freeradius\n"
	"raddbdir = %s\n"
	"confdir = ${raddbdir}\n"
	"run_dir = /run/freeradius\n"
	"libdir = /usr/lib/freeradius\n"
	"pidfile = ${run_dir}/cordon.pid\n"
	"max_requests = 4096\n"
	"hostname_lookups = no\n"
	"proxy_requests = no\n"
	"log {\n"
	"\tdestination = syslog\n"
	"\tsyslog_facility = daemon\n"
	"\t# User-Name of an answer is a secret.\n"
	"\tauth = no\n"
	"}\n"
	"security {\n"
	"\tallow_core_dumps = no\n"
	"\tmax_attributes = 200\n"
	"\treject_delay = 0\n"
	"\tstatus_server = no\n"
	"}\n"
	"thread pool {\n"
	"\tstart_servers = 1\n"
	"\tmax_servers = 4\n"
	"\tmin_spare_servers = 1\n"
	"\tmax_spare_servers = 2\n"
	"\tmax_requests_per_server = 0\n"
	"}\n"
	"client hostapd {\n"
	"\tipaddr = 127.0.0.1\n"
	"\tsecret = %s\n"
	"\trequire_message_authenticator = yes\n"
	"}\n"
	"modules {\n"
	"\talways reject {\n"
	"\t\trcode = reject\n"
	"\t}\n"
	"\teap {\n"
	"\t\tdefault_eap_type = tls\n"
	"\t\ttimer_expire = 60\n"
	"\t\tignore_unknown_eap_types = no\n"
	"\t\tmax_sessions = ${max_requests}\n"
	"\t\ttls-config cordon {\n"
	"\t\t\tprivate_key_file = ${confdir}/server.pem\n"
	"\t\t\tcertificate_file = ${confdir}/server.pem\n"
	"\t\t\tca_file = ${confdir}/ca.pem\n"
	"\t\t\t# ca.pem has the revocation list as it was when it was written, too. The registry is asked at each\n"
	"\t\t\t# authentication anyway; with yes, a list that has ended shuts everybody out.\n"
	"\t\t\tcheck_crl = no\n"
	"\t\t\ttls_min_version = \"1.2\"\n"
	"\t\t\t# Supplicants of before RFC 9190 do not get through EAP-TLS over TLS 1.3.\n"
	"\t\t\ttls_max_version = \"1.2\"\n"
	"\t\t\t# Each time the whole handshake: a session that is resumed shows no certificate.\n"
	"\t\t\tcache {\n"
	"\t\t\t\tenable = no\n"
	"\t\t\t}\n"
	"\t\t}\n"
	"\t\ttls {\n"
	"\t\t\ttls = cordon\n"
	"\t\t}\n"
	"\t}\n"
	"}\n"
	"server cordon {\n"
	"\tlisten {\n"
	"\t\ttype = auth\n"
	"\t\tipaddr = 127.0.0.1\n"
	"\t\tport = %d\n"
	"\t}\n"
	"\tauthorize {\n"
	"\t\tif (!&EAP-Message) {\n"
	"\t\t\treject\n"
	"\t\t}\n"
	"\t\teap\n"
	"\t}\n"
	"\tauthenticate {\n"
	"\t\teap\n"
	"\t}\n"
	"\tpost-auth {\n"
	"\t\tif (!&TLS-Client-Cert-Serial) {\n"
	"\t\t\treject\n"
	"\t\t}\n"
	"\t\t# Whose certificate it was; hostapd takes it for the station's name. What the station calls itself has stood\n"
	"\t\t# there until then: it cannot begin like this.\n"
	"\t\tupdate reply {\n"
	"\t\t\t&User-Name := \"cordon-%s-%%{TLS-Client-Cert-Serial}\"\n"
	"\t\t}\n"
	"\t}\n"
	"}\n";

static char *print(const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	return text;
}

/**
 * eapol_hostapd_conf - hostapd's configuration for a wired port
 * @port: the interface
 * @secret: between hostapd and FreeRADIUS
 */
char *eapol_hostapd_conf(const char *port, const char *secret)
{
	return print(hostapd_conf, port, RADIUS_PORT, secret);
}

/**
 * eapol_radiusd_conf - FreeRADIUS' configuration
 * @dir: where it lies, beside ca.pem and server.pem
 * @secret: between hostapd and FreeRADIUS
 * @token: by which its answers are known
 */
char *eapol_radiusd_conf(const char *dir, const char *secret, const char *token)
{
	return print(radiusd_conf, dir, secret, RADIUS_PORT, token);
}
