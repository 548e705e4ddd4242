package compiler

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/load"
	"meshgen.dev/meshgen/compiler/profile"
)

// deciding are the names of fields whose value picks a program, a system or a form, and so a profile or a backend.
var deciding = []string{"kind", "provider", "os", "daemon", "distribution", "backend", "hosts"}

// profiled are the places whose choices have a profile each, with the profiles that are there; apart are choices that
// stand for having none.
var profiled = map[string]struct {
	names func(*profile.Set) []string
	apart []string
}{
	"mesh.kind":                      {(*profile.Set).Meshes, []string{"none"}},
	"loadBalancer.kind":              {(*profile.Set).LoadBalancers, nil},
	"kubernetes.cni.kind":            {(*profile.Set).CNIs, nil},
	"kubernetes.distribution":        {(*profile.Set).Distributions, []string{"other"}},
	"racks.*.tors.*.os":              {(*profile.Set).Switches, nil},
	"fabric.spines.*.os":             {(*profile.Set).Switches, nil},
	"gateways.*.implementation.kind": {gatewayPrograms, nil},
}

// gatewayPrograms are the programs of gateways that have a profile.
func gatewayPrograms(set *profile.Set) []string {
	return slices.DeleteFunc(slices.Clone(load.Language().Lookup("gateways", "x", "implementation", "kind").Scalar.Enum), func(kind string) bool { return set.Gateway(kind) == nil })
}

// variations show choices that no example makes: an example with passages changed. With a rule, the choice is refused by
// it, at its place.
var variations = []struct {
	place, choice, example string
	change                 []string // old, new, …
	rule                   string
}{
	{"kubernetes.apiServer.provider", "dns", "rix1", []string{`provider: "external"`, `provider: "dns"`}, ""},
	{"kubernetes.distribution", "other", "rix1", []string{`distribution: "kubeadm"`, `distribution: "other"`}, "MG5422"},
	{"kubernetes.distribution", "rke2", "rix1", []string{`distribution: "kubeadm"`, `distribution: "rke2"`}, ""},
	{"kubernetes.cni.kind", "kube-router", "rix1", []string{`{kind: "calico", version: "3.31.0", encapsulation: "vxlan"}`, `{kind: "kube-router", version: "2.6.1", encapsulation: "ipip"}`}, ""},
	{"loadBalancer.metallb.backend", "frr", "fra1", []string{`metallb: backend: "frr-k8s"`, `metallb: backend: "frr"`}, ""},
	{"fabric.spines.*.os", "eos", "krk1", []string{`"10.72.255.1", os: "frr"`, `"10.72.255.1", os: "eos"`, `peerInterface: "swp`, `peerInterface: "Ethernet`}, ""},
	{"mesh.ca.kind", "builtin", "gdn1", []string{`kind: "plugin", secret: "cacerts", rootNotAfter: "2036-06-01", intermediateNotAfter: "2028-11-01", `, `kind: "builtin", `}, ""},
	{"mesh.ca.kind", "vault", "gdn1", []string{`kind: "plugin", secret: "cacerts", `, `kind: "vault", `}, "MG5160"},
	{"egressGateways.*.provider", "calico", "ham1", []string{"provider: \"cilium\"\n", "provider: \"calico\"\n"}, "MG6153"},
	{"egressGateways.*.provider", "host", "ham1", []string{"provider: \"cilium\"\n", "provider: \"host\"\n"}, "MG5451"},
	{"mesh.encryption.kind", "wireguard", "wro1", []string{"mtls: \"strict\"\n", "mtls: \"strict\"\n\tencryption: kind: \"wireguard\"\n"}, ""},
	{"mesh.ca.kind", "spire", "gdn1", []string{`kind: "plugin", secret: "cacerts", `, `kind: "spire", `}, ""},
}

// TestParity holds each choice of a program, a system or a form that the language offers to what is there for it: a
// profile where such choices have profiles, and an output: an example that makes the choice and compiles, the neutral
// site, or a variation, which may show that a rule refuses it.
func TestParity(t *testing.T) {
	set, err := profileSet()
	if err != nil {
		t.Fatal(err)
	}
	made := map[string]bool{} // "place=choice" of what compiles
	for _, name := range exampleNames(t) {
		choose(t, made, read(t, filepath.Join(examplesDir, name, "site.cue"))) // TestGolden compiles it
	}
	for _, kind := range load.Language().Lookup("mesh", "kind").Scalar.Enum {
		choose(t, made, neutralSite(t, kind, nil)) // TestNeutral compiles it
	}
	for _, v := range variations {
		key := v.place + "=" + v.choice
		if made[key] {
			continue // an example shows it by now
		}
		t.Run(key, func(t *testing.T) {
			text := strings.NewReplacer(v.change...).Replace(read(t, filepath.Join(examplesDir, v.example, "site.cue")))
			if choose(t, made, text); !made[key] {
				t.Fatalf("the variation of %s does not make the choice", v.example)
			}
			if v.rule == "" {
				compileText(t, "site.cue", text)
				return
			}
			src, _ := load.Bytes("site.cue", []byte(text))
			out, err := Vet(src, Options{Now: today})
			if err != nil || !slices.ContainsFunc(out.Findings, func(f diag.Finding) bool { return f.Rule == v.rule && at(v.place, f.Path) }) {
				t.Errorf("%s does not refuse it", v.rule)
			}
		})
	}
	for place, choices := range decisions() {
		if p, ok := profiled[place]; ok {
			want := slices.DeleteFunc(slices.Clone(choices), func(c string) bool { return slices.Contains(p.apart, c) })
			if have := p.names(set); !sameSet(want, have) {
				t.Errorf("%s: the language has %v, profiles are there for %v", place, want, have)
			}
		}
		for _, c := range choices {
			if !made[place+"="+c] {
				t.Errorf("%s %s: no example, neutral site or variation shows what becomes of it", place, c)
			}
		}
	}
	for place := range profiled {
		if decisions()[place] == nil {
			t.Errorf("the language has no choice %s", place)
		}
	}
}

// decisions returns the choices of the language that pick something, by the pattern of their place.
func decisions() map[string][]string {
	out := map[string][]string{}
	var walk func(s *load.Shape, at []string)
	walk = func(s *load.Shape, at []string) {
		if s == nil {
			return
		}
		if n := lastName(at); s.Scalar != nil && len(s.Scalar.Enum) > 0 && slices.Contains(deciding, n) {
			out[strings.Join(at, ".")] = s.Scalar.Enum
		}
		for name, f := range s.Fields {
			walk(f, append(at[:len(at):len(at)], name))
		}
		walk(s.Pattern, append(at[:len(at):len(at)], "*"))
		walk(s.Elem, append(at[:len(at):len(at)], "*"))
	}
	walk(load.Language(), nil)
	return out
}

// lastName is the last segment of a pattern that is a name.
func lastName(at []string) string {
	for _, seg := range slices.Backward(at) {
		if seg != "*" {
			return seg
		}
	}
	return ""
}

// choose adds the choices that a site makes, as "place=choice".
func choose(t *testing.T, made map[string]bool, text string) {
	t.Helper()
	src, found := load.Bytes("site.cue", []byte(text))
	if src == nil {
		t.Fatal(found)
	}
	values, err := src.Values()
	if err != nil {
		t.Fatal(err)
	}
	for place := range decisions() {
		for _, v := range valuesAt(values, strings.Split(place, ".")) {
			made[place+"="+v] = true
		}
	}
}

// valuesAt returns the strings at a pattern.
func valuesAt(v any, pattern []string) (out []string) {
	switch v := v.(type) {
	case string:
		if len(pattern) == 0 {
			out = append(out, v)
		}
	case map[string]any:
		for name, child := range v {
			if len(pattern) > 0 && (pattern[0] == "*" || pattern[0] == name) {
				out = append(out, valuesAt(child, pattern[1:])...)
			}
		}
	case []any:
		for _, child := range v {
			if len(pattern) > 0 && pattern[0] == "*" {
				out = append(out, valuesAt(child, pattern[1:])...)
			}
		}
	}
	return out
}

func sameSet(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

// at reports whether a path is the place, of which "*" stands for one segment.
func at(place, path string) bool {
	want, have := strings.Split(place, "."), strings.Split(path, ".")
	return slices.EqualFunc(want, have, func(w, h string) bool { return w == "*" || w == h })
}
