package verify

import (
	"maps"
	"strconv"
)

// prune reduces a schema to what decides about the given instances: the schema of a property that none of them has
// becomes true, so that its name stays known and nothing below it is compiled. The errors of the instances stay the
// same. Compiling is most of the cost of validation, and a tree touches a small part of each schema.
//
// It knows JSON Schema without references. Instances may be more than those that reach the schema; more instances only
// keep more.
func prune(schema any, instances []any) any {
	s, ok := schema.(map[string]any)
	if !ok {
		return schema
	}
	out := maps.Clone(s)
	properties, _ := s["properties"].(map[string]any)
	if properties != nil {
		kept := make(map[string]any, len(properties))
		for name, sub := range properties {
			if below := members(instances, name); len(below) > 0 {
				kept[name] = prune(sub, below)
			} else {
				kept[name] = true
			}
		}
		out["properties"] = kept
	}
	if _, ok := s["additionalProperties"].(map[string]any); ok {
		out["additionalProperties"] = prune(s["additionalProperties"], others(instances, properties))
	}
	if _, ok := s["items"].(map[string]any); ok {
		out["items"] = prune(s["items"], elements(instances))
	}
	for _, k := range branching {
		if branches, ok := s[k].([]any); ok {
			kept := make([]any, len(branches))
			for i, b := range branches {
				kept[i] = prune(b, instances)
			}
			out[k] = kept
		}
	}
	for _, k := range conditional {
		if _, ok := s[k]; ok {
			out[k] = prune(s[k], instances)
		}
	}
	return out
}

// appendShape appends what of the instances decides about the result of prune: instances of the same shape have the same
// schema.
func appendShape(b []byte, schema any, instances []any) []byte {
	s, ok := schema.(map[string]any)
	if !ok {
		return b
	}
	properties, _ := s["properties"].(map[string]any)
	for _, name := range names(instances) {
		if sub, ok := properties[name]; ok {
			b = append(strconv.AppendQuote(b, name), '(')
			b = append(appendShape(b, sub, members(instances, name)), ')')
		}
	}
	if rest, ok := s["additionalProperties"].(map[string]any); ok {
		b = append(appendShape(append(b, '*', '('), rest, others(instances, properties)), ')')
	}
	if each, ok := s["items"].(map[string]any); ok {
		b = append(appendShape(append(b, '[', '('), each, elements(instances)), ')')
	}
	for _, k := range branching {
		branches, _ := s[k].([]any)
		for _, branch := range branches {
			b = append(appendShape(append(b, '|', '('), branch, instances), ')')
		}
	}
	for _, k := range conditional {
		if sub, ok := s[k]; ok {
			b = append(appendShape(append(b, '?', '('), sub, instances), ')')
		}
	}
	return b
}

// names lists the properties that instances have, sorted, each once.
func names(instances []any) []string {
	if len(instances) == 1 {
		m, _ := instances[0].(map[string]any)
		return sortedKeys(m)
	}
	all := map[string]bool{}
	for _, i := range instances {
		m, _ := i.(map[string]any)
		for name := range m {
			all[name] = true
		}
	}
	return sortedKeys(all)
}

// branching and conditional are the keywords below which a schema sees the same instances.
var (
	branching   = []string{"allOf", "anyOf", "oneOf"}
	conditional = []string{"not", "if", "then", "else"}
)

// members collects the values of one property.
func members(instances []any, name string) []any {
	var out []any
	for _, i := range instances {
		if m, ok := i.(map[string]any); ok {
			if v, ok := m[name]; ok {
				out = append(out, v)
			}
		}
	}
	return out
}

// others collects the values of properties that have no schema of their own.
func others(instances []any, properties map[string]any) []any {
	var out []any
	for _, i := range instances {
		m, _ := i.(map[string]any)
		for name, v := range m {
			if _, ok := properties[name]; !ok {
				out = append(out, v)
			}
		}
	}
	return out
}

func elements(instances []any) []any {
	var out []any
	for _, i := range instances {
		if l, ok := i.([]any); ok {
			out = append(out, l...)
		}
	}
	return out
}

// unrequired returns a schema that asks for no field: what holds for an overlay, which is laid over something whole.
func unrequired(schema any) any {
	switch s := schema.(type) {
	case map[string]any:
		out := make(map[string]any, len(s))
		for k, v := range s {
			// "required" may also be the name of a property, whose value is then a schema.
			if _, isList := v.([]any); k == "required" && isList {
				continue
			}
			out[k] = unrequired(v)
		}
		return out
	case []any:
		out := make([]any, len(s))
		for i, v := range s {
			out[i] = unrequired(v)
		}
		return out
	}
	return schema
}
