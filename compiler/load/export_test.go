package load

import (
	"testing"

	"cuelang.org/go/cue/cuecontext"
)

// TestExport holds export to what CUE itself makes of a value, byte for byte.
func TestExport(t *testing.T) {
	for name, text := range map[string]string{
		"a scalar":     `7`,
		"nothing":      `{}`,
		"empty blocks": `{a: {}, b: {c: {}, d: []}}`,
		"names":        `{"a\"b": 1, "c\\d": {"é\n": 2}, #def: 3, _hidden: 4, optional?: 5}`,
		"values":       `{a: [1, {b: "<&>"}], c: {d: null, e: 1.50, f: true}, g: {h: {i: {j: "x"}}}}`,
		"defaults":     `{a: *{b: 1} | {b: 2}, c: {d: *"x" | string}, e: #x & {g: 2}, #x: {f: *1 | int, g: int}}`,
		"an order":     `#x: {b: int, a: int, c: {z: *1 | int, y: *2 | int}}, m: {l: 1} & #y, #y: {l: int, k: 2}, n: #x & {a: 1, b: 2}`,
	} {
		v := cuecontext.New().CompileString(text)
		want, err := v.MarshalJSON()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, err := export(v); err != nil || string(got) != string(want) {
			t.Errorf("%s: exported as %s, %v\nCUE says %s", name, got, err, want)
		}
	}
	for _, text := range []string{`{a: int}`, `{a: {b: {c: string}}}`, `{a: 1 & 2}`, `int`} {
		if got, err := export(cuecontext.New().CompileString(text)); err == nil {
			t.Errorf("%s was exported as %s", text, got)
		}
	}
}
