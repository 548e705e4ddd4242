package load

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"

	"meshgen.dev/meshgen/compiler/site"
)

// eachPlace visits every place of the language; entries and elements are "*".
func eachPlace(s *Shape, path []string, visit func(*Shape, []string)) {
	visit(s, path)
	for _, name := range s.Order {
		eachPlace(s.Fields[name], append(path[:len(path):len(path)], name), visit)
	}
	if s.Pattern != nil {
		eachPlace(s.Pattern, append(path[:len(path):len(path)], anyEntry), visit)
	}
	if s.Elem != nil && s.Elem.IsBlock() {
		eachPlace(s.Elem, append(path[:len(path):len(path)], anyEntry), visit)
	}
}

// Every field is explained, and every one that is not a choice shows an example that the schema takes.
func TestEveryFieldIsExplained(t *testing.T) {
	ctx := cuecontext.New()
	eachPlace(Language(), nil, func(s *Shape, path []string) {
		at := join(path)
		if s.Doc == "" || !strings.HasSuffix(s.Doc, ".") {
			t.Errorf("%s: the comment %q is not a sentence", at, s.Doc)
		}
		choice := s.Scalar != nil && s.Elem == nil && (len(s.Scalar.Enum) > 0 || s.Scalar.Kind == Bool)
		plain := s.Scalar != nil || s.Elem != nil && !s.Elem.IsBlock()
		if plain && !choice && s.Example == "" {
			t.Errorf("%s: no example", at)
		}
		for _, text := range []string{s.Example, s.exampleOfDefault()} {
			if text == "" {
				continue
			}
			v := ctx.CompileString(text)
			w := &walker{user: v, merged: v}
			w.walk(v, s, nil)
			if v.Err() != nil || len(w.faults) > 0 {
				t.Errorf("%s: %s is not right here: %v%s", at, text, v.Err(), lines(w.faults))
			}
		}
	})
}

func (s *Shape) exampleOfDefault() string {
	var b strings.Builder
	writeLiteral(&b, s.Default)
	return b.String()
}

// The tree says what CUE says: required, optional, and the default.
func TestShapeAgreesWithCUE(t *testing.T) {
	ctx := cuecontext.New()
	root, err := compileSchema(ctx)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	var visit func(v cue.Value, s *Shape, path []string)
	visit = func(v cue.Value, s *Shape, path []string) {
		if s.Elem != nil && s.Elem.IsBlock() {
			visit(v.LookupPath(cue.MakePath(cue.AnyIndex)), s.Elem, append(path[:len(path):len(path)], anyEntry))
		}
		if !s.IsBlock() || s.Scalar != nil {
			return
		}
		it, err := v.Fields(cue.Optional(true), cue.Patterns(true))
		if err != nil {
			t.Errorf("%s: %v", join(path), err)
			return
		}
		seen := map[string]bool{}
		for it.Next() {
			sel := it.Selector()
			if sel.ConstraintType() == cue.PatternConstraint {
				visit(it.Value(), s.Pattern, append(path, anyEntry))
				continue
			}
			name := sel.Unquoted()
			f := s.Fields[name]
			at := append(path[:len(path):len(path)], name)
			if f == nil {
				t.Errorf("%s is missing in the tree", join(at))
				continue
			}
			n++
			seen[name] = true
			if f.Required != (sel.ConstraintType() == cue.RequiredConstraint) || f.Optional != (sel.ConstraintType() == cue.OptionalConstraint) {
				t.Errorf("%s: required %v, optional %v", join(at), f.Required, f.Optional)
			}
			if d, ok := it.Value().Default(); ok && d.IsConcrete() && f.Scalar != nil {
				data, err := d.MarshalJSON()
				if err != nil || fmt.Sprint(decode(t, data)) != fmt.Sprint(f.Default) {
					t.Errorf("%s: the default is %s, the tree says %v", join(at), data, f.Default)
				}
			}
			visit(it.Value(), f, at)
		}
		if len(seen) != len(s.Fields) {
			t.Errorf("%s: the tree has fields that CUE has not", join(path))
		}
	}
	visit(root, Language(), nil)
	if n < 200 {
		t.Errorf("only %d fields were compared", n)
	}
}

func decode(t *testing.T, data []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// unusedFields are the places that no sample uses, and examples show: the image of host pods, the Secret of a repository, the
// licence of Calico, TTL security, tables of next hops and access lists
// of switches, the options of external balancers, what a machine sets aside, what is set up of its cards, the largest packet of a rack,
// services of other sites and networks of their pods, services that are one with theirs, the keys of a token's issuer, an authority in Vault, encryption between nodes.
var unusedFields = []string{"delivery.hostsImage", "delivery.repositorySecret", "egressGateways.*.calico.licensed", "fabric.bgp.ttlSecurity", "fabric.resilientHashing", "fabric.switchACLs", "federation.clusterID", "federation.consul.mode", "federation.consul.primary", "federation.linkerd.mode", "federation.peers.*.podCIDRs", "federation.peers.*.services", "kubernetes.cni.calico", "loadBalancer.external", "mesh.ca.spire.storage", "mesh.ca.spire.storageClass", "mesh.ca.vault", "mesh.encryption", "namespaces.*.services.*.federated", "namespaces.*.services.*.jwt.jwksURI", "nodeClasses.*.hugePages", "nodeClasses.*.nic.ring", "nodeClasses.*.nic.rps", "nodeClasses.*.protectKernelDefaults", "racks.*.mtu"}

// A field that nobody uses does not exist.
func TestSamplesUseEveryField(t *testing.T) {
	used := map[string]bool{}
	for _, name := range samples {
		src := mustLoad(t, name, read(t, name))
		for _, leaf := range src.Leaves() {
			if !src.Has(leaf) {
				continue
			}
			s, path := Language(), []string{}
			for _, seg := range strings.Split(leaf, ".") {
				if s.Fields[seg] == nil {
					seg = anyEntry
				}
				path = append(path, seg)
				used[join(path)] = true
				if s = s.Lookup(seg); s == nil {
					break // an example with a quoted name; its parent counts
				}
			}
		}
	}
	var unused []string
	eachPlace(Language(), nil, func(s *Shape, path []string) {
		at := join(path)
		below := slices.ContainsFunc(unusedFields, func(u string) bool { return strings.HasPrefix(at, u+".") })
		if s.Fields == nil && !used[at] && len(path) > 0 && !below || slices.Contains(unusedFields, at) {
			unused = append(unused, at)
		}
	})
	slices.Sort(unused)
	if !slices.Equal(unused, unusedFields) {
		t.Errorf("unused fields:\n%s", strings.Join(unused, "\n"))
	}
}

// The list of option blocks is that of the language: a block beside kind that is named like one of its values.
func TestChoicesAreThoseOfTheLanguage(t *testing.T) {
	want := map[string][]string{}
	eachPlace(Language(), nil, func(s *Shape, path []string) {
		kind := s.Fields["kind"]
		if kind == nil {
			return
		}
		for _, name := range s.Order {
			if s.Fields[name].IsBlock() && slices.Contains(kind.Scalar.Enum, name) {
				want[join(path)] = append(want[join(path)], name)
			}
		}
	})
	got := map[string][]string{}
	for _, c := range choices {
		got[c.block] = c.options
	}
	if !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("the code knows %v, the language has %v", got, want)
	}
}

// The typed site has exactly the fields of the language.
func TestStructsAreTheLanguage(t *testing.T) {
	var compare func(s *Shape, typ reflect.Type, path []string)
	compare = func(s *Shape, typ reflect.Type, path []string) {
		if typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		switch {
		case s.Scalar != nil && s.IsBlock(): // a path: it decodes itself
		case s.Pattern != nil && typ.Kind() == reflect.Map:
			compare(s.Pattern, typ.Elem(), append(path, anyEntry))
		case s.Elem != nil && typ.Kind() == reflect.Slice:
			compare(s.Elem, typ.Elem(), append(path, anyEntry))
		case s.Fields != nil && typ.Kind() == reflect.Struct:
			names := map[string]bool{}
			for f := range typ.Fields() {
				name := f.Tag.Get("json")
				names[name] = true
				if s.Fields[name] == nil {
					if typ == reflect.TypeFor[site.Component]() {
						continue // one type for all components, of which each has a part
					}
					t.Errorf("%s.%s is not in the language", join(path), name)
					continue
				}
				compare(s.Fields[name], f.Type, append(path[:len(path):len(path)], name))
			}
			for _, name := range s.Order {
				if !names[name] {
					t.Errorf("%s.%s is not in the typed site", join(path), name)
				}
			}
		case s.Scalar != nil:
			kinds := map[Kind][]reflect.Kind{String: {reflect.String}, Int: {reflect.Int, reflect.Uint32}, Number: {reflect.Float64}, Bool: {reflect.Bool}}
			if !slices.Contains(kinds[s.Scalar.Kind], typ.Kind()) {
				t.Errorf("%s: %s in the language, %s in Go", join(path), s.Scalar.Kind, typ)
			}
		default:
			t.Errorf("%s: %s in Go", join(path), typ)
		}
	}
	compare(Language(), reflect.TypeFor[site.Site](), nil)
}
