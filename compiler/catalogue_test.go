package compiler

import (
	"os"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/load"
)

// TestReferences holds the generated texts to what they are generated from. MESHGEN_UPDATE=1 rewrites them.
func TestReferences(t *testing.T) {
	capabilities, err := CapabilitiesReference()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]byte{
		"check/rules/README.md": RulesReference(),
		"../schema/README.md":   load.Reference(),
		"../profiles/README.md": capabilities,
	} {
		if update {
			if err := os.WriteFile(name, want, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if read(t, name) != string(want) {
			t.Errorf("%s is stale; run: make golden", name)
		}
	}
}

// TestCapabilityPlaces holds the rows of the matrix of capabilities to the language, and all meshes to the same rows.
func TestCapabilityPlaces(t *testing.T) {
	set, err := profileSet()
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int{}
	for _, kind := range set.Meshes() {
		for row := range set.Mesh(kind).Capabilities {
			rows[row]++
			pattern, value := capabilityPlace(row)
			if pattern == "" {
				continue
			}
			shape := load.Language().Lookup(strings.Split(pattern, ".")...)
			if shape == nil {
				t.Errorf("%s: the language has no %s", row, pattern)
			} else if s := shape.Scalar; value != "x" && (s == nil || s.Kind != load.Bool && !slices.Contains(s.Enum, value)) {
				t.Errorf("%s: %s is never %s", row, pattern, value)
			}
		}
	}
	for row, n := range rows {
		if n != len(set.Meshes()) {
			t.Errorf("%d of %d meshes have a row %s", n, len(set.Meshes()), row)
		}
	}
	for row := range capabilityPlaces {
		if rows[row] == 0 {
			t.Errorf("no mesh has a row %s", row)
		}
	}
}

func TestCatalogue(t *testing.T) {
	ids, names := map[string]bool{}, map[string]bool{}
	last := ""
	for _, r := range Catalogue() {
		if r.ID <= last || ids[r.ID] || names[r.Name] {
			t.Errorf("%s %s: out of order, or used twice", r.ID, r.Name)
		}
		last, ids[r.ID], names[r.Name] = r.ID, true, true
		if r.Title == "" || r.Doc == "" || strings.HasSuffix(r.Title, ".") {
			t.Errorf("%s: title %q", r.ID, r.Title)
		}
	}
}

// TestReferenceIsWhole finds every field of the language in its reference.
func TestReferenceIsWhole(t *testing.T) {
	text := string(load.Reference())
	var walk func(s *load.Shape, depth int)
	walk = func(s *load.Shape, depth int) {
		if s == nil || depth > 12 {
			return
		}
		for name, f := range s.Fields {
			if !strings.Contains(text, "| `"+name+"` |") {
				t.Errorf("field %s is missing", name)
			}
			walk(f, depth+1)
		}
		walk(s.Pattern, depth+1)
		walk(s.Elem, depth+1)
	}
	walk(load.Language(), 0)
}
