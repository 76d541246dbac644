// SPDX-License-Identifier: MIT
/* can: `can INTERFACE ID BYTES` sends one frame on a CAN bus. See Documentation/networking/can.rst. */
#include <err.h>
#include <linux/can.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_can address = { .can_family = AF_CAN };
	struct can_frame frame = { 0 };
	int fd = socket(AF_CAN, SOCK_RAW, CAN_RAW);

	if (argc != 4 || strlen(argv[3]) > sizeof frame.data)
		errx(2, "usage: can INTERFACE ID BYTES");
	address.can_ifindex = (int)if_nametoindex(argv[1]);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address))
		err(1, "%s", argv[1]);
	frame.can_id = (canid_t)strtoul(argv[2], NULL, 0);
	frame.can_dlc = (__u8)strlen(argv[3]);
	memcpy(frame.data, argv[3], frame.can_dlc);
	if (write(fd, &frame, sizeof frame) != sizeof frame)
		err(1, "write");
	return 0;
}
