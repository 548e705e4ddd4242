package load

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
)

// JSONSchema returns the language as a JSON Schema (draft 2020-12) for editors and other programs, with bounds,
// defaults, descriptions and examples. It says what the CUE schema says, but for what JSON Schema cannot: that options
// belong to a kind.
func JSONSchema() ([]byte, error) {
	w := schemaWriter{ctx: cuecontext.New(), defs: map[string]any{}}
	root := w.block(Language())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["$id"] = "https://" + schemaPath + "/v1"
	root["title"] = "meshgen site"
	root["description"] = Language().Doc
	root["$defs"] = w.defs
	if w.err != nil {
		return nil, w.err
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(root); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

type object = map[string]any

type schemaWriter struct {
	ctx  *cue.Context
	defs map[string]any
	err  error
}

// place returns the schema of a field, an entry or an element.
func (w *schemaWriter) place(s *Shape) object {
	var forms []object
	if s.Scalar != nil {
		forms = append(forms, scalarSchema(s.Scalar))
	}
	if s.Elem != nil {
		list := object{"type": "array", "items": w.place(s.Elem)}
		if s.MinItems > 0 {
			list["minItems"] = s.MinItems
		}
		if s.MaxItems > 0 {
			list["maxItems"] = s.MaxItems
		}
		forms = append(forms, list)
	}
	if s.IsBlock() {
		forms = append(forms, w.reference(s))
	}
	out := forms[0]
	if len(forms) > 1 {
		out = object{"anyOf": forms}
	}
	if s.Doc != "" {
		out["description"] = s.Doc
	}
	if s.Default != nil {
		out["default"] = s.Default
	}
	if s.Example != "" {
		out["examples"] = []any{w.example(s.Example)}
	}
	return out
}

// reference returns the schema of a block: a reference where a definition describes it.
func (w *schemaWriter) reference(s *Shape) object {
	if s.Def == "" || s.Pattern != nil {
		return w.block(s)
	}
	if _, ok := w.defs[s.Def]; !ok {
		w.defs[s.Def] = nil // in work
		w.defs[s.Def] = w.block(s)
	}
	return object{"$ref": "#/$defs/" + s.Def}
}

func (w *schemaWriter) block(s *Shape) object {
	if s.Pattern != nil {
		return object{"type": "object", "propertyNames": scalarSchema(s.Key), "additionalProperties": w.place(s.Pattern)}
	}
	properties, required := object{}, []string{}
	for _, name := range s.Order {
		f := s.Fields[name]
		properties[name] = w.place(f)
		if f.Required {
			required = append(required, name)
		}
	}
	out := object{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

func scalarSchema(s *Scalar) object {
	out := object{"type": string(s.Kind)}
	if len(s.Enum) > 0 {
		out["enum"] = s.Enum
	}
	if s.Min != nil {
		out["minimum"] = *s.Min
	}
	if s.Max != nil {
		out["maximum"] = *s.Max
	}
	if s.NonEmpty {
		out["minLength"] = 1
	}
	if s.MaxRunes > 0 {
		out["maxLength"] = s.MaxRunes
	}
	var all []object
	for _, re := range s.Patterns {
		all = append(all, object{"pattern": re.String()})
	}
	for _, re := range s.Excluded {
		all = append(all, object{"not": object{"pattern": re.String()}})
	}
	switch len(all) {
	case 0:
	case 1:
		maps.Copy(out, all[0])
	default:
		out["allOf"] = all
	}
	return out
}

// example turns the CUE text of an example into JSON.
func (w *schemaWriter) example(text string) json.RawMessage {
	data, err := w.ctx.CompileString(text).MarshalJSON()
	if err != nil && w.err == nil {
		w.err = fmt.Errorf("example %s: %w", text, err)
	}
	return data
}
