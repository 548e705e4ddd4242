package compiler

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/ir"
)

// fakeHelmOf stands for a release of helm that passes what a chart makes, $FAKE/rendered.yaml, through a post-renderer, into
// $FAKE/installed/<release>.yaml. Helm 3 takes a program, by its path (helm v3.19.0 pkg/postrender/exec.go). Helm 4 takes a
// plugin of type postrenderer/v1 by its name, looks for it one folder below each of HELM_PLUGINS, and runs its command there
// (helm v4.3.1 pkg/postrenderer/postrenderer.go, internal/plugin/loader.go); read 2026-11-22, and tried with helm 4.3.1.
const fakeHelmOf = `#!/usr/bin/env bash
set -euo pipefail
echo "helm $*" >>"$FAKE/calls"
case $1 in
version)
	echo "$HELM_VERSION"
	exit ;;
-n) # of a namespace: what is installed there, or another command
	if [ "$3 $4" = "get metadata" ]; then
		echo '{"name": "'"$5"'", "version": "9.9.9"}'
		exit
	fi
	shift 2 ;;
env)
	echo "${HELM_PLUGINS:-$FAKE/plugins}"
	exit ;;
esac
if [ "$2" = --install ]; then shift; fi
release=$2 renderer='' argument=''
while [ $# -gt 0 ]; do
	case $1 in
	--post-renderer) renderer=$2 ;;
	--post-renderer-args) argument=$2 ;;
	esac
	shift
done
[ -n "$renderer" ] || exit 0
program=''
case $HELM_VERSION in
v3*) program=$renderer ;;
*)
	IFS=: read -ra folders <<<"${HELM_PLUGINS:-$FAKE/plugins}"
	for folder in "${folders[@]}"; do
		for plugin in "$folder"/*/plugin.yaml; do
			[ -f "$plugin" ] || continue
			if grep -qx "name: $renderer" "$plugin" && grep -qx 'type: postrenderer/v1' "$plugin"; then
				HELM_PLUGIN_DIR=${plugin%/plugin.yaml}
				program=$(sed -n 's/^ *- command: //p' "$plugin")
				program=${program/'${HELM_PLUGIN_DIR}'/$HELM_PLUGIN_DIR}
			fi
		done
	done ;;
esac
if ! [ -x "$program" ]; then
	echo "Error: invalid argument \"$renderer\" for \"--post-renderer\" flag" >&2
	exit 1
fi
"$program" "$argument" <"$FAKE/rendered.yaml" >"$FAKE/installed/$release.yaml"
`

// TestInstallPatchedByHelm: what the site patches of a chart is patched whichever helm there is, by install.sh and by each step
// of upgrade.sh, and a plugin of one's own stays within reach.
func TestInstallPatchedByHelm(t *testing.T) {
	real(t, "bash")
	kubectl := real(t, "kubectl")
	patch := func(kind, name string) string {
		return "\npatches: [{target: {kind: \"" + kind + "\", name: \"" + name + "\"}, patch: \"- {op: add, path: /spec/template/spec/priorityClassName, value: patched}\"}]\n"
	}
	for _, c := range []struct{ example, kind, object, release, script, step string }{
		{"gdn1", "Deployment", "istiod-1-31-0", "istiod-1-31-0", "install.sh", ""},
		{"wro1", "DaemonSet", "cilium", "cilium", "install.sh", ""},
		{"wro1", "DaemonSet", "cilium", "cilium", "upgrade.sh", "agents"},
	} {
		out := compileText(t, "site.cue", read(t, filepath.Join(examplesDir, c.example, "site.cue"))+patch(c.kind, c.object))
		script := filepath.Join(onDisk(t, out.Tree), "charts", c.example, c.script)
		for _, version := range []string{"v3.19.0", "v4.3.1"} {
			t.Run(c.script+" "+c.example+" "+version, func(t *testing.T) {
				fake := fakeHelms(t, out.Plan, version, kubectl, c.kind, c.object)
				var args []string
				if c.step != "" {
					args = append(args, c.step)
				}
				if _, said, err := install(t, fake, script, "lab", args...); err != nil {
					t.Fatalf("%v\n%s", err, said)
				}
				if got := read(t, filepath.Join(fake, "installed", c.release+".yaml")); !strings.Contains(got, "priorityClassName: patched") {
					t.Errorf("it installs\n%s", got)
				}
			})
		}
	}
}

// fakeHelms is a fake cluster with a release of helm, whose charts make one object.
func fakeHelms(t *testing.T, p *ir.Plan, version, kubectl, kind, object string) string {
	t.Helper()
	fake := fakePrograms(t, p)
	for name, text := range map[string]string{
		"bin/helm":        strings.Replace(fakeHelmOf, "set -euo pipefail", "set -euo pipefail\nHELM_VERSION="+version, 1),
		"bin/kubectl":     strings.Replace(fakeKubectl, "set -euo pipefail", "set -euo pipefail\nif [ \"$1\" = kustomize ]; then exec "+kubectl+" \"$@\"; fi", 1),
		"rendered.yaml":   "apiVersion: apps/v1\nkind: " + kind + "\nmetadata: {name: " + object + "}\nspec: {template: {spec: {containers: []}}}\n",
		"installed/.keep": "",
	} {
		file := filepath.Join(fake, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return fake
}

// TestRunbookHelm runs the commands of runbooks that bring a chart back, with both releases of helm: what the site patches is
// patched, and where an upgrade is under way the release stays the one that is installed, with its values.
func TestRunbookHelm(t *testing.T) {
	bash, kubectl := real(t, "bash"), real(t, "kubectl")
	for _, c := range []struct{ example, kind, object, release string }{
		{"wro1", "DaemonSet", "cilium", "cilium"}, {"poz1", "DaemonSet", "cilium", "cilium"}, {"vno1", "Deployment", "linkerd-identity", "linkerd-control-plane"}, {"dus1", "Deployment", "consul-connect-injector", "consul"},
	} {
		out := compileText(t, "site.cue", read(t, filepath.Join(examplesDir, c.example, "site.cue"))+
			"\npatches: [{target: {kind: \""+c.kind+"\", name: \""+c.object+"\"}, patch: \"- {op: add, path: /spec/template/spec/priorityClassName, value: patched}\"}]\n")
		dir := onDisk(t, out.Tree)
		for _, version := range []string{"v3.19.0", "v4.3.1"} {
			fake := fakeHelms(t, out.Plan, version, kubectl, c.kind, c.object)
			commands := 0
			lines := strings.Split(read(t, filepath.Join(dir, "docs", c.example, "RUNBOOK.md")), "\n")
			for i, line := range lines {
				if !strings.Contains(line, "helm ") || !strings.Contains(line, " upgrade ") || !strings.Contains(line, " "+c.release+" ") {
					continue
				}
				if strings.HasPrefix(lines[i-1], "case ") {
					line = lines[i-1] + "\n" + line
				}
				commands++
				cmd := exec.Command(bash, "-euc", line)
				cmd.Dir, cmd.Env = dir, []string{"PATH=" + filepath.Join(fake, "bin") + ":" + os.Getenv("PATH"), "FAKE=" + fake}
				if said, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%s: %v\n%s\n%s", c.example, err, line, said)
				}
				installed := filepath.Join(fake, "installed", c.release+".yaml")
				if got := read(t, installed); !strings.Contains(got, "priorityClassName: patched") {
					t.Errorf("%s installs\n%s", line, got)
				}
				if err := os.Remove(installed); err != nil {
					t.Fatal(err)
				}
				calls := strings.Split(strings.TrimSpace(read(t, filepath.Join(fake, "calls"))), "\n")
				last := calls[len(calls)-1]
				if there := strings.Contains(last, " --version 9.9.9 ") && strings.Contains(last, " --reuse-values"); there != (out.Plan.Upgrade != nil) {
					t.Errorf("%s: an upgrade is under way: %v, and it calls %s", c.example, out.Plan.Upgrade != nil, last)
				}
			}
			if commands == 0 {
				t.Errorf("%s: no command brings %s back", c.example, c.release)
			}
		}
	}
}
