// SPDX-License-Identifier: GPL-2.0
/* Who is first in a roll-out, and who is too old. */
#include "firmware/firmware.h"

/* Every bit of the result depends on every bit of @x (splitmix64). */
static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

/**
 * firmware_place - where a device stands in the circle
 * @device: its name
 *
 * Recorded in the registry: it never changes from release to release of this program.
 *
 * Return: 0 to INT64_MAX - 1.
 */
int64_t firmware_place(const char *device)
{
	uint64_t hash = 0xcbf29ce484222325;	/* FNV-1a */

	for (; *device; device++)
		hash = (hash ^ (unsigned char)*device) * 0x100000001b3;
	return (mix(hash) >> 1) % INT64_MAX;
}

/**
 * firmware_place_first - where in the circle a roll-out begins
 * @release: its number
 *
 * Return: 0 to INT64_MAX.
 */
int64_t firmware_place_first(int64_t release)
{
	return mix((uint64_t)release * 0x9e3779b97f4a7c15) >> 1;
}

/**
 * firmware_share - how many are in
 * @devices: of so many
 * @percent: 0 to 100
 *
 * Rounded up: 1 % of 10 devices is the one that tries it first.
 */
unsigned int firmware_share(unsigned int devices, unsigned int percent)
{
	return ((uint64_t)devices * percent + 99) / 100;
}

/**
 * firmware_is_outdated - must a device be kept to its update
 * @floor: of its model; NULL, there is none
 * @version: that it runs; NULL or empty, it never told
 * @grace: seconds that it has to get to the floor
 * @now: seconds since 1970
 * @until: when the answer becomes true if it stays on this version, or 0; may be NULL
 *
 * Who never told is below every floor. Free text is below none: it cannot be compared.
 */
bool firmware_is_outdated(const struct firmware_floor *floor, const char *version, uint32_t grace, time_t now,
			  time_t *until)
{
	const bool told = firmware_version_is_valid(version);
	time_t since;
	size_t i;

	if (until)
		*until = 0;
	if (!floor || (!told && version && *version))
		return false;
	if (told && firmware_version_compare(version, floor->version) >= 0)
		return false;
	since = floor->since;
	for (i = 0; i < floor->n_older; i++)
		if ((!told || firmware_version_compare(version, floor->older[i].version) < 0) &&
		    floor->older[i].since < since)
			since = floor->older[i].since;
	if ((int64_t)now - since >= grace)
		return true;
	if (until)
		*until = pki_later(since, grace);
	return false;
}
