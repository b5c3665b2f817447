/* SPDX-License-Identifier: GPL-2.0 */
/* To ask cordon-fleet over its socket, and wait: for cordonctl. See README. */
#ifndef CORDON_FLEET_ASK_H
#define CORDON_FLEET_ASK_H

#include <jansson.h>
#include <stddef.h>

/**
 * fleet_ask - ask, and wait for the answer
 * @run: directory of the socket
 * @question: without "id"; is taken over
 * @timeout: ms
 * @answer: the whole answer; json_decref()
 * @why: a sentence, on failure
 * @size: of @why
 *
 * Return: 0; -ENOENT, cordon-fleet does not run; -EACCES; -ETIMEDOUT; -EPROTO.
 */
int fleet_ask(const char *run, json_t *question, int timeout, json_t **answer, char *why, size_t size);

#endif
