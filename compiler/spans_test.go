package compiler

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

// TestSpans: a time span is the same however it is spelt. Programs that take no fractions, or no number of six digits, are
// given what they take.
func TestSpans(t *testing.T) {
	spelt := map[string][]string{
		"fra1": {`timeout: "5s"`, `timeout: "5.0s"`, `perTryTimeout: "1s"`, `perTryTimeout: "0001s"`,
			`interval: "10s", baseEjectionTime: "30s"`, `interval: "10.000s", baseEjectionTime: "0.5m"`},
		"gdn1": {`duration: "1500ms"`, `duration: "1.5s"`, `workloadTTL: "12h"`, `workloadTTL: "12.0h"`},
		"krk1": {`perTryTimeout: "500ms"`, `perTryTimeout: "0.5s"`, `timeout: "3s"`, `timeout: "0.05m"`, `duration: "2s"`, `duration: "002000.0ms"`,
			`workloadTTL: "12h"`, `workloadTTL: "43200.0s"`},
		"lla1": {`timeout: "5s"`, `timeout: "005s"`, `perTryTimeout: "1s"`, `perTryTimeout: "1.0s"`, `perTryTimeout: "500ms"`, `perTryTimeout: "0.5s"`,
			`baseEjectionTime: "20s"`, `baseEjectionTime: "20.0s"`},
		"wro1": {`timeout: "3s"`, `timeout: "0.05m"`, `timeout: "2s"`, `timeout: "2.0s"`, `perTryTimeout: "600ms"`, `perTryTimeout: "0.01m"`,
			`interval: "20s", baseEjectionTime: "1m"`, `interval: "20.0s", baseEjectionTime: "60.0s"`},
		"dus1": {`timeout: "5s"`, `timeout: "5.0s"`, `interval: "10s", baseEjectionTime: "30s"`, `interval: "0010s", baseEjectionTime: "0.5m"`},
	}
	for name, pairs := range spelt {
		t.Run(name, func(t *testing.T) {
			text := read(t, filepath.Join(examplesDir, name, "site.cue"))
			for i := 0; i < len(pairs); i += 2 {
				if !strings.Contains(text, pairs[i]) {
					t.Fatalf("%s has no %s", name, pairs[i])
				}
			}
			got, want := compileText(t, "examples/"+name+"/site.cue", strings.NewReplacer(pairs...).Replace(text)), compileExample(t, name)
			for _, f := range want.Tree.Files() {
				if strings.HasPrefix(f.Path(), "meshgen/") {
					continue // the manifest has a digest of the site as it is spelt
				}
				if g := got.Tree.Lookup(f.Path()); g == nil || !bytes.Equal(g.Bytes(), f.Bytes()) {
					t.Errorf("%s differs", f.Path())
				}
			}
		})
	}
}
