// SPDX-License-Identifier: GPL-2.0
/* module: load and unload it, through libkmod. */
#include <libkmod.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"

#define MODULE "cordon"

static int load(struct kmod_ctx *ctx, const char *parameters)
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
	if (err == -ENOENT)
		return complain("module", "not installed for this kernel: 'make install' does that");
	if (err > 0)
		return complain("module", "blacklisted");
	if (err)
		return complain("module", strerror(-err));
	puts("cordon is loaded");
	return EXIT_DONE;
}

static int unload(struct kmod_module *mod)
{
	int err = kmod_module_remove_module(mod, 0);

	if (err == -ENOENT)
		return complain("module", "not loaded");
	if (err)
		return complain("module", strerror(-err));
	puts("cordon is unloaded: nothing is judged any more");
	return EXIT_DONE;
}

static int status(struct kmod_module *mod)
{
	int state = kmod_module_get_initstate(mod);

	if (state != KMOD_MODULE_LIVE && state != KMOD_MODULE_BUILTIN) {
		puts("not loaded");
		return EXIT_REFUSED;
	}
	printf("loaded, %ld bytes, %d users\n", kmod_module_get_size(mod),
	       kmod_module_get_refcnt(mod));
	return EXIT_DONE;
}

static int run_module(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, OPTION_HELP }, { }
	};
	struct kmod_module *mod = NULL;
	struct kmod_ctx *ctx;
	const char *verb;
	int o, ret;

	while ((o = next_option(self, argc, argv, options)) != -1)
		return o == OPTION_HELP ? EXIT_DONE : EXIT_USAGE;
	verb = argc > optind ? argv[optind] : "";
	if (strcmp(verb, "load") && strcmp(verb, "unload") && strcmp(verb, "status"))
		return usage_error(self, "load, unload or status?", *verb ? verb : NULL);
	if (argc - optind > (strcmp(verb, "load") ? 1 : 2))
		return usage_error(self, "too many words", argv[argc - 1]);
	ctx = kmod_new(NULL, NULL);
	if (!ctx || kmod_module_new_from_name(ctx, MODULE, &mod)) {
		kmod_unref(ctx);
		return complain("module", "libkmod cannot be used");
	}
	if (!strcmp(verb, "load"))
		ret = load(ctx, argc - optind == 2 ? argv[optind + 1] : NULL);
	else if (!strcmp(verb, "unload"))
		ret = unload(mod);
	else
		ret = status(mod);
	kmod_module_unref(mod);
	kmod_unref(ctx);
	return ret;
}

const struct command cmd_module = {
	"module", "Load or unload the kernel module",
	"module load [lockdown=1]\nmodule unload\nmodule status",
	"lockdown=1: nothing is forwarded before the first policy.\n"
	"status exits with 1 when the module is not loaded.\n", run_module
};
