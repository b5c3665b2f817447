/* SPDX-License-Identifier: GPL-2.0 */
/* Text as XML. */
#ifndef CORDON_XML_H
#define CORDON_XML_H

#include <stdio.h>

void xml_text(const char *text, size_t len, unsigned int most, FILE *out);

#endif
