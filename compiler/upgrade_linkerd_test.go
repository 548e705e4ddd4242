package compiler

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/load"
	"meshgen.dev/meshgen/compiler/verify"
)

// linkerdNext is a release behind the newest that we know, in a profile of a team's own.
const linkerdNext = `mesh: linkerd: releases: "2.21": {
	edge: "edge-26.9.1"
	kubernetes: {min: "1.31", max: "1.36"}
	gatewayAPI: {builtOn: "1.2.1", window: {min: "1.2.1", max: "1.5.1"}, reads: {TLSRoute: "v1alpha2", TCPRoute: "v1alpha2"}}
	charts: {
		repository: "https://helm.linkerd.io/edge", version: "2026.9.1"
		base: "linkerd-crds", control: "linkerd-control-plane", cni: "linkerd2-cni"
		gatewayAPI: {chart: "linkerd-crds", value: "installGatewayAPI", bundle: "1.1.1", default: false}
	}
	source: "a trial on a staging cluster", date: "2026-11-20"
}
`

// toNext compiles an example of Linkerd on its way to that release.
func toNext(t *testing.T, name string) *Output {
	t.Helper()
	set, found := load.Profiles([]load.ProfileFile{{Name: "team.cue", Text: []byte(linkerdNext)}})
	if set == nil {
		t.Fatal(found)
	}
	const release = `version:     "2.20"`
	text := strings.Replace(read(t, filepath.Join(examplesDir, name, "site.cue")), release, release+"\n\tupgrade: to: \"2.21\"", 1)
	src, faults := load.Bytes(name+".cue", []byte(text))
	if src == nil {
		t.Fatal(faults)
	}
	out, err := Compile(src, Options{Now: today, Profiles: set})
	if err != nil || out.Tree == nil || out.Findings.HasErrors() {
		t.Fatal(err, out.Findings)
	}
	return out
}

// TestUpgradeLinkerd: the kinds change before the control plane, and that before the proxies, namespace by namespace; bash
// runs every step; and what would lead elsewhere is refused.
func TestUpgradeLinkerd(t *testing.T) {
	bash := real(t, "bash")
	for name, want := range map[string]string{
		"lla1": "kinds plug-in control-plane proxies-intake proxies-ran proxies-yard proxies-gateway-local",
		"umu1": "kinds plug-in control-plane sites proxies-shop proxies-linkerd-multicluster",
	} {
		out := toNext(t, name)
		dir := onDisk(t, out.Tree)
		var steps []string
		for _, s := range out.Plan.Upgrade.Steps {
			steps = append(steps, s.Name)
			for _, mode := range []string{"--check", "--back", ""} {
				args := []string{filepath.Join(dir, "charts", name, "upgrade.sh"), "--dry-run", s.Name}
				if mode != "" {
					args = slices.Insert(args, 2, mode)
				}
				said, err := exec.Command(bash, args...).CombinedOutput()
				if n := strings.Count(string(said), "\n+ "); err != nil || mode == "" && n != len(s.Before)+len(s.Run) || mode == "--back" && n != len(s.Back) {
					t.Errorf("%s: %s %s: %v, %d commands\n%s", name, s.Name, mode, err, n, said)
				}
			}
		}
		if got := strings.Join(steps, " "); got != want {
			t.Errorf("%s: steps %s, not %s", name, got, want)
		}
		rel := releases(out.Plan)
		rel.Nearest = true
		for _, m := range []mutant{
			{file: "charts/*/upgrade.sh", old: `(does chart linkerd-control-plane linkerd) 2026.9.1`, new: `${1} 2026.6.3`},
			{file: "charts/*/upgrade.sh", old: `\tback chart linkerd-control-plane .*\n`},
			{file: "charts/*/upgrade.sh", old: `(?:\tcheck linkerd .*\n)+(\tdoes chart linkerd-crds)`, new: `${1}`},
			{file: "charts/*/upgrade.sh", old: `does kubectl (--namespace \S+) rollout restart`, new: `does kubectl ${1} delete`},
			{file: "charts/*/upgrade.sh", old: `\tdoes kubectl --namespace linkerd rollout status .*\n\tdoes .*\n\tdoes .*\n`},
			{file: "charts/*/upgrade.sh", old: `if begin kinds `, new: `if begin kind `},
		} {
			tree, ok := mutate(out.Tree, m)
			if !ok {
				t.Errorf("%s: nothing in %s matches %s", name, m.file, m.old)
			} else if _, found := verify.Tree(tree, rel); !found.HasErrors() {
				t.Errorf("%s: verify does not see %q become %q", name, m.old, m.new)
			}
		}
	}
}

// TestUpgradeLinkerdEnds: with the new release in the site the tree asks for what the steps have brought, so that its delivery
// changes nothing: the same objects, and the values of the last step.
func TestUpgradeLinkerdEnds(t *testing.T) {
	during := compileExample(t, "vno1").Tree
	text := read(t, filepath.Join(examplesDir, "vno1", "site.cue"))
	for old, with := range map[string]string{`version:     "2.19"`: `version:     "2.20"`, "\tupgrade: to: \"2.20\"\n": ""} {
		if strings.Count(text, old) != 1 {
			t.Fatalf("vno1 does not have %q once", old)
		}
		text = strings.Replace(text, old, with, 1)
	}
	after := compileText(t, "vno1.cue", text).Tree
	for _, f := range during.Files() {
		want, name := string(f.Bytes()), f.Path()
		switch {
		case strings.HasPrefix(name, "charts/vno1/linkerd"):
			want = strings.ReplaceAll(strings.ReplaceAll(want, "2025.10.7", "2026.6.3"), "nativeSidecar: false", "nativeSidecar: true")
		case !strings.HasPrefix(name, "kubernetes/"):
			continue
		}
		if g := after.Lookup(name); g == nil || string(g.Bytes()) != want {
			t.Errorf("%s is another after the upgrade", name)
		}
	}
}
