package compiler

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/load"
	"meshgen.dev/meshgen/compiler/profile"
)

const neutralDir = "testdata/neutral"

// neutralSite is the text of the neutral site with a kind of mesh and intents.
func neutralSite(t *testing.T, kind string, probes []intentProbe) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(read(t, filepath.Join(neutralDir, "site.cue")))
	b.WriteString(read(t, filepath.Join(neutralDir, kind+".cue")))
	for _, p := range probes {
		b.WriteString(p.cue)
	}
	return b.String()
}

// TestNeutral asks every kind of mesh for every intent of the language, in one site that names no mesh. Where the matrix
// of capabilities says that a kind can, the site must compile, and an independent reader must find the intent in its
// output; where it says that the kind cannot, a finding must say so at the intent.
func TestNeutral(t *testing.T) {
	set, err := profileSet()
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range load.Language().Lookup("mesh", "kind").Scalar.Enum {
		t.Run(kind, func(t *testing.T) {
			n := neutral{t: t, kind: kind, can: func(row string) bool { return slices.Contains(withoutMesh, row) }}
			if m := set.Mesh(kind); m != nil {
				n.can = func(row string) bool { return m.Capability(row).Support != profile.None }
			}
			n.run()
		})
	}
}

// neutral is one kind of mesh under test.
type neutral struct {
	t    *testing.T
	kind string
	can  func(row string) bool
}

func (n *neutral) run() {
	var met, unmet []intentProbe
	for _, p := range intentProbes {
		if slices.ContainsFunc(p.needs, func(row string) bool { return !n.can(row) }) {
			unmet = append(unmet, p)
		} else {
			met = append(met, p)
		}
	}
	met = n.supported(met)
	out := compileText(n.t, n.kind+".cue", neutralSite(n.t, n.kind, met))
	objects := objectsOf(n.t, out.Tree)
	for _, p := range met {
		n.find(p, objects)
	}
	if len(unmet) == 0 {
		return
	}
	found := n.vet(unmet)
	for _, p := range unmet {
		if !slices.ContainsFunc(found, func(f diag.Finding) bool { return about(f, p) }) {
			n.t.Errorf("%s: the matrix says that %s cannot have all of %v, and no finding says so", p.name, n.kind, p.needs)
		}
	}
	n.t.Logf("%d intents are met, %d are refused with a reason", len(met), len(unmet))
}

// about reports whether a finding is an error at the intent.
func about(f diag.Finding, p intentProbe) bool {
	return f.Severity == diag.Error && slices.Contains(strings.Split(f.Path, "."), p.name)
}

// vet returns the findings of the neutral site with intents.
func (n *neutral) vet(probes []intentProbe) diag.List {
	n.t.Helper()
	src, found := load.Bytes(n.kind+".cue", []byte(neutralSite(n.t, n.kind, probes)))
	if src == nil {
		n.t.Fatal(found)
	}
	out, err := Vet(src, Options{Now: today})
	if err != nil {
		n.t.Fatal(err)
	}
	return out.Findings
}

// supported takes out what a limit that the matrix names refuses.
func (n *neutral) supported(probes []intentProbe) []intentProbe {
	n.t.Helper()
	found := n.vet(probes)
	return slices.DeleteFunc(slices.Clone(probes), func(p intentProbe) bool {
		waits := slices.ContainsFunc(found, func(f diag.Finding) bool { return f.Rule == p.limit[n.kind] && about(f, p) })
		if waits {
			n.t.Logf("%s is refused with %s, for a limit", p.name, n.kind)
		}
		return waits
	})
}

// find looks for an intent in the output.
func (n *neutral) find(p intentProbe, objects []emitted) {
	n.t.Helper()
	family, _, _ := strings.Cut(n.kind, "-")
	own, known := p.where[n.kind]
	if !known {
		own, known = p.where[family]
	}
	places := slices.Concat(p.where["*"], own)
	if n.kind != "cilium" {
		places = append(places, p.where["policy"]...)
	}
	for _, place := range places {
		if !stands(n.t, place, objects) {
			n.t.Errorf("%s: not in the output: %s", p.name, place)
		}
	}
	if known || len(p.tells) == 0 {
		return
	}
	if !slices.ContainsFunc(objects, func(o emitted) bool { return o.kind != "NetworkPolicy" && says(o.value, p.tells) }) {
		n.t.Errorf("%s: no object that %s reads says any of %v", p.name, n.kind, p.tells)
	}
}

// emitted is an object of the output, or the values of a chart.
type emitted struct {
	kind, name string // "VirtualService", "shop/cart"; "values", "istiod"
	value      any
}

// objectsOf reads the objects and values of a tree.
func objectsOf(t *testing.T, tree *artifact.Tree) []emitted {
	t.Helper()
	var out []emitted
	for _, f := range tree.Files() {
		parts := strings.Split(f.Path(), "/")
		if path.Ext(f.Path()) != ".yaml" || parts[0] != "kubernetes" && parts[0] != "charts" {
			continue
		}
		d := yaml.NewDecoder(strings.NewReader(string(f.Bytes())))
		for {
			var v map[string]any
			if err := d.Decode(&v); err != nil {
				break // the end; what is no YAML is an error of verify
			}
			if parts[0] == "charts" {
				out = append(out, emitted{"values", parts[2], v})
				continue
			}
			if v["kind"] == "Component" { // it patches Services of others
				for _, p := range v["patches"].([]any) {
					var s map[string]any
					if err := yaml.Unmarshal([]byte(p.(map[string]any)["patch"].(string)), &s); err != nil {
						t.Fatal(err)
					}
					out = append(out, emitted{"Service", fmt.Sprintf("%s/%s", parts[4], s["metadata"].(map[string]any)["name"]), s})
				}
				continue
			}
			meta, _ := v["metadata"].(map[string]any)
			name := fmt.Sprint(meta["name"])
			if ns, ok := meta["namespace"]; ok {
				name = fmt.Sprintf("%s/%s", ns, name)
			}
			out = append(out, emitted{fmt.Sprint(v["kind"]), name, v})
		}
	}
	return out
}

// stands reports whether a place, as intentProbe writes it, is in the output.
func stands(t *testing.T, place string, objects []emitted) bool {
	t.Helper()
	object, rest, ok := strings.Cut(place, ": ")
	at, value, ok2 := strings.Cut(rest, " = ")
	kind, name, ok3 := strings.Cut(object, " ")
	if !ok || !ok2 || !ok3 {
		t.Fatalf("%q is no place", place)
	}
	return slices.ContainsFunc(objects, func(o emitted) bool {
		match, err := path.Match(name, o.name)
		if err != nil {
			t.Fatal(err)
		}
		return match && o.kind == kind && leads(o.value, strings.Fields(at), value)
	})
}

// leads reports whether the keys lead to the value.
func leads(v any, keys []string, value string) bool {
	if len(keys) == 0 {
		return fmt.Sprint(v) == value
	}
	switch v := v.(type) {
	case map[string]any:
		child, ok := v[keys[0]]
		return ok && leads(child, keys[1:], value)
	case []any:
		return keys[0] == "*" && slices.ContainsFunc(v, func(e any) bool { return leads(e, keys[1:], value) })
	}
	return false
}

// says reports whether one of the values stands anywhere in an object: as a scalar, or in a longer text.
func says(v any, values []string) bool {
	switch v := v.(type) {
	case map[string]any:
		for _, e := range v {
			if says(e, values) {
				return true
			}
		}
		return false
	case []any:
		return slices.ContainsFunc(v, func(e any) bool { return says(e, values) })
	}
	text := fmt.Sprint(v)
	return slices.ContainsFunc(values, func(w string) bool { return text == w || len(w) > 3 && strings.Contains(text, w) })
}
