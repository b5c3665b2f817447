// SPDX-License-Identifier: GPL-2.0
/* Parts that are not there yet: they do nothing. */
#include "fleet/internal.h"

#define WEAK	__attribute__((weak))

WEAK int fleet_kernel_begin(struct fleet *f) { (void)f; return 0; }
WEAK void fleet_kernel_end(struct fleet *f) { (void)f; }
WEAK void fleet_kernel_revoked(struct fleet *f, const uint8_t mac[6], const uint8_t fingerprint[32])
{ (void)f; (void)mac; (void)fingerprint; }
WEAK void fleet_kernel_mark(struct fleet *f, const uint8_t mac[6], bool quarantine)
{ (void)f; (void)mac; (void)quarantine; }
WEAK void fleet_kernel_agree(struct fleet *f) { (void)f; }
WEAK int fleet_holder_begin(struct fleet *f) { (void)f; return 0; }
WEAK void fleet_holder_end(struct fleet *f) { (void)f; }
WEAK int fleet_hand_start(struct fleet *f) { (void)f; return 0; }
WEAK int fleet_policy_begin(struct fleet *f) { (void)f; return 0; }
WEAK void fleet_policy_end(struct fleet *f) { (void)f; }
WEAK void fleet_policy_changed(struct fleet *f) { (void)f; }
WEAK void fleet_hold(struct fleet *f, uint64_t client, json_t *id, const json_t *q)
{ (void)q; fleet_say_no(f, client, id, "refused", "this cordon-fleet cannot do that"); }
WEAK void fleet_apply(struct fleet *f, uint64_t client, json_t *id, const json_t *q)
{ (void)q; fleet_say_no(f, client, id, "refused", "this cordon-fleet cannot do that"); }
WEAK void fleet_confirm(struct fleet *f, uint64_t client, json_t *id, const json_t *q)
{ (void)q; fleet_say_no(f, client, id, "refused", "this cordon-fleet cannot do that"); }
