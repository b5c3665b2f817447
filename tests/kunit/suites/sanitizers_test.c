// SPDX-License-Identifier: GPL-2.0
/* The suites are worth running only where a bug in the code under test makes a noise. */
#include <kunit/test.h>

static void sanitizers_kernel(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, IS_ENABLED(CONFIG_KASAN_GENERIC));
	KUNIT_EXPECT_TRUE(test, IS_ENABLED(CONFIG_UBSAN_SHIFT));
	KUNIT_EXPECT_TRUE(test, IS_ENABLED(CONFIG_PROVE_LOCKING));
	KUNIT_EXPECT_TRUE(test, IS_ENABLED(CONFIG_PROVE_RCU));
	KUNIT_EXPECT_TRUE(test, IS_ENABLED(CONFIG_DEBUG_ATOMIC_SLEEP));
	KUNIT_EXPECT_TRUE(test, IS_ENABLED(CONFIG_DEBUG_KMEMLEAK));
}

static void sanitizers_this_module(struct kunit *test)
{
#ifdef __SANITIZE_ADDRESS__
	KUNIT_SUCCEED(test);
#else
	KUNIT_FAIL(test, "compiled without -fsanitize=kernel-address");
#endif
}

static struct kunit_case sanitizers_cases[] = {
	KUNIT_CASE(sanitizers_kernel),
	KUNIT_CASE(sanitizers_this_module),
	{}
};

static struct kunit_suite sanitizers_suite = {
	.name = "sanitizers",
	.test_cases = sanitizers_cases,
};

kunit_test_suite(sanitizers_suite);
