// SPDX-License-Identifier: GPL-2.0
/*
 * Make what is done while interfaces are linked take long: before anybody else is told that a link
 * is about to be made, and after all others were told that one has ended.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/netdevice.h>

static unsigned int ms = 300;
module_param(ms, uint, 0444);
MODULE_PARM_DESC(ms, "milliseconds of each");

static int before(struct notifier_block *nb, unsigned long event, void *ptr)
{
	const struct netdev_notifier_changeupper_info *link = ptr;

	if (event == NETDEV_PRECHANGEUPPER && link->linking)
		msleep(ms);
	return NOTIFY_DONE;
}

static int after(struct notifier_block *nb, unsigned long event, void *ptr)
{
	const struct netdev_notifier_changeupper_info *link = ptr;

	if (event == NETDEV_CHANGEUPPER && !link->linking)
		msleep(ms);
	return NOTIFY_DONE;
}

static struct notifier_block first = { .notifier_call = before, .priority = INT_MAX };
static struct notifier_block last = { .notifier_call = after, .priority = INT_MIN };

static int __init linger_init(void)
{
	int ret = register_netdevice_notifier(&first);

	if (ret)
		return ret;
	ret = register_netdevice_notifier(&last);
	if (ret)
		unregister_netdevice_notifier(&first);
	return ret;
}

static void __exit linger_exit(void)
{
	unregister_netdevice_notifier(&last);
	unregister_netdevice_notifier(&first);
}

module_init(linger_init);
module_exit(linger_exit);
MODULE_DESCRIPTION("keeps the moments open in which interfaces are linked");
MODULE_LICENSE("GPL");
