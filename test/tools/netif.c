// SPDX-License-Identifier: MIT
/*
 * netif: what netif.h says of interfaces.
 *
 *   netif list		a line for each: IFINDEX NAME HATYPE FLAGS LARGEST WIRELESS LINK
 *   netif find NAME	IFINDEX NAME HATYPE TAG; TAG: of a DSA switch, - for none, ? if nobody knows
 */
#include <stdio.h>

#include "../../netif.h"

static void print_interface(const struct netif_interface *i)
{
	printf("%d %s %d %x %u %d %d\n", i->ifindex, i->name, i->hatype, i->flags, i->largest,
	    i->is_wireless, i->has_link);
}

static int find(const char *name)
{
	struct netif n;
	char tag[40];
	int known;

	if (netif_find(&n, name) < 0)
		return perror(n.failed), 1;
	known = netif_dsa_tag(&n, tag, sizeof tag);
	printf("%d %s %d %s\n", n.ifindex, n.name, n.hatype, known > 0 ? tag : known < 0 ? "?" : "-");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "find"))
		return find(argv[2]);
	if (argc == 2 && !strcmp(argv[1], "list"))
		return netif_list(print_interface) < 0;
	return fputs("usage: netif list | netif find NAME\n", stderr), 2;
}
