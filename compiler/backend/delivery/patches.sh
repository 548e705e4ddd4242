# patched_chart RELEASE ...: the same as chart, through the patches of charts/$site/RELEASE/patches, which Helm 3 has done
# by a program and Helm 4 by a plugin, that it looks for in HELM_PLUGINS.
patched_chart() {
	local folder=charts/$site/post-renderer renderer version=v3
	if ! $dry; then version=$(helm version --template '{{.Version}}'); fi
	case $version in
	v3*) renderer=$folder/meshgen-patch/patch.sh ;;
	*)
		renderer=meshgen-patch
		case ${HELM_PLUGINS:-} in
		"$PWD/$folder"*) ;;
		*)
			HELM_PLUGINS=$PWD/$folder:$(helm env HELM_PLUGINS)
			export HELM_PLUGINS
			;;
		esac
		;;
	esac
	chart "$@" --post-renderer "$renderer" --post-renderer-args "charts/$site/$1/patches"
}
