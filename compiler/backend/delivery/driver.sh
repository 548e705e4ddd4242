# driver NAME OWNER: what mounts a volume into pods must be there; somebody else brings it.
driver() {
	printf '? driver %s\n' "$1"
	if $dry; then return; fi
	[ -n "$(ask get csidriver "$1" --ignore-not-found --output name)" ] || complain "CSI driver $1, which $2 brings: pods wait for it"
}

