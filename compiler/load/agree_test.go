package load

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"cuelang.org/go/cue"
)

// agree loads a file twice: CUE decides, and the walk looks for faults on its own. They must be of one mind: whatever
// CUE refuses is explained, and the walk is silent on what CUE takes.
func agree(t *testing.T, l *Loader, name string, data []byte) {
	t.Helper()
	inst, faults := parse([]file{{name: name, data: data}})
	if len(faults) > 0 {
		return
	}
	if err := l.renew(); err != nil {
		t.Fatal(err)
	}
	user := l.ctx.BuildInstance(inst)
	if inst.Err != nil {
		if len(unresolved(inst.Err)) == 0 {
			t.Errorf("CUE refuses to build this and nothing is said:\n%s", data)
		}
		return
	}
	if broken(user) {
		if len(l.explainAlone(user)) == 0 {
			t.Errorf("a broken file is not explained:\n%s", data)
		}
		return
	}
	merged := l.schema.Unify(user)
	if err := merged.Validate(cue.Concrete(true)); err != nil {
		for _, f := range l.explain(user, merged, err) {
			if f.Rule == Internal.ID {
				t.Errorf("not explained: %v\n%s", err, data)
			}
			if f.Pos.File != name && f.Pos.File != "" {
				t.Errorf("a position outside the file: %s", lines([]diagFinding{f}))
			}
		}
		return
	}
	for _, f := range l.survey(user, merged).faults {
		// What passedOver reports is no contradiction: CUE is silent there.
		if f.Rule != Unknown.ID && f.Rule != Unresolved.ID && f.Rule != Evaluation.ID {
			t.Errorf("CUE accepts it, the walk does not: %s\n%s", lines([]diagFinding{f}), data)
		}
	}
}

// junk is put in the place of every value of a site; nil takes the field or element away.
var junk = []any{
	"", json.Number("0"), json.Number("-1"), "x", true, json.RawMessage("null"), map[string]any{}, []any{}, json.Number("1.5"),
	json.Number("99999999999"), []any{json.Number("1")}, map[string]any{"zz": json.Number("1")}, nil,
}

// TestWalkAgreesWithCUE damages sites in every place, in one way after the other.
func TestWalkAgreesWithCUE(t *testing.T) {
	l := NewLoader()
	n := 0
	for _, name := range samples[2:] {
		var tree any
		if err := json.Unmarshal(mustLoad(t, name, read(t, name)).Resolved(), &tree); err != nil {
			t.Fatal(err)
		}
		for i, path := range places(tree, nil, nil) {
			data, err := json.Marshal(damaged(tree, path, junk[i%len(junk)])) // the fuzz test knows no end
			if err != nil {
				t.Fatal(err)
			}
			agree(t, l, "site.json", data)
			n++
		}
	}
	if n < 200 {
		t.Errorf("only %d sites were tried", n)
	}
}

// places lists the paths of everything in a JSON tree.
func places(v any, at []string, to [][]string) [][]string {
	to = append(to, at)
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			to = places(v[k], append(at[:len(at):len(at)], k), to)
		}
	case []any:
		for i, e := range v {
			to = places(e, append(at[:len(at):len(at)], index(i)), to)
		}
	}
	return to
}

// damaged returns a copy of the tree with another value at the path, or without it.
func damaged(v any, path []string, with any) any {
	if len(path) == 0 {
		return with
	}
	switch v := v.(type) {
	case map[string]any:
		c := maps.Clone(v)
		if len(path) == 1 && with == nil {
			delete(c, path[0])
		} else {
			c[path[0]] = damaged(v[path[0]], path[1:], with)
		}
		return c
	case []any:
		i, _ := elementIndex(path[0])
		if len(path) == 1 && with == nil {
			return slices.Delete(slices.Clone(v), i, i+1)
		}
		c := slices.Clone(v)
		c[i] = damaged(v[i], path[1:], with)
		return c
	}
	return v
}

// FuzzBytes reads anything as a site.
func FuzzBytes(f *testing.F) {
	for _, name := range samples {
		f.Add(uint8(0), []byte(read(f, name)))
		f.Add(uint8(3), mustLoad(f, name, read(f, name)).Resolved())
	}
	f.Add(uint8(1), []byte("a: 1.10\na: y\nb: [1, *x]\n"))
	f.Add(uint8(3), []byte(`{"a": 1, "a": 2}`))
	l := NewLoader()
	f.Fuzz(func(t *testing.T, format uint8, data []byte) {
		if len(data) <= 1<<14 && !bomb(data) {
			agree(t, l, "site"+formats[int(format)%len(formats)], data)
		}
	})
}

// FuzzEdit replaces a piece of a good site by anything.
func FuzzEdit(f *testing.F) {
	texts := []string{read(f, samples[0]), read(f, samples[2]), read(f, samples[3])}
	for _, tt := range faultTests {
		if at := strings.Index(texts[0], tt.edit.old); at >= 0 {
			f.Add(uint8(0), uint16(at), uint16(len(tt.edit.old)), tt.edit.new)
		}
	}
	l := NewLoader()
	f.Fuzz(func(t *testing.T, which uint8, at, n uint16, by string) {
		text := texts[int(which)%len(texts)]
		from := int(at) % len(text)
		to := min(from+int(n)%64, len(text))
		data := []byte(text[:from] + by + text[to:])
		if len(by) <= 1<<10 && !bomb(data) {
			agree(t, l, "site.cue", data)
		}
	})
}
