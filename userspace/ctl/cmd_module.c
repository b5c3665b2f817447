// SPDX-License-Identifier: GPL-2.0
/* module: load and unload it, through libkmod. */
#include <libkmod.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "host/health.h"

#define MODULE "cordon"

/* The context, and the module by its name in it; NULL, they are not to be had, which is told. */
static struct kmod_ctx *open_kmod(struct kmod_module **mod)
{
	struct kmod_ctx *ctx = kmod_new(NULL, NULL);

	if (ctx && !kmod_module_new_from_name(ctx, MODULE, mod))
		return ctx;
	kmod_unref(ctx);
	complain("module", "libkmod cannot be used");
	return NULL;
}

static void close_kmod(struct kmod_ctx *ctx, struct kmod_module *mod)
{
	kmod_module_unref(mod);
	kmod_unref(ctx);
}

static int probe(struct kmod_ctx *ctx, const char *parameters)
{
	struct kmod_list *list = NULL, *item;
	int err;

	err = kmod_module_new_from_lookup(ctx, MODULE, &list);
	if (!err && !list)
		err = -ENOENT;
	kmod_list_foreach(item, list) {
		struct kmod_module *mod = kmod_module_get_module(item);

		if (!err)
			err = kmod_module_probe_insert_module(mod, KMOD_PROBE_APPLY_BLACKLIST,
							      parameters, NULL, NULL, NULL);
		kmod_module_unref(mod);
	}
	kmod_module_unref_list(list);
	return err;
}

/* Under Secure Boot, or with module.sig_enforce, a kernel says the first of a signature, the other of none. */
static const char *why_not_loaded(int err)
{
	if (err == -ENOENT)
		return "not installed for this kernel: 'cordonctl doctor' says which command mends that";
	if (err == -EPERM && host_number("", "/proc/sys/kernel/modules_disabled") == 1)
		return "no module can be loaded before the next start: kernel.modules_disabled is set";
	if (err == -EKEYREJECTED || err == -ENOKEY || (err == -EPERM && !geteuid()))
		return "the kernel refuses its signature (Secure Boot): 'mokutil --import /var/lib/dkms/mok.pub' and a reboot "
		       "enrol the key of DKMS; 'cordonctl doctor' says more";
	return err > 0 ? "blacklisted" : strerror(-err);
}

/**
 * module_load - load the module, unless it is
 * @parameters: of it, or NULL
 *
 * Return: EXIT_DONE; EXIT_REFUSED, and why is told.
 */
int module_load(const char *parameters)
{
	struct kmod_module *mod = NULL;
	struct kmod_ctx *ctx = open_kmod(&mod);
	int err;

	if (!ctx)
		return EXIT_REFUSED;
	err = probe(ctx, parameters);
	close_kmod(ctx, mod);
	return err ? complain("module", why_not_loaded(err)) : EXIT_DONE;
}

/**
 * module_unload - unload the module
 *
 * Return: EXIT_DONE; EXIT_REFUSED, and why is told.
 */
int module_unload(void)
{
	struct kmod_module *mod = NULL;
	struct kmod_ctx *ctx = open_kmod(&mod);
	int err;

	if (!ctx)
		return EXIT_REFUSED;
	err = kmod_module_remove_module(mod, 0);
	close_kmod(ctx, mod);
	if (err == -ENOENT)
		return complain("module", "not loaded");
	if (err)
		return complain("module", strerror(-err));
	return EXIT_DONE;
}

/** module_is_loaded - is it there? */
bool module_is_loaded(void)
{
	struct kmod_module *mod = NULL;
	struct kmod_ctx *ctx = open_kmod(&mod);
	int state;

	if (!ctx)
		return false;
	state = kmod_module_get_initstate(mod);
	close_kmod(ctx, mod);
	return state == KMOD_MODULE_LIVE || state == KMOD_MODULE_BUILTIN;
}

static int load(const char *parameters)
{
	int ret = module_load(parameters);

	if (!ret)
		puts("cordon is loaded");
	return ret;
}

static int unload(void)
{
	int ret = module_unload();

	if (!ret)
		puts("cordon is unloaded: nothing is judged any more");
	return ret;
}

static int status(void)
{
	struct kmod_module *mod = NULL;
	struct kmod_ctx *ctx;

	if (!module_is_loaded()) {
		puts("not loaded");
		return EXIT_REFUSED;
	}
	ctx = open_kmod(&mod);
	if (!ctx)
		return EXIT_REFUSED;
	printf("loaded, %ld bytes, %d users\n", kmod_module_get_size(mod),
	       kmod_module_get_refcnt(mod));
	close_kmod(ctx, mod);
	return EXIT_DONE;
}

static int run_module(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, OPTION_HELP }, { }
	};
	const char *verb;
	int o;

	/* It has options of its own. */
	if (argc > 1 && !strcmp(argv[1], "reload"))
		return module_reload(self, argc, argv);
	while ((o = next_option(self, argc, argv, options)) != -1)
		return o == OPTION_HELP ? EXIT_DONE : EXIT_USAGE;
	verb = argc > optind ? argv[optind] : "";
	if (strcmp(verb, "load") && strcmp(verb, "unload") && strcmp(verb, "status"))
		return usage_error(self, "load, unload, reload or status?", *verb ? verb : NULL);
	if (argc - optind > (strcmp(verb, "load") ? 1 : 2))
		return usage_error(self, "too many words", argv[argc - 1]);
	if (!strcmp(verb, "load"))
		return load(argc - optind == 2 ? argv[optind + 1] : NULL);
	return strcmp(verb, "unload") ? status() : unload();
}

const struct command cmd_module = {
	"module", "Load or unload the kernel module",
	"module load [lockdown=1]\nmodule unload\nmodule reload [FILE] [--state DIR] [--fail closed|open]\nmodule status",
	"lockdown=1: nothing is forwarded before the first policy.\n"
	"reload saves the state, unloads the module, and starts anew as 'cordonctl boot' does,\n"
	"with its FILE and options; nothing is forwarded meanwhile.\n"
	"status exits with 1 when the module is not loaded.\n", run_module
};
