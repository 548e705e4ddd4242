package diff

import (
	"cmp"
	"slices"
	"strings"
)

// entity is what is compared as one.
type entity struct {
	file        *File
	component   string
	kind        string
	name        string
	text        string // as it stands in the file
	first, last int    // lines of the file
	as          reader
	tree        *node // read when it is needed
}

// read returns the tree of the entity.
func (e *entity) read() *node {
	if e.tree != nil {
		return e.tree
	}
	switch e.as {
	case asObjects, asYAML:
		e.tree = readYAML(document{e.text, e.first})
	case asValues:
		e.tree = readValues(e.file)
	case asSwitch:
		e.tree = readStatements(e.file, "!")
	case asStatements:
		e.tree = readStatements(e.file, "#")
	}
	if e.tree == nil {
		e.tree = readText(e.file)
	}
	e.tree.seal()
	return e.tree
}

// entities returns what a file holds. Of a stream those documents are left out whose text is in skip, once for each time
// that it counts.
func entities(f *File, site string, skip map[string]int) []*entity {
	kind := kindOf(f.Path)
	whole := entity{file: f, component: componentOf(f.Path), kind: kind.name, name: shortName(f.Path, site), as: kind.read, text: string(f.Data), first: 1, last: len(f.lines())}
	if kind.read != asObjects && kind.read != asYAML {
		return []*entity{&whole}
	}
	docs := documents(f)
	if len(docs) < 2 && kind.read == asYAML {
		return []*entity{&whole}
	}
	var out []*entity
	for _, d := range docs {
		if skip[d.text] > 0 {
			skip[d.text]--
			continue
		}
		e := whole
		e.text, e.first, e.last = d.text, d.first, d.first+strings.Count(d.text, "\n")
		e.tree = readYAML(d)
		if e.tree == nil || e.tree.form != fields {
			continue // a document of comments
		}
		e.tree.seal()
		if object := e.tree.scalarOf("kind"); object != "" && kind.read == asObjects {
			e.kind = object
			if meta := e.tree.child("metadata"); meta != nil {
				e.name = meta.scalarOf("name")
				if ns := meta.scalarOf("namespace"); ns != "" {
					e.name = ns + "/" + e.name
				}
			}
		}
		out = append(out, &e)
	}
	return out
}

// common counts the documents that two files share.
func common(a, b *File) map[string]int {
	if k := kindOf(a.Path).read; k != asObjects && k != asYAML {
		return nil
	}
	was, both := map[string]int{}, map[string]int{}
	for _, d := range documents(a) {
		was[d.text]++
	}
	for _, d := range documents(b) {
		if was[d.text] > 0 {
			was[d.text]--
			both[d.text]++
		}
	}
	return both
}

// match is an entity of both sides; old or new is nil for what only one has.
type match struct{ old, new *entity }

// pairUp finds the partner of each entity: of the same kind and name in the same file, then in any file, then under another
// name where most of it is the same.
func pairUp(old, new []*entity) []match {
	var out []match
	stages := []func(e *entity) string{
		func(e *entity) string { return e.kind + "\x00" + e.name + "\x00" + e.file.Path },
		func(e *entity) string { return e.kind + "\x00" + e.name },
	}
	for _, key := range stages {
		index := map[string][]*entity{}
		for _, e := range old {
			index[key(e)] = append(index[key(e)], e)
		}
		gone := map[*entity]bool{}
		new = slices.DeleteFunc(new, func(e *entity) bool {
			k := key(e)
			if len(index[k]) == 0 {
				return false
			}
			o := index[k][0]
			index[k], gone[o] = index[k][1:], true
			out = append(out, match{o, e})
			return true
		})
		old = slices.DeleteFunc(old, func(e *entity) bool { return gone[e] })
	}
	renamed, old, new := renames(old, new)
	out = append(out, renamed...)
	for _, e := range old {
		out = append(out, match{e, nil})
	}
	for _, e := range new {
		out = append(out, match{nil, e})
	}
	slices.SortStableFunc(out, func(a, b match) int {
		x, y := a.shown(), b.shown()
		return cmp.Or(cmp.Compare(slices.Index(Components, x.component), slices.Index(Components, y.component)),
			cmp.Compare(x.file.Path, y.file.Path), cmp.Compare(x.first, y.first), cmp.Compare(x.name, y.name))
	})
	return out
}

// shown is the entity by which a match is called.
func (m match) shown() *entity {
	if m.new != nil {
		return m.new
	}
	return m.old
}

const (
	sameEnough = 0.75    // share of what two entities have in common from which on one is the other under a new name
	mostPairs  = 250_000 // that are held against each other; beyond, nothing is a rename
)

// renames pairs what is left of both sides, the most alike first, and returns what is left then.
func renames(old, new []*entity) (out []match, leftOld, leftNew []*entity) {
	type candidate struct {
		o, n  int
		score float64
	}
	class := func(e *entity) string { // of a host file another group's, of a switch any other
		if e.as == asObjects || e.kind == "switch" {
			return e.kind
		}
		return e.kind + "\x00" + e.file.Path[strings.LastIndexByte(e.file.Path, '/')+1:]
	}
	byClass := map[string][]int{}
	for i, e := range new {
		byClass[class(e)] = append(byClass[class(e)], i)
	}
	var all []candidate
	tried := 0
	for i, o := range old {
		others := byClass[class(o)]
		if tried += len(others); tried > mostPairs {
			all = nil
			break
		}
		for _, j := range others {
			if s := alike(o.read(), new[j].read()); s >= sameEnough {
				all = append(all, candidate{i, j, s})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
	usedOld, usedNew := map[int]bool{}, map[int]bool{}
	for _, c := range all {
		if usedOld[c.o] || usedNew[c.n] {
			continue
		}
		usedOld[c.o], usedNew[c.n] = true, true
		out = append(out, match{old[c.o], new[c.n]})
	}
	for i, e := range old {
		if !usedOld[i] {
			leftOld = append(leftOld, e)
		}
	}
	for i, e := range new {
		if !usedNew[i] {
			leftNew = append(leftNew, e)
		}
	}
	return out, leftOld, leftNew
}
