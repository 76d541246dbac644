// SPDX-License-Identifier: MIT
/*
 * ppp: makes the interface ppp0, as pppd does at the start of a connection, and holds it until
 * stdin ends. See Documentation/networking/ppp_generic.rst in the kernel's source.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/ppp-ioctl.h>
#include <sys/ioctl.h>
#include <unistd.h>

int main(void)
{
	int unit = 0;	/* the number in ppp0 */
	int fd = open("/dev/ppp", O_RDWR);
	char byte;

	if (fd < 0 || ioctl(fd, PPPIOCNEWUNIT, &unit))
		err(1, "/dev/ppp");
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}
