/* SPDX-License-Identifier: GPL-2.0 */
/* What the core takes from outside; user space compiles the core with this shim. */
#ifndef _CORDON_TYPES_H
#define _CORDON_TYPES_H

#ifdef __KERNEL__
#include <linux/bits.h>
#include <linux/types.h>
#include <linux/errno.h>
#include <linux/string.h>
#include <linux/sort.h>
#include <linux/minmax.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <asm/barrier.h>
#else
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef int32_t s32;
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define BIT_ULL(n) (1ULL << (n))
#define READ_ONCE(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, value) __atomic_store_n(&(x), value, __ATOMIC_RELAXED)
/* Pairs with the look-ups of index.h. */
#define smp_store_release(p, value) __atomic_store_n(p, value, __ATOMIC_RELEASE)
#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) > (b) ? (a) : (b))

static inline void sort(void *base, size_t num, size_t size,
			int (*cmp)(const void *, const void *),
			void (*swap)(void *, void *, int))
{
	(void)swap;
	if (num)
		qsort(base, num, size, cmp);
}

/* GNU's qsort_r(), but for the last argument. */
static inline void sort_r(void *base, size_t num, size_t size,
			  int (*cmp)(const void *, const void *, const void *),
			  void (*swap)(void *, void *, int, const void *), const void *priv)
{
	(void)swap;
	if (num)
		qsort_r(base, num, size, (int (*)(const void *, const void *, void *))cmp,
			(void *)(uintptr_t)priv);
}
#endif

#include "limits.h"

#endif
