package verify

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"meshgen.dev/meshgen/compiler/verify/schemas"
)

// entryOf reads the schema of a kind from the newest set that has it.
func entryOf(t testing.TB, component, gvk string) map[string]any {
	t.Helper()
	sets, err := schemas.Index()
	if err != nil {
		t.Fatal(err)
	}
	set, ok := schemas.Find(sets, component, "", "")
	if !ok {
		t.Fatalf("no set for %s", component)
	}
	e, ok, err := set.Entry(gvk)
	if !ok || err != nil {
		t.Fatalf("%s: %v", gvk, err)
	}
	return e.Schema
}

func compiled(t testing.TB, schema any) *compiledSchema {
	t.Helper()
	c, err := compile("test", schema)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// judge validates an instance and returns what is wrong, sorted.
func judge(c *compiledSchema, instance any) []string {
	var out []string
	for _, v := range c.validate(instance) {
		out = append(out, v.path.String()+": "+v.text)
	}
	slices.Sort(out)
	return out
}

// fuzzed are kinds whose schemas hold every keyword that prune knows, with an object to begin with.
var fuzzed = []struct{ component, gvk, object string }{
	{"istio", "networking.istio.io/v1/VirtualService", `{"apiVersion":"networking.istio.io/v1","kind":"VirtualService","metadata":{"name":"a"},"spec":{"hosts":["a"],"http":[{"match":[{"uri":{"exact":"/"}}],"route":[{"destination":{"host":"b","port":{"number":1}},"weight":3}],"fault":{"abort":{"httpStatus":500,"percentage":{"value":1}}}}]}}`},
	{"istio", "networking.istio.io/v1/DestinationRule", `{"apiVersion":"networking.istio.io/v1","kind":"DestinationRule","spec":{"host":"a","trafficPolicy":{"loadBalancer":{"simple":"RANDOM"},"portLevelSettings":[{"port":{"number":1}}]}}}`},
	{"gateway-api", "gateway.networking.k8s.io/v1/HTTPRoute", `{"apiVersion":"gateway.networking.k8s.io/v1","kind":"HTTPRoute","spec":{"hostnames":["a.b"],"rules":[{"matches":[{"path":{"type":"Exact","value":"/"}}],"filters":[{"type":"URLRewrite"}]}]}}`},
	{"kubernetes", "apps/v1/Deployment", `{"apiVersion":"apps/v1","kind":"Deployment","spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"spec":{"containers":[{"name":"a","resources":{"limits":{"cpu":1}}}]}}}}`},
	{"metallb", "metallb.io/v1beta2/BGPPeer", `{"apiVersion":"metallb.io/v1beta2","kind":"BGPPeer","spec":{"myASN":1,"nodeSelectors":[{"matchLabels":{"a":"b"}}]}}`},
	{"cilium", "cilium.io/v2/CiliumNetworkPolicy", `{"apiVersion":"cilium.io/v2","kind":"CiliumNetworkPolicy","metadata":{"name":"a"},"spec":{"endpointSelector":{},"egress":[{"toCIDR":["10.0.0.0/8"],"toPorts":[{"ports":[{"port":"80"}]}]}]}}`},
	{"chart-gateway", "schema", `{"service":{"type":"None","ports":[{"port":1}]},"autoscaling":{"minReplicas":1}}`},
}

// FuzzPrune asserts that a pruned schema says about its instances what the full one says, also when it was pruned for another
// instance of the same shape.
func FuzzPrune(f *testing.F) {
	full := make([]map[string]any, len(fuzzed))
	ready := make([]*compiledSchema, len(fuzzed))
	for i, k := range fuzzed {
		full[i] = entryOf(f, k.component, k.gvk)
		ready[i] = compiled(f, full[i])
		f.Add(uint8(i), k.object)
		for _, change := range []struct{ old, new string }{
			{`"spec":{`, `"spec":{"unknown":1,`}, {`"a"`, `5`}, {`:[`, `:["x",`}, {`:{`, `:{"exact":"x","prefix":"y","regex":1,`},
			{`1`, `-70000`}, {`"b"`, `null`}, {`"spec"`, `"status"`}, {`{"`, `{"name":[],"`},
		} {
			f.Add(uint8(i), strings.Replace(k.object, change.old, change.new, 1))
			f.Add(uint8(i), strings.ReplaceAll(k.object, change.old, change.new))
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, text string) {
		var node yaml.Node
		if err := yaml.Unmarshal([]byte(text), &node); err != nil || len(node.Content) == 0 {
			return
		}
		instance := value(node.Content[0])
		if _, err := json.Marshal(instance); err != nil {
			return // NaN and its kin, which no JSON holds
		}
		i := int(kind) % len(full)
		want := judge(ready[i], instance)
		kept, err := compiledBefore.get(schemaOf{archive: "fuzzed", entry: fuzzed[i].gvk}, full[i], []any{instance})
		if err != nil {
			t.Fatal(err)
		}
		for how, s := range map[string]*compiledSchema{"pruned": compiled(t, prune(full[i], []any{instance})), "kept": kept} {
			if got := judge(s, instance); !slices.Equal(got, want) {
				t.Errorf("%s:\n%s\nfull:\n%s", how, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
	})
}

// TestPruneDrops holds prune to its purpose: what no instance has is not compiled.
func TestPruneDrops(t *testing.T) {
	schema := entryOf(t, "kubernetes", "apps/v1/Deployment")
	instance := map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "spec": map[string]any{"replicas": int64(1)}}
	full, _ := json.Marshal(schema)
	pruned, _ := json.Marshal(prune(schema, []any{instance}))
	if len(pruned)*20 > len(full) {
		t.Errorf("%d of %d bytes are left", len(pruned), len(full))
	}
}

// TestPruneShape holds appendShape to what prune makes of every keyword that it knows: another result is another shape.
func TestPruneShape(t *testing.T) {
	leaf := map[string]any{"properties": map[string]any{"x": map[string]any{"type": "string"}, "y": map[string]any{"type": "string"}}}
	schema := map[string]any{
		"properties":           map[string]any{"a": leaf, "b": map[string]any{"items": leaf}, "q": leaf},
		"additionalProperties": leaf,
		"allOf":                []any{map[string]any{"properties": map[string]any{"c": leaf}}, map[string]any{"properties": map[string]any{"d": leaf}}},
		"if":                   map[string]any{"properties": map[string]any{"e": leaf}},
	}
	seen := map[string]string{} // results by shape
	for _, text := range []string{`{}`, `5`, `[]`, `{a: {}}`, `{a: {x: 1}}`, `{a: {x: 2}}`, `{a: {y: 1}}`, `{a: {x: 1, y: 1}}`, `{b: []}`, `{b: [{x: 1}]}`,
		`{b: [{y: 1}, {x: 1}]}`, `{b: [{}, {x: 1, y: 1}]}`, `{q: {}}`, `{c: {}}`, `{c: {x: 1}}`, `{d: {x: 1}}`, `{e: {x: 1}}`, `{e: {y: 1}}`, `{other: {x: 1}}`, `{another: {x: 1}}`,
		`{a: {"x(\"y": 1}}`, `{a: {x: 1}, q: {y: 1}}`, `{a: {y: 1}, q: {x: 1}}`} {
		var node yaml.Node
		if err := yaml.Unmarshal([]byte(text), &node); err != nil {
			t.Fatal(err)
		}
		instances := []any{value(node.Content[0])}
		result, _ := json.Marshal(prune(schema, instances))
		shape := string(appendShape(nil, schema, instances))
		if was, ok := seen[shape]; ok && was != string(result) {
			t.Errorf("%s: shape %s has two results:\n%s\n%s", text, shape, was, result)
		}
		seen[shape] = string(result)
	}
	if n := len(seen); n < 15 || n > 20 {
		t.Errorf("%d shapes: some that are the same differ, or the other way round", n)
	}
}

// TestEverySchemaCompiles reads all embedded data as a build would.
func TestEverySchemaCompiles(t *testing.T) {
	sets, err := schemas.Index()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sets {
		names, err := s.Names()
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			e, ok, err := s.Entry(name)
			if !ok || err != nil {
				t.Fatalf("%s: %s: %v", s.File, name, err)
			}
			// An instance with every field of the first level makes prune keep the first level of the schema.
			instance := map[string]any{}
			for field := range dict(e.Schema, "properties") {
				instance[field] = map[string]any{}
			}
			if _, err := compile(name, prune(e.Schema, []any{instance})); err != nil {
				t.Errorf("%s: %s: %v", s.File, name, err)
			}
		}
	}
}

func TestExplain(t *testing.T) {
	schema := map[string]any{
		"type": "object", "additionalProperties": false, "required": []any{"name"},
		"properties": map[string]any{
			"name":  map[string]any{"type": "string", "minLength": 2, "maxLength": 3, "pattern": "^a"},
			"count": map[string]any{"type": "integer", "minimum": 1, "maximum": 5, "multipleOf": 2},
			"cidr":  map[string]any{"format": "cidr"},
			"list":  map[string]any{"type": "array", "minItems": 1, "maxItems": 2, "uniqueItems": true},
			"one":   map[string]any{"oneOf": []any{map[string]any{"required": []any{"a"}}, map[string]any{"required": []any{"b"}}}},
			"not":   map[string]any{"not": map[string]any{"required": []any{"a"}}},
			"mode":  map[string]any{"enum": []any{"x", "y"}},
		},
	}
	for _, c := range []struct{ instance, want string }{
		{`{"nme": "ab", "name": "ab"}`, `nme: unknown field (did you mean "name"?)`},
		{`{}`, `: required field "name" is missing`},
		{`{name: 5}`, `name: is an integer, not a string`},
		{`{name: a}`, `name: "a" has fewer than 2 characters`},
		{`{name: abcd}`, `name: "abcd" has more than 3 characters`},
		{`{name: bb}`, `name: "bb" does not match ^a`},
		{`{name: aa, count: 0}`, `count: 0 is below 1`},
		{`{name: aa, count: 6}`, `count: 6 is above 5`},
		{`{name: aa, count: 3}`, `count: 3 is no multiple of 2`},
		{`{name: aa, count: 1.5}`, `count: is a number, not an integer`},
		{`{name: aa, cidr: 10.0.0.0/33}`, `cidr: "10.0.0.0/33" is no prefix`},
		{`{name: aa, list: []}`, `list: has 0 entries, fewer than 1`},
		{`{name: aa, list: [1, 1]}`, `list: holds an entry twice`},
		{`{name: aa, list: [1, 2, 3]}`, `list: has 3 entries, more than 2`},
		{`{name: aa, one: {}}`, `one: fits not exactly one of the alternatives: a, or b`},
		{`{name: aa, one: {a: 1, b: 1}}`, `one: fits more than one of the alternatives, which exclude each other: a, or b`},
		{`{name: aa, not: {a: 1}}`, `not: has what is excluded: a`},
		{`{name: aa, mode: z}`, `mode: "z" is not one of x, y`},
		{`{name: aa, "a/b~c d": 1}`, `["a/b~c d"]: unknown field`},
	} {
		var node yaml.Node
		if err := yaml.Unmarshal([]byte(c.instance), &node); err != nil {
			t.Fatal(err)
		}
		got := judge(compiled(t, schema), value(node.Content[0]))
		if fmt.Sprint(got) != fmt.Sprint([]string{c.want}) {
			t.Errorf("%s: got %q, want %q", c.instance, got, c.want)
		}
	}
}
