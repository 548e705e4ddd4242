package diff

import (
	"io/fs"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/diag"
)

// Side is one of two states that are compared.
type Side struct {
	Name  string // what it is called: the argument of the command
	Sites []*Site
}

// Site is what one site is made of.
type Site struct {
	Name  string
	Files []*File
	// Values is the description with all defaults, as JSON is decoded; nil for a tree without its description.
	Values any
	// PosOf returns where a place of the description is written; nil for a tree without its description.
	PosOf func(path string) diag.Pos
}

// File is one file of a tree.
type File struct {
	Path string // in the tree, with forward slashes
	Data []byte
	Mode fs.FileMode
	// Origin returns the rule or formula behind a line (1-based) and the site paths, the line's own first.
	Origin func(line int) (why string, paths []string)

	split []string // the lines, once asked for
}

// FromTree returns the site that a compilation has made. The manifest is no part of it, nor are pages and
// pictures: they follow from the others.
func FromTree(name string, t *artifact.Tree, values any, posOf func(string) diag.Pos) *Site {
	s := &Site{Name: name, Values: values, PosOf: posOf}
	for _, f := range t.Files() {
		if f.Path() == artifact.ManifestPath(name) || retold(f.Path()) {
			continue
		}
		s.Files = append(s.Files, &File{Path: f.Path(), Data: f.Bytes(), Mode: f.Mode(), Origin: func(line int) (string, []string) {
			o, _ := f.Origin(line)
			return o.Why, o.Paths
		}})
	}
	return s
}

// FromManifest returns the site that a manifest lists; read returns the content of a file that it names. A line has the
// origins of its whole file.
func FromManifest(m *artifact.Manifest, read func(path string) ([]byte, error)) (*Site, error) {
	s := &Site{Name: m.Site}
	for _, e := range m.Files {
		if retold(e.Path) {
			continue
		}
		data, err := read(e.Path)
		if err != nil {
			return nil, err
		}
		f := &File{Path: e.Path, Data: data, Mode: 0o644, Origin: func(int) (string, []string) { return "", e.Origins }}
		if e.Mode != "" {
			f.Mode = 0o755
		}
		s.Files = append(s.Files, f)
	}
	return s, nil
}

// lines returns the lines of the file without their ends.
func (f *File) lines() []string {
	if f.split == nil {
		f.split = strings.Split(strings.TrimSuffix(string(f.Data), "\n"), "\n")
	}
	return f.split
}

// site returns the site of a name, or nil.
func (s *Side) site(name string) *Site {
	for _, one := range s.Sites {
		if one.Name == name {
			return one
		}
	}
	return nil
}
