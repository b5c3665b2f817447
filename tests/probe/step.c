// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/policy.h"
#include "lib/yaml.h"
#include "step.h"

static int read_addresses(struct step *s, char *list)
{
	struct in_addr a;
	char *one;

	while ((one = strsep(&list, ","))) {
		if (s->n == CORDON_MAX_DEVICE_ADDRESSES || inet_pton(AF_INET, one, &a) != 1)
			return -1;
		s->addresses[s->n++] = cordon_addr_v4(ntohl(a.s_addr));
	}
	return 0;
}

static int read_mac(struct step *s, const char *digits)
{
	u8 *m = s->mac;

	return sscanf(digits, "%2hhx%2hhx%2hhx%2hhx%2hhx%2hhx", m, m + 1, m + 2, m + 3, m + 4, m + 5) == 6 ? 0 : -1;
}

static int read_state(struct step *s, const char *word)
{
	for (s->state = CORDON_STATE_QUARANTINED; s->state >= 0; s->state--)
		if (!strcmp(policy_state_name(s->state), word))
			return 0;
	return -1;
}

/*
 * set:NAME:SEGMENT:ADDRESS[,ADDRESS...]		in a segment, with these addresses
 * add:NAME:MAC:SEGMENT:ADDRESS[,...][:PORT]		a new one, whose MAC has twelve digits and no colons
 * del:NAME, lease:NAME:SECONDS, port:NAME:PORT, quality:NAME:STATE
 * whole:FILE						a policy
 * name:OLD:NEW:ADDRESS:MAC				an interface, and the neighbour behind it
 * Only addresses of IPv4.
 */
int step_read(struct step *s, char *text)
{
	char *word[6] = { 0 };
	int i;

	memset(s, 0, sizeof(*s));
	s->kind = *text;
	s->state = -1;
	s->lease = -1;
	if (s->kind == 'w') {
		text = strchr(text, ':');
		return text ? policy_load(text + 1, &s->policy, stderr) : -1;
	}
	for (i = 0; i < 6 && text; i++)
		word[i] = strsep(&text, ":");
	if (i < 2)
		return -1;
	snprintf(s->name, sizeof(s->name), "%s", word[1]);
	switch (s->kind) {
	case 'd':
		return i == 2 ? 0 : -1;
	case 'l':
		s->lease = i == 3 ? atoll(word[2]) : -1;
		return i == 3 ? 0 : -1;
	case 'p':
		snprintf(s->port, sizeof(s->port), "%s", i == 3 ? word[2] : "");
		return i == 3 ? 0 : -1;
	case 'q':
		return i == 3 ? read_state(s, word[2]) : -1;
	case 'n':
		snprintf(s->port, sizeof(s->port), "%s", i == 5 ? word[2] : "");
		return i != 5 || read_mac(s, word[4]) ? -1 : read_addresses(s, word[3]);
	case 's':
		if (i != 4)
			return -1;
		snprintf(s->segment, sizeof(s->segment), "%s", word[2]);
		return read_addresses(s, word[3]);
	case 'a':
		if (i < 5 || read_mac(s, word[2]))
			return -1;
		snprintf(s->segment, sizeof(s->segment), "%s", word[3]);
		if (i == 6)
			snprintf(s->port, sizeof(s->port), "%s", word[5]);
		return read_addresses(s, word[4]);
	}
	return -1;
}

static int put_in_force(struct cnl *nl, const struct policy *p)
{
	struct cnl_summary now;
	u32 generation;

	return cnl_summary(nl, &now) || cnl_commit(nl, p, NULL, now.generation, 0, &generation, NULL) ? -1 : 0;
}

static int set_up(int fd, struct ifreq *r, bool up)
{
	if (ioctl(fd, SIOCGIFFLAGS, r))
		return -1;
	r->ifr_flags = up ? r->ifr_flags | IFF_UP : r->ifr_flags & ~IFF_UP;
	return ioctl(fd, SIOCSIFFLAGS, r);
}

/* Kernels rename what is down; what was known of the neighbour goes with that. */
static int give_name(const struct step *s)
{
	struct arpreq arp = { .arp_flags = ATF_PERM | ATF_COM };
	struct sockaddr_in *to = (struct sockaddr_in *)&arp.arp_pa;
	struct ifreq r = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), ret = -1;

	to->sin_family = AF_INET;
	to->sin_addr.s_addr = htonl(s->addresses[0].lo);
	arp.arp_ha.sa_family = ARPHRD_ETHER;
	memcpy(arp.arp_ha.sa_data, s->mac, sizeof(s->mac));
	snprintf(arp.arp_dev, sizeof(arp.arp_dev), "%s", s->port);
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%.15s", s->name);
	if (fd < 0 || set_up(fd, &r, false))
		goto out;
	snprintf(r.ifr_newname, sizeof(r.ifr_newname), "%.15s", s->port);
	if (ioctl(fd, SIOCSIFNAME, &r))
		goto out;
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%.15s", s->port);
	if (!set_up(fd, &r, true))
		ret = ioctl(fd, SIOCSARP, &arp);
out:
	close(fd);
	return ret;
}

int step_take(struct cnl *nl, const struct step *s)
{
	struct cnl_change change = CNL_CHANGE_NONE;
	struct cnl_device now;

	switch (s->kind) {
	case 'd':
		return cnl_device_del(nl, s->name, NULL);
	case 'w':
		return put_in_force(nl, s->policy);
	case 'n':
		return give_name(s);
	}
	change.name = s->name;
	change.segment = *s->segment ? s->segment : NULL;
	change.ports[0] = s->port;
	change.n_ports = *s->port ? 1 : 0;
	change.addresses = s->addresses;
	change.n_addresses = s->n;
	change.state = s->state;
	change.lease = s->lease;
	if (s->kind != 'a')
		return cnl_device_set(nl, &change, &now);
	change.mac = s->mac;
	return cnl_device_new(nl, &change, &now);
}
