package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"
)

type crd struct {
	Kind string
	Spec struct {
		Group    string
		Scope    string
		Names    struct{ Kind string }
		Versions []struct {
			Name   string
			Served bool
			Schema struct {
				OpenAPIV3Schema map[string]any `yaml:"openAPIV3Schema"`
			}
		}
	}
}

// read derives the kinds of a file of a directory, or of those of a module.
func (f crdFile) read(dir string, s *set) error {
	of, ok := crdModules[f.Component]
	if !ok {
		return readCRDs(filepath.Join(dir, f.File), s)
	}
	dir, err := module(of, "v"+f.Release)
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(dir, f.File, "*.yaml")) // sorted
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s %s has no %s/*.yaml", of, f.Release, f.File)
	}
	for _, name := range files {
		err = errors.Join(err, readCRDs(name, s))
	}
	return err
}

// readCRDs derives the served versions of every kind of a file.
func readCRDs(path string, s *set) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for dec := yaml.NewDecoder(bytes.NewReader(data)); ; {
		var c crd
		if err := dec.Decode(&c); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if c.Kind != "CustomResourceDefinition" {
			continue // the admission policy beside the Gateway API
		}
		for _, v := range c.Spec.Versions {
			if !v.Served {
				continue
			}
			d, err := derive(v.Schema.OpenAPIV3Schema, nil, false)
			if err != nil {
				return fmt.Errorf("%s: %s %s: %w", path, c.Spec.Names.Kind, v.Name, err)
			}
			apiVersion := c.Spec.Group + "/" + v.Name
			o := object(d, apiVersion, c.Spec.Names.Kind)
			o["properties"].(map[string]any)["metadata"] = metaSchema
			s.add(c.Spec.Group, v.Name, c.Spec.Names.Kind, c.Spec.Scope == "Namespaced", o)
		}
	}
}
