/* SPDX-License-Identifier: GPL-2.0 */
/* What the commands on a gateway share. */
#ifndef CORDON_CTL_H
#define CORDON_CTL_H

#include <jansson.h>

#include "ctl/command.h"
#include "lib/yaml.h"
#include "nl/nl.h"

/* common.c */
const char *policy_file(const struct command *self, int argc, char **argv);
int complain_nl(const struct cnl *nl);
bool open_kernel(struct cnl *nl);
bool policy_in_force(void);
int add_learned(struct cnl *nl, struct policy *p, struct policy *q);
bool parse_device(const char *word, const char **name, const u8 **mac, u8 buf[6]);

/* people.c */
#define PEOPLE_LEN	24
const char *people_number(u64 n, bool exact, char out[PEOPLE_LEN]);
const char *people_time(u64 seconds, char out[PEOPLE_LEN]);

/* cmd_module.c */
int module_load(const char *parameters);
int module_unload(void);
bool module_is_loaded(void);

/* cmd_boot.c */
int module_reload(const struct command *self, int argc, char **argv);

/* closed.c */
int closed_install(void);
int closed_remove(void);

/* keep.c */
struct state;
int keep_collect(struct cnl *nl, const char *dir, struct state **out);
int keep_state(struct cnl *nl, const char *dir);
const char *keep_place(const char *option, bool needed);

/* guard.c */
unsigned int guard_check(struct cnl *nl, const char *path, const struct policy *after, const struct policy *before,
			 const struct cnl_runtime *runtime);

/* applied.c */
void applied_note(u32 generation);
unsigned int applied_too_soon(u32 generation);

/* cmd_serve.c */
struct serve_config;
bool serve_is_running(const struct serve_config *c);
int serve_holder(const struct serve_config *c);

/* device_token.c */
int device_token(const struct command *self, int argc, char **argv);

/* device_pending.c */
struct store;
int registry_device(struct store *store, const char *word, char name[CORDON_DEVICE_NAME_LEN]);
int device_pending(const struct command *self, int argc, char **argv);
int device_approve(const struct command *self, int argc, char **argv);

/* device_lease.c */
bool device_lease_is_certified(int argc, char **argv);
int device_lease(const struct command *self, int argc, char **argv);

/* device_bind.c */
int device_bind(const struct command *self, int argc, char **argv);
int device_unbind(const struct command *self, int argc, char **argv);

/* device_unknown.c */
int device_unknown(const struct command *self, int argc, char **argv);
int device_adopt(const struct command *self, int argc, char **argv);

/* device_list.c, device_show.c, device_retire.c */
int device_list(const struct command *self, int argc, char **argv);
int device_show(const struct command *self, int argc, char **argv);
int device_retire(const struct command *self, int argc, char **argv);

/* cmd_firmware_sign.c */
int firmware_sign(const struct command *self, int argc, char **argv);

/* serve_stats.c */
struct metrics_out;
void prometheus_serve(struct metrics_out *o);
int serve_stats(const char *run, bool json);

/* serve_status.c */
int serve_status(const struct serve_config *c, bool json);

/* serve_reload.c */
int serve_reload(const struct serve_config *c, bool json);

/* expiry.c */
void expiry_warn(const char *dir, const char *registry, FILE *file);
json_t *json_expiry(const char *dir, const char *registry);
void prometheus_expiry(struct metrics_out *out, const char *dir, const char *registry);

/* terminal.c */
bool terminal_is(void);
void terminal_begin(void);
void terminal_end(void);
#define TERMINAL_RESIZED	256
int terminal_wait(int ms);
void terminal_size(unsigned int *columns, unsigned int *lines);
bool terminal_is_utf8(void);
void terminal_draw(const char *text, size_t len);

/* versions.c */

/** struct versions - what devices run, by their names */
struct versions {
	struct version *list;
	size_t n;
	size_t room;
};

void versions_load(struct versions *v, const char *path);
const char *versions_find(const struct versions *v, const char *name);
void versions_free(struct versions *v);

/* interfaces.c */
void interfaces_warn(const struct cnl_interfaces *all, bool missing, bool observe, FILE *out);
const char *interface_why(const struct cnl_interface *i, char *out, size_t size);
void interface_print(const struct cnl_interface *i);
void interface_print_event(const struct cnl_interface *i);
json_t *json_interface(const struct cnl_interface *i);

/* out.c */
void json_print(json_t *value);
void json_line(json_t *value);
json_t *json_text(const char *text);
json_t *json_count(u64 count);
json_t *json_addr(const struct cordon_addr *a);
void json_set_ports(json_t *out, const struct cnl_ports *ports);
json_t *json_device(const struct cnl_device *d, bool stats);
#define DESTINATIONS_TEXT_LEN 96
const char *destinations_text(const struct cnl_device *d, char *buf);
json_t *json_binding(const struct cnl_binding *b);
json_t *json_hex(const u8 *bytes, size_t n);	/* at most 32 bytes */
json_t *json_stats(const struct cnl_stats *s);
json_t *json_segment(const struct cnl_segment *s);
json_t *json_rule(const struct cordon_draft *d, u32 i, const struct cnl_rule_use *use);
json_t *json_summary(const struct cnl_summary *s);

/**
 * struct json_list - an array that is printed as it comes
 * @open: something was printed
 */
struct json_list {
	bool open;
};

void json_list_add(struct json_list *list, json_t *value);
void json_list_end(struct json_list *list);

#endif
