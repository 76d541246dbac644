# As much of an OpenWrt SDK as a package's Makefile asks for. Given on the command line: WORK, a folder,
# and what an SDK knows of its compiler: TARGET_CROSS, TARGET_CC, TARGET_CFLAGS.
INCLUDE_DIR:=$(TOPDIR)/include
BUILD_DIR:=$(WORK)/build_dir
TARGET_LDFLAGS:=-L$(WORK)/staging_dir/usr/lib -znow -zrelro
CP:=cp -fpR
INSTALL_DIR:=install -d -m0755
INSTALL_BIN:=install -m0755
