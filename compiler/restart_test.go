package compiler

import (
	"path/filepath"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/verify"
)

// TestRestartCilium asks for graceful restart where Cilium speaks BGP, as wob1 does with MetalLB. Both
// ends have it then, for the same time, and verify sees when one says another.
func TestRestartCilium(t *testing.T) {
	text := read(t, filepath.Join(examplesDir, "ham1", "site.cue"))
	text = strings.ReplaceAll(text, `externalTrafficPolicy: "Local"`, `externalTrafficPolicy: "Cluster"`)
	text = strings.Replace(text, "bgp: {", "bgp: {\n\t\tgracefulRestart: true", 1)
	out := compileText(t, "site.cue", text)
	if _, found := verify.Tree(out.Tree, releases(out.Plan)); found.HasErrors() {
		t.Fatal(found)
	}
	for _, m := range []mutant{
		{"cilium", "ham1", "**/ciliumbgppeerconfig.yaml", `restartTimeSeconds: 60`, `restartTimeSeconds: 120`},
		{"cilium", "ham1", "**/ciliumbgppeerconfig.yaml", `enabled: true`, `enabled: false`},
		{"frr", "ham1", "fabric/*/ham1-east-sw.conf", `no bgp graceful-restart notification\n`, ``},
	} {
		tree, ok := mutate(out.Tree, m)
		if _, found := verify.Tree(tree, releases(out.Plan)); !ok || !found.HasErrors() {
			t.Errorf("%s: verify does not see %q become %q (found: %v)", m.backend, m.old, m.new, ok)
		}
	}
}
