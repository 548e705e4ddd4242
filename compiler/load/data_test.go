package load

import (
	"bytes"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/diag"
)

type diagFinding = diag.Finding

// bomb reports whether evaluating the text may take for ever: CUE cannot be stopped.
func bomb(data []byte) bool {
	return longRange.Match(data) || bytes.Count(data, []byte("for ")) > 6 || bytes.Contains(data, []byte("Repeat")) ||
		bytes.Count(data, []byte("|")) > 200
}

var longRange = regexp.MustCompile(`Range\([^)]*([0-9]{3}|[eEKMGT*]|$)`)

func TestYAML(t *testing.T) {
	json := string(mustLoad(t, samples[2], read(t, samples[2])).Resolved())
	for _, tt := range []struct {
		name, text string
		rule       Rule
		line       int
		contains   string
	}{
		{"version as a number", "kubernetes:\n  version: 1.10\n", WrongType, 2, `quote it: "1.10"`},
		{"key twice", "name: a\nregion: b\nname: a\n", Duplicate, 3, "name stands twice"},
		{"key twice deep down", "racks:\n  r1:\n    nodes: {a: {}, a: {}}\n", Duplicate, 3, "a stands twice"},
		{"misspelt", "name: a\nregoin: b\n", Unknown, 2, "did you mean region?"},
		{"a list", "- a\n- b\n", Syntax, 1, "no description of a site"},
		{"two documents", "name: a\n---\nname: b\n", Syntax, 1, "several documents"},
		{"not YAML", "name: [a\nregion: b\n", Syntax, 1, "not YAML: did not find expected ',' or ']'"},
		{"tab", "name: a\nmesh:\n\tkind: none\n", Syntax, 3, "not YAML: found character that cannot start any token"},
		{"wrong indentation", "name: a\n\n  region: b\n", Syntax, 3, "not YAML: mapping values"},
		{"no UTF-8", "name: a\nregion: \xff\n", Syntax, 2, "not UTF-8"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, faults := Bytes("site.yaml", []byte(tt.text))
			for _, f := range faults {
				if f.Rule == tt.rule.ID && strings.Contains(f.Message+"\n"+f.Hint, tt.contains) && (tt.line == 0 || f.Pos.Line == tt.line) {
					return
				}
			}
			t.Errorf("want %s at line %d, got\n%s", tt.rule.Name, tt.line, lines(faults))
		})
	}
	t.Run("key twice in JSON", func(t *testing.T) {
		_, faults := Bytes("site.json", []byte(strings.Replace(json, `"name": "cell-0417"`, `"name": "cell-0417", "name": "cell-0417"`, 1)))
		if len(faults) != 1 || faults[0].Rule != Duplicate.ID || len(faults[0].Related) != 1 {
			t.Errorf("%s", lines(faults))
		}
	})
	t.Run("words of other YAML readers", func(t *testing.T) {
		src := mustLoad(t, "site.yaml", strings.Replace(json, `"owner": "ran-platform"`, `"owner": y`, 1))
		if src.Site.Owner != "y" && src.Site.Gateways["local"].Owner != "y" {
			t.Error("y is not the string that it is in YAML 1.2")
		}
	})
}

func TestImports(t *testing.T) {
	dir := t.TempDir()
	site := filepath.Join(dir, "sites", "cell.cue")
	write(t, filepath.Join(dir, "cue.mod", "module.cue"), "module: \"example.net/fleet@v0\"\nlanguage: version: \"v0.9.0\"\n")
	write(t, filepath.Join(dir, "common", "common.cue"), "package common\n\nowner: \"ran-platform\"\nport: int\n")
	write(t, filepath.Join(dir, "circle", "a.cue"), "package circle\n\nimport \"example.net/fleet/circle2\"\n\nx: circle2.x\n")
	write(t, filepath.Join(dir, "circle2", "a.cue"), "package circle2\n\nimport \"example.net/fleet/circle\"\n\nx: circle.x\n")
	text := read(t, samples[2])
	for _, tt := range []struct {
		name, imports, body string
		rule                Rule
	}{
		{"the schema", `"meshgen.dev/schema"`, "schema.#Site", Rule{}},
		{"a part of the schema", `"meshgen.dev/schema"`, "#R: schema.#Rack\nracks: cabinet: #R", Rule{}},
		{"the schema does not open the file", `"meshgen.dev/schema"`, "schema.#Site\nnosuch: 1", Unknown},
		{"the schema has no such definition", `"meshgen.dev/schema"`, "schema.#Sit", Unresolved},
		{"a package of the module", `"example.net/fleet/common"`, "owner: common.owner", Rule{}},
		{"another module", `"example.org/fleet/common"`, "owner: common.owner", Import},
		{"a missing package", `"example.net/fleet/nosuch"`, "owner: nosuch.owner", Import},
		{"a circle", `"example.net/fleet/circle"`, "owner: circle.x", Import},
		{"the standard library", `"strings"`, `owner: strings.ToLower("RAN-platform")`, Rule{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			write(t, site, strings.Replace(text, "package cell", "package cell\n\nimport "+tt.imports, 1)+tt.body+"\n")
			src, faults := Files([]string{site}, Options{})
			if tt.rule.ID == "" {
				if src == nil {
					t.Fatal(lines(faults))
				}
				if p := src.PosOf("racks.cabinet.homing"); p.File != filepath.ToSlash(site) {
					t.Errorf("position is %s", p)
				}
				return
			}
			if len(faults) != 1 || faults[0].Rule != tt.rule.ID {
				t.Errorf("want %s, got\n%s", tt.rule.Name, lines(faults))
			}
		})
	}
}

// Nothing in a file may bring the process down: CUE's parser and compiler recurse without bound.
func TestDeepInput(t *testing.T) {
	const n = 1 << 20
	for name, text := range map[string]string{
		"brackets":   "x: " + strings.Repeat("[", n),
		"blocks":     strings.Repeat("a: {", n),
		"labels":     strings.Repeat("a: ", n) + "1",
		"operators":  "x: 1" + strings.Repeat("+1", n),
		"lines":      "x: 1 +\n" + strings.Repeat("1 +\n", n) + "1",
		"unary":      "x: " + strings.Repeat("!", n) + "true",
		"selectors":  "x: a" + strings.Repeat(".a", n),
		"too large":  strings.Repeat("# comment\n", MaxSize/10+1),
		"flow style": strings.Repeat("{a: ", n),
	} {
		for _, ext := range []string{".cue", ".json", ".yaml"} {
			if src, faults := Files([]string{"-"}, Options{Stdin: strings.NewReader(text), StdinName: "x" + ext}); src != nil || len(faults) == 0 {
				t.Errorf("%s%s: no finding", name, ext)
			}
		}
	}
}
