package main

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing/fstest"
)

// unpack reads a packed chart, whose files appear without the leading folder, or one that lies there as a folder.
func unpack(root fs.FS, name string) (fs.FS, error) {
	if !strings.HasSuffix(name, ".tgz") {
		return fs.Sub(root, name)
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	files := fstest.MapFS{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		} else if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		if _, rest, ok := strings.Cut(h.Name, "/"); ok && h.Typeflag == tar.TypeReg {
			files[rest] = &fstest.MapFile{Data: data}
		}
	}
}

// valuesSchema reduces a chart's values.schema.json to what decides, with references resolved.
func valuesSchema(text []byte) (map[string]any, error) {
	var doc map[string]any
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	out, err := inline(doc, doc, 0)
	if err != nil {
		return nil, err
	}
	return out.(map[string]any), nil
}

// prose are keywords that decide nothing, and definitions, which inline puts where they are used.
var prose = []string{"$schema", "$id", "$defs", "definitions", "title", "description", "default", "examples", "$comment"}

// names are keywords whose members are names of the user's, so that none of them is prose.
var names = []string{"properties", "patternProperties"}

func inline(v any, doc map[string]any, depth int) (any, error) {
	if depth > 40 {
		return nil, errors.New("a schema that refers to itself")
	}
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			var err error
			if out[i], err = inline(e, doc, depth+1); err != nil {
				return nil, err
			}
		}
		return out, nil
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok {
			target, err := pointer(doc, ref)
			if err != nil {
				return nil, err
			}
			// Before draft 2019 a reference hides what stands beside it.
			return inline(target, doc, depth+1)
		}
		out := map[string]any{}
		for k, e := range v {
			var err error
			switch {
			case slices.Contains(prose, k):
				continue
			case slices.Contains(names, k):
				members := map[string]any{}
				for name, m := range e.(map[string]any) {
					if members[name], err = inline(m, doc, depth+1); err != nil {
						return nil, err
					}
				}
				out[k] = members
			default:
				if out[k], err = inline(e, doc, depth+1); err != nil {
					return nil, err
				}
			}
		}
		return out, nil
	}
	return v, nil
}

func pointer(doc map[string]any, ref string) (any, error) {
	path, ok := strings.CutPrefix(ref, "#/")
	var v any = doc
	for part := range strings.SplitSeq(path, "/") {
		m, isMap := v.(map[string]any)
		if !ok || !isMap || m[part] == nil {
			return nil, fmt.Errorf("no schema %q", ref)
		}
		v = m[part]
	}
	return v, nil
}
