/* SPDX-License-Identifier: GPL-2.0 */
/* Who made a network card, as IEEE's list says (Debian's package ieee-data). */
#ifndef CORDON_OUI_H
#define CORDON_OUI_H

#include "../lib/policy.h"

#define OUI_PATH "/usr/share/ieee-data/oui.txt"

struct oui;

struct oui *oui_open(const char *path);
void oui_close(struct oui *oui);
const char *oui_vendor(const struct oui *oui, const u8 mac[6]);

#endif
