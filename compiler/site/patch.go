package site

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// PatchBody is a patch as it was read: a list of operations (RFC 6902) or a part of an object (strategic merge).
type PatchBody struct {
	Operations []map[string]any // of a JSON patch; nil for a strategic merge
	Merge      map[string]any   // nil for a JSON patch
}

// operations are those of RFC 6902, with whether each needs a value or a place that it takes it from.
var operations = map[string]struct{ value, from bool }{
	"add": {value: true}, "remove": {}, "replace": {value: true}, "test": {value: true}, "move": {from: true}, "copy": {from: true},
}

// Read parses a patch. The error says what makes it none.
func (p Patch) Read() (PatchBody, error) {
	var body PatchBody
	var v any
	dec := yaml.NewDecoder(strings.NewReader(p.Patch))
	if err := dec.Decode(&v); err != nil {
		return body, fmt.Errorf("not YAML: %s", strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\n", " "), "yaml: "))
	}
	var more any
	if dec.Decode(&more) == nil {
		return body, errors.New("more than one document: one patch changes one object")
	}
	text, err := json.Marshal(v)
	if err != nil {
		return body, fmt.Errorf("not JSON: %w", err)
	}
	switch v := v.(type) {
	case []any:
		if err := json.Unmarshal(text, &body.Operations); err != nil {
			return body, errors.New("a list, and not of operations")
		}
		if len(v) == 0 {
			return body, errors.New("a list of no operation")
		}
		for i, o := range body.Operations {
			if err := operation(o); err != nil {
				return PatchBody{}, fmt.Errorf("operation %d: %w", i+1, err)
			}
		}
	case map[string]any:
		err = json.Unmarshal(text, &body.Merge)
	default:
		err = errors.New("neither a list of operations nor a part of an object")
	}
	return body, err
}

func operation(o map[string]any) error {
	op, _ := o["op"].(string)
	needs, ok := operations[op]
	if !ok {
		return fmt.Errorf("op %q is none of add, copy, move, remove, replace, test", op)
	}
	for key, needed := range map[string]bool{"path": true, "from": needs.from} {
		if at, _ := o[key].(string); needed && !strings.HasPrefix(at, "/") {
			return fmt.Errorf("%s %q does not begin with \"/\"", key, at)
		}
	}
	if _, has := o["value"]; needs.value && !has {
		return fmt.Errorf("%s without a value", op)
	}
	return nil
}
