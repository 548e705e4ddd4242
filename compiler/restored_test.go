package compiler

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestRestoredWithPatches: what brings a chart of the mesh back in an incident brings what the site patches of it, too. Helm
// alone would take that away.
func TestRestoredWithPatches(t *testing.T) {
	text := read(t, filepath.Join(examplesDir, "gdn1", "site.cue"))
	const alone = "helm upgrade --install istiod-1-31-0 istiod "
	for _, patched := range []bool{false, true} {
		if patched {
			text += "\npatches: [{target: {kind: \"Deployment\", name: \"istiod-1-31-0\"}, patch: \"- {op: add, path: /spec/template/spec/priorityClassName, value: system-cluster-critical}\"}]\n"
		}
		_, steps, found := strings.Cut(string(inquire(t, text).tree.Lookup("docs/gdn1/RUNBOOK.md").Bytes()), "If the webhooks were deleted")
		if !found {
			t.Fatal("nothing on webhooks that were deleted")
		}
		if got := strings.Contains(steps, alone); got == patched {
			t.Errorf("patched is %v, and helm alone brings istiod back: %v", patched, got)
		}
		if got := strings.Contains(steps, "charts/gdn1/install.sh --from mesh --to mesh"); got != patched {
			t.Errorf("patched is %v, and the script brings istiod back: %v", patched, got)
		}
	}
}
