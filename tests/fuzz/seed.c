// SPDX-License-Identifier: GPL-2.0
/* seed DIR: the rows of the tests as inputs for the fuzzers, in DIR/tls and DIR/datagram. */
#include <stdio.h>
#include <string.h>

#include "../../kernel/core/dtls.h"
#include "../../kernel/core/quic.h"
#include "../../kernel/core/tls.h"
#include "../kunit/suites/datagram_rows.h"
#include "../kunit/suites/tls_rows.h"

static bool put(const char *dir, const char *area, size_t number, u8 demand, const char *flow)
{
	static const char demands[] = { [ONE2] = '2', [ONE3] = '3' };
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s-%03zu", dir, area, number);
	file = fopen(path, "w");
	if (!file)
		return false;
	fprintf(file, "%c%s", demand ? demands[demand] : 'q', flow);
	return !fclose(file);
}

int main(int argc, char **argv)
{
	bool good = argc == 2;
	size_t i;

	for (i = 0; good && i < TLS_ROWS; i++)
		good = put(argv[1], "tls/row", i, tls_rows[i].demand, tls_rows[i].flow);
	for (i = 0; good && i < DTLS_ROWS; i++)
		good = put(argv[1], "datagram/dtls", i, dtls_rows[i].demand, dtls_rows[i].flow);
	for (i = 0; good && i < QUIC_ROWS; i++)
		good = put(argv[1], "datagram/quic", i, quic_rows[i].demand, quic_rows[i].flow);
	return !good;
}
