package compiler

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"

	"meshgen.dev/meshgen/compiler/ir"
)

// fakeKubectl stands for a cluster: what it has are files below $FAKE, and each call is a line of $FAKE/calls. A file
// refuse/<word> makes the next calls with that word fail, one for each line that it has.
const fakeKubectl = `#!/usr/bin/env bash
set -euo pipefail
echo "kubectl $*" >>"$FAKE/calls"
for word in "$@"; do
	file=$FAKE/refuse/${word//\//_}
	if [ -s "$file" ]; then
		sed -i 1d "$file"
		echo "refused: $word" >&2
		exit 1
	fi
done
case " $* " in
*" config current-context "*) cat "$FAKE/context" ;;
*" get nodes "*) cat "$FAKE/nodes" ;;
*" get crd "*) ;;&
*" get crd $(cat "$FAKE/no-crd") "*) ;;
*" get crd "*) echo crd ;;
*" get csidriver "*) cat "$FAKE/driver" ;;
*" get secret "*) cat "$FAKE/secrets/$4_$7" 2>/dev/null || true ;;
*" get configmap kube-proxy "*resourceVersion*) printf 42 ;;
*" get configmap kube-proxy "*) echo configmap/kube-proxy ;;
*" get daemonset kube-proxy "*) cat "$FAKE/restarted" ;;
*" annotate "*) printf '%s' "${@: -1}" | cut -d= -f2 | tr -d '\n' >"$FAKE/restarted" ;;
esac
`

const fakeHelm = `#!/usr/bin/env bash
echo "helm $*" >>"$FAKE/calls"
`

// fakeCluster is a folder in which fakeKubectl finds everything that an example needs.
func fakeCluster(t *testing.T, p *ir.Plan) string {
	t.Helper()
	dir := t.TempDir()
	put := func(name, text string, mode os.FileMode) {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), mode)); err != nil {
			t.Fatal(err)
		}
	}
	put("bin/kubectl", fakeKubectl, 0o755)
	put("bin/helm", fakeHelm, 0o755)
	put("context", "lab\n", 0o644)
	put("no-crd", "none", 0o644)
	put("driver", "driver", 0o644)
	put("restarted", "", 0o644)
	put("calls", "", 0o644)
	put("refuse/none", "", 0o644)
	nodes := "node/somebody-else\n"
	for _, n := range p.Nodes {
		nodes += "node/" + n.Name + "\n"
	}
	put("nodes", nodes, 0o644)
	for _, s := range p.Secrets {
		if s.Creator != ir.CertManager {
			put("secrets/"+s.Namespace+"_"+s.Name, " "+strings.Join(s.Keys, " ")+" ", 0o644)
		}
	}
	return dir
}

// install runs an example's script against a fake cluster and returns what it called and what it said.
func install(t *testing.T, fake, script, context string, args ...string) (calls []string, said string, err error) {
	t.Helper()
	log := filepath.Join(fake, "calls")
	if err := os.WriteFile(log, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(script, args...)
	cmd.Env = []string{"PATH=" + filepath.Join(fake, "bin") + ":" + os.Getenv("PATH"), "FAKE=" + fake, "MESHGEN_PAUSE=0"}
	if context != "" {
		cmd.Env = append(cmd.Env, "MESHGEN_CONTEXT="+context)
	}
	out, err := cmd.CombinedOutput()
	return strings.Split(strings.TrimSpace(read(t, log)), "\n"), string(out), err
}

// TestGoldenCalls runs each example's script where everything is there, and compares the calls with a golden list. The
// second run calls the same, but restarts no kube-proxy.
func TestGoldenCalls(t *testing.T) {
	real(t, "bash")
	for name, dir := range written(t) {
		t.Run(name, func(t *testing.T) {
			fake := fakeCluster(t, compileExample(t, name).Plan)
			script := filepath.Join(dir, "charts", name, "install.sh")
			calls, said, err := install(t, fake, script, "lab")
			if err != nil {
				t.Fatalf("%v\n%s", err, said)
			}
			golden := filepath.Join(goldenDir, name+".calls")
			have := strings.Join(calls, "\n") + "\n"
			if update {
				if err := os.WriteFile(golden, []byte(have), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want := read(t, golden); want != have {
				t.Errorf("%s", diff.Diff(golden, []byte(want), "now", []byte(have)))
			}
			again, _, err := install(t, fake, script, "lab")
			want := slices.DeleteFunc(slices.Clone(calls), func(c string) bool {
				return strings.Contains(c, " daemonset/kube-proxy")
			})
			restarts := 3 // of kube-proxy, where there is one
			if !strings.Contains(have, " daemonset/kube-proxy") {
				restarts = 0
			}
			if err != nil || len(want) != len(calls)-restarts || !slices.Equal(again, want) {
				t.Errorf("again: %v\n%s", err, diff.Diff("want", []byte(strings.Join(want, "\n")), "now", []byte(strings.Join(again, "\n"))))
			}
			// What it shows without doing it is what it does.
			shown, said, err := install(t, fake, script, "lab", "--dry-run")
			if err != nil || len(shown) != 1 || shown[0] != "" {
				t.Errorf("--dry-run: %v, calls %q", err, shown)
			}
			for _, c := range calls {
				_, wanted, _ := strings.Cut(c, "--context lab ")
				if strings.Contains(c, " apply ") && !strings.Contains(said, wanted) {
					t.Errorf("--dry-run does not show %q", c)
				}
			}
		})
	}
}

// TestInstallRefuses breaks one thing at a time. The script stops there, says what is wrong, and has called nothing that
// comes later.
func TestInstallRefuses(t *testing.T) {
	real(t, "bash")
	plan := compileExample(t, "fra1").Plan
	script := filepath.Join(written(t)["fra1"], "charts", "fra1", "install.sh")
	last := plan.Nodes[len(plan.Nodes)-1].Name
	for _, c := range []struct {
		name    string
		context string
		args    []string
		file    string // below the fake cluster, with text; "-" takes it away
		text    string
		says    string
		never   string // no call has this
		calls   string // some call has this
	}{
		{"no context", "", nil, "", "", "MESHGEN_CONTEXT", "kubectl", ""},
		{"another context", "prod", nil, "", "", "which cluster is meant", "get", "current-context"},
		{"unknown phase", "lab", []string{"--from", "mash"}, "", "", "no phase 'mash'", "kubectl", ""},
		{"phases backwards", "lab", []string{"--from", "mesh", "--to", "nodes"}, "", "", "comes before", "kubectl", ""},
		{"unknown argument", "lab", []string{"now"}, "", "", "usage:", "kubectl", ""},
		{"no CRD", "lab", nil, "no-crd", "certificates.cert-manager.io", "CRD certificates.cert-manager.io, which cert-manager brings", "apply", "get crd"},
		{"no machine", "lab", nil, "nodes", "node/somebody-else\nnode/" + last + "-2\n", "node " + last, "00-nodes", "get nodes"},
		{"foreign taint", "lab", nil, "refuse/kubernetes_overlays_fra1_00-nodes_node.yaml", "1\n", "take it off", "configmap.yaml", "node.yaml"},
		{"no Secret", "lab", nil, "secrets/metallb-system_bgp-session", "-", "Secret metallb-system/bgp-session with the keys: password", "helm", "07-secrets"},
		{"no key", "lab", nil, "secrets/gateway-partner_partners-example-com", " tls.crt ", "key tls.key of Secret gateway-partner/partners-example-com", "helm", "07-secrets"},
		{"no istiod", "lab", nil, "refuse/condition=Available", "1\n", "refused", "20-mesh", "upgrade --install istiod"},
		{"webhook down", "lab", nil, "refuse/kubernetes_overlays_fra1_10-load-balancer", "1\n2\n3\n4\n5\n", "cannot apply 10-load-balancer", "istio", "install metallb"},
		{"webhook late", "lab", []string{"--from", "load-balancer", "--to", "load-balancer"}, "refuse/kubernetes_overlays_fra1_10-load-balancer", "1\n2\n", "done", "istio", "install metallb"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fake := fakeCluster(t, plan)
			if file := filepath.Join(fake, c.file); c.text == "-" {
				if err := os.Remove(file); err != nil {
					t.Fatal(err)
				}
			} else if c.file != "" {
				if err := os.WriteFile(file, []byte(c.text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			calls, said, err := install(t, fake, script, c.context, c.args...)
			if (err == nil) != (c.says == "done") || !strings.Contains(said, c.says) {
				t.Errorf("%v, and it says\n%s", err, said)
			}
			all := strings.Join(calls, "\n")
			if strings.Contains(all, c.never) || !strings.Contains(all, c.calls) {
				t.Errorf("no call with %q and one with %q; there are\n%s", c.never, c.calls, all)
			}
		})
	}
}

// TestInstallPart runs some phases alone.
func TestInstallPart(t *testing.T) {
	real(t, "bash")
	fake := fakeCluster(t, compileExample(t, "fra1").Plan)
	script := filepath.Join(written(t)["fra1"], "charts", "fra1", "install.sh")
	_, said, err := install(t, fake, script, "lab", "--from", "gateways", "--to", "policy")
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	var phases []string
	for line := range strings.Lines(said) {
		if strings.HasPrefix(line, "== ") {
			phases = append(phases, strings.Fields(line)[1])
		}
	}
	if want := []string{"gateways:", "policy:"}; !slices.Equal(phases, want) {
		t.Errorf("it runs %v, not %v", phases, want)
	}
}

func TestRealShellcheck(t *testing.T) {
	shellcheck, bash := real(t, "shellcheck"), real(t, "bash")
	runs(t, shellcheck, "backend/hosts/apply.sh") // it stands in ConfigMaps
	for _, scripts := range []string{"charts/*/install.sh", "charts/*/upgrade.sh"} {
		eachMatch(t, scripts, func(t *testing.T, file string) {
			runs(t, bash, "-n", file)
			runs(t, shellcheck, file)
		})
	}
}
