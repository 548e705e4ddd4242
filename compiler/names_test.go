package compiler

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/load"
)

// climbing are names that would lead out of the output directory, or elsewhere in it.
var climbing = []string{"../../escape", "/escape", "a/../../../escape", "..", ".", "a/b", `a\b`, "a\nb", "a\x00b", ""}

// TestNamesStayInside gives each name that becomes part of a path a value that would climb out: the language takes
// none. The tree would refuse the path besides; see artifact.
func TestNamesStayInside(t *testing.T) {
	all := 0
	for _, name := range exampleNames(t) {
		text := read(t, filepath.Join(examplesDir, name, "site.cue"))
		out := compileText(t, "site.cue", text)
		var paths []string
		for _, f := range out.Tree.Files() {
			paths = append(paths, f.Path())
		}
		segments := pathParts(paths)
		src, _ := load.Bytes("site.cue", []byte(text))
		tried := map[string]bool{}
		for _, old := range namesIn(t, src.Resolved()) {
			if !segments[old] || tried[old] {
				continue
			}
			tried[old] = true
			loader := load.NewLoader()
			for _, bad := range climbing {
				from, to := quoted(t, old), quoted(t, bad)
				changed := strings.NewReplacer(": "+from, ": "+to, from+":", to+":").Replace(string(src.Resolved()))
				if got, _ := loader.Bytes("site.json", []byte(changed)); got != nil {
					t.Errorf("%s: %q may be called %q", name, old, bad)
				}
			}
		}
		all = max(all, len(tried))
		if len(tried) < 4 { // a cell of three machines
			t.Errorf("%s: %d names are part of paths: %v", name, len(tried), slices.Sorted(maps.Keys(tried)))
		}
	}
	if all < 12 {
		t.Errorf("no site has more than %d names that are part of paths", all)
	}
}

// pathParts returns what paths are made of: segments, those without their ending, and what hyphens join in them.
func pathParts(paths []string) map[string]bool {
	out := map[string]bool{}
	for _, p := range paths {
		for s := range strings.SplitSeq(p, "/") {
			s, _, _ = strings.Cut(s, ".")
			out[s] = true
			for i := range len(s) {
				if s[i] == '-' {
					out[s[:i]], out[s[i+1:]] = true, true
				}
			}
		}
	}
	return out
}

// namesIn lists the keys and the strings of a site in JSON that look like names; fields of the language are among them.
func namesIn(t *testing.T, data []byte) []string {
	t.Helper()
	var root any
	if err := json.Unmarshal(data, &root); err != nil {
		t.Fatal(err)
	}
	var out []string
	var walk func(v any, s *load.Shape)
	walk = func(v any, s *load.Shape) {
		switch v := v.(type) {
		case map[string]any:
			for _, k := range slices.Sorted(maps.Keys(v)) {
				if s.Pattern != nil {
					out = append(out, k)
				}
				walk(v[k], s.Lookup(k))
			}
		case []any:
			for _, e := range v {
				walk(e, s.Elem)
			}
		case string:
			if s.Scalar == nil || len(s.Scalar.Enum) == 0 {
				out = append(out, v)
			}
		}
	}
	walk(root, load.Language())
	return out
}

func quoted(t *testing.T, s string) string {
	t.Helper()
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
