// SPDX-License-Identifier: GPL-2.0
/* cordon-fleet: serve.yaml, the processes, and the loop. */
#include <stdio.h>

#include "fleet/fleet.h"

int main(void)
{
	static struct serve_config config;

	return serve_config_load(NULL, &config, stderr) ? 1 : 0;
}
