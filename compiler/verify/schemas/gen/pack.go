package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A set is what is derived from one release of one component.
type set struct {
	Component string   `json:"component"`
	Release   string   `json:"release"`
	Channel   string   `json:"channel,omitempty"`
	File      string   `json:"file"`
	Origin    string   `json:"origin"`
	Licence   string   `json:"licence"`
	Groups    []string `json:"groups,omitempty"`
	entries   map[string]any
	packed    []byte // an archive that stays; nil: entries are packed
}

// keep takes the set as it was derived before, because what it derives from is not there: lacks is the error that says so.
// Any other error comes back.
func (s *set) keep(dir string, lacks error) error {
	if !errors.Is(lacks, fs.ErrNotExist) || s == nil {
		return lacks
	}
	text, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		return errors.Join(lacks, err)
	}
	var sets []*set
	if err := json.Unmarshal(text, &sets); err != nil {
		return errors.Join(lacks, err)
	}
	for _, old := range sets {
		if old.Component != s.Component || old.Release != s.Release || old.Channel != s.Channel || old.Origin != s.Origin {
			continue
		}
		s.Groups = old.Groups
		if s.packed, err = os.ReadFile(filepath.Join(dir, old.File)); err != nil {
			return errors.Join(lacks, err)
		}
		z, err := zip.NewReader(bytes.NewReader(s.packed), int64(len(s.packed)))
		if err != nil {
			return errors.Join(lacks, err)
		}
		for _, f := range z.File {
			s.put(f.Name, nil)
		}
		fmt.Fprintf(os.Stderr, "gen: %s stays as it is: %v\n", old.File, lacks)
		return nil
	}
	return fmt.Errorf("%w, and nothing was derived from it before", lacks)
}

// entry is the content of one file of the archive.
type entry struct {
	Namespaced bool           `json:"namespaced,omitempty"`
	Schema     map[string]any `json:"schema"`
}

func (s *set) add(group, version, kind string, namespaced bool, schema map[string]any) {
	if !slices.Contains(s.Groups, group) {
		s.Groups = append(s.Groups, group)
		slices.Sort(s.Groups)
	}
	s.put(strings.TrimPrefix(group+"/"+version+"/"+kind, "/"), entry{namespaced, schema})
}

func (s *set) put(name string, content any) {
	if s.entries == nil {
		s.entries = map[string]any{}
	}
	s.entries[name] = content
}

// write packs the entries into a zip archive: sorted, without times, so that equal entries give equal bytes. A zip is
// read entry by entry, which spares the build the kinds that a tree does not use.
func (s *set) write(dir string) error {
	s.File = s.Component + "-" + s.Release
	if s.Channel != "" {
		s.File += "-" + s.Channel
	}
	s.File += ".zip"
	if s.packed != nil {
		return os.WriteFile(filepath.Join(dir, s.File), s.packed, 0o644)
	}
	var names []string
	for name := range s.entries {
		names = append(names, name)
	}
	slices.Sort(names)
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
	for _, name := range names {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate})
		if err != nil {
			return err
		}
		data, err := json.Marshal(s.entries[name]) // sorts keys
		if err != nil {
			return err
		}
		if _, err := w.Write(data); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, s.File), buf.Bytes(), 0o644)
}
