// Package schemas holds what the declared releases accept: one JSON Schema (draft 7, without references) a kind and
// version, derived from the CRDs, OpenAPI documents and charts of upstream projects. README.md lists origin and licence
// of each archive; command gen derives them.
//
// In goes a component with its release and the name of a kind or chart entry; out comes its schema, read lazily: an
// entry is decompressed when somebody asks for it first, and kept for the other sites of a fleet. All of it may be used by
// several goroutines, and nobody may change what it returns.
package schemas

import (
	"archive/zip"
	"bytes"
	"cmp"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:generate go run ./gen -crds ${MESHGEN_CRDS} -out data

//go:embed data
var data embed.FS

// Set is what was derived from one release of one component.
type Set struct {
	Component string   // "istio", "kubernetes", "chart-istiod"
	Release   string   // "1.31.1"; it stands for its minor release
	Channel   string   // of the Gateway API: "standard" or "experimental"
	File      string   // archive in data
	Origin    string   // project, release and path it derives from
	Licence   string   // SPDX
	Groups    []string // API groups whose kinds it holds; "" is the core group

	mu      sync.Mutex // guards what follows
	archive *zip.Reader
	entries map[string]Entry // those that were asked for
}

// Entry is the schema of one kind at one version, or of a chart's values.
type Entry struct {
	Namespaced bool           // objects of the kind live in a namespace
	Schema     map[string]any // decoded JSON
}

// Index lists all sets, sorted by component, release and channel. It opens no archive.
func Index() ([]*Set, error) { return indexed() }

var indexed = sync.OnceValues(func() ([]*Set, error) {
	text, err := data.ReadFile("data/index.json")
	if err != nil {
		return nil, err
	}
	var sets []*Set
	if err := json.Unmarshal(text, &sets); err != nil {
		return nil, fmt.Errorf("index of schemas: %w", err)
	}
	slices.SortFunc(sets, func(a, b *Set) int {
		return cmp.Or(cmp.Compare(a.Component, b.Component), compareReleases(a.Release, b.Release), cmp.Compare(a.Channel, b.Channel))
	})
	return sets, nil
})

// Find returns the set for a release of a component: the one of the same minor release, since a patch release does not
// change what is accepted. An empty release is the newest set, an empty channel any.
func Find(sets []*Set, component, release, channel string) (*Set, bool) {
	for _, s := range slices.Backward(sets) {
		if s.Component == component && (channel == "" || s.Channel == channel) &&
			(release == "" || minor(s.Release) == minor(release)) {
			return s, true
		}
	}
	return nil, false
}

// Entry reads one entry; ok is false when the set has none of the name.
func (s *Set) Entry(name string) (e Entry, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.entries[name]; ok {
		return e, true, nil
	}
	if e, ok, err = s.read(name); ok {
		if s.entries == nil {
			s.entries = map[string]Entry{}
		}
		s.entries[name] = e
	}
	return e, ok, err
}

// read decompresses one entry.
func (s *Set) read(name string) (e Entry, ok bool, err error) {
	if err := s.open(); err != nil {
		return Entry{}, false, err
	}
	f, err := s.archive.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return Entry{}, false, nil
	} else if err != nil {
		return Entry{}, false, err
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		return Entry{}, false, fmt.Errorf("%s: %s: %w", s.File, name, err)
	}
	err = json.Unmarshal(text, &e)
	return e, err == nil, err
}

// Names lists the entries, sorted: apiVersion and kind, "networking.istio.io/v1/Gateway", "v1/Service".
func (s *Set) Names() ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.open(); err != nil {
		return nil, err
	}
	var out []string
	for _, f := range s.archive.File {
		out = append(out, f.Name)
	}
	return out, nil
}

func (s *Set) open() error {
	if s.archive != nil {
		return nil
	}
	packed, err := data.ReadFile("data/" + s.File)
	if err != nil {
		return err
	}
	s.archive, err = zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	return err
}

// minor cuts a release to its first two numbers: "1.31.1" is "1.31", "2" is "2".
func minor(release string) string {
	parts := strings.SplitN(strings.TrimPrefix(release, "v"), ".", 3)
	return strings.Join(parts[:min(len(parts), 2)], ".")
}

func compareReleases(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "."), strings.Split(b, "."), func(x, y string) int {
		m, errM := strconv.Atoi(x)
		n, errN := strconv.Atoi(y)
		if errM != nil || errN != nil {
			return cmp.Compare(x, y)
		}
		return cmp.Compare(m, n)
	})
}
