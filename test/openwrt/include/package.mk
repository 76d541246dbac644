# "info" shows the fields of each package, "install" puts their files into WORK/bin/PACKAGE.
PKG_BUILD_DIR?=$(BUILD_DIR)/$(PKG_NAME)-$(PKG_VERSION)

all: install

$(PKG_BUILD_DIR)/.built:
	$(Build/Prepare)
	$(Build/Configure)
	$(Build/Compile)
	touch $@

own := SECTION CATEGORY TITLE DEPENDS PKGARCH

define field
info::
	@echo '$(1) $(2)=$($(2))'

endef

define BuildPackage
$(foreach name,$(own),$(eval $(name):=))
$(eval $(Package/$(1)))
$(foreach name,$(own) PKG_VERSION PKG_RELEASE PKG_LICENSE,$(call field,$(1),$(name)))
info::
	@echo '$(1) conffiles=$(if $(value Package/$(1)/conffiles),$(strip $(Package/$(1)/conffiles)))'
	@echo '$(1) words=$(words $(Package/$(1)/description))'

install:: $(PKG_BUILD_DIR)/.built
	$$(call Package/$(1)/install,$(WORK)/bin/$(1))

endef
