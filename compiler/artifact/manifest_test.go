package artifact

import (
	"bytes"
	"encoding/json"
	"testing"
)

// TestManifestText holds the text of a manifest to what encoding/json makes of it.
func TestManifestText(t *testing.T) {
	odd := "a\"b\\c\n<&>\u2028é\x7f"
	for _, m := range []Manifest{
		{Site: "s", OutputVersion: 1, Digest: "d", Files: []ManifestEntry{}},
		{Site: odd, OutputVersion: 12, Digest: odd, Files: []ManifestEntry{{Path: "a", SHA256: "1"}}},
		{Site: "s", Files: []ManifestEntry{{Path: odd, SHA256: odd, Mode: "0755", Origins: []string{odd}}, {Path: "b", Origins: []string{"x", "y"}}, {Path: "c", Mode: "0755"}}},
	} {
		var want bytes.Buffer
		e := json.NewEncoder(&want)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(m); err != nil {
			t.Fatal(err)
		}
		if got := string(m.encode()) + "\n"; got != want.String() {
			t.Errorf("got\n%swant\n%s", got, want.String())
		}
	}
}
