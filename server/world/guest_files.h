/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a version, from the store's list to what its guests are shown: deploy and hostapi do
 * not know one another.
 */
#ifndef SKERRY_SERVER_WORLD_GUEST_FILES_H
#define SKERRY_SERVER_WORLD_GUEST_FILES_H

#include "deploy/deploy.h"
#include "hostapi/hostapi.h"

/* Rows in the arena, which refer to the list; without a way to open them. False: no room, or no
 * list. */
NODISCARD bool
guest_files_make(struct bytes list, struct arena *arena, struct hostapi_files *ret_files);

#endif
