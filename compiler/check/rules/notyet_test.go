package rules

import (
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/load"
	"meshgen.dev/meshgen/compiler/site"
)

// waiting are how many places MG0900 refuses with each kind of mesh, in part or as a whole. A number may only fall: what
// is added to the language is added with its output. Those of a kind that is refused as a whole are an upper bound.
var waiting = map[string]int{
	"istio-sidecar": 2,
	"istio-ambient": 4,
	"linkerd":       2,
	"cilium":        4,
	"consul":        2,
	"none":          1,
}

// TestNotYet holds the list of what is not supported yet to the language, and lets it only shrink.
func TestNotYet(t *testing.T) {
	kinds := load.Language().Lookup("mesh", "kind").Scalar.Enum
	for _, u := range notYet {
		shape := load.Language().Lookup(strings.Split(u.path, ".")...)
		if shape == nil {
			t.Errorf("the language has no %s", u.path)
			continue
		}
		for _, v := range u.only {
			if s := shape.Scalar; s == nil || s.Kind != load.Bool && !slices.Contains(s.Enum, v) {
				t.Errorf("%s is never %q", u.path, v)
			}
		}
		if s := shape.Scalar; s != nil && len(s.Enum) > 0 && !slices.ContainsFunc(s.Enum, func(v string) bool { return !slices.Contains(u.only, v) }) {
			t.Errorf("%s: every choice is read", u.path)
		}
		if !slices.ContainsFunc(kinds, func(kind string) bool { return !slices.Contains(u.by, kind) }) {
			t.Errorf("%s: every kind of mesh reads it", u.path)
		}
		for _, kind := range u.by {
			if !slices.Contains(kinds, kind) {
				t.Errorf("%s: there is no mesh %s", u.path, kind)
			}
		}
	}
	for _, kind := range kinds {
		n := 0
		in := &site.Site{Mesh: site.Mesh{Kind: kind}, LoadBalancer: site.LoadBalancer{Kind: "external"}}
		for _, u := range notYet {
			if !slices.Contains(u.by, kind) && (u.where == nil || u.where(in)) {
				n++
			}
		}
		if n > waiting[kind] {
			t.Errorf("%d places are not supported yet with mesh %s, and were %d", n, kind, waiting[kind])
		}
	}
}
