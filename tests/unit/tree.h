/* SPDX-License-Identifier: GPL-2.0 */
/* What a test has made in a directory goes with it. */
#ifndef TREE_H
#define TREE_H

#include <ftw.h>
#include <stdio.h>

static int tree_remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

static int tree_remove(const char *path)
{
	return nftw(path, tree_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
