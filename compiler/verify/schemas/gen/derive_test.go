package main

import (
	"encoding/json"
	"testing"
	"testing/fstest"

	"go.yaml.in/yaml/v3"
)

// text prints a schema as JSON, keys sorted.
func text(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestDerive(t *testing.T) {
	defs := map[string]any{
		"io.k8s.api.core.v1.Thing":                      map[string]any{"type": "object", "properties": map[string]any{"a": map[string]any{"type": "string"}}},
		"io.k8s.apimachinery.pkg.api.resource.Quantity": map[string]any{"type": "string"},
		"io.k8s.raw": map[string]any{"type": "object"},
	}
	for _, c := range []struct {
		name, schema, want string
		defs               map[string]any
	}{
		{"prose goes", `{type: string, description: x, default: y, title: z, example: e, x-kubernetes-list-type: set}`, `{"type":"string"}`, nil},
		{"fields called like prose stay", `{type: object, properties: {description: {type: string}}}`, `{"additionalProperties":false,"properties":{"description":{"type":"string"}},"type":"object"}`, nil},
		{"closed", `{type: object, properties: {a: {type: string}}}`, `{"additionalProperties":false,"properties":{"a":{"type":"string"}},"type":"object"}`, nil},
		{"closed though empty", `{type: object}`, `{"additionalProperties":false,"type":"object"}`, nil},
		{"raw object of Kubernetes", `{$ref: "#/components/schemas/io.k8s.raw"}`, `{"type":"object"}`, defs},
		{"open where unknown fields are kept", `{type: object, x-kubernetes-preserve-unknown-fields: true}`, `{"type":"object"}`, nil},
		{"map", `{type: object, additionalProperties: {type: string}}`, `{"additionalProperties":{"type":"string"},"type":"object"}`, nil},
		{"branches stay open", `{type: object, properties: {a: {}}, oneOf: [{required: [a]}, {type: object, properties: {a: {enum: [x]}}}]}`,
			`{"additionalProperties":false,"oneOf":[{"required":["a"]},{"properties":{"a":{"enum":["x"]}},"type":"object"}],"properties":{"a":{}},"type":"object"}`, nil},
		{"not stays open", `{not: {properties: {a: {}}}}`, `{"not":{"properties":{"a":{}}}}`, nil},
		{"integer or string", `{x-kubernetes-int-or-string: true, anyOf: [{type: integer}, {type: string}], pattern: "^a"}`, `{"pattern":"^a","type":["integer","string"]}`, nil},
		{"nullable", `{type: string, nullable: true}`, `{"type":["string","null"]}`, nil},
		{"int32", `{type: integer, format: int32, minimum: 0}`, `{"maximum":2147483647,"minimum":0,"type":"integer"}`, nil},
		{"Go's durations", `{type: string, format: duration}`, `{"type":"string"}`, nil},
		{"prefixes", `{type: string, format: cidr}`, `{"format":"cidr","type":"string"}`, nil},
		{"quantity", `{allOf: [{$ref: "#/components/schemas/io.k8s.apimachinery.pkg.api.resource.Quantity"}], description: x}`, `{"format":"quantity","type":["number","string"]}`, defs},
		{"reference", `{type: array, items: {$ref: "#/components/schemas/io.k8s.api.core.v1.Thing"}}`,
			`{"items":{"additionalProperties":false,"properties":{"a":{"type":"string"}},"type":"object"},"type":"array"}`, defs},
	} {
		var in map[string]any
		if err := yaml.Unmarshal([]byte(c.schema), &in); err != nil {
			t.Fatal(err)
		}
		out, err := derive(in, c.defs, false)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := text(t, out); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
	if _, err := derive(map[string]any{"$ref": "#/components/schemas/none"}, defs, false); err == nil {
		t.Error("a reference to nothing is derived")
	}
}

func TestChart(t *testing.T) {
	root := fstest.MapFS{
		"values.yaml":                 {Data: []byte("_internal_defaults_do_not_set:\n  on: true\n  free: {}\n  image: x\n  labels: {a: b}\n  deep: {known: 1}\n  resources: {limits: {cpu: 1}}\n  list: [1]\n")},
		"templates/a.yaml":            {Data: []byte("{{ .Values.deep.other }} {{ $.Values.extra }} {{ .Values.free.x }} {{ ($.Values).profile }} {{ .Values.new.below }} {{ .Values.defaults }}")},
		"charts/sub/templates/b.yaml": {Data: []byte("{{ .Values.notMine }}")},
	}
	keys, schema, err := chartOf(root)
	if err != nil || schema != nil {
		t.Fatal(schema, err)
	}
	object := `"type":["object","null"]`
	want := `{"additionalProperties":false,"properties":{` +
		`"deep":{"additionalProperties":false,"properties":{"known":{"type":["string","number","boolean","null"]},"other":{}},` + object + `},` +
		`"extra":{},"free":{` + object + `},"image":{"type":["string","number","boolean","null"]},"labels":{` + object + `},` +
		`"list":{"type":["array","null"]},"new":{"additionalProperties":false,"properties":{"below":{}},` + object + `},` +
		`"on":{"type":["boolean","null"]},"profile":{},"resources":` + text(t, requirements) + `},` + object + `}`
	if got := text(t, keys); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestValuesSchema(t *testing.T) {
	got, err := valuesSchema([]byte(`{"$schema": "x", "title": "t", "$defs": {"v": {"type": "object", "description": "d",
		"properties": {"title": {"type": "string"}, "w": {"$ref": "#/$defs/w"}}}, "w": {"enum": [1]}}, "$ref": "#/$defs/v"}`))
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"properties":{"title":{"type":"string"},"w":{"enum":[1]}},"type":"object"}`; text(t, got) != want {
		t.Errorf("got %s, want %s", text(t, got), want)
	}
	for _, bad := range []string{`{"$ref": "#/$defs/none"}`, `{"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"}`, `[`} {
		if _, err := valuesSchema([]byte(bad)); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

func TestStructs(t *testing.T) {
	s := &structs{packages: map[string]*goPackage{}, doing: map[string]bool{}, module: func(string) (string, error) { return "testdata/types", nil }}
	got, err := s.named("example.com/types", "Config")
	if err != nil {
		t.Fatal(err)
	}
	object := `"type":["object","null"]`
	want := `{"additionalProperties":false,"properties":{` +
		`"again":{},"apiVersion":{"type":"string"},"byName":{"additionalProperties":{"type":"boolean"},` + object + `},` +
		`"data":{"type":"string"},"list":{"items":{"type":"string"},"type":["array","null"]},` +
		`"mode":{"enum":["OFF","ON"]},"one":{"type":"string"},"two":{"maximum":2147483647,"minimum":-2147483648,"type":"integer"}},` + object + `}`
	if text(t, got) != want {
		t.Errorf("got  %s\nwant %s", text(t, got), want)
	}
}
