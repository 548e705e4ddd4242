package main

import (
	"fmt"
	"slices"
	"strings"
)

// metaSchema stands for ObjectMeta: what somebody may write. The server's own fields (uid, creationTimestamp,
// managedFields) are left out, so that a tree that carries them is refused.
var metaSchema = closed(map[string]any{
	"name":            map[string]any{"type": "string"},
	"generateName":    map[string]any{"type": "string"},
	"namespace":       map[string]any{"type": "string"},
	"labels":          stringMap(),
	"annotations":     stringMap(),
	"finalizers":      map[string]any{"type": "array", "items": map[string]any{"type": "string"}},
	"ownerReferences": map[string]any{"type": "array", "items": map[string]any{"type": "object"}},
})

func stringMap() map[string]any {
	return map[string]any{"type": "object", "additionalProperties": map[string]any{"type": "string"}}
}

func closed(properties map[string]any) map[string]any {
	return map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
}

// kept are the keywords that decide; prose, defaults and extensions are not among them.
var kept = []string{
	"type", "enum", "pattern", "format", "required", "multipleOf", "uniqueItems",
	"minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties",
}

// derive turns a schema of OpenAPI v3, as CRDs and Kubernetes use it, into JSON Schema draft 7 without references.
// defs resolves "#/components/schemas/…"; nil for CRDs. An object is closed where the server would drop or refuse what
// it does not know: where type: object stands with properties (or with nothing, in a CRD), never below allOf, anyOf,
// oneOf or not, whose bare required and properties describe the same object.
func derive(s map[string]any, defs map[string]any, branch bool) (any, error) {
	s, err := resolve(s, defs)
	if err != nil {
		return nil, err
	}
	switch {
	case s["x-kubernetes-int-or-string"] == true || s["format"] == "int-or-string":
		out := map[string]any{"type": []any{"integer", "string"}}
		if p, ok := s["pattern"]; ok {
			out["pattern"] = p
		}
		return nullable(out, s), nil
	case s["meshgen-quantity"] == true:
		return map[string]any{"type": []any{"number", "string"}, "format": "quantity"}, nil
	case s["meshgen-meta"] == true:
		return metaSchema, nil
	}
	out := map[string]any{}
	for _, k := range kept {
		if v, ok := s[k]; ok {
			out[k] = v
		}
	}
	bound(out)
	if err := deriveObject(out, s, defs, branch); err != nil {
		return nil, err
	}
	if items, ok := s["items"].(map[string]any); ok {
		if out["items"], err = derive(items, defs, branch); err != nil {
			return nil, err
		}
	}
	for _, k := range []string{"allOf", "anyOf", "oneOf"} {
		list, ok := s[k].([]any)
		if !ok {
			continue
		}
		subs := make([]any, len(list))
		for i, e := range list {
			if subs[i], err = derive(e.(map[string]any), defs, true); err != nil {
				return nil, err
			}
		}
		out[k] = subs
	}
	if not, ok := s["not"].(map[string]any); ok {
		if out["not"], err = derive(not, defs, true); err != nil {
			return nil, err
		}
	}
	return nullable(out, s), nil
}

func deriveObject(out, s, defs map[string]any, branch bool) error {
	properties, hasProperties := s["properties"].(map[string]any)
	if hasProperties {
		subs := map[string]any{}
		for name, sub := range properties {
			d, err := derive(sub.(map[string]any), defs, branch)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			subs[name] = d
		}
		out["properties"] = subs
		if defs == nil {
			dropDefaulted(out, properties)
		}
	}
	switch additional := s["additionalProperties"].(type) {
	case map[string]any:
		d, err := derive(additional, defs, branch)
		if err != nil {
			return err
		}
		out["additionalProperties"] = d
		return nil
	case bool:
		out["additionalProperties"] = additional
		return nil
	}
	open := s["x-kubernetes-preserve-unknown-fields"] == true || s["x-kubernetes-embedded-resource"] == true
	// In Kubernetes' own OpenAPI a bare object is a raw one (RawExtension).
	if s["type"] == "object" && !open && !branch && (hasProperties || defs == nil) {
		out["additionalProperties"] = false
	}
	return nil
}

// dropDefaulted takes out of what is required what a custom resource is given when it is left out: the server fills in
// defaults first.
func dropDefaulted(out, properties map[string]any) {
	required, ok := out["required"].([]any)
	if !ok {
		return
	}
	required = slices.DeleteFunc(slices.Clone(required), func(name any) bool {
		sub, _ := properties[name.(string)].(map[string]any)
		_, has := sub["default"]
		return has
	})
	if out["required"] = required; len(required) == 0 {
		delete(out, "required")
	}
}

// bound turns the number formats into bounds and drops the formats that no JSON Schema library reads as the server
// does: "duration" is ISO 8601 to them and Go's to Kubernetes.
func bound(out map[string]any) {
	switch out["format"] {
	case "int32":
		if _, ok := out["minimum"]; !ok {
			out["minimum"] = -1 << 31
		}
		if _, ok := out["maximum"]; !ok {
			out["maximum"] = 1<<31 - 1
		}
		delete(out, "format")
	case "int64", "float", "double", "duration":
		delete(out, "format")
	}
}

func nullable(out, s map[string]any) map[string]any {
	if s["nullable"] != true {
		return out
	}
	switch t := out["type"].(type) {
	case string:
		out["type"] = []any{t, "null"}
	case []any:
		out["type"] = append(t, "null")
	}
	return out
}

// resolve follows $ref, also where it stands as the one element of allOf beside a description.
func resolve(s, defs map[string]any) (map[string]any, error) {
	if all, ok := s["allOf"].([]any); ok && len(all) == 1 {
		if only := all[0].(map[string]any); only["$ref"] != nil {
			s = only
		}
	}
	ref, ok := s["$ref"].(string)
	if !ok {
		return s, nil
	}
	name := strings.TrimPrefix(ref, "#/components/schemas/")
	switch {
	case strings.HasSuffix(name, ".api.resource.Quantity"):
		return map[string]any{"meshgen-quantity": true}, nil
	case strings.HasSuffix(name, ".meta.v1.ObjectMeta"):
		return map[string]any{"meshgen-meta": true}, nil
	}
	target, ok := defs[name].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("no schema %q", ref)
	}
	return resolve(target, defs)
}

// object finishes the schema of a kind: identity is required, status is the server's.
func object(s any, apiVersion, kind string) map[string]any {
	m := s.(map[string]any)
	p, _ := m["properties"].(map[string]any)
	if p == nil {
		p = map[string]any{}
		m["properties"] = p
	}
	delete(p, "status")
	p["apiVersion"] = map[string]any{"enum": []any{apiVersion}}
	p["kind"] = map[string]any{"enum": []any{kind}}
	required := []any{"apiVersion", "kind"}
	if list, ok := m["required"].([]any); ok {
		for _, r := range list {
			if r != "status" && r != "apiVersion" && r != "kind" {
				required = append(required, r)
			}
		}
	}
	m["required"] = required
	return m
}
