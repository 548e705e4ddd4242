package load

import (
	"bytes"
	"encoding/json"
	"sync"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"

	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// Source is a site that was loaded without fault, and what the user wrote to describe it. It may be used by several
// goroutines.
type Source struct {
	Site *site.Site // all defaults that stand by themselves are filled in; nobody may change it

	mu   *sync.Mutex // guards user, whose values CUE computes as they are asked for
	user cue.Value   // what the user wrote, without the schema; none after Release
	raw  []byte      // the site as JSON, in CUE's order
	once sync.Once
	json []byte

	files    []file           // as they were read
	leavesAt map[diag.Pos]int // see shared
}

// Release lets go of what CUE holds of the site, some 100 KiB; the typed site and the text stay. Whoever asks for a
// position after that has the text read again. Nobody else may be using the Source.
func (s *Source) Release() {
	// The mutex goes with the CUE context that it guards: the next value has one of its own.
	s.mu, s.user, s.leavesAt = new(sync.Mutex), cue.Value{}, nil
}

// written returns what the user wrote. The caller holds the mutex.
func (s *Source) written() cue.Value {
	if !s.user.Exists() {
		// It was read without fault before. Where a package of the user's module has changed since, there are no positions.
		if inst, faults := parse(s.files); len(faults) == 0 {
			s.user = cuecontext.New().BuildInstance(inst)
		}
	}
	return s.user
}

// PosOf returns where a site path stands in the user's files: the value of a scalar or block. A path that the user did
// not write leads to the closest block above that he did; entries made by a comprehension lead to its template.
func (s *Source) PosOf(path string) diag.Pos {
	s.mu.Lock()
	defer s.mu.Unlock()
	return nearest(s.written(), site.Split(path))
}

// Has reports whether the user wrote the place himself; defaults do not count.
func (s *Source) Has(path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := lookup(s.written(), site.Split(path))
	return ok
}

// Resolved returns the site with all defaults as JSON: keys sorted, two spaces of indent, one line end at the end.
// The same site gives the same bytes, in whatever order and format it was written.
func (s *Source) Resolved() []byte {
	s.once.Do(func() {
		var tree any
		dec := json.NewDecoder(bytes.NewReader(s.raw))
		dec.UseNumber()
		if dec.Decode(&tree) != nil {
			return // CUE wrote it, and load has decoded it once
		}
		var out bytes.Buffer
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if enc.Encode(canonical(tree)) == nil {
			s.json = out.Bytes()
		}
	})
	return bytes.Clone(s.json)
}

// Values returns the resolved site as JSON is decoded, numbers as float64. Each call decodes anew.
func (s *Source) Values() (any, error) {
	var out any
	err := json.Unmarshal(s.raw, &out)
	return out, err
}

// Leaves returns the path of every scalar of the resolved site, in the order of Resolved.
func (s *Source) Leaves() []string {
	var tree any
	dec := json.NewDecoder(bytes.NewReader(s.Resolved()))
	dec.UseNumber()
	if dec.Decode(&tree) != nil {
		return nil
	}
	return leaves(tree, nil, nil)
}
