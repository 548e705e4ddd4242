package artifact

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode"
)

// Tree is a set of files to be written. A path is given out once, so that two backends cannot overwrite each other.
// Mistakes of the callers are collected and told by Err; a Tree is filled by one goroutine.
type Tree struct {
	files  map[string]*File
	dirs   map[string]string // directory → one path below it
	site   string            // set by Seal
	errs   []error
	sealed bool
	sorted []*File // the files by path; nil after one was added
	lists  lists   // of site paths, which all files share
}

// NewTree returns an empty tree.
func NewTree() *Tree {
	return &Tree{files: map[string]*File{}, dirs: map[string]string{}}
}

// usualSize is room for most files of a tree, in bytes: a fleet has tens of thousands.
const usualSize = 1 << 10

// File adds an empty file of mode 0644. The path is relative to the output directory, with forward slashes; from are
// the site paths behind every line of it, its first base. A path that is absolute, unclean or taken is an error of the
// tree; the File returned then belongs to no tree, so that a backend can write on and need not look.
func (t *Tree) File(name string, from ...string) *File {
	f := &File{path: name, tree: t, data: make([]byte, 0, usualSize)}
	f.Begin(from...)
	f.first = f.base
	if err := t.admit(name); err != nil {
		t.errs = append(t.errs, err)
		return f
	}
	t.files[name] = f
	t.sorted = nil
	for d := path.Dir(name); d != "." && t.dirs[d] == ""; d = path.Dir(d) {
		t.dirs[d] = name
	}
	return f
}

func (t *Tree) admit(name string) error {
	switch {
	case t.sealed:
		return fmt.Errorf("%q: the tree is sealed", name)
	case !validPath(name):
		return fmt.Errorf("%q is not a clean relative path", name)
	case t.files[name] != nil:
		return fmt.Errorf("%q is written twice", name)
	case t.dirs[name] != "":
		return fmt.Errorf("%q is a file and, for %q, a directory", name, t.dirs[name])
	}
	for d := path.Dir(name); d != "."; d = path.Dir(d) {
		if t.files[d] != nil {
			return fmt.Errorf("%q is a file and, for %q, a directory", d, name)
		}
	}
	return nil
}

// validPath reports whether a path stays below the output directory and means the same on every system.
func validPath(name string) bool {
	return fs.ValidPath(name) && name != "." && !strings.ContainsRune(name, '\\') &&
		!strings.ContainsFunc(name, unicode.IsControl)
}

// Err returns everything that callers did wrong, joined, or nil. A tree with an error must not be written.
func (t *Tree) Err() error { return errors.Join(t.errs...) }

// Files returns the files sorted by path.
func (t *Tree) Files() []*File {
	if t.sorted == nil {
		t.sorted = slices.SortedFunc(maps.Values(t.files), func(a, b *File) int { return strings.Compare(a.path, b.path) })
	}
	return slices.Clone(t.sorted)
}

// Lookup returns the file at path, or nil.
func (t *Tree) Lookup(path string) *File { return t.files[path] }
