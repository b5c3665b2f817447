// SPDX-License-Identifier: GPL-2.0
/* roundtrip FILE: read a policy and print it, as 'show policy' prints the kernel's. */
#include "../../userspace/lib/policy.h"
#include "../../userspace/lib/yaml.h"

int main(int argc, char **argv)
{
	struct policy *p = NULL;

	if (argc != 2 || policy_load(argv[1], &p, stderr))
		return 1;
	policy_print(p, stdout);
	policy_free(p);
	return 0;
}
