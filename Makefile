# rawcap: one binary. Variables can be given on the command line or in config.mak.
-include config.mak

CROSS_COMPILE ?=
ifeq ($(origin CC),default)
CC = $(if $(CROSS_COMPILE),$(CROSS_COMPILE)gcc,musl-gcc)
endif
STRIP ?= $(CROSS_COMPILE)strip
CFLAGS ?= -Oz -fno-jump-tables -fno-caller-saves -fconserve-stack -fipa-pta
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin

W = -Wall -Wextra -Wpedantic -Wconversion -Wshadow
own = -std=gnu11 $(W) -fno-pie -fomit-frame-pointer -ffunction-sections -fdata-sections \
	-fno-asynchronous-unwind-tables -fno-unwind-tables -fno-stack-protector -fno-ident
link = -static -no-pie -nostartfiles -l:crt1.o -s -Wl,--gc-sections -Wl,-z,norelro -Wl,-z,noseparate-code -Wl,--build-id=none,-z,common-page-size=64

all: rawcap

rawcap: rawcap.c netif.h pcap.h Makefile
	$(CC) $(own) $(CFLAGS) $(LDFLAGS) $(link) -o $@ rawcap.c
	$(STRIP) -R .comment $@
