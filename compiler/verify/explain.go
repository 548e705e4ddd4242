package verify

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// A violation is one thing that a schema has against a field.
type violation struct {
	path fieldPath
	text string
}

// explain turns the library's tree of errors into violations in our words: it takes the places from the errors and the
// reasons from the schema, because the library's texts name its keywords and URLs.
func explain(e *jsonschema.ValidationError, schema, instance any) []violation {
	_, pointer, _ := strings.Cut(e.AbsoluteKeywordLocation, "#")
	steps := tokens(pointer)
	keyword := ""
	if len(steps) > 0 {
		keyword = steps[len(steps)-1]
	}
	// Which alternative was meant is not known; the list of what each lacks would only confuse.
	if len(e.Causes) > 0 && keyword != "anyOf" && keyword != "oneOf" {
		var out []violation
		for _, c := range e.Causes {
			out = append(out, explain(c, schema, instance)...)
		}
		return unique(out)
	}
	path := fieldPath(tokens(e.InstanceLocation))
	if keyword == "" {
		return []violation{{path, "does not fit"}}
	}
	return reasons(keyword, get(schema, steps[:len(steps)-1]...), path, get(instance, path...), e)
}

func unique(in []violation) []violation {
	seen := map[string]bool{}
	return slices.DeleteFunc(in, func(v violation) bool {
		key := v.path.String() + "\x00" + v.text
		was := seen[key]
		seen[key] = true
		return was
	})
}

// tokens splits a JSON pointer as the library writes it: each token is escaped for URLs too.
func tokens(pointer string) []string {
	pointer = strings.TrimPrefix(pointer, "/")
	if pointer == "" {
		return nil
	}
	out := strings.Split(pointer, "/")
	for i, t := range out {
		if u, err := url.PathUnescape(t); err == nil {
			t = u
		}
		out[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(t)
	}
	return out
}

// reasons words the failure of one keyword of schema at v.
func reasons(keyword string, schema any, path fieldPath, v any, e *jsonschema.ValidationError) []violation {
	rule := get(schema, keyword)
	one := func(format string, args ...any) []violation {
		return []violation{{path, fmt.Sprintf(format, args...)}}
	}
	switch keyword {
	case "additionalProperties":
		return unknownFields(schema, path, v)
	case "required":
		var out []violation
		for _, name := range strs(rule) {
			if _, ok := dict(v)[name]; !ok {
				out = append(out, violation{path, fmt.Sprintf("required field %q is missing", name)})
			}
		}
		return out
	case "type":
		return one("is %s, not %s", typeOf(v), alternatives(rule, "a "))
	case "enum", "const":
		if keyword == "const" {
			rule = []any{rule}
		}
		return one("%s is not one of %s", show(v), alternatives(rule, ""))
	case "pattern":
		return one("%s does not match %s", show(v), rule)
	case "format":
		return one("%s is no %s", show(v), formatName(rule))
	case "minimum", "exclusiveMinimum":
		return one("%s is below %s", show(v), show(rule))
	case "maximum", "exclusiveMaximum":
		return one("%s is above %s", show(v), show(rule))
	case "minLength":
		return one("%s has fewer than %s characters", show(v), show(rule))
	case "maxLength":
		return one("%s has more than %s characters", show(v), show(rule))
	case "minItems", "minProperties":
		return one("has %d entries, fewer than %s", size(v), show(rule))
	case "maxItems", "maxProperties":
		return one("has %d entries, more than %s", size(v), show(rule))
	case "uniqueItems":
		return one("holds an entry twice")
	case "multipleOf":
		return one("%s is no multiple of %s", show(v), show(rule))
	case "anyOf":
		return one("fits none of the alternatives: %s", branches(rule))
	case "oneOf":
		if len(e.Causes) == 0 {
			return one("fits more than one of the alternatives, which exclude each other: %s", branches(rule))
		}
		return one("fits not exactly one of the alternatives: %s", branches(rule))
	case "not":
		return one("has what is excluded: %s", branches([]any{rule}))
	}
	return one("does not hold against %q of its schema", keyword)
}

func unknownFields(schema any, path fieldPath, v any) []violation {
	properties := dict(schema, "properties")
	var out []violation
	for _, name := range slices.Sorted(maps.Keys(dict(v))) {
		if _, ok := properties[name]; !ok {
			out = append(out, violation{path.to(name), "unknown field" + suggest(name, properties)})
		}
	}
	return out
}

// branches describes alternatives by the fields that they ask for, which is what those of CRDs do.
func branches(rule any) string {
	var out []string
	for _, b := range list(rule) {
		names := strs(b, "required")
		if len(names) == 0 {
			names = slices.Sorted(maps.Keys(dict(b, "properties")))
		}
		if t := str(b, "type"); len(names) == 0 && t != "" {
			names = []string{t}
		}
		if len(names) > 0 {
			out = append(out, strings.Join(names, " and "))
		} else if _, ok := dict(b)["not"]; ok {
			out = append(out, "none of them")
		}
	}
	if len(out) == 0 {
		return "see the schema"
	}
	return strings.Join(out, ", or ")
}

func typeOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "a string"
	case map[string]any:
		return "an object"
	case []any:
		return "an array"
	case int64:
		return "an integer"
	}
	return "a number"
}

// alternatives joins what a type or enum allows.
func alternatives(rule any, article string) string {
	l, ok := rule.([]any)
	if !ok {
		l = []any{rule}
	}
	var out []string
	for _, e := range l {
		s, isString := e.(string)
		switch {
		case !isString:
			s = show(e)
		case article != "" && strings.ContainsRune("aeio", rune(s[0])):
			s = "an " + s
		case article != "" && s != "null":
			s = article + s
		}
		out = append(out, s)
	}
	if len(out) > 12 {
		out = append(out[:12], "…")
	}
	if article != "" {
		return strings.Join(out, " or ")
	}
	return strings.Join(out, ", ")
}

func size(v any) int { return len(list(v)) + len(dict(v)) }

// show prints a value for a message, strings in quotes, long ones cut.
func show(v any) string {
	if s, ok := v.(string); ok {
		if len(s) > 80 {
			s = s[:80] + "…"
		}
		return strconv.Quote(s)
	}
	if text, err := json.Marshal(v); err == nil {
		return string(text)
	}
	return fmt.Sprint(v)
}
