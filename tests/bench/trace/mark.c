// SPDX-License-Identifier: GPL-2.0
/* mark begin|end: an instruction that does nothing, and that tests/bench/trace/plugin.c knows */
#include <string.h>

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "begin"))
		asm volatile(".byte 0x0f, 0x1f, 0x84, 0x00, 'm', 'a', 'r', 'b'");
	else if (argc == 2 && !strcmp(argv[1], "end"))
		asm volatile(".byte 0x0f, 0x1f, 0x84, 0x00, 'm', 'a', 'r', 'e'");
	else
		return 2;
	return 0;
}
